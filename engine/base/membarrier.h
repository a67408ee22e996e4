/*
 * membarrier.h - a memory barrier on every CPU that runs a thread of this process (the membarrier system call).
 *
 * It serves two threads of which one must be fast and the other acts rarely. The fast thread stores and then loads,
 * with only a compiler barrier in between. The rare thread stores, calls membarrier, and then loads. At least one of
 * them sees the other's store.
 */
#ifndef ENGINE_BASE_MEMBARRIER_H
#define ENGINE_BASE_MEMBARRIER_H

#include <stdbool.h>

/* Call it before the first membarrier; more calls do no harm. False if there is no such system call. */
bool membarrier_register(void);

/* Takes some microseconds. */
void membarrier(void);

#endif
