/*
 * machine.h - a machine that is simulated, as data: sim/machines/NAME.conf.
 *
 * A file has a line `key = value` for each key of MACHINE_KEYS, none left out, and comments from a # on, which say
 * where a number comes from. Times are what a load waits, from its issue to its data. sim/DESIGN.md tells how they are
 * used.
 * Checked by: tests/unit/sim/machine.c.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/option.h"

/* type, name, least, range, unit, help */
#define MACHINE_KEYS(X)                                                                                                \
    X(string, title, "", "", "", "the machine in words")                                                               \
    X(u64, sockets, "1", "1..64", "", "packages; each has its own memory")                                             \
    X(u64, cores_per_socket, "1", "1..1024", "", "cores of a socket")                                                  \
    X(u64, cores_per_l3, "1", "1..1024", "", "cores that share a last-level cache; divides cores_per_socket")          \
    X(f64, tsc_ghz, "1", "0.1..10", "GHz", "rate of the time stamp counter")                                           \
    X(bytes, l1_bytes, "32K", "1K..16M", "bytes", "first-level data cache of a core")                                  \
    X(u64, l1_ways, "8", "1..64", "", "its ways")                                                                      \
    X(bytes, l2_bytes, "256K", "1K..64M", "bytes", "second-level cache of a core")                                     \
    X(u64, l2_ways, "8", "1..64", "", "its ways")                                                                      \
    X(bytes, l3_bytes, "1M", "1K..4G", "bytes", "last-level cache that cores_per_l3 cores share")                      \
    X(u64, l3_ways, "16", "1..64", "", "its ways")                                                                     \
    X(f64, l3_half_ms, "0", "0..1000000", "ms",                                                                        \
      "after so long half of the lines that nobody here touches are gone from there, since other systems use it, "     \
      "too; "                                                                                                          \
      "0: they stay")                                                                                                  \
    X(f64, instruction_ns, "0.5", "0.01..100", "ns", "an instruction, where nothing is waited for")                    \
    X(f64, access_ns, "0", "0..100", "ns", "what a load or store that hits the first level takes more than that")      \
    X(f64, atomic_ns, "1", "0..1000", "ns", "a locked instruction on a line that the core owns")                       \
    X(u64, atomic_waits, "1", "0..1", "",                                                                              \
      "whether a locked instruction waits for all loads and stores "                                                   \
      "before it, and what is behind it waits for it: 1, or overlaps with them: 0")                                    \
    X(f64, branch_ns, "1", "0..1000", "ns",                                                                            \
      "what a branch that was predicted wrongly costs once its "                                                       \
      "condition is known")                                                                                            \
    X(f64, clock_ns, "1", "0..1000", "ns", "reading the time stamp counter")                                           \
    X(f64, pause_ns, "1", "0..1000", "ns", "a PAUSE instruction")                                                      \
    X(f64, l2_ns, "1", "0..10000", "ns", "a hit in the second level")                                                  \
    X(f64, l3_ns, "1", "0..10000", "ns", "a hit in the own last level")                                                \
    X(f64, l3_socket_ns, "1", "0..10000", "ns", "a hit in another last level of the socket")                           \
    X(f64, l3_remote_ns, "1", "0..10000", "ns", "a hit in another socket's last level")                                \
    X(f64, core_near_ns, "1", "0..10000", "ns", "a line that a core below the same last level owns")                   \
    X(f64, core_socket_ns, "1", "0..10000", "ns", "a line that another core of the socket owns")                       \
    X(f64, core_remote_ns, "1", "0..10000", "ns", "a line that another socket's core owns")                            \
    X(f64, memory_near_ns, "1", "0..10000", "ns", "the socket's own memory")                                           \
    X(f64, memory_remote_ns, "1", "0..10000", "ns", "another socket's memory")                                         \
    X(f64, memory_gb_per_s, "1", "0.1..10000", "GB/s", "bandwidth of a socket's memory")                               \
    X(f64, link_gb_per_s, "1", "0.1..10000", "GB/s", "bandwidth into a socket from all others")                        \
    X(f64, spread, "0", "0..0.5", "", "part by which the time of a transfer varies, either way, from one to the next") \
    X(u64, store_buffer, "1", "1..256", "", "stores that may wait for their lines")                                    \
    X(u64, misses, "1", "1..64", "", "lines that a core may be waiting for at a time")                                 \
    X(u64, window, "1", "1..4096", "", "instructions that a core may begin while an older load waits")                 \
    X(bytes, page_bytes, "4K", "4K..1G", "bytes", "size of a page: 4K or 2M")                                          \
    X(u64, tlb_entries, "1", "1..65536", "", "pages whose translation a core keeps")                                   \
    X(u64, tlb_ways, "1", "1..64", "", "the ways of that")                                                             \
    X(f64, walk_ns, "1", "0..10000", "ns", "finding another page's translation, in tables that fit the second level")  \
    X(u64, walk_loads, "1", "1..4", "",                                                                                \
      "entries of such tables that are loaded for that: two below a hypervisor, which has tables of its own")          \
    X(f64, barrier_ns, "1", "0..1000000", "ns", "the membarrier system call")                                          \
    X(f64, yield_ns, "1", "0..1000000", "ns", "sched_yield with nobody else to run")                                   \
    X(f64, wake_ns, "1", "0..10000000", "ns", "how late a sleeping thread wakes")

struct machine {
#define MACHINE_FIELD(type, name, ...) _Alignas(OPTION_SLOT_BYTES) option_##type name;
    MACHINE_KEYS(MACHINE_FIELD)
#undef MACHINE_FIELD
};

enum { MACHINE_ERROR_BYTES = 512, MACHINE_CORES_MAX = 1024, LINE_BYTES = 64 };

/* Fills `machine` from a file's text. False with a message that names file, line and key, and what would be right. */
bool machine_read(const char *file, const char *text, struct machine *machine, char *error);
void machine_clear(struct machine *machine);

#endif
