/* gc.c - see gc.h for why it is safe. */
#include "engine/txn/gc.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/time/timestamp.h"
#include "engine/txn/resolve.h"
#include "engine/txn/worker.h"

enum {
    AHEAD = 4,
    SPARE_MOST = 2,
    HELD_AT_ONCE = 64,
    HELD_PART = 32,
    ORPHANS_AT_ONCE = 4,
    CHUNKS_AT_ONCE = 64,
    CHUNKS_PART = 32
};

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

/* Adds a chunk to the spare ones. The first chunk of an empty queue becomes its first and last. */
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

NOINLINE bool gc_reserve_more(struct mae_worker *worker, struct gc_queue *queue, size_t more, bool frees)
{
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
    if (queue->head == queue->tail && last) { /* the queue is empty: fill the chunk again from its beginning */
        queue->head = queue->tail = last->begin = last->items;
        return;
    }
    MAE_CHECK(last && last->next); /* reserved */
    last->end = queue->tail;
    queue->last = last->next;
    queue->tail = queue->last->items;
    queue->tail_end = queue->tail + GC_CHUNK_ITEMS;
    queue->extra -= GC_CHUNK_ITEMS;
    queue->behind++;
}

/* For a first chunk that has been worked off and is not the last: makes it a spare one. */
static void chunk_done(struct mae_worker *worker, struct gc_queue *queue)
{
    MAE_DCHECK(queue->first != queue->last);
    MAE_DCHECK(queue->head == queue->first->end);
    MAE_DCHECK(queue->behind > 0);
    queue->behind--;
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

static void queue_free(struct mae_worker *worker, struct gc_queue *queue)
{
    MAE_DCHECK(queue->head == queue->tail); /* nothing that is queued is lost */
    for (struct gc_chunk *chunk = queue->first, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(worker, chunk);
    }
    memset(queue, 0, sizeof *queue);
}

/* ---- Giving back. ---- */

static ALWAYS_INLINE void release_one(struct mae_worker *worker, version_handle handle, struct version *version)
{
    MAE_DCHECK(handle != HANDLE_NONE);
    /* ORD-5: release pairs with the acquire of the claim, so that the next writer's stores come after our loads. */
    if (handle == HANDLE_INLINE)
        atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_release);
    else
        pool_free_listed(&worker->pool, handle, version);
}

/* Gives back versions that no transaction can reach. */
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

static NOINLINE void release_run(struct mae_worker *worker, const struct gc_item *item)
{
    version_handle handle = item->handle, older;
    for (unsigned left = item->more + 1u; left > 0; left--, handle = older) {
        struct version *version = row_version(item->table, item->row, handle);
        older = atomic_load_explicit(&version->older, memory_order_relaxed);
        RACE(GC_FREE);
        release_one(worker, handle, version);
    }
    COUNT_ADD(worker, versions_reclaimed, item->more + 1u);
}

static ALWAYS_INLINE void release_versions(struct mae_worker *worker, const struct gc_item *item)
{
    if (UNLIKELY(item->more > 0)) {
        release_run(worker, item);
        return;
    }
    RACE(GC_FREE);
    COUNT(worker, versions_reclaimed);
    release_one(worker, item->handle, row_version(item->table, item->row, item->handle));
}

/* Queues an item as it is. There must be room. */
static void push_item(struct gc_queue *queue, const struct gc_item *item, enum gc_kind kind)
{
    gc_push(queue, item->table, item->row, item->handle, item->stamp, kind);
    queue->tail[-1].more = item->more;
}

/* Queues the item once more. */
static void postpone(struct mae_worker *worker, const struct gc_item *item)
{
    push_item(&worker->gc, item, (enum gc_kind)item->kind);
}

/*
 * Queues what has been unlinked while transactions may stand on it. The stamp is the lower bound of this worker's next
 * timestamp. The worker is active, so min_wts, and with it every published rts, is at most that bound.
 */
static void limbo(struct mae_worker *worker, const struct gc_item *item, version_handle first, enum gc_kind kind)
{
    MAE_DCHECK(kind == GC_VERSION || kind == GC_ROW); /* G3 to G5 */
    uint64_t stamp = MUTATED(row_free_early) ? 0 : timestamp_make(worker->clock.clock + 1, 0);
    gc_push(&worker->gc, item->table, item->row, first, stamp, kind);
}

/*
 * For a row whose base is a tombstone and has nothing older (G3): unlinks the tombstone if it is alone, and puts the
 * row in limbo. Aborted versions that stand above are unlinked by their own items, so this one waits for that.
 */
static void unlink_tombstone(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    MAE_DCHECK(item->stamp < min_rts); /* G3 */
    MAE_DCHECK(atomic_load_explicit(row_lock(item->table, item->row), memory_order_relaxed) == ROW_LOCKED ||
               MUTATED(gc_unlocked));
    version_handle newest = item->handle;
    RACE(GC_UNLINK);
    if (atomic_compare_exchange_strong_explicit(row_head(item->table, item->row), &newest, HANDLE_NONE,
                                                memory_order_acq_rel, memory_order_relaxed))
        limbo(worker, item, item->handle, GC_ROW);
    else if (newest !=
             HANDLE_NONE) /* else in limbo already: the item that waited for a pin was worked off first (G6) */
        postpone(worker, item);
}

/* What a collector looks at of the row and the item's version, which may be something else by now (G2). */
struct seen {
    version_handle newest, older;
    uint8_t status;
    bool is_same; /* the version is committed, and the one that was queued */
};

/*
 * G2. The version may wait in limbo, taken there by a collector that came along the chain, and its memory may be used
 * again at any moment. So its link and the row's head are loaded first: if it is then still what the item says, the
 * link was its own. In limbo nothing is older than it, nor is it the row's newest. In the chain it stays, since this
 * collector has the row's lock.
 */
