/*
 * ledger.h - the contents that the committed requests of YCSB must have left in each record.
 *
 * Requests are drawn from the seed. So the position that a worker has reached in its ring tells which keys it has
 * updated, how often and in which order. Nothing is recorded during the run; the check walks over the rings again. It
 * walks once over a ring that went round many times, and weights each transaction by how often it ran.
 *     L1  update_kind=rmw: a record's stamp is the number of committed updates of that record.
 *     L2  update_kind=blind: of a record that was updated since the last check, the stamp names a worker's last update
 *         of that very record; of any other, it is what it was.
 * With update_fields=one both are of each field: which one a request updates follows from its place in the ring. So the
 * check names the record of an update that was lost, ran twice or went to another record. L2 cannot see which of
 * several workers' last blind updates came last, nor a blind update that ran twice.
 * Not for keys that follow the newest insert (distribution=latest, exponential): those depend on the inserts of other
 * workers.
 * Thread-safe: no; called with no transaction running. Checked by: tests/unit/workloads/ycsb/ycsb.c, mutations
 * lost_commit, doubled_commit and misled_update.
 */
#ifndef WORKLOADS_YCSB_LEDGER_H
#define WORKLOADS_YCSB_LEDGER_H

#include "workloads/ycsb/ring.h"

struct ycsb_ledger;
struct workload;

/* A place in a ring: how often it began anew, and the word behind the last request. */
struct ycsb_place {
    uint64_t rounds;
    size_t word;
};

/* How far a worker came. The ring outlives the worker, for the check. */
struct ycsb_walk {
    struct ring ring;
    bool wide;
    struct ycsb_place at, entered; /* entered: up to here the ledger has it */
    size_t last;                   /* the word at which the last request begins; it may have been given up */
    uint64_t updates_entered;      /* updates of the worker up to there */
};

/* NULL when out of memory. */
struct ycsb_ledger *ycsb_ledger_create(const struct workload *workload);
void ycsb_ledger_destroy(struct ycsb_ledger *ledger); /* NULL is fine */

/*
 * Enters what the workers have committed since the last call. TARGET_CORRUPT, with a report, when a worker says that it
 * has committed other updates than its requests hold.
 */
enum target_status ycsb_ledger_enter(struct ycsb_ledger *ledger, char *report, size_t report_bytes);

/* Holds the stamp found in record `number` against the ledger, with update_fields=one that of the field, else of field
 * 0. False with a report. */
bool ycsb_ledger_holds(struct ycsb_ledger *ledger, uint64_t number, unsigned field, uint64_t key, uint64_t stamp,
                       char *report, size_t report_bytes);

/* When all records were held against it: what only shows then (L2). A check that passes ends with this. */
enum target_status ycsb_ledger_close(struct ycsb_ledger *ledger, char *report, size_t report_bytes);

#endif
