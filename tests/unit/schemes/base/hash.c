/*
 * hash.c - the hash index of the schemes, on one thread: against an array, and what notes of its buckets are worth. How
 * to read a failure: run again with the printed MAE_SEED.
 */
#include "schemes/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/notes.h"
#include "tests/support/world.h"

enum { KEYS = 20000, KEY_BYTES_MAX = 64, NO_REF = 0 };

static uint64_t first_seed;

struct model {
    struct hash hash;
    struct mem_budget budget;
    size_t key_bytes;
    uint64_t random;
    uint64_t refs[KEYS]; /* NO_REF: the key is not there */
    uint64_t count;
};

static void encode(const struct model *model, char *bytes, uint64_t number)
{
    memset(bytes, 'k', model->key_bytes);
    memcpy(bytes + model->key_bytes - sizeof number, &number, sizeof number);
}

static struct model *model_open(size_t key_bytes)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    mem_budget_init(&model->budget, 1 << 30, MEM_HUGE_OFF);
    assert_ok(hash_init(&model->hash, &model->budget, key_bytes, 0));
    model->key_bytes = key_bytes;
    model->random = first_seed + key_bytes;
    return model;
}

static bool compare_entry(void *arg, const void *key, uint64_t ref)
{
    struct model *model = arg;
    uint64_t number;
    memcpy(&number, (const char *)key + model->key_bytes - sizeof number, sizeof number);
    assert_true(number < KEYS);
    assert_int_equal(model->refs[number], ref);
    model->count++;
    return true;
}

static void model_verify(struct model *model)
{
    uint64_t expected = 0;
    for (unsigned i = 0; i < KEYS; i++)
        expected += model->refs[i] != NO_REF;
    model->count = 0;
    assert_true(hash_walk(&model->hash, compare_entry, model));
    assert_int_equal(model->count, expected);
}

static void model_close(struct model *model)
{
    model_verify(model);
    hash_fini(&model->hash);
    free(model);
}

static void model_find(struct model *model, uint64_t number)
{
    char key[KEY_BYTES_MAX];
    uint64_t ref = NO_REF, word;
    struct node_seen seen = {NULL, 0};
    encode(model, key, number);
    bool found = hash_find(&model->hash, key, &ref, &seen);
    assert_int_equal(ref, model->refs[number]);
    assert_int_equal(found, ref != NO_REF);
    if (!found)
        assert_int_equal(node_version(seen.node), seen.version);
    if (model->key_bytes != sizeof word)
        return;
    memcpy(&word, key, sizeof word);
    ref = NO_REF;
    assert_int_equal(hash_find_word(&model->hash, word, &ref), found);
    assert_int_equal(ref, model->refs[number]);
    ref = NO_REF;
    assert_int_equal(hash_find_seen(&model->hash, word, &ref, &seen), found);
    assert_int_equal(ref, model->refs[number]);
    if (found)
        assert_int_equal(node_version(seen.node), seen.version);
}

static void model_insert(struct model *model, uint64_t number, uint64_t ref, struct node_changes *changes)
{
    char key[KEY_BYTES_MAX];
    uint64_t there = NO_REF;
    encode(model, key, number);
    enum mae_status status = hash_insert(&model->hash, key, ref, &there, changes);
    assert_int_equal(status, model->refs[number] == NO_REF ? MAE_OK : MAE_EXISTS);
    assert_int_equal(there, model->refs[number]);
    assert_int_equal(changes->count, status == MAE_OK);
    if (status == MAE_OK)
        model->refs[number] = ref;
}

static void model_remove(struct model *model, uint64_t number, struct node_changes *changes)
{
    char key[KEY_BYTES_MAX];
    encode(model, key, number);
    assert_status(MAE_NOT_FOUND, hash_remove(&model->hash, key, UINT64_MAX - 1, changes));
    assert_int_equal(changes->count, 0);
    enum mae_status status = hash_remove(&model->hash, key, model->refs[number], changes);
    assert_int_equal(status, model->refs[number] == NO_REF ? MAE_NOT_FOUND : MAE_OK);
    assert_int_equal(changes->count, status == MAE_OK);
    model->refs[number] = NO_REF;
}

static void hash_says_what_an_array_says(void **state)
{
    (void)state;
    static const size_t lengths[] = {8, 9, 16, 24, 25, 40, 63, 64};
    struct node_changes changes;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct model *model = model_open(lengths[i]);
        uint64_t buckets = hash_bucket_count(&model->hash);
        for (unsigned n = 0; n < 100000 / WORLD_SLOWNESS; n++) {
            uint64_t number = random_below(&model->random, KEYS);
            if (random_below(&model->random, 100) < (n / 25000 % 2 ? 20 : 80))
                model_insert(model, number, 1 + random_below(&model->random, 1000), &changes);
            else
                model_remove(model, number, &changes);
            model_find(model, random_below(&model->random, KEYS));
        }
        assert_true(WORLD_SLOWNESS > 1 || hash_bucket_count(&model->hash) > 4 * buckets); /* it has grown */
        model_close(model);
    }
}