static ALWAYS_INLINE struct seen look_at(const struct gc_item *item)
{
    struct version *version = row_version(item->table, item->row, item->handle);
    struct seen seen = {.older = atomic_load_explicit(&version->older, memory_order_acquire),
                        .newest = atomic_load_explicit(row_head(item->table, item->row), memory_order_acquire)};
    seen.status = atomic_load_explicit(&version->status, memory_order_acquire);
    seen.is_same =
        (version_status_is_committed(seen.status) && version_wts(version) == item->stamp) || MUTATED(gc_reused_version);
    RACE(GC_LOOK);
    if (MUTATED(limbo_unnoticed))
        seen.older = atomic_load_explicit(&version->older, memory_order_acquire);
    return seen;
}

/* G4. For a base that is committed and the row's oldest version: may it settle? It must be the newest, too: if there is
 * a newer version, that one will settle. */
static ALWAYS_INLINE bool may_settle(const struct mae_worker *worker, const struct gc_item *item,
                                     const struct version *base, version_handle newest)
{
    const struct table *table = item->table;
    return item->handle != HANDLE_INLINE && base->payload_bytes <= table->inline_bytes && table->inline_bytes &&
           worker->protocol.settle && newest == item->handle;
}

/*
 * G4, for a base that may settle, COMMITTED or MOVED. `slot_owned`: the inline slot holds what the collector has just
 * cut off, so the collector owns it. Otherwise the slot must be free.
 */
static ALWAYS_INLINE void settle(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                                 uint8_t base_status, bool slot_owned)
{
    MAE_DCHECK(item->handle != HANDLE_INLINE && base->payload_bytes <= item->table->inline_bytes); /* G4 */
    MAE_DCHECK(base_status == VERSION_COMMITTED || base_status == VERSION_MOVED);
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
    /* Release: a transaction that finds no older version must find this one decided. */
    atomic_store_explicit(&inlined->older, HANDLE_NONE, memory_order_release);
    COUNT(worker, settled);
    limbo(worker, item, item->handle, GC_VERSION);
}

/* ---- Runs: neighbours in a chain that are unlinked together. ---- */

struct run {
    version_handle first, behind; /* the newest of them, and what is older than all of them */
    uint32_t count;
};

/* Puts a run in limbo that has been unlinked. Each of its versions is marked, so that none is unlinked twice (G2). */
static void limbo_run(struct mae_worker *worker, const struct gc_item *item, struct run run)
{
    MAE_DCHECK(run.count > 0 && run.count <= GC_RUN_MOST);
    version_handle handle = run.first;
    for (uint32_t i = 0; i < run.count; i++) {
        struct version *version = row_version(item->table, item->row, handle);
        MAE_DCHECK(atomic_load_explicit(&version->status, memory_order_relaxed) >= VERSION_DELTA); /* G2 */
        /* Release, since G2's check loads it. Transactions that walk past look for another version. */
        if (!MUTATED(unlinked_unmarked))
            atomic_store_explicit(&version->status, VERSION_UNLINKED, memory_order_release);
        handle = atomic_load_explicit(&version->older, memory_order_relaxed);
    }
    MAE_DCHECK(handle == run.behind);
    limbo(worker, item, run.first, GC_VERSION);
    worker->gc.tail[-1].more = (run.count - 1) & (GC_RUN_MOST - 1);
    if (MUTATED(aborted_free_early))
        release_versions(worker, --worker->gc.tail);
}

/* The aborted versions from `first` on, down to one that is not. */
static struct run aborted_run(const struct gc_item *item, version_handle first)
{
    struct run run = {first, first, 0};
    while (run.behind != HANDLE_NONE && run.count < GC_RUN_MOST) {
        struct version *version = row_version(item->table, item->row, run.behind);
        uint8_t status = atomic_load_explicit(&version->status, memory_order_acquire);
        MAE_DCHECK(status >= VERSION_DELTA && status <= VERSION_ABORTED); /* H1: decided; G5: in the chain */
        if (status != VERSION_ABORTED)
            break;
        run.behind = atomic_load_explicit(&version->older, memory_order_acquire);
        run.count++;
    }
    return run;
}

/* G5: unlinks the aborted versions right below the item's one; and that one, too, if it is the newest. */
static NOINLINE void unlink_aborted(struct mae_worker *worker, const struct gc_item *item)
{
    MAE_DCHECK(item->kind == GC_ABORTED); /* G5 */
    struct version *version = row_version(item->table, item->row, item->handle);
    uint8_t status = atomic_load_explicit(&version->status, memory_order_acquire);
    if (status != VERSION_ABORTED || version_wts(version) != item->stamp) /* G2 */
        return;
    struct run run = aborted_run(item, atomic_load_explicit(&version->older, memory_order_acquire));
    _Atomic version_handle *head = row_head(item->table, item->row);
    version_handle newest = item->handle;
    RACE(GC_UNLINK);
    if (atomic_compare_exchange_strong_explicit(head, &newest, run.behind, memory_order_acq_rel,
                                                memory_order_relaxed)) {
        run.first = item->handle;
        run.count++;
    } else if (run.count > 0 && !MUTATED(aborted_left)) {
        atomic_store_explicit(&version->older, run.behind, memory_order_release); /* ORD-8 */
    } else {
        return;
    }
    limbo_run(worker, item, run);
}

/* Whether no pin needs a version older than the base. Only debug builds ask. A pin that changes meanwhile is left out:
 * it went, or it has just come and needs nothing that old. */
