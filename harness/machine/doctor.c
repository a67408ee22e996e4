/* doctor.c - see doctor.h. */
#include "harness/machine/doctor.h"

#include "engine/base/cgroup.h"
#include "harness/machine/facts.h"

enum { LINE_BYTES = 4096, CAP_SYS_ADMIN_BIT = 21, CAP_PERFMON_BIT = 38, HUGE_PAGE_KIB = 2048 };

const struct doctor_info doctor_checks[DOCTOR_COUNT] = {DOCTOR_TABLE(TABLE_RESTS)};

/* Allowed CPUs; 1 if that cannot be read. */
static unsigned cpus_to_use(const char *root)
{
    unsigned count = fact_list(root, FACT_CPUS_ALLOWED, NULL);
    return count > 0 ? count : 1;
}

/* ---- Findings. ---- */

/* The state of a check with how it is; the command that mends it if that is bad. */
#define FOUND(finding, how, ...) \
    ((finding)->state = (how), (void)snprintf((finding)->value, sizeof((finding)->value), __VA_ARGS__))
#define MEND(finding, ...) \
    ((void)((finding)->state == DOCTOR_BAD && snprintf((finding)->remedy, sizeof((finding)->remedy), __VA_ARGS__) > 0))

static void check_GOVERNOR(const char *root, struct doctor_finding *finding)
{
    char path[128], governor[64], other[64] = "";
    unsigned seen = 0, others = 0;
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t online = hwloc_bitmap_alloc();
    (void)fact_list(root, FACT_CPUS_ONLINE, online);
    for (int cpu = -1; (cpu = hwloc_bitmap_next(online, cpu)) >= 0;) {
        (void)snprintf(path, sizeof(path), FACTS_CPU "/cpu%d/cpufreq/scaling_governor", cpu);
        if (!facts_line(root, path, "", governor, sizeof(governor)))
            continue;
        seen++;
        if (strcmp(governor, "performance") != 0) {
            others++;
            memcpy(other, governor, sizeof(other));
        }
    }
    if (seen == 0) {
        FOUND(finding, DOCTOR_UNKNOWN, "not visible: a virtual machine, or no frequency driver");
    } else if (others == 0) {
        FOUND(finding, DOCTOR_GOOD, "performance on %u CPUs", seen);
    } else {
        FOUND(finding, DOCTOR_BAD, "%s on %u of %u CPUs", other, others, seen);
        MEND(finding, "cpupower frequency-set -g performance");
    }
}

static void check_TURBO(const char *root, struct doctor_finding *finding)
{
    enum fact fact;
    int on = facts_turbo(root, &fact);
    if (on < 0) {
        FOUND(finding, DOCTOR_UNKNOWN, "not visible: a virtual machine, or no frequency driver");
        return;
    }
    FOUND(finding, on ? DOCTOR_BAD : DOCTOR_GOOD, on ? "on" : "off");
    MEND(finding, "echo %d > %s", fact == FACT_NO_TURBO, fact_path(fact));
}

static void check_SMT(const char *root, struct doctor_finding *finding)
{
    long long active;
    if (!fact_number(root, FACT_SMT, &active))
        return;
    FOUND(finding, active == 0 ? DOCTOR_GOOD : DOCTOR_BAD, active == 0 ? "off, or a single thread a core" : "on");
    MEND(finding, "echo off > " FACTS_CPU "/smt/control (or run at most one worker a core)");
}

static void check_THP(const char *root, struct doctor_finding *finding)
{
    char mode[256];
    if (!fact_word(root, FACT_THP, mode, sizeof(mode)) || !facts_has_word("always madvise never", mode)) {
        FOUND(finding, DOCTOR_UNKNOWN, "not visible: the kernel has none");
        return;
    }
    bool never = strcmp(mode, "never") == 0;
    FOUND(finding, never ? DOCTOR_BAD : DOCTOR_GOOD, "%s", mode);
    MEND(finding, "echo madvise > %s", fact_path(FACT_THP));
}

static void check_HUGE_PAGES(const char *root, struct doctor_finding *finding)
{
    long long reserved, available = 0, free_pages = 0;
    if (!fact_number(root, FACT_HUGE_RESERVED, &reserved)) {
        FOUND(finding, DOCTOR_UNKNOWN, "no 2 MiB pages on this machine");
        return;
    }
    if (!fact_number(root, FACT_HUGE_FREE, &free_pages))
        free_pages = 0;
    if (reserved > 0) {
        FOUND(finding, free_pages > 0 ? DOCTOR_GOOD : DOCTOR_BAD, "%lld of 2 MiB reserved, %lld free", reserved,
              free_pages);
        MEND(finding, "sysctl -w vm.nr_hugepages=%lld (all are taken)", reserved * 2);
        return;
    }
    FOUND(finding, DOCTOR_BAD, "none reserved; transparent ones are used");
    bool enough = fact_number(root, FACT_MEMORY_AVAILABLE, &available) && available / 2 >= HUGE_PAGE_KIB;
    MEND(finding, "sysctl -w vm.nr_hugepages=%lld", enough ? available / 2 / HUGE_PAGE_KIB : 1024);
}

