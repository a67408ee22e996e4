/*
 * durable.c - workers, the logger and the checkpointer under random schedules, on a disk that stops or fails at a call.
 *
 * A round has a folder of its own and some lives of one database. In a life three workers, a coroutine that makes the
 * logger's rounds and one that makes checkpoints run under the scheduler (tests/support/scheduler.h), which may
 * change hands at each race point and at each call on the simulated disk (tests/support/disk.h). Workers change a few
 * keys, also by additions without reading, and some of them wait until that is safe or ask to be told. In some rounds
 * timestamps move, or there are elders. At a random call on the disk the machine stops, or the call fails, or nothing
 * happens. Then the power is lost, or the process ends. The recovery is stopped as well at times.
 *
 * Found must be, after a recovery: exactly what the commits that have survived (mae_survived) have left behind, in
 * the order of their timestamps; all commits below each durable timestamp that was seen, and those that a worker
 * waited for or was told of; and nothing that mae_db_verify complains about. So nothing is there of a transaction
 * that has failed.
 *
 * MAE_SECONDS / 6 of CPU (30: 5 seconds). How to read a failure: the trace is of the life before the recovery; calls
 * on the disk are notes, "key" is their number. MAE_SEED, which the failure tells, repeats it at once; but timestamps
 * begin where the speed of the machine's clock, as measured, puts them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/db/db.h"
#include "engine/log/logger.h"
#include "tests/support/disk.h"
#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"
#include "workloads/rng.h"

SCHEDULER_INTERPOSE

#ifdef MAE_DEBUG

enum {
    WORKERS = 3,
    LOGGER = WORKERS,
    CHECKPOINTER,
    COROUTINES,
    TXNS = 4, /* a worker and life, at most */
    OPS = 3,  /* a transaction, at most */
    KEYS = 6,
    LIVES = 3,
    COMMITS_MAX = LIVES * WORKERS * TXNS + 1,
    ROUNDS = 5, /* of the logger, a life, at most */
    CALLS = 40, /* of these the disk fails in one */
    TRIALS = 2, /* recoveries that are stopped */
    FAIL_BYTES = 300
};

/* The value of the key, 0: it is not there; or what is added to that. */
struct change {
    unsigned key;
    bool adds;
    uint64_t value;
};

struct commit {
    uint64_t ts;
    unsigned count;
    struct change changes[OPS];
};

static struct {
    struct rng rng, rngs[COROUTINES];
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *workers[WORKERS];
    bool async, ordered;
    const char *restamp, *elder_after;
    unsigned rounds, checkpoints;
    struct commit commits[COMMITS_MAX];
    unsigned count;
    uint64_t promised; /* all commits below are safe */
    uint64_t stamp;    /* the next value */
    char failure[FAIL_BYTES];
} test;

static struct {
    uint64_t lives, transactions, committed, added, moved, elders, checkpoints, waits, told, failed;
} seen;

static void fail(const char *what, enum mae_status status)
{
    if (!*test.failure)
        snprintf(test.failure, sizeof test.failure, "%s: %s %s", what, mae_status_name(status), mae_open_problem());
}

/* ---- The disk: each call is a step. ---- */

static const struct file_calls *disk_calls_table;

static void call_note(const char *name)
{
    scheduler_note(name, disk_calls(), 0, 0);
    scheduler_point();
}

static int step_write(int file, const void *data, size_t bytes, uint64_t offset)
{
    call_note("disk: write");
    return disk_calls_table->write(file, data, bytes, offset);
}

static int step_sync(int file)
{
    call_note("disk: sync");
    return disk_calls_table->sync(file);
}

static int step_reserve(int file, uint64_t bytes)
{
    call_note("disk: reserve");
    return disk_calls_table->reserve(file, bytes);
}

static int step_rename(const char *from, const char *to)
{
    call_note("disk: rename");
    return disk_calls_table->rename(from, to);
}

static int step_remove(const char *path)
{
    call_note("disk: remove");
    return disk_calls_table->remove(path);
}

static int step_sync_folder(const char *path)
{
    call_note("disk: sync of the folder");
    return disk_calls_table->sync_folder(path);
}

