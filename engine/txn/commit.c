/*
 * commit.c - validation and decision, step by step (sections 3.4 and 3.5):
 *     sort writes, pre-check, install pending versions, raise read timestamps, check, log, decide.
 *
 * Why the result is serializable in timestamp order. Let transaction T have read version v of a row at ts, and let
 * transaction W write the row with v.wts < W.ts < ts. T must not commit unless W aborts. T raises v.rts to ts and then
 * searches the row again. W installs its version and then loads v.rts. Each stores before it loads, and all four
 * accesses are sequentially consistent (ORD-3). So either T's search meets W's version: then T waits until it is
 * decided, and aborts if W commits. Or W's load finds rts >= ts > W.ts, and W aborts. A T that finds rts >= ts in place
 * raises nothing: the transaction that raised rts stored it before T's load, hence before T's search. The argument is
 * about one row, so T raises and searches row by row. After that the read stays valid, since every later W finds the
 * raised rts.
 *
 * A T that writes the row itself need not raise v.rts, which would take v's line from all who read v. Its own version n
 * says that it rests on what is below it (V6). T links n and then searches below n. W links its version and then, if
 * newer versions stand above, looks whether one of them rests on what is below (newer_stand). Each stores before it
 * loads, as above: so either T's search meets W's version, or W meets n, and aborts unless n has been aborted. If W's
 * version was the row's newest when it was linked, n was linked later, and T's search meets W's version.
 *
 * An overtaken transaction (horizon.h), and one that has moved (restamp.h), commits with a later timestamp than it has
 * read with. The argument does not depend on where ts comes from: the commit raises rts to, and searches again at, the
 * timestamp of the commit.
 *
 * Waiting cannot form a circle: a transaction waits only for versions with smaller timestamps than its own.
 *
 * Not here: the read phase (txn.c), giving versions back (gc.c).
 */
#include "engine/txn/commit.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/tsc.h"
#include "engine/time/timestamp.h"
#include "engine/txn/elder.h"
#include "engine/txn/entries.h"
#include "engine/txn/logging.h"
#include "engine/txn/membership.h"
#include "engine/txn/owner.h"
#include "engine/txn/restamp.h"
#include "engine/txn/slow.h"
#include "engine/txn/txn.h"
#include "engine/txn/visible.h"

enum { SORT_ALL_MAX = 24, SORT_TOP = 8, SKIP_AFTER_COMMITS = 5, CHECKS_AHEAD = 32 };
#ifdef MAE_DEBUG
enum { CHECKS_MANY = 3 }; /* so that tests of few accesses come to it */
#else
enum { CHECKS_MANY = 4096 };
#endif

static COLD enum mae_status refuse(struct mae_worker *worker, enum mae_status status)
{
    atomic_store_explicit(&worker->slot->in_txn, OWNER_IDLE, memory_order_release);
    return status;
}

/* The timestamp that the beginning transaction is to be ordered behind. A snapshot waits here until it is. MAE_OK or
 * MAE_IO. */
static NOINLINE enum mae_status order_behind(struct mae_worker *worker, enum mae_mode mode, uint64_t *behind)
{
    uint64_t after = *behind;
    if (worker->protocol.strict && !MUTATED(strict_ignores_others)) {
        uint64_t last = horizon_last_commit(&worker->core->horizon);
        after = last > after ? last : after;
    }
    *behind = after;
    return mode == MAE_SNAPSHOT && !MUTATED(snapshot_ignores_after) ? worker_await(worker, after) : MAE_OK;
}

/* The transaction is open from here on, and has done nothing yet. */
static ALWAYS_INLINE void open(struct mae_txn *txn, bool snapshot, uint64_t now)
{
    MAE_DCHECK(!txn->running && !txn->on_decision);
    /* These are neighbours, so that the compiler makes one store of them. */
    txn->running = true;
    txn->snapshot = snapshot;
    txn->plain = txn->direct = !snapshot;
    txn->met_moved = txn->frees = txn->scratch_used = txn->overtaken = false;
    txn->doomed = MAE_OK;
    access_set_open(&txn->accesses);
    atomic_store_explicit(&txn->worker->slot->begin_ticks, now, memory_order_relaxed);
}

static ALWAYS_INLINE void open_read_write(struct mae_worker *worker, uint64_t now, uint64_t after)
{
    struct mae_txn *txn = &worker->txn;
    open(txn, false, now);
    txn->ts = timestamp_make(tsclock_next(&worker->clock, now, MUTATED(after_ignored) ? 0 : timestamp_clock(after)),
                             (uint8_t)worker->number);
    owner_reads(txn, OWNER_READING);
}

static ALWAYS_INLINE void open_snapshot(struct mae_worker *worker, uint64_t now)
{
    struct mae_txn *txn = &worker->txn;
    open(txn, true, now);
    RACE(LOAD_HORIZON);
    const struct horizon *horizon = &worker->core->horizon;
    /* What the database's own workers read does not leave the database: they need not wait until it is safe. ORD-2. */
    txn->ts = worker->number == HORIZON_NO_NUMBER ? atomic_load_explicit(&horizon->min_wts, memory_order_acquire)
                                                  : horizon_snapshot_ts(horizon);
    if (MUTATED(snapshot_too_new))
        txn->ts = timestamp_make(worker->clock.clock + 1, 0);
    owner_reads(txn, OWNER_SNAPSHOT);
}

static COLD void renew(struct mae_worker *worker)
{
    access_set_renew(&worker->txn.accesses);
    worker->txn.undo.epoch = worker->txn.scans_epoch = 0;
    if (worker->log)
        log_buffer_forget(worker->log);
}

