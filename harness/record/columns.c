/* columns.c - builds the list of columns from the tables, see columns.def and columns.h. */
#include "harness/record/columns.h"

#include <math.h>

#include "engine/maemio.h"
#include "harness/targets/targets.h"
#include "sim/simulated.h"

enum { SCHEMA_VERSION = 2 }; /* 2: what is rolled back on purpose is no commit */

/* What a row is about. */
struct view {
    const struct result *result;
    int type;
    const struct counts *counts;
    const struct latency_summary *latency; /* NULL: not timed */
};

/* What a counter's column shows. */
enum counter_scale { COUNTER_TOTAL, COUNTER_PER_TXN, COUNTER_PER_OPERATION };

struct column {
    struct column_info info;
    bool total; /* only in the row over all transaction types */
    struct value (*get)(const struct view *v, const struct column *column);
    const char *key; /* its name in its own table */
    size_t idx;      /* its place there */
};

static struct {
    struct column *items;
    size_t count;
} list;

/* ---- Values. ---- */

static struct value none(void)
{
    return (struct value){.kind = VALUE_NONE};
}

static struct value text(const char *text)
{
    return *text == '\0' ? none() : (struct value){.kind = VALUE_TEXT, .text = text};
}

/* A text that the value owns; NULL is none. */
static struct value owned(char *owned)
{
    return owned == NULL ? none() : (struct value){.kind = VALUE_TEXT, .text = owned, .owned = owned};
}

static struct value u64(uint64_t value)
{
    return (struct value){.kind = VALUE_U64, .u64 = value};
}

/* None where it is not finite. */
static struct value real(double value)
{
    return isfinite(value) ? (struct value){.kind = VALUE_REAL, .real = value} : none();
}

static struct value known(bool is_known, uint64_t value)
{
    return is_known ? u64(value) : none();
}

/* None where there is nothing to divide by. */
static struct value ratio(double part, double whole)
{
    return real(whole > 0 ? part / whole : NAN);
}

static struct value flag(int flag)
{
    return known(flag >= 0, (uint64_t)flag);
}

/* Of times that are 0 where they are not known. */
static struct value positive(double value)
{
    return real(value > 0 ? value : NAN);
}

/* A number that stands in a text, spelled as there. */
static struct value spelled(const char *number)
{
    return number[strspn(number, "0123456789")] == '\0'
               ? (struct value){.kind = VALUE_U64, .text = number, .u64 = strtoull(number, NULL, 10)}
               : (struct value){.kind = VALUE_REAL, .text = number, .real = strtod(number, NULL)};
}

static struct value numbers(const struct placement *placement, bool nodes)
{
    struct support_text list_text = {0};
    for (unsigned i = 0; i < placement->count; i++) {
        int number = nodes ? placement->workers[i].node : placement->workers[i].cpu;
        if (number < 0)
            break;
        support_text_add(&list_text, "%s%d", i == 0 ? "" : " ", number);
    }
    return owned(list_text.text);
}

static struct value growth(const struct view *v)
{
    const struct result *r = v->result;
    double commits = 0;
    for (unsigned type = 0; type < r->type_count; type++)
        if (v->type == COLUMN_ALL_TYPES || v->type == (int)type)
            commits += (double)r->committed_since_load[type];
    return ratio(r->loaded.has_space && r->has_space ? (double)result_growth_bytes(r) : NAN, commits);
}

/* ---- Columns of columns.def. ---- */

enum row_column {
#define ROW(name, unit, better, help) ROW_##name,
#define TOTAL(name, unit, better, help)
#define DIGEST(name, help)
#include "harness/record/columns.def"
};

enum total_column {
#define ROW(name, unit, better, help)
#define TOTAL(name, unit, better, help) TOTAL_##name,
#define DIGEST(name, help)
#include "harness/record/columns.def"
};