static void disk_in_steps(void)
{
    static struct file_calls steps;
    disk_open();
    disk_calls_table = file_calls;
    steps = *file_calls;
    steps.write = step_write;
    steps.sync = step_sync;
    steps.reserve = step_reserve;
    steps.rename = step_rename;
    steps.remove = step_remove;
    steps.sync_folder = step_sync_folder;
    file_calls = &steps;
}

/* ---- What coroutines do. ---- */

static void promise(uint64_t below)
{
    if (below > test.promised)
        test.promised = below;
}

static void see_durable(void)
{
    promise(mae_durable_timestamp(test.db));
}

static void told(void *arg, uint64_t ts, enum mae_status status)
{
    (void)arg;
    scheduler_note("is told", ts, 0, (int)status);
    if (status != MAE_OK)
        return;
    promise(ts + 1);
    seen.told++;
}

static enum mae_status change_key(struct mae_txn *txn, struct rng *rng, struct commit *commit)
{
    struct change change = {.key = (unsigned)rng_below(rng, KEYS)};
    uint64_t key = change.key, row, kind = rng_below(rng, 8);
    void *data;
    enum mae_status status;
    const char *name = "delete";
    if (kind < 2) {
        status = mae_delete(txn, test.index, &key);
    } else if (kind < 4) {
        change.adds = true;
        change.value = ++test.stamp;
        name = "add";
        status = mae_apply(txn, test.index, &key, MAE_ADD, 0, &change.value, sizeof change.value);
        seen.added += status == MAE_OK;
    } else {
        change.value = ++test.stamp;
        name = "update";
        status = mae_update(txn, test.index, &key, sizeof change.value, NULL, &data);
        if (status == MAE_NOT_FOUND) {
            name = "insert";
            status = mae_insert(txn, test.index, &key, sizeof change.value, &row, &data);
        }
        if (status == MAE_OK)
            memcpy(data, &change.value, sizeof change.value);
    }
    scheduler_note(name, key, change.value, (int)status);
    if (status == MAE_OK)
        commit->changes[commit->count++] = change;
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

static enum mae_status run_txn(struct mae_worker *worker, struct rng *rng, struct commit *commit)
{
    struct mae_txn *txn;
    unsigned ops = 1 + (unsigned)rng_below(rng, OPS);
    enum mae_status status = mae_begin(worker, MAE_READ_WRITE, 0, &txn);
    if (status != MAE_OK)
        return status;
    seen.transactions++;
    for (unsigned i = 0; i < ops && status == MAE_OK; i++) {
        status = change_key(txn, rng, commit);
        scheduler_point();
    }
    if (status == MAE_OK && rng_below(rng, 3) == 0)
        status = mae_on_durable(txn, told, NULL);
    if (status != MAE_OK) {
        (void)mae_abort(txn);
        return status;
    }
    status = mae_commit(txn);
    commit->ts = mae_worker_last_commit(worker);
    scheduler_note("commit", commit->ts, 0, (int)status);
    return status;
}

static void work(unsigned number)
{
    struct mae_worker *worker = test.workers[number];
    struct rng *rng = &test.rngs[number];
    for (uint64_t left = 1 + rng_below(rng, TXNS); left > 0; left--) {
        struct commit commit = {.count = 0};
        enum mae_status status = run_txn(worker, rng, &commit);
        if (status == MAE_OK && commit.count > 0)
            test.commits[test.count++] = commit;
        seen.committed += status == MAE_OK;
        if (status != MAE_OK && status != MAE_IO && !mae_status_is_abort(status))
            fail("a transaction", status);
        see_durable();
        if (status == MAE_OK && commit.count > 0 && rng_below(rng, 3) == 0) {
            status = mae_wait_durable(worker, commit.ts);
            scheduler_note("waits", commit.ts, 0, (int)status);
            if (status == MAE_OK)
                promise(commit.ts + 1), seen.waits++;
            else if (status != MAE_IO_UNKNOWN)
                fail("a wait", status);
        }
        if (rng_below(rng, 4) == 0)
            mae_worker_idle(worker);
    }
    mae_worker_idle(worker); /* it shall hold nobody back who waits */
}

static void body(void *arg, unsigned number)
{
    (void)arg;
    if (number < WORKERS) {
        work(number);
        return;
    }
    for (; number == LOGGER && test.rounds > 0; test.rounds--) {
        (void)log_round(test.db->core.log);
        see_durable();
        scheduler_point();
    }
    for (; number == CHECKPOINTER && test.checkpoints > 0; test.checkpoints--) {
        enum mae_status status = mae_checkpoint(test.db);
        scheduler_note("checkpoint", 0, 0, (int)status);
        if (status != MAE_OK && status != MAE_IO)
            fail("a checkpoint", status);
        seen.checkpoints += status == MAE_OK;
        see_durable();
    }
}

/* ---- The oracle. ---- */

static int by_ts(const void *left, const void *right)
{
    const struct commit *a = left, *b = right;
    return (a->ts > b->ts) - (a->ts < b->ts);
}

/* Forgets the commits that are lost, and computes what the others have left behind. */
static void expected(uint64_t *values)
{
    unsigned kept = 0;
    memset(values, 0, KEYS * sizeof *values);
    qsort(test.commits, test.count, sizeof *test.commits, by_ts);
    for (unsigned i = 0; i < test.count; i++) {
        const struct commit commit = test.commits[i];
        if (mae_survived(test.db, commit.ts))
            test.commits[kept++] = commit;
        else if (commit.ts < test.promised && !*test.failure)
            snprintf(test.failure, sizeof test.failure, "the commit %" PRIu64 " is lost, promised was %" PRIu64,
                     commit.ts, test.promised);
        for (unsigned j = 0; j < commit.count && kept > 0 && test.commits[kept - 1].ts == commit.ts; j++) {
            const struct change *change = &commit.changes[j];
            values[change->key] = change->value + (change->adds ? values[change->key] : 0);
        }
    }
    test.count = kept;
}

static void check_state(void)
{
    uint64_t values[KEYS];
    struct mae_txn *txn;
    char report[FAIL_BYTES];
    expected(values);
    if (mae_db_verify(test.db, report, sizeof report) != MAE_OK && !*test.failure)
        snprintf(test.failure, sizeof test.failure, "%.*s", FAIL_BYTES - 1, report);
    if (mae_begin(test.workers[0], MAE_READ_WRITE, 0, &txn) != MAE_OK)
        abort();
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t value = 0;
        const void *data;
        size_t bytes;
        enum mae_status status = mae_read(txn, test.index, &key, &data, &bytes);
        if (status == MAE_OK)
            memcpy(&value, data, sizeof value);
        if (value != values[key] && !*test.failure)
            snprintf(test.failure, sizeof test.failure, "key %" PRIu64 " has %" PRIu64 ", expected %" PRIu64, key,
                     value, values[key]);
    }
    (void)mae_abort(txn);
}

