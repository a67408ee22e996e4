/*
 * tree_index.c - the ordered index alone, over fake row operations: against a sorted array, with every kind of key,
 * under failing operations and under peeks into the past. How to read a failure: run again with the printed MAE_SEED.
 * Catches the mutations cut_counts_entries, merge_keeps_link, parent_fits_any, split_keeps_fence and split_loses_entry.
 */
#include "tests/unit/index/fake_txn.h"

/* VARIABLE_LONGEST: of keys of variable length. Of longer ones too few would fit into the small nodes. */
enum { VARIABLE_LONGEST = 40, ENTRIES_MAX = 1 << 15, KEY_BYTES_MAX = TREE_KEY_BYTES_MAX };

static uint64_t first_seed, random_state;

static uint64_t random_below(uint64_t n)
{
    return fake_random(&random_state) % n;
}

/* ---- The oracle: entries in order. ---- */

struct entry {
    uint64_t number, row;
};

struct world {
    struct mae_txn *txn;
    struct tree_index index;
    size_t key_bytes;
    bool non_unique, variable;
    bool mostly_long; /* variable: of eight keys seven are as long as they may be, and one is short */
    struct entry entries[ENTRIES_MAX];
    size_t count;
    /* What the running transaction did, to undo. */
    struct {
        struct entry entry;
        bool added;
    } log[4096];
    size_t log_count;
    uint64_t removed[8], removed_count; /* the last ones */
    uint64_t stale_hits, given_up, scans, scanned;
};

/* Three digits, in an index with an even longest key behind others; what stands behind them makes keys of all lengths,
 * of which one often begins another. */
static void encode_variable(const struct world *world, char *bytes, uint64_t number)
{
    static const char behind[] = {0, 0, 0, 'a'};
    const size_t before = world->key_bytes % 2 == 0 ? 9 : 0, most = world->key_bytes - before - 3;
    size_t after = number % 4 < 2 ? number % 4 : 2 + number / 4 * 7 % (most - 1);
    if (world->mostly_long) {
        after = number % 8 ? most : 0;
        number *= 4;
    }
    memset(bytes + 1, 0x5a, before);
    for (size_t i = 0; i < 3; i++)
        bytes[1 + before + i] = (char)(number / 4 >> (16 - 8 * i));
    memset(bytes + 1 + before + 3, behind[number % 4], after);
    bytes[0] = (char)(before + 3 + after);
}

static void encode(const struct world *world, char *bytes, uint64_t number)
{
    if (world->variable) {
        encode_variable(world, bytes, number);
        return;
    }
    if (world->key_bytes == sizeof(number)) {
        memcpy(bytes, &number, sizeof(number));
        return;
    }
    memset(bytes, 0x5a, world->key_bytes);
    char *const digits = world->key_bytes % 2 == 0 ? bytes : bytes + world->key_bytes - sizeof(number);
    for (size_t i = 0; i < sizeof(number); i++)
        digits[i] = (char)(number >> (56 - 8 * i));
}

