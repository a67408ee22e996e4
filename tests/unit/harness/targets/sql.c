/* sql.c - what the target sql has of its own: keys as words, one at a time, the largest payload, scans inside of scans,
 * and what a snapshot sees of others. All else is tests/conformance's. */
#include "harness/targets/sql_text.h"
#include "harness/targets/targets.h"
#include "tests/support/conform.h"
#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { PAYLOAD_MAX_BYTES = 65528 - 32, KEYS = 20 };

static const struct target_ops *ops;
static const struct target_key_value small[] = {{"huge_pages", "off"}, {"memory_limit", "64M"}, {NULL, NULL}};

static struct {
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct target_worker *workers[2];
} test;

static int set_up(void **state)
{
    (void)state;
    const struct target_table_config table = {.payload_max_bytes = PAYLOAD_MAX_BYTES};
    const struct target_index_config index = {.kind = TARGET_INDEX_ORDERED, .key_bytes = 24};
    char error[256];
    assert_target_ok(target_open(ops, small, &test.target, error, sizeof error));
    assert_target_ok(ops->table_create(test.target, "rows", &table, &test.table));
    assert_target_ok(ops->index_create(test.target, test.table, "key", &index, &test.index));
    for (unsigned i = 0; i < 2; i++)
        assert_target_ok(ops->worker_join(test.target, &test.workers[i]));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        ops->worker_leave(test.workers[i]);
    assert_target_ok(ops->close(test.target));
    return 0;
}

static struct target_txn *begin_as(unsigned worker, enum target_mode mode)
{
    struct target_txn *txn;
    assert_target_ok(ops->begin(test.workers[worker], mode, &txn));
    return txn;
}

static void insert(struct target_txn *txn, uint64_t number)
{
    char key[24];
    void *data;
    conform_key(sizeof key, key, number);
    assert_target_ok(ops->insert(txn, test.index, key, sizeof number, NULL, &data));
    memcpy(data, &number, sizeof number);
}

