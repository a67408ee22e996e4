/*
 * horizon.c - H1 to H4 of horizon.h, and joining, leaving and parking.
 *
 * A simulation takes the place of workers. Each simulated worker has a clock, sometimes runs a read-write transaction
 * or a snapshot, publishes between transactions, parks and comes back. Rounds happen at any time and overtake slow
 * transactions. After each step the test checks H1 to H4 against the running transactions, and H6 against the overtaken
 * ones.
 */
#include "engine/time/horizon.h"

#include "engine/time/timestamp.h"
#include "tests/support/world.h"

static struct horizon horizon;

static uint64_t min_wts(void)
{
    return atomic_load_explicit(&horizon.min_wts, memory_order_relaxed);
}

static uint64_t min_rts(void)
{
    return atomic_load_explicit(&horizon.min_rts, memory_order_relaxed);
}

static bool lead(uint64_t now, uint64_t interval)
{
    bool led = horizon_round(&horizon, now, interval);
    if (led)
        horizon_round_end(&horizon);
    return led;
}

static void ids_are_the_lowest_free(void **state)
{
    (void)state;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    for (int i = 0; i < MAE_WORKERS_MAX; i++)
        assert_int_equal(horizon_join(&horizon), i);
    assert_int_equal(horizon_join(&horizon), -1);
    horizon_leave(&horizon, 200);
    horizon_leave(&horizon, 7);
    assert_int_equal(horizon_join(&horizon), 7);
    assert_int_equal(horizon_join(&horizon), 200);
    assert_int_equal(horizon_join(&horizon), -1);
    assert_int_equal(horizon_join_own(&horizon), MAE_WORKERS_MAX); /* the database's own have slots behind */
    assert_int_equal(horizon_join_own(&horizon), MAE_WORKERS_MAX + 1);
    assert_int_equal(horizon_join_own(&horizon), MAE_WORKERS_MAX + 2);
    assert_int_equal(horizon_join_own(&horizon), MAE_WORKERS_MAX + 3);
    assert_int_equal(horizon_join_own(&horizon), -1);
    horizon_leave(&horizon, 7); /* one of its own in a slot before takes no number */
    horizon_leave(&horizon, MAE_WORKERS_MAX);
    assert_int_equal(horizon_join_own(&horizon), 7);
    assert_int_equal(horizon_join(&horizon), MAE_WORKERS_MAX);
    assert_int_equal(horizon.slots[MAE_WORKERS_MAX].number, 7);
    assert_int_equal(horizon_join(&horizon), -1);
    horizon_fini(&horizon);
}

static void the_horizon_is_the_minimum_of_the_active(void **state)
{
    (void)state;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(horizon_join(&horizon), i);
        assert_true(horizon_unpark(&horizon, i, 100) >= 100);
    }
    uint64_t now = 1000;
    horizon_publish(&horizon, 0, 500);
    horizon_publish(&horizon, 1, 300);
    assert_true(lead(now += 100, 10));
    assert_int_equal(min_wts(), timestamp_make(101, 0)); /* the third has not published since */
    horizon_publish(&horizon, 2, 400);
    assert_true(lead(now += 100, 10));
    assert_int_equal(min_wts(), timestamp_make(301, 0));
    horizon_park(&horizon, 1, 350);
    assert_true(lead(now += 100, 10));
    assert_int_equal(min_wts(), timestamp_make(401, 0)); /* a parked worker does not count */
    uint64_t rts = min_rts();
    for (unsigned i = 0; i < 3; i += 2)
        horizon_publish(&horizon, i, 600); /* and sees the new min_wts */
    assert_true(lead(now += 100, 10));
    assert_true(min_rts() > rts);
    assert_int_equal(min_rts(), timestamp_make(401, 0) - 1);
    assert_true(horizon_unpark(&horizon, 1, 350) >= 600); /* comes back above everything published */
    for (unsigned i = 0; i < 3; i++)
        horizon_park(&horizon, i, 700);
    uint64_t wts = min_wts();
    assert_true(lead(now += 100, 10)); /* no worker is active: the horizons stay */
    assert_int_equal(min_wts(), wts);
    horizon_fini(&horizon);
}