/* Begins a transaction of any kind. */
static NOINLINE enum mae_status begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after,
                                      struct mae_txn **begun)
{
    if ((unsigned)mode > MAE_SNAPSHOT)
        return MAE_INVALID;
    if (worker->txn.running)
        return MAE_BUSY;
    uint64_t now = tsc_now();
    if (!owner_stops_others(worker->slot) && !MUTATED(unpark_forgotten)) {
        if (!atomic_load_explicit(&worker->joined, memory_order_relaxed))
            return refuse(worker, MAE_INVALID); /* the worker has left, and no other has taken its slot */
        worker_unpark(worker, now);
    }
    if (after != 0 || worker->protocol.strict) {
        if (after != 0 && !worker_may_follow(worker, after, now) && !MUTATED(after_unbounded))
            return refuse(worker, MAE_INVALID);
        enum mae_status status = order_behind(worker, mode, &after);
        if (status != MAE_OK)
            return refuse(worker, status);
        if (mode == MAE_SNAPSHOT &&
            !MUTATED(begin_before_wait)) /* it has waited, past quiescent points that must not come after the begin */
            now = tsc_now();
    }
    if (UNLIKELY(access_set_is_worn(&worker->txn.accesses)))
        renew(worker);
    if (mode == MAE_SNAPSHOT)
        open_snapshot(worker, now);
    else
        open_read_write(worker, now, after);
    if (UNLIKELY(elder_is_due(worker)) && mode == MAE_READ_WRITE)
        elder_begin(&worker->txn, now);
    worker->txn.direct &= !worker->txn.yields;
    *begun = &worker->txn;
    return MAE_OK;
}

/* Nearly all transactions are read-write ones that are ordered behind nothing. They begin without a call, so that no
 * register is saved on the stack. */
enum mae_status txn_begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after, struct mae_txn **begun)
{
    static_assert(MAE_READ_WRITE == 0, "the mode that needs no more");
    struct mae_txn *txn = &worker->txn;
    if (UNLIKELY(((unsigned)mode | txn->running | worker->protocol.begins_slowly | after) != 0) ||
        UNLIKELY(access_set_is_worn(&txn->accesses)) || !owner_stops_others(worker->slot))
        return begin(worker, mode, after, begun);
    open_read_write(worker, tsc_now(), 0);
    *begun = txn;
    return MAE_OK;
}

/* If the transaction was overtaken: its worker counts again, and a read-write transaction takes a timestamp above all
 * that was published meanwhile. Its reads are still to be validated at that timestamp. */
static NOINLINE void come_back(struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    uint64_t clock = worker->clock.clock;
    if (!horizon_come_back(&worker->core->horizon, worker->id, &clock))
        return;
    COUNT(worker, overtaken);
    txn->overtaken = true;
    if (UNLIKELY(horizon_is_doomed(worker->slot)) && txn->doomed == MAE_OK)
        txn->doomed = MAE_ABORT_OLD;
    worker->clock.clock = clock;
    if (!txn->snapshot && !MUTATED(overtaken_keeps_timestamp))
        txn->ts = timestamp_make(tsclock_next(&worker->clock, tsc_now(), clock), (uint8_t)worker->number);
}

/* The transaction has read all that it will read and now commits or ends. From here on it cannot be overtaken. */
static ALWAYS_INLINE void stop_reading(struct mae_txn *txn)
{
    MAE_DCHECK(txn->running);
    if (!owner_stops_others(txn->worker->slot) && !MUTATED(overtaken_unnoticed))
        come_back(txn);
}

/* Calls on_decision, which must not run transactions. */
static COLD void tell_decision(struct mae_txn *txn, bool committed)
{
    MAE_DCHECK(txn->on_decision != NULL);
    void (*on_decision)(struct mae_txn *, bool) = txn->on_decision;
    txn->on_decision = NULL;
    on_decision(txn, committed);
}

/* The transaction is over. Later calls with it take no fast path and find it doomed. */
static ALWAYS_INLINE void close(struct mae_txn *txn)
{
    MAE_DCHECK(txn->running);
    txn->running = txn->snapshot = txn->plain = txn->direct = false;
    txn->doomed = MAE_INVALID;
    access_set_close(&txn->accesses);
}

/* The worker passes a quiescent point if one is due. */
static ALWAYS_INLINE void pass(struct mae_worker *worker)
{
    uint64_t begin_ticks = atomic_load_explicit(&worker->slot->begin_ticks, memory_order_relaxed);
    if (begin_ticks - worker->quiescent_ticks >= worker->protocol.gc_interval_ticks)
        worker_quiescent(worker, begin_ticks);
}

/* Release, and last: a thread that parks this worker from now on may take over its garbage. */
static ALWAYS_INLINE void be_idle(struct mae_worker *worker)
{
    atomic_store_explicit(&worker->slot->in_txn, OWNER_IDLE, memory_order_release);
}

static NOINLINE void finish(struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    /* mae_txn_timestamp of a snapshot is ts - 1 while it runs; the subtraction keeps the answer the same afterwards. */
    txn->ts -= txn->snapshot;
    close(txn);
    if (UNLIKELY(worker->elder.holds))
        elder_end(worker);
    if (UNLIKELY(txn->overtaken)) {
        horizon_unpin(&worker->core->horizon, worker->id);
        worker_quiescent(worker, tsc_now());
    } else {
        pass(worker);
    }
    be_idle(worker);
}

/* ---- 1. The write set; sorted by contention: rows whose newest version is newest come first. ---- */

struct writes {
    uint32_t count, inlined; /* inlined: those whose version is in its row */
    uint32_t flags;          /* all that any access has */
};

static inline bool __attribute__((unused)) only_reads(const struct access_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->entries[i].flags & (ACCESS_WRITE | ACCESS_TOUCH | ACCESS_ENTRIES))
            return false;
    return true;
}

/* Lists the entries that are writes. A long scan's entries, a cache line each, are not looked at for that. */
static ALWAYS_INLINE struct writes list_writes(struct access_set *set)
{
    struct writes writes = {0, 0, 0};
    if (!set->changes) {
        MAE_DCHECK(only_reads(set));
        return writes;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct access *access = &set->entries[i];
        uint32_t is_write = (access->flags & ACCESS_WRITE) != 0;
        set->writes[writes.count] = i;
        writes.count += is_write;
        writes.inlined += is_write & (access->fresh_handle == HANDLE_INLINE);
        writes.flags |= access->flags;
    }
    return writes;
}

