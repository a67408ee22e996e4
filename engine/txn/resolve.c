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

/* ORD-18. False: the value is there, or somebody else computes it. */
static bool claim(struct version *delta)
{
    uint8_t status = VERSION_DELTA;
    RACE(CLAIM_DELTA);
    return atomic_compare_exchange_strong_explicit(&delta->status, &status, VERSION_RESOLVING, memory_order_acquire,
                                                   memory_order_relaxed) ||
           (MUTATED(delta_resolved_twice) && status == VERSION_COMMITTED);
}

/*
 * Computes the value of deltas[0], which are `count` versions from there on down, all claimed. It comes from `base`,
 * between which and them nothing can come any more. ORD-18.
 */
static void compute(struct mae_worker *worker, const struct table *table, struct version *const *deltas, unsigned count,
                    const struct version *base)
{
    struct version *delta = deltas[0];
    unsigned char list[DELTA_MOST_BYTES];
    uint8_t status = VERSION_RESOLVING;
    RACE(RESOLVE);
    const size_t list_bytes = delta->payload_bytes, most = table->payload_max_bytes;
    size_t bytes = base->payload_bytes;
    MAE_DCHECK(list_bytes <= sizeof list && bytes <= most);
    memcpy(list, delta->payload, list_bytes);
    memcpy(delta->payload, base->payload, bytes);
    for (unsigned i = count - 1; i > 0 && !MUTATED(delta_fold_forgets); i--)
        bytes = delta_compute(deltas[i]->payload, deltas[i]->payload_bytes, delta->payload, bytes, most);
    bytes = delta_compute(list, list_bytes, delta->payload, bytes, most);
    delta->payload_bytes = (uint16_t)bytes;
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
    if (claim(delta))
        compute(worker, table, &delta, 1, base);
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

/*
 * For a base, whose neighbours below are all decided: computes the value of the newest of the marked versions, which
 * are next to each other, and leaves the others claimed. So whoever stands on one of them waits until it is unlinked.
 */
static void fold_marks(struct mae_worker *worker, struct table *table, char *row, const struct marks *marks)
{
    unsigned claimed = 0;
    while (claimed < marks->count && claim(marks->at[claimed]))
        claimed++;
    if (claimed == 0)
        return;
    const bool all = claimed == marks->count || MUTATED(delta_fold_passes);
    struct version *last = marks->at[marks->count - 1];
    struct version *base =
        all ? visible_decided(worker, table, row, &last->older, version_wts(last)) : marks->at[claimed];
    MAE_CHECK(base && await_value(base) == VERSION_COMMITTED); /* CU3 */
    compute(worker, table, marks->at, claimed, base);
}

/* As version_resolve, but one value is computed for as many neighbours as are marked at once. */
void version_fold(struct mae_worker *worker, struct table *table, char *row, struct version *version)
{
    MAE_DCHECK(!table->is_node);
    /* Ends: each round computes the value, or has waited until somebody else has, or shortens what is without. */
    while (version_status_is_unresolved(await_value(version))) {
        struct marks marks;
        mark_chain(worker, table, row, version, &marks);
        while (marks.stride > 1 && marks.count > 1)
            version_fold(worker, table, row, marks.at[--marks.count]);
        if (marks.stride == 1 && marks.count > 0)
            fold_marks(worker, table, row, &marks);
    }
}

void version_shorten(struct mae_worker *worker, struct table *table, char *row, struct version *version)
{
    struct version *middle = NULL;
    unsigned notes = 0;
    for (struct version *at = version; at && version_status_is_unresolved(version_status(at));
         at = visible_decided(worker, table, row, &at->older, version_wts(at))) {
        notes++;
        if (notes == RESOLVE_NOTES_MOST / 2)
            middle = at;
        if (notes == RESOLVE_NOTES_MOST) {
            version_resolve(worker, table, row, middle);
            return;
        }
    }
}
