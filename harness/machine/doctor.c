/* doctor.c - see doctor.h. */
#include "harness/machine/doctor.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/cgroup.h"

#define CPU_FOLDER "/sys/devices/system/cpu"
#define THP_FILE "/sys/kernel/mm/transparent_hugepage/enabled"
#define HUGE_FOLDER "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define CLOCK_FOLDER "/sys/devices/system/clocksource/clocksource0"

enum {
    PATH_BYTES = 1024,
    LINE_BYTES = 4096,
    CPU_MAX = 65535,
    CAP_SYS_ADMIN_BIT = 21,
    CAP_PERFMON_BIT = 38,
    HUGE_PAGE_KIB = 2048
};

static const struct {
    const char *name, *effect;
} check_table[] = {
#define DOCTOR_INFO(id, name, effect) {name, effect},
    DOCTOR_TABLE(DOCTOR_INFO)
#undef DOCTOR_INFO
};

const char *doctor_name(enum doctor_check check)
{
    return check_table[check].name;
}

const char *doctor_effect(enum doctor_check check)
{
    return check_table[check].effect;
}

/* ---- Reading. ---- */

__attribute__((format(printf, 2, 3))) static FILE *open_file(const char *root, const char *format, ...)
{
    char path[PATH_BYTES];
    int used = snprintf(path, sizeof(path), "%s", root);
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof(path))
        used += vsnprintf(path + used, sizeof(path) - (size_t)used, format, args);
    va_end(args);
    return used < 0 || (size_t)used >= sizeof(path) ? NULL : fopen(path, "re");
}

/* The first line without its end; closes the file, which may be NULL. */
static bool first_line(FILE *file, char *line, size_t bytes)
{
    line[0] = '\0';
    if (!file)
        return false;
    bool good = fgets(line, (int)bytes, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return good;
}

static bool read_number(FILE *file, long long *value)
{
    char line[64], *end;
    if (!first_line(file, line, sizeof(line)))
        return false;
    *value = strtoll(line, &end, 10);
    return end != line;
}

/* The rest of the first line that begins with `key`, without white space and colon before it; closes the file. */
static bool find_line(FILE *file, const char *key, char *value, size_t bytes)
{
    static char line[65536]; /* the flags of /proc/cpuinfo */
    bool found = false;
    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file))
        found = strncmp(line, key, strlen(key)) == 0;
    fclose(file);
    if (!found)
        return false;
    const char *rest = line + strlen(key);
    rest += strspn(rest, " \t:");
    snprintf(value, bytes, "%.*s", (int)strcspn(rest, "\n"), rest);
    return true;
}

/* Walks a list such as 0-3,8: the next CPU, -1 at the end. */
static long next_cpu(const char **list, long last, long *range_end)
{
    if (last >= 0 && last < *range_end)
        return last + 1;
    *list += strspn(*list, ", ");
    if (!isdigit((unsigned char)**list))
        return -1;
    char *end;
    long cpu = strtol(*list, &end, 10);
    *range_end = *end == '-' ? strtol(end + 1, &end, 10) : cpu;
    *range_end = *range_end < CPU_MAX ? *range_end : CPU_MAX; /* whatever the file says, the walk ends */
    *list = end;
    return cpu <= CPU_MAX ? cpu : -1;
}

static unsigned count_cpus(const char *list)
{
    unsigned count = 0;
    long range_end = -1;
    for (long cpu = -1; (cpu = next_cpu(&list, cpu, &range_end)) >= 0;)
        count++;
    return count;
}

static bool read_cpus(const char *root, bool allowed, char *list, size_t bytes)
{
    return allowed ? find_line(open_file(root, "/proc/self/status"), "Cpus_allowed_list", list, bytes)
                   : first_line(open_file(root, CPU_FOLDER "/online"), list, bytes);
}

/* Allowed CPUs; 1 if that cannot be read. */
static unsigned cpus_to_use(const char *root)
{
    char list[LINE_BYTES];
    unsigned count = read_cpus(root, true, list, sizeof(list)) ? count_cpus(list) : 0;
    return count ? count : 1;
}

/* ---- Findings. ---- */

__attribute__((format(printf, 3, 4))) static void found(struct doctor_finding *finding, enum doctor_state state,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->value, sizeof(finding->value), format, args);
    va_end(args);
    finding->state = state;
}

__attribute__((format(printf, 2, 3))) static void mend(struct doctor_finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->remedy, sizeof(finding->remedy), format, args);
    va_end(args);
}

