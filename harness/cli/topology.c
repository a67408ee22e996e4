/* topology.c - `maemio topology`: draws the machine and where workers run. */
#include <argp.h>
#include <stdio.h>

#include "harness/common/support.h"
#include "harness/cli/commands.h"
#include "harness/common/quantity.h"
#include "harness/machine/topology.h"

enum { KEY_SYNTHETIC = 0x1000, KEY_ALLOWED, KEY_THREADS, KEY_PIN };

struct request {
    const char *synthetic, *allowed, *pin;
    uint64_t threads; /* 0: one for each core */
};

static error_t parse(int key, char *argument, struct argp_state *state)
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
        .parser = parse,
        .doc = "Draws the machine, and on which CPU `maemio run' would put each worker with the same --threads and "
               "--pin."};
    struct request request = {.pin = "compact"};
    char error[TOPOLOGY_ERROR_BYTES];
    struct placement placement;
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    struct topology *topology = topology_open(request.synthetic, request.allowed, error);
    if (topology == NULL) {
        support_complain(argv[0], "%s", error);
        return EXIT_USAGE;
    }
    unsigned workers = request.threads == 0 ? topology_core_count(topology) : (unsigned)request.threads;
    if (!topology_place(topology, request.pin, workers, &placement, error)) {
        support_complain(argv[0], "--pin: %s", error);
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
    return command_end(argv[0], EXIT_FINE);
}
