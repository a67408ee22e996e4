/* counts.h - what was committed, rolled back and aborted: of a worker, a transaction type, or summed over them. */
#ifndef HARNESS_RECORD_COUNTS_H
#define HARNESS_RECORD_COUNTS_H

#include "workloads/target.h"

/* Of one transaction type. `aborted` is per attempt, by its reason (target_ops.reasons); `rolled_back` is of
 * requests that the workload rolled back on purpose, which are neither commits nor aborts; `given_up` is of requests
 * that were tried no more after an abort; `acknowledged` is of commits of which the target has said that they are
 * safe, also of earlier ones. */
struct counts {
    uint64_t committed, operations, rolled_back, given_up, acknowledged, aborted[TARGET_REASONS_MAX];
};

/* into += add, into -= subtract. */
void counts_add(struct counts *into, const struct counts *add);
void counts_subtract(struct counts *into, const struct counts *subtract);
uint64_t counts_aborted(const struct counts *counts);

#endif
