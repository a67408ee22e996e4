/* ring.c - a write and a sync by io_uring, where the system lets us. */
#include "engine/base/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/scratch.h"
#include "tests/support/world.h"

static struct file_ring *ring; /* NULL: it is forbidden here */

static int set_up(void **state)
{
    int result = ring_open(&ring);
    if (result < 0)
        printf("io_uring: %s; skipped\n", strerror(-result));
    return scratch_file_create(state);
}

static int tear_down(void **state)
{
    ring_close(ring);
    return scratch_file_remove(state);
}

static void what_was_written_is_there(void **state)
{
    (void)state;
    char written[5000], found[5000];
    if (!ring)
        skip();
    int file = open(scratch_path, O_RDWR);
    for (unsigned i = 0; i < 100; i++) { /* more than the ring has places */
        memset(written, (int)i, sizeof written);
        assert_int_equal(ring_write_sync(ring, file, written, sizeof written, i * sizeof written), 0);
        assert_int_equal(pread(file, found, sizeof found, (off_t)(i * sizeof found)), sizeof found);
        assert_memory_equal(written, found, sizeof found);
    }
    (void)close(file);
}

static void a_write_that_fails_is_told(void **state)
{
    (void)state;
    if (!ring)
        skip();
    int file = open(scratch_path, O_RDONLY);
    assert_int_equal(ring_write_sync(ring, file, "text", 4, 0), -EBADF);
    (void)close(file);
    file = open(scratch_path, O_RDWR); /* it can still be used */
    assert_int_equal(ring_write_sync(ring, file, "text", 4, 0), 0);
    (void)close(file);
}

static void a_sync_that_fails_is_told(void **state)
{
    (void)state;
    int ends[2];
    if (!ring)
        skip();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ring_write_sync(ring, ends[1], "text", 4, 0), -EINVAL); /* a pipe has nothing to sync */
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_written_is_there),
                                       cmocka_unit_test(a_write_that_fails_is_told),
                                       cmocka_unit_test(a_sync_that_fails_is_told)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
