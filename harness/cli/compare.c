/* compare.c - `maemio compare A.csv B.csv`: is B slower than A? See harness/analysis/compare.h. */

#include "harness/analysis/compare.h"
#include "harness/cli/commands.h"
#include "harness/record/columns.h"

struct request {
    struct compare_options options;
    const char *format;
    bool lower, higher, strict; /* --lower-is-better, --higher-is-better */
    struct support_list ignored;
};

static const char *check(const struct command_line *line)
{
    bool blocks = false, noise_file = false;
    for (const struct command_option *option = line->options; option->name != NULL; option++) {
        blocks |= option->given && strcmp(option->name, "blocks") == 0;
        noise_file |= option->given && strcmp(option->name, "noise-file") == 0;
    }
    return noise_file && !blocks ? "--noise-file: holds blocks of runs, so say --blocks" : NULL;
}

/* Which values of the metric are better; ends the program where that is not known, or known to be otherwise. */
static enum column_better direction_of(const char *name, const struct request *request)
{
    const char *metric = request->options.metric;
    enum column_better known = column_better(metric);
    enum column_better said = request->lower ? COLUMN_LESS : request->higher ? COLUMN_MORE : COLUMN_UNSAID;
    if (known == COLUMN_UNSAID && said == COLUMN_UNSAID)
        support_complain(name,
                         "--metric %s: nothing says which values are better: of a column with numbers (`maemio list "
                         "columns`) say --lower-is-better or --higher-is-better",
                         metric);
    else if (known != COLUMN_UNSAID && said != COLUMN_UNSAID && said != known)
        support_complain(name, "--metric %s: %s is better, whatever is said", metric,
                         known == COLUMN_LESS ? "lower" : "higher");
    else
        return known == COLUMN_UNSAID ? said : known;
    exit(EXIT_USAGE);
}

static void print(const struct compare *compare, const char *format)
{
    (strcmp(format, "csv") == 0    ? compare_print_csv
     : strcmp(format, "json") == 0 ? compare_print_json
                                   : compare_print_table)(compare, stdout);
}

enum exit_code compare_command(int argc, char **argv)
{
    struct request request = {
        .options = {.metric = "throughput_txn_per_s", .type = "all", .threshold = 0.03, .seed = 1}, .format = "table"};
    struct compare_options *asked = &request.options;
    struct command_option options[] = {
        COMMAND_OPTION("metric", TEXT, &asked->metric, "COLUMN", "what is compared [default throughput_txn_per_s]"),
        COMMAND_OPTION("lower-is-better", FLAG, &request.lower, NULL,
                       "of the metric; needed only where `maemio list columns' does not say which is better"),
        COMMAND_OPTION("higher-is-better", FLAG, &request.higher, NULL,
                       "of the metric; needed only where `maemio list columns' does not say which is better"),
        COMMAND_OPTION("txn-type", TEXT, &asked->type, "NAME",
                       "rows of this transaction type [default all: those over all types]"),
        COMMAND_OPTION(
            "ignore", LIST, &request.ignored, "COLUMN",
            "an option that may differ between A and B, such as opt_backoff, or wl_* for all of these; repeatable"),
        COMMAND_OPTION("threshold", SHARE, &asked->threshold, "SHARE",
                       "differences up to this do not count [default 3%]"),
        COMMAND_OPTION("noise", SHARE, &asked->noise, "SHARE",
                       "differences up to what A against A shows on this machine do not count [default 0]"),
        COMMAND_OPTION("blocks", TEXT, &asked->blocks, "COLUMN",
                       "A and B were run side by side where they agree in this column [default repetition]: compare "
                       "only within such "
                       "blocks, so that the machine's drift drops out",
                       .missing = "repetition"),
        COMMAND_OPTION("noise-file", TEXT, &asked->noise_path, "AA.csv",
                       "blocks of A alone, each A A' A' A: differences up to what it shows do not count"),
        COMMAND_OPTION("noise-blocks", COUNT, &asked->noise_blocks, "N",
                       "what --noise-file shows counts as N blocks would show it [default as many as A and B have]"),
        COMMAND_OPTION(
            "looks", COUNT, &asked->looks, "N",
            "the files are compared N times while they grow: a chance of 5% of any false alarm is shared out over the "
            "looks [default 0: they are compared once]"),
        COMMAND_OPTION("match", TEXT, &asked->match, "COLUMN",
                       "rows that agree in this column are of one configuration, whatever else differs, such as label"),
        COMMAND_OPTION("seed", COUNT, &asked->seed, "N", "seed of the resampling of --noise-file [default 1]"),
        COMMAND_OPTION("format", WORD, &request.format, "table|csv|json", "[default table]"),
        COMMAND_OPTION("strict", FLAG, &request.strict, NULL, "exit code 5 if anything is inconclusive or not matched"),
        {0}};
    struct command_line line = {
        .arguments = "A.csv B.csv",
        .doc = "Is B slower than A? Joins the rows of two result files by configuration and compares the repetitions "
               "of each.\vA configuration is faster or slower if the interval of the ratio of medians excludes 1, the "
               "Mann-Whitney U test has p <= 0.05, corrected by Holm's method for the number of configurations, and "
               "the ratio is beyond threshold and noise. Every interval says what share of experiments it covers: few "
               "repetitions cannot reach 95%.\n\n"
               "Exit codes: 0 nothing is slower, 4 something is, 3 a run failed its check, 5 inconclusive with "
               "--strict, 2 wrong usage, 1 nothing could be compared.",
        .options = options,
        .least = 2,
        .most = 2,
        .wanted = "name two result files",
        .check = check};
    char error[COMPARE_ERROR_BYTES];
    (void)command_read(&line, argc, argv);
    asked->lower_is_better = direction_of(argv[0], &request) == COLUMN_LESS;
    asked->ignored = request.ignored.items;
    struct compare *compare = compare_files(argv[1], argv[2], asked, error);
    enum exit_code code = EXIT_FAILED;
    if (compare == NULL) {
        support_complain(argv[0], "%s", error);
    } else {
        print(compare, request.format);
        code = command_end(argv[0], compare_exit(compare, request.strict));
    }
    compare_destroy(compare);
    support_list_free(&request.ignored);
    return code;
}
