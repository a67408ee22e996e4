/*
 * tree.c - the ordered index of the schemes, on one thread: against an array, and what notes of its leaves are worth.
 * How to read a failure: run again with the printed MAE_SEED.
 */
#include "schemes/base/tree.h"

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

enum { KEYS = 1500, REFS = 4, KEY_BYTES_MAX = 64 };

static uint64_t first_seed;

/* ---- Keys that sort as their numbers. ---- */

static void encode(size_t key_bytes, char *bytes, uint64_t number)
{
    if (key_bytes == sizeof number) {
        memcpy(bytes, &number, sizeof number);
        return;
    }
    memset(bytes, 'k', key_bytes);
    for (size_t i = 0; i < sizeof number; i++)
        bytes[key_bytes - 1 - i] = (char)(number >> (8 * i));
}

static uint64_t decode(size_t key_bytes, const void *key)
{
    uint64_t number = 0;
    if (key_bytes == sizeof number) {
        memcpy(&number, key, sizeof number);
        return number;
    }
    for (size_t i = key_bytes - sizeof number; i < key_bytes; i++)
        number = number << 8 | ((const unsigned char *)key)[i];
    return number;
}

/* ---- A tree and an array that should say the same. ---- */

struct model {
    struct tree tree;
    struct mem_budget budget;
    size_t key_bytes;
    bool non_unique;
    uint64_t random;
    bool present[KEYS][REFS];
};

static struct model *model_open(size_t key_bytes, bool non_unique, index_join_fn join)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    mem_budget_init(&model->budget, 1 << 30, MEM_HUGE_OFF);
    assert_ok(tree_init(&model->tree, &model->budget, key_bytes, non_unique, join));
    model->key_bytes = key_bytes;
    model->non_unique = non_unique;
    model->random = first_seed + key_bytes * 2 + non_unique;
    return model;
}

static uint64_t model_verify(const struct model *model, uint64_t *nodes)
{
    char report[200] = "";
    uint64_t entries, expected = 0;
    if (tree_verify(&model->tree, &entries, nodes, report, sizeof report) != MAE_OK)
        fail_msg("%s", report);
    for (unsigned i = 0; i < KEYS * REFS; i++)
        expected += model->present[i / REFS][i % REFS];
    assert_int_equal(entries, expected);
    return entries;
}

static void model_close(struct model *model)
{
    uint64_t nodes;
    model_verify(model, &nodes);
    tree_fini(&model->tree);
    free(model);
}

/* The ref of a key that may be there: one for each key in a unique tree. */
static uint64_t some_ref(struct model *model, uint64_t number)
{
    return model->non_unique ? random_below(&model->random, REFS) : number % REFS;
}

static void model_insert(struct model *model, uint64_t number, uint64_t ref, struct node_changes *changes)
{
    char key[KEY_BYTES_MAX];
    uint64_t there = UINT64_MAX;
    encode(model->key_bytes, key, number);
    enum mae_status status = tree_insert(&model->tree, key, ref, &there, changes);
    if (model->present[number][ref]) {
        assert_status(MAE_EXISTS, status);
        assert_int_equal(there, ref);
        assert_int_equal(changes->count, 0);
    } else {
        assert_ok(status);
        assert_true(changes->count > 0);
    }
    model->present[number][ref] = true;
}

static void model_remove(struct model *model, uint64_t number, uint64_t ref, struct node_changes *changes)
{
    char key[KEY_BYTES_MAX];
    encode(model->key_bytes, key, number);
    assert_status(MAE_NOT_FOUND, tree_remove(&model->tree, key, REFS + 1, changes));
    assert_int_equal(changes->count, 0);
    enum mae_status status = tree_remove(&model->tree, key, ref, changes);
    assert_int_equal(status, model->present[number][ref] ? MAE_OK : MAE_NOT_FOUND);
    assert_int_equal(changes->count > 0, model->present[number][ref]);
    model->present[number][ref] = false;
}

