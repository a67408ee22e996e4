/*
 * bamboo.h - Bamboo (Guo, Wu, Yan, Yu: Releasing Locks As Early As You Can: Reducing Contention of Hotspots by
 * Violating Two-Phase Locking, SIGMOD 2021): wound-wait, and locks of rows that a transaction has written are retired,
 * so that others go on with what is not committed yet.
 *
 * A row has a list (holders.h). Those who have its lock stand there in the order in which they got it, which is the
 * order in which they commit. A write works on a copy of its own; when it is retired the copy is stored into the row,
 * and the payload as it was is kept.
 *   BA1  Of two entries that exclude each other the one in front got the lock first, and its transaction ends first.
 *        An entry that has such ones in front of it is marked (`behind`); a commit waits until none of its own is.
 *   BA2  Who wants a lock makes all who have it against it and are younger abort, and waits for them. It passes older
 *        ones that only read, or whose write is retired; for others it waits, and for those that are about to abort.
 *   BA3  A retired write whose transaction aborts dooms all who stand behind it, in the same step in which it leaves
 *        the list. So who finds none in front of its entries any more, and is not doomed then, has read what is
 *        committed (ORD-FATE-1).
 *   BA4  The row has what the last retired write has stored; `before` of each is what the row had in front of it. When
 *        one is taken back, its `before` goes to the next retired one behind it, and if there is none into the row.
 *        So retired writes can be taken back in any order.
 *   BA5  All waits are for older transactions, for doomed ones, which wait for nothing, and for sealed ones, which have
 *        nobody in front of them. So there is no deadlock.
 *   BA6  A write is retired when its transaction makes its next request. If it writes the row again later, it takes the
 *        lock again as if it had none: those behind it are younger, and abort. A commit looks whether its copies are
 *        still what it has stored, since nobody told it.
 *   BA7  Rows that are inserted or deleted, and rows that gain or lose entries, are locked until the end, and nobody is
 *        passed for that: an older one that has such a row's lock already would take the new entry for one of before.
 * Steps of a commit: it looks again (BA6), waits until nobody is in front of it (BA1), seals its fate, takes its place
 * in the serial order, checks its nodes, changes entries, stores what is not retired, and leaves the lists.
 * Where it differs from the paper. All writes are retired but those after which nothing is asked, and not only those
 * of the first part of a transaction, whose length nobody knows here. A reader that is older than a writer makes it
 * abort; the paper's may read what was there before. Ages are given at begin, not at the first conflict.
 */
#ifndef SCHEMES_BAMBOO_H
#define SCHEMES_BAMBOO_H

#include "engine/base/option.h"
#include "schemes/base/holders.h"

#define BAMBOO_OPTIONS(X)         \
    X(bool, retire, "on", "", "", \
      "locks of rows that were written are retired at the next request; off: wound-wait on copies")

struct bamboo_settings {
    BAMBOO_OPTIONS(OPTION_FIELD)
};

struct bamboo_worker {
    struct contender base;
    uint32_t written_plus_1; /* the access that the last request wrote, if it may be retired */
};

SCHEME_CALLS(bamboo)

#endif
