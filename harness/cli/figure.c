/* figure.c - `maemio figure NAME... | all`: see harness/figures/figure.h. */
#include "harness/figures/figure.h"

#include "harness/cli/commands.h"
#include "harness/machine/simulated_machine.h"
#include "sim/simulated.h"

/* The names are left in argv, `all` taken out. */
static void names_take(struct figure_request *request, char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], "all") == 0)
            request->all = true;
        else
            names[request->count++] = names[i];
    request->names = (const char *const *)names;
}

/* Whether this build can do it; else what it says to the user. */
static const char *machine_wrong(const struct figure_request *request)
{
    if (request->plot_only)
        return NULL;
    if (!SIMULATED)
        return request->machine == NULL ? NULL : "--machine: " SIMULATED_NOT;
    if (request->machine == NULL)
        return SIMULATED_WHAT;
    return strcmp(request->effort, "paper") != 0
               ? NULL
               : "--effort: paper: its windows would take days to simulate: want quick or normal";
}

enum exit_code figure_command(int argc, char **argv)
{
    struct figure_request request = {.effort = "quick", .terms = FIGURE_TERMS_EQUAL};
    bool list = false;
    struct command_option options[] = {
        COMMAND_OPTION(
            "effort", WORD, &request.effort, "quick|normal|paper",
            "how long and how often: quick (all figures within half an hour on 2 cores, the default; no claim is "
            "judged), normal (all systems, claims judged; hours), paper (the authors' repetitions, lengths and "
            "records)",
            .shown = "EFFORT", .letter = 'e'), /* argp tears longer ones apart */
        COMMAND_OPTION(
            "terms", WORD, &request.terms, FIGURE_TERMS_EQUAL "|paper",
            "of figures that compare systems: equal, the same back-off for all (the default); paper, as the paper's "
            "authors ran each. Files, folder and title then name them; `all` are those that compare systems",
            .shown = "TERMS"),
        COMMAND_OPTION(
            "machine", TEXT, &request.machine, "NAME",
            "in a build that simulates (`make MODE=sim'): the machine, a file in sim/machines. Files, folder "
            "and title then name it"),
        COMMAND_OPTION("out", TEXT, &request.out, "FOLDER",
                       "where results and pictures go, by default results/figures/EFFORT", .letter = 'o'),
        COMMAND_OPTION("override", LIST, &request.overrides, "KEY=VALUE",
                       "set this in every point, as `maemio sweep` does; as often as needed. Files, folder and title "
                       "then name it"),
        COMMAND_OPTION("plot-only", FLAG, &request.plot_only, NULL, "draw again what was measured before"),
        COMMAND_OPTION("dry-run", FLAG, &request.dry_run, NULL, "say what would run, and for how long"),
        COMMAND_OPTION("list", FLAG, &list, NULL, "list the figures with what each shows"),
        {0}};
    struct command_line line = {
        .arguments = "NAME... | all",
        .doc = "Runs an experiment of the paper and draws its figure as SVG, PDF and PNG. Finished points are not "
               "repeated: after an interruption, or to draw again, give the same command.",
        .options = options,
        .most = SIZE_MAX};
    names_take(&request, argv + 1, command_read(&line, argc, argv));
    if (request.count == 0 && !request.all && !list)
        return command_refuse(argv[0], "name a figure, or all; see `maemio figure --list`");
    const char *wrong = list ? NULL : machine_wrong(&request);
    if (wrong != NULL)
        return command_refuse(argv[0], wrong);
    enum exit_code code = list ? figures_list(argv[0]) : figures_make(argv[0], &request);
    support_list_free(&request.overrides);
    return command_end(argv[0], code);
}
