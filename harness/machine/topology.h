/*
 * topology.h - which CPU each worker runs on, through hwloc.
 *
 * The order of CPUs depends only on the machine and the allowed set. Every core's first allowed hardware thread comes
 * before any second one, and faster kinds of cores come before slower ones. Among equals `compact` goes package by
 * package; `scatter` takes one CPU from each package in turn, and within a package from each NUMA node in turn. Worker
 * i gets the i-th CPU. If there are more workers than CPUs, the order starts again and the placement is marked
 * oversubscribed.
 *
 * A CPU is allowed if the control group and this process's affinity (taskset) allow it when topology_open runs.
 * Checked by: tests/unit/harness/machine/topology.c, on synthetic machines.
 */
#ifndef HARNESS_MACHINE_TOPOLOGY_H
#define HARNESS_MACHINE_TOPOLOGY_H

#include "harness/common/support.h"

struct topology;

struct placement_worker {
    int cpu;  /* the operating system's number; -1: not pinned */
    int core; /* logical index; -1: not pinned */
    int package;
    int node; /* NUMA node, the operating system's number */
};

struct placement {
    unsigned count;
    bool oversubscribed; /* more workers than CPUs to run them on */
    struct placement_worker *workers;
};

enum { TOPOLOGY_ERROR_BYTES = 256 };

/*
 * This machine, or with `synthetic` (as hwloc's set_synthetic takes it) an imagined one; `allowed` restricts the CPUs
 * (list format), NULL: as the system says. NULL with a message in `error` on failure.
 */
struct topology *topology_open(const char *synthetic, const char *allowed, char *error);
void topology_close(struct topology *topology); /* NULL is fine */

/* True if hwloc was told (HWLOC_SYNTHETIC, HWLOC_XMLFILE, HWLOC_THISSYSTEM=0) to describe another machine than this
 * one: such a topology can be drawn, but no run can use it. Always false for a `synthetic` one. */
bool topology_is_foreign(const struct topology *topology);

unsigned topology_cpu_count(const struct topology *topology);  /* allowed hardware threads */
unsigned topology_core_count(const struct topology *topology); /* cores with at least one */
unsigned topology_node_count(const struct topology *topology); /* NUMA nodes, at least 1 */

/* How the allowed cores lie, and the caches of the first of them by level; 0: not known. Where packages or last levels
 * have different numbers of cores, the largest number, and is_even is false. */
enum { TOPOLOGY_LEVELS = 3 };
struct topology_shape {
    unsigned sockets, cores_per_socket, cores_per_l3;
    bool is_even;
    struct topology_cache {
        uint64_t bytes;
        unsigned ways;
    } caches[TOPOLOGY_LEVELS];
};
void topology_shape(const struct topology *topology, struct topology_shape *shape);
/* The number of the last-level cache above a CPU; without one, that of its package. */
int topology_last_level(const struct topology *topology, int cpu);

/*
 * Tells the topology that the CPUs of `cpus` (list format) are of one kind. A higher `efficiency` is a faster kind. For
 * tests.
 */
bool topology_kind_add(struct topology *topology, const char *cpus, int efficiency);

/* `policy`: compact, scatter, none or a list of CPUs. False with a message that says what was wrong. */
bool topology_place(const struct topology *topology, const char *policy, unsigned workers, struct placement *placement,
                    char *error);
void placement_free(struct placement *placement);

/*
 * Draws packages, NUMA nodes, last-level caches, cores and CPUs as an indented tree, each CPU with the workers that
 * `placement` puts there (may be NULL); CPUs that are not allowed are marked.
 */
void topology_draw(const struct topology *topology, const struct placement *placement, FILE *file);

/*
 * Pins the calling thread to its worker's CPU and lets its memory come from that CPU's node. Does nothing for a worker
 * that is not pinned. Then asks the system, not hwloc, where the thread may run. False if the system refused, if the
 * thread may run elsewhere, or if the topology is foreign.
 */
bool topology_bind(const struct topology *topology, const struct placement_worker *worker);

#endif
