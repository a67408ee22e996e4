/*
 * summary.c - see summary.h. What is wanted most comes first, and all of it fits a screen of 24 lines, warnings too
 * unless the run deserves many; the columns of the result have the rest.
 *
 * A line with one quantity, those by transaction type too, is the median over the complete repetitions; where there are
 * several, the smallest and largest follow. Percentiles, counters and the like, which belong together and cannot be
 * averaged, are those of the typical repetition: the one with the median throughput, which the summary names. An
 * interrupted repetition counts only when there is no complete one.
 */
#include "harness/bench/summary.h"

#include "harness/bench/operation_times.h"

#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/record/columns.h"
#include "harness/targets/targets.h"

/* Windows below this are warned of. */
enum { SHORT_NS = 100000000 };

/* What drifts less than this is called unsteady for its back-off. */
#define DRIFT_SMALL 0.02

/* So many reasons of aborts have a name in the summary; the columns have all. */
enum { REASONS_NAMED = 3 };

/* The values of a column, of one transaction type or all, over the repetitions in which there is one. */
static struct statistics_summary spread_of(struct result *const *results, size_t count, int type, const char *column)
{
    SUPPORT_FREED double *values = support_alloc(count * sizeof *values);
    struct statistics_summary spread = {0};
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        values[known] = column_number(column, results[i], type);
        known += isfinite(values[known]) ? 1 : 0;
    }
    if (!statistics_summarize(values, known, &spread))
        spread.count = 0;
    return spread;
}

static double throughput_of(const struct result *r)
{
    return column_number("throughput_txn_per_s", r, COLUMN_ALL_TYPES);
}

/* The repetition with the median throughput; of two in the middle the slower one. */
static const struct result *typical_of(struct result *const *results, size_t count)
{
    const struct result *typical = results[0];
    for (size_t i = 0; i < count; i++) {
        double speed = throughput_of(results[i]);
        size_t slower = 0, equal_before = 0;
        for (size_t j = 0; j < count; j++) {
            double other = throughput_of(results[j]);
            slower += other < speed;
            equal_before += other == speed && j < i;
        }
        if (slower + equal_before == (count - 1) / 2)
            typical = results[i];
    }
    return typical;
}

static char *format_plain(double value)
{
    return support_short(value < 10 ? "%.3f" : "%.1f", value);
}

static char *format_percent(double ratio)
{
    return format_plain(100 * ratio);
}

typedef char *(*format_fn)(double value);

/* "  throughput      2.10M txn/s (2.05M .. 2.13M)" and whatever follows; false, and no line, if it is not known. */
static bool line_begin(FILE *out, struct result *const *results, size_t count, const char *name, const char *column,
                       format_fn format, const char *unit)
{
    const struct statistics_summary spread = spread_of(results, count, COLUMN_ALL_TYPES, column);
    if (spread.count == 0)
        return false;
    (void)fprintf(out, "  %-14s %s%s", name, format(spread.median), unit);
    if (spread.min < spread.max)
        (void)fprintf(out, " (%s .. %s)", format(spread.min), format(spread.max));
    return true;
}

/* "0-13,28": in the order of the workers. */
static void cpus_print(FILE *out, const struct placement *placement)
{
    for (unsigned i = 0, next; i < placement->count; i = next) {
        for (next = i + 1; next < placement->count; next++)
            if (placement->workers[next].cpu != placement->workers[next - 1].cpu + 1)
                break;
        int first = placement->workers[i].cpu, last = placement->workers[next - 1].cpu;
        (void)fprintf(out, "%s%d", i == 0 ? "" : ",", first);
        if (last > first)
            (void)fprintf(out, "%s%d", last == first + 1 ? "," : "-", last);
    }
}

