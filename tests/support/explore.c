/* explore.c - see explore.h. */
#include "tests/support/explore.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "engine/maemio.h"
#include "harness/history/check.h"
#include "harness/targets/recording.h"
#include "harness/targets/targets.h"
#include "tests/support/scheduler.h"
#include "workloads/rng.h"

enum {
    WORKERS_MAX = 6,
    TXNS_MAX = 3,
    OPS_MAX = 6,
    ATTEMPTS_MAX = 6,
    SCHEDULES_MAX = 40,
    HELD_MAX = 64,
    KEY_WORDS_MAX = 8,
    ERROR_BYTES = 512,
    HANG_SECONDS = 30, /* a round takes milliseconds */
};

/* A payload the transaction has been given: it must stay as it is until the end. */
struct held {
    const uint64_t *data;
    size_t words;
    uint64_t value;
};

struct worker_state {
    struct target_worker *worker;
    struct rng rng;
    struct held held[HELD_MAX];
    unsigned held_count;
    struct target_txn *txn;
};

struct round {
    const struct explore_case *what;
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct mae_db *db;
    struct worker_state workers[WORKERS_MAX];
    unsigned worker_count;
    uint64_t seed, schedule_seed;
    unsigned schedules;
    uint64_t stamp; /* the next payload's contents */
    char failure[ERROR_BYTES];
    uint64_t begun, committed;
};

static struct totals {
    uint64_t rounds, schedules, begun, committed, snapshots;
} totals;

static void fail(struct round *round, const char *what, uint64_t x, uint64_t y)
{
    if (!round->failure[0])
        snprintf(round->failure, sizeof round->failure, "%s (%" PRIu64 ", %" PRIu64 ")", what, x, y);
}

/* ---- Payloads: a run of words, all the same. ---- */

static size_t draw_bytes(struct round *round, struct rng *rng)
{
    size_t words = round->what->payload_max / 8;
    return 8 * (rng_below(rng, 3) ? words : 1 + rng_below(rng, words));
}

static void fill(struct round *round, void *data, size_t bytes)
{
    uint64_t value = ++round->stamp, *words = data;
    for (size_t i = 0; i < bytes / 8; i++)
        words[i] = value;
}

static bool same(const uint64_t *data, size_t words, uint64_t value)
{
    for (size_t i = 0; i < words; i++)
        if (data[i] != value)
            return false;
    return true;
}

static void look(struct round *round, struct worker_state *own, const void *data, size_t bytes)
{
    const uint64_t *words = data;
    if (!same(words, bytes / 8, words[0]))
        fail(round, "a payload is torn: its first word and length", words[0], bytes);
    /* Own new versions may change and move. */
    if (own->held_count < HELD_MAX && recording_writer(data) != round->ops->timestamp(own->txn))
        own->held[own->held_count++] = (struct held){words, bytes / 8, words[0]};
}

/* What was read must not have changed while the transaction runs. */
static void look_again(struct round *round, struct worker_state *own)
{
    for (unsigned i = 0; i < own->held_count; i++)
        if (!same(own->held[i].data, own->held[i].words, own->held[i].value))
            fail(round, "a payload changed while its reader ran: before and now", own->held[i].value,
                 own->held[i].data[0]);
}

/* ---- Operations. ---- */

struct key {
    uint64_t words[KEY_WORDS_MAX];
};

static struct key make_key(const struct round *round, uint64_t number)
{
    struct key key = {{0}};
    if (round->what->key_bytes == 8)
        key.words[0] = number;
    else
        for (unsigned i = 0; i < 8; i++) /* big-endian, so that order is the number's */
            ((unsigned char *)key.words)[round->what->key_bytes - 1 - i] = (unsigned char)(number >> 8 * i);
    return key;
}

static enum mae_status noted(const char *name, uint64_t key, uint64_t value, enum mae_status status)
{
    scheduler_note(name, key, value, (int)status);
    return status == MAE_NOT_FOUND || status == MAE_EXISTS ? MAE_OK : status;
}

static enum mae_status do_read(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    const void *data;
    size_t bytes;
    enum mae_status status = round->ops->read(own->txn, round->index, &key, &data, &bytes);
    if (status == MAE_OK)
        look(round, own, data, bytes);
    return noted("read", number, status == MAE_OK ? *(const uint64_t *)data : 0, status);
}

