/* log_read.c - mae_log_read, on a simulated disk: it tells what a recovery would take, and changes nothing. */
#include "tests/support/logged.h"
#include "tests/support/world.h"

#include <errno.h>

#include "engine/base/file.h"
#include "engine/db/db.h"

#ifdef MAE_DEBUG

#define OPTIONS "durability=group log_segment_bytes=64K log_buffer_bytes=64K gc_interval_us=10000000"
static const char group[] = OPTIONS " log_dir=db";

/* ---- What is seen. ---- */

enum { SEGMENTS_MAX = 16, LIVES_MAX = 4 };

struct seen {
    struct mae_log_life lives[LIVES_MAX];
    struct mae_log_segment segments[SEGMENTS_MAX];
    size_t life_count, segment_count;
    uint64_t kinds[MAE_LOG_APPLY + 1]; /* changes of each kind */
    uint64_t sum;                      /* of the words that were put */
    uint64_t last_ts, changes_left;    /* no more than so many are taken */
    struct mae_log_summary summary;
};

static enum mae_status take_life(void *arg, const struct mae_log_life *life)
{
    struct seen *seen = arg;
    assert_true(seen->life_count < LIVES_MAX);
    seen->lives[seen->life_count++] = *life;
    return MAE_OK;
}

static enum mae_status take_segment(void *arg, const struct mae_log_segment *segment)
{
    struct seen *seen = arg;
    char path[64];
    assert_true(seen->segment_count < SEGMENTS_MAX);
    (void)snprintf(path, sizeof path, "db/log-%08u", (unsigned)segment->number);
    assert_string_equal(segment->path, path);
    seen->segments[seen->segment_count++] = *segment;
    return MAE_OK;
}

static enum mae_status take_change(void *arg, const struct mae_log_change *change)
{
    struct seen *seen = arg;
    uint64_t word = 0;
    bool is_row = change->kind != MAE_LOG_ADD && change->kind != MAE_LOG_REMOVE;
    if (seen->changes_left-- == 0)
        return MAE_ABORT_USER;
    assert_string_equal(change->object, is_row ? "rows" : "keys");
    size_t before = change->kind == MAE_LOG_APPLY ? sizeof(struct delta_op) : 0;
    assert_int_equal(change->bytes, change->kind == MAE_LOG_DELETE ? 0 : before + sizeof word);
    if (change->kind == MAE_LOG_PUT || change->kind == MAE_LOG_APPLY)
        memcpy(&word, (const char *)change->data + before, sizeof word);
    seen->kinds[change->kind]++;
    seen->sum += word;
    seen->last_ts = change->timestamp > seen->last_ts ? change->timestamp : seen->last_ts;
    return MAE_OK;
}

static const struct mae_log_visitor visitor = {.life = take_life, .segment = take_segment, .change = take_change};
static const struct mae_log_visitor without_segments = {.life = take_life, .change = take_change};
static struct seen seen;

static enum mae_status read_log(void)
{
    seen = (struct seen){.changes_left = UINT64_MAX};
    return mae_log_read("db", &visitor, &seen, &seen.summary);
}

/* ---- Nothing is changed, and what is read can be other than what stands there. ---- */

static const struct file_calls *below;
static struct file_calls watched;
static unsigned opens, hidden_look, gone_open; /* of the first segment; 0: none */
static uint64_t hidden_offset;
static int first_file;
static bool hides_anew;          /* every look misses another block */
static struct mae_db *replacing; /* makes another checkpoint before the first one is opened; or NULL */
static struct world *writing;    /* makes changes safe in both its streams before the second one is opened; or NULL */

static void write_more(void)
{
    for (unsigned i = 0; i < writing->worker_count; i++) {
        struct mae_txn *txn = begin(writing->workers[i]);
        assert_ok(key_add(txn, writing->index, 1, 1));
        assert_ok(mae_commit(txn));
        mae_worker_idle(writing->workers[i]);
    }
    assert_ok(mae_sync(writing->db));
}

