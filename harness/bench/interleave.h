/*
 * interleave.h - one thread runs the loops of several workers, which take turns (--interleave).
 *
 * Each loop has a stack of its own. Where its worker's target begins to load memory, and where it waits, the target
 * calls on_miss (workloads/target.h), and the thread goes on with the next loop; in turn, so that none is left behind.
 * So the cache misses of several transactions overlap. Each loop has its own target_worker, requests, counters and
 * latencies, as if it had a thread. What a latency says is how long a request took with the others in between.
 *
 * A loop that has ended tells the target that its worker is idle. If one fails, the others end after the request at
 * hand. Needs x86-64 (sim/coroutine.h).
 * Checked by: tests/unit/harness/bench/interleave.c, tests/cli/interleave.sh.
 */
#ifndef HARNESS_BENCH_INTERLEAVE_H
#define HARNESS_BENCH_INTERLEAVE_H

#include "harness/bench/loop.h"

enum { INTERLEAVE_MAX = 16 };

/* For a target with on_miss. As loop_run, with `count` loops. The status is that of the first that failed. `loops` are
 * changed as loop_run changes them, and their `stop` if one failed. */
enum target_status interleave_run(struct loop_worker *const *loops, unsigned count);

#endif
