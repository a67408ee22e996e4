/* gc.c - see gc.h for why it is safe. */
#include "engine/txn/gc.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/time/timestamp.h"
#include "engine/txn/worker.h"

enum { QUEUE_FIRST = 256, AHEAD = 4 };

static struct gc_item *item_at(const struct gc_queue *queue, size_t i)
{
    return &queue->items[i & (queue->capacity - 1)];
}

bool gc_reserve_more(struct gc_queue *queue, size_t more)
{
    size_t capacity = queue->capacity ? queue->capacity : QUEUE_FIRST;
    while (!gc_has_room(queue->tail - queue->head, more, capacity))
        capacity *= 2;
    struct gc_item *items = mem_alloc(capacity * sizeof *items);
    if (!items)
        return false;
    for (size_t i = queue->head; i != queue->tail; i++)
        items[i & (capacity - 1)] = *item_at(queue, i);
    free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    return true;
}

/* Gives back versions that nobody can reach. */
static void release_chain(struct mae_worker *worker, struct table *table, char *row, version_handle handle)
{
    uint64_t released = 0;
    for (; handle != HANDLE_NONE; released++) {
        struct version *version = row_version(table, row, handle);
        version_handle older = atomic_load_explicit(&version->older, memory_order_relaxed);
        RACE(GC_FREE);
        /* ORD-5: release pairs with the acquire of the claim, so that the next writer's stores come after our loads. */
        if (handle == HANDLE_INLINE)
            atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_release);
        else
            pool_free_listed(&worker->pool, handle, version);
        handle = older;
    }
    COUNT_ADD(worker, versions_reclaimed, released);
}

/* The item comes again. There is room for one more, see gc_reserve. */
static void postpone(struct mae_worker *worker, const struct gc_item *item)
{
    gc_push(&worker->gc, item->table, item->row, item->handle, item->stamp, GC_BASE);
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
 * G4, for a base that may settle. `slot_owned`: the inline slot holds what has just been cut off, so it is the
 * collector's; else it must be free.
 */
static ALWAYS_INLINE void settle(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                                 bool slot_owned)
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
    atomic_store_explicit(&inlined->status, VERSION_COMMITTED, memory_order_release); /* ORD-7 */
    /* Release: who finds nothing below must find it decided. */
    atomic_store_explicit(&inlined->older, HANDLE_NONE, memory_order_release);
    COUNT(worker, settled);
    limbo(worker, item, item->handle, GC_VERSION);
}

/* Cuts off what is older than the item's version. */
static void collect(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    struct table *table = item->table;
    char *row = item->row;
    _Atomic uint8_t *lock = row_lock(table, row);
    RACE(GC_LOCK);
    /* ORD-6: acquire and release make the row's collectors follow one another. */
    if (atomic_exchange_explicit(lock, 1, memory_order_acquire) && !MUTATED(gc_unlocked)) {
        postpone(worker, item); /* the other collector may have begun with an older version */
        return;
    }
    struct version *base = row_version(table, row, item->handle);
    uint8_t status = atomic_load_explicit(&base->status, memory_order_acquire);
    if (((status == VERSION_COMMITTED || status == VERSION_DELETED) && version_wts(base) == item->stamp) || /* G2 */
        MUTATED(gc_reused_version)) {
        RACE(GC_UNLINK);
        version_handle rest = atomic_load_explicit(&base->older, memory_order_relaxed);
        atomic_store_explicit(&base->older, HANDLE_NONE, memory_order_relaxed); /* nobody goes there: G1 */
        if (LIKELY(status == VERSION_COMMITTED) && LIKELY(may_settle(worker, item, base))) {
            /* Nearly always what is older is one version in the row, whose place the base takes. */
            bool slot_owned = rest == HANDLE_INLINE;
            if (LIKELY(slot_owned)) {
                COUNT(worker, versions_reclaimed);
                rest = atomic_load_explicit(&row_inline_version(row)->older, memory_order_relaxed);
            }
            if (UNLIKELY(rest != HANDLE_NONE))
                release_chain(worker, table, row, rest);
            settle(worker, item, base, slot_owned);
        } else {
            release_chain(worker, table, row, rest);
            if (status == VERSION_DELETED)
                unlink_tombstone(worker, item, min_rts); /* G3 */
        }
    }
    atomic_store_explicit(lock, 0, memory_order_release);
}

static void release_version(struct mae_worker *worker, const struct gc_item *item)
{
    RACE(GC_FREE);
    COUNT(worker, versions_reclaimed);
    pool_free_listed(&worker->pool, item->handle, row_version(item->table, item->row, item->handle));
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

static void adopt(struct mae_worker *worker)
{
    struct core *core = worker->core;
    pthread_mutex_lock(&core->orphans_lock);
    struct gc_queue *orphan = core->orphans;
    if (orphan && gc_reserve(&worker->gc, orphan->tail - orphan->head)) {
        core->orphans = orphan->next;
        for (size_t i = orphan->head; i != orphan->tail; i++)
            *item_at(&worker->gc, worker->gc.tail++) = *item_at(orphan, i);
        gc_queue_fini(orphan);
        free(orphan);
    }
    atomic_store_explicit(&core->orphans_waiting, core->orphans != NULL, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
}

void gc_run(struct mae_worker *worker)
{
    struct gc_queue *queue = &worker->gc;
    if (UNLIKELY(atomic_load_explicit(&worker->core->orphans_waiting, memory_order_relaxed)))
        adopt(worker);
    RACE(LOAD_HORIZON);
    /* ORD-2: acquire; the transactions that ended below this horizon are over, and so are their loads. */
    uint64_t min_rts = atomic_load_explicit(&worker->core->horizon.min_rts, memory_order_acquire);
    if (MUTATED(gc_early))
        min_rts = UINT64_MAX;
    if (MUTATED(gc_at_min_wts))
        min_rts = atomic_load_explicit(&worker->core->horizon.min_wts, memory_order_acquire);
    for (size_t end = queue->tail; queue->head != end; queue->head++) {
        const struct gc_item *item = item_at(queue, queue->head); /* stays as it is until head has passed it */
        if (item->stamp >= min_rts)
            break;
        __builtin_prefetch(item_at(queue, queue->head + AHEAD)->row, 1); /* may be an old item's: rows stay mapped */
        if (item->kind == GC_BASE)
            collect(worker, item, min_rts);
        else if (item->kind == GC_VERSION)
            release_version(worker, item);
        else
            release_row(worker, item);
    }
}

void gc_orphan(struct mae_worker *worker)
{
    if (worker->gc.tail == worker->gc.head)
        return;
    struct gc_queue *orphan = mem_alloc(sizeof *orphan);
    if (!orphan)
        return;
    *orphan = worker->gc;
    memset(&worker->gc, 0, sizeof worker->gc);
    struct core *core = worker->core;
    pthread_mutex_lock(&core->orphans_lock);
    orphan->next = core->orphans;
    core->orphans = orphan;
    atomic_store_explicit(&core->orphans_waiting, true, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
}

void gc_queue_fini(struct gc_queue *queue)
{
    free(queue->items);
    memset(queue, 0, sizeof *queue);
}
