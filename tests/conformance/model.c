/*
 * model.c - every target does what an array of items would do: one worker, random legal sequences of all calls.
 *
 * An item has a payload and is found by a number, through several indexes: hash and ordered, of short and long keys,
 * one of them not unique, one with keys of variable length. What a target does not have (TARGET_UNSUPPORTED when the
 * index is created, calls that it leaves NULL, roll-back if it is not transactional) is left out. After each call the
 * answer, the payloads and the sizes must be the array's. How to read a failure: the last line before it names the
 * target and its settings, TARGET= repeats that one, MAE_SEED the calls.
 */
#include "tests/support/conform.h"
#include "tests/support/world.h"

enum {
    ITEMS = 60,
    INDEXES = 6,
    PAYLOAD_MAX = 200,
    TXNS = 1500,
    OPS_MAX = 12,
    KEY_BYTES_MAX = TARGET_VARIABLE_KEY_STRIDE,
    PER_KEY = 4, /* items to a key of the non-unique index */
    PASTS = 64,  /* states that snapshots may read */
};

static const struct index_shape {
    enum target_index_kind kind;
    size_t key_bytes;
    bool non_unique, variable;
} shapes[INDEXES] = {
    {TARGET_INDEX_HASH, 8, false, false},    {TARGET_INDEX_HASH, 21, false, false},
    {TARGET_INDEX_ORDERED, 8, false, false}, {TARGET_INDEX_ORDERED, 64, false, false},
    {TARGET_INDEX_ORDERED, 12, true, false}, {TARGET_INDEX_ORDERED, TARGET_VARIABLE_KEY_MAX_BYTES, false, true},
};

struct item {
    bool present, written; /* written: by the running transaction */
    bool entries[INDEXES];
    uint64_t ref;
    size_t bytes;
    unsigned char payload[PAYLOAD_MAX];
};

/* The items after a commit, and its place in the serial order. */
struct past {
    uint64_t place;
    struct item items[ITEMS];
};

static struct {
    const struct conform_variant *variant;
    const struct target_ops *ops;
    struct target *target;
    struct target_worker *worker;
    struct target_table *table;
    struct target_index *indexes[INDEXES]; /* NULL: the target has none such */
    struct target_txn *txn;
    bool snapshot;
    bool entries_changed; /* by the running transaction */
    uint64_t random;
    struct item items[ITEMS], before[ITEMS]; /* before: as the running transaction found them */
    struct past pasts[PASTS];                /* a ring; only if the order is known at the beginning */
    uint64_t past_count;
    uint64_t commits, retries;
    char doing[64];
} test;

static uint64_t below(uint64_t n)
{
    return random_below(&test.random, n);
}

static void key_make(unsigned index, void *key, uint64_t number)
{
    if (shapes[index].variable)
        conform_variable_key(shapes[index].key_bytes, key, number);
    else
        conform_key(shapes[index].key_bytes, key, number);
}

static void *key_of(unsigned index, unsigned item, void *key)
{
    key_make(index, key, shapes[index].non_unique ? item / PER_KEY : item);
    return key;
}

static size_t key_size(unsigned index, const void *key)
{
    return shapes[index].variable ? 1u + *(const unsigned char *)key : shapes[index].key_bytes;
}

/* Without phantom safety an ordered index need not be as old as the snapshot that reads it. */
static unsigned some_index(void)
{
    unsigned index;
    do
        index = (unsigned)below(INDEXES);
    while (test.indexes[index] == NULL ||
           (test.snapshot && !test.variant->promises.phantom_safe && shapes[index].kind == TARGET_INDEX_ORDERED));
    return index;
}

/* ---- Payloads. ---- */

static size_t some_bytes(void)
{
    return 1 + below(PAYLOAD_MAX);
}

