/*
 * instrumented.h - included by the compiler before every source of a MODE=sim build but the simulator's own: what
 * -fsanitize=thread does not turn into calls. sim/runtime/access.c and system.c have what it names.
 */
#ifndef SIM_RUNTIME_INSTRUMENTED_H
#define SIM_RUNTIME_INSTRUMENTED_H

/* Sources may ask for these later, when headers have been read already. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

/* These declare what is renamed below, so they come first. */
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>
#undef _GNU_SOURCE /* a source may define it in its own way */

unsigned long long simulated_ticks(void);
void simulated_pause(void);
void simulated_prefetch(const void *address, int writes);
void simulated_flush(const void *address);
void *simulated_memcpy(void *to, const void *from, size_t bytes);
void *simulated_memmove(void *to, const void *from, size_t bytes);
void *simulated_memset(void *at, int byte, size_t bytes);
int simulated_memcmp(const void *a, const void *b, size_t bytes);

#define __rdtsc() simulated_ticks()
#define __builtin_ia32_pause() simulated_pause()
#define __builtin_prefetch(...) simulated_prefetch(SIMULATED_FIRST(__VA_ARGS__, 0), SIMULATED_SECOND(__VA_ARGS__, 0, 0))
#define SIMULATED_FIRST(first, ...) first
#define SIMULATED_SECOND(first, second, ...) second
#define __builtin_ia32_clflush(address) simulated_flush(address)
/* A thread's variables are copied in and out when another one runs (sim/runtime/context.c): to change the register that
 * finds thread-local variables takes a system call on many machines, and threads change a million times a second. */
#define _Thread_local __attribute__((section("sim_locals")))
#define memcpy simulated_memcpy
#define memmove simulated_memmove
#define memset simulated_memset
#define memcmp simulated_memcmp

#endif