static void head_print(FILE *out, const struct result *r)
{
    const struct options *options = r->options;
    (void)fprintf(out, "%s%s%s%s%s on %s, %u worker%s", options->workload->name,
                  options->run.preset[0] == '\0' ? "" : " ", options->run.preset,
                  options->beside == NULL ? "" : support_short(" beside %s", options->beside->name),
                  options->beside == NULL ? "" : support_short(" (%u)", (unsigned)options->run.beside_threads),
                  options->target->name, r->placement->count, r->placement->count == 1 ? "" : "s");
    if (r->placement->workers[0].cpu >= 0) {
        (void)fputs(r->placement->count == 1 ? " on CPU " : " on CPUs ", out);
        cpus_print(out, r->placement);
        (void)fputs(", NUMA node", out);
        for (unsigned i = 0; i < r->placement->count; i++)
            if (i == 0 || r->placement->workers[i].node != r->placement->workers[i - 1].node)
                (void)fprintf(out, "%s%d", i == 0 ? " " : ",", r->placement->workers[i].node);
    } else {
        (void)fputs(", not pinned", out);
    }
    if (options->run.txns_total != 0)
        (void)fprintf(out, ", %llu transactions in all", (unsigned long long)options->run.txns_total);
    else if (options->run.txns != 0)
        (void)fprintf(out, ", %llu transactions each", (unsigned long long)options->run.txns);
    else
        (void)fprintf(out, ", window %s", quantity_time((uint64_t)(r->window_s * 1e3) * 1000000));
    (void)fputc('\n', out);
}

/* What the target promises under these settings. `maemio list targets` and the columns say more. */
static void promises_print(FILE *out, const struct result *r)
{
    const struct target_promises promises = options_promises(r->options);
    const char *isolation = result_isolation(&promises), *note = promises.note == NULL ? "" : promises.note;
    bool repeats = strncmp(note, isolation, strlen(isolation)) == 0;
    (void)fprintf(out, "  %-14s %s%s%s; durability %s\n", "promises", repeats ? "" : isolation,
                  repeats || note[0] == '\0' ? "" : "; ", note, target_durability_text(promises.durability));
}

/* Mean, and the interval of the median, of three repetitions and more. */
static void throughput_print(FILE *out, struct result *const *results, size_t count)
{
    struct statistics_summary summary;
    SUPPORT_FREED double *values = support_alloc(count * sizeof *values);
    if (!line_begin(out, results, count, "throughput", "throughput_txn_per_s", quantity_count, " txn/s"))
        return;
    for (size_t i = 0; i < count; i++)
        values[i] = throughput_of(results[i]);
    if (count > 2 && statistics_summarize(values, count, &summary))
        (void)fprintf(out, ", mean %s, %g%% interval of the median %s .. %s", quantity_count(summary.mean),
                      statistics_coverage_percent(summary.median_interval), quantity_count(summary.median_interval.low),
                      quantity_count(summary.median_interval.high));
    (void)fputc('\n', out);
}

/* What stands for all of them; outliers are named, and counted in like the others. `typical`: one of them. */
static void repetitions_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    SUPPORT_FREED double *values = support_alloc(count * sizeof *values);
    SUPPORT_FREED bool *marks = support_alloc(count * sizeof *marks);
    if (count < 2)
        return;
    (void)fprintf(out, "  %-14s median of %zu (min .. max); latency and counters of repetition %u, the median",
                  "repetitions", count, typical->repetition);
    for (size_t i = 0; i < count; i++)
        values[i] = throughput_of(results[i]);
    if (count > 2 && statistics_outliers(values, count, marks) > 0)
        (void)fputs("; outliers (counted in):", out);
    for (size_t i = 0; i < count; i++)
        if (marks[i])
            (void)fprintf(out, " #%u %s", results[i]->repetition, quantity_count(values[i]));
    (void)fputc('\n', out);
}

static char *format_ns(double value)
{
    static const struct {
        double from, per;
        const char *unit;
    } scales[] = {{1e9, 1e9, "s"}, {1e6, 1e6, "ms"}, {1e3, 1e3, "us"}, {0, 1, "ns"}};
    size_t i = 0;
    while (value < scales[i].from)
        i++;
    return support_short("%.3g%s", value / scales[i].per, scales[i].unit);
}

