/*
 * variable.c - the public calls on indexes with keys of variable length: every call takes them, in the order of memcmp
 * with the shorter key first, and so do logs, checkpoints and recoveries, on a simulated disk.
 * How to read a failure: run again with the printed MAE_SEED. Catches the mutations head_decides, heap_moves_nothing
 * and cut_counts_entries.
 */
#include "tests/support/logged.h"
#include "tests/support/world.h"

enum { KEYS_MAX = 3000, STEPS = 12000 / WORLD_SLOWNESS, IN_TRANSACTION = 40, LONGEST_SHORT = 12 };

/* A world whose index has keys of variable length. */
static struct world open_variable(const char *options, size_t longest, bool non_unique)
{
    const struct mae_table_config table = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index = {
        .kind = MAE_INDEX_ORDERED, .key_bytes = longest, .non_unique = non_unique, .variable = true};
    struct world world = {.db = world_db(options), .worker_count = 1};
    assert_ok(mae_table_create(world.db, "rows", &table, &world.table));
    assert_ok(mae_index_create(world.db, world.table, "keys", &index, &world.index));
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    return world;
}

static struct mae_key key_of(const void *bytes, size_t count)
{
    struct mae_key key = {.bytes = (uint8_t)count};
    memcpy(key.data, bytes, count);
    return key;
}

static struct mae_key text_key(const char *text)
{
    return key_of(text, strlen(text));
}

static enum mae_status put(struct mae_txn *txn, struct mae_index *index, const struct mae_key *key, uint64_t value)
{
    void *data;
    enum mae_status status = mae_insert(txn, index, key, sizeof value, NULL, &data);
    if (status == MAE_OK)
        memcpy(data, &value, sizeof value);
    return status;
}

/* ---- What an index can have. ---- */

static void the_longest_key_has_1_to_255_bytes(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .variable = true}, found;
    struct mae_index *index;
    static const size_t bad[] = {0, 256, SIZE_MAX};
    for (unsigned i = 0; i < 3; i++) {
        config.key_bytes = bad[i];
        assert_status(MAE_INVALID, mae_index_create(world.db, world.table, "variable", &config, &index));
    }
    config = (struct mae_index_config){.kind = MAE_INDEX_HASH, .key_bytes = 16, .variable = true};
    assert_status(MAE_INVALID, mae_index_create(world.db, world.table, "variable", &config, &index));
    static const char *const names[] = {"one", "all"};
    static const size_t good[] = {1, MAE_KEY_DATA_BYTES};
    for (unsigned i = 0; i < 2; i++) {
        config = (struct mae_index_config){.kind = MAE_INDEX_ORDERED, .key_bytes = good[i], .variable = true};
        assert_ok(mae_index_create(world.db, world.table, names[i], &config, &index));
        mae_index_config_of(index, &found);
        assert_true(found.variable && found.key_bytes == good[i]);
    }
    world_close(&world);
    world = world_open("simple_index_update=on", MAE_INDEX_ORDERED, 8, 1);
    assert_status(MAE_UNSUPPORTED, mae_index_create(world.db, world.table, "variable", &config, &index));
    world_close(&world);
}

static void a_key_that_no_entry_can_have_is_not_found_and_not_added(void **state)
{
    (void)state;
    struct world world = open_variable("", LONGEST_SHORT, false);
    const struct mae_key fine = text_key("fine"), keys[] = {key_of("", 0), text_key("thirteenbytes")};
    uint64_t row;
    void *data;
    const void *read;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(put(txn, world.index, &fine, 1));
    assert_ok(mae_row_insert(txn, world.table, 8, &row, &data));
    memset(data, 0, 8);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(MAE_INVALID, mae_insert(txn, world.index, &keys[i], 8, &row, &data));
        assert_status(MAE_INVALID, mae_upsert(txn, world.index, &keys[i], 8, NULL, NULL, &data, &row));
        assert_status(MAE_INVALID, mae_index_insert(txn, world.index, &keys[i], row));
        assert_status(MAE_NOT_FOUND, mae_index_find(txn, world.index, &keys[i], &row));
        assert_status(MAE_NOT_FOUND, mae_read(txn, world.index, &keys[i], &read, NULL));
        assert_status(MAE_NOT_FOUND, mae_update(txn, world.index, &keys[i], 0, NULL, &data));
        assert_status(MAE_NOT_FOUND, mae_delete(txn, world.index, &keys[i]));
        assert_status(MAE_NOT_FOUND, mae_index_remove(txn, world.index, &keys[i], 0));
    }
    assert_ok(mae_commit(txn));
    assert_int_equal(mae_table_rows(world.table), 2);
    world_close(&world);
}

