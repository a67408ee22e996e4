/* pmu_sys.c - see pmu_sys.h: Linux. */
#define _GNU_SOURCE 1 /* RUSAGE_THREAD */
#include "harness/machine/pmu_sys.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int sys_open(void *arg, struct perf_event_attr *attr, int group_fd)
{
    (void)arg;
    long fd = syscall(SYS_perf_event_open, attr, 0, -1, group_fd, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int sys_event_id(void *arg, int fd, uint64_t *id)
{
    (void)arg;
    return ioctl(fd, PERF_EVENT_IOC_ID, id) < 0 ? -errno : 0;
}

static int sys_enable(void *arg, int leader_fd)
{
    (void)arg;
    if (ioctl(leader_fd, PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP) < 0)
        return -errno;
    return ioctl(leader_fd, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) < 0 ? -errno : 0;
}

static int sys_disable(void *arg, int leader_fd)
{
    (void)arg;
    return ioctl(leader_fd, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP) < 0 ? -errno : 0;
}

static ssize_t sys_read(void *arg, int fd, void *buffer, size_t bytes)
{
    (void)arg;
    ssize_t got = read(fd, buffer, bytes);
    return got < 0 ? -errno : got;
}

static void sys_close(void *arg, int fd)
{
    (void)arg;
    close(fd);
}

static int sys_raise_files(void *arg, uint64_t wanted, uint64_t *limit)
{
    (void)arg;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    if (files.rlim_cur < wanted) {
        rlim_t before = files.rlim_cur;
        files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            files.rlim_cur = before;
    }
    *limit = files.rlim_cur;
    return 0;
}

static uint64_t count_of(long value)
{
    return value < 0 ? 0 : (uint64_t)value;
}

static int sys_usage(void *arg, struct pmu_usage *usage)
{
    (void)arg;
    struct rusage self;
    struct timespec cpu;
    if (getrusage(RUSAGE_THREAD, &self) < 0 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) < 0)
        return -errno;
    usage->cpu_ns = count_of(cpu.tv_sec) * 1000000000u + count_of(cpu.tv_nsec);
    usage->minor_faults = count_of(self.ru_minflt);
    usage->major_faults = count_of(self.ru_majflt);
    usage->voluntary_switches = count_of(self.ru_nvcsw);
    usage->involuntary_switches = count_of(self.ru_nivcsw);
    return 0;
}

static int sys_paranoid(void *arg)
{
    (void)arg;
    int level = -ENOENT;
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    if (!file)
        return level;
    if (fscanf(file, "%d", &level) != 1)
        level = -ENOENT;
    fclose(file);
    return level;
}

/* Each iteration waits for the one before, and the compiler cannot fold the loop. So an iteration takes at least a
 * cycle, two instructions and a branch. */
static void sys_work(void *arg, uint64_t iterations)
{
    (void)arg;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < iterations; i++) {
        sum += i;
        __asm__ volatile("" : "+r"(sum));
    }
}

const struct pmu_sys pmu_sys_linux = {
    .open = sys_open,
    .event_id = sys_event_id,
    .enable = sys_enable,
    .disable = sys_disable,
    .read = sys_read,
    .close = sys_close,
    .raise_files = sys_raise_files,
    .usage = sys_usage,
    .paranoid = sys_paranoid,
    .work = sys_work,
};