/* New versions are counted at the commit: complete_header says why the read phase stores little. */
static ALWAYS_INLINE void count_writes(struct mae_worker *worker, struct writes writes)
{
    COUNT_ADD(worker, inlined_writes, writes.inlined);
    COUNT_ADD(worker, pool_writes, writes.count - writes.inlined);
}

static uint64_t newest_wts(const struct access *access)
{
    return visible_newest_wts(access->table, access->row);
}

/* Rank sort: a write's position is the number of writes whose newest version is newer. It has no branch that the CPU
 * could mispredict, which is what makes other sorts slow on a few elements. */
static NOINLINE void sort_all_writes(struct access_set *set, uint32_t count)
{
    MAE_DCHECK(count <= SORT_ALL_MAX && count <= set->count);
    uint64_t newest[SORT_ALL_MAX];
    uint32_t sorted[SORT_ALL_MAX];
    for (uint32_t i = 0; i < count; i++)
        newest[i] = newest_wts(&set->entries[set->writes[i]]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t before = 0;
        for (uint32_t j = 0; j < count; j++)
            before += (newest[j] > newest[i]) | ((newest[j] == newest[i]) & (j < i));
        sorted[before] = set->writes[i];
    }
    memcpy(set->writes, sorted, count * sizeof *sorted);
}

/* Sorts a small set completely. Of a large one it only moves the SORT_TOP most contended rows to the front: they cause
 * the conflicts, and the order of the others matters little. */
static NOINLINE void sort_writes(struct access_set *set, uint32_t count)
{
    if (count <= SORT_ALL_MAX) {
        sort_all_writes(set, count);
        return;
    }
    uint32_t *writes = set->writes;
    for (uint32_t i = 0; i < count; i++)
        set->entries[writes[i]].contention_wts = newest_wts(&set->entries[writes[i]]);
    for (uint32_t i = 0; i < SORT_TOP; i++) {
        uint32_t best = i;
        for (uint32_t j = i + 1; j < count; j++)
            if (set->entries[writes[j]].contention_wts > set->entries[writes[best]].contention_wts)
                best = j;
        uint32_t moved = writes[i];
        writes[i] = writes[best];
        writes[best] = moved;
    }
}

/* ---- Does the timestamp still see what was read, and may that be overwritten? For pre-check and check. ---- */

/* True if the newest version is still the one read: no version can have come in between. The common case: one load. */
static ALWAYS_INLINE bool read_is_head(struct access *access)
{
    return LIKELY(access->flags & ACCESS_READ_HEAD) &&
           LIKELY(atomic_load_explicit(row_head(access->table, access->row), memory_order_seq_cst) ==
                  access->read_handle); /* ORD-3, reader half */
}

/* `raises`: the read timestamp of a copy that the read goes on with is raised, too. */
static NOINLINE bool read_is_visible(struct mae_txn *txn, struct access *access, const bool raises)
{
    MAE_DCHECK(access->flags & ACCESS_READ && access->read != NULL);
    _Atomic version_handle *head = row_head(access->table, access->row);
    struct version *found = visible_decided(txn->worker, access->table, access->row, head, txn->ts);
    if (found == access->read)
        return true;
    if (!follow_settled(access, found))
        return false;
    if (!raises)
        return true;
    if (!MUTATED(follow_without_raise))
        raise_rts(found, txn->ts);
    return visible_decided(txn->worker, access->table, access->row, head, txn->ts) == found;
}

static ALWAYS_INLINE bool read_is_valid(struct mae_txn *txn, struct access *access, const bool raises)
{
    RACE(CHECK_READ);
    return read_is_head(access) || read_is_visible(txn, access, raises);
}

/* `older` is the visible version below this write's place. */
static ALWAYS_INLINE bool may_supersede(const struct mae_txn *txn, const struct access *access, struct version *older)
{
    if (!older)
        return false;
    if (MUTATED(no_validation))
        return true;
    if (access->flags & ACCESS_READ) {
        if (older != access->read)
            return false;
    } else if (!version_status_is_plain(version_status(older)) &&
               !(MUTATED(blind_over_moved) && version_status(older) == VERSION_MOVED)) {
        return false; /* no row any more, or an entry that led to it has gone since: read-modify-write inherits that */
    }
    if (MUTATED(blind_skips_rts) && !(access->flags & ACCESS_READ))
        return true;
    /* ORD-3, writer half. */
    return atomic_load_explicit(&older->rts, memory_order_seq_cst) <= txn->ts;
}

/* ---- 2. Pre-check, before anything becomes visible to others. ---- */

static NOINLINE bool precheck(struct mae_txn *txn)
{
    if (MUTATED(no_validation))
        return true;
    const uint32_t read_modify_write = ACCESS_READ | ACCESS_WRITE;
    struct access_set *set = &txn->accesses;
    RACE(PRECHECK);
    COUNT(txn->worker, prechecks);
    for (uint32_t i = 0; i < set->count; i++) {
        struct access *access = &set->entries[i];
        if (access->flags & ACCESS_READ && !read_is_valid(txn, access, false))
            return false;
        if ((access->flags & read_modify_write) == read_modify_write &&
            atomic_load_explicit(&access->read->rts, memory_order_relaxed) > txn->ts)
            return false;
    }
    return true;
}

/* ---- 3. Install the pending versions. ---- */

/* Writes the part of the header that only other transactions read. The read phase does not write it, because there a
 * row on its way from memory keeps the store queue from draining, and once the queue is full the next row's load has to
 * wait. */
static ALWAYS_INLINE void complete_header(const struct access *access, uint64_t ts, enum version_status status)
{
    MAE_DCHECK(ts != 0);
    struct version *fresh = access->fresh;
    const bool rests = access->flags & ACCESS_READ && !MUTATED(rests_unmarked);
    atomic_store_explicit(&fresh->wts, ts, memory_order_relaxed);
    atomic_store_explicit(&fresh->rts, ts + rests, memory_order_relaxed); /* V6 */
    atomic_store_explicit(&fresh->status, status, memory_order_release);  /* ORD-7, for G2 */
}

