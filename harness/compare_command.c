/* compare_command.c - see compare_command.h. */
#include "harness/compare_command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/columns.h"
#include "harness/compare.h"
#include "harness/csv.h"
#include "harness/csv_table.h"
#include "harness/latency.h"
#include "harness/quantity.h"
#include "harness/repetitions.h"
#include "harness/support.h"

enum {
    KEY_METRIC = 0x1000,
    KEY_LOWER,
    KEY_HIGHER,
    KEY_IGNORE,
    KEY_THRESHOLD,
    KEY_NOISE,
    KEY_SEED,
    KEY_FORMAT,
    KEY_STRICT,
    KEY_TYPE,
    KEY_BLOCKS,
    KEY_LOOKS,
    KEY_MATCH,
    KEY_NOISE_FILE,
    KEY_NOISE_BLOCKS
};

enum { FILES_MAX = 256 };

struct request {
    const char *files[FILES_MAX];
    size_t file_count, files_least, files_most;
    const char *metric, *format, *formats, *type, *blocks, *match, *noise_path;
    enum column_better said; /* --lower-is-better, --higher-is-better */
    bool strict;
    double threshold, noise;
    uint64_t seed, looks, noise_blocks;
    const char **ignored;
    size_t ignored_count;
};

static enum exit_code output_end(const char *name, enum exit_code code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "%s: stdout cannot be written\n", name);
    return EXIT_FAILED;
}

/* 3% or 0.03. */
static double share_read(struct argp_state *state, const char *option, const char *text)
{
    char number[64];
    double value = 0;
    size_t length = strlen(text);
    bool percent = length > 0 && text[length - 1] == '%';
    (void)snprintf(number, sizeof number, "%.*s", (int)(percent ? length - 1 : length), text);
    if (!quantity_parse_f64(number, &value) || value < 0)
        argp_error(state, "%s: '%s' is not a share such as 3%% or 0.03", option, text);
    return percent ? value / 100 : value;
}

static uint64_t count_read(struct argp_state *state, const char *option, const char *text)
{
    uint64_t value = 0;
    if (!quantity_parse_u64(text, QUANTITY_COUNT, &value))
        argp_error(state, "%s: '%s' is not a whole number", option, text);
    return value;
}

static bool one_of(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_METRIC:
        request->metric = argument;
        return 0;
    case KEY_TYPE:
        request->type = argument;
        return 0;
    case KEY_LOWER:
        request->said = COLUMN_LESS;
        return 0;
    case KEY_HIGHER:
        request->said = COLUMN_MORE;
        return 0;
    case KEY_IGNORE:
        request->ignored = support_realloc(request->ignored, (request->ignored_count + 2) * sizeof *request->ignored);
        request->ignored[request->ignored_count++] = argument;
        request->ignored[request->ignored_count] = NULL;
        return 0;
    case KEY_THRESHOLD:
        request->threshold = share_read(state, "--threshold", argument);
        return 0;
    case KEY_NOISE:
        request->noise = share_read(state, "--noise", argument);
        return 0;
    case KEY_SEED:
        request->seed = count_read(state, "--seed", argument);
        return 0;
    case KEY_BLOCKS:
        request->blocks = argument ? argument : "repetition";
        return 0;
    case KEY_LOOKS:
        request->looks = count_read(state, "--looks", argument);
        return 0;
    case KEY_MATCH:
        request->match = argument;
        return 0;
    case KEY_NOISE_FILE:
        request->noise_path = argument;
        return 0;
    case KEY_NOISE_BLOCKS:
        request->noise_blocks = count_read(state, "--noise-blocks", argument);
        return 0;
    case KEY_FORMAT:
        if (!one_of(request->formats, argument))
            argp_error(state, "--format: '%s' is none of %s", argument, request->formats);
        request->format = argument;
        return 0;
    case KEY_STRICT:
        request->strict = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->file_count == request->files_most)
            argp_error(state, "unexpected argument '%s'", argument);
        request->files[request->file_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->file_count < request->files_least)
            argp_error(state, request->files_least == 2 ? "name two result files" : "name a file");
        if (request->noise_path != NULL && request->blocks == NULL)
            argp_error(state, "--noise-file: holds blocks of runs, so say --blocks");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- compare ---- */

