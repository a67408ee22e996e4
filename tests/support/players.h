/*
 * players.h - runs scripts of transactions (anomaly_scripts.h) on a target, call by call. Each transaction has a
 * player, a thread of its own, and the script says whose turn it is. A call that waits for another transaction is left
 * alone until it ends.
 *
 * The recording target writes down what was seen, and the history check (harness/proof/judge.h) names the anomalies.
 * How to read a failure: the script, who did what in which order with which answer, then the finding.
 */
#ifndef TESTS_SUPPORT_PLAYERS_H
#define TESTS_SUPPORT_PLAYERS_H

#include "harness/proof/anomaly.h"
#include "tests/support/anomaly_scripts.h"
#include "tests/support/conform.h"

struct players;

/* What scripts have shown of what serializable transactions never show, whether the target may show it or not. */
struct players_seen {
    uint64_t findings[HISTORY_ANOMALY_COUNT];
    uint64_t committed, aborted;
};

/* Opens a target with a table of 8-byte rows and two indexes of 8-byte keys. NULL: it has no ordered indexes. The
 * variant must stay until players_close, which also looks whether the target's structure is whole. */
struct players *players_open(const struct conform_variant *variant, bool ordered);
void players_close(struct players *players);

/* Runs a script, and adds to `seen`. entries: rows have entries in the second index. Fails the test if the target has
 * shown what it promises not to. */
void players_run(struct players *players, const struct anomaly_script *script, bool entries, struct players_seen *seen);

#endif
