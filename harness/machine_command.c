/* machine_command.c - see machine_command.h. */
#include "harness/machine_command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/crew.h"
#include "harness/doctor.h"
#include "harness/proximity.h"
#include "harness/quantity.h"
#include "harness/topology.h"

static enum exit_code output_end(const char *name, enum exit_code code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "%s: stdout cannot be written\n", name);
    return EXIT_FAILED;
}

/* ---- doctor ---- */

enum { KEY_STRICT = 0x1000 };

/* What the threads that measure distances are pinned by. */
struct measured {
    struct topology *topology;
    struct placement placement;
};

static error_t doctor_parse(int key, char *argument, struct argp_state *state)
{
    bool *strict = state->input;
    switch (key) {
    case KEY_STRICT:
        *strict = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum mae_status bind_core(void *arg, unsigned worker)
{
    const struct measured *measured = arg;
    return topology_bind(measured->topology, &measured->placement.workers[worker]) ? MAE_OK : MAE_UNSUPPORTED;
}

/* Measures how far the cores are from each other and from their memory, and says it. */
static void distance_print(void)
{
    char error[TOPOLOGY_ERROR_BYTES];
    struct measured measured = {.topology = topology_open(NULL, NULL, error)};
    if (measured.topology == NULL) {
        (void)printf("\ndistance: not known: %s\n", error);
        return;
    }
    struct crew *crew = NULL;
    struct proximity proximity = {0};
    unsigned worker, cores = topology_core_count(measured.topology);
    enum mae_status status;
    if (topology_place(measured.topology, "compact", cores, &measured.placement, error))
        crew = crew_create(cores, bind_core, &measured);
    if (crew != NULL && !crew_failure(crew, &worker, &status)) {
        struct proximity_probe *probe = proximity_create(&measured.placement);
        proximity_measure(probe, crew, &proximity);
        proximity_destroy(probe);
    }
    crew_destroy(crew);
    placement_free(&measured.placement);
    topology_close(measured.topology);
    if (proximity.line_ns > 0)
        (void)printf(
            "\ndistance: a cache line goes from core to core in %.0f ns (median; the farthest pair: %.0f ns), a "
            "load from memory takes %.0f ns\n"
            "    Contended workloads follow the line's time, and a hypervisor may change it within minutes:\n"
            "    compare only rows whose line_*_ns and memory_*_ns agree, or take the two sides in turns.\n",
            proximity.line_ns, proximity.line_max_ns, proximity.memory_ns);
    else
        (void)printf("\ndistance: not known: a single core, or threads cannot be pinned\n");
}

enum exit_code doctor_command(int argc, char **argv)
{
    static const struct argp_option options[] = {{"strict", KEY_STRICT, NULL, 0, "exit code 1 if anything is bad", 0},
                                                 {0}};
    static const struct argp argp = {
        .options = options,
        .parser = doctor_parse,
        .doc =
            "Looks for what about this machine spoils measurements: each with its state, its effect and the command "
            "that mends it. Then measures for some milliseconds how far the cores are from each other and from memory. "
            "Changes nothing."};
    struct doctor_finding findings[DOCTOR_COUNT];
    bool strict = false;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &strict);
    size_t bad = doctor_examine("", findings);
    doctor_print(findings, stdout);
    distance_print();
    return output_end(argv[0], strict && bad > 0 ? EXIT_FAILED : EXIT_FINE);
}

/* ---- topology ---- */

enum { KEY_SYNTHETIC = 0x1000, KEY_ALLOWED, KEY_THREADS, KEY_PIN };

struct request {
    const char *synthetic, *allowed, *pin;
    uint64_t threads; /* 0: one for each core */
};

static error_t topology_parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_SYNTHETIC:
        request->synthetic = argument;
        return 0;
    case KEY_ALLOWED:
        request->allowed = argument;
        return 0;
    case KEY_PIN:
        request->pin = argument;
        return 0;
    case KEY_THREADS:
        if (!quantity_parse_u64(argument, QUANTITY_COUNT, &request->threads) || request->threads == 0 ||
            request->threads > 65536)
            argp_error(state, "--threads: '%s' is not a number of workers from 1 to 65536", argument);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

enum exit_code topology_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"threads", KEY_THREADS, "N", 0, "workers to place [default: one for each allowed core]", 0},
        {"pin", KEY_PIN, "POLICY", 0, "compact, scatter, none or a list of CPUs, as in `maemio run' [default compact]",
         0},
        {"allowed", KEY_ALLOWED, "CPUS", 0, "as if only these CPUs were allowed, such as 0,2,4-7", 0},
        {"synthetic", KEY_SYNTHETIC, "TEXT", 0,
         "an imagined machine in hwloc's words, such as \"pack:2 numa:1 l3:1 core:4 pu:2\"", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = topology_parse,
        .doc = "Draws the machine, and on which CPU `maemio run' would put each worker with the same --threads and "
               "--pin."};
    struct request request = {.pin = "compact"};
    char error[TOPOLOGY_ERROR_BYTES];
    struct placement placement;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    struct topology *topology = topology_open(request.synthetic, request.allowed, error);
    if (topology == NULL) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], error);
        return EXIT_USAGE;
    }
    unsigned workers = request.threads == 0 ? topology_core_count(topology) : (unsigned)request.threads;
    if (!topology_place(topology, request.pin, workers, &placement, error)) {
        (void)fprintf(stderr, "%s: --pin: %s\n", argv[0], error);
        topology_close(topology);
        return EXIT_USAGE;
    }
    if (topology_is_foreign(topology))
        (void)puts("Not this machine: what the HWLOC_ variables of the environment describe.");
    topology_draw(topology, &placement, stdout);
    (void)printf("\n%u CPUs on %u cores allowed, %u NUMA node%s; %u worker%s%s\n", topology_cpu_count(topology),
                 topology_core_count(topology), topology_node_count(topology),
                 topology_node_count(topology) == 1 ? "" : "s", workers, workers == 1 ? "" : "s",
                 placement.workers[0].cpu < 0 ? ", not pinned"
                 : placement.oversubscribed   ? ", more than CPUs"
                                              : "");
    placement_free(&placement);
    topology_close(topology);
    return output_end(argv[0], EXIT_FINE);
}
