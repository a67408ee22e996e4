/* option.c - see option.h. */
#include "workloads/option.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_reader_init(struct option_reader *reader, const struct workload_option *options, const char *const *values,
                        char *error, size_t error_bytes)
{
    *reader = (struct option_reader){options, values, error, error_bytes, MAE_OK};
}

static void refuse(struct option_reader *reader, const struct workload_option *option, const char *value)
{
    if (reader->status != MAE_OK)
        return;
    const char *kind = strcmp(option->type, "bool") == 0   ? "on or off"
                       : strcmp(option->type, "u64") == 0  ? "a whole number (1000, 10M) in "
                       : strcmp(option->type, "enum") == 0 ? "one of "
                                                           : "a number in ";
    reader->status = MAE_INVALID;
    snprintf(reader->error, reader->error_bytes, "%s=%s: must be %s%s", option->name, value, kind, option->range);
}

static uint64_t suffix_factor(char suffix)
{
    switch (suffix) {
    case 'k':
    case 'K':
        return 1000;
    case 'M':
        return 1000000;
    case 'G':
        return 1000000000;
    case 'T':
        return 1000000000000;
    default:
        return 0;
    }
}

/* A count at `text`, up to `*end`. */
static bool parse_u64(const char *text, const char **end, uint64_t *value)
{
    if (*text < '0' || *text > '9')
        return false;
    char *rest;
    errno = 0;
    *value = strtoull(text, &rest, 10);
    uint64_t factor = suffix_factor(*rest);
    *end = factor ? rest + 1 : rest;
    return errno == 0 && !__builtin_mul_overflow(*value, factor ? factor : 1, value);
}

static bool parse_f64(const char *text, const char **end, double *value)
{
    char *rest;
    *value = strtod(text, &rest);
    *end = rest;
    return rest != text && isfinite(*value);
}

uint64_t option_u64(struct option_reader *reader)
{
    const struct workload_option *option = reader->option++;
    const char *text = *reader->value++, *end, *range_end;
    uint64_t value = 0, lo = 0, hi = UINT64_MAX;
    bool ok = parse_u64(text, &end, &value) && *end == '\0';
    if (ok && parse_u64(option->range, &range_end, &lo) && strncmp(range_end, "..", 2) == 0)
        ok = parse_u64(range_end + 2, &range_end, &hi) && value >= lo && value <= hi;
    if (!ok)
        refuse(reader, option, text);
    return value;
}

double option_f64(struct option_reader *reader)
{
    const struct workload_option *option = reader->option++;
    const char *text = *reader->value++, *end, *separator = strstr(option->range, "..");
    double value = 0, lo, hi;
    bool ok = parse_f64(text, &end, &value) && *end == '\0';
    if (ok && separator) {
        /* strtod would take the "0." of "0..1", so the ends are read apart. */
        lo = strtod(option->range, NULL);
        hi = strtod(separator + 2, NULL);
        ok = value >= lo && value <= hi;
    }
    if (!ok)
        refuse(reader, option, text);
    return value;
}

bool option_bool(struct option_reader *reader)
{
    const struct workload_option *option = reader->option++;
    const char *text = *reader->value++;
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        refuse(reader, option, text);
    return on;
}

unsigned option_enum(struct option_reader *reader)
{
    const struct workload_option *option = reader->option++;
    const char *text = *reader->value++;
    size_t length = strlen(text);
    unsigned position = 0;
    for (const char *name = option->range;; position++) {
        const char *bar = strchr(name, '|');
        size_t name_length = bar ? (size_t)(bar - name) : strlen(name);
        if (length == name_length && memcmp(name, text, length) == 0)
            return position;
        if (!bar)
            break;
        name = bar + 1;
    }
    refuse(reader, option, text);
    return 0;
}
