/*
 * relay.c - which cluster may retry when, and that every wait ends. Clusters and times are the test's own, so that a
 * machine of one cluster shows all of it.
 */
#include "engine/time/relay.h"

#include "engine/base/tsc.h"
#include "tests/support/world.h"

enum { LEG_US = 500, LEG = LEG_US * 1000, GRACE = 20 * 1000 };
static const double TICKS_PER_US = 1000;

/* A relay of which cluster 0 has just got the baton, at the returned time. */
static uint64_t hand_out(struct relay *relay)
{
    memset(relay, 0, sizeof *relay);
    relay_init(relay, LEG_US, TICKS_PER_US);
    uint64_t now = tsc_now() + 10 * LEG;
    assert_true(relay_enter(relay, 0, now) == 0);
    return now;
}

static void without_the_option_nobody_waits(void **state)
{
    (void)state;
    struct relay relay;
    memset(&relay, 0, sizeof relay);
    relay_init(&relay, 0, TICKS_PER_US);
    const struct retries retries = {0};
    assert_true(relay_wait(&relay, &retries) == 0);
}

static void workers_of_the_cluster_that_holds_it_never_wait(void **state)
{
    (void)state;
    struct relay relay;
    uint64_t now = hand_out(&relay);
    for (int i = 0; i < 1000; i++) /* RL3: nobody else wants it, so it goes on for many legs */
        assert_true(relay_enter(&relay, 0, now += LEG / 10) == 0);
}

static void others_wait_for_the_end_of_the_leg(void **state)
{
    (void)state;
    struct relay relay;
    uint64_t now = hand_out(&relay);
    assert_true(relay_enter(&relay, 1, now + LEG / 2) == LEG / 2);
    assert_true(relay_enter(&relay, 0, now + LEG / 2 + 1) == 0);
    assert_true(relay_enter(&relay, 1, now + LEG - 1) == 1);
    assert_true(relay_enter(&relay, 1, now + LEG) == 0);
    assert_true(relay_enter(&relay, 0, now + LEG) == LEG);
}

/* RL2 */
static void a_leg_that_others_wait_for_is_not_prolonged(void **state)
{
    (void)state;
    struct relay relay;
    uint64_t now = hand_out(&relay);
    assert_true(relay_enter(&relay, 1, now + 1) > 0);
    assert_true(relay_enter(&relay, 0, now + LEG) == GRACE);
    assert_true(relay_enter(&relay, 2, now + LEG + 1) == 0);
    assert_true(relay_enter(&relay, 1, now + LEG + 1) == LEG); /* the other one was faster; its wish is new */
    assert_true(relay_enter(&relay, 2, now + 2 * LEG + 1) == GRACE);
}

static void who_no_longer_waits_does_not_stop_the_holder(void **state)
{
    (void)state;
    struct relay relay;
    uint64_t now = hand_out(&relay);
    assert_true(relay_enter(&relay, 1, now + 1) > 0);
    assert_true(relay_enter(&relay, 0, now + LEG + GRACE) == 0);
    assert_true(relay_enter(&relay, 0, now + 2 * LEG + GRACE) == 0); /* and the wish is forgotten */
}

/* The highest bits of the time are not in the word. */
static void a_baton_of_months_ago_stops_nobody(void **state)
{
    (void)state;
    for (unsigned bit = 40; bit < 64; bit++) {
        struct relay relay;
        uint64_t now = hand_out(&relay) + (UINT64_C(1) << bit) + LEG / 2;
        uint64_t ticks = relay_enter(&relay, 1, now);
        assert_true(ticks == 0 || (bit >= 53 && ticks <= LEG)); /* that bit is cut off: it looks like half a leg ago */
    }
}

#ifdef MAE_DEBUG
static struct relay stolen;
static uint64_t now_ticks;

/* Another cluster takes the baton anew whenever somebody looks at the clock. */
static uint64_t thieves_clock(void)
{
    assert_true(now_ticks < UINT64_C(2) * RELAY_LEGS_MAX * LEG);
    now_ticks += LEG / 4;
    struct relay other;
    memset(&other, 0, sizeof other);
    other.leg_ticks = LEG;
    assert_true(relay_enter(&other, 9, now_ticks) == 0);
    atomic_store(&stolen.baton, atomic_load(&other.baton));
    return now_ticks;
}

static void count_call(void *arg)
{
    ++*(uint64_t *)arg;
}

/* RL1; and a worker that gives its thread away while it waits does so here, too. */
static void a_wait_ends_whatever_others_do(void **state)
{
    (void)state;
    memset(&stolen, 0, sizeof stolen);
    relay_init(&stolen, LEG_US, TICKS_PER_US);
    now_ticks = 0;
    tsc_override = thieves_clock;
    uint64_t calls = 0;
    const struct retries retries = {.meanwhile = count_call, .meanwhile_arg = &calls};
    uint64_t waited = relay_wait(&stolen, &retries);
    tsc_override = NULL;
    assert_true(waited >= UINT64_C(1) * RELAY_LEGS_MAX * LEG);
    assert_true(calls >= RELAY_LEGS_MAX);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_option_nobody_waits),
        cmocka_unit_test(workers_of_the_cluster_that_holds_it_never_wait),
        cmocka_unit_test(others_wait_for_the_end_of_the_leg),
        cmocka_unit_test(a_leg_that_others_wait_for_is_not_prolonged),
        cmocka_unit_test(who_no_longer_waits_does_not_stop_the_holder),
        cmocka_unit_test(a_baton_of_months_ago_stops_nobody),
#ifdef MAE_DEBUG
        cmocka_unit_test(a_wait_ends_whatever_others_do),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
