/*
 * gc.h - giving back versions and rows that nobody can reach any more.
 *
 * Each commit queues the versions it wrote. Once min_rts has passed a queued version's timestamp, that version is the
 * row's base. A collector locks the row, cuts off the versions that are older than the base, and gives them back.
 *   G1  Every transaction that runs or will begin reads at min_rts or later (H2). So it stops at the base or above,
 *       whether it reads or installs. Only transactions that walked past the base's place before the base was
 *       committed can reach what is older, and by H4 none of them still runs.
 *   G2  A queued version may have left the chain before its item is worked off. The row lock decides: a collector that
 *       holds the lock and finds the version decided, with the timestamp that was queued, knows that the version is
 *       still in the chain. A version that was given back and is used again has the status PENDING or UNUSED until its
 *       new timestamp is stored, and a version that has been unlinked while transactions may stand on it is marked
 *       UNLINKED. A tombstone or a base that has settled keeps its status in limbo, since transactions may yet look at
 *       it; it has nothing older, and is not the row's newest version. So status and timestamp, looked at after the
 *       links, identify a version of the chain that there is something to do with, and no collector walks along the
 *       chain to look for it.
 *   G3  A tombstone may be alone in its chain. Then the collector unlinks it by CAS of the head. Aborted versions above
 *       go first, by G5; the tombstone's item waits for that. Running transactions may stand on the tombstone, so the
 *       row waits in limbo until they have ended: until min_rts has passed the collector's own timestamp, which is as
 *       high as any that was published then. After that the row id is free.
 *
 *   G4  A base settles if it is the row's only version, lies outside the row, and the inline slot is free or held what
 *       the collector has just cut off. The collector copies the base into the slot under the base's own timestamp and
 *       puts the copy in its place by CAS of the head. Running transactions read above the base (G1). A transaction
 *       that has read the base itself finds the copy when it validates, and goes on with the copy (visible.h,
 *       follow_settled). The copy must carry the reads of the base from before the CAS: it stays PENDING until the
 *       collector has loaded the base's rts, after the CAS, into it (ORD-3: a reader that raises the base's rts later
 *       finds that the head has changed). While the copy is PENDING its `older` link points to the base, so that
 *       readers with pending=skip still find the row's version; a reader that comes too late for the link searches
 *       again (visible_find). Copy and base have the same timestamp, which is the one exception to V3. The base then
 *       waits in limbo as a tombstone does.
 *
 *   G5  Each version that was linked has one item, whether it was committed or aborted, and that item sees to the
 *       aborted versions right below it. When min_rts has passed an aborted version, the collector unlinks the run of
 *       aborted versions below it, by a store to its link: an installer has a later timestamp (H1), so nothing is ever
 *       linked below. It unlinks the version itself only as the newest of the row, by CAS of the head. Otherwise there
 *       is a newer version, whose item sees to it. Unlinked versions keep their own links and wait in limbo as a
 *       tombstone does, since transactions may stand on them. So an item costs what it gives back, however long the
 *       chain is, and a row whose writers always abort keeps no more aborted versions than were written since the
 *       horizon.
 *
 *   G6  Overtaken transactions do not count for min_rts. Pins say which versions they may have in hand (horizon.h, H6).
 *       A version that is older than the base stays if a pin needs it for the time between its own timestamp and that
 *       of the next newer version that was not aborted. The collector unlinks the others, also from between those that
 *       stay. They wait in limbo, since overtaken transactions may walk over them (H7). An item sees to what is below
 *       its version down to the first version that stays; below that, that one's item has done so or will. So an item
 *       does not walk over what pins keep. A row with versions that stay has one item in the list of what waits for
 *       pins to go, however often the row is written; the row's lock byte says that it has one. That item walks from
 *       the base down, but only when pins have gone and min_rts has moved since its last walk, and no deeper than those
 *       pins reached: a pin needs nothing that was superseded before its `lo`, and what a new pin needs has never been
 *       below the base. The row's tombstone or base is seen to then, too. A version that was visible until it was
 *       unlinked (a tombstone, a settled base) stays in limbo while a pin may need it, and a base that a pin may need
 *       does not settle.
 *
 *   G7  A version that was given back keeps its size class, so that G2 may look at it, until memory is short. From then
 *       on an item names only the row, and collectors find its base along the chain and see to all that is due there.
 *       A worker remembers the rows that it has walked along for the present min_rts, and skips further items of them:
 *       so a row is walked along once for each min_rts, not for each item. Once all collectors walk, which min_rts
 *       tells as it does for limbo, memory may change its class (version_pool.h), and an old handle may lead to
 *       anything.
 *
 *   G8  Garbage waits only for transactions that may reach it, and for no worker that is in a transaction for long. A
 *       worker works its queues off between transactions only, and a row that waits in its list waits in no other. So
 *       the leader that overtakes a transaction hands the queues of its worker to the database as orphans. The leader
 *       may: it holds the leader's lock, and until the owner has taken that lock to come back (horizon.h, H5), the
 *       owner only reads, which takes no look at the queues except below the lock of the orphans (gc_refused).
 *
 *   The row lock keeps gc_run out of a row that another gc_run is working on. Every other call may race with it.
 *
 * Checked by: db/verify.c, tests/stress, tests with the mutations that engine/DESIGN.md names at G1 to G8; the counter
 * versions_passed says how many versions collectors walked past. Source: section 3.8.
 */