/* Writes the whole payload, or a part of it. */
static void write_payload(struct item *item, void *data, bool whole)
{
    assert_int_equal((uintptr_t)data % 8, 0);
    size_t from = whole ? 0 : below(item->bytes);
    for (size_t i = from; i < item->bytes; i++)
        item->payload[i] = (unsigned char)below(256);
    memcpy((unsigned char *)data + from, item->payload + from, item->bytes - from);
    item->written = true;
}

static void resize(struct item *item, size_t bytes)
{
    if (bytes > item->bytes)
        memset(item->payload + item->bytes, 0, bytes - item->bytes);
    item->bytes = bytes;
}

static void compare_payload(const struct item *item, const void *data, size_t bytes)
{
    assert_int_equal((uintptr_t)data % 8, 0);
    assert_int_equal(bytes, item->bytes);
    assert_memory_equal(data, item->payload, bytes);
}

/* ---- Calls. False: the transaction must be run again. ---- */

static bool answers(enum target_status expected, enum target_status status)
{
    if (target_status_is_retry(status))
        return false;
    if (status != expected)
        printf("after %lu commits: %s\n", (unsigned long)test.commits, test.doing);
    assert_target_status(expected, status);
    return true;
}

/* A write: in a snapshot nothing is done, and either that or what the key is like is said. */
static bool answers_write(enum target_status expected, enum target_status status)
{
    return answers(test.snapshot && (expected == TARGET_OK || status != expected) ? TARGET_READ_ONLY : expected,
                   status);
}

static bool read_item(unsigned index, unsigned i, bool by_ref)
{
    const struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    const void *data;
    size_t bytes;
    bool there = by_ref ? item->present : item->entries[index];
    enum target_status status =
        by_ref ? test.ops->row_read(test.txn, test.table, item->ref, &data,
                                    below(2) ? &bytes : (bytes = item->bytes, NULL))
               : test.ops->read(test.txn, test.indexes[index], key_of(index, i, key), &data, &bytes);
    if (!answers(there ? TARGET_OK : TARGET_NOT_FOUND, status))
        return false;
    if (there)
        compare_payload(item, data, bytes);
    return true;
}

static enum target_status call_update(unsigned index, unsigned i, bool by_ref, size_t bytes, const void **old,
                                      void **data)
{
    char key[KEY_BYTES_MAX];
    return by_ref ? test.ops->row_update(test.txn, test.table, test.items[i].ref, bytes, old, data)
                  : test.ops->update(test.txn, test.indexes[index], key_of(index, i, key), bytes, old, data);
}

static bool update_item(unsigned index, unsigned i, bool by_ref)
{
    struct item *item = &test.items[i];
    size_t bytes = below(3) ? 0 : some_bytes();
    const void *old = NULL;
    void *data;
    bool there = by_ref ? item->present : item->entries[index], wants_old = below(2), first = !item->written;
    if (there && !test.snapshot && below(10) == 0)
        return answers(TARGET_TOO_LARGE, call_update(index, i, by_ref, PAYLOAD_MAX + 1, NULL, &data));
    enum target_status status = call_update(index, i, by_ref, bytes, wants_old ? &old : NULL, &data);
    if (!answers_write(there ? TARGET_OK : TARGET_NOT_FOUND, status))
        return false;
    if (status != TARGET_OK)
        return true;
    if (wants_old && first)
        assert_memory_equal(old, item->payload, bytes && bytes < item->bytes ? bytes : item->bytes);
    resize(item, bytes ? bytes : item->bytes);
    assert_memory_equal(data, item->payload, item->bytes);
    write_payload(item, data, below(2));
    return true;
}

static bool apply_item(unsigned index, unsigned i)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    bool there = item->entries[index];
    size_t bytes = below(2) ? sizeof(int32_t) : sizeof(int64_t);
    if (there && item->bytes < bytes)
        return true;
    size_t offset = there ? below(item->bytes - bytes + 1) : 0;
    enum target_function function = below(2) ? TARGET_ADD : TARGET_MAX;
    int64_t operand = (int64_t)below(UINT64_C(1) << 32) - (INT64_C(1) << 31);
    enum target_status status =
        target_apply(test.ops, test.txn, test.indexes[index], key_of(index, i, key), function, offset, bytes, operand);
    if (!answers_write(there ? TARGET_OK : TARGET_NOT_FOUND, status))
        return false;
    if (status != TARGET_OK)
        return true;
    target_function_run(function, item->payload + offset, bytes, operand);
    item->written = true;
    return true;
}