static void check_GOVERNOR(const char *root, struct doctor_finding *finding)
{
    char online[LINE_BYTES], governor[64], other[64] = "";
    unsigned seen = 0, others = 0;
    if (read_cpus(root, false, online, sizeof(online))) {
        const char *list = online;
        long range_end = -1;
        for (long cpu = -1; (cpu = next_cpu(&list, cpu, &range_end)) >= 0;) {
            if (!first_line(open_file(root, CPU_FOLDER "/cpu%ld/cpufreq/scaling_governor", cpu), governor,
                            sizeof(governor)))
                continue;
            seen++;
            if (strcmp(governor, "performance") != 0) {
                others++;
                memcpy(other, governor, sizeof(other));
            }
        }
    }
    if (seen == 0) {
        found(finding, DOCTOR_UNKNOWN, "not visible: a virtual machine, or no frequency driver");
    } else if (others == 0) {
        found(finding, DOCTOR_GOOD, "performance on %u CPUs", seen);
    } else {
        found(finding, DOCTOR_BAD, "%s on %u of %u CPUs", other, others, seen);
        mend(finding, "cpupower frequency-set -g performance");
    }
}

static void check_TURBO(const char *root, struct doctor_finding *finding)
{
    long long value;
    const char *file = CPU_FOLDER "/intel_pstate/no_turbo";
    bool on;
    if (read_number(open_file(root, "%s", file), &value)) {
        on = value == 0;
    } else {
        file = CPU_FOLDER "/cpufreq/boost";
        if (!read_number(open_file(root, "%s", file), &value)) {
            found(finding, DOCTOR_UNKNOWN, "not visible: a virtual machine, or no frequency driver");
            return;
        }
        on = value != 0;
    }
    found(finding, on ? DOCTOR_BAD : DOCTOR_GOOD, on ? "on" : "off");
    if (on)
        mend(finding, "echo %d > %s", strstr(file, "no_turbo") ? 1 : 0, file);
}

static void check_SMT(const char *root, struct doctor_finding *finding)
{
    long long active;
    if (!read_number(open_file(root, CPU_FOLDER "/smt/active"), &active)) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
    } else if (active == 0) {
        found(finding, DOCTOR_GOOD, "off, or a single thread a core");
    } else {
        found(finding, DOCTOR_BAD, "on");
        mend(finding, "echo off > " CPU_FOLDER "/smt/control (or run at most one worker a core)");
    }
}

