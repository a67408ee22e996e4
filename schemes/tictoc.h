/*
 * tictoc.h - TicToc (Yu, Pavlo, Sanchez, Devadas: TicToc: Time Traveling Optimistic Concurrency Control, SIGMOD 2016):
 * optimistic, single-version, serializable in the order of timestamps that a commit computes from what it has touched.
 *
 * Each row has two timestamps: wts, at which its payload was written, and rts, up to which it has been read. The
 * payload is valid from wts to rts at least. A commit locks the rows it writes and takes the smallest timestamp that is
 * no smaller than the wts of all it has read and larger than the rts of all it writes. A read is valid if its rts
 * reaches that far; if not, the commit raises the rts, provided the row is still what it was.
 *   TT1  No rts goes down while its row is unlocked and unchanged. So whoever has seen an rts can rely on it: the next
 *        writer commits later.
 *   TT2  A reader raises the rts and then looks at the row's word; a writer locks the word and then looks at the rts.
 *        Either the writer commits later, or the reader sees the lock (ORD-LOCK-1).
 *   TT3  Nodes of indexes have a timestamp, too, their stamp. A commit that has noted a node commits no earlier and
 *        raises it; a commit that adds an entry commits later than it; who removes an entry raises it to its own
 *        timestamp first. With versions of nodes alone a commit in the past could add an entry that a commit in the
 *        future had missed.
 *   TT4  A row that was read and then met again, by another entry or by one that had changed meanwhile, must not have
 *        changed since, whatever its rts: the entry may be younger than the payload.
 *   TT5  A row's rts is never below its wts, so words never come back.
 * Where it differs from the paper. The paper packs wts, the distance to rts and the lock into one word, and moves wts
 * along when the 15 bits of the distance overflow; here rts is the row's second word, on the same line. The history of
 * wts (an option of the paper) is not there.
 * Two transactions can have the same timestamp if one reads what the other has written. So the scheme tells no place in
 * the order, and histories are judged by the graph of conflicts alone.
 */
#ifndef SCHEMES_TICTOC_H
#define SCHEMES_TICTOC_H

#include "engine/base/option.h"
#include "schemes/base/optimistic.h"

#define TICTOC_OPTIONS_WITH(X, lock)                                                \
    X(enum, validation_lock, lock, VALIDATION_LOCK_RANGE, "", VALIDATION_LOCK_HELP) \
    X(bool, pre_abort, "on", "", "", "give up a commit that cannot succeed before it waits for a lock")
#define TICTOC_OPTIONS(X) TICTOC_OPTIONS_WITH(X, "retry")
#define TICTOC_PAPER_OPTIONS(X) TICTOC_OPTIONS_WITH(X, "retry_sleep")

struct tictoc_settings {
    TICTOC_OPTIONS(OPTION_FIELD)
};

struct tictoc_worker {
    struct worker base;
};

SCHEME_CALLS(tictoc)

#endif