static bool overwrite_item(unsigned index, unsigned i)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    size_t bytes = some_bytes();
    void *data;
    bool there = item->entries[index], large = there && below(10) == 0;
    enum target_status status = test.ops->overwrite(test.txn, test.indexes[index], key_of(index, i, key),
                                                    large ? PAYLOAD_MAX + 1 : bytes, &data);
    if (!answers_write(!there ? TARGET_NOT_FOUND : large ? TARGET_TOO_LARGE : TARGET_OK, status))
        return false;
    if (status != TARGET_OK)
        return true;
    item->bytes = bytes;
    write_payload(item, data, true);
    return true;
}

static bool insert_item(unsigned index, unsigned i, bool by_ref)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    size_t bytes = some_bytes();
    uint64_t ref = UINT64_MAX;
    void *data;
    if (item->present && (by_ref || !item->entries[index]))
        return true; /* its key would lead to another row */
    bool large = !item->present && below(10) == 0, wants_ref = true;
    enum target_status status =
        by_ref ? test.ops->row_insert(test.txn, test.table, large ? PAYLOAD_MAX + 1 : bytes, &ref, &data)
               : test.ops->insert(test.txn, test.indexes[index], key_of(index, i, key), large ? PAYLOAD_MAX + 1 : bytes,
                                  wants_ref ? &ref : NULL, &data);
    if (!answers_write(large ? TARGET_TOO_LARGE : item->present ? TARGET_EXISTS : TARGET_OK, status))
        return false;
    if (status != TARGET_OK)
        return true;
    *item = (struct item){.present = true, .ref = ref, .bytes = bytes};
    item->entries[index] = !by_ref;
    test.entries_changed |= !by_ref;
    write_payload(item, data, true);
    return true;
}

static bool entry_item(unsigned index, unsigned i)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    key_of(index, i, key);
    bool insert = below(2);
    if (!item->present)
        return true;
    enum target_status status = insert ? test.ops->index_insert(test.txn, test.indexes[index], key, item->ref)
                                       : test.ops->index_remove(test.txn, test.indexes[index], key, item->ref);
    enum target_status expected = insert == !item->entries[index] ? TARGET_OK
                                  : insert                        ? TARGET_EXISTS
                                                                  : TARGET_NOT_FOUND;
    if (!answers_write(expected, status))
        return false;
    if (status == TARGET_OK) {
        item->entries[index] = insert;
        test.entries_changed = true;
    }
    return true;
}

/* All entries of an item, but for that of one index. */
static bool remove_entries(unsigned i, unsigned kept)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    for (unsigned index = 0; index < INDEXES && !test.snapshot; index++) {
        if (!item->entries[index] || index == kept)
            continue;
        if (!answers(TARGET_OK,
                     test.ops->index_remove(test.txn, test.indexes[index], key_of(index, i, key), item->ref)))
            return false;
        item->entries[index] = false;
        test.entries_changed = true;
    }
    return true;
}