/* The first entry >= (number, row); unique worlds ignore the row. */
static size_t position_of(const struct world *world, uint64_t number, uint64_t row)
{
    size_t from = 0, to = world->count;
    while (from < to) {
        const size_t middle = (from + to) / 2;
        const struct entry *const entry = &world->entries[middle];
        if (entry->number < number || (world->non_unique && entry->number == number && entry->row < row))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool present_at(const struct world *world, size_t i, uint64_t number, uint64_t row)
{
    return i < world->count && world->entries[i].number == number &&
           (!world->non_unique || world->entries[i].row == row);
}

static void oracle_change(struct world *world, struct entry entry, bool add)
{
    const size_t i = position_of(world, entry.number, entry.row);
    if (add) {
        assert_true(world->count < ENTRIES_MAX);
        memmove(world->entries + i + 1, world->entries + i, (world->count++ - i) * sizeof(entry));
        world->entries[i] = entry;
    } else {
        assert_true(present_at(world, i, entry.number, entry.row));
        memmove(world->entries + i, world->entries + i + 1, (--world->count - i) * sizeof(entry));
    }
}

static void note(struct world *world, struct entry entry, bool added)
{
    oracle_change(world, entry, added);
    assert_true(world->log_count < sizeof(world->log) / sizeof(world->log[0]));
    world->log[world->log_count].entry = entry;
    world->log[world->log_count++].added = added;
}

static void commit(struct world *world)
{
    fake_commit(world->txn);
    fake_begin(world->txn);
    world->log_count = 0;
}

static void roll_back(struct world *world)
{
    fake_abort(world->txn);
    fake_begin(world->txn);
    while (world->log_count > 0) {
        world->log_count--;
        oracle_change(world, world->log[world->log_count].entry, !world->log[world->log_count].added);
    }
}

static struct world *world_open_with(const struct mae_index_config *config)
{
    struct world *const world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->txn = fake_open(fake_random(&random_state));
    world->key_bytes = config->key_bytes;
    world->non_unique = config->non_unique;
    world->variable = config->variable;
    tree_index_init(&world->index, world->txn->table, config);
    fake_begin(world->txn);
    assert_int_equal(tree_index_create_root(world->txn, &world->index), MAE_OK);
    commit(world);
    return world;
}

static struct world *world_open(size_t key_bytes, bool non_unique)
{
    return world_open_with(&(struct mae_index_config){.key_bytes = key_bytes, .non_unique = non_unique});
}

static void world_close(struct world *world)
{
    fake_close(world->txn);
    free(world);
}

static struct tree_statistics verify(struct world *world)
{
    char report[200] = "";
    struct tree_statistics statistics;
    const uint64_t skew = world->txn->skew;
    world->txn->skew = 0;
    if (tree_index_verify(world->txn, &world->index, world->txn->table->row_count, &statistics, report,
                          sizeof(report)) != MAE_OK)
        fail_msg("%s", report);
    world->txn->skew = skew;
    assert_int_equal(statistics.entries, world->count);
    return statistics;
}

/* ---- Operations, compared with the oracle. Each returns false when the transaction has to be rolled back. ---- */

static bool failed(struct world *world, enum mae_status status)
{
    if (status == MAE_ABORT_INDEX && world->txn->skew > 0) {
        assert_int_equal(world->txn->doomed, MAE_ABORT_INDEX);
        world->given_up++;
        return true;
    }
    if (world->txn->fail_at > 0 && world->txn->operations >= world->txn->fail_at) {
        assert_true(status == MAE_ABORT_PENDING || status == MAE_NO_MEMORY);
        return true;
    }
    return false;
}

static bool do_insert(struct world *world, uint64_t number, uint64_t row)
{
    char key[KEY_BYTES_MAX];
    encode(world, key, number);
    const bool present = present_at(world, position_of(world, number, row), number, row);
    const enum mae_status status = tree_index_insert(world->txn, &world->index, key, row);
    if (failed(world, status))
        return false;
    assert_int_equal(status, present ? MAE_EXISTS : MAE_OK);
    if (!present)
        note(world, (struct entry){number, row}, true);
    return true;
}

static bool do_remove(struct world *world, uint64_t number, uint64_t row)
{
    char key[KEY_BYTES_MAX];
    encode(world, key, number);
    const size_t i = position_of(world, number, row);
    const bool present = present_at(world, i, number, row) && world->entries[i].row == row;
    const enum mae_status status = tree_index_remove(world->txn, &world->index, key, row);
    if (failed(world, status))
        return false;
    assert_int_equal(status, present ? MAE_OK : MAE_NOT_FOUND);
    if (present) {
        note(world, (struct entry){number, row}, false);
        world->removed[world->removed_count++ % 8] = number;
    }
    return true;
}

static bool do_find(struct world *world, uint64_t number)
{
    char key[KEY_BYTES_MAX];
    encode(world, key, number);
    const size_t i = position_of(world, number, 0);
    const bool present = i < world->count && world->entries[i].number == number;
    uint64_t row = 0;
    if (world->txn->fail_at == 0) /* it would hide the failure */
        tree_index_prefetch(world->txn, &world->index, world->txn->table, key, 1);
    const enum mae_status status = tree_index_find(world->txn, &world->index, key, &row);
    if (failed(world, status))
        return false;
    if (status == MAE_OK && !world->non_unique && world->txn->skew > 0) {
        /* A hit is not validated and may be a thing of the past. */
        world->stale_hits += !present || world->entries[i].row != row;
        return true;
    }
    assert_int_equal(status, present ? MAE_OK : MAE_NOT_FOUND);
    if (present)
        assert_true(row == world->entries[i].row);
    return true;
}

struct expectation {
    const struct world *world;
    size_t next, seen, stop_after;
    bool backward, wrong;
};

static bool compare_entry(void *arg, const void *key, uint64_t row)
{
    struct expectation *const expected = arg;
    char wanted[KEY_BYTES_MAX];
    if (expected->next >= expected->world->count) {
        expected->wrong = true;
        return false;
    }
    encode(expected->world, wanted, expected->world->entries[expected->next].number);
    if (memcmp(wanted, key, tree_key_size(&expected->world->index.shape, wanted)) != 0 ||
        row != expected->world->entries[expected->next].row)
        expected->wrong = true;
    expected->next = expected->backward ? expected->next - 1 : expected->next + 1; /* wraps below 0: beyond count */
    expected->seen++;
    return !expected->wrong && expected->seen != expected->stop_after;
}

/* stop_after 0: the visitor does not stop. */
static bool do_scan(struct world *world, const uint64_t *lo, const uint64_t *hi, bool backward, uint64_t limit,
                    size_t stop_after)
{
    char lo_key[KEY_BYTES_MAX], hi_key[KEY_BYTES_MAX];
    const size_t from = lo == NULL ? 0 : position_of(world, *lo, 0);
    size_t to = world->count;
    if (hi != NULL) {
        to = position_of(world, *hi, UINT64_MAX);
        while (to < world->count && world->entries[to].number == *hi)
            to++;
        encode(world, hi_key, *hi);
    }
    if (lo != NULL)
        encode(world, lo_key, *lo);
    size_t visits = to > from ? to - from : 0;
    if (limit > 0 && visits > limit)
        visits = limit;
    if (stop_after > 0 && visits > stop_after)
        visits = stop_after;
    struct expectation expected = {
        .world = world,
        .next = backward ? to - 1 : from,
        .stop_after = stop_after,
        .backward = backward,
    };
    const enum mae_status status =
        tree_index_scan(world->txn, &world->index, random_below(2) ? world->txn->table : NULL, lo ? lo_key : NULL,
                        hi ? hi_key : NULL, backward ? MAE_SCAN_BACKWARD : 0, limit, compare_entry, &expected);
    if (failed(world, status))
        return false;
    assert_int_equal(status, MAE_OK);
    assert_false(expected.wrong);
    assert_int_equal(expected.seen, visits);
    world->scans++;
    world->scanned += visits;
    return true;
}

static bool do_random_scan(struct world *world, uint64_t numbers)
{
    uint64_t lo = random_below(numbers), hi = lo + random_below(numbers / (1 + random_below(50)) + 1);
    if (random_below(20) == 0) {
        const uint64_t swap = lo;
        lo = hi;
        hi = swap;
    }
    const uint64_t limit = random_below(3) == 0 ? 1 + random_below(200) : 0;
    const size_t stop_after = random_below(5) == 0 ? 1 + random_below(50) : 0;
    return do_scan(world, random_below(8) == 0 ? NULL : &lo, random_below(8) == 0 ? NULL : &hi, random_below(2), limit,
                   stop_after);
}

static uint64_t any_row(struct world *world)
{
    /* Rows a prefetch may be asked for. */
    return random_below(world->txn->table->row_count);
}

static bool do_random(struct world *world, uint64_t numbers, unsigned insert_percent)
{
    const uint64_t number = random_below(numbers);
    const uint64_t what = random_below(100);
    if (what < 10)
        return do_find(world, random_below(2) ? number : world->removed[random_below(8)]);
    if (what < 15)
        return do_random_scan(world, numbers);
    if (random_below(100) < insert_percent)
        return do_insert(world, number, world->non_unique ? random_below(3) : any_row(world));
    /* Mostly of something that is there. */
    if (world->count > 0 && random_below(10) > 0) {
        const struct entry entry = world->entries[random_below(world->count)];
        return do_remove(world, entry.number, entry.row);
    }
    return do_remove(world, number, any_row(world));
}

static void drain(struct world *world)
{
    while (world->count > 0) {
        const struct entry entry = world->entries[random_below(world->count)];
        assert_true(do_remove(world, entry.number, entry.row));
        if (random_below(4) == 0)
            commit(world);
    }
    commit(world);
    const struct tree_statistics statistics = verify(world);
    assert_int_equal(statistics.height, 1);
}

/* Transactions of a few operations, of which some are rolled back; fills, then empties. */
static void run_random_with(const struct mae_index_config *config, unsigned transactions, uint64_t skew)
{
    struct world *const world = world_open_with(config);
    const bool non_unique = config->non_unique;
    const uint64_t numbers = non_unique ? 1500 : 4000;
    unsigned highest = 0;
    for (unsigned i = 0; i < transactions; i++) {
        const unsigned phase = i * 4 / transactions;
        if (i == FAKE_HISTORY + 2)
            world->txn->skew = skew;
        bool fine = true;
        for (uint64_t n = 1 + random_below(12); fine && n > 0; n--)
            fine = do_random(world, numbers, phase == 0 || phase == 2 ? 90 : 15);
        if (!fine || random_below(10) == 0)
            roll_back(world);
        else
            commit(world);
        if (i % 64 == 0) {
            const struct tree_statistics statistics = verify(world);
            if (statistics.height > highest)
                highest = (unsigned)statistics.height;
        }
    }
    assert_true(highest >= 3);
    assert_true(world->scanned > world->scans);
    if (skew > 0) {
        assert_true(world->given_up * 2 < transactions);
        assert_true(non_unique || world->stale_hits > 0);
    }
    world->txn->skew = 0;
    drain(world);
    world_close(world);
}

static void run_random(size_t key_bytes, bool non_unique, unsigned transactions, uint64_t skew)
{
    const struct mae_index_config config = {.key_bytes = key_bytes, .non_unique = non_unique};
    run_random_with(&config, transactions, skew);
}

static void random_operations_agree_with_a_sorted_array(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes += key_bytes < 10 ? 1 : 9) {
        run_random(key_bytes, false, 2000, 0);
        run_random(key_bytes, true, 2000, 0);
    }
    for (size_t longest = VARIABLE_LONGEST - 1; longest <= VARIABLE_LONGEST; longest++)
        for (unsigned non_unique = 0; non_unique < 2; non_unique++)
            run_random_with(
                &(struct mae_index_config){.key_bytes = longest, .non_unique = non_unique, .variable = true}, 4000, 0);
}

static void peeks_into_the_past_are_noticed(void **state)
{
    (void)state;
    for (uint64_t skew = 1; skew < FAKE_HISTORY; skew += 6) {
        run_random(8, false, 4000, skew);
        run_random(16, true, 4000, skew);
        run_random_with(&(struct mae_index_config){.key_bytes = VARIABLE_LONGEST, .variable = true}, 4000, skew);
    }
}

/* Every operation that can fail is made to, once: the tree stays what it was. */
static void check_failures(const struct mae_index_config *config)
{
    struct world *const world = world_open_with(config);
    const uint64_t numbers = 3000;
    for (unsigned i = 0; i < 400; i++) {
        for (uint64_t n = 0; n < 8; n++)
            assert_true(do_random(world, numbers, i < 250 ? 95 : 20));
        commit(world);
        for (uint64_t at = 1;; at++) {
            const uint64_t kept_state = random_state;
            world->txn->fail_at = at;
            bool fine = true;
            for (uint64_t n = 0; fine && n < 3; n++)
                fine = do_random(world, numbers, i < 250 ? 95 : 20);
            roll_back(world);
            if (fine)
                break;
            random_state = kept_state;
        }
        if (i % 16 == 0)
            verify(world);
    }
    verify(world);
    world_close(world);
}

static void a_failure_anywhere_leaves_the_committed_tree_alone(void **state)
{
    (void)state;
    check_failures(&(struct mae_index_config){.key_bytes = 8});
    check_failures(&(struct mae_index_config){.key_bytes = VARIABLE_LONGEST, .variable = true});
}

/* ---- Patterns. ---- */

static void check_fill(struct world *world, unsigned percent)
{
    const struct tree_statistics statistics = verify(world);
    assert_true(statistics.entries * 100 >= statistics.leaves * world->index.shape.leaf_capacity * percent);
}

static void ascending_inserts_fill_the_leaves(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    for (uint64_t i = 0; i < 20000; i++) {
        assert_true(do_insert(world, i * 3, 0));
        if (i % 7 == 0)
            commit(world);
    }
    commit(world);
    check_fill(world, 85);
    world_close(world);
}

static void descending_inserts_fill_the_leaves(void **state)
{
    (void)state;
    struct world *const world = world_open(24, true);
    for (uint64_t i = 20000; i > 0; i--) {
        assert_true(do_insert(world, i * 3, i % 5));
        if (i % 7 == 0)
            commit(world);
    }
    commit(world);
    check_fill(world, 85);
    world_close(world);
}

/* As order ids do: each district counts up, all in one index. */
static void interleaved_ascending_runs_fill_the_leaves(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t district = random_below(10);
        for (uint64_t line = 0; line < 5 && world->count < ENTRIES_MAX; line++)
            assert_true(do_insert(world, district << 40 | i << 8 | line, 0));
        commit(world);
        if (world->count >= 30000)
            break;
    }
    check_fill(world, 80);
    world_close(world);
}