/* Of the typical repetition; percentiles of several cannot be averaged, the dumps can be merged. */
static void digest_print(FILE *out, const char *name, const struct latency_digest *digest)
{
    if (digest->count == 0)
        return;
    (void)fprintf(out, "  %-14s p50 %s, p90 %s, p99 %s, p99.9 %s, max %s\n", name, format_ns((double)digest->p50),
                  format_ns((double)digest->p90), format_ns((double)digest->p99), format_ns((double)digest->p99_9),
                  format_ns((double)digest->max));
}

static void latency_print(FILE *out, const struct result *r)
{
    if (r->latencies == NULL)
        return;
    const struct latency_summary *all = &r->latencies[r->type_count];
    digest_print(out, options_closed(r->options) ? "latency" : "service time", &all->service);
    digest_print(out, "response time", &all->response);
    digest_print(out, "durable after", &all->durable);
    digest_print(out, "aborted after", &all->aborted);
}

/* "by call        p50/p99: begin 40ns/52ns, read 210ns/1.3us": those that there were. */
static void calls_print(FILE *out, const struct result *r)
{
    const char *separator = "p50/p99:";
    for (unsigned i = 0; r->operations != NULL && i < OPERATION_COUNT; i++) {
        const struct latency_digest *digest = &r->operations[i];
        if (digest->count == 0)
            continue;
        (void)fprintf(out, i == 0 ? "  %-14s %s %s %s/%s" : "%.0s%s %s %s/%s", "by call", separator,
                      operation_name((enum operation)i), format_ns((double)digest->p50),
                      format_ns((double)digest->p99));
        separator = ",";
    }
    if (r->operations != NULL)
        (void)fputc('\n', out);
}

static void open_loop_print(FILE *out, struct result *const *results, size_t count)
{
    const struct run_options *options = &results[0]->options->run;
    if (options->rate == 0)
        return;
    (void)fprintf(out, "  %-14s %s txn/s due, %s arrivals\n", "open loop", quantity_count((double)options->rate),
                  options->arrival == RUN_ARRIVAL_POISSON ? "poisson" : "uniform");
    for (size_t i = 0; i < count; i++) {
        const struct result *r = results[i];
        if (r->saturated)
            (void)fprintf(out,
                          "  warning: repetition %u was saturated: %s of %s txn/s; in the end a worker was %s behind. "
                          "Response times would only tell how long the window was and are left empty\n",
                          r->repetition, quantity_count(throughput_of(r)), quantity_count((double)options->rate),
                          format_ns(r->late_s * 1e9));
        if (r->backlog_dropped_s > 0)
            (void)fprintf(out,
                          "  warning: repetition %u: the warm-up left a backlog of %s that did not drain; it was "
                          "dropped\n",
                          r->repetition, format_ns(r->backlog_dropped_s * 1e9));
    }
}

/* One line: what is derived and what is counted, per transaction. */
static void counters_print(FILE *out, const struct result *r)
{
    const char *separator = "";
    bool begun = false;
    for (unsigned i = 0; r->plan != NULL && i < r->plan->event_count; i++) {
        double per = pmu_per(&r->counters[i], r->all.committed);
        if (!(per > 0))
            continue;
        if (!begun)
            (void)fprintf(out, "  %-14s per transaction: ", "counters");
        begun = true;
        (void)fprintf(out, "%s%s %s", separator, r->plan->events[i].name,
                      per >= 1000 ? quantity_count(per) : support_short("%.3g", per));
        separator = ", ";
    }
    for (size_t i = 0; begun && pmu_derived[i].name != NULL; i++) {
        double derived = pmu_derive(r->plan, r->counters, i);
        if (derived >= 0)
            (void)fprintf(out, "; %s %.3g", pmu_derived[i].name, derived);
    }
    if (begun)
        (void)fputc('\n', out);
}