static enum mae_status do_update(struct round *round, struct worker_state *own, uint64_t number, bool resize)
{
    struct key key = make_key(round, number);
    const void *old;
    void *data;
    size_t bytes = resize ? draw_bytes(round, &own->rng) : 8;
    enum mae_status status = round->ops->update(own->txn, round->index, &key, bytes, &old, &data);
    if (status == MAE_OK) {
        fill(round, data, bytes);
    }
    return noted("update", number, round->stamp, status);
}

static enum mae_status do_overwrite(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    enum mae_status status = round->ops->overwrite(own->txn, round->index, &key, bytes, &data);
    if (status == MAE_OK) {
        fill(round, data, bytes);
    }
    return noted("overwrite", number, round->stamp, status);
}

static enum mae_status do_insert(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    enum mae_status status = round->ops->insert(own->txn, round->index, &key, bytes, NULL, &data);
    if (status == MAE_OK)
        fill(round, data, bytes);
    return noted("insert", number, round->stamp, status);
}

static enum mae_status do_erase(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    return noted("erase", number, 0, round->ops->erase(own->txn, round->index, &key));
}

static enum mae_status do_find(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    enum mae_status status = round->ops->find(own->txn, round->index, &key, &ref);
    return noted("find", number, ref, status);
}

struct scan {
    struct round *round;
    struct worker_state *own;
    unsigned stop_after;
    bool update;
    enum mae_status status;
};

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    const struct target_ops *ops = scan->round->ops;
    uint64_t number;
    memcpy(&number, key, sizeof number);
    const void *data;
    size_t bytes;
    enum mae_status status;
    if (scan->update && rng_below(&scan->own->rng, 2)) {
        void *fresh;
        status = ops->row_update(scan->own->txn, scan->round->table, ref, 8, &data, &fresh);
        if (status == MAE_OK) {
            fill(scan->round, fresh, 8);
        }
    } else {
        status = ops->row_read(scan->own->txn, scan->round->table, ref, &data, &bytes);
        if (status == MAE_OK)
            look(scan->round, scan->own, data, bytes);
    }
    scheduler_note("  visits", number, ref, (int)status);
    scan->status = status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
    return status == MAE_OK && --scan->stop_after > 0;
}

static enum mae_status do_scan(struct round *round, struct worker_state *own, uint64_t number, bool update)
{
    struct key low = make_key(round, number), high = make_key(round, number + rng_below(&own->rng, round->what->keys));
    struct scan scan = {round, own, 1 + (unsigned)rng_below(&own->rng, 16), update, MAE_OK};
    unsigned flags = rng_below(&own->rng, 2) ? MAE_SCAN_BACKWARD : 0;
    bool low_open = rng_below(&own->rng, 8) == 0, high_open = rng_below(&own->rng, 8) == 0;
    uint64_t limit = rng_below(&own->rng, 2) ? 0 : 1 + rng_below(&own->rng, 4);
    scheduler_note(flags ? "scan backward" : "scan forward", number, limit, MAE_OK);
    enum mae_status status = round->ops->scan(own->txn, round->index, low_open ? NULL : &low, high_open ? NULL : &high,
                                              flags, limit, scan_visit, &scan);
    return noted("  scan ends", number, 0, status == MAE_OK ? scan.status : status);
}

/* A row and its entry, separately: what secondary indexes are made of. */
static enum mae_status do_row_insert(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    if (!round->what->non_unique) {
        enum mae_status found = round->ops->find(own->txn, round->index, &key, &ref);
        if (found != MAE_NOT_FOUND)
            return noted("row insert: find", number, ref, found);
    }
    enum mae_status status = round->ops->row_insert(own->txn, round->table, bytes, &ref, &data);
    if (status == MAE_OK) {
        fill(round, data, bytes);
        status = round->ops->index_insert(own->txn, round->index, &key, ref);
        if (status == MAE_EXISTS)
            fail(round, "an entry was absent, then there, to one transaction: key and row", number, ref);
    }
    return noted("row insert", number, ref, status);
}