static inline bool __attribute__((unused))
no_pin_needs_older(const struct mae_worker *worker, const struct gc_item *item)
{
    const struct horizon *horizon = &worker->core->horizon;
    uint32_t limit = atomic_load_explicit(&horizon->pin_count, memory_order_acquire)
                         ? atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed)
                         : 0;
    for (uint32_t i = 0; i < limit; i++) {
        const struct horizon_slot *slot = &horizon->slots[i];
        uint64_t lo = atomic_load_explicit(&slot->pin_lo, memory_order_acquire);
        struct horizon_pins one = {.count = 1,
                                   .pin = {{lo, atomic_load_explicit(&slot->pin_hi, memory_order_acquire)}}};
        struct version *version = row_version(item->table, item->row, item->handle);
        uint64_t until = version_wts(version);
        version_handle handle;
        while ((handle = atomic_load_explicit(&version->older, memory_order_relaxed)) != HANDLE_NONE) {
            version = row_version(item->table, item->row, handle);
            if (version_status_is_aborted(atomic_load_explicit(&version->status, memory_order_relaxed)))
                continue;
            if (lo != 0 && horizon_pins_need(&one, version_wts(version), until) &&
                atomic_load_explicit(&slot->pin_lo, memory_order_acquire) == lo)
                return false;
            until = version_wts(version);
        }
    }
    return true;
}

/* For an item whose version has nothing older and is not the row's newest: in limbo, or below others in the chain. A
 * tombstone there waits for the aborted versions above it to go (G3). */
static void leave_alone(struct mae_worker *worker, const struct gc_item *item, struct seen seen)
{
    if (seen.status == VERSION_DELETED && seen.newest != HANDLE_NONE)
        postpone(worker, item);
}

static ALWAYS_INLINE bool may_be_in_limbo(const struct gc_item *item, struct seen seen)
{
    return seen.older == HANDLE_NONE && seen.newest != item->handle;
}

/* Cuts off what is older than the item's version. */
static ALWAYS_INLINE void collect(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    MAE_DCHECK(item->stamp < min_rts); /* G1 */
    struct table *table = item->table;
    char *row = item->row;
    struct version *base = row_version(table, row, item->handle);
    struct seen seen = look_at(item);
    if (!seen.is_same)
        return;
    if (may_be_in_limbo(item, seen)) {
        leave_alone(worker, item, seen);
        return;
    }
    MAE_DCHECK(no_pin_needs_older(worker, item)); /* G6 */
    RACE(GC_UNLINK);
    version_handle rest = seen.older;
    atomic_store_explicit(&base->older, HANDLE_NONE, memory_order_relaxed); /* no transaction follows the link: G1 */
    if (LIKELY(seen.status != VERSION_DELETED) && LIKELY(may_settle(worker, item, base, seen.newest))) {
        /* Nearly always one older version is left, in the inline slot, and the base takes its place. */
        bool slot_owned = rest == HANDLE_INLINE;
        if (LIKELY(slot_owned)) {
            COUNT(worker, versions_reclaimed);
            rest = atomic_load_explicit(&row_inline_version(row)->older, memory_order_relaxed);
        }
        if (UNLIKELY(rest != HANDLE_NONE))
            release_chain(worker, table, row, rest);
        settle(worker, item, base, seen.status, slot_owned);
    } else {
        release_chain(worker, table, row, rest);
        if (seen.status == VERSION_DELETED)
            unlink_tombstone(worker, item, min_rts); /* G3 */
    }
}

/* ---- Collection while there are pins (G6). ---- */

/* What is left of a row after a look at it. STAYS: versions that a pin needs. AGAIN: work, since another collector had
 * the row, or there was no memory to queue what would have been unlinked. */
enum outcome { OUTCOME_DONE, OUTCOME_STAYS, OUTCOME_AGAIN };

/* Makes room for one item; false without memory for a chunk. */
static bool make_room(struct mae_worker *worker, struct gc_queue *queue)
{
    return gc_has_room(queue, 1) || gc_reserve_more(worker, queue, 1, true);
}

/* Unlinks a run below `newer`. */
static bool unlink_run(struct mae_worker *worker, const struct gc_item *item, struct version *newer, struct run run)
{
    if (!make_room(worker, &worker->gc))
        return false;
    RACE(GC_UNLINK);
    atomic_store_explicit(&newer->older, run.behind, memory_order_release); /* ORD-8 */
    limbo_run(worker, item, run);
    if (MUTATED(delta_freed_early))
        release_versions(worker, --worker->gc.tail);
    return true;
}

/* For a version that stays in its row below the base: it has its value before what is below is unlinked (resolve.h,
 * CU3). */
static void value_kept(struct mae_worker *worker, const struct gc_item *item, struct version *version)
{
    uint8_t status = atomic_load_explicit(&version->status, memory_order_acquire);
    if (UNLIKELY(version_status_is_unresolved(status)) && !MUTATED(delta_kept_unresolved))
        version_resolve(worker, item->table, item->row, version);
}

/*
 * Unlinks the versions older than the base that no pin needs. Goes down to a version that stays and is older than
 * `floor`: what is below that has been seen to, or will be, when that version's own item is worked off.
 */
static enum outcome thin_out(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                             const struct horizon_pins *pins, uint64_t floor)
{
    struct version *kept = base;
    uint64_t until = version_wts(base), passed = 0; /* until: the timestamp at which the next version was superseded */
    struct run run = {.behind = atomic_load_explicit(&base->older, memory_order_acquire)};
    enum outcome outcome = OUTCOME_DONE;
    while (run.behind != HANDLE_NONE && (outcome == OUTCOME_DONE || version_wts(kept) >= floor)) {
        version_handle handle = run.behind;
        struct version *version = row_version(item->table, item->row, handle);
        bool aborted = atomic_load_explicit(&version->status, memory_order_acquire) == VERSION_ABORTED;
        uint64_t wts = version_wts(version);
        bool needed = !aborted && horizon_pins_need(pins, wts, until) && !MUTATED(pin_ignored);
        if ((needed || run.count == GC_RUN_MOST) && run.count > 0) {
            if (!unlink_run(worker, item, kept, run))
                return OUTCOME_AGAIN;
            run.count = 0;
        }
        if (needed) {
            value_kept(worker, item, version);
            kept = version;
            outcome = OUTCOME_STAYS;
            passed++;
        } else if (run.count++ == 0) {
            run.first = handle;
        }
        if (!aborted)
            until = wts;
        run.behind = atomic_load_explicit(&version->older, memory_order_acquire);
    }
    COUNT_ADD(worker, versions_passed, passed);
    return run.count > 0 && !unlink_run(worker, item, kept, run) ? OUTCOME_AGAIN : outcome;
}

