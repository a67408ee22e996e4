/*
 * tree_node.c - the inside of a node: search against a linear one, changes against an array, for every kind of key.
 */
#include "engine/index/tree_heap.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random_state;

static uint64_t random_next(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A key of variable length for one of the numbers that check_node uses: a byte decides, behind others or in front of
 * them. */
static void encode_variable(char *bytes, size_t longest, uint64_t number, bool digits_first)
{
    const size_t before = digits_first || longest < 10 ? 0 : 9, after = number % (longest - before);
    bytes[0] = (char)(before + 1 + after);
    memset(bytes + 1, 0x5a, before);
    bytes[1 + before] = (char)number;
    memset(bytes + 2 + before, number % 3 ? 0 : 'x', after);
}

/* The number as a key: bytewise order is the order of numbers. The digits stand first or last. */
static void encode(char *bytes, const struct mae_index_config *config, uint64_t number, bool digits_first)
{
    const size_t key_bytes = config->key_bytes;
    if (config->variable) {
        encode_variable(bytes, key_bytes, number, digits_first);
        return;
    }
    if (key_bytes == sizeof(number)) {
        memcpy(bytes, &number, sizeof(number));
        return;
    }
    memset(bytes, 0x5a, key_bytes);
    char *const digits = digits_first ? bytes : bytes + key_bytes - sizeof(number);
    for (size_t i = 0; i < sizeof(number); i++)
        digits[i] = (char)(number >> (56 - 8 * i));
}

struct entry {
    uint64_t number, row;
};

static int entry_compare(const struct entry *a, const struct entry *b, bool non_unique)
{
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return non_unique ? (a->row > b->row) - (a->row < b->row) : 0;
}

static void check_node(const struct mae_index_config *config, unsigned level, bool digits_first)
{
    const bool non_unique = config->non_unique;
    struct tree_shape shape;
    tree_shape_init(&shape, config);
    struct tree_node *const node = malloc(shape.node_bytes);
    assert_non_null(node);
    memset(node, 0xa5, shape.node_bytes);
    tree_node_clear(&shape, node, level);
    const unsigned capacity = tree_node_capacity(&shape, node);
    struct entry model[512];
    assert_true(capacity >= 8 && capacity < 512);
    unsigned count = 0;
    char bytes[TREE_KEY_BYTES_MAX];

    for (unsigned step = 0; step < 4000; step++) {
        /* Extremes too: the search for what follows the largest number must not wrap. */
        uint64_t number = random_next() % 40, row = random_next() % 4;
        if (number >= 38)
            number = UINT64_MAX - (number - 38);
        if (row == 3)
            row = UINT64_MAX;
        const struct entry wanted = {number, row};
        encode(bytes, config, number, digits_first);
        const struct tree_key key = tree_key_make(&shape, bytes, row);
        unsigned lower = 0, upper = 0;
        for (unsigned i = 0; i < count; i++) {
            lower += entry_compare(&model[i], &wanted, non_unique) < 0;
            upper += entry_compare(&model[i], &wanted, non_unique) <= 0;
        }
        assert_int_equal(tree_node_lower_bound(&shape, node, &key), lower);
        assert_int_equal(tree_node_upper_bound(&shape, node, &key), upper);
        const bool present = lower < upper;
        assert_int_equal(tree_node_equals(&shape, node, lower, &key), present);
        if (count > 0)
            assert_int_equal(tree_node_child(&shape, node, &key), upper > 0 ? upper - 1 : 0);
        if (present && random_next() % 2 == 0) {
            tree_node_remove(&shape, node, lower);
            memmove(model + lower, model + lower + 1, (--count - lower) * sizeof(model[0]));
        } else if (!present && tree_node_has_room(&shape, node, &key)) {
            /* A leaf's value is the row of its key. */
            tree_node_insert(&shape, node, lower, &key, level == 0 ? row : row ^ 7);
            memmove(model + lower + 1, model + lower, (count++ - lower) * sizeof(model[0]));
            model[lower] = wanted;
        }
        assert_int_equal(node->count, count);
        for (unsigned i = 0; i < count; i++) {
            assert_true(tree_node_value(&shape, node, i) == (level == 0 ? model[i].row : (model[i].row ^ 7)));
            encode(bytes, config, model[i].number, digits_first);
            const struct tree_key expected = tree_key_make(&shape, bytes, model[i].row);
            const struct tree_key found = tree_node_key(&shape, node, i);
            assert_int_equal(tree_key_compare(&shape, &expected, &found), 0);
        }
        assert_true(!config->variable || tree_heap_is_sound(&shape, node));
    }
    free(node);
}

static void search_and_changes_agree_with_an_array(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes += key_bytes < 17 ? 1 : 5)
        for (unsigned kind = 0; kind < 8; kind++)
            check_node(&(struct mae_index_config){.key_bytes = key_bytes, .non_unique = kind & 1}, kind & 2 ? 1 : 0,
                       kind & 4);
    for (size_t longest = 1; longest <= MAE_KEY_DATA_BYTES; longest += longest < 12 ? 1 : 27)
        for (unsigned kind = 0; kind < 8; kind++)
            check_node(&(struct mae_index_config){.key_bytes = longest, .variable = true, .non_unique = kind & 1},
                       kind & 2 ? 1 : 0, kind & 4);
}

