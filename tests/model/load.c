/*
 * load.c - random loads, on one thread, against an oracle.
 *
 * Loads follow each other in one table with a unique and a non-unique index, and mae_delete takes rows away in between.
 * A row of a load has a random key, which may be there already or come twice in the load, and perhaps no key in the
 * second index. While a load runs, another worker inserts keys between two rows of the source. The oracle does the same
 * row by row: it knows at which row a load must end. After each load the table has exactly the oracle's keys, each with
 * its payload, and the second index exactly the entries of those rows that have one.
 *
 * How to read a failure: the last line "run" has the run's seed. MAE_SEED=<seed> begins with that run. Catches
 * load_gives_up_whole.
 */
#include "tests/support/world.h"

#include <inttypes.h>

enum { RUNS = 40 / WORLD_SLOWNESS + 1, LOADS = 30, ROWS = 14, KEYS = 150, BYTES_MAX = 64 };

static const struct {
    const char *options;
    enum mae_index_kind kind;
    size_t key_bytes;
    bool variable;
} settings[] = {
    {"gc_interval_us=1", MAE_INDEX_HASH, 8, false},    {"gc_interval_us=1 inline_bytes=0", MAE_INDEX_HASH, 24, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, 8, false}, {"timestamps=central", MAE_INDEX_ORDERED, 64, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, 40, true},
};

struct model {
    struct world world;
    struct mae_index *second;
    size_t key_bytes;
    bool variable;
    uint64_t random;
    struct {
        bool there, has_second;
        uint64_t value;
    } keys[KEYS];
    /* The load that runs. */
    uint64_t wanted[ROWS], values[ROWS];
    bool seconds[ROWS];
    unsigned count, told;
    unsigned char key[sizeof(struct mae_key)], payload[BYTES_MAX];
    uint64_t second_key;
    const void *row_keys[2];
};

static void make_key(const struct model *model, uint64_t key, unsigned char *into)
{
    memset(into, 'k', model->key_bytes);
    if (model->variable) {
        into[0] = (unsigned char)(2 + key % (model->key_bytes - 2));
        memcpy(into + 1, &(uint16_t){(uint16_t)key}, 2);
    } else {
        memcpy(into, &key, sizeof key);
    }
}

static size_t bytes_of(uint64_t value)
{
    return 8 + value % (BYTES_MAX - 7);
}

/* Another worker inserts a key that no row of the load has. */
static void insert_beside(struct model *model)
{
    uint64_t key = random_below(&model->random, KEYS), value = random_next(&model->random), row;
    unsigned char bytes[sizeof(struct mae_key)];
    struct mae_txn *txn;
    void *data;
    for (unsigned i = 0; i < model->count; i++)
        if (model->wanted[i] == key)
            return;
    make_key(model, key, bytes);
    assert_ok(
        mae_begin(model->world.workers[1], MAE_READ_WRITE, mae_worker_last_commit(model->world.workers[0]), &txn));
    enum mae_status status = mae_insert(txn, model->world.index, bytes, bytes_of(value), &row, &data);
    assert_status(MAE_OK, status == MAE_EXISTS && model->keys[key].there ? MAE_OK : status);
    if (status == MAE_OK) {
        memset(data, 0, bytes_of(value));
        memcpy(data, &value, sizeof value);
        model->keys[key].there = true;
        model->keys[key].has_second = false;
        model->keys[key].value = value;
    }
    assert_ok(mae_commit(txn));
}

static enum mae_status next_row(void *arg, struct mae_load_row *row)
{
    struct model *model = arg;
    if (random_below(&model->random, 2))
        insert_beside(model);
    if (model->told == model->count)
        return MAE_STOP;
    const unsigned i = model->told++;
    make_key(model, model->wanted[i], model->key);
    memset(model->payload, 0, sizeof model->payload);
    memcpy(model->payload, &model->values[i], 8);
    model->second_key = model->wanted[i] / 10;
    model->row_keys[0] = model->key;
    model->row_keys[1] = model->seconds[i] ? &model->second_key : NULL;
    *row = (struct mae_load_row){model->payload, bytes_of(model->values[i]), model->row_keys};
    return MAE_OK;
}