/* One random change of a key in [lo, hi]. */
static void model_change(struct model *model, uint64_t lo, uint64_t hi, unsigned inserts_percent,
                         struct node_changes *changes)
{
    uint64_t number = lo + random_below(&model->random, hi - lo + 1), ref = some_ref(model, number);
    if (random_below(&model->random, 100) < inserts_percent)
        model_insert(model, number, ref, changes);
    else
        model_remove(model, number, ref, changes);
}

static void model_find(struct model *model, uint64_t number)
{
    char key[KEY_BYTES_MAX];
    uint64_t ref = UINT64_MAX;
    struct node_seen seen = {NULL, 0};
    encode(model->key_bytes, key, number);
    bool found = tree_find(&model->tree, key, &ref, &seen);
    assert_int_equal(found, model->present[number][number % REFS]);
    if (found)
        assert_int_equal(ref, number % REFS);
    else
        assert_int_equal(node_version(seen.node), seen.version);
}

/* ---- Scans. ---- */

struct expectation {
    const struct model *model;
    uint64_t lo, hi, next; /* key * REFS + ref; beyond the array: nothing more */
    uint64_t seen, limit;
    bool backward;
    unsigned leaves;
    struct notes *notes; /* or NULL */
};

/* Moves to the next entry that the array has, from `next` on. */
static void expect_next(struct expectation *expected)
{
    while (expected->next / REFS >= expected->lo && expected->next / REFS <= expected->hi &&
           !expected->model->present[expected->next / REFS][expected->next % REFS])
        expected->next += expected->backward ? UINT64_MAX : 1;
}

static bool compare_entry(void *arg, const void *key, uint64_t ref)
{
    struct expectation *expected = arg;
    expect_next(expected);
    assert_int_equal(decode(expected->model->key_bytes, key) * REFS + ref, expected->next);
    assert_true(expected->leaves > 0);
    expected->next += expected->backward ? UINT64_MAX : 1;
    return ++expected->seen != expected->limit;
}

static bool count_leaf(void *arg, struct node_seen seen)
{
    struct expectation *expected = arg;
    assert_int_equal(node_version(seen.node), seen.version);
    expected->leaves++;
    if (expected->notes)
        notes_add(expected->notes, seen);
    return true;
}

static void model_scan(struct model *model, uint64_t lo, uint64_t hi, bool backward, uint64_t limit,
                       struct notes *notes)
{
    char lo_key[KEY_BYTES_MAX], hi_key[KEY_BYTES_MAX];
    struct expectation expected = {
        .model = model, .lo = lo, .hi = hi, .limit = limit, .backward = backward, .notes = notes};
    encode(model->key_bytes, lo_key, lo);
    encode(model->key_bytes, hi_key, hi);
    expected.next = backward ? hi * REFS + REFS - 1 : lo * REFS;
    bool open_lo = lo == 0 && random_below(&model->random, 2),
         open_hi = hi == KEYS - 1 && random_below(&model->random, 2);
    tree_scan(&model->tree, open_lo ? NULL : lo_key, open_hi ? NULL : hi_key, backward ? TREE_BACKWARD : 0,
              compare_entry, count_leaf, &expected);
    if (expected.seen == limit && limit > 0)
        return;
    expect_next(&expected);
    assert_true(expected.next / REFS < lo || expected.next / REFS > hi);
    assert_true(expected.leaves > 0);
}

/* Of inserts among changes: now and then all or none, so that leaves become full and empty. */
static unsigned some_percent(struct model *model)
{
    static const unsigned percents[] = {0, 0, 20, 50, 80, 100};
    return percents[random_below(&model->random, sizeof percents / sizeof percents[0])];
}

static void some_range(struct model *model, uint64_t most, uint64_t *lo, uint64_t *hi)
{
    *lo = random_below(&model->random, 8) ? random_below(&model->random, KEYS) : 0;
    *hi = *lo + random_below(&model->random, most);
    if (*hi >= KEYS)
        *hi = KEYS - 1;
}