/* The base has its value before what is below is unlinked. Without pins all of that goes, so that it needs no values;
 * but then there must be room to queue it, since nobody could wait for them in vain. False if there is none. */
static bool value_base(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                       const struct horizon_pins *pins)
{
    uint8_t status = atomic_load_explicit(&base->status, memory_order_acquire);
    if (LIKELY(!version_status_is_unresolved(status)) || MUTATED(delta_cut_early))
        return true;
    if (pins->count > 0 || MUTATED(delta_values_all))
        version_resolve(worker, item->table, item->row, base);
    else if (make_room(worker, &worker->gc))
        version_fold(worker, item->table, item->row, base);
    else
        return false;
    return true;
}

/* For a base that is committed, in the chain, and as the item says. */
static enum outcome collect_base(struct mae_worker *worker, const struct gc_item *item, struct version *base,
                                 uint64_t min_rts, const struct horizon_pins *pins, uint64_t floor)
{
    if (!value_base(worker, item, base, pins))
        return OUTCOME_AGAIN;
    enum outcome outcome = thin_out(worker, item, base, pins, floor);
    if (outcome != OUTCOME_DONE)
        return outcome;
    uint8_t status = atomic_load_explicit(&base->status, memory_order_acquire);
    bool is_deleted = status == VERSION_DELETED;
    version_handle newest = atomic_load_explicit(row_head(item->table, item->row), memory_order_relaxed);
    if (!is_deleted && (!may_settle(worker, item, base, newest) || horizon_pins_need(pins, item->stamp, UINT64_MAX)))
        return OUTCOME_DONE;
    if (!make_room(worker, &worker->gc))
        return OUTCOME_AGAIN;
    if (is_deleted)
        unlink_tombstone(worker, item, min_rts);
    else
        settle(worker, item, base, status, false);
    return OUTCOME_DONE;
}

/* As collect, with pins, of which there may be none: what is unlinked waits in limbo. */
static NOINLINE enum outcome collect_pinned(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts,
                                            const struct horizon_pins *pins)
{
    struct seen seen = look_at(item);
    if (!seen.is_same)
        return OUTCOME_DONE;
    if (may_be_in_limbo(item, seen)) {
        leave_alone(worker, item, seen);
        return OUTCOME_DONE;
    }
    return collect_base(worker, item, row_version(item->table, item->row, item->handle), min_rts, pins,
                        MUTATED(pinned_walks_on) ? 0 : UINT64_MAX);
}

/* Whether what is unlinked in the table must wait in limbo (resolve.h, CU3). */
static ALWAYS_INLINE bool needs_limbo(const struct table *table)
{
    /* ORD-18: if the item's version or its row's base is or was a DELTA, its writer has said so before. */
    return UNLIKELY(atomic_load_explicit(&table->has_deltas, memory_order_relaxed));
}

static const struct horizon_pins no_pins;

/* Puts the item in the list of those that wait for a pin to go. False if there is no room. */
static bool hold(struct mae_worker *worker, const struct gc_item *item, enum gc_kind kind)
{
    if (!make_room(worker, &worker->held.queue))
        return false;
    if (MUTATED(held_dropped))
        return true;
    push_item(&worker->held.queue, item, kind);
    worker->held.count++;
    return true;
}

/* For an item whose row must be looked at again. `lock` is the state in which to leave the row's lock. False: the item
 * itself is queued once more. */
static NOINLINE bool wait_for_another_look(struct mae_worker *worker, const struct gc_item *item, enum outcome outcome,
                                           uint8_t *lock)
{
    if (outcome == OUTCOME_STAYS && *lock & ROW_AWAITED)
        return true;
    if (outcome == OUTCOME_STAYS && hold(worker, item, GC_AWAITED)) {
        *lock |= ROW_AWAITED;
        return true;
    }
    postpone(worker, item);
    return false;
}

/* ---- Collection along the chain, which follows no handle that may be old (G7). ---- */

/* Unlinks the run below a link that installers may change. False if there is no room. */
static bool unlink_run_above_base(struct mae_worker *worker, const struct gc_item *item, _Atomic version_handle *link,
                                  struct run run)
{
    if (!make_room(worker, &worker->gc))
        return false;
    version_handle first = run.first;
    RACE(GC_UNLINK);
    /* If it fails, a transaction has just installed a version above, and that one's item will see to the run. */
    if (atomic_compare_exchange_strong_explicit(link, &first, run.behind, memory_order_acq_rel, memory_order_relaxed))
        limbo_run(worker, item, run);
    return true;
}

/* Makes the item that of the row's base: the newest committed version that min_rts has passed. On the way there unlinks
 * the aborted versions that min_rts has passed. `item->handle` is HANDLE_NONE if the row has no base. */
static enum outcome find_base(struct mae_worker *worker, struct gc_item *item, uint64_t min_rts)
{
    _Atomic version_handle *link = row_head(item->table, item->row);
    version_handle handle;
    uint64_t passed = 0;
    while ((handle = atomic_load_explicit(link, memory_order_acquire)) != HANDLE_NONE) {
        struct version *version = row_version(item->table, item->row, handle);
        if (version_wts(version) < min_rts)
            break;
        link = &version->older;
        passed++;
    }
    COUNT_ADD(worker, versions_passed, passed);
    struct run run = aborted_run(item, handle);
    item->kind = GC_BASE;
    item->handle = run.behind;
    if (run.behind != HANDLE_NONE)
        item->stamp = version_wts(row_version(item->table, item->row, run.behind));
    return run.count == 0 || unlink_run_above_base(worker, item, link, run) ? OUTCOME_DONE : OUTCOME_AGAIN;
}

static struct gc_walked *walked_place(struct mae_worker *worker, const char *row)
{
    return &worker->walked[((uintptr_t)row * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - GC_WALKED_BITS)];
}

