/* checkpoint.c - checkpoints by the public calls, on a simulated disk. tests/crash has what a crash leaves. */
#include "tests/support/logged.h"
#include "tests/support/world.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/tsc.h"
#include "engine/db/db.h"

#ifdef MAE_DEBUG

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=64K checkpoint_rate=0 "
                            "gc_interval_us=1 recovery_threads=3 ";

static void close_world(struct world *world)
{
    world_close(world);
    disk_crash(NULL);
}

static void what_it_has_need_not_be_in_the_log(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info;
    struct mae_log_state log;
    new_keys(world.workers[0], world.index, 1, 1000, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    mae_log_state(world.db, &log);
    assert_int_equal(log.checkpoints, 1);
    assert_true(log.checkpoint_bytes > 0 && log.checkpoint_ns > 0);
    assert_string_equal(log.checkpoint_problem, "");
    new_keys(world.workers[0], world.index, 2000, 1, 8);
    close_world(&world);
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_int_equal(info.rows, 1001);
    assert_int_equal(info.entries, 1001);
    assert_true(info.transactions >= 1 && info.transactions < 1000);
    world_check_keys(&world, 1, 1000, 7);
    world_check_keys(&world, 2000, 1, 8);
    close_world(&world);
}

/* Entries move while the walk comes by: buckets split and overflow, leaves split. All keys of the beginning are there
 * all the time, so it must find them. */
static struct {
    struct world *world;
    uint64_t next_key;
} growth;

static void grow(enum race_point point)
{
    if (point != RACE_CHECKPOINT_BATCH)
        return;
    race_hook = NULL;
    new_keys(growth.world->workers[0], growth.world->index, growth.next_key, 20, 9);
    growth.next_key += 20;
    race_hook = growth.next_key < 6000 ? grow : NULL;
}

static void check_growth(enum mae_index_kind kind)
{
    struct world world = world_open(group, kind, 8, 1);
    growth.world = &world;
    growth.next_key = 2000;
    new_keys(world.workers[0], world.index, 1000, 500, 7);
    assert_ok(mae_sync(world.db));
    race_hook = grow;
    assert_ok(mae_checkpoint(world.db));
    race_hook = NULL;
    assert_true(growth.next_key > 4000);
    close_world(&world);
    world = world_again(group);
    world_check_keys(&world, 1000, 500, 7);
    world_check_keys(&world, 2000, growth.next_key - 2000, 9);
    close_world(&world);
}

static void entries_that_move_are_found(void **state)
{
    (void)state;
    check_growth(MAE_INDEX_HASH);
    disk_close();
    disk_open();
    check_growth(MAE_INDEX_ORDERED);
}

/* Many entries of one key: a walk goes on between them. */
static void entries_of_one_key(void **state)
{
    (void)state;
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info;
    struct mae_index *many;
    uint64_t key = 5;
    assert_ok(mae_index_create(world.db, world.table, "many", &config, &many));
    for (unsigned i = 0; i < 50; i++) {
        uint64_t row = new_row(world.workers[0], world.table, i);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_index_insert(txn, many, &key, row));
        assert_ok(mae_commit(txn));
    }
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    close_world(&world);
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_int_equal(info.entries, 50);
    assert_int_equal(info.rows, 50);
    close_world(&world);
}

/* Adds to two rows and appends to one, in the order of calls, by two workers. */
static void note_some(struct mae_worker *const *workers, struct mae_index *index, unsigned *noted, unsigned count)
{
    const uint64_t number = 1, text = 2;
    for (; count > 0; count--, ++*noted) {
        struct mae_txn *txn = begin(workers[*noted % 2]);
        const char letter = (char)('a' + *noted % 26);
        const int64_t add = *noted;
        assert_ok(mae_apply(txn, index, &number, MAE_ADD, 0, &add, sizeof add));
        assert_ok(mae_apply(txn, index, &text, MAE_ADD, 0, &add, sizeof add));
        assert_ok(mae_apply(txn, index, &text, MAE_APPEND, 0, &letter, 1));
        assert_ok(mae_commit(txn));
    }
}

