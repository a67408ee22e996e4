/*
 * visible.h - the version of a row that a timestamp ts sees: the newest committed one with wts < ts.
 * Source: section 3.2. The bodies are here because this search is the inner loop of every operation.
 */
#ifndef ENGINE_TXN_VISIBLE_H
#define ENGINE_TXN_VISIBLE_H

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/wait.h"
#include "engine/txn/resolve.h"
#include "engine/txn/worker.h"

/*
 * Waits until the version is decided, and returns its status. The wait ends: the transaction that wrote the version has
 * a smaller timestamp than the waiter and is in its commit, where it waits only for still smaller timestamps; and a
 * collector that settles a version does not wait.
 */
static NOINLINE uint8_t version_wait(struct mae_worker *worker, struct version *version)
{
    uint8_t status;
    COUNT(worker, pending_waits);
    for (unsigned i = 0; (status = atomic_load_explicit(&version->status, memory_order_acquire)) == VERSION_PENDING;
         i++) {
        RACE(WAIT_PENDING);
        wait_step(i);
    }
    return status;
}

static ALWAYS_INLINE void raise_rts(struct version *version, uint64_t ts)
{
    RACE(RAISE_RTS);
    uint64_t rts = atomic_load_explicit(&version->rts, memory_order_seq_cst); /* ORD-3, reader half */
    /* Ends: rts only grows (V2), and each failed exchange has seen it grow. */
    while (rts < ts || (MUTATED(rts_lowered) && rts > ts))
        if (atomic_compare_exchange_weak_explicit(&version->rts, &rts, ts, memory_order_seq_cst, memory_order_seq_cst))
            break;
    MAE_DCHECK(atomic_load_explicit(&version->rts, memory_order_relaxed) >= ts || MUTATED(rts_lowered)); /* V2 */
}

/* ORD-7: the status is loaded with acquire and decided with release, so a transaction that sees COMMITTED also sees the
 * payload, and the rows that index entries lead to. ORD-8: links likewise, so a transaction that reaches a version sees
 * its header. */
static ALWAYS_INLINE uint8_t version_status(struct version *version)
{
    return atomic_load_explicit(&version->status, memory_order_acquire);
}

/* The timestamp of the row's newest version, decided or not; 0 if there is none. */
static ALWAYS_INLINE uint64_t visible_newest_wts(const struct table *table, char *row)
{
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire); /* ORD-8 */
    return handle == HANDLE_NONE ? 0 : version_wts(row_version(table, row, handle));
}

struct visible {
    struct version *version; /* a committed one, or NULL */
    version_handle handle;
    bool is_head;       /* `version` was the newest of the chain */
    bool newer_exists;  /* the chain has a newer version that is not ABORTED */
    bool pending_abort; /* pending=abort, and the search met a pending version */
};

/* Whether a search at `ts` ends no deeper than at the row's base. Only debug builds ask. */
static inline bool __attribute__((unused)) search_stays_above_base(const struct mae_worker *worker, uint64_t ts)
{
    /* ORD-2: whoever sees a min_rts that does not count an overtaken transaction sees that it has been overtaken. */
    uint64_t min_rts = atomic_load_explicit(&worker->core->horizon.min_rts, memory_order_acquire);
    return ts >= min_rts || atomic_load_explicit(&worker->slot->state, memory_order_relaxed) != SLOT_ACTIVE;
}

/* Walks along the chain. */
static ALWAYS_INLINE struct visible visible_search(struct mae_worker *worker, struct table *table, char *row,
                                                   uint64_t ts)
{
    struct visible found;
    bool looked_past;                                /* pending=skip */
    MAE_DCHECK(search_stays_above_base(worker, ts)); /* V4 */
again:
    found = (struct visible){.is_head = true};
    looked_past = false;
    RACE(READ_HEAD);
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    while (handle != HANDLE_NONE) {
        RACE(READ_VERSION);
        struct version *version = row_version(table, row, handle);
        uint8_t status = version_status(version);
        MAE_DCHECK(status != VERSION_UNUSED); /* G1, G3: what can be reached has not been given back */
        if (version_wts(version) < ts) {
            if (UNLIKELY(status == VERSION_PENDING) && !MUTATED(ignore_pending)) {
                /* A snapshot never aborts: the only pending version that it can meet is one that is settling. */
                if (PROTOCOL(worker, pending) == PENDING_WAIT || worker->txn.snapshot) {
                    status = version_wait(worker, version);
                } else if (PROTOCOL(worker, pending) == PENDING_ABORT) {
                    found.pending_abort = true;
                    return found;
                }
            }
            if (LIKELY(status == VERSION_COMMITTED) || version_status_is_committed(status)) {
                found.version = version;
                found.handle = handle;
                return found;
            }
            looked_past |= status == VERSION_PENDING;
            found.newer_exists |= status == VERSION_PENDING;
        } else {
            found.newer_exists |= !version_status_is_aborted(status);
        }
        found.is_head = false;
        RACE(READ_OLDER);
        handle = atomic_load_explicit(&version->older, memory_order_acquire);
    }
    /* A PENDING version that the search skipped always has an older one, except when it was a settling copy that has
     * just been COMMITTED (G4). Then the search has found nothing although the row has a version: search again. */
    if (UNLIKELY(looked_past) && !MUTATED(look_past_once))
        goto again;
    return found;
}

