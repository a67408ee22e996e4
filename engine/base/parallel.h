/*
 * parallel.h - one piece of work on several threads, for calls that have the machine to themselves.
 */
#ifndef ENGINE_BASE_PARALLEL_H
#define ENGINE_BASE_PARALLEL_H

enum { PARALLEL_MAX = 32 };

/* How many threads can run at once: the CPUs that this process may use, at most PARALLEL_MAX. */
unsigned parallel_cpus(void);

/* Calls work(arg, i) for each i below `count`, which is at most PARALLEL_MAX, and returns when all have returned. Each
 * is on a thread of its own, as far as there are threads to be had. */
void parallel_run(unsigned count, void (*work)(void *arg, unsigned i), void *arg);

#endif
