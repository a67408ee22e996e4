/* options.c - reading and resolving options, see options.h. */
#include "harness/options/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/targets/targets.h"

static const struct workload_option run_options[] = {
#define OPTION_TYPE_STRING "string"
#define OPTION_TYPE_ENUM "enum"
#define OPTION_TYPE_BOOL "bool"
#define OPTION_TYPE_U64 "u64"
#define OPTION_TYPE_TIME "time"
#define OPTION(name, kind, default_value, range, unit, column, argument, help) \
    {#name, OPTION_TYPE_##kind, default_value, range, unit, help},
#include "harness/options/options.def"
#undef OPTION
};

const struct workload_option *run_option_info(size_t i)
{
    return i < RUN_OPTION_COUNT ? &run_options[i] : NULL;
}

const char *run_option_column(size_t i)
{
    static const char *const columns[] = {
#define OPTION(name, kind, default_value, range, unit, column, argument, help) column,
#include "harness/options/options.def"
#undef OPTION
    };
    return columns[i];
}

const char *run_option_argument(size_t i)
{
    static const char *const arguments[] = {
#define OPTION(name, kind, default_value, range, unit, column, argument, help) argument,
#include "harness/options/options.def"
#undef OPTION
    };
    return arguments[i];
}

bool run_option_is_configuration(size_t i)
{
    switch ((enum run_option)i) {
    case RUN_OPTION_repetitions:
    case RUN_OPTION_deadline:
    case RUN_OPTION_label:
    case RUN_OPTION_point:
    case RUN_OPTION_first_repetition:
        return false;
    default:
        return run_option_column(i)[0] != '\0';
    }
}

char *option_dashes(char *name)
{
    for (char *at = name; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

char *option_underscores(char *name)
{
    for (char *at = name; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    return name;
}

static bool __attribute__((format(printf, 2, 3))) refuse(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, OPTION_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- One value against its type and range. ---- */

static bool type_is(const struct workload_option *option, const char *type)
{
    return strcmp(option->type, type) == 0;
}

/* A number of the option's type. Everything is compared as long double, which holds every uint64_t exactly (x86). */
static bool number_parse(const struct workload_option *option, const char *text, long double *number)
{
    uint64_t whole;
    double real;
    if (type_is(option, "f64")) {
        if (!quantity_parse_f64(text, &real))
            return false;
        *number = (long double)real;
        return true;
    }
    bool bytes = strcmp(option->unit, "bytes") == 0;
    if (type_is(option, "time") ? !quantity_parse_time(text, &whole)
                                : !quantity_parse_u64(text, bytes ? QUANTITY_BYTES : QUANTITY_COUNT, &whole))
        return false;
    *number = (long double)whole;
    return true;
}

/* One alternative of a range: lo..hi with either side open, or a word. */
static bool alternative_fits(const struct workload_option *option, char *alternative, const char *value, bool is_number,
                             long double number)
{
    char *dots = strstr(alternative, "..");
    if (dots == NULL)
        return strcmp(alternative, value) == 0;
    if (!is_number)
        return false;
    *dots = '\0';
    const char *low = alternative, *high = dots + 2;
    long double bound;
    if (*low != '\0' && (!number_parse(option, low, &bound) || number < bound))
        return false;
    return *high == '\0' || (number_parse(option, high, &bound) && number <= bound);
}

static bool range_fits(const struct workload_option *option, const char *value, bool is_number, long double number)
{
    if (option->range[0] == '\0')
        return true;
    char *range = support_copy(option->range), *rest = range;
    bool fits = false;
    for (char *alternative; !fits && (alternative = strsep(&rest, "|")) != NULL;)
        fits = alternative_fits(option, alternative, value, is_number, number);
    free(range);
    return fits;
}

/* A value that is a word of the range, such as auto. */
static bool range_has_word(const struct workload_option *option, const char *value)
{
    return option->range[0] != '\0' && strstr(value, "..") == NULL && range_fits(option, value, false, 0);
}

static bool bool_parse(const char *text, bool *value)
{
    static const char *const words[][2] = {{"on", "off"}, {"true", "false"}, {"yes", "no"}, {"1", "0"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int off = 0; off < 2; off++)
            if (strcmp(text, words[i][off]) == 0) {
                *value = off == 0;
                return true;
            }
    return false;
}

static bool copy_canonical(const char *value, char *canonical, size_t canonical_bytes, char *error)
{
    if (strpbrk(value, "\r\n") != NULL)
        return refuse(error, "a value cannot contain a line break");
    if ((size_t)snprintf(canonical, canonical_bytes, "%s", value) >= canonical_bytes)
        return refuse(error, "a value cannot be longer than %zu bytes", canonical_bytes - 1);
    return true;
}

bool option_check(const struct workload_option *option, const char *value, char *canonical, size_t canonical_bytes,
                  char *error)
{
    if (type_is(option, "bool")) {
        bool on;
        if (!bool_parse(value, &on))
            return refuse(error, "'%s' is neither on nor off", value);
        return copy_canonical(on ? "on" : "off", canonical, canonical_bytes, error);
    }
    if (type_is(option, "string") || type_is(option, "enum")) {
        if (type_is(option, "enum") && !range_fits(option, value, false, 0)) /* a string's range is for people */
            return refuse(error, "'%s' is none of %s", value, option->range);
        return copy_canonical(value, canonical, canonical_bytes, error);
    }
    if (range_has_word(option, value))
        return copy_canonical(value, canonical, canonical_bytes, error);
    long double number;
    if (!number_parse(option, value, &number)) {
        const char *sample = type_is(option, "time")              ? "a time such as 500us, 200ms, 5s, 1m"
                             : type_is(option, "f64")             ? "a number such as 0.99"
                             : strcmp(option->unit, "bytes") == 0 ? "a size such as 100, 64K, 4G"
                                                                  : "a whole number such as 1000, 10k, 10M";
        return refuse(error, "'%s' is not %s", value, sample);
    }
    if (!range_fits(option, value, true, number))
        return refuse(error, "'%s' is out of range, it can be %s", value, option->range);
    if (type_is(option, "f64"))
        return copy_canonical(value, canonical, canonical_bytes, error);
    (void)snprintf(canonical, canonical_bytes, "%.0Lf", number);
    return true;
}

static const char *digits_skip(const char *at)
{
    return at + strspn(at, "0123456789");
}

bool option_text_is_number(const char *type, const char *text)
{
    static const char *const others[] = {"string", "enum", "bool"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(type, others[i]) == 0)
            return false;
    const char *at = text + (*text == '-'), *end = digits_skip(at);
    if (end == at || (*at == '0' && end > at + 1))
        return false;
    if (*end == '.' && digits_skip(end + 1) == end + 1)
        return false;
    end = *end == '.' ? digits_skip(end + 1) : end;
    if (*end == 'e' || *end == 'E') {
        at = end + 1 + (end[1] == '-' || end[1] == '+');
        end = digits_skip(at);
        if (end == at)
            return false;
    }
    return *end == '\0';
}

/* UTF-8 as RFC 3629 has it: what JSON can hold as it stands. */
static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        unsigned more = *at < 0x80 ? 0 : *at >= 0xc2 && *at < 0xe0 ? 1 : (*at & 0xf0) == 0xe0 ? 2 : 3;
        if (more == 3 && (*at < 0xf0 || *at > 0xf4))
            return false;
        if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
            (at[0] == 0xf4 && at[1] > 0x8f)) /* longer than need be, surrogates, too large */
            return false;
        for (at++; more > 0; more--, at++)
            if ((*at & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* ---- The harness's own options. ---- */

static void store_STRING(const char **field, const char *text)
{
    *field = text;
}
static void store_ENUM(const char **field, const char *text)
{
    *field = text;
}
static void store_BOOL(bool *field, const char *text)
{
    *field = strcmp(text, "on") == 0;
}

static void store_U64(uint64_t *field, const char *text)
{
    *field = strtoull(text, NULL, 10); /* canonical digits, or a word such as auto: 0 */
}

static void store_TIME(uint64_t *field, const char *text)
{
    store_U64(field, text);
}

static void run_option_store(struct options *options, size_t i, const char *canonical)
{
    free(options->texts[i]);
    options->texts[i] = support_copy(canonical);
    switch ((enum run_option)i) {
#define OPTION(name, kind, default_value, range, unit, column, argument, help) \
    case RUN_OPTION_##name:                                                    \
        store_##kind(&options->run.name, options->texts[i]);                   \
        break;
#include "harness/options/options.def"
#undef OPTION
    case RUN_OPTION_COUNT:
        break;
    }
}

struct options *options_create(void)
{
    struct options *options = support_alloc(sizeof *options);
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++) {
        char canonical[OPTION_TEXT_BYTES], error[OPTION_ERROR_BYTES];
        if (!option_check(&run_options[i], run_options[i].default_value, canonical, sizeof canonical, error)) {
            fprintf(stderr, "maemio: options.def: %s: %s\n", run_options[i].name, error);
            abort();
        }
        run_option_store(options, i, canonical);
    }
    return options;
}

static void pairs_free(struct option_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].key);
        free(pairs->items[i].value);
    }
    free(pairs->items);
}

static void workload_values_free(struct options *options)
{
    for (size_t i = 0; i < options->workload_value_count; i++)
        free(options->workload_values[i]);
    free(options->workload_values);
    options->workload_values = NULL;
    options->workload_value_count = 0;
}

void options_destroy(struct options *options)
{
    if (options == NULL)
        return;
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        free(options->texts[i]);
    pairs_free(&options->workload_given);
    pairs_free(&options->settings);
    workload_values_free(options);
    free(options);
}

static void pairs_put(struct option_pairs *pairs, const char *key, const char *value)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].key, key) == 0) {
            free(pairs->items[i].value);
            pairs->items[i].value = support_copy(value);
            return;
        }
    pairs->items = support_realloc(pairs->items, (pairs->count + 1) * sizeof *pairs->items);
    pairs->items[pairs->count++] = (struct option_pair){support_copy(key), support_copy(value)};
}

