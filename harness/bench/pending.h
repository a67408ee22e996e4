/*
 * pending.h - the commits of one worker of which the target has not said yet that they are safe.
 *
 * The worker does not wait for the disk: it goes on, and settles behind. Each entry stands for one commit; when there
 * is no room for another entry, the newest stands for several, which then all count with the time of its first and
 * become safe with its last. One thread.
 */
#ifndef HARNESS_BENCH_PENDING_H
#define HARNESS_BENCH_PENDING_H

#include "workloads/target.h"

enum { PENDING_MAX = 1 << 16 };

struct pending_commit {
    uint64_t ts;          /* its place in the target's order */
    uint64_t begun_ticks; /* 0: it is counted, not timed */
    uint32_t type, count;
};

struct pending {
    struct pending_commit commits[PENDING_MAX]; /* a ring */
    uint64_t first, end;
    uint64_t safe_ts; /* the last word of the target */
    const struct target *target;
};

/* Empty; free() it. */
struct pending *pending_create(const struct target *target);

void pending_add(struct pending *pending, const struct pending_commit *commit);

/* Takes out the oldest, if its place is below `safe_ts`. */
bool pending_take(struct pending *pending, uint64_t safe_ts, struct pending_commit *commit);

#endif
