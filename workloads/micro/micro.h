/*
 * micro.h - small workloads, each made to show one property of a database.
 */
#ifndef WORKLOADS_MICRO_MICRO_H
#define WORKLOADS_MICRO_MICRO_H

#include "workloads/workload.h"

extern const struct workload_ops bank_workload_ops;      /* transfers; the total is constant in every snapshot */
extern const struct workload_ops skew_workload_ops;      /* write skew: two rows whose sum must not fall below 0 */
extern const struct workload_ops append_workload_ops;    /* appends to lists that grow and shrink; none may be lost */
extern const struct workload_ops counter_workload_ops;   /* increments of few rows */
extern const struct workload_ops singlekey_workload_ops; /* one record that all transactions use */
extern const struct workload_ops scan_workload_ops;      /* full and range scans against updates */
extern const struct workload_ops churn_workload_ops;     /* inserts, resizes and deletes; as many rows stay */
extern const struct workload_ops blind_workload_ops;     /* transactions that only write, rows that nobody reads */
extern const struct workload_ops skeleton_workload_ops;  /* nothing: what the harness itself costs */

#endif
