/* durability.c - the public calls about the log, on a simulated disk. tests/crash has what a crash leaves. */
#include "tests/support/logged.h"
#include "tests/support/world.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/tsc.h"
#include "engine/db/db.h"

#ifdef MAE_DEBUG

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=4K "
                            "gc_interval_us=10000000";
static const char async[] = "durability=async log_dir=db log_segment_bytes=64K gc_interval_us=10000000";

static uint64_t value_of(struct world *world, uint64_t key)
{
    uint64_t value = 0;
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(key_get(txn, world->index, key, &value));
    assert_ok(mae_commit(txn));
    return value;
}

static void add_one(struct world *world, uint64_t key)
{
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(key_add(txn, world->index, key, 1));
    assert_ok(mae_commit(txn));
}

static void close_world(struct world *world)
{
    world_close(world);
    disk_crash(NULL);
}

static void what_was_closed_is_there(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info;
    mae_recover_info(world.db, &info);
    assert_int_equal(info.lives, 0);
    new_keys(world.workers[0], world.index, 1, 100, 7);
    close_world(&world);
    world = world_again(group);
    assert_non_null(world.table);
    mae_recover_info(world.db, &info);
    assert_int_equal(info.lives, 1);
    assert_int_equal(info.rows, 100);
    assert_int_equal(mae_table_rows(world.table), 100);
    assert_int_equal(info.entries, 100);
    assert_int_equal(info.lost, 0);
    for (uint64_t key = 1; key <= 100; key++)
        assert_int_equal(value_of(&world, key), 7);
    close_world(&world);
}

static void options_that_do_not_go_together(void **state)
{
    (void)state;
    assert_status(MAE_INVALID, world_status("durability=group"));
    assert_non_null(strstr(mae_open_problem(), "log_dir"));
    assert_status(MAE_INVALID, world_status("log_dir=db"));
    assert_status(MAE_INVALID, world_status("durability=async log_dir=db simple_index_update=on"));
    assert_ok(world_status(""));
    assert_string_equal(mae_open_problem(), "");
}

static void one_database_at_a_time(void **state)
{
    (void)state;
    struct mae_db *db = world_db(group);
    assert_status(MAE_BUSY, world_status(group));
    mae_close(db);
    disk_crash(NULL);
    assert_ok(world_status(group));
    disk_crash(NULL);
}

/* A row with wrong contents would be worse than a database that says where it is damaged. */
static void damage_below_the_promise_is_refused(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    for (uint64_t key = 1; key <= 3; key++) {
        new_keys(world.workers[0], world.index, key, 1, 7);
        assert_ok(mae_sync(world.db));
    }
    close_world(&world);
    struct disk_image *image = disk_save();
    unsigned refused = 0, padding = 0;
    for (uint64_t offset = 0; offset < 300; offset++) {
        assert_true(disk_damage("db/log-00000001", offset));
        enum mae_status status = world_status(group);
        if (status == MAE_OK) {
            padding++; /* what comes behind the block's bytes is not read */
        } else {
            assert_status(MAE_CORRUPT, status);
            assert_non_null(strstr(mae_open_problem(), "log-00000001 at 0: a block from here on is missing or "
                                                       "damaged, up to db/log-00000001 at 4096"));
            assert_int_equal(padding, 0);
            refused++;
        }
        disk_load(image);
    }
    assert_true(refused > 100 && padding > 0);
    disk_erase("db/manifest");
    assert_status(MAE_CORRUPT, world_status(group));
    assert_non_null(strstr(mae_open_problem(), "no manifest"));
    disk_image_free(image);
}

static enum mae_status key_status(struct world *world, uint64_t key)
{
    uint64_t value;
    struct mae_txn *txn = begin(world->workers[0]);
    enum mae_status status = key_get(txn, world->index, key, &value);
    assert_ok(mae_commit(txn));
    return status;
}

/* What stood before the damage is there, nothing of what came later, also of a later life; and so it stays. */
static void salvage_cuts_at_the_damage(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info;
    char text[200];
    (void)snprintf(text, sizeof text, "%s recovery=salvage", group);
    for (uint64_t key = 1; key <= 5; key++) {
        new_keys(world.workers[0], world.index, key, 1, 7);
        assert_ok(mae_sync(world.db));
    }
    close_world(&world);
    world = world_again(text); /* there is no damage */
    mae_recover_info(world.db, &info);
    assert_false(info.salvaged);
    new_keys(world.workers[0], world.index, 6, 1, 7);
    close_world(&world);
    assert_true(disk_damage("db/log-00000001", 2 * FILE_BLOCK_BYTES + 40));
    assert_status(MAE_CORRUPT, world_status(group));
    disk_crash(NULL);
    world = world_again(text);
    mae_recover_info(world.db, &info);
    assert_true(info.salvaged);
    assert_non_null(strstr(mae_open_problem(), "log-00000001 at "));
    assert_ok(key_status(&world, 1));
    for (uint64_t key = 4; key <= 6; key++)
        assert_status(MAE_NOT_FOUND, key_status(&world, key));
    new_keys(world.workers[0], world.index, 10, 1, 7);
    close_world(&world);
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_false(info.salvaged);
    assert_ok(key_status(&world, 1));
    assert_ok(key_status(&world, 10));
    assert_status(MAE_NOT_FOUND, key_status(&world, 6));
    close_world(&world);
}

