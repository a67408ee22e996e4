/* figure.c - `maemio figure NAME... | all`: see harness/figures/figure.h. */
#include "harness/figures/figure.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/common/support.h"

enum { KEY_PLOT_ONLY = 0x100, KEY_DRY_RUN, KEY_OVERRIDE, KEY_LIST };

struct arguments {
    struct figure_request request;
    const char **names;
    bool list;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct figure_request *request = &arguments->request;
    switch (key) {
    case 'e':
        if (strcmp(argument, "quick") != 0 && strcmp(argument, "normal") != 0 && strcmp(argument, "paper") != 0)
            argp_error(state, "--effort: '%s' is none of quick|normal|paper", argument);
        request->effort = argument;
        return 0;
    case 'o':
        request->out = argument;
        return 0;
    case KEY_PLOT_ONLY:
        request->plot_only = true;
        return 0;
    case KEY_DRY_RUN:
        request->dry_run = true;
        return 0;
    case KEY_OVERRIDE:
        if (request->override_count == FIGURE_OVERRIDES_MAX)
            argp_error(state, "--override: more than %d", FIGURE_OVERRIDES_MAX);
        request->overrides[request->override_count++] = argument;
        return 0;
    case KEY_LIST:
        arguments->list = true;
        return 0;
    case ARGP_KEY_ARG:
        if (strcmp(argument, "all") == 0)
            request->all = true;
        else
            arguments->names[request->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->count == 0 && !request->all && !arguments->list)
            argp_error(state, "name a figure, or all; see `maemio figure --list`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

enum exit_code figure_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"effort", 'e', "quick|normal|paper", 0,
         "how long and how often: quick (all figures in about 20 minutes on 2 cores, the default), normal (half an "
         "hour), paper (the authors' repetitions, lengths and records)",
         0},
        {"out", 'o', "FOLDER", 0, "where results and pictures go, by default results/figures/EFFORT", 0},
        {"override", KEY_OVERRIDE, "KEY=VALUE", 0,
         "set this in every point, as `maemio sweep` does; as often as needed. Files, folder and title then name it",
         0},
        {"plot-only", KEY_PLOT_ONLY, NULL, 0, "draw again what was measured before", 0},
        {"dry-run", KEY_DRY_RUN, NULL, 0, "say what would run, and for how long", 0},
        {"list", KEY_LIST, NULL, 0, "list the figures with what each shows", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "NAME... | all",
        .doc = "Runs an experiment of the paper and draws its figure as SVG, PDF and PNG. Finished points are not "
               "repeated: after an interruption, or to draw again, give the same command."};
    struct arguments arguments = {.request = {.effort = "quick"}};
    arguments.names = support_alloc((size_t)argc * sizeof *arguments.names);
    arguments.request.names = arguments.names;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    enum exit_code code = arguments.list ? figures_list(argv[0]) : figures_make(argv[0], &arguments.request);
    free(arguments.names);
    return command_end(argv[0], code);
}