/* Whether this worker has seen to all of the row that is due, for an item of the row that was due no later. */
static bool is_walked(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts)
{
    const struct gc_walked *walked = walked_place(worker, item->row);
    return walked->row == item->row && walked->min_rts == min_rts && walked->stamp <= item->stamp &&
           !MUTATED(walks_again);
}

/* As collect and unlink_aborted, with or without pins, for the whole row. */
static NOINLINE enum outcome collect_walking(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts,
                                             const struct horizon_pins *pins)
{
    struct gc_item base = *item;
    enum outcome outcome = find_base(worker, &base, min_rts);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (!pins && needs_limbo(item->table))
        pins = &no_pins;
    if (base.handle != HANDLE_NONE && pins)
        outcome =
            collect_base(worker, &base, row_version(base.table, base.row, base.handle), min_rts, pins, item->stamp);
    else if (base.handle != HANDLE_NONE)
        collect(worker, &base, min_rts);
    return outcome;
}

/* Collects a row that kept versions for a pin, as far as the pins that have gone matter. */
static enum outcome collect_awaited(struct mae_worker *worker, const struct gc_item *awaited, uint64_t min_rts,
                                    const struct horizon_pins *pins)
{
    struct gc_item item = *awaited;
    enum outcome outcome = find_base(worker, &item, min_rts);
    if (outcome != OUTCOME_DONE || item.handle == HANDLE_NONE)
        return outcome;
    return collect_base(worker, &item, row_version(item.table, item.row, item.handle), min_rts, pins,
                        MUTATED(awaited_stops_early) ? UINT64_MAX : worker->held.floor);
}

/* For an item in limbo: may a pin need a version that was visible until it was unlinked (tombstone, settled base)? */
static bool is_needed_in_limbo(const struct gc_item *item, const struct horizon_pins *pins)
{
    struct version *version = row_version(item->table, item->row, item->handle);
    return atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_UNLINKED &&
           horizon_pins_need(pins, version_wts(version), item->stamp);
}

/* ---- Working off. ---- */

/* Where operations are noted the first item of a row is worked off for all of them (resolve.h, CU4). */
static ALWAYS_INLINE bool stands_for_all(const struct gc_item *item)
{
    return item->kind == GC_BASE && needs_limbo(item->table) && !MUTATED(delta_item_by_item);
}

/* Works off an item that concerns a row's chain, under the row's lock. `pins` is NULL if there are none. `follows`: the
 * item's handle is not too old to be followed (G7). */
static ALWAYS_INLINE void work_on_row(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts,
                                      const struct horizon_pins *pins, bool follows)
{
    const bool walks = !follows || stands_for_all(item);
    if (UNLIKELY(walks) && (is_walked(worker, item, min_rts) || (follows && !look_at(item).is_same)))
        return; /* a version that has left its chain has left it for good, so that this needs no lock */
    MAE_DCHECK(!follows || !atomic_load_explicit(&worker->core->arena.may_retype, memory_order_relaxed) ||
               MUTATED(retyped_trusted)); /* G7 */
    _Atomic uint8_t *lock = row_lock(item->table, item->row);
    enum outcome outcome = OUTCOME_DONE;
    RACE(GC_LOCK);
    /* ORD-6: acquire and release make the row's collectors follow one another. */
    uint8_t before = atomic_exchange_explicit(lock, ROW_LOCKED, memory_order_acquire);
    if (UNLIKELY(before == ROW_LOCKED) && !MUTATED(gc_unlocked)) {
        postpone(worker, item); /* the collector that has the lock may have begun with an older version */
        return;
    }
    if (walks)
        outcome = collect_walking(worker, item, min_rts, pins);
    else if (UNLIKELY(item->kind == GC_ABORTED))
        unlink_aborted(worker, item);
    else if (pins)
        outcome = collect_pinned(worker, item, min_rts, pins);
    else if (needs_limbo(item->table))
        outcome = collect_pinned(worker, item, min_rts, &no_pins);
    else
        collect(worker, item, min_rts);
    bool seen_to = outcome == OUTCOME_DONE || wait_for_another_look(worker, item, outcome, &before);
    if (UNLIKELY(walks) && (seen_to || MUTATED(postponed_as_walked)))
        *walked_place(worker, item->row) = (struct gc_walked){item->row, min_rts, item->stamp};
    atomic_store_explicit(lock, MUTATED(gc_unlocked) ? ROW_FREE : before, memory_order_release);
}

static void release_row(struct mae_worker *worker, const struct gc_item *item)
{
    MAE_DCHECK(item->kind == GC_ROW);
    RACE(ROW_FREE);
    MAE_DCHECK(atomic_load_explicit(row_head(item->table, item->row), memory_order_relaxed) == HANDLE_NONE); /* G3 */
    release_chain(worker, item->table, item->row, item->handle);
    struct row_allocator *rows = worker_rows(worker, item->table);
    COUNT(worker, rows_reclaimed);
    if (rows) /* without memory for the list the row id stays unused */
        row_free(item->table, rows, table_row_id(item->table, item->row));
}

static void release_from_limbo(struct mae_worker *worker, const struct gc_item *item)
{
    if (item->kind == GC_VERSION)
        release_versions(worker, item);
    else if (item->kind == GC_ROW)
        release_row(worker, item);
}

/* Looks at an item that waits for a pin to go, and says whether it must wait on. */
static enum outcome look_at_held(struct mae_worker *worker, const struct gc_item *item, uint64_t min_rts,
                                 const struct horizon_pins *pins)
{
    if (item->kind != GC_AWAITED) {
        if (item->kind != GC_NOTHING && is_needed_in_limbo(item, pins))
            return OUTCOME_STAYS;
        release_from_limbo(worker, item);
        return OUTCOME_DONE;
    }
    _Atomic uint8_t *lock = row_lock(item->table, item->row);
    RACE(GC_LOCK);
    uint8_t before = atomic_exchange_explicit(lock, ROW_LOCKED, memory_order_acquire); /* ORD-6 */
    if (before == ROW_LOCKED)
        return OUTCOME_AGAIN;
    enum outcome outcome = collect_awaited(worker, item, min_rts, pins);
    if (outcome == OUTCOME_DONE)
        before &= (uint8_t)~ROW_AWAITED;
    atomic_store_explicit(lock, before, memory_order_release);
    return outcome;
}