/* Every column of this build that is no configuration, and families that other builds may have more of. */
static const char **not_configuration(void)
{
    static const char *const families[] = {"aborts_*", "eng_*", "pmu_*", "latency_*", "response_*", "mem_*"};
    enum { FAMILIES = sizeof families / sizeof families[0] };
    const char **names = support_alloc((column_count() + FAMILIES + 2) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < column_count(); i++)
        if (!column_info(i)->is_configuration)
            names[count++] = column_info(i)->name;
    names[count++] = "txn_type"; /* one is chosen */
    for (size_t i = 0; i < FAMILIES; i++)
        names[count++] = families[i];
    return names;
}

/* Which values of the metric are better; ends the program where that is not known, or known to be otherwise. */
static enum column_better direction_of(const char *name, const struct request *request)
{
    enum column_better known = column_better(request->metric);
    if (known == COLUMN_UNSAID && request->said == COLUMN_UNSAID)
        (void)fprintf(stderr,
                      "%s: --metric %s: nothing says which values are better: say --lower-is-better or "
                      "--higher-is-better\n",
                      name, request->metric);
    else if (known != COLUMN_UNSAID && request->said != COLUMN_UNSAID && request->said != known)
        (void)fprintf(stderr, "%s: --metric %s: %s is better, whatever is said\n", name, request->metric,
                      known == COLUMN_LESS ? "lower" : "higher");
    else
        return known == COLUMN_UNSAID ? request->said : known;
    exit(EXIT_USAGE);
}

enum exit_code compare_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"metric", KEY_METRIC, "COLUMN", 0, "what is compared [default throughput_txn_per_s]", 0},
        {"lower-is-better", KEY_LOWER, NULL, 0,
         "of the metric; needed only where `maemio list columns' does not say which is better", 0},
        {"higher-is-better", KEY_HIGHER, NULL, 0, "likewise", 0},
        {"txn-type", KEY_TYPE, "NAME", 0, "rows of this transaction type [default all: those over all types]", 0},
        {"ignore", KEY_IGNORE, "COLUMN", 0,
         "an option that may differ between A and B, such as opt_backoff; * at the end for any ending; repeatable", 0},
        {"threshold", KEY_THRESHOLD, "SHARE", 0, "differences up to this do not count [default 3%]", 0},
        {"noise", KEY_NOISE, "SHARE", 0, "nor do those up to what A against A shows here [default 0]", 0},
        {"blocks", KEY_BLOCKS, "COLUMN", OPTION_ARG_OPTIONAL,
         "A and B were run side by side where they agree in this column [default repetition]: compare only within such "
         "blocks, so that the machine's drift drops out",
         0},
        {"noise-file", KEY_NOISE_FILE, "AA.csv", 0,
         "blocks of A alone, each A A' A' A: differences up to what it shows do not count", 0},
        {"noise-blocks", KEY_NOISE_BLOCKS, "N", 0, "as N blocks would show it [default as many as A and B have]", 0},
        {"looks", KEY_LOOKS, "N", 0,
         "the files are compared N times while they grow: a chance of 5% of any false alarm is shared out over the "
         "looks "
         "[default 0: they are compared once]",
         0},
        {"match", KEY_MATCH, "COLUMN", 0,
         "rows that agree in this column are of one configuration, whatever else differs, such as label", 0},
        {"seed", KEY_SEED, "N", 0, "of the resampling of --noise-file [default 1]", 0},
        {"format", KEY_FORMAT, "table|csv|json", 0, "[default table]", 0},
        {"strict", KEY_STRICT, NULL, 0, "exit code 5 if anything is inconclusive or not matched", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "A.csv B.csv",
        .doc =
            "Is B slower than A? Joins the rows of two result files by configuration and compares the repetitions of "
            "each.\vA configuration is faster or slower if the interval of the ratio of medians excludes 1, the "
            "Mann-Whitney U test has p <= 0.05, corrected by Holm's method for the number of configurations, and the "
            "ratio is beyond threshold and noise. Every interval says what share of experiments it covers: few "
            "repetitions cannot reach 95%.\n\n"
            "Exit codes: 0 nothing is slower, 4 something is, 3 a run failed its check, 5 inconclusive with --strict, "
            "1 nothing could be compared."};
    struct request request = {.files_least = 2,
                              .files_most = 2,
                              .metric = "throughput_txn_per_s",
                              .format = "table",
                              .formats = "table|csv|json",
                              .type = "all",
                              .threshold = 0.03,
                              .seed = 1};
    char error[COMPARE_ERROR_BYTES];
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    bool lower_is_better = direction_of(argv[0], &request) == COLUMN_LESS;
    const char **names = not_configuration();
    const struct compare_filter filters[] = {
        {"outcome", "complete", NULL}, {"check_result", "passed|skipped", "failed"}, {0}};
    const struct compare_filter chosen[] = {{"txn_type", request.type, NULL}, {0}};
    struct compare_options compare_options = {.metric = request.metric,
                                              .lower_is_better = lower_is_better,
                                              .not_configuration = names,
                                              .ignored = request.ignored,
                                              .filters = filters,
                                              .chosen = chosen,
                                              .threshold = request.threshold,
                                              .noise = request.noise,
                                              .match = request.match,
                                              .noise_path = request.noise_path,
                                              .noise_blocks = request.noise_blocks,
                                              .blocks = request.blocks,
                                              .looks = request.looks,
                                              .seed = request.seed};
    struct compare *compare = compare_files(request.files[0], request.files[1], &compare_options, error);
    enum exit_code code = EXIT_FAILED;
    if (compare == NULL) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], error);
    } else {
        (strcmp(request.format, "csv") == 0    ? compare_print_csv
         : strcmp(request.format, "json") == 0 ? compare_print_json
                                               : compare_print_table)(compare, stdout);
        code = output_end(argv[0], compare_exit(compare, request.strict));
    }
    compare_destroy(compare);
    free(names);
    free(request.ignored);
    return code;
}

