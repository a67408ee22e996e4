/*
 * policy.h - how long to wait: for a row that another transaction has locked, and before a retry.
 *
 * Back-off is a choice of its own, the same for all schemes: adaptive, which waits longer after many aborts in a row,
 * off, learn, and fixed:N, all four the native engine's (engine/time/backoff.h); and dbx1000, uniform up to 100 us as
 * in DBx1000 (whose workers run another transaction meanwhile; ours wait).
 */
#ifndef SCHEMES_BASE_POLICY_H
#define SCHEMES_BASE_POLICY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/race.h"
#include "engine/base/wait.h"
#include "engine/time/backoff.h"

struct worker;

#define POLICY_BACKOFF_RANGE "adaptive|off|learn|dbx1000|fixed:0..1000000"

struct policy {
    pthread_mutex_t lock; /* of what moves the bound */
    struct backoff backoff;
};

void policy_init(struct policy *policy, uint64_t option);
void policy_fini(struct policy *policy);

/* Waits before a retry. */
void policy_backoff(struct worker *worker);

/* A wait for a locked row. Begins as {0}. */
struct wait {
    unsigned rounds;
    uint64_t since_ticks;
};

/* One step of it. */
void wait_once(struct worker *worker, struct wait *wait);

/* The same, or false: it has lasted for long (some 10 ms), and the transaction should abort. A holder that has lost its
 * CPU mostly gets it back in that time, and no circle of waits lasts for ever. */
NOINLINE bool wait_go_on(struct worker *worker, struct wait *wait);

#endif