/* Its entries go first, but for the one by whose key it is erased; of a row that is erased by ref, also after it. */
static bool erase_item(unsigned index, unsigned i, bool by_ref)
{
    struct item *item = &test.items[i];
    char key[KEY_BYTES_MAX];
    bool entries_last = by_ref && below(2);
    if (!entries_last && !remove_entries(i, by_ref || shapes[index].non_unique ? INDEXES : index))
        return false;
    if (by_ref ? !item->present : shapes[index].non_unique)
        return true;
    bool there = by_ref || item->entries[index];
    enum target_status status = by_ref ? test.ops->row_erase(test.txn, test.table, item->ref)
                                       : test.ops->erase(test.txn, test.indexes[index], key_of(index, i, key));
    if (!answers_write(there ? TARGET_OK : TARGET_NOT_FOUND, status))
        return false;
    if (status != TARGET_OK)
        return true;
    if (entries_last && !remove_entries(i, INDEXES))
        return false;
    test.entries_changed = true;
    uint64_t ref = item->ref;
    *item = (struct item){.ref = ref};
    const void *data;
    return answers(TARGET_NOT_FOUND, test.ops->row_read(test.txn, test.table, ref, &data, NULL));
}

static bool find_item(unsigned index, unsigned i)
{
    char key[KEY_BYTES_MAX];
    uint64_t ref;
    unsigned first = shapes[index].non_unique ? i / PER_KEY * PER_KEY : i;
    unsigned last = shapes[index].non_unique ? first + PER_KEY - 1 : i;
    bool there = false, right = false;
    for (unsigned k = first; k <= last; k++)
        there |= test.items[k].entries[index];
    enum target_status status = test.ops->find(test.txn, test.indexes[index], key_of(index, i, key), &ref);
    if (!answers(there ? TARGET_OK : TARGET_NOT_FOUND, status))
        return false;
    for (unsigned k = first; k <= last; k++)
        right |= test.items[k].entries[index] && test.items[k].ref == ref;
    assert_int_equal(there, status == TARGET_OK && right);
    return true;
}

/* ---- Scans. ---- */

struct visit {
    unsigned index, from, to;
    bool backward, seen[ITEMS];
    uint64_t count, limit;
    bool by_visit, retry;
    unsigned last_key;
};

static bool visit_entry(void *arg, const void *key, uint64_t ref)
{
    struct visit *visit = arg;
    char expected[KEY_BYTES_MAX];
    unsigned i = 0;
    while (i < ITEMS && !(test.items[i].entries[visit->index] && test.items[i].ref == ref))
        i++;
    assert_true(i < ITEMS);
    key_of(visit->index, i, expected);
    assert_memory_equal(key, expected, key_size(visit->index, expected));
    unsigned number = shapes[visit->index].non_unique ? i / PER_KEY : i;
    assert_true(number >= visit->from && number <= visit->to && !visit->seen[i]);
    if (visit->count > 0)
        assert_true(visit->backward ? number <= visit->last_key : number >= visit->last_key);
    /* Of a unique index none may be left out on the way. */
    for (unsigned k = visit->count == 0 ? (visit->backward ? visit->to : visit->from) : visit->last_key;
         k != number && !shapes[visit->index].non_unique; k += visit->backward ? -1u : 1u)
        assert_true(k >= ITEMS || !test.items[k].entries[visit->index] || visit->seen[k]);
    visit->seen[i] = true;
    visit->last_key = number;
    visit->count++;
    const void *data;
    size_t bytes;
    enum target_status status = test.ops->row_read(test.txn, test.table, ref, &data, &bytes);
    if (target_status_is_retry(status)) {
        visit->retry = true;
        return false;
    }
    assert_target_ok(status);
    compare_payload(&test.items[i], data, bytes);
    return !visit->by_visit || visit->count < visit->limit;
}