static void a_round_is_led_once_an_interval_by_one(void **state)
{
    (void)state;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    assert_true(horizon_round(&horizon, 1000, 100));
    assert_false(horizon_round(&horizon, 5000, 100)); /* another leads */
    horizon_round_end(&horizon);
    assert_false(horizon_round(&horizon, 1099, 100)); /* too soon */
    assert_true(lead(1100, 100));
    horizon_fini(&horizon);
}

/* ---- The simulation. ---- */

enum { SIMULATED = 6, STEPS = 30000, COMMITTED_MAX = 64 };

struct simulated {
    enum { AWAY, PARKED, IDLE, WRITING, READING } what;
    uint64_t clock, ts;
    uint64_t committed_min; /* the smallest timestamp that has committed since this transaction began */
};

static void no_barrier(void)
{
}

static bool is_overtaken(unsigned id)
{
    return atomic_load(&horizon.slots[id].state) == SLOT_OVERTAKEN;
}

static void begin_simulated(struct simulated *worker, unsigned id, uint64_t now)
{
    struct horizon_slot *slot = &horizon.slots[id];
    worker->committed_min = UINT64_MAX;
    atomic_store(&slot->ts, worker->ts);
    atomic_store(&slot->begin_ticks, now);
    atomic_store(&slot->in_txn, worker->what == READING ? OWNER_SNAPSHOT : OWNER_READING);
}

static void end_simulated(struct simulated *workers, unsigned id)
{
    struct simulated *worker = &workers[id];
    struct horizon_slot *slot = &horizon.slots[id];
    atomic_store(&slot->in_txn, OWNER_BUSY);
    bool overtaken = is_overtaken(id);
    assert_int_equal(horizon_come_back(&horizon, id, &worker->clock), overtaken);
    if (overtaken) {
        assert_true(timestamp_make(worker->clock + 1, id) >= min_wts());
        if (worker->what == WRITING)
            worker->ts = timestamp_make(++worker->clock, id);
    }
    if (worker->what == WRITING) {
        assert_true(worker->ts >= min_wts()); /* H1: it installs now */
        for (unsigned i = 0; i < SIMULATED; i++)
            if (i != id && workers[i].what >= WRITING && worker->ts < workers[i].committed_min)
                workers[i].committed_min = worker->ts;
    }
    if (overtaken)
        horizon_unpin(&horizon, id);
    worker->what = IDLE;
    atomic_store(&slot->in_txn, OWNER_IDLE);
}

/* H6: what it may have in hand is pinned. */
static void check_pin(const struct simulated *worker, unsigned id)
{
    struct horizon_pins pins;
    horizon_pins_load(&horizon, &pins);
    assert_true(pins.count > 0 && pins.count <= SIMULATED);
    assert_int_equal(atomic_load(&horizon.slots[id].pin_hi), worker->ts);
    if (worker->committed_min != UINT64_MAX)
        assert_true(horizon_pins_need(&pins, worker->ts - 1, worker->committed_min));
    assert_true(horizon_pins_need(&pins, worker->ts - 1, worker->ts));
}

