/* options.c - reading and resolving options, see options.h. */
#include "harness/options/options.h"

#include <assert.h>
#include <jansson.h>

#include "harness/common/nearest.h"
#include "harness/machine/simulated_machine.h"
#include "harness/targets/targets.h"
#include "sim/simulated.h"

const struct option_spec run_option_specs[] = {
#define OPTION(type, name, default_value, range, unit, column, argument, help) \
    {#name, OPTION_##type, default_value, range, unit, help, ""},
#include "harness/options/options.def"
    OPTION_END};
static_assert(sizeof(struct run_options) == RUN_OPTION_COUNT * (size_t)OPTION_SLOT_BYTES, "a field an option");

const struct run_option_text run_option_texts[] = {
#define OPTION(type, name, default_value, range, unit, column, argument, help) {column, argument},
#include "harness/options/options.def"
};

bool run_option_is_configuration(size_t i)
{
    switch ((enum run_option)i) {
    case RUN_OPTION_repetitions:
    case RUN_OPTION_deadline:
    case RUN_OPTION_label:
    case RUN_OPTION_point:
    case RUN_OPTION_node:
    case RUN_OPTION_first_repetition:
        return false;
    default:
        return run_option_texts[i].column[0] != '\0';
    }
}

static char *respelled(char *name, char from, char to)
{
    for (char *at = name; (at = strchr(at, from)) != NULL;)
        *at = to;
    return name;
}

char *option_dashes(char *name)
{
    return respelled(name, '_', '-');
}

char *option_underscores(char *name)
{
    return respelled(name, '-', '_');
}

#define REFUSE(error, ...) support_error(error, OPTION_ERROR_BYTES, __VA_ARGS__)

/* ---- One value. ---- */

/* What people also write for on and off. */
static const char *switch_word(const char *text)
{
    static const char *const words[][2] = {{"true", "on"},   {"yes", "on"}, {"1", "on"},
                                           {"false", "off"}, {"no", "off"}, {"0", "off"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i][0]) == 0)
            return words[i][1];
    return text;
}

/* A time without a unit is in seconds: "5" is 5s. `room` holds what is made of it. */
static const char *time_with_unit(const char *text, char room[OPTION_TEXT_BYTES + 1])
{
    size_t digits = strspn(text, "0123456789.");
    bool is_number = digits > 0 && text[digits] == '\0' && text[digits - 1] != '.';
    if (!is_number || strcmp(text, "0") == 0)
        return text;
    (void)snprintf(room, OPTION_TEXT_BYTES + 1, "%ss", text);
    return room;
}

/* option_set for values that must fit into a line of CSV. */
static bool value_set(const struct option_spec *specs, size_t i, const char *value, void *values, char *error)
{
    if (strpbrk(value, "\r\n") != NULL)
        return REFUSE(error, "a value cannot contain a line break");
    if (strlen(value) >= OPTION_TEXT_BYTES)
        return REFUSE(error, "a value cannot be longer than %d bytes", OPTION_TEXT_BYTES - 1);
    char room[OPTION_TEXT_BYTES + 1];
    if (specs[i].type == OPTION_time)
        value = time_with_unit(value, room);
    return option_set(specs, i, specs[i].type == OPTION_bool ? switch_word(value) : value, values, error,
                      OPTION_ERROR_BYTES);
}

bool option_check(const struct option_spec *spec, const char *value, char *error)
{
    const struct option_spec specs[] = {*spec, OPTION_END};
    _Alignas(OPTION_SLOT_BYTES) char slot[OPTION_SLOT_BYTES] = {0};
    bool fine = value_set(specs, 0, value, slot, error);
    option_values_clear(specs, slot);
    return fine;
}

bool option_column_text(const struct option_spec *specs, size_t i, const void *values, char *text, size_t text_bytes)
{
    bool is_number = option_is_number(specs, i, values);
    if (is_number && specs[i].type == OPTION_time)
        (void)snprintf(text, text_bytes, "%.9g", (double)option_u64_at(values, i) / 1e9);
    else
        option_text(specs, i, values, text, text_bytes);
    return is_number;
}

