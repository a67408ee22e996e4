/* report.c - `maemio report`: of a result file a table (repetitions.h), of a folder a page (report_html.h). */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "harness/analysis/repetitions.h"
#include "harness/cli/commands.h"
#include "harness/figures/report_html.h"

enum { KEY_METRIC = 0x1000, KEY_FORMAT, KEY_TYPE };

struct request {
    const char *file, *metric, *format, *type;
};

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
    case KEY_FORMAT:
        if (strcmp(argument, "table") != 0 && strcmp(argument, "csv") != 0)
            argp_error(state, "--format: '%s' is none of table|csv", argument);
        request->format = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->file != NULL)
            argp_error(state, "unexpected argument '%s'", argument);
        request->file = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum exit_code table_command(int argc, char **argv)
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
    struct request request = {.metric = "throughput_txn_per_s", .format = "table", .type = "all"};
    struct repetitions repetitions;
    char error[CSV_TABLE_ERROR_BYTES];
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    enum exit_code code = EXIT_FAILED;
    if (!repetitions_read(&repetitions, request.file, request.metric, request.type, error)) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], error);
    } else {
        (strcmp(request.format, "csv") == 0 ? repetitions_print_csv : repetitions_print_table)(&repetitions, stdout);
        code = command_end(argv[0], EXIT_FINE);
    }
    repetitions_free(&repetitions);
    return code;
}

enum exit_code report_command(int argc, char **argv)
{
    return report_html_wanted(argc, argv) ? report_html_command(argc, argv) : table_command(argc, argv);
}