/* Links the new version if the row's newest version is still the one that was read. `install` does the same for every
 * case. */
static ALWAYS_INLINE bool install_at_head(struct mae_txn *txn, struct access *access)
{
    const uint32_t wanted = ACCESS_READ | ACCESS_READ_HEAD;
    version_handle head = access->read_handle;
    if (MUTATED(wrong_insert_position) || (access->flags & wanted) != wanted ||
        atomic_load_explicit(&access->read->rts, memory_order_relaxed) > txn->ts)
        return false;
    MAE_DCHECK(version_wts(access->read) < txn->ts); /* V3 */
    atomic_store_explicit(&access->fresh->older, head, memory_order_relaxed);
    RACE(INSTALL_LINK);
    /* ORD-8 and ORD-3 as in install. */
    return atomic_compare_exchange_strong_explicit(row_head(access->table, access->row), &head, access->fresh_handle,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

/*
 * For a write whose place is below newer versions of its row: whether those would stand although it commits (V6). They
 * do if the next one that is not aborted rests on nothing, and is committed. What is above that one has read it, or a
 * later one, or aborts for it. Pending versions may abort, so that all must rest on nothing. A DELTA rests on what is
 * below once it has its value, which says its base's rts (resolve.h, CU1). Ends: timestamps fall.
 */
static NOINLINE bool newer_stand(const struct mae_txn *txn, const struct access *access)
{
    bool stand = true;
    _Atomic version_handle *link = row_head(access->table, access->row);
    for (version_handle handle; (handle = atomic_load_explicit(link, memory_order_seq_cst)) != HANDLE_NONE;) {
        struct version *version = row_version(access->table, access->row, handle);
        uint64_t wts = version_wts(version);
        if (wts <= txn->ts)
            break;
        RACE(CHECK_WRITE);
        uint8_t status = version_status(version);
        bool rests = atomic_load_explicit(&version->rts, memory_order_relaxed) > wts;
        if (!version_status_is_aborted(status))
            stand = !rests && (stand || version_status_is_committed(status));
        link = &version->older;
    }
    return stand;
}

static NOINLINE bool install(struct mae_txn *txn, struct access *access)
{
    MAE_DCHECK(version_wts(access->fresh) == txn->ts); /* V1 */
    MAE_DCHECK(access->flags & ACCESS_WRITE && !(access->flags & (ACCESS_INSERT | ACCESS_INSTALLED)));
    struct mae_worker *worker = txn->worker;
    struct table *table = access->table;
    struct version *fresh = access->fresh;
    char *row = access->row;
    /* Ends: each round that fails to link has seen another version linked or unlinked. The next round goes on from the
     * newer neighbour found last, which is still a newer neighbour. */
    for (_Atomic version_handle *link = row_head(table, row);;) {
        version_handle handle;
        while ((handle = atomic_load_explicit(link, memory_order_acquire)) != HANDLE_NONE) {
            struct version *version = row_version(table, row, handle);
            RACE(READ_VERSION);
            if (version_wts(version) < txn->ts)
                break;
            link = &version->older;
        }
        if (MUTATED(wrong_insert_position)) {
            link = row_head(table, row);
            handle = atomic_load_explicit(link, memory_order_acquire);
        }
        struct version *older = visible_decided(worker, table, row, link, txn->ts);
        if (access->flags & ACCESS_READ)
            (void)follow_settled(access, older);
        const bool below = link != row_head(table, row);
        if ((!may_supersede(txn, access, older) || (below && !newer_stand(txn, access))) &&
            !MUTATED(skip_install_check))
            return false;
        atomic_store_explicit(&fresh->older, handle, memory_order_relaxed);
        RACE(INSTALL_LINK);
        /* ORD-8: release publishes the version's header and payload. ORD-3, writer half: before the loads of rts. */
        if (atomic_compare_exchange_strong_explicit(link, &handle, access->fresh_handle, memory_order_seq_cst,
                                                    memory_order_relaxed)) {
            access->flags |= below ? ACCESS_BELOW : 0;
            return true;
        }
    }
}

/* ---- 5. Check. ---- */

/*
 * A blind write relies on the row and on the entry that led to it, but has read nothing that validation could check. So
 * a tombstone or a MOVED version may stand only below aborted versions. The same holds for a version of a transaction
 * that adds or removes entries of the row, which whoever deletes the row must not miss (entries.h). ORD-3 again: the
 * deleter links the tombstone, then looks for newer versions; the blind writer links its version, then looks at what is
 * below.
 */
static COLD bool write_is_newest(struct access *access)
{
    MAE_DCHECK(access->flags & ACCESS_INSTALLED); /* V5 */
    _Atomic version_handle *link = row_head(access->table, access->row);
    for (version_handle handle; (handle = atomic_load_explicit(link, memory_order_seq_cst)) != access->fresh_handle;) {
        struct version *version = row_version(access->table, access->row, handle);
        RACE(CHECK_WRITE);
        if (!version_status_is_aborted(version_status(version)))
            return false;
        link = &version->older;
    }
    return true;
}

static ALWAYS_INLINE bool write_is_valid(struct mae_txn *txn, struct access *access)
{
    RACE(CHECK_WRITE);
    const uint32_t entries = MUTATED(entry_gain_below_blind) ? ACCESS_MOVED : ACCESS_MOVED | ACCESS_ENTRIES;
    const uint32_t newest = ACCESS_DELETE | (MUTATED(moved_below_blind) ? 0 : entries);
    const bool unchecked = MUTATED(tombstone_unchecked) && access->flags & ACCESS_DELETE;
    if (UNLIKELY(access->flags & newest) && !unchecked && !write_is_newest(access))
        return false;
    if (UNLIKELY(access->flags & ACCESS_BELOW) && !MUTATED(below_unchecked) && !newer_stand(txn, access))
        return false;
    /* ORD-3, both loads. The common case: right below the new version is the version read, which is committed. */
    if ((access->flags & ACCESS_READ) &&
        LIKELY(atomic_load_explicit(&access->fresh->older, memory_order_seq_cst) == access->read_handle))
        return LIKELY(atomic_load_explicit(&access->read->rts, memory_order_seq_cst) <= txn->ts);
    return may_supersede(txn, access,
                         visible_decided(txn->worker, access->table, access->row, &access->fresh->older, txn->ts));
}

/* ---- 7. Decide. ---- */

/* Gives back a new row that was never linked. */
static void insert_discard(struct mae_worker *worker, struct access *access)
{
    MAE_DCHECK(access->flags & ACCESS_INSERT && !(access->flags & ACCESS_INSTALLED));
    COUNT(worker, versions_discarded);
    if (access->fresh_handle == HANDLE_INLINE)
        atomic_store_explicit(&access->fresh->status, VERSION_UNUSED, memory_order_release);
    else
        pool_free(&worker->pool, access->fresh_handle, access->fresh);
    struct row_allocator *rows = access->flags & ACCESS_KEEP_ID ? NULL : worker_rows(worker, access->table);
    if (rows)
        row_free(access->table, rows, table_row_id(access->table, access->row));
}

/* What a commit adds to the count of a table's rows: once for neighbouring writes in one table. */
struct row_change {
    struct table *table;
    int64_t rows;
};

static ALWAYS_INLINE void count_row(struct mae_worker *worker, struct row_change *change, struct table *table,
                                    int64_t rows)
{
    if (table->is_node)
        return;
    if (UNLIKELY(change->table != table)) {
        if (change->rows != 0)
            table_count_rows(change->table, worker->id, change->rows);
        *change = (struct row_change){.table = table};
    }
    change->rows += rows;
}

static ALWAYS_INLINE void count_last_row(struct mae_worker *worker, const struct row_change *change)
{
    if (change->rows != 0)
        table_count_rows(change->table, worker->id, change->rows);
}

static void count_deletions(struct mae_txn *txn, uint32_t write_count)
{
    struct access_set *set = &txn->accesses;
    struct row_change change = {.table = NULL};
    for (uint32_t i = 0; i < write_count && !MUTATED(deleted_rows_counted); i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if ((access->flags & (ACCESS_INSERT | ACCESS_DELETE)) == ACCESS_DELETE)
            count_row(txn->worker, &change, access->table, -1);
    }
    count_last_row(txn->worker, &change);
}

/* Decides the inserted rows first: a transaction that sees an entry of this one must find the entry's row (I2). */
static void decide_inserts(struct mae_txn *txn, uint32_t write_count)
{
    struct mae_worker *worker = txn->worker;
    struct access_set *set = &txn->accesses;
    struct row_change change = {.table = NULL};
    for (uint32_t i = 0; i < write_count; i++) {
        struct access *access = &set->entries[set->writes[i]];
        if (!(access->flags & ACCESS_INSERT))
            continue;
        if (UNLIKELY(access->flags & ACCESS_DELETE)) { /* inserted and deleted: no other transaction ever sees it */
            insert_discard(worker, access);
            continue;
        }
        count_row(worker, &change, access->table, 1);
        RACE(DECIDE);
        MAE_DCHECK(atomic_load_explicit(row_head(access->table, access->row), memory_order_relaxed) ==
                   HANDLE_NONE); /* I2 */
        atomic_store_explicit(&access->fresh->older, HANDLE_NONE, memory_order_relaxed);
        complete_header(access, txn->ts, VERSION_COMMITTED);
        /* ORD-8. No other worker links here: the row was empty, and no other worker had its id. */
        atomic_store_explicit(row_head(access->table, access->row), access->fresh_handle, memory_order_release);
    }
    count_last_row(worker, &change);
}

/*
 * Moves index nodes to the front of the list of writes: a transaction that sees a MOVED version must find that the
 * entry which led to the row is gone (I3), also with pending=skip, which does not wait for the node.
 */
static COLD void list_nodes_first(struct access_set *set, uint32_t write_count)
{
    MAE_DCHECK(write_count <= set->count);
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < write_count; i++) {
        uint32_t moved = set->writes[i];
        if (!set->entries[moved].table->is_node)
            continue;
        set->writes[i] = set->writes[nodes];
        set->writes[nodes++] = moved;
    }
}

/* Not MAE_OK: see decide. */
static NOINLINE enum mae_status prepare_decision(struct mae_txn *txn, struct writes writes)
{
    if (writes.flags & (ACCESS_DELETE | ACCESS_ENTRIES)) {
        enum mae_status status = entries_prepare(&txn->accesses, writes.count);
        if (status != MAE_OK)
            return status;
        if (!MUTATED(entries_counted_late))
            entries_count(&txn->accesses, writes.count);
    }
    /* Before anything is decided: whoever sees a row of this transaction finds the row's entries. */
    if (txn->on_decision && !MUTATED(entries_behind_rows))
        tell_decision(txn, true);
    if (writes.flags & ACCESS_DELETE)
        count_deletions(txn, writes.count);
    if (writes.flags & ACCESS_INSERT)
        decide_inserts(txn, writes.count);
    if (writes.flags & ACCESS_MOVED && !MUTATED(moved_before_entry))
        list_nodes_first(&txn->accesses, writes.count);
    return MAE_OK;
}

static COLD enum version_status special_status(struct mae_worker *worker, const struct access *access)
{
    if (access->flags & ACCESS_DELETE)
        return MUTATED(lost_tombstone) ? VERSION_COMMITTED : VERSION_DELETED;
    MAE_DCHECK((access->flags & (ACCESS_DELTA | ACCESS_MOVED)) != (ACCESS_DELTA | ACCESS_MOVED)); /* V5 */
    COUNT_ADD(worker, deltas, (access->flags & ACCESS_DELTA) != 0);
    return access->flags & ACCESS_DELTA ? VERSION_DELTA : VERSION_MOVED;
}

static ALWAYS_INLINE enum version_status decided_status(struct mae_worker *worker, const struct access *access)
{
    bool plain = LIKELY(!(access->flags & (ACCESS_DELETE | ACCESS_MOVED | ACCESS_DELTA)));
    return plain ? VERSION_COMMITTED : special_status(worker, access);
}

static ALWAYS_INLINE void decide_updates(struct mae_txn *txn, uint32_t write_count)
{
    struct mae_worker *worker = txn->worker;
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < write_count; i++) {
        struct access *access = &set->entries[set->writes[i]];
        if (access->flags & ACCESS_INSERT)
            continue;
        RACE(DECIDE);
        MAE_DCHECK(access->flags & ACCESS_INSTALLED);
        MAE_DCHECK(version_status(access->fresh) == VERSION_PENDING); /* ORD-7: decided once */
        atomic_store_explicit(&access->fresh->status, decided_status(worker, access), memory_order_release); /* ORD-7 */
        gc_push(&worker->gc, access->table, access->row, access->fresh_handle, txn->ts, GC_BASE);
    }
}

