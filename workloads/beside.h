/*
 * beside.h - two workloads in one run: the last workers run the second one, on tables of its own in the same target.
 *
 * So a run shows what one does to the other through what they share: the horizon of garbage collection, the back-off,
 * memory, caches and the log. Transaction types are those of the first, then those of the second as NAME.TYPE; each
 * workload checks what its own workers did. Shares are the first's, or the second's if the first has none; only the
 * first reports. Workers have no terminals. It is a workload like others, so that the harness sees no difference; a run
 * of one workload does not come here.
 *
 * The composition is the process's: there is one at a time.
 * Checked by: tests/unit/workloads/beside.c.
 */
#ifndef WORKLOADS_BESIDE_H
#define WORKLOADS_BESIDE_H

#include "workloads/workload.h"

/*
 * The composition, valid until the next call. Its options, name and presets are those of `first`; `create` takes the
 * values of these, of which `first_values` tell which types there are. `second_values`, of `second`'s options, and both
 * workloads stay with the caller until the run has ended.
 */
const struct workload_ops *beside_compose(const struct workload_ops *first, const void *first_values,
                                          const struct workload_ops *second, const void *second_values);

/* How many of the workers given to `create` run the second workload, from 1 to all but one. Before `create`. */
void beside_set_workers(unsigned workers);

#endif