/* One worker does what it can do next, or nothing. */
static void simulate_step(struct simulated *workers, unsigned id, uint64_t now, uint64_t *random)
{
    struct simulated *worker = &workers[id];
    switch (worker->what) {
    case AWAY:
        if (random_below(random, 4))
            break;
        assert_int_equal(atomic_load(&horizon.slots[id].state), SLOT_FREE);
        for (unsigned i = 0; i < id; i++) /* ids are given out from below */
            if (workers[i].what == AWAY)
                id = i;
        worker = &workers[id];
        assert_int_equal(horizon_join(&horizon), id);
        worker->clock = horizon_unpark(&horizon, id, atomic_load(&horizon.slots[id].clock));
        worker->what = IDLE;
        break;
    case PARKED:
        if (random_below(random, 3) == 0) {
            horizon_leave(&horizon, id);
            worker->what = AWAY;
        } else {
            worker->clock = horizon_unpark(&horizon, id, worker->clock);
            worker->what = IDLE;
        }
        break;
    case IDLE:
        switch (random_below(random, 8)) {
        case 0:
            horizon_park(&horizon, id, worker->clock);
            worker->what = PARKED;
            break;
        case 1:
        case 2:
            worker->clock += random_below(random, 100);
            horizon_publish(&horizon, id, worker->clock);
            break;
        case 3:
            worker->ts = min_wts();
            worker->what = READING;
            begin_simulated(worker, id, now);
            break;
        default:
            worker->clock += 1 + random_below(random, 100);
            worker->ts = timestamp_make(worker->clock, id);
            worker->what = WRITING;
            begin_simulated(worker, id, now);
            break;
        }
        break;
    case WRITING:
    case READING:
        if (random_below(random, 3))
            break;
        end_simulated(workers, id);
        break;
    }
}

static void check_invariants(const struct simulated *workers, uint64_t last_wts, uint64_t last_rts)
{
    for (unsigned i = 0; i < SIMULATED; i++) {
        if (workers[i].what >= WRITING && is_overtaken(i)) {
            check_pin(&workers[i], i);
            continue;
        }
        if (workers[i].what == WRITING)
            assert_true(workers[i].ts >= last_wts); /* H1, of those that run */
        if (workers[i].what == IDLE)
            assert_true(timestamp_make(workers[i].clock + 1, i) >= last_wts); /* and of those to come */
        if (workers[i].what >= WRITING) {
            assert_true(workers[i].ts >= last_rts);           /* H2 */
            assert_true(last_rts < workers[i].committed_min); /* H4 */
        }
    }
}

static void simulate(uint64_t *random)
{
    struct simulated workers[SIMULATED] = {{AWAY, 0, 0, 0}};
    uint64_t now = 1000, last_wts, last_rts;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    if (random_below(random, 4))
        horizon_set_overtaking(&horizon, no_barrier, random_below(random, 500), UINT64_MAX, random_below(random, 200));
    last_wts = min_wts();
    last_rts = min_rts();
    for (int step = 0; step < STEPS; step++) {
        unsigned id = (unsigned)random_below(random, SIMULATED);
        now += random_below(random, 50);
        simulate_step(workers, id, now, random);
        if (random_below(random, 3) == 0)
            lead(now, random_below(random, 100));
        assert_true(min_wts() >= last_wts && min_rts() >= last_rts); /* H3 */
        last_wts = min_wts();
        last_rts = min_rts();
        assert_true(last_rts < last_wts);
        check_invariants(workers, last_wts, last_rts);
    }
    horizon_fini(&horizon);
}

static void the_invariants_hold_in_random_sequences(void **state)
{
    (void)state;
    uint64_t random = seed_from_environment();
    for (int i = 0; i < 10; i++)
        simulate(&random);
}

static unsigned barriers, parked;
static bool begins_meanwhile;

static void barrier(void)
{
    barriers++;
    if (begins_meanwhile)
        atomic_store(&horizon.slots[0].in_txn, 1);
}

static uint64_t note_parked(void *arg)
{
    parked++;
    *(bool *)arg = true;
    return 5000;
}