static const struct workload_option *workload_option_find(const struct workload_ops *workload, const char *key)
{
    for (const struct workload_option *option = workload->options; option->name != NULL; option++)
        if (strcmp(option->name, key) == 0)
            return option;
    return NULL;
}

static bool setting_put(struct options *options, const char *value, char *error)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value)
        return refuse(error, "'%s' is not key=value", value);
    char *key = support_copy(value);
    key[equals - value] = '\0';
    pairs_put(&options->settings, option_underscores(key), equals + 1);
    free(key);
    return true;
}

static bool set_underscored(struct options *options, const char *key, const char *value, char *error)
{
    if (strcmp(key, "set") == 0)
        return setting_put(options, value, error);
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        if (strcmp(run_options[i].name, key) == 0) {
            char canonical[OPTION_TEXT_BYTES];
            if (!option_check(&run_options[i], value, canonical, sizeof canonical, error))
                return false;
            run_option_store(options, i, canonical);
            options->given[i] = true;
            return true;
        }
    pairs_put(&options->workload_given, key, value); /* options_resolve knows whose it is */
    return true;
}

bool options_set(struct options *options, const char *key, const char *value, char *error)
{
    char *name = option_underscores(support_copy(key));
    bool done = set_underscored(options, name, value, error);
    free(name);
    return done;
}

