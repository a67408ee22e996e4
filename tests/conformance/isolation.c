/*
 * isolation.c - every target keeps the isolation that it promises, call by call: the scripts of anomaly_scripts.h, each
 * in the order that provokes its anomaly, and random ones, run by players.h.
 *
 * A target of snapshot isolation may show write skew, and must, since else the check would have shown nothing. On one
 * that promises nothing the scripts must show anomalies. What each isolation level of the databases shows, anomaly by
 * anomaly, is in hermitage.c. TARGET= repeats one target, MAE_SEED the random scripts.
 */
#include "tests/support/players.h"
#include "tests/support/world.h"

enum { RANDOM_SCRIPTS = 150, ORDER_MAX = 64, TEXT_MAX = 32 };

static struct {
    const struct target_promises *promises;
    struct players *players;
    uint64_t random;
    struct players_seen seen; /* of this target */
} test;

static void run_random_script(bool ordered)
{
    char ops[ANOMALY_TXNS_MAX][TEXT_MAX], order[ORDER_MAX] = "";
    struct anomaly_script script = {.name = "random", .order = order, .ordered = ordered};
    bool entries = test.promises->phantom_safe;
    const char *all = !entries ? "rrwwb" : ordered ? "rrwwbDiaumvvs" : "rrwwbDiaumvv";
    unsigned txns = 2 + (unsigned)random_below(&test.random, ANOMALY_TXNS_MAX - 1);
    for (unsigned i = 0; i < txns; i++) {
        ops[i][0] = '\0';
        unsigned count = 1 + (unsigned)random_below(&test.random, ANOMALY_OPS_MAX);
        for (unsigned k = 0; k < count; k++) {
            char what = all[random_below(&test.random, strlen(all))];
            char op[4] = {what, what == 's' ? '*' : "xyz"[random_below(&test.random, ANOMALY_KEYS)], '\0'};
            if (k > 0)
                strcat(ops[i], " ");
            strcat(ops[i], op);
        }
        script.ops[i] = ops[i];
        script.snapshot[i] = random_below(&test.random, 6) == 0;
        script.aborts[i] = random_below(&test.random, 6) == 0;
    }
    for (unsigned k = 0; k < ORDER_MAX - 1; k++)
        order[k] = (char)('1' + random_below(&test.random, txns));
    players_run(test.players, &script, entries, &test.seen);
}

/* Where a target does not promise to be safe from phantoms, rows neither come nor go, and nobody scans. */
static bool applies(const struct anomaly_script *script, bool ordered)
{
    bool still = true;
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX && script->ops[i]; i++)
        still &= strpbrk(script->ops[i], "disaumD") == NULL;
    return (ordered || !script->ordered) && (still || test.promises->phantom_safe);
}

static void run_scripts(const struct anomaly_script *scripts, bool ordered, bool entries)
{
    for (const struct anomaly_script *script = scripts; script->name; script++)
        if (applies(script, ordered))
            players_run(test.players, script, entries, &test.seen);
}

static void run_kind(const struct conform_variant *variant, bool ordered)
{
    test.players = players_open(variant, ordered);
    if (test.players == NULL)
        return;
    run_scripts(anomaly_scripts, ordered, false);
    run_scripts(anomaly_entry_scripts, ordered, true);
    for (unsigned i = 0; i < RANDOM_SCRIPTS / WORLD_SLOWNESS && target_is_transactional(&variant->promises); i++)
        run_random_script(ordered);
    players_close(test.players);
}

static void run_variant(const struct conform_variant *variant)
{
    if (variant->promises.workers_max < ANOMALY_TXNS_MAX)
        return;
    test.promises = &variant->promises;
    test.random = seed_from_environment();
    test.seen = (struct players_seen){0};
    for (unsigned ordered = 0; ordered < 2; ordered++)
        run_kind(variant, ordered);
    if (variant->promises.isolation == TARGET_ISOLATION_SNAPSHOT)
        assert_true(test.seen.findings[HISTORY_ANOMALY_G2_ITEM] > 0);
    if (variant->promises.isolation == TARGET_ISOLATION_NONE)
        assert_true(test.seen.findings[HISTORY_ANOMALY_ABORTED_READ] > 0);
    assert_true(test.seen.committed > test.seen.aborted);
}

static void target_keeps_the_isolation_it_promises(void **state)
{
    (void)state;
    conform_each(run_variant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(target_keeps_the_isolation_it_promises)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