static bool scan_index(unsigned index)
{
    unsigned keys = shapes[index].non_unique ? ITEMS / PER_KEY : ITEMS;
    struct visit visit = {.index = index, .backward = below(2), .limit = below(3) ? 0 : 1 + below(10)};
    char lo[KEY_BYTES_MAX], hi[KEY_BYTES_MAX];
    bool open_lo = below(4) == 0, open_hi = below(4) == 0;
    if (!test.variant->promises.phantom_safe && test.entries_changed)
        return true; /* may not see what the transaction itself has changed */
    visit.from = open_lo ? 0 : (unsigned)below(keys);
    visit.to = open_hi ? keys - 1 : (unsigned)below(keys); /* maybe empty */
    visit.by_visit = visit.limit > 0 && below(2);
    key_make(index, lo, visit.from);
    key_make(index, hi, visit.to);
    enum target_status status = test.ops->scan(test.txn, test.indexes[index], open_lo ? NULL : lo, open_hi ? NULL : hi,
                                               visit.backward ? TARGET_SCAN_BACKWARD : 0,
                                               visit.by_visit ? 0 : visit.limit, visit_entry, &visit);
    if (visit.retry || !answers(TARGET_OK, status))
        return false;
    uint64_t expected = 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned number = shapes[index].non_unique ? i / PER_KEY : i;
        expected += test.items[i].entries[index] && number >= visit.from && number <= visit.to;
    }
    assert_int_equal(visit.count, visit.limit > 0 && visit.limit < expected ? visit.limit : expected);
    return true;
}

static bool visit_row(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    uint64_t *count = arg;
    for (unsigned i = 0; i < ITEMS; i++)
        if (test.items[i].present && test.items[i].ref == ref) {
            compare_payload(&test.items[i], data, bytes);
            ++*count;
            return true;
        }
    fail_msg("a table scan visits row %lu, which is not there", (unsigned long)ref);
    return false;
}

static uint64_t rows_there(void)
{
    uint64_t rows = 0;
    for (unsigned i = 0; i < ITEMS; i++)
        rows += test.items[i].present;
    return rows;
}

static bool scan_table(void)
{
    uint64_t count = 0;
    enum target_status status = test.ops->table_scan(test.txn, test.table, visit_row, &count);
    if (!answers(test.snapshot ? TARGET_OK : TARGET_INVALID, status))
        return false;
    assert_int_equal(count, test.snapshot ? rows_there() : 0);
    return true;
}

/* ---- Transactions. ---- */

static bool run_op(void)
{
    unsigned index = some_index(), i = (unsigned)below(ITEMS);
    bool plain = !shapes[index].non_unique; /* a key leads to one row */
    bool present = test.items[i].present;   /* else its ref may be another's by now */
    char keys[TARGET_PREFETCH_MAX * KEY_BYTES_MAX];
    uint64_t op = below(15);
    snprintf(test.doing, sizeof test.doing, "case %u of run_op, index %u, item %u", (unsigned)op, index, i);
    switch (op) {
    case 0:
        return !plain || read_item(index, i, false);
    case 1:
        return !plain || update_item(index, i, false);
    case 2:
        return !plain || overwrite_item(index, i);
    case 3:
    case 4:
        return !plain || insert_item(index, i, false);
    case 5:
        return !plain || erase_item(index, i, false);
    case 6:
        return !present || read_item(index, i, true);
    case 7:
        return !present || update_item(index, i, true);
    case 8:
        return insert_item(index, i, true);
    case 9:
        return !present || erase_item(index, i, true);
    case 10:
        return entry_item(index, i);
    case 11:
        return find_item(index, i);
    case 12:
        return test.ops->table_scan == NULL || below(4) || scan_table();
    case 13:
        return !plain || apply_item(index, i);
    default:
        if (shapes[index].kind == TARGET_INDEX_ORDERED)
            return scan_index(index);
        for (unsigned k = 0; k < 3; k++)
            key_of(index, (unsigned)below(ITEMS),
                   keys + k * shapes[index].key_bytes); /* hash indexes: of fixed length */
        target_prefetch(test.ops, test.txn, test.indexes[index], keys, 3);
        return true;
    }
}

static void remember_past(void)
{
    struct past *past = &test.pasts[test.past_count++ % PASTS];
    past->place = test.ops->timestamp(test.txn);
    memcpy(past->items, test.items, sizeof past->items);
}

