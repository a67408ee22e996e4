/*
 * reclaim.c - the schemes give back all rows and versions that are out of reach; counted, with two workers.
 *
 *   turns    The workers take turns on one thread. Each has a transaction under way when the other one ends its own.
 *            What waits to be given back stays below a bound all the time, and tables and trees do not grow any more
 *            after the first half.
 *   quiet    One worker has run a transaction, and idles, and later only reads. The other one goes on, and no more
 *            waits than in turns.
 *   threads  Both run at once and meet on few keys, so some transactions abort. Whoever is kept from its CPU inside of
 *            a transaction lets wait what the other one retires meanwhile, so there is no bound here.
 * In the end, when both were idle and have left, each row and each version that was ever made is in use or free: none
 * is lost, and none is free twice.
 * How to read a failure: the last line names the target. TARGET= repeats it. `seed` is fixed: turns repeat exactly.
 */
#include <pthread.h>

#include "harness/targets/scheme_space.h"
#include "schemes/base/chain.h"
#include "tests/support/conform.h"
#include "workloads/rng.h"

enum {
    WORKERS = 2,
    SEED = 1,
    KEYS = 200, /* of each worker, or of both */
    OPS = 4,
    SNAPSHOT_PERCENT = 10,
    TURNS = 1000,
    THREAD_TXNS = 2000,
    SMALL_BYTES = 16,
    LARGE_BYTES = 64,  /* a version has room in its row */
    WAITING_MAX = 200, /* some twenty transactions'; a version that moves into its row leaves memory that waits, too */
};

struct side {
    struct target_worker *worker;
    struct target_txn *txn; /* under way, or NULL */
    enum target_status status;
    struct rng rng;
    uint64_t first_key; /* of KEYS */
    unsigned committed;
};

static struct {
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *hash, *tree;
    struct side sides[WORKERS];
} test;

/* ---- Counting. A target on schemes/base begins with its database (harness/targets/scheme_space.h). ---- */

static const struct database *database(void)
{
    return (const struct database *)test.target;
}

static uint64_t count_free(const struct table *table)
{
    uint64_t count = 0;
    for (struct retired *item = table->free_rows; item && count <= table_limit(table); count++)
        item = atomic_load_explicit(&item->next, memory_order_relaxed);
    return count;
}

/* Its version is in no row's room. A row that came and went in one transaction is free, and keeps that version until it
 * is used again. */
static bool has_version_outside(const struct row *row)
{
    chain_link newest = chain_newest(row);
    return newest && !is_grave(newest) && link_version(newest)->store != CHAIN_INLINE;
}

static void check_all_is_accounted_for(void)
{
    for (unsigned i = 0; i < database()->table_count; i++) {
        const struct table *table = database()->tables[i];
        uint64_t rows = 0, versions = 0;
        for (uint64_t ref = 0; ref < table_limit(table); ref++) {
            const struct row *row = table_row(table, ref);
            rows += row_size(row) != 0;
            versions += table->versions && has_version_outside(row);
        }
        assert_int_equal(rows + count_free(table), table_limit(table));
        if (table->versions)
            assert_int_equal(versions + count_free(table->versions), table_limit(table->versions));
    }
}

static uint64_t waiting(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        count += database()->workers[i]->epoch->retired;
    return count;
}

/* Rows and versions that were ever made, and nodes of the tree. */
static uint64_t made(void)
{
    const struct table *table = database()->tables[0];
    return table_limit(table) + (table->versions ? table_limit(table->versions) : 0) +
           index_node_count(&database()->indexes[1]->index);
}

/* ---- What a transaction does. ---- */

static enum target_status insert_key(struct side *side, const uint64_t *key, size_t bytes)
{
    uint64_t ref;
    void *data;
    enum target_status status = test.ops->insert(side->txn, test.hash, key, bytes, &ref, &data);
    if (status != TARGET_OK)
        return status;
    memset(data, 1, bytes);
    return test.ops->index_insert(side->txn, test.tree, key, ref);
}

static enum target_status erase_key(struct side *side, const uint64_t *key)
{
    uint64_t ref;
    enum target_status status = test.ops->find(side->txn, test.hash, key, &ref);
    if (status == TARGET_OK)
        status = test.ops->index_remove(side->txn, test.tree, key, ref);
    return status == TARGET_OK ? test.ops->erase(side->txn, test.hash, key) : status;
}

static enum target_status change_key(struct side *side, const uint64_t *key)
{
    const void *old;
    void *data;
    size_t bytes = rng_below(&side->rng, 2) ? SMALL_BYTES : LARGE_BYTES;
    enum target_status status = test.ops->read(side->txn, test.hash, key, &old, NULL);
    if (status == TARGET_NOT_FOUND)
        return insert_key(side, key, bytes);
    if (status != TARGET_OK)
        return status;
    switch (rng_below(&side->rng, 3)) {
    case 0:
        return erase_key(side, key);
    case 1:
        return test.ops->update(side->txn, test.hash, key, 0, &old, &data);
    default:
        status = test.ops->overwrite(side->txn, test.hash, key, bytes, &data);
        if (status == TARGET_OK)
            memset(data, 2, bytes);
        return status;
    }
}

static bool visit(void *arg, const void *key, uint64_t ref)
{
    struct side *side = arg;
    const void *data;
    (void)key;
    side->status = test.ops->row_read(side->txn, test.table, ref, &data, NULL);
    return side->status == TARGET_OK;
}

