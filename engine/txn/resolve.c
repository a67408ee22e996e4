/* resolve.c - see resolve.h. */
#include "engine/txn/resolve.h"

#include <string.h>

#include "engine/base/race.h"
#include "engine/store/delta.h"
#include "engine/txn/visible.h"

/* How many DELTAs of a chain are remembered on the way down, to be resolved on the way up. */
#ifdef MAE_DEBUG
enum { MARKS_MOST = 4 }; /* so that tests of short chains thin them out, too */
#else
enum { MARKS_MOST = 64 };
#endif

/* Waits until somebody else has computed the value. */
static uint8_t await_value(struct version *version)
{
    uint8_t status;
    for (unsigned i = 0; (status = version_status(version)) == VERSION_RESOLVING; i++) {
        RACE(WAIT_RESOLVING);
        wait_step(i);
    }
    return status;
}

/* Computes the value from `base`, below which and above which nothing can come any more. ORD-18. */
static void compute(struct mae_worker *worker, const struct table *table, struct version *delta,
                    const struct version *base)
{
    unsigned char list[DELTA_MOST_BYTES];
    uint8_t status = VERSION_DELTA;
    RACE(CLAIM_DELTA);
    if (!atomic_compare_exchange_strong_explicit(&delta->status, &status, VERSION_RESOLVING, memory_order_acquire,
                                                 memory_order_relaxed) &&
        !(MUTATED(delta_resolved_twice) && status == VERSION_COMMITTED))
        return;
    RACE(RESOLVE);
    const size_t list_bytes = delta->payload_bytes;
    MAE_DCHECK(list_bytes <= sizeof list && base->payload_bytes <= table->payload_max_bytes);
    memcpy(list, delta->payload, list_bytes);
    memcpy(delta->payload, base->payload, base->payload_bytes);
    size_t bytes = delta_compute(list, list_bytes, delta->payload, base->payload_bytes, table->payload_max_bytes);
    delta->payload_bytes = (uint16_t)bytes;
    status = VERSION_RESOLVING;
    RACE(RESOLVE);
    if (atomic_compare_exchange_strong_explicit(&delta->status, &status, VERSION_COMMITTED, memory_order_release,
                                                memory_order_relaxed))
        COUNT(worker, deltas_resolved);
}

/*
 * Resolves one DELTA from the version below it. False: that one has no value yet, or another version has come in
 * between, or a collector has meanwhile cut off what is below, which it does only if the value is there.
 */
static bool resolve_one(struct mae_worker *worker, struct table *table, char *row, struct version *delta)
{
    uint64_t ts = version_wts(delta);
    struct version *base = visible_decided(worker, table, row, &delta->older, ts);
    if (!base) {
        MAE_CHECK(!version_status_is_unresolved(version_status(delta))); /* CU3 */
        return false;
    }
    if (version_status_is_unresolved(version_status(base)))
        return false;
    if (!MUTATED(delta_below_unraised)) {
        raise_rts(base, ts);
        if (visible_decided(worker, table, row, &delta->older, ts) != base)
            return false;
    }
    if (version_status(base) != VERSION_COMMITTED) { /* a collector has unlinked it: so the DELTA has its value */
        MAE_CHECK(!version_status_is_unresolved(version_status(delta))); /* CU3 */
        return false;
    }
    compute(worker, table, delta, base);
    return true;
}

/* Every `stride`-th DELTA of a chain without values, from the one at which a walk has begun. */
struct marks {
    struct version *at[MARKS_MOST];
    unsigned count, stride;
};

/* Walks down to the newest version that has its value. Where there are too many marks, every second one goes. */
static void mark_chain(struct mae_worker *worker, struct table *table, char *row, struct version *version,
                       struct marks *marks)
{
    unsigned passed = 0;
    marks->count = 0;
    marks->stride = 1;
    for (struct version *at = version; at && version_status_is_unresolved(await_value(at));
         at = visible_decided(worker, table, row, &at->older, version_wts(at)), passed++) {
        if (passed % marks->stride != 0)
            continue;
        if (marks->count == MARKS_MOST) {
            for (unsigned i = 0; i < MARKS_MOST / 2; i++)
                marks->at[i] = marks->at[2 * i];
            marks->count = MARKS_MOST / 2;
            marks->stride *= 2;
        }
        marks->at[marks->count++] = at;
    }
}

/*
 * A chain of n DELTAs takes log(n) / log(MARKS_MOST / 2) walks of its length, and as many levels of the stack: below a
 * mark there are fewer than `stride` without values once the mark below has one.
 */
void version_resolve(struct mae_worker *worker, struct table *table, char *row, struct version *version)
{
    MAE_DCHECK(!table->is_node);
    /* Ends: each round resolves a DELTA, or has seen that somebody else has done so or has linked or unlinked a
     * version. */
    while (version_status_is_unresolved(await_value(version))) {
        struct marks marks;
        mark_chain(worker, table, row, version, &marks);
        while (marks.count > 0) {
            struct version *mark = marks.at[--marks.count];
            if (marks.stride > 1 && mark != version)
                version_resolve(worker, table, row, mark);
            if (marks.stride == 1 && !resolve_one(worker, table, row, mark))
                break;
        }
    }
}
