/*
 * ermia.h - ERMIA (Kim, Wang, Johnson, Pandis, SIGMOD 2016): snapshot isolation, made serializable by the serial safety
 * net, SSN (Wang, Johnson, Fekete, Pandis: Efficiently Making (Almost) Any Concurrency Control Mechanism Serializable,
 * VLDB Journal 26(4), 2017).
 *
 * Timestamps, reads and writes are those of base/chained.h: CV1-CV5; a version whose transaction is about to commit is
 * waited for, never read on trust. c(T) is T's end timestamp. T is a predecessor of U, and U a successor of T, if U
 * reads or overwrites what T has written, or overwrites what T has read.
 *   high(T)  eta: the largest end timestamp of a predecessor of T that commits before T does
 *   low(T)   pi: the smallest low(U) of a successor U of T that commits before T does, and at most c(T)
 * A transaction whose low is not above its high aborts (EXCLUSION): T would close a circle, or could.
 *   ER1  A version has in `low` that of the transaction that made it, before that one says that it has committed. What
 *        overwrote a version is the next newer one in the chain, so the successor's low is found there. A row has the
 *        low of its grave.
 *   ER2  A row has in `high` the largest end timestamp of those who have read one of its versions, or that it is not
 *        there, and committed.
 *   ER3  A transaction that commits says in each row that it has read and not written that it is a reader, then draws
 *        its end timestamp, and leaves when the row's `high` is at least that. So who overwrites the version and has
 *        drawn a later one finds the reader there, or finds its timestamp in `high`, which it loads after it has looked
 *        at all the readers.
 *   ER4  A commit waits for whoever is drawing, and for readers and writers with smaller end timestamps to say whether
 *        they commit. So such waits end, and of two that conflict the later one knows of the earlier one.
 *   ER5  Entries. The stamp of a node is the largest end timestamp of transactions that noted it or took an entry out.
 *        A commit first raises it to its own, then looks whether the node is as it was noted. Who adds an entry has the
 *        stamp as a predecessor's, and so has, since entries may have gone, who notes the node.
 *   ER6  Safe snapshots: a snapshot says as of which timestamp S it reads, before anybody has drawn a later one. A
 *        commit with a later one has S as a predecessor's: it aborts if its low is not above S.
 * So no dependency leads from a commit after S to one before, and a snapshot as of S closes no circle. It is no reader
 * of its rows, is not certified, and aborts only where index entries have gone since (CV3, CV4). With
 * safe_snapshots=off, as the authors of the Cicada paper ran it, snapshots are certified like all other transactions:
 * without either a transaction that only reads may see what no serial order has. There is no special treatment of
 * transactions that write little and read much.
 * ermia_isolation=si leaves all this out. phantoms=off, as the authors of the Cicada paper ran it, leaves out ER5.
 * Where it differs from the papers. Timestamps are no offsets in a log. Readers say that they are there when they
 * commit, not when they read: nobody asks before. `high` and the bits of readers, one for each worker that there can
 * be, belong to the row, not to each of its versions, so that a version stays small and may move (base/chain.h: C8):
 * who overwrites the row also minds those who have read an older version, which costs an abort at worst.
 */
#ifndef SCHEMES_ERMIA_H
#define SCHEMES_ERMIA_H

#include "engine/base/option.h"
#include "schemes/base/chained.h"

#define ERMIA_OPTIONS(X)                                                                                       \
    X(enum, ermia_isolation, "ssn", "ssn|si", "",                                                              \
      "serializable by the serial safety net, or snapshot isolation, which has write skew")                    \
    X(bool, phantoms, "on", "", "", "with ssn: safe from phantoms, or not, as ERMIA's own program by default") \
    X(bool, safe_snapshots, "on", "", "", "with ssn: snapshots make certain others abort, and never abort for rows")

enum { ERMIA_SSN, ERMIA_SI };

struct ermia_settings {
    ERMIA_OPTIONS(OPTION_FIELD)
};

enum { ERMIA_READER_WORDS = DATABASE_WORKERS_MAX / 64 };

struct ermia_row {
    struct chain_row chain;
    _Atomic uint64_t grave_low;                   /* ER1 */
    _Atomic uint64_t high;                        /* ER2; only grows, also when the row is used again */
    _Atomic uint64_t readers[ERMIA_READER_WORDS]; /* ER3: bits of workers */
};

struct ermia_worker {
    struct chained_worker chained;
    uint64_t low, high; /* of what it knows so far */
    bool entered;       /* it is among the readers of what it has read */
};

SCHEME_CALLS(ermia)

#endif
