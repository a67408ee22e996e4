/*
 * entries.c - index entries of a recovery: pieces in any order, dealt out to some threads, become the index that the
 * last piece of each entry says, and that transactions can go on with. Every kind and size of key, few entries and
 * enough for a tree of three levels.
 * Catches the mutations entry_first_counts, entry_length_ignored, runs_unlinked, bucket_divided. How to read a failure:
 * run again with the printed MAE_SEED.
 */
#include "tests/support/world.h"

#include "engine/db/db.h"
#include "engine/db/index_ops.h"
#include "engine/durable/entries.h"
#include "engine/index/bulk.h"
#include "tests/support/colliding.h"

enum { PARTS_MAX = 4, ROWS_MAX = 6000, CHANGES = 300, TOGETHER = 100 };

struct build {
    struct world world;
    struct mae_worker *workers[PARTS_MAX];
    struct durable_host host;
    struct entries entries;
    unsigned parts;
    size_t key_bytes;
    bool variable;
    uint64_t rows, per_key; /* so many rows have the same key */
    bool collides;
    bool there[ROWS_MAX]; /* the row's entry */
};

static bool index_after(void *owner, uint64_t number, struct durable_index *found)
{
    const struct build *build = owner;
    struct mae_index *index = build->world.index;
    bool hashed = index->kind == MAE_INDEX_HASH;
    *found = (struct durable_index){.number = 7,
                                    .config = {.key_bytes = build->key_bytes, .variable = build->variable},
                                    .hash = hashed ? &index->hash : NULL,
                                    .tree = hashed ? NULL : &index->tree,
                                    .rows = &index->table->rows,
                                    .index = index};
    return number < 7;
}

/* The row's key: numbers, or bytes that differ behind the first 8 of them. Of keys of variable length every second one
 * begins the one before, so it comes first. */
static void make_key(const struct build *build, uint64_t row, unsigned char *key)
{
    uint64_t number = row / build->per_key;
    if (build->variable) {
        key[0] = (unsigned char)(11 + (number % 2 == 0) * (1 + number % (build->key_bytes - 11)));
        memset(key + 1, 0x5a, 9);
        key[10] = (unsigned char)(number / 2 >> 8);
        key[11] = (unsigned char)(number / 2);
        memset(key + 12, (int)(number % 3), key[0] - 11u);
        return;
    }
    if (build->collides)
        number = COLLIDING_KEY * number;
    memset(key, 0x5a, build->key_bytes);
    if (build->key_bytes == sizeof number)
        memcpy(key, &number, sizeof number);
    else
        for (unsigned i = 0; i < 2; i++)
            key[build->key_bytes - 1 - i] = (unsigned char)(number >> 8 * i);
}

static void add_rows(struct build *build)
{
    struct mae_worker *worker = build->world.workers[0];
    for (uint64_t row = 0; row < build->rows;) {
        struct mae_txn *txn = begin(worker);
        for (unsigned i = 0; i < TOGETHER && row < build->rows; i++, row++) {
            uint64_t id;
            void *data;
            assert_ok(mae_row_insert(txn, build->world.table, 8, &id, &data));
            memset(data, 0, 8);
            assert_int_equal(id, row);
        }
        assert_ok(mae_commit(txn));
    }
}

static void open_build_with(struct build *build, const struct mae_index_config *index, uint64_t rows, unsigned parts)
{
    *build = (struct build){.parts = parts,
                            .key_bytes = index->key_bytes,
                            .variable = index->variable,
                            .rows = rows,
                            .per_key = index->non_unique ? 3 : 1};
    build->world.db = world_db("recovery_threads=1");
    const struct mae_table_config table = {.payload_max_bytes = 8};
    assert_ok(mae_table_create(build->world.db, "rows", &table, &build->world.table));
    assert_ok(mae_index_create(build->world.db, build->world.table, "keys", index, &build->world.index));
    for (unsigned i = 0; i < parts; i++)
        assert_ok(mae_worker_join(build->world.db, &build->workers[i]));
    build->world.workers[0] = build->workers[0];
    build->world.worker_count = 1;
    build->host = (struct durable_host){.owner = build, .index_after = index_after};
    add_rows(build);
    assert_ok(entries_init(&build->entries, &build->host, parts));
}

static void open_build(struct build *build, enum mae_index_kind kind, size_t key_bytes, bool non_unique, uint64_t rows,
                       unsigned parts)
{
    const struct mae_index_config index = {.kind = kind, .key_bytes = key_bytes, .non_unique = non_unique};
    open_build_with(build, &index, rows, parts);
}

static void close_build(struct build *build)
{
    entries_fini(&build->entries);
    for (unsigned i = 1; i < build->parts; i++)
        mae_worker_leave(build->workers[i]);
    world_close(&build->world);
}