static void same_as_an_array(size_t key_bytes, bool non_unique)
{
    struct model *model = model_open(key_bytes, non_unique, NULL);
    struct node_changes changes;
    uint64_t nodes, most = 0, lo, hi;
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < 4000 / WORLD_SLOWNESS; i++) {
            model_change(model, 0, KEYS - 1, round % 2 ? 15 : 85, &changes);
            if (!non_unique)
                model_find(model, random_below(&model->random, KEYS));
            if (i % 4)
                continue;
            some_range(model, 300, &lo, &hi);
            model_scan(model, lo, hi, i % 8 == 0, i % 3 ? 0 : 1 + random_below(&model->random, 40), NULL);
        }
        model_verify(model, &nodes);
        most = nodes > most ? nodes : most;
    }
    for (uint64_t number = 0; number < KEYS; number++)
        for (uint64_t ref = 0; ref < REFS; ref++)
            model_remove(model, number, ref, &changes);
    assert_int_equal(model_verify(model, &nodes), 0);
    assert_true(nodes < most / 4 + 4); /* empty leaves are taken out */
    model_close(model);
}

static void tree_says_what_an_array_says(void **state)
{
    (void)state;
    static const size_t lengths[] = {8, 9, 12, 16, 24, 25, 40, 63, 64};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        same_as_an_array(lengths[i], false);
        same_as_an_array(lengths[i], true);
    }
}

/* ---- Versions and notes. ---- */

static bool visit_none(void *arg, const void *key, uint64_t ref)
{
    (void)arg, (void)key, (void)ref;
    return true;
}

static bool note_leaf(void *arg, struct node_seen seen)
{
    notes_add(arg, seen);
    return true;
}

static void all_leaves(const struct model *model, struct notes *notes)
{
    notes->count = 0;
    notes->lost = false;
    tree_scan(&model->tree, NULL, NULL, 0, visit_none, note_leaf, notes);
    assert_false(notes->lost);
}

/* What differs between two looks at all leaves is what the changes say, no less and no more. */
static void compare_leaves(const struct notes *before, const struct notes *after, const struct node_changes *changes)
{
    for (unsigned i = 0; i < before->count; i++) {
        bool told = false;
        for (unsigned c = 0; c < changes->count; c++)
            told |= changes->list[c].node == before->list[i].node && changes->list[c].from == NULL &&
                    changes->list[c].before == before->list[i].version;
        assert_int_equal(node_version(before->list[i].node) != before->list[i].version, told);
    }
    for (unsigned i = 0; i < after->count; i++) {
        bool told = notes_has(before, after->list[i]);
        for (unsigned c = 0; c < changes->count; c++)
            told |= changes->list[c].node == after->list[i].node && changes->list[c].after == after->list[i].version;
        assert_true(told);
    }
}

static void versions_change_with_entries_only(void **state)
{
    (void)state;
    static struct notes before, after;
    for (unsigned non_unique = 0; non_unique < 2; non_unique++) {
        struct model *model = model_open(8, non_unique, NULL);
        struct node_changes changes;
        all_leaves(model, &before);
        for (unsigned i = 0; i < 6000 / WORLD_SLOWNESS; i++) {
            model_change(model, 0, KEYS - 1, i / 1500 % 2 ? 0 : 95, &changes);
            all_leaves(model, &after);
            compare_leaves(&before, &after, &changes);
            before = after;
        }
        model_close(model);
    }
}

/*
 * A transaction scans a range and then changes the tree itself, here and there: its notes must still be valid, and must
 * have every leaf that answers for the range now. Then another one changes an entry of the range: a note must show it.
 */
static void notes_follow_own_changes_and_show_others(void **state)
{
    (void)state;
    static struct notes notes, again;
    for (unsigned non_unique = 0; non_unique < 2; non_unique++) {
        struct model *model = model_open(16, non_unique, NULL);
        struct node_changes changes;
        for (unsigned i = 0; i < 3000 / WORLD_SLOWNESS; i++) {
            uint64_t lo, hi;
            some_range(model, i % 3 ? 40 : 200, &lo, &hi);
            notes.count = again.count = 0;
            notes.lost = again.lost = false;
            model_scan(model, lo, hi, i % 2, 0, &notes);
            unsigned percent = some_percent(model);
            for (uint64_t n = random_below(&model->random, 400); n > 0; n--) {
                model_change(model, n % 4 ? lo : 0, n % 4 ? hi : KEYS - 1, percent, &changes);
                notes_follow(&notes, &changes);
            }
            assert_false(notes.lost);
            model_scan(model, lo, hi, i % 2 == 0, 0, &again);
            for (unsigned k = 0; k < again.count; k++)
                assert_true(notes_has(&notes, again.list[k]));
            if (!notes_valid(&notes)) /* a leaf that is gone may be in use again */
                continue;
            do
                model_change(model, lo, hi, percent, &changes);
            while (changes.count == 0 && random_below(&model->random, 100));
            assert_int_equal(notes_valid(&notes), changes.count == 0);
        }
        model_close(model);
    }
}

