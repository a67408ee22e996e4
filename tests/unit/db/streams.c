/* streams.c - a log in several folders, each with a stream, on a simulated disk. tests/crash has random ones. */
#include <time.h>

#include "tests/support/logged.h"
#include "tests/support/world.h"

#include "engine/base/file.h"
#include "engine/db/db.h"

#ifdef MAE_DEBUG

#define OPTIONS "durability=group log_segment_bytes=64K log_buffer_bytes=4K gc_interval_us=10000000"
static const char one[] = OPTIONS " log_dir=db", two[] = OPTIONS " log_dir=db,e", three[] = OPTIONS " log_dir=db,e,f";

enum { KEYS = 4 };

/* The worker whose records go to this of two streams. */
static struct mae_worker *worker_of(const struct world *world, unsigned stream)
{
    for (unsigned i = 0; i < world->worker_count; i++)
        if (world->workers[i]->id % 2 == stream)
            return world->workers[i];
    fail_msg("no worker writes stream %u", stream);
    return NULL;
}

/* Keys 1 to KEYS with the value 0, safe, and workers of both streams. */
static struct world world_of_two(void)
{
    struct world world = world_open(two, MAE_INDEX_HASH, 8, 2);
    new_keys(world.workers[0], world.index, 1, KEYS, 0);
    assert_ok(mae_sync(world.db));
    return world;
}

/* Returns the commit's timestamp. The worker is then idle, so that it holds nothing back. */
static uint64_t add_one(const struct world *world, unsigned stream, uint64_t key)
{
    struct mae_txn *txn = begin(worker_of(world, stream));
    uint64_t ts = mae_txn_timestamp(txn);
    assert_ok(key_add(txn, world->index, key, 1));
    assert_ok(mae_commit(txn));
    mae_worker_idle(worker_of(world, stream));
    return ts;
}

static void rounds_of(const struct world *world, unsigned stream)
{
    for (unsigned i = 0; i < 3; i++) /* enough to pass the horizon */
        (void)log_round_of(world->db->core.log, stream);
}

static void crash(struct world *world)
{
    disk_stop_at(1);
    (void)file_calls->sync_folder("db"); /* the call in which the machine stops; closing then writes nothing */
    world_close(world);
    disk_crash(NULL);
}

static void close_world(struct world *world)
{
    world_close(world);
    disk_crash(NULL);
}

/* Opens it again, and looks at a key. */
static uint64_t value_again(const char *options, uint64_t key)
{
    uint64_t value;
    struct world world = world_again(options);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_get(txn, world.index, key, &value));
    assert_ok(mae_commit(txn));
    close_world(&world);
    return value;
}

/* D13. */
static void a_commit_is_safe_when_all_streams_are(void **state)
{
    (void)state;
    for (unsigned stream = 0; stream < 2; stream++) {
        struct world world = world_of_two();
        uint64_t ts = add_one(&world, stream, 1);
        rounds_of(&world, 1 - stream);
        assert_true(mae_durable_timestamp(world.db) <= ts);
        rounds_of(&world, stream);
        rounds_of(&world, 1 - stream);
        assert_true(mae_durable_timestamp(world.db) > ts);
        crash(&world);
        assert_int_equal(value_again(two, 1), 1);
        disk_open();
    }
}

/* D4: of two commits the second has read from the first, and only the second is on the disk. */
static void what_one_stream_has_lost_is_not_built_on(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct world world = world_of_two();
        (void)add_one(&world, lost, 1);
        (void)add_one(&world, 1 - lost, 1);
        rounds_of(&world, 1 - lost);
        crash(&world);
        assert_int_equal(value_again(two, 1), 0);
        disk_open();
    }
}

/* D3: the stream that has nothing to write says so on the disk, else its old bound would be the cut. */
static void a_stream_without_records_writes_bounds(void **state)
{
    (void)state;
    struct world world = world_of_two();
    for (unsigned i = 0; i < 10; i++) {
        (void)add_one(&world, 0, 1);
        assert_ok(mae_sync(world.db));
    }
    crash(&world);
    assert_int_equal(value_again(two, 1), 10);
}

/* D8: a block of the other stream knows that the damaged one was on the disk. Its own stream does not. */
static void one_stream_tells_of_anothers_loss(void **state)
{
    (void)state;
    struct world world = world_of_two();
    uint64_t ts = add_one(&world, 1, 1);
    assert_ok(mae_sync(world.db));
    assert_true(mae_durable_timestamp(world.db) > ts);
    uint64_t end = world.db->core.log->streams[1].segments.offset;
    (void)add_one(&world, 0, 2);
    rounds_of(&world, 0);
    crash(&world);
    assert_true(disk_damage("e/log-00000001", end - FILE_BLOCK_BYTES));
    assert_status(MAE_CORRUPT, world_status(two));
    assert_non_null(strstr(mae_open_problem(), "e"));
    disk_crash(NULL);
}