static enum mae_status note(struct build *build, unsigned part, uint64_t ts, uint64_t row, bool add)
{
    _Alignas(8) unsigned char bytes[sizeof(struct piece) + sizeof(struct mae_key)], key[sizeof(struct mae_key)];
    uint64_t words[2];
    make_key(build, row, key);
    const size_t length = build->variable ? key[0] : build->key_bytes;
    piece_pack(add ? PIECE_ADD : PIECE_REMOVE, 7, row, length, words);
    memcpy(bytes, words, sizeof words);
    memcpy(bytes + sizeof words, key + build->variable, length);
    return entries_note(&build->entries, part, ts, 0, (const struct piece *)(const void *)bytes);
}

/* Some pieces for each row, in an order that means nothing: the one with the largest timestamp counts. */
static void note_pieces(struct build *build, uint64_t *random)
{
    uint64_t rounds = 1 + random_below(random, 3), last[ROWS_MAX] = {0};
    for (uint64_t round = 0; round < rounds; round++)
        for (uint64_t i = 0, at = random_below(random, build->rows + 1); i < build->rows; i++) {
            uint64_t row = (at + i * 7919) % build->rows; /* a prime: each row once, unless it divides their number */
            uint64_t ts = 1 + random_below(random, 1 << 20) * 8 + round;
            bool add = random_below(random, 4) > 0;
            assert_ok(note(build, (unsigned)random_below(random, build->parts), ts, row, add));
            if (ts > last[row]) {
                last[row] = ts;
                build->there[row] = add;
            }
        }
}

static enum mae_status build_all(struct build *build)
{
    struct problem problem = {.text = ""};
    enum mae_status status = entries_build(&build->entries, build->workers, &problem);
    assert_int_equal(status == MAE_CORRUPT, problem.text[0] != '\0');
    return status;
}

static bool count_visit(void *arg, const void *key, uint64_t row)
{
    const struct build *build = ((void **)arg)[0];
    uint64_t *seen = ((void **)arg)[1];
    unsigned char expected[sizeof(struct mae_key)];
    make_key(build, row, expected);
    assert_memory_equal(expected, key, build->variable ? 1u + expected[0] : build->key_bytes);
    assert_true(build->there[row]);
    ++*seen;
    return true;
}

static void check(struct build *build)
{
    struct mae_txn *txn = begin(build->workers[0]);
    uint64_t expected = 0, seen = 0;
    void *arg[] = {build, &seen};
    for (uint64_t row = 0; row < build->rows; row++)
        expected += build->there[row];
    if (build->world.index->kind == MAE_INDEX_ORDERED) {
        assert_ok(mae_index_scan(txn, build->world.index, NULL, NULL, 0, 0, count_visit, arg));
        assert_int_equal(seen, expected);
        seen = 0;
        assert_ok(mae_index_scan(txn, build->world.index, NULL, NULL, MAE_SCAN_BACKWARD, 0, count_visit, arg));
        assert_int_equal(seen, expected);
    }
    for (uint64_t row = 0; row < build->rows && build->per_key == 1; row++) {
        unsigned char key[sizeof(struct mae_key)];
        uint64_t found = UINT64_MAX;
        make_key(build, row, key);
        enum mae_status status = mae_index_find(txn, build->world.index, key, &found);
        assert_int_equal(status, build->there[row] ? MAE_OK : MAE_NOT_FOUND);
        assert_true(status == MAE_NOT_FOUND || found == row);
    }
    assert_ok(mae_commit(txn));
    world_verify(build->world.db);
}

/* Transactions go on with the index as if it were one of theirs. */
static void change(struct build *build, uint64_t *random)
{
    for (unsigned i = 0; i < CHANGES && build->rows > 0; i++) {
        struct mae_txn *txn = begin(build->workers[0]);
        uint64_t row = random_below(random, build->rows);
        unsigned char key[sizeof(struct mae_key)];
        make_key(build, row, key);
        if (build->there[row])
            assert_ok(mae_index_remove(txn, build->world.index, key, row));
        else
            assert_ok(mae_index_insert(txn, build->world.index, key, row));
        build->there[row] ^= true;
        assert_ok(mae_commit(txn));
    }
}

static void run(struct build *build, uint64_t *random)
{
    note_pieces(build, random);
    assert_ok(build_all(build));
    check(build);
    change(build, random);
    check(build);
    close_build(build);
}

static void the_last_piece_of_each_entry_counts(void **state)
{
    (void)state;
    static struct build build;
    static const size_t sizes[] = {8, 9, 13, 20, 64};
    static const uint64_t rows[] = {0, 1, 2, 54, 55, 120, 700};
    uint64_t random = seed_from_environment();
    for (unsigned i = 0; i < 7 * 5; i++)
        for (unsigned kind = 0; kind < 3; kind++) {
            open_build(&build, kind == 0 ? MAE_INDEX_HASH : MAE_INDEX_ORDERED, sizes[i % 5], kind == 2, rows[i / 5],
                       1 + (unsigned)random_below(&random, PARTS_MAX));
            run(&build, &random);
        }
}

