/*
 * tree_simple.c - the simple ordered index. On one thread it is compared with an array. On several threads, keys that
 * stay must always be found, and the counts of the others must add up. How to read a failure: run again with the
 * printed MAE_SEED.
 */
#include "engine/index/tree_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEYS = 3000, ROWS = 4 };

static uint64_t first_seed;

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void encode(size_t key_bytes, char *bytes, uint64_t number)
{
    if (key_bytes == sizeof(number)) {
        memcpy(bytes, &number, sizeof(number));
        return;
    }
    memset(bytes, 'k', key_bytes);
    for (size_t i = 0; i < sizeof(number); i++)
        bytes[key_bytes - 1 - i] = (char)(number >> (8 * i));
}

static uint64_t decode(size_t key_bytes, const void *key)
{
    uint64_t number = 0;
    if (key_bytes == sizeof(number)) {
        memcpy(&number, key, sizeof(number));
        return number;
    }
    for (size_t i = key_bytes - sizeof(number); i < key_bytes; i++)
        number = number << 8 | ((const unsigned char *)key)[i];
    return number;
}

static uint64_t verify(const struct tree_simple *index, uint64_t *nodes)
{
    char report[200] = "";
    uint64_t entries;
    if (tree_simple_verify(index, &entries, nodes, report, sizeof(report)) != MAE_OK)
        fail_msg("%s", report);
    return entries;
}

/* ---- Against an array. ---- */

struct expectation {
    size_t key_bytes;
    bool (*present)[ROWS];
    uint64_t next; /* key * ROWS + row */
    uint64_t seen;
    bool backward, wrong;
};

static bool compare_entry(void *arg, const void *key, uint64_t row)
{
    struct expectation *const expected = arg;
    while (expected->next < KEYS * ROWS && !expected->present[expected->next / ROWS][expected->next % ROWS])
        expected->next += expected->backward ? UINT64_MAX : 1;
    expected->wrong |= decode(expected->key_bytes, key) * ROWS + row != expected->next;
    expected->next += expected->backward ? UINT64_MAX : 1;
    expected->seen++;
    return !expected->wrong;
}

static uint64_t count_present(bool (*present)[ROWS], uint64_t lo, uint64_t hi)
{
    uint64_t count = 0;
    for (uint64_t key = lo; key <= hi && key < KEYS; key++)
        for (unsigned row = 0; row < ROWS; row++)
            count += present[key][row];
    return count;
}

/* Finds a key, then inserts or removes it: in the index and in the array. */
static void change(struct tree_simple *index, struct tree_deferred *deferred, bool (*present)[ROWS], size_t key_bytes,
                   bool non_unique, unsigned inserts_percent, uint64_t *random)
{
    const uint64_t number = random_next(random) % KEYS;
    const uint64_t row = non_unique ? random_next(random) % ROWS : number % ROWS;
    char key[MAE_KEY_MAX_BYTES];
    encode(key_bytes, key, number);
    uint64_t found = UINT64_MAX, smallest = 0;
    while (smallest < ROWS && !present[number][smallest])
        smallest++;
    assert_int_equal(tree_simple_find(index, deferred, key, &found), smallest < ROWS ? MAE_OK : MAE_NOT_FOUND);
    if (smallest < ROWS)
        assert_int_equal(found, smallest);
    if (random_next(random) % 100 < (inserts_percent)) {
        assert_int_equal(tree_simple_insert(index, deferred, key, row), present[number][row] ? MAE_EXISTS : MAE_OK);
        present[number][row] = true;
    } else {
        assert_int_equal(tree_simple_remove(index, deferred, key, row), present[number][row] ? MAE_OK : MAE_NOT_FOUND);
        present[number][row] = false;
    }
}