/* ---- report ---- */

enum exit_code report_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"metric", KEY_METRIC, "COLUMN", 0, "which column [default throughput_txn_per_s]", 0},
        {"txn-type", KEY_TYPE, "NAME", 0, "rows of this transaction type [default all: those over all types]", 0},
        {"format", KEY_FORMAT, "table|csv", 0, "[default table]", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "RESULTS.csv",
        .doc = "For each configuration in a result file: median, mean, least and largest of its repetitions, and the "
               "exact interval of the median, with what it covers. Outliers (beyond 1.5 interquartile ranges) are "
               "marked and "
               "counted in."};
    struct request request = {.files_least = 1,
                              .files_most = 1,
                              .metric = "throughput_txn_per_s",
                              .format = "table",
                              .formats = "table|csv",
                              .type = "all"};
    struct repetitions repetitions;
    char error[CSV_TABLE_ERROR_BYTES];
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum exit_code code = EXIT_FAILED;
    if (!repetitions_read(&repetitions, request.files[0], request.metric, request.type, error)) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], error);
    } else {
        (strcmp(request.format, "csv") == 0 ? repetitions_print_csv : repetitions_print_table)(&repetitions, stdout);
        code = output_end(argv[0], EXIT_FINE);
    }
    repetitions_free(&repetitions);
    return code;
}

/* ---- latency ---- */

/* Histograms of one configuration, transaction type and quantity, over workers, repetitions and files. */
enum { MERGED_KEYS = 7 }; /* config_hash, label, workload, target, threads, txn_type, quantity */

struct merged {
    char *keys[MERGED_KEYS];
    struct histogram *histogram;
};

struct merges {
    struct merged *items;
    size_t count;
};

static struct merged *merged_find(struct merges *merges, char *const fields[MERGED_KEYS])
{
    for (size_t i = 0; i < merges->count; i++) {
        bool same = true;
        for (size_t j = 0; same && j < MERGED_KEYS; j++)
            same = strcmp(merges->items[i].keys[j], fields[j]) == 0;
        if (same)
            return &merges->items[i];
    }
    merges->items = support_realloc(merges->items, (merges->count + 1) * sizeof *merges->items);
    struct merged *fresh = &merges->items[merges->count++];
    for (size_t j = 0; j < MERGED_KEYS; j++)
        fresh->keys[j] = support_copy(fields[j]);
    fresh->histogram = support_alloc(sizeof *fresh->histogram);
    histogram_init(fresh->histogram);
    return fresh;
}