bool option_text_is_number(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    bool is_number = json_is_number(value) && strpbrk(text, " \t\r\n") == NULL;
    json_decref(value);
    return is_number;
}

/* What JSON can hold as it stands. */
static bool is_utf8(const char *text)
{
    json_t *value = json_string(text);
    bool fine = value != NULL;
    json_decref(value);
    return fine;
}

/* ---- All options of a run. ---- */

static void defaults_set(const struct option_spec *specs, void *values)
{
    char why[OPTION_ERROR_BYTES];
    if (option_values_init(specs, values, why, sizeof why))
        return;
    (void)fprintf(stderr, "maemio: a default: %s\n", why);
    abort();
}

void *option_defaults(const struct option_spec *specs)
{
    void *values = support_alloc((option_count(specs) + 1) * OPTION_SLOT_BYTES);
    defaults_set(specs, values);
    return values;
}

void option_values_destroy(const struct option_spec *specs, void *values)
{
    if (values != NULL)
        option_values_clear(specs, values);
    free(values);
}

struct options *options_create(void)
{
    struct options *options = support_alloc(sizeof *options);
    defaults_set(run_option_specs, &options->run);
    return options;
}

static void pair_free(struct option_pair *pair)
{
    free(pair->key);
    free(pair->value);
    free(pair->where);
}

void option_pairs_add(struct option_pairs *pairs, const char *key, const char *value)
{
    pairs->items = support_more(pairs->items, pairs->count, sizeof *pairs->items);
    pairs->items[pairs->count++] = (struct option_pair){support_copy(key), support_copy(value), NULL};
}

void option_pairs_put(struct option_pairs *pairs, const char *key, const char *value, char *where)
{
    size_t i = 0;
    while (i < pairs->count && strcmp(pairs->items[i].key, key) != 0)
        i++;
    if (i == pairs->count) {
        option_pairs_add(pairs, key, value);
        pairs->items[i].where = where;
        return;
    }
    pair_free(&pairs->items[i]);
    pairs->items[i] = (struct option_pair){support_copy(key), support_copy(value), where};
}

void option_pairs_free(struct option_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        pair_free(&pairs->items[i]);
    free(pairs->items);
    *pairs = (struct option_pairs){0};
}

const char *option_pairs_value(const struct option_pairs *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].key, key) == 0)
            return pairs->items[i].value;
    return NULL;
}

static void resolved_free(struct options *options)
{
    if (options->workload != NULL)
        option_values_destroy(options->workload->options, options->workload_values);
    if (options->target_values != NULL)
        option_values_destroy(options->target->options, options->target_values);
    if (options->beside != NULL)
        option_values_destroy(options->beside->options, options->beside_values);
    options->workload_values = options->target_values = options->beside_values = NULL;
    options->beside = NULL;
}

void options_destroy(struct options *options)
{
    if (options == NULL)
        return;
    option_values_clear(run_option_specs, &options->run);
    option_pairs_free(&options->workload_given);
    option_pairs_free(&options->settings);
    resolved_free(options);
    free(options);
}

bool option_pairs_add_text(struct option_pairs *pairs, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return false;
    SUPPORT_FREED char *key = support_format("%.*s", (int)(equals - text), text);
    option_pairs_put(pairs, option_underscores(key), equals + 1, NULL);
    return true;
}

bool options_set(struct options *options, const char *key, const char *value, char *error)
{
    SUPPORT_FREED char *name = option_underscores(support_copy(key));
    if (strcmp(name, "set") == 0)
        return option_pairs_add_text(&options->settings, value) || REFUSE(error, "'%s' is not key=value", value);
    size_t i = option_find(run_option_specs, name);
    if (i < RUN_OPTION_COUNT) {
        options->given[i] = true;
        return value_set(run_option_specs, i, value, &options->run, error);
    }
    option_pairs_put(&options->workload_given, name, value, NULL); /* options_resolve knows whose it is */
    return true;
}

