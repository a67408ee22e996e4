/*
 * isolation.c - every target keeps the isolation that it promises, call by call: the scripts of anomaly_scripts.h, each
 * in the order that provokes its anomaly, and random ones. Each transaction runs on a thread of its own, and the test
 * decides whose turn it is. A call that waits for another transaction is left alone until it ends.
 *
 * The recording target writes down what was seen, and the history check (harness/proof/judge.h) names the anomalies. A
 * target of snapshot isolation may show write skew, and must, since else the check would have shown nothing. On one
 * that promises nothing the scripts must show anomalies. How to read a failure: the script, who did what in which order
 * with which answer, then the finding. TARGET= repeats one target, MAE_SEED the random scripts.
 */
#include "harness/proof/judge.h"
#include "harness/targets/recording.h"
#include "tests/support/actors.h"
#include "tests/support/anomaly_scripts.h"
#include "tests/support/conform.h"
#include "tests/support/world.h"

enum { RANDOM_SCRIPTS = 150, ORDER_MAX = 64, TRACE_MAX = 128, ERROR_BYTES = 512, TEXT_MAX = 32 };

/* A transaction of the script that runs. */
struct player {
    struct target_worker *worker;
    struct target_txn *txn;
    char ops[ANOMALY_OPS_MAX][3];
    unsigned count, next;
    bool snapshot, aborts, over;
    uint64_t place;            /* of its last commit, if the order is known at the beginning */
    enum target_status status; /* of the last call */
};

static struct {
    const struct conform_variant *variant;
    struct recording *recording;
    const struct target_ops *ops;
    struct target *target;
    struct anomaly_stage stage;
    struct actors actors;
    struct player players[ANOMALY_TXNS_MAX];
    struct history_checker *checker;
    uint64_t random;
    uint64_t findings[HISTORY_ANOMALY_COUNT]; /* of this target */
    uint64_t committed, aborted;
    struct {
        unsigned player;
        char what[8];
        bool waits;
        enum target_status status;
    } trace[TRACE_MAX]; /* of this script */
    unsigned trace_count;
} test;

/* ---- Steps, each on the player's thread. ---- */

static void join(void *arg)
{
    struct player *player = arg;
    player->status = test.ops->worker_join(test.target, &player->worker);
}

static void leave(void *arg)
{
    struct player *player = arg;
    test.ops->worker_leave(player->worker);
}

static void idle(void *arg)
{
    struct player *player = arg;
    target_idle(test.ops, player->worker);
}

/* Whether a snapshot sees the last commit of this player. */
static void look_back(void *arg)
{
    struct player *player = arg;
    player->status = test.ops->begin(player->worker, TARGET_SNAPSHOT, &player->txn);
    if (player->status != TARGET_OK)
        return;
    player->snapshot = test.ops->timestamp(player->txn) >= player->place;
    player->status = test.ops->commit(player->txn);
}

static bool is_usable(enum target_status status)
{
    return status == TARGET_OK || status == TARGET_NOT_FOUND || status == TARGET_EXISTS || status == TARGET_READ_ONLY;
}

static void commit(struct player *player)
{
    player->status = test.ops->commit(player->txn);
    if (player->status == TARGET_OK && test.variant->promises.order == TARGET_ORDER_AT_BEGIN)
        player->place = test.ops->timestamp(player->txn);
}

/* Begins, if it has not, and makes the next call; after the last, or one that failed, ends. */
static void play(void *arg)
{
    struct player *player = arg;
    if (player->txn == NULL) {
        player->status =
            test.ops->begin(player->worker, player->snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &player->txn);
        if (player->status != TARGET_OK)
            return;
    }
    if (is_usable(player->status) && player->next < player->count) {
        player->status = anomaly_run_op(&test.stage, player->txn, player->ops[player->next++]);
        return;
    }
    if (is_usable(player->status) && !player->aborts)
        commit(player);
    else
        test.ops->abort(player->txn);
    player->over = true;
}

/* ---- Scripts. ---- */

/* A step that waits for nobody, though it may take long. */
static void step_whole(unsigned i, void (*step)(void *arg))
{
    if (!actors_step(&test.actors, i, step, &test.players[i]))
        assert_true(actors_wait_for(&test.actors, i));
}