static int watched_open(const char *path, unsigned mode)
{
    assert_int_equal(mode & (FILE_WRITE | FILE_CREATE), 0);
    bool is_first = strcmp(path, "db/log-00000001") == 0;
    opens += is_first;
    if (is_first && opens == gone_open)
        return -ENOENT;
    if (replacing && strcmp(path, "db/checkpoint-00000001") == 0) {
        file_calls = below;
        assert_ok(mae_checkpoint(replacing));
        file_calls = &watched;
    }
    if (writing && strcmp(path, "e/log-00000001") == 0) {
        file_calls = below;
        write_more();
        write_more(); /* whose blocks say that those before are on the disk */
        file_calls = &watched;
    }
    int file = below->open(path, mode);
    first_file = is_first ? file : first_file;
    return file;
}

/* As if the block had not been written yet when it was read. */
static int64_t watched_read(int file, void *data, size_t bytes, uint64_t offset)
{
    int64_t got = below->read(file, data, bytes, offset);
    uint64_t hidden = hides_anew ? opens * (uint64_t)FILE_BLOCK_BYTES : hidden_offset;
    bool has = got > 0 && hidden >= offset && hidden + FILE_BLOCK_BYTES <= offset + (uint64_t)got;
    if (file == first_file && opens <= hidden_look && has)
        memset((char *)data + (hidden - offset), 0, FILE_BLOCK_BYTES);
    return got;
}

static int set_up(void **state)
{
    int result = disk_set_up(state);
    opens = hidden_look = gone_open = 0;
    hidden_offset = 0;
    hides_anew = false;
    replacing = NULL;
    writing = NULL;
    first_file = -1;
    below = file_calls;
    watched = (struct file_calls){
        .open = watched_open, .close = below->close, .read = watched_read, .size = below->size, .list = below->list};
    return result;
}

static enum mae_status read_watched(void)
{
    file_calls = &watched;
    enum mae_status status = read_log();
    file_calls = below;
    return status;
}

/* A closed database with so many flushes of a block each. */
static void fill(uint64_t flushes)
{
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    for (uint64_t key = 1; key <= flushes; key++) {
        new_keys(world.workers[0], world.index, key, 1, key);
        assert_ok(mae_sync(world.db));
    }
    world_close(&world);
    disk_crash(NULL);
}

/* ---- Tests. ---- */

static void it_tells_what_a_recovery_takes(void **state)
{
    (void)state;
    struct mae_recover_info info;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 3, 7);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_add(txn, world.index, 1, 1));
    assert_ok(key_delete(txn, world.index, 2));
    const uint64_t added_to = 3;
    const int64_t thousand = 1000;
    assert_ok(mae_apply(txn, world.index, &added_to, MAE_ADD, 0, &thousand, sizeof thousand));
    uint64_t last_ts = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    assert_ok(mae_sync(world.db));
    assert_ok(read_watched()); /* beside the database */
    world_close(&world);
    disk_crash(NULL);
    assert_ok(read_watched());
    assert_int_equal(seen.kinds[MAE_LOG_PUT], 4);
    assert_int_equal(seen.kinds[MAE_LOG_APPLY], 1);
    assert_int_equal(seen.sum, 7 + 7 + 7 + 8 + 1000);
    assert_int_equal(seen.kinds[MAE_LOG_DELETE], 1);
    assert_int_equal(seen.kinds[MAE_LOG_ADD], 3);
    assert_int_equal(seen.kinds[MAE_LOG_REMOVE], 1);
    assert_int_equal(seen.summary.changes, 10);
    assert_int_equal(seen.last_ts, last_ts);
    assert_int_equal(seen.life_count, 1);
    assert_true(seen.lives[0].start < last_ts && last_ts < seen.lives[0].cut);
    assert_int_equal(seen.summary.cut, seen.lives[0].cut);
    assert_int_equal(seen.segment_count, 1);
    assert_int_equal(seen.segments[0].state, MAE_LOG_END);
    assert_int_equal(seen.segments[0].first_block, 1);
    assert_int_equal(seen.segments[0].bound, seen.lives[0].cut);
    world = world_again(group);
    mae_recover_info(world.db, &info);
    assert_int_equal(info.transactions, seen.summary.transactions);
    assert_int_equal(info.cut, seen.summary.cut);
    assert_int_equal(info.database, seen.summary.database);
    world_close(&world);
}