/* One in so many commits that note operations sees to it that these do not pile up where it has noted some (resolve.h,
 * CU4). It is chosen by its timestamp, so that no order in which rows are used can hide one of them. */
static COLD void shorten_chains(const struct mae_txn *txn, uint32_t write_count)
{
    const struct access_set *set = &txn->accesses;
    if ((txn->ts * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - RESOLVE_LOOK_BITS) != 0 || MUTATED(delta_chain_grows))
        return;
    for (uint32_t i = 0; i < write_count; i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if (access->flags & ACCESS_DELTA)
            version_shorten(txn->worker, access->table, access->row, access->fresh);
    }
}

static COLD void roll_back(struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    struct access_set *set = &txn->accesses;
    struct writes writes = list_writes(set);
    count_writes(worker, writes);
    for (uint32_t i = 0; i < writes.count; i++) {
        struct access *access = &set->entries[set->writes[i]];
        if (access->flags & ACCESS_INSERT) {
            insert_discard(worker, access);
        } else if (access->flags & ACCESS_INSTALLED) {
            RACE(ABORT_INSTALLED);
            if (!MUTATED(abort_leaves_pending))
                atomic_store_explicit(&access->fresh->status, /* ORD-7 */
                                      MUTATED(abort_commits) ? VERSION_COMMITTED : VERSION_ABORTED,
                                      memory_order_release);
            gc_push(&worker->gc, access->table, access->row, access->fresh_handle, version_wts(access->fresh),
                    GC_ABORTED);
        } else if (access->fresh_handle == HANDLE_INLINE) {
            COUNT(worker, versions_discarded);
            if (!MUTATED(inline_slot_lost))
                atomic_store_explicit(&access->fresh->status, VERSION_UNUSED, memory_order_release); /* ORD-5 */
        } else {
            COUNT(worker, versions_discarded);
            pool_free(&worker->pool, access->fresh_handle, access->fresh);
        }
    }
}

