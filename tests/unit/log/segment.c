/* segment.c - the files of a stream: which serve again, which are mapped, and which are removed. */
#include "engine/log/segment.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "tests/support/disk.h"
#include "tests/support/world.h"

enum { BYTES = 4 * FILE_BLOCK_BYTES };

static _Alignas(FILE_BLOCK_BYTES) unsigned char block[BYTES];

/* Fills a segment with `mark`; true: it is mapped. */
static bool fill(struct segments *segments, uint64_t number, int mark)
{
    assert_int_equal(segments_make_room(segments, BYTES), 0);
    bool is_mapped = segments_are_mapped(segments);
    memset(block, mark, BYTES);
    segments_note_block(segments, number, number);
    assert_int_equal(segments_write(segments, block, BYTES, number, false), 0);
    return is_mapped;
}

static void check(const char *folder, uint64_t number, int mark)
{
    static _Alignas(FILE_BLOCK_BYTES) unsigned char there[BYTES];
    char path[SEGMENT_PATH_BYTES];
    segment_path(folder, number, path);
    int file = file_calls->open(path, FILE_READ | FILE_BLOCKS);
    assert_true(file >= 0);
    assert_int_equal(file_calls->read(file, there, BYTES, 0), BYTES);
    assert_int_equal(file_calls->close(file), 0);
    memset(block, mark, BYTES);
    assert_memory_equal(there, block, BYTES);
}

static void count(void *arg, const char *name)
{
    uint64_t number;
    *(unsigned *)arg += segment_number(name, &number);
}

static unsigned files(const char *folder)
{
    unsigned found = 0;
    assert_int_equal(file_calls->list(folder, count, &found), 0);
    return found;
}

static void those_left_over_are_removed_by_halves(void **state)
{
    (void)state;
    struct segments segments;
    disk_open();
    assert_int_equal(file_calls->make_folder("log"), 0);
    segments_init(&segments, "log", BYTES, 1);
    for (uint64_t i = 1; i <= 20; i++)
        (void)fill(&segments, i, 1);
    for (unsigned i = 0; i < 30; i++)
        segments_release(&segments, 20); /* 19 of them, all of which may be needed until the next release */
    assert_int_equal(files("log"), 20);
    for (uint64_t i = 21; i <= 29; i++)
        assert_false(fill(&segments, i, 2)); /* this disk lets none be mapped */
    assert_int_equal(segments.reused, 9);
    assert_int_equal(files("log"), 20);
    segments_release(&segments, 29); /* 9 more; of the 10 that were left over 5 go, one at a time */
    assert_int_equal(files("log"), 19);
    for (unsigned i = 0; i < 30; i++)
        segments_release(&segments, 29);
    assert_int_equal(files("log"), 15);
    for (uint64_t i = 30; i <= 43; i++)
        (void)fill(&segments, i, 3);
    assert_int_equal(segments.reused, 23);
    assert_int_equal(files("log"), 15);
    check("log", 43, 3);
    check("log", 29, 2);
    segments_fini(&segments);
    disk_crash(NULL);
    disk_close();
}

static void those_that_serve_again_stay_mapped(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/maemio-segment-XXXXXX", command[300];
    struct segments segments;
    if (file_calls->is_lasting("/dev/shm") != 0 || !mkdtemp(folder)) {
        print_message("[  SKIPPED ] /dev/shm is not in memory, or nothing can be made there\n");
        skip();
    }
    segments_init(&segments, folder, BYTES, 1);
    for (uint64_t i = 1; i <= 200; i++) /* none has been used before */
        assert_false(fill(&segments, i, (int)i));
    segments_release(&segments, 200);
    for (uint64_t i = 201; i <= 399; i++)
        assert_true(fill(&segments, i, (int)i % 251));
    const size_t mapped = segments.mapped;
    assert_in_range(mapped, 64, 198); /* each is an open file, so not all stay so */
    segments_release(&segments, 399);
    assert_int_equal(segments.mapped, mapped);
    assert_true(fill(&segments, 400, 200)); /* in the file of segment 201 */
    for (uint64_t i = 202; i <= 399; i++)
        check(folder, i, (int)i % 251);
    check(folder, 400, 200);
    assert_int_equal(files(folder), 200);
    segments_fini(&segments);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static int (*sync_folder)(const char *path);
static _Atomic bool certain;

/* As on a slow disk. */
static int sync_folder_slowly(const char *path)
{
    const struct timespec while_ago = {.tv_nsec = 50000000};
    (void)nanosleep(&while_ago, NULL);
    int result = sync_folder(path);
    atomic_store(&certain, true);
    return result;
}

static void one_that_is_made_ahead_is_awaited(void **state)
{
    (void)state;
    char folder[] = "/tmp/maemio-segment-XXXXXX", command[300];
    struct segments segments;
    struct errand errand;
    struct file_calls calls = *file_calls;
    assert_non_null(mkdtemp(folder));
    sync_folder = calls.sync_folder;
    calls.sync_folder = sync_folder_slowly;
    file_calls = &calls;
    errand_init(&errand, false);
    segments_init(&segments, folder, BYTES, 1);
    segments.errand = &errand;
    assert_int_equal(segments_make_room(&segments, BYTES), 0);
    assert_int_equal(segments_prepare(&segments), 0); /* the first one is not half full */
    assert_false(segments.is_making);
    segments_note_block(&segments, 1, 1);
    assert_int_equal(segments_write(&segments, block, BYTES / 2, 1, false), 0);
    atomic_store(&certain, false);
    assert_int_equal(segments_prepare(&segments), 0);
    assert_true(segments.is_making);
    assert_int_equal(segments_make_room(&segments, BYTES), 0);
    assert_true(atomic_load(&certain));
    assert_int_equal(segments.count, 2);
    assert_int_equal(files(folder), 2);
    segments_fini(&segments);
    errand_fini(&errand);
    file_calls = &file_calls_system;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void without_space_none_is_made_ahead(void **state)
{
    (void)state;
    struct segments segments;
    struct errand errand;
    disk_open();
    assert_int_equal(file_calls->make_folder("log"), 0);
    errand_init(&errand, true);
    segments_init(&segments, "log", BYTES, 1);
    segments.errand = &errand;
    assert_int_equal(segments_make_room(&segments, BYTES), 0);
    segments_note_block(&segments, 1, 1);
    assert_int_equal(segments_write(&segments, block, BYTES / 2, 1, false), 0);
    disk_limit(1);
    disk_count_from_here();
    assert_int_equal(segments_prepare(&segments), 0);
    uint64_t calls = disk_calls();
    assert_int_equal(segments_prepare(&segments), 0); /* it is not tried again and again */
    assert_int_equal(disk_calls(), calls);
    assert_int_equal(segments_make_room(&segments, BYTES), -ENOSPC);
    disk_limit(0);
    assert_int_equal(segments_make_room(&segments, BYTES), 0);
    assert_int_equal(segments_write(&segments, block, BYTES / 2, 1, false), 0);
    segments_note_block(&segments, 2, 2);
    assert_int_equal(segments_write(&segments, block, BYTES / 2, 2, false), 0);
    disk_count_from_here();
    disk_fail_at(1);
    assert_int_equal(segments_prepare(&segments), -EIO);
    segments_fini(&segments);
    errand_fini(&errand);
    disk_crash(NULL);
    disk_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_left_over_are_removed_by_halves),
        cmocka_unit_test(those_that_serve_again_stay_mapped),
        cmocka_unit_test(one_that_is_made_ahead_is_awaited),
        cmocka_unit_test(without_space_none_is_made_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