/* After a miss the bucket's version tells every change among its keys, and none that is not told changes a version. */
static void miss_is_protected_by_its_bucket(void **state)
{
    (void)state;
    struct model *model = model_open(8);
    struct node_changes changes;
    unsigned others = 0;
    for (unsigned i = 0; i < 200000 / WORLD_SLOWNESS; i++) {
        uint64_t number = random_below(&model->random, KEYS), other = random_below(&model->random, KEYS), ref;
        struct node_seen seen, now;
        if (random_below(&model->random, 100) < (i / 50000 % 2 ? 20 : 80))
            model_insert(model, other, 1, &changes);
        else
            model_remove(model, other, &changes);
        if (hash_find(&model->hash, &number, &ref, &seen))
            continue;
        uint64_t buckets = hash_bucket_count(&model->hash);
        model_insert(model, number, 1, &changes);
        assert_true(node_version(seen.node) != seen.version);
        assert_ptr_equal(changes.list[0].node, seen.node);
        assert_int_equal(changes.list[0].before, seen.version);
        model_remove(model, number, &changes);
        if (hash_bucket_count(&model->hash) != buckets)
            continue; /* it grew: the key may have moved */
        assert_int_equal(changes.list[0].after, node_version(seen.node));
        assert_false(hash_find(&model->hash, &number, &ref, &seen));
        model_insert(model, other, 1, &changes);
        if (changes.count == 0 || changes.list[0].node == seen.node || hash_bucket_count(&model->hash) != buckets)
            continue;
        assert_int_equal(node_version(seen.node), seen.version);
        assert_false(hash_find(&model->hash, &number, &ref, &now));
        assert_int_equal(now.version, seen.version);
        others++;
    }
    assert_true(others > 0);
    model_close(model);
}

/* A key that is not there keeps its note only while its bucket is the same: growing tells. */
static void growing_invalidates_the_notes_of_keys_that_move(void **state)
{
    (void)state;
    enum { NOTED = 1000 };
    struct model *model = model_open(8);
    struct node_changes changes;
    static struct node_seen seen[NOTED], now;
    uint64_t ref, moved = 0;
    for (uint64_t i = 0; i < NOTED; i++)
        assert_false(hash_find(&model->hash, &(uint64_t){KEYS + i}, &ref, &seen[i]));
    for (uint64_t number = 0; number < KEYS; number++)
        model_insert(model, number, 1, &changes);
    for (uint64_t i = 0; i < NOTED; i++) {
        assert_false(hash_find(&model->hash, &(uint64_t){KEYS + i}, &ref, &now));
        if (now.node == seen[i].node)
            continue;
        moved++;
        assert_true(node_version(seen[i].node) != seen[i].version);
    }
    assert_true(moved > NOTED / 2);
    model_close(model);
}

static void stamps_go_along_when_keys_move(void **state)
{
    (void)state;
    enum { NOTED = 1000 };
    struct model *model = model_open(8);
    struct node_changes changes;
    struct node_seen seen;
    uint64_t ref;
    for (uint64_t i = 0; i < NOTED; i++) {
        assert_false(hash_find(&model->hash, &(uint64_t){KEYS + i}, &ref, &seen));
        atomic_store(&seen.node->stamp, 7);
    }
    for (uint64_t number = 0; number < KEYS; number++)
        model_insert(model, number, 1, &changes);
    for (uint64_t i = 0; i < NOTED; i++) {
        assert_false(hash_find(&model->hash, &(uint64_t){KEYS + i}, &ref, &seen));
        assert_int_equal(atomic_load(&seen.node->stamp), 7);
    }
    model_close(model);
}

static void moving_keys_need_no_more_memory(void **state)
{
    (void)state;
    enum { WINDOW = 500, MOVES = 200000 };
    struct model *model = model_open(8);
    struct node_changes changes;
    uint64_t there, used = 0;
    for (uint64_t key = 0; key < MOVES; key++) {
        assert_ok(hash_insert(&model->hash, &key, key, &there, &changes));
        if (key >= WINDOW)
            assert_ok(hash_remove(&model->hash, &(uint64_t){key - WINDOW}, key - WINDOW, &changes));
        if (key == MOVES / 2)
            used = hash_bucket_count(&model->hash);
    }
    assert_true(hash_bucket_count(&model->hash) <= used + used / 10);
    hash_fini(&model->hash);
    free(model);
}

