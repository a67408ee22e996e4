/*
 * mocc.h - MOCC (Wang, Kimura: Mostly-Optimistic Concurrency Control for Highly Contended Dynamic Workloads on a
 * Thousand Cores, PVLDB 10(2), 2016): Silo, and locks on what is hot.
 *
 * The steps.
 *   1. Temperatures. Rows, or pages of them, have a temperature. When a read fails its check, the row's goes up by one
 *      with a chance of one in 2^temperature, up to 20. At hot_threshold and above a row is hot.
 *   2. A hot row is locked before it is read (shared) or written (exclusive); other rows are read as in Silo.
 *   3. Canonical mode. A lock beyond all that the transaction holds, in the order of addresses, is waited for. Any
 *      other one is tried; if another holds it, the transaction gives back its locks from there on, and then waits.
 *   4. A commit locks all rows that it writes exclusively, in the order of addresses and by the same rule, and then
 *      goes on as Silo's: it locks the words, validates all reads, also those under locks, stores and unlocks.
 *   5. Retrospective locks (rll). A transaction that was aborted leaves a list: the rows that it wrote, and those that
 *      it read and that are hot or have changed. The next attempt locks them first, in the order of addresses.
 * What holds:
 *   MO1  A row has two locks: the word's, which is Silo's, and the second word, which is this scheme's: lock=spin, bit
 *        63 for the one who writes, else the number of those who read; lock=mql, a queue (queue.h). A commit takes the
 *        second word's first. Locks of the second word decide who goes first; Silo's validation alone decides who
 *        commits. So a lock can be given back early.
 *   MO2  A read whose row another has locked (its word) fails, whether or not its version is unchanged: of two that
 *        read each other's row and write their own, each would find the other's version unchanged.
 *   MO3  A transaction waits for a lock only if it holds none from there on, so no circle of waits arises. One that has
 *        locked a word early (OP2) waits for none.
 * Where it differs from the paper. Locks are words by default, and who waits asks again; the queues are latched, where
 * the paper's (MQL) need no latch. Temperatures stand in a table by a hash of the address, and never fall.
 */
#ifndef SCHEMES_MOCC_H
#define SCHEMES_MOCC_H

#include "engine/base/option.h"
#include "schemes/base/queue.h"
#include "schemes/base/versions.h"

#define MOCC_OPTIONS(X)                                                                                          \
    X(enum, temperature, "page", "page|row", "", "what has a temperature: 4 KiB of rows, or a row")              \
    X(u64, hot_threshold, "10", "0..256", "", "temperature from which on rows are locked; above 20: never")      \
    X(bool, rll, "on", "", "", "an attempt after an abort first locks what the last one wrote or lost")          \
    X(enum, lock, "spin", "spin|mql", "", "locks of hot rows: a word that is asked again and again, or a queue") \
    VERSIONS_OPTIONS(X)

enum { MOCC_PAGE, MOCC_ROW };
enum { MOCC_SPIN, MOCC_MQL };

struct mocc_settings {
    MOCC_OPTIONS(OPTION_FIELD)
};

/* Of the list of an aborted transaction. */
struct mocc_retrospective {
    struct row *row;
    struct table *table;
    bool exclusive;
};

/* The rows of a longer list that do not fit in are left out: a transaction of so many is not saved by locks. */
enum { MOCC_RETROSPECTIVE_MAX = 128 };

struct mocc_worker {
    struct worker base;
    struct versions versions;
    uintptr_t highest; /* address beyond which no lock is held */
    uint64_t chance;   /* random, of temperatures */
    uint32_t held;     /* locks */
    uint32_t retrospective_count;
    struct mocc_retrospective retrospective[MOCC_RETROSPECTIVE_MAX];
};

SCHEME_CALLS(mocc)

#endif
