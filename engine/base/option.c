/* option.c - see option.h. */
#include "engine/base/option.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/quantity.h"

static const struct {
    const char *name, *sample;
} types[] = {
#define OPTION_TYPE_INFO(type, field, sample) {#type, sample},
    OPTION_TYPES(OPTION_TYPE_INFO)
#undef OPTION_TYPE_INFO
};

size_t option_count(const struct option_spec *specs)
{
    size_t count = 0;
    while (specs[count].name)
        count++;
    return count;
}

size_t option_find(const struct option_spec *specs, const char *name)
{
    size_t i = 0;
    while (specs[i].name && strcmp(specs[i].name, name) != 0)
        i++;
    return i;
}

const char *option_type_name(enum option_type type)
{
    return types[type].name;
}

static void *slot_at(const void *values, size_t i)
{
    return (void *)((uintptr_t)values + i * OPTION_SLOT_BYTES);
}

uint64_t option_u64_at(const void *values, size_t i)
{
    return *(const uint64_t *)slot_at(values, i);
}

__attribute__((format(printf, 3, 4))) static bool refuse(char *why, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, bytes, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Ranges. ---- */

static const char *words_of(const struct option_spec *spec)
{
    return spec->type == OPTION_bool ? "off|on" : spec->range;
}

/* The place of `text` among the alternatives of a range; -1 if it is none, or is lo..hi. */
static int word_place(const char *range, const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || strstr(text, ".."))
        return -1;
    for (int place = 0;; place++) {
        size_t word_length = strcspn(range, "|");
        if (word_length == length && memcmp(range, text, length) == 0)
            return place;
        if (!range[word_length])
            return -1;
        range += word_length + 1;
    }
}

/* The word at a place; of no length if lo..hi is there, or nothing. */
static const char *word_at(const char *range, uint64_t place, int *length)
{
    for (; place > 0 && strchr(range, '|'); place--)
        range = strchr(range, '|') + 1;
    size_t bytes = strcspn(range, "|");
    const char *dots = strstr(range, "..");
    *length = dots && dots < range + bytes ? 0 : (int)bytes;
    return range;
}

/* A number of the option's type. All are compared as long double, which holds every uint64_t exactly (x86). */
static bool number_read(enum option_type type, const char *text, long double *number)
{
    uint64_t whole = 0;
    double real = 0;
    bool is_real = type == OPTION_f64 || type == OPTION_backoff;
    bool good = is_real ? quantity_parse_f64(text, &real)
                : type == OPTION_time
                    ? quantity_parse_time(text, &whole)
                    : quantity_parse_u64(text, type == OPTION_bytes ? QUANTITY_BYTES : QUANTITY_COUNT, &whole);
    *number = is_real ? (long double)real : (long double)whole;
    return good;
}

/* One side of lo..hi; false if it is left out. */
static bool bound_read(enum option_type type, const char *text, size_t bytes, long double *bound)
{
    char copy[32];
    (void)snprintf(copy, sizeof copy, "%.*s", (int)bytes, text);
    return number_read(type, copy, bound);
}

static bool in_range(const struct option_spec *spec, long double number)
{
    const char *dots = strstr(spec->range, ".."), *low = dots;
    long double bound;
    if (!dots)
        return true;
    while (low > spec->range && low[-1] != '|' && low[-1] != ':')
        low--;
    if (bound_read(spec->type, low, (size_t)(dots - low), &bound) && number < bound)
        return false;
    return !bound_read(spec->type, dots + 2, strcspn(dots + 2, "|"), &bound) || number <= bound;
}

/* ---- Values from text. ---- */

static void word_store(enum option_type type, int place, void *slot)
{
    if (type == OPTION_f64)
        *(double *)slot = (double)NAN;
    else
        *(uint64_t *)slot = type == OPTION_backoff ? OPTION_WORD_FIRST - (uint64_t)place : 0;
}

static void number_store(enum option_type type, long double number, void *slot)
{
    if (type == OPTION_f64)
        *(double *)slot = (double)number;
    else
        *(uint64_t *)slot = type == OPTION_backoff ? (uint64_t)llroundl(number * 1000) : (uint64_t)number;
}

static bool number_set(const struct option_spec *spec, const char *text, void *slot, char *why, size_t why_bytes)
{
    const char *prefix = spec->type == OPTION_backoff ? "fixed:" : "";
    int place = word_place(spec->range, text);
    if (place >= 0) {
        word_store(spec->type, place, slot);
        return true;
    }
    long double number;
    if (spec->type == OPTION_backoff && strncmp(text, prefix, strlen(prefix)) != 0)
        return refuse(why, why_bytes, "'%s' is none of %s", text, spec->range);
    if (!number_read(spec->type, text + strlen(prefix), &number))
        return refuse(why, why_bytes, "'%s' is not %s", text, types[spec->type].sample);
    if (!in_range(spec, number))
        return refuse(why, why_bytes, "'%s' is out of range, it can be %s", text, spec->range);
    number_store(spec->type, number, slot);
    return true;
}