static void keys_of_variable_length_come_back(void **state)
{
    (void)state;
    static struct build build;
    static const size_t longest[] = {12, 24, 40, 100, MAE_KEY_DATA_BYTES};
    static const uint64_t rows[] = {1, 2, 30, 100, 700, ROWS_MAX};
    uint64_t random = seed_from_environment();
    for (unsigned i = 0; i < 6 * 5; i++)
        for (unsigned non_unique = 0; non_unique < 2; non_unique++) {
            const struct mae_index_config index = {
                .kind = MAE_INDEX_ORDERED, .key_bytes = longest[i % 5], .non_unique = non_unique, .variable = true};
            open_build_with(&build, &index, rows[i / 5], 1 + (unsigned)random_below(&random, PARTS_MAX));
            run(&build, &random);
        }
}

static void a_tree_gets_as_many_levels_as_it_needs(void **state)
{
    (void)state;
    static struct build build;
    uint64_t random = seed_from_environment();
    open_build(&build, MAE_INDEX_ORDERED, 64, true, ROWS_MAX, 3);
    note_pieces(&build, &random);
    assert_ok(build_all(&build));
    check(&build);
    struct mae_txn *txn = begin(build.workers[0]);
    struct tree_statistics found;
    char report[200];
    uint64_t limit = atomic_load_explicit(&build.world.index->nodes.next_row, memory_order_relaxed);
    assert_ok(tree_index_verify(txn, &build.world.index->tree, limit, &found, report, sizeof report));
    assert_int_equal(found.height, 3);
    assert_ok(mae_commit(txn));
    close_build(&build);
}

static void keys_of_one_bucket_find_room(void **state)
{
    (void)state;
    static struct build build;
    uint64_t random = seed_from_environment();
    open_build(&build, MAE_INDEX_HASH, 8, false, 200, 2);
    build.collides = true;
    run(&build, &random);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static struct build build;
    for (unsigned kind = 0; kind < 2; kind++) {
        enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};
        open_build(&build, kinds[kind], 8, false, 10, 2);
        build.per_key = 2; /* a unique key leads to two rows */
        for (uint64_t row = 0; row < 10; row++)
            assert_ok(note(&build, row % 2, 1, row, true));
        assert_status(MAE_CORRUPT, build_all(&build));
        entries_fini(&build.entries);
        mae_worker_leave(build.workers[1]);
        mae_worker_leave(build.workers[0]);
        mae_close(build.world.db);
        open_build(&build, kinds[kind], 8, false, 10, 2);
        assert_ok(note(&build, 0, 1, 100000000, true)); /* there is no such row */
        assert_status(MAE_CORRUPT, build_all(&build));
        build.key_bytes = 9; /* the index has other keys */
        assert_status(MAE_CORRUPT, note(&build, 0, 1, 1, true));
        close_build(&build);
    }
}

struct numbers {
    uint64_t at, count, keys[4];
};

static bool next_number(void *arg, const void **key, uint64_t *row)
{
    struct numbers *numbers = arg;
    if (numbers->at == numbers->count)
        return false;
    *row = numbers->at;
    *key = &numbers->keys[numbers->at++];
    return true;
}

static void keys_must_come_in_order(void **state)
{
    (void)state;
    static const struct numbers cases[] = {{.count = 2, .keys = {5, 5}}, {.count = 3, .keys = {5, 9, 7}}};
    for (unsigned i = 0; i < 2; i++) {
        struct numbers numbers = cases[i];
        const struct bulk_source source = {next_number, &numbers};
        struct tree_run runs[2] = {{.count = 0}};
        struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
        assert_status(MAE_EXISTS, tree_bulk_fill(world.workers[0], &world.index->tree, &source, &runs[0]));
        /* Two runs that are not one behind the other. */
        struct numbers first = {.count = 1, .keys = {7}}, second = {.count = 1, .keys = {i == 0 ? 7 : 3}};
        const struct bulk_source left = {next_number, &first}, right = {next_number, &second};
        tree_run_fini(&runs[0]);
        assert_ok(tree_bulk_fill(world.workers[0], &world.index->tree, &left, &runs[0]));
        assert_ok(tree_bulk_fill(world.workers[0], &world.index->tree, &right, &runs[1]));
        assert_status(MAE_EXISTS, tree_bulk_join(world.workers[0], &world.index->tree, runs, 2));
        tree_run_fini(&runs[0]);
        tree_run_fini(&runs[1]);
        world_leave(&world);
        mae_close(world.db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_piece_of_each_entry_counts),    cmocka_unit_test(keys_of_variable_length_come_back),
        cmocka_unit_test(a_tree_gets_as_many_levels_as_it_needs), cmocka_unit_test(keys_of_one_bucket_find_room),
        cmocka_unit_test(what_does_not_fit_is_refused),           cmocka_unit_test(keys_must_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
