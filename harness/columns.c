/* columns.c - builds the list of columns from the tables, see columns.def and columns.h. */
#include "harness/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support.h"
#include "harness/targets/targets.h"

struct field {
    char *text;
};

struct view {
    const struct result *result;
    int type;
    const struct loop_counts *counts;
};

static void put_text(struct field *f, const char *value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%s", value);
}

static void put_u64(struct field *f, uint64_t value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%llu", (unsigned long long)value);
}

static void put_real(struct field *f, double value)
{
    (void)snprintf(f->text, COLUMN_TEXT_BYTES, "%.10g", value);
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

/* ---- One function a column of columns.def: fill_<name>. ---- */

#define COLUMN(name, unit, help, value)                            \
    static void fill_##name(struct field *f, const struct view *v) \
    {                                                              \
        const struct result *r = v->result;                        \
        const struct loop_counts *c = v->counts;                   \
        (void)r, (void)c;                                          \
        value;                                                     \
    }
#define TOTAL(name, unit, help, value)                             \
    static void fill_##name(struct field *f, const struct view *v) \
    {                                                              \
        const struct result *r = v->result;                        \
        const struct loop_counts *c = v->counts;                   \
        (void)r, (void)c;                                          \
        if (v->type == COLUMN_ALL_TYPES)                           \
            value;                                                 \
    }
#define PROVENANCE(name, unit, help)                               \
    static void fill_##name(struct field *f, const struct view *v) \
    {                                                              \
        put_text(f, v->result->provenance.name);                   \
    }
#include "harness/columns.def"
#undef COLUMN
#undef TOTAL
#undef PROVENANCE

/* ---- The list. A column is filled by `fixed`, or by `keyed` with the name it had in its own table. ---- */

struct column {
    struct column_info info;
    void (*fixed)(struct field *f, const struct view *v);
    void (*keyed)(struct field *f, const struct view *v, const struct column *column);
    const char *key;
    size_t idx;
};

static struct {
    struct column *items;
    size_t count;
} list;

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
    list.items[list.count] = (struct column){.info = {name.text, unit, help}, .key = key};
    return &list.items[list.count++];
}

static void fill_run_option(struct field *f, const struct view *v, const struct column *column)
{
    run_option_column_text(v->result->options, column->idx, f->text, COLUMN_TEXT_BYTES);
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

static void fill_workload_option(struct field *f, const struct view *v, const struct column *column)
{
    const struct options *options = v->result->options;
    for (size_t i = 0; i < options->workload_value_count; i++)
        if (strcmp(options->workload->options[i].name, column->key) == 0)
            put_text(f, options->workload_values[i]);
}

static void fill_setting(struct field *f, const struct view *v, const struct column *column)
{
    for (size_t i = 0; i < v->result->settings.count; i++)
        if (strcmp(v->result->settings.items[i].key, column->key) == 0)
            put_text(f, v->result->settings.items[i].value);
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

static const char *option_unit(const struct workload_option *option)
{
    return strcmp(option->type, "time") == 0 ? "s" : option->unit;
}

static void add_run_options(void)
{
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++) {
        const struct workload_option *option = run_option_info(i);
        if (run_option_column(i)[0] == '\0')
            continue;
        struct column *column = add("", run_option_column(i), option_unit(option), option->help);
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
        for (const struct workload_option *option = workload->options; option->name != NULL; option++)
            add("wl_", option->name, option->unit, option->help)->keyed = fill_workload_option;
}

static void add_settings(void)
{
    for (size_t i = 0; i < mae_option_count(); i++) {
        const struct mae_option_info *option = mae_option_info(i);
        add("opt_", option->name, option->unit, option->help)->keyed = fill_setting;
    }
    add("", "other_settings", "", "settings of a target that are not engine options, as key=value")->keyed =
        fill_other_settings;
}

static void build(void)
{
    add_run_options();
#define COLUMN(name, unit, help, value) add("", #name, unit, help)->fixed = fill_##name;
#define TOTAL(name, unit, help, value) add("", #name, unit, help)->fixed = fill_##name;
#define PROVENANCE(name, unit, help)
#include "harness/columns.def"
#undef COLUMN
#undef TOTAL
#undef PROVENANCE
    add_aborts();
    add_counters();
    add_workload_options();
    add_settings();
#define COLUMN(name, unit, help, value)
#define TOTAL(name, unit, help, value)
#define PROVENANCE(name, unit, help) add("", #name, unit, help)->fixed = fill_##name;
#include "harness/columns.def"
#undef COLUMN
#undef TOTAL
#undef PROVENANCE
}

size_t column_count(void)
{
    if (list.count == 0)
        build();
    return list.count;
}

const struct column_info *column_info(size_t i)
{
    return i < column_count() ? &list.items[i].info : NULL;
}

void column_text(size_t i, const struct result *result, int type, char *text)
{
    struct view view = {result, type, type == COLUMN_ALL_TYPES ? &result->all : &result->types[type]};
    struct field field = {text};
    text[0] = '\0';
    if (i >= column_count())
        return;
    const struct column *column = &list.items[i];
    if (column->fixed != NULL)
        column->fixed(&field, &view);
    else
        column->keyed(&field, &view, column);
}