#ifndef ENGINE_TXN_GC_H
#define ENGINE_TXN_GC_H

#include <stddef.h>

#include "engine/base/check.h"
#include "engine/store/table.h"
#include "engine/time/horizon.h"

struct mae_worker;
struct core;

/* What to do with an item: BASE: cut off the versions older than it. ABORTED: unlink it. VERSION, in limbo: give back
 * versions that were unlinked. ROW, in limbo: give back a row with all its versions. AWAITED: look again at a row that
 * kept versions for a pin. NOTHING: its table is closed. */
enum gc_kind { GC_BASE, GC_ABORTED, GC_VERSION, GC_ROW, GC_AWAITED, GC_NOTHING };

struct gc_item {
    struct table *table;
    char *row;
    uint64_t stamp;        /* the item is due when min_rts is above */
    version_handle handle; /* the base or aborted version; in limbo the newest one unlinked */
    uint32_t kind : 3;
    uint32_t more : 29; /* in limbo: how many versions along `older` belong to this item, too */
};

/* How many neighbours of a chain are unlinked together. */
enum { GC_RUN_MOST = 1 << 29 };

/*
 * A queue is a list of chunks from the pool of versions. So chunks count against the memory limit, are never copied,
 * and serve as versions again after a long queue. Behind the last chunk in use there are spare ones. Working off an
 * item may queue another one, so GC_CHUNK_ITEMS places are kept: working off one chunk cannot need more, and afterwards
 * that chunk is spare itself.
 */
enum { GC_CHUNK_ITEMS = 60 };

struct gc_chunk;

struct gc_queue {
    struct gc_item *tail, *tail_end;
    ptrdiff_t extra; /* places in spare chunks, minus the GC_CHUNK_ITEMS that are kept */
    struct gc_item *head;
    struct gc_chunk *first, *last;
    uint32_t behind, wanted; /* chunks behind the first one in use; those that a transaction has reserved last */
};

struct gc_chunk {
    struct gc_chunk *next;
    struct gc_item *begin, *end; /* the items queued here; `end` holds once `tail` is in a later chunk */
    version_handle handle;
    /* Only in the first chunk of an orphan. */
    size_t held; /* how many items, if they wait for pins to go; else 0 */
    struct gc_chunk *next_orphan;
    struct gc_queue queue;
    struct gc_item items[GC_CHUNK_ITEMS]; /* they begin at a cache line, so that each line has two */
};

/* A chunk is as large as the reserve can give, so that transactions that delete find room for their garbage when
 * nothing else is free. */
