/*
 * membarrier.h - a memory barrier on every CPU that runs a thread of this process (the membarrier system call).
 *
 * For pairs of threads of which one must be fast and the other is rare: the fast one stores and then loads with nothing
 * but the compiler's order in between; the rare one stores, calls this, and then loads. At least one of both sees the
 * other's store.
 */
#ifndef ENGINE_BASE_MEMBARRIER_H
#define ENGINE_BASE_MEMBARRIER_H

#include <stdbool.h>

/* False where there is no such system call. Any number of times; before the first membarrier. */
bool membarrier_register(void);

/* Some microseconds. */
void membarrier(void);

#endif