static void check_noted(struct world *world, unsigned noted)
{
    const uint64_t text = 2;
    const void *data;
    size_t bytes;
    world_check_keys(world, 1, 1, noted * (uint64_t)(noted - 1) / 2);
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(mae_read(txn, world->index, &text, &data, &bytes));
    assert_int_equal(bytes, 8 + noted);
    assert_int_equal(*(const uint64_t *)data, noted * (uint64_t)(noted - 1) / 2);
    for (unsigned i = 0; i < noted; i++)
        assert_int_equal(((const char *)data)[8 + i], 'a' + i % 26);
    assert_ok(mae_commit(txn));
}

static struct {
    struct world *world;
    unsigned *noted;
} noting;

static void note_meanwhile(enum race_point point)
{
    if (point != RACE_CHECKPOINT_BATCH)
        return;
    race_hook = NULL;
    note_some(noting.world->workers, noting.world->index, noting.noted, 1);
    race_hook = note_meanwhile;
}

/* D24. Operations of before, during and after a checkpoint, in several lives. */
static void operations_count_once(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 400, 2);
    unsigned noted = 0;
    new_keys(world.workers[0], world.index, 1, 20, 0);
    for (unsigned life = 0; life < 3; life++) {
        note_some(world.workers, world.index, &noted, 20);
        noting.world = &world;
        noting.noted = &noted;
        race_hook = note_meanwhile;
        assert_ok(mae_checkpoint(world.db));
        race_hook = NULL;
        note_some(world.workers, world.index, &noted, 20);
        if (life == 1)
            check_noted(&world, noted);
        close_world(&world);
        world = world_again(group);
        check_noted(&world, noted);
        assert_ok(mae_worker_join(world.db, &world.workers[1]));
        world.worker_count = 2;
    }
    assert_true(db_counter(world.db, "deltas") == 0 && noted > 120);
    close_world(&world);
}

static void count_segment(void *arg, const char *name)
{
    uint64_t number;
    *(unsigned *)arg += segment_number(name, &number);
}

static void the_log_stays_bounded(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    unsigned most = 0;
    new_keys(world.workers[0], world.index, 1, 10, 0);
    for (unsigned i = 0; i < 600; i++) { /* each round writes a block of 4 KiB */
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_add(txn, world.index, 1 + i % 10, 1));
        assert_ok(mae_commit(txn));
        assert_ok(mae_sync(world.db));
        if (i % 50 == 49)
            assert_ok(mae_checkpoint(world.db));
        unsigned count = 0;
        assert_int_equal(file_calls->list("db", count_segment, &count), 0);
        most = count > most ? count : most;
    }
    assert_true(world.db->core.log->streams[0].segments.reused > 20);
    assert_true(most <= 8); /* of the 38 or so that were filled */
    close_world(&world);
    world = world_again(group);
    world_check_keys(&world, 1, 10, 60);
    close_world(&world);
}

/* A row that changes all the time while the checkpoint is made has no long chain of versions. */
static struct {
    struct world *world;
    uint64_t versions, updates;
} hot;

static void update_hot(enum race_point point)
{
    if (point != RACE_CHECKPOINT_BATCH)
        return;
    race_hook = NULL;
    for (unsigned i = 0; i < 20; i++) {
        struct mae_txn *txn = begin(hot.world->workers[0]);
        assert_ok(key_add(txn, hot.world->index, 1, 1));
        assert_ok(mae_commit(txn));
        hot.updates++;
    }
    for (unsigned i = 0; i < 4; i++)
        (void)log_round(hot.world->db->core.log);
    struct mae_space space;
    mae_table_space(hot.world->table, &space);
    if (space.versions - space.rows > hot.versions)
        hot.versions = space.versions - space.rows;
    race_hook = update_hot;
}

static void a_hot_row_keeps_few_versions(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    hot.world = &world;
    hot.versions = hot.updates = 0;
    new_keys(world.workers[0], world.index, 1, 400, 0);
    assert_ok(mae_sync(world.db));
    race_hook = update_hot;
    assert_ok(mae_checkpoint(world.db));
    race_hook = NULL;
    assert_true(hot.updates > 1000);
    assert_true(hot.versions < 100);
    close_world(&world);
    world = world_again(group);
    world_check_keys(&world, 1, 1, hot.updates);
    close_world(&world);
}

