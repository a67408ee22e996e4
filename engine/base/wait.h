/*
 * wait.h - how to wait for another thread that is about to finish something.
 */
#ifndef ENGINE_BASE_WAIT_H
#define ENGINE_BASE_WAIT_H

#include <stdint.h>
#include <time.h>

/*
 * The round-th step of a wait, from 0. Early steps spin. Later steps yield the CPU, since the other thread may be
 * waiting for one. Still later steps sleep for moments, because sched_yield does not give the CPU to a thread of lower
 * priority (SCHED_FIFO).
 */
void wait_step(unsigned round);

/* The moment that is `ns` from now on CLOCK_MONOTONIC, for pthread_cond_timedwait. */
struct timespec wait_deadline(uint64_t ns);

#endif
