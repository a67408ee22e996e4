/*
 * silo.h - Silo (Tu, Zheng, Kohler, Liskov, Madden: Speedy Transactions in Multicore In-Memory Databases, SOSP 2013):
 * optimistic, single-version, serializable.
 *
 * Reads are copies, with the row's word. A commit locks the rows it writes in the order of their addresses, reads the
 * global epoch, checks that every row read has the same word and is not locked by another and that every node noted is
 * unchanged, then stores the new payloads and unlocks the rows with a new word.
 * What makes that serializable: base/optimistic.h, OP1 and OP2, and base/versions.h, VE1 and VE2.
 * Options: silo: validation_lock=wait, pre_abort=on. As DBx1000 ran it for the Cicada paper (Silo'): pre_abort=off,
 * backoff=dbx1000 (target silo_paper).
 * Not here: snapshots of past epochs; durability.
 */
#ifndef SCHEMES_SILO_H
#define SCHEMES_SILO_H

#include "engine/base/option.h"
#include "schemes/base/versions.h"

#define SILO_OPTIONS_WITH(X, lock, check)                                               \
    X(enum, validation_lock, lock, VALIDATION_LOCK_RANGE, "", VALIDATION_LOCK_HELP)     \
    X(bool, pre_abort, check, "", "",                                                   \
      "check the reads before the locks are taken, too, except after commits in a row") \
    VERSIONS_OPTIONS(X)
#define SILO_OPTIONS(X) SILO_OPTIONS_WITH(X, "wait", "on")
#define SILO_PAPER_OPTIONS(X) SILO_OPTIONS_WITH(X, "wait", "off")

struct silo_settings {
    SILO_OPTIONS(OPTION_FIELD)
};

struct silo_worker {
    struct worker base;
    struct versions versions;
};

SCHEME_CALLS(silo)

#endif