static void miss_is_protected_by_its_leaf(void **state)
{
    (void)state;
    struct model *model = model_open(8, false, NULL);
    struct node_changes changes;
    for (unsigned i = 0; i < 20000 / WORLD_SLOWNESS; i++) {
        uint64_t number = random_below(&model->random, KEYS), key = number, ref;
        struct node_seen seen;
        model_change(model, 0, KEYS - 1, i / 3000 % 2 ? 30 : 70, &changes);
        if (tree_find(&model->tree, &key, &ref, &seen))
            continue;
        model_insert(model, number, number % REFS, &changes);
        assert_true(node_version(seen.node) != seen.version);
        assert_ptr_equal(changes.list[0].node, seen.node);
        assert_int_equal(changes.list[0].before, seen.version);
    }
    model_close(model);
}

/* Keys that move: what is removed at one end makes room for what comes at the other. */
static void moving_keys_need_no_more_memory(void **state)
{
    (void)state;
    struct model *model = model_open(8, false, NULL);
    struct node_changes changes;
    uint64_t there, used = 0;
    enum { WINDOW = 500, MOVES = 100000 };
    for (uint64_t key = 0; key < MOVES; key++) {
        assert_ok(tree_insert(&model->tree, &key, key, &there, &changes));
        if (key >= WINDOW) {
            uint64_t old = key - WINDOW;
            assert_ok(tree_remove(&model->tree, &old, old, &changes));
        }
        if (key == MOVES / 10)
            used = model->tree.used;
    }
    assert_int_equal(model->tree.used, used);
    for (uint64_t key = MOVES - WINDOW; key < MOVES; key++)
        assert_ok(tree_remove(&model->tree, &key, key, &changes));
    model_close(model);
}

/* ---- Scans whose visitor changes the tree. ---- */

struct changer {
    struct model *model;
    uint64_t next;
};

static bool remove_visited(void *arg, const void *key, uint64_t ref)
{
    struct changer *changer = arg;
    struct node_changes changes;
    assert_int_equal(decode(8, key), changer->next++);
    model_remove(changer->model, decode(8, key), ref, &changes);
    return true;
}

static bool pass_leaf(void *arg, struct node_seen seen)
{
    (void)arg, (void)seen;
    return true;
}

static void visit_may_remove_what_it_visits(void **state)
{
    (void)state;
    struct model *model = model_open(8, false, NULL);
    struct node_changes changes;
    struct changer changer = {model, 0};
    uint64_t nodes;
    for (uint64_t number = 0; number < KEYS; number++)
        model_insert(model, number, number % REFS, &changes);
    tree_scan(&model->tree, NULL, NULL, 0, remove_visited, pass_leaf, &changer);
    assert_int_equal(changer.next, KEYS);
    assert_int_equal(model_verify(model, &nodes), 0);
    model_close(model);
}

static bool refuse_leaf(void *arg, struct node_seen seen)
{
    (void)seen;
    ++*(unsigned *)arg;
    return false;
}

static bool never_visit(void *arg, const void *key, uint64_t ref)
{
    (void)arg, (void)key, (void)ref;
    fail_msg("an entry of a leaf that was refused was visited");
    return true;
}

static void refused_leaf_ends_the_scan(void **state)
{
    (void)state;
    struct model *model = model_open(8, false, NULL);
    struct node_changes changes;
    unsigned refused = 0;
    for (uint64_t number = 0; number < KEYS; number++)
        model_insert(model, number, number % REFS, &changes);
    tree_scan(&model->tree, NULL, NULL, 0, never_visit, refuse_leaf, &refused);
    assert_int_equal(refused, 1);
    model_close(model);
}

