/*
 * twopl.h - two-phase locking: pessimistic, single-version, serializable.
 *
 * A row is locked before it is read or written, and unlocked when the transaction has ended. Reads point into the row;
 * updates are made there, with a copy of the payload as it was for an abort.
 *   TP1  A row's word: bit 63 for the one who writes, else the number of those who read. Payload and size are accessed
 *        under the lock only.
 *   TP2  All locks are held until the end. Misses and scans are protected by the versions of nodes, which are checked
 *        before the first lock is given back.
 *   TP3  What who meets a lock does, lock_wait:
 *          no_wait     aborts. One word a row, no list.
 *          wait_die    waits if it is older than all who have the lock, or wait for it, against it; else aborts.
 *          wound_wait  makes all who hold the lock against it and are younger abort, and waits.
 *          detect      waits; from time to time it looks for a circle of waits in which it is the youngest, and aborts
 *                      if there is one. Each circle has a youngest, and a circle does not go away by itself.
 *        So there is no deadlock, and every wait ends.
 *   TP4  A transaction that is tried again keeps its age. So it becomes the oldest some day, and is then not aborted
 *        for a lock.
 * In all modes but no_wait the row's second word leads to a list of those who have the lock or wait for it (holders.h);
 * nobody takes a lock for which an older one waits.
 * Source of wait-die and wound-wait: Rosenkrantz, Stearns, Lewis, TODS 3(2), 1978.
 */
#ifndef SCHEMES_TWOPL_H
#define SCHEMES_TWOPL_H

#include "engine/base/option.h"
#include "schemes/base/holders.h"

#define TWOPL_OPTIONS(X)                                                                                         \
    X(enum, lock_wait, "no_wait", "no_wait|wait_die|wound_wait|detect", "",                                      \
      "who meets a lock aborts; waits if it is older; aborts younger holders and waits; or waits and looks for " \
      "circles")                                                                                                 \
    X(u64, detect_us, "10", "1..1000000", "us", "lock_wait=detect: how often a wait looks for a circle")         \
    X(u64, timeout_us, "1000", "1..1000000", "us", "lock_wait=detect: after so long a wait ends in an abort")

enum { TWOPL_NO_WAIT, TWOPL_WAIT_DIE, TWOPL_WOUND_WAIT, TWOPL_DETECT };

struct twopl_settings {
    TWOPL_OPTIONS(OPTION_FIELD)
};

struct twopl_worker {
    struct contender base;
    _Atomic uintptr_t waits_for; /* the row, + 1 if to write it; 0: does not wait */
};

SCHEME_CALLS(twopl)

#endif