/* A line a column. clang-format would make two of each. */
/* clang-format off */
static struct value get_row(const struct view *v, const struct column *column)
{
    const struct result *r = v->result;
    const struct counts *c = v->counts;
    const struct latency_summary *l = v->latency;
    const struct target_promises promises = options_promises(r->options);
    const char *type = v->type == COLUMN_ALL_TYPES ? "all" : r->options->workload->txn_types[v->type];
    double commits = (double)c->committed, aborts = (double)counts_aborted(c);
    switch ((enum row_column)column->idx) {
    case ROW_schema_version:          return u64(SCHEMA_VERSION);
    case ROW_txn_type:                return text(type);
    case ROW_repetition:              return u64(r->repetition);
    case ROW_outcome:                 return text(r->outcome == OUTCOME_COMPLETE ? "complete" : "interrupted");
    case ROW_simulated:               return u64(SIMULATED);
    case ROW_recorded:                return u64(r->options->run.history[0] != '\0');
    case ROW_isolation:               return text(result_isolation(&promises));
    case ROW_phantoms:                return u64(promises.phantom_safe);
    case ROW_durability:              return text(target_durability_text(promises.durability));
    case ROW_row_access:              return text(target_rows_text(promises.rows));
    case ROW_order_known:             return text(target_order_text(promises.order));
    case ROW_cpus:                    return numbers(r->placement, false);
    case ROW_numa_nodes:              return numbers(r->placement, true);
    case ROW_oversubscribed:          return u64(r->placement->oversubscribed);
    case ROW_window_s:                return real(r->window_s);
    case ROW_commits:                 return u64(c->committed);
    case ROW_throughput_txn_per_s:    return ratio(commits, r->window_s);
    case ROW_operations:              return u64(c->operations);
    case ROW_throughput_op_per_s:     return ratio((double)c->operations, r->window_s);
    case ROW_aborts:                  return u64(counts_aborted(c));
    case ROW_abort_ratio:             return ratio(aborts, commits + aborts);
    case ROW_rollbacks:               return u64(c->rolled_back);
    case ROW_given_up:                return u64(c->given_up);
    case ROW_attempts_per_commit:     return ratio(commits + aborts, commits);
    case ROW_attempts_p99:            return known(l != NULL && l->attempts.count > 0, l ? l->attempts.p99 : 0);
    case ROW_attempts_max:            return known(l != NULL && l->attempts.count > 0, l ? l->attempts.max : 0);
    case ROW_latency_count:           return known(l != NULL, l ? l->service.count : 0);
    case ROW_durable_count:           return known(l != NULL && r->has_log, l ? l->durable.count : 0);
    case ROW_acknowledged_txn_per_s:  return ratio(r->has_log ? (double)c->acknowledged : NAN, r->window_s);
    case ROW_growth_bytes_per_commit: return growth(v);
    case ROW_config_hash:             return text(r->config_hash);
    }
    return none();
}

static const char *const checks[] = {
    [CHECK_SKIPPED] = "skipped", [CHECK_PASSED] = "passed", [CHECK_FAILED] = "failed"};

static double round_trips(const struct result *r)
{
    return r->outside.has_server ? (double)r->outside.round_trips : NAN;
}