/* As NEW-ORDER does: in at one end of each district, out at the other. */
static void queues_keep_the_tree_small(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    uint64_t head[10] = {0}, tail[10] = {0};
    for (unsigned i = 0; i < 60000; i++) {
        const uint64_t district = random_below(10);
        if (tail[district] - head[district] < 50 + random_below(10)) {
            assert_true(do_insert(world, district << 40 | tail[district]++, 0));
        } else {
            const uint64_t lo = district << 40, hi = (district + 1) << 40;
            const uint64_t reads = world->txn->reads;
            assert_true(do_scan(world, &lo, &hi, false, 1, 0));
            /* The oldest entry is found without a walk over what others have left. */
            assert_true(world->txn->reads - reads <= 2);
            assert_true(do_remove(world, district << 40 | head[district]++, 0));
        }
        commit(world);
        if (i % 4096 == 0)
            verify(world);
    }
    const struct tree_statistics statistics = verify(world);
    assert_true(statistics.leaves <= 1 + 4 * statistics.entries / world->index.shape.leaf_capacity);
    /* Rows are used again. */
    assert_true(world->txn->table->row_count < 200);
    drain(world);
    world_close(world);
}

static void removal_in_either_direction_frees_the_nodes(void **state)
{
    (void)state;
    for (unsigned descending = 0; descending < 2; descending++) {
        struct world *const world = world_open(16, false);
        for (uint64_t i = 0; i < 5000; i++)
            assert_true(do_insert(world, i, 0) && (commit(world), true));
        assert_true(verify(world).height >= 3);
        for (uint64_t i = 0; i < 5000; i++) {
            assert_true(do_remove(world, descending ? 4999 - i : i, 0) && (commit(world), true));
            if (i % 512 == 0)
                verify(world);
        }
        const struct tree_statistics statistics = verify(world);
        assert_int_equal(statistics.height, 1);
        assert_int_equal(statistics.leaves, 1);
        world_close(world);
    }
}