static void copy_file(const char *path, char *data, size_t bytes, bool write)
{
    int file = file_calls->open(path, FILE_WRITE | FILE_CREATE);
    assert_true(file >= 0);
    if (write)
        assert_int_equal(file_calls->write(file, data, bytes, 0), 0);
    else
        assert_int_equal(file_calls->read(file, data, bytes, 0), bytes);
    (void)file_calls->close(file);
}

static void a_segment_of_another_database_is_refused(void **state)
{
    (void)state;
    static char data[2 * FILE_BLOCK_BYTES];
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 5, 7);
    close_world(&world);
    copy_file("db/log-00000001", data, sizeof data, false);
    disk_close();
    disk_open();
    world = world_open(group, MAE_INDEX_HASH, 8, 1);
    close_world(&world);
    copy_file("db/log-00000009", data, sizeof data, true);
    assert_status(MAE_CORRUPT, world_status(group));
    assert_non_null(strstr(mae_open_problem(), "log-00000009 at 0: a block of another database"));
}

/* It would begin a life that has been there, and what that one has left would count as the new one's. */
static void an_old_manifest_is_refused(void **state)
{
    (void)state;
    static char old[FILE_BLOCK_BYTES], text[200];
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 5, 7);
    int file = file_calls->open("db/manifest", FILE_READ);
    int64_t bytes = file_calls->size(file);
    assert_in_range(bytes, 1, sizeof old);
    assert_int_equal(file_calls->close(file), 0);
    copy_file("db/manifest", old, (size_t)bytes, false);
    close_world(&world);
    world = world_again(group);
    new_keys(world.workers[0], world.index, 11, 5, 7);
    close_world(&world);
    assert_ok(world_status(group));
    disk_crash(NULL);
    disk_erase("db/manifest");
    copy_file("db/manifest", old, (size_t)bytes, true);
    (void)snprintf(text, sizeof text, "%s recovery=salvage", group);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(MAE_CORRUPT, world_status(i ? text : group));
        assert_non_null(strstr(mae_open_problem(), "log-00000002 at 0: a block of a later life"));
        disk_crash(NULL);
    }
}

/* The place is that of the damage, not where the log goes on. */
static void damage_at_the_end_of_a_segment(void **state)
{
    (void)state;
    static union {
        struct block block;
        char bytes[64 * 1024];
    } segment;
    char wanted[200];
    size_t last = 0;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    for (uint64_t key = 1; key <= sizeof segment / FILE_BLOCK_BYTES + 4; key++) {
        new_keys(world.workers[0], world.index, key, 1, 7);
        assert_ok(mae_sync(world.db));
    }
    close_world(&world);
    copy_file("db/log-00000001", segment.bytes, sizeof segment, false);
    for (size_t at = FILE_BLOCK_BYTES; at < sizeof segment; at += FILE_BLOCK_BYTES)
        if (block_is_good((struct block *)(void *)(segment.bytes + at), FILE_BLOCK_BYTES, segment.block.database))
            last = at;
    assert_true(last > 0 && disk_damage("db/log-00000001", last + 40));
    assert_status(MAE_CORRUPT, world_status(group));
    (void)snprintf(wanted, sizeof wanted,
                   "log-00000001 at %zu: a block from here on is missing or damaged, up to db/log-00000002 at 0", last);
    assert_non_null(strstr(mae_open_problem(), wanted));
}

/* Such a flush is damaged, although its checksum is right. Once it has been cut off, it stays so. */
static void a_flush_without_whole_records(void **state)
{
    (void)state;
    static union {
        struct block block;
        char bytes[8 * FILE_BLOCK_BYTES];
    } segment;
    struct block *last = NULL; /* with a record */
    char text[200], wanted[200];
    struct mae_recover_info info;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    for (uint64_t key = 1; key <= 2; key++) {
        new_keys(world.workers[0], world.index, key, 1, 7);
        assert_ok(mae_sync(world.db));
    }
    close_world(&world);
    copy_file("db/log-00000001", segment.bytes, sizeof segment, false);
    for (size_t at = FILE_BLOCK_BYTES; at < sizeof segment; at += FILE_BLOCK_BYTES) {
        struct block *block = (struct block *)(void *)(segment.bytes + at);
        if (block_is_good(block, FILE_BLOCK_BYTES, segment.block.database) && block->bytes > sizeof *block)
            last = block;
    }
    assert_non_null(last);
    ((struct record *)(last + 1))->bytes += 8;
    block_seal(last);
    copy_file("db/log-00000001", segment.bytes, sizeof segment, true);
    assert_status(MAE_CORRUPT, world_status(group));
    (void)snprintf(wanted, sizeof wanted, "log-00000001 at %td: the flush that ends here has no whole records",
                   (char *)last - segment.bytes);
    assert_non_null(strstr(mae_open_problem(), wanted));
    disk_crash(NULL);
    (void)snprintf(text, sizeof text, "%s recovery=salvage", group);
    for (unsigned i = 0; i < 3; i++) {
        world = world_again(i == 0 ? text : group);
        mae_recover_info(world.db, &info);
        assert_int_equal(info.salvaged, i == 0);
        assert_int_equal(info.rows, 1);
        close_world(&world);
    }
}