static struct value get_total(const struct view *v, const struct column *column)
{
    const struct result *r = v->result;
    const struct loaded *loaded = &r->loaded;
    const struct target_memory *memory = &r->memory;
    const struct proximity *before = &r->proximity.before, *after = &r->proximity.after;
    bool closed = options_closed(r->options), open = r->options->run.rate != 0;
    double resident = (double)memory->resident_bytes, bytes = (double)r->data_bytes;
    double space = (double)loaded->space_bytes;
    switch ((enum total_column)column->idx) {
    case TOTAL_ns_per_txn:            return ratio(closed ? result_worker_ns(r) : NAN, (double)r->all.committed);
    case TOTAL_ns_per_op:             return ratio(closed ? result_worker_ns(r) : NAN, (double)r->all.operations);
    case TOTAL_log_bytes_per_txn:     return ratio(r->has_log ? (double)r->log_bytes : NAN, (double)r->all.committed);
    case TOTAL_log_flushes_per_s:     return ratio(r->has_log ? (double)r->log_flushes : NAN, r->window_s);
    case TOTAL_target_version:        return text(r->outside.version);
    case TOTAL_client_cpu_s:          return real(SIMULATED ? NAN : r->client_cpu_s);
    case TOTAL_server_cpu_s:          return real(r->outside.has_server ? r->outside.server_cpu_s : NAN);
    case TOTAL_round_trips_per_txn:   return ratio(round_trips(r), (double)r->all.committed);
    case TOTAL_bytes_on_disk:         return known(r->outside.disk_bytes > 0, r->outside.disk_bytes);
    case TOTAL_log_disk:              return text(r->log_disk);
    case TOTAL_durable_lag_us:        return real(r->has_log ? result_durable_lag_us(r) : NAN);
    case TOTAL_harness_ns_per_txn:    return positive(r->harness_ns);
    case TOTAL_warmup_actual_s:       return real(r->warmup_s);
    case TOTAL_warmup_settled:        return flag(r->warmup_settled);
    case TOTAL_steady:                return flag(r->steady);
    case TOTAL_drift:                 return real(r->steady >= 0 ? r->drift : NAN);
    case TOTAL_requests_due:          return known(open, r->due);
    case TOTAL_saturated:             return known(open, r->saturated);
    case TOTAL_late_s:                return real(open ? r->late_s : NAN);
    case TOTAL_backlog_dropped_s:     return real(open ? r->backlog_dropped_s : NAN);
    case TOTAL_line_before_ns:        return positive(before->line_ns);
    case TOTAL_line_after_ns:         return positive(after->line_ns);
    case TOTAL_line_max_before_ns:    return positive(before->line_max_ns);
    case TOTAL_line_max_after_ns:     return positive(after->line_max_ns);
    case TOTAL_memory_before_ns:      return positive(before->memory_ns);
    case TOTAL_memory_after_ns:       return positive(after->memory_ns);
    case TOTAL_moved:                 return flag(proximity_moved(&r->proximity));
    case TOTAL_load_s:                return real(r->load_s);
    case TOTAL_load_rows_per_s:       return ratio((double)r->load_rows, r->load_s);
    case TOTAL_load_check_s:          return positive(loaded->check_s);
    case TOTAL_loaded_resident_bytes: return known(loaded->has_memory, loaded->resident_bytes);
    case TOTAL_loaded_data_bytes:     return known(loaded->check_s > 0, loaded->data_bytes);
    case TOTAL_loaded_space_bytes:    return known(loaded->has_space, loaded->space_bytes);
    case TOTAL_bytes_per_scale:       return ratio(loaded->has_space ? space : NAN, (double)loaded->scale);
    case TOTAL_rows:                  return u64(r->data_rows);
    case TOTAL_data_bytes:            return u64(r->data_bytes);
    case TOTAL_versions_per_row:      return ratio(r->has_space ? (double)r->rows.versions : NAN, (double)r->rows.rows);
    case TOTAL_versions:              return known(r->has_space, r->rows.versions);
    case TOTAL_inlined_versions:      return known(r->has_space, r->rows.inlined_versions);
    case TOTAL_unused_inline_slots:   return known(r->has_space, r->rows.unused_inline_slots);
    case TOTAL_row_bytes:             return known(r->has_space, r->rows.row_bytes);
    case TOTAL_version_bytes:         return known(r->has_space, r->rows.version_bytes);
    case TOTAL_index_bytes:           return known(r->has_space, r->indexes.row_bytes + r->indexes.version_bytes);
    case TOTAL_bytes_per_row:         return ratio(r->has_memory ? resident : NAN, (double)r->data_rows);
    case TOTAL_space_overhead:        return real(r->has_memory && bytes > 0 ? resident / bytes - 1 : NAN);
    case TOTAL_mem_limit_bytes:       return known(r->has_memory, memory->limit_bytes);
    case TOTAL_mem_committed_bytes:   return known(r->has_memory, memory->committed_bytes);
    case TOTAL_mem_resident_bytes:    return known(r->has_memory, memory->resident_bytes);
    case TOTAL_mem_hugetlb_bytes:     return known(r->has_memory, memory->hugetlb_bytes);
    case TOTAL_mem_transparent_bytes: return known(r->has_memory, memory->transparent_bytes);
    case TOTAL_mem_small_bytes:       return known(r->has_memory, result_small_bytes(r));
    case TOTAL_process_peak_bytes:    return u64(r->process_peak_bytes);
    case TOTAL_backoff_max_us:        return real(r->has_state ? r->state.backoff_max_us : NAN);
    case TOTAL_check_result:          return text(checks[r->check]);
    case TOTAL_live_checks:           return known(r->options->run.check_every != 0, r->live_checks);
    case TOTAL_check_s:               return real(r->check != CHECK_SKIPPED ? r->check_s : NAN);
    }
    return none();
}
/* clang-format on */