static bool dump_read(struct merges *merges, const char *path, char *error)
{
    static const char *const names[] = {"config_hash", "label", "workload", "target", "threads", "txn_type",
                                        "quantity",    "row",   "low",      "high",   "count",   "sum"};
    enum { COLUMNS = sizeof names / sizeof names[0] };
    struct csv_table table;
    int at[COLUMNS];
    if (!csv_table_read(&table, path, error))
        return false;
    bool fine = true;
    for (size_t i = 0; fine && i < COLUMNS; i++) {
        at[i] = csv_table_column(&table, names[i]);
        fine = at[i] >= 0;
        if (!fine)
            (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s: has no column '%s': it is not of --latency-csv", path,
                           names[i]);
    }
    for (size_t i = 0; fine && i < table.row_count; i++) {
        char *fields[COLUMNS], why[256], line[256];
        for (size_t j = 0; j < COLUMNS; j++)
            fields[j] = table.rows[i].fields[at[j]];
        (void)snprintf(line, sizeof line, "%s,%s,%s,%s,%s", fields[7], fields[8], fields[9], fields[10], fields[11]);
        fine = histogram_load_line(merged_find(merges, fields)->histogram, line, why, sizeof why);
        if (!fine)
            (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s:%u: %s", path, table.rows[i].line, why);
    }
    csv_table_free(&table);
    return fine;
}

static void merged_print(const struct merged *merged)
{
    struct latency_digest digest;
    latency_digest(merged->histogram, &digest);
    struct support_text text = {0};
    for (size_t i = 0; i < MERGED_KEYS; i++) {
        csv_field_add(&text, merged->keys[i]);
        support_text_add(&text, ",");
    }
    (void)printf("%s%llu,%.10g", text.text, (unsigned long long)digest.count, digest.mean);
    free(text.text);
#define PERCENTILE_PRINT(name, percent) (void)printf(",%llu", (unsigned long long)digest.name);
    LATENCY_PERCENTILE_TABLE(PERCENTILE_PRINT)
#undef PERCENTILE_PRINT
    (void)printf(",%llu\n", (unsigned long long)digest.max);
}

enum exit_code latency_command(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "LATENCY.csv...",
        .doc =
            "Merges the histograms of --latency-csv files over workers, repetitions and files, and prints a CSV: one "
            "row a configuration, label, transaction type and quantity (service_ns, response_ns, attempts), with "
            "count, mean, percentiles and maximum."};
    struct request request = {.files_least = 1, .files_most = FILES_MAX, .formats = ""};
    struct merges merges = {0};
    char error[CSV_TABLE_ERROR_BYTES];
    bool fine = true;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    for (size_t i = 0; fine && i < request.file_count; i++)
        fine = dump_read(&merges, request.files[i], error);
    for (size_t i = 0; fine && i < merges.count; i++) {
        fine = histogram_complete(merges.items[i].histogram);
        if (!fine)
            (void)snprintf(error, sizeof error, "%s %s: lines are missing: totals and buckets do not agree",
                           merges.items[i].keys[5], merges.items[i].keys[6]);
    }
    if (!fine)
        (void)fprintf(stderr, "%s: %s\n", argv[0], error);
    if (fine)
        (void)puts("config_hash,label,workload,target,threads,txn_type,quantity,count,mean"
#define PERCENTILE_NAME(name, percent) "," #name
                   LATENCY_PERCENTILE_TABLE(PERCENTILE_NAME)
#undef PERCENTILE_NAME
                       ",max");
    for (size_t i = 0; i < merges.count; i++) {
        if (fine)
            merged_print(&merges.items[i]);
        for (size_t j = 0; j < MERGED_KEYS; j++)
            free(merges.items[i].keys[j]);
        free(merges.items[i].histogram);
    }
    free(merges.items);
    return output_end(argv[0], fine ? EXIT_FINE : EXIT_FAILED);
}
