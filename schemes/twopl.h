/*
 * twopl.h - two-phase locking: pessimistic, single-version, serializable.
 *
 * A row is locked before it is read or written, and unlocked when the transaction has ended. Reads point into the row;
 * updates are made there, with a copy of the payload as it was for an abort.
 *   TP1  A row's word: bit 63 for the one who writes, else the number of those who read. Payload and size are accessed
 *        under the lock only.
 *   TP2  All locks are held until the end. Misses and scans are protected by the versions of nodes, which are checked
 *        before the first lock is given back.
 *   TP3  lock_wait=no_wait: who meets a lock aborts. So there is no deadlock.
 */
#ifndef SCHEMES_TWOPL_H
#define SCHEMES_TWOPL_H

#include "engine/base/option.h"
#include "schemes/base/scheme.h"

#define TWOPL_OPTIONS(X)

struct twopl_worker {
    struct worker base;
};

SCHEME_CALLS(twopl)

#endif
