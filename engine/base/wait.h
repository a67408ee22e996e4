/*
 * wait.h - how to wait for another thread that is about to finish something.
 */
#ifndef ENGINE_BASE_WAIT_H
#define ENGINE_BASE_WAIT_H

/*
 * One step of a wait, the round-th (from 0). Spins first; then gives the CPU away, since the other may be waiting for
 * one; and then sleeps for moments: sched_yield gives nothing to a thread of lower priority (SCHED_FIFO).
 */
void wait_step(unsigned round);

#endif
