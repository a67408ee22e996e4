/* compare.c - `maemio compare A.csv B.csv`: is B slower than A? See harness/analysis/compare.h. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/compare.h"
#include "harness/cli/commands.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/record/columns.h"

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

enum { FILES = 2 };

struct request {
    const char *files[FILES];
    size_t file_count;
    const char *metric, *format, *type, *blocks, *match, *noise_path;
    enum column_better said; /* --lower-is-better, --higher-is-better */
    bool strict;
    double threshold, noise;
    uint64_t seed, looks, noise_blocks;
    const char **ignored;
    size_t ignored_count;
};

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
        if (strcmp(argument, "table") != 0 && strcmp(argument, "csv") != 0 && strcmp(argument, "json") != 0)
            argp_error(state, "--format: '%s' is none of table|csv|json", argument);
        request->format = argument;
        return 0;
    case KEY_STRICT:
        request->strict = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->file_count == FILES)
            argp_error(state, "unexpected argument '%s'", argument);
        request->files[request->file_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->file_count < FILES)
            argp_error(state, "name two result files");
        if (request->noise_path != NULL && request->blocks == NULL)
            argp_error(state, "--noise-file: holds blocks of runs, so say --blocks");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Which values of the metric are better; ends the program where that is not known, or known to be otherwise. */
static enum column_better direction_of(const char *name, const struct request *request)
{
    enum column_better known = column_better(request->metric);
    if (known == COLUMN_UNSAID && request->said == COLUMN_UNSAID)
        support_complain(name,
                         "--metric %s: nothing says which values are better: say --lower-is-better or "
                         "--higher-is-better",
                         request->metric);
    else if (known != COLUMN_UNSAID && request->said != COLUMN_UNSAID && request->said != known)
        support_complain(name, "--metric %s: %s is better, whatever is said", request->metric,
                         known == COLUMN_LESS ? "lower" : "higher");
    else
        return known == COLUMN_UNSAID ? request->said : known;
    exit(EXIT_USAGE);
}

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
    .doc = "Is B slower than A? Joins the rows of two result files by configuration and compares the repetitions of "
           "each.\vA configuration is faster or slower if the interval of the ratio of medians excludes 1, the "
           "Mann-Whitney U test has p <= 0.05, corrected by Holm's method for the number of configurations, and the "
           "ratio is beyond threshold and noise. Every interval says what share of experiments it covers: few "
           "repetitions cannot reach 95%.\n\n"
           "Exit codes: 0 nothing is slower, 4 something is, 3 a run failed its check, 5 inconclusive with --strict, "
           "1 nothing could be compared."};

enum exit_code compare_command(int argc, char **argv)
{
    struct request request = {
        .metric = "throughput_txn_per_s", .format = "table", .type = "all", .threshold = 0.03, .seed = 1};
    char error[COMPARE_ERROR_BYTES];
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    bool lower_is_better = direction_of(argv[0], &request) == COLUMN_LESS;
    struct compare_options compare_options = {.metric = request.metric,
                                              .lower_is_better = lower_is_better,
                                              .ignored = request.ignored,
                                              .type = request.type,
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
        support_complain(argv[0], "%s", error);
    } else {
        (strcmp(request.format, "csv") == 0    ? compare_print_csv
         : strcmp(request.format, "json") == 0 ? compare_print_json
                                               : compare_print_table)(compare, stdout);
        code = command_end(argv[0], compare_exit(compare, request.strict));
    }
    compare_destroy(compare);
    free(request.ignored);
    return code;
}
