/* phase.h - the phases of a run, in order. The deadline's message and the progress line name them. */
#ifndef HARNESS_BENCH_PHASE_H
#define HARNESS_BENCH_PHASE_H

#include "harness/common/support.h"

/* name, text */
#define PHASE_TABLE(X)                                                      \
    X(SETUP, "setup") /* open the target, create tables */                  \
    X(LOAD, "load")   /* all workers, in parallel */                        \
    X(CHECK_LOADED, "check after load")                                     \
    X(PROOF, "check of a sample") /* --check full, a database of its own */ \
    X(COOLDOWN, "cool-down")      /* nothing runs */                        \
    X(PREPARE, "prepare")         /* each worker's requests */              \
    X(WARMUP, "warm-up")                                                    \
    X(MEASURE, "measure") /* the window, between two counter snapshots */   \
    X(DRAIN, "drain")     /* every worker ends its attempt */               \
    X(SPACE, "space")     /* walk tables and indexes */                     \
    X(CHECK, "check")                                                       \
    X(CLOSE, "close")

#define PHASE_ENUM(name, text) PHASE_##name,
enum phase { PHASE_TABLE(PHASE_ENUM) PHASE_COUNT };

/* The name for people; static. */
static inline const char *phase_text(enum phase phase)
{
    static const char *const texts[] = {PHASE_TABLE(TABLE_SECONDS)};
    return texts[phase];
}

#endif