/* The word in brackets of "always [madvise] never". */
static bool chosen_word(const char *line, char *word, size_t bytes)
{
    const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close)
        return false;
    snprintf(word, bytes, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

static void check_THP(const char *root, struct doctor_finding *finding)
{
    char line[256], mode[64];
    if (!first_line(open_file(root, THP_FILE), line, sizeof(line)) || !chosen_word(line, mode, sizeof(mode))) {
        found(finding, DOCTOR_UNKNOWN, "not visible: the kernel has none");
        return;
    }
    bool never = strcmp(mode, "never") == 0;
    found(finding, never ? DOCTOR_BAD : DOCTOR_GOOD, "%s", mode);
    if (never)
        mend(finding, "echo madvise > " THP_FILE);
}

static void check_HUGE_PAGES(const char *root, struct doctor_finding *finding)
{
    long long reserved, available, free_pages = 0;
    char line[64];
    if (!read_number(open_file(root, HUGE_FOLDER "/nr_hugepages"), &reserved)) {
        found(finding, DOCTOR_UNKNOWN, "no 2 MiB pages on this machine");
        return;
    }
    if (!read_number(open_file(root, HUGE_FOLDER "/free_hugepages"), &free_pages))
        free_pages = 0;
    if (reserved > 0) {
        found(finding, free_pages > 0 ? DOCTOR_GOOD : DOCTOR_BAD, "%lld of 2 MiB reserved, %lld free", reserved,
              free_pages);
        if (free_pages <= 0)
            mend(finding, "sysctl -w vm.nr_hugepages=%lld (all are taken)", reserved * 2);
        return;
    }
    found(finding, DOCTOR_BAD, "none reserved; transparent ones are used");
    available = find_line(open_file(root, "/proc/meminfo"), "MemAvailable", line, sizeof(line)) ? atoll(line) : 0;
    mend(finding, "sysctl -w vm.nr_hugepages=%lld",
         available / 2 / HUGE_PAGE_KIB > 0 ? available / 2 / HUGE_PAGE_KIB : 1024);
}

/* KiB of swap there are and KiB in use; false if that cannot be read. */
static bool read_swap(const char *root, long long *size, long long *used)
{
    char line[LINE_BYTES];
    FILE *file = open_file(root, "/proc/swaps");
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
    char limits[256], soft[64];
    long long size, used;
    if (!find_line(open_file(root, "/proc/self/limits"), "Max locked memory", limits, sizeof(limits)) ||
        sscanf(limits, "%63s", soft) != 1) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    bool unlimited = strcmp(soft, "unlimited") == 0;
    bool no_swap = read_swap(root, &size, &used) && size == 0;
    found(finding, unlimited || no_swap ? DOCTOR_GOOD : DOCTOR_BAD, unlimited ? "unlimited" : "%s bytes%s", soft,
          no_swap ? ", but there is no swap" : "");
    if (finding->state == DOCTOR_BAD)
        mend(finding, "ulimit -l unlimited (as root, in the shell that runs maemio)");
}

static void check_PARANOID(const char *root, struct doctor_finding *finding)
{
    long long level;
    char capabilities[64];
    if (!read_number(open_file(root, "/proc/sys/kernel/perf_event_paranoid"), &level)) {
        found(finding, DOCTOR_UNKNOWN, "not visible: the kernel has no performance events");
        return;
    }
    uint64_t held = 0;
    if (find_line(open_file(root, "/proc/self/status"), "CapEff", capabilities, sizeof(capabilities)))
        held = strtoull(capabilities, NULL, 16);
    bool privileged = (held >> CAP_PERFMON_BIT | held >> CAP_SYS_ADMIN_BIT) & 1;
    found(finding, level <= 1 || privileged ? DOCTOR_GOOD : DOCTOR_BAD, "%lld%s%s", level,
          level <= 1   ? ""
          : level == 2 ? ": user mode only"
                       : ": no counters",
          level > 1 && privileged ? ", but this user may" : "");
    if (finding->state == DOCTOR_BAD)
        mend(finding, "sysctl -w kernel.perf_event_paranoid=1, or setcap cap_perfmon+ep on the maemio binary");
}

static void check_LOAD(const char *root, struct doctor_finding *finding)
{
    char line[128];
    double load;
    if (!first_line(open_file(root, "/proc/loadavg"), line, sizeof(line)) || sscanf(line, "%lf", &load) != 1) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    unsigned cpus = cpus_to_use(root);
    found(finding, load > 0.25 ? DOCTOR_BAD : DOCTOR_GOOD, "%.2f in the last minute, %u CPUs to use", load, cpus);
    if (finding->state == DOCTOR_BAD)
        mend(finding, "ps -eo pcpu,pid,comm --sort=-pcpu | head (stop what runs, or wait a minute)");
}

static void check_STEAL(const char *root, struct doctor_finding *finding)
{
    char line[256];
    unsigned long long t[8] = {0}, total = 0;
    if (!find_line(open_file(root, "/proc/stat"), "cpu ", line, sizeof(line)) ||
        sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
               &t[7]) != 8) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    for (int i = 0; i < 8; i++)
        total += t[i];
    double busy = (double)(total - t[3] - t[4]), share = busy > 0 ? (double)t[7] / busy : 0;
    found(finding, share > 0.005 ? DOCTOR_BAD : DOCTOR_GOOD, "%.2f%% of the busy time since boot", share * 100);
    if (finding->state == DOCTOR_BAD)
        mend(finding, "vmstat 1 (column st shows when); use a dedicated host, or compare runs interleaved");
}

static void check_CLOCKSOURCE(const char *root, struct doctor_finding *finding)
{
    char current[64], available[256];
    if (!first_line(open_file(root, CLOCK_FOLDER "/current_clocksource"), current, sizeof(current))) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    /* These are read in user mode through the vDSO. */
    static const char *const fast[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"};
    for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
        if (strcmp(current, fast[i]) == 0) {
            found(finding, DOCTOR_GOOD, "%s", current);
            return;
        }
    }
    found(finding, DOCTOR_BAD, "%s", current);
    first_line(open_file(root, CLOCK_FOLDER "/available_clocksource"), available, sizeof(available));
    char *word = strtok(available, " ");
    while (word && strcmp(word, "tsc") != 0)
        word = strtok(NULL, " ");
    mend(finding,
         word ? "echo tsc > " CLOCK_FOLDER "/current_clocksource"
              : "boot with tsc=reliable on the kernel's command line (the kernel has given up on the TSC: see dmesg)");
}

