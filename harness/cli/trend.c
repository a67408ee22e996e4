/* trend.c - `maemio trend DIR|RESULTS.csv...`: see harness/analysis/trend.h. */
#include "harness/analysis/trend.h"

#include "harness/cli/commands.h"

static const char *check(const struct command_line *line)
{
    const char *const *commit = line->options[1].value;
    return *commit != NULL && **commit == '\0' ? "--commit: is empty" : NULL;
}

enum exit_code trend_command(int argc, char **argv)
{
    struct trend_request request = {.into = "results/trend"};
    struct command_option options[] = {
        COMMAND_OPTION("into", TEXT, &request.into, "FOLDER",
                       "folder of the series, one CSV and picture each [default results/trend]"),
        COMMAND_OPTION("commit", TEXT, &request.commit, "TEXT",
                       "what the results are of, instead of the revision they name"),
        COMMAND_OPTION("no-plot", FLAG, &request.no_plot, NULL, "add to the series only"),
        {0}};
    struct command_line line = {
        .arguments = "DIR|RESULTS.csv...",
        .doc = "Adds results to the trend over commits: a CSV for each configuration, with time, commit and the median "
               "of each metric with its interval, as change-point tools read them, and a picture of it. What was "
               "added before is not added again.\v"
               "DIR holds a results.csv, as sweep and figure leave it, or folders that do, or is a report of "
               "scripts/regress. Histories of transactions are something else: see `maemio --help'.",
        .options = options,
        .least = 1,
        .most = SIZE_MAX,
        .wanted = "name a folder of results",
        .check = check};
    request.source_count = command_read(&line, argc, argv);
    request.sources = (const char *const *)argv + 1;
    return command_end(argv[0], trend_add(argv[0], &request));
}
