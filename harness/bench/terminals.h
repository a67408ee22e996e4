/*
 * terminals.h - the terminals that a worker serves: when each one's user will have keyed in the next request.
 *
 * A user keys in a request, waits for its answer, thinks about it and keys in the next. So a terminal has one request
 * at most, and the load is closed: where answers are late, fewer requests come. Between two requests the workload tells
 * how long thinking and keying take (workload.h). A worker serves first whoever has been waiting longest.
 *
 * Belongs to one thread. Checked by: tests/unit/harness/bench/terminals.c.
 */
#ifndef HARNESS_BENCH_TERMINALS_H
#define HARNESS_BENCH_TERMINALS_H

#include "workloads/rng.h"
#include "workloads/workload.h"

struct terminals;

/* Aborts the program when out of memory, as everything here does. */
struct terminals *terminals_create(const struct workload_terminals *ops, struct workload_worker *state, uint64_t seed);
void terminals_destroy(struct terminals *terminals); /* NULL is fine */

/* All users begin at `now_ticks`, each somewhere between two of its requests, so that they do not come at once. */
void terminals_begin(struct terminals *terminals, uint64_t now_ticks);

/* When the next user will have keyed in its request. Constant until that one is served. */
uint64_t terminals_due(const struct terminals *terminals);

/* The workload's next request is the one that is due. */
void terminals_serve(struct terminals *terminals);

/* The user that was served has the answer since `now_ticks`. */
void terminals_answer(struct terminals *terminals, uint64_t now_ticks);

#endif
