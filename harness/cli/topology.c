/* topology.c - `maemio topology`: draws the machine and where workers run. */

#include "harness/cli/commands.h"
#include "harness/machine/topology.h"

enum { WORKERS_MAX = 65536 };

enum exit_code topology_command(int argc, char **argv)
{
    const char *synthetic = NULL, *allowed = NULL, *pin = "compact";
    uint64_t threads = 0; /* one for each core */
    struct command_option options[] = {
        COMMAND_OPTION("threads", COUNT, &threads, "N", "workers to place [default: one for each allowed core]"),
        COMMAND_OPTION("pin", TEXT, &pin, "POLICY",
                       "compact, scatter, none or a list of CPUs, as in `maemio run' [default compact]"),
        COMMAND_OPTION("allowed", TEXT, &allowed, "CPUS", "as if only these CPUs were allowed, such as 0,2,4-7"),
        COMMAND_OPTION("synthetic", TEXT, &synthetic, "TEXT",
                       "an imagined machine in hwloc's words, such as \"pack:2 numa:1 l3:1 core:4 pu:2\""),
        {0}};
    struct command_line line = {
        .doc = "Draws the machine, and on which CPU `maemio run' would put each worker with the same --threads and "
               "--pin.",
        .options = options};
    char error[TOPOLOGY_ERROR_BYTES];
    struct placement placement;
    (void)command_read(&line, argc, argv);
    if (threads > WORKERS_MAX || (options[0].given && threads == 0))
        return command_refuse(argv[0], support_short("--threads: %llu is not a number of workers from 1 to %d",
                                                     (unsigned long long)threads, WORKERS_MAX));
    struct topology *topology = topology_open(synthetic, allowed, error);
    if (topology == NULL && !support_complain(argv[0], "%s", error))
        return EXIT_USAGE;
    unsigned workers = threads == 0 ? topology_core_count(topology) : (unsigned)threads;
    if (!topology_place(topology, pin, workers, &placement, error)) {
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