/* ---- Order. ---- */

struct seen {
    char text[200]; /* the keys' bytes, each with a blank behind it */
    size_t count;
};

static enum mae_status see(void *arg, const void *key, uint64_t row)
{
    struct seen *seen = arg;
    const struct mae_key *found = key;
    (void)row;
    seen->count++;
    for (size_t i = 0; i < found->bytes; i++)
        (void)snprintf(seen->text + strlen(seen->text), 4, "%c", found->data[i] ? found->data[i] : '0');
    strcat(seen->text, " ");
    return MAE_OK;
}

static bool see_scan(void *arg, const void *key, uint64_t row)
{
    return see(arg, key, row) == MAE_OK;
}

static void check_range(struct mae_txn *txn, struct mae_index *index, const struct mae_key *lo,
                        const struct mae_key *hi, unsigned flags, const char *expected)
{
    struct seen seen = {.count = 0};
    assert_ok(mae_index_visit(txn, index, lo, hi, flags, see, &seen));
    assert_string_equal(seen.text, expected);
    if (flags & (MAE_SCAN_LO_OPEN | MAE_SCAN_HI_OPEN))
        return;
    seen = (struct seen){.count = 0};
    assert_ok(mae_index_scan(txn, index, lo, hi, flags, 0, see_scan, &seen));
    assert_string_equal(seen.text, expected);
}

static void of_keys_that_begin_one_another_the_shorter_comes_first(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } keys[] = {{"b", 1},
                {"a\0b", 3},
                {"a", 1},
                {"a\0", 2},
                {"ab", 2},
                {"\0", 1},
                {"commonprefix", 12},
                {"commonprefi", 11},
                {"commonprefjx", 12}};
    struct world world = open_variable("", LONGEST_SHORT, false);
    struct mae_txn *txn = begin(world.workers[0]);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct mae_key key = key_of(keys[i].bytes, keys[i].count);
        assert_ok(put(txn, world.index, &key, i));
        assert_status(MAE_EXISTS, put(txn, world.index, &key, i));
    }
    assert_ok(mae_commit(txn));
    static const enum mae_mode modes[] = {MAE_READ_WRITE, MAE_SNAPSHOT};
    for (unsigned i = 0; i < 2; i++) {
        const struct mae_key empty = key_of("", 0), a = text_key("a"), b = text_key("b"), zero = key_of("a\0", 2),
                             far = text_key("commonprefixes"), low = text_key("commonpref");
        assert_ok(mae_begin(world.workers[0], modes[i], mae_worker_last_commit(world.workers[0]), &txn));
        check_range(txn, world.index, NULL, NULL, 0, "0 a a0 a0b ab b commonprefi commonprefix commonprefjx ");
        check_range(txn, world.index, &empty, &b, 0, "0 a a0 a0b ab b ");
        check_range(txn, world.index, &a, &b, MAE_SCAN_BACKWARD, "b ab a0b a0 a ");
        check_range(txn, world.index, &a, &b, MAE_SCAN_LO_OPEN | MAE_SCAN_HI_OPEN, "a0 a0b ab ");
        check_range(txn, world.index, &zero, &zero, 0, "a0 ");
        check_range(txn, world.index, &zero, &b, MAE_SCAN_LO_OPEN | MAE_SCAN_BACKWARD, "b ab a0b ");
        check_range(txn, world.index, &low, &far, 0, "commonprefi commonprefix ");
        assert_ok(mae_commit(txn));
    }
    world_close(&world);
}

