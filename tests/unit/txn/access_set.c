/* access_set.c - finding entries by row, growing, and clearing by epochs. */
#include "engine/txn/access_set.h"

#include "tests/support/world.h"

static _Alignas(CACHE_LINE_BYTES) char rows[1 << 22];
static struct table table;

static char *row_at(uint64_t i)
{
    return &rows[i * 64 % sizeof rows];
}

static struct access *add(struct access_set *set, char *row)
{
    uint64_t slot = 0;
    assert_null(access_set_find(set, row, &slot));
    struct access *access = access_set_add(set, &table, row, slot);
    assert_non_null(access);
    assert_ptr_equal(access->row, row);
    assert_ptr_equal(access->table, &table);
    return access;
}

static void entries_are_found_while_the_set_grows(void **state)
{
    (void)state;
    enum { COUNT = 40000 }; /* arrays that are worth large pages */
    struct access_set set;
    uint64_t slot;
    assert_ok(access_set_init(&set, MEM_HUGE_AUTO));
    for (int transaction = 0; transaction < 3; transaction++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            struct access *access = add(&set, row_at(i));
            access->flags = (uint32_t)i;
        }
        assert_int_equal(set.count, COUNT);
        assert_true(set.capacity >= COUNT);
        assert_true(1u << set.slot_bits >= 2 * COUNT); /* at most half full: searches are short, and end */
        for (uint64_t i = 0; i < COUNT; i++) {
            struct access *access = access_set_find(&set, row_at(i), &slot);
            assert_ptr_equal(access, &set.entries[i]);
            assert_int_equal(access->flags, i);
        }
        assert_null(access_set_find(&set, row_at(COUNT), &slot));
        set.writes[set.capacity - 1] = 1; /* has grown too */
        access_set_close(&set);
        access_set_open(&set);
        assert_int_equal(set.count, 0);
        assert_null(access_set_find(&set, row_at(5), &slot));
    }
    access_set_fini(&set);
}

/* A scan of rows that lie side by side meets one line of slots for eight of them. */
static void eight_short_rows_have_places_in_one_line(void **state)
{
    (void)state;
    struct access_set set;
    assert_ok(access_set_init(&set, MEM_HUGE_AUTO));
    for (char *block = rows; block < rows + 100 * ACCESS_BLOCK_BYTES; block += ACCESS_BLOCK_BYTES) {
        unsigned places = 0;
        for (unsigned i = 0; i < ACCESS_BLOCK_ROWS; i++) {
            const uint64_t slot = access_slot(&set, block + i * ACCESS_ROW_BYTES);
            assert_true(slot >> set.slot_bits == 0);
            assert_int_equal(slot / ACCESS_BLOCK_ROWS, access_slot(&set, block) / ACCESS_BLOCK_ROWS);
            places |= 1u << slot % ACCESS_BLOCK_ROWS;
        }
        assert_int_equal(places, (1u << ACCESS_BLOCK_ROWS) - 1);
    }
    access_set_fini(&set);
}

/* After 2^31 - 1 transactions the epochs begin again: what a slot says of the last time around must not count. */
static void epochs_wrap_around(void **state)
{
    (void)state;
    struct access_set set;
    uint64_t slot;
    assert_ok(access_set_init(&set, MEM_HUGE_AUTO));
    for (uint64_t i = 0; i < 50; i++) /* in the first epoch */
        (void)add(&set, row_at(i));
    set.epoch = ACCESS_EPOCH_LAST - 4 * ACCESS_EPOCH;
    set.count = 0;
    for (int transaction = 0; transaction < 10; transaction++) {
        uint64_t before = set.epoch;
        access_set_close(&set);
        if (access_set_is_worn(&set))
            access_set_renew(&set);
        access_set_open(&set);
        assert_true(set.epoch != 0 && set.epoch != before);
        for (uint64_t i = 0; i < 50; i++)
            assert_null(access_set_find(&set, row_at(i), &slot));
        for (uint64_t i = 0; i < 50; i += 2)
            (void)add(&set, row_at(i));
        for (uint64_t i = 0; i < 50; i++)
            assert_int_equal(access_set_find(&set, row_at(i), &slot) != NULL, i % 2 == 0);
    }
    access_set_fini(&set);
}

static void a_failed_growth_changes_nothing(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    for (uint64_t fail = 1; fail <= 3; fail++) {
        struct access_set set;
        uint64_t slot = 0;
        assert_ok(access_set_init(&set, MEM_HUGE_AUTO));
        uint32_t capacity = set.capacity;
        for (uint64_t i = 0; i < capacity; i++)
            (void)add(&set, row_at(i));
        mem_fail_at(fail);
        assert_null(access_set_find(&set, row_at(capacity), &slot));
        assert_null(access_set_add(&set, &table, row_at(capacity), slot));
        assert_true(mem_fail_happened());
        mem_fail_at(0);
        assert_int_equal(set.capacity, capacity);
        assert_int_equal(set.count, capacity);
        for (uint64_t i = 0; i < capacity; i++)
            assert_non_null(access_set_find(&set, row_at(i), &slot));
        (void)add(&set, row_at(capacity)); /* now there is memory */
        access_set_fini(&set);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_while_the_set_grows),
        cmocka_unit_test(eight_short_rows_have_places_in_one_line),
        cmocka_unit_test(epochs_wrap_around),
        cmocka_unit_test(a_failed_growth_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
