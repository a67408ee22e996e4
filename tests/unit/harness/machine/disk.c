/* disk.c - harness/machine/disk.h: the mount that a folder is in, of a made-up machine; folders for a while. */
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

#include "harness/common/program.h"
#include "harness/machine/disk.h"

static char root[] = "/tmp/maemio-disk-XXXXXX";
static const char *const folders[] = {"/proc", "/proc/self"};

static int make_root(void **state)
{
    (void)state;
    strcpy(strrchr(root, '-') + 1, "XXXXXX");
    if (!mkdtemp(root))
        return -1;
    for (size_t i = 0; i < 2; i++) {
        SUPPORT_FREED char *path = support_format("%s%s", root, folders[i]);
        if (mkdir(path, 0777) != 0)
            return -1;
    }
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    for (size_t i = 2; i-- > 0;) {
        SUPPORT_FREED char *path = support_format("%s%s", root, folders[i]);
        program_folder_remove(path);
    }
    return rmdir(root);
}

static void put(const char *mounts)
{
    SUPPORT_FREED char *path = support_format("%s/proc/self/mountinfo", root);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(mounts, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_innermost_mount_counts(void **state)
{
    (void)state;
    char text[DISK_TEXT_BYTES];
    put("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        "2 1 8:2 / /none-such rw shared:2 master:1 - xfs /dev/sdb rw\n"
        "3 2 0:5 / /none-such/deep\\040er rw - tmpfs memory rw\n"
        "4 1 0:6 / /none rw - nfs host:/export rw\n"
        "this is no mount\n");
    const char *const expected[][2] = {{"/none-such/log", "xfs on /dev/sdb"},
                                       {"/none-such", "xfs on /dev/sdb"},
                                       {"/none-such-either", "ext4 on /dev/sda1"},
                                       {"/none-such/deep er/log", "tmpfs on memory"},
                                       {"/none/log", "nfs on host:/export"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(disk_describe(root, expected[i][0], text));
        assert_string_equal(text, expected[i][1]);
    }
}

static void of_two_mounts_at_one_place_the_last_counts(void **state)
{
    (void)state;
    char text[DISK_TEXT_BYTES];
    put("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /none-such rw - xfs /dev/sdb rw\n"
        "3 2 8:3 / /none-such rw - btrfs /dev/sdc rw\n");
    assert_true(disk_describe(root, "/none-such/log", text));
    assert_string_equal(text, "btrfs on /dev/sdc");
}

static void what_cannot_be_read_is_not_known(void **state)
{
    (void)state;
    char text[DISK_TEXT_BYTES] = "x";
    assert_false(disk_describe("/none-such", "/tmp", text));
    assert_string_equal(text, "");
}

static void a_folder_for_a_while_is_where_TMPDIR_says(void **state)
{
    (void)state;
    assert_int_equal(setenv("TMPDIR", root, 1), 0);
    assert_string_equal(disk_scratch(), root);
    char *made = disk_scratch_make();
    assert_non_null(made);
    assert_memory_equal(made, root, strlen(root));
    assert_true(program_is_folder(made));
    program_folder_remove(made);
    assert_false(program_is_folder(made));
    free(made);
    assert_int_equal(setenv("TMPDIR", "/none-such", 1), 0);
    assert_null(disk_scratch_make());
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_string_equal(disk_scratch(), "/var/tmp");
    assert_true(disk_is_lasting("/none-such")); /* not known */
    assert_false(access("/dev/shm", F_OK) == 0 && disk_is_lasting("/dev/shm"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_innermost_mount_counts, make_root, remove_root),
        cmocka_unit_test_setup_teardown(of_two_mounts_at_one_place_the_last_counts, make_root, remove_root),
        cmocka_unit_test(what_cannot_be_read_is_not_known),
        cmocka_unit_test_setup_teardown(a_folder_for_a_while_is_where_TMPDIR_says, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
