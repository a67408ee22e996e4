/*
 * tree_node.c - the inside of a node: search against a linear one, changes against an array, for every kind of key.
 */
#include "engine/index/tree_node.h"

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

/* The number as a key: bytewise order is the order of numbers. The digits stand first or last. */
static void encode(char *bytes, size_t key_bytes, uint64_t number, bool digits_first)
{
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

static void check_node(size_t key_bytes, bool non_unique, unsigned level, bool digits_first)
{
    struct tree_shape shape;
    tree_shape_init(&shape, key_bytes, non_unique);
    struct tree_node *const node = malloc(shape.node_bytes);
    assert_non_null(node);
    memset(node, 0xa5, shape.node_bytes);
    tree_node_clear(node, level);
    const unsigned capacity = tree_node_capacity(&shape, node);
    struct entry model[512];
    assert_true(capacity >= 8 && capacity < 512);
    unsigned count = 0;
    char bytes[MAE_KEY_MAX_BYTES];

    for (unsigned step = 0; step < 4000; step++) {
        /* Extremes too: the search for what follows the largest number must not wrap. */
        uint64_t number = random_next() % 40, row = random_next() % 4;
        if (number >= 38)
            number = UINT64_MAX - (number - 38);
        if (row == 3)
            row = UINT64_MAX;
        const struct entry wanted = {number, row};
        encode(bytes, key_bytes, number, digits_first);
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
        } else if (!present && count < capacity) {
            /* A leaf's value is the row of its key. */
            tree_node_insert(&shape, node, lower, &key, level == 0 ? row : row ^ 7);
            memmove(model + lower + 1, model + lower, (count++ - lower) * sizeof(model[0]));
            model[lower] = wanted;
        }
        assert_int_equal(node->count, count);
        for (unsigned i = 0; i < count; i++) {
            assert_true(tree_node_value(&shape, node, i) == (level == 0 ? model[i].row : (model[i].row ^ 7)));
            encode(bytes, key_bytes, model[i].number, digits_first);
            const struct tree_key expected = tree_key_make(&shape, bytes, model[i].row);
            const struct tree_key found = tree_node_key(&shape, node, i);
            assert_int_equal(tree_key_compare(&shape, &expected, &found), 0);
        }
    }
    free(node);
}

static void search_and_changes_agree_with_an_array(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes += key_bytes < 17 ? 1 : 5)
        for (unsigned kind = 0; kind < 8; kind++)
            check_node(key_bytes, kind & 1, kind & 2 ? 1 : 0, kind & 4);
}

static void a_full_node_stays_within_its_bytes(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            struct tree_shape shape;
            tree_shape_init(&shape, key_bytes, kind & 1);
            unsigned char *const bytes = malloc(shape.node_bytes + 64u);
            assert_non_null(bytes);
            memset(bytes, 0xee, shape.node_bytes + 64u);
            struct tree_node *const node = (struct tree_node *)(void *)bytes;
            tree_node_clear(node, kind & 2 ? 1 : 0);
            char key_memory[MAE_KEY_MAX_BYTES];
            for (unsigned i = 0; i < tree_node_capacity(&shape, node); i++) {
                encode(key_memory, key_bytes, i, true);
                const struct tree_key key = tree_key_make(&shape, key_memory, i);
                tree_node_insert(&shape, node, i, &key, i);
            }
            encode(key_memory, key_bytes, 0, true);
            const struct tree_key low = tree_key_make(&shape, key_memory, 0);
            tree_node_set_low(&shape, node, &low);
            encode(key_memory, key_bytes, 1000, true);
            char high_memory[MAE_KEY_MAX_BYTES];
            memcpy(high_memory, key_memory, sizeof(high_memory));
            const struct tree_key high = tree_key_make(&shape, high_memory, 0);
            tree_node_set_high(&shape, node, &high);
            for (unsigned i = 0; i < node->count; i++) {
                assert_true(tree_node_value(&shape, node, i) == i);
                encode(key_memory, key_bytes, i, true);
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
        tree_shape_init(&shape, key_bytes, false);
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

int main(void)
{
    const char *const text = getenv("MAE_SEED");
    random_state = text != NULL ? strtoull(text, NULL, 0) : 1;
    printf("seed %llu (MAE_SEED)\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_and_changes_agree_with_an_array),
        cmocka_unit_test(a_full_node_stays_within_its_bytes),
        cmocka_unit_test(long_keys_compare_as_memcmp_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