/* The process and the power are gone, without a closing. */
static void lose_power(struct world *world, uint64_t *random)
{
    world_leave(world);
    disk_stop_at(1);
    mae_close(world->db);
    disk_crash(random);
}

struct deletion {
    struct world *world;
    uint64_t ts;
};

/* The horizon passes it, and the log of what was before has been written, but not its record. */
static void delete_last(void *arg)
{
    struct deletion *deletion = arg;
    (void)log_round(deletion->world->db->core.log);
    struct mae_txn *txn = begin(deletion->world->workers[0]);
    deletion->ts = mae_txn_timestamp(txn);
    assert_ok(key_delete(txn, deletion->world->index, 40));
    assert_ok(mae_commit(txn));
    settle(deletion->world);
}

/* Keys 1 to 40, safe. */
static struct world world_of_forty(void)
{
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 40, 7);
    assert_ok(mae_sync(world.db));
    return world;
}

/* D10: a row and an entry that are not there have no timestamp. Whoever deleted them must have survived. */
static void it_counts_when_its_end_is_on_the_disk(void **state)
{
    (void)state;
    struct world world = world_of_forty();
    struct deletion deletion = {.world = &world};
    uint64_t random = 1, value;
    at_race(RACE_CHECKPOINT_BATCH, 2, delete_last, &deletion);
    assert_ok(mae_checkpoint(world.db));
    assert_true(mae_durable_timestamp(world.db) > deletion.ts);
    lose_power(&world, &random);
    world = world_again(group);
    assert_true(mae_survived(world.db, deletion.ts));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_NOT_FOUND, key_get(txn, world.index, 40, &value));
    assert_ok(mae_commit(txn));
    world_check_keys(&world, 1, 39, 7);
    close_world(&world);
}

static void fail_next(void *arg)
{
    (void)arg;
    disk_count_from_here();
    disk_fail_at(1);
}

/* As above; and then the log fails as soon as it is to write the deletion. */
static void delete_last_and_fail(void *arg)
{
    delete_last(arg);
    at_race(RACE_LOG_TAKE, 1, fail_next, NULL);
}

/* D10: the round of the log that tells the checkpoint what it may rely on also writes what comes next. That must not
 * hide that the checkpoint has not waited for its end. */
static void it_does_not_count_without_its_end(void **state)
{
    (void)state;
    struct world world = world_of_forty();
    struct deletion deletion = {.world = &world};
    uint64_t random = 1, value;
    at_race(RACE_CHECKPOINT_BATCH, 2, delete_last_and_fail, &deletion);
    assert_status(MAE_IO, mae_checkpoint(world.db));
    lose_power(&world, &random);
    world = world_again(group);
    assert_false(mae_survived(world.db, deletion.ts));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_get(txn, world.index, 40, &value));
    assert_ok(mae_commit(txn));
    close_world(&world);
}

/* More than a segment, from the first key on. */
static void fill_a_segment(void *arg)
{
    struct world *world = arg;
    for (uint64_t i = 0; i < 40; i++) {
        struct mae_txn *txn = begin(world->workers[0]);
        assert_ok(key_add(txn, world->index, 1 + i, 1));
        assert_ok(mae_commit(txn));
        (void)log_round(world->db->core.log);
    }
    settle(world);
}

/* D11: its beginning decides, since a row that it has passed may have changed before its end. */
static void the_log_from_its_start_on_stays(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    uint64_t random = 1;
    new_keys(world.workers[0], world.index, 1, 40, 7);
    assert_ok(mae_sync(world.db));
    at_race(RACE_CHECKPOINT_BATCH, 3, fill_a_segment, &world);
    assert_ok(mae_checkpoint(world.db));
    assert_ok(mae_sync(world.db));
    lose_power(&world, &random);
    world = world_again(group);
    world_check_keys(&world, 1, 40, 8);
    close_world(&world);
}

