/* external.c - what the program knows of external databases without their libraries, and which of them it loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "harness/targets/targets.h"

enum { WHY_BYTES = 256, VALUES_MAX = 64 };

static const struct target_ops *external_at(size_t i)
{
    const struct target_ops *target;
    for (size_t at = 0; (target = target_at(at)) != NULL; at++)
        if (external_is(target) && i-- == 0)
            return target;
    return NULL;
}

/* One vocabulary: the folder and the durability have the same names in all of them. */
static void all_have_the_common_settings(void **state)
{
    (void)state;
    const struct target_ops *target;
    for (size_t i = 0; (target = external_at(i)) != NULL; i++) {
        assert_non_null(target->options[option_find(target->options, "dir")].name);
        assert_non_null(target->options[option_find(target->options, "durability")].name);
        assert_non_null(target->promises.note);
        assert_null(target->open);
    }
}

/* The promise of durability is what the setting says, word by word. */
static void durability_is_promised_as_it_is_set(void **state)
{
    (void)state;
    static const char *const words[] = {"off", "async", "group", "sync"};
    static const enum target_durability promised[] = {TARGET_DURABILITY_OFF, TARGET_DURABILITY_ASYNC,
                                                      TARGET_DURABILITY_GROUP, TARGET_DURABILITY_SYNC};
    const struct target_ops *target;
    char why[WHY_BYTES];
    for (size_t i = 0; (target = external_at(i)) != NULL; i++) {
        unsigned taken = 0;
        for (size_t word = 0; word < sizeof words / sizeof words[0]; word++) {
            uint64_t values[VALUES_MAX] = {0};
            assert_true(option_values_init(target->options, values, why, sizeof why));
            if (option_set(target->options, option_find(target->options, "durability"), words[word], values, why,
                           sizeof why)) {
                assert_int_equal(target->promises_with(values).durability, promised[word]);
                taken++;
            }
            option_values_clear(target->options, values);
        }
        assert_true(taken >= 2); /* off, and one that is not */
    }
}

static void what_is_in_the_program_is_not_loaded(void **state)
{
    (void)state;
    const struct target_ops *native = target_by_name("native");
    char why[WHY_BYTES];
    assert_false(external_is(native));
    assert_true(external_is_there(native, why, sizeof why));
    assert_ptr_equal(external_load(native, why, sizeof why), native);
}

/* With its calls where it was built, else with the remedy. */
static void external_one_is_loaded_once_or_explained(void **state)
{
    (void)state;
    const struct target_ops *target;
    for (size_t i = 0; (target = external_at(i)) != NULL; i++) {
        char why[WHY_BYTES] = "";
        bool can_run = external_is_there(target, why, sizeof why);
        const struct target_ops *loaded = external_load(target, why, sizeof why);
        assert_true(loaded != NULL || !can_run); /* without its server it can be loaded, too */
        if (!can_run) {
            assert_true(strstr(why, "apt install") != NULL || strstr(why, "MODE=") != NULL);
            continue;
        }
        assert_non_null(loaded->open);
        assert_string_equal(loaded->name, target->name);
        assert_true(external_is(loaded));
        assert_ptr_equal(external_load(target, why, sizeof why), loaded);
        assert_ptr_equal(external_load(loaded, why, sizeof why), loaded);
    }
}