/* KiB of swap there are and KiB in use; false if that cannot be read. */
static bool read_swap(const char *root, long long *size, long long *used)
{
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof(line), "%s/proc/swaps", root);
    FILE *file = fopen(line, "re");
    *size = *used = 0;
    if (!file)
        return false;
    for (bool header = true; fgets(line, sizeof(line), file); header = false) {
        long long one_size, one_used;
        if (!header && sscanf(line, "%*s %*s %lld %lld", &one_size, &one_used) == 2) {
            *size += one_size;
            *used += one_used;
        }
    }
    fclose(file);
    return true;
}

static void check_MEMLOCK(const char *root, struct doctor_finding *finding)
{
    char soft[256];
    long long size, used;
    if (!fact_word(root, FACT_MEMLOCK, soft, sizeof(soft)) || soft[0] == '\0')
        return;
    bool unlimited = strcmp(soft, "unlimited") == 0;
    bool no_swap = read_swap(root, &size, &used) && size == 0;
    FOUND(finding, unlimited || no_swap ? DOCTOR_GOOD : DOCTOR_BAD, unlimited ? "unlimited" : "%s bytes%s", soft,
          no_swap ? "; without swap that does not matter" : "");
    MEND(finding, "ulimit -l unlimited (as root, in the shell that runs maemio)");
}

static void check_PARANOID(const char *root, struct doctor_finding *finding)
{
    long long level;
    char capabilities[64];
    if (!fact_number(root, FACT_PERF_EVENT_PARANOID, &level)) {
        FOUND(finding, DOCTOR_UNKNOWN, "not visible: the kernel has no performance events");
        return;
    }
    uint64_t held = 0;
    if (fact_text(root, FACT_CAPABILITIES, capabilities, sizeof(capabilities)))
        held = strtoull(capabilities, NULL, 16);
    bool privileged = (held >> CAP_PERFMON_BIT | held >> CAP_SYS_ADMIN_BIT) & 1;
    FOUND(finding, level <= 1 || privileged ? DOCTOR_GOOD : DOCTOR_BAD, "%lld%s%s", level,
          level <= 1   ? ""
          : level == 2 ? ": user mode only"
                       : ": no counters",
          level > 1 && privileged ? ", but this user may count the kernel, too" : "");
    MEND(finding, "sysctl -w kernel.perf_event_paranoid=1, or setcap cap_perfmon+ep on the maemio binary");
}

static void check_LOAD(const char *root, struct doctor_finding *finding)
{
    char line[128];
    double load;
    if (!fact_text(root, FACT_LOAD, line, sizeof(line)) || sscanf(line, "%lf", &load) != 1)
        return;
    unsigned cpus = cpus_to_use(root);
    FOUND(finding, load > 0.25 ? DOCTOR_BAD : DOCTOR_GOOD, "%.2f in the last minute, %u CPUs to use", load, cpus);
    MEND(finding, "ps -eo pcpu,pid,comm --sort=-pcpu | head (stop what runs, or wait a minute)");
}

static void check_STEAL(const char *root, struct doctor_finding *finding)
{
    char line[256];
    unsigned long long t[8] = {0}, total = 0;
    if (!fact_text(root, FACT_CPU_TIMES, line, sizeof(line)) ||
        sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
               &t[7]) != 8)
        return;
    for (int i = 0; i < 8; i++)
        total += t[i];
    double busy = (double)(total - t[3] - t[4]), share = busy > 0 ? (double)t[7] / busy : 0;
    FOUND(finding, share > 0.005 ? DOCTOR_BAD : DOCTOR_GOOD, "%.2f%% of the busy time since boot", share * 100);
    MEND(finding, "vmstat 1 (column st shows when); use a dedicated host, or compare runs interleaved");
}

static void check_CLOCKSOURCE(const char *root, struct doctor_finding *finding)
{
    char current[64], available[256];
    if (!fact_text(root, FACT_CLOCKSOURCE, current, sizeof(current)))
        return;
    /* These are read in user mode through the vDSO. */
    bool fast = facts_has_word("tsc kvm-clock hyperv_clocksource_tsc_page arch_sys_counter", current);
    FOUND(finding, fast ? DOCTOR_GOOD : DOCTOR_BAD, "%s", current);
    (void)fact_text(root, FACT_CLOCKSOURCES, available, sizeof(available));
    MEND(finding,
         facts_has_word(available, "tsc")
             ? "echo tsc > " FACTS_CLOCK "/current_clocksource"
             : "boot with tsc=reliable on the kernel's command line (the kernel has given up on the TSC: see dmesg)");
}

