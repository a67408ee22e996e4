/*
 * hekaton.h - Hekaton's optimistic multi-version scheme, MV/O (Larson, Blanas, Diaconu, Freedman, Patel, Zwilling:
 * High-Performance Concurrency Control Mechanisms for Main-Memory Databases, PVLDB 5(4), 2011).
 *
 * Timestamps, reads and writes are those of base/chained.h: CV1-CV5. At its commit a transaction validates that what it
 * has read is what it would read as of its end timestamp. The end timestamps are the serial order.
 *   HK1  A version whose transaction has an end timestamp below the reader's, and has not ended, is read on trust: the
 *        reader commits only if that transaction does. Such waits are for smaller end timestamps, so they end.
 *   HK2  Validation: what was read is visible as of the end timestamp, and the noted nodes are unchanged. Transactions
 *        that read as of their begin alone (snapshots; all, with dbx1000) validate nothing (CV3).
 * hekaton_validate=dbx1000 leaves validation out, as DBx1000's Hekaton does in effect: snapshot isolation.
 * Where it differs from the paper. Versions have no field for their end: it is the beginning of the next newer one, so
 * a writer changes one word. Versions hang on rows, and indexes lead to rows. Nobody is told that a transaction whose
 * version it has read on trust has ended; it looks.
 */
#ifndef SCHEMES_HEKATON_H
#define SCHEMES_HEKATON_H

#include "engine/base/option.h"
#include "schemes/base/chained.h"

#define HEKATON_OPTIONS(X)                                \
    X(enum, hekaton_validate, "full", "full|dbx1000", "", \
      "whether commits validate what they have read: serializable, or snapshot isolation as in DBx1000")

enum { HEKATON_FULL, HEKATON_DBX1000 };

struct hekaton_settings {
    HEKATON_OPTIONS(OPTION_FIELD)
};

struct hekaton_worker {
    struct chained_worker chained;
};

SCHEME_CALLS(hekaton)

#endif