/* Ranges are filled up and emptied, so that inner nodes come to have one child beside a full neighbour: with keys of
 * variable length the key that then parts them need not fit into their parent. */
static void check_emptied_ranges(const struct mae_index_config *config, unsigned rounds, bool mostly_long)
{
    struct world *const world = world_open_with(config);
    const uint64_t numbers = 20000;
    world->mostly_long = mostly_long;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned part = 0; part < 2; part++) {
            const uint64_t lo = random_below(numbers), width = 200 + random_below(2000), step = 1 + random_below(4);
            for (uint64_t i = 0; i < width && world->count < ENTRIES_MAX; i += step) {
                assert_true(do_insert(world, (lo + (round % 2 ? i : width - i)) % numbers, 0));
                commit(world);
            }
        }
        const uint64_t lo = random_below(numbers), hi = lo + 500 + random_below(3000);
        const size_t from = position_of(world, lo, 0);
        for (size_t left = position_of(world, hi, 0) - from; left > 0; left--) {
            const struct entry entry = world->entries[from + (round % 3 ? random_below(left) : 0)];
            assert_true(do_remove(world, entry.number, entry.row));
            commit(world);
        }
        verify(world);
    }
    drain(world);
    world_close(world);
}

static void emptied_ranges_leave_a_sound_tree(void **state)
{
    (void)state;
    check_emptied_ranges(&(struct mae_index_config){.key_bytes = 8}, 100, false);
    check_emptied_ranges(&(struct mae_index_config){.key_bytes = 16, .non_unique = true}, 100, false);
    for (unsigned mostly_long = 0; mostly_long < 2; mostly_long++) {
        const unsigned rounds = mostly_long ? 60 : 100;
        check_emptied_ranges(&(struct mae_index_config){.key_bytes = VARIABLE_LONGEST, .variable = true}, rounds,
                             mostly_long);
        check_emptied_ranges(
            &(struct mae_index_config){.key_bytes = VARIABLE_LONGEST - 1, .variable = true, .non_unique = true}, rounds,
            mostly_long);
    }
}