/* Two files would have one number. */
static void a_name_that_is_written_otherwise(void **state)
{
    (void)state;
    static char data[FILE_BLOCK_BYTES];
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 5, 7);
    close_world(&world);
    copy_file("db/log-00000001", data, sizeof data, false);
    copy_file("db/log-1", data, sizeof data, true);
    copy_file("db/log-000000001", data, sizeof data, true);
    copy_file("db/checkpoint-1", data, sizeof data, true);
    world = world_again(group);
    world_check_keys(&world, 1, 5, 7);
    close_world(&world);
}

static const struct file_calls *writable;

static int open_read_only(const char *path, unsigned mode)
{
    return mode & FILE_WRITE ? -EROFS : writable->open(path, mode);
}

static void a_folder_that_cannot_be_written(void **state)
{
    (void)state;
    assert_ok(world_status(group));
    disk_crash(NULL);
    writable = file_calls;
    struct file_calls read_only = *file_calls;
    read_only.open = open_read_only;
    file_calls = &read_only;
    assert_status(MAE_IO, world_status(group));
    assert_non_null(strstr(mae_open_problem(), "db/lock: Read-only file system"));
    file_calls = writable;
    assert_ok(world_status(group));
}

static bool folder_is_made;

/* All that there is. */
static int in_memory(const char *path)
{
    return folder_is_made || strcmp(path, ".") == 0 ? 0 : -ENOENT;
}

static int make_folder(const char *path)
{
    folder_is_made = true;
    return writable->make_folder(path);
}

static void a_folder_in_memory_is_safe_for_nothing(void **state)
{
    (void)state;
    writable = file_calls;
    struct file_calls memory = *file_calls;
    memory.is_lasting = in_memory;
    memory.make_folder = make_folder;
    file_calls = &memory;
    folder_is_made = false;
    assert_status(MAE_UNSUPPORTED, world_status(group));
    assert_non_null(strstr(mae_open_problem(), "db is in memory only: durability=async is all it can give"));
    assert_status(MAE_UNSUPPORTED, world_status("durability=sync log_dir=db"));
    assert_false(folder_is_made); /* nothing is left behind */
    assert_ok(world_status("durability=async log_dir=db"));
    assert_true(folder_is_made);
    assert_status(MAE_UNSUPPORTED, world_status(group));
    file_calls = writable;
}

/* An older one, and a newer one. What it has is left as it was. */
static void another_version_is_refused(void **state)
{
    (void)state;
    static const char *const versions[] = {"maemio-log 1\n", "maemio-log 99\n"};
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    close_world(&world);
    struct disk_image *image = disk_save();
    for (unsigned i = 0; i < 2; i++) {
        int file = file_calls->open("db/manifest", FILE_WRITE);
        assert_int_equal(file_calls->write(file, versions[i], strlen(versions[i]), 0), 0);
        assert_int_equal(file_calls->close(file), 0);
        assert_status(MAE_UNSUPPORTED, world_status(group));
        assert_non_null(strstr(mae_open_problem(), i == 0 ? "format 1, this program" : "format 99, this program"));
        disk_load(image);
    }
    world = world_again(group);
    assert_int_equal(value_of(&world, 1), 7);
    close_world(&world);
    disk_image_free(image);
}

static void only_what_is_needed_is_written(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_log_state before, after;
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    mae_log_state(world.db, &before);
    assert_int_equal(before.durable_timestamp, mae_durable_timestamp(world.db));
    for (unsigned i = 0; i < 20; i++) { /* reading and time */
        (void)value_of(&world, 1);
        (void)log_round(world.db->core.log);
    }
    mae_log_state(world.db, &after);
    assert_int_equal(after.flushes, before.flushes);
    assert_true(after.durable_timestamp > before.durable_timestamp);
    close_world(&world);
}

static void it_waits_for_what_is_asked(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t ts = mae_txn_timestamp(txn);
    assert_status(MAE_BUSY, mae_wait_durable(world.workers[0], ts));
    assert_ok(key_add(txn, world.index, 1, 1));
    assert_ok(mae_commit(txn));
    assert_true(mae_durable_timestamp(world.db) <= ts);
    assert_ok(mae_wait_durable(world.workers[0], ts));
    assert_true(mae_durable_timestamp(world.db) > ts);
    close_world(&world);
}

/* Two transactions stay open: one below a commit and, after the first has ended, one above it, which is below another
 * commit. All that the first commit waits for is the first. */