static void print_trace(const struct anomaly_script *script)
{
    printf("%s, %s index\n", script->name, script->ordered ? "ordered" : "hash");
    for (unsigned i = 0; i < test.trace_count; i++)
        printf("    %*s%u %s%s%s\n", (int)test.trace[i].player * 24, "", test.trace[i].player + 1, test.trace[i].what,
               test.trace[i].waits ? " ..." : " ", test.trace[i].waits ? "" : target_status_name(test.trace[i].status));
}

/* One turn of a player. A busy or finished one does nothing. */
static void turn(unsigned i)
{
    struct player *player = &test.players[i];
    if (actors_busy(&test.actors, i) || player->over)
        return;
    unsigned at = test.trace_count < TRACE_MAX ? test.trace_count++ : TRACE_MAX - 1;
    bool ends = player->txn != NULL && (player->next == player->count || !is_usable(player->status));
    snprintf(test.trace[at].what, sizeof test.trace[at].what, "%s", ends ? "end" : player->ops[player->next]);
    test.trace[at].player = i;
    test.trace[at].waits = !actors_step(&test.actors, i, play, player);
    if (!test.trace[at].waits)
        test.trace[at].status = player->status;
}

/* Lets all end. */
static void finish(const struct anomaly_script *script, unsigned count)
{
    for (;;) {
        unsigned over = 0, waiting = 0;
        for (unsigned i = 0; i < count; i++) {
            turn(i);
            bool busy = actors_busy(&test.actors, i);
            waiting += busy;
            over += !busy && test.players[i].over;
        }
        if (over == count)
            return;
        /* Who has calls left may hold what others wait for. */
        if (waiting > 0 && waiting + over == count && !actors_wait_for_fewer(&test.actors, waiting)) {
            print_trace(script);
            printf("FAILED: transactions wait for each other, and nobody ends that\n");
            exit(1); /* the threads cannot be joined */
        }
    }
}

static void prepare_players(const struct anomaly_script *script, unsigned *count)
{
    test.trace_count = 0;
    for (*count = 0; *count < ANOMALY_TXNS_MAX && script->ops[*count] != NULL; ++*count) {
        struct player *player = &test.players[*count];
        *player = (struct player){
            .worker = player->worker, .snapshot = script->snapshot[*count], .aborts = script->aborts[*count]};
        player->count = anomaly_ops_of(script->ops[*count], player->ops);
    }
}

/* A transaction of the first player, who is alone. */
static void play_alone(const char *ops)
{
    const struct anomaly_script script = {.name = "alone", .ops = {ops}};
    struct player *player = &test.players[0];
    unsigned count;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        prepare_players(&script, &count);
        finish(&script, count);
        if (player->status == TARGET_OK)
            return;
    }
    print_trace(&script);
    fail_msg("%s: a transaction that is alone is aborted again and again", test.variant->name);
}

/* Waits until snapshots see what was loaded. Else they could read what was there before the recording. */
static void settle_snapshots(void)
{
    struct player *player = &test.players[0];
    player->snapshot = test.variant->promises.order != TARGET_ORDER_AT_BEGIN;
    for (unsigned attempt = 0; !player->snapshot; attempt++) {
        assert_true(attempt < 10000);
        for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
            step_whole(i, idle);
        step_whole(0, look_back);
        assert_target_ok(player->status);
    }
}

/* Holds the history against what is promised. What weaker targets show is counted. */
static void judge(const struct anomaly_script *script)
{
    struct history history;
    struct history_verdict verdict;
    char error[ERROR_BYTES] = "";
    history_init(&history);
    assert_true(recording_history(test.target, &history, error, sizeof error));
    if (!history_check(test.checker, &history, &test.variant->promises, &verdict)) {
        print_trace(script);
        fail_msg("%s: %s", test.variant->name, verdict.report.text);
    }
    test.committed += verdict.committed;
    test.aborted += verdict.aborted;
    history_verdict_fini(&verdict);
    (void)history_check(test.checker, &history, &history_serializable, &verdict);
    for (unsigned i = 0; i < HISTORY_ANOMALY_COUNT; i++)
        test.findings[i] += verdict.findings[i];
    history_verdict_fini(&verdict);
    history_fini(&history);
}