static void load_some(struct model *model)
{
    struct mae_index *const indexes[] = {model->world.index, model->second};
    uint64_t loaded;
    unsigned fits = 0;
    model->count = (unsigned)random_below(&model->random, ROWS + 1);
    model->told = 0;
    for (unsigned i = 0; i < model->count; i++) {
        do
            model->wanted[i] = random_below(&model->random, KEYS);
        while (model->keys[model->wanted[i]].there && random_below(&model->random, 16));
        model->values[i] = random_next(&model->random);
        model->seconds[i] = random_below(&model->random, 3) > 0;
    }
    for (; fits < model->count && !model->keys[model->wanted[fits]].there; fits++) {
        model->keys[model->wanted[fits]].there = true;
        model->keys[model->wanted[fits]].has_second = model->seconds[fits];
        model->keys[model->wanted[fits]].value = model->values[fits];
    }
    enum mae_status status =
        mae_load(model->world.workers[0], model->world.table, indexes, 2, next_row, model, &loaded);
    assert_string_equal(mae_status_name(status), fits == model->count ? "MAE_OK" : "MAE_EXISTS");
    assert_int_equal(loaded, fits);
}

static struct mae_txn *begin_behind_all(struct model *model)
{
    const uint64_t last = mae_worker_last_commit(model->world.workers[1]);
    struct mae_txn *txn;
    assert_ok(mae_begin(model->world.workers[0], MAE_READ_WRITE, last, &txn));
    return txn;
}

static void delete_some(struct model *model)
{
    struct mae_txn *txn = begin_behind_all(model);
    for (unsigned n = 0; n < ROWS / 2; n++) {
        uint64_t key = random_below(&model->random, KEYS), second = key / 10, row;
        unsigned char bytes[sizeof(struct mae_key)];
        if (!model->keys[key].there)
            continue;
        make_key(model, key, bytes);
        assert_ok(mae_index_find(txn, model->world.index, bytes, &row));
        if (model->keys[key].has_second)
            assert_ok(mae_index_remove(txn, model->second, &second, row));
        assert_ok(mae_delete(txn, model->world.index, bytes));
        model->keys[key].there = false;
    }
    assert_ok(mae_commit(txn));
}

static enum mae_status count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ++*(uint64_t *)arg;
    return MAE_OK;
}

static void compare(struct model *model)
{
    struct mae_txn *txn = begin_behind_all(model);
    uint64_t there = 0, seconds = 0, entries = 0, value;
    for (uint64_t key = 0; key < KEYS; key++) {
        unsigned char bytes[sizeof(struct mae_key)];
        const void *data;
        size_t size;
        make_key(model, key, bytes);
        enum mae_status status = mae_read(txn, model->world.index, bytes, &data, &size);
        assert_string_equal(mae_status_name(status), model->keys[key].there ? "MAE_OK" : "MAE_NOT_FOUND");
        if (status != MAE_OK)
            continue;
        memcpy(&value, data, sizeof value);
        assert_true(value == model->keys[key].value && size == bytes_of(value));
        there++;
        seconds += model->keys[key].has_second;
    }
    assert_ok(mae_index_visit(txn, model->second, NULL, NULL, 0, count_entry, &entries));
    assert_ok(mae_commit(txn));
    assert_int_equal(entries, seconds);
    assert_int_equal(mae_table_rows(model->world.table), there);
}

static void run(unsigned setting, uint64_t seed)
{
    struct model model = {.random = seed,
                          .key_bytes = settings[setting].key_bytes,
                          .variable = settings[setting].variable,
                          .world = world_open(settings[setting].options, MAE_INDEX_HASH, BYTES_MAX, 2)};
    const struct mae_index_config first = {
        .kind = settings[setting].kind, .key_bytes = model.key_bytes, .variable = model.variable};
    const struct mae_index_config second = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    printf("run %s, keys of %zu bytes, seed %" PRIu64 "\n", settings[setting].options, model.key_bytes, seed);
    assert_ok(mae_index_create(model.world.db, model.world.table, "first", &first, &model.world.index));
    assert_ok(mae_index_create(model.world.db, model.world.table, "second", &second, &model.second));
    for (int i = 0; i < LOADS; i++) {
        load_some(&model);
        compare(&model);
        delete_some(&model);
    }
    world_close(&model.world);
}

static void loads_agree_with_the_oracle(void **state)
{
    (void)state;
    run_seeds(sizeof settings / sizeof settings[0], RUNS, run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loads_agree_with_the_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
