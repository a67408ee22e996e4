/* cache.c - sim/cache.h: what is in a set, what goes, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/cache.h"

/* Lines 0, 4, 8, ... of four sets share a set of two ways. */
static struct cache cache;

static int open_cache(void **state)
{
    (void)state;
    return cache_init(&cache, 8, 2) ? 0 : -1;
}

static int close_cache(void **state)
{
    (void)state;
    cache_fini(&cache);
    return 0;
}

static void the_least_recently_used_goes(void **state)
{
    (void)state;
    uint64_t gone = 99;
    assert_int_equal(cache_add(&cache, 0, LINE_OWNED, &gone), LINE_ABSENT);
    assert_int_equal(cache_add(&cache, 4, LINE_DIRTY, &gone), LINE_ABSENT);
    assert_int_equal(cache_use(&cache, 0), LINE_OWNED);
    assert_int_equal(cache_add(&cache, 8, LINE_SHARED, &gone), LINE_DIRTY);
    assert_int_equal(gone, 4);
    assert_int_equal(cache_look(&cache, 0), LINE_OWNED);
    assert_int_equal(cache_look(&cache, 4), LINE_ABSENT);
    assert_int_equal(cache_look(&cache, 8), LINE_SHARED);
}

static void looking_is_no_use(void **state)
{
    (void)state;
    uint64_t gone;
    (void)cache_add(&cache, 1, LINE_SHARED, &gone);
    (void)cache_add(&cache, 5, LINE_SHARED, &gone);
    (void)cache_look(&cache, 1);
    assert_int_equal(cache_add(&cache, 9, LINE_SHARED, &gone), LINE_SHARED);
    assert_int_equal(gone, 1);
}

static void what_is_removed_makes_room(void **state)
{
    (void)state;
    uint64_t gone;
    (void)cache_add(&cache, 2, LINE_SHARED, &gone);
    (void)cache_add(&cache, 6, LINE_SHARED, &gone);
    cache_set(&cache, 6, LINE_ABSENT);
    cache_set(&cache, 10, LINE_DIRTY); /* is not there: nothing happens */
    assert_int_equal(cache_look(&cache, 10), LINE_ABSENT);
    assert_int_equal(cache_add(&cache, 10, LINE_SHARED, &gone), LINE_ABSENT);
    cache_set(&cache, 2, LINE_DIRTY);
    assert_int_equal(cache_look(&cache, 2), LINE_DIRTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_least_recently_used_goes, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(looking_is_no_use, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(what_is_removed_makes_room, open_cache, close_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