struct target_key_value *options_settings(const struct options *options)
{
    struct target_key_value *settings = support_alloc((options->settings.count + 1) * sizeof *settings);
    for (size_t i = 0; i < options->settings.count; i++)
        settings[i] = (struct target_key_value){options->settings.items[i].key, options->settings.items[i].value};
    return settings;
}

/* ---- Workload, preset, target. ---- */

static bool workload_value_set(struct options *options, const struct workload_option *option, const char *value,
                               char *error)
{
    char canonical[OPTION_TEXT_BYTES], why[OPTION_ERROR_BYTES], spelled[OPTION_TEXT_BYTES];
    (void)snprintf(spelled, sizeof spelled, "%s", option->name);
    if (!option_check(option, value, canonical, sizeof canonical, why))
        return refuse(error, "--%s: %.900s", option_dashes(spelled), why);
    char **slot = &options->workload_values[option - options->workload->options];
    free(*slot);
    *slot = support_copy(canonical);
    return true;
}

struct preset_setter {
    struct options *options;
    char *error;
    bool failed;
};

static void preset_set(void *arg, const char *key, const char *value)
{
    struct preset_setter *setter = arg;
    const struct workload_option *option = workload_option_find(setter->options->workload, key);
    if (setter->failed)
        return;
    setter->failed = option == NULL ? !refuse(setter->error, "the preset sets an unknown option %s", key)
                                    : !workload_value_set(setter->options, option, value, setter->error);
}

