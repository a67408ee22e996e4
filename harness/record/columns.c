/* columns.c - builds the list of columns from the tables, see columns.def and columns.h. */
#include "harness/record/columns.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/support.h"
#include "harness/targets/targets.h"

struct field {
    char *text;
    bool is_number;
};

struct view {
    const struct result *result;
    int type;
    const struct counts *counts;
    const struct latency_summary *latency; /* NULL: not timed */
};

static void put_text(struct field *f, const char *value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%s", value);
}

static void put_isolation(struct field *f, const struct options *options)
{
    const struct target_guarantees guarantees = options_guarantees(options);
    put_text(f, result_isolation(&guarantees));
}

static void put_u64(struct field *f, uint64_t value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%llu", (unsigned long long)value);
    f->is_number = true;
}

static void put_real(struct field *f, double value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%.10g", value);
    f->is_number = isfinite(value);
}

static void put_known(struct field *f, bool known, uint64_t value)
{
    if (known)
        put_u64(f, value);
}

/* Empty where there is nothing to divide by. */
static void put_ratio(struct field *f, double part, double whole)
{
    if (whole > 0)
        put_real(f, part / whole);
}

static void put_flag(struct field *f, int flag)
{
    put_known(f, flag >= 0, (uint64_t)flag);
}

/* Empty where it is not known. */
static void put_positive(struct field *f, double value)
{
    if (value > 0)
        put_real(f, value);
}

static void put_percentile(struct field *f, const struct latency_digest *digest, uint64_t value)
{
    put_known(f, digest->count > 0, value);
}

static void put_mean(struct field *f, const struct latency_digest *digest)
{
    if (digest->count > 0)
        put_real(f, digest->mean);
}

static void put_numbers(struct field *f, const struct placement *placement, bool nodes)
{
    size_t at = 0;
    for (unsigned i = 0; i < placement->count; i++) {
        int number = nodes ? placement->workers[i].node : placement->workers[i].cpu;
        if (number < 0 || at + 16 > COLUMN_TEXT_BYTES)
            return;
        at += (size_t)snprintf(f->text + at, COLUMN_TEXT_BYTES - at, "%s%d", i == 0 ? "" : " ", number);
    }
}

static void put_cpus(struct field *f, const struct placement *placement)
{
    put_numbers(f, placement, false);
}

static void put_nodes(struct field *f, const struct placement *placement)
{
    put_numbers(f, placement, true);
}

static const char *type_name(const struct view *v)
{
    return v->type == COLUMN_ALL_TYPES ? "all" : v->result->options->workload->txn_types[v->type];
}

static const char *outcome_text(enum result_outcome outcome)
{
    return outcome == OUTCOME_COMPLETE ? "complete" : "interrupted";
}

static const char *check_text(enum result_check check)
{
    return check == CHECK_PASSED ? "passed" : check == CHECK_FAILED ? "failed" : "skipped";
}

static void put_growth(struct field *f, const struct view *v)
{
    const struct result *r = v->result;
    double commits = 0;
    for (unsigned type = 0; type < r->type_count; type++)
        if (v->type == COLUMN_ALL_TYPES || v->type == (int)type)
            commits += (double)r->committed_since_load[type];
    if (r->loaded.has_space && r->has_space)
        put_ratio(f, (double)result_growth_bytes(r), commits);
}

/* ---- One function a column of columns.def: fill_<name>. ---- */

#define COLUMN(name, unit, help, value)                            \
    static void fill_##name(struct field *f, const struct view *v) \
    {                                                              \
        const struct result *r = v->result;                        \
        const struct counts *c = v->counts;                        \
        (void)r, (void)c;                                          \
        value;                                                     \
    }
#define TOTAL(name, unit, help, value)                             \
    static void fill_##name(struct field *f, const struct view *v) \
    {                                                              \
        const struct result *r = v->result;                        \
        const struct counts *c = v->counts;                        \
        (void)r, (void)c;                                          \
        if (v->type == COLUMN_ALL_TYPES)                           \
            value;                                                 \
    }
#define PROVENANCE(name, unit, help)                                        \
    static void fill_##name(struct field *f, const struct view *v)          \
    {                                                                       \
        put_text(f, v->result->provenance.name);                            \
        f->is_number = (unit)[0] != '\0' && option_text_is_number(f->text); \
    }
#include "harness/record/columns.def"
#include "harness/machine/provenance.def"
#undef COLUMN
#undef TOTAL
#undef PROVENANCE

