/*
 * tpcc.h - TPC-C as a workload.
 *
 * Departures from the specification in every mode, because what is measured is a database and not an application: no
 * terminals, so no keying and think times and no output screens; Delivery runs at once rather than from a queue
 * (2.7.2); Stock-Level's district is drawn rather than a terminal's (2.8.1.1); C_LAST is indexed by its number
 * (4.3.2.3). What else may differ is a named option, see options.h; `maemio list` prints them. Results are New-Orders
 * per second, not tpmC.
 *
 * A workload_ops.check that succeeds leaves in its report the names of conditions that the options make inapplicable,
 * and why; the report is empty when all twelve were checked.
 */
#ifndef WORKLOADS_TPCC_TPCC_H
#define WORKLOADS_TPCC_TPCC_H

#include "workloads/workload.h"

extern const struct workload_ops tpcc_workload_ops;

#endif