static enum mae_status do_row_erase(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    enum mae_status status = round->ops->find(own->txn, round->index, &key, &ref);
    if (status != MAE_OK)
        return noted("row erase: find", number, ref, status);
    status = round->ops->row_erase(own->txn, round->table, ref);
    if (status == MAE_NOT_FOUND) { /* the entry was validated, the row was not there: the caller must give up */
        (void)noted("row erase", number, ref, status);
        return MAE_ABORT_INDEX;
    }
    if (status == MAE_OK) {
        status = round->ops->index_remove(own->txn, round->index, &key, ref);
        if (status == MAE_NOT_FOUND)
            fail(round, "an entry was there, then absent, to one transaction: key and row", number, ref);
    }
    return noted("row erase", number, ref, status);
}

/* By row id, whatever is there by now: ids may have been given to another row. */
static enum mae_status do_ref(struct round *round, struct worker_state *own, bool update)
{
    uint64_t ref = rng_below(&own->rng, 2 * round->what->keys);
    const void *data;
    void *fresh;
    size_t bytes;
    enum mae_status status = update ? round->ops->row_update(own->txn, round->table, ref, 8, &data, &fresh)
                                    : round->ops->row_read(own->txn, round->table, ref, &data, &bytes);
    if (status == MAE_OK && update)
        fill(round, fresh, 8);
    else if (status == MAE_OK)
        look(round, own, data, bytes);
    return noted(update ? "update row" : "read row", ref, 0, status == MAE_INVALID ? MAE_NOT_FOUND : status);
}

struct visit {
    struct round *round;
    struct worker_state *own;
};

static bool table_visit(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct visit *visit = arg;
    look(visit->round, visit->own, data, bytes);
    scheduler_note("  visits row", ref, *(const uint64_t *)data, MAE_OK);
    return true;
}

static enum mae_status do_table_scan(struct round *round, struct worker_state *own)
{
    struct visit visit = {round, own};
    return noted("scan table", 0, 0, round->ops->table_scan(own->txn, round->table, table_visit, &visit));
}

static enum mae_status run_op(struct round *round, struct worker_state *own, enum explore_op op)
{
    uint64_t keys = round->what->keys, number = rng_below(&own->rng, keys), other = rng_below(&own->rng, keys);
    enum mae_status status;
    switch (op) {
    case EXPLORE_READ:
        return do_read(round, own, number);
    case EXPLORE_UPDATE:
        return do_update(round, own, number, true);
    case EXPLORE_OVERWRITE:
        return do_overwrite(round, own, number);
    case EXPLORE_INSERT:
        return do_insert(round, own, number);
    case EXPLORE_ERASE:
        return do_erase(round, own, number);
    case EXPLORE_FIND:
        return do_find(round, own, number);
    case EXPLORE_SCAN:
    case EXPLORE_SCAN_UPDATE:
        return do_scan(round, own, number, op == EXPLORE_SCAN_UPDATE);
    case EXPLORE_TRANSFER:
        status = do_update(round, own, number, false);
        return status == MAE_OK && other != number ? do_update(round, own, other, false) : status;
    case EXPLORE_SKEW:
        status = do_read(round, own, number);
        if (status == MAE_OK)
            status = do_read(round, own, other);
        return status == MAE_OK ? do_update(round, own, rng_below(&own->rng, 2) ? number : other, true) : status;
    case EXPLORE_APPEND:
        status = do_read(round, own, number);
        return status == MAE_OK ? do_update(round, own, number, true) : status;
    case EXPLORE_ROW_INSERT:
        return do_row_insert(round, own, number);
    case EXPLORE_ROW_ERASE:
        return do_row_erase(round, own, number);
    case EXPLORE_UPDATE_TWICE:
        status = do_update(round, own, number, true);
        return status == MAE_OK ? do_update(round, own, number, true) : status;
    case EXPLORE_INSERT_ERASE:
        status = do_insert(round, own, number);
        if (status == MAE_OK)
            status = do_erase(round, own, number);
        return status == MAE_OK && rng_below(&own->rng, 2) ? do_insert(round, own, number) : status;
    case EXPLORE_REF_READ:
    case EXPLORE_REF_UPDATE:
        return do_ref(round, own, op == EXPLORE_REF_UPDATE);
    case EXPLORE_TABLE_SCAN:
        return do_table_scan(round, own);
    case EXPLORE_OP_COUNT:
        break;
    }
    return MAE_OK;
}

