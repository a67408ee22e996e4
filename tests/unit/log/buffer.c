/* buffer.c - records come out of a ring as they went in, also across its end, and the ring grows for a large one. */
#include "engine/log/buffer.h"

#include "tests/support/world.h"

enum { RING_BYTES = 4096, FIRST_BYTES = 512 << 10 };

static struct mem_budget budget;

static void put(struct log_buffer *buffer, uint64_t word, size_t bytes, uint64_t ts)
{
    for (size_t i = 0; i < bytes; i += sizeof word)
        log_buffer_put(buffer, &word, sizeof word);
    log_buffer_publish(buffer, ts);
}

static void take(struct log_buffer *buffer, uint64_t word, size_t bytes)
{
    uint64_t taken;
    assert_true(log_buffer_filled(buffer) >= bytes);
    for (size_t i = 0; i < bytes; i += sizeof word) {
        log_buffer_take(buffer, &taken, sizeof taken);
        assert_int_equal(taken, word);
    }
}

static void records_come_out_in_order(void **state)
{
    (void)state;
    struct log_buffer buffer = {.budget = &budget};
    uint64_t random = seed_from_environment(), put_words = 0, taken_words = 0, lengths[2000];
    mem_budget_init(&budget, 1 << 20, MEM_HUGE_OFF);
    while (put_words < 2000) {
        size_t bytes = 8 * (1 + random_below(&random, 100));
        enum log_room room = log_buffer_reserve(&buffer, bytes, RING_BYTES);
        assert_int_not_equal(room, LOG_REFUSED);
        if (room == LOG_WAIT) {
            take(&buffer, taken_words, lengths[taken_words]);
            taken_words++;
            continue;
        }
        lengths[put_words] = bytes;
        put(&buffer, put_words, bytes, put_words + 1);
        put_words++;
    }
    assert_int_equal(buffer.ring_bytes, RING_BYTES);
    for (; taken_words < put_words; taken_words++)
        take(&buffer, taken_words, lengths[taken_words]);
    assert_int_equal(log_buffer_filled(&buffer), 0);
    log_buffer_fini(&buffer);
    assert_int_equal(budget.committed_bytes, 0);
}

static void it_grows_when_it_is_empty(void **state)
{
    (void)state;
    struct log_buffer buffer = {.budget = &budget};
    mem_budget_init(&budget, 1 << 20, MEM_HUGE_OFF);
    assert_int_equal(log_buffer_reserve(&buffer, 64, RING_BYTES), LOG_ROOM);
    put(&buffer, 1, 64, 1);
    assert_int_equal(log_buffer_reserve(&buffer, 3 * RING_BYTES, RING_BYTES), LOG_WAIT);
    take(&buffer, 1, 64);
    assert_int_equal(log_buffer_reserve(&buffer, 3 * RING_BYTES, RING_BYTES), LOG_ROOM);
    put(&buffer, 2, 3 * RING_BYTES, 2);
    take(&buffer, 2, 3 * RING_BYTES);
    assert_int_equal(budget.committed_bytes, 4 * RING_BYTES);
    log_buffer_fini(&buffer);
}

/* Up to the size that it may have; when it is full, not before it is empty. */
static void it_grows_when_it_is_full(void **state)
{
    (void)state;
    struct log_buffer buffer = {.budget = &budget};
    const size_t most = 4 * FIRST_BYTES;
    uint64_t number = 0;
    mem_budget_init(&budget, 4 << 20, MEM_HUGE_OFF);
    for (size_t ring_bytes = FIRST_BYTES; ring_bytes <= most; ring_bytes *= 2) {
        const uint64_t first = number;
        while (log_buffer_reserve(&buffer, 64, most) == LOG_ROOM) {
            number++;
            put(&buffer, number, 64, number);
        }
        assert_int_equal(buffer.ring_bytes, ring_bytes);
        assert_int_equal(log_buffer_filled(&buffer), ring_bytes);
        for (uint64_t i = first + 1; i <= number; i++) {
            take(&buffer, i, 64);
            bool waits = i < number && ring_bytes < most;
            assert_int_equal(log_buffer_reserve(&buffer, 64, most), waits ? LOG_WAIT : LOG_ROOM);
        }
    }
    assert_int_equal(buffer.ring_bytes, most);
    assert_int_equal(budget.committed_bytes, most);
    log_buffer_fini(&buffer);
}

/* There is no memory for a larger ring: it goes on with the one that it has. */
static void it_need_not_grow(void **state)
{
    (void)state;
    struct log_buffer buffer = {.budget = &budget};
    mem_budget_init(&budget, FIRST_BYTES, MEM_HUGE_OFF);
    assert_int_equal(log_buffer_reserve(&buffer, FIRST_BYTES, 4 * FIRST_BYTES), LOG_ROOM);
    put(&buffer, 1, FIRST_BYTES, 1);
    assert_int_equal(log_buffer_reserve(&buffer, 64, 4 * FIRST_BYTES), LOG_WAIT);
    take(&buffer, 1, FIRST_BYTES);
    assert_int_equal(log_buffer_reserve(&buffer, 64, 4 * FIRST_BYTES), LOG_ROOM);
    assert_int_equal(buffer.ring_bytes, FIRST_BYTES);
    log_buffer_fini(&buffer);
}

static void no_record_is_larger_than_its_length_can_say(void **state)
{
    (void)state;
    mem_budget_init(&budget, UINT64_C(1) << 40, MEM_HUGE_OFF);
    struct log_buffer buffer = {.budget = &budget};
    assert_int_equal(log_buffer_reserve(&buffer, (size_t)UINT32_MAX + 1, RING_BYTES), LOG_REFUSED);
    assert_null(buffer.ring);
}

static void the_memory_limit_holds(void **state)
{
    (void)state;
    struct log_buffer buffer = {.budget = &budget};
    mem_budget_init(&budget, 4 * RING_BYTES, MEM_HUGE_OFF);
    assert_int_equal(log_buffer_reserve(&buffer, 5 * RING_BYTES, RING_BYTES), LOG_REFUSED);
    assert_int_equal(budget.committed_bytes, 0);
    assert_int_equal(log_buffer_reserve(&buffer, 64, RING_BYTES), LOG_ROOM);
    log_buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_in_order), cmocka_unit_test(it_grows_when_it_is_empty),
        cmocka_unit_test(it_grows_when_it_is_full),  cmocka_unit_test(it_need_not_grow),
        cmocka_unit_test(the_memory_limit_holds),    cmocka_unit_test(no_record_is_larger_than_its_length_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