/* ---- A tree by hand. ---- */

/* A leaf's entry, or a child of an inner node: the number of the key with which it begins, and its row. */
struct part {
    uint64_t number, row;
};

/* Of a tree in which every leaf has one entry. Keys are as `mostly_long` says: one of eight is short. */
struct plan {
    struct part parts[400];
    size_t count, sizes[64], nodes; /* sizes: how many leaves each node of level 1 has */
    uint64_t last;                  /* number */
};

static void plan_leaf(struct plan *plan, bool is_short)
{
    plan->last = is_short ? (plan->last / 8 + 1) * 8 : plan->last + 1 + (plan->last % 8 == 7);
    plan->parts[plan->count++].number = plan->last;
    plan->sizes[plan->nodes - 1]++;
}

/* A node of level 1 with one leaf for now. */
static void plan_node(struct plan *plan, bool is_short)
{
    plan->nodes++;
    plan_leaf(plan, is_short);
}

static void fill_node(struct world *world, struct tree_node *node, const struct part *parts, size_t count)
{
    const struct tree_shape *const shape = &world->index.shape;
    for (size_t i = 0; i < count; i++) {
        char bytes[KEY_BYTES_MAX];
        encode(world, bytes, parts[i].number);
        const struct tree_key key = tree_key_make(shape, bytes, 0);
        assert_true(tree_node_has_room(shape, node, &key));
        tree_node_insert(shape, node, (unsigned)i, &key, parts[i].row);
    }
    node->last_insert = TREE_NO_POSITION;
}

