/* registry.c - finds targets, see targets.h. */
#include "harness/targets/targets.h"

#include <string.h>

const struct target_ops *target_at(size_t i)
{
    static const struct target_ops *const targets[] = {
#define TARGET_ENTRY(name) &name##_target_ops,
        TARGET_TABLE(TARGET_ENTRY)
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