static void it_waits_for_nothing_above(void **state)
{
    (void)state;
    char text[300];
    (void)snprintf(text, sizeof text, "%s overtake_us=0", group); /* open ones count, however slow this is */
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 4);
    struct mae_txn *txns[4];
    new_keys(world.workers[0], world.index, 1, 4, 7);
    assert_ok(mae_sync(world.db));
    for (unsigned i = 0; i < 4; i++) { /* in the order of their timestamps, whatever the workers' clocks say */
        uint64_t after = i == 0 ? 0 : mae_txn_timestamp(txns[i - 1]);
        assert_ok(mae_begin(world.workers[i], MAE_READ_WRITE, after, &txns[i]));
        assert_ok(mae_abort(txns[i])); /* and once more, so that what the worker publishes is above the others, too */
        mae_worker_idle(world.workers[i]);
        assert_ok(mae_begin(world.workers[i], MAE_READ_WRITE, after, &txns[i]));
        assert_ok(key_add(txns[i], world.index, 1 + i, 1));
    }
    uint64_t ts = mae_txn_timestamp(txns[1]);
    assert_ok(mae_commit(txns[1]));
    assert_ok(mae_commit(txns[3]));
    mae_worker_idle(world.workers[1]); /* or its clock, and not the open transaction, may be what is waited for */
    mae_worker_idle(world.workers[3]);
    (void)log_round(world.db->core.log);
    assert_true(mae_durable_timestamp(world.db) <= ts);
    assert_ok(mae_abort(txns[0]));
    mae_worker_idle(world.workers[0]);
    for (unsigned i = 0; i < 4; i++)
        (void)log_round(world.db->core.log);
    assert_true(mae_durable_timestamp(world.db) > ts);
    assert_true(mae_durable_timestamp(world.db) <= mae_txn_timestamp(txns[2]));
    assert_ok(mae_wait_durable(world.workers[1], ts));
    assert_ok(mae_commit(txns[2]));
    close_world(&world);
}

struct given_up {
    struct world *world;
    enum mae_status status;
    uint64_t ts;
};

static enum mae_status give_up(struct mae_txn *txn, void *arg)
{
    struct given_up *given_up = arg;
    uint64_t value;
    given_up->ts = mae_txn_timestamp(txn);
    enum mae_status status = key_get(txn, given_up->world->index, 1, &value);
    return status == MAE_OK ? given_up->status : status;
}

static void sync_waits_at_each_commit(void **state)
{
    (void)state;
    char text[200];
    (void)snprintf(text, sizeof text, "%s durability=sync", group);
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t ts = mae_txn_timestamp(txn);
    assert_ok(key_add(txn, world.index, 1, 1));
    assert_ok(mae_commit(txn));
    assert_true(mae_durable_timestamp(world.db) > ts);
    txn = begin(world.workers[0]); /* it has read only, and what it has read must be safe */
    ts = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    assert_true(mae_durable_timestamp(world.db) > ts);
    assert_ok(mae_begin(world.workers[0], MAE_SNAPSHOT, ts, &txn));
    ts = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    assert_true(mae_durable_timestamp(world.db) > ts);
    const enum mae_status statuses[] = {MAE_ABORT_USER, MAE_NOT_FOUND, MAE_EXISTS, MAE_FULL};
    for (unsigned i = 0; i < sizeof statuses / sizeof statuses[0]; i++) { /* the caller learns what it has read */
        struct given_up given_up = {.world = &world, .status = statuses[i]};
        assert_int_equal(mae_run(world.workers[0], MAE_READ_WRITE, give_up, &given_up, 1), statuses[i]);
        assert_true(mae_durable_timestamp(world.db) > given_up.ts);
    }
    close_world(&world);
}

/* D9. */
static void a_failed_sync_is_final(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_log_state log;
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    new_keys(world.workers[0], world.index, 1000, 1, 1);
    assert_ok(mae_sync(world.db));
    new_keys(world.workers[0], world.index, 1001, 1, 1);
    disk_fail_at(2); /* a round that needs no new segment writes and syncs */
    assert_status(MAE_IO_UNKNOWN, mae_sync(world.db));
    mae_log_state(world.db, &log);
    assert_true(log.failed);
    assert_non_null(strstr(log.problem, "sync of db/log-"));
    uint64_t promised = mae_durable_timestamp(world.db);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_add(txn, world.index, 1, 1));
    assert_status(MAE_IO, mae_commit(txn));
    txn = begin(world.workers[0]);
    uint64_t value;
    assert_ok(key_get(txn, world.index, 1001, &value)); /* reading goes on */
    assert_ok(mae_commit(txn));
    assert_status(MAE_IO_UNKNOWN, mae_wait_durable(world.workers[0], mae_worker_last_commit(world.workers[0])));
    assert_int_equal(mae_durable_timestamp(world.db), promised);
    close_world(&world);
}

/* With log_io=uring one call writes a flush and syncs it. What was safe survives a loss of power, whatever that keeps
 * of the rest. */
static void a_ring_syncs_what_it_writes(void **state)
{
    (void)state;
    char text[200];
    (void)snprintf(text, sizeof text, "%s log_io=uring", group);
    for (uint64_t random = 1; random <= 8; random++) {
        struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
        uint64_t seed = random;
        new_keys(world.workers[0], world.index, 1, 100, 7);
        assert_ok(mae_sync(world.db));
        disk_stop_at(1); /* closing writes nothing more */
        world_close(&world);
        disk_crash(&seed);
        world = world_again(text);
        assert_int_equal(mae_table_rows(world.table), 100);
        close_world(&world);
        disk_erase_folder("db");
    }
}