static void a_damaged_one_is_refused(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 5, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    close_world(&world);
    struct disk_image *image = disk_save();
    for (uint64_t offset = 0; offset < 300; offset++) {
        assert_true(disk_damage("db/checkpoint-00000001", offset));
        assert_status(MAE_CORRUPT, world_status(group));
        assert_non_null(strstr(mae_open_problem(), "checkpoint-00000001 at 0"));
        disk_load(image);
    }
    disk_erase("db/checkpoint-00000001");
    assert_status(MAE_IO, world_status(group));
    assert_non_null(strstr(mae_open_problem(), "checkpoint-00000001"));
    disk_load(image);
    assert_ok(world_status(group));
    disk_image_free(image);
}

/* Each call on the disk fails once. The checkpoint before and its log stay. */
static void one_that_fails_leaves_all_as_it_was(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_log_state log;
    new_keys(world.workers[0], world.index, 1, 20, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    disk_count_from_here();
    assert_ok(mae_checkpoint(world.db));
    uint64_t calls = disk_calls(), failures = 0;
    for (uint64_t call = 1; call <= calls; call++) {
        disk_fail_at(call);
        enum mae_status status = mae_checkpoint(world.db);
        disk_fail_at(0);
        mae_log_state(world.db, &log);
        assert_int_equal(log.failed, false);
        assert_true(status == MAE_OK || status == MAE_IO);
        assert_int_equal(status == MAE_OK, log.checkpoint_problem[0] == '\0');
        failures += status == MAE_IO;
    }
    assert_true(failures >= 5);
    new_keys(world.workers[0], world.index, 100, 20, 8);
    close_world(&world);
    world = world_again(group);
    world_check_keys(&world, 1, 20, 7);
    world_check_keys(&world, 100, 20, 8);
    close_world(&world);
}

/* Neither a checkpoint nor a copy, a table or a new database. The log has its space. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    const struct mae_table_config config = {.payload_max_bytes = 8};
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_table *table;
    struct mae_log_state log;
    new_keys(world.workers[0], world.index, 1, 20, 7);
    assert_ok(mae_sync(world.db));
    disk_limit(1);
    assert_status(MAE_FULL, mae_checkpoint(world.db));
    mae_log_state(world.db, &log);
    assert_non_null(strstr(log.checkpoint_problem, "checkpoint-00000001: No space left on device"));
    assert_false(log.failed || disk_has("db/checkpoint-00000001"));
    assert_status(MAE_FULL, mae_backup(world.db, "copy"));
    assert_non_null(strstr(mae_open_problem(), "copy/checkpoint-00000001: No space left on device"));
    assert_status(MAE_FULL, mae_table_create(world.db, "new", &config, &table));
    assert_status(MAE_FULL, world_status("durability=group log_dir=other"));
    assert_non_null(strstr(mae_open_problem(), "other/manifest cannot be written: No space left on device"));
    disk_limit(0);
    assert_ok(mae_table_create(world.db, "new", &config, &table));
    assert_ok(mae_checkpoint(world.db));
    assert_ok(mae_backup(world.db, "copy"));
    close_world(&world);
    world = world_again(group);
    world_check_keys(&world, 1, 20, 7);
    close_world(&world);
}

static const struct file_calls *roomy;
static _Atomic bool log_is_roomless;

static int reserve_no_segment(int file, uint64_t bytes)
{
    enum { SEGMENT = 64 << 10 };
    return log_is_roomless && bytes == SEGMENT ? -ENOSPC : roomy->reserve(file, bytes);
}

/* With the logger's thread, and so in a real folder. The checkpoint has its space, but the log has none for what the
 * checkpoint relies on. Whoever closes the database would wait for the checkpoint, and that for ever. */
static void one_without_a_log_is_given_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/maemio-checkpoint-XXXXXX", text[300], command[300];
    enum mae_status status = MAE_OK;
    disk_close();
    log_by_hand = false;
    roomy = file_calls;
    struct file_calls calls = *roomy;
    calls.reserve = reserve_no_segment;
    file_calls = &calls;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof text,
                   "durability=async log_dir=%s log_segment_bytes=64K log_buffer_bytes=4K checkpoint_log_bytes=0",
                   folder);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 10, 0);
    assert_ok(mae_sync(world.db));
    log_is_roomless = true;
    for (unsigned i = 0; status == MAE_OK; i++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_add(txn, world.index, 1 + i % 10, 1));
        status = mae_commit(txn);
    }
    assert_status(MAE_ABORT_LOG, status);
    mae_worker_idle(world.workers[0]);
    assert_status(MAE_FULL, mae_checkpoint(world.db));
    world_close(&world);
    file_calls = roomy;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    log_is_roomless = false;
    log_by_hand = true;
    disk_open();
}