/* Mean, percentiles and maximum; each an uint64_t of the digest but for the mean. */
static const struct {
    const char *name, *help;
    size_t at;
} digest_parts[] = {
    {"_mean_ns", "mean; ", 0},
    {"_p50_ns", "median; ", offsetof(struct latency_digest, p50)},
    {"_p90_ns", "90th percentile; ", offsetof(struct latency_digest, p90)},
    {"_p95_ns", "95th percentile; ", offsetof(struct latency_digest, p95)},
    {"_p99_ns", "99th percentile; ", offsetof(struct latency_digest, p99)},
    {"_p99_9_ns", "99.9th percentile; ", offsetof(struct latency_digest, p99_9)},
    {"_p99_99_ns", "99.99th percentile; ", offsetof(struct latency_digest, p99_99)},
    {"_max_ns", "maximum; ", offsetof(struct latency_digest, max)},
};

static struct value get_digest(const struct view *v, const struct column *column)
{
    if (v->latency == NULL)
        return none();
    const struct latency_digest *digest = strcmp(column->key, "response") == 0  ? &v->latency->response
                                          : strcmp(column->key, "durable") == 0 ? &v->latency->durable
                                          : strcmp(column->key, "aborted") == 0 ? &v->latency->aborted
                                                                                : &v->latency->service;
    if (digest_parts[column->idx].at == 0)
        return real(digest->count > 0 ? digest->mean : NAN);
    uint64_t value;
    memcpy(&value, (const char *)digest + digest_parts[column->idx].at, sizeof value);
    return known(digest->count > 0, value);
}

static struct value get_provenance(const struct view *v, const struct column *column)
{
    const char *fact = (const char *)&v->result->provenance + column->idx;
    return column->info.unit[0] != '\0' && option_text_is_number(fact) ? spelled(fact) : text(fact);
}

/* ---- The list. ---- */

/* Adds <prefix><key>; a name that is there already stays as it is (workloads may share one). */
static struct column *add(const char *prefix, const char *key, const char *unit, const char *help,
                          struct value (*get)(const struct view *v, const struct column *column))
{
    char *name = support_format("%s%s", prefix, key);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].info.name, name) == 0) {
            free(name);
            return &list.items[i];
        }
    list.items = support_more(list.items, list.count, sizeof *list.items);
    list.items[list.count] = (struct column){.info = {name, unit, help, false, COLUMN_UNSAID}, .key = key, .get = get};
    return &list.items[list.count++];
}

static struct column *add_total(const char *prefix, const char *key, const char *unit, const char *help,
                                struct value (*get)(const struct view *v, const struct column *column))
{
    struct column *column = add(prefix, key, unit, help, get);
    column->total = true;
    return column;
}

/* ---- Counts. ---- */

static struct value get_abort(const struct view *v, const struct column *column)
{
    unsigned reason = target_reason_number(v->result->options->target, column->key);
    return reason == TARGET_REASONS_MAX ? none() : u64(v->counts->aborted[reason]);
}

