/* gc.c - see gc.h for why it is safe. */
#include "engine/txn/gc.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/time/timestamp.h"
#include "engine/txn/worker.h"

enum { AHEAD = 4, SPARE_MOST = 2 };

/* ---- The queue. ---- */

static struct gc_chunk *chunk_create(struct mae_worker *worker, bool frees)
{
    const size_t bytes = sizeof(struct gc_chunk);
    version_handle handle;
    struct version *version = pool_alloc(&worker->pool, bytes, &handle);
    if (!version && frees)
        version = pool_alloc_reserved(&worker->pool, bytes, &handle);
    if (!version)
        return NULL;
    struct gc_chunk *chunk = (struct gc_chunk *)(void *)version->payload;
    chunk->handle = handle;
    chunk->next = NULL;
    return chunk;
}

static void chunk_free(struct mae_worker *worker, struct gc_chunk *chunk)
{
    pool_free(&worker->pool, chunk->handle, arena_version(worker->pool.base, worker->pool.unit_bytes, chunk->handle));
}

/* Puts a chunk among the spare ones; the first one begins the queue. */
static void chunk_add(struct gc_queue *queue, struct gc_chunk *chunk)
{
    chunk->begin = chunk->items;
    if (!queue->first) {
        queue->first = queue->last = chunk;
        queue->head = queue->tail = chunk->items;
        queue->tail_end = chunk->items + GC_CHUNK_ITEMS;
        queue->extra = -GC_CHUNK_ITEMS;
        return;
    }
    chunk->next = queue->last->next;
    queue->last->next = chunk;
    queue->extra += GC_CHUNK_ITEMS;
}

NOINLINE bool gc_reserve_more(struct mae_worker *worker, size_t more, bool frees)
{
    struct gc_queue *queue = &worker->gc;
    while (!gc_has_room(queue, more)) {
        struct gc_chunk *chunk = chunk_create(worker, frees);
        if (!chunk)
            return false;
        chunk_add(queue, chunk);
    }
    return true;
}

NOINLINE void gc_next_chunk(struct gc_queue *queue)
{
    struct gc_chunk *last = queue->last;
    if (queue->head == queue->tail && last) { /* nothing is queued: the chunk begins again */
        queue->head = queue->tail = last->begin = last->items;
        return;
    }
    MAE_CHECK(last && last->next); /* reserved */
    last->end = queue->tail;
    queue->last = last->next;
    queue->tail = queue->last->items;
    queue->tail_end = queue->tail + GC_CHUNK_ITEMS;
    queue->extra -= GC_CHUNK_ITEMS;
}

/* The first chunk has been worked off, and is not the last. */
static void chunk_done(struct mae_worker *worker)
{
    struct gc_queue *queue = &worker->gc;
    struct gc_chunk *done = queue->first;
    queue->first = done->next;
    queue->head = queue->first->begin;
    chunk_add(queue, done);
    while (queue->extra >= SPARE_MOST * GC_CHUNK_ITEMS) {
        struct gc_chunk *spare = queue->last->next;
        queue->last->next = spare->next;
        queue->extra -= GC_CHUNK_ITEMS;
        chunk_free(worker, spare);
    }
}

/* ---- Giving back. ---- */

static ALWAYS_INLINE void release_one(struct mae_worker *worker, version_handle handle, struct version *version)
{
    /* ORD-5: release pairs with the acquire of the claim, so that the next writer's stores come after our loads. */
    if (handle == HANDLE_INLINE)
        atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_release);
    else
        pool_free_listed(&worker->pool, handle, version);
}

/* Gives back versions that nobody can reach. */
static void release_chain(struct mae_worker *worker, struct table *table, char *row, version_handle handle)
{
    uint64_t released = 0;
    for (; handle != HANDLE_NONE; released++) {
        struct version *version = row_version(table, row, handle);
        version_handle older = atomic_load_explicit(&version->older, memory_order_relaxed);
        RACE(GC_FREE);
        release_one(worker, handle, version);
        handle = older;
    }
    COUNT_ADD(worker, versions_reclaimed, released);
}

static void release_version(struct mae_worker *worker, const struct gc_item *item)
{
    RACE(GC_FREE);
    COUNT(worker, versions_reclaimed);
    release_one(worker, item->handle, row_version(item->table, item->row, item->handle));
}

