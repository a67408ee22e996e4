/*
 * resolve.h - computes the value of a version that notes operations (store/delta.h).
 *
 *   CU1 The value of a DELTA is what its operations make of the value that its timestamp sees below it. Whoever
 *       computes it reads that as a transaction with the DELTA's timestamp does: it raises the rts of the version below
 *       and then looks for a newer one (ORD-3; the argument is in commit.c). So no version is ever installed between
 *       the two afterwards, and the value is final. Of a chain of DELTAs the lowest is computed first.
 *   CU2 A value is computed once, by the one who has claimed the version. The claim lasts for the computation, in which
 *       it waits for nobody. A collector that unlinks the version meanwhile wins: then the status stays UNLINKED.
 *   CU3 A DELTA has a plain version below it, as a blind write has (commit.c, may_supersede), until it is resolved: a
 *       collector resolves what it keeps before it unlinks what is below. Others may stand below a DELTA then, although
 *       they read at timestamps above it. So in a table that has had DELTAs nothing is given back without limbo.
 *   CU4 DELTAs that nobody reads do not pile up. The first collector that comes to a row for a new min_rts computes the
 *       value of the base alone, from all that is noted below, and cuts that off. What the horizon has not passed is
 *       looked at by one in RESOLVE_LOOK_EACH of the commits that note something, which a hash of the timestamp
 *       chooses. Where it finds RESOLVE_NOTES_MOST DELTAs below each other it computes the older half. So more than
 *       RESOLVE_NOTES_MOST + k * RESOLVE_LOOK_EACH are there with a probability of e to the power of -k, however long
 *       a transaction holds the horizon back.
 *
 * Waiting cannot form a circle: whoever resolves waits for pending versions below, so for smaller timestamps, and for
 * claims. Who holds a claim waits for nobody, but for a collector that holds several: it waits for the claim of a
 * reader below them, who holds one.
 *
 * Checked by: db/verify.c; tests/unit/txn/delta.c, tests/unit/txn/gc.c, tests/schedule/delta.c, tests/stress/delta.c;
 * the mutations that engine/DESIGN.md names.
 */
#ifndef ENGINE_TXN_RESOLVE_H
#define ENGINE_TXN_RESOLVE_H

#include "engine/store/table.h"

struct mae_worker;

enum { RESOLVE_NOTES_MOST = 256, RESOLVE_LOOK_BITS = 8, RESOLVE_LOOK_EACH = 1 << RESOLVE_LOOK_BITS };

/*
 * Sees to it that the version, which is committed and in the row's chain or is what a pin keeps, has its value. The
 * caller is a collector with the row's lock, or a read in a counted walk (horizon.h, H7) whose timestamp sees the
 * version. Waits for pending versions below it. Cost: a step for each DELTA below it that has no value yet.
 */
void version_resolve(struct mae_worker *worker, struct table *table, char *row, struct version *version);

/*
 * The same for a collector with the row's lock that will unlink all that is older than the version, which is the row's
 * base: most of the DELTAs below get no value, and stay RESOLVING until they are unlinked. No pin needs them.
 */
void version_fold(struct mae_worker *worker, struct table *table, char *row, struct version *version);

/* For a commit that has decided the version, which notes operations (CU4). Cost: a step for each DELTA below it that
 * has no value yet, and RESOLVE_NOTES_MOST at most; but those below that many are computed. */
void version_shorten(struct mae_worker *worker, struct table *table, char *row, struct version *version);

#endif
