/*
 * targets.h - every target there is. A new one: its file beside this one, one line in TARGET_TABLE. Other people's
 * databases have a table of their own (external.h).
 *
 * The target sql needs SQLite. Builds without it leave it out, and so does MODE=sim, which sees no memory of SQLite's.
 */
#ifndef HARNESS_TARGETS_TARGETS_H
#define HARNESS_TARGETS_TARGETS_H

#include <stddef.h>

#include "harness/targets/external.h"

#define TARGET_TABLE(X) \
    X(native)           \
    X(bare)             \
    X(bamboo)           \
    X(ermia)            \
    X(hekaton)          \
    X(mocc)             \
    X(plor)             \
    X(polaris)          \
    X(silo)             \
    X(silo_paper)       \
    X(tictoc)           \
    X(tictoc_paper)     \
    X(twopl)            \
    TARGET_SQL(X)

#ifdef MAE_SQL
#define TARGET_SQL(X) X(sql)
#else
#define TARGET_SQL(X)
#endif

#define TARGET_DECLARE(name) extern const struct target_ops name##_target_ops;
TARGET_TABLE(TARGET_DECLARE)
#undef TARGET_DECLARE

/* registry.c. Of an external database this is the description, without calls: external_load adds them. */
const struct target_ops *target_at(size_t i); /* NULL past the end */
const struct target_ops *target_by_name(const char *name);
/* Why the target with this name is not in this build; NULL if it is, or if there is none of this name. Static. */
const char *target_not_built(const char *name);

/* The reason with this number; of one of the target's own aborts, or TARGET_REASON_MISSING. */
const struct target_reason *target_reason(const struct target_ops *target, unsigned number);
/* Why targets abort: the i-th reason of all targets, each name once, for columns; NULL past the end. */
const struct target_reason *target_reason_at(size_t i);
/* The target's number of the reason with this name; TARGET_REASONS_MAX if it has none. */
unsigned target_reason_number(const struct target_ops *target, const char *name);

#endif