/* Values of several kinds and sizes, in one key, are read from where the index has it. */
static void values_are_read_where_the_key_stands(void **state)
{
    (void)state;
    static const char *const names[] = {"", "anna", "anna maria", "bert"};
    struct world world = open_variable("", 64, true);
    struct mae_cursor *cursor;
    struct mae_txn *txn = begin(world.workers[0]);
    const void *bytes;
    uint64_t row;
    for (unsigned i = 0; i < 12; i++) {
        struct mae_key key;
        mae_key_clear(&key);
        assert_ok(mae_key_add_bytes(&key, names[i % 4], strlen(names[i % 4])));
        assert_ok(mae_key_add_int64(&key, (int)(i / 4) - 1));
        assert_ok(put(txn, world.index, &key, i));
        assert_ok(put(txn, world.index, &key, i)); /* not unique */
    }
    assert_ok(mae_cursor_open(txn, world.index, NULL, NULL, 0, &cursor));
    for (unsigned i = 0; i < 24; i++) {
        char name[20];
        size_t at = 0, count;
        int64_t number;
        assert_ok(mae_cursor_next(cursor, &bytes, &row));
        assert_ok(mae_key_get_bytes(bytes, &at, name, sizeof name, &count));
        assert_int_equal(count, strlen(names[i / 6]));
        assert_memory_equal(name, names[i / 6], count);
        assert_ok(mae_key_get_int64(bytes, &at, &number));
        assert_int_equal(number, (int)(i % 6 / 2) - 1);
        assert_int_equal(mae_key_kind(bytes, at), MAE_KEY_END);
    }
    assert_status(MAE_NOT_FOUND, mae_cursor_next(cursor, &bytes, &row));
    mae_cursor_close(cursor);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- Many. ---- */

struct model {
    struct mae_key keys[KEYS_MAX]; /* those that may be there, in no order */
    bool there[KEYS_MAX];
    size_t count;
};

static int compare_keys(const void *left, const void *right)
{
    const struct mae_key *a = left, *b = right;
    int order = memcmp(a->data, b->data, a->bytes < b->bytes ? a->bytes : b->bytes);
    return order ? order : (int)a->bytes - (int)b->bytes;
}

/* Different ones, half of them with bytes that many have. */
static void make_keys(struct model *model, size_t longest, uint64_t *random)
{
    model->count = 0;
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        struct mae_key *key = &model->keys[model->count++];
        const uint64_t most = random_below(random, 3) ? 1 + longest / 8 : longest, alphabet = i % 2 ? 2 : 256;
        *key = (struct mae_key){.bytes = (uint8_t)(1 + random_below(random, most))};
        for (unsigned j = 0; j < key->bytes; j++)
            key->data[j] = (uint8_t)random_below(random, alphabet);
    }
    qsort(model->keys, model->count, sizeof model->keys[0], compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < model->count; i++)
        if (kept == 0 || compare_keys(&model->keys[kept - 1], &model->keys[i]) != 0)
            model->keys[kept++] = model->keys[i];
    model->count = kept;
    memset(model->there, 0, sizeof model->there);
}

struct comparison {
    const struct model *model;
    size_t next, count;
};

static bool compare_entry(void *arg, const void *key, uint64_t row)
{
    struct comparison *comparison = arg;
    const struct model *model = comparison->model;
    (void)row;
    while (comparison->next < model->count && !model->there[comparison->next])
        comparison->next++;
    assert_true(comparison->next < model->count);
    assert_memory_equal(key, &model->keys[comparison->next], 1u + *(const unsigned char *)key);
    comparison->next++;
    comparison->count++;
    return true;
}

static void check_model(const struct world *world, const struct model *model)
{
    struct mae_txn *txn = begin(world->workers[0]);
    struct comparison comparison = {.model = model};
    size_t count = 0;
    assert_ok(mae_index_scan(txn, world->index, NULL, NULL, 0, 0, compare_entry, &comparison));
    for (size_t i = 0; i < model->count; i++) {
        uint64_t row;
        enum mae_status status = mae_index_find(txn, world->index, &model->keys[i], &row);
        assert_int_equal(status, model->there[i] ? MAE_OK : MAE_NOT_FOUND);
        count += model->there[i];
    }
    assert_int_equal(comparison.count, count);
    assert_ok(mae_commit(txn));
}

/* Fills and empties the index in turns; every tenth transaction is aborted. */
static void change_model(const struct world *world, struct model *model, uint64_t *random, unsigned steps)
{
    static struct model before;
    for (unsigned step = 0; step < steps;) {
        const bool filling = step / 2000 % 2 == 0;
        struct mae_txn *txn = begin(world->workers[0]);
        before = *model;
        for (unsigned i = 0; i < IN_TRANSACTION; i++, step++) {
            const size_t which = random_below(random, model->count);
            mae_prefetch(txn, world->index, &model->keys[which], 1);
            if (random_below(random, 10) < (filling ? 8 : 2)) {
                assert_int_equal(put(txn, world->index, &model->keys[which], which),
                                 model->there[which] ? MAE_EXISTS : MAE_OK);
                model->there[which] = true;
            } else {
                assert_int_equal(mae_delete(txn, world->index, &model->keys[which]),
                                 model->there[which] ? MAE_OK : MAE_NOT_FOUND);
                model->there[which] = false;
            }
        }
        if (random_below(random, 10) > 0) {
            assert_ok(mae_commit(txn));
        } else {
            mae_abort(txn);
            *model = before;
        }
    }
}

