/*
 * coroutine.h - stacks that take turns on one OS thread, for x86-64.
 *
 * The scheduler of tests/support, the simulator (sim/runtime) and harness/bench/interleave.c decide who runs next; this
 * only changes stacks.
 */
#ifndef SIM_COROUTINE_H
#define SIM_COROUTINE_H

#include <stddef.h>

#if defined(__x86_64__)

/* Stores the running coroutine's stack pointer at *save and goes on where the coroutine of `load` stopped. */
void coroutine_switch(void **save, void *load);

/* What to `load` so that `entry`, which never returns, begins on this stack. */
void *coroutine_prepare(void *stack, size_t bytes, void (*entry)(void));

#endif

#endif
