/*
 * variable_target.h - the native target, but the keys of its indexes are of variable length underneath.
 *
 * Its caller has keys of VARIABLE_TARGET_BYTES, of which the last eight are a number, its first byte first, and the
 * others are zeros. Below, one of three is as long as keys may be, and the others are short, so that nodes split and
 * merge as their bytes ask for. Indexes are ordered.
 */
#ifndef TESTS_SUPPORT_VARIABLE_TARGET_H
#define TESTS_SUPPORT_VARIABLE_TARGET_H

#include "workloads/target.h"

enum { VARIABLE_TARGET_BYTES = TARGET_KEY_MAX_BYTES };

const struct target_ops *variable_target_ops(void);

#endif