static bool has_pin(const struct horizon_pins *pins, uint64_t lo, uint64_t hi)
{
    for (unsigned i = 0; i < pins->count; i++)
        if (pins->pin[i].lo == lo && pins->pin[i].hi == hi)
            return true;
    return false;
}

/* Notes which pins have gone since the last call. Only those matter to what waits: a new pin needs nothing that was
 * superseded before it stood (H6). */
static void note_pins(struct gc_held *held, const struct horizon_pins *pins)
{
    struct horizon_pins *last = &held->pins;
    if (last->count == pins->count && memcmp(last->pin, pins->pin, pins->count * sizeof pins->pin[0]) == 0)
        return;
    for (unsigned i = 0; i < last->count; i++)
        if (last->pin[i].lo < held->next_floor && !has_pin(pins, last->pin[i].lo, last->pin[i].hi))
            held->next_floor = last->pin[i].lo;
    memcpy(last->pin, pins->pin, pins->count * sizeof pins->pin[0]);
    last->count = pins->count;
}

/* How many items to look at in one run. A part of them, however many there are, so that a worker whose transactions are
 * large, and whose runs are few, looks at more items than come in (G6). */
static size_t held_at_once(const struct gc_held *held)
{
    return HELD_AT_ONCE + (MUTATED(held_few_at_once) ? 0 : held->count / HELD_PART);
}

/* Looks through some of the items that wait for a pin to go. Begins again from the first one when a pin has gone and
 * min_rts has moved since: so a row's chain is walked along at most once for each min_rts. */
static NOINLINE void look_through_held(struct mae_worker *worker, uint64_t min_rts, const struct horizon_pins *pins)
{
    struct gc_held *held = &worker->held;
    struct gc_queue *queue = &held->queue;
    note_pins(held, pins);
    if (held->left == 0 && held->next_floor != UINT64_MAX && min_rts > held->min_rts) {
        held->left = held->count;
        held->floor = held->next_floor;
        held->min_rts = min_rts;
        held->next_floor = UINT64_MAX;
    }
    for (size_t n = held_at_once(held); n > 0 && held->left > 0; n--) {
        if (queue->first != queue->last && queue->head == queue->first->end) {
            chunk_done(worker, queue);
            continue;
        }
        struct gc_item item = *queue->head++;
        enum outcome outcome = look_at_held(worker, &item, min_rts, pins);
        if (outcome == OUTCOME_DONE)
            held->count--;
        else
            push_item(queue, &item, (enum gc_kind)item.kind);
        if (outcome == OUTCOME_AGAIN)
            return;
        held->left--;
    }
}

/*
 * How many chunks to work off in one run, once a long queue has become due at once: behind a worker that was silent for
 * long, or left by one. Then no transaction waits until its worker has worked off all of it. A run works off more than
 * the last large transaction has queued, and a part of the rest. Once memory is short, all.
 */
static NOINLINE uint32_t chunks_at_once(const struct gc_queue *queue, bool walks)
{
    if (walks || MUTATED(all_at_once))
        return UINT32_MAX;
    return CHUNKS_AT_ONCE + 2 * queue->wanted + queue->behind / CHUNKS_PART;
}

static ALWAYS_INLINE void work_off_due(struct mae_worker *worker, uint64_t min_rts, const struct horizon_pins *pins,
                                       bool walks)
{
    struct gc_queue *queue = &worker->gc;
    /* Items that are queued meanwhile wait for the next call. */
    const struct gc_chunk *last = queue->last;
    const struct gc_item *stop = queue->tail, *end = queue->first == last ? stop : queue->first->end;
    struct gc_item *item = queue->head;
    uint32_t chunks = 0; /* not known before the end of the first chunk */
    for (;; item++) {
        while (UNLIKELY(item == end)) { /* an orphan may begin with a chunk that has been worked off completely */
            queue->head = item;
            if (queue->first == last)
                return;
            if (chunks == 0)
                chunks = chunks_at_once(queue, walks);
            else if (--chunks == 0)
                return;
            chunk_done(worker, queue);
            item = queue->head;
            end = queue->first == last ? stop : queue->first->end;
        }
        if (item->stamp >= min_rts)
            break;
        __builtin_prefetch((item + AHEAD < end ? item + AHEAD : item)->row, 1);
        if (LIKELY(item->kind <= GC_ABORTED)) {
            work_on_row(worker, item, min_rts, pins, !walks);
        } else if (pins && item->kind != GC_NOTHING && is_needed_in_limbo(item, pins)) {
            if (!hold(worker, item, (enum gc_kind)item->kind))
                postpone(worker, item);
        } else {
            release_from_limbo(worker, item);
        }
    }
    queue->head = item;
}

static NOINLINE void work_off(struct mae_worker *worker, uint64_t min_rts)
{
    work_off_due(worker, min_rts, NULL, false);
}

static NOINLINE void work_off_walking(struct mae_worker *worker, uint64_t min_rts)
{
    work_off_due(worker, min_rts, NULL, true);
}

/* There are pins, or there were. */
static NOINLINE void work_off_pinned(struct mae_worker *worker, uint64_t min_rts, bool walks)
{
    struct horizon_pins pins;
    horizon_pins_load(&worker->core->horizon, &pins); /* after min_rts */
    look_through_held(worker, min_rts, &pins);
    if (worker->gc.head != worker->gc.tail)
        work_off_due(worker, min_rts, &pins, walks);
}

/* ---- Orphans. ---- */

void gc_renew_attention(struct core *core)
{
    atomic_store_explicit(&core->attention,
                          atomic_load_explicit(&core->orphans, memory_order_relaxed) ||
                              atomic_load_explicit(&core->walks, memory_order_relaxed) ||
                              atomic_load_explicit(&core->turning, memory_order_relaxed),
                          memory_order_relaxed);
}

