/*
 * elder.h - a transaction that has been aborted again and again reserves the rows that it touches (option elder_after).
 *
 * A transaction of many rows may never find all of them as it needs them, since short ones change some meanwhile. After
 * elder_after aborts in a row its retry is the database's *elder*, if there is none. A transaction of another worker
 * that has written a row which the elder's earlier attempts have touched waits before its commit until the elder's
 * attempt is over. While the elder commits, one that has only read such a row waits, too: its commit would raise the
 * row's rts above the elder's timestamp. The elder moves behind others as with restamp=extend, and at its commit behind
 * all that has committed so far.
 *
 *   E1  What an attempt has touched is announced before the next one: all of its access set, index nodes included, and
 *       the row that stopped it before it had an entry there.
 *   E2  A wait ends: with the elder's attempt; or with the time that an attempt may keep others waiting, by the clock
 *       of the one who waits. That time doubles with each attempt as elder that fails, up to ELDER_MAX_US.
 *   E3  There is at most one elder, and it waits for nobody who waits for it: who waits has linked no version, holds no
 *       lock, and gives its thread away as in the read phase (approach.h).
 *   E4  The role is an attempt's: it begins and ends with it. So whoever parks, leaves or gives up has none.
 * All of this is advice: commits validate as ever, and who overlooks the elder makes it try again, at worst. The rows
 * are bits by a hash of the row's address, and two rows with the same bit are as one.
 * Checked by: tests/unit/txn/elder.c, tests/schedule/explore.c: elder, tests/stress/rows.c; mutations elder_passed,
 * elder_rows_forgotten, elder_stopper_forgotten, elder_stays, elder_waits_on, elder_keeps_thread, elder_readers_pass.
 * Source: ours. The idea is that of Polaris (Ye et al., SIGMOD 2023), where such a transaction reserves row by row.
 */
#ifndef ENGINE_TXN_ELDER_H
#define ENGINE_TXN_ELDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/maemio.h"

enum { ELDER_FIRST_US = 2000, ELDER_MAX_US = 128000, ELDER_ROW_BITS = 17 };

/* Of a database. */
struct elder {
    SEPARATED _Atomic uint64_t word; /* 0: there is none. Else which attempt of which worker, and whether it commits */
    _Atomic uint64_t until_ticks;    /* from then on nobody waits for this attempt */
};

/* The rows that a worker's transaction has touched in earlier attempts. Only the worker writes them. */
struct elder_rows {
    _Atomic uint64_t words[(1 << ELDER_ROW_BITS) / 64];
};

/* A worker's own part. */
struct elder_claim {
    unsigned aborts;   /* of its present transaction, in a row */
    unsigned failed;   /* those of them as elder */
    uint64_t attempts; /* as elder, of all its transactions */
    bool holds;        /* the attempt that is running is the elder */
    bool announced;    /* its rows are those of the present transaction, not those of an earlier one */
    char *stopper;     /* NULL, or a row without an entry in the access set that has stopped the attempt */
};

struct mae_worker;

/* Whether the worker's next attempt is to be the elder. */
bool elder_is_due(const struct mae_worker *worker);

/* A read-write transaction begins, whose worker is due: it becomes the elder if there is none. */
void elder_begin(struct mae_txn *txn, uint64_t now_ticks);

/* The elder has done all its operations, and its commit begins. */
void elder_commits(struct mae_worker *worker);

/* The worker's transaction has committed, or its caller gives it up: the next one is another. */
void elder_forget(struct mae_worker *worker);

/* A read-write transaction has failed for `status`, and has not been rolled back yet. */
void elder_failed(struct mae_txn *txn, enum mae_status status);

/* The elder's attempt is over. */
void elder_end(struct mae_worker *worker);

/* Whether the transaction is to wait before its commit; and waits, in its read phase. Cost: a load if there is no
 * elder. */
bool elder_is_in_the_way(const struct mae_txn *txn);
void elder_await(const struct mae_txn *txn);

#endif
