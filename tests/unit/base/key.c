/*
 * key.c - keys of several values: random tuples sort as their values do, and come back as they were.
 *
 * How to read a failure: the first line has the seed; MAE_SEED=<seed> repeats the run.
 */
#include "tests/support/world.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

enum { VALUES_MAX = 4, BYTES_MAX = 6, PAIRS = 60000 };

struct value {
    enum mae_key_kind kind;
    int64_t number;
    uint64_t natural;
    double real;
    unsigned char bytes[BYTES_MAX];
    size_t count;
};

struct tuple {
    struct value values[VALUES_MAX];
    unsigned count;
};

static uint64_t number_near_an_edge(uint64_t *random)
{
    static const uint64_t edges[] = {0, 1, 255, 256, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    uint64_t edge = edges[random_below(random, sizeof edges / sizeof edges[0])];
    return random_below(random, 4) ? edge + random_below(random, 3) - 1 : random_next(random);
}

static double real_near_an_edge(uint64_t *random)
{
    static const double edges[] = {0.0, -0.0, 1, -1, 1.5, DBL_MIN, -DBL_MIN, DBL_MAX, -DBL_MAX, INFINITY, -INFINITY};
    return random_below(random, 3) ? edges[random_below(random, sizeof edges / sizeof edges[0])]
                                   : (double)(int64_t)random_next(random) / 3;
}

static struct value random_value(uint64_t *random)
{
    static const unsigned char few[] = {0, 0, 1, 'a', 254, 255};
    struct value value = {.kind = (enum mae_key_kind)(MAE_KEY_NULL + random_below(random, MAE_KEY_BYTES))};
    value.number = (int64_t)number_near_an_edge(random);
    value.natural = number_near_an_edge(random);
    value.real = real_near_an_edge(random);
    value.count = random_below(random, BYTES_MAX + 1);
    for (size_t i = 0; i < value.count; i++)
        value.bytes[i] = few[random_below(random, sizeof few)];
    return value;
}

static struct tuple random_tuple(uint64_t *random)
{
    struct tuple tuple = {.count = (unsigned)random_below(random, VALUES_MAX + 1)};
    for (unsigned i = 0; i < tuple.count; i++)
        tuple.values[i] = random_value(random);
    return tuple;
}

static int sign(int64_t n)
{
    return n < 0 ? -1 : n > 0;
}

static int compare_values(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case MAE_KEY_INT64:
        return a->number < b->number ? -1 : a->number > b->number;
    case MAE_KEY_UINT64:
        return a->natural < b->natural ? -1 : a->natural > b->natural;
    case MAE_KEY_DOUBLE:
        return a->real < b->real ? -1 : a->real > b->real;
    case MAE_KEY_BYTES: {
        int order = memcmp(a->bytes, b->bytes, a->count < b->count ? a->count : b->count);
        return order ? sign(order) : sign((int64_t)a->count - (int64_t)b->count);
    }
    default:
        return 0;
    }
}

static int compare_tuples(const struct tuple *a, const struct tuple *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; i++) {
        int order = compare_values(&a->values[i], &b->values[i]);
        if (order)
            return order;
    }
    return sign((int64_t)a->count - (int64_t)b->count);
}

static enum mae_status add(struct mae_key *key, const struct value *value)
{
    switch (value->kind) {
    case MAE_KEY_INT64:
        return mae_key_add_int64(key, value->number);
    case MAE_KEY_UINT64:
        return mae_key_add_uint64(key, value->natural);
    case MAE_KEY_DOUBLE:
        return mae_key_add_double(key, value->real);
    case MAE_KEY_BYTES:
        return mae_key_add_bytes(key, value->bytes, value->count);
    default:
        return mae_key_add_null(key);
    }
}

static struct mae_key encode(const struct tuple *tuple)
{
    struct mae_key key;
    mae_key_clear(&key);
    for (unsigned i = 0; i < tuple->count; i++)
        assert_ok(add(&key, &tuple->values[i]));
    return key;
}

/* Reads a value of the kind that is asked for. */
static enum mae_status get(const struct mae_key *key, size_t *at, enum mae_key_kind kind, struct value *value)
{
    *value = (struct value){.kind = kind};
    switch (kind) {
    case MAE_KEY_INT64:
        return mae_key_get_int64(key, at, &value->number);
    case MAE_KEY_UINT64:
        return mae_key_get_uint64(key, at, &value->natural);
    case MAE_KEY_DOUBLE:
        return mae_key_get_double(key, at, &value->real);
    case MAE_KEY_BYTES:
        return mae_key_get_bytes(key, at, value->bytes, BYTES_MAX, &value->count);
    default:
        return mae_key_get_null(key, at);
    }
}

static void check_read_back(const struct mae_key *key, const struct tuple *tuple)
{
    size_t at = 0;
    for (unsigned i = 0; i < tuple->count; i++) {
        struct value value;
        assert_int_equal(mae_key_kind(key, at), tuple->values[i].kind);
        for (int kind = MAE_KEY_NULL; kind <= MAE_KEY_BYTES; kind++) {
            size_t there = at;
            if (kind != (int)tuple->values[i].kind)
                assert_status(MAE_INVALID, get(key, &there, (enum mae_key_kind)kind, &value));
            assert_int_equal(there, at);
        }
        assert_ok(get(key, &at, tuple->values[i].kind, &value));
        assert_int_equal(compare_values(&value, &tuple->values[i]), 0);
    }
    assert_int_equal(at, key->bytes);
    assert_int_equal(mae_key_kind(key, at), MAE_KEY_END);
    struct mae_key longer = *key; /* as an index gives it back */
    longer.bytes = sizeof longer.data;
    assert_int_equal(mae_key_kind(&longer, at), MAE_KEY_END);
}

