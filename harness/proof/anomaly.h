/* anomaly.h - what can be wrong with a history, and the verdict on one. */
#ifndef HARNESS_PROOF_ANOMALY_H
#define HARNESS_PROOF_ANOMALY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/support.h"

/* name, short name, what it means */
#define HISTORY_ANOMALIES(X)                                                                                  \
    X(NONE, "none", "serializable")                                                                           \
    X(MALFORMED, "malformed", "the history itself is broken")                                                 \
    X(TIMESTAMP_TWICE, "timestamp-twice", "two read-write transactions have one timestamp")                   \
    X(ABORTED_READ, "G1a", "read of an aborted transaction's write")                                          \
    X(INTERMEDIATE_READ, "G1b", "read of a version that its writer replaced")                                 \
    X(OWN_WRITE, "own-write", "a transaction does not see its own latest write")                              \
    X(FUTURE_READ, "future-read", "read of a version with a larger timestamp")                                \
    X(STALE_READ, "stale-read", "read of a version that a transaction with a smaller timestamp had replaced") \
    X(UNKNOWN_READ, "unknown-read", "read of a version that nobody wrote")                                    \
    X(DELETED_READ, "deleted-read", "read or overwrite of what is deleted at that timestamp")                 \
    X(LOST_INSERT, "miss", "looked for and not found, though it is there at that timestamp")                  \
    X(DOUBLE_INSERT, "double-insert", "inserted, though it is there at that timestamp")                       \
    X(WRONG_ROW, "wrong-row", "a key led to another key's row")                                               \
    X(PHANTOM, "phantom", "index entries seen are not those of that timestamp")                               \
    X(G0, "G0", "dirty writes: a cycle of ww")                                                                \
    X(G1C, "G1c", "circular information flow: a cycle of ww and wr")                                          \
    X(G_SINGLE, "G-single", "a cycle with one rw: lost update, read skew, vanished or preceded reads")        \
    X(G2_ITEM, "G2-item", "a cycle with several rw on rows: write skew")                                      \
    X(G2, "G2", "a cycle with several rw, some on what was absent or scanned: anti-dependency")

enum history_anomaly {
#define HISTORY_ANOMALY_ENUM(name, text, meaning) HISTORY_ANOMALY_##name,
    HISTORY_ANOMALIES(HISTORY_ANOMALY_ENUM)
#undef HISTORY_ANOMALY_ENUM
        HISTORY_ANOMALY_COUNT
};

const char *history_anomaly_name(enum history_anomaly anomaly);
const char *history_anomaly_meaning(enum history_anomaly anomaly);

struct history_verdict {
    uint64_t committed, snapshots, aborted, records;
    bool ordered;                             /* every committed transaction says its place in the serial order */
    uint64_t findings[HISTORY_ANOMALY_COUNT]; /* how many of each */
    uint64_t found;                           /* their sum; 0: the history is fine */
    struct support_text report;               /* the first findings, and the shortest cycle; empty if fine */
};
void history_verdict_fini(struct history_verdict *verdict);

#endif
