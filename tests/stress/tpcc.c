/*
 * tpcc.c - TPC-C on the native engine, many workers on few warehouses, with the twelve consistency conditions at the
 * end.
 *
 * It runs each mode with 1, 2 and 8 workers on 1 and 2 warehouses, and with options that change what commits do: the
 * specification's random homes and remote payments, single-version indexes (simple_index_update=on), no snapshots, no
 * inlining. A checker joins in the middle of each run and must find the conditions true in its snapshot while the
 * workers go on. Where indexes are not protected against phantoms it looks only at the end. Each run also ends with
 * mae_db_verify, and the tables must have every New-Order, Payment and Delivery that was reported as committed.
 *
 * TPC-C is serializable even under snapshot isolation. So this test finds lost and half-done updates, but not every
 * violation of serializability; rows.c, keys.c and tree.c look for the others.
 *
 * Loads, whose size the specification gives, take nearly all of the time. Under ThreadSanitizer a load takes ten times
 * as long, so there only the settings with most workers on one warehouse run.
 *
 * How to read a failure: the report names the condition, the row and both values; its "committed" is what the workers
 * counted. The workers of a setting run for MAE_STRESS_MS.
 */
#include <stdatomic.h>

#include "harness/targets/targets.h"
#include "tests/support/world.h"
#include "workloads/tpcc/options.h"
#include "workloads/tpcc/tpcc.h"
#include "tests/support/target_open.h"

enum { WORKERS_MAX = 8, OPTIONS_MAX = 64, TYPES = 5 };

/* Options of workload and engine as "name=value name=value". */
static const struct setting {
    const char *workload, *engine;
    unsigned workers;
    bool check_while_running;
} settings[] = {
    {"mode=spec warehouses=1", "", 1, true},
    {"mode=spec warehouses=1", "gc_interval_us=1", 8, true},
    {"mode=spec warehouses=1 split_rows=on", "gc_interval_us=1", 8, true},
    {"mode=spec warehouses=2", "", 2, true},
    {"mode=spec warehouses=1 snapshot_reads=off", "gc_interval_us=1", 2, true},
    {"mode=spec warehouses=1 delivery_per_district=on orders_inlined=on", "inline_bytes=0", 2, true},
    {"mode=spec warehouses=1", "simple_index_update=on gc_interval_us=1", 8, false},
    {"mode=spec warehouses=2 snapshot_reads=off", "simple_index_update=on", 2, false},
    {"mode=paper warehouses=1", "", 1, true},
    {"mode=paper warehouses=2", "gc_interval_us=1", 8, true},
    {"mode=paper warehouses=1", "simple_index_update=on", 1, false},
    {"mode=paper warehouses=2", "simple_index_update=on gc_interval_us=1", 8, false},
    {"mode=paper-np warehouses=1", "", 1, true},
    {"mode=paper-np warehouses=1", "gc_interval_us=1 timestamps=central", 8, true},
    {"mode=paper-np warehouses=2", "pending=abort", 2, true},
};

struct run;

struct member {
    struct run *run;
    unsigned number;
    uint64_t committed[TYPES];
    enum target_status failure;
    char report[1024];
};

struct run {
    const struct setting *setting;
    const struct target_ops *ops;
    struct target *target;
    struct workload *tpcc;
    uint64_t start_ns;
    unsigned loaders;
    _Atomic unsigned running;
    struct member members[WORKERS_MAX + 1]; /* the last one checks */
};

static void *load(void *arg)
{
    struct member *member = arg;
    struct run *run = member->run;
    struct target_worker *worker;
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    member->failure = run->ops->worker_join(run->target, &worker);
    if (member->failure != TARGET_OK)
        return NULL;
    member->failure = tpcc_workload_ops.load(run->tpcc, worker, member->number, run->loaders, &progress, &stop);
    run->ops->worker_leave(worker);
    return NULL;
}

static enum target_status work_requests(struct member *member, struct target_worker *worker,
                                        struct workload_worker *state)
{
    struct run *run = member->run;
    while (member->committed[0] == 0 || time_left(run->start_ns, stress_ms())) { /* also where the machine is busy */
        unsigned type = tpcc_workload_ops.next(state);
        enum target_status status;
        while (target_status_is_retry(status = tpcc_workload_ops.attempt(state)))
            target_backoff(run->ops, worker);
        if (status != TARGET_OK && status != TARGET_ROLLED_BACK) /* rolled back on purpose: done, too */
            return status;
        member->committed[type] += status == TARGET_OK;
    }
    return TARGET_OK;
}

static void *work(void *arg)
{
    struct member *member = arg;
    struct run *run = member->run;
    struct target_worker *worker;
    struct workload_worker *state;
    member->failure = run->ops->worker_join(run->target, &worker);
    if (member->failure == TARGET_OK) {
        member->failure = tpcc_workload_ops.worker_create(run->tpcc, worker, member->number, &state);
        if (member->failure == TARGET_OK) {
            member->failure = work_requests(member, worker, state);
            tpcc_workload_ops.worker_destroy(state);
        }
        run->ops->worker_leave(worker);
    }
    atomic_fetch_sub(&run->running, 1);
    return NULL;
}

/* Once while the others run, if they still do. */
static void *check_meanwhile(void *arg)
{
    struct member *member = arg;
    struct run *run = member->run;
    struct target_worker *worker;
    if (!run->setting->check_while_running || atomic_load(&run->running) == 0)
        return NULL;
    member->failure = run->ops->worker_join(run->target, &worker);
    if (member->failure != TARGET_OK)
        return NULL;
    member->failure = tpcc_workload_ops.check(run->tpcc, worker, NULL, member->report, sizeof member->report);
    run->ops->worker_leave(worker);
    return NULL;
}

