/*
 * gc.h - giving back versions and rows that nobody can reach any more.
 *
 * Each commit queues the versions it wrote. When such a version's timestamp has fallen below min_rts, it is the row's
 * base: under the row's lock, what is older is cut off and given back.
 *   G1  Every transaction that runs or will begin reads at min_rts or later (H2), so it stops at the base or above,
 *       whether it reads or installs. What is older is reachable only by transactions that passed the base's place
 *       before it was committed, and H4 says that none of them still runs.
 *   G2  A queued version may have been given back already, by the collection of a newer one. The row lock decides: who
 *       holds it and finds the version decided, with the timestamp that was queued, has it still in the chain. For
 *       while it is in use again its status says so until it has another timestamp.
 *   G3  A tombstone below which and above which there is nothing but aborted versions, all older than min_rts, is
 *       unlinked with them by CAS of the head. Transactions may be standing on it, so it waits in limbo until all that
 *       ran at that moment are over: until min_rts has passed a timestamp as high as any published then, the
 *       collector's own. Then the row id is free.
 * Aborted versions go with the next committed one that is collected; a row that is never written again keeps the last.
 *
 *   G4  If the base is all there is to a row, lies outside it, and the inline slot is free or held what has just been
 *       cut off, the base settles: it is copied inside, under its own timestamp, and the copy takes its place by CAS of
 *       the head. Everybody who runs reads above the base (G1). Who has read the base itself finds the copy when it
 *       validates, and goes on with that (visible.h, follow_settled). Reads of the base that came before the CAS must
 *       bind the copy: it is PENDING until the base's rts, loaded after the CAS, is in it (ORD-3: who raises the base's
 *       rts later finds the head changed). Until then it leads to the base, for who looks past pending versions
 *       (pending=skip), and who comes too late for that looks again (visible_find); the base has the same timestamp,
 *       the one exception to V3. It then waits in limbo as a tombstone does.
 *
 *   gc_run on one row excludes itself (row lock); everything else is free to race with it.
 *
 * Checked by: db/verify.c, tests/stress, tests with mutations gc_early and row_free_early. Source: section 3.8.
 */
#ifndef ENGINE_TXN_GC_H
#define ENGINE_TXN_GC_H

#include <stddef.h>

#include "engine/base/check.h"
#include "engine/store/table.h"

struct mae_worker;
struct core;

/* What is due: cut off what is older than the base; or, in limbo, give back one version of the arena that was unlinked,
 * or a row with all its versions. */
enum gc_kind { GC_BASE, GC_VERSION, GC_ROW };

struct gc_item {
    struct table *table;
    char *row;
    uint64_t stamp;        /* due when min_rts is above */
    version_handle handle; /* the base; in limbo the newest one unlinked */
    uint8_t kind;
};

/* A ring of a power of two items; head and tail only grow. */
struct gc_queue {
    struct gc_item *items;
    size_t head, tail, capacity;
    struct gc_queue *next; /* in the list of orphans */
};

/* One place stays free: an item that is being worked off may queue another. */
static ALWAYS_INLINE bool gc_has_room(size_t count, size_t more, size_t capacity)
{
    return count + more < capacity;
}

/* Makes room for `more` items; false when out of memory. */
bool gc_reserve_more(struct gc_queue *queue, size_t more);
static ALWAYS_INLINE bool gc_reserve(struct gc_queue *queue, size_t more)
{
    return LIKELY(gc_has_room(queue->tail - queue->head, more, queue->capacity)) || gc_reserve_more(queue, more);
}

/* Queues a version written at `stamp`, or what is to wait in limbo until then; room must have been reserved. */
static ALWAYS_INLINE void gc_push(struct gc_queue *queue, struct table *table, char *row, version_handle handle,
                                  uint64_t stamp, enum gc_kind kind)
{
    MAE_DCHECK(queue->tail - queue->head < queue->capacity);
    struct gc_item *item = &queue->items[queue->tail++ & (queue->capacity - 1)];
    item->table = table;
    item->row = row;
    item->stamp = stamp;
    item->handle = handle;
    item->kind = (uint8_t)kind;
}

/* Works off what is due. Adopts an orphan queue now and then. */
void gc_run(struct mae_worker *worker);

/* Hands the queue to the database, for others to work off; keeps it when out of memory. */
void gc_orphan(struct mae_worker *worker);

void gc_queue_fini(struct gc_queue *queue);

#endif