static struct value get_share(const struct view *v, const struct column *column)
{
    const struct workload_share *shares = v->result->options->workload->shares;
    for (size_t i = 0; shares != NULL && shares[i].name != NULL; i++)
        if (strcmp(shares[i].name, column->key) == 0)
            return ratio((double)v->result->shares[i].part, (double)v->result->shares[i].whole);
    return none();
}

static struct value get_counter(const struct view *v, const struct column *column)
{
    const struct target_ops *target = v->result->options->target;
    const struct target_counter_info *info;
    for (size_t i = 0; v->result->engine != NULL && (info = target->counter_info(i)) != NULL; i++)
        if (strcmp(info->name, column->key) == 0)
            return u64(v->result->engine[i]);
    return none();
}

/* ---- Performance counters. ---- */

static struct value get_event(const struct view *v, const struct column *column)
{
    const struct result *result = v->result;
    int at = result->plan == NULL ? -1 : pmu_find(result->plan, column->key);
    if (at < 0 || result->counters[at].status != PMU_COUNTED)
        return none();
    const struct pmu_value *value = &result->counters[at];
    return real(column->idx == COUNTER_TOTAL     ? value->value
                : column->idx == COUNTER_PER_TXN ? pmu_per(value, result->all.committed)
                                                 : pmu_per(value, result->all.operations));
}

static struct value get_derived(const struct view *v, const struct column *column)
{
    return v->result->plan == NULL ? none() : real(pmu_derive(v->result->plan, v->result->counters, column->idx));
}

static bool has_column(const char *event)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].get == get_event && strcmp(list.items[i].key, event) == 0)
            return true;
    return false;
}

static struct value get_other_counters(const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    struct support_text all = {0};
    (void)column;
    for (unsigned i = 0; plan != NULL && i < plan->event_count; i++)
        if (!has_column(plan->events[i].name) && v->result->counters[i].status == PMU_COUNTED)
            support_text_add(&all, "%s%s=%.10g", all.text == NULL ? "" : " ", plan->events[i].name,
                             v->result->counters[i].value);
    return owned(all.text);
}

/* "cycles, branches: why; LLC-loads: another reason": a reason stands once. */
static struct value get_missing_counters(const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    const struct pmu_value *values = v->result->counters;
    struct support_text all = {0};
    bool told[PMU_EVENTS_MAX] = {false};
    (void)column;
    for (unsigned i = 0; plan != NULL && i < plan->event_count; i++) {
        if (values[i].status == PMU_COUNTED || told[i])
            continue;
        const char *reason = pmu_value_reason(plan, i, &values[i]);
        support_text_add(&all, "%s%s", all.text == NULL ? "" : "; ", plan->events[i].name);
        for (unsigned j = i + 1; j < plan->event_count; j++)
            if (values[j].status != PMU_COUNTED && strcmp(pmu_value_reason(plan, j, &values[j]), reason) == 0) {
                support_text_add(&all, ", %s", plan->events[j].name);
                told[j] = true;
            }
        support_text_add(&all, ": %s", reason);
    }
    return owned(all.text);
}

static struct value get_counters_share(const struct view *v, const struct column *column)
{
    const struct pmu_plan *plan = v->result->plan;
    double least = NAN;
    (void)column;
    for (unsigned i = 0; plan != NULL && i < plan->event_count; i++)
        if (plan->events[i].hardware && v->result->counters[i].status == PMU_COUNTED)
            least = fmin(least, v->result->counters[i].share); /* fmin ignores NAN */
    return real(least);
}

static void add_event(const char *event, const char *meaning)
{
    static const struct {
        const char *suffix, *help;
    } scales[] = {{"", ""}, {"_per_txn", " per committed transaction: "}, {"_per_op", " per operation: "}};
    const char *name = result_counter_name(event);
    for (int scale = COUNTER_TOTAL; scale <= COUNTER_PER_OPERATION; scale++) {
        SUPPORT_FREED char *key = support_format("%s%s", name, scales[scale].suffix);
        char *help = support_format("%s%s%s", scale == 0 ? "" : event, scales[scale].help, meaning); /* stays */
        struct column *column = add_total("pmu_", key, "", help, get_event);
        column->info.better = scale == COUNTER_TOTAL ? COLUMN_UNSAID : COLUMN_LESS;
        column->key = event;
        column->idx = (size_t)scale;
    }
}

