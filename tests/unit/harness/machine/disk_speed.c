/* disk_speed.c - harness/machine/disk_speed.h, with a disk whose flushes take a known time, and one that fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "harness/machine/disk_speed.h"

enum { SYNC_NS = 2000000, BUDGET_NS = 30000000 };

static unsigned calls, fails_at; /* the call that fails, from 1; 0: none */
static unsigned syncs, opened, removed;
static uint64_t written, unsynced;
static size_t sizes_seen[2]; /* least, most */

static int next(int result)
{
    return ++calls == fails_at ? -ENOSPC : result;
}

static int made_open(const char *path, unsigned mode)
{
    assert_non_null(strstr(path, "/folder/maemio-doctor-"));
    assert_int_equal(mode, FILE_WRITE | FILE_CREATE | FILE_BLOCKS); /* as the log opens its segments */
    int result = next(7);
    opened += result >= 0;
    return result;
}

static int made_close(int file)
{
    assert_int_equal(file, 7);
    return 0;
}

static int made_remove(const char *path)
{
    (void)path;
    removed++;
    return 0;
}

static int made_reserve(int file, uint64_t bytes)
{
    (void)file;
    assert_int_equal(bytes, DISK_SEGMENT_BYTES);
    return next(0);
}

static int made_write(int file, const void *data, size_t bytes, uint64_t offset)
{
    (void)file;
    assert_int_equal((uintptr_t)data % FILE_BLOCK_BYTES, 0);
    assert_int_equal(offset % FILE_BLOCK_BYTES, 0);
    assert_true(offset + bytes <= DISK_SEGMENT_BYTES);
    sizes_seen[0] = sizes_seen[0] == 0 || bytes < sizes_seen[0] ? bytes : sizes_seen[0];
    sizes_seen[1] = bytes > sizes_seen[1] ? bytes : sizes_seen[1];
    written += bytes;
    unsynced += bytes;
    return next(0);
}

static int made_sync(int file)
{
    (void)file;
    const struct timespec time = {.tv_nsec = unsynced > 0 ? SYNC_NS : 0};
    assert_int_equal(nanosleep(&time, NULL), 0);
    unsynced = 0;
    syncs++;
    return next(0);
}

static const struct file_calls made = {.open = made_open,
                                       .close = made_close,
                                       .remove = made_remove,
                                       .reserve = made_reserve,
                                       .write = made_write,
                                       .sync = made_sync};

static int set_up(void **state)
{
    (void)state;
    calls = fails_at = syncs = opened = removed = 0;
    written = unsynced = 0;
    sizes_seen[0] = sizes_seen[1] = 0;
    return 0;
}

static void flushes_have_the_time_that_a_sync_takes(void **state)
{
    (void)state;
    struct disk_speed speed;
    char error[256] = "";
    assert_true(disk_speed_measure(&made, "/folder", BUDGET_NS, &speed, error, sizeof error));
    static const size_t sizes[] = {4 << 10, 64 << 10, 1 << 20};
    for (size_t i = 0; i < DISK_SIZE_COUNT; i++) {
        assert_int_equal(speed.sizes[i].bytes, sizes[i]);
        assert_true(speed.sizes[i].count >= 1);
        assert_true(speed.sizes[i].p50_ns >= SYNC_NS);
        assert_true(speed.sizes[i].p99_ns >= speed.sizes[i].p50_ns);
    }
    double most = (double)DISK_BLOCK_MAX_BYTES * DISK_FLUSH_BLOCKS * 1e9 / SYNC_NS;
    assert_true(speed.bytes_per_s > 0 && speed.bytes_per_s <= most);
    assert_int_equal(sizes_seen[0], 4 << 10);
    assert_int_equal(sizes_seen[1], 1 << 20);
    assert_int_equal(opened, 1);
    assert_int_equal(removed, 1);
    assert_int_equal(unsynced, 0);
}

static void what_fails_is_said_and_nothing_is_left(void **state)
{
    (void)state;
    static const char *const names[] = {"creation", "allocation", "sync", "write", "sync", "write"};
    struct disk_speed speed;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char error[256] = "", expected[256];
        set_up(state);
        fails_at = i + 1;
        assert_false(disk_speed_measure(&made, "/folder", BUDGET_NS, &speed, error, sizeof error));
        (void)snprintf(expected, sizeof expected, "%s of /folder/maemio-doctor-", names[i]);
        assert_memory_equal(error, expected, strlen(expected));
        assert_non_null(strstr(error, strerror(ENOSPC)));
        assert_int_equal(removed, opened);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(flushes_have_the_time_that_a_sync_takes, set_up),
        cmocka_unit_test(what_fails_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