/* As visible_search, as a counted walk: the transaction may be overtaken while it stands on a version that no pin
 * protects (horizon.h, H7). The version that it finds has its value. */
static NOINLINE struct visible visible_walk(struct mae_worker *worker, struct table *table, char *row, uint64_t ts)
{
    MAE_DCHECK(atomic_load_explicit(&worker->slot->walks, memory_order_relaxed) % 2 == 0); /* H7: walks do not nest */
    horizon_walk_begin(worker->slot);
    struct visible found = visible_search(worker, table, row, ts);
    if (found.version && version_status_is_unresolved(version_status(found.version)))
        version_resolve(worker, table, row, found.version);
    horizon_walk_end(worker->slot);
    return found;
}

/* The newest version if that is what the timestamp sees, as nearly always; else one with version NULL. */
static ALWAYS_INLINE struct visible visible_newest(const struct table *table, char *row, uint64_t ts)
{
    RACE(READ_HEAD);
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    if (LIKELY(handle != HANDLE_NONE)) {
        RACE(READ_VERSION);
        struct version *version = row_version(table, row, handle);
        uint8_t status = version_status(version);
        if (LIKELY(version_wts(version) < ts) && LIKELY(status == VERSION_COMMITTED || status == VERSION_DELETED))
            return (struct visible){.version = version, .handle = handle, .is_head = true};
    }
    return (struct visible){.version = NULL};
}

/*
 * The search of the read phase of a read-write transaction. It treats pending versions as the option `pending` says.
 * The newest version is nearly always the visible one; then the pin protects it, as it protects every version that was
 * visible. If the newest version is not the visible one, and the transaction is overtaken between the two loads, the
 * version's memory may be in use again elsewhere. Its timestamp is then a later one, which the check refuses, or 0
 * (txn_materialise), and a read of that fails validation.
 */
static ALWAYS_INLINE struct visible visible_find(struct mae_worker *worker, struct table *table, char *row, uint64_t ts)
{
    struct visible found = visible_newest(table, row, ts);
    return LIKELY(found.version != NULL) ? found : visible_walk(worker, table, row, ts);
}

/*
 * The search of validation, from a link downwards. It always waits for pending versions.
 * ORD-3, the second load of both halves: sequentially consistent, see commit.c.
 */
static ALWAYS_INLINE struct version *visible_decided(struct mae_worker *worker, struct table *table, char *row,
                                                     _Atomic version_handle *link, uint64_t ts)
{
    for (version_handle handle; (handle = atomic_load_explicit(link, memory_order_seq_cst)) != HANDLE_NONE;) {
        RACE(READ_VERSION);
        struct version *version = row_version(table, row, handle);
        if (version_wts(version) < ts) {
            uint8_t status = version_status(version);
            MAE_DCHECK(status != VERSION_UNUSED); /* G1, G3 */
            if (UNLIKELY(status == VERSION_PENDING) && MUTATED(check_ignores_pending))
                status = VERSION_ABORTED;
            else if (UNLIKELY(status == VERSION_PENDING))
                status = version_wait(worker, version);
            if (!version_status_is_aborted(status))
                return version;
        }
        link = &version->older;
    }
    return NULL;
}

/* If `found` is another version with the timestamp of the one that was read, the latter has settled in its row (gc.h,
 * G4), and the access goes on with the copy. */
static ALWAYS_INLINE bool follow_settled(struct access *access, struct version *found)
{
    if (LIKELY(!found || found == access->read || version_wts(found) != version_wts(access->read)))
        return false;
    access->read = found;
    access->read_handle = HANDLE_INLINE;
    return true;
}

#endif