static COLD void count_abort(struct mae_worker *worker, enum mae_status status)
{
    switch (status) {
    case MAE_ABORT_NEWER:
        COUNT(worker, aborts_newer);
        break;
    case MAE_ABORT_RTS:
        COUNT(worker, aborts_rts);
        break;
    case MAE_ABORT_PENDING:
        COUNT(worker, aborts_pending);
        break;
    case MAE_ABORT_PRECHECK:
        COUNT(worker, aborts_precheck);
        break;
    case MAE_ABORT_INSTALL:
        COUNT(worker, aborts_install);
        break;
    case MAE_ABORT_READ_CHECK:
        COUNT(worker, aborts_read_check);
        break;
    case MAE_ABORT_WRITE_CHECK:
        COUNT(worker, aborts_write_check);
        break;
    case MAE_ABORT_INDEX:
        COUNT(worker, aborts_index);
        break;
    case MAE_ABORT_OLD:
        COUNT(worker, aborts_old);
        break;
    case MAE_NO_MEMORY:
    case MAE_ABORT_MEMORY:
    case MAE_NO_ADDRESSES:
        COUNT(worker, aborts_memory);
        break;
    case MAE_IO:
    case MAE_ABORT_LOG:
        COUNT(worker, aborts_log);
        break;
    case MAE_CORRUPT:
        COUNT(worker, aborts_entry);
        break;
    default:
        COUNT(worker, aborts_user);
        break;
    }
}

/* An overtaken transaction may have read a version, as the newest of its row and without a walk, whose memory serves
 * something else by now (visible.h). So the commit finds each read version in its row again before it writes to it. */
static bool overtaken_reads_stand(struct mae_txn *txn)
{
    return LIKELY(!txn->overtaken) || precheck(txn);
}

static COLD enum mae_status fail(struct mae_txn *txn, enum mae_status status)
{
    MAE_DCHECK(!txn->snapshot && status != MAE_OK);
    struct mae_worker *worker = txn->worker;
    uint64_t phase = PROTOCOL(worker, phase_times) ? tsc_now() : 0;
    if (worker->protocol.restamp != RESTAMP_OFF && mae_status_is_retryable(status))
        restamp_retry(txn);
    if (worker->protocol.elder_after)
        elder_failed(txn, status);
    roll_back(txn);
    if (UNLIKELY(txn->on_decision != NULL))
        tell_decision(txn, false);
    count_abort(worker, status);
    if (mae_status_is_retryable(status)) {
        worker->commits_in_a_row = 0;
        worker->clock.boost_units = worker->protocol.clock_boost_units;
    }
    PHASE_END(worker, ticks_abort, &phase);
    finish(txn);
    return status;
}

bool txn_reads_are_valid(struct mae_txn *txn)
{
    struct access_set *set = &txn->accesses;
    stop_reading(txn);
    if (!overtaken_reads_stand(txn))
        return false;
    for (uint32_t i = 0; i < set->count; i++) {
        struct access *access = &set->entries[i];
        if (!(access->flags & ACCESS_READ))
            continue;
        raise_rts(access->read, txn->ts);
        if (!read_is_valid(txn, access, true))
            return false;
    }
    return true;
}

void txn_see_newest(struct mae_txn *txn)
{
    stop_reading(txn);
    txn->ts = UINT64_MAX;
}