/* The item comes again. */
static void postpone(struct mae_worker *worker, const struct gc_item *item)
{
    gc_push(&worker->gc, item->table, item->row, item->handle, item->stamp, (enum gc_kind)item->kind);
}

/*
 * What transactions may be standing on when it is unlinked. The worker is active, so min_wts is at most the lower bound
 * of its next timestamp, and so is every rts published.
 */
static void limbo(struct mae_worker *worker, const struct gc_item *item, version_handle first, enum gc_kind kind)
{
    uint64_t stamp = MUTATED(row_free_early) ? 0 : timestamp_make(worker->clock.clock + 1, 0);
    gc_push(&worker->gc, item->table, item->row, first, stamp, kind);
}

/*
 * A tombstone is the row's base: unlinks the whole chain if nothing but aborted versions is above it, and puts it in
 * limbo. If one of those is still younger than the horizon, the item comes back when it no longer is.
 */
static void unlink_tombstone(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    _Atomic version_handle *head = row_head(item->table, item->row);
    version_handle first = atomic_load_explicit(head, memory_order_acquire), handle = first;
    while (handle != item->handle) {
        struct version *version = row_version(item->table, item->row, handle);
        if (version_wts(version) >= min_rts) {
            postpone(worker, item);
            return;
        }
        handle = atomic_load_explicit(&version->older, memory_order_acquire);
    }
    RACE(GC_UNLINK);
    if (!atomic_compare_exchange_strong_explicit(head, &first, HANDLE_NONE, memory_order_acq_rel,
                                                 memory_order_relaxed)) {
        postpone(worker, item); /* somebody has just installed above it, and will abort */
        return;
    }
    limbo(worker, item, first, GC_ROW);
}

/* G4. The base is a row's oldest version, committed, and the newest as well: may it move into the row? */
static ALWAYS_INLINE bool may_settle(const struct mae_worker *worker, const struct gc_item *item,
                                     const struct version *base)
{
    const struct table *table = item->table;
    return item->handle != HANDLE_INLINE && base->payload_bytes <= table->inline_bytes && table->inline_bytes &&
           worker->protocol.settle &&
           /* If there is a newer one, that will settle. */
           atomic_load_explicit(row_head(table, item->row), memory_order_relaxed) == item->handle;
}

/*
 * G4, for a base that may settle, COMMITTED or MOVED. `slot_owned`: the inline slot holds what has just been cut off,
 * so it is the collector's; else it must be free.
 */
static ALWAYS_INLINE void settle(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                                 uint8_t base_status, bool slot_owned)
{
    _Atomic version_handle *head = row_head(item->table, item->row);
    version_handle handle = item->handle;
    struct version *inlined = row_inline_version(item->row);
    uint8_t unused = VERSION_UNUSED;
    RACE(CLAIM_INLINE);
    if (slot_owned)
        atomic_store_explicit(&inlined->status, VERSION_PENDING, memory_order_relaxed); /* published by the CAS below */
    else if (!atomic_compare_exchange_strong_explicit(&inlined->status, &unused, VERSION_PENDING, memory_order_acquire,
                                                      memory_order_relaxed)) /* ORD-5 */
        return;
    inlined->payload_bytes = base->payload_bytes;
    atomic_store_explicit(&inlined->older, handle, memory_order_relaxed);
    atomic_store_explicit(&inlined->wts, item->stamp, memory_order_relaxed);
    memcpy(inlined->payload, base->payload, base->payload_bytes);
    RACE(SETTLE);
    /* ORD-8; ORD-3, writer half: before the load of rts. */
    if (!atomic_compare_exchange_strong_explicit(head, &handle, HANDLE_INLINE, memory_order_seq_cst,
                                                 memory_order_relaxed)) {
        atomic_store_explicit(&inlined->status, VERSION_UNUSED, memory_order_release); /* ORD-5 */
        return;
    }
    RACE(SETTLE);
    uint64_t rts = atomic_load_explicit(&base->rts, memory_order_seq_cst); /* ORD-3, writer half */
    atomic_store_explicit(&inlined->rts, MUTATED(settle_without_rts) ? item->stamp : rts, memory_order_relaxed);
    atomic_store_explicit(&inlined->status, base_status, memory_order_release); /* ORD-7; V5 */
    /* Release: who finds nothing below must find it decided. */
    atomic_store_explicit(&inlined->older, HANDLE_NONE, memory_order_release);
    COUNT(worker, settled);
    limbo(worker, item, item->handle, GC_VERSION);
}