static void expect_refused(const char *options, enum mae_status refusal, const char *problem)
{
    assert_int_equal(world_status(options), refusal);
    if (!strstr(mae_open_problem(), problem))
        fail_msg("'%s' does not say '%s'", mae_open_problem(), problem);
    disk_crash(NULL);
}

/* D14. */
static void a_folder_that_is_missing_is_refused(void **state)
{
    (void)state;
    struct world world = world_of_two();
    close_world(&world);
    struct disk_image *image = disk_save();
    expect_refused(one, MAE_INVALID, "the log of db is in 2 folders, and log_dir names 1: e is missing");
    disk_erase_folder("e");
    expect_refused(two, MAE_CORRUPT, "e: this is not folder 1 of the log of db (there is no file `folder`, it was e)");
    disk_load(image);
    disk_erase("e/folder");
    expect_refused(two, MAE_CORRUPT, "e: this is not folder 1");
    disk_load(image);
    assert_int_equal(value_again(two, 1), 0);
    disk_image_free(image);
}

static void a_folder_of_another_database_is_refused(void **state)
{
    (void)state;
    close_world(&(struct world){.db = world_db(OPTIONS " log_dir=other,e2,e3")});
    struct world world = world_open(three, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, KEYS, 0);
    close_world(&world);
    expect_refused(OPTIONS " log_dir=db,e2,f", MAE_CORRUPT, "e2: this is not folder 1 of the log of db (its file");
    expect_refused(OPTIONS " log_dir=db,f,e", MAE_CORRUPT, "f: this is not folder 1");
    expect_refused(OPTIONS " log_dir=db,e,f,other", MAE_CORRUPT, "other has a database already");
    expect_refused(OPTIONS " log_dir=e,g", MAE_CORRUPT, "e is not the first folder of a database");
    expect_refused(OPTIONS " log_dir=new,other", MAE_CORRUPT, "other has a database already");
    expect_refused(OPTIONS " log_dir=new,f", MAE_CORRUPT, "f has a database already");
    assert_int_equal(value_again(three, 1), 0);
}

static void names_that_cannot_be(void **state)
{
    (void)state;
    expect_refused(OPTIONS " log_dir=db,", MAE_INVALID, "without a name");
    expect_refused(OPTIONS " log_dir=db,e,db", MAE_INVALID, "names db twice");
    expect_refused(OPTIONS " log_dir=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", MAE_INVALID, "more than 16");
    struct mae_db *db = world_db(two);
    assert_status(MAE_BUSY, world_status(OPTIONS " log_dir=other,e"));
    assert_non_null(strstr(mae_open_problem(), "e is in use"));
    mae_close(db);
    disk_crash(NULL);
}

static void a_log_gets_more_folders(void **state)
{
    (void)state;
    struct world world = world_open(one, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, KEYS, 7);
    close_world(&world);
    assert_int_equal(value_again(three, 1), 7);
    assert_true(disk_has("f/folder"));
    world = world_again(three);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_add(txn, world.index, 1, 1));
    assert_ok(mae_commit(txn));
    assert_ok(mae_checkpoint(world.db));
    close_world(&world);
    assert_int_equal(value_again(three, 1), 8);
    expect_refused(two, MAE_INVALID, "f is missing");
}

/* Streams say one after the other how far the copy must go, so one may know that another has got further. */
static void copied_blocks_tell_of_no_other_stream(unsigned segment)
{
    static _Alignas(FILE_BLOCK_BYTES) char bytes[1 << 16];
    char path[40];
    unsigned found = 0;
    (void)snprintf(path, sizeof path, "copy/log-%08u", segment);
    int file = file_calls->open(path, FILE_READ);
    int64_t got = file_calls->read(file, bytes, sizeof bytes, 0);
    (void)file_calls->close(file);
    for (int64_t at = 0; at < got; at += FILE_BLOCK_BYTES) {
        const struct block *block = (const struct block *)(const void *)(bytes + at);
        found += block->magic == BLOCK_MAGIC && block->stream == segment - 1;
        assert_true(block->magic != BLOCK_MAGIC || block->all_synced == 0);
    }
    assert_true(found > 0);
}

/* A copy is in one folder, and may get more. */
static void a_copy_has_all_streams(void **state)
{
    (void)state;
    struct world world = world_of_two();
    (void)add_one(&world, 0, 1);
    (void)add_one(&world, 1, 2);
    assert_ok(mae_backup(world.db, "copy"));
    for (unsigned i = 1; i <= 2; i++)
        copied_blocks_tell_of_no_other_stream(i);
    close_world(&world);
    assert_int_equal(value_again(OPTIONS " log_dir=copy", 1), 1);
    assert_int_equal(value_again(OPTIONS " log_dir=copy", 2), 1);
    assert_int_equal(value_again(OPTIONS " log_dir=copy,more", 2), 1);
    assert_int_equal(value_again(OPTIONS " log_dir=copy,more", 1), 1);
}