/* ---- The list. A column is filled by `fixed`, or by `keyed` with the name it had in its own table. ---- */

/* What a counter's column shows. */
enum counter_scale { COUNTER_TOTAL, COUNTER_PER_TXN, COUNTER_PER_OPERATION };

struct column {
    struct column_info info;
    void (*fixed)(struct field *f, const struct view *v);
    void (*keyed)(struct field *f, const struct view *v, const struct column *column);
    const char *key;
    size_t idx;
    enum counter_scale scale;
};

static struct {
    struct column *items;
    size_t count;
} list;

/* ---- What is better. ---- */

static const struct {
    const char *pattern;
    enum column_better better;
} directions[] = {
#define DIRECTION(pattern, better) {pattern, COLUMN_##better},
#include "harness/record/directions.def"
#undef DIRECTION
};

enum column_better column_better(const char *name)
{
    for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++)
        if (fnmatch(directions[i].pattern, name, 0) == 0)
            return directions[i].better;
    return COLUMN_UNSAID;
}

const char *column_direction_pattern(size_t i)
{
    return i < sizeof directions / sizeof directions[0] ? directions[i].pattern : NULL;
}

/* ---- The list. ---- */

/* Adds <prefix><key>; a name that is there already stays as it is (workloads may share one). */
static struct column *add(const char *prefix, const char *key, const char *unit, const char *help)
{
    struct support_text name = {0};
    support_text_add(&name, "%s%s", prefix, key);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].info.name, name.text) == 0) {
            free(name.text);
            return &list.items[i];
        }
    list.items = support_realloc(list.items, (list.count + 1) * sizeof *list.items);
    list.items[list.count] =
        (struct column){.info = {name.text, unit, help, false, column_better(name.text)}, .key = key};
    return &list.items[list.count++];
}

static struct column *add_configuration(const char *prefix, const char *key, const char *unit, const char *help)
{
    struct column *column = add(prefix, key, unit, help);
    column->info.is_configuration = true;
    return column;
}

static void fill_run_option(struct field *f, const struct view *v, const struct column *column)
{
    f->is_number =
        option_column_text(run_option_specs, column->idx, &v->result->options->run, f->text, COLUMN_TEXT_BYTES);
}

static void fill_abort(struct field *f, const struct view *v, const struct column *column)
{
    put_u64(f, v->counts->aborted[column->idx]);
}

static void fill_counter(struct field *f, const struct view *v, const struct column *column)
{
    const struct target_ops *target = v->result->options->target;
    const struct mae_counter_info *info;
    if (v->type != COLUMN_ALL_TYPES || v->result->engine == NULL)
        return;
    for (size_t i = 0; (info = target->counter_info(i)) != NULL; i++)
        if (strcmp(info->name, column->key) == 0)
            put_u64(f, v->result->engine[i]);
}

/* ---- Performance counters. ---- */

static void put_if_finite(struct field *f, double value)
{
    if (isfinite(value))
        put_real(f, value);
}

static void fill_event(struct field *f, const struct view *v, const struct column *column)
{
    const struct result *result = v->result;
    int at = result->plan == NULL || v->type != COLUMN_ALL_TYPES ? -1 : pmu_find(result->plan, column->key);
    if (at < 0 || result->counters[at].status != PMU_COUNTED)
        return;
    const struct pmu_value *value = &result->counters[at];
    put_if_finite(f, column->scale == COUNTER_TOTAL     ? value->value
                     : column->scale == COUNTER_PER_TXN ? pmu_per(value, result->all.committed)
                                                        : pmu_per(value, result->all.operations));
}

static void fill_derived(struct field *f, const struct view *v, const struct column *column)
{
    if (v->result->plan != NULL && v->type == COLUMN_ALL_TYPES)
        put_if_finite(f, pmu_derive(v->result->plan, v->result->counters, column->idx));
}