/* G5. The walk is safe: only this row's collector, which holds the lock, gives back what it may meet. */
static NOINLINE void unlink_aborted(struct mae_worker *worker, const struct gc_item *item)
{
    _Atomic version_handle *link = row_head(item->table, item->row);
    version_handle handle = atomic_load_explicit(link, memory_order_acquire);
    while (handle != HANDLE_NONE) {
        struct version *version = row_version(item->table, item->row, handle);
        uint64_t wts = version_wts(version);
        if (handle == item->handle && wts == item->stamp) {
            RACE(GC_UNLINK);
            if (atomic_compare_exchange_strong_explicit(link, &handle,
                                                        atomic_load_explicit(&version->older, memory_order_relaxed),
                                                        memory_order_acq_rel, memory_order_relaxed)) {
                if (MUTATED(aborted_free_early))
                    release_version(worker, item);
                else
                    limbo(worker, item, item->handle, GC_VERSION);
            } else
                postpone(worker, item); /* somebody has just installed above it */
            return;
        }
        if (wts <= item->stamp)
            return; /* went with the collection of a newer one, or with a tombstone (V3) */
        link = &version->older;
        handle = atomic_load_explicit(link, memory_order_acquire);
    }
}

/* Cuts off what is older than the item's version. */
static ALWAYS_INLINE void collect(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    struct table *table = item->table;
    char *row = item->row;
    struct version *base = row_version(table, row, item->handle);
    uint8_t status = atomic_load_explicit(&base->status, memory_order_acquire);
    if (!(version_status_is_committed(status) && version_wts(base) == item->stamp) && /* G2 */
        !MUTATED(gc_reused_version))
        return;
    RACE(GC_UNLINK);
    version_handle rest = atomic_load_explicit(&base->older, memory_order_relaxed);
    atomic_store_explicit(&base->older, HANDLE_NONE, memory_order_relaxed); /* nobody goes there: G1 */
    if (LIKELY(status != VERSION_DELETED) && LIKELY(may_settle(worker, item, base))) {
        /* Nearly always what is older is one version in the row, whose place the base takes. */
        bool slot_owned = rest == HANDLE_INLINE;
        if (LIKELY(slot_owned)) {
            COUNT(worker, versions_reclaimed);
            rest = atomic_load_explicit(&row_inline_version(row)->older, memory_order_relaxed);
        }
        if (UNLIKELY(rest != HANDLE_NONE))
            release_chain(worker, table, row, rest);
        settle(worker, item, base, status, slot_owned);
    } else {
        release_chain(worker, table, row, rest);
        if (status == VERSION_DELETED)
            unlink_tombstone(worker, item, min_rts); /* G3 */
    }
}

/* What is done to a row is done by one collector at a time. */
static ALWAYS_INLINE void work_on_row(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    _Atomic uint8_t *lock = row_lock(item->table, item->row);
    RACE(GC_LOCK);
    /* ORD-6: acquire and release make the row's collectors follow one another. */
    if (atomic_exchange_explicit(lock, 1, memory_order_acquire) && !MUTATED(gc_unlocked)) {
        postpone(worker, item); /* the other collector may have begun with an older version */
        return;
    }
    if (LIKELY(item->kind == GC_BASE))
        collect(worker, item, min_rts);
    else
        unlink_aborted(worker, item);
    atomic_store_explicit(lock, 0, memory_order_release);
}

static void release_row(struct mae_worker *worker, const struct gc_item *item)
{
    RACE(ROW_FREE);
    release_chain(worker, item->table, item->row, item->handle);
    struct row_allocator *rows = worker_rows(worker, item->table);
    COUNT(worker, rows_reclaimed);
    if (rows) /* without memory for the list the id is lost */
        row_free(item->table, rows, table_row_id(item->table, item->row));
}

/* ---- Orphans. ---- */