/* The largest reasons, and what the rest is together, as shares of all attempts of all repetitions. */
static void reasons_print(FILE *out, struct result *const *results, size_t count)
{
    struct counts sum = {0};
    for (size_t i = 0; i < count; i++)
        counts_add(&sum, &results[i]->all);
    uint64_t attempts = sum.committed + counts_aborted(&sum);
    const char *separator = ": ";
    for (unsigned named = 0; named < REASONS_NAMED; named++) {
        unsigned largest = 0;
        for (unsigned reason = 1; reason < TARGET_REASONS_MAX; reason++)
            if (sum.aborted[reason] > sum.aborted[largest])
                largest = reason;
        if (sum.aborted[largest] == 0)
            return;
        (void)fprintf(out, "%s%s %.3g%%", separator, target_reason(results[0]->options->target, largest)->name,
                      100 * (double)sum.aborted[largest] / (double)attempts);
        sum.aborted[largest] = 0;
        separator = ", ";
    }
    if (counts_aborted(&sum) > 0)
        (void)fprintf(out, ", others %.3g%%", 100 * (double)counts_aborted(&sum) / (double)attempts);
}

static void types_print(FILE *out, struct result *const *results, size_t count)
{
    const struct result *r = results[0];
    const char *const *names = r->options->workload->txn_types;
    int width = 14;
    for (unsigned type = 0; type < r->type_count; type++)
        if ((int)strlen(names[type]) > width)
            width = (int)strlen(names[type]);
    for (unsigned type = 0; r->type_count > 1 && type < r->type_count; type++) {
        const struct statistics_summary speed = spread_of(results, count, (int)type, "throughput_txn_per_s"),
                                        aborts = spread_of(results, count, (int)type, "abort_ratio");
        (void)fprintf(out, "    %-*s %s txn/s", width, names[type], quantity_count(speed.median));
        if (speed.min < speed.max)
            (void)fprintf(out, " (%s .. %s)", quantity_count(speed.min), quantity_count(speed.max));
        (void)fprintf(out, ", %.3g%% aborted", 100 * aborts.median);
        if (aborts.min < aborts.max)
            (void)fprintf(out, " (%.3g .. %.3g)", 100 * aborts.min, 100 * aborts.max);
        uint64_t rolled_back = 0;
        for (size_t i = 0; i < count; i++)
            rolled_back += results[i]->types[type].rolled_back;
        if (rolled_back > 0)
            (void)fprintf(out, ", %llu rolled back on purpose", (unsigned long long)rolled_back);
        (void)fputc('\n', out);
    }
}

/* "remote lines 1.01%, deliveries skipped 0.06%", in all repetitions. */
static void shares_print(FILE *out, struct result *const *results, size_t count)
{
    bool begun = false;
    for (unsigned i = 0; i < results[0]->share_count; i++) {
        struct workload_part sum = {0};
        for (size_t j = 0; j < count; j++) {
            sum.part += results[j]->shares[i].part;
            sum.whole += results[j]->shares[i].whole;
        }
        if (sum.whole == 0)
            continue;
        SUPPORT_FREED char *words = support_copy(results[0]->options->workload->shares[i].name);
        for (char *at = words; (at = strchr(at, '_')) != NULL;)
            *at = ' ';
        (void)fprintf(out, "%s%s %.2f%%", begun ? ", " : support_short("  %-14s ", "shares"), words,
                      100 * (double)sum.part / (double)sum.whole);
        begun = true;
    }
    if (begun)
        (void)fputc('\n', out);
}

/* In as many lines of 80 columns as it takes. */
static void report_line(void *arg, const char *name, const char *text)
{
    enum { COLUMNS = 80, INDENT = 17 };
    (void)fprintf(arg, "  %-14s", name);
    for (size_t at = INDENT - 1; *text != '\0'; text += strspn(text, " ")) {
        size_t word = strcspn(text, " ");
        if (at >= INDENT && at + 1 + word > COLUMNS) {
            (void)fprintf(arg, "\n%*s", INDENT - 1, "");
            at = INDENT - 1;
        }
        (void)fprintf(arg, " %.*s", (int)word, text);
        at += 1 + word;
        text += word;
    }
    (void)fputc('\n', arg);
}