/* ---- Workload, preset, target. ---- */

/* False if the workload has no such option, or not with this value; *known tells which. */
static bool workload_value_set(struct options *options, const char *key, const char *value, bool *known, char *error)
{
    const struct option_spec *specs = options->workload->options;
    char why[OPTION_ERROR_BYTES];
    SUPPORT_FREED char *spelled = option_dashes(support_copy(key));
    size_t i = option_find(specs, key);
    *known = specs[i].name != NULL;
    if (!*known || value_set(specs, i, value, options->workload_values, why))
        return *known;
    return REFUSE(error, "--%s: %.900s", spelled, why);
}

struct preset_setter {
    struct options *options;
    char *error;
    bool failed;
};

static void preset_set(void *arg, const char *key, const char *value)
{
    struct preset_setter *setter = arg;
    bool known;
    if (setter->failed || workload_value_set(setter->options, key, value, &known, setter->error))
        return;
    setter->failed = true;
    if (!known)
        (void)REFUSE(setter->error, "the preset sets an unknown option %s", key);
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
    SUPPORT_FREED struct support_text names = {0};
    for (size_t i = 0; workload->presets != NULL && workload->presets[i] != NULL; i++)
        support_text_add(&names, "%s%s", i == 0 ? "" : ", ", workload->presets[i]);
    if (names.text == NULL)
        return REFUSE(error, "--preset: workload %s has no presets", workload->name);
    return REFUSE(error, "--preset: workload %s has no preset '%s'; it has %s", workload->name, name, names.text);
}

static void options_offer(const struct option_spec *specs, struct nearest *nearest)
{
    for (; specs->name != NULL; specs++)
        nearest_offer(nearest, specs->name);
}

static bool workload_option_unknown(const struct options *options, const char *key, char *error)
{
    SUPPORT_FREED char *spelled = option_dashes(support_copy(key)), *meant = NULL;
    const struct workload_ops *other;
    struct nearest nearest = {.wanted = key};
    for (size_t i = 0; (other = workload_at(i)) != NULL; i++)
        if (other->options[option_find(other->options, key)].name != NULL)
            return REFUSE(error, "--%s is an option of workload %s, not of %s", spelled, other->name,
                          options->workload->name);
    options_offer(run_option_specs, &nearest);
    options_offer(options->workload->options, &nearest);
    if (nearest_name(&nearest) == NULL)
        return REFUSE(error, "unknown option --%s; `maemio list options` shows all", spelled);
    meant = option_dashes(support_copy(nearest_name(&nearest)));
    return REFUSE(error, "unknown option --%s; did you mean --%s?", spelled, meant);
}

static bool workload_resolve(struct options *options, char *error)
{
    options->workload_values = option_defaults(options->workload->options);
    if (!preset_apply(options, error))
        return false;
    for (size_t i = 0; i < options->workload_given.count; i++) {
        const struct option_pair *pair = &options->workload_given.items[i];
        bool known;
        if (!workload_value_set(options, pair->key, pair->value, &known, error))
            return known ? false : workload_option_unknown(options, pair->key, error);
    }
    return true;
}

/* `key` as it was given, `name` without the target's. */
static bool setting_unknown(const struct target_ops *target, const char *key, const char *name, char *error)
{
    struct nearest nearest = {.wanted = name};
    SUPPORT_FREED struct support_text names = {0};
    support_text_add(&names, "; it takes:");
    if (target->options == NULL)
        return REFUSE(error, "--set %s: target %s takes no settings", key, target->name);
    options_offer(target->options, &nearest);
    for (const struct option_spec *spec = target->options; spec->name != NULL; spec++)
        support_text_add(&names, " %s", spec->name);
    return REFUSE(error, "--set %s: target %s has no such setting%s", key, target->name,
                  nearest_hint(&nearest, names.text));
}

