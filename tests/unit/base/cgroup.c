/* cgroup.c - engine/base/cgroup.h on made-up /proc and /sys trees. */
#define _GNU_SOURCE /* nftw */
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

#include "engine/base/cgroup.h"

static char root[64];
static char file[CGROUP_PATH_BYTES];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/maemio-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void assert_limit(enum cgroup_resource resource, double expected, const char *by)
{
    double limit = -1;
    assert_true(cgroup_limit(root, resource, &limit, file));
    assert_true(limit == expected);
    assert_string_equal(file, by);
    assert_true(cgroup_limit(root, resource, &limit, NULL));
}

static void version_1_limits_the_own_group(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/x/y\n3:cpu,cpuacct:/docker/1\n2:cpuset:/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"); /* the root has none, and says so */
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "20000\n");
    put("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1073741824\n");
    put("/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes", "2147483648\n");
    assert_limit(CGROUP_CPUS, 0.2, "/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us");
    assert_limit(CGROUP_MEMORY, 1073741824, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"); /* the tighter one */
}

static void version_2_limits_the_own_group(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.max", "4096\n");
    assert_limit(CGROUP_CPUS, 1.5, "/sys/fs/cgroup/a/cpu.max");
    assert_limit(CGROUP_MEMORY, 4096, "/sys/fs/cgroup/a/b/memory.max");
}

static void a_container_sees_its_own_group_as_the_root(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "5:memory:/docker/abc\n4:cpuacct,cpu:/docker/abc\n0::/docker/abc\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "8192\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_limit(CGROUP_CPUS, 0.5, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    assert_limit(CGROUP_MEMORY, 8192, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
}

static void no_limit_is_none(void **state)
{
    (void)state;
    double limit;
    assert_false(cgroup_limit(root, CGROUP_CPUS, &limit, file)); /* no such files */
    put("/proc/self/cgroup", "nonsense\n:\n::\n3:cpu:\n0::/\n");
    put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/memory.max", "\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "1000\n"); /* a period of none */
    assert_false(cgroup_limit(root, CGROUP_CPUS, &limit, file));
    assert_false(cgroup_limit(root, CGROUP_MEMORY, &limit, file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_1_limits_the_own_group, make_root, remove_root),
        cmocka_unit_test_setup_teardown(version_2_limits_the_own_group, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_container_sees_its_own_group_as_the_root, make_root, remove_root),
        cmocka_unit_test_setup_teardown(no_limit_is_none, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