static_assert(sizeof(struct gc_chunk) + VERSION_HEADER_BYTES == 2048, "64 units of 32 bytes");
static_assert((offsetof(struct gc_chunk, items) + VERSION_HEADER_BYTES) % CACHE_LINE_BYTES == 0, "two items a line");

/* Items that wait for a pin to go. The worker looks through them, a few at a time, when a pin has gone. */
struct gc_held {
    struct gc_queue queue;
    struct horizon_pins pins; /* at the last look */
    size_t count, left;       /* items, and those still to be looked at in the present pass */
    uint64_t min_rts;         /* when the present pass began, or the last one */
    uint64_t floor;           /* the lowest `lo` of the pins for whose going the pass is */
    uint64_t next_floor;      /* of those that have gone since it began; UINT64_MAX: none */
};

/* A row that a collector has walked along, from its newest version to the base of `min_rts` and on to the first version
 * that stays and is older than `stamp`. */
struct gc_walked {
    const char *row;
    uint64_t min_rts, stamp;
};
enum { GC_WALKED_BITS = 8 };

/* Makes room for `more` items; false when out of memory. Only the queue's owner. `frees`: may take from the reserve. */
bool gc_reserve_more(struct mae_worker *worker, struct gc_queue *queue, size_t more, bool frees);

static ALWAYS_INLINE bool gc_has_room(const struct gc_queue *queue, size_t more)
{
    return (queue->tail_end - queue->tail) + queue->extra >= (ptrdiff_t)more;
}

void gc_next_chunk(struct gc_queue *queue);

/* Queues a version written at `stamp`, or what waits in limbo until min_rts passes `stamp`. There must be room. */
static ALWAYS_INLINE void gc_push(struct gc_queue *queue, struct table *table, char *row, version_handle handle,
                                  uint64_t stamp, enum gc_kind kind)
{
    if (UNLIKELY(queue->tail == queue->tail_end))
        gc_next_chunk(queue);
    MAE_DCHECK(queue->tail < queue->tail_end); /* room was reserved */
    MAE_DCHECK(kind <= GC_AWAITED && row != NULL);
    struct gc_item *item = queue->tail++;
    item->table = table;
    item->row = row;
    item->stamp = stamp;
    item->handle = handle;
    item->kind = (uint32_t)kind & 7;
    item->more = 0;
}

/*
 * The status for a transaction that was refused memory. MAE_ABORT_MEMORY while this worker has garbage queued, or other
 * workers may have garbage or free versions, but at most for MAE_MEMORY_PATIENCE_MS since the worker's first refusal
 * after its last commit. After that, and if nothing can come free, MAE_NO_MEMORY. So a loop that tries again as long as
 * a status is retryable ends.
 */
enum mae_status gc_refused(struct mae_worker *worker);

/* Works off the items that are due. Adopts some orphan queues if there are any. */
void gc_run(struct mae_worker *worker);

/* Hands the queues to the database as orphans, which other workers work off. Only the owner, or the thread that has
 * parked it, may call it. */
void gc_orphan(struct mae_worker *worker);

/* For the leader that has just overtaken the transaction of worker `id` of the core `arg`: hands the worker's queues
 * over likewise (G8). */
void gc_overtaken(void *arg, unsigned id);

/* Whether workers have to attend to orphans, memory or a turn. Under orphans_lock. */
void gc_renew_attention(struct core *core);

/*
 * For a closed table, which no transaction uses any more (txn/turn.h). gc_sweep makes the worker's queues, and
 * gc_sweep_orphans those of the orphans, hold nothing of closed tables; the memory that waits in them is given back to
 * the worker's pool. gc_free_rows gives back the versions in the chains of all rows.
 */
void gc_sweep(struct mae_worker *worker);
void gc_sweep_orphans(struct mae_worker *worker);
void gc_free_rows(struct mae_worker *worker, struct table *table);

/* Gives the memory of an empty queue back to the worker's pool. */
void gc_fini(struct mae_worker *worker);

#endif
