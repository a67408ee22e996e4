/*
 * backoff.h - how long an aborted worker waits before its retry: uniform in [0, max).
 *
 * adaptive: every 5 ms the leader moves max by 0.5 us, in the direction that has raised the commit rate, or at random
 * if that is not known. max stays between 0 and 1000 us. learn: the leader looks for the best max among a few, which
 * takes some tens of periods of 1 ms (ladder.h). A number: max is the option's value. off: no wait. Source: section
 * 3.9; learn is ours.
 *
 *   BO1  adaptive: who has retried BACKOFF_PATIENCE times without a commit waits longer than the others. Its own max is
 *        then 1 us and doubles with each retry, up to 1000 us, if the common max is smaller.
 *   BO2  adaptive: the direction is the sign of the slope of the rate over max in the last periods, each of which
 *        counts three quarters of the one after it. While max has hardly moved in them, the direction is random.
 *   BO3  adaptive: every 64 periods are followed by two without waits, of which the second is compared. If such
 *        periods have had the higher rate in the mean, max begins at 0 again.
 * The best wait for most transactions may be none. But whom a transaction meets again and again may have lost its CPU,
 * or run in step with it; then only a longer wait, drawn anew each time, ends that. The paper compares a period with
 * the one before. But a rate is noisy where others use the CPUs, too, and half a microsecond changes it by a few
 * percent: so compared, max wanders off to where workers wait for nothing. Far up there the rate hardly depends on it
 * any more, as most of the time one worker runs alone, and no slope leads back. BO1 to BO3 are ours, not the paper's.
 * Checked by: tests/unit/time/backoff.c, tests/unit/harness/targets/scheme.c.
 */
#ifndef ENGINE_TIME_BACKOFF_H
#define ENGINE_TIME_BACKOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/time/ladder.h"

struct backoff {
    SEPARATED _Atomic uint64_t max_ticks; /* read after aborts, written by the leader once a period */
    /* Only the leader's: horizon_round hands the role from one worker to the next under its lock. */
    SEPARATED bool adaptive, learns;
    double ticks_per_us, period_us;
    uint64_t last_ticks, looked_ticks; /* when the present period began, and when a leader last looked at it */
    uint64_t last_commits;
    struct ladder ladder; /* learn */
    double max_us;
    /* BO2: weighted means of max in us and of commits per tick, the variance of max, and how both vary together. */
    double mean_us, mean_rate, variance, covariance;
    bool begun; /* there was a period */
    /* BO3: periods so far, those of a trial that are left, and the mean rates without waits and with them; 0: there was
     * no period yet. */
    unsigned periods, trial;
    double rate_without, rate_with;
    uint64_t random;
};

enum { BACKOFF_PATIENCE = 16 };

/* A worker's own part. */
struct retries {
    uint64_t random;
    uint64_t commits;             /* of the worker, at its last retry */
    unsigned count;               /* retries since that commit */
    void (*meanwhile)(void *arg); /* called during a wait, again and again; NULL: the wait spins */
    void *meanwhile_arg;
};

/* `option` is the value of the backoff option (options.h). */
void backoff_init(struct backoff *backoff, uint64_t option, double ticks_per_us);

/* Whether a period has passed. The caller sums the workers' commits only then. */
bool backoff_due(const struct backoff *backoff, uint64_t now_ticks);

/* The leader moves max. `commits`: of the whole database up to now. Only the leader may call it. */
void backoff_climb(struct backoff *backoff, uint64_t now_ticks, uint64_t commits);

/* Counts the retry of a worker that has committed `commits` transactions. Returns its max, in ticks. */
uint64_t backoff_bound(const struct backoff *backoff, struct retries *retries, uint64_t commits);

/* Waits until `ticks` have passed since `start`, of a retry. Returns the ticks passed. */
uint64_t backoff_pass(const struct retries *retries, uint64_t start, uint64_t ticks, double ticks_per_us);

/* As backoff_bound, and waits for a time drawn uniformly from [0, max). Returns the ticks waited. */
uint64_t backoff_wait(const struct backoff *backoff, struct retries *retries, uint64_t commits);

#endif