static void check_TSC(const char *root, struct doctor_finding *finding)
{
    static char flags[65536];
    if (!fact_text(root, FACT_CPU_FLAGS, flags, sizeof(flags))) {
        FOUND(finding, DOCTOR_UNKNOWN, "not visible: not an x86 processor?");
        return;
    }
    bool constant = facts_has_word(flags, "constant_tsc"), nonstop = facts_has_word(flags, "nonstop_tsc");
    FOUND(finding, constant && nonstop ? DOCTOR_GOOD : DOCTOR_BAD, "%s constant, %s in deep sleep%s",
          constant ? "rate" : "rate not", nonstop ? "goes on" : "stops",
          facts_has_word(flags, "hypervisor") ? ", in a virtual machine" : "");
    MEND(finding,
         "cpupower idle-set -D 0 && cpupower frequency-set -g performance (in a virtual machine: pass the host's "
         "invtsc flag on)");
}

static void check_NUMA_BALANCING(const char *root, struct doctor_finding *finding)
{
    long long on;
    if (!fact_number(root, FACT_NUMA_BALANCING, &on)) {
        FOUND(finding, DOCTOR_GOOD, "the kernel has none");
        return;
    }
    unsigned count = fact_list(root, FACT_NODES_ONLINE, NULL);
    count = count > 0 ? count : 1;
    FOUND(finding, on && count > 1 ? DOCTOR_BAD : DOCTOR_GOOD, "%s, %u NUMA node%s", on ? "on" : "off", count,
          count == 1 ? "" : "s");
    MEND(finding, "sysctl -w kernel.numa_balancing=0");
}

static void check_SWAP(const char *root, struct doctor_finding *finding)
{
    long long size, used;
    if (!read_swap(root, &size, &used))
        return;
    FOUND(finding, used > 0 ? DOCTOR_BAD : DOCTOR_GOOD, size > 0 ? "%lld of %lld MiB used" : "none", used >> 10,
          size >> 10);
    MEND(finding, "swapoff -a && swapon -a");
}

static void check_CGROUP_CPU(const char *root, struct doctor_finding *finding)
{
    double cpus;
    char file[CGROUP_PATH_BYTES], groups[LINE_BYTES];
    if (!fact_text(root, FACT_CGROUPS, groups, sizeof(groups)))
        return;
    if (!cgroup_limit(root, CGROUP_CPUS, &cpus, file)) {
        FOUND(finding, DOCTOR_GOOD, "no quota");
    } else {
        FOUND(finding, DOCTOR_BAD, "%.2f CPUs (%u to use)", cpus, cpus_to_use(root));
        MEND(finding, "echo %s > %.250s (or start the container without a CPU limit)",
             strstr(file, "cpu.max") ? "max" : "-1", file);
    }
}

static void check_ALLOWED_CPUS(const char *root, struct doctor_finding *finding)
{
    char allowed[LINE_BYTES], online[LINE_BYTES];
    unsigned allowed_count = fact_list(root, FACT_CPUS_ALLOWED, NULL),
             online_count = fact_list(root, FACT_CPUS_ONLINE, NULL);
    if (!fact_text(root, FACT_CPUS_ALLOWED, allowed, sizeof(allowed)) ||
        !fact_text(root, FACT_CPUS_ONLINE, online, sizeof(online)))
        return;
    FOUND(finding, allowed_count < online_count ? DOCTOR_BAD : DOCTOR_GOOD, "%u of %u online (%.100s)", allowed_count,
          online_count, allowed);
    MEND(finding, "taskset -cp %.100s $$ (in the shell that runs maemio; a container: start it without --cpuset-cpus)",
         online);
}

size_t doctor_examine(const char *root, struct doctor_finding findings[DOCTOR_COUNT])
{
    static void (*const checks[])(const char *root, struct doctor_finding *finding) = {
#define DOCTOR_FUNCTION(id, name, effect) check_##id,
        DOCTOR_TABLE(DOCTOR_FUNCTION)
#undef DOCTOR_FUNCTION
    };
    size_t bad = 0;
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        findings[i] = (struct doctor_finding){.state = DOCTOR_UNKNOWN, .value = "not visible"};
        checks[i](root, &findings[i]);
        bad += findings[i].state == DOCTOR_BAD;
    }
    return bad;
}

void doctor_print(const struct doctor_finding findings[DOCTOR_COUNT], FILE *file)
{
    static const char *const marks[] = {[DOCTOR_GOOD] = "ok", [DOCTOR_BAD] = "BAD", [DOCTOR_UNKNOWN] = "?"};
    size_t counts[DOCTOR_UNKNOWN + 1] = {0};
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        counts[findings[i].state]++;
        fprintf(file, "%-4s%-20s %s\n", marks[findings[i].state], doctor_checks[i].name, findings[i].value);
        if (findings[i].state == DOCTOR_BAD)
            fprintf(file, "    effect: %s\n    mend:   %s\n", doctor_checks[i].effect, findings[i].remedy);
    }
    fprintf(file, "\n%zu checks: %zu ok, %zu bad, %zu not visible\n", (size_t)DOCTOR_COUNT, counts[DOCTOR_GOOD],
            counts[DOCTOR_BAD], counts[DOCTOR_UNKNOWN]);
}