static void begin(struct side *side)
{
    bool snapshot = rng_below(&side->rng, 100) < SNAPSHOT_PERCENT;
    uint64_t key;
    assert_target_ok(test.ops->begin(side->worker, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &side->txn));
    side->status = TARGET_OK;
    if (snapshot) {
        enum target_status status = test.ops->scan(side->txn, test.tree, NULL, NULL, 0, 0, visit, side);
        if (status != TARGET_OK)
            side->status = status;
    }
    for (unsigned i = 0; i < OPS && !snapshot && side->status == TARGET_OK; i++) {
        key = side->first_key + rng_below(&side->rng, KEYS);
        side->status = change_key(side, &key);
    }
}

/* One in ten is rolled back. What has seen a key and then missed it cannot commit. */
static void end(struct side *side)
{
    struct target_txn *txn = side->txn;
    side->txn = NULL;
    if (txn == NULL)
        return;
    if (side->status != TARGET_OK || rng_below(&side->rng, 10) == 0) {
        test.ops->abort(txn);
        return;
    }
    enum target_status status = test.ops->commit(txn);
    assert_true(status == TARGET_OK || target_status_is_retry(status));
    side->committed += status == TARGET_OK;
}

/* ---- The two tests. ---- */

static void set_up(const struct conform_variant *variant, uint64_t keys_apart)
{
    const struct target_table_config table = {.payload_max_bytes = LARGE_BYTES};
    const struct target_index_config hash = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    const struct target_index_config tree = {.kind = TARGET_INDEX_ORDERED, .key_bytes = sizeof(uint64_t)};
    test.ops = variant->ops;
    test.target = conform_open(variant, variant->ops);
    assert_target_ok(test.ops->table_create(test.target, "rows", &table, &test.table));
    assert_target_ok(test.ops->index_create(test.target, test.table, "hash", &hash, &test.hash));
    assert_target_ok(test.ops->index_create(test.target, test.table, "tree", &tree, &test.tree));
    for (unsigned i = 0; i < WORKERS; i++) {
        struct side *side = &test.sides[i];
        *side = (struct side){.first_key = i * keys_apart};
        rng_init(&side->rng, SEED, i);
        assert_target_ok(test.ops->worker_join(test.target, &side->worker));
    }
}

static void tear_down(unsigned committed_least)
{
    char report[300] = "";
    for (unsigned i = 0; i < WORKERS; i++)
        target_idle(test.ops, test.sides[i].worker);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_true(test.sides[i].committed >= committed_least);
        test.ops->worker_leave(test.sides[i].worker);
    }
    assert_int_equal(waiting(), 0);
    check_all_is_accounted_for();
    if (test.ops->verify(test.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s", report);
    assert_target_ok(test.ops->close(test.target));
}

static bool is_scheme(const struct conform_variant *variant)
{
    return variant->ops->memory == scheme_memory && target_is_transactional(&variant->promises);
}

/* The workers have keys of their own: who waits for the other one's lock would wait for ever. */
static void run_turns(const struct conform_variant *variant)
{
    uint64_t half = 0;
    struct rng rng;
    if (!is_scheme(variant))
        return;
    set_up(variant, KEYS);
    rng_init(&rng, SEED, WORKERS);
    for (unsigned i = 0; i < TURNS; i++) {
        struct side *side = &test.sides[rng_below(&rng, WORKERS)];
        end(side);
        assert_in_range(waiting(), 0, WAITING_MAX);
        begin(side);
        if (i == TURNS / 2)
            half = made();
    }
    assert_int_equal(made(), half);
    for (unsigned i = 0; i < WORKERS; i++)
        end(&test.sides[i]);
    tear_down(TURNS / WORKERS / 4);
}

/* Does nothing that would have to be given back. */
static void only_read(struct side *side)
{
    const void *data;
    assert_target_ok(test.ops->begin(side->worker, TARGET_READ_WRITE, &side->txn));
    side->status = test.ops->read(side->txn, test.hash, &side->first_key, &data, NULL);
    assert_true(side->status == TARGET_OK || side->status == TARGET_NOT_FOUND);
    side->status = test.ops->commit(side->txn);
    assert_true(side->status == TARGET_OK || target_status_is_retry(side->status));
    side->txn = NULL;
}

static void run_beside_quiet(const struct conform_variant *variant)
{
    if (!is_scheme(variant))
        return;
    set_up(variant, KEYS);
    begin(&test.sides[0]);
    end(&test.sides[0]);
    target_idle(test.ops, test.sides[0].worker);
    for (unsigned i = 0; i < TURNS / 2; i++) {
        begin(&test.sides[1]);
        end(&test.sides[1]);
        assert_in_range(waiting(), 0, WAITING_MAX);
        if (i >= TURNS / 4)
            only_read(&test.sides[0]);
    }
    tear_down(0);
}

static void *run_side(void *arg)
{
    struct side *side = arg;
    for (unsigned i = 0; i < THREAD_TXNS; i++) {
        begin(side);
        end(side);
    }
    target_idle(test.ops, side->worker);
    return NULL;
}

static void run_threads(const struct conform_variant *variant)
{
    pthread_t threads[WORKERS];
    if (!is_scheme(variant))
        return;
    set_up(variant, 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_side, &test.sides[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    tear_down(1);
}

static void little_waits_while_workers_take_turns(void **state)
{
    (void)state;
    conform_each(run_turns);
}

static void little_waits_beside_a_quiet_worker(void **state)
{
    (void)state;
    conform_each(run_beside_quiet);
}

static void nothing_is_lost_while_both_run(void **state)
{
    (void)state;
    conform_each(run_threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_waits_while_workers_take_turns),
        cmocka_unit_test(little_waits_beside_a_quiet_worker),
        cmocka_unit_test(nothing_is_lost_while_both_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
