/*
 * tatp.h - TATP: a mobile operator's register of subscribers; seven short transactions, four in five of them only read.
 *
 * Source: Neuvonen, Wolski, Manner, Raatikka, "Telecom Application Transaction Processing Benchmark (TATP) Benchmark
 * Description", version 1.0, 2009. docs/workloads.md says what is ours.
 *
 * tatp.c: options, tables, load.  transactions.c: requests and transactions.  check.c: the proof of a run.
 */
#ifndef WORKLOADS_TATP_TATP_H
#define WORKLOADS_TATP_TATP_H

#include "workloads/workload.h"

extern const struct workload_ops tatp_workload_ops;

#endif