/* One that has space takes nothing while another has none: it could not be acknowledged. */
static void a_full_folder_stops_the_others(void **state)
{
    (void)state;
    enum { COMMITS_MAX = 1000 };
    struct world world = world_open(two, MAE_INDEX_HASH, 8, 2);
    struct mae_log_state log;
    enum mae_status status = MAE_OK;
    new_keys(worker_of(&world, 0), world.index, 1, KEYS, 0);
    assert_ok(mae_sync(world.db));
    disk_limit_folder("e");
    mae_log_state(world.db, &log);
    for (unsigned i = 0; i < COMMITS_MAX && !log.full; i++) { /* what is left of e's segment */
        (void)add_one(&world, 1, 1);
        (void)log_round(world.db->core.log);
        mae_log_state(world.db, &log);
    }
    assert_true(log.full);
    for (unsigned i = 0; i < COMMITS_MAX && status == MAE_OK; i++) {
        struct mae_txn *txn = begin(worker_of(&world, 0));
        assert_ok(key_add(txn, world.index, 1, 1));
        status = mae_commit(txn);
    }
    assert_status(MAE_ABORT_LOG, status);
    disk_limit_folder(NULL);
    assert_ok(mae_sync(world.db));
    mae_log_state(world.db, &log);
    assert_true(!log.full && !log.failed);
    close_world(&world);
}

static bool is_full(const struct world *world, unsigned stream)
{
    return atomic_load_explicit(&world->db->core.log->streams[stream].full, memory_order_relaxed);
}

/* Fills the stream's segment, but for less than a flush may need. */
static void fill_segment(const struct world *world, unsigned stream)
{
    const struct segments *segments = &world->db->core.log->streams[stream].segments;
    while (segments->offset + 2 * FILE_BLOCK_BYTES < segments->segment_bytes) {
        (void)add_one(world, stream, 1);
        (void)log_round_of(world->db->core.log, stream);
        assert_false(is_full(world, stream));
    }
}

/* Both ask again, neither waits for the other to ask first. */
static void full_folders_do_not_wait_for_each_other(void **state)
{
    (void)state;
    const struct timespec until_asked_again = {.tv_nsec = 11000000};
    struct world world = world_of_two();
    disk_limit(1);
    fill_segment(&world, 0);
    fill_segment(&world, 1);
    (void)add_one(&world, 1, 1);
    (void)log_round_of(world.db->core.log, 1);
    (void)log_round_of(world.db->core.log, 0); /* it has no record, and wants to write its bound */
    assert_true(is_full(&world, 0) && is_full(&world, 1));
    (void)add_one(&world, 0, 2);
    uint64_t ts = add_one(&world, 1, 2);
    disk_limit(0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(nanosleep(&until_asked_again, NULL), 0);
        rounds_of(&world, 0);
        rounds_of(&world, 1);
    }
    assert_false(is_full(&world, 0) || is_full(&world, 1));
    assert_true(mae_durable_timestamp(world.db) > ts);
    close_world(&world);
}

/* Of what it waited for: only the log of this disk. Nobody but a checkpoint makes space there. */
static void a_checkpoint_does_not_wait_for_space(void **state)
{
    (void)state;
    enum { COMMITS_MAX = 1000 };
    struct world world = world_of_two();
    struct mae_log_state log;
    disk_limit_folder("e");
    mae_log_state(world.db, &log);
    for (unsigned i = 0; i < COMMITS_MAX && !log.full; i++) {
        (void)add_one(&world, 1, 1);
        (void)log_round(world.db->core.log);
        mae_log_state(world.db, &log);
    }
    assert_true(log.full);
    assert_status(MAE_FULL, mae_checkpoint(world.db));
    mae_log_state(world.db, &log);
    assert_string_equal(log.checkpoint_problem, "a disk of the log is full");
    assert_status(MAE_FULL, mae_backup(world.db, "copy"));
    assert_false(disk_has("copy/manifest"));
    disk_limit_folder(NULL);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    assert_ok(mae_backup(world.db, "copy"));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_is_safe_when_all_streams_are, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(what_one_stream_has_lost_is_not_built_on, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_stream_without_records_writes_bounds, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(one_stream_tells_of_anothers_loss, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_is_refused, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_folder_of_another_database_is_refused, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(names_that_cannot_be, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_log_gets_more_folders, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_copy_has_all_streams, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_full_folder_stops_the_others, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(full_folders_do_not_wait_for_each_other, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_does_not_wait_for_space, disk_set_up, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* the logger's rounds are made by hand in debug builds only */
}

#endif
