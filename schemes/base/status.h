/*
 * status.h - what calls of a scheme return, why schemes abort, and what they count.
 *
 * The first statuses are those of engine/maemio.h. SCHEME_ABORT + i means that the transaction cannot commit, for the
 * i-th reason of the table; it may be run again.
 */
#ifndef SCHEMES_BASE_STATUS_H
#define SCHEMES_BASE_STATUS_H

#include "engine/maemio.h"

enum scheme_status {
    SCHEME_OK = MAE_OK,
    SCHEME_NOT_FOUND = MAE_NOT_FOUND,
    SCHEME_EXISTS = MAE_EXISTS,
    SCHEME_NO_MEMORY = MAE_NO_MEMORY,
    SCHEME_NO_ADDRESSES = MAE_NO_ADDRESSES,
    SCHEME_TOO_LARGE = MAE_TOO_LARGE,
    SCHEME_READ_ONLY = MAE_READ_ONLY,
    SCHEME_INVALID = MAE_INVALID,
    SCHEME_BUSY = MAE_BUSY,
    SCHEME_FULL = MAE_FULL,
    SCHEME_UNSUPPORTED = MAE_UNSUPPORTED,
    SCHEME_CORRUPT = MAE_CORRUPT,
    SCHEME_ABORT = MAE_ABORT_NEWER /* + the reason */
};

/* id, name in columns, text. One table for all schemes: a scheme that never aborts for a reason counts none. */
#define SCHEME_REASONS(X)                                                                                       \
    X(LOCK, lock, "aborted: another transaction has locked the row")                                            \
    X(DIE, die, "aborted: an older transaction has locked the row")                                             \
    X(WOUND, wound, "aborted: an older transaction wanted a row that this one had locked")                      \
    X(DEADLOCK, deadlock, "aborted: the youngest in a circle of transactions that wait for each other")         \
    X(TIMEOUT, timeout, "aborted: it has waited for a lock for too long")                                       \
    X(PRIORITY, priority, "aborted: a transaction of higher priority has reserved the row")                     \
    X(READ_CHECK, read_check, "aborted: a row that was read has been written by another since")                 \
    X(NODE_CHECK, node_check, "aborted: entries came or went where a key was missed or a range scanned")        \
    X(NEWER, newer, "aborted: the row has got a version since that is younger than the transaction")            \
    X(EXCLUSION, exclusion, "aborted: a later transaction is ordered before an earlier one that it depends on") \
    X(CASCADE, cascade, "aborted: it has read what another transaction then did not commit")                    \
    X(MEMORY, memory, "aborted: out of memory for now; rows that were deleted may come free")

enum scheme_reason {
#define SCHEME_REASON_ENUM(id, name, text) REASON_##id,
    SCHEME_REASONS(SCHEME_REASON_ENUM)
#undef SCHEME_REASON_ENUM
        REASON_COUNT
};

#define SCHEME_ABORTED(id) ((enum scheme_status)(SCHEME_ABORT + REASON_##id))

/* name, unit, help; after the aborts of each reason. They only grow and have one writer. */
#define SCHEME_COUNTERS(X)                                                                                  \
    X(commits, "txn", "transactions committed")                                                             \
    X(rolled_back, "txn", "rolled back by the caller")                                                      \
    X(waits, "waits", "waits for a row that another transaction had locked")                                \
    X(wait_ticks, "ticks", "time spent in those waits")                                                     \
    X(backoff_waits, "waits", "waits before a retry")                                                       \
    X(backoff_ticks, "ticks", "time spent in those waits")                                                  \
    X(locks_hot, "rows", "rows that were locked as they were accessed, since they are hot")                 \
    X(locks_retrospective, "rows", "rows that were locked since an aborted attempt wrote or lost them")     \
    X(locks_given_back, "rows", "locks that were given back so that another one could be waited for")       \
    X(reservations, "rows", "rows that a transaction with a priority has reserved")                         \
    X(rts_extensions, "rows", "rows that were read whose read timestamp the commit had to raise")           \
    X(speculative_reads, "rows", "rows that were read before their transaction had ended")                  \
    X(rows_retired, "rows", "rows that others could pass before the transaction that wrote them had ended") \
    X(rows_reclaimed, "rows", "rows of deletes and failed inserts, and versions, that can be used again")

enum scheme_counter {
#define SCHEME_COUNTER_ABORTS(id, name, text) COUNTER_aborts_##name,
    SCHEME_REASONS(SCHEME_COUNTER_ABORTS)
#undef SCHEME_COUNTER_ABORTS
#define SCHEME_COUNTER_ENUM(name, unit, help) COUNTER_##name,
        SCHEME_COUNTERS(SCHEME_COUNTER_ENUM)
#undef SCHEME_COUNTER_ENUM
            COUNTER_COUNT
};

#endif