static void a_visitor_ends_it(void **state)
{
    (void)state;
    fill(3);
    seen = (struct seen){.changes_left = 2};
    assert_status(MAE_ABORT_USER, mae_log_read("db", &visitor, &seen, &seen.summary));
    assert_int_equal(seen.kinds[MAE_LOG_PUT] + seen.kinds[MAE_LOG_ADD], 2);
    const struct mae_log_visitor none = {0};
    assert_ok(mae_log_read("db", &none, NULL, &seen.summary));
    assert_int_equal(seen.summary.transactions, 0);
    assert_int_equal(seen.summary.lives, 1);
}

/* Segments before a checkpoint hold nothing that counts; its file is checked. */
static void a_checkpoint_is_checked_and_not_told(void **state)
{
    (void)state;
    struct world world = world_open("durability=group log_dir=db log_segment_bytes=64K gc_interval_us=1 "
                                    "checkpoint_rate=0",
                                    MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 100, 7);
    settle(&world);
    assert_ok(mae_checkpoint(world.db));
    new_keys(world.workers[0], world.index, 101, 1, 7);
    world_close(&world);
    disk_crash(NULL);
    assert_ok(read_watched());
    assert_int_equal(seen.summary.checkpoint, 1);
    assert_int_equal(seen.summary.checkpoint_rows, 100);
    assert_int_equal(seen.kinds[MAE_LOG_PUT], 1);
    assert_true(disk_damage("db/checkpoint-00000001", 200));
    assert_status(MAE_CORRUPT, read_watched());
    assert_non_null(strstr(mae_open_problem(), "checkpoint-00000001 at 0"));
}

static void damage_has_a_place_and_what_is_before_is_told(void **state)
{
    (void)state;
    fill(6);
    struct disk_image *image = disk_save();
    uint64_t transactions = 0;
    for (uint64_t block = 0; block < 4; block++) { /* the last one could be a torn end */
        disk_load(image);
        assert_true(disk_damage("db/log-00000001", block * FILE_BLOCK_BYTES + 20));
        assert_status(MAE_CORRUPT, read_watched());
        assert_non_null(strstr(mae_open_problem(), "db/log-00000001 at "));
        assert_int_equal(seen.segments[0].state, MAE_LOG_DAMAGED);
        assert_true(seen.lives[0].salvaged);
        assert_true(seen.summary.transactions >= transactions);
        transactions = seen.summary.transactions;
        struct problem damage;
        (void)snprintf(damage.text, sizeof damage.text, "%s", mae_open_problem());
        assert_status(MAE_CORRUPT, world_status(group));
        assert_string_equal(mae_open_problem(), damage.text); /* a recovery says the same */
    }
    assert_true(transactions > 0);
    disk_image_free(image);
}

/* It is no damage: it was not safe. */
static void a_torn_end_is_told(void **state)
{
    (void)state;
    fill(3);
    assert_ok(read_watched());
    uint64_t bytes = seen.segments[0].bytes;
    assert_true(disk_damage("db/log-00000001", bytes - FILE_BLOCK_BYTES + offsetof(struct block, flush)));
    assert_ok(read_watched());
    assert_int_equal(seen.segments[0].state, MAE_LOG_TORN);
    assert_int_equal(seen.segments[0].bytes, bytes - FILE_BLOCK_BYTES);
}