/* Makes nodes of the level, each of as many parts as its size says, which then are the parts. */
static void make_level(struct world *world, unsigned level, struct plan *plan, const size_t *sizes, size_t nodes)
{
    const struct tree_shape *const shape = &world->index.shape;
    struct tree_node *last = NULL;
    size_t from = 0;
    for (size_t i = 0; i < nodes; from += sizes[i++]) {
        struct part part = plan->parts[from];
        void *data;
        assert_int_equal(txn_insert(world->txn, world->txn->table, shape->node_bytes, &part.row, &data), MAE_OK);
        struct tree_node *const node = data;
        tree_node_clear(shape, node, level);
        fill_node(world, node, plan->parts + from, sizes[i]);
        if (last != NULL) {
            const struct tree_key key = tree_node_key(shape, node, 0);
            tree_node_set_low(shape, node, &key);
            tree_node_set_high(shape, last, &key);
            node->left = level == 0 ? plan->parts[i - 1].row : TREE_NO_ROW;
            last->right = level == 0 ? part.row : TREE_NO_ROW;
        }
        last = node;
        plan->parts[i] = part;
    }
    assert_int_equal(from, plan->count);
    plan->count = nodes;
}

/* parent: how many nodes of level 1 have one parent. The others have another one. */
static void make_tree(struct world *world, struct plan *plan, size_t parent)
{
    const size_t parents[] = {parent, plan->nodes - parent};
    size_t ones[sizeof plan->parts / sizeof plan->parts[0]];
    for (size_t i = 0; i < plan->count; i++) {
        oracle_change(world, (struct entry){.number = plan->parts[i].number}, true);
        ones[i] = 1;
    }
    make_level(world, 0, plan, ones, plan->count);
    make_level(world, 1, plan, plan->sizes, plan->nodes);
    if (parents[1] > 0)
        make_level(world, 2, plan, parents, 2);
    void *root;
    assert_int_equal(txn_update(world->txn, world->txn->table, world->index.root, 0, NULL, &root), MAE_OK);
    tree_node_clear(&world->index.shape, root, parents[1] > 0 ? 3 : 2);
    fill_node(world, root, plan->parts, plan->count);
    commit(world);
}

/* How many long keys and then short ones fill up the room beside so many bytes. */
static void fill_up(const struct world *world, size_t bytes, size_t *longs, size_t *shorts)
{
    char key[2][KEY_BYTES_MAX];
    encode(world, key[0], 8);
    encode(world, key[1], 9);
    const size_t room = (size_t)world->index.shape.heap_end - world->index.shape.inner_heap - bytes;
    const size_t short_bytes = tree_key_size(&world->index.shape, key[0]);
    const size_t long_bytes = tree_key_size(&world->index.shape, key[1]);
    assert_true(short_bytes * 2 < long_bytes);
    *longs = room / long_bytes;
    *shorts = room % long_bytes / short_bytes;
}

/*
 * Plans a full node with a neighbour of two leaves below a full parent. A short key parts the two, which stand first
 * (last_two: last) in the parent. `*number`: of an entry that leaves the neighbour with one leaf if it is removed.
 */
static size_t plan_neighbours(const struct world *world, struct plan *plan, bool last_two, uint64_t *number)
{
    const size_t before = world->key_bytes + 1 + 4; /* a long key and a short one */
    size_t longs, shorts, others[2];
    fill_up(world, before, &others[0], &others[1]);
    for (unsigned order = 0; order < 2; order++) {
        for (size_t i = 0; (order == 0) == last_two && i < others[0] + others[1]; i++) {
            plan_node(plan, i >= others[0]);
            plan_leaf(plan, false);
        }
        if (order > 0)
            break;
        if (!last_two) {
            plan_node(plan, false);
            *number = plan->last;
            plan_leaf(plan, false);
        }
        fill_up(world, last_two ? before - 4 : 4, &longs, &shorts);
        plan_node(plan, !last_two);
        for (size_t i = 0; i < longs + shorts; i++)
            plan_leaf(plan, i >= longs);
        if (last_two) {
            plan_node(plan, true);
            plan_leaf(plan, false);
            *number = plan->last;
        }
    }
    return plan->nodes;
}

/* When two inner nodes are evened out, the key that then parts them is longer than the one before, and has no room in
 * their parent. The parent, which is the root or not, splits. */