/* The part of a key before its dot, TARGET.SETTING, names the target that it is for. *known: whether there is such a
 * one. True if it is the run's target; a key without a dot is for any. */
static bool setting_is_for(const struct options *options, const char *key, bool *known)
{
    size_t bytes = strcspn(key, ".");
    SUPPORT_FREED char *name = support_format("%.*s", (int)bytes, key);
    *known = key[bytes] == '\0' || target_by_name(name) != NULL;
    return key[bytes] == '\0' || strcmp(name, options->target->name) == 0;
}

/* A part before the dot that names no target. */
static bool setting_target_unknown(const char *key, char *error)
{
    SUPPORT_FREED char *name = support_format("%.*s", (int)strcspn(key, "."), key);
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; target_at(i) != NULL; i++)
        nearest_offer(&nearest, target_at(i)->name);
    return REFUSE(error, "--set %s: there is no target '%s'%s", key, name,
                  nearest_hint(&nearest, "; `maemio list targets` shows all"));
}

static bool setting_apply(struct options *options, const struct option_pair *pair, char *error)
{
    const struct option_spec *specs = options->target->options;
    const char *dot = strchr(pair->key, '.'), *name = dot == NULL ? pair->key : dot + 1;
    char why[OPTION_ERROR_BYTES];
    size_t at = specs == NULL ? 0 : option_find(specs, name);
    if (specs == NULL || specs[at].name == NULL)
        return setting_unknown(options->target, pair->key, name, error);
    return value_set(specs, at, pair->value, options->target_values, why) ||
           REFUSE(error, "--set %s: %.900s", pair->key, why);
}

/* First what is for any target, then what is for this one: the narrower of two wins. */
static bool target_resolve(struct options *options, char *error)
{
    bool known;
    if (options->target->options != NULL)
        options->target_values = option_defaults(options->target->options);
    for (int narrow = 0; narrow <= 1; narrow++)
        for (size_t i = 0; i < options->settings.count; i++) {
            const struct option_pair *pair = &options->settings.items[i];
            bool applies = setting_is_for(options, pair->key, &known);
            if (!known)
                return setting_target_unknown(pair->key, error);
            if (applies && (strchr(pair->key, '.') != NULL) == narrow && !setting_apply(options, pair, error))
                return false;
        }
    return true;
}

static const char *workload_name_at(size_t i)
{
    return workload_at(i) == NULL ? NULL : workload_at(i)->name;
}

static const char *target_name_at(size_t i)
{
    return target_at(i) == NULL ? NULL : target_at(i)->name;
}

/* Refuses a name that is none of name_at's: says which one may be meant, or else all there are. */
static bool unknown_refused(const char *option, const char *wanted, const char *name_at(size_t), char *error)
{
    SUPPORT_FREED struct support_text names = {0};
    struct nearest nearest = {.wanted = wanted};
    for (size_t i = 0; name_at(i) != NULL; i++) {
        support_text_add(&names, "%s%s", i == 0 ? "; there are " : ", ", name_at(i));
        nearest_offer(&nearest, name_at(i));
    }
    return REFUSE(error, "--%s: there is no '%s'%s", option, wanted, nearest_hint(&nearest, names.text));
}

/* One KEY=VALUE of --beside. */
static bool beside_set(struct options *options, const char *text, char *error)
{
    const char *equals = strchr(text, '=');
    char why[OPTION_ERROR_BYTES];
    if (equals == NULL)
        return REFUSE(error, "--beside: '%s' is not key=value", text);
    SUPPORT_FREED char *key = option_underscores(support_format("%.*s", (int)(equals - text), text));
    const struct option_spec *specs = options->beside->options;
    struct nearest nearest = {.wanted = key};
    size_t i = option_find(specs, key);
    if (specs[i].name != NULL)
        return value_set(specs, i, equals + 1, options->beside_values, why) ||
               REFUSE(error, "--beside: %s: %.900s", key, why);
    options_offer(specs, &nearest);
    return REFUSE(error, "--beside: workload %s has no option %s%s", options->beside->name, key,
                  nearest_hint(&nearest, "; `maemio list options` shows all"));
}