/* The folder is not touched, so that log_io=sync begins with an empty one. */
static void where_rings_are_forbidden_it_says_so(void **state)
{
    (void)state;
    char text[200];
    (void)snprintf(text, sizeof text, "%s log_io=uring", group);
    disk_refuse_rings(-ENOMEM);
    assert_status(MAE_NO_MEMORY, world_status(text));
    disk_refuse_rings(-EPERM);
    assert_status(MAE_UNSUPPORTED, world_status(text));
    assert_non_null(strstr(mae_open_problem(), "Operation not permitted; log_io=sync"));
    assert_false(disk_has("db/manifest") || disk_has("db/lock"));
    assert_ok(world_status(group));
}

/* D9: what is committed can still be read, by snapshots that were open and by those that begin; to sum it up, all rows
 * at once. */
static void snapshots_stay_readable_after_a_failure(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 2);
    struct mae_txn *open, *later;
    uint64_t value;
    new_keys(world.workers[0], world.index, 1, 20, 7);
    assert_ok(mae_sync(world.db));
    open = begin_snapshot(world.workers[1]);
    assert_ok(key_get(open, world.index, 1, &value));
    add_one(&world, 2);
    disk_fail_at(1);
    assert_status(MAE_IO_UNKNOWN, mae_sync(world.db));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_add(txn, world.index, 3, 1));
    assert_status(MAE_IO, mae_commit(txn));
    for (uint64_t key = 1; key <= 20; key++) {
        assert_ok(key_get(open, world.index, key, &value));
        assert_int_equal(value, 7);
    }
    assert_ok(mae_commit(open));
    later = begin_snapshot(world.workers[1]);
    for (uint64_t key = 1; key <= 20; key++)
        assert_ok(key_get(later, world.index, key, &value));
    assert_ok(mae_commit(later));
    assert_ok(mae_begin(world.workers[1], MAE_SNAPSHOT, mae_worker_last_commit(world.workers[0]), &later));
    assert_ok(key_get(later, world.index, 2, &value));
    assert_int_equal(value, 8); /* committed, and perhaps lost at the next start */
    assert_ok(key_get(later, world.index, 3, &value));
    assert_int_equal(value, 7);
    assert_ok(mae_commit(later));
    close_world(&world);
}

/* The block that a crash has torn is said, with its place, and the log goes on without it. */
static void a_torn_end_is_said(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info;
    char expected[64];
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    uint64_t offset = world.db->core.log->streams[0].segments.offset;
    add_one(&world, 1);
    assert_true(log_round(world.db->core.log));
    assert_int_equal(world.db->core.log->streams[0].segments.offset, offset + FILE_BLOCK_BYTES);
    disk_stop_at(1);
    assert_true(file_calls->sync_folder("db") < 0); /* the call in which a machine stops could still write */
    world_leave(&world);
    mae_close(world.db);
    disk_crash(NULL);
    assert_true(disk_damage("db/log-00000001", offset + 70));
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_true(info.torn);
    assert_false(info.salvaged);
    (void)snprintf(expected, sizeof expected, "db/log-00000001 at %u: the block is torn", (unsigned)offset);
    assert_memory_equal(mae_open_problem(), expected, strlen(expected));
    assert_int_equal(value_of(&world, 1), 7);
    close_world(&world);
    world = world_again(group); /* the next life has its own end */
    mae_recover_info(world.db, &info);
    assert_false(info.torn);
    assert_string_equal(mae_open_problem(), "");
    close_world(&world);
}

static void a_full_disk_is_waited_for(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    enum mae_status status = MAE_OK;
    struct mae_log_state log;
    disk_limit(1);
    for (uint64_t key = 2000; key < 4000 && status == MAE_OK; key++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_insert(txn, world.index, key, key));
        status = mae_commit(txn);
    }
    assert_status(MAE_ABORT_LOG, status);
    mae_log_state(world.db, &log);
    assert_true(log.full && !log.failed);
    disk_limit(0);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_insert(txn, world.index, 5000, 1));
    assert_ok(mae_commit(txn));
    assert_ok(mae_sync(world.db));
    mae_log_state(world.db, &log);
    assert_false(log.full);
    close_world(&world);
}

/* Fills the disk, and commits what then stays in the buffer. */
static void commit_without_space(struct world *world)
{
    disk_limit(1);
    while (!log_is_full(world->db->core.log)) {
        add_one(world, 1);
        (void)log_round(world->db->core.log);
    }
}

static void closing_says_what_is_not_on_the_disk(void **state)
{
    (void)state;
    char expected[MAE_PROBLEM_BYTES];
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    commit_without_space(&world);
    add_one(&world, 1);
    uint64_t safe = mae_durable_timestamp(world.db);
    assert_true(mae_worker_last_commit(world.workers[0]) >= safe);
    world_leave(&world);
    assert_status(MAE_FULL, mae_close(world.db));
    (void)snprintf(expected, sizeof expected, "commits from timestamp %" PRIu64 " on are lost: the log has no space",
                   safe);
    assert_string_equal(mae_open_problem(), expected);
    disk_limit(0);
    world = world_again(group);
    add_one(&world, 1);
    disk_fail_at(1);
    world_leave(&world);
    assert_status(MAE_IO_UNKNOWN, mae_close(world.db));
    assert_non_null(strstr(mae_open_problem(), " on may be lost: "));
    disk_fail_at(0);
}

/* A moment ago there was no space. */
static void closing_asks_a_full_disk_once_more(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    commit_without_space(&world);
    uint64_t value = value_of(&world, 1);
    disk_limit(0);
    world_leave(&world);
    assert_ok(mae_close(world.db));
    world = world_again(group);
    assert_int_equal(value_of(&world, 1), value);
    close_world(&world);
}