/* What the workload's own people report of it, of the typical repetition. */
static void report_print(FILE *out, const struct result *r)
{
    const struct workload_ops *workload = r->options->workload;
    if (workload->report == NULL)
        return;
    SUPPORT_FREED struct workload_outcome *outcomes = support_alloc(r->type_count * sizeof *outcomes);
    for (unsigned type = 0; type < r->type_count; type++) {
        outcomes[type] =
            (struct workload_outcome){.committed = r->types[type].committed, .rolled_back = r->types[type].rolled_back};
        if (r->latencies == NULL)
            continue;
        const struct latency_summary *latency = &r->latencies[type];
        const struct latency_digest *digest = latency->response.count > 0 ? &latency->response : &latency->service;
        outcomes[type].timed = digest->count;
        outcomes[type].p90_ns = digest->p90;
        outcomes[type].mean_ns = digest->mean;
    }
    workload->report(r->options->workload_values, r->window_s, outcomes, r->shares, report_line, out);
}

static void memory_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    if (!line_begin(out, results, count, "memory", "mem_resident_bytes", quantity_bytes, ""))
        return;
    const struct target_memory *memory = &typical->memory;
    const struct {
        uint64_t bytes;
        const char *pages;
    } parts[] = {{memory->hugetlb_bytes, "reserved huge"},
                 {memory->transparent_bytes, "transparent huge"},
                 {result_small_bytes(typical), "small"}};
    const char *separator = ": ";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].bytes == 0)
            continue;
        (void)fprintf(out, "%s%s in %s pages", separator, quantity_bytes((double)parts[i].bytes), parts[i].pages);
        separator = ", ";
    }
    (void)fputc('\n', out);
}

/* "117 MiB per warehouse after the load, 51.0% beyond rows and keys; 1.41 KiB more per new_order" */
static void growth_print(FILE *out, const struct result *r)
{
    const struct loaded *loaded = &r->loaded;
    if (!loaded->has_space || loaded->scale == 0)
        return;
    double space = (double)loaded->space_bytes;
    (void)fprintf(out, "  %-14s %s per %s after the load, %.1f%% beyond rows and keys", "growth",
                  quantity_bytes(space / (double)loaded->scale), loaded->scale_unit,
                  100 * (space / (double)loaded->data_bytes - 1));
    if (r->has_space && r->committed_since_load[0] > 0)
        (void)fprintf(out, "; %s more per %s",
                      quantity_bytes((double)result_growth_bytes(r) / (double)r->committed_since_load[0]),
                      r->options->workload->txn_types[0]);
    (void)fputc('\n', out);
}

static void check_print(FILE *out, struct result *const *results, size_t count)
{
    size_t passed = 0;
    for (size_t i = 0; i < count; i++) {
        if (results[i]->check == CHECK_FAILED) {
            (void)fprintf(out, "  %-14s FAILED: %s\n", "check", results[i]->check_report);
            return;
        }
        passed += results[i]->check == CHECK_PASSED;
    }
    (void)fprintf(out, "  %-14s %s", "check", passed == count ? "passed" : passed == 0 ? "skipped" : "passed in part");
    if (passed > 0)
        (void)fprintf(out, " in %s", quantity_time((uint64_t)(results[0]->check_s * 1e6) * 1000));
    if (results[0]->loaded.check_s > 0)
        (void)fputs(", and after the load", out);
    if (results[0]->live_checks > 0)
        (void)fprintf(out, ", and %u time%s while it ran", results[0]->live_checks,
                      results[0]->live_checks == 1 ? "" : "s");
    (void)fputc('\n', out);
    if (passed > 0 && results[count - 1]->check_report[0] != '\0')
        (void)fprintf(out, "  %-14s %s\n", "", results[count - 1]->check_report);
}

/* "2 of 3 repetitions; second half against first -0.4% .. +3.1%" */
static void steady_print(FILE *out, struct result *const *results, size_t count)
{
    const struct statistics_summary drift = spread_of(results, count, COLUMN_ALL_TYPES, "drift");
    size_t steady = 0;
    for (size_t i = 0; i < count; i++)
        steady += results[i]->steady == 1;
    if (drift.count == 0)
        return;
    (void)fprintf(out, "  %-14s ", "steady");
    if (drift.count == 1)
        (void)fputs(steady == 1 ? "yes" : "no", out);
    else
        (void)fprintf(out, "%zu of %zu repetitions", steady, drift.count);
    (void)fprintf(out, "; second half against first %+.1f%%", 100 * drift.min);
    if (drift.count > 1)
        (void)fprintf(out, " .. %+.1f%%", 100 * drift.max);
    if (steady < drift.count && drift.max < DRIFT_SMALL && drift.min > -DRIFT_SMALL)
        (void)fputs(", and the back-off moved", out);
    (void)fputc('\n', out);
}

