/*
 * load.c - rows that are loaded, and what is told of a load that ends early. tests/model/load.c loads at random.
 */
#include "engine/base/mem.h"
#include "tests/support/logged.h"
#include "tests/support/world.h"

enum { ROWS = 50, NO_ROW = 1000 };

static const char options[] = "gc_interval_us=1";

/* Rows of one word, from 0 on: the first index has the word as its key, the second one its third part, of every second
 * row. */
struct source {
    uint64_t next, end;                       /* the next word; behind the last one */
    uint64_t again;                           /* this row has the key of the one before; NO_ROW: none has */
    enum mae_status last;                     /* what comes behind the last one */
    void (*before)(void *arg, uint64_t word); /* NULL: nothing */
    void *arg;
    uint64_t word, key, part;
    const void *keys[2];
};

static enum mae_status next_row(void *arg, struct mae_load_row *row)
{
    struct source *source = arg;
    if (source->next == source->end)
        return source->last;
    source->word = source->next++;
    if (source->before)
        source->before(source->arg, source->word);
    source->key = source->word - (source->word == source->again);
    source->part = source->word / 3;
    source->keys[0] = &source->key;
    source->keys[1] = source->word % 2 ? NULL : &source->part;
    *row = (struct mae_load_row){.data = &source->word, .bytes = 8, .keys = source->keys};
    return MAE_OK;
}

static struct source words(uint64_t first, uint64_t end)
{
    return (struct source){.next = first, .end = end, .again = NO_ROW, .last = MAE_STOP};
}

struct place {
    struct world world;
    struct mae_index *indexes[2];
};

static struct place place_open(const char *settings, enum mae_index_kind kind)
{
    struct place place = {.world = world_open(settings, kind, 8, 2)};
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    place.indexes[0] = place.world.index;
    assert_ok(mae_index_create(place.world.db, place.world.table, "parts", &config, &place.indexes[1]));
    return place;
}

static enum mae_status load(struct place *place, struct source *source, uint64_t *loaded)
{
    return mae_load(place->world.workers[0], place->world.table, place->indexes, 2, next_row, source, loaded);
}

struct parts {
    struct mae_txn *txn;
    struct mae_table *table;
    uint64_t count;
};

static enum mae_status check_part(void *arg, const void *key, uint64_t row)
{
    struct parts *parts = arg;
    uint64_t part, word;
    memcpy(&part, key, 8);
    assert_ok(row_get(parts->txn, parts->table, row, &word));
    assert_int_equal(part, word / 3);
    assert_int_equal(word % 2, 0);
    parts->count++;
    return MAE_OK;
}

/* The words below `end` are there, each with its entries, and no others. */
static void expect_words(const struct world *world, uint64_t end)
{
    struct mae_txn *txn = begin(world->workers[0]);
    struct parts parts = {.txn = txn, .table = world->table};
    uint64_t value;
    for (uint64_t key = 0; key < end; key++) {
        assert_ok(key_get(txn, world->index, key, &value));
        assert_int_equal(value, key);
    }
    assert_status(MAE_NOT_FOUND, key_get(txn, world->index, end, &value));
    assert_ok(mae_index_visit(txn, mae_index_by_name(world->db, "parts"), NULL, NULL, 0, check_part, &parts));
    assert_int_equal(parts.count, (end + 1) / 2);
    assert_ok(mae_commit(txn));
    assert_int_equal(mae_table_rows(world->table), end);
    world_verify(world->db);
}

static void each_row_has_its_entries(void **state)
{
    (void)state;
    for (int kind = MAE_INDEX_HASH; kind <= MAE_INDEX_ORDERED; kind++)
        for (uint64_t rows = 0; rows <= 9; rows++) {
            struct place place = place_open(options, (enum mae_index_kind)kind);
            struct source source = words(0, rows);
            uint64_t loaded = 99;
            assert_ok(load(&place, &source, &loaded));
            assert_int_equal(loaded, rows);
            source = words(rows, ROWS); /* and behind what is there */
            assert_ok(load(&place, &source, &loaded));
            assert_int_equal(loaded, ROWS - rows);
            expect_words(&place.world, ROWS);
            world_close(&place.world);
        }
}