/* What is behind the node stays, however keys of all lengths come, go and are taken over. */
static void check_bytes_of_variable_node(size_t longest, unsigned kind)
{
    struct tree_shape shape;
    tree_shape_init(&shape, &(struct mae_index_config){.key_bytes = longest, .variable = true, .non_unique = kind & 1});
    unsigned char *const bytes = malloc(2 * (shape.node_bytes + 64u));
    assert_non_null(bytes);
    memset(bytes, 0xee, 2 * (shape.node_bytes + 64u));
    struct tree_node *const node = (struct tree_node *)(void *)bytes;
    struct tree_node *const other = (struct tree_node *)(void *)(bytes + shape.node_bytes + 64);
    tree_node_clear(&shape, node, kind & 2 ? 1 : 0);
    tree_node_clear(&shape, other, kind & 2 ? 1 : 0);
    for (unsigned step = 0; step < 2000; step++) {
        unsigned char memory[TREE_KEY_BYTES_MAX];
        memory[0] = (unsigned char)(step % 500 < 250 ? longest : 1 + random_next() % longest);
        for (unsigned i = 1; i <= memory[0]; i++)
            memory[i] = (unsigned char)(random_next() % 3);
        const struct tree_key key = tree_key_make(&shape, memory, step);
        const unsigned at = tree_node_lower_bound(&shape, node, &key);
        if (tree_node_has_room(&shape, node, &key)) {
            tree_node_insert(&shape, node, at, &key, step);
            assert_true(tree_node_equals(&shape, node, at, &key));
        } else {
            assert_true(node->count >= TREE_LONGEST_KEYS);
            tree_node_truncate(&shape, other, 0);
            const unsigned from = (unsigned)(random_next() % node->count);
            tree_node_append(&shape, other, node, from, node->count - from);
            assert_true(tree_heap_is_sound(&shape, other));
            tree_node_remove(&shape, node, (unsigned)(random_next() % node->count));
            if (random_next() % 4 == 0)
                tree_node_truncate(&shape, node, from);
        }
        if (random_next() % 8 == 0) {
            tree_node_set_low(&shape, node, &key);
            tree_node_set_high(&shape, node, &key);
        }
        assert_true(tree_heap_is_sound(&shape, node));
        for (unsigned i = 0; i < 64; i++)
            assert_true(bytes[shape.node_bytes + i] == 0xee && bytes[2u * shape.node_bytes + 64 + i] == 0xee);
    }
    free(bytes);
}

static void keys_of_variable_length_stay_within_their_node(void **state)
{
    (void)state;
    for (size_t longest = 1; longest <= MAE_KEY_DATA_BYTES; longest += longest < 10 ? 3 : 49)
        for (unsigned kind = 0; kind < 4; kind++)
            check_bytes_of_variable_node(longest, kind);
}

