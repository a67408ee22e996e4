/* calls.c - mae_run, and rows by key: what the composed calls return and leave behind. */
#include "engine/db/db.h"
#include "tests/support/world.h"

struct attempt {
    struct world *world;
    unsigned runs;
    enum mae_status returns[4]; /* by run; the last one stays */
    bool really;                /* make an abort of the engine's instead of only returning one */
    bool hide;                  /* and say MAE_OK nevertheless */
    uint64_t row;
};

static enum mae_status attempt_body(struct mae_txn *txn, void *arg)
{
    struct attempt *attempt = arg;
    unsigned run = attempt->runs < 4 ? attempt->runs : 3;
    attempt->runs++;
    enum mae_status status = attempt->returns[run];
    if (attempt->really && status != MAE_OK) { /* a later reader raises the read timestamp */
        struct mae_txn *later;
        uint64_t value;
        assert_ok(mae_begin(attempt->world->workers[1], MAE_READ_WRITE, mae_txn_timestamp(txn), &later));
        assert_ok(row_get(later, attempt->world->table, attempt->row, &value));
        assert_ok(mae_commit(later));
        status = row_add(txn, attempt->world->table, attempt->row, 1);
        return attempt->hide ? MAE_OK : status;
    }
    enum mae_status added = row_add(txn, attempt->world->table, attempt->row, 1);
    return added == MAE_OK ? status : added;
}

static struct attempt attempt_of(struct world *world, uint64_t row, enum mae_status first, enum mae_status second)
{
    return (struct attempt){.world = world, .returns = {first, second, second, second}, .row = row};
}