static void run(size_t key_bytes, bool non_unique)
{
    struct mem_budget budget;
    struct tree_simple index;
    struct tree_deferred deferred = {0};
    bool(*const present)[ROWS] = calloc(KEYS, sizeof(*present));
    bool(*const before)[ROWS] = calloc(KEYS, sizeof(*before));
    uint64_t random = first_seed + key_bytes, nodes, most = 0;
    assert_non_null(present);
    assert_non_null(before);
    mem_budget_init(&budget, 1 << 30, MEM_HUGE_OFF);
    assert_int_equal(tree_simple_init(&index, &budget, key_bytes, non_unique), MAE_OK);
    for (unsigned i = 0; i < 6000; i++) {
        /* `present` is what the transaction sees, `before` what is in the tree until it commits. */
        memcpy(before, present, KEYS * sizeof(*present));
        for (uint64_t n = random_next(&random) % 8; n > 0; n--)
            change(&index, &deferred, present, key_bytes, non_unique, i / 1500 % 2 ? 20 : 80, &random);
        const uint64_t lo = random_next(&random) % KEYS, hi = lo + random_next(&random) % 200;
        char lo_key[MAE_KEY_MAX_BYTES], hi_key[MAE_KEY_MAX_BYTES];
        encode(key_bytes, lo_key, lo);
        encode(key_bytes, hi_key, hi);
        struct expectation expected = {.key_bytes = key_bytes, .present = before, .backward = random_next(&random) % 2};
        expected.next = expected.backward ? (hi < KEYS ? hi : KEYS - 1) * ROWS + ROWS - 1 : lo * ROWS;
        const uint64_t limit = random_next(&random) % 3 == 0 ? 1 + random_next(&random) % 30 : 0;
        uint64_t visits = count_present(before, lo, hi);
        if (limit > 0 && visits > limit)
            visits = limit;
        tree_simple_scan(&index, NULL, lo_key, hi_key, expected.backward ? MAE_SCAN_BACKWARD : 0, limit, compare_entry,
                         &expected);
        assert_false(expected.wrong);
        assert_int_equal(expected.seen, visits);
        if (random_next(&random) % 5 == 0) {
            tree_deferred_discard(&deferred);
            memcpy(present, before, KEYS * sizeof(*present));
        } else {
            tree_deferred_apply(&deferred);
        }
        if (i % 64 == 0) {
            assert_int_equal(verify(&index, &nodes), count_present(present, 0, KEYS));
            most = nodes > most ? nodes : most;
        }
    }
    assert_true(most > 20);
    for (unsigned backward = 0; backward < 2; backward++) {
        struct expectation all = {.key_bytes = key_bytes, .present = present, .backward = backward};
        all.next = backward ? KEYS * ROWS - 1 : 0;
        tree_simple_scan(&index, NULL, NULL, NULL, backward ? MAE_SCAN_BACKWARD : 0, 0, compare_entry, &all);
        assert_false(all.wrong);
        assert_int_equal(all.seen, count_present(present, 0, KEYS));
    }
    tree_deferred_fini(&deferred);
    tree_simple_fini(&index);
    free(present);
    free(before);
}

static void agrees_with_an_array(void **state)
{
    (void)state;
    run(8, false);
    run(8, true);
    run(13, false);
    run(24, true);
    run(64, true);
}

/* A removal applied before the insert it belongs behind cancels out. */
static void changes_of_a_pair_may_come_in_the_wrong_order(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct tree_simple index;
    struct tree_deferred first = {0}, second = {0};
    const uint64_t key = 7;
    uint64_t row, nodes;
    mem_budget_init(&budget, 1 << 30, MEM_HUGE_OFF);
    assert_int_equal(tree_simple_init(&index, &budget, 8, false), MAE_OK);
    assert_int_equal(tree_simple_insert(&index, &first, &key, 1), MAE_OK);
    tree_deferred_apply(&first);
    /* One transaction removes it; the next, which sees it gone already, adds it again; a third removes that. */
    assert_int_equal(tree_simple_remove(&index, &first, &key, 1), MAE_OK);
    assert_int_equal(tree_simple_remove(&index, &second, &key, 1), MAE_OK);
    tree_deferred_apply(&first);
    tree_deferred_apply(&second);
    assert_int_equal(tree_simple_find(&index, NULL, &key, &row), MAE_NOT_FOUND);
    char report[200] = ""; /* at rest that is no state to be left */
    uint64_t entries;
    assert_int_equal(tree_simple_verify(&index, &entries, &nodes, report, sizeof(report)), MAE_CORRUPT);
    assert_non_null(strstr(report, "removed more often than inserted"));
    assert_int_equal(tree_simple_insert(&index, &first, &key, 1), MAE_OK);
    tree_deferred_apply(&first);
    assert_int_equal(verify(&index, &nodes), 0);
    assert_int_equal(tree_simple_find(&index, NULL, &key, &row), MAE_NOT_FOUND);
    assert_int_equal(tree_simple_insert(&index, &first, &key, 1), MAE_OK);
    tree_deferred_apply(&first);
    assert_int_equal(tree_simple_find(&index, NULL, &key, &row), MAE_OK);
    tree_deferred_fini(&first);
    tree_deferred_fini(&second);
    tree_simple_fini(&index);
}

static void a_queue_keeps_few_nodes(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct tree_simple index;
    struct tree_deferred deferred = {0};
    uint64_t nodes;
    mem_budget_init(&budget, 1 << 30, MEM_HUGE_OFF);
    assert_int_equal(tree_simple_init(&index, &budget, 8, false), MAE_OK);
    for (uint64_t i = 0; i < 100000; i++) {
        const uint64_t front = i - 500;
        assert_int_equal(tree_simple_insert(&index, &deferred, &i, i), MAE_OK);
        if (i >= 500)
            assert_int_equal(tree_simple_remove(&index, &deferred, &front, front), MAE_OK);
        tree_deferred_apply(&deferred);
    }
    assert_int_equal(verify(&index, &nodes), 500);
    assert_true(nodes < 30);
    assert_true(index.used < 100); /* nodes taken out are used again */
    tree_deferred_fini(&deferred);
    tree_simple_fini(&index);
}

