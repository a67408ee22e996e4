/*
 * tictoc.c - what only timestamps that are computed at commit can get wrong: rts that go down (TT1), nodes without
 * timestamps (TT3). Each case is a circle of transactions; the last one must not commit.
 */
#include "harness/targets/targets.h"

#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { WORKERS = 4 };

struct side {
    const struct target_ops *ops;
    struct target *target;
    struct target_index *index;
    struct target_worker *workers[WORKERS];
};

static void side_open(struct side *side)
{
    static const struct target_key_value small[] = {
        {"index_insert", "eager"}, {"huge_pages", "off"}, {"memory_limit", "64M"}, {NULL, NULL}};
    const struct target_table_config table_config = {8, 0};
    const struct target_index_config index_config = {.kind = TARGET_INDEX_HASH, .key_bytes = 8};
    struct target_table *table;
    char error[256] = "";
    side->ops = target_by_name("tictoc");
    assert_non_null(side->ops);
    assert_int_equal(target_open(side->ops, small, &side->target, error, sizeof error), TARGET_OK);
    assert_int_equal(side->ops->table_create(side->target, "t", &table_config, &table), TARGET_OK);
    assert_int_equal(side->ops->index_create(side->target, table, "i", &index_config, &side->index), TARGET_OK);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(side->ops->worker_join(side->target, &side->workers[i]), TARGET_OK);
}

static void side_close(struct side *side)
{
    for (unsigned i = 0; i < WORKERS; i++)
        side->ops->worker_leave(side->workers[i]);
    assert_int_equal(side->ops->close(side->target), TARGET_OK);
}

static struct target_txn *begin_at(struct side *side, unsigned worker)
{
    struct target_txn *txn = NULL;
    assert_int_equal(side->ops->begin(side->workers[worker], TARGET_READ_WRITE, &txn), TARGET_OK);
    return txn;
}

static void read_row(struct side *side, struct target_txn *txn, uint64_t key)
{
    const void *data;
    assert_int_equal(side->ops->read(txn, side->index, &key, &data, NULL), TARGET_OK);
}

static void update_row(struct side *side, struct target_txn *txn, uint64_t key)
{
    void *data;
    assert_int_equal(side->ops->update(txn, side->index, &key, 0, NULL, &data), TARGET_OK);
}

static void insert_row(struct side *side, struct target_txn *txn, uint64_t key)
{
    void *data;
    assert_int_equal(side->ops->insert(txn, side->index, &key, 8, NULL, &data), TARGET_OK);
    memset(data, 0, 8);
}

static void commit_it(struct side *side, struct target_txn *txn)
{
    assert_int_equal(side->ops->commit(txn), TARGET_OK);
}

/* A row whose timestamps are at least `writes`: each write of a row takes a larger one. */
static void load(struct side *side, uint64_t key, unsigned writes)
{
    struct target_txn *txn = begin_at(side, 0);
    insert_row(side, txn, key);
    commit_it(side, txn);
    for (unsigned i = 1; i < writes; i++) {
        txn = begin_at(side, 0);
        update_row(side, txn, key);
        commit_it(side, txn);
    }
}

/* `late` reads x at 30, then `early`, which began before, at 10. Were the rts of x set back to 10, the writer of x
 * could commit at 11, and who has read that and what `late` has overwritten would close the circle. */
static void a_read_timestamp_never_goes_down(void **state)
{
    enum { X = 1, V, AT_10, AT_20, AT_30 };
    struct side side;
    (void)state;
    side_open(&side);
    load(&side, X, 1);
    load(&side, V, 1);
    load(&side, AT_10, 10);
    load(&side, AT_20, 20);
    load(&side, AT_30, 30);
    struct target_txn *txn = begin_at(&side, 0); /* V is valid until 20 */
    read_row(&side, txn, V);
    read_row(&side, txn, AT_20);
    commit_it(&side, txn);

    struct target_txn *last = begin_at(&side, 3), *early = begin_at(&side, 1), *late = begin_at(&side, 2);
    read_row(&side, last, V);
    read_row(&side, early, X);
    read_row(&side, early, AT_10);
    read_row(&side, late, X);
    read_row(&side, late, AT_30);
    update_row(&side, late, V);
    commit_it(&side, late);
    commit_it(&side, early);
    struct target_txn *writer = begin_at(&side, 0);
    update_row(&side, writer, X);
    commit_it(&side, writer);
    read_row(&side, last, X);
    assert_true(target_status_is_retry(side.ops->commit(last)));
    side_close(&side);
}

/* `misser` misses a key and writes z; then the key is inserted. Without a timestamp of the node the insert could commit
 * before the miss, and who has read z before and the key after would close the circle. */
static void an_insert_is_later_than_the_miss(void **state)
{
    enum { Z = 1, K = 2 };
    const uint64_t key = K;
    const void *data;
    struct side side;
    (void)state;
    side_open(&side);
    load(&side, Z, 1);
    struct target_txn *last = begin_at(&side, 3), *misser = begin_at(&side, 1), *inserter = begin_at(&side, 2);
    read_row(&side, last, Z);
    assert_int_equal(side.ops->read(misser, side.index, &key, &data, NULL), TARGET_NOT_FOUND);
    update_row(&side, misser, Z);
    commit_it(&side, misser);
    insert_row(&side, inserter, K);
    commit_it(&side, inserter);
    read_row(&side, last, K);
    assert_true(target_status_is_retry(side.ops->commit(last)));
    side_close(&side);
}

/* What TicToc is for: a transaction that has read a row commits before one that has overwritten it meanwhile. */
static void a_commit_may_lie_in_the_past(void **state)
{
    struct side side;
    (void)state;
    side_open(&side);
    load(&side, 1, 1);
    struct target_txn *reader = begin_at(&side, 1), *writer = begin_at(&side, 2);
    read_row(&side, reader, 1);
    update_row(&side, writer, 1);
    commit_it(&side, writer);
    commit_it(&side, reader);
    side_close(&side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_timestamp_never_goes_down),
        cmocka_unit_test(an_insert_is_later_than_the_miss),
        cmocka_unit_test(a_commit_may_lie_in_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