/* The second workload and its options. */
static bool beside_resolve(struct options *options, char *error)
{
    const char *text = options->run.beside;
    size_t name_bytes = strcspn(text, ":");
    SUPPORT_FREED char *name = support_format("%.*s", (int)name_bytes, text), *rest = support_copy(text + name_bytes);
    char *state = NULL;
    if (text[0] == '\0')
        return options->run.beside_threads != 1 /* a frozen job says the default, too */
                   ? REFUSE(error, "--beside-threads: say with --beside what they are to run")
                   : true;
    const struct workload_ops *beside = workload_by_name(name);
    if (beside == NULL)
        return unknown_refused("beside", name, workload_name_at, error);
    if (strcmp(name, options->workload->name) == 0)
        return REFUSE(error, "--beside: it is --workload already; the two take different tables, by their names");
    if (options->run.check_every != 0 && !beside->check_live)
        return REFUSE(error, "--check-every: the check of workload %s needs the workers at rest", name);
    options->beside = beside;
    options->beside_values = option_defaults(beside->options);
    for (const char *pair = strtok_r(rest, ":,", &state); pair != NULL; pair = strtok_r(NULL, ",", &state))
        if (!beside_set(options, pair, error))
            return false;
    bool thinks = beside->terminals != NULL && beside->terminals->on(options->beside_values);
    return !(thinks || options_think(options)) ||
           REFUSE(error, "--beside: users who key in and think go with one workload only");
}

/* The option whose word decides whether the i-th one means anything, and that word. The help begins with them:
 * "distribution=hotspot: ...". False: it always does. */
static bool condition_read(const struct option_spec *specs, size_t i, size_t *on, char **word)
{
    const char *help = specs[i].help;
    size_t name_bytes = strcspn(help, "=: "), word_bytes = strcspn(help + name_bytes, ": ");
    if (help[name_bytes] != '=' || help[name_bytes + word_bytes] != ':')
        return false;
    SUPPORT_FREED char *name = support_format("%.*s", (int)name_bytes, help);
    *on = option_find(specs, name);
    if (specs[*on].name == NULL)
        return false;
    *word = support_format("%.*s", (int)word_bytes - 1, help + name_bytes + 1);
    return true;
}

/* Refuses a value that says what another option does not ask for. Defaults stand in frozen jobs. */
static bool conditions_hold(const struct option_spec *specs, const void *values, const char *workload, char *error)
{
    void *defaults = option_defaults(specs);
    bool hold = true;
    for (size_t i = 0; specs[i].name != NULL && hold; i++) {
        char text[OPTION_TEXT_BYTES], other[OPTION_TEXT_BYTES];
        SUPPORT_FREED char *word = NULL;
        size_t on;
        option_text(specs, i, values, text, sizeof text);
        option_text(specs, i, defaults, other, sizeof other);
        if (strcmp(text, other) == 0 || !condition_read(specs, i, &on, &word))
            continue;
        option_text(specs, on, values, other, sizeof other);
        if (strcmp(word, other) != 0)
            hold = REFUSE(error, "%s: workload %s wants %s=%s with it, not %s", specs[i].name, workload, specs[on].name,
                          word, other);
    }
    option_values_destroy(specs, defaults);
    return hold;
}

static bool all_mean_something(const struct options *options, char *error)
{
    const struct workload_ops *workload = options->workload, *beside = options->beside;
    return conditions_hold(workload->options, options->workload_values, workload->name, error) &&
           (beside == NULL || conditions_hold(beside->options, options->beside_values, beside->name, error));
}

