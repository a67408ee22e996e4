/* gc.c - see gc.h for why it is safe. */
#include "engine/txn/gc.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/time/timestamp.h"
#include "engine/txn/worker.h"

enum { QUEUE_FIRST = 256, AHEAD = 4 };

bool gc_reserve(struct gc_queue *queue, size_t more)
{
    if (LIKELY(queue->count + more <= queue->capacity))
        return true;
    size_t capacity = queue->capacity ? queue->capacity : QUEUE_FIRST;
    while (capacity < queue->count + more)
        capacity *= 2;
    struct gc_item *items = mem_alloc(capacity * sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->head + i) & (queue->capacity - 1)];
    free(queue->items);
    queue->items = items;
    queue->head = 0;
    queue->capacity = capacity;
    return true;
}

static void push(struct gc_queue *queue, const struct gc_item *item)
{
    MAE_DCHECK(queue->count < queue->capacity);
    queue->items[(queue->head + queue->count++) & (queue->capacity - 1)] = *item;
}

void gc_push(struct gc_queue *queue, struct table *table, char *row, version_handle handle, uint64_t stamp)
{
    push(queue, &(struct gc_item){table, row, stamp, handle, GC_BASE});
}

/* Gives back a version that nobody can reach. */
static void version_release(struct mae_worker *worker, char *row, version_handle handle, struct version *version)
{
    RACE(GC_FREE);
    COUNT(worker, versions_reclaimed);
    /* ORD-5: release pairs with the acquire of the claim, so that the next writer's stores come after our loads. */
    if (handle == HANDLE_INLINE)
        atomic_store_explicit(&row_inline_version(row)->status, VERSION_UNUSED, memory_order_release);
    else
        pool_free(&worker->pool, handle, version);
}

static void release_chain(struct mae_worker *worker, struct table *table, char *row, version_handle handle)
{
    while (handle != HANDLE_NONE) {
        struct version *version = row_version(table, row, handle);
        version_handle older = atomic_load_explicit(&version->older, memory_order_relaxed);
        version_release(worker, row, handle, version);
        handle = older;
    }
}

/*
 * What transactions may be standing on when it is unlinked. The item has just been taken from the queue, so there is
 * room for one. The worker is active, so min_wts is at most the lower bound of its next timestamp, and so is every rts
 * published.
 */
static void limbo(struct mae_worker *worker, const struct gc_item *item, version_handle first, enum gc_kind kind)
{
    uint64_t stamp = MUTATED(row_free_early) ? 0 : timestamp_make(worker->clock.clock + 1, 0);
    push(&worker->gc, &(struct gc_item){item->table, item->row, stamp, first, (uint8_t)kind});
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
            push(&worker->gc, item);
            return;
        }
        handle = atomic_load_explicit(&version->older, memory_order_acquire);
    }
    RACE(GC_UNLINK);
    if (!atomic_compare_exchange_strong_explicit(head, &first, HANDLE_NONE, memory_order_acq_rel,
                                                 memory_order_relaxed)) {
        push(&worker->gc, item); /* somebody has just installed above it, and will abort */
        return;
    }
    limbo(worker, item, first, GC_ROW);
}

/* G4. The base is the row's oldest version, committed, outside the row and small enough. */
static void settle(struct mae_worker *worker, const struct gc_item *item, struct version *base)
{
    _Atomic version_handle *head = row_head(item->table, item->row);
    version_handle handle = item->handle;
    struct version *inlined = row_inline_version(item->row);
    uint8_t unused = VERSION_UNUSED;
    if (atomic_load_explicit(head, memory_order_relaxed) != handle)
        return; /* there is a newer one, and that will settle */
    RACE(CLAIM_INLINE);
    if (!atomic_compare_exchange_strong_explicit(&inlined->status, &unused, VERSION_PENDING, memory_order_acquire,
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
    limbo(worker, item, item->handle, GC_VERSIONS);
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
        push(&worker->gc, item); /* later again: the other collector may have begun with an older version */
        return;
    }
    struct version *base = row_version(table, row, item->handle);
    uint8_t status = atomic_load_explicit(&base->status, memory_order_acquire);
    if (((status == VERSION_COMMITTED || status == VERSION_DELETED) && version_wts(base) == item->stamp) || /* G2 */
        MUTATED(gc_reused_version)) {
        RACE(GC_UNLINK);
        version_handle rest = atomic_load_explicit(&base->older, memory_order_relaxed);
        atomic_store_explicit(&base->older, HANDLE_NONE, memory_order_relaxed); /* nobody goes there: G1 */
        release_chain(worker, table, row, rest);
        if (status == VERSION_DELETED)
            unlink_tombstone(worker, item, min_rts); /* G3 */
        else if (item->handle != HANDLE_INLINE && table->inline_bytes && base->payload_bytes <= table->inline_bytes &&
                 worker->protocol.settle)
            settle(worker, item, base); /* G4 */
    }
    atomic_store_explicit(lock, 0, memory_order_release);
}

static void end_limbo(struct mae_worker *worker, const struct gc_item *item)
{
    RACE(ROW_FREE);
    release_chain(worker, item->table, item->row, item->handle);
    if (item->kind != GC_ROW)
        return;
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
    if (orphan && gc_reserve(&worker->gc, orphan->count)) {
        core->orphans = orphan->next;
        for (size_t i = 0; i < orphan->count; i++)
            push(&worker->gc, &orphan->items[(orphan->head + i) & (orphan->capacity - 1)]);
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
    for (size_t i = queue->count; i > 0 && queue->items[queue->head].stamp < min_rts; i--) {
        struct gc_item item = queue->items[queue->head];
        const struct gc_item *ahead = &queue->items[(queue->head + AHEAD) & (queue->capacity - 1)];
        __builtin_prefetch(ahead->row, 1); /* may be an old item's: rows stay mapped */
        queue->head = (queue->head + 1) & (queue->capacity - 1);
        queue->count--;
        if (item.kind == GC_BASE)
            collect(worker, &item, min_rts);
        else
            end_limbo(worker, &item);
    }
}

void gc_orphan(struct mae_worker *worker)
{
    if (worker->gc.count == 0)
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