static void the_parent_of_nodes_that_are_evened_out_may_split(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        const bool last_two = kind & 1, below_root = kind & 2;
        struct world *const world = world_open_with(&(struct mae_index_config){
            .key_bytes = VARIABLE_LONGEST - 1, .variable = true, .non_unique = (kind & 4) != 0});
        struct plan plan = {.count = 0};
        uint64_t number;
        world->mostly_long = true;
        const size_t parent = plan_neighbours(world, &plan, last_two, &number);
        for (unsigned i = 0; i < 4 && below_root; i++)
            (i % 2 ? plan_leaf : plan_node)(&plan, false);
        make_tree(world, &plan, parent);
        const struct tree_statistics before = verify(world);
        for (unsigned i = 0; i < 2; i++) {
            assert_true(do_remove(world, number, 0));
            if (i == 0)
                roll_back(world);
            else
                commit(world);
            const struct tree_statistics after = verify(world);
            const unsigned more = i == 0 ? 0 : below_root ? 1 : 2; /* the root also gets a child of its own */
            assert_int_equal(after.inner_nodes, before.inner_nodes + more);
            assert_int_equal(after.height, before.height + more / 2);
        }
        drain(world);
        world_close(world);
    }
}

/* ---- What is in the read set and in the write set. ---- */

static void a_hit_reads_nothing_and_a_miss_its_leaf(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    for (uint64_t i = 0; i < 2000; i++)
        assert_true(do_insert(world, 2 * i, 0) && (commit(world), true));
    for (uint64_t i = 0; i < 2000; i += 97) {
        fake_begin(world->txn);
        assert_true(do_find(world, 2 * i));
        assert_int_equal(world->txn->reads, 0);
        assert_true(do_find(world, 2 * i + 1));
        assert_int_equal(world->txn->reads, 1);
    }
    fake_begin(world->txn);
    const uint64_t nowhere = 5000;
    assert_true(do_scan(world, &nowhere, NULL, false, 0, 0));
    assert_int_equal(world->txn->reads, 1); /* the edge leaf of an empty range */
    assert_true(do_insert(world, 6, 0));    /* is there */
    assert_int_equal(world->txn->reads, 2);
    assert_int_equal(world->txn->updates, 0);
    assert_true(do_remove(world, 7, 0)); /* is not there */
    assert_int_equal(world->txn->reads, 3);
    assert_int_equal(world->txn->updates, 0);
    world_close(world);
}

static void changes_write_one_node_unless_they_restructure(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    uint64_t restructured = 0;
    for (unsigned i = 0; i < 20000; i++) {
        const size_t count = world->count;
        if (random_below(2) || world->count < 1000) {
            assert_true(do_insert(world, random_below(100000), 0));
        } else {
            const struct entry entry = world->entries[random_below(world->count)];
            assert_true(do_remove(world, entry.number, entry.row));
        }
        if (world->count != count && world->txn->updates > 1)
            restructured++;
        commit(world);
    }
    assert_true(restructured > 0 && restructured < 20000 / 10);
    world_close(world);
}

/* Before its root's commit the index is empty to look at and cannot be changed. */
static void without_a_root_there_is_nothing(void **state)
{
    (void)state;
    struct mae_txn *const txn = fake_open(1);
    struct tree_index index;
    tree_index_init(&index, txn->table, &(struct mae_index_config){.key_bytes = 8});
    fake_begin(txn);
    assert_int_equal(tree_index_create_root(txn, &index), MAE_OK);
    fake_commit(txn);
    fake_begin(txn);
    txn->ts = 1; /* below the root's */
    const uint64_t key = 7;
    uint64_t row;
    struct expectation expected = {.wrong = false};
    assert_int_equal(tree_index_find(txn, &index, &key, &row), MAE_NOT_FOUND);
    assert_int_equal(tree_index_scan(txn, &index, NULL, NULL, NULL, 0, 0, compare_entry, &expected), MAE_OK);
    assert_int_equal(expected.seen, 0);
    assert_int_equal(tree_index_insert(txn, &index, &key, 1), MAE_ABORT_INDEX);
    assert_int_equal(tree_index_remove(txn, &index, &key, 1), MAE_ABORT_INDEX);
    txn->snapshot = true;
    assert_int_equal(tree_index_insert(txn, &index, &key, 1), MAE_READ_ONLY);
    assert_int_equal(tree_index_remove(txn, &index, &key, 1), MAE_READ_ONLY);
    fake_close(txn);
}

/* ---- The verifier itself. ---- */

static struct tree_node *node_of(struct world *world, uint64_t row)
{
    void *data = NULL;
    assert_int_equal(txn_update(world->txn, world->txn->table, row, 0, NULL, &data), MAE_OK);
    return data;
}