/* R1. */
static void what_is_being_written_is_no_damage(void **state)
{
    (void)state;
    fill(3);
    hidden_look = 1;
    assert_ok(read_watched());
    assert_int_equal(seen.summary.transactions, 3);
    assert_int_equal(opens, 3); /* two looks, and the records */
    hidden_look = UINT32_MAX;
    assert_status(MAE_CORRUPT, read_watched()); /* it stays away */
}

/* R1: what is safe in the second folder has a beginning in the first one, which had been read before. */
static void a_log_that_grows_needs_two_looks(void **state)
{
    (void)state;
    struct world world = world_open(OPTIONS " log_dir=db,e", MAE_INDEX_HASH, 8, 2);
    new_keys(world.workers[0], world.index, 1, 1, 0);
    mae_worker_idle(world.workers[0]);
    assert_ok(mae_sync(world.db));
    writing = &world;
    seen = (struct seen){.changes_left = UINT64_MAX};
    file_calls = &watched;
    enum mae_status status = mae_log_read("db,e", &without_segments, &seen, &seen.summary);
    file_calls = below;
    assert_ok(status);
    assert_int_equal(opens, 3);                       /* two looks, and the records */
    assert_int_equal(seen.kinds[MAE_LOG_PUT], 1 + 4); /* what was there when the second one began */
    assert_false(seen.lives[0].salvaged);
    world_close(&world);
    disk_crash(NULL);
}

/* R1. */
static void what_never_rests_is_busy(void **state)
{
    (void)state;
    fill(15);
    hidden_look = UINT32_MAX;
    hides_anew = true;
    assert_status(MAE_BUSY, read_watched());
    assert_non_null(strstr(mae_open_problem(), "being written"));
}

/* R2. */
static void segments_that_go_are_no_end_of_the_log(void **state)
{
    (void)state;
    fill(3);
    gone_open = 1; /* between the list and the look: the next one finds it */
    assert_ok(read_watched());
    opens = 0;
    gone_open = 2; /* between the look and the records */
    assert_status(MAE_BUSY, read_watched());
    assert_non_null(strstr(mae_open_problem(), "in use"));
}

/* R3. */
static void a_checkpoint_that_goes_is_no_damage(void **state)
{
    (void)state;
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    new_keys(world.workers[0], world.index, 1, 10, 7);
    settle(&world);
    assert_ok(mae_checkpoint(world.db));
    replacing = world.db;
    assert_status(MAE_BUSY, read_watched());
    assert_non_null(strstr(mae_open_problem(), "in use"));
    replacing = NULL;
    assert_ok(read_watched());
    assert_int_equal(seen.summary.checkpoint, 2);
    disk_erase("db/checkpoint-00000002");
    assert_status(MAE_IO, read_watched()); /* it is missed */
    world_close(&world);
    disk_crash(NULL);
}

static void what_is_no_database(void **state)
{
    (void)state;
    assert_status(MAE_INVALID, mae_log_read("", &visitor, &seen, &seen.summary));
    assert_status(MAE_INVALID, mae_log_read("db", NULL, &seen, &seen.summary));
    assert_status(MAE_NOT_FOUND, read_watched());
    assert_non_null(strstr(mae_open_problem(), "no database"));
    fill(1);
    disk_erase("db/manifest");
    assert_status(MAE_NOT_FOUND, read_watched());
}

#endif

int main(void)
{
#ifdef MAE_DEBUG
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_tells_what_a_recovery_takes, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_visitor_ends_it, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_checked_and_not_told, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(damage_has_a_place_and_what_is_before_is_told, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_torn_end_is_told, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(what_is_being_written_is_no_damage, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_grows_needs_two_looks, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(what_never_rests_is_busy, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(segments_that_go_are_no_end_of_the_log, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_that_goes_is_no_damage, set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_database, set_up, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0;
#endif
}