static void many_keys_come_and_go(void **state)
{
    (void)state;
    static struct model model;
    static const size_t longest[] = {3, 24, 64, 100, MAE_KEY_DATA_BYTES};
    uint64_t random = seed_from_environment();
    for (unsigned i = 0; i < 5; i++) {
        struct world world = open_variable("gc_interval_us=1", longest[i], false);
        make_keys(&model, longest[i], &random);
        change_model(&world, &model, &random, STEPS);
        check_model(&world, &model);
        world_close(&world);
    }
}

/* ---- Rows that were there before. ---- */

/* As many bytes as the row's word says, or none: then it has no entry. */
static enum mae_status key_of_row(void *arg, uint64_t row, const void *data, size_t bytes, void *key)
{
    uint64_t word;
    struct mae_key *made = key;
    (void)arg, (void)bytes;
    memcpy(&word, data, sizeof word);
    mae_key_clear(made);
    memset(made->data, 'r', word);
    made->bytes = (uint8_t)word;
    if (word > 0)
        made->data[word - 1] = (uint8_t)row;
    return word > 0 ? MAE_OK : MAE_NOT_FOUND;
}

static void an_index_is_built_and_dropped(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 200, .variable = true};
    struct mae_index *index;
    for (uint64_t i = 0; i < 200; i++)
        (void)new_row(world.workers[0], world.table, i);
    assert_ok(mae_index_create(world.db, world.table, "lengths", &config, &index));
    assert_ok(mae_index_build(world.workers[0], index, key_of_row, NULL));
    struct mae_txn *txn = begin(world.workers[0]);
    for (uint64_t i = 1; i < 200; i++) {
        struct mae_key key;
        uint64_t row;
        assert_ok(key_of_row(NULL, i, &i, sizeof i, &key));
        assert_ok(mae_index_find(txn, index, &key, &row));
        assert_int_equal(row, i);
    }
    assert_ok(mae_commit(txn));
    world_leave(&world);
    world_verify(world.db);
    assert_ok(mae_index_drop(world.db, index));
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    world.worker_count = 1;
    txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, 77)); /* nobody need remove its entry */
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- The log. ---- */

#ifdef MAE_DEBUG

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=64K "
                            "gc_interval_us=10000000";

static enum mae_status check_change(void *arg, const struct mae_log_change *change)
{
    const struct model *model = arg;
    struct mae_key key;
    if (change->kind != MAE_LOG_ADD && change->kind != MAE_LOG_REMOVE)
        return MAE_OK;
    key = key_of(change->data, change->bytes);
    for (size_t i = 0; i < model->count; i++)
        if (compare_keys(&model->keys[i], &key) == 0)
            return MAE_OK;
    return MAE_CORRUPT;
}

static void logs_and_checkpoints_keep_keys(void **state)
{
    (void)state;
    static struct model model;
    uint64_t random = seed_from_environment();
    struct world world = open_variable(group, MAE_KEY_DATA_BYTES, false);
    make_keys(&model, MAE_KEY_DATA_BYTES, &random);
    for (unsigned life = 0; life < 6; life++) {
        change_model(&world, &model, &random, 400 + 400 * life);
        if (life % 3 == 1)
            assert_ok(mae_checkpoint(world.db));
        if (life % 3 == 2)
            change_model(&world, &model, &random, 200);
        world_close(&world);
        disk_crash(NULL);
        struct mae_log_summary summary;
        assert_ok(mae_log_read("db", &(struct mae_log_visitor){.change = check_change}, &model, &summary));
        assert_true(summary.changes > 0 || life % 3 == 1);
        world = world_again(group);
        struct mae_index_config config;
        mae_index_config_of(world.index, &config);
        assert_true(config.variable && config.key_bytes == MAE_KEY_DATA_BYTES);
        check_model(&world, &model);
    }
    world_close(&world);
    disk_crash(NULL);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_key_has_1_to_255_bytes),
        cmocka_unit_test(a_key_that_no_entry_can_have_is_not_found_and_not_added),
        cmocka_unit_test(of_keys_that_begin_one_another_the_shorter_comes_first),
        cmocka_unit_test(values_are_read_where_the_key_stands),
        cmocka_unit_test(many_keys_come_and_go),
        cmocka_unit_test(an_index_is_built_and_dropped),
#ifdef MAE_DEBUG
        cmocka_unit_test_setup_teardown(logs_and_checkpoints_keep_keys, disk_set_up, disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
