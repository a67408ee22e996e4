/*
 * backoff.h - how long an aborted worker waits before its retry: uniform in [0, max).
 *
 * adaptive: every 5 ms the leader compares the rate of commits with the last period's and moves max by 0.5 us in the
 * direction that helped (at random when flat), between 0 and 1000 us. fixed: max is the option's. off: no wait.
 * Source: section 3.9.
 */
#ifndef ENGINE_TXN_BACKOFF_H
#define ENGINE_TXN_BACKOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"

struct backoff {
    SEPARATED _Atomic uint64_t max_ticks; /* read after aborts, written by the leader once a period */
    /* The leader's alone (horizon_round hands the role from one to the next under its lock). */
    SEPARATED bool adaptive;
    double ticks_per_us;
    uint64_t last_ticks; /* when the present period began */
    uint64_t last_commits;
    double last_rate; /* commits per tick in the period before; negative: none yet */
    double max_us, last_step_us;
    uint64_t random;
};

/* `option` is the value of the backoff option (options.h). */
void backoff_init(struct backoff *backoff, uint64_t option, double ticks_per_us);

/* Whether a period has passed, so that the commits are worth summing. */
bool backoff_due(const struct backoff *backoff, uint64_t now_ticks);

/* The leader's step with the database's commits up to now. One thread at a time. */
void backoff_climb(struct backoff *backoff, uint64_t now_ticks, uint64_t commits);

/* Waits uniform [0, max) with the caller's random state; returns the ticks waited. */
uint64_t backoff_wait(const struct backoff *backoff, uint64_t *random);

#endif
