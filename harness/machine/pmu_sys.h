/*
 * pmu_sys.h - the system calls under pmu.c, behind pointers so that a test can be the kernel and its PMU.
 *
 * Every call returns -errno on failure. All but `raise_files`, `paranoid` and `work` may run on any worker at once.
 */
#ifndef HARNESS_MACHINE_PMU_SYS_H
#define HARNESS_MACHINE_PMU_SYS_H

#include <sys/types.h>

#include <perfmon/perf_event.h>

#include "harness/common/support.h"

/* The kernel's own counts for the calling thread since the thread began. */
struct pmu_usage {
    uint64_t cpu_ns;
    uint64_t minor_faults, major_faults;
    uint64_t voluntary_switches, involuntary_switches;
};

struct pmu_sys {
    void *arg;                                                          /* handed to every call */
    int (*open)(void *arg, struct perf_event_attr *attr, int group_fd); /* for the calling thread, on any CPU; the fd */
    int (*event_id)(void *arg, int fd, uint64_t *id);
    int (*enable)(void *arg, int leader_fd);  /* from zero, the whole group */
    int (*disable)(void *arg, int leader_fd); /* the whole group */
    ssize_t (*read)(void *arg, int fd, void *buffer, size_t bytes);
    void (*close)(void *arg, int fd);
    int (*raise_files)(void *arg, uint64_t wanted, uint64_t *limit); /* open files allowed, raised if need be */
    int (*usage)(void *arg, struct pmu_usage *usage);                /* of the calling thread */
    int (*paranoid)(void *arg);                                      /* kernel.perf_event_paranoid */
    void (*work)(void *arg, uint64_t iterations);                    /* the self-test loop */
};

extern const struct pmu_sys pmu_sys_linux;

#endif