/* How far a line had to go between CPUs, and a load to memory, and in which repetitions that was not as in the others.
 * What the harness costs shares the line. */
static void proximity_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    const char *text = proximity_text(&typical->proximity);
    if (text[0] != '\0')
        (void)fprintf(out, "  %-14s %s", "distance", text);
    if (typical->harness_ns > 0)
        (void)fprintf(out, "%s%.1f ns per transaction", text[0] != '\0' ? "; harness cost " : "  harness cost   ",
                      typical->harness_ns);
    if (text[0] != '\0' || typical->harness_ns > 0)
        (void)fputc('\n', out);
    if (text[0] == '\0')
        return;
    for (size_t i = 0; i < count; i++) {
        const struct proximity_span *span = &results[i]->proximity;
        if (proximity_moved(span) == 1)
            (void)fprintf(out,
                          "  warning: repetition %u was moved: line %.0f ns before and %.0f ns after, memory %.0f and "
                          "%.0f ns; it compares with no other\n",
                          results[i]->repetition, span->before.line_ns, span->after.line_ns, span->before.memory_ns,
                          span->after.memory_ns);
        else if (proximity_moved(&typical->proximity) != 1 && !proximity_same(span, &typical->proximity))
            (void)fprintf(out, "  warning: repetition %u ran at another distance: %s\n", results[i]->repetition,
                          proximity_text(span));
    }
}

/* "repetitions 1, 3 and 4": those for which it holds; false, and nothing, if there are none. */
static bool repetitions_begin(FILE *out, struct result *const *results, size_t count, bool holds(const struct result *))
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += holds(results[i]);
    const char *separator = left == 1 ? "  warning: repetition " : "  warning: repetitions ";
    bool any = left > 0;
    for (size_t i = 0; left > 0; i++)
        if (holds(results[i])) {
            (void)fprintf(out, "%s%u", separator, results[i]->repetition);
            separator = --left == 1 ? " and " : ", ";
        }
    return any;
}

static bool is_unsteady(const struct result *r)
{
    return r->steady == 0;
}

static bool is_unsettled(const struct result *r)
{
    return r->warmup_settled == 0;
}

static void steady_warn(FILE *out, struct result *const *results, size_t count)
{
    if (repetitions_begin(out, results, count, is_unsteady))
        (void)fputs(": not steady, the second half of the window differs from the first\n", out);
    if (repetitions_begin(out, results, count, is_unsettled))
        (void)fputs(": --warmup-max ended the warm-up before it was steady\n", out);
}

static void warnings_print(FILE *out, const struct result *r)
{
    const struct provenance *machine = &r->provenance;
    if (r->placement->oversubscribed)
        (void)fputs("  warning: more workers than CPUs to run them on; speed means little\n", out);
    if (machine->build_mode[0] != '\0' && strstr(machine->build_mode, "release") == NULL)
        (void)fprintf(out, "  warning: a %s build is not for measuring\n", machine->build_mode);
    if (r->options->run.txns == 0 && r->options->run.time < SHORT_NS)
        (void)fprintf(out,
                      "  warning: a window of %s is too short to mean much: below %d ms, edges, back-off and one "
                      "interruption weigh as much as what is measured\n",
                      quantity_time(r->options->run.time), SHORT_NS / 1000000);
    if (r->outcome == OUTCOME_INTERRUPTED)
        (void)fputs("  warning: interrupted; the window was cut short\n", out);
    double load = strtod(machine->load_average, NULL);
    if (load > 0.5 * strtod(machine->cpus_online, NULL) && r->repetition == 1)
        (void)fprintf(out, "  warning: the machine was busy when the run began (load average %.2f)\n", load);
}

