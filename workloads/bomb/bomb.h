/*
 * bomb.h - BoMB, the bill-of-materials benchmark: long transactions that compute the costs of a factory's products, and
 * short ones that change what these are computed from.
 *
 * Source: Nemoto, Kambayashi, Hoshino, Kawashima, "Oze: Decentralized Graph-based Concurrency Control for Long-running
 * Update Transactions", PVLDB 18(8), 2025. docs/workloads.md says what is ours.
 *
 * bomb.c: options, tables, load.  transactions.c: requests and transactions.  check.c: the proof of a run.
 */
#ifndef WORKLOADS_BOMB_BOMB_H
#define WORKLOADS_BOMB_BOMB_H

#include "workloads/workload.h"

extern const struct workload_ops bomb_workload_ops;

#endif
