/* report.c - `maemio report`: of a result file a table (repetitions.h), of a folder a page (report_html.h). */

#include "harness/analysis/repetitions.h"
#include "harness/cli/commands.h"
#include "harness/common/program.h"
#include "harness/figures/report_html.h"

struct request {
    const char *file, *metric, *format, *type;
};

static enum exit_code table_print(const char *name, const struct request *request)
{
    struct repetitions repetitions;
    char error[CSV_TABLE_ERROR_BYTES];
    bool fine = repetitions_read(&repetitions, request->file, request->metric, request->type, error) ||
                support_complain(name, "%s", error);
    if (fine)
        (strcmp(request->format, "csv") == 0 ? repetitions_print_csv : repetitions_print_table)(&repetitions, stdout);
    repetitions_free(&repetitions);
    return fine ? EXIT_FINE : EXIT_FAILED;
}

enum exit_code report_command(int argc, char **argv)
{
    struct request request = {.metric = "throughput_txn_per_s", .format = "table", .type = "all"};
    struct command_option options[] = {
        COMMAND_OPTION("metric", TEXT, &request.metric, "COLUMN", "which column [default throughput_txn_per_s]"),
        COMMAND_OPTION("txn-type", TEXT, &request.type, "NAME",
                       "rows of this transaction type [default all: those over all types]"),
        COMMAND_OPTION("format", WORD, &request.format, "table|csv", "[default table]"),
        {0}};
    struct command_line line = {
        .arguments = "RESULTS.csv\nFOLDER",
        .doc = "For each configuration in a result file: median, mean, least and largest of its repetitions, and the "
               "exact interval of the median, with what it covers. Outliers (beyond 1.5 interquartile ranges) are "
               "marked and counted in.\v"
               "Of a FOLDER it writes FOLDER/report.html: figures, the paper's claims, tables and provenance of what "
               "`maemio figure' or one `maemio sweep' left there. The options are for files only.",
        .options = options,
        .least = 1,
        .most = 1,
        .wanted = "name a file or a folder of results"};
    (void)command_read(&line, argc, argv);
    request.file = argv[1];
    bool is_folder = program_is_folder(request.file);
    for (const struct command_option *option = options; is_folder && option->name != NULL; option++)
        if (option->given && !support_complain(argv[0], "--%s: is for a file of results, and %s is a folder",
                                               option->name, request.file))
            return EXIT_USAGE;
    SUPPORT_FREED char *share = is_folder ? program_share(argv[0]) : NULL;
    return command_end(argv[0], !is_folder      ? table_print(argv[0], &request)
                                : share == NULL ? EXIT_USAGE
                                                : report_page(argv[0], share, request.file));
}