static void a_full_node_stays_within_its_bytes(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            const struct mae_index_config config = {.key_bytes = key_bytes, .non_unique = kind & 1};
            struct tree_shape shape;
            tree_shape_init(&shape, &config);
            unsigned char *const bytes = malloc(shape.node_bytes + 64u);
            assert_non_null(bytes);
            memset(bytes, 0xee, shape.node_bytes + 64u);
            struct tree_node *const node = (struct tree_node *)(void *)bytes;
            tree_node_clear(&shape, node, kind & 2 ? 1 : 0);
            char key_memory[MAE_KEY_MAX_BYTES];
            for (unsigned i = 0; i < tree_node_capacity(&shape, node); i++) {
                encode(key_memory, &config, i, true);
                const struct tree_key key = tree_key_make(&shape, key_memory, i);
                tree_node_insert(&shape, node, i, &key, i);
            }
            encode(key_memory, &config, 0, true);
            const struct tree_key low = tree_key_make(&shape, key_memory, 0);
            tree_node_set_low(&shape, node, &low);
            encode(key_memory, &config, 1000, true);
            char high_memory[MAE_KEY_MAX_BYTES];
            memcpy(high_memory, key_memory, sizeof(high_memory));
            const struct tree_key high = tree_key_make(&shape, high_memory, 0);
            tree_node_set_high(&shape, node, &high);
            for (unsigned i = 0; i < node->count; i++) {
                assert_true(tree_node_value(&shape, node, i) == i);
                encode(key_memory, &config, i, true);
                const struct tree_key key = tree_key_make(&shape, key_memory, i);
                assert_true(tree_node_equals(&shape, node, i, &key));
                assert_true(tree_node_covers(&shape, node, &key));
            }
            assert_false(tree_node_covers(&shape, node, &high));
            for (unsigned i = 0; i < 64; i++)
                assert_int_equal(bytes[shape.node_bytes + i], 0xee);
            free(bytes);
        }
    }
}

static void long_keys_compare_as_memcmp_does(void **state)
{
    (void)state;
    for (size_t key_bytes = 9; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes++) {
        struct tree_shape shape;
        tree_shape_init(&shape, &(struct mae_index_config){.key_bytes = key_bytes});
        for (unsigned round = 0; round < 200; round++) {
            unsigned char a[MAE_KEY_MAX_BYTES], b[MAE_KEY_MAX_BYTES];
            for (size_t i = 0; i < key_bytes; i++)
                a[i] = b[i] = (unsigned char)random_next();
            if (round % 10 != 0)
                b[random_next() % key_bytes] = (unsigned char)random_next();
            const struct tree_key x = tree_key_make(&shape, a, 1), y = tree_key_make(&shape, b, 2);
            const int expected = memcmp(a, b, key_bytes), found = tree_key_compare(&shape, &x, &y);
            assert_int_equal((found > 0) - (found < 0), (expected > 0) - (expected < 0));
        }
    }
}

static void keys_of_variable_length_compare_as_memcmp_does_and_the_shorter_is_less(void **state)
{
    (void)state;
    struct tree_shape shape;
    tree_shape_init(&shape, &(struct mae_index_config){.key_bytes = MAE_KEY_DATA_BYTES, .variable = true});
    for (unsigned round = 0; round < 20000; round++) {
        unsigned char a[TREE_KEY_BYTES_MAX], b[TREE_KEY_BYTES_MAX];
        a[0] = (unsigned char)(random_next() % 20);
        b[0] = (unsigned char)(random_next() % 20);
        const size_t common = a[0] < b[0] ? a[0] : b[0];
        for (size_t i = 1; i < 20; i++)
            a[i] = b[i] = (unsigned char)(random_next() % 2);
        b[1 + random_next() % 19] = (unsigned char)random_next();
        const struct tree_key x = tree_key_make(&shape, a, 1), y = tree_key_make(&shape, b, 2);
        int expected = memcmp(a + 1, b + 1, common);
        if (expected == 0)
            expected = a[0] - b[0];
        const int found = tree_key_compare(&shape, &x, &y);
        assert_int_equal((found > 0) - (found < 0), (expected > 0) - (expected < 0));
    }
}

int main(void)
{
    const char *const text = getenv("MAE_SEED");
    random_state = text != NULL ? strtoull(text, NULL, 0) : 1;
    printf("seed %llu (MAE_SEED)\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_and_changes_agree_with_an_array),
        cmocka_unit_test(a_full_node_stays_within_its_bytes),
        cmocka_unit_test(keys_of_variable_length_stay_within_their_node),
        cmocka_unit_test(long_keys_compare_as_memcmp_does),
        cmocka_unit_test(keys_of_variable_length_compare_as_memcmp_does_and_the_shorter_is_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
