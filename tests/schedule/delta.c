/*
 * delta.c - commit-time updates beside all other accesses of a few rows, under random schedules, judged by carrying out
 * what has committed once more, one transaction after the other in the order of timestamps: every read, of a snapshot,
 * too, must have seen the same bytes.
 *
 * In the end no row keeps versions without need.
 * A row has a number, to which is added, and text, to which is appended; so it says which operations are in it and in
 * which order. MAE_SECONDS / 6 of CPU (30: 5 seconds). How to read a failure: the trace has each worker's race points
 * and what each access has found; MAE_SEED, which the failure tells, repeats it at once.
 */
#include "tests/support/world.h"

#include <inttypes.h>

#include "engine/txn/worker.h"
#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"

SCHEDULER_INTERPOSE

enum { WORKERS = 3, KEYS = 2, TXNS = 5, OPS = 4, PAYLOAD_MAX = 24, DONE_MAX = WORKERS * TXNS };

enum kind { READ, ADD, APPEND, UPDATE, OVERWRITE, ERASE, INSERT, KINDS };

struct row {
    bool exists;
    size_t bytes;
    unsigned char payload[PAYLOAD_MAX];
};

/* An access, and of a READ or UPDATE the row that it has found. */
struct op {
    enum kind kind;
    uint64_t key;
    int64_t value;
    struct row found;
};

struct done {
    uint64_t place; /* in the order of timestamps: a snapshot comes behind the last transaction that it sees */
    unsigned count;
    struct op ops[OPS];
};

static struct {
    struct world world;
    struct mae_worker *workers[WORKERS];
    struct done done[DONE_MAX + 2]; /* of the transactions, the load and the look at the end */
    unsigned count;
    uint64_t random, resolved;
    int64_t next;
    const char *failure;
} test;

/* ---- What an access does: in the database, and once more. ---- */

static void note_row(struct row *row, const void *data, size_t bytes)
{
    *row = (struct row){.exists = true, .bytes = bytes};
    memcpy(row->payload, data, bytes);
}

static enum mae_status run_op(struct mae_txn *txn, struct op *op)
{
    struct mae_index *index = test.world.index;
    const char letter = (char)('a' + op->value % 26);
    const void *old;
    void *data;
    size_t bytes;
    enum mae_status status;
    op->found = (struct row){.exists = false};
    switch (op->kind) {
    case READ:
        status = mae_read(txn, index, &op->key, &old, &bytes);
        if (status == MAE_OK)
            note_row(&op->found, old, bytes);
        return status;
    case ADD:
        status = mae_apply(txn, index, &op->key, MAE_ADD, 0, &op->value, sizeof op->value);
        break;
    case APPEND:
        status = mae_apply(txn, index, &op->key, MAE_APPEND, 0, &letter, 1);
        break;
    case UPDATE:
        status = mae_update_sized(txn, index, &op->key, 0, &old, &bytes, &data, NULL);
        if (status != MAE_OK)
            return status;
        note_row(&op->found, old, bytes);
        memcpy(data, &op->value, sizeof op->value);
        return status;
    case OVERWRITE:
        status = mae_overwrite(txn, index, &op->key, sizeof op->value, &data);
        if (status == MAE_OK)
            memcpy(data, &op->value, sizeof op->value);
        break;
    case ERASE:
        status = mae_delete(txn, index, &op->key);
        break;
    default:
        status = mae_insert(txn, index, &op->key, sizeof op->value, NULL, &data);
        if (status == MAE_OK)
            memcpy(data, &op->value, sizeof op->value);
        break;
    }
    op->found.exists = status == MAE_OK || status == MAE_EXISTS;
    return status;
}

static void set_row(struct row *row, int64_t value)
{
    *row = (struct row){.exists = true, .bytes = sizeof value};
    memcpy(row->payload, &value, sizeof value);
}

/* False: the access has found something else than the row. */
static bool do_again(struct row *row, const struct op *op)
{
    int64_t number;
    const bool existed = row->exists, reads = op->kind == READ || op->kind == UPDATE;
    if (op->kind != INSERT && existed != op->found.exists)
        return false;
    if (reads && existed && (row->bytes != op->found.bytes || memcmp(row->payload, op->found.payload, row->bytes) != 0))
        return false;
    if (op->kind == INSERT && !existed)
        set_row(row, op->value);
    if (!existed)
        return true;
    memcpy(&number, row->payload, sizeof number);
    if (op->kind == ADD)
        number += op->value;
    else if (op->kind == UPDATE)
        number = op->value;
    else if (op->kind == APPEND && row->bytes < PAYLOAD_MAX)
        row->payload[row->bytes++] = (unsigned char)('a' + op->value % 26);
    memcpy(row->payload, &number, sizeof number);
    if (op->kind == OVERWRITE)
        set_row(row, op->value);
    row->exists = op->kind != ERASE;
    return true;
}

static int by_place(const void *a, const void *b)
{
    uint64_t x = ((const struct done *)a)->place, y = ((const struct done *)b)->place;
    return (x > y) - (x < y);
}

static const char *judge(void)
{
    struct row rows[KEYS] = {{.exists = false}};
    qsort(test.done, test.count, sizeof test.done[0], by_place);
    for (unsigned i = 0; i < test.count; i++)
        for (unsigned n = 0; n < test.done[i].count; n++)
            if (!do_again(&rows[test.done[i].ops[n].key], &test.done[i].ops[n]))
                return "an access has found what it would not have in the order of timestamps";
    return NULL;
}

/* ---- Transactions. ---- */

static bool goes_on(enum mae_status status)
{
    return status == MAE_OK || status == MAE_NOT_FOUND || status == MAE_EXISTS;
}

