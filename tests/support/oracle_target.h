/*
 * oracle_target.h - a target too simple to be wrong: one worker, sorted arrays, an undo log.
 *
 * It serves to test workloads without an engine, and as the model with which an engine is compared. It keeps the
 * contract of workloads/target.h to the letter and helps to find callers that do not. It fills new versions that a
 * caller must fill with junk. A row's version moves with every update. Undone and superseded versions are freed at the
 * end of the transaction, so that a sanitizer sees late uses. Snapshots refuse writes. Single-threaded: no call may
 * race.
 */
#ifndef TESTS_SUPPORT_ORACLE_TARGET_H
#define TESTS_SUPPORT_ORACLE_TARGET_H

#include "workloads/target.h"

extern const struct target_ops oracle_target_ops;

/* Lets the n-th call inside a transaction from now (1: the next) return `status` instead of working; commits count, and
 * roll back. 0: never. */
void oracle_fail_at(struct target *target, uint64_t n, enum target_status status);

/* Calls inside transactions so far; what oracle_fail_at counts. */
uint64_t oracle_calls(const struct target *target);

#endif
