/* options.c - the public calls on the options in engine/options.def; how values are read and shown: option.h. */
#include "engine/base/options.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"

const struct option_spec options_table[] = {
#define OPTION(type, name, default_value, range, unit, section, help) \
    {#name, OPTION_##type, default_value, range, unit, help, section},
#include "engine/options.def"
#undef OPTION
    OPTION_END};
enum { OPTION_COUNT = sizeof options_table / sizeof options_table[0] - 1 };
static_assert(sizeof(struct mae_options) == OPTION_COUNT * (size_t)OPTION_SLOT_BYTES, "a field an option");

size_t mae_option_count(void)
{
    return OPTION_COUNT;
}

static struct mae_option_info infos[OPTION_COUNT];
static pthread_once_t infos_once = PTHREAD_ONCE_INIT;

static void infos_fill(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = &options_table[i];
        const char *type = spec->type == OPTION_bool   ? "on|off"
                           : spec->type == OPTION_u64  ? "number"
                           : spec->type == OPTION_enum ? "choice"
                                                       : option_type_name(spec->type);
        infos[i] = (struct mae_option_info){.name = spec->name,
                                            .type = type,
                                            .default_value = spec->default_value,
                                            .range = spec->range[0]                ? spec->range
                                                     : spec->type == OPTION_string ? "any text"
                                                                                   : "on|off",
                                            .unit = spec->unit,
                                            .help = spec->help,
                                            .paper_section = spec->section};
    }
}

const struct mae_option_info *mae_option_info(size_t i)
{
    pthread_once(&infos_once, infos_fill);
    return i < OPTION_COUNT ? &infos[i] : NULL;
}

void options_init(struct mae_options *options)
{
    char why[128];
    memset(options, 0, sizeof *options);
    MAE_CHECK(option_values_init(options_table, options, why, sizeof why));
}

struct mae_options *mae_options_create(void)
{
    struct mae_options *options = mem_alloc(sizeof *options);
    if (options)
        options_init(options);
    return options;
}

void mae_options_destroy(struct mae_options *options)
{
    if (options)
        option_values_clear(options_table, options);
    free(options);
}

/* Writes the names of all options after what is there. */
static void names_add(char *text, size_t bytes)
{
    for (size_t i = 0, used = strlen(text); i < OPTION_COUNT && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "", options_table[i].name);
}

enum mae_status mae_options_set(struct mae_options *options, const char *name, const char *value, char *error,
                                size_t error_bytes)
{
    char why[128];
    size_t i = option_find(options_table, name);
    if (i < OPTION_COUNT && option_set(options_table, i, value, options, why, sizeof why))
        return MAE_OK;
    if (!error || error_bytes == 0)
        return MAE_INVALID;
    if (i < OPTION_COUNT) {
        const struct mae_option_info *info = mae_option_info(i);
        snprintf(error, error_bytes, "engine option %s: bad value '%s', expected %s%s%s", name, value, info->range,
                 info->unit[0] ? " " : "", info->unit);
    } else {
        snprintf(error, error_bytes, "unknown engine option '%s'; there are: ", name);
        names_add(error, error_bytes);
    }
    return MAE_INVALID;
}

bool mae_options_get(const struct mae_options *options, size_t i, char *value, size_t value_bytes)
{
    if (i < OPTION_COUNT)
        option_text(options_table, i, options, value, value_bytes);
    return i < OPTION_COUNT;
}
