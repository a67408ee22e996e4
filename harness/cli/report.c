/* report.c - `maemio report`: of a result file a table (repetitions.h), of a folder a page (report_html.h). */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/common/support.h"
#include "harness/analysis/repetitions.h"
#include "harness/cli/commands.h"
#include "harness/common/program.h"
#include "harness/figures/report_html.h"

enum { KEY_METRIC = 0x1000, KEY_FORMAT, KEY_TYPE };

struct request {
    const char *file, *metric, *format, *type;
    const char *given; /* an option that is; NULL */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_METRIC:
        request->metric = argument;
        request->given = "metric";
        return 0;
    case KEY_TYPE:
        request->type = argument;
        request->given = "txn-type";
        return 0;
    case KEY_FORMAT:
        if (strcmp(argument, "table") != 0 && strcmp(argument, "csv") != 0)
            argp_error(state, "--format: '%s' is none of table|csv", argument);
        request->format = argument;
        request->given = "format";
        return 0;
    case ARGP_KEY_ARG:
        if (request->file != NULL)
            argp_error(state, "unexpected argument '%s'", argument);
        request->file = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a file or a folder of results");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum exit_code table_print(const char *name, const struct request *request)
{
    struct repetitions repetitions;
    char error[CSV_TABLE_ERROR_BYTES];
    enum exit_code code = EXIT_FINE;
    if (repetitions_read(&repetitions, request->file, request->metric, request->type, error)) {
        (strcmp(request->format, "csv") == 0 ? repetitions_print_csv : repetitions_print_table)(&repetitions, stdout);
    } else {
        support_complain(name, "%s", error);
        code = EXIT_FAILED;
    }
    repetitions_free(&repetitions);
    return code;
}

static enum exit_code page_make(const char *name, const char *folder)
{
    char *share = program_share(name);
    enum exit_code code = share == NULL ? EXIT_USAGE : report_page(name, share, folder);
    free(share);
    return code;
}

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
        .args_doc = "RESULTS.csv\nFOLDER",
        .doc = "For each configuration in a result file: median, mean, least and largest of its repetitions, and the "
               "exact interval of the median, with what it covers. Outliers (beyond 1.5 interquartile ranges) are "
               "marked and counted in.\v"
               "Of a FOLDER it writes FOLDER/report.html: figures, the paper's claims, tables and provenance of what "
               "`maemio figure' or one `maemio sweep' left there. The options are for files only."};
    struct request request = {.metric = "throughput_txn_per_s", .format = "table", .type = "all"};
    struct stat info;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    bool is_folder = stat(request.file, &info) == 0 && S_ISDIR(info.st_mode);
    if (is_folder && request.given != NULL) {
        support_complain(argv[0], "--%s: is for a file of results, and %s is a folder", request.given, request.file);
        return EXIT_USAGE;
    }
    return command_end(argv[0], is_folder ? page_make(argv[0], request.file) : table_print(argv[0], &request));
}