static void all_rows_before_a_clash_are_loaded(void **state)
{
    (void)state;
    for (uint64_t again = 1; again < 12; again++) {
        struct place place = place_open(options, again % 2 ? MAE_INDEX_HASH : MAE_INDEX_ORDERED);
        struct source source = words(0, ROWS);
        uint64_t loaded;
        source.again = again;
        assert_status(MAE_EXISTS, load(&place, &source, &loaded));
        assert_int_equal(loaded, again);
        expect_words(&place.world, again);
        source = words(loaded, ROWS); /* goes on where it ended */
        assert_ok(load(&place, &source, NULL));
        expect_words(&place.world, ROWS);
        world_close(&place.world);
    }
}

static void all_rows_before_the_sources_failure_are_loaded(void **state)
{
    (void)state;
    struct place place = place_open(options, MAE_INDEX_ORDERED);
    struct source source = words(0, 6);
    uint64_t loaded;
    source.last = MAE_UNSUPPORTED;
    assert_status(MAE_UNSUPPORTED, load(&place, &source, &loaded));
    assert_int_equal(loaded, 6);
    expect_words(&place.world, 6);
    world_close(&place.world);
}

/* ---- What one row looks like. ---- */

static enum mae_status one_row(void *arg, struct mae_load_row *row)
{
    struct mae_load_row **one = arg;
    if (!*one)
        return MAE_STOP;
    *row = **one;
    *one = NULL;
    return MAE_OK;
}

static enum mae_status load_one(struct world *world, struct mae_index *index, struct mae_load_row row)
{
    struct mae_load_row *one = &row;
    uint64_t loaded;
    enum mae_status status = mae_load(world->workers[0], world->table, &index, index ? 1 : 0, one_row, &one, &loaded);
    assert_int_equal(loaded, status == MAE_OK);
    return status;
}

static void what_cannot_be_loaded_is_refused(void **state)
{
    (void)state;
    static const char payload[9];
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 5, .variable = true};
    struct world world = world_open(options, MAE_INDEX_HASH, 8, 1), other = world_open(options, MAE_INDEX_HASH, 8, 1);
    struct mae_index *variable;
    const void *none = "\0", *longest = "\5abcde", *longer = "\6abcdef", *absent = NULL;
    assert_ok(mae_index_create(world.db, world.table, "variable", &config, &variable));
    assert_status(MAE_TOO_LARGE, load_one(&world, variable, (struct mae_load_row){payload, 9, &longest}));
    assert_status(MAE_INVALID, load_one(&world, variable, (struct mae_load_row){payload, 8, &none}));
    assert_status(MAE_INVALID, load_one(&world, variable, (struct mae_load_row){payload, 8, &longer}));
    assert_status(MAE_INVALID, load_one(&world, variable, (struct mae_load_row){payload, 8, NULL}));
    assert_status(MAE_INVALID, load_one(&world, variable, (struct mae_load_row){NULL, 8, &longest}));
    assert_status(MAE_INVALID, load_one(&world, other.index, (struct mae_load_row){payload, 8, &longest}));
    assert_int_equal(mae_table_rows(world.table), 0);
    assert_ok(load_one(&world, variable, (struct mae_load_row){payload, 8, &longest}));
    assert_status(MAE_EXISTS, load_one(&world, variable, (struct mae_load_row){payload, 8, &longest}));
    assert_ok(load_one(&world, variable, (struct mae_load_row){NULL, 0, &absent}));
    assert_ok(load_one(&world, NULL, (struct mae_load_row){payload, 1, NULL}));
    assert_int_equal(mae_table_rows(world.table), 3);
    world_close(&world);
    world_close(&other);
}

static void handles_are_checked(void **state)
{
    (void)state;
    struct place place = place_open(options, MAE_INDEX_HASH), other = place_open(options, MAE_INDEX_HASH);
    struct mae_worker *worker = place.world.workers[0];
    struct mae_table *table = place.world.table;
    struct source source = words(0, 4);
    uint64_t loaded = 99;
    assert_status(MAE_INVALID, mae_load(NULL, table, place.indexes, 2, next_row, &source, &loaded));
    assert_int_equal(loaded, 0);
    assert_status(MAE_INVALID, mae_load(worker, NULL, place.indexes, 2, next_row, &source, NULL));
    assert_status(MAE_INVALID, mae_load(worker, table, NULL, 2, next_row, &source, NULL));
    assert_status(MAE_INVALID, mae_load(worker, table, place.indexes, 2, NULL, &source, NULL));
    assert_status(MAE_INVALID, mae_load(worker, other.world.table, other.indexes, 2, next_row, &source, NULL));
    struct mae_txn *txn = begin(worker);
    assert_status(MAE_BUSY, mae_load(worker, table, place.indexes, 2, next_row, &source, NULL));
    assert_ok(mae_commit(txn));
    assert_int_equal(source.next, 0); /* nobody has asked for a row */
    assert_ok(mae_index_drop(place.world.db, place.indexes[1]));
    assert_status(MAE_INVALID, load(&place, &source, &loaded));
    assert_int_equal(loaded, 0);
    assert_int_equal(mae_table_rows(table), 0);
    world_close(&place.world);
    world_close(&other.world);
}