static int compare_words(const int64_t *a, const int64_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int signum(int number)
{
    return (number > 0) - (number < 0);
}

static void words_sort_as_keys_do_and_are_them_again(void **state)
{
    (void)state;
    uint64_t random = seed_from_environment();
    for (unsigned n = 0; n < 20000; n++) {
        size_t bytes = TARGET_KEY_MIN_BYTES + random_below(&random, TARGET_KEY_MAX_BYTES - TARGET_KEY_MIN_BYTES + 1);
        unsigned char key[2][TARGET_KEY_MAX_BYTES], again[TARGET_KEY_MAX_BYTES];
        int64_t words[2][SQL_WORDS_MAX];
        for (size_t i = 0; i < 2 * TARGET_KEY_MAX_BYTES; i++)
            key[i / TARGET_KEY_MAX_BYTES][i % TARGET_KEY_MAX_BYTES] =
                (unsigned char)(random_below(&random, 3) ? 0x80 : random_below(&random, 256));
        for (unsigned i = 0; i < 2; i++) {
            sql_words_of_key(key[i], bytes, words[i]);
            sql_key_of_words(words[i], bytes, again);
            assert_memory_equal(again, key[i], bytes);
        }
        uint64_t number[2];
        memcpy(&number[0], key[0], 8);
        memcpy(&number[1], key[1], 8);
        int order =
            bytes == 8 ? (number[0] > number[1]) - (number[0] < number[1]) : signum(memcmp(key[0], key[1], bytes));
        assert_int_equal(compare_words(words[0], words[1], (bytes + 7) / 8), order);
    }
}

static void there_is_one_at_a_time(void **state)
{
    (void)state;
    struct target *second;
    char error[256] = "";
    static const struct target_key_value other[] = {{"memory_limit", "65M"}, {NULL, NULL}};
    assert_int_equal(target_open(ops, small, &second, error, sizeof error), TARGET_BUSY);
    assert_non_null(strstr(error, "has a target sql already"));
    assert_int_equal(target_open(ops, other, &second, error, sizeof error), TARGET_BUSY);
}

static void the_largest_payload_is_taken(void **state)
{
    (void)state;
    struct target_txn *txn = begin_as(0, TARGET_READ_WRITE);
    const struct target_table_config larger = {.payload_max_bytes = PAYLOAD_MAX_BYTES + 1};
    struct target_table *table;
    char key[24];
    const void *data;
    void *fresh;
    size_t bytes;
    conform_key(sizeof key, key, 1);
    assert_target_ok(ops->insert(txn, test.index, key, PAYLOAD_MAX_BYTES, NULL, &fresh));
    memset(fresh, 7, PAYLOAD_MAX_BYTES);
    assert_target_ok(ops->commit(txn));
    txn = begin_as(1, TARGET_READ_WRITE);
    assert_target_ok(ops->read(txn, test.index, key, &data, &bytes));
    assert_int_equal(bytes, PAYLOAD_MAX_BYTES);
    assert_int_equal(((const char *)data)[PAYLOAD_MAX_BYTES - 1], 7);
    assert_target_ok(ops->commit(txn));
    assert_target_status(TARGET_UNSUPPORTED, ops->table_create(test.target, "larger", &larger, &table));
}

struct walk {
    struct target_txn *txn;
    unsigned outer, inner;
};

static bool visit_inner(void *arg, const void *key, uint64_t ref)
{
    struct walk *walk = arg;
    (void)key, (void)ref;
    walk->inner++;
    return true;
}

/* Scans the same way again, up to the key that the outer scan has come to. */
static bool visit_outer(void *arg, const void *key, uint64_t ref)
{
    struct walk *walk = arg;
    (void)ref;
    walk->outer++;
    assert_target_ok(ops->scan(walk->txn, test.index, NULL, key, 0, 0, visit_inner, walk));
    return true;
}

static void a_scan_may_run_inside_of_a_scan(void **state)
{
    (void)state;
    struct walk walk = {.txn = begin_as(0, TARGET_READ_WRITE)};
    for (uint64_t i = 0; i < KEYS; i++)
        insert(walk.txn, i);
    assert_target_ok(ops->scan(walk.txn, test.index, NULL, NULL, 0, 0, visit_outer, &walk));
    assert_int_equal(walk.outer, KEYS);
    assert_int_equal(walk.inner, KEYS * (KEYS + 1) / 2);
    assert_target_ok(ops->commit(walk.txn));
}

static unsigned count_keys(struct target_txn *txn)
{
    struct walk walk = {.txn = txn};
    assert_target_ok(ops->scan(txn, test.index, NULL, NULL, TARGET_SCAN_BACKWARD, 0, visit_inner, &walk));
    return walk.inner;
}

/* Though its statements run one after the other, outside of BEGIN. */
static void a_snapshot_sees_what_had_committed_when_it_began(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct target_txn *snapshot = begin_as(0, TARGET_SNAPSHOT), *txn = begin_as(1, TARGET_READ_WRITE);
        insert(txn, 2 * i);
        assert_target_ok(ops->commit(txn));
        assert_int_equal(count_keys(snapshot), 2 * i);
        txn = begin_as(1, TARGET_READ_WRITE);
        insert(txn, 2 * i + 1);
        assert_target_ok(ops->commit(txn));
        assert_int_equal(count_keys(snapshot), 2 * i);
        assert_target_ok(ops->commit(snapshot));
    }
}

static void who_reads_what_another_writes_conflicts(void **state)
{
    (void)state;
    struct target_txn *one = begin_as(0, TARGET_READ_WRITE), *two = begin_as(1, TARGET_READ_WRITE);
    assert_int_equal(count_keys(one), 0);
    assert_int_equal(count_keys(two), 0);
    insert(one, 1);
    insert(two, 2);
    assert_target_ok(ops->commit(two));
    enum target_status status = ops->commit(one);
    assert_true(target_status_is_retry(status));
    assert_string_equal(target_reason(ops, target_status_reason(status))->name, "conflict");
}

int main(void)
{
    ops = target_by_name("sql");
#define OPEN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_sort_as_keys_do_and_are_them_again),
        OPEN(there_is_one_at_a_time),
        OPEN(the_largest_payload_is_taken),
        OPEN(a_scan_may_run_inside_of_a_scan),
        OPEN(a_snapshot_sees_what_had_committed_when_it_began),
        OPEN(who_reads_what_another_writes_conflicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
