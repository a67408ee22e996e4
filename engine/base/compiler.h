/*
 * compiler.h - the few compiler and CPU idioms the engine uses.
 */
#ifndef ENGINE_BASE_COMPILER_H
#define ENGINE_BASE_COMPILER_H

#include "engine/base/mutation.h" /* any step may have one */

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((noinline, cold))
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Two cache lines, since the adjacent-line prefetcher fetches lines in pairs. */
#define SEPARATE_WRITERS_BYTES 128
#define SEPARATED __attribute__((aligned(SEPARATE_WRITERS_BYTES)))

/*
 * Keeps the compiler from turning the branch in which this stands into a conditional move. A load whose address depends
 * on a conditional move waits for the condition; after a predicted branch it starts at once.
 */
#define KEEP_BRANCH() __asm__ volatile("")

/* Makes the compiler forget what it knows about a variable's value: after `a == b` it might use either for both. */
#define FORGET(variable) __asm__("" : "+r"(variable))

static inline void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