static void run_txn(struct mae_worker *worker)
{
    static const enum kind kinds[] = {READ,   READ,   ADD,    ADD,       ADD,   ADD,   APPEND,
                                      APPEND, APPEND, UPDATE, OVERWRITE, ERASE, INSERT};
    struct done done = {.count = 1 + (unsigned)random_below(&test.random, OPS)};
    const bool snapshot = random_below(&test.random, 6) == 0;
    struct mae_txn *txn;
    uint64_t mark;
    enum mae_status status = mae_begin(worker, snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &txn);
    for (unsigned i = 0; i < done.count && goes_on(status); i++) {
        struct op *op = &done.ops[i];
        scheduler_point();
        *op = (struct op){.kind = snapshot ? READ : kinds[random_below(&test.random, sizeof kinds / sizeof kinds[0])],
                          .key = random_below(&test.random, KEYS),
                          .value = ++test.next};
        const bool undone = !snapshot && random_below(&test.random, 8) == 0;
        if (undone)
            status = mae_savepoint(txn, &mark);
        if (goes_on(status))
            status = run_op(txn, op);
        scheduler_note("access", op->key, (uint64_t)op->kind, (int)status);
        if (undone && goes_on(status)) { /* what it has read still counts */
            status = mae_rollback_to(txn, mark);
            if (op->kind == UPDATE)
                op->kind = READ;
            else if (op->kind != READ)
                i--, done.count--;
        }
    }
    scheduler_point();
    if (!goes_on(status))
        mae_abort(txn);
    else
        status = mae_commit(txn);
    if (snapshot && status != MAE_OK)
        test.failure = "a snapshot was aborted";
    if (status != MAE_OK)
        return;
    done.place = 2 * mae_txn_timestamp(txn) + snapshot;
    test.done[test.count++] = done;
}

static void work(void *arg, unsigned worker)
{
    (void)arg;
    for (unsigned i = 0; i < TXNS; i++)
        run_txn(test.workers[worker]);
}

/* A part of the history, too: the clocks of others may be behind. */
static void load(void)
{
    struct done *done = &test.done[test.count++];
    new_keys(test.workers[0], test.world.index, 0, KEYS, 0);
    *done = (struct done){.count = KEYS, .place = 2 * mae_worker_last_commit(test.workers[0])};
    for (unsigned key = 0; key < KEYS; key++)
        done->ops[key] = (struct op){.kind = INSERT, .key = key, .found = {.exists = true}};
}

/* What is there in the end, read by one that is ordered behind all. */
static void read_all(void)
{
    struct done *done = &test.done[test.count];
    struct mae_txn *txn;
    uint64_t last = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        uint64_t commit = mae_worker_last_commit(test.workers[i]);
        last = commit > last ? commit : last;
    }
    assert_ok(mae_begin(test.workers[0], MAE_READ_WRITE, last, &txn));
    *done = (struct done){.count = KEYS, .place = 2 * mae_txn_timestamp(txn)};
    for (unsigned key = 0; key < KEYS; key++) {
        done->ops[key] = (struct op){.kind = READ, .key = key};
        assert_true(goes_on(run_op(txn, &done->ops[key])));
    }
    assert_ok(mae_commit(txn));
    test.count++;
}

/* CU4, once the horizon has passed all. */
static bool chains_are_short(void)
{
    struct mae_space space;
    settle(&test.world);
    mae_table_space(test.world.table, &space);
    return space.versions <= KEYS;
}

/* One schedule; false: a failure, with its trace. */
static bool round_run(uint64_t seed)
{
    static const char *const options[] = {"gc_interval_us=1",
                                          "gc_interval_us=1 inline_bytes=0",
                                          "gc_interval_us=1 pending=skip precheck=off early_abort_newer=off",
                                          "gc_interval_us=1 pending=abort early_abort_newer=off",
                                          "gc_interval_us=1 overtake_us=1 early_abort_newer=off",
                                          "gc_interval_us=1 restamp=extend",
                                          "gc_interval_us=1 elder_after=1 early_abort_newer=off"};
    uint64_t random = seed;
    scheduler_open(seed);
    test.world =
        world_open(options[random_below(&random, sizeof options / sizeof options[0])], MAE_INDEX_HASH, PAYLOAD_MAX, 0);
    test.failure = NULL;
    test.random = seed;
    test.count = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_ok(mae_worker_join(test.world.db, &test.workers[i]));
    load();
    const struct scheduler_plan plan = {.policy = random_below(&random, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT,
                                        .depth = 1 + (unsigned)random_below(&random, 5),
                                        .clocks = (enum scheduler_clocks)random_below(&random, SCHEDULER_CLOCKS_COUNT),
                                        .seed = seed};
    if (!scheduler_run(&plan, WORKERS, work, NULL))
        test.failure = "the schedule does not end";
    if (!test.failure) {
        read_all();
        test.failure = judge();
    }
    test.resolved += db_counter(test.world.db, "deltas_resolved");
    for (unsigned i = 0; i < WORKERS; i++)
        test.world.workers[i] = test.workers[i];
    test.world.worker_count = WORKERS;
    if (test.failure)
        rounds_failed(test.failure);
    scheduler_close();
    assert_true(test.failure || chains_are_short());
    world_close(&test.world);
    return !test.failure;
}

static void under_random_schedules(void **state)
{
    (void)state;
    uint64_t schedules = rounds_run(round_run);
    assert_true(schedules > 0);
    assert_true(test.resolved > 0);
    printf("%" PRIu64 " schedules, %" PRIu64 " values computed\n", schedules, test.resolved);
}

int main(void)
{
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(under_random_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