/* ---- Stamps. ---- */

static uint64_t join_bits(uint64_t stamp, uint64_t other)
{
    return stamp | other;
}

/* The stamp of the leaf that answers for a key. */
static _Atomic uint64_t *stamp_at(struct model *model, uint64_t key)
{
    static struct notes notes;
    notes.count = 0;
    notes.lost = false;
    tree_scan(&model->tree, &key, &key, 0, visit_none, note_leaf, &notes);
    assert_int_equal(notes.count, 1);
    return &notes.list[0].node->stamp;
}

/* Each key's leaf has at least the stamp that any leaf had that answered for it. */
static void stamps_are_never_lost(void **state)
{
    (void)state;
    struct model *model = model_open(8, false, join_bits);
    struct node_changes changes;
    static uint64_t stamps[KEYS];
    memset(stamps, 0, sizeof stamps);
    for (unsigned i = 0; i < 60000 / WORLD_SLOWNESS; i++) {
        uint64_t number = random_below(&model->random, KEYS), bit = UINT64_C(1) << random_below(&model->random, 64);
        if (random_below(&model->random, 10) == 0) {
            atomic_fetch_or(stamp_at(model, number), bit);
            stamps[number] |= bit;
        }
        model_change(model, 0, KEYS - 1, i / 6000 % 2 ? 0 : 90, &changes);
        number = random_below(&model->random, KEYS);
        assert_int_equal(atomic_load(stamp_at(model, number)) & stamps[number], stamps[number]);
    }
    model_close(model);
}

/* ---- Memory. ---- */

#ifdef MAE_DEBUG /* requests for memory can be made to fail */
/* Whatever allocation fails: no entry has come, and the tree works on. */
static void failed_insert_changes_nothing(void **state)
{
    (void)state;
    enum { MANY = 60000 };
    struct model *model = model_open(64, true, NULL);
    struct node_changes changes;
    uint64_t entries, nodes, there, failed = 0;
    char key[KEY_BYTES_MAX], report[200];
    for (uint64_t number = 0; number < MANY; number++) {
        encode(64, key, number);
        mem_fail_at(1);
        enum mae_status status = tree_insert(&model->tree, key, number, &there, &changes);
        bool happened = mem_fail_happened();
        mem_fail_at(0);
        assert_int_equal(status, happened ? MAE_NO_MEMORY : MAE_OK);
        if (!happened)
            continue;
        failed++;
        assert_int_equal(changes.count, 0);
        assert_ok(tree_verify(&model->tree, &entries, &nodes, report, sizeof report));
        assert_int_equal(entries, number);
        assert_ok(tree_insert(&model->tree, key, number, &there, &changes));
    }
    assert_true(failed > 1);
    assert_ok(tree_verify(&model->tree, &entries, &nodes, report, sizeof report));
    assert_int_equal(entries, MANY);
    tree_fini(&model->tree);
    free(model);
}
#endif

static void failed_init_leaves_nothing(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct tree tree;
    mem_budget_init(&budget, MEM_CHUNK_BYTES / 2, MEM_HUGE_OFF);
    assert_status(MAE_NO_MEMORY, tree_init(&tree, &budget, 8, false, NULL));
    assert_int_equal(atomic_load(&budget.committed_bytes), 0);
}

int main(void)
{
    first_seed = seed_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_says_what_an_array_says),
        cmocka_unit_test(versions_change_with_entries_only),
        cmocka_unit_test(notes_follow_own_changes_and_show_others),
        cmocka_unit_test(miss_is_protected_by_its_leaf),
        cmocka_unit_test(moving_keys_need_no_more_memory),
        cmocka_unit_test(visit_may_remove_what_it_visits),
        cmocka_unit_test(refused_leaf_ends_the_scan),
        cmocka_unit_test(stamps_are_never_lost),
#ifdef MAE_DEBUG
        cmocka_unit_test(failed_insert_changes_nothing),
#endif
        cmocka_unit_test(failed_init_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