static enum target_status insert(const struct target_ops *ops, struct target_worker *worker, struct target_index *index,
                                 uint64_t key, uint64_t *ref)
{
    struct target_txn *txn;
    void *data;
    assert_int_equal(ops->begin(worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    enum target_status status = ops->insert(txn, index, &key, sizeof key, ref, &data);
    if (status == TARGET_OK)
        memcpy(data, &key, sizeof key);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    return status;
}

/* The first rows get the refs 2^63 and 2^63 + 1, and here these are their keys, too. */
static void keys_that_are_refs_of_loose_rows_lead_to_them(const struct target_ops *ops, struct target *target)
{
    const struct target_table_config rows = {.payload_max_bytes = sizeof(uint64_t)};
    const struct target_index_config keys = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    struct target_table *table;
    struct target_index *index;
    struct target_worker *worker;
    struct target_txn *txn;
    assert_int_equal(ops->table_create(target, "rows", &rows, &table), TARGET_OK);
    assert_int_equal(ops->index_create(target, table, "keys", &keys, &index), TARGET_OK);
    assert_int_equal(ops->worker_join(target, &worker), TARGET_OK);
    for (uint64_t key = UINT64_C(1) << 63, ref; key < (UINT64_C(1) << 63) + 2; key++) {
        const void *data;
        assert_int_equal(insert(ops, worker, index, key, &ref), TARGET_OK);
        assert_int_equal(insert(ops, worker, index, key, &ref), TARGET_EXISTS);
        assert_int_equal(ops->begin(worker, TARGET_READ_WRITE, &txn), TARGET_OK);
        assert_int_equal(ops->read(txn, index, &key, &data, NULL), TARGET_OK);
        assert_memory_equal(data, &key, sizeof key);
        assert_int_equal(ops->erase(txn, index, &key), TARGET_OK);
        assert_int_equal(ops->read(txn, index, &key, &data, NULL), TARGET_NOT_FOUND);
        assert_int_equal(ops->commit(txn), TARGET_OK);
    }
    ops->worker_leave(worker);
}

static void high_keys_lead_to_their_rows(void **state)
{
    (void)state;
    const struct target_ops *target, *loaded;
    for (size_t i = 0; (target = external_at(i)) != NULL; i++) {
        uint64_t values[VALUES_MAX] = {0};
        struct target *opened;
        char why[WHY_BYTES] = "";
        if (!external_is_there(target, why, sizeof why))
            continue;
        loaded = external_load(target, why, sizeof why);
        assert_true(option_values_init(target->options, values, why, sizeof why));
        assert_int_equal(loaded->open(loaded, values, &opened, why, sizeof why), TARGET_OK);
        keys_that_are_refs_of_loose_rows_lead_to_them(loaded, opened);
        assert_int_equal(loaded->close(opened), TARGET_OK);
        option_values_clear(target->options, values);
    }
}

/* Opens a table with an index of two words for two workers. */
static void open_for_two(const struct target_ops *ops, struct target *target, struct target_index **index,
                         struct target_worker *workers[2])
{
    const struct target_table_config rows = {.payload_max_bytes = sizeof(uint64_t)};
    const struct target_index_config keys = {.kind = TARGET_INDEX_HASH, .key_bytes = 2 * sizeof(uint64_t)};
    struct target_table *table;
    assert_int_equal(ops->table_create(target, "rows", &rows, &table), TARGET_OK);
    assert_int_equal(ops->index_create(target, table, "keys", &keys, index), TARGET_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ops->worker_join(target, &workers[i]), TARGET_OK);
}

/* The answers about announced keys come together. Between them and the second key's insert another one adds that. */
static void a_key_that_exists_can_be_read(const struct target_ops *ops, struct target *target)
{
    const uint64_t keys[2][2] = {{1, 1}, {2, 2}};
    struct target_index *index;
    struct target_worker *workers[2];
    struct target_txn *txn, *other;
    const void *read;
    void *data;
    open_for_two(ops, target, &index, workers);
    assert_int_equal(ops->begin(workers[0], TARGET_READ_WRITE, &txn), TARGET_OK);
    target_prefetch(ops, txn, index, keys, 2);
    assert_int_equal(ops->read(txn, index, keys[0], &read, NULL), TARGET_NOT_FOUND);
    assert_int_equal(ops->begin(workers[1], TARGET_READ_WRITE, &other), TARGET_OK);
    assert_int_equal(ops->insert(other, index, keys[1], sizeof(uint64_t), NULL, &data), TARGET_OK);
    assert_int_equal(ops->commit(other), TARGET_OK);
    assert_int_equal(ops->insert(txn, index, keys[1], sizeof(uint64_t), NULL, &data), TARGET_EXISTS);
    assert_int_equal(ops->read(txn, index, keys[1], &read, NULL), TARGET_OK);
    ops->abort(txn);
    for (unsigned i = 0; i < 2; i++)
        ops->worker_leave(workers[i]);
}

static void read_committed_reads_what_an_insert_has_met(void **state)
{
    (void)state;
    const struct target_ops *target = target_by_name("postgresql"), *loaded;
    uint64_t values[VALUES_MAX] = {0};
    struct target *opened;
    char why[WHY_BYTES] = "";
    if (!external_is_there(target, why, sizeof why))
        skip();
    loaded = external_load(target, why, sizeof why);
    assert_true(option_values_init(target->options, values, why, sizeof why));
    assert_true(option_set(target->options, option_find(target->options, "isolation"), "read_committed", values, why,
                           sizeof why));
    assert_int_equal(loaded->open(loaded, values, &opened, why, sizeof why), TARGET_OK);
    a_key_that_exists_can_be_read(loaded, opened);
    assert_int_equal(loaded->close(opened), TARGET_OK);
    option_values_clear(target->options, values);
}

/* A folder in memory is refused to who wants durability, and is not left behind. */
static void a_folder_in_memory_is_not_left(void **state)
{
    (void)state;
    const struct target_ops *target, *loaded;
    char why[WHY_BYTES] = "", folder[64];
    (void)snprintf(folder, sizeof folder, "/dev/shm/maemio-external-%ld", (long)getpid());
    if (file_calls_system.is_lasting("/dev/shm") != 0)
        skip();
    for (size_t i = 0; (target = external_at(i)) != NULL; i++) {
        uint64_t values[VALUES_MAX] = {0};
        struct target *opened;
        if (!external_is_there(target, why, sizeof why))
            continue;
        loaded = external_load(target, why, sizeof why);
        assert_true(option_values_init(target->options, values, why, sizeof why));
        assert_true(option_set(target->options, option_find(target->options, "dir"), folder, values, why, sizeof why));
        assert_true(
            option_set(target->options, option_find(target->options, "durability"), "async", values, why, sizeof why));
        assert_int_equal(loaded->open(loaded, values, &opened, why, sizeof why), TARGET_INVALID);
        assert_non_null(strstr(why, "in memory"));
        assert_int_not_equal(access(folder, F_OK), 0);
        option_values_clear(target->options, values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_the_common_settings),
        cmocka_unit_test(durability_is_promised_as_it_is_set),
        cmocka_unit_test(what_is_in_the_program_is_not_loaded),
        cmocka_unit_test(external_one_is_loaded_once_or_explained),
        cmocka_unit_test(high_keys_lead_to_their_rows),
        cmocka_unit_test(read_committed_reads_what_an_insert_has_met),
        cmocka_unit_test(a_folder_in_memory_is_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
