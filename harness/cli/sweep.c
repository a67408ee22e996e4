/* sweep.c - `maemio sweep FILE`: see harness/sweep/sweep.h; then the page that compares its settings. */
#include "harness/sweep/sweep.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/figures/report_html.h"

enum { KEY_OUT = 0x1000, KEY_DRY_RUN, KEY_PRINT_ARGUMENTS, KEY_NO_PAGE, KEY_SEED, KEY_OVERRIDE };

struct arguments {
    struct sweep_request request;
    bool no_page;
};

static void override_add(struct argp_state *state, struct option_pairs *pairs, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        argp_error(state, "--override: '%s' is not key=value", text);
    char *key = support_copy(text);
    key[equals - text] = '\0';
    option_pairs_add(pairs, option_underscores(key), support_copy(equals + 1));
}

static char *default_folder(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file, *dot = strrchr(name, '.');
    size_t length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    return support_format("results/%.*s", (int)length, name);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct sweep_request *request = &arguments->request;
    switch (key) {
    case KEY_OUT:
        request->out = argument;
        return 0;
    case KEY_DRY_RUN:
        request->dry_run = true;
        return 0;
    case KEY_PRINT_ARGUMENTS:
        request->print_arguments = true;
        return 0;
    case KEY_NO_PAGE:
        arguments->no_page = true;
        return 0;
    case KEY_SEED:
        if (!quantity_parse_u64(argument, QUANTITY_COUNT, &request->seed))
            argp_error(state, "--seed: '%s' is not a whole number", argument);
        return 0;
    case KEY_OVERRIDE:
        override_add(state, &request->overrides, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (request->file != NULL)
            argp_error(state, "unexpected argument '%s'; a job file may include others", argument);
        request->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->file == NULL)
            argp_error(state, "name a job file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The sweep, and then its page. What the page is made from must be there before hours are spent on measuring. */
static enum exit_code sweep_with_page(const char *name, const struct sweep_request *request)
{
    char *share = program_share(name);
    enum exit_code code = share == NULL ? EXIT_USAGE : sweep_run(name, request);
    if (code == EXIT_FINE)
        code = report_page(name, share, request->out);
    free(share);
    return code;
}

enum exit_code sweep_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"out", KEY_OUT, "DIR", 0,
         "the folder of the results, by default results/NAME for NAME.conf; started again with it, the sweep goes on",
         0},
        {"dry-run", KEY_DRY_RUN, NULL, 0, "print what would run, and how long it takes", 0},
        {"print-arguments", KEY_PRINT_ARGUMENTS, NULL, 0,
         "run nothing; for scripts: a line for each point, its name and the arguments of `maemio run' with tabs "
         "between",
         0},
        {"no-page", KEY_NO_PAGE, NULL, 0, "leave DIR/report.html out, which compares the settings", 0},
        {"seed", KEY_SEED, "N", 0, "of the order of the runs [u64, default 1]", 0},
        {"override", KEY_OVERRIDE, "KEY=VALUE", 0,
         "set this in every point, whatever the file says; as often as needed", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE",
        .doc = "Runs every point of a job file, each repetition in a process of its own, in shuffled order.\v"
               "A job file has `key = value' lines with the options of `maemio run' as keys, `set.NAME' for settings "
               "of the target, lists and ranges of values, and sections; docs/measuring.md describes it. A setting "
               "that only one target knows belongs into a section with that target."};
    struct arguments arguments = {.request = {.seed = 1}};
    struct sweep_request *request = &arguments.request;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    char *folder = request->out == NULL ? default_folder(request->file) : support_copy(request->out);
    request->out = folder;
    bool no_page = arguments.no_page || request->dry_run || request->print_arguments;
    enum exit_code code = no_page ? sweep_run(argv[0], request) : sweep_with_page(argv[0], request);
    option_pairs_free(&request->overrides);
    free(folder);
    return command_end(argv[0], code);
}