static enum explore_op draw_op(const struct round *round, struct rng *rng, bool reads_only)
{
    for (;;) {
        unsigned sum = 0;
        for (unsigned i = 0; i < EXPLORE_OP_COUNT; i++)
            sum += round->what->weights[i];
        uint64_t at = rng_below(rng, sum);
        unsigned op = 0;
        while (at >= round->what->weights[op])
            at -= round->what->weights[op++];
        if (!reads_only)
            return (enum explore_op)op;
        if (round->what->ordered && rng_below(rng, 2))
            return EXPLORE_SCAN;
        switch (rng_below(rng, 8)) {
        case 0:
        case 1:
            return EXPLORE_TABLE_SCAN;
        case 2:
            return EXPLORE_REF_READ;
        case 3:
            return EXPLORE_FIND;
        default:
            return EXPLORE_READ;
        }
    }
}

/* ---- A worker's part of a schedule. ---- */

static enum mae_status attempt(struct round *round, struct worker_state *own, bool snapshot)
{
    enum explore_op ops[OPS_MAX];
    unsigned count = 1 + (unsigned)rng_below(&own->rng, round->what->ops_max);
    bool give_up = rng_below(&own->rng, 16) == 0;
    for (unsigned i = 0; i < count; i++)
        ops[i] = draw_op(round, &own->rng, snapshot);
    enum mae_status status = round->ops->begin(own->worker, snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, &own->txn);
    if (status != MAE_OK) {
        fail(round, "begin failed: status", (uint64_t)status, 0);
        return MAE_OK;
    }
    round->begun++;
    scheduler_note(snapshot ? "begin snapshot at" : "begin at", 0, round->ops->timestamp(own->txn), MAE_OK);
    own->held_count = 0;
    for (unsigned i = 0; i < count && status == MAE_OK; i++) {
        scheduler_point();
        status = run_op(round, own, ops[i]);
        if (snapshot && mae_status_is_abort(status))
            fail(round, "a snapshot transaction was aborted: status", (uint64_t)status, 0);
    }
    scheduler_point();
    look_again(round, own);
    if (status != MAE_OK || give_up) {
        round->ops->abort(own->txn);
        scheduler_note("abort", 0, 0, (int)status);
        return status == MAE_OK ? MAE_ABORT_USER : status;
    }
    status = round->ops->commit(own->txn);
    scheduler_note("commit", 0, 0, (int)status);
    if (snapshot && status != MAE_OK)
        fail(round, "a snapshot did not commit: status", (uint64_t)status, 0);
    round->committed += status == MAE_OK;
    return status;
}

static struct mae_worker *engine_worker(const struct worker_state *own)
{
    return (struct mae_worker *)recording_worker_inner(own->worker);
}

/* One more insert and this worker's count of a growing hash index is told to the others. */
static void press_growth(struct round *round, const struct worker_state *own)
{
    struct mae_index *index = round->db->indexes[0];
    struct row_allocator *local = worker_rows(engine_worker(own), index->hash.buckets);
    if (local && local->entries < 62)
        local->entries = 62;
}

static void body(void *arg, unsigned number)
{
    struct round *round = arg;
    struct worker_state *own = &round->workers[number];
    unsigned txns = 1 + (unsigned)rng_below(&own->rng, TXNS_MAX);
    for (unsigned i = 0; i < txns; i++) {
        bool snapshot = rng_below(&own->rng, 100) < round->what->snapshot_percent;
        struct rng same_again = own->rng;
        for (unsigned n = 0; n < ATTEMPTS_MAX; n++) {
            own->rng = same_again;
            if (round->what->grow)
                press_growth(round, own);
            enum mae_status status = attempt(round, own, snapshot);
            if (!mae_status_is_retryable(status))
                break;
            round->ops->backoff(own->worker);
        }
        if (rng_below(&own->rng, 100) < round->what->idle_percent) {
            scheduler_note("idle", 0, 0, MAE_OK);
            round->ops->worker_idle(own->worker);
        }
        if (rng_below(&own->rng, 100) < round->what->rejoin_percent) {
            scheduler_note("leave", 0, 0, MAE_OK);
            round->ops->worker_leave(own->worker);
            enum mae_status status = round->ops->worker_join(round->target, &own->worker);
            scheduler_note("join", 0, 0, (int)status);
            if (status != MAE_OK) {
                fail(round, "join failed: status", (uint64_t)status, 0);
                return;
            }
        }
    }
}