static void run_commits_what_succeeds(void **state)
{
    (void)state;
    struct world world = world_open("backoff=off", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    struct attempt attempt = attempt_of(&world, row, MAE_OK, MAE_OK);
    assert_ok(mae_run(world.workers[0], MAE_READ_WRITE, attempt_body, &attempt, 0));
    assert_int_equal(attempt.runs, 1);
    assert_int_equal(row_value(world.workers[0], world.table, row), 1);
    world_close(&world);
}

static void run_retries_conflicts(void **state)
{
    (void)state;
    for (int hide = 0; hide < 2; hide++) {
        struct world world = world_open("backoff=off", MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        struct attempt attempt = attempt_of(&world, row, MAE_ABORT_RTS, MAE_OK);
        attempt.really = true;
        attempt.hide = hide; /* a body that swallows the status cannot commit either */
        assert_ok(mae_run(world.workers[0], MAE_READ_WRITE, attempt_body, &attempt, 0));
        assert_int_equal(attempt.runs, 2);
        assert_int_equal(row_value(world.workers[0], world.table, row), 1);
        assert_int_equal(db_counter(world.db, "aborts_rts"), 1);
        world_close(&world);
    }
}

static void run_gives_up_after_the_attempts(void **state)
{
    (void)state;
    struct world world = world_open("backoff=fixed:1", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    struct attempt attempt = attempt_of(&world, row, MAE_ABORT_RTS, MAE_ABORT_RTS);
    attempt.really = true;
    assert_status(MAE_ABORT_RTS, mae_run(world.workers[0], MAE_READ_WRITE, attempt_body, &attempt, 7));
    assert_int_equal(attempt.runs, 7);
    assert_int_equal(row_value(world.workers[0], world.table, row), 0);
    assert_int_equal(worker_counter(world.workers[0], "aborts_rts"), 7);
    assert_true(worker_counter(world.workers[0], "backoff_waits") > 0);
    world_close(&world);
}

static void run_stops_at_other_statuses(void **state)
{
    (void)state;
    static const enum mae_status statuses[] = {MAE_ABORT_USER, MAE_NOT_FOUND, MAE_EXISTS, MAE_NO_MEMORY, MAE_INVALID};
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct attempt attempt = attempt_of(&world, row, statuses[i], MAE_OK);
        enum mae_status status = mae_run(world.workers[0], MAE_READ_WRITE, attempt_body, &attempt, 0);
        assert_string_equal(mae_status_name(status), mae_status_name(statuses[i]));
        assert_int_equal(attempt.runs, 1);
        assert_int_equal(row_value(world.workers[0], world.table, row), 0);
    }
    struct mae_txn *txn = begin(world.workers[0]);
    struct attempt attempt = attempt_of(&world, row, MAE_OK, MAE_OK);
    assert_status(MAE_BUSY, mae_run(world.workers[0], MAE_READ_WRITE, attempt_body, &attempt, 0));
    assert_int_equal(attempt.runs, 0);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static enum mae_status snapshot_body(struct mae_txn *txn, void *arg)
{
    struct attempt *attempt = arg;
    uint64_t value;
    attempt->runs++;
    enum mae_status status = row_get(txn, attempt->world->table, attempt->row, &value);
    return status == MAE_OK && value != 5 ? MAE_CORRUPT : status;
}

static void run_runs_snapshots(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    struct attempt attempt = {.world = &world, .row = new_row(world.workers[0], world.table, 5)};
    settle(&world);
    assert_ok(mae_run(world.workers[0], MAE_SNAPSHOT, snapshot_body, &attempt, 0));
    assert_int_equal(attempt.runs, 1);
    assert_int_equal(worker_counter(world.workers[0], "snapshots"), 1);
    world_close(&world);
}

/* ---- Rows by key, through both kinds of index. ---- */

static const enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};

static void keyed_calls_keep_row_and_entry_in_step(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world world = world_open("", kinds[k], 64, 1);
        const uint64_t key = 9;
        uint64_t value, row, found;
        void *data;
        const void *old;
        struct mae_txn *txn = begin(world.workers[0]);
        assert_status(MAE_NOT_FOUND, key_get(txn, world.index, key, &value));
        assert_status(MAE_NOT_FOUND, key_add(txn, world.index, key, 1));
        assert_status(MAE_NOT_FOUND, mae_overwrite(txn, world.index, &key, 8, &data));
        assert_status(MAE_NOT_FOUND, key_delete(txn, world.index, key));
        assert_ok(mae_insert(txn, world.index, &key, 16, &row, &data));
        memset(data, 1, 16);
        assert_status(MAE_EXISTS, key_insert(txn, world.index, key, 3));
        assert_ok(mae_index_find(txn, world.index, &key, &found));
        assert_int_equal(found, row);
        assert_ok(mae_commit(txn));

        txn = begin(world.workers[0]);
        size_t bytes;
        found = UINT64_MAX;
        assert_ok(mae_read_row(txn, world.index, &key, &found, &old, &bytes));
        assert_int_equal(found, row);
        assert_int_equal(bytes, 16);
        assert_ok(mae_read(txn, world.index, &key, &old, &bytes));
        assert_int_equal(bytes, 16);
        assert_ok(mae_update(txn, world.index, &key, 24, &old, &data));
        assert_int_equal(*(const unsigned char *)old, 1);
        assert_int_equal(((unsigned char *)data)[15], 1);
        assert_int_equal(((unsigned char *)data)[16], 0);
        assert_ok(mae_overwrite(txn, world.index, &key, 8, &data));
        memset(data, 2, 8);
        assert_ok(mae_read(txn, world.index, &key, &old, &bytes));
        assert_int_equal(bytes, 8);
        assert_ok(mae_commit(txn));

        txn = begin(world.workers[0]);
        assert_ok(key_delete(txn, world.index, key));
        assert_status(MAE_NOT_FOUND, key_get(txn, world.index, key, &value));
        assert_status(MAE_NOT_FOUND, mae_row_read(txn, world.table, row, &old, NULL));
        assert_status(MAE_NOT_FOUND, mae_index_find(txn, world.index, &key, &found));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* MAE_EXISTS leaves neither row nor entry, and the transaction can go on. */
static void an_insert_that_exists_inserts_nothing(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world world = world_open("", kinds[k], 8, 1);
        struct mae_space space;
        new_keys(world.workers[0], world.index, 1, 1, 5);
        for (int i = 0; i < 100; i++) {
            struct mae_txn *txn = begin(world.workers[0]);
            assert_status(MAE_EXISTS, key_insert(txn, world.index, 1, 6));
            assert_ok(key_add(txn, world.index, 1, 1));
            assert_ok(mae_commit(txn));
        }
        mae_table_space(world.table, &space);
        assert_int_equal(space.rows, 1);
        assert_true(mae_table_row_limit(world.table) <= 16); /* its row id was used again */
        world_close(&world);
    }
}

/* Two indexes over one table, which the caller keeps in step. */
static void several_indexes_lead_to_one_row(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 20};
    struct mae_index *names;
    const char name[20] = "a name of 20 bytes..";
    const uint64_t key = 3;
    uint64_t row, found;
    void *data;
    assert_ok(mae_index_create(world.db, world.table, "names", &config, &names));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_insert(txn, world.index, &key, 8, &row, &data));
    memset(data, 0, 8);
    assert_ok(mae_index_insert(txn, names, name, row));
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(mae_index_find(txn, names, name, &found));
    assert_int_equal(found, row);
    assert_ok(key_delete(txn, world.index, key));
    assert_ok(mae_index_remove(txn, names, name, row));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* A row id is refused by every call that takes one, if it cannot be a row of the table. */
static void what_cannot_be_a_row_is_refused(void **state)
{
    (void)state;
    static const uint64_t rows[] = {1000000,           (UINT64_C(1) << 48) - 2, (UINT64_C(1) << 48) - 1,
                                    UINT64_C(1) << 48, UINT64_C(1) << 50,       UINT64_MAX - 1,
                                    UINT64_MAX};
    for (int k = 0; k < 4; k++) {
        struct world world = world_open(k < 2 ? "" : "simple_index_update=on", kinds[k % 2], 8, 1);
        new_keys(world.workers[0], world.index, 1, 1, 5);
        struct mae_txn *txn = begin(world.workers[0]);
        const uint64_t key = 7, limit = mae_table_row_limit(world.table);
        uint64_t row, found;
        const void *old;
        void *data;
        for (size_t i = 0; i <= sizeof rows / sizeof rows[0]; i++) {
            row = i ? rows[i - 1] : limit;
            assert_status(MAE_INVALID, mae_index_insert(txn, world.index, &key, row));
            assert_status(MAE_INVALID, mae_index_remove(txn, world.index, &key, row));
            assert_status(MAE_INVALID, mae_row_read(txn, world.table, row, &old, NULL));
            assert_status(MAE_INVALID, mae_row_update(txn, world.table, row, 0, &old, &data));
            assert_status(MAE_INVALID, mae_row_overwrite(txn, world.table, row, 8, &data));
            assert_status(MAE_INVALID, mae_row_delete(txn, world.table, row));
        }
        assert_ok(mae_row_insert(txn, world.table, 8, &row, &data)); /* an own one is fine before it is committed */
        memset(data, 0, 8);
        assert_ok(mae_index_insert(txn, world.index, &key, row));
        assert_ok(mae_index_find(txn, world.index, &key, &found));
        assert_int_equal(found, row);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* The leaf inserted into last is forgotten with its transaction, also when 2^31 - 1 others have run since and the
 * access set's epochs begin again. */
static void an_insert_uses_no_leaf_of_another_transaction(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
    struct mae_worker *worker = world.workers[0];
    uint64_t value;
    struct mae_txn *txn = begin(worker);
    assert_ok(key_insert(txn, world.index, 1, 1));
    const uint64_t epoch = worker->txn.accesses.epoch;
    assert_ok(mae_commit(txn));
    struct access_set *set = &worker->txn.accesses;
    set->epoch = ACCESS_EPOCH_LAST;
    while ((access_set_is_worn(set) ? ACCESS_EPOCH : set->epoch) + ACCESS_EPOCH != epoch) { /* the next one's */
        txn = begin(worker);
        assert_ok(mae_commit(txn));
    }
    txn = begin(worker);
    assert_int_equal(set->epoch, epoch);
    assert_ok(key_insert(txn, world.index, 2, 2));
    mae_abort(txn);
    txn = begin(worker);
    assert_status(MAE_NOT_FOUND, key_get(txn, world.index, 2, &value));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- Entries that move from row to row, without a write of the rows. ---- */

static const uint64_t key_a = 1, key_b = 2;

/* Keys a and b exchange their rows, which hold 100 and 200. */
static void swap(struct mae_txn *txn, struct mae_index *index)
{
    uint64_t a, b;
    assert_ok(mae_index_find(txn, index, &key_a, &a));
    assert_ok(mae_index_find(txn, index, &key_b, &b));
    assert_ok(mae_index_remove(txn, index, &key_a, a));
    assert_ok(mae_index_remove(txn, index, &key_b, b));
    assert_ok(mae_index_insert(txn, index, &key_a, b));
    assert_ok(mae_index_insert(txn, index, &key_b, a));
}

static struct world world_of_two(enum mae_index_kind kind, const char *options)
{
    struct world world = world_open(options, kind, 8, 3);
    new_keys(world.workers[0], world.index, key_a, 1, 100);
    new_keys(world.workers[0], world.index, key_b, 1, 200);
    return world;
}

static void who_used_an_entry_conflicts_with_its_move(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world world = world_of_two(kinds[k], "backoff=off");
        uint64_t value;
        struct mae_txn *mover = begin(world.workers[0]), *reader = begin(world.workers[1]);
        assert_ok(key_get(reader, world.index, key_a, &value));
        assert_int_equal(value, 100);
        swap(mover, world.index);
        assert_ok(mae_commit(mover));
        (void)key_get(reader, world.index, key_b, &value);
        assert_true(mae_status_is_retryable(mae_commit(reader)));
        /* Whichever transaction commits first: a reader that has committed stops an earlier mover. */
        mover = begin(world.workers[0]);
        reader = begin(world.workers[1]);
        assert_ok(key_get(reader, world.index, key_a, &value));
        assert_int_equal(value, 200);
        assert_ok(mae_commit(reader));
        enum mae_status status = mae_index_remove(mover, world.index, &key_a, 1);
        assert_true(mae_status_is_retryable(status == MAE_OK ? mae_commit(mover) : status));
        if (status != MAE_OK)
            mae_abort(mover);
        world_close(&world);
    }
}

static void an_announced_entry_is_looked_at_again_when_its_row_has_moved(void **state)
{
    (void)state;
    struct world world = world_of_two(MAE_INDEX_HASH, "backoff=off");
    for (int updated = 0; updated < 2; updated++) {
        uint64_t value = 0, first, keys[2] = {key_a, key_b};
        struct mae_txn *mover = begin(world.workers[0]), *between = begin(world.workers[2]);
        struct mae_txn *reader = begin(world.workers[1]);
        mae_prefetch(reader, world.index, keys, 2);
        swap(mover, world.index);
        assert_ok(mae_commit(mover));
        if (updated) {
            assert_ok(key_add(between, world.index, key_a, 1));
            assert_ok(key_add(between, world.index, key_b, 1));
        }
        assert_ok(mae_commit(between));
        enum mae_status status = key_get(reader, world.index, key_a, &value);
        first = value;
        if (status == MAE_OK)
            status = mae_commit(reader);
        else
            mae_abort(reader);
        if (status == MAE_OK)
            assert_int_equal(first, updated ? 101 : 200); /* it was swapped once, or twice and then raised */
        else
            assert_true(mae_status_is_retryable(status));
    }
    world_close(&world);
}

struct late {
    struct world *world;
    struct mae_txn *reader;
    enum mae_status status;
    uint64_t value;
};

static void read_late(void *arg)
{
    struct late *late = arg;
    late->status = key_get(late->reader, late->world->index, key_a, &late->value);
}

/* pending=skip does not wait for a bucket that is being decided: that must be decided before the row. */
static void a_moved_row_is_decided_after_its_entry(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    unsigned read = 0;
    for (unsigned n = 1; n <= 8; n++) {
        struct world world = world_of_two(MAE_INDEX_HASH, "backoff=off pending=skip adaptive_skip=off");
        struct mae_txn *mover = begin(world.workers[0]); /* rows newer than buckets: sorting puts them first */
        assert_ok(key_add(mover, world.index, key_a, 0));
        assert_ok(key_add(mover, world.index, key_b, 0));
        assert_ok(mae_commit(mover));
        mover = begin(world.workers[0]);
        struct late late = {.world = &world, .reader = begin(world.workers[1])};
        mae_prefetch(late.reader, world.index, &key_a, 1);
        swap(mover, world.index);
        at_race(RACE_DECIDE, n, read_late, &late);
        assert_ok(mae_commit(mover));
        bool ran = !at_race_cancel();
        enum mae_status status = late.status;
        if (ran && status == MAE_OK)
            status = mae_commit(late.reader);
        else
            mae_abort(late.reader);
        if (ran && status == MAE_OK)
            assert_int_equal(late.value, 200);
        read += ran;
        world_close(&world);
    }
    assert_true(read >= 3); /* the call, the rows and what is between them */
}

static void blind_writes_mind_moves(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world world = world_of_two(kinds[k], "backoff=off");
        uint64_t value;
        for (int first = 0; first < 2; first++) { /* the mover commits first, or the later writer */
            void *data;
            struct mae_txn *mover = begin(world.workers[0]), *writer = begin(world.workers[1]);
            assert_ok(mae_overwrite(writer, world.index, &key_a, 8, &data));
            memset(data, 0, 8);
            swap(mover, world.index);
            enum mae_status moved = first ? MAE_OK : mae_commit(mover), written = mae_commit(writer);
            if (first)
                moved = mae_commit(mover);
            assert_true((moved == MAE_OK) != (written == MAE_OK));
            assert_true(mae_status_is_retryable(moved == MAE_OK ? written : moved));
        }
        /* The row has moved, so it is written as read-modify-write: that goes. */
        struct mae_txn *txn = begin(world.workers[0]);
        void *data;
        assert_ok(mae_overwrite(txn, world.index, &key_b, 8, &data));
        memset(data, 0, 8);
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(key_get(txn, world.index, key_b, &value));
        assert_int_equal(value, 0);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* Nothing is there to be written: the row is new, deleted by the same transaction, or of a non-unique index. */
static void a_removal_leaves_rows_alone_that_need_not_know(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world world = world_of_two(kinds[k], "");
        uint64_t row, key = 7;
        void *data;
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_insert(txn, world.index, &key, 8, &row, &data));
        memset(data, 0, 8);
        assert_ok(mae_index_remove(txn, world.index, &key, row));
        assert_ok(mae_index_insert(txn, world.index, &key, row));
        assert_ok(mae_index_find(txn, world.index, &key_a, &row));
        assert_ok(mae_index_remove(txn, world.index, &key_a, row));
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_ok(mae_index_find(txn, world.index, &key_b, &row));
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_ok(mae_index_remove(txn, world.index, &key_b, row));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* After a call has failed for good, each call says that again, whatever else would be wrong with it. */
static void a_doomed_transaction_says_so_in_every_call(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct world world =
            world_open(k == 2 ? "simple_index_update=on" : "", k ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, 8, 2);
        const uint64_t present = 1, gone = 2, absent = 3;
        uint64_t row = new_row(world.workers[0], world.table, 5), deleted, found;
        new_keys(world.workers[0], world.index, 1, 2, 7);
        struct mae_txn *txn = begin(world.workers[0]), *newer = begin(world.workers[1]);
        const void *old;
        void *data;
        assert_ok(mae_index_find(txn, world.index, &gone, &deleted));
        assert_ok(mae_delete(txn, world.index, &gone));
        assert_ok(row_add(newer, world.table, row, 1));
        assert_ok(mae_commit(newer));
        assert_status(MAE_ABORT_NEWER, row_add(txn, world.table, row, 1));
        for (int i = 0; i < 2; i++) {
            const uint64_t key = i ? absent : present, at = i ? deleted : row;
            assert_status(MAE_ABORT_NEWER, mae_row_read(txn, world.table, at, &old, NULL));
            assert_status(MAE_ABORT_NEWER, mae_row_update(txn, world.table, at, 0, NULL, &data));
            assert_status(MAE_ABORT_NEWER, mae_row_overwrite(txn, world.table, at, 8, &data));
            assert_status(MAE_ABORT_NEWER, mae_row_delete(txn, world.table, at));
            assert_status(MAE_ABORT_NEWER, mae_row_insert(txn, world.table, 8, &found, &data));
            assert_status(MAE_ABORT_NEWER, mae_index_find(txn, world.index, &key, &found));
            assert_status(MAE_ABORT_NEWER, mae_index_insert(txn, world.index, &key, at));
            assert_status(MAE_ABORT_NEWER, mae_index_remove(txn, world.index, &key, at));
            assert_status(MAE_ABORT_NEWER, mae_read(txn, world.index, &key, &old, NULL));
            assert_status(MAE_ABORT_NEWER, mae_read_row(txn, world.index, &key, &found, &old, NULL));
            assert_status(MAE_ABORT_NEWER, mae_update(txn, world.index, &key, 0, NULL, &data));
            assert_status(MAE_ABORT_NEWER, mae_overwrite(txn, world.index, &key, 8, &data));
            assert_status(MAE_ABORT_NEWER, mae_insert(txn, world.index, &key, 8, NULL, &data));
            assert_status(MAE_ABORT_NEWER, mae_delete(txn, world.index, &key));
            if (k)
                assert_status(MAE_ABORT_NEWER, mae_index_scan(txn, world.index, NULL, NULL, 0, 0, NULL, NULL));
        }
        assert_status(MAE_ABORT_NEWER, mae_commit(txn));
        world_close(&world);
    }
}

static void sizes_are_told(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 100, 1);
    uint64_t row, key = 7;
    size_t sizes[2];
    const void *old;
    void *data;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_insert(txn, world.index, &key, 10, &row, &data));
    memset(data, 1, 10);
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    static const struct {
        size_t asked, before, after;
    } steps[] = {{0, 10, 10}, {4, 10, 4}, {0, 4, 4}, {90, 4, 90}, {1, 90, 1}};
    for (size_t i = 0; i < 2 * sizeof steps / sizeof steps[0]; i++) {
        size_t step = i / 2, before = i % 2 ? steps[step].after : steps[step].before; /* the second changes nothing */
        if (i % 3)
            assert_ok(mae_update_sized(txn, world.index, &key, steps[step].asked, &old, &sizes[0], &data, &sizes[1]));
        else
            assert_ok(
                mae_row_update_sized(txn, world.table, row, steps[step].asked, &old, &sizes[0], &data, &sizes[1]));
        assert_int_equal(sizes[0], before);
        assert_int_equal(sizes[1], steps[step].after);
        assert_int_equal(*(const char *)old, 1);
    }
    assert_ok(mae_row_update_sized(txn, world.table, row, 3, NULL, NULL, &data, NULL));
    assert_status(MAE_TOO_LARGE, mae_row_update_sized(txn, world.table, row, 101, NULL, NULL, &data, NULL));
    assert_ok(mae_delete(txn, world.index, &key));
    assert_status(MAE_NOT_FOUND, mae_update_sized(txn, world.index, &key, 3, NULL, NULL, &data, NULL));
    assert_status(MAE_NOT_FOUND, mae_row_update_sized(txn, world.table, row, 3, NULL, NULL, &data, NULL));
    assert_status(MAE_INVALID, mae_row_update_sized(txn, world.table, UINT64_MAX, 3, NULL, NULL, &data, NULL));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void upsert_inserts_or_updates(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct world world = world_open("", kind ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, 100, 1);
        const struct mae_index_config pairs = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
        struct mae_index *index;
        uint64_t key = 7, row, again;
        size_t size = 1;
        const void *old = &key;
        void *data;
        assert_ok(mae_index_create(world.db, world.table, "pairs", &pairs, &index));
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_upsert(txn, world.index, &key, 10, &old, &size, &data, &row));
        assert_null(old);
        assert_int_equal(size, 0);
        memset(data, 1, 10);
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(mae_upsert(txn, world.index, &key, 20, &old, &size, &data, &again));
        assert_int_equal(again, row);
        assert_int_equal(size, 10);
        assert_int_equal(*(const char *)old, 1);
        assert_ok(mae_upsert(txn, world.index, &key, 0, NULL, NULL, &data, NULL));
        assert_status(MAE_TOO_LARGE, mae_upsert(txn, world.index, &key, 101, NULL, NULL, &data, NULL));
        assert_status(MAE_UNSUPPORTED, mae_upsert(txn, index, &key, 10, &old, &size, &data, &row));
        assert_ok(mae_delete(txn, world.index, &key));
        assert_status(MAE_TOO_LARGE, mae_upsert(txn, world.index, &key, 101, NULL, NULL, &data, NULL));
        assert_ok(mae_upsert(txn, world.index, &key, 3, &old, NULL, &data, NULL));
        assert_null(old);
        assert_ok(mae_commit(txn));
        txn = begin_snapshot(world.workers[0]);
        assert_status(MAE_READ_ONLY, mae_upsert(txn, world.index, &key, 3, &old, NULL, &data, NULL));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_commits_what_succeeds),
        cmocka_unit_test(run_retries_conflicts),
        cmocka_unit_test(run_gives_up_after_the_attempts),
        cmocka_unit_test(run_stops_at_other_statuses),
        cmocka_unit_test(run_runs_snapshots),
        cmocka_unit_test(keyed_calls_keep_row_and_entry_in_step),
        cmocka_unit_test(an_insert_that_exists_inserts_nothing),
        cmocka_unit_test(several_indexes_lead_to_one_row),
        cmocka_unit_test(what_cannot_be_a_row_is_refused),
        cmocka_unit_test(an_insert_uses_no_leaf_of_another_transaction),
        cmocka_unit_test(who_used_an_entry_conflicts_with_its_move),
        cmocka_unit_test(an_announced_entry_is_looked_at_again_when_its_row_has_moved),
        cmocka_unit_test(a_moved_row_is_decided_after_its_entry),
        cmocka_unit_test(blind_writes_mind_moves),
        cmocka_unit_test(a_doomed_transaction_says_so_in_every_call),
        cmocka_unit_test(a_removal_leaves_rows_alone_that_need_not_know),
        cmocka_unit_test(sizes_are_told),
        cmocka_unit_test(upsert_inserts_or_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