/* Which build simulates, and what it can. */
static bool machine_check(struct options *options, char *error)
{
    struct run_options *run = &options->run;
    if (!SIMULATED) {
        const char *given = run->machine[0] != '\0'           ? "machine"
                            : run->cores != 0                 ? "cores"
                            : run->profile != RUN_PROFILE_OFF ? "profile"
                                                              : NULL;
        return given == NULL || REFUSE(error, "--%s: " SIMULATED_NOT, given);
    }
    if (run->machine[0] == '\0')
        return REFUSE(error, SIMULATED_WHAT);
    if (options->given[RUN_OPTION_counters] && strcmp(run->counters, "off") != 0)
        return REFUSE(error, "--counters: a simulated machine has none: want off");
    (void)value_set(run_option_specs, RUN_OPTION_counters, "off", run, error);
    /* A virtual second takes minutes. */
    if (!options->given[RUN_OPTION_warmup])
        run->warmup = SIMULATED_WARMUP_NS;
    if (!options->given[RUN_OPTION_time])
        run->time = SIMULATED_WINDOW_NS;
    return true;
}

/* The plan decides the window's length, and what --rate would say is its mean. */
static bool rate_plan_resolve(struct options *options, char *error)
{
    struct run_options *run = &options->run;
    char why[RATE_PLAN_ERROR_BYTES];
    options->rate_plan.count = 0;
    if (run->rate_plan[0] == '\0')
        return true;
    if (run->txns != 0 || run->txns_total != 0)
        return REFUSE(error, "--rate-plan and --txns exclude each other: the plan ends the window");
    if (!rate_plan_read(&options->rate_plan, run->rate_plan, why))
        return REFUSE(error, "--rate-plan: %s", why);
    double length_s = rate_plan_length_s(&options->rate_plan);
    uint64_t time = (uint64_t)(length_s * 1e9), rate = (uint64_t)(rate_plan_requests(&options->rate_plan) / length_s);
    rate += rate == 0;
    bool rate_differs = options->given[RUN_OPTION_rate] && run->rate != rate;
    if (rate_differs || (options->given[RUN_OPTION_time] && run->time != time)) /* a frozen job says what they are */
        return REFUSE(error, "--rate-plan and --%s exclude each other: the plan says both",
                      rate_differs ? "rate" : "time");
    run->time = time;
    run->rate = rate;
    return true;
}

static bool latency_check(const struct run_options *run, char *error)
{
    if (run->latency_aborted && run->latency == RUN_LATENCY_OFF)
        return REFUSE(error, "--latency-aborted: nothing is timed with --latency off");
    if (run->latency_operations && run->latency == RUN_LATENCY_OFF)
        return REFUSE(error, "--latency-operations: nothing is timed with --latency off");
    if (run->latency_operations && SIMULATED)
        return REFUSE(error, "--latency-operations: a simulated machine would simulate the readings of the clock, too");
    if (run->latency_operations && run->history[0] != '\0')
        return REFUSE(error,
                      "--latency-operations and --history exclude each other: recording takes longer than calls");
    if (run->hdr_log[0] != '\0' && run->latency == RUN_LATENCY_OFF)
        return REFUSE(error, "--hdr-log: nothing is timed with --latency off");
    return true;
}

/* Whether the promises have what a word of --require stands for; false in *known: it is none. */
static bool promise_holds(const struct target_promises *promises, const char *word, bool *known)
{
    const struct {
        const char *word;
        bool holds;
    } requirements[] = {
        {"serializable", promises->isolation == TARGET_ISOLATION_SERIALIZABLE && promises->phantom_safe},
        {"snapshot", promises->isolation >= TARGET_ISOLATION_SNAPSHOT && promises->phantom_safe},
        {"durable", promises->durability >= TARGET_DURABILITY_GROUP},
    };
    for (size_t i = 0; i < sizeof requirements / sizeof requirements[0]; i++)
        if (strcmp(word, requirements[i].word) == 0) {
            *known = true;
            return requirements[i].holds;
        }
    *known = false;
    return false;
}

