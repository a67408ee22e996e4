/* calibrate.c - `maemio calibrate FILE`: this host as a machine of the simulator. */

#include "harness/cli/commands.h"
#include "harness/common/program.h"
#include "harness/common/text_file.h"
#include "harness/machine/calibration.h"
#include "harness/machine/simulated_machine.h"
#include "sim/simulated.h"

enum { ERROR_BYTES = 1024 };

struct request {
    const char *name, *file, *machine;
    uint64_t rounds, cores;
    struct topology *topology;
    struct placement placement;
    enum exit_code code;
};

static enum target_status bind_core(void *arg, unsigned worker)
{
    const struct request *request = arg;
    simulated_core(request->placement.workers[worker].cpu);
    return topology_bind(request->topology, &request->placement.workers[worker]) ? TARGET_OK : TARGET_UNSUPPORTED;
}

/* The file's text; NULL with a message. */
static char *measure(struct request *request, struct crew *crew, char *error)
{
    struct calibration calibration;
    unsigned worker;
    enum target_status status;
    if (crew == NULL || crew_failure(crew, &worker, &status)) {
        (void)support_error(error, ERROR_BYTES,
                            "a thread for each core, pinned to it, is needed, and the system refuses");
        return NULL;
    }
    simulated_costs(true);
    char *text = NULL;
    if (calibration_measure(&calibration, request->topology, &request->placement, crew, (unsigned)request->rounds,
                            error, ERROR_BYTES))
        text = calibration_text(&calibration, error, ERROR_BYTES);
    simulated_costs(false);
    calibration_free(&calibration);
    return text;
}

static void calibrate(void *arg)
{
    struct request *request = arg;
    char error[ERROR_BYTES];
    SUPPORT_FREED char *text = NULL;
    request->topology = topology_open(simulated_topology(), simulated_allowed(), error);
    if (request->topology != NULL &&
        topology_place(request->topology, "compact", topology_core_count(request->topology), &request->placement,
                       error)) {
        struct crew *crew = crew_create(request->placement.count, bind_core, request);
        text = measure(request, crew, error);
        crew_destroy(crew);
    }
    placement_free(&request->placement);
    topology_close(request->topology);
    if (text == NULL)
        (void)support_complain(request->name, "%s", error);
    else
        request->code = text_file_write(request->name, request->file, text, strlen(text)) ? EXIT_FINE : EXIT_FAILED;
}

enum exit_code calibrate_command(int argc, char **argv)
{
    struct request request = {.name = argv[0], .rounds = 15, .code = EXIT_FAILED};
    struct command_option options[] = {
        COMMAND_OPTION("rounds", COUNT, &request.rounds, "N",
                       "measure everything so often: a second each, or less [default 15]"),
        COMMAND_OPTION("machine", TEXT, &request.machine, "NAME",
                       "in a build that simulates (`make MODE=sim'): the machine that is measured, to see that its "
                       "numbers are found"),
        COMMAND_OPTION("cores", COUNT, &request.cores, "N", "so many of the cores of --machine are there"),
        {0}};
    struct command_line line = {
        .arguments = "FILE",
        .doc = "Measures how long this host's caches, memory, transfers between cores and some instructions take, asks "
               "the system for the rest, and writes FILE, a machine for `build/sim/maemio run --machine ./FILE'. Each "
               "number has its source and its spread beside it. Measure on an idle host; nothing is changed.",
        .options = options,
        .least = 1,
        .most = 1,
        .wanted = "name the file to write"};
    char error[SIMULATED_MACHINE_ERROR_BYTES];
    (void)command_read(&line, argc, argv);
    request.file = argv[1];
    if (request.rounds == 0 || request.rounds > CALIBRATION_ROUNDS_MAX)
        return command_refuse(argv[0], support_short("--rounds: want 1 to %d", CALIBRATION_ROUNDS_MAX));
    if (SIMULATED != (request.machine != NULL) || (!SIMULATED && options[2].given))
        return command_refuse(argv[0], SIMULATED ? SIMULATED_WHAT : "--machine, --cores: " SIMULATED_NOT);
    struct simulated_choice choice = {request.machine, request.cores, 0};
    if (SIMULATED && !simulated_machine_open(argv[0], &choice, error) &&
        !support_complain(argv[0], "--machine: %s", error))
        return EXIT_USAGE;
    simulated_run(calibrate, &request);
    return command_end(argv[0], request.code);
}
