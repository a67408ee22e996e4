/*
 * check.h - checks whether a history has a serial order, and whether that is the order of its timestamps.
 *
 * There are two checks, which share only the code that reads records:
 *   replay.c  runs the committed transactions one after the other, in timestamp order, on a model of registers and
 *             entries, and compares what each transaction saw with the model. That checks that (a) timestamp order
 *             explains every read, (c) no transaction read an aborted or intermediate version, (d) snapshots are
 *             consistent, and (e) there are no phantoms.
 *   graph.c   (b) builds the serialization graph (ww, wr, rw) from the version order that the writes recorded: each
 *             update names the version that it replaced. Writes that do not (blind writes, inserts after a delete,
 *             entries) are ordered by timestamps. If all edges go forward in timestamp order there is no cycle. Else it
 *             finds Tarjan's components, and in them the shortest cycle.
 * Both are linear, except that looking up an index entry takes O(log n). Memory: some 100 bytes a write, 40 a
 * transaction.
 *
 * A register that no recorded transaction inserts existed before: the first version read, if no transaction of the
 * history wrote it, is its initial one. Index entries that no recorded transaction adds do not exist.
 */
#ifndef HARNESS_PROOF_CHECK_H
#define HARNESS_PROOF_CHECK_H

#include "harness/common/support.h"
#include "harness/proof/history.h"

/* name, short name, what it means */
#define HISTORY_ANOMALIES(X)                                                                                  \
    X(NONE, "none", "serializable in timestamp order")                                                        \
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
    uint64_t findings[HISTORY_ANOMALY_COUNT]; /* how many of each */
    uint64_t found;                           /* their sum; 0: the history is fine */
    struct support_text report;               /* the first findings, and the shortest cycle; empty if fine */
};
void history_verdict_fini(struct history_verdict *verdict);

/* Memory that checks reuse; one at a time may use it. */
struct history_checker *history_checker_create(void);
void history_checker_destroy(struct history_checker *checker);

/* True if no anomaly was found. Fills the verdict, whose former contents must have been finished. */
bool history_check(struct history_checker *checker, const struct history *history, struct history_verdict *verdict);

/*
 * elle.c: writes the history in the EDN form that Elle's list-append checker reads: a row is a list, each version
 * appends one element (its writer's timestamp and sequence), and a read returns all elements up to the version read, as
 * the versions name their predecessors. False with a message where that is not so (blind writes, deletes), or where the
 * lists would become too long to write.
 */
bool history_export_elle(struct history_checker *checker, const struct history *history, FILE *out, char *error,
                         size_t error_bytes);

#endif
