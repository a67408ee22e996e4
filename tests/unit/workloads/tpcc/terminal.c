/* terminal.c - who sits where, what they key in, how long they take (workloads/tpcc/terminal.c). */
#include <math.h>

#include "tests/unit/workloads/tpcc/fixture.h"

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { DRAWS = 20000 };

static void every_terminal_is_one_workers(void **state)
{
    enum { WAREHOUSES = 3, WORKERS = 7 };
    static const char *const pairs[] = {"think", "spec", "warehouses", "3", NULL};
    struct fixture fixture;
    unsigned seen[WAREHOUSES + 1][TPCC_DISTRICTS + 1] = {0}, all = 0;
    (void)state;
    open_unloaded(&fixture, WORKERS, pairs);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct workload_worker *self;
        assert_int_equal(tpcc_workload_ops.worker_create(fixture.tpcc, fixture.worker, i, &self), TARGET_OK);
        unsigned count = tpcc_terminals.count(self);
        assert_in_range(count, WAREHOUSES * TPCC_DISTRICTS / WORKERS, WAREHOUSES * TPCC_DISTRICTS / WORKERS + 1);
        for (unsigned j = 0; j < count; j++)
            seen[self->terminals[j].w_id][self->terminals[j].d_id]++;
        all += count;
        tpcc_workload_ops.worker_destroy(self);
    }
    assert_int_equal(all, WAREHOUSES * TPCC_DISTRICTS);
    for (unsigned w = 1; w <= WAREHOUSES; w++)
        for (unsigned d = 1; d <= TPCC_DISTRICTS; d++)
            assert_int_equal(seen[w][d], 1);
    close_fixture(&fixture);
}

/* 5.2.5: the mean of keying and thinking of a cycle whose requests are both of one type. */
static void users_take_the_times_of_the_specification(void **state)
{
    static const struct {
        const char *mix;
        double keying, thinking;
    } types[] = {{"100/0/0/0/0", 18, 12},
                 {"0/100/0/0/0", 3, 12},
                 {"0/0/100/0/0", 2, 10},
                 {"0/0/0/100/0", 2, 5},
                 {"0/0/0/0/100", 2, 5}};
    (void)state;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        struct fixture fixture;
        double sum = 0, least = INFINITY, most = 0;
        open_unloaded(&fixture, 1, PAIRS("think", "spec", "mix", types[i].mix));
        (void)tpcc_terminals.draw(fixture.self, 0);
        for (int j = 0; j < DRAWS; j++) {
            double seconds = (double)tpcc_terminals.draw(fixture.self, 0) / 1e9;
            sum += seconds;
            least = fmin(least, seconds);
            most = fmax(most, seconds);
        }
        assert_true(least >= types[i].keying && least < types[i].keying + 0.05);
        assert_true(most <= types[i].keying + 10 * types[i].thinking); /* 5.2.5.4 */
        assert_true(fabs(sum / DRAWS - types[i].keying - types[i].thinking) < 6 * types[i].thinking / sqrt(DRAWS));
        close_fixture(&fixture);
    }
}

static void a_scale_shortens_all_times(void **state)
{
    struct fixture fixture;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("think", "spec", "think_scale", "0.001"));
    for (int i = 0; i < 100; i++)
        assert_in_range(tpcc_terminals.draw(fixture.self, 0), 2000000, 138000000);
    close_fixture(&fixture);
}

static void what_is_served_is_what_was_keyed_in(void **state)
{
    struct fixture fixture;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("think", "spec", "warehouses", "4"));
    for (unsigned i = 0; i < 4000; i++) {
        unsigned number = i * 7 % 40, other = i * 3 % 40;
        const struct tpcc_terminal *terminal = &fixture.self->terminals[number];
        (void)tpcc_terminals.draw(fixture.self, number);
        struct tpcc_request keyed = terminal->request;
        if (other != number)
            (void)tpcc_terminals.draw(fixture.self, other);
        tpcc_terminals.serve(fixture.self, number);
        assert_int_equal(tpcc_workload_ops.next(fixture.self), keyed.type);
        assert_memory_equal(fixture.self->request, &keyed, sizeof keyed);
        switch (keyed.type) {
        case TPCC_new_order:
            assert_int_equal(keyed.new_order.w_id, terminal->w_id);
            break;
        case TPCC_payment:
            assert_int_equal(keyed.payment.w_id, terminal->w_id);
            break;
        case TPCC_stock_level: /* 2.8.1.1 */
            assert_int_equal(keyed.stock_level.w_id, terminal->w_id);
            assert_int_equal(keyed.stock_level.d_id, terminal->d_id);
            break;
        default:
            break;
        }
    }
    close_fixture(&fixture);
}

static void there_are_none_unless_users_think(void **state)
{
    struct fixture fixture;
    struct tpcc_values values;
    (void)state;
    open_unloaded(&fixture, 1, NULL);
    assert_null(fixture.self->terminals);
    close_fixture(&fixture);
    resolve(NULL, &values);
    assert_false(tpcc_terminals.on(&values));
    option_values_clear(tpcc_option_table, &values);
    resolve(PAIRS("think", "spec"), &values);
    assert_true(tpcc_terminals.on(&values));
    option_values_clear(tpcc_option_table, &values);
}

static void a_worker_without_a_terminal_is_refused(void **state)
{
    struct tpcc_values values;
    struct workload *created;
    char error[256];
    (void)state;
    resolve(PAIRS("think", "spec"), &values);
    assert_int_equal(tpcc_workload_ops.create(&values, fixture_ops, 1, 11, &created, error, sizeof error),
                     TARGET_INVALID);
    assert_non_null(strstr(error, "10 terminals for 11 workers"));
    option_values_clear(tpcc_option_table, &values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_terminal_is_one_workers),
        cmocka_unit_test(users_take_the_times_of_the_specification),
        cmocka_unit_test(a_scale_shortens_all_times),
        cmocka_unit_test(what_is_served_is_what_was_keyed_in),
        cmocka_unit_test(there_are_none_unless_users_think),
        cmocka_unit_test(a_worker_without_a_terminal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