static struct gc_chunk *take_orphan(struct core *core)
{
    pthread_mutex_lock(&core->orphans_lock);
    struct gc_chunk *orphan = core->orphans;
    if (orphan)
        core->orphans = orphan->next_orphan;
    atomic_store_explicit(&core->orphans_waiting, core->orphans != NULL, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
    return orphan;
}

static void give_orphan(struct core *core, struct gc_chunk *orphan)
{
    pthread_mutex_lock(&core->orphans_lock);
    orphan->next_orphan = core->orphans;
    core->orphans = orphan;
    atomic_store_explicit(&core->orphans_waiting, true, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
}

/*
 * Who has an empty queue takes the orphan as it is, with the room that it has: this works without any memory. Another
 * queue closes its last chunk and goes on in the orphan's, which takes a spare chunk for the places that are lost.
 */
static NOINLINE void adopt(struct mae_worker *worker)
{
    struct gc_queue *queue = &worker->gc;
    bool is_empty = queue->head == queue->tail;
    if (!is_empty && !gc_reserve_more(worker, (size_t)(queue->tail_end - queue->tail), true))
        return;
    struct gc_chunk *orphan = take_orphan(worker->core);
    if (!orphan)
        return;
    struct gc_queue taken = orphan->queue;
    if (is_empty) {
        gc_fini(worker);
        *queue = taken;
        return;
    }
    struct gc_chunk *spares = queue->last->next;
    orphan->begin = taken.head;
    queue->last->end = queue->tail;
    queue->last->next = orphan;
    queue->last = taken.last;
    queue->tail = taken.tail;
    queue->tail_end = taken.tail_end;
    queue->extra += taken.extra + GC_CHUNK_ITEMS;
    struct gc_chunk **behind = &taken.last->next;
    while (*behind) /* a few */
        behind = &(*behind)->next;
    *behind = spares;
}

void gc_orphan(struct mae_worker *worker)
{
    struct gc_queue *queue = &worker->gc;
    if (queue->tail == queue->head)
        return;
    struct gc_chunk *orphan = queue->first;
    orphan->queue = *queue;
    memset(queue, 0, sizeof *queue);
    give_orphan(worker->core, orphan);
}

void gc_fini(struct mae_worker *worker)
{
    for (struct gc_chunk *chunk = worker->gc.first, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(worker, chunk);
    }
    memset(&worker->gc, 0, sizeof worker->gc);
}

/* ---- Working off. ---- */

static NOINLINE void work_off(struct mae_worker *worker, uint64_t min_rts)
{
    struct gc_queue *queue = &worker->gc;
    /* What is queued meanwhile waits for the next time. */
    const struct gc_chunk *last = queue->last;
    const struct gc_item *stop = queue->tail, *end = queue->first == last ? stop : queue->first->end;
    struct gc_item *item = queue->head;
    for (;; item++) {
        while (UNLIKELY(item == end)) { /* an orphan may begin with a chunk of which all is worked off */
            queue->head = item;
            if (queue->first == last)
                return;
            chunk_done(worker);
            item = queue->head;
            end = queue->first == last ? stop : queue->first->end;
        }
        if (item->stamp >= min_rts)
            break;
        __builtin_prefetch((item + AHEAD < end ? item + AHEAD : item)->row, 1);
        if (LIKELY(item->kind <= GC_ABORTED))
            work_on_row(worker, item, min_rts);
        else if (item->kind == GC_VERSION)
            release_version(worker, item);
        else
            release_row(worker, item);
    }
    queue->head = item;
}

void gc_run(struct mae_worker *worker)
{
    const struct gc_queue *queue = &worker->gc;
    if (UNLIKELY(atomic_load_explicit(&worker->core->orphans_waiting, memory_order_relaxed)))
        adopt(worker);
    RACE(LOAD_HORIZON);
    /* ORD-2: acquire; the transactions that ended below this horizon are over, and so are their loads. */
    uint64_t min_rts = atomic_load_explicit(&worker->core->horizon.min_rts, memory_order_acquire);
    if (MUTATED(gc_early))
        min_rts = UINT64_MAX;
    if (MUTATED(gc_at_min_wts))
        min_rts = atomic_load_explicit(&worker->core->horizon.min_wts, memory_order_acquire);
    if (queue->head != queue->tail)
        work_off(worker, min_rts);
}
