/* file.c - the system's files do what the table says, in a folder of the test's own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/world.h"

static char folder[] = "/tmp/maemio-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *path(const char *name)
{
    static char paths[2][100];
    static int next;
    char *text = paths[next++ % 2];
    (void)snprintf(text, sizeof paths[0], "%s/%s", folder, name);
    return text;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    const unsigned modes[] = {FILE_WRITE | FILE_CREATE, FILE_WRITE | FILE_CREATE | FILE_BLOCKS};
    char *data = aligned_alloc(FILE_BLOCK_BYTES, 4 * FILE_BLOCK_BYTES), *back = data + 2 * FILE_BLOCK_BYTES;
    for (unsigned i = 0; i < 2; i++) {
        int file = file_calls->open(path("data"), modes[i]);
        assert_true(file >= 0);
        memset(data, 'a' + (int)i, FILE_BLOCK_BYTES);
        assert_int_equal(file_calls->reserve(file, 3 * FILE_BLOCK_BYTES), 0);
        assert_int_equal(file_calls->write(file, data, FILE_BLOCK_BYTES, FILE_BLOCK_BYTES), 0);
        assert_int_equal(file_calls->sync(file), 0);
        assert_int_equal(file_calls->size(file), 3 * FILE_BLOCK_BYTES);
        assert_int_equal(file_calls->read(file, back, 2 * FILE_BLOCK_BYTES, FILE_BLOCK_BYTES), 2 * FILE_BLOCK_BYTES);
        assert_memory_equal(back, data, FILE_BLOCK_BYTES);
        assert_int_equal(back[FILE_BLOCK_BYTES], 0);
        assert_int_equal(file_calls->read(file, back, 2 * FILE_BLOCK_BYTES, 2 * FILE_BLOCK_BYTES), FILE_BLOCK_BYTES);
        assert_int_equal(file_calls->read(file, back, FILE_BLOCK_BYTES, 3 * FILE_BLOCK_BYTES), 0);
        assert_int_equal(file_calls->close(file), 0);
        assert_int_equal(file_calls->remove(path("data")), 0);
    }
    free(data);
}

static void one_at_a_time_has_the_lock(void **state)
{
    (void)state;
    int first = file_calls->open(path("lock"), FILE_WRITE | FILE_CREATE);
    int second = file_calls->open(path("lock"), FILE_WRITE);
    assert_int_equal(file_calls->lock(first), 0);
    assert_int_equal(file_calls->lock(second), -EWOULDBLOCK);
    assert_int_equal(file_calls->close(first), 0);
    assert_int_equal(file_calls->lock(second), 0);
    assert_int_equal(file_calls->close(second), 0);
    assert_int_equal(file_calls->remove(path("lock")), 0);
}

static void count_name(void *arg, const char *name)
{
    *(int *)arg += strcmp(name, "new") == 0;
}

static void names_change(void **state)
{
    (void)state;
    int file = file_calls->open(path("old"), FILE_WRITE | FILE_CREATE), found = 0;
    assert_int_equal(file_calls->close(file), 0);
    assert_int_equal(file_calls->rename(path("old"), path("new")), 0);
    assert_int_equal(file_calls->sync_folder(folder), 0);
    assert_int_equal(file_calls->list(folder, count_name, &found), 0);
    assert_int_equal(found, 1);
    assert_int_equal(file_calls->open(path("old"), FILE_READ), -ENOENT);
    assert_int_equal(file_calls->make_folder(folder), 0);
    assert_int_equal(file_calls->make_folder(path("new")), -EEXIST);
    assert_int_equal(file_calls->make_folder(path("none/below")), -ENOENT);
    assert_int_equal(file_calls->remove(path("new")), 0);
    assert_int_equal(file_calls->make_folder(path("folder")), 0);
    assert_true(file_calls->is_lasting(path("folder")) >= 0);
    assert_int_equal(rmdir(path("folder")), 0);
    assert_int_equal(file_calls->list(path("none"), count_name, &found), -ENOENT);
    assert_int_equal(file_calls->is_lasting(path("none")), -ENOENT);
}

/* These take the place of the C library's. */
static unsigned signals; /* so many calls will be interrupted */

static int interrupted(void)
{
    if (signals == 0)
        return 0;
    signals--;
    errno = EINTR;
    return -1;
}

int fdatasync(int file)
{
    return interrupted() < 0 ? -1 : (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    return interrupted() < 0 ? -1 : (int)syscall(SYS_fsync, file);
}

int fallocate(int file, int mode, off_t offset, off_t bytes)
{
    return interrupted() < 0 ? -1 : (int)syscall(SYS_fallocate, file, mode, offset, bytes);
}

static void a_signal_ends_no_call(void **state)
{
    (void)state;
    int file = file_calls->open(path("data"), FILE_WRITE | FILE_CREATE);
    assert_true(file >= 0);
    signals = 3;
    assert_int_equal(file_calls->reserve(file, FILE_BLOCK_BYTES), 0);
    assert_int_equal(signals, 0);
    signals = 3;
    assert_int_equal(file_calls->sync(file), 0);
    assert_int_equal(signals, 0);
    signals = 3;
    assert_int_equal(file_calls->sync_folder(folder), 0);
    assert_int_equal(signals, 0);
    assert_int_equal(file_calls->close(file), 0);
    assert_int_equal(file_calls->remove(path("data")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(one_at_a_time_has_the_lock),
        cmocka_unit_test(names_change),
        cmocka_unit_test(a_signal_ends_no_call),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