/* ---- Beside others. ---- */

/* Behind what the load has committed so far. */
static void insert_beside(void *arg, uint64_t word)
{
    const struct place *place = arg;
    struct mae_txn *txn;
    assert_ok(
        mae_begin(place->world.workers[1], MAE_READ_WRITE, mae_worker_last_commit(place->world.workers[0]), &txn));
    assert_ok(key_insert(txn, place->world.index, 2000 + word, word));
    assert_ok(mae_commit(txn));
}

static void others_may_insert_between_two_rows(void **state)
{
    (void)state;
    struct place place = place_open(options, MAE_INDEX_ORDERED);
    struct source source = words(0, ROWS);
    source.before = insert_beside;
    source.arg = &place;
    assert_ok(load(&place, &source, NULL));
    assert_int_equal(mae_table_rows(place.world.table), 2 * ROWS);
    world_verify(place.world.db);
    world_close(&place.world);
}

/* Behind the memory limit the first rows are there, too, up to the last one that has room. */
static void what_has_room_is_loaded(void **state)
{
    (void)state;
    for (int kind = MAE_INDEX_HASH; kind <= MAE_INDEX_ORDERED; kind++) {
        struct place place = place_open("memory_limit=16M gc_interval_us=1", (enum mae_index_kind)kind);
        struct source source = words(0, 10 * 1000 * 1000);
        source.again = UINT64_MAX;
        uint64_t loaded;
        assert_status(MAE_NO_MEMORY, load(&place, &source, &loaded));
        assert_true(loaded > ROWS);
        expect_words(&place.world, loaded);
        world_close(&place.world);
    }
}

#ifdef MAE_DEBUG

struct beside {
    struct place place;
    uint64_t inserted;
};

static void insert_at_race(void *arg)
{
    struct beside *beside = arg;
    struct mae_txn *txn = begin(beside->place.world.workers[1]);
    enum mae_status status = key_insert(txn, beside->place.world.index, 2000, 2000);
    if (status == MAE_OK)
        status = mae_commit(txn);
    else
        (void)mae_abort(txn);
    beside->inserted += status == MAE_OK;
}

/* Another worker changes the leaf when the load is about to install its own change of it. It aborts where it would wait
 * for the load. */
static void what_aborts_is_loaded_all_the_same(void **state)
{
    (void)state;
    uint64_t inserted = 0;
    for (unsigned n = 1; n <= 12; n++) {
        struct beside beside = {.place = place_open("gc_interval_us=1 pending=abort backoff=off", MAE_INDEX_ORDERED)};
        struct world *world = &beside.place.world;
        struct source source = words(0, ROWS);
        uint64_t loaded, value;
        at_race(RACE_INSTALL_LINK, n, insert_at_race, &beside);
        assert_ok(load(&beside.place, &source, &loaded));
        assert_int_equal(loaded, ROWS);
        struct mae_txn *txn = begin(world->workers[0]);
        for (uint64_t key = 0; key < ROWS; key++)
            assert_ok(key_get(txn, world->index, key, &value));
        assert_ok(mae_commit(txn));
        assert_int_equal(mae_table_rows(world->table), ROWS + beside.inserted);
        inserted += beside.inserted;
        world_close(world);
    }
    assert_true(inserted > 0); /* or else no transaction of the load had to be tried again */
}

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=4K";

static void what_was_loaded_is_restored(void **state)
{
    (void)state;
    struct place place = place_open(group, MAE_INDEX_HASH);
    struct source source = words(0, ROWS);
    assert_ok(load(&place, &source, NULL));
    assert_ok(mae_sync(place.world.db));
    world_close(&place.world);
    disk_crash(NULL);
    struct world world = world_again(group);
    expect_words(&world, ROWS);
    world_close(&world);
}

