/* players.c - see players.h. */
#include "tests/support/players.h"

#include "harness/proof/judge.h"
#include "harness/targets/recording.h"
#include "tests/support/actors.h"

enum { TRACE_MAX = 128, ERROR_BYTES = 512 };

/* A transaction of the script that runs. */
struct player {
    struct players *all;
    struct target_worker *worker;
    struct target_txn *txn;
    char ops[ANOMALY_OPS_MAX][3];
    unsigned count, next;
    bool snapshot, aborts, over;
    uint64_t place;            /* of its last commit, if the order is known at the beginning */
    enum target_status status; /* of the last call */
};

struct players {
    const struct conform_variant *variant;
    struct recording *recording;
    const struct target_ops *ops;
    struct target *target;
    bool ordered;
    struct anomaly_stage stage;
    struct actors actors;
    struct player list[ANOMALY_TXNS_MAX];
    struct history_checker *checker;
    struct {
        unsigned player;
        char what[8];
        bool waits;
        enum target_status status;
    } trace[TRACE_MAX]; /* of this script */
    unsigned trace_count;
};

/* ---- Steps, each on the player's thread. ---- */

static void join(void *arg)
{
    struct player *player = arg;
    player->status = player->all->ops->worker_join(player->all->target, &player->worker);
}

static void leave(void *arg)
{
    struct player *player = arg;
    player->all->ops->worker_leave(player->worker);
}

static void idle(void *arg)
{
    struct player *player = arg;
    target_idle(player->all->ops, player->worker);
}

/* Whether a snapshot sees the last commit of this player. */
static void look_back(void *arg)
{
    struct player *player = arg;
    const struct target_ops *ops = player->all->ops;
    player->status = ops->begin(player->worker, TARGET_SNAPSHOT, &player->txn);
    if (player->status != TARGET_OK)
        return;
    player->snapshot = ops->timestamp(player->txn) >= player->place;
    player->status = ops->commit(player->txn);
}

static bool is_usable(enum target_status status)
{
    return status == TARGET_OK || status == TARGET_NOT_FOUND || status == TARGET_EXISTS || status == TARGET_READ_ONLY;
}

static bool has_order_at_begin(const struct players *players)
{
    return players->variant->promises.order == TARGET_ORDER_AT_BEGIN;
}

static void commit(struct player *player)
{
    player->status = player->all->ops->commit(player->txn);
    if (player->status == TARGET_OK && has_order_at_begin(player->all))
        player->place = player->all->ops->timestamp(player->txn);
}

/* Begins, if it has not, and makes the next call; after the last, or one that failed, ends. */
static void play(void *arg)
{
    struct player *player = arg;
    const struct players *players = player->all;
    if (player->txn == NULL) {
        player->status =
            players->ops->begin(player->worker, player->snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &player->txn);
        if (player->status != TARGET_OK)
            return;
    }
    if (is_usable(player->status) && player->next < player->count) {
        player->status = anomaly_run_op(&players->stage, player->txn, player->ops[player->next++]);
        return;
    }
    if (is_usable(player->status) && !player->aborts)
        commit(player);
    else
        players->ops->abort(player->txn);
    player->over = true;
}

/* ---- Scripts. ---- */

/* A step that waits for nobody, though it may take long. */
static void step_whole(struct players *players, unsigned i, void (*step)(void *arg))
{
    if (!actors_step(&players->actors, i, step, &players->list[i]))
        assert_true(actors_wait_for(&players->actors, i));
}

static void print_trace(const struct players *players, const struct anomaly_script *script)
{
    printf("%s, %s index\n", script->name, players->ordered ? "ordered" : "hash");
    for (unsigned i = 0; i < players->trace_count; i++)
        printf("    %*s%u %s%s%s\n", (int)players->trace[i].player * 24, "", players->trace[i].player + 1,
               players->trace[i].what, players->trace[i].waits ? " ..." : " ",
               players->trace[i].waits ? "" : target_status_name(players->trace[i].status));
}

/* One turn of a player. A busy or finished one does nothing. */
static void turn(struct players *players, unsigned i)
{
    struct player *player = &players->list[i];
    if (actors_busy(&players->actors, i) || player->over)
        return;
    unsigned at = players->trace_count < TRACE_MAX ? players->trace_count++ : TRACE_MAX - 1;
    bool ends = player->txn != NULL && (player->next == player->count || !is_usable(player->status));
    snprintf(players->trace[at].what, sizeof players->trace[at].what, "%s", ends ? "end" : player->ops[player->next]);
    players->trace[at].player = i;
    players->trace[at].waits = !actors_step(&players->actors, i, play, player);
    if (!players->trace[at].waits)
        players->trace[at].status = player->status;
}

/* Lets all end. */
static void finish(struct players *players, const struct anomaly_script *script, unsigned count)
{
    for (;;) {
        unsigned over = 0, waiting = 0;
        for (unsigned i = 0; i < count; i++) {
            turn(players, i);
            bool busy = actors_busy(&players->actors, i);
            waiting += busy;
            over += !busy && players->list[i].over;
        }
        if (over == count)
            return;
        /* Who has calls left may hold what others wait for. */
        if (waiting > 0 && waiting + over == count && !actors_wait_for_fewer(&players->actors, waiting)) {
            print_trace(players, script);
            printf("FAILED: transactions wait for each other, and nobody ends that\n");
            exit(1); /* the threads cannot be joined */
        }
    }
}

