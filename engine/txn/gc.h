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
 *   G5  An aborted version that min_rts has passed is unlinked by CAS of the link that leads to it. Whoever installs
 *       has a later timestamp (H1), so its place is above: nothing is ever linked below the version, and a CAS of the
 *       same link by an installer makes one of the two look again. Transactions may be standing on it, so it waits in
 *       limbo as a tombstone does, and leads on to what is older until then. So a row whose writers always abort keeps
 *       no more aborted versions than were written since the horizon.
 *
 *   G6  Overtaken transactions do not count for min_rts; pins tell what they may have in hand (horizon.h, H6). Of what
 *       is older than the base, a version stays if a pin needs it, for the time from its timestamp to that of the next
 *       newer one that was not aborted. The others are unlinked, also from between those that stay, are marked aborted,
 *       so that G2 does not take them for versions of the chain, and wait in limbo, since overtaken transactions may
 *       walk over them (H7). A row of which something stays has one item, however often it is written, in the list of
 *       what waits for a pin to go (the row's lock byte says so); its tombstone or base is seen to then. In limbo, what
 *       was visible until it was unlinked waits for pins too: tombstones, and versions that have settled. While a pin
 *       may need a base it does not settle.
 *
 *   G7  Versions keep their class, so that G2 may look at one that has been given back, until memory is short. From
 *       then on an item says only which row to look at, and collectors find its base along the chain. When all do,
 *       which min_rts tells as in limbo, memory may change its class (version_pool.h): what stands at an old handle may
 *       then be anything.
 *
 *   gc_run on one row excludes itself (row lock); everything else is free to race with it.
 *
 * Checked by: db/verify.c, tests/stress, tests with mutations gc_early, row_free_early, aborted_free_early,
 * pin_ignored and held_dropped. Source: section 3.8.
 */
#ifndef ENGINE_TXN_GC_H
#define ENGINE_TXN_GC_H

#include <stddef.h>

#include "engine/base/check.h"
#include "engine/store/table.h"

struct mae_worker;
struct core;

/* What is due: cut off what is older than the base; unlink an aborted version; in limbo, give back versions that were
 * unlinked, or a row with all its versions; or look at a row again that has kept something for a pin. */
enum gc_kind { GC_BASE, GC_ABORTED, GC_VERSION, GC_ROW, GC_AWAITED };

struct gc_item {
    struct table *table;
    char *row;
    uint64_t stamp;        /* due when min_rts is above */
    version_handle handle; /* the base or aborted version; in limbo the newest one unlinked */
    uint16_t kind;
    uint16_t more; /* in limbo: versions along `older` that go with this one */
};

/*
 * A queue is a list of chunks from the pool of versions: they count against the memory limit, none is ever copied, and
 * what a long queue took serves versions afterwards. Behind the last chunk in use there are spare ones. Working off an
 * item may queue another one, so GC_CHUNK_ITEMS places are kept for that: while a chunk is worked off it cannot need
 * more, and then the chunk itself is spare.
 */
enum { GC_CHUNK_ITEMS = 60 };

struct gc_chunk;

struct gc_queue {
    struct gc_item *tail, *tail_end;
    ptrdiff_t extra; /* places in spare chunks, less those that are kept */
    struct gc_item *head;
    struct gc_chunk *first, *last;
};

struct gc_chunk {
    struct gc_chunk *next;
    struct gc_item *begin, *end; /* what was queued here; the end when `tail` has moved on */
    version_handle handle;
    /* Of the first chunk of an orphan. */
    size_t held; /* how many items, if they wait for pins; else 0 */
    struct gc_chunk *next_orphan;
    struct gc_queue queue;
    _Alignas(8) char fill[8]; /* the items begin at a cache line: two of them in each */
    struct gc_item items[GC_CHUNK_ITEMS];
};

/* The largest that the reserve can give: transactions that delete find room for their garbage when nothing is free. */
static_assert(sizeof(struct gc_chunk) + VERSION_HEADER_BYTES == 2048, "64 units of 32 bytes");

/* What waits for a pin to go. Looked through, a few at a time, when the pins are others than the last time. */
struct gc_held {
    struct gc_queue queue;
    uint64_t pins;      /* a checksum */
    size_t count, left; /* still to look at, for those pins */
};

/* Makes room for `more` items; false when out of memory. Owner only. `frees`: may take from the reserve. */
bool gc_reserve_more(struct mae_worker *worker, struct gc_queue *queue, size_t more, bool frees);

static ALWAYS_INLINE bool gc_has_room(const struct gc_queue *queue, size_t more)
{
    return (queue->tail_end - queue->tail) + queue->extra >= (ptrdiff_t)more;
}

void gc_next_chunk(struct gc_queue *queue);

/* Queues a version written at `stamp`, or what is to wait in limbo until then; room must have been reserved. */
static ALWAYS_INLINE void gc_push(struct gc_queue *queue, struct table *table, char *row, version_handle handle,
                                  uint64_t stamp, enum gc_kind kind)
{
    if (UNLIKELY(queue->tail == queue->tail_end))
        gc_next_chunk(queue);
    struct gc_item *item = queue->tail++;
    item->table = table;
    item->row = row;
    item->stamp = stamp;
    item->handle = handle;
    item->kind = (uint16_t)kind;
    item->more = 0;
}

/*
 * What a transaction is told that was refused memory: MAE_ABORT_MEMORY while garbage is queued or somebody else may
 * have some, or free versions, for MAE_MEMORY_PATIENCE_MS since the worker's first refusal after its last commit; else
 * MAE_NO_MEMORY. So loops that try again as long as a status is retryable end.
 */
enum mae_status gc_refused(struct mae_worker *worker);

/* Works off what is due. Adopts an orphan queue now and then. */
void gc_run(struct mae_worker *worker);

/* Hands the queue to the database, for others to work off. By the owner, or by who has parked it. */
void gc_orphan(struct mae_worker *worker);

/* Gives the memory of an empty queue back to the worker's pool. */
void gc_fini(struct mae_worker *worker);

#endif
