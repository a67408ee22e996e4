/*
 * probes.h - what single loads, transfers of cache lines and instructions take on the CPU that runs them.
 *
 * Each function measures once, for some milliseconds at most, and says nanoseconds. Who calls them repeats them, on the
 * CPUs and in the order that give the numbers their meaning (calibration.c).
 * Source of the method: D. Molka and others, Memory Performance and Cache Coherency Effects on an Intel Nehalem
 * Multiprocessor System, PACT 2009: dependent loads of lines that another core has brought into a known state.
 * Checked by: tests/unit/harness/machine/calibration.c; on machines whose numbers are known: tests/cli/simulated.sh.
 */
#ifndef HARNESS_MACHINE_PROBES_H
#define HARNESS_MACHINE_PROBES_H

#include "harness/common/support.h"

/* Nodes at even distances, linked to a ring in an order that no prefetcher guesses. */
struct chain {
    unsigned char *memory;
    size_t nodes, spacing;
};

/* A node begins each `spacing` bytes. The order is random among `window` nodes that follow each other, and goes from
 * window to window: so a small window lets translations be reused. On large pages if the system gives them and
 * `large_pages` wants them. The caller's CPU is the first to touch the memory. */
void chain_init(struct chain *chain, size_t nodes, size_t spacing, size_t window, bool large_pages);
/* The same without links, and zero: for chain_stream. */
void chain_unlinked(struct chain *chain, size_t nodes, size_t spacing, bool large_pages);
void chain_fini(struct chain *chain);

/* Takes all nodes' lines out of all caches. Does nothing on CPUs that have no instruction for it. */
void chain_flush(const struct chain *chain);
/* Writes to each node's line: the caller's core owns them then. */
void chain_own(const struct chain *chain);

/* How long a load takes that waits for the one before it: `steps` of them, from the first node on. */
double chain_walk(const struct chain *chain, size_t steps);
/* The same of each sixteen loads that follow each other; `times` has room for steps / CHAIN_GROUP. */
enum { CHAIN_GROUP = 16 };
void chain_walk_groups(const struct chain *chain, size_t steps, double *times);
/* How long a load from memory takes where CHAIN_WALKS walks, from places all around the ring, go on side by side; and
 * with a locked instruction after each load, on a line of the caller's own. */
enum { CHAIN_WALKS = 64 };
double chain_walk_many(const struct chain *chain);
double chain_walk_locked(const struct chain *chain);
/* Loads from every line of the memory, in order. Bytes a nanosecond. */
double chain_stream(const struct chain *chain);

/* An instruction, of those with which an engine uses memory that is in the first level. */
double probe_instruction(void);
/* How many instructions a core begins behind a load from memory before it waits for that: the most, to a tenth, between
 * two loads that still overlap. A quarter of them wait for the first load, as of an engine's that uses what it has
 * loaded: a core may be full of these before it is full. `memory_ns`: what a load of the chain takes alone. */
double probe_window(const struct chain *chain, double memory_ns);
double probe_atomic(void); /* a locked instruction on a line of one's own */
/* What a branch that was predicted wrongly takes more than one that was predicted rightly. `random` goes on from call
 * to call, so that predictors do not learn what it gives. */
double probe_branch(uint64_t *random);
double probe_clock(void);   /* reading the time stamp counter */
double probe_pause(void);   /* a PAUSE instruction */
double probe_yield(void);   /* sched_yield */
double probe_barrier(void); /* the membarrier system call; 0: there is none */
double probe_wake(void);    /* how late a thread wakes that sleeps for 200 us */

#endif
