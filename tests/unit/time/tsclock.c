/* tsclock.c - timestamps of one clock strictly increase whatever its counter does, and last for decades. */
#include "engine/time/tsclock.h"

#include "engine/base/tsc.h"
#include "engine/time/timestamp.h"
#include "tests/support/world.h"

static void fifty_six_bits_last_for_thirty_years(void **state)
{
    (void)state;
    for (double ticks_per_us = 0.5; ticks_per_us < 20000; ticks_per_us *= 1.3) {
        unsigned shift = tsclock_shift(ticks_per_us);
        double us = (double)(UINT64_C(1) << 56) * (double)(UINT64_C(1) << shift) / ticks_per_us;
        double years = us / (365.25 * 24 * 3600 * 1e6);
        assert_true(years >= 30);
        assert_true(shift == 0 || years < 61);                           /* no coarser than need be */
        assert_true(ticks_per_us * 10 > (double)(UINT64_C(1) << shift)); /* a unit is below 10 us */
    }
}

static void a_timestamp_is_clock_and_worker(void **state)
{
    (void)state;
    assert_int_equal(timestamp_make(1, 0), 256);
    assert_int_equal(timestamp_make(5, 255) & 255, 255);
    assert_int_equal(timestamp_clock(timestamp_make(123456789, 17)), 123456789);
    assert_true(timestamp_make(5, 255) < timestamp_make(6, 0));
}

static void the_clock_follows_the_counter(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        struct tsclock clock;
        tsclock_init(&clock, shift, 1000, 1000000, NULL);
        uint64_t first = tsclock_next(&clock, 1000000, 0);
        assert_int_equal(tsclock_next(&clock, 1000000 + (5000u << shift), 0), first + 5000);
        tsclock_advance(&clock, 1000000 + (7000u << shift));
        assert_int_equal(clock.clock, first + 7000);
    }
}

/* T1, with a counter that stands still, creeps, jumps ahead by years, and goes backwards. */
static void timestamps_strictly_increase(void **state)
{
    (void)state;
    uint64_t random = seed_from_environment();
    for (unsigned shift = 0; shift < 3; shift++) {
        struct tsclock clock;
        uint64_t ticks = UINT64_C(1) << 40, last = 0, first;
        const double ticks_per_us = 2000;
        tsclock_init(&clock, shift, ticks_per_us, ticks, NULL);
        first = clock.clock;
        for (int i = 0; i < 100000; i++) {
            switch (random_below(&random, 8)) {
            case 0:
                break;
            case 1:
                ticks -= random_below(&random, 1000000);
                break;
            case 2:
                ticks += UINT64_C(1) << 62; /* several hundred years */
                break;
            case 3:
                ticks = random_next(&random);
                break;
            default:
                ticks += random_below(&random, 1000);
                break;
            }
            uint64_t next = tsclock_next(&clock, ticks, 0);
            assert_true(next > last);
            last = next;
            if (random_below(&random, 10) == 0) {
                tsclock_advance(&clock, ticks);
                assert_true(clock.clock >= last);
                last = clock.clock;
            }
        }
        /* Each step is worth at most the cap, an hour. */
        assert_true(last - first < 100000 * ((uint64_t)(3600e6 * ticks_per_us) >> shift));
    }
}

static void a_jump_of_the_counter_does_not_use_up_the_range(void **state)
{
    (void)state;
    struct tsclock clock;
    tsclock_init(&clock, 0, 2000, 5000, NULL);
    uint64_t first = tsclock_next(&clock, 5000, 0);
    assert_int_equal(tsclock_next(&clock, UINT64_C(1) << 63, 0), first + 1);
    assert_int_equal(tsclock_next(&clock, 4000, 0), first + 2);
    assert_int_equal(tsclock_next(&clock, 4500, 0), first + 502); /* goes on from where the counter is now */
}

static void the_boost_is_added_to_each_timestamp(void **state)
{
    (void)state;
    struct tsclock clock;
    tsclock_init(&clock, 0, 1000, 0, NULL);
    uint64_t first = tsclock_next(&clock, 0, 0);
    clock.boost_units = 100;
    assert_int_equal(tsclock_next(&clock, 10, 0), first + 110);
    assert_int_equal(tsclock_next(&clock, 10, 0), first + 210);
    clock.boost_units = 0;
    assert_int_equal(tsclock_next(&clock, 10, 0), first + 211);
}

static void after_is_a_lower_bound(void **state)
{
    (void)state;
    struct tsclock clock;
    tsclock_init(&clock, 0, 1000, 0, NULL);
    assert_int_equal(tsclock_next(&clock, 0, 1000000), 1000001);
    assert_int_equal(tsclock_next(&clock, 0, 1000001), 1000002);
    assert_int_equal(tsclock_next(&clock, 0, 5), 1000003);
    _Atomic uint64_t central = 1;
    struct tsclock first, second;
    tsclock_init(&first, 0, 1000, 0, &central);
    tsclock_init(&second, 0, 1000, 0, &central);
    assert_int_equal(tsclock_next(&first, 0, 0), 2);
    assert_int_equal(tsclock_next(&second, 0, 0), 3);
    assert_int_equal(tsclock_next(&first, 0, 1000), 1001);
    assert_int_equal(tsclock_next(&second, 0, 0), 1002); /* consecutive again */
}

/* The same through the engine, with its clock replaced. */
#ifdef MAE_DEBUG
static uint64_t fake_ticks;

static uint64_t fake_now(void)
{
    return fake_ticks;
}
#endif

static void the_engine_survives_a_bad_counter(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    uint64_t random = 7, last = 0, sum = 0;
    fake_ticks = UINT64_C(1) << 40;
    tsc_override = fake_now;
    struct world world = world_open("gc_interval_us=1 clock_sync_us=1", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    for (int i = 0; i < 20000; i++) {
        fake_ticks = random_below(&random, 50) == 0 ? random_next(&random) : fake_ticks + random_below(&random, 20000);
        struct mae_txn *txn;
        struct mae_state horizons;
        assert_ok(mae_begin(world.workers[random_below(&random, 2)], MAE_READ_WRITE, last, &txn));
        last = mae_txn_timestamp(txn);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
        sum++;
        mae_db_state(world.db, &horizons);
        assert_true(horizons.min_rts < horizons.min_wts && horizons.min_wts <= last + 256);
    }
    assert_int_equal(row_value(world.workers[0], world.table, row), sum);
    world_close(&world);
    tsc_override = NULL;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_six_bits_last_for_thirty_years),
        cmocka_unit_test(a_timestamp_is_clock_and_worker),
        cmocka_unit_test(the_clock_follows_the_counter),
        cmocka_unit_test(timestamps_strictly_increase),
        cmocka_unit_test(a_jump_of_the_counter_does_not_use_up_the_range),
        cmocka_unit_test(the_boost_is_added_to_each_timestamp),
        cmocka_unit_test(after_is_a_lower_bound),
        cmocka_unit_test(the_engine_survives_a_bad_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
