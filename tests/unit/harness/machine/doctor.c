/*
 * Tests of harness/machine/doctor.c on made-up /proc and /sys trees: a bad machine, a good one, and one that shows
 * nothing.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/machine/doctor.h"
#include "tests/support/scratch.h"

static char root[64];
static struct doctor_finding findings[DOCTOR_COUNT];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/maemio-doctor-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type)
{
    (void)info;
    (void)type;
    return type == FTW_D ? 0 : unlink(path);
}

static int remove_folder(const char *path, const struct stat *info, int type)
{
    (void)info;
    /* ftw goes from the top down: a folder with folders in it needs another round. */
    if (type == FTW_D && rmdir(path) < 0 && errno != ENOTEMPTY)
        return -1;
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    ftw(root, remove_one, 16);
    for (int depth = 0; depth < 16 && access(root, F_OK) == 0; depth++)
        ftw(root, remove_folder, 16);
    return access(root, F_OK) == 0 ? -1 : 0;
}

static void put(const char *name, const char *text)
{
    char path[512];
    int used = snprintf(path, sizeof(path), "%s%s", root, name);
    assert_true(used > 0 && (size_t)used < sizeof(path));
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_found(enum doctor_check check, enum doctor_state state, const char *value, const char *remedy)
{
    if (findings[check].state != state || strcmp(findings[check].value, value) != 0 ||
        strcmp(findings[check].remedy, remedy) != 0)
        fail_msg("%s: %d, '%s', '%s'", doctor_checks[check].name, findings[check].state, findings[check].value,
                 findings[check].remedy);
}

#define CPU "/sys/devices/system/cpu"
#define STATUS_GOOD "Name:\tx\nCapEff:\t0000000000000000\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n"

static void put_good_machine(void)
{
    put(CPU "/online", "0-3\n");
    for (int cpu = 0; cpu < 4; cpu++) {
        char path[128];
        snprintf(path, sizeof(path), CPU "/cpu%d/cpufreq/scaling_governor", cpu);
        put(path, "performance\n");
    }
    put(CPU "/intel_pstate/no_turbo", "1\n");
    put(CPU "/smt/active", "0\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "4096\n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "4000\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    put("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm \n");
    put("/sys/devices/system/node/online", "0-1\n");
    put("/proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units     \n"
                             "Max locked memory         unlimited            unlimited            bytes     \n");
    put("/proc/self/status", STATUS_GOOD);
    put("/proc/self/cgroup", "0::/user.slice/me\n");
    put("/sys/fs/cgroup/user.slice/me/cpu.max", "max 100000\n");
    put("/proc/sys/kernel/perf_event_paranoid", "1\n");
    put("/proc/sys/kernel/numa_balancing", "0\n");
    put("/proc/loadavg", "0.05 0.10 0.20 1/100 1234\n");
    put("/proc/stat", "cpu  1000 0 500 90000 10 0 5 0 0 0\ncpu0 1 2 3\n");
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc rep_good nonstop_tsc\n\n");
    put("/proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8388608 kB\n");
    put("/proc/swaps", "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void a_good_machine_has_nothing_to_mend(void **state)
{
    (void)state;
    put_good_machine();
    size_t bad = doctor_examine(root, findings);
    for (enum doctor_check check = 0; check < DOCTOR_COUNT; check++)
        if (findings[check].state != DOCTOR_GOOD || findings[check].remedy[0] || !findings[check].value[0])
            fail_msg("%s: %s", doctor_checks[check].name, findings[check].value);
    assert_int_equal(bad, 0);
    assert_found(DOCTOR_GOVERNOR, DOCTOR_GOOD, "performance on 4 CPUs", "");
    assert_found(DOCTOR_ALLOWED_CPUS, DOCTOR_GOOD, "4 of 4 online (0-3)", "");
}

static void every_fault_is_found_with_the_command_that_mends_it(void **state)
{
    (void)state;
    put_good_machine();
    put(CPU "/cpu2/cpufreq/scaling_governor", "powersave\n");
    put(CPU "/intel_pstate/no_turbo", "0\n");
    put(CPU "/smt/active", "1\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    put("/proc/self/limits", "Max locked memory         65536                65536                bytes     \n");
    put("/proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0,2\n");
    put("/sys/fs/cgroup/user.slice/me/cpu.max", "300000 100000\n");
    put("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
    put("/proc/sys/kernel/perf_event_paranoid", "3\n");
    put("/proc/sys/kernel/numa_balancing", "1\n");
    put("/proc/loadavg", "3.50 0.10 0.20 1/100 1234\n");
    put("/proc/stat", "cpu  1000 0 500 90000 10 0 5 100 0 0\n");
    put("/proc/cpuinfo", "flags\t\t: fpu tsc not_constant_tsc nonstop_tsc hypervisor\n");
    put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 2097152 1048576 -2\n");
    assert_int_equal(doctor_examine(root, findings), DOCTOR_COUNT);

    assert_found(DOCTOR_GOVERNOR, DOCTOR_BAD, "powersave on 1 of 4 CPUs", "cpupower frequency-set -g performance");
    assert_found(DOCTOR_TURBO, DOCTOR_BAD, "on", "echo 1 > " CPU "/intel_pstate/no_turbo");
    assert_found(DOCTOR_SMT, DOCTOR_BAD, "on", "echo off > " CPU "/smt/control (or run at most one worker a core)");
    assert_found(DOCTOR_THP, DOCTOR_BAD, "never", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
    assert_found(DOCTOR_HUGE_PAGES, DOCTOR_BAD, "none reserved; transparent ones are used",
                 "sysctl -w vm.nr_hugepages=2048");
    assert_found(DOCTOR_MEMLOCK, DOCTOR_BAD, "65536 bytes",
                 "ulimit -l unlimited (as root, in the shell that runs maemio)");
    assert_found(DOCTOR_PARANOID, DOCTOR_BAD, "3: no counters",
                 "sysctl -w kernel.perf_event_paranoid=1, or setcap cap_perfmon+ep on the maemio binary");
    assert_found(DOCTOR_LOAD, DOCTOR_BAD, "3.50 in the last minute, 2 CPUs to use",
                 "ps -eo pcpu,pid,comm --sort=-pcpu | head (stop what runs, or wait a minute)");
    assert_found(DOCTOR_STEAL, DOCTOR_BAD, "6.23% of the busy time since boot",
                 "vmstat 1 (column st shows when); use a dedicated host, or compare runs interleaved");
    assert_found(DOCTOR_CLOCKSOURCE, DOCTOR_BAD, "hpet",
                 "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
    assert_found(
        DOCTOR_TSC, DOCTOR_BAD, "rate not constant, goes on in deep sleep, in a virtual machine",
        "cpupower idle-set -D 0 && cpupower frequency-set -g performance (in a virtual machine: pass the host's invtsc "
        "flag on)");
    assert_found(DOCTOR_NUMA_BALANCING, DOCTOR_BAD, "on, 2 NUMA nodes", "sysctl -w kernel.numa_balancing=0");
    assert_found(DOCTOR_SWAP, DOCTOR_BAD, "1024 of 2048 MiB used", "swapoff -a && swapon -a");
    assert_found(DOCTOR_CGROUP_CPU, DOCTOR_BAD, "1.50 CPUs (2 to use)", /* the tighter one, of the group above */
                 "echo max > /sys/fs/cgroup/user.slice/cpu.max (or start the container without a CPU limit)");
    assert_found(DOCTOR_ALLOWED_CPUS, DOCTOR_BAD, "2 of 4 online (0,2)",
                 "taskset -cp 0-3 $$ (in the shell that runs maemio; a container: start it without --cpuset-cpus)");

    FILE *file = scratch_text_open();
    doctor_print(findings, file);
    char *text = scratch_text_close(file);
    for (enum doctor_check check = 0; check < DOCTOR_COUNT; check++) {
        assert_non_null(strstr(text, doctor_checks[check].name));
        assert_non_null(strstr(text, doctor_checks[check].effect));
        assert_non_null(strstr(text, findings[check].remedy));
    }
    assert_non_null(strstr(text, "15 checks: 0 ok, 15 bad, 0 not visible"));
    free(text);
}

static void a_machine_that_shows_nothing_is_unknown_and_not_bad(void **state)
{
    (void)state;
    assert_int_equal(doctor_examine(root, findings), 0);
    for (enum doctor_check check = 0; check < DOCTOR_COUNT; check++) {
        if (check != DOCTOR_NUMA_BALANCING)
            assert_int_equal(findings[check].state, DOCTOR_UNKNOWN);
        assert_true(findings[check].value[0] != '\0');
    }
}

static void other_shapes_of_the_same_facts_are_read(void **state)
{
    (void)state;
    put_good_machine();
    char path[200];
    snprintf(path, sizeof(path), "%s" CPU "/intel_pstate/no_turbo", root);
    unlink(path);
    put(CPU "/cpufreq/boost", "1\n");
    put("/proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/docker/1\n0::/\n"); /* version 1 */
    put("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n");
    put("/proc/sys/kernel/perf_event_paranoid", "2\n");
    put("/proc/self/status", "CapEff:\t0000004000000000\nCpus_allowed_list:\t0-3\n"); /* CAP_PERFMON */
    put("/proc/self/limits", "Max locked memory         65536                65536                bytes     \n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm\n");
    put("/sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm \n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0\n");
    put("/proc/swaps", "Filename Type Size Used Priority\n");
    doctor_examine(root, findings);
    assert_found(DOCTOR_TURBO, DOCTOR_BAD, "on", "echo 0 > " CPU "/cpufreq/boost");
    assert_found(DOCTOR_CGROUP_CPU, DOCTOR_BAD, "0.50 CPUs (4 to use)",
                 "echo -1 > /sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us (or start the container without a CPU limit)");
    assert_found(DOCTOR_PARANOID, DOCTOR_GOOD, "2: user mode only, but this user may count the kernel, too", "");
    assert_found(DOCTOR_MEMLOCK, DOCTOR_GOOD, "65536 bytes; without swap that does not matter", "");
    assert_found(DOCTOR_CLOCKSOURCE, DOCTOR_BAD, "acpi_pm",
                 "boot with tsc=reliable on the kernel's command line (the kernel has given up on the TSC: see dmesg)");
    assert_found(DOCTOR_HUGE_PAGES, DOCTOR_BAD, "4096 of 2 MiB reserved, 0 free",
                 "sysctl -w vm.nr_hugepages=8192 (all are taken)");
    put("/proc/self/cgroup", "0::/\n"); /* a container that sees itself as the root */
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    put("/proc/swaps", "Filename Type Size Used Priority\n/swap file 2097152 0 -2\n");
    doctor_examine(root, findings);
    assert_found(DOCTOR_CGROUP_CPU, DOCTOR_BAD, "2.00 CPUs (4 to use)",
                 "echo max > /sys/fs/cgroup/cpu.max (or start the container without a CPU limit)");
    assert_found(DOCTOR_SWAP, DOCTOR_GOOD, "0 of 2048 MiB used", "");
}

static void nonsense_in_the_files_does_no_harm(void **state)
{
    (void)state;
    put_good_machine();
    static const char *const files[] = {CPU "/online",       CPU "/smt/active",
                                        "/proc/self/limits", "/proc/self/status",
                                        "/proc/self/cgroup", "/proc/loadavg",
                                        "/proc/stat",        "/proc/cpuinfo",
                                        "/proc/swaps",       "/sys/kernel/mm/transparent_hugepage/enabled"};
    static const char *const texts[] = {"",
                                        "\n",
                                        "x",
                                        "-1-,9999999999999999999-",
                                        "[",
                                        "::::\n",
                                        "0-99999999999\n",
                                        "Cpus_allowed_list:\nMax locked memory\ncpu  1\nflags\n"};
    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
            put(files[i], texts[k]);
        doctor_examine(root, findings);
        for (enum doctor_check check = 0; check < DOCTOR_COUNT; check++)
            assert_true(findings[check].value[0] != '\0' &&
                        (findings[check].state == DOCTOR_BAD) == (findings[check].remedy[0] != '\0'));
    }
}

static void this_machine_can_be_examined(void **state)
{
    (void)state;
    doctor_examine("", findings);
    assert_int_equal(findings[DOCTOR_LOAD].state == DOCTOR_UNKNOWN, 0);
    assert_int_equal(findings[DOCTOR_ALLOWED_CPUS].state == DOCTOR_UNKNOWN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_machine_has_nothing_to_mend, make_root, remove_root),
        cmocka_unit_test_setup_teardown(every_fault_is_found_with_the_command_that_mends_it, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_machine_that_shows_nothing_is_unknown_and_not_bad, make_root, remove_root),
        cmocka_unit_test_setup_teardown(other_shapes_of_the_same_facts_are_read, make_root, remove_root),
        cmocka_unit_test_setup_teardown(nonsense_in_the_files_does_no_harm, make_root, remove_root),
        cmocka_unit_test(this_machine_can_be_examined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
