/*
 * facts.h - reads the machine's facts from /proc and /sys, each in one place. doctor.c judges them, provenance.c
 * records them. The files lie below `root`: "" for this machine, else a folder that has proc/ and sys/, so that tests
 * can make machines up. It only reads and needs no rights. Checked by: tests/unit/harness/machine/doctor.c,
 * provenance.c.
 */
#ifndef HARNESS_MACHINE_FACTS_H
#define HARNESS_MACHINE_FACTS_H

#include <hwloc.h>

#include "harness/common/support.h"

#define FACTS_CPU "/sys/devices/system/cpu"
#define FACTS_HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define FACTS_CLOCK "/sys/devices/system/clocksource/clocksource0"

/* id, file, and what the line begins with: "" for the first line */
#define FACT_TABLE(X)                                                  \
    X(CPUS_ONLINE, FACTS_CPU "/online", "")                            \
    X(CPUS_ISOLATED, FACTS_CPU "/isolated", "")                        \
    X(CPUS_ALLOWED, "/proc/self/status", "Cpus_allowed_list")          \
    X(NO_TURBO, FACTS_CPU "/intel_pstate/no_turbo", "")                \
    X(BOOST, FACTS_CPU "/cpufreq/boost", "")                           \
    X(GOVERNOR, FACTS_CPU "/cpu0/cpufreq/scaling_governor", "")        \
    X(SMT, FACTS_CPU "/smt/active", "")                                \
    X(THP, "/sys/kernel/mm/transparent_hugepage/enabled", "")          \
    X(HUGE_RESERVED, FACTS_HUGE "/nr_hugepages", "")                   \
    X(HUGE_FREE, FACTS_HUGE "/free_hugepages", "")                     \
    X(CLOCKSOURCE, FACTS_CLOCK "/current_clocksource", "")             \
    X(CLOCKSOURCES, FACTS_CLOCK "/available_clocksource", "")          \
    X(NODES_ONLINE, "/sys/devices/system/node/online", "")             \
    X(NUMA_BALANCING, "/proc/sys/kernel/numa_balancing", "")           \
    X(PERF_EVENT_PARANOID, "/proc/sys/kernel/perf_event_paranoid", "") \
    X(LOAD, "/proc/loadavg", "")                                       \
    X(CPU_TIMES, "/proc/stat", "cpu ")                                 \
    X(CPU_MODEL, "/proc/cpuinfo", "model name")                        \
    X(CPU_MHZ, "/proc/cpuinfo", "cpu MHz")                             \
    X(CPU_FLAGS, "/proc/cpuinfo", "flags")                             \
    X(MICROCODE, "/proc/cpuinfo", "microcode")                         \
    X(MEMORY, "/proc/meminfo", "MemTotal")                             \
    X(MEMORY_AVAILABLE, "/proc/meminfo", "MemAvailable")               \
    X(MEMLOCK, "/proc/self/limits", "Max locked memory")               \
    X(CAPABILITIES, "/proc/self/status", "CapEff")                     \
    X(CGROUPS, "/proc/self/cgroup", "")                                \
    X(COMMAND_LINE, "/proc/cmdline", "")

#define FACT_ENUM(id, path, key) FACT_##id,
enum fact { FACT_TABLE(FACT_ENUM) };

/* The line, without its end and without key, blanks and colon before it. False with an empty text if there is none. */
bool fact_text(const char *root, enum fact fact, char *text, size_t bytes);
/* Its first word; of "always [madvise] never" the word in brackets. */
bool fact_word(const char *root, enum fact fact, char *text, size_t bytes);
/* The whole number that it begins with. */
bool fact_number(const char *root, enum fact fact, long long *value);
/* A list such as 0-3,8, into `set`, which may be NULL; how many. 0 if it is no list. */
unsigned fact_list(const char *root, enum fact fact, hwloc_bitmap_t set);
/* Its file, without root. */
const char *fact_path(enum fact fact);

/* Whether the word is one of those, which have blanks between them. */
bool facts_has_word(const char *words, const char *word);

/* The same as fact_text of any file. */
bool facts_line(const char *root, const char *path, const char *key, char *text, size_t bytes);

/* Turbo frequencies are allowed: 1, 0; -1: not visible. *fact: the file that says so. */
int facts_turbo(const char *root, enum fact *fact);

/* "0,2,4-7", strictly: hwloc's own reader takes anything. */
bool facts_cpu_list(const char *text, hwloc_bitmap_t set);
void facts_bitmap_free(hwloc_bitmap_t *set); /* for SUPPORT_ENDED_BY */

#endif