static void verify_finds_every_kind_of_damage(void **state)
{
    (void)state;
    struct world *const world = world_open(8, false);
    for (uint64_t i = 0; i < 3000; i++)
        assert_true(do_insert(world, random_below(100000), 0) && (commit(world), true));
    assert_true(verify(world).height >= 3);
    for (unsigned damage = 0; damage < 8; damage++) {
        struct tree_node *node = node_of(world, world->index.root);
        while (node->level > (damage == 7 ? 1 : 0))
            node = node_of(world, tree_node_value(&world->index.shape, node, node->count / 2u));
        const struct tree_key first = tree_node_key(&world->index.shape, node, 0);
        const struct tree_key second = tree_node_key(&world->index.shape, node, 1);
        uint64_t row;
        void *data;
        switch (damage) {
        case 0:
            node->right = node->left;
            break;
        case 1:
            node->left = TREE_NO_ROW;
            break;
        case 2:
            tree_node_set_high(&world->index.shape, node, &second);
            break;
        case 3:
            tree_node_set_low(&world->index.shape, node, NULL);
            break;
        case 4:
            memcpy((char *)node->body + world->index.shape.keys + 8, first.bytes, 8);
            break;
        case 5:
            node->count = 0;
            break;
        case 6:
            assert_int_equal(txn_insert(world->txn, world->txn->table, 100, &row, &data), MAE_OK);
            memset(data, 0, 100);
            break;
        case 7:
            node->count = 1;
            break;
        }
        char report[200] = "";
        struct tree_statistics statistics;
        assert_int_equal(tree_index_verify(world->txn, &world->index, world->txn->table->row_count, &statistics, report,
                                           sizeof(report)),
                         MAE_CORRUPT);
        assert_true(strlen(report) > 10);
        fake_abort(world->txn);
        fake_begin(world->txn);
        verify(world);
    }
    world_close(world);
}

/* The whole keys of a leaf: their sum, where they begin, two at one place, one that is empty, one without its head. */
static void verify_finds_damage_to_keys_of_variable_length(void **state)
{
    (void)state;
    struct world *const world =
        world_open_with(&(struct mae_index_config){.key_bytes = VARIABLE_LONGEST, .variable = true});
    const struct tree_shape *const shape = &world->index.shape;
    for (uint64_t i = 0; i < 3000; i++)
        assert_true(do_insert(world, random_below(100000), 0) && (commit(world), true));
    for (unsigned damage = 0; damage < 6; damage++) {
        struct tree_node *node = node_of(world, world->index.root);
        while (node->level > 0)
            node = node_of(world, tree_node_value(shape, node, node->count / 2u));
        struct tree_heap *const heap = (struct tree_heap *)(void *)((char *)node->body + shape->heap);
        char *const key = (char *)node->body + heap->places[0];
        assert_true(tree_heap_is_sound(shape, node));
        if (damage == 0)
            heap->used++;
        else if (damage == 1)
            heap->top = (uint16_t)(shape->leaf_heap - 1);
        else if (damage == 2)
            heap->places[0] = heap->places[1];
        else if (damage == 3)
            key[0] = 0;
        else if (damage == 4)
            key[1] ^= 1;
        else
            heap->places[0] = shape->heap_end;
        char report[200] = "";
        struct tree_statistics statistics;
        assert_int_equal(tree_index_verify(world->txn, &world->index, world->txn->table->row_count, &statistics, report,
                                           sizeof(report)),
                         MAE_CORRUPT);
        assert_non_null(strstr(report, "keys of variable length"));
        fake_abort(world->txn);
        fake_begin(world->txn);
        verify(world);
    }
    world_close(world);
}

int main(void)
{
    const char *const text = getenv("MAE_SEED");
    first_seed = random_state = text != NULL ? strtoull(text, NULL, 0) : 1;
    printf("seed %llu (MAE_SEED)\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_root_there_is_nothing),
        cmocka_unit_test(random_operations_agree_with_a_sorted_array),
        cmocka_unit_test(peeks_into_the_past_are_noticed),
        cmocka_unit_test(a_failure_anywhere_leaves_the_committed_tree_alone),
        cmocka_unit_test(ascending_inserts_fill_the_leaves),
        cmocka_unit_test(descending_inserts_fill_the_leaves),
        cmocka_unit_test(interleaved_ascending_runs_fill_the_leaves),
        cmocka_unit_test(queues_keep_the_tree_small),
        cmocka_unit_test(removal_in_either_direction_frees_the_nodes),
        cmocka_unit_test(emptied_ranges_leave_a_sound_tree),
        cmocka_unit_test(the_parent_of_nodes_that_are_evened_out_may_split),
        cmocka_unit_test(a_hit_reads_nothing_and_a_miss_its_leaf),
        cmocka_unit_test(changes_write_one_node_unless_they_restructure),
        cmocka_unit_test(verify_finds_every_kind_of_damage),
        cmocka_unit_test(verify_finds_damage_to_keys_of_variable_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