static bool require_check(const struct options *options, char *error)
{
    const struct target_promises promises = options_promises(options);
    SUPPORT_FREED char *list = support_copy(options->run.require);
    char *rest = list;
    for (const char *word; (word = strsep(&rest, ",")) != NULL && options->run.require[0] != '\0';) {
        bool known, holds = promise_holds(&promises, word, &known);
        if (!known)
            return REFUSE(error, "--require: '%s' is no promise; want a list of serializable, snapshot, durable", word);
        if (!holds)
            return REFUSE(error, "--require %s: target %s promises, under these settings: %s%s; durability %s", word,
                          options->target->name, target_isolation_text(promises.isolation),
                          promises.phantom_safe ? "" : ", not safe from phantoms",
                          target_durability_text(promises.durability));
    }
    return true;
}

/* The loops of a thread change stacks (sim/coroutine.h). */
#if defined(__x86_64__)
#define INTERLEAVES !SIMULATED
#define INTERLEAVES_NOT "a simulated core runs one worker"
#else
#define INTERLEAVES false
#define INTERLEAVES_NOT "it is made for x86-64 only"
#endif

/* What goes with several transactions on a thread. */
static bool interleave_check(const struct options *options, char *error)
{
    const struct run_options *run = &options->run;
    unsigned workers_max = options->target->promises.workers_max;
    if (run->interleave == 1)
        return true;
    if (!INTERLEAVES)
        return REFUSE(error, "--interleave: " INTERLEAVES_NOT);
    if (options->target->on_miss == NULL)
        return REFUSE(error, "--interleave: target %s cannot let a thread go on with another transaction; native can",
                      options->target->name);
    if (options_promises(options).durability == TARGET_DURABILITY_SYNC)
        return REFUSE(error, "--interleave: with durability=sync a commit waits for the other transactions of its "
                             "thread; want group, async or off");
    if (run->rate != 0 || options_think(options))
        return REFUSE(error, "--interleave: the next request is taken when one has ended; with %s a thread would wait",
                      run->rate != 0 ? "--rate" : "users who think");
    if (options->beside != NULL)
        return REFUSE(error, "--interleave and --beside exclude each other: --beside counts workers by threads");
    if (run->threads > workers_max / run->interleave)
        return REFUSE(error,
                      "--interleave: %" PRIu64 " threads with %" PRIu64 " transactions each are too many; "
                      "target %s allows %u workers",
                      run->threads, run->interleave, options->target->name, workers_max);
    return true;
}

