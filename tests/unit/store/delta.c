/*
 * delta.c - operations on payloads: what each does to payloads of any size, what joins, and lists from a disk.
 * Catches the mutation delta_joins_first.
 */
#include "engine/store/delta.h"

#include "engine/maemio.h"
#include "tests/support/world.h"

enum { PAYLOAD_MAX = 40, LIST_MAX = 128 };

struct list {
    _Alignas(8) unsigned char bytes[LIST_MAX];
    size_t count;
};

static bool note(struct list *list, enum mae_function function, size_t offset, const void *operand, size_t bytes)
{
    assert_true(delta_op_is_valid(function, offset, bytes, PAYLOAD_MAX));
    const struct delta_op op = {.function = (uint8_t)function, .offset = (uint16_t)offset, .bytes = (uint16_t)bytes};
    return delta_add(list->bytes, &list->count, LIST_MAX, &op, operand);
}

static bool note_integer(struct list *list, enum mae_function function, size_t offset, int64_t value)
{
    return note(list, function, offset, &value, sizeof value);
}

static int64_t integer_at(const unsigned char *payload, size_t offset)
{
    int64_t value;
    memcpy(&value, payload + offset, sizeof value);
    return value;
}

static void integers_of_each_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 4, 8};
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset < 9; offset++) {
            struct list list = {.count = 0};
            unsigned char payload[PAYLOAD_MAX], expected[PAYLOAD_MAX];
            const size_t size = sizes[i];
            const int64_t minus_three = -3, most = INT64_MAX >> (64 - 8 * size), least = -most - 1, one = 1;
            memset(payload, 0x55, sizeof payload);
            memset(payload + offset, 0, size);
            payload[offset] = 1;
            memcpy(expected, payload, sizeof payload);
            assert_true(note(&list, MAE_ADD, offset, &minus_three, size));
            assert_int_equal(delta_compute(list.bytes, list.count, payload, PAYLOAD_MAX, PAYLOAD_MAX), PAYLOAD_MAX);
            memset(expected + offset, 0xff, size);
            expected[offset] = 0xfe;
            assert_memory_equal(payload, expected, sizeof payload);
            list.count = 0;
            assert_true(note(&list, MAE_MAX, offset, &least, size));
            (void)delta_compute(list.bytes, list.count, payload, PAYLOAD_MAX, PAYLOAD_MAX);
            assert_memory_equal(payload, expected, sizeof payload);
            assert_true(note(&list, MAE_MAX, offset, &most, size)); /* joins */
            assert_true(note(&list, MAE_ADD, offset, &one, size));  /* and goes around */
            (void)delta_compute(list.bytes, list.count, payload, PAYLOAD_MAX, PAYLOAD_MAX);
            memcpy(expected + offset, &least, size);
            assert_memory_equal(payload, expected, sizeof payload);
        }
}

static void short_payloads_are_filled_up(void **state)
{
    (void)state;
    struct list list = {.count = 0};
    unsigned char payload[PAYLOAD_MAX];
    memset(payload, 0xee, sizeof payload);
    assert_true(note_integer(&list, MAE_ADD, 8, 7));
    assert_int_equal(delta_compute(list.bytes, list.count, payload, 0, PAYLOAD_MAX), 16);
    assert_int_equal(integer_at(payload, 0), 0);
    assert_int_equal(integer_at(payload, 8), 7);
    memset(payload + 10, 0xff, 6); /* the integer's first two bytes are there */
    assert_int_equal(delta_compute(list.bytes, list.count, payload, 10, PAYLOAD_MAX), 16);
    assert_int_equal(integer_at(payload, 8), 14);
}

