/*
 * conform.h - runs a test on every target there is (harness/targets/targets.h), as each of its settings leaves it: with
 * the defaults, with each other word of each option that takes words or on and off, one at a time, but for
 * huge_pages and durability (conform.c says why), and with elders, a relay and a bound of waits that is learnt. What a
 * target promises decides which tests apply.
 *
 * The debug build runs all of them. Others, which are there for memory errors, races and the optimiser, run every
 * fourth word of the other targets than the engine. TARGET=name, or TARGET=name:option=word, runs that one only.
 */
#ifndef TESTS_SUPPORT_CONFORM_H
#define TESTS_SUPPORT_CONFORM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "workloads/target.h"

enum { CONFORM_OPTIONS_MAX = 64 };

struct conform_variant {
    char name[96]; /* native, or native:pending=skip */
    const struct target_ops *ops;
    struct target_promises promises; /* with these settings */
    uint64_t values[CONFORM_OPTIONS_MAX];
};

/* Runs `body` on each; prints whose turn it is, so that the last name before a failure is the culprit's. */
void conform_each(void (*body)(const struct conform_variant *variant));

/* The target with all its defaults, but without huge pages; conform_clear frees what the settings hold. */
void conform_default(struct conform_variant *variant, const struct target_ops *ops);
void conform_clear(struct conform_variant *variant);

/* Sets an option if the target has it. */
void conform_set(struct conform_variant *variant, const char *option, const char *value);

/* Opens a target of `ops`, the variant's own or ones around them (recording.h), with the variant's settings. */
struct target *conform_open(const struct conform_variant *variant, const struct target_ops *ops);

/* Compares statuses by name, so that a failure can be read. */
#define assert_target_status(expected, call) assert_string_equal(target_status_name(call), target_status_name(expected))
#define assert_target_ok(call) assert_target_status(TARGET_OK, call)

/* The number as the key of an index: sorts as the number does. */
void conform_key(size_t key_bytes, void *key, uint64_t number);
/* As a key of variable length, of at most key_bytes, which are 16 or more; `key` has TARGET_VARIABLE_KEY_STRIDE bytes.
 * Keys of the numbers of a pair begin one another. */
void conform_variable_key(size_t key_bytes, void *key, uint64_t number);

#endif