/* ---- Lives. ---- */

static enum mae_status open_db(void)
{
    static const char *const settings[][2] = {
        {"log_dir", "db"},     {"log_segment_bytes", "64K"}, {"log_buffer_bytes", "64K"}, {"checkpoint_rate", "0"},
        {"huge_pages", "off"}, {"hash_seed", "1"},           {"memory_limit", "64M"},     {"recovery_threads", "1"}};
    struct mae_options *options = mae_options_create();
    if (!options)
        abort();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (mae_options_set(options, settings[i][0], settings[i][1], NULL, 0) != MAE_OK)
            abort();
    if (mae_options_set(options, "durability", test.async ? "async" : "group", NULL, 0) != MAE_OK ||
        mae_options_set(options, "restamp", test.restamp, NULL, 0) != MAE_OK ||
        mae_options_set(options, "elder_after", test.elder_after, NULL, 0) != MAE_OK)
        abort();
    enum mae_status status = mae_open(options, &test.db);
    mae_options_destroy(options);
    if (status != MAE_OK)
        test.db = NULL;
    return status;
}

static bool make_schema(void)
{
    const struct mae_table_config table = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index = {.kind = test.ordered ? MAE_INDEX_ORDERED : MAE_INDEX_HASH,
                                           .key_bytes = sizeof(uint64_t)};
    test.table = mae_table_find(test.db, "rows");
    if (!test.table && mae_table_create(test.db, "rows", &table, &test.table) != MAE_OK)
        return false;
    test.index = mae_index_by_name(test.db, "keys");
    return test.index || mae_index_create(test.db, test.table, "keys", &index, &test.index) == MAE_OK;
}