static void add_events(void)
{
    size_t i = 0;
#define PMU_HARDWARE(name, group, encoding, floor_percent, meaning) add_event(name, meaning);
#define PMU_SYSTEM(id, name, always, meaning) add_event(name, meaning);
#include "harness/machine/events.def"
#define PMU_DERIVED(name, numerator, denominator, meaning) \
    add_total("pmu_", name, "1", meaning, get_derived)->idx = i++;
#include "harness/machine/events.def"
    add_total("", "pmu_other", "", "counters named in --counters that have no column, as name=value",
              get_other_counters);
    add_total("", "pmu_share", "1", "the least share of the window in which a hardware event was counted; else scaled",
              get_counters_share);
    add_total("", "pmu_missing", "", "counters that were asked for and cannot be had, and why", get_missing_counters);
}

/* ---- Options and settings. ---- */

static struct value option_value(const struct option_spec *specs, size_t i, const void *values)
{
    char shown[OPTION_TEXT_BYTES];
    bool is_number = option_column_text(specs, i, values, shown, sizeof shown);
    char *copy = shown[0] == '\0' ? NULL : support_copy(shown);
    struct value value = is_number ? spelled(copy) : owned(copy);
    value.owned = copy;
    return value;
}

static struct value get_run_option(const struct view *v, const struct column *column)
{
    return option_value(run_option_specs, column->idx, &v->result->options->run);
}

static struct value get_workload_option(const struct view *v, const struct column *column)
{
    const struct options *options = v->result->options;
    const struct option_spec *specs = options->workload->options;
    size_t i = option_find(specs, column->key);
    return specs[i].name == NULL ? none() : option_value(specs, i, options->workload_values);
}

static struct value get_setting(const struct view *v, const struct column *column)
{
    const struct options *options = v->result->options;
    const struct option_spec *specs = options->target->options;
    size_t i = specs == NULL ? 0 : option_find(specs, column->key);
    return specs == NULL || specs[i].name == NULL ? none() : option_value(specs, i, options->target_values);
}

static const char *option_unit(const struct option_spec *option)
{
    return option->type == OPTION_time ? "s" : option->unit;
}

static void add_run_options(void)
{
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++) {
        const struct option_spec *option = &run_option_specs[i];
        if (run_option_texts[i].column[0] == '\0')
            continue;
        struct column *column = add("", run_option_texts[i].column, option_unit(option), option->help, get_run_option);
        column->info.is_configuration = run_option_is_configuration(i);
        column->idx = i;
    }
}

static void add_aborts(void)
{
    const struct target_reason *reason;
    for (size_t i = 0; (reason = target_reason_at(i)) != NULL; i++)
        add("aborts_", reason->name, "", reason->text, get_abort)->info.better = COLUMN_LESS;
}

static void add_shares(void)
{
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++)
        for (const struct workload_share *share = workload->shares; share != NULL && share->name != NULL; share++)
            add_total("share_", share->name, "1", share->help, get_share);
}

static void add_counters(void)
{
    const struct target_ops *target;
    const struct target_counter_info *info;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        for (size_t j = 0; target->counter_info != NULL && (info = target->counter_info(j)) != NULL; j++)
            add_total("eng_", info->name, info->unit, info->help, get_counter);
}

static void add_workload_options(void)
{
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++)
        for (const struct option_spec *option = workload->options; option->name != NULL; option++)
            add("wl_", option->name, option->unit, option->help, get_workload_option)->info.is_configuration = true;
}

static void add_settings(void)
{
    const struct target_ops *target;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        for (const struct option_spec *option = target->options; option != NULL && option->name != NULL; option++)
            add("opt_", option->name, option_unit(option), option->help, get_setting)->info.is_configuration = true;
}