static bool is_table_event(const char *name)
{
    static const char *const names[] = {
#define PMU_HARDWARE(name, group, encoding, floor_percent, meaning) name,
#define PMU_SYSTEM(id, name, always, meaning) name,
#include "harness/machine/events.def"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void put_and_free(struct field *f, struct support_text *text)
{
    if (text->text != NULL)
        put_text(f, text->text);
    free(text->text);
}

static void fill_other_counters(struct field *f, const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    struct support_text text = {0};
    (void)column;
    for (unsigned i = 0; plan != NULL && v->type == COLUMN_ALL_TYPES && i < plan->event_count; i++)
        if (!is_table_event(plan->events[i].name) && v->result->counters[i].status == PMU_COUNTED)
            support_text_add(&text, "%s%s=%.10g", text.text == NULL ? "" : " ", plan->events[i].name,
                             v->result->counters[i].value);
    put_and_free(f, &text);
}

/* "cycles, branches: why; LLC-loads: another reason": a reason stands once. */
static void fill_missing_counters(struct field *f, const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    const struct pmu_value *values = v->result->counters;
    struct support_text text = {0};
    bool told[PMU_EVENTS_MAX] = {false};
    (void)column;
    for (unsigned i = 0; plan != NULL && v->type == COLUMN_ALL_TYPES && i < plan->event_count; i++) {
        if (values[i].status == PMU_COUNTED || told[i])
            continue;
        const char *reason = pmu_value_reason(plan, i, &values[i]);
        support_text_add(&text, "%s%s", text.text == NULL ? "" : "; ", plan->events[i].name);
        for (unsigned j = i + 1; j < plan->event_count; j++)
            if (values[j].status != PMU_COUNTED && strcmp(pmu_value_reason(plan, j, &values[j]), reason) == 0) {
                support_text_add(&text, ", %s", plan->events[j].name);
                told[j] = true;
            }
        support_text_add(&text, ": %s", reason);
    }
    put_and_free(f, &text);
}

static void fill_counters_share(struct field *f, const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    double least = NAN;
    (void)column;
    for (unsigned i = 0; plan != NULL && v->type == COLUMN_ALL_TYPES && i < plan->event_count; i++)
        if (plan->events[i].hardware && v->result->counters[i].status == PMU_COUNTED)
            least = fmin(least, v->result->counters[i].share); /* fmin ignores NAN */
    put_if_finite(f, least);
}

static void add_event(const char *event, const char *meaning)
{
    static const struct {
        const char *suffix, *help;
    } scales[] = {{"", ""}, {"_per_txn", " per committed transaction: "}, {"_per_op", " per operation: "}};
    char name[PMU_NAME_BYTES];
    result_counter_name(event, name, sizeof name);
    for (int scale = COUNTER_TOTAL; scale <= COUNTER_PER_OPERATION; scale++) {
        struct support_text key = {0}, help = {0};
        support_text_add(&key, "%s%s", name, scales[scale].suffix);
        support_text_add(&help, "%s%s%s", scale == 0 ? "" : event, scales[scale].help, meaning);
        struct column *column = add("pmu_", key.text, "", help.text); /* the help stays for good, as the list does */
        column->keyed = fill_event;
        column->key = event;
        column->scale = (enum counter_scale)scale;
        free(key.text);
    }
}

static void add_events(void)
{
    size_t i = 0;
#define PMU_HARDWARE(name, group, encoding, floor_percent, meaning) add_event(name, meaning);
#define PMU_SYSTEM(id, name, always, meaning) add_event(name, meaning);
#include "harness/machine/events.def"
#define PMU_DERIVED(name, numerator, denominator, meaning)       \
    {                                                            \
        struct column *column = add("pmu_", name, "1", meaning); \
        column->keyed = fill_derived;                            \
        column->idx = i++;                                       \
    }
#include "harness/machine/events.def"
    add("", "pmu_other", "", "counters named in --counters that have no column, as name=value")->keyed =
        fill_other_counters;
    add("", "pmu_share", "1", "the least share of the window in which a hardware event was counted; else scaled")
        ->keyed = fill_counters_share;
    add("", "pmu_missing", "", "counters that were asked for and cannot be had, and why")->keyed =
        fill_missing_counters;
}

/* ---- Options and settings. ---- */

static void fill_workload_option(struct field *f, const struct view *v, const struct column *column)
{
    const struct options *options = v->result->options;
    const struct option_spec *specs = options->workload->options;
    size_t i = option_find(specs, column->key);
    if (specs[i].name != NULL)
        f->is_number = option_column_text(specs, i, options->workload_values, f->text, COLUMN_TEXT_BYTES);
}

static void fill_setting(struct field *f, const struct view *v, const struct column *column)
{
    for (size_t i = 0; i < v->result->settings.count; i++)
        if (strcmp(v->result->settings.items[i].key, column->key) == 0) {
            put_text(f, v->result->settings.items[i].value);
            f->is_number = option_text_is_number(f->text);
        }
}

static bool is_engine_option(const char *key)
{
    for (size_t i = 0; i < mae_option_count(); i++)
        if (strcmp(mae_option_info(i)->name, key) == 0)
            return true;
    return false;
}

static void fill_other_settings(struct field *f, const struct view *v, const struct column *column)
{
    (void)column;
    struct support_text text = {0};
    for (size_t i = 0; i < v->result->settings.count; i++)
        if (!is_engine_option(v->result->settings.items[i].key))
            support_text_add(&text, "%s%s=%s", text.text == NULL ? "" : " ", v->result->settings.items[i].key,
                             v->result->settings.items[i].value);
    if (text.text != NULL)
        put_text(f, text.text);
    free(text.text);
}

static const char *option_unit(const struct option_spec *option)
{
    return option->type == OPTION_time ? "s" : option->unit;
}

static void add_run_options(void)
{
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++) {
        const struct option_spec *option = &run_option_specs[i];
        if (run_option_column(i)[0] == '\0')
            continue;
        struct column *column = add("", run_option_column(i), option_unit(option), option->help);
        column->info.is_configuration = run_option_is_configuration(i);
        column->keyed = fill_run_option;
        column->idx = i;
    }
}

static void add_aborts(void)
{
    for (int status = 0; status < MAE_STATUS_COUNT; status++) {
        if (!mae_status_is_retryable((enum mae_status)status))
            continue;
        char name[64];
        result_abort_name((enum mae_status)status, name, sizeof name);
        struct column *column = add("aborts_", name, "", mae_status_text((enum mae_status)status));
        column->key = NULL; /* `name` is gone */
        column->keyed = fill_abort;
        column->idx = (size_t)status;
    }
}

static void add_counters(void)
{
    const struct target_ops *target;
    const struct mae_counter_info *info;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        for (size_t j = 0; target->counter_info != NULL && (info = target->counter_info(j)) != NULL; j++)
            add("eng_", info->name, info->unit, info->help)->keyed = fill_counter;
}

static void add_workload_options(void)
{
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++)
        for (const struct option_spec *option = workload->options; option->name != NULL; option++)
            add_configuration("wl_", option->name, option->unit, option->help)->keyed = fill_workload_option;
}

