/*
 * ycsb.h - YCSB: reads, updates, inserts and scans of single records by key, several to a transaction.
 *
 * The core workloads are presets. Without a preset it is the paper's variant: 10M records of 100 bytes, 16 requests a
 * transaction, half reads, half read-modify-writes, everything in read-write transactions.
 * Source: Cooper et al., SoCC 2010, with core/workloads/workload[a-f]; Cicada, SIGMOD 2017, section 4.3.
 *
 * ycsb.c: options, tables, load, check.  worker.c: requests and transactions.  ring.c: drawing them beforehand.
 */
#ifndef WORKLOADS_YCSB_YCSB_H
#define WORKLOADS_YCSB_YCSB_H

#include "workloads/workload.h"

extern const struct workload_ops ycsb_workload_ops;

#endif