#ifdef MAE_DEBUG /* requests for memory can be made to fail */
/* Whatever allocation fails, that of an overflow bucket or of growing: nothing is lost, and the index works on. */
static void failed_insert_changes_nothing(void **state)
{
    (void)state;
    struct model *model = model_open(64);
    struct node_changes changes;
    unsigned refused = 0, failed = 0;
    for (uint64_t number = 0; number < KEYS; number++) {
        char key[KEY_BYTES_MAX];
        uint64_t there;
        encode(model, key, number);
        mem_fail_at(1);
        enum mae_status status = hash_insert(&model->hash, key, 1, &there, &changes);
        failed += mem_fail_happened();
        mem_fail_at(0);
        if (status == MAE_OK) {
            model->refs[number] = 1;
            continue;
        }
        assert_status(MAE_NO_MEMORY, status);
        assert_int_equal(changes.count, 0);
        refused++;
        model_verify(model);
        model_insert(model, number, 1, &changes);
    }
    assert_true(refused > 0);
    assert_true(failed > refused); /* growing was refused, too */
    model_close(model);
}
#endif

/* What was found in a bucket while another thread had it locked holds only if that one has changed nothing. */
static void a_hit_holds_while_its_bucket_is_as_it_was(void **state)
{
    (void)state;
    struct model *model = model_open(8);
    struct node_changes changes;
    struct node_seen seen;
    uint64_t ref, version;
    model_insert(model, 1, 10, &changes);
    assert_true(hash_find_seen(&model->hash, 1, &ref, &seen));
    assert_int_equal(ref, 10);
    assert_ok(hash_replace(&model->hash, &(uint64_t){1}, 10, 11, &changes));
    assert_int_not_equal(node_version(seen.node), seen.version);

    assert_true(node_read_begin(seen.node, &version));
    assert_true(node_try_lock(seen.node, version));
    assert_true(hash_find_seen(&model->hash, 1, &ref, &seen));
    assert_int_not_equal(node_version(seen.node), seen.version);
    node_unlock_unchanged(seen.node, version);
    assert_int_equal(node_version(seen.node), seen.version);

    assert_true(node_try_lock(seen.node, version));
    assert_true(hash_find_seen(&model->hash, 1, &ref, &seen));
    node_unlock(seen.node, version);
    assert_int_not_equal(node_version(seen.node), seen.version);
    model->refs[1] = 11;
    model_close(model);
}

/* At the limit the index stops growing, but not working. */
static void at_the_limit_chains_are_longer(void **state)
{
    (void)state;
    struct model *model = model_open(8);
    struct node_changes changes;
    uint64_t number = 0;
    model->budget.limit_bytes = atomic_load(&model->budget.committed_bytes) + MEM_CHUNK_BYTES; /* of overflow buckets */
    enum mae_status status = MAE_OK;
    for (; status == MAE_OK; number++) {
        uint64_t there;
        status = hash_insert(&model->hash, &number, number, &there, &changes);
    }
    assert_status(MAE_NO_MEMORY, status);
    for (uint64_t i = 0; i < number - 1; i++) {
        uint64_t ref;
        assert_true(hash_find_word(&model->hash, i, &ref));
        assert_int_equal(ref, i);
    }
    assert_ok(hash_remove(&model->hash, &(uint64_t){number - 2}, number - 2, &changes));
    hash_fini(&model->hash);
    free(model);
}

static void failed_init_leaves_nothing(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct hash hash;
    mem_budget_init(&budget, MEM_CHUNK_BYTES / 2, MEM_HUGE_OFF);
    assert_status(MAE_NO_MEMORY, hash_init(&hash, &budget, 8, 0));
    assert_int_equal(atomic_load(&budget.committed_bytes), 0);
}

static void expected_keys_need_no_growing(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct hash hash;
    struct node_changes changes;
    uint64_t there;
    mem_budget_init(&budget, 1 << 30, MEM_HUGE_OFF);
    assert_ok(hash_init(&hash, &budget, 8, KEYS));
    uint64_t buckets = atomic_load(&hash.bucket_count);
    assert_true(buckets >= KEYS / 10 * 8);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_ok(hash_insert(&hash, &key, key, &there, &changes));
    assert_int_equal(atomic_load(&hash.bucket_count), buckets);
    hash_fini(&hash);
}

int main(void)
{
    first_seed = seed_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_says_what_an_array_says),
        cmocka_unit_test(miss_is_protected_by_its_bucket),
        cmocka_unit_test(growing_invalidates_the_notes_of_keys_that_move),
        cmocka_unit_test(stamps_go_along_when_keys_move),
        cmocka_unit_test(moving_keys_need_no_more_memory),
#ifdef MAE_DEBUG
        cmocka_unit_test(failed_insert_changes_nothing),
#endif
        cmocka_unit_test(a_hit_holds_while_its_bucket_is_as_it_was),
        cmocka_unit_test(at_the_limit_chains_are_longer),
        cmocka_unit_test(failed_init_leaves_nothing),
        cmocka_unit_test(expected_keys_need_no_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