static void closing_makes_async_outlive_the_machine(void **state)
{
    (void)state;
    uint64_t random = 1;
    struct world world = world_open(async, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    world_leave(&world);
    assert_ok(mae_close(world.db));
    disk_crash(&random);
    world = world_again(async);
    assert_int_equal(value_of(&world, 1), 7);
    add_one(&world, 1);
    assert_true(log_round(world.db->core.log)); /* written, and with async not synced */
    world_leave(&world);
    disk_fail_at(1);
    assert_status(MAE_IO_UNKNOWN, mae_close(world.db));
    disk_fail_at(0);
}

static void a_record_may_be_larger_than_the_buffer(void **state)
{
    (void)state;
    const struct mae_table_config config = {.payload_max_bytes = 60000};
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct mae_table *large;
    uint64_t rows[3];
    void *data;
    const void *found;
    size_t bytes;
    assert_ok(mae_table_create(world.db, "large", &config, &large));
    struct mae_txn *txn = begin(world.workers[0]);
    for (unsigned i = 0; i < 3; i++) { /* more than a segment */
        assert_ok(mae_row_insert(txn, large, 60000, &rows[i], &data));
        memset(data, (int)i + 1, 60000);
    }
    assert_ok(mae_commit(txn));
    assert_ok(mae_sync(world.db));
    close_world(&world);
    world = world_again(group);
    large = mae_table_find(world.db, "large");
    txn = begin(world.workers[0]);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(mae_row_read(txn, large, rows[i], &found, &bytes));
        assert_int_equal(bytes, 60000);
        assert_int_equal(((const unsigned char *)found)[59999], i + 1);
    }
    assert_ok(mae_commit(txn));
    close_world(&world);
}

static void add_to_key(struct world *world, struct mae_worker *worker, uint64_t key, uint64_t delta)
{
    enum mae_status status;
    do { /* ends: an abort moves the worker's clock on */
        struct mae_txn *txn = begin(worker);
        status = key_add(txn, world->index, key, delta);
        if (status == MAE_OK)
            status = mae_commit(txn);
        else
            mae_abort(txn);
    } while (mae_status_is_retryable(status));
    assert_ok(status);
}

/* D6: the logger takes one worker's records after another's, so whichever comes first, of one key the later of two
 * records is read last, of the other the earlier one. */
static void the_order_of_records_decides_nothing(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 2);
    new_keys(world.workers[0], world.index, 1, 2, 0);
    assert_ok(mae_sync(world.db));
    for (unsigned key = 1; key <= 2; key++) {
        add_to_key(&world, world.workers[key - 1], key, 1);
        add_to_key(&world, world.workers[2 - key], key, 10);
    }
    assert_ok(mae_sync(world.db));
    close_world(&world);
    world = world_again(group);
    assert_int_equal(value_of(&world, 1), 11);
    assert_int_equal(value_of(&world, 2), 11);
    close_world(&world);
}

/* D6: B inserts a row and deletes it. A, which comes before B but commits later, inserts under the same row id. */
static void a_row_that_was_there_for_a_moment_leaves_nothing(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    const struct mae_table_config config = {.payload_max_bytes = 8};
    struct mae_table *table;
    struct mae_worker *other;
    uint64_t row, gone;
    void *data;
    const void *found;
    assert_ok(mae_table_create(world.db, "moments", &config, &table));
    assert_ok(mae_worker_join(world.db, &other));
    struct mae_txn *a = begin(world.workers[0]), *b = begin(other);
    assert_ok(mae_row_insert(b, table, 8, &gone, &data));
    memset(data, 1, 8);
    assert_ok(mae_row_delete(b, table, gone));
    assert_ok(mae_row_insert(b, table, 8, &row, &data)); /* so that there is a record */
    memset(data, 1, 8);
    assert_ok(mae_commit(b));
    mae_worker_leave(other); /* hands the row id over */
    do {
        assert_ok(mae_row_insert(a, table, 8, &row, &data));
        memset(data, 2, 8);
    } while (row != gone);
    assert_ok(mae_commit(a));
    assert_ok(mae_sync(world.db));
    close_world(&world);
    world = world_again(group);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_read(txn, mae_table_find(world.db, "moments"), gone, &found, NULL));
    assert_ok(mae_commit(txn));
    close_world(&world);
}

/* Every request for memory of an opening fails once. That opening says so, or does without, and the next one succeeds.
 * */
static void memory_may_run_out_while_it_opens(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 20, 7);
    close_world(&world);
    struct disk_image *image = disk_save();
    struct mae_options *options = world_options(group);
    bool happened = true;
    for (uint64_t request = 1; happened; request++) {
        struct mae_db *db = NULL;
        mem_fail_at(request);
        enum mae_status status = mae_open(options, &db);
        happened = mem_fail_happened();
        mem_fail_at(0);
        assert_true(status == MAE_OK || (happened && status == MAE_NO_MEMORY));
        if (status == MAE_OK)
            mae_close(db);
        disk_load(image);
    }
    mae_options_destroy(options);
    world = world_again(group);
    assert_int_equal(value_of(&world, 20), 7);
    close_world(&world);
    disk_image_free(image);
}

