/*
 * targets.h - every target there is. A new one: its file beside this one, one line in TARGET_TABLE.
 */
#ifndef HARNESS_TARGETS_TARGETS_H
#define HARNESS_TARGETS_TARGETS_H

#include <stddef.h>

#include "workloads/target.h"

#define TARGET_TABLE(X) \
    X(native)           \
    X(bare)

#define TARGET_DECLARE(name) extern const struct target_ops name##_target_ops;
TARGET_TABLE(TARGET_DECLARE)
#undef TARGET_DECLARE

/* registry.c */
const struct target_ops *target_at(size_t i); /* NULL past the end */
const struct target_ops *target_by_name(const char *name);

#endif
