/*
 * smallbank.h - SmallBank: customers of a bank, each with a savings and a checking account, and six short transactions.
 *
 * Sources: Alomari, Cahill, Fekete, Roehm, "The Cost of Serializability on Platforms That Use Snapshot Isolation", ICDE
 * 2008 (five transactions, looked up by name); H-Store's SmallBank (SendPayment, the sizes, the mix, the hot accounts).
 */
#ifndef WORKLOADS_SMALLBANK_SMALLBANK_H
#define WORKLOADS_SMALLBANK_SMALLBANK_H

#include "workloads/workload.h"

extern const struct workload_ops smallbank_workload_ops;

#endif