/* A table that could not be written down is not there, and its number is not used again. */
static void a_table_that_cannot_be_written_down(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    const struct mae_table_config config = {.payload_max_bytes = 8};
    const struct mae_index_config index_config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    struct mae_table *table;
    struct mae_index *index;
    disk_fail_at(4);
    assert_status(MAE_IO, mae_table_create(world.db, "new", &config, &table));
    assert_null(mae_table_find(world.db, "new"));
    disk_fail_at(4);
    assert_status(MAE_IO, mae_index_create(world.db, world.table, "new", &index_config, &index));
    assert_null(mae_index_by_name(world.db, "new"));
    assert_ok(mae_table_create(world.db, "new", &config, &table));
    assert_ok(mae_index_create(world.db, table, "new", &index_config, &index));
    close_world(&world);
    world = world_again(group);
    assert_non_null(mae_table_find(world.db, "new"));
    assert_non_null(mae_index_by_name(world.db, "new"));
    close_world(&world);
}

static void snapshots_may_be_held_to_what_is_safe(void **state)
{
    (void)state;
    char text[200];
    (void)snprintf(text, sizeof text, "%s snapshot=durable log_buffer_bytes=64K", group);
    assert_status(MAE_INVALID, world_status("snapshot=durable"));
    struct world world = world_open(text, MAE_INDEX_HASH, 8, 1);
    struct mae_worker *worker = world.workers[0];
    struct mae_txn *snapshot;
    uint64_t value;
    new_keys(worker, world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    for (unsigned i = 0; i < 300; i++) { /* and what is safe is not collected meanwhile */
        add_one(&world, 1);
        mae_worker_idle(worker);
        assert_ok(mae_begin(worker, MAE_SNAPSHOT, 0, &snapshot));
        assert_true(mae_txn_timestamp(snapshot) < mae_durable_timestamp(world.db));
        assert_ok(key_get(snapshot, world.index, 1, &value));
        assert_int_equal(value, 7);
        assert_ok(mae_commit(snapshot));
    }
    uint64_t last = mae_worker_last_commit(worker);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_begin(worker, MAE_SNAPSHOT, last, &snapshot));
    assert_ok(key_get(snapshot, world.index, 1, &value));
    assert_int_equal(value, 307);
    assert_ok(mae_commit(snapshot));
    /* What is never safe is not waited for. */
    add_one(&world, 1);
    disk_fail_at(1);
    assert_status(MAE_IO_UNKNOWN, mae_sync(world.db));
    assert_status(MAE_IO, mae_begin(worker, MAE_SNAPSHOT, mae_worker_last_commit(worker), &snapshot));
    assert_ok(mae_begin(worker, MAE_SNAPSHOT, 0, &snapshot));
    assert_ok(mae_commit(snapshot));
    close_world(&world);
}

struct heard {
    struct mae_db *db;
    uint64_t last_ts;
    unsigned count, unknown;
};

static void hear(void *arg, uint64_t timestamp, enum mae_status status)
{
    struct heard *heard = arg;
    assert_true(timestamp > heard->last_ts); /* in the order of the commits */
    heard->last_ts = timestamp;
    heard->count++;
    heard->unknown += status == MAE_IO_UNKNOWN;
}

static void add_and_hear(struct world *world, struct heard *heard, bool commits)
{
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(key_add(txn, world->index, 1, 1));
    assert_ok(mae_on_durable(txn, hear, heard));
    if (commits)
        assert_ok(mae_commit(txn));
    else
        assert_ok(mae_abort(txn));
}

/* D20. */
static void who_asks_is_told_once_it_is_safe(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct heard heard = {.db = world.db};
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db));
    for (unsigned i = 0; i < 5; i++)
        add_and_hear(&world, &heard, i != 2);
    add_one(&world, 1); /* asks for nothing */
    assert_int_equal(heard.count, 0);
    assert_ok(mae_sync(world.db));
    assert_int_equal(heard.count, 4);
    add_and_hear(&world, &heard, true);
    close_world(&world); /* it tells what is left */
    assert_int_equal(heard.count, 5);
    assert_int_equal(heard.unknown, 0);
    world = world_again(group);
    heard = (struct heard){.db = world.db};
    add_and_hear(&world, &heard, true);
    disk_fail_at(1);
    assert_status(MAE_IO_UNKNOWN, mae_sync(world.db));
    assert_int_equal(heard.count, 0);
    close_world(&world);
    assert_int_equal(heard.unknown, 1);
    world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_UNSUPPORTED, mae_on_durable(txn, hear, &heard));
    assert_ok(mae_abort(txn));
    world_close(&world);
}

static void a_thread_tells(void **state)
{
    (void)state;
    log_by_hand = false;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct heard heard = {.db = world.db};
    new_keys(world.workers[0], world.index, 1, 1, 7);
    for (unsigned i = 0; i < 200; i++)
        add_and_hear(&world, &heard, true);
    close_world(&world);
    assert_int_equal(heard.count, 200);
    assert_int_equal(heard.unknown, 0);
}

