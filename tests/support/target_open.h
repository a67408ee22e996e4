/* target_open.h - opens a target with a few of its options given as text; the others have their defaults. */
#ifndef TESTS_SUPPORT_TARGET_OPEN_H
#define TESTS_SUPPORT_TARGET_OPEN_H

#include <stdio.h>

#include "workloads/target.h"

struct target_key_value {
    const char *key, *value;
};

/* `settings` ends with {NULL, NULL}; NULL: all defaults. A wrong one is an invalid argument, named in `error`. */
static inline enum target_status target_open(const struct target_ops *ops, const struct target_key_value *settings,
                                             struct target **target, char *error, size_t error_bytes)
{
    enum { OPTIONS_MAX = 64 };
    uint64_t values[OPTIONS_MAX] = {0};
    char why[256];
    enum target_status status = TARGET_OK;
    if (ops->options && !option_values_init(ops->options, values, why, sizeof why))
        return TARGET_INVALID;
    for (; status == TARGET_OK && settings && settings->key; settings++) {
        size_t i = ops->options ? option_find(ops->options, settings->key) : 0;
        if (!ops->options || !ops->options[i].name) {
            snprintf(error, error_bytes, "target %s has no setting %s", ops->name, settings->key);
            status = TARGET_INVALID;
        } else if (!option_set(ops->options, i, settings->value, values, why, sizeof why)) {
            snprintf(error, error_bytes, "%s: %.200s", settings->key, why);
            status = TARGET_INVALID;
        }
    }
    if (status == TARGET_OK)
        status = ops->open(ops, values, target, error, error_bytes);
    if (ops->options)
        option_values_clear(ops->options, values); /* a target keeps what it needs */
    return status;
}

#endif
