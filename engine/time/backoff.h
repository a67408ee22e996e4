/*
 * backoff.h - how long an aborted worker waits before its retry: uniform in [0, max).
 *
 * adaptive: every 5 ms the leader compares the commit rate of this period with that of the last one and moves max by
 * 0.5 us: in the direction that raised the rate, or at random if the rate stayed the same. max stays between 0 and
 * 1000 us. A number: max is the option's value. off: no wait. Source: section 3.9.
 */
#ifndef ENGINE_TIME_BACKOFF_H
#define ENGINE_TIME_BACKOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"

struct backoff {
    SEPARATED _Atomic uint64_t max_ticks; /* read after aborts, written by the leader once a period */
    /* Only the leader's: horizon_round hands the role from one worker to the next under its lock. */
    SEPARATED bool adaptive;
    double ticks_per_us;
    uint64_t last_ticks; /* when the present period began */
    uint64_t last_commits;
    double last_rate; /* commits per tick in the last period; negative: there was none yet */
    double max_us, last_step_us;
    uint64_t random;
};

/* `option` is the value of the backoff option (options.h). */
void backoff_init(struct backoff *backoff, uint64_t option, double ticks_per_us);

/* Whether a period has passed. The caller sums the workers' commits only then. */
bool backoff_due(const struct backoff *backoff, uint64_t now_ticks);

/* The leader moves max. `commits`: of the whole database up to now. Only the leader may call it. */
void backoff_climb(struct backoff *backoff, uint64_t now_ticks, uint64_t commits);

/* Waits for a time drawn uniformly from [0, max) with the caller's random state. Returns the ticks waited. */
uint64_t backoff_wait(const struct backoff *backoff, uint64_t *random);

#endif
