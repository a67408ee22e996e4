/*
 * tpcc.h - TPC-C as a workload.
 *
 * The workload measures a database and not an application. So in every mode it departs from the specification: there
 * are no screens and no network; Delivery runs at once instead of from a queue (2.7.2); C_LAST is indexed by its number
 * (4.3.2.3). Without think=spec there are no terminals, hence no keying and think times, and Stock-Level's district is
 * drawn instead of being a terminal's (2.8.1.1); results are New-Orders per second then, not tpmC. With it terminals
 * are simulated (terminal.c) and tpmC is reported (report.h). Every other difference is a named option, see options.h;
 * `maemio list` prints them.
 *
 * If workload_ops.check succeeds, its report names the conditions that the options make inapplicable, and why. The
 * report is empty if all twelve were checked.
 */
#ifndef WORKLOADS_TPCC_TPCC_H
#define WORKLOADS_TPCC_TPCC_H

#include "workloads/workload.h"

extern const struct workload_ops tpcc_workload_ops;

#endif