/* *sweep: it may hold something of a closed table. The lock makes it so that gc_sweep_orphans has seen to all that is
 * taken without it. */
static struct gc_chunk *take_orphan(struct core *core, bool *sweep)
{
    pthread_mutex_lock(&core->orphans_lock);
    struct gc_chunk *orphan = atomic_load_explicit(&core->orphans, memory_order_relaxed);
    struct gc_chunk *next = orphan ? orphan->next_orphan : NULL;
    atomic_store_explicit(&core->orphans, next, memory_order_relaxed);
    *sweep = atomic_load_explicit(&core->sweeps, memory_order_relaxed);
    gc_renew_attention(core);
    pthread_mutex_unlock(&core->orphans_lock);
    return orphan;
}

/* The lock of the orphans is held. */
static void push_orphan(struct core *core, struct gc_chunk *orphan)
{
    MAE_DCHECK(orphan->queue.first == orphan);
    orphan->next_orphan = atomic_load_explicit(&core->orphans, memory_order_relaxed);
    atomic_store_explicit(&core->orphans, orphan, memory_order_relaxed);
    atomic_store_explicit(&core->attention, true, memory_order_relaxed);
}

static void give_orphan(struct core *core, struct gc_chunk *orphan)
{
    pthread_mutex_lock(&core->orphans_lock);
    push_orphan(core, orphan);
    pthread_mutex_unlock(&core->orphans_lock);
}

/*
 * A worker whose queue is empty takes the orphan's queue with its room, which needs no memory. Otherwise the worker's
 * queue closes its last chunk and goes on in the orphan's last one; a spare chunk replaces the places that are lost.
 */
static bool append_orphan(struct mae_worker *worker, struct gc_queue *queue, struct gc_chunk *orphan)
{
    const struct gc_queue taken = orphan->queue;
    if (queue->head == queue->tail) {
        queue_free(worker, queue);
        *queue = taken;
        return true;
    }
    if (!gc_reserve_more(worker, queue, (size_t)(queue->tail_end - queue->tail), true))
        return false;
    struct gc_chunk *spares = queue->last->next;
    orphan->begin = taken.head;
    queue->last->end = queue->tail;
    queue->last->next = orphan;
    queue->last = taken.last;
    queue->tail = taken.tail;
    queue->tail_end = taken.tail_end;
    queue->extra += taken.extra + GC_CHUNK_ITEMS;
    queue->behind += taken.behind + 1;
    struct gc_chunk **behind = &taken.last->next;
    while (*behind) /* a few */
        behind = &(*behind)->next;
    *behind = spares;
    return true;
}

/* Gives the tables the row ids that the worker keeps for its inserts. */
static void give_rows(struct mae_worker *worker)
{
    for (unsigned i = 0; i < worker->rows_count; i++)
        row_allocator_give(&worker->rows[i]);
}

/* ---- Closed tables. ---- */

static void sweep_queue(struct mae_worker *worker, struct gc_queue *queue)
{
    struct gc_chunk *chunk = queue->first;
    for (struct gc_item *item = queue->head; item != queue->tail;) {
        if (chunk != queue->last && item == chunk->end) {
            chunk = chunk->next;
            item = chunk->begin;
            continue;
        }
        if (item->kind != GC_NOTHING && table_is_closed(item->table) && !MUTATED(drop_unswept)) {
            if (item->kind == GC_VERSION)
                release_versions(worker, item);
            else if (item->kind == GC_ROW)
                release_chain(worker, item->table, item->row, item->handle);
            item->kind = GC_NOTHING;
        }
        item++;
    }
}

void gc_sweep(struct mae_worker *worker)
{
    sweep_queue(worker, &worker->gc);
    sweep_queue(worker, &worker->held.queue);
}