static void prepare(struct players *players, const struct anomaly_script *script, unsigned *count)
{
    players->trace_count = 0;
    for (*count = 0; *count < ANOMALY_TXNS_MAX && script->ops[*count] != NULL; ++*count) {
        struct player *player = &players->list[*count];
        *player = (struct player){.all = players,
                                  .worker = player->worker,
                                  .snapshot = script->snapshot[*count],
                                  .aborts = script->aborts[*count]};
        player->count = anomaly_ops_of(script->ops[*count], player->ops);
    }
}

/* A transaction of the first player, who is alone. */
static void play_alone(struct players *players, const char *ops)
{
    const struct anomaly_script script = {.name = "alone", .ops = {ops}};
    unsigned count;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        prepare(players, &script, &count);
        finish(players, &script, count);
        if (players->list[0].status == TARGET_OK)
            return;
    }
    print_trace(players, &script);
    fail_msg("%s: a transaction that is alone is aborted again and again", players->variant->name);
}

/* Waits until snapshots see what was loaded. Else they could read what was there before the recording. */
static void settle_snapshots(struct players *players)
{
    struct player *player = &players->list[0];
    player->snapshot = !has_order_at_begin(players);
    for (unsigned attempt = 0; !player->snapshot; attempt++) {
        assert_true(attempt < 10000);
        for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
            step_whole(players, i, idle);
        step_whole(players, 0, look_back);
        assert_target_ok(player->status);
    }
}

/* Holds the history against what is promised, and counts what a serializable target would not have shown. */
static void judge(struct players *players, const struct anomaly_script *script, struct players_seen *seen)
{
    struct history history;
    struct history_verdict verdict;
    char error[ERROR_BYTES] = "";
    history_init(&history);
    assert_true(recording_history(players->target, &history, error, sizeof error));
    if (!history_check(players->checker, &history, &players->variant->promises, &verdict)) {
        print_trace(players, script);
        fail_msg("%s: %s", players->variant->name, verdict.report.text);
    }
    seen->committed += verdict.committed;
    seen->aborted += verdict.aborted;
    history_verdict_fini(&verdict);
    (void)history_check(players->checker, &history, &history_serializable, &verdict);
    for (unsigned i = 0; i < HISTORY_ANOMALY_COUNT; i++)
        seen->findings[i] += verdict.findings[i];
    history_verdict_fini(&verdict);
    history_fini(&history);
}

void players_run(struct players *players, const struct anomaly_script *script, bool entries, struct players_seen *seen)
{
    unsigned count;
    play_alone(players, "ux uy uz dx dy dz");
    play_alone(players, "dw");
    recording_clear(players->target); /* what is there must have come in the history */
    play_alone(players, entries ? "ix iy ax ay" : "ix iy");
    settle_snapshots(players);
    prepare(players, script, &count);
    for (const char *at = script->order; *at; at++)
        turn(players, (unsigned)(*at - '1'));
    finish(players, script, count);
    judge(players, script, seen);
}

/* ---- Opening and closing. ---- */

static bool open_target(struct players *players)
{
    const struct target_table_config table = {.payload_max_bytes = 8};
    const struct target_index_config index = {.kind = players->ordered ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH,
                                              .key_bytes = 8};
    struct anomaly_stage *stage = &players->stage;
    char error[ERROR_BYTES] = "";
    players->recording = recording_create(players->variant->ops, NULL, error, sizeof error);
    assert_non_null(players->recording);
    players->ops = stage->ops = recording_ops(players->recording);
    players->target = conform_open(players->variant, players->ops);
    assert_target_ok(players->ops->table_create(players->target, "rows", &table, &stage->table));
    enum target_status status = players->ops->index_create(players->target, stage->table, "key", &index, &stage->index);
    if (status == TARGET_UNSUPPORTED)
        return false;
    assert_target_ok(status);
    assert_target_ok(players->ops->index_create(players->target, stage->table, "second", &index, &stage->second));
    return true;
}

static void close_target(struct players *players)
{
    char report[ERROR_BYTES] = "";
    const struct target_ops *ops = players->ops;
    bool keeps = target_is_transactional(&players->variant->promises);
    if (keeps && ops->verify != NULL && ops->verify(players->target, report, sizeof report) != TARGET_OK)
        fail_msg("%s: %s", players->variant->name, report);
    assert_target_ok(ops->close(players->target));
    recording_destroy(players->recording);
    free(players);
}

struct players *players_open(const struct conform_variant *variant, bool ordered)
{
    struct players *players = calloc(1, sizeof *players);
    assert_non_null(players);
    players->variant = variant;
    players->ordered = ordered;
    if (!open_target(players)) {
        close_target(players);
        return NULL;
    }
    players->checker = history_checker_create();
    actors_open(&players->actors, ANOMALY_TXNS_MAX);
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++) {
        players->list[i].all = players;
        step_whole(players, i, join);
        assert_target_ok(players->list[i].status);
    }
    return players;
}

void players_close(struct players *players)
{
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
        step_whole(players, i, leave);
    actors_close(&players->actors);
    history_checker_destroy(players->checker);
    close_target(players);
}
