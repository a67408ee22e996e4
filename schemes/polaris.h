/*
 * polaris.h - Polaris (Ye, Hwang, Chen, Yu: Polaris: Enabling Transaction Priority in Optimistic Concurrency Control,
 * SIGMOD 2023): Silo, and transactions that were aborted often reserve what they touch.
 *
 * The steps. A transaction has a priority, 0 at first.
 *   1. Before it reads or writes a row, a transaction with a priority reserves the row: if the row is reserved for a
 *      lower priority or for none, it takes the reservation over; if for the same, it joins; if for a higher one, it
 *      goes on without.
 *   2. It reads as in Silo. A write of a row that is reserved for a higher priority aborts at once (reason priority). A
 *      read of it does not.
 *   3. A commit looks again whether a row that it writes is reserved for a higher priority, locks the rows as in Silo,
 *      and looks once more. Then it validates, stores and unlocks as in Silo.
 *   4. At its end, commit or abort, it gives its reservations back. The last one to leave frees the row.
 *   5. A transaction that is tried again has the priority that follows from the aborts so far: 1 after raise_after, one
 *      more with each further raise_every, up to 15. A commit and a rollback by the caller begin anew.
 * What holds:
 *   PO1  Nothing of Silo's validation depends on reservations, so histories are Silo's (base/versions.h).
 *   PO2  While a row is reserved no commit of a lower priority stores to it. A reserver changes the second word and
 *        then looks at the lock; a commit locks and then looks at the second word. Either the commit sees the
 *        reservation and gives up, or the reserver sees the lock and reads what the commit has stored (ORD-LOCK-1).
 *   PO3  A reservation ends with its transaction. Its number differs from those before, so whoever gives back a
 *        reservation that another has taken over since changes nothing.
 * Where it differs from the paper. The paper packs lock, reservation and version into one word; here the reservation is
 * the row's second word, on the same line. So a commit that locks in the moment in which the row is reserved must give
 * the lock back, and the reserver aborts once if it validates in between. Versions have 63 bits in place of 45.
 */
#ifndef SCHEMES_POLARIS_H
#define SCHEMES_POLARIS_H

#include "engine/base/option.h"
#include "schemes/base/versions.h"

#define POLARIS_OPTIONS(X)                                                                                   \
    X(enum, validation_lock, "wait", VALIDATION_LOCK_RANGE, "", VALIDATION_LOCK_HELP)                        \
    X(bool, pre_abort, "on", "", "", "check the reads before the locks are taken, too")                      \
    X(u64, raise_after, "8", "0..1000000", "aborts", "after how many a transaction has priority 1, at once") \
    X(u64, raise_every, "3", "1..1000000", "aborts", "after how many more its priority is raised by one")    \
    VERSIONS_OPTIONS(X)

struct polaris_settings {
    POLARIS_OPTIONS(OPTION_FIELD)
};

struct polaris_worker {
    struct worker base;
    struct versions versions;
    uint64_t aborts; /* of the transaction that is tried again */
    uint64_t priority;
};

SCHEME_CALLS(polaris)

#endif
