/*
 * hekaton.h - Hekaton's optimistic multi-version scheme, MV/O (Larson, Blanas, Diaconu, Freedman, Patel, Zwilling:
 * High-Performance Concurrency Control Mechanisms for Main-Memory Databases, PVLDB 5(4), 2011).
 *
 * One counter gives timestamps. A transaction reads as of its begin timestamp, takes an end timestamp at its commit,
 * and validates that what it has read is what it would read as of that. The end timestamps are the serial order.
 *   HK1  A transaction says that it is drawing, then draws its end timestamp, then tells it. Who meets one that is
 *        drawing waits. So who has a timestamp and then finds another transaction active knows that this one will end
 *        later (ORD-HEKATON-1).
 *   HK2  A version whose transaction has an end timestamp below the reader's, and has not ended, is read on trust: the
 *        reader commits only if that transaction does. Such waits are for smaller end timestamps, so they end. A row
 *        that is deleted, or that gains or loses an entry, is not read on trust but waited for.
 *   HK3  First writer wins: who wants to write a row whose newest version it does not see aborts.
 *   HK4  Validation: what was read is visible as of the end timestamp, and the noted nodes are unchanged.
 *   HK5  Indexes have one version. hekaton_validate=full validates the nodes of misses and scans like the
 *        single-version schemes. Transactions that read as of their begin alone (snapshots; all, with dbx1000) validate
 *        nothing, but must not see what the index has become since. A commit that takes an entry out, or lets it lead
 *        elsewhere, first raises the stamp of its node to its end timestamp; who finds a stamp above its own timestamp
 *        aborts.
 *   HK6  A row that gains an entry gets a version that says so, before the entry is there. Who reads an older one
 *        aborts, since the entry by which it came may be the new one; so after a hit the row is looked at again. If the
 *        transaction that added the entry aborts, the version stays, with the old payload and a new timestamp.
 *   HK7  Entries change before the commit is told. So who has waited for a row that loses an entry finds that entry
 *        gone, and a scan finds its leaf changed.
 * hekaton_validate=dbx1000 leaves validation out, as DBx1000's Hekaton does in effect: snapshot isolation.
 * Where it differs from the paper. Versions have no field for their end: it is the beginning of the next newer one, so
 * a writer changes one word. Versions hang on rows, and indexes lead to rows. Nobody is told that a transaction whose
 * version it has read on trust has ended; it looks.
 */
#ifndef SCHEMES_HEKATON_H
#define SCHEMES_HEKATON_H

#include "engine/base/option.h"
#include "schemes/base/chain.h"

#define HEKATON_OPTIONS(X)                                \
    X(enum, hekaton_validate, "full", "full|dbx1000", "", \
      "whether commits validate what they have read: serializable, or snapshot isolation as in DBx1000")

enum { HEKATON_FULL, HEKATON_DBX1000 };

struct hekaton_settings {
    HEKATON_OPTIONS(OPTION_FIELD)
};

struct hekaton_worker {
    struct worker base;
    uint64_t begin;                   /* timestamp as of which the transaction reads */
    SEPARATED _Atomic uint64_t state; /* HEKATON_ACTIVE, _DRAWING, or an end timestamp and what it says */
};

SCHEME_CALLS(hekaton)

#endif