void txn_abort(struct mae_txn *txn)
{
    stop_reading(txn);
    if (txn->snapshot) {
        COUNT(txn->worker, snapshots);
        finish(txn);
    } else {
        (void)fail(txn, txn->doomed == MAE_OK ? MAE_ABORT_USER : txn->doomed);
    }
}

/* Reserves room for the garbage of this commit or its abort, while the transaction can still fail: one item for each
 * version that will be linked above another. */
static NOINLINE bool reserve_garbage(struct mae_txn *txn, uint32_t write_count)
{
    MAE_DCHECK(txn->running && !txn->snapshot);
    const struct access_set *set = &txn->accesses;
    uint32_t linked = 0;
    for (uint32_t i = 0; i < write_count; i++)
        linked += !(set->entries[set->writes[i]].flags & ACCESS_INSERT);
    txn->worker->gc.wanted = linked / GC_CHUNK_ITEMS;
    return gc_reserve_more(txn->worker, &txn->worker->gc, linked, txn->frees);
}

/* 3. Links the new version of each write, except inserts, as PENDING. False: some row has newer reads or writes. */
static ALWAYS_INLINE bool install_writes(struct mae_txn *txn, uint32_t write_count)
{
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < write_count; i++) {
        struct access *access = &set->entries[set->writes[i]];
        if (access->flags & ACCESS_INSERT)
            continue;
        complete_header(access, txn->ts, VERSION_PENDING);
        if (UNLIKELY(!install_at_head(txn, access)) && UNLIKELY(!install(txn, access)))
            return false;
        access->flags |= ACCESS_INSTALLED;
        if (MUTATED(yields_while_pending) && txn->yields)
            txn->worker->on_miss(txn->worker->on_miss_arg);
    }
    return true;
}

/* Begins to load what the check of an access will store to and load. */
static ALWAYS_INLINE void prefetch_check(const struct access *access)
{
    __builtin_prefetch(access->row + access->table->head_offset, 0);
    if (access->flags & ACCESS_READ)
        __builtin_prefetch(access->read, 1);
}

/* Steps 4 and 5, row by row. MAE_OK if this timestamp still sees each version that was read, and if no later
 * transaction has read a version that a write supersedes. */
static ALWAYS_INLINE enum mae_status check_each(struct mae_txn *txn, const bool prefetches)
{
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < set->count; i++) {
        struct access *access = &set->entries[i];
        if (prefetches && LIKELY(i + CHECKS_AHEAD < set->count))
            prefetch_check(access + CHECKS_AHEAD);
        if ((access->flags & (ACCESS_READ | ACCESS_INSTALLED)) == ACCESS_READ && !MUTATED(skip_rts_raise))
            raise_rts(access->read, txn->ts);
        if (access->flags & ACCESS_INSTALLED) {
            if (UNLIKELY(!write_is_valid(txn, access)) && !MUTATED(skip_write_check) && !MUTATED(skip_check) &&
                !MUTATED(no_validation))
                return MAE_ABORT_WRITE_CHECK;
        } else if (access->flags & ACCESS_READ) {
            if (UNLIKELY(!read_is_valid(txn, access, true)) && !MUTATED(skip_read_check) && !MUTATED(skip_check) &&
                !MUTATED(no_validation))
                return MAE_ABORT_READ_CHECK;
        }
    }
    return MAE_OK;
}

/* What a short transaction has read is still in the cache. */
static NOINLINE enum mae_status check_many(struct mae_txn *txn)
{
    return check_each(txn, true);
}

static ALWAYS_INLINE enum mae_status check_accesses(struct mae_txn *txn)
{
    return UNLIKELY(txn->accesses.count >= CHECKS_MANY) ? check_many(txn) : check_each(txn, false);
}

/* Not MAE_OK, and nothing is decided: see entries_prepare. */
static ALWAYS_INLINE enum mae_status decide(struct mae_txn *txn, struct writes writes, const bool plain)
{
    const uint32_t special = ACCESS_INSERT | ACCESS_MOVED | ACCESS_DELETE | ACCESS_ENTRIES;
    RACE(DECIDE);
    if (UNLIKELY(writes.flags & special) || (!plain && txn->on_decision)) {
        enum mae_status status = prepare_decision(txn, writes);
        if (UNLIKELY(status != MAE_OK))
            return status;
    }
    if (writes.count > 0) {
        decide_updates(txn, writes.count);
        count_writes(txn->worker, writes);
        if (UNLIKELY(writes.flags & ACCESS_DELTA))
            shorten_chains(txn, writes.count);
    }
    if (MUTATED(entries_counted_late))
        entries_count(&txn->accesses, writes.count);
    return MAE_OK;
}

/* 6. Log, before anything is decided, and only what will be (D1). Not MAE_OK: as `decide`. */
static NOINLINE enum mae_status log_writes(struct mae_txn *txn, struct writes writes)
{
    enum mae_status status = MAE_OK;
    if (writes.flags & (ACCESS_DELETE | ACCESS_ENTRIES))
        status = entries_prepare(&txn->accesses, writes.count);
    if (status == MAE_OK)
        logging_append(txn, writes.count);
    return status;
}

static ALWAYS_INLINE void count_commit(struct mae_txn *txn)
{
    MAE_DCHECK(txn->ts > atomic_load_explicit(&txn->worker->slot->last_ts, memory_order_relaxed) ||
               MUTATED(park_loses_clock)); /* T1 */
    struct mae_worker *worker = txn->worker;
    COUNT(worker, commits);
    atomic_store_explicit(&worker->slot->last_ts, txn->ts, memory_order_release); /* ORD-12 */
    worker->commits_in_a_row++;
    worker->clock.boost_units = 0;
}

/*
 * For a commit that nothing but `status` stops. MAE_CORRUPT says what the rows were at the transaction's timestamp, so
 * that its reads must stay valid as those of a commit do. Where it has written, too, no version of its own will say so
 * any more (V6): so it raises read timestamps, before its versions are aborted.
 */
static COLD enum mae_status fail_decided(struct mae_txn *txn, enum mae_status status)
{
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < set->count && status == MAE_CORRUPT && !MUTATED(refusal_unraised); i++) {
        struct access *access = &set->entries[i];
        if (access->flags & ACCESS_READ)
            raise_rts(access->read, txn->ts);
    }
    return fail(txn, status);
}