static bool combination_check(struct options *options, char *error)
{
    struct run_options *run = &options->run;
    unsigned workers_max = options->target->promises.workers_max;
    if (run->threads > workers_max)
        return REFUSE(error, "--threads: %" PRIu64 " is too many; target %s allows %u worker%s", run->threads,
                      options->target->name, workers_max, workers_max == 1 ? "" : "s");
    if (run->txns != 0 && run->txns_total != 0)
        return REFUSE(error, "--txns and --txns-total exclude each other");
    const char *counted = run->txns != 0 ? "txns" : run->txns_total != 0 ? "txns-total" : NULL;
    if (counted != NULL) {
        if (options->given[RUN_OPTION_time])
            return REFUSE(error, "--time and --%s exclude each other", counted);
        if (options->given[RUN_OPTION_warmup] && run->warmup != 0)
            return REFUSE(error, "--warmup and --%s exclude each other: a warm-up in time would make the run differ",
                          counted);
        run->warmup = run->time = 0;
    }
    const char *other = !is_utf8(run->label) ? "label" : !is_utf8(run->point) ? "point" : "node";
    if (!is_utf8(run->label) || !is_utf8(run->point) || !is_utf8(run->node))
        return REFUSE(error, "--%s: is not UTF-8, so CSV and JSON could not hold the same", other);
    if (run->check == RUN_CHECK_FULL && run->history[0] != '\0')
        return REFUSE(error, "--check full and --history exclude each other: `maemio check' judges that history");
    if (strcmp(run->history, "-") == 0)
        return REFUSE(error, "--history: a history is binary and does not go to stdout; name a file");
    if (run->history[0] != '\0' && run->reload && run->repetitions > 1)
        return REFUSE(error, "--history and --reload exclude each other with several repetitions: a file holds the "
                             "history of one database");
    if (strcmp(run->metrics_file, "-") == 0)
        return REFUSE(error, "--metrics-file: stdout cannot be rewritten; --status prints lines");
    if (run->arrival != RUN_ARRIVAL_POISSON && run->rate == 0) /* a frozen job says the default, too */
        return REFUSE(error,
                      "--arrival: in a closed loop nothing arrives; say with --rate or --rate-plan how much does");
    if (options_think(options) && (run->rate != 0 || counted != NULL))
        return REFUSE(error, "--%s and users who think exclude each other: %s", run->rate != 0 ? "rate" : counted,
                      run->rate != 0 ? "their number decides how many requests come" : "they need a window in time");
    bool steady = run->warmup_until == RUN_WARMUP_UNTIL_STEADY;
    if (steady && counted != NULL)
        return REFUSE(error, "--warmup-until and --%s exclude each other: a warm-up would make the run differ",
                      counted);
    if (steady && run->warmup_max < run->warmup)
        return REFUSE(error, "--warmup-max: shorter than --warmup");
    if (run->interval != 0 && (run->time + (steady ? run->warmup_max : run->warmup)) / run->interval >= 1000000)
        return REFUSE(error, "--interval: a run would have more than a million of them");
    if (run->check_every != 0 && !options->workload->check_live)
        return REFUSE(error, "--check-every: the check of workload %s needs the workers at rest",
                      options->workload->name);
    if (run->check_every != 0 && run->threads * run->interleave == workers_max)
        return REFUSE(error, "--check-every: the check is a worker, too; target %s allows %u", options->target->name,
                      workers_max);
    if (run->deadline != 0 && counted == NULL) {
        uint64_t needed = run->cooldown + run->warmup + run->time;
        if (__builtin_mul_overflow(needed, run->repetitions, &needed) || needed >= run->deadline)
            return REFUSE(error, "--deadline: shorter than warm-ups and windows together");
    }
    return true;
}

bool options_resolve_for(struct options *options, const struct workload_ops *workload, const struct target_ops *target,
                         char *error)
{
    resolved_free(options); /* of workload and target so far */
    options->workload = workload;
    options->target = target;
    return workload_resolve(options, error) && beside_resolve(options, error) && target_resolve(options, error) &&
           machine_check(options, error) && all_mean_something(options, error) && rate_plan_resolve(options, error) &&
           latency_check(&options->run, error) && require_check(options, error) && combination_check(options, error) &&
           interleave_check(options, error);
}

bool options_resolve(struct options *options, char *error)
{
    const struct workload_ops *workload = workload_by_name(options->run.workload);
    const struct target_ops *target = target_by_name(options->run.target);
    char why[OPTION_ERROR_BYTES / 2];
    if (workload == NULL)
        return unknown_refused("workload", options->run.workload, workload_name_at, error);
    if (target == NULL && target_not_built(options->run.target) != NULL)
        return REFUSE(error, "--target %s: %s", options->run.target, target_not_built(options->run.target));
    if (target == NULL)
        return unknown_refused("target", options->run.target, target_name_at, error);
    const struct target_ops *loaded = external_load(target, why, sizeof why);
    if (loaded == NULL)
        return REFUSE(error, "--target %s: %s", target->name, why);
    return options_resolve_for(options, workload, loaded, error);
}

bool options_think(const struct options *options)
{
    const struct workload_terminals *terminals = options->workload->terminals;
    return terminals != NULL && terminals->on(options->workload_values);
}

bool options_closed(const struct options *options)
{
    return options->run.rate == 0 && !options_think(options);
}

struct target_promises options_promises(const struct options *options)
{
    if (options->target->promises_with == NULL)
        return options->target->promises;
    return options->target->promises_with(options->target_values);
}