static void add_settings(void)
{
    for (size_t i = 0; i < mae_option_count(); i++) {
        const struct mae_option_info *option = mae_option_info(i);
        struct column *column = add_configuration("opt_", option->name, option->unit, option->help);
        column->keyed = fill_setting;
        column->idx = i;
    }
    add_configuration("", "other_settings", "", "settings of a target that are not engine options, as key=value")
        ->keyed = fill_other_settings;
}

static void build(void)
{
    add_run_options();
#define COLUMN(name, unit, help, value) add("", #name, unit, help)->fixed = fill_##name;
#define TOTAL(name, unit, help, value) add("", #name, unit, help)->fixed = fill_##name;
#include "harness/record/columns.def"
#undef COLUMN
#undef TOTAL
    add_aborts();
    add_counters();
    add_workload_options();
    add_settings();
    add_events();
#define PROVENANCE(name, unit, help) add("", #name, unit, help)->fixed = fill_##name;
#include "harness/machine/provenance.def"
#undef PROVENANCE
}

size_t column_count(void)
{
    if (list.count == 0) {
        build();
        for (size_t i = 0; i < list.count; i++) /* a row of another type is no repetition, nor is a recorded one */
            list.items[i].info.is_configuration |=
                strcmp(list.items[i].info.name, "txn_type") == 0 || strcmp(list.items[i].info.name, "recorded") == 0;
    }
    return list.count;
}

const struct column_info *column_info(size_t i)
{
    return i < column_count() ? &list.items[i].info : NULL;
}

bool column_is_configuration(const char *name)
{
    static const char *const families[] = {"aborts_", "eng_", "pmu_", "latency_", "response_", "mem_"};
    for (size_t i = 0; i < column_count(); i++)
        if (strcmp(list.items[i].info.name, name) == 0)
            return list.items[i].info.is_configuration;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return false;
    return true;
}

bool column_text(size_t i, const struct result *result, int type, char *text)
{
    bool all = type == COLUMN_ALL_TYPES;
    struct view view = {result, type, all ? &result->all : &result->types[type],
                        result->latencies == NULL ? NULL
                                                  : &result->latencies[all ? result->type_count : (unsigned)type]};
    struct field field = {.text = text};
    text[0] = '\0';
    if (i >= column_count())
        return false;
    const struct column *column = &list.items[i];
    if (column->fixed != NULL)
        column->fixed(&field, &view);
    else
        column->keyed(&field, &view, column);
    return field.is_number;
}
