/* options.c - parsing and printing of the options in engine/options.def. */
#include "engine/base/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"

enum option_type { TYPE_BOOL, TYPE_NUMBER, TYPE_BYTES, TYPE_CHOICE, TYPE_BACKOFF };
static const char *const type_names[] = {"on|off", "number", "bytes", "choice", "backoff"};

static const struct option {
    enum option_type type;
    size_t offset;
    struct mae_option_info info;
} options_table[] = {
#define OPTION(name, type, default_value, range, unit, section, help) \
    {TYPE_##type, offsetof(struct mae_options, name), {#name, NULL, default_value, range, unit, help, section}},
#include "engine/options.def"
#undef OPTION
};
enum { OPTION_COUNT = sizeof options_table / sizeof options_table[0] };

size_t mae_option_count(void)
{
    return OPTION_COUNT;
}

static struct mae_option_info infos[OPTION_COUNT];
static pthread_once_t infos_once = PTHREAD_ONCE_INIT;

static void infos_fill(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        infos[i] = options_table[i].info;
        infos[i].type = type_names[options_table[i].type];
        if (!infos[i].range[0])
            infos[i].range = "on|off";
    }
}

const struct mae_option_info *mae_option_info(size_t i)
{
    pthread_once(&infos_once, infos_fill);
    return i < OPTION_COUNT ? &infos[i] : NULL;
}

/* "512", "4K", "1.5G" is not accepted: whole numbers and powers of 1024 only. */
static bool parse_u64(const char *text, bool suffixes, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno)
        return false;
    unsigned shift = 0;
    if (suffixes && *end) {
        const char *letters = "KMGT", *letter = strchr(letters, toupper((unsigned char)*end));
        if (!letter)
            return false;
        shift = 10u * (unsigned)(letter - letters + 1);
        end++;
        if (strcasecmp(end, "B") == 0 || strcasecmp(end, "iB") == 0)
            end += strlen(end);
    }
    if (*end || (shift && number >> (64 - shift)))
        return false;
    *value = (uint64_t)number << shift;
    return true;
}

static bool parse_number(const struct option *option, const char *text, uint64_t *value)
{
    char *dots;
    uint64_t min = strtoull(option->info.range, &dots, 10), max = strtoull(dots + 2, NULL, 10);
    return parse_u64(text, option->type == TYPE_BYTES, value) && *value >= min && *value <= max;
}

static bool parse_choice(const char *words, const char *text, uint64_t *value)
{
    size_t length = strlen(text);
    *value = 0;
    for (const char *word = words; length; word = strchr(word, '|') + 1, ++*value) {
        size_t word_length = strcspn(word, "|");
        if (word_length == length && strncmp(word, text, length) == 0)
            return true;
        if (!word[word_length])
            return false;
    }
    return false;
}

static bool parse_backoff(const char *text, uint64_t *value)
{
    if (strcmp(text, "adaptive") == 0) {
        *value = BACKOFF_ADAPTIVE;
    } else if (strcmp(text, "off") == 0) {
        *value = BACKOFF_OFF;
    } else {
        if (strncmp(text, "fixed:", 6) != 0 || !isdigit((unsigned char)text[6]))
            return false;
        char *end;
        double us = strtod(text + 6, &end);
        if (*end || !(us >= 0 && us <= 1e6))
            return false;
        *value = (uint64_t)llround(us * 1000);
    }
    return true;
}

static bool parse(const struct option *option, const char *text, uint64_t *value)
{
    switch (option->type) {
    case TYPE_BOOL:
        return parse_choice("off|on", text, value);
    case TYPE_CHOICE:
        return parse_choice(option->info.range, text, value);
    case TYPE_BACKOFF:
        return parse_backoff(text, value);
    case TYPE_NUMBER:
    case TYPE_BYTES:
        break;
    }
    return parse_number(option, text, value);
}

static uint64_t *field(const struct mae_options *options, const struct option *option)
{
    return (uint64_t *)((uintptr_t)options + option->offset);
}

void options_init(struct mae_options *options)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        MAE_CHECK(parse(&options_table[i], options_table[i].info.default_value, field(options, &options_table[i])));
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
    free(options);
}

__attribute__((format(printf, 3, 4))) static enum mae_status refuse(char *error, size_t bytes, const char *format, ...)
{
    if (error && bytes) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, bytes, format, arguments);
        va_end(arguments);
    }
    return MAE_INVALID;
}

enum mae_status mae_options_set(struct mae_options *options, const char *name, const char *value, char *error,
                                size_t error_bytes)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options_table[i];
        if (strcmp(option->info.name, name) != 0)
            continue;
        uint64_t parsed;
        if (!parse(option, value, &parsed))
            return refuse(error, error_bytes, "engine option %s: bad value '%s', expected %s%s%s", name, value,
                          mae_option_info(i)->range, option->info.unit[0] ? " " : "", option->info.unit);
        *field(options, option) = parsed;
        return MAE_OK;
    }
    char names[512] = "";
    for (size_t i = 0, used = 0; i < OPTION_COUNT && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", options_table[i].info.name);
    return refuse(error, error_bytes, "unknown engine option '%s'; there are: %s", name, names);
}

bool mae_options_get(const struct mae_options *options, size_t i, char *value, size_t value_bytes)
{
    if (i >= OPTION_COUNT)
        return false;
    const struct option *option = &options_table[i];
    uint64_t number = *field(options, option);
    const char *words = option->type == TYPE_BOOL ? "off|on" : option->info.range;
    switch (option->type) {
    case TYPE_BOOL:
    case TYPE_CHOICE:
        for (; number; number--)
            words = strchr(words, '|') + 1;
        snprintf(value, value_bytes, "%.*s", (int)strcspn(words, "|"), words);
        return true;
    case TYPE_BACKOFF:
        if (number == BACKOFF_ADAPTIVE || number == BACKOFF_OFF)
            snprintf(value, value_bytes, "%s", number == BACKOFF_OFF ? "off" : "adaptive");
        else
            snprintf(value, value_bytes, "fixed:%.10g", (double)number / 1000);
        return true;
    case TYPE_NUMBER:
    case TYPE_BYTES:
        break;
    }
    snprintf(value, value_bytes, "%" PRIu64, number);
    return true;
}