/* The slot's next worker begins with the same epochs. */
static void a_worker_inherits_nothing(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct heard heard = {.db = world.db};
    new_keys(world.workers[0], world.index, 1, 1, 7);
    mae_worker_leave(world.workers[0]);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_insert(txn, world.index, 2, 9));
    assert_ok(mae_on_durable(txn, hear, &heard));
    assert_ok(mae_abort(txn));
    mae_worker_leave(world.workers[0]);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    add_one(&world, 1);
    close_world(&world);
    assert_int_equal(heard.count, 0);
    struct mae_recover_info info;
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_int_equal(info.entries, 1);
    assert_int_equal(value_of(&world, 1), 8);
    close_world(&world);
}

/* The logger, who tells, the checkpointer and the maintenance thread. */
static void its_threads_take_no_signals(void **state)
{
    (void)state;
    log_by_hand = false;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    struct heard heard = {.db = world.db};
    new_keys(world.workers[0], world.index, 1, 1, 7);
    add_and_hear(&world, &heard, true);
    enum mae_status status = mae_maintenance_start(world.db);
    assert_true(status == MAE_OK || status == MAE_UNSUPPORTED);
    DIR *threads = opendir("/proc/self/task");
    unsigned count = 0;
    assert_non_null(threads);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        char path[300], line[200];
        uint64_t blocked = UINT64_MAX;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = entry->d_name[0] == '.' || atoi(entry->d_name) == getpid() ? NULL : fopen(path, "r");
        while (file && fgets(line, sizeof line, file))
            (void)sscanf(line, "SigBlk: %" SCNx64, &blocked);
        if (file)
            (void)fclose(file);
        count += file != NULL;
        assert_true(blocked >> (SIGALRM - 1) & 1);
        assert_true(blocked >> (SIGTERM - 1) & 1);
    }
    (void)closedir(threads);
    assert_true(count >= 3);
    close_world(&world);
}

/* With async nobody waits for a disk: the logger, here a thread, waits a millisecond for more before the next flush. */
static void quick_flushes_are_not_many(void **state)
{
    (void)state;
    log_by_hand = false;
    struct world world = world_open("durability=async log_dir=db", MAE_INDEX_HASH, 8, 1);
    struct mae_log_state log;
    new_keys(world.workers[0], world.index, 1, 1, 7);
    assert_ok(mae_sync(world.db)); /* the first segment has been allocated, which may take a while */
    uint64_t start = tsc_now(), commits = 0;
    double ms;
    do {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_add(txn, world.index, 1, 1));
        assert_ok(mae_commit(txn));
        ms = (double)(tsc_now() - start) / tsc_ticks_per_us() / 1000;
    } while (++commits < 1000 || ms < 20);
    mae_log_state(world.db, &log);
    assert_true((double)log.flushes < 1.2 * ms + 10);
    close_world(&world);
}

static void without_a_log_there_is_nothing_to_wait_for(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_log_state log;
    assert_int_equal(mae_durable_timestamp(world.db), 0);
    assert_status(MAE_UNSUPPORTED, mae_sync(world.db));
    assert_status(MAE_UNSUPPORTED, mae_wait_durable(world.workers[0], 1));
    mae_log_state(world.db, &log);
    assert_int_equal(log.flushes, 0);
    assert_true(mae_survived(world.db, 1));
    world_close(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_set_up, disk_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_closed_is_there),
        TEST(options_that_do_not_go_together),
        TEST(one_database_at_a_time),
        TEST(damage_below_the_promise_is_refused),
        TEST(salvage_cuts_at_the_damage),
        TEST(a_segment_of_another_database_is_refused),
        TEST(an_old_manifest_is_refused),
        TEST(damage_at_the_end_of_a_segment),
        TEST(a_flush_without_whole_records),
        TEST(a_name_that_is_written_otherwise),
        TEST(a_folder_that_cannot_be_written),
        TEST(a_folder_in_memory_is_safe_for_nothing),
        TEST(another_version_is_refused),
        TEST(only_what_is_needed_is_written),
        TEST(it_waits_for_what_is_asked),
        TEST(it_waits_for_nothing_above),
        TEST(sync_waits_at_each_commit),
        TEST(a_failed_sync_is_final),
        TEST(a_ring_syncs_what_it_writes),
        TEST(where_rings_are_forbidden_it_says_so),
        TEST(snapshots_stay_readable_after_a_failure),
        TEST(a_torn_end_is_said),
        TEST(a_full_disk_is_waited_for),
        TEST(closing_says_what_is_not_on_the_disk),
        TEST(closing_asks_a_full_disk_once_more),
        TEST(closing_makes_async_outlive_the_machine),
        TEST(a_record_may_be_larger_than_the_buffer),
        TEST(the_order_of_records_decides_nothing),
        TEST(a_row_that_was_there_for_a_moment_leaves_nothing),
        TEST(memory_may_run_out_while_it_opens),
        TEST(a_table_that_cannot_be_written_down),
        TEST(snapshots_may_be_held_to_what_is_safe),
        TEST(who_asks_is_told_once_it_is_safe),
        TEST(a_thread_tells),
        TEST(a_worker_inherits_nothing),
        TEST(its_threads_take_no_signals),
        TEST(quick_flushes_are_not_many),
        TEST(without_a_log_there_is_nothing_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* the logger's rounds are made by hand in debug builds only */
}

#endif