void gc_sweep_orphans(struct mae_worker *worker)
{
    struct core *core = worker->core;
    pthread_mutex_lock(&core->orphans_lock);
    for (struct gc_chunk *orphan = atomic_load_explicit(&core->orphans, memory_order_relaxed); orphan;
         orphan = orphan->next_orphan)
        sweep_queue(worker, &orphan->queue);
    atomic_store_explicit(&core->sweeps, false, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
}

void gc_free_rows(struct mae_worker *worker, struct table *table)
{
    MAE_DCHECK(table_is_closed(table));
    uint64_t rows = table_rows_made(table);
    for (uint64_t id = 0; id < rows; id++) {
        char *row = table_row(table, id);
        release_chain(worker, table, row, atomic_load_explicit(row_head(table, row), memory_order_acquire));
    }
}

/* False: there was none, or there is no memory. */
static bool adopt(struct mae_worker *worker)
{
    bool sweep;
    struct gc_chunk *orphan = take_orphan(worker->core, &sweep);
    if (!orphan)
        return false;
    if (sweep)
        sweep_queue(worker, &orphan->queue);
    size_t held = orphan->held;
    if (!append_orphan(worker, held ? &worker->held.queue : &worker->gc, orphan)) {
        give_orphan(worker->core, orphan);
        return false;
    }
    worker->held.count += held;
    if (held) /* the pins that have gone since they were looked at are not known */
        worker->held.next_floor = 0;
    return true;
}

/*
 * G7: finds out when every collector looks at versions along the chain only. The worker has just published and is
 * active, so everything that any worker has published up to now is below the stamp.
 */
static void prepare_retyping(struct mae_worker *worker)
{
    struct core *core = worker->core;
    uint64_t stamp = atomic_load_explicit(&core->walks_stamp, memory_order_relaxed);
    if (stamp == 0)
        atomic_compare_exchange_strong_explicit(&core->walks_stamp, &stamp, timestamp_make(worker->clock.clock + 1, 0),
                                                memory_order_acq_rel, memory_order_relaxed);
    else if (atomic_load_explicit(&core->horizon.min_rts, memory_order_acquire) > stamp)
        atomic_store_explicit(&core->arena.may_retype, true, memory_order_release);
}

/* Takes part in the turn, if there is one (turn.h, X4). */
static void take_part(struct mae_worker *worker)
{
    const struct core *core = worker->core;
    MAE_DCHECK(!worker->txn.running);
    uint64_t turn = atomic_load_explicit(&core->turn, memory_order_acquire); /* ORD-17 */
    if (atomic_load_explicit(&worker->turn, memory_order_relaxed) == turn)
        return;
    if (atomic_load_explicit(&core->sweeps, memory_order_relaxed))
        gc_sweep(worker);
    atomic_store_explicit(&worker->turn, turn, memory_order_release); /* ORD-17 */
}

/* Hands over what other workers lack, and takes some orphans. Returns whether memory is short: then collectors walk. */
static NOINLINE bool attend(struct mae_worker *worker)
{
    struct core *core = worker->core;
    bool walks = atomic_load_explicit(&core->walks, memory_order_relaxed);
    if (!MUTATED(free_memory_hoarded) && pool_relieve(&worker->pool))
        give_rows(worker);
    if (walks && !atomic_load_explicit(&core->arena.may_retype, memory_order_relaxed))
        prepare_retyping(worker);
    /* A transaction that is overtaken makes two orphans, so that each run must take that many at least (G8). */
    for (int n = 0; n < ORPHANS_AT_ONCE && atomic_load_explicit(&core->orphans, memory_order_relaxed); n++)
        if (!adopt(worker) || MUTATED(adopts_one))
            break;
    take_part(worker);
    return walks;
}

/* The lock of the orphans is held. */
static void hand_over(struct core *core, struct gc_queue *queue, size_t held)
{
    if (queue->tail == queue->head)
        return;
    struct gc_chunk *orphan = queue->first;
    orphan->queue = *queue;
    orphan->queue.wanted = 0;
    orphan->held = held;
    memset(queue, 0, sizeof *queue);
    push_orphan(core, orphan);
}

static void hand_over_queues(struct mae_worker *worker)
{
    struct core *core = worker->core;
    pthread_mutex_lock(&core->orphans_lock);
    hand_over(core, &worker->gc, 0);
    hand_over(core, &worker->held.queue, worker->held.count);
    worker->held.count = worker->held.left = 0;
    pthread_mutex_unlock(&core->orphans_lock);
}

void gc_orphan(struct mae_worker *worker)
{
    if (atomic_load_explicit(&worker->core->walks, memory_order_relaxed)) /* memory is short */
        give_rows(worker);
    hand_over_queues(worker);
}

void gc_overtaken(void *arg, unsigned id)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    struct core *core = arg;
    struct mae_worker *worker = atomic_load_explicit(&core->workers[id], memory_order_acquire);
    if (!MUTATED(overtaken_keeps_garbage))
        hand_over_queues(worker);
}

void gc_fini(struct mae_worker *worker)
{
    queue_free(worker, &worker->gc);
    queue_free(worker, &worker->held.queue);
}

void gc_run(struct mae_worker *worker)
{
    const struct gc_queue *queue = &worker->gc;
    const struct core *core = worker->core;
    bool walks = false;
    if (UNLIKELY(atomic_load_explicit(&core->attention, memory_order_relaxed)))
        walks = attend(worker) && !MUTATED(retyped_trusted);
    RACE(LOAD_HORIZON);
    /* ORD-2: acquire, so that the transactions which ended below this horizon have done their loads. */
    uint64_t min_rts = atomic_load_explicit(&core->horizon.min_rts, memory_order_acquire);
    if (MUTATED(gc_early))
        min_rts = UINT64_MAX;
    if (MUTATED(gc_at_min_wts))
        min_rts = atomic_load_explicit(&core->horizon.min_wts, memory_order_acquire);
    /* ORD-13 */
    if (UNLIKELY(atomic_load_explicit(&core->horizon.pin_count, memory_order_acquire) + worker->held.count > 0))
        work_off_pinned(worker, min_rts, walks);
    else if (UNLIKELY(walks))
        work_off_walking(worker, min_rts);
    else if (queue->head != queue->tail)
        work_off(worker, min_rts);
}

/* Tells all workers that memory is short. True if some may come free: this worker has garbage, there is an orphan, or
 * another worker has joined. */
static bool call_others(struct mae_worker *worker)
{
    struct core *core = worker->core;
    pthread_mutex_lock(&core->orphans_lock);
    atomic_store_explicit(&core->walks, true, memory_order_relaxed);
    atomic_store_explicit(&core->attention, true, memory_order_relaxed);
    /* Under the lock, since whoever overtakes this worker takes its queues. */
    bool exist = atomic_load_explicit(&core->orphans, memory_order_relaxed) != NULL ||
                 worker->gc.head != worker->gc.tail || worker->held.count > 0;
    pthread_mutex_unlock(&core->orphans_lock);
    for (unsigned i = 0; i < HORIZON_SLOTS && !exist; i++) {
        struct mae_worker *other = atomic_load_explicit(&core->workers[i], memory_order_acquire);
        exist = other && other != worker && atomic_load_explicit(&other->joined, memory_order_relaxed);
    }
    return exist;
}

COLD enum mae_status gc_refused(struct mae_worker *worker)
{
    uint64_t now = tsc_now(), commits = atomic_load_explicit(&worker->counters.commits, memory_order_relaxed);
    bool may_return = call_others(worker) || arena_may_regain(&worker->core->arena);
    atomic_fetch_add_explicit(&worker->core->arena.refusals, 1, memory_order_relaxed);
    if (!worker->refused || commits != worker->refused_commits) {
        worker->refused = true;
        worker->refused_commits = commits;
        worker->refused_ticks = now;
    }
    bool patient = (double)(now - worker->refused_ticks) < MAE_MEMORY_PATIENCE_MS * 1000 * worker->core->ticks_per_us;
    return may_return && patient ? MAE_ABORT_MEMORY : MAE_NO_MEMORY;
}
