/*
 * mutation.h - deliberate faults. MUTATED(name) is true in a debug build that runs with MAE_MUTATION=name in its
 * environment, and a constant 0 in every other build. A mutation leaves one step of the protocol out, so that the tests
 * can show that they would notice (tests/mutations/table).
 */
#ifndef ENGINE_BASE_MUTATION_H
#define ENGINE_BASE_MUTATION_H

#ifdef MAE_MUTATIONS
#include <stdbool.h>

/* A step that can be left out. All of them stand in one section, in which mutation.c finds them before main begins.
 * The alignment keeps the linker from leaving gaps; volatile, since no compiler sees who writes. */
struct mutation {
    const char *name;
    volatile bool on;
} __attribute__((aligned(16)));

#define MUTATED(which)                                                                                      \
    ({                                                                                                      \
        static struct mutation mutation __attribute__((section("mae_mutations"), used)) = {.name = #which}; \
        mutation.on;                                                                                        \
    })
#else
#define MUTATED(which) 0
#endif

/* The mutation that this process has, or NULL. */
const char *mutation_chosen(void);

#endif
