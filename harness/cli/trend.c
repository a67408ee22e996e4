/* trend.c - `maemio trend DIR|RESULTS.csv...`: see harness/analysis/trend.h. */
#include "harness/analysis/trend.h"

#include <argp.h>
#include <stdlib.h>

#include "harness/cli/commands.h"
#include "harness/common/support.h"

enum { KEY_INTO = 0x100, KEY_COMMIT, KEY_NO_PLOT };

struct arguments {
    struct trend_request request;
    const char **sources;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_INTO:
        arguments->request.into = argument;
        return 0;
    case KEY_COMMIT:
        if (*argument == '\0')
            argp_error(state, "--commit: is empty");
        arguments->request.commit = argument;
        return 0;
    case KEY_NO_PLOT:
        arguments->request.no_plot = true;
        return 0;
    case ARGP_KEY_ARG:
        arguments->sources[arguments->request.source_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a folder of results");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

enum exit_code trend_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"into", KEY_INTO, "FOLDER", 0, "of the series, one CSV and picture each [default results/trend]", 0},
        {"commit", KEY_COMMIT, "TEXT", 0, "what the results are of, instead of the revision they name", 0},
        {"no-plot", KEY_NO_PLOT, NULL, 0, "add to the series only", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DIR|RESULTS.csv...",
        .doc = "Adds results to the trend over commits: a CSV for each configuration, with time, commit and the median "
               "of each metric with its interval, as change-point tools read them, and a picture of it. What was "
               "added before is not added again.\v"
               "DIR holds a results.csv, as sweep and figure leave it, or folders that do, or is a report of "
               "scripts/regress. Histories of transactions are something else: see `maemio --help'."};
    struct arguments arguments = {.request = {.into = "results/trend"}};
    arguments.sources = support_alloc((size_t)argc * sizeof *arguments.sources);
    arguments.request.sources = arguments.sources;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    enum exit_code code = trend_add(argv[0], &arguments.request);
    free(arguments.sources);
    return command_end(argv[0], code);
}