static bool string_set(const char *text, char **slot, char *why, size_t why_bytes)
{
    char *copy = strdup(text);
    if (!copy)
        return refuse(why, why_bytes, "out of memory");
    free(*slot);
    *slot = copy;
    return true;
}

bool option_set(const struct option_spec *specs, size_t i, const char *text, void *values, char *why, size_t why_bytes)
{
    const struct option_spec *spec = &specs[i];
    void *slot = slot_at(values, i);
    if (spec->type == OPTION_string)
        return string_set(text, slot, why, why_bytes);
    if (spec->type != OPTION_bool && spec->type != OPTION_enum)
        return number_set(spec, text, slot, why, why_bytes);
    int place = word_place(words_of(spec), text);
    if (place < 0 && spec->type == OPTION_bool)
        return refuse(why, why_bytes, "'%s' is neither on nor off", text);
    if (place < 0)
        return refuse(why, why_bytes, "'%s' is none of %s", text, spec->range);
    if (spec->type == OPTION_bool)
        *(bool *)slot = place == 1;
    else
        *(unsigned *)slot = (unsigned)place;
    return true;
}

bool option_values_init(const struct option_spec *specs, void *values, char *why, size_t why_bytes)
{
    for (size_t i = 0; specs[i].name; i++)
        if (!option_set(specs, i, specs[i].default_value, values, why, why_bytes))
            return false;
    return true;
}

void option_values_clear(const struct option_spec *specs, void *values)
{
    for (size_t i = 0; specs[i].name; i++)
        if (specs[i].type == OPTION_string) {
            char **text = slot_at(values, i);
            free(*text);
            *text = NULL;
        }
}

/* ---- Text from values. ---- */

/* Where the value is a word, its place; else -1. */
static int place_of(const struct option_spec *spec, const void *slot)
{
    int length;
    switch (spec->type) {
    case OPTION_bool:
        return *(const bool *)slot;
    case OPTION_enum:
        return (int)*(const unsigned *)slot;
    case OPTION_string:
        return -1;
    case OPTION_f64:
        return isnan(*(const double *)slot) ? 0 : -1;
    case OPTION_backoff:
        return *(const uint64_t *)slot > UINT64_MAX / 2 ? (int)(OPTION_WORD_FIRST - *(const uint64_t *)slot) : -1;
    case OPTION_u64:
    case OPTION_bytes:
    case OPTION_time:
        break;
    }
    (void)word_at(spec->range, 0, &length);
    return *(const uint64_t *)slot == 0 && length > 0 ? 0 : -1;
}

bool option_is_number(const struct option_spec *specs, size_t i, const void *values)
{
    return specs[i].type < OPTION_backoff && place_of(&specs[i], slot_at(values, i)) < 0;
}

/* The shortest text that reads back as the same number. */
static void real_text(double value, char *text, size_t text_bytes)
{
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, text_bytes, "%.*g", digits, value);
        if (strtod(text, NULL) == value) /* also where NaN or the buffer cuts it, after 17 */
            break;
    }
}

static void number_text(enum option_type type, const void *slot, char *text, size_t text_bytes)
{
    const char *unit;
    if (type == OPTION_f64) {
        real_text(*(const double *)slot, text, text_bytes);
        return;
    }
    uint64_t number = *(const uint64_t *)slot;
    if (type == OPTION_backoff) {
        (void)snprintf(text, text_bytes, "fixed:%.10g", (double)number / 1000);
    } else if (type == OPTION_time && number != 0) {
        uint64_t unit_ns = quantity_time_unit(number, &unit);
        (void)snprintf(text, text_bytes, "%" PRIu64 "%s", number / unit_ns, unit);
    } else {
        (void)snprintf(text, text_bytes, "%" PRIu64, number);
    }
}

void option_text(const struct option_spec *specs, size_t i, const void *values, char *text, size_t text_bytes)
{
    const void *slot = slot_at(values, i);
    int length, place = place_of(&specs[i], slot);
    if (specs[i].type == OPTION_string) {
        (void)snprintf(text, text_bytes, "%s", *(const char *const *)slot);
    } else if (place >= 0) {
        const char *word = word_at(words_of(&specs[i]), (uint64_t)place, &length);
        (void)snprintf(text, text_bytes, "%.*s", length, word);
    } else {
        number_text(specs[i].type, slot, text, text_bytes);
    }
}

void option_describe(const struct option_spec *spec, char *text, size_t text_bytes)
{
    const char *section = spec->section ? spec->section : "";
    (void)snprintf(text, text_bytes, "%s%s%s%s%s%s%s%s%s", types[spec->type].name,
                   spec->default_value[0] ? ", default " : "", spec->default_value, spec->range[0] ? ", " : "",
                   spec->range, spec->unit[0] ? ", in " : "", spec->unit, section[0] ? "; paper " : "", section);
}