static void close_db(void)
{
    mae_close(test.db);
    test.db = NULL;
}

/* The process is gone, and mostly the power. That takes from async what it has promised. */
static void crash(void)
{
    bool power = rng_below(&test.rng, 4) > 0;
    uint64_t random = rng_next(&test.rng);
    disk_crash(power ? &random : NULL);
    if (power && test.async)
        test.promised = 0;
}

static void recover(void)
{
    for (unsigned trial = 0;; trial++) {
        disk_stop_at(trial < TRIALS && rng_below(&test.rng, 2) ? 1 + rng_below(&test.rng, CALLS) : 0);
        enum mae_status status = open_db();
        if (status == MAE_OK && make_schema())
            break;
        if (status == MAE_CORRUPT || trial >= TRIALS) {
            fail("mae_open", status);
            return;
        }
        if (test.db)
            close_db();
        crash();
    }
    disk_stop_at(0);
    rounds_set_time(&test.db->core, &test.rng);
    for (unsigned i = 0; i < WORKERS; i++)
        if (mae_worker_join(test.db, &test.workers[i]) != MAE_OK)
            abort();
    check_state();
}

static void live(uint64_t seed)
{
    const struct scheduler_plan plan = rounds_plan(&test.rng, seed);
    uint64_t call = 1 + rng_below(&test.rng, CALLS), kind = rng_below(&test.rng, 4);
    disk_stop_at(kind < 2 ? call : 0);
    disk_fail_at(kind == 2 ? call : 0);
    test.rounds = 1 + (unsigned)rng_below(&test.rng, ROUNDS);
    test.checkpoints = (unsigned)rng_below(&test.rng, 3);
    for (unsigned i = 0; i < COROUTINES; i++)
        rng_init(&test.rngs[i], seed, 100 + i);
    seen.lives++;
    if (!scheduler_run(&plan, COROUTINES, body, NULL)) {
        rounds_failed("the schedule does not end");
        exit(1); /* coroutines are still inside */
    }
    seen.failed += log_has_failed(test.db->core.log);
    for (unsigned i = 0; i < WORKERS; i++) {
        seen.moved += atomic_load(&test.workers[i]->counters.restamps);
        seen.elders += atomic_load(&test.workers[i]->counters.elders);
        mae_worker_leave(test.workers[i]);
    }
    if (rng_below(&test.rng, 2))
        disk_stop_at(1);
    close_db(); /* nobody has seen what closing promises */
    crash();
}

/* False: a failure, with the trace of the last life. */
static bool round_run(uint64_t seed)
{
    static const char *const restamps[] = {"off", "retry", "extend", "extend"};
    memset(&test, 0, sizeof test);
    rng_init(&test.rng, seed, 0);
    scheduler_open(seed);
    disk_in_steps();
    test.async = rng_below(&test.rng, 4) == 0;
    test.ordered = rng_below(&test.rng, 2);
    test.restamp = restamps[rng_below(&test.rng, 4)];
    test.elder_after = rng_below(&test.rng, 4) == 0 ? "1" : "0";
    recover();
    for (unsigned life = 0; life < LIVES && !*test.failure; life++) {
        live(seed + life * 1000003);
        recover();
    }
    if (*test.failure) {
        rounds_failed(test.failure);
        return false;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        mae_worker_leave(test.workers[i]);
    close_db();
    disk_close();
    scheduler_close();
    return true;
}

int main(void)
{
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    log_by_hand = true;
    uint64_t rounds = rounds_run(round_run);
    if (!rounds)
        return 1;
    printf("%" PRIu64 " schedules, %" PRIu64 " of %" PRIu64 " transactions committed, %" PRIu64 " additions, %" PRIu64
           " moved, %" PRIu64 " elders, %" PRIu64 " checkpoints, %" PRIu64 " waits, %" PRIu64 " told, %" PRIu64
           " logs failed\n",
           seen.lives, seen.committed, seen.transactions, seen.added, seen.moved, seen.elders, seen.checkpoints,
           seen.waits, seen.told, seen.failed);
    const bool all_seen = seen.added && seen.moved && seen.elders && seen.checkpoints && seen.waits && seen.told;
    return rounds > 100 && !(all_seen && seen.failed);
}

#else

int main(void)
{
    printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
    return 77;
}

#endif
