/* doctor.c - `maemio doctor`: what about this machine spoils measurements, and how far its cores are apart, and how
 * fast a log can be written. */

#include "harness/cli/commands.h"
#include "harness/common/quantity.h"
#include "harness/machine/disk.h"
#include "harness/machine/disk_speed.h"
#include "harness/machine/doctor.h"
#include "harness/machine/proximity.h"

/* What the threads that measure distances are pinned by. */
struct measured {
    struct topology *topology;
    struct placement placement;
};

static enum target_status bind_core(void *arg, unsigned worker)
{
    const struct measured *measured = arg;
    return topology_bind(measured->topology, &measured->placement.workers[worker]) ? TARGET_OK : TARGET_UNSUPPORTED;
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
    enum target_status status;
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

/* Measures what a log in this folder can reach, and says it. */
static bool disk_print(const char *name, const char *folder)
{
    enum { BUDGET_NS = 700000000 };
    char error[512], disk[DISK_TEXT_BYTES];
    struct disk_speed speed;
    if (!disk_speed_measure(&file_calls_system, folder, BUDGET_NS, &speed, error, sizeof error))
        return support_complain(name, "--log-dir: %s", error);
    (void)printf("\ndisk: %s is in %s%s\n", folder, disk_describe("", folder, disk) ? disk : "a place not known",
                 disk_is_lasting(folder) ? "" : ", which is in memory only: durability=async is all it can give");
    for (size_t i = 0; i < DISK_SIZE_COUNT; i++) {
        const struct disk_flushes *flushes = &speed.sizes[i];
        (void)printf("    a flush of %-8s takes %.2f ms, 99%% of them at most %.2f ms (%zu flushes)\n",
                     quantity_bytes((double)flushes->bytes), flushes->p50_ns / 1e6, flushes->p99_ns / 1e6,
                     flushes->count);
    }
    (void)printf("    one flush of %s after the other: %s/s, the most that a log here can write\n",
                 quantity_bytes((double)DISK_BLOCK_MAX_BYTES * DISK_FLUSH_BLOCKS), quantity_bytes(speed.bytes_per_s));
    return true;
}

enum exit_code doctor_command(int argc, char **argv)
{
    bool strict = false;
    const char *log_dir = NULL;
    struct command_option options[] = {
        COMMAND_OPTION("strict", FLAG, &strict, NULL, "exit code 1 if anything is bad"),
        COMMAND_OPTION(
            "log-dir", TEXT, &log_dir, "DIR",
            "also measure, for some 3 seconds, what a log in this folder could reach: how long flushes take, "
            "and how fast it can be written. Writes a file of 64 MiB there, and removes it"),
        {0}};
    struct command_line line = {
        .doc = "Looks for what about this machine spoils measurements: each with its state, its effect and the command "
               "that mends it. Then measures for some milliseconds how far the cores are from each other and from "
               "memory. Changes no setting.",
        .options = options};
    struct doctor_finding findings[DOCTOR_COUNT];
    (void)command_read(&line, argc, argv);
    size_t bad = doctor_examine("", findings);
    doctor_print(findings, stdout);
    distance_print();
    if (log_dir != NULL && !disk_print(argv[0], log_dir))
        return command_end(argv[0], EXIT_FAILED);
    return command_end(argv[0], strict && bad > 0 ? EXIT_FAILED : EXIT_FINE);
}