static void add_digest(const char *name, const char *help)
{
    for (size_t i = 0; i < sizeof digest_parts / sizeof digest_parts[0]; i++) {
        char *whole_help = support_format("%s%s", digest_parts[i].help, help); /* stays for good, as the list does */
        struct column *column = add(name, digest_parts[i].name, "ns", whole_help, get_digest);
        column->info.better = COLUMN_LESS;
        column->key = name;
        column->idx = i;
    }
}

static void add_measured(const char *name, const char *unit, enum column_better better, const char *help, bool total,
                         size_t idx)
{
    struct column *column = total ? add_total("", name, unit, help, get_total) : add("", name, unit, help, get_row);
    column->info.better = better;
    column->info.is_configuration = /* what differs in one of these repeats nothing */
        !total && (idx == ROW_txn_type || idx == ROW_recorded || idx == ROW_simulated);
    column->idx = idx;
}

static void build(void)
{
    add_run_options();
#define ROW(name, unit, better, help) add_measured(#name, unit, COLUMN_##better, help, false, ROW_##name);
#define TOTAL(name, unit, better, help) add_measured(#name, unit, COLUMN_##better, help, true, TOTAL_##name);
#define DIGEST(name, help) add_digest(#name, help);
#include "harness/record/columns.def"
    add_aborts();
    add_shares();
    add_counters();
    add_workload_options();
    add_settings();
    add_events();
#define PROVENANCE(name, unit, help) \
    add("", #name, unit, help, get_provenance)->idx = offsetof(struct provenance, name);
#include "harness/machine/provenance.def"
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

static size_t column_find(const char *name)
{
    size_t i = 0;
    while (i < column_count() && strcmp(list.items[i].info.name, name) != 0)
        i++;
    return i;
}

/* What is known of a column by its name: this build's, or that of a family that other builds may have more of. */
static struct column_info info_of(const char *name)
{
    static const struct {
        const char *prefix;
        enum column_better better;
    } families[] = {{"aborts_", COLUMN_LESS},  {"share_", COLUMN_UNSAID}, {"eng_", COLUMN_UNSAID},
                    {"pmu_", COLUMN_UNSAID},   {"latency_", COLUMN_LESS}, {"response_", COLUMN_LESS},
                    {"durable_", COLUMN_LESS}, {"mem_", COLUMN_UNSAID}};
    size_t column = column_find(name);
    if (column < list.count)
        return list.items[column].info;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) == 0)
            return (struct column_info){.better = families[i].better};
    return (struct column_info){.is_configuration = true};
}

enum column_better column_better(const char *name)
{
    return info_of(name).better;
}

bool column_is_configuration(const char *name)
{
    return info_of(name).is_configuration;
}

struct value column_value(size_t i, const struct result *result, int type)
{
    bool all = type == COLUMN_ALL_TYPES;
    struct view view = {result, type, all ? &result->all : &result->types[type],
                        result->latencies == NULL ? NULL
                                                  : &result->latencies[all ? result->type_count : (unsigned)type]};
    const struct column *column = i < column_count() ? &list.items[i] : NULL;
    return column == NULL || (column->total && !all) ? none() : column->get(&view, column);
}

char *column_text(size_t i, const struct result *result, int type)
{
    struct value value = column_value(i, result, type);
    char *shown = value.text != NULL         ? support_copy(value.text)
                  : value.kind == VALUE_U64  ? support_format("%llu", (unsigned long long)value.u64)
                  : value.kind == VALUE_REAL ? support_format("%.10g", value.real)
                                             : support_copy("");
    free(value.owned);
    return shown;
}

double column_number(const char *name, const struct result *result, int type)
{
    struct value value = column_value(column_find(name), result, type);
    free(value.owned);
    return value.kind == VALUE_U64 ? (double)value.u64 : value.kind == VALUE_REAL ? value.real : NAN;
}