#define COMMIT_PHASE_END(counter)               \
    do {                                        \
        if (!plain)                             \
            PHASE_END(worker, counter, &phase); \
    } while (0)

static NOINLINE enum mae_status commit_any(struct mae_txn *txn);

/* Commits a transaction that has touched rows. */
static NOINLINE enum mae_status commit_touched(struct mae_txn *txn)
{
    if (!overtaken_reads_stand(txn))
        return fail(txn, MAE_ABORT_PRECHECK);
    enum mae_status status = txn_write_touched(txn);
    return status == MAE_OK ? commit_any(txn) : fail(txn, status);
}

/* Validates and decides a transaction that is not doomed. With the constant `plain`, which is_plain has found true,
 * none of the rarer cases is looked for. */
static ALWAYS_INLINE enum mae_status commit(struct mae_txn *txn, const bool plain)
{
    struct mae_worker *worker = txn->worker;
    struct access_set *set = &txn->accesses;
    uint64_t phase = plain ? 0 : atomic_load_explicit(&worker->slot->begin_ticks, memory_order_relaxed);
    struct writes writes = list_writes(set);
    if (UNLIKELY(writes.flags & ACCESS_TOUCH) && !MUTATED(touched_unwritten))
        return commit_touched(txn);
    COMMIT_PHASE_END(ticks_execute);
    if (UNLIKELY(!gc_has_room(&worker->gc, writes.count)) && UNLIKELY(!reserve_garbage(txn, writes.count)))
        return fail(txn, gc_refused(worker));
    enum mae_status status = !plain && worker->log ? logging_reserve(txn, writes.count) : MAE_OK;
    if (status != MAE_OK)
        return fail(txn, status);
    if (!plain && UNLIKELY(worker->elder.holds))
        elder_commits(worker);
    if (!plain && worker->protocol.restamp == RESTAMP_EXTEND && !txn->overtaken && !MUTATED(restamp_linked))
        restamp_writes(txn, writes.count);
    if (!PROTOCOL(worker, adaptive_skip) || worker->commits_in_a_row < SKIP_AFTER_COMMITS) {
        if (PROTOCOL(worker, sort_writes) && writes.count > 1) {
            sort_writes(set, writes.count);
            COUNT(worker, sorts);
        }
        if (PROTOCOL(worker, precheck) && !precheck(txn))
            return fail(txn, MAE_ABORT_PRECHECK);
    }
    if (!plain && !overtaken_reads_stand(txn))
        return fail(txn, MAE_ABORT_PRECHECK);
    COMMIT_PHASE_END(ticks_precheck);

    if (!install_writes(txn, writes.count))
        return fail(txn, MAE_ABORT_INSTALL);
    if (MUTATED(restamp_linked) && !plain && worker->protocol.restamp == RESTAMP_EXTEND && !txn->overtaken)
        restamp_writes(txn, writes.count);
    COMMIT_PHASE_END(ticks_install);

    status = check_accesses(txn);
    if (UNLIKELY(status != MAE_OK))
        return fail(txn, status);
    COMMIT_PHASE_END(ticks_check);

    if (!plain && worker->log && !MUTATED(logged_too_late))
        status = log_writes(txn, writes);
    if (LIKELY(status == MAE_OK))
        status = decide(txn, writes, plain);
    if (UNLIKELY(status != MAE_OK))
        return fail_decided(txn, status);
    if (MUTATED(entries_behind_rows) && txn->on_decision)
        tell_decision(txn, true);
    COMMIT_PHASE_END(ticks_decide);
    count_commit(txn);
    if (!plain) {
        if (UNLIKELY(worker->elder.aborts != 0))
            elder_forget(worker);
        finish(txn);
        if (MUTATED(logged_too_late) && worker->log)
            logging_append(txn, writes.count);
        return MAE_OK;
    }
    close(txn);
    pass(worker);
    be_idle(worker);
    return MAE_OK;
}

#undef COMMIT_PHASE_END

static NOINLINE enum mae_status commit_snapshot(struct mae_txn *txn)
{
    enum mae_status status = txn->doomed;
    COUNT(txn->worker, snapshots);
    finish(txn);
    return status;
}

static NOINLINE enum mae_status commit_any(struct mae_txn *txn)
{
    enum mae_status status;
    struct told *told = logging_take_told(txn);
    if (txn->snapshot)
        status = commit_snapshot(txn);
    else if (txn->doomed == MAE_OK || MUTATED(doomed_commits))
        status = commit(txn, false);
    else
        status = fail(txn, txn->doomed);
    if (UNLIKELY(told))
        logging_tell(txn, told, status == MAE_OK);
    return status == MAE_OK ? logging_wait(txn) : status;
}

/* Lets the elder go first, where it has to: still in the read phase, so that the wait holds nothing (E3), and that the
 * leader may overtake the transaction meanwhile. */
static NOINLINE enum mae_status commit_behind_elder(struct mae_txn *txn)
{
    if (txn->worker->protocol.elder_after && !txn->snapshot && txn->doomed == MAE_OK && !txn->overtaken &&
        elder_is_in_the_way(txn)) {
        owner_reads(txn, OWNER_READING);
        elder_await(txn);
        stop_reading(txn);
    }
    return commit_any(txn);
}

/* The transaction is no snapshot, not doomed, has not been overtaken, nothing waits for its decision, it is not logged,
 * and no option asks for more (core.h). */
static ALWAYS_INLINE bool is_plain(const struct mae_txn *txn)
{
    return LIKELY(txn->plain) && LIKELY(!txn->overtaken) && LIKELY(!txn->on_decision) && LIKELY(!txn->worker->log) &&
           LIKELY(PROTOCOL(txn->worker, plain_commits));
}

enum mae_status txn_commit(struct mae_txn *txn)
{
    SLOW_DOWN(txn);
    stop_reading(txn);
    return is_plain(txn) ? commit(txn, true) : commit_behind_elder(txn);
}