static void *member_main(void *arg)
{
    struct member *member = arg;
    return member->number < member->run->setting->workers ? work(arg) : check_meanwhile(arg);
}

/* "name=value name=value" -> pairs; `text` is cut up. */
static void split(char *text, struct target_key_value pairs[OPTIONS_MAX])
{
    unsigned count = 0;
    for (char *save, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = '\0';
        pairs[count++] = (struct target_key_value){word, equals + 1};
    }
    pairs[count] = (struct target_key_value){NULL, NULL};
}

static void open_run(struct run *run, uint64_t seed)
{
    struct tpcc_values values = {0};
    char text[256], error[512] = "";
    struct target_key_value pairs[OPTIONS_MAX];
    snprintf(text, sizeof text, "%s", run->setting->engine);
    split(text, pairs);
    if (target_open(run->ops, pairs, &run->target, error, sizeof error) != TARGET_OK)
        fail_msg("%s", error);

    snprintf(text, sizeof text, "%s", run->setting->workload);
    split(text, pairs);
    assert_true(option_values_init(tpcc_option_table, &values, error, sizeof error));
    for (const struct target_key_value *pair = pairs; pair->key; pair++) {
        size_t i = option_find(tpcc_option_table, pair->key);
        if (!tpcc_option_table[i].name || !option_set(tpcc_option_table, i, pair->value, &values, error, sizeof error))
            fail_msg("%s=%s: %s", pair->key, pair->value, error);
    }
    if (tpcc_workload_ops.create(&values, run->ops, seed, run->setting->workers, &run->tpcc, error, sizeof error) !=
            TARGET_OK ||
        tpcc_workload_ops.setup(run->tpcc, run->target, error, sizeof error) != TARGET_OK)
        fail_msg("%s", error);
    option_values_clear(tpcc_option_table, &values);
}

static void assert_all_ok(const struct run *run, unsigned members, const char *what)
{
    for (unsigned i = 0; i < members; i++)
        if (run->members[i].failure != TARGET_OK)
            fail_msg("%s %s: %s of member %u: %s %s", run->setting->workload, run->setting->engine, what, i,
                     target_status_name(run->members[i].failure), run->members[i].report);
}

static void run_setting(const struct setting *setting, uint64_t seed)
{
    static struct run run;
    struct target_worker *worker;
    uint64_t committed[TYPES] = {0};
    char report[2048] = "";
    run = (struct run){.setting = setting, .ops = &native_target_ops, .loaders = 2, .running = setting->workers};
    for (unsigned i = 0; i <= WORKERS_MAX; i++)
        run.members[i] = (struct member){.run = &run, .number = i};
    open_run(&run, seed);
    run_threads(run.loaders, load, run.members, sizeof run.members[0]);
    assert_all_ok(&run, run.loaders, "load");

    run.start_ns = monotonic_ns();
    run_threads(setting->workers + 1, member_main, run.members, sizeof run.members[0]);
    assert_all_ok(&run, setting->workers, "a transaction");
    if (run.members[setting->workers].failure != TARGET_OK)
        fail_msg("%s %s: while running: %s", setting->workload, setting->engine, run.members[setting->workers].report);
    for (unsigned i = 0; i < setting->workers; i++)
        for (unsigned type = 0; type < TYPES; type++)
            committed[type] += run.members[i].committed[type];
    print_message("%-62s %-40s %u workers: %llu New-Orders, %llu Payments, %llu Deliveries\n", setting->workload,
                  setting->engine, setting->workers, (unsigned long long)committed[0], (unsigned long long)committed[1],
                  (unsigned long long)committed[3]);
    assert_true(committed[0] > 0);

    assert_int_equal(run.ops->worker_join(run.target, &worker), TARGET_OK);
    if (tpcc_workload_ops.check(run.tpcc, worker, committed, report, sizeof report) != TARGET_OK)
        fail_msg("%s %s: %s", setting->workload, setting->engine, report);
    run.ops->worker_leave(worker);
    if (run.ops->verify(run.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s %s: %s", setting->workload, setting->engine, report);
    tpcc_workload_ops.destroy(run.tpcc);
    assert_int_equal(run.ops->close(run.target), TARGET_OK);
}

static bool has_time_for(const struct setting *setting)
{
    return WORLD_SLOWNESS == 1 || (setting->workers == WORKERS_MAX && strstr(setting->workload, "warehouses=1"));
}

static void run_mode(const char *mode, bool single_version)
{
    uint64_t seed = seed_from_environment();
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (has_time_for(&settings[i]) && strncmp(settings[i].workload, mode, strlen(mode)) == 0 &&
            (strstr(settings[i].engine, "simple_index_update=on") != NULL) == single_version)
            run_setting(&settings[i], seed + i);
}

static void the_specification(void **state)
{
    (void)state;
    run_mode("mode=spec ", false);
}

static void as_in_the_paper(void **state)
{
    (void)state;
    run_mode("mode=paper ", false);
}

static void without_inserts(void **state)
{
    (void)state;
    run_mode("mode=paper-np ", false);
}

static void with_single_version_indexes(void **state)
{
    (void)state;
    run_mode("mode=", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification),
        cmocka_unit_test(as_in_the_paper),
        cmocka_unit_test(without_inserts),
        cmocka_unit_test(with_single_version_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
