/*
 * rounds.h - the rounds of a program of tests/schedule: each has a seed and is one schedule.
 */
#ifndef TESTS_SUPPORT_ROUNDS_H
#define TESTS_SUPPORT_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/scheduler.h"

struct core;
struct rng;

/* Calls `round` with seeds that follow one another, MAE_SEED (else: of the time) first, until MAE_SECONDS / 6 of CPU
 * (30: 5 seconds) are over or it returns false. If one of its checks ends the process, it has failed, too. How many
 * rounds there were; 0: the last one failed. */
uint64_t rounds_run(bool (*round)(uint64_t seed));

/* Prints the trace of the round that runs, what is wrong, and how to repeat it. */
void rounds_failed(const char *what);

/* How the schedule with this seed goes. */
struct scheduler_plan rounds_plan(struct rng *rng, uint64_t seed);

/* A database that was just opened gets intervals of time in round numbers: real ones are measured, and would not
 * repeat. */
void rounds_set_time(struct core *core, struct rng *rng);

/* In place of the horizon's barrier. Schedules have one thread, for which the compiler's order is a barrier. */
void rounds_barrier(void);

#endif
