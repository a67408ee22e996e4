/* restamp.c - see restamp.h. */
#include "engine/txn/restamp.h"

#include "engine/base/tsc.h"
#include "engine/time/timestamp.h"
#include "engine/txn/owner.h"
#include "engine/txn/visible.h"

static bool read_stands(struct mae_worker *worker, struct access *access, uint64_t ts)
{
    _Atomic version_handle *head = row_head(access->table, access->row);
    if (access->flags & ACCESS_READ_HEAD &&
        LIKELY(atomic_load_explicit(head, memory_order_acquire) == access->read_handle)) /* ORD-8 */
        return true;
    /* Waits end as those of a commit do: the transaction has linked nothing that another could wait for. */
    struct version *found = visible_decided(worker, access->table, access->row, head, ts);
    return found == access->read || follow_settled(access, found);
}

static bool reads_stand(struct mae_txn *txn, const struct access *unread, uint64_t ts)
{
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < set->count; i++) {
        struct access *access = &set->entries[i];
        MAE_DCHECK(!(access->flags & ACCESS_INSTALLED) || MUTATED(restamp_linked)); /* T4 */
        if (MUTATED(restamp_linked) && access->flags & ACCESS_INSTALLED)
            continue; /* it would wait for its own version, and that a test hangs shows nothing */
        if (access->flags & ACCESS_READ && access != unread && !read_stands(txn->worker, access, ts))
            return false;
    }
    return true;
}

/* Others must have been stopped, and have left the slot active. */
static bool move(struct mae_txn *txn, const struct access *unread, uint64_t above)
{
    struct mae_worker *worker = txn->worker;
    MAE_DCHECK(!txn->snapshot && !txn->overtaken);
    MAE_DCHECK(atomic_load_explicit(&worker->slot->in_txn, memory_order_relaxed) == OWNER_BUSY); /* T6 */
    const uint64_t before = worker->clock.clock;
    uint64_t clock = tsclock_next(&worker->clock, tsc_now(), timestamp_clock(above));
    uint64_t ts = timestamp_make(clock, worker->number);
    MAE_DCHECK(ts > txn->ts && ts > above); /* T4 */
    if (MUTATED(restamp_clock_stays))
        worker->clock.clock = before;
    if (!reads_stand(txn, unread, ts) && !MUTATED(restamp_unread))
        return false;
    txn->ts = ts;
    COUNT(worker, restamps);
    return true;
}

bool restamp_behind(struct mae_txn *txn, struct access *access, bool unread)
{
    struct horizon_slot *slot = txn->worker->slot;
    bool moved = false;
    if (owner_stops_others(slot)) {
        uint64_t wts = visible_newest_wts(access->table, access->row);
        uint64_t rts = atomic_load_explicit(&access->read->rts, memory_order_relaxed);
        moved = move(txn, unread ? access : NULL, wts > rts ? wts : rts);
    }
    if (MUTATED(restamp_untold))
        atomic_store_explicit(&slot->in_txn, OWNER_READING, memory_order_release);
    else
        owner_reads(txn, OWNER_READING);
    return moved;
}

void restamp_writes(struct mae_txn *txn, uint32_t write_count)
{
    const struct access_set *set = &txn->accesses;
    uint64_t above = 0;
    for (uint32_t i = 0; i < write_count; i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if (access->flags & ACCESS_INSERT)
            continue;
        /* Relaxed: the install looks again. A blind write has the version, too, that it found. */
        uint64_t rts = atomic_load_explicit(&access->read->rts, memory_order_relaxed);
        above = rts > above ? rts : above;
        /* A write that has read nothing may move behind versions that rest on what is below them (V6). */
        uint64_t wts = access->flags & ACCESS_READ ? 0 : visible_newest_wts(access->table, access->row);
        above = wts > above ? wts : above;
    }
    /* The elder moves also behind those who read meanwhile. */
    if (above > txn->ts || txn->worker->elder.holds)
        (void)move(txn, NULL, above);
}

void restamp_retry(struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    const struct access_set *set = &txn->accesses;
    /* What an overtaken transaction has read may serve something else by now (visible.h). And the next number of a
     * shared counter is above all that were drawn before. */
    if (txn->overtaken || worker->clock.central)
        return;
    uint64_t above = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct access *access = &set->entries[i];
        uint64_t wts = visible_newest_wts(access->table, access->row);
        uint64_t rts = access->read ? atomic_load_explicit(&access->read->rts, memory_order_relaxed) : 0;
        above = wts > above ? wts : above;
        above = rts > above ? rts : above;
    }
    if (timestamp_clock(above) > worker->clock.clock && !MUTATED(restamp_retry_early))
        worker->clock.clock = timestamp_clock(above);
}
