/* sweep.c - `maemio sweep FILE`: see harness/sweep/sweep.h; then the page that compares its settings. */
#include "harness/sweep/sweep.h"

#include "harness/cli/commands.h"
#include "harness/common/program.h"
#include "harness/figures/report_html.h"

static char *default_folder(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file, *dot = strrchr(name, '.');
    size_t length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    return support_format("results/%.*s", (int)length, name);
}

/* The sweep, and then its page. What the page is made from must be there before hours are spent on measuring. */
static enum exit_code sweep_with_page(const char *name, const struct sweep_request *request)
{
    SUPPORT_FREED char *share = program_share(name);
    enum exit_code code = share == NULL ? EXIT_USAGE : sweep_run(name, request);
    return code == EXIT_FINE ? report_page(name, share, request->out) : code;
}

enum exit_code sweep_command(int argc, char **argv)
{
    struct sweep_request request = {.seed = 1, .launcher = "local"};
    struct support_list overrides = {0};
    bool no_page = false;
    struct command_option options[] = {
        COMMAND_OPTION(
            "out", TEXT, &request.out, "DIR",
            "the folder of the results, by default results/NAME for NAME.conf; given again, the sweep goes on"),
        COMMAND_OPTION("dry-run", FLAG, &request.dry_run, NULL, "print what would run, and how long it takes"),
        COMMAND_OPTION(
            "print-arguments", FLAG, &request.print_arguments, NULL,
            "run nothing; for scripts: a line for each point, its name and the arguments of `maemio run' with tabs "
            "between"),
        COMMAND_OPTION("no-page", FLAG, &no_page, NULL, "leave DIR/report.html out, which compares the settings"),
        COMMAND_OPTION(
            "launcher", TEXT, &request.launcher, "WHERE",
            "where runs take place: local; on machines that ssh reaches, ssh:HOST,HOST; on nodes of Slurm, slurm or "
            "slurm:NODE,NODE; or by any COMMAND, to which a program and its arguments are added [default local]"),
        COMMAND_OPTION("nodes", TEXT, &request.nodes, "NAME,NAME",
                       "of a COMMAND: the machines it leads to, each of which it finds in $MAEMIO_NODE [default 1]"),
        COMMAND_OPTION("program", TEXT, &request.program, "PATH",
                       "maemio on the nodes, of the same build; by default where it is here"),
        COMMAND_OPTION("seed", COUNT, &request.seed, "N", "seed of the order of the runs [u64, default 1]"),
        COMMAND_OPTION("skip-missing", FLAG, &request.skip_missing, NULL,
                       "leave out, and say so, points whose target is not there: not built, or without a server on "
                       "this machine (see `maemio list targets'). Without it they are refused"),
        COMMAND_OPTION("override", LIST, &overrides, "KEY=VALUE",
                       "set this in every point, whatever the file says; as often as needed"),
        {0}};
    struct command_line line = {
        .arguments = "FILE",
        .doc = "Runs every point of a job file, each repetition in a process of its own, in shuffled order.\v"
               "A job file has `key = value' lines with the options of `maemio run' as keys, `set.NAME' for settings "
               "of the target, lists and ranges of values, and sections; docs/measuring.md describes it. A setting "
               "that only one target knows belongs in a section with that target.",
        .options = options,
        .least = 1,
        .most = 1,
        .wanted = "name a job file",
        .excess = "; a job file may include others"};
    (void)command_read(&line, argc, argv);
    request.file = argv[1];
    SUPPORT_FREED char *folder = request.out == NULL ? default_folder(request.file) : support_copy(request.out);
    request.out = folder;
    no_page = no_page || request.dry_run || request.print_arguments;
    const char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < overrides.count; i++)
        wrong = option_pairs_add_text(&request.overrides, overrides.items[i]) ? NULL : overrides.items[i];
    enum exit_code code = wrong != NULL
                              ? command_refuse(argv[0], support_short("--override: '%s' is not key=value", wrong))
                          : no_page ? sweep_run(argv[0], &request)
                                    : sweep_with_page(argv[0], &request);
    option_pairs_free(&request.overrides);
    support_list_free(&overrides);
    return command_end(argv[0], code);
}