static void sync_at(void *arg, uint64_t word)
{
    if (word == ROWS / 2)
        assert_ok(mae_sync(((struct place *)arg)->world.db));
}

/* What was safe when the machine ends is some first rows. */
static void a_crash_leaves_the_first_rows(void **state)
{
    (void)state;
    struct place place = place_open(group, MAE_INDEX_HASH);
    struct source source = words(0, ROWS);
    source.before = sync_at;
    source.arg = &place;
    assert_ok(load(&place, &source, NULL));
    struct disk_image *image = disk_save();
    world_close(&place.world);
    disk_load(image);
    disk_image_free(image);
    disk_crash(NULL);
    struct world world = world_again(group);
    uint64_t rows = mae_table_rows(world.table);
    assert_true(rows > ROWS / 4 && rows < ROWS);
    expect_words(&world, rows);
    world_close(&world);
}

static void a_full_disk_ends_a_load(void **state)
{
    (void)state;
    enum { MANY = NO_ROW };
    struct place place = place_open(group, MAE_INDEX_HASH);
    struct source source = words(0, MANY);
    uint64_t loaded, rest;
    disk_limit(1);
    assert_status(MAE_ABORT_LOG, load(&place, &source, &loaded));
    disk_limit(0);
    assert_true(loaded < MANY);
    source = words(loaded, MANY);
    assert_ok(load(&place, &source, &rest));
    assert_int_equal(loaded + rest, MANY);
    expect_words(&place.world, MANY);
    world_close(&place.world);
}

/* With durability=sync, a transaction that meets a clash waits for what it has read. The log has failed, which says
 * nothing of its rows: none was committed. */
static void without_a_log_no_row_is_told_of(void **state)
{
    (void)state;
    for (uint64_t again = 1; again < 6; again++) {
        struct place place = place_open("durability=sync log_dir=db log_segment_bytes=64K", MAE_INDEX_HASH);
        struct source source = words(0, 1);
        uint64_t loaded;
        assert_ok(load(&place, &source, &loaded));
        disk_fail_at(1);
        source = words(1, 2);
        assert_status(MAE_IO_UNKNOWN, load(&place, &source, &loaded));
        assert_int_equal(loaded, 1); /* this one was committed, and may be lost */
        source = words(2, ROWS);
        source.again = 1 + again;
        assert_int_not_equal(load(&place, &source, &loaded), MAE_OK);
        assert_int_equal(loaded, 0);
        assert_int_equal(mae_table_rows(place.world.table), 2);
        world_close(&place.world);
        disk_erase_folder("db");
    }
}

/* Each allocation of the load, which it needs, and of the transactions, which are tried again. */
static void without_memory_the_first_rows_are_there(void **state)
{
    (void)state;
    unsigned ended = 0, tried_again = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct place place = place_open(options, MAE_INDEX_HASH);
        struct source source = words(0, ROWS);
        uint64_t loaded;
        mem_fail_at(n);
        enum mae_status status = load(&place, &source, &loaded);
        failed = mem_fail_happened();
        mem_fail_at(0);
        if (status != MAE_OK)
            assert_status(MAE_NO_MEMORY, status);
        ended += status != MAE_OK;
        tried_again += failed && status == MAE_OK;
        expect_words(&place.world, status == MAE_OK ? ROWS : loaded);
        world_close(&place.world);
    }
    assert_true(ended > 0 && tried_again > 0);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_its_entries),
        cmocka_unit_test(all_rows_before_a_clash_are_loaded),
        cmocka_unit_test(all_rows_before_the_sources_failure_are_loaded),
        cmocka_unit_test(what_cannot_be_loaded_is_refused),
        cmocka_unit_test(handles_are_checked),
        cmocka_unit_test(others_may_insert_between_two_rows),
        cmocka_unit_test(what_has_room_is_loaded),
#ifdef MAE_DEBUG
        cmocka_unit_test(what_aborts_is_loaded_all_the_same),
        cmocka_unit_test(without_memory_the_first_rows_are_there),
        cmocka_unit_test_setup_teardown(without_a_log_no_row_is_told_of, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_a_load, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(what_was_loaded_is_restored, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(a_crash_leaves_the_first_rows, disk_set_up, disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
