/*
 * explore.h - runs random transactions under random schedules, and checks what they saw.
 *
 * A round has a database of its own, with options, clocks and load drawn from the round's seed. In it several schedules
 * run one after the other, so that each finds the garbage, clocks and row ids of those before. In a schedule each
 * worker runs a few random transactions. At the end of the round the test checks the history of all its schedules
 * (harness/proof/judge.h), then the structure (mae_db_verify). A history does not show that the engine missed a row
 * that exists: the engine then takes the index for changed and aborts the transaction. So in cases that neither insert
 * nor remove keys no transaction may abort for that reason. If a round fails, it is repeated with fewer schedules until
 * the first failing schedule is found, and the test prints the trace of that schedule.
 *
 * Case and seed decide everything. SEED=case:0xseed repeats a round, and SEED=case:0xseed:n its first n schedules with
 * the trace of the last one; a failure prints the command. To prove this, the first round of a case and some of the
 * others run twice, and both runs must be equal. How to read a failure: the finding names transactions by timestamp. A
 * line of the trace is a race point (engine/base/race.h), whose step has not happened yet, or the result of a call.
 */
#ifndef TESTS_SUPPORT_EXPLORE_H
#define TESTS_SUPPORT_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/target_open.h"

/* What a transaction may consist of, with its weight in a case. */
#define EXPLORE_OPS(X) \
    X(READ)            \
    X(UPDATE)          \
    X(OVERWRITE)       \
    X(INSERT)          \
    X(ERASE)           \
    X(FIND)            \
    X(SCAN)            \
    X(SCAN_UPDATE)     \
    X(TRANSFER)        \
    X(SKEW)            \
    X(APPEND)          \
    X(ROW_INSERT)      \
    X(ROW_ERASE)       \
    X(UPDATE_TWICE)    \
    X(INSERT_ERASE)    \
    X(REF_READ)        \
    X(REF_UPDATE)      \
    X(TABLE_SCAN) X(INSERT_RUN) X(ERASE_RUN) X(PREFETCH) X(MOVE) X(PAIR) X(ALIAS) X(UNALIAS) X(UNDONE) X(CURSOR)
enum explore_op {
#define EXPLORE_ENUM(name) EXPLORE_##name,
    EXPLORE_OPS(EXPLORE_ENUM)
#undef EXPLORE_ENUM
        EXPLORE_OP_COUNT
};

struct explore_case {
    const char *name;
    const struct target_ops *target;         /* NULL: native */
    const struct target_key_value *settings; /* of a target that is not native; NULL: the defaults */
    const char *what;                        /* what it is about */
    unsigned weights[EXPLORE_OP_COUNT];
    bool ordered, non_unique; /* the index */
    bool variable;            /* of an ordered one: its keys are of variable length */
    unsigned key_bytes;
    unsigned keys; /* in use; half of them are there at first */
    unsigned load; /* more keys, above those, that are there at first */
    unsigned payload_max;
    unsigned snapshot_percent; /* of transactions */
    unsigned idle_percent;     /* chance that a worker parks between two of its transactions */
    unsigned rejoin_percent;   /* or leaves and joins again */
    unsigned ops_max;          /* a transaction */
    unsigned ahead_percent;    /* or that a transaction begins with a clock that has run ahead */
    bool collide;              /* all keys fall into one bucket of a hash index */
    bool grow;                 /* make the hash index split with every few inserts */
    bool maintained;           /* one coroutine more does what the maintenance thread does */
    bool overtakes;            /* options with which open transactions are overtaken soon */
    bool walks;                /* collectors look along the chains, as they do once memory is short */
    bool settles;              /* options with which versions settle in their rows, mostly with pending=skip */
    bool restamps;             /* options with which timestamps move */
    bool elders;               /* options with which transactions that were aborted reserve rows */
    /* The engine's counter that must move if the case does what it is about; 0: none. Offset in struct counters + 1. */
    size_t covers;
};
#define EXPLORE_COVERS(counter) (offsetof(struct counters, counter) + 1)

/*
 * Runs the cases (ended by a NULL name), or the one that argv names, for the same time each, MAE_SECONDS (30, of the
 * CPU) in all or until there were MAE_SCHEDULES; says at the end how many there were. MAE_SEED: where to begin.
 * Returns what main should.
 */
int explore_main(const struct explore_case *cases, int argc, char **argv);

#endif
