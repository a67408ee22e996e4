/*
 * doctor.h - finds the settings of this machine that spoil measurements, and the commands that mend them.
 * It only reads /proc and /sys (below `root`, so that tests can make machines up). It changes nothing and needs no
 * rights.
 * Checked by: tests/unit/harness/machine/doctor.c. Not here: reading the facts (facts.c).
 */
#ifndef HARNESS_MACHINE_DOCTOR_H
#define HARNESS_MACHINE_DOCTOR_H

#include "harness/common/support.h"

/* id, name, effect on measurements if it is not as it should be */
#define DOCTOR_TABLE(X)                                                                                             \
    X(GOVERNOR, "governor", "clock frequency follows the load: short windows and few threads look slow, and drift") \
    X(TURBO, "turbo", "frequency depends on temperature and on how many cores are busy: scaling curves bend")       \
    X(SMT, "smt", "two workers on the hyper-threads of one core share it: per-thread speed drops by about half")    \
    X(THP, "thp", "without transparent huge pages (and none reserved) the TLB misses on nearly every row")          \
    X(HUGE_PAGES, "huge_pages",                                                                                     \
      "none reserved: the kernel may not find transparent ones, and memory differs from run to run")                \
    X(MEMLOCK, "memlock", "memory cannot be locked and may be swapped out in the window")                           \
    X(PARANOID, "perf_event_paranoid", "counters are restricted: user mode only, or none")                          \
    X(LOAD, "load", "something else runs: it takes CPU time, cache and memory bandwidth from the workers")          \
    X(STEAL, "steal", "the hypervisor gives this machine's CPUs to others: windows lose time that no worker sees")  \
    X(CLOCKSOURCE, "clocksource",                                                                                   \
      "reading the time costs a system call, which open-loop and latency runs pay per transaction")                 \
    X(TSC, "tsc", "the time-stamp counter changes its rate or stops: engine clocks and latencies go wrong")         \
    X(NUMA_BALANCING, "numa_balancing", "the kernel unmaps and moves pages while they are measured")                \
    X(SWAP, "swap", "memory is on a device: accesses take milliseconds")                                            \
    X(CGROUP_CPU, "cgroup_cpu", "the control group stops the workers when their quota of each period is used up")   \
    X(ALLOWED_CPUS, "allowed_cpus", "not all CPUs may be used: more workers than these run in turns")

#define DOCTOR_ENUM(id, name, effect) DOCTOR_##id,
enum doctor_check { DOCTOR_TABLE(DOCTOR_ENUM) DOCTOR_COUNT };

enum doctor_state { DOCTOR_GOOD, DOCTOR_BAD, DOCTOR_UNKNOWN };
enum { DOCTOR_TEXT_BYTES = 320 };

struct doctor_finding {
    enum doctor_state state;
    char value[DOCTOR_TEXT_BYTES];  /* the present setting */
    char remedy[DOCTOR_TEXT_BYTES]; /* the command that mends it (as root where it writes); "" if GOOD or UNKNOWN */
};

/* root: "" for this machine, else a folder that holds proc/ and sys/. Returns how many are BAD. */
size_t doctor_examine(const char *root, struct doctor_finding findings[DOCTOR_COUNT]);

extern const struct doctor_info {
    const char *name, *effect;
} doctor_checks[DOCTOR_COUNT];

void doctor_print(const struct doctor_finding findings[DOCTOR_COUNT], FILE *file);

#endif
