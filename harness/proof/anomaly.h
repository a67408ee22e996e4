/*
 * anomaly.h - what can be wrong with a history, which of it a target may show, and the verdict on one.
 *
 * The levels are Adya's: each anomaly has the weakest isolation that forbids it. A target that promises less may show
 * it; that is counted and told, and is no finding. What only a claimed serial order can show is forbidden to
 * serializable targets alone, since others have none. If a target does not promise phantom
 * safety, findings that rest on an absence or on a scan (phantom, miss) are allowed, too, and give no edges of the
 * graph. Not here: cycles with several rw of which
 * no two are neighbours, which snapshot isolation forbids as well.
 */
#ifndef HARNESS_PROOF_ANOMALY_H
#define HARNESS_PROOF_ANOMALY_H

#include "harness/common/support.h"
#include "workloads/target.h"

/* name, short name, weakest isolation that forbids it, what it means */
#define HISTORY_ANOMALIES(X)                                                                                     \
    X(NONE, "none", NONE, "serializable")                                                                        \
    X(MALFORMED, "malformed", NONE, "the history itself is broken")                                              \
    X(TIMESTAMP_TWICE, "timestamp-twice", SERIALIZABLE, "two read-write transactions have one timestamp")        \
    X(ABORTED_READ, "G1a", READ_COMMITTED, "read of an aborted transaction's write")                             \
    X(INTERMEDIATE_READ, "G1b", READ_COMMITTED, "read of a version that its writer replaced")                    \
    X(OWN_WRITE, "own-write", READ_COMMITTED, "a transaction does not see its own latest write")                 \
    X(FUTURE_READ, "future-read", SERIALIZABLE, "read of a version with a larger timestamp")                     \
    X(STALE_READ, "stale-read", SERIALIZABLE,                                                                    \
      "read of a version that a transaction with a smaller timestamp had replaced")                              \
    X(UNKNOWN_READ, "unknown-read", READ_COMMITTED, "read of a version that nobody wrote")                       \
    X(DELETED_READ, "deleted-read", SERIALIZABLE, "read or overwrite of what is deleted at that timestamp")      \
    X(LOST_INSERT, "miss", SERIALIZABLE, "looked for and not found, though it is there at that timestamp")       \
    X(DOUBLE_INSERT, "double-insert", SERIALIZABLE, "inserted, though it is there at that timestamp")            \
    X(WRONG_ROW, "wrong-row", READ_COMMITTED, "a key led to another key's row")                                  \
    X(PHANTOM, "phantom", SERIALIZABLE, "index entries seen are not those of that timestamp")                    \
    X(LOST_UPDATE, "lost-update", SNAPSHOT, "two transactions replaced the same version")                        \
    X(G0, "G0", READ_COMMITTED, "dirty writes: a cycle of ww")                                                   \
    X(G1C, "G1c", READ_COMMITTED, "circular information flow: a cycle of ww and wr")                             \
    X(G_SINGLE, "G-single", SNAPSHOT, "a cycle with one rw: lost update, read skew, vanished or preceded reads") \
    X(G2_ITEM, "G2-item", SERIALIZABLE, "a cycle with several rw on rows: write skew")                           \
    X(G2, "G2", SERIALIZABLE, "a cycle with several rw, some on what was absent or scanned: anti-dependency")

#define HISTORY_ANOMALY_ENUM(name, text, forbidden_from, meaning) HISTORY_ANOMALY_##name,
enum history_anomaly { HISTORY_ANOMALIES(HISTORY_ANOMALY_ENUM) HISTORY_ANOMALY_COUNT };

extern const struct history_anomaly_info {
    const char *name, *meaning;
    enum target_isolation forbidden_from;
} history_anomalies[];

extern const struct target_promises history_serializable; /* what a history is held against if nothing else is said */

/* Whether a target with these promises may show it. */
bool history_anomaly_is_allowed(const struct target_promises *promises, enum history_anomaly anomaly);

struct history_verdict {
    uint64_t committed, snapshots, aborted, records;
    bool ordered;                             /* every committed transaction says its place in the serial order */
    uint64_t findings[HISTORY_ANOMALY_COUNT]; /* how many of each, allowed or not */
    uint64_t found, allowed;                  /* sums of those that the target owed not to show, and that it may */
    uint64_t undecided; /* what placing.c cannot tell, of reads and writes of what came and went, and transactions that
                         * the search for cycles gave up before */
    struct support_text report; /* the first that were found, and the shortest cycle; empty if there are none */
};
void history_verdict_fini(struct history_verdict *verdict);

#endif