static void text_is_appended_and_cut(void **state)
{
    (void)state;
    struct list list = {.count = 0};
    unsigned char payload[PAYLOAD_MAX + 1] = "text";
    payload[PAYLOAD_MAX] = '!';
    assert_true(note(&list, MAE_APPEND, 0, "one", 3));
    assert_true(note(&list, MAE_APPEND, 0, "", 0));
    assert_true(note(&list, MAE_APPEND, 0, "two", 3));
    assert_int_equal(delta_compute(list.bytes, list.count, payload, 4, PAYLOAD_MAX), 10);
    assert_memory_equal(payload, "textonetwo", 10);
    assert_int_equal(delta_compute(list.bytes, list.count, payload, PAYLOAD_MAX - 4, PAYLOAD_MAX), PAYLOAD_MAX);
    assert_memory_equal(payload + PAYLOAD_MAX - 4, "onet!", 5);
    assert_int_equal(delta_compute(list.bytes, list.count, payload, PAYLOAD_MAX, PAYLOAD_MAX), PAYLOAD_MAX);
}

/* Neighbours of one integer join; what another operation stands between does not. */
static void the_order_of_operations_counts(void **state)
{
    (void)state;
    struct list list = {.count = 0};
    unsigned char payload[PAYLOAD_MAX] = {0};
    assert_true(note_integer(&list, MAE_ADD, 0, 3));
    size_t one = list.count;
    assert_true(note_integer(&list, MAE_ADD, 0, 4));
    assert_int_equal(list.count, one);
    assert_true(note_integer(&list, MAE_MAX, 0, 10));
    assert_true(note_integer(&list, MAE_ADD, 0, 5));
    assert_int_equal(list.count, 3 * one);
    assert_true(note_integer(&list, MAE_ADD, 8, 1));
    assert_int_equal(list.count, 4 * one);
    (void)delta_compute(list.bytes, list.count, payload, 16, PAYLOAD_MAX);
    assert_int_equal(integer_at(payload, 0), 15);
    assert_int_equal(integer_at(payload, 8), 1);
}

static void lists_have_an_end(void **state)
{
    (void)state;
    struct list list = {.count = 0};
    unsigned noted = 0;
    while (note_integer(&list, noted % 2 ? MAE_ADD : MAE_MAX, 0, 1))
        noted++;
    assert_int_equal(noted, LIST_MAX / 16);
    size_t count = list.count;
    assert_false(note(&list, MAE_APPEND, 0, "x", 1));
    assert_int_equal(list.count, count);
}

static void what_is_no_operation_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned function;
        size_t offset, bytes;
    } bad[] = {
        {MAE_ADD, 0, 3},    {MAE_ADD, PAYLOAD_MAX - 7, 8},    {MAE_ADD, SIZE_MAX, 8}, {MAE_MAX, 0, 0}, {MAE_MAX, 0, 16},
        {MAE_APPEND, 1, 1}, {MAE_APPEND, 0, PAYLOAD_MAX + 1}, {MAE_APPEND + 1, 0, 8}, {255, 0, 8}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(delta_op_is_valid(bad[i].function, bad[i].offset, bad[i].bytes, PAYLOAD_MAX));
}

static void lists_are_recognised(void **state)
{
    (void)state;
    struct list list = {.count = 0};
    assert_false(delta_is_whole(list.bytes, 0, PAYLOAD_MAX));
    assert_true(note_integer(&list, MAE_ADD, 0, 3));
    assert_true(note(&list, MAE_APPEND, 0, "text", 4));
    assert_true(delta_is_whole(list.bytes, list.count, PAYLOAD_MAX));
    for (size_t bytes = 1; bytes < list.count; bytes++)
        assert_int_equal(delta_is_whole(list.bytes, bytes, PAYLOAD_MAX), bytes == 16);
    assert_false(delta_is_whole(list.bytes, list.count, 7)); /* for smaller payloads the integer lies beyond */
    list.bytes[16] = 99;
    assert_false(delta_is_whole(list.bytes, list.count, PAYLOAD_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_each_size),    cmocka_unit_test(short_payloads_are_filled_up),
        cmocka_unit_test(text_is_appended_and_cut), cmocka_unit_test(the_order_of_operations_counts),
        cmocka_unit_test(lists_have_an_end),        cmocka_unit_test(what_is_no_operation_is_refused),
        cmocka_unit_test(lists_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