static bool preset_apply(struct options *options, char *error)
{
    const struct workload_ops *workload = options->workload;
    const char *name = options->run.preset;
    if (name[0] == '\0')
        return true;
    struct preset_setter setter = {options, error, false};
    if (workload->preset != NULL && workload->preset(name, preset_set, &setter))
        return !setter.failed;
    struct support_text names = {0};
    for (size_t i = 0; workload->presets != NULL && workload->presets[i] != NULL; i++)
        support_text_add(&names, "%s%s", i == 0 ? "" : ", ", workload->presets[i]);
    if (names.text == NULL)
        return refuse(error, "--preset: workload %s has no presets", workload->name);
    (void)refuse(error, "--preset: workload %s has no preset '%s'; it has %s", workload->name, name, names.text);
    free(names.text);
    return false;
}

static bool workload_option_unknown(const struct options *options, const char *key, char *error)
{
    char spelled[OPTION_TEXT_BYTES];
    (void)snprintf(spelled, sizeof spelled, "%s", key);
    option_dashes(spelled);
    const struct workload_ops *other;
    for (size_t i = 0; (other = workload_at(i)) != NULL; i++)
        if (workload_option_find(other, key) != NULL)
            return refuse(error, "--%s is an option of workload %s, not of %s", spelled, other->name,
                          options->workload->name);
    return refuse(error, "unknown option --%s; `maemio list options` shows all", spelled);
}

static bool workload_resolve(struct options *options, char *error)
{
    const struct workload_ops *workload = options->workload;
    size_t count = 0;
    while (workload->options[count].name != NULL)
        count++;
    workload_values_free(options);
    options->workload_values = support_alloc((count + 1) * sizeof *options->workload_values);
    options->workload_value_count = count;
    for (size_t i = 0; i < count; i++)
        if (!workload_value_set(options, &workload->options[i], workload->options[i].default_value, error))
            return false;
    if (!preset_apply(options, error))
        return false;
    for (size_t i = 0; i < options->workload_given.count; i++) {
        const struct option_pair *pair = &options->workload_given.items[i];
        const struct workload_option *option = workload_option_find(workload, pair->key);
        if (option == NULL)
            return workload_option_unknown(options, pair->key, error);
        if (!workload_value_set(options, option, pair->value, error))
            return false;
    }
    return true;
}