/* entries: rows have entries in the second index. */
static void run_script(const struct anomaly_script *script, bool entries)
{
    unsigned count;
    play_alone("ux uy uz dx dy dz");
    recording_clear(test.target); /* what is there must have come in the history */
    play_alone(entries ? "ix iy ax ay" : "ix iy");
    settle_snapshots();
    prepare_players(script, &count);
    for (const char *at = script->order; *at; at++)
        turn((unsigned)(*at - '1'));
    finish(script, count);
    judge(script);
}

static void run_random_script(bool ordered)
{
    char ops[ANOMALY_TXNS_MAX][TEXT_MAX], order[ORDER_MAX] = "";
    struct anomaly_script script = {.name = "random", .order = order, .ordered = ordered};
    bool entries = test.variant->promises.phantom_safe;
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
    run_script(&script, entries);
}

/* ---- Targets. ---- */

static bool open_target(const struct conform_variant *variant, bool ordered)
{
    const struct target_table_config table = {.payload_max_bytes = 8};
    const struct target_index_config index = {.kind = ordered ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH,
                                              .key_bytes = 8};
    char error[ERROR_BYTES] = "";
    test.variant = variant;
    test.recording = recording_create(variant->ops, NULL, error, sizeof error);
    assert_non_null(test.recording);
    test.ops = recording_ops(test.recording);
    test.target = conform_open(variant, test.ops);
    test.stage.ops = test.ops;
    assert_target_ok(test.ops->table_create(test.target, "rows", &table, &test.stage.table));
    enum target_status status = test.ops->index_create(test.target, test.stage.table, "key", &index, &test.stage.index);
    if (status == TARGET_UNSUPPORTED)
        return false;
    assert_target_ok(status);
    assert_target_ok(test.ops->index_create(test.target, test.stage.table, "second", &index, &test.stage.second));
    return true;
}

static void close_target(void)
{
    char report[ERROR_BYTES] = "";
    bool keeps = target_is_transactional(&test.variant->promises);
    if (keeps && test.ops->verify != NULL && test.ops->verify(test.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s: %s", test.variant->name, report);
    test.ops->close(test.target);
    recording_destroy(test.recording);
}

/* Where a target does not promise to be safe from phantoms, rows neither come nor go, and nobody scans. */
static bool applies(const struct anomaly_script *script, bool ordered)
{
    bool still = true;
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX && script->ops[i]; i++)
        still &= strpbrk(script->ops[i], "disaumD") == NULL;
    return (ordered || !script->ordered) && (still || test.variant->promises.phantom_safe);
}

static void run_scripts(const struct anomaly_script *scripts, bool ordered, bool entries)
{
    for (const struct anomaly_script *script = scripts; script->name; script++) {
        struct anomaly_script same = *script;
        same.ordered = ordered;
        if (applies(script, ordered))
            run_script(&same, entries);
    }
}

static void run_kind(const struct conform_variant *variant, bool ordered)
{
    if (!open_target(variant, ordered)) {
        close_target();
        return;
    }
    actors_open(&test.actors, ANOMALY_TXNS_MAX);
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++) {
        step_whole(i, join);
        assert_target_ok(test.players[i].status);
    }
    run_scripts(anomaly_scripts, ordered, false);
    run_scripts(anomaly_entry_scripts, ordered, true);
    for (unsigned i = 0; i < RANDOM_SCRIPTS / WORLD_SLOWNESS && target_is_transactional(&variant->promises); i++)
        run_random_script(ordered);
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
        step_whole(i, leave);
    actors_close(&test.actors);
    close_target();
}

static void run_variant(const struct conform_variant *variant)
{
    if (variant->promises.workers_max < ANOMALY_TXNS_MAX)
        return;
    test.random = seed_from_environment();
    memset(test.findings, 0, sizeof test.findings);
    test.committed = test.aborted = 0;
    for (unsigned ordered = 0; ordered < 2; ordered++)
        run_kind(variant, ordered);
    if (variant->promises.isolation == TARGET_ISOLATION_SNAPSHOT)
        assert_true(test.findings[HISTORY_ANOMALY_G2_ITEM] > 0);
    if (variant->promises.isolation == TARGET_ISOLATION_NONE)
        assert_true(test.findings[HISTORY_ANOMALY_ABORTED_READ] > 0);
    assert_true(test.committed > test.aborted);
}

static void target_keeps_the_isolation_it_promises(void **state)
{
    (void)state;
    test.checker = history_checker_create();
    conform_each(run_variant);
    history_checker_destroy(test.checker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(target_keeps_the_isolation_it_promises)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