/* ---- Rounds. ---- */

static const char *pick(struct rng *rng, const char *const *words, size_t count)
{
    return words[rng_below(rng, count)];
}
#define PICK(rng, ...) \
    pick((rng), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* The clock and the intervals in round numbers: real ones are measured, and would not repeat. */
static void set_time(struct round *round, struct rng *rng)
{
    static const uint64_t gc[] = {1, 1, 40, 300}, sync[] = {1, 100, UINT64_MAX}, boost[] = {0, 64, 1024};
    struct core *core = &round->db->core;
    core->ticks_per_us = 100;
    core->clock_shift = (unsigned)rng_below(rng, 3);
    core->protocol.gc_interval_ticks = gc[rng_below(rng, 4)];
    core->protocol.clock_sync_ticks = sync[rng_below(rng, 3)];
    core->protocol.clock_boost_units = boost[rng_below(rng, 3)];
    core->backoff.ticks_per_us = 100;
}

static bool load(struct round *round)
{
    struct worker_state *own = &round->workers[0];
    uint64_t count = round->what->keys + round->what->load;
    for (uint64_t number = 0; number < count;) {
        if (round->ops->begin(own->worker, MAE_READ_WRITE, &own->txn) != MAE_OK)
            return false;
        enum mae_status status = MAE_OK;
        for (unsigned i = 0; i < 64 && number < count && status == MAE_OK; i++, number++)
            if (number >= round->what->keys || number % 2 == 0)
                status = round->what->non_unique || round->what->weights[EXPLORE_ROW_INSERT]
                             ? do_row_insert(round, own, number)
                             : do_insert(round, own, number);
        if (status != MAE_OK || round->ops->commit(own->txn) != MAE_OK)
            return false;
    }
    return true;
}

static bool round_open(struct round *round, struct rng *rng)
{
    const struct explore_case *what = round->what;
    char error[ERROR_BYTES] = "";
    const struct target_key_value settings[] = {
        {"huge_pages", "off"},
        {"memory_limit", "64M"},
        {"timestamps", PICK(rng, "multi", "multi", "multi", "central")},
        {"pending", PICK(rng, "wait", "wait", "abort", "skip")},
        {"inline_bytes", PICK(rng, "216", "216", "64", "0")},
        {"promote", PICK(rng, "on", "on", "off")},
        {"settle", PICK(rng, "on", "on", "off")},
        {"early_abort_newer", PICK(rng, "on", "off")},
        {"sort_writes", PICK(rng, "on", "off")},
        {"precheck", PICK(rng, "on", "off")},
        {"adaptive_skip", PICK(rng, "on", "off")},
        {"backoff", PICK(rng, "off", "off", "fixed:1")},
        {NULL, NULL},
    };
    round->ops = recording_target(&native_target_ops, NULL, error, sizeof error);
    if (round->ops == NULL || round->ops->open(settings, &round->target, error, sizeof error) != MAE_OK)
        goto failed;
    /* A worker leads to the database, whose times are to be set before any worker that counts has joined. */
    if (round->ops->worker_join(round->target, &round->workers[0].worker) != MAE_OK)
        goto failed;
    round->db = (struct mae_db *)engine_worker(&round->workers[0])->core;
    set_time(round, rng);
    round->ops->worker_leave(round->workers[0].worker);
    struct mae_table_config table = {.payload_max_bytes = what->payload_max};
    struct mae_index_config index = {.kind = what->ordered ? MAE_INDEX_ORDERED : MAE_INDEX_HASH,
                                     .key_bytes = what->key_bytes,
                                     .non_unique = what->non_unique};
    if (round->ops->table_create(round->target, "rows", &table, &round->table) != MAE_OK ||
        round->ops->index_create(round->target, round->table, "key", &index, &round->index) != MAE_OK)
        goto failed;
    for (unsigned i = 0; i < round->worker_count; i++)
        if (round->ops->worker_join(round->target, &round->workers[i].worker) != MAE_OK)
            goto failed;
    if (!load(round))
        goto failed;
    if (what->grow)
        atomic_store(&round->db->indexes[0]->hash.entries, (int64_t)(what->keys + what->load));
    return true;
failed:
    snprintf(round->failure, sizeof round->failure, "opening: %.400s", error);
    return false;
}

static void plan_draw(struct scheduler_plan *plan, struct rng *rng)
{
    plan->seed = rng_next(rng);
    plan->policy = rng_below(rng, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT;
    plan->depth = 1 + (unsigned)rng_below(rng, 5);
    plan->clocks = (enum scheduler_clocks)rng_below(rng, SCHEDULER_CLOCKS_COUNT);
}

/* ---- A crash must name its seed too. ---- */

static char running[128];

static void crashed(int signal_number)
{
    static const char text[] = "\nFAILED: crashed\nrepeat: SEED=";
    ssize_t ignored = write(STDOUT_FILENO, text, sizeof text - 1);
    ignored = write(STDOUT_FILENO, running, strlen(running));
    ignored = write(STDOUT_FILENO, "\n", 1);
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void hangs(int signal_number)
{
    (void)signal_number;
    static const char text[] = "\nFAILED: an endless loop inside one step\n";
    ssize_t ignored = write(STDOUT_FILENO, text, sizeof text - 1);
    (void)ignored;
    abort();
}

static void catch_crashes(void)
{
    static char stack[64 * 1024];
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    action.sa_handler = hangs;
    sigaction(SIGALRM, &action, NULL);
}

enum outcome { FINE, WRONG, HUNG };

/*
 * Runs the first `schedules` of the round (0: all) and checks. `trace`: prints the last schedule. On WRONG and HUNG the
 * report says why; the caller frees it.
 */
static enum outcome round_run(const struct explore_case *what, uint64_t seed, unsigned schedules, bool trace,
                              unsigned *all, char **report)
{
    static struct round round;
    static struct history_checker *checker;
    struct rng rng;
    char error[ERROR_BYTES] = "";
    snprintf(running, sizeof running, "%s:0x%" PRIx64 ":%u", what->name, seed, schedules);
    alarm(HANG_SECONDS);
    memset(&round, 0, sizeof round);
    round.what = what;
    round.seed = seed;
    scheduler_open(seed);
    rng_init(&rng, seed, 2);
    round.worker_count = 2 + (unsigned)rng_below(&rng, rng_below(&rng, 3) ? 2 : WORKERS_MAX - 1);
    *all = 1 + (unsigned)rng_below(&rng, SCHEDULES_MAX);
    if (schedules == 0 || schedules > *all)
        schedules = *all;
    enum outcome outcome = FINE;
    *report = NULL;
    rng_init(&round.workers[0].rng, seed, 3);
    bool opened = round_open(&round, &rng);
    for (unsigned i = 0; opened && i < schedules && outcome == FINE && !round.failure[0]; i++) {
        struct scheduler_plan plan;
        plan_draw(&plan, &rng);
        for (unsigned w = 0; w < round.worker_count; w++)
            rng_init(&round.workers[w].rng, plan.seed, 100 + w);
        if (!scheduler_run(&plan, round.worker_count, body, &round)) {
            snprintf(round.failure, sizeof round.failure, "schedule %u did not end: livelock or starvation", i + 1);
            outcome = HUNG;
        }
        totals.schedules++;
        if (trace && i + 1 == schedules) {
            printf("schedule %u of round %s:0x%" PRIx64 ": %u workers, %s depth %u\n", i + 1, what->name, seed,
                   round.worker_count, plan.policy == SCHEDULER_PCT ? "PCT" : "random", plan.depth);
            scheduler_print(stdout);
        }
    }
    struct history_verdict verdict = {0};
    struct history history;
    history_init(&history);
    if (!checker)
        checker = history_checker_create();
    if (outcome == FINE && opened) {
        if (!recording_history(round.target, &history, error, sizeof error))
            fail(&round, error, 0, 0);
        else if (!history_check(checker, &history, &verdict) && !round.failure[0])
            snprintf(round.failure, sizeof round.failure, "the history is wrong");
        if (!round.failure[0] && mae_db_verify(round.db, error, sizeof error) != MAE_OK)
            snprintf(round.failure, sizeof round.failure, "mae_db_verify: %.400s", error);
    }
    if (round.failure[0]) {
        struct support_text text = {0};
        support_text_add(&text, "%s\n%s", round.failure, verdict.report.text ? verdict.report.text : "");
        *report = text.text;
        if (outcome == FINE)
            outcome = WRONG;
    }
    history_fini(&history);
    history_verdict_fini(&verdict);
    totals.rounds++;
    totals.begun += round.begun;
    totals.committed += round.committed;
    if (outcome != HUNG && opened) { /* else coroutines are still inside: leave it all alone */
        for (unsigned w = 0; w < round.worker_count; w++)
            round.ops->worker_leave(round.workers[w].worker);
        round.ops->close(round.target);
    }
    scheduler_close();
    return outcome;
}

/* Finds the shortest prefix of the round that fails, and prints its last schedule. */
static void explain(const struct explore_case *what, uint64_t seed, unsigned all, char *report)
{
    unsigned unused, failing = all;
    for (unsigned n = 1; n < all; n++) {
        char *shorter;
        enum outcome outcome = round_run(what, seed, n, false, &unused, &shorter);
        if (outcome != FINE) {
            free(report);
            report = shorter;
            failing = n;
            break;
        }
    }
    char *again;
    (void)round_run(what, seed, failing, true, &unused, &again);
    printf("\nFAILED: %s\n%s\nrepeat: SEED=%s:0x%" PRIx64 ":%u\n", what->what, report, what->name, seed, failing);
    free(again);
    free(report);
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int repeat(const struct explore_case *cases, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    for (; cases->name; cases++)
        if (strlen(cases->name) == length && strncmp(cases->name, text, length) == 0)
            break;
    char *end = NULL;
    uint64_t seed = colon ? strtoull(colon + 1, &end, 0) : 0;
    unsigned schedules = end && *end == ':' ? (unsigned)strtoul(end + 1, NULL, 10) : 0, all;
    if (!cases->name || !colon) {
        fprintf(stderr, "SEED=%s: it must be CASE:SEED or CASE:SEED:SCHEDULES with one of this program's cases\n",
                text);
        return 2;
    }
    char *report;
    enum outcome outcome = round_run(cases, seed, schedules, true, &all, &report);
    printf("%s\n", outcome == FINE ? "fine" : report);
    free(report);
    return outcome != FINE;
}

int explore_main(const struct explore_case *cases, int argc, char **argv)
{
    const char *seed_text = getenv("SEED"), *seconds_text = getenv("MAE_SECONDS"), *first_text = getenv("MAE_SEED");
    const char *only = argc > 1 ? argv[1] : NULL;
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    catch_crashes();
    if (seed_text && *seed_text)
        return repeat(cases, seed_text);
    double seconds = seconds_text ? strtod(seconds_text, NULL) : 30, end = now_seconds() + seconds;
    uint64_t first = first_text ? strtoull(first_text, NULL, 0) : (uint64_t)time(NULL) * 0x10001, seed = first;
    printf("MAE_SEED=0x%" PRIx64 " MAE_SECONDS=%g\n", first, seconds);
    fflush(stdout);
    unsigned case_count = 0;
    for (const struct explore_case *c = cases; c->name; c++)
        case_count += !only || strcmp(only, c->name) == 0;
    for (const struct explore_case *c = cases; c->name; c++) {
        if (only && strcmp(only, c->name) != 0)
            continue;
        struct totals before = totals;
        double until = now_seconds() + (end - now_seconds()) / case_count--;
        do {
            unsigned all;
            char *report;
            uint64_t round_seed = splitmix64(&seed);
            if (round_run(c, round_seed, 0, false, &all, &report) != FINE) {
                explain(c, round_seed, all, report);
                return 1;
            }
        } while (now_seconds() < until);
        printf("%-16s %8" PRIu64 " schedules in %6" PRIu64 " rounds, %9" PRIu64 " transactions, %2.0f%% committed\n",
               c->name, totals.schedules - before.schedules, totals.rounds - before.rounds, totals.begun - before.begun,
               100.0 * (double)(totals.committed - before.committed) / (double)(totals.begun - before.begun));
        fflush(stdout);
    }
    return 0;
}