static bool combination_check(struct options *options, char *error)
{
    struct run_options *run = &options->run;
    unsigned workers_max = options->target->guarantees.workers_max;
    if (run->threads > workers_max)
        return refuse(error, "--threads: target %s allows %u worker%s", options->target->name, workers_max,
                      workers_max == 1 ? "" : "s");
    if (run->txns != 0 && run->txns_total != 0)
        return refuse(error, "--txns and --txns-total exclude each other");
    const char *counted = run->txns != 0 ? "txns" : run->txns_total != 0 ? "txns-total" : NULL;
    if (counted != NULL) {
        if (options->given[RUN_OPTION_time])
            return refuse(error, "--time and --%s exclude each other", counted);
        if (options->given[RUN_OPTION_warmup] && run->warmup != 0)
            return refuse(error, "--warmup and --%s exclude each other: a warm-up in time would make the run differ",
                          counted);
        run_option_store(options, RUN_OPTION_warmup, "0");
        run_option_store(options, RUN_OPTION_time, "0");
    }
    if (!is_utf8(run->label) || !is_utf8(run->point))
        return refuse(error, "--%s: is not UTF-8, so CSV and JSON could not hold the same",
                      is_utf8(run->label) ? "point" : "label");
    if (run->history[0] != '\0' && options->target->timestamp == NULL)
        return refuse(error, "--history: target %s has no timestamps, which a history needs", options->target->name);
    bool full = strcmp(run->check, "full") == 0;
    if (full && options->target->timestamp == NULL)
        return refuse(error, "--check full: target %s has no timestamps, which a history needs", options->target->name);
    if (full && !options_guarantees(options).serializable)
        return refuse(error, "--check full: these settings of target %s do not promise what a history is held against",
                      options->target->name);
    if (full && run->history[0] != '\0')
        return refuse(error, "--check full and --history exclude each other: `maemio check' judges that history");
    if (strcmp(run->history, "-") == 0)
        return refuse(error, "--history: a history is binary and does not go to stdout; name a file");
    if (run->history[0] != '\0' && run->reload && run->repetitions > 1)
        return refuse(error, "--history and --reload exclude each other with several repetitions: a file holds the "
                             "history of one database");
    if (run->rate != 0 && counted != NULL)
        return refuse(error, "--rate and --%s exclude each other: arrivals need a window in time", counted);
    bool steady = strcmp(run->warmup_until, "steady") == 0;
    if (steady && counted != NULL)
        return refuse(error, "--warmup-until and --%s exclude each other: a warm-up would make the run differ",
                      counted);
    if (steady && run->warmup_max < run->warmup)
        return refuse(error, "--warmup-max: shorter than --warmup");
    if (run->interval != 0 && (run->time + (steady ? run->warmup_max : run->warmup)) / run->interval >= 1000000)
        return refuse(error, "--interval: a run would have more than a million of them");
    if (run->check_every != 0 && !options->workload->check_live)
        return refuse(error, "--check-every: the check of workload %s needs the workers at rest",
                      options->workload->name);
    if (run->check_every != 0 && run->threads == workers_max)
        return refuse(error, "--check-every: the check is a worker, too; target %s allows %u", options->target->name,
                      workers_max);
    if (run->deadline != 0 && counted == NULL) {
        uint64_t needed = run->warmup + run->time;
        if (__builtin_mul_overflow(needed, run->repetitions, &needed) || needed >= run->deadline)
            return refuse(error, "--deadline: shorter than warm-ups and windows together");
    }
    return true;
}

bool options_resolve_for(struct options *options, const struct workload_ops *workload, const struct target_ops *target,
                         char *error)
{
    options->workload = workload;
    options->target = target;
    return workload_resolve(options, error) && combination_check(options, error);
}

bool options_resolve(struct options *options, char *error)
{
    const struct workload_ops *workload = workload_by_name(options->run.workload);
    const struct target_ops *target = target_by_name(options->run.target);
    struct support_text names = {0};
    if (workload == NULL) {
        for (size_t i = 0; workload_at(i) != NULL; i++)
            support_text_add(&names, "%s%s", i == 0 ? "" : ", ", workload_at(i)->name);
        (void)refuse(error, "--workload: there is no '%s'; there are %s", options->run.workload, names.text);
    } else if (target == NULL) {
        for (size_t i = 0; target_at(i) != NULL; i++)
            support_text_add(&names, "%s%s", i == 0 ? "" : ", ", target_at(i)->name);
        (void)refuse(error, "--target: there is no '%s'; there are %s", options->run.target, names.text);
    }
    free(names.text);
    return workload != NULL && target != NULL && options_resolve_for(options, workload, target, error);
}

void run_option_column_text(const struct options *options, size_t i, char *text, size_t text_bytes)
{
    if (type_is(&run_options[i], "time") && options->texts[i][0] >= '0' && options->texts[i][0] <= '9')
        (void)snprintf(text, text_bytes, "%.9g", strtod(options->texts[i], NULL) / 1e9);
    else
        (void)snprintf(text, text_bytes, "%s", options->texts[i]);
}

struct target_guarantees options_guarantees(const struct options *options)
{
    if (options->target->guarantees_with == NULL)
        return options->target->guarantees;
    struct target_key_value *settings = options_settings(options);
    struct target_guarantees guarantees = options->target->guarantees_with(settings);
    free(settings);
    return guarantees;
}