static void without_memory_the_change_is_refused(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct tree_simple index;
    struct tree_deferred deferred = {0};
    mem_budget_init(&budget, 2 * MEM_CHUNK_BYTES, MEM_HUGE_OFF);
    assert_int_equal(tree_simple_init(&index, &budget, 64, false), MAE_OK);
    uint64_t inserted = 0, entries, nodes;
    enum mae_status status = MAE_OK;
    for (uint64_t i = 0; status == MAE_OK; i++) {
        char key[64];
        encode(sizeof(key), key, i);
        status = tree_simple_insert(&index, &deferred, key, i);
        inserted += status == MAE_OK;
        if (i % 5 == 4)
            tree_deferred_apply(&deferred);
    }
    assert_int_equal(status, MAE_NO_MEMORY);
    tree_deferred_apply(&deferred);
    entries = verify(&index, &nodes);
    assert_int_equal(entries, inserted);
    assert_true(entries > 10000);
    tree_deferred_fini(&deferred);
    tree_simple_fini(&index);
}

/*
 * ---- On several threads. Keys that are multiples of STAY are there from the beginning; a thread adds and removes
 * keys of its own beside them, while others look. ----
 */

enum { THREADS = 4, STAY = 16, ROUNDS = 60000 };

struct actor {
    struct tree_simple *index;
    unsigned number;
    uint64_t random;
    bool own[KEYS];
    uint64_t left, wrong, scanned;
};

struct watch {
    struct actor *actor;
    uint64_t last, staying;
    bool any, backward;
};

static bool watch_entry(void *arg, const void *key, uint64_t row)
{
    struct watch *const watch = arg;
    const uint64_t number = *(const uint64_t *)key;
    if (row != number || (watch->any && (watch->backward ? number >= watch->last : number <= watch->last)))
        watch->actor->wrong++;
    watch->last = number;
    watch->any = true;
    watch->staying += number % STAY == 0;
    watch->actor->scanned++;
    return true;
}

static void *act(void *arg)
{
    struct actor *const actor = arg;
    struct tree_deferred deferred = {0};
    uint64_t front = 0, back = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t what = random_next(&actor->random) % 16;
        if (what == 0) {
            const uint64_t lo = random_next(&actor->random) % KEYS / STAY * STAY;
            const uint64_t hi = lo + STAY * (random_next(&actor->random) % 20);
            struct watch watch = {.actor = actor, .backward = random_next(&actor->random) % 2};
            tree_simple_scan(actor->index, NULL, &lo, &hi, watch.backward ? MAE_SCAN_BACKWARD : 0, 0, watch_entry,
                             &watch);
            const uint64_t end = hi < KEYS ? hi : (KEYS - 1) / STAY * STAY;
            actor->wrong += watch.staying != (end - lo) / STAY + 1;
            continue;
        }
        /* Half at random, half as a queue that runs around. */
        uint64_t slot = random_next(&actor->random) % (KEYS / STAY);
        if (what % 2 == 0)
            slot = back - front < 40 ? back++ % (KEYS / STAY) : front++ % (KEYS / STAY);
        const uint64_t key = slot * STAY + 1 + actor->number;
        bool *const own = &actor->own[slot];
        const enum mae_status status = *own ? tree_simple_remove(actor->index, &deferred, &key, key)
                                            : tree_simple_insert(actor->index, &deferred, &key, key);
        actor->wrong += status != MAE_OK;
        *own = !*own;
        tree_deferred_apply(&deferred);
        uint64_t row;
        actor->wrong += tree_simple_find(actor->index, NULL, &key, &row) != (*own ? MAE_OK : MAE_NOT_FOUND);
    }
    for (unsigned i = 0; i < KEYS; i++)
        actor->left += actor->own[i];
    tree_deferred_fini(&deferred);
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct tree_simple index;
    struct tree_deferred deferred = {0};
    static struct actor actors[THREADS];
    pthread_t ids[THREADS];
    uint64_t expected = 0, nodes;
    mem_budget_init(&budget, 1 << 30, MEM_HUGE_OFF);
    assert_int_equal(tree_simple_init(&index, &budget, 8, false), MAE_OK);
    for (uint64_t key = 0; key < KEYS; key += STAY, expected++)
        assert_int_equal(tree_simple_insert(&index, &deferred, &key, key), MAE_OK);
    tree_deferred_apply(&deferred);
    for (unsigned i = 0; i < THREADS; i++) {
        actors[i] = (struct actor){.index = &index, .number = i, .random = first_seed * 100 + i};
        assert_int_equal(pthread_create(&ids[i], NULL, act, &actors[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(actors[i].wrong, 0);
        assert_true(actors[i].scanned > ROUNDS / 16);
        expected += actors[i].left;
    }
    assert_int_equal(verify(&index, &nodes), expected);
    assert_int_equal(atomic_load(&index.reserved), 0);
    tree_deferred_fini(&deferred);
    tree_simple_fini(&index);
}

int main(void)
{
    const char *const text = getenv("MAE_SEED");
    first_seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    printf("seed %llu (MAE_SEED)\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(changes_of_a_pair_may_come_in_the_wrong_order),
        cmocka_unit_test(a_queue_keeps_few_nodes),
        cmocka_unit_test(without_memory_the_change_is_refused),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
