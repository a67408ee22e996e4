/* registry.c - finds targets, see targets.h. */
#include "harness/targets/targets.h"

#include <string.h>

const struct target_ops *target_at(size_t i)
{
    static const struct target_ops *const targets[] = {
#define TARGET_ENTRY(name, ...) &name##_target_ops,
        TARGET_TABLE(TARGET_ENTRY) EXTERNAL_TABLE(TARGET_ENTRY)
#undef TARGET_ENTRY
    };
    return i < sizeof targets / sizeof targets[0] ? targets[i] : NULL;
}

const struct target_ops *target_by_name(const char *name)
{
    const struct target_ops *target;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        if (strcmp(target->name, name) == 0)
            break;
    return target;
}

const char *target_not_built(const char *name)
{
#ifdef MAE_SQL
    (void)name;
    return NULL;
#else
    return strcmp(name, "sql") != 0 ? NULL
                                    : "not built: no SQLite (apt install libsqlite3-dev, or scripts/setup; then make), "
                                      "or MODE=sim, which has no SQL";
#endif
}

static const struct target_reason missing = {"missing", "the workload did not find what it knows to be committed"};

const struct target_reason *target_reason(const struct target_ops *target, unsigned number)
{
    return number == TARGET_REASON_MISSING ? &missing : &target->reasons[number];
}

unsigned target_reason_number(const struct target_ops *target, const char *name)
{
    for (unsigned i = 0; target->reasons != NULL && target->reasons[i].name != NULL; i++)
        if (strcmp(target->reasons[i].name, name) == 0)
            return i;
    return strcmp(name, missing.name) == 0 ? TARGET_REASON_MISSING : TARGET_REASONS_MAX;
}

/* Whether a target before the i-th has that reason, too. */
static bool reason_was_listed(size_t i, const char *name)
{
    for (size_t j = 0; j < i; j++)
        if (target_reason_number(target_at(j), name) != TARGET_REASONS_MAX)
            return true;
    return false;
}

const struct target_reason *target_reason_at(size_t i)
{
    const struct target_ops *target;
    for (size_t t = 0; (target = target_at(t)) != NULL; t++)
        for (const struct target_reason *reason = target->reasons; reason != NULL && reason->name != NULL; reason++)
            if (!reason_was_listed(t, reason->name) && i-- == 0)
                return reason;
    return i == 0 ? &missing : NULL;
}