static void others_are_parked_only_between_transactions(void **state)
{
    (void)state;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    assert_int_equal(horizon_join(&horizon), 0);
    bool called = false;
    assert_false(horizon_park_other(&horizon, 0, barrier, note_parked, &called)); /* is parked */
    (void)horizon_unpark(&horizon, 0, 100);
    atomic_store(&horizon.slots[0].in_txn, 1);
    assert_false(horizon_park_other(&horizon, 0, barrier, note_parked, &called));
    assert_int_equal(atomic_load(&horizon.slots[0].state), SLOT_ACTIVE);
    atomic_store(&horizon.slots[0].in_txn, 0);
    begins_meanwhile = true;
    assert_false(horizon_park_other(&horizon, 0, barrier, note_parked, &called));
    assert_int_equal(barriers, 1);
    assert_int_equal(atomic_load(&horizon.slots[0].state), SLOT_ACTIVE);
    assert_false(called);
    begins_meanwhile = false;
    atomic_store(&horizon.slots[0].in_txn, 0);
    assert_true(horizon_park_other(&horizon, 0, barrier, note_parked, &called));
    assert_true(called && parked == 1);
    assert_int_equal(atomic_load(&horizon.slots[0].state), SLOT_PARKED);
    assert_int_equal(atomic_load(&horizon.slots[0].clock), 5000);
    horizon_leave(&horizon, 0);
    horizon_fini(&horizon);
}

/* An open transaction is overtaken once it is old enough, holds min_wts no more, and comes back above it. */
static void an_open_transaction_is_overtaken(void **state)
{
    (void)state;
    memset(&horizon, 0, sizeof horizon);
    horizon_init(&horizon);
    horizon_set_overtaking(&horizon, no_barrier, 1000, UINT64_MAX, 10);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(horizon_join(&horizon), i);
        (void)horizon_unpark(&horizon, i, 100);
    }
    struct horizon_slot *slot = &horizon.slots[0];
    uint64_t now = 5000, clock = 110;
    struct horizon_pins pins;
    atomic_store(&slot->ts, timestamp_make(110, 0));
    atomic_store(&slot->begin_ticks, now);
    atomic_store(&slot->in_txn, OWNER_READING);
    horizon_publish(&horizon, 1, 500);
    assert_true(lead(now += 500, 10)); /* it is young */
    assert_int_equal(min_wts(), timestamp_make(101, 0));
    assert_int_equal(atomic_load(&horizon.pin_count), 0);
    atomic_store(&slot->in_txn, OWNER_BUSY);
    assert_true(lead(now += 1000, 10)); /* it commits */
    assert_int_equal(min_wts(), timestamp_make(101, 0));
    assert_int_equal(atomic_load(&slot->state), SLOT_ACTIVE);
    atomic_store(&slot->in_txn, OWNER_READING);
    assert_true(lead(now += 1000, 10));
    assert_int_equal(min_wts(), timestamp_make(501, 0));
    assert_int_equal(atomic_load(&slot->state), SLOT_OVERTAKEN);
    horizon_pins_load(&horizon, &pins);
    assert_int_equal(pins.count, 1);
    assert_int_equal(pins.pin[0].hi, timestamp_make(110, 0));
    assert_int_equal(pins.pin[0].lo, atomic_load(&slot->rts) + 1);
    assert_true(horizon_pins_need(&pins, timestamp_make(50, 0), timestamp_make(105, 1)));
    assert_false(horizon_pins_need(&pins, timestamp_make(110, 0), timestamp_make(120, 1))); /* it does not see that */
    assert_false(horizon_pins_need(&pins, timestamp_make(50, 0), pins.pin[0].lo - 1));      /* was over before */
    assert_true(horizon_come_back(&horizon, 0, &clock));
    assert_true(timestamp_make(clock + 1, 0) >= min_wts());
    assert_int_equal(atomic_load(&slot->state), SLOT_ACTIVE);
    assert_false(horizon_come_back(&horizon, 0, &clock));
    assert_int_equal(atomic_load(&horizon.pin_count), 1); /* until the transaction is over */
    horizon_unpin(&horizon, 0);
    horizon_pins_load(&horizon, &pins);
    assert_int_equal(pins.count, 0);
    horizon_fini(&horizon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_the_lowest_free),
        cmocka_unit_test(the_horizon_is_the_minimum_of_the_active),
        cmocka_unit_test(a_round_is_led_once_an_interval_by_one),
        cmocka_unit_test(the_invariants_hold_in_random_sequences),
        cmocka_unit_test(others_are_parked_only_between_transactions),
        cmocka_unit_test(an_open_transaction_is_overtaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
