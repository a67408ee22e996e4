/*
 * anomaly_scripts.h - small transactions that are known to provoke anomalies: the ten of the Hermitage suite, write
 * skew over three rows, the read-only-transaction anomaly, and some around rows that come and go.
 */
#ifndef TESTS_SUPPORT_ANOMALY_SCRIPTS_H
#define TESTS_SUPPORT_ANOMALY_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "workloads/target.h"

enum { ANOMALY_TXNS_MAX = 3, ANOMALY_OPS_MAX = 6, ANOMALY_KEYS = 3 };

/*
 * Operations are two letters: what, and on which key. x and y are there at first, z is not, nor is w, which scripts of
 * other tests may add.
 *   r read   w update   b blind write   d delete   i insert   s scan of all keys (which is on none: s*)
 * Those on a second index, whose entries lead to the same rows and come and go without them:
 *   a add the entry of the key's row   u take the key's entry out   m move it to the next key   v read by it
 *   D delete the row of the first index's key, after its entries in the second one
 * A transaction commits after its last operation, or aborts if the script says so.
 */
struct anomaly_script {
    const char *name;
    const char *ops[ANOMALY_TXNS_MAX]; /* per transaction, separated by blanks; NULL: there are fewer */
    const char *order; /* whose turn it is, 1 to 3; once more after its last operation commits or aborts */
    bool aborts[ANOMALY_TXNS_MAX];
    bool snapshot[ANOMALY_TXNS_MAX];
    bool ordered; /* needs scans */
};

extern const struct anomaly_script anomaly_scripts[]; /* ended by a NULL name */

/* The same with the second index, where x and y are at first, too. */
extern const struct anomaly_script anomaly_entry_scripts[];

/* The operations of one transaction, each with its end; returns their number. */
unsigned anomaly_ops_of(const char *text, char ops[ANOMALY_OPS_MAX][3]);

/* Where operations run: 8-byte keys 0 (x), 1 (y), 2 (z), 3 (w) lead to rows of 8 bytes. */
struct anomaly_stage {
    const struct target_ops *ops;
    struct target_table *table;
    struct target_index *index, *second; /* second: NULL if no script needs it */
};

enum target_status anomaly_run_op(const struct anomaly_stage *stage, struct target_txn *txn, const char *op);

#endif