/* It writes no faster than that, apart from its last block. */
static void it_keeps_to_its_rate(void **state)
{
    (void)state;
    enum { RATE = 8 << 20 };
    char text[300];
    (void)snprintf(text, sizeof text, "%s checkpoint_rate=8M", group);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    struct mae_log_state log;
    for (uint64_t key = 1; key < 16000; key += 1000)
        new_keys(world.workers[0], world.index, key, 1000, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    mae_log_state(world.db, &log);
    assert_true(log.checkpoint_bytes >= 3 * (uint64_t)CHECKPOINT_SLOT_BYTES);
    assert_true((double)log.checkpoint_ns >= (double)(log.checkpoint_bytes - CHECKPOINT_SLOT_BYTES) * 0.99e9 / RATE);
    close_world(&world);
}

static uint64_t checkpoints(const struct world *world)
{
    struct mae_log_state log;
    mae_log_state(world->db, &log);
    return log.checkpoints;
}

/* The log has to grow, by as much as the option says or by half of the last checkpoint, if that is more. */
static void it_is_due_by_bytes(void **state)
{
    (void)state;
    char text[300];
    (void)snprintf(text, sizeof text, "%s checkpoint_log_bytes=32K", group);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    struct checkpointer *checkpointer = durable_checkpointer(world.db->durable);
    uint64_t first = 0, second = 0; /* bytes of the log when they came */
    for (uint64_t i = 0; i < 40; i++) {
        new_keys(world.workers[0], world.index, 1 + i, 1, 7);
        assert_ok(mae_sync(world.db));
        uint64_t written = log_written_bytes(world.db->core.log);
        assert_ok(checkpointer_look(checkpointer));
        assert_ok(checkpointer_look(checkpointer));
        first = first == 0 && checkpoints(&world) == 1 ? written : first;
        second = second == 0 && checkpoints(&world) == 2 ? written : second;
    }
    assert_in_range(first, 32 << 10, 48 << 10);
    assert_in_range(second - first, 128 << 10, 144 << 10); /* a checkpoint has a slot of 256 KiB */
    close_world(&world);
    world = world_again(text);
    world_check_keys(&world, 1, 40, 7);
    close_world(&world);
}

static void it_is_due_by_time(void **state)
{
    (void)state;
    char text[300];
    (void)snprintf(text, sizeof text, "%s checkpoint_log_bytes=0 checkpoint_interval_s=3600", group);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    struct checkpointer *checkpointer = durable_checkpointer(world.db->durable);
    const uint64_t hour = (uint64_t)(3601e6 * tsc_ticks_per_us());
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(checkpointer_look(checkpointer));
    assert_int_equal(checkpoints(&world), 0);
    checkpointer->begin_ticks -= hour;
    assert_ok(checkpointer_look(checkpointer));
    assert_ok(checkpointer_look(checkpointer));
    assert_int_equal(checkpoints(&world), 1);
    checkpointer->begin_ticks -= hour; /* nothing has been written since */
    assert_ok(checkpointer_look(checkpointer));
    assert_int_equal(checkpoints(&world), 1);
    close_world(&world);
}

/* In a real folder, since a simulated disk is for one thread. */
static void a_thread_makes_them(void **state)
{
    (void)state;
    char folder[] = "/tmp/maemio-checkpoint-XXXXXX", text[300], command[300];
    disk_close();
    log_by_hand = false;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof text, "durability=async log_dir=%s log_segment_bytes=64K checkpoint_log_bytes=4K",
                   folder);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 100, 7);
    assert_ok(mae_sync(world.db));
    mae_worker_idle(world.workers[0]);
    for (unsigned i = 0; i < 3000 && checkpoints(&world) == 0; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_true(checkpoints(&world) > 0);
    world_close(&world);
    world = world_again(text);
    world_check_keys(&world, 1, 100, 7);
    world_close(&world);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    log_by_hand = true;
    disk_open();
}