static uint64_t first_seed;

static void keys_sort_as_their_values_do(void **state)
{
    (void)state;
    uint64_t random = first_seed;
    printf("seed %" PRIu64 "\n", first_seed);
    for (unsigned i = 0; i < PAIRS; i++) {
        struct tuple a = random_tuple(&random), b = random_below(&random, 3) ? a : random_tuple(&random);
        if (b.count > 0)
            b.values[random_below(&random, b.count)] = random_value(&random);
        b.count -= b.count > 0 && random_below(&random, 4) == 0;
        struct mae_key key_a = encode(&a), key_b = encode(&b);
        int wanted = compare_tuples(&a, &b);
        /* Filled up with zeros, and each as long as it is. */
        assert_int_equal(sign(memcmp(key_a.data, key_b.data, sizeof key_a.data)), wanted);
        int order = memcmp(key_a.data, key_b.data, key_a.bytes < key_b.bytes ? key_a.bytes : key_b.bytes);
        assert_int_equal(order ? sign(order) : sign((int64_t)key_a.bytes - key_b.bytes), wanted);
        check_read_back(&key_a, &a);
    }
}

/* What does not fit leaves the key as it was, zeros behind it included. */
static void a_full_key_stays_as_it_is(void **state)
{
    (void)state;
    uint64_t random = first_seed;
    for (unsigned i = 0; i < 300; i++) {
        struct mae_key key, before;
        mae_key_clear(&key);
        for (unsigned refused = 0; refused < 20;) {
            struct value value = random_value(&random);
            before = key;
            if (add(&key, &value) == MAE_OK)
                continue;
            assert_memory_equal(&key, &before, sizeof key);
            assert_true(before.bytes > MAE_KEY_DATA_BYTES - 2 - 2 * BYTES_MAX);
            refused++;
        }
    }
    struct mae_key key;
    unsigned char bytes[MAE_KEY_DATA_BYTES];
    size_t at = 0, count;
    memset(bytes, 'x', sizeof bytes);
    mae_key_clear(&key);
    assert_status(MAE_TOO_LARGE, mae_key_add_bytes(&key, bytes, 254));
    assert_ok(mae_key_add_bytes(&key, bytes, 253));
    assert_int_equal(key.bytes, 255);
    assert_status(MAE_TOO_LARGE, mae_key_add_null(&key));
    assert_status(MAE_TOO_LARGE, mae_key_get_bytes(&key, &at, bytes, 252, &count));
    assert_int_equal(count, 253);
    assert_int_equal(at, 0);
    assert_ok(mae_key_get_bytes(&key, &at, bytes, 253, &count));
    mae_key_clear(&key);
    memset(bytes, 0, sizeof bytes);
    assert_status(MAE_TOO_LARGE, mae_key_add_bytes(&key, bytes, 127));
    assert_int_equal(key.data[0], 0);
    assert_ok(mae_key_add_bytes(&key, bytes, 126));
    assert_int_equal(key.bytes, 254);
}

static void what_is_no_number_sorts_last(void **state)
{
    (void)state;
    struct mae_key infinite, a, b;
    double value;
    size_t at = 0;
    mae_key_clear(&infinite), mae_key_clear(&a), mae_key_clear(&b);
    assert_ok(mae_key_add_double(&infinite, INFINITY));
    assert_ok(mae_key_add_double(&a, NAN));
    assert_ok(mae_key_add_double(&b, -NAN));
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(memcmp(infinite.data, a.data, sizeof a.data) < 0);
    assert_ok(mae_key_get_double(&a, &at, &value));
    assert_true(isnan(value));
}

/* Random bytes as keys: readers stay inside. */
static void damaged_keys_are_refused(void **state)
{
    (void)state;
    uint64_t random = first_seed;
    for (unsigned i = 0; i < 20000; i++) {
        struct mae_key *key = malloc(sizeof *key); /* so that asan sees its end */
        assert_non_null(key);
        key->bytes = (uint8_t)random_below(&random, 256);
        for (size_t k = 0; k < sizeof key->data; k++)
            key->data[k] = (uint8_t)(random_below(&random, 3) ? random_below(&random, 7) : random_next(&random));
        size_t at = 0;
        enum mae_key_kind kind;
        enum mae_status status = MAE_OK;
        while (status == MAE_OK && (kind = mae_key_kind(key, at)) != MAE_KEY_END) {
            struct value value;
            status = get(key, &at, kind, &value);
            assert_true(at <= key->bytes);
        }
        free(key);
    }
}

int main(void)
{
    first_seed = seed_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_as_their_values_do),
        cmocka_unit_test(a_full_key_stays_as_it_is),
        cmocka_unit_test(what_is_no_number_sorts_last),
        cmocka_unit_test(damaged_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