static void aborts_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    if (!line_begin(out, results, count, "aborts", "abort_ratio", format_percent, "% of attempts"))
        return;
    reasons_print(out, results, count);
    if (results[0]->options->run.give_up_after != 0 || results[0]->options->run.give_up_time != 0)
        (void)fprintf(out, "; given up: %.0f requests", spread_of(results, count, COLUMN_ALL_TYPES, "given_up").median);
    const struct latency_summary *all = typical->latencies == NULL ? NULL : &typical->latencies[typical->type_count];
    if (all != NULL && all->attempts.max > 1)
        (void)fprintf(out, "; attempts: p99 %llu, max %llu", (unsigned long long)all->attempts.p99,
                      (unsigned long long)all->attempts.max);
    (void)fputc('\n', out);
}

static void operations_print(FILE *out, struct result *const *results, size_t count)
{
    if (results[0]->all.operations == 0 ||
        !line_begin(out, results, count, "operations", "throughput_op_per_s", quantity_count, " op/s"))
        return;
    const struct statistics_summary each = spread_of(results, count, COLUMN_ALL_TYPES, "ns_per_op");
    if (each.count > 0)
        (void)fprintf(out, ", each %s ns of worker time", format_plain(each.median));
    if (each.count > 0 && each.min < each.max)
        (void)fprintf(out, " (%s .. %s)", format_plain(each.min), format_plain(each.max));
    (void)fputc('\n', out);
}

/* "acknowledged    1.20M txn/s; 976 bytes of log a transaction, 210 flushes/s, 4.1ms behind in the end" */
static void log_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    if (line_begin(out, results, count, "acknowledged", "acknowledged_txn_per_s", quantity_count, " txn/s"))
        (void)fprintf(out, "; %.0f bytes of log a transaction, %.0f flushes/s, %s behind in the end\n",
                      column_number("log_bytes_per_txn", typical, COLUMN_ALL_TYPES),
                      column_number("log_flushes_per_s", typical, COLUMN_ALL_TYPES),
                      format_ns(1e3 * column_number("durable_lag_us", typical, COLUMN_ALL_TYPES)));
}

static void space_print(FILE *out, struct result *const *results, size_t count, const struct result *typical)
{
    if (line_begin(out, results, count, "space", "bytes_per_row", format_plain, " bytes per row")) {
        const struct statistics_summary versions = spread_of(results, count, COLUMN_ALL_TYPES, "versions_per_row");
        if (versions.count > 0)
            (void)fprintf(out, ", all included; %s versions per row", format_plain(versions.median));
        (void)fputc('\n', out);
    }
    memory_print(out, results, count, typical);
    growth_print(out, typical);
}

void summary_print(FILE *out, struct result *const *results, size_t count, const char *warning)
{
    size_t all = count;
    while (count > 1 && results[count - 1]->outcome == OUTCOME_INTERRUPTED)
        count--;
    if (count == 0)
        return;
    const struct result *typical = typical_of(results, count);
    head_print(out, typical);
    report_print(out, typical);
    throughput_print(out, results, count);
    types_print(out, results, count);
    open_loop_print(out, results, count);
    latency_print(out, typical);
    calls_print(out, typical);
    aborts_print(out, results, count, typical);
    log_print(out, results, count, typical);
    check_print(out, results, all);
    repetitions_print(out, results, count, typical);
    steady_print(out, results, count);
    operations_print(out, results, count);
    shares_print(out, results, count);
    space_print(out, results, count, typical);
    if (line_begin(out, results, count, "load", "load_rows_per_s", quantity_count, " rows/s"))
        (void)fprintf(out, "; %s rows\n", quantity_count((double)results[0]->load_rows));
    counters_print(out, typical);
    proximity_print(out, results, count, typical);
    promises_print(out, typical);
    steady_warn(out, results, count);
    warnings_print(out, results[0]);
    if (warning != NULL)
        (void)fprintf(out, "  warning: %s\n", warning);
    SUPPORT_FREED char *shares = typical->plan == NULL ? NULL : pmu_share_warning(typical->plan, typical->counters);
    if (shares != NULL)
        (void)fprintf(out, "  warning: %s\n", shares);
    if (all > count)
        warnings_print(out, results[all - 1]);
}
