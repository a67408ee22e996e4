/*
 * calibration.h - the numbers of the machine that this is, for the simulator (sim/machine.h): what can be measured is
 * measured, by one worker on each core, and the rest is what the system or a table of CPUs says.
 *
 * Every number is measured `rounds` times, and their median counts, with the quartiles as its spread. So a round that
 * another program has disturbed changes nothing. All numbers are of the allowed CPUs only.
 * Checked by: tests/unit/harness/machine/calibration.c; and on simulated machines, whose numbers it must find:
 * tests/cli/simulated.sh. Not here: single measurements (probes.h), the words of the file (calibration_file.c).
 */
#ifndef HARNESS_MACHINE_CALIBRATION_H
#define HARNESS_MACHINE_CALIBRATION_H

#include "harness/common/crew.h"
#include "harness/machine/topology.h"

/* key, what stands in its place where the machine has no such thing, how it was measured. l2_found_bytes,
 * l3_found_bytes, locked_ns, paged_ns and large_paged_ns are no keys. */
#define CALIBRATION_TABLE(X)                                                                                       \
    X(tsc_ghz, NONE, "against CLOCK_MONOTONIC")                                                                    \
    X(instruction_ns, NONE, "a loop of pointers, comparisons and counts in the first level")                       \
    X(atomic_ns, NONE, "additions to one's own line, less an instruction")                                         \
    X(branch_ns, NONE, "a loop whose branch nobody foretells, less one that is foretold, a wrong prediction")      \
    X(clock_ns, NONE, "a loop")                                                                                    \
    X(pause_ns, NONE, "a loop")                                                                                    \
    X(l2_ns, NONE, "dependent loads in half of the level, the last of 24 walks")                                   \
    X(l3_ns, l2_ns, "dependent loads in twice or four times the second level, the least of 24 walks")              \
    X(l3_socket_ns, l3_ns, "dependent loads of what a core of another last level of the socket has read")          \
    X(l3_remote_ns, l3_socket_ns, "dependent loads of what another socket's core has read")                        \
    X(core_near_ns, l3_ns, "dependent loads of what a core below the same last level has written")                 \
    X(core_socket_ns, core_near_ns, "dependent loads of what a core below another last level has written")         \
    X(core_remote_ns, core_socket_ns, "dependent loads of what another socket's core has written")                 \
    X(memory_near_ns, NONE, "dependent loads of lines flushed from all caches")                                    \
    X(memory_remote_ns, memory_near_ns, "the same of another socket's memory")                                     \
    X(memory_gb_per_s, NONE, "all cores of a socket read lines flushed from all caches")                           \
    X(link_gb_per_s, memory_gb_per_s, "the same of another socket's memory")                                       \
    X(spread, NONE, "what loads of lines that another core has written differ by")                                 \
    X(misses, NONE, "memory_near_ns over the time of one of 64 loads side by side")                                \
    X(window, NONE, "the most instructions between two loads from memory that overlap, a quarter of them waiting") \
    X(barrier_ns, NONE, "another core of the process runs meanwhile")                                              \
    X(yield_ns, NONE, "a loop")                                                                                    \
    X(wake_ns, NONE, "sleeps of 200 us, the least of 8")                                                           \
    X(l2_found_bytes, NONE, "more than half of dependent loads find their lines there")                            \
    X(l3_found_bytes, NONE, "more than half of dependent loads find their lines there")                            \
    X(l3_half_ms, NONE, "of dependent loads after a pause: the last level's lines that were gone")                 \
    X(locked_ns, NONE, "one of 64 loads from memory side by side, a locked instruction after each")                \
    X(paged_ns, NONE, "dependent loads, one a small page, less what as many take on few pages")                    \
    X(large_paged_ns, NONE, "the same on large pages")

#define CALIBRATION_ENUM(key, fallback, how) CALIBRATION_##key,
enum calibration_number { CALIBRATION_TABLE(CALIBRATION_ENUM) CALIBRATION_COUNT, CALIBRATION_NONE = CALIBRATION_COUNT };

enum { CALIBRATION_ROUNDS_MAX = 1000 };

struct calibration {
    unsigned rounds;
    struct topology_shape shape;
    struct calibration_samples {
        size_t count; /* 0: the machine has no such thing */
        double *values;
    } samples[CALIBRATION_COUNT];
};

/* Measures. `crew` has a worker for each of the compact placement's, pinned to it. False with a message if it cannot.
 * calibration_free ends it. */
bool calibration_measure(struct calibration *calibration, const struct topology *topology,
                         const struct placement *placement, struct crew *crew, unsigned rounds, char *error,
                         size_t error_bytes);
void calibration_free(struct calibration *calibration);

/* The largest of [least, most], give or take 5%, for which `fits` is true. It is for `least`. */
uint64_t calibration_search(uint64_t least, uint64_t most, bool (*fits)(void *arg, uint64_t bytes), void *arg);

/* The median of a number, or of what stands in its place. */
double calibration_median(const struct calibration *calibration, enum calibration_number number);

/* The file of sim/machine.h. It has been read back: NULL with a message if it is none that the simulator takes. */
char *calibration_text(const struct calibration *calibration, char *error, size_t error_bytes);

#endif
