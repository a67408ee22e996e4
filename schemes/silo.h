/*
 * silo.h - Silo (Tu, Zheng, Kohler, Liskov, Madden: Speedy Transactions in Multicore In-Memory Databases, SOSP 2013):
 * optimistic, single-version, serializable.
 *
 * Reads are copies, with the row's word. A commit locks the rows it writes in the order of their addresses, reads the
 * global epoch, checks that every row read has the same word and is not locked by another and that every node noted is
 * unchanged, then stores the new payloads and unlocks the rows with a new word.
 *   SI1  A row's word is its version: epoch, then number; the highest bit is the lock. Each commit that writes the row
 *        gives it a larger one, larger also than all the transaction has read.
 *   SI2  From its last lock to its last check a transaction's reads and misses are as it saw them; there it stands in
 *        the serial order.
 * Options: silo: validation_lock=wait, pre_abort=on. As DBx1000 ran it for the Cicada paper (Silo'): pre_abort=off,
 * backoff=dbx1000 (target silo_paper).
 * Not here: snapshots of past epochs; durability.
 */
#ifndef SCHEMES_SILO_H
#define SCHEMES_SILO_H

#include "engine/base/option.h"
#include "schemes/base/optimistic.h"

#define SILO_OPTIONS_WITH(X, lock, check)                                                \
    X(enum, validation_lock, lock, VALIDATION_LOCK_RANGE, "", VALIDATION_LOCK_HELP)      \
    X(bool, pre_abort, check, "", "", "check the reads before the locks are taken, too") \
    X(u64, epoch_ms, "40", "1..10000", "ms", "how often the epoch, the high part of versions, moves on")
#define SILO_OPTIONS(X) SILO_OPTIONS_WITH(X, "wait", "on")
#define SILO_PAPER_OPTIONS(X) SILO_OPTIONS_WITH(X, "wait", "off")

struct silo_settings {
    SILO_OPTIONS(OPTION_FIELD)
};

struct silo_worker {
    struct worker base;
    uint64_t last_version;
    uint64_t epoch_ticks;
};

SCHEME_CALLS(silo)

#endif