static bool has_flag(const char *flags, const char *flag)
{
    size_t bytes = strlen(flag);
    for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += bytes)
        if ((at == flags || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0'))
            return true;
    return false;
}

static void check_TSC(const char *root, struct doctor_finding *finding)
{
    static char flags[65536];
    if (!find_line(open_file(root, "/proc/cpuinfo"), "flags", flags, sizeof(flags))) {
        found(finding, DOCTOR_UNKNOWN, "not visible: not an x86 processor?");
        return;
    }
    bool constant = has_flag(flags, "constant_tsc"), nonstop = has_flag(flags, "nonstop_tsc");
    found(finding, constant && nonstop ? DOCTOR_GOOD : DOCTOR_BAD, "%s constant, %s in deep sleep%s",
          constant ? "rate" : "rate not", nonstop ? "goes on" : "stops",
          has_flag(flags, "hypervisor") ? ", in a virtual machine" : "");
    if (finding->state == DOCTOR_BAD)
        mend(finding,
             "cpupower idle-set -D 0 && cpupower frequency-set -g performance (in a virtual machine: pass the host's "
             "invtsc flag on)");
}

static void check_NUMA_BALANCING(const char *root, struct doctor_finding *finding)
{
    long long on;
    char nodes[256];
    if (!read_number(open_file(root, "/proc/sys/kernel/numa_balancing"), &on)) {
        found(finding, DOCTOR_GOOD, "the kernel has none");
        return;
    }
    unsigned count =
        first_line(open_file(root, "/sys/devices/system/node/online"), nodes, sizeof(nodes)) ? count_cpus(nodes) : 1;
    found(finding, on && count > 1 ? DOCTOR_BAD : DOCTOR_GOOD, "%s, %u NUMA node%s", on ? "on" : "off", count,
          count == 1 ? "" : "s");
    if (finding->state == DOCTOR_BAD)
        mend(finding, "sysctl -w kernel.numa_balancing=0");
}

static void check_SWAP(const char *root, struct doctor_finding *finding)
{
    long long size, used;
    if (!read_swap(root, &size, &used)) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    found(finding, used > 0 ? DOCTOR_BAD : DOCTOR_GOOD, size > 0 ? "%lld of %lld MiB used" : "none", used >> 10,
          size >> 10);
    if (used > 0)
        mend(finding, "swapoff -a && swapon -a");
}

static void check_CGROUP_CPU(const char *root, struct doctor_finding *finding)
{
    double cpus;
    char file[CGROUP_PATH_BYTES], groups[LINE_BYTES];
    if (!first_line(open_file(root, "/proc/self/cgroup"), groups, sizeof(groups))) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
    } else if (!cgroup_limit(root, CGROUP_CPUS, &cpus, file)) {
        found(finding, DOCTOR_GOOD, "no quota");
    } else {
        found(finding, DOCTOR_BAD, "%.2f CPUs (%u to use)", cpus, cpus_to_use(root));
        mend(finding, "echo %s > %.250s (or start the container without a CPU limit)",
             strstr(file, "cpu.max") ? "max" : "-1", file);
    }
}

static void check_ALLOWED_CPUS(const char *root, struct doctor_finding *finding)
{
    char allowed[LINE_BYTES], online[LINE_BYTES];
    if (!read_cpus(root, true, allowed, sizeof(allowed)) || !read_cpus(root, false, online, sizeof(online))) {
        found(finding, DOCTOR_UNKNOWN, "not visible");
        return;
    }
    unsigned allowed_count = count_cpus(allowed), online_count = count_cpus(online);
    found(finding, allowed_count < online_count ? DOCTOR_BAD : DOCTOR_GOOD, "%u of %u online (%.100s)", allowed_count,
          online_count, allowed);
    if (finding->state == DOCTOR_BAD)
        mend(finding,
             "taskset -cp %.100s $$ (in the shell that runs maemio; a container: start it without --cpuset-cpus)",
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
        memset(&findings[i], 0, sizeof(findings[i]));
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
        fprintf(file, "%-4s%-20s %s\n", marks[findings[i].state], check_table[i].name, findings[i].value);
        if (findings[i].state == DOCTOR_BAD)
            fprintf(file, "    effect: %s\n    mend:   %s\n", check_table[i].effect, findings[i].remedy);
    }
    fprintf(file, "\n%zu checks: %zu ok, %zu bad, %zu not visible\n", (size_t)DOCTOR_COUNT, counts[DOCTOR_GOOD],
            counts[DOCTOR_BAD], counts[DOCTOR_UNKNOWN]);
}