static const char async[] = "durability=async log_dir=%s log_segment_bytes=64K log_buffer_bytes=64K checkpoint_rate=0";

static int in_memory(const char *folder)
{
    (void)folder;
    return 0;
}

static void save_image(void *arg)
{
    *(struct disk_image **)arg = disk_save();
}

/* D11: where files are in memory, the file of the checkpoint before the last one serves for the next one, and the last
 * one's does not. */
static void a_spare_file_is_not_the_last_ones(void **state)
{
    (void)state;
    char text[200];
    const struct file_calls *lasting = file_calls;
    struct file_calls memory = *file_calls;
    struct disk_image *image = NULL;
    memory.is_lasting = in_memory;
    file_calls = &memory;
    (void)snprintf(text, sizeof text, async, "db");
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 100, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_checkpoint(world.db));
    assert_ok(mae_checkpoint(world.db));
    assert_true(disk_has("db/checkpoint-00000001") && disk_has("db/checkpoint-00000002"));
    at_race(RACE_CHECKPOINT_BATCH, 2, save_image, &image);
    assert_ok(mae_checkpoint(world.db));
    assert_false(disk_has("db/checkpoint-00000001"));
    assert_true(disk_has("db/checkpoint-00000002") && disk_has("db/checkpoint-00000003"));
    close_world(&world);
    for (unsigned i = 0; i < 2; i++) { /* after the third checkpoint, and in the middle of it */
        world = world_again(text);
        world_check_keys(&world, 1, 100, 7);
        close_world(&world);
        disk_load(image);
    }
    disk_image_free(image);
    file_calls = lasting;
}

/* In a real folder in memory: segments that serve again are mapped, and say after that what they would have else. */
static void blocks_are_copied_into_mapped_segments(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/maemio-checkpoint-XXXXXX", text[300], command[300];
    if (file_calls_system.is_lasting("/dev/shm") != 0 || !mkdtemp(folder)) {
        print_message("[  SKIPPED ] /dev/shm is not in memory, or nothing can be made there\n");
        skip();
    }
    disk_close();
    (void)snprintf(text, sizeof text, async, folder);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    const struct segments *segments = &world.db->core.log->streams[0].segments;
    unsigned rounds = 0; /* how many it takes is up to the thread that makes segments */
    for (; rounds < 200 || (rounds < 2000 && (segments->reused <= 4 || segments->mapped <= 2)); rounds++) {
        new_keys(world.workers[0], world.index, 1 + 40 * rounds, 40, rounds);
        assert_ok(mae_sync(world.db));
        if (rounds % 50 == 49)
            assert_ok(mae_checkpoint(world.db));
    }
    assert_true(segments->reused > 4 && segments->mapped > 2);
    assert_true(segments_are_mapped(segments));
    world_close(&world);
    world = world_again(text);
    for (unsigned i = 0; i < rounds; i++)
        world_check_keys(&world, 1 + 40 * i, 40, i);
    world_close(&world);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    disk_open();
}

static void without_a_log_there_is_none(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    assert_status(MAE_UNSUPPORTED, mae_checkpoint(world.db));
    world_close(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_set_up, disk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_has_need_not_be_in_the_log),
        TEST(entries_that_move_are_found),
        TEST(entries_of_one_key),
        TEST(operations_count_once),
        TEST(the_log_stays_bounded),
        TEST(a_hot_row_keeps_few_versions),
        TEST(it_counts_when_its_end_is_on_the_disk),
        TEST(it_does_not_count_without_its_end),
        TEST(the_log_from_its_start_on_stays),
        TEST(a_damaged_one_is_refused),
        TEST(one_that_fails_leaves_all_as_it_was),
        TEST(a_full_disk_is_told),
        TEST(one_without_a_log_is_given_up),
        TEST(it_keeps_to_its_rate),
        TEST(it_is_due_by_bytes),
        TEST(it_is_due_by_time),
        TEST(a_thread_makes_them),
        TEST(a_spare_file_is_not_the_last_ones),
        TEST(blocks_are_copied_into_mapped_segments),
        TEST(without_a_log_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* the logger's rounds are made by hand in debug builds only */
}

#endif