/* A snapshot may be older than the last commits: takes the items from the past. False: too old to tell. */
static bool go_back(void)
{
    if (test.variant->promises.order != TARGET_ORDER_AT_BEGIN)
        return true;
    uint64_t place = test.ops->timestamp(test.txn);
    for (uint64_t i = test.past_count; i-- > 0 && i + PASTS >= test.past_count;)
        if (test.pasts[i % PASTS].place <= place) {
            memcpy(test.items, test.pasts[i % PASTS].items, sizeof test.items);
            return true;
        }
    return false;
}

static bool commit(void)
{
    enum target_status status = test.ops->commit(test.txn);
    if (status == TARGET_OK && !test.snapshot && test.variant->promises.order == TARGET_ORDER_AT_BEGIN)
        remember_past();
    if (status != TARGET_OK)
        assert_true(target_status_is_retry(status));
    return status == TARGET_OK;
}

static void run_txn(void)
{
    bool transactional = target_is_transactional(&test.variant->promises);
    test.snapshot = below(5) == 0;
    test.entries_changed = false;
    memcpy(test.before, test.items, sizeof test.before);
    assert_target_ok(test.ops->begin(test.worker, test.snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &test.txn));
    struct target_txn *second;
    if (below(50) == 0)
        assert_target_status(TARGET_BUSY, test.ops->begin(test.worker, TARGET_READ_WRITE, &second));
    for (unsigned i = 0; i < ITEMS; i++)
        test.items[i].written = false;
    bool good = true;
    for (uint64_t n = !test.snapshot || go_back() ? below(OPS_MAX) : 0; n > 0 && good; n--)
        good = run_op();
    bool commits = good && (!transactional || below(4));
    if (commits)
        good = commit();
    else
        test.ops->abort(test.txn);
    test.commits += commits && good;
    test.retries += !good;
    if (!commits || !good || test.snapshot)
        memcpy(test.items, test.before, sizeof test.items);
}

static void verify(void)
{
    char report[300] = "";
    struct target_space space;
    if (test.ops->verify != NULL && test.ops->verify(test.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s", report);
    if (test.ops->table_space == NULL)
        return;
    test.ops->table_space(test.table, &space);
    assert_int_equal(space.rows, rows_there());
}

static void open_target(const struct conform_variant *variant)
{
    const struct target_table_config table = {.payload_max_bytes = PAYLOAD_MAX};
    memset(&test, 0, sizeof test);
    test.variant = variant;
    test.ops = variant->ops;
    test.random = seed_from_environment();
    test.target = conform_open(variant, test.ops);
    assert_target_ok(test.ops->table_create(test.target, "items", &table, &test.table));
    for (unsigned i = 0; i < INDEXES; i++) {
        const struct target_index_config config = {.kind = shapes[i].kind,
                                                   .key_bytes = shapes[i].key_bytes,
                                                   .non_unique = shapes[i].non_unique,
                                                   .variable = shapes[i].variable};
        char name[] = "index 0";
        name[6] = (char)('0' + i);
        enum target_status status = test.ops->index_create(test.target, test.table, name, &config, &test.indexes[i]);
        if (status == TARGET_UNSUPPORTED)
            test.indexes[i] = NULL;
        else
            assert_target_ok(status);
    }
    assert_target_ok(test.ops->worker_join(test.target, &test.worker));
}

static void run_variant(const struct conform_variant *variant)
{
    open_target(variant);
    for (unsigned i = 0; i < TXNS / WORLD_SLOWNESS; i++) {
        run_txn();
        if (below(50) == 0)
            target_idle(test.ops, test.worker);
        if (below(200) == 0) {
            test.ops->worker_leave(test.worker);
            verify();
            assert_target_ok(test.ops->worker_join(test.target, &test.worker));
        }
    }
    assert_true(test.commits > 10 * test.retries);
    test.ops->worker_leave(test.worker);
    verify();
    assert_target_ok(test.ops->close(test.target));
}

static void target_does_what_an_array_does(void **state)
{
    (void)state;
    conform_each(run_variant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(target_does_what_an_array_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
