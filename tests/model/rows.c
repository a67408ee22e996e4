/*
 * rows.c - random operations, additions without reading among them, and savepoints of interleaved transactions on rows,
 * on one thread, against the oracle of serial.h.
 *
 * On one thread no version is ever pending when another transaction looks, so the oracle knows exactly what each read
 * returns at that moment, whether each update aborts and with which status, and how each commit ends. Promotions, which
 * are writes that the oracle does not know of, and skipped pre-checks make that inexact; a transaction that commits
 * must be right even then. At the end the test checks all committed reads against the final history and the rows
 * against its last state, and verifies the database.
 *
 * How to read a failure: the last line "run" has the options and the seed of that run. MAE_SEED=<seed> begins with it.
 * Catches the mutations skip_check, skip_read_check, skip_install_check, skip_rts_raise, rests_unmarked,
 * wrong_insert_position, lost_tombstone, gc_early, row_free_early, horizon_too_high, snapshot_too_new,
 * blind_not_restored, undo_insert_freed, undo_payload_kept, undo_unrecorded, undo_release_drops, restamp_unread,
 * restamp_linked and elder_stays.
 */
#include "tests/support/serial.h"
#include "tests/support/world.h"

#include <inttypes.h>

enum {
    RUNS = 200 / WORLD_SLOWNESS,
    STEPS = 400,
    WORKERS = 4,
    ROWS_FIRST = 6,
    CELLS = 400,
    ACCESSES_MAX = 32,
    MARKS = 4
};

enum blur { EXACT, BLURRED };

static const struct {
    const char *options;
    enum blur blur;
    bool precheck, early_newer;
} settings[] = {
    {"adaptive_skip=off promote=off gc_interval_us=10000000", EXACT, true, true},
    {"adaptive_skip=off promote=off gc_interval_us=1", EXACT, true, true},
    {"precheck=off promote=off gc_interval_us=1", EXACT, false, true},
    {"precheck=off early_abort_newer=off inline_bytes=0 gc_interval_us=1", EXACT, false, false},
    {"timestamps=central adaptive_skip=off sort_writes=off promote=off gc_interval_us=1", EXACT, true, true},
    {"clock_sync_us=0 clock_boost_ns=100000 adaptive_skip=off inline_bytes=0 gc_interval_us=1", EXACT, true, true},
    {"", BLURRED, true, true},
    {"gc_interval_us=1", BLURRED, true, true},
    {"gc_interval_us=1 early_abort_newer=off clock_sync_us=1 pending=skip", BLURRED, true, false},
    {"restamp=retry clock_sync_us=0 adaptive_skip=off promote=off gc_interval_us=1", EXACT, true, true},
    {"restamp=extend adaptive_skip=off promote=off gc_interval_us=10000000", EXACT, true, true},
    {"restamp=extend adaptive_skip=off promote=off gc_interval_us=1", EXACT, true, true},
    {"restamp=extend precheck=off early_abort_newer=off inline_bytes=0 gc_interval_us=1", EXACT, false, false},
    {"restamp=extend timestamps=central gc_interval_us=1", BLURRED, true, true},
    {"elder_after=1 adaptive_skip=off promote=off gc_interval_us=10000000", EXACT, true, true},
    {"elder_after=2 restamp=retry adaptive_skip=off promote=off gc_interval_us=1", EXACT, true, true},
    {"elder_after=1 precheck=off early_abort_newer=off inline_bytes=0 gc_interval_us=1", EXACT, false, false},
    {"elder_after=1 timestamps=central gc_interval_us=1", BLURRED, true, true},
};

struct access {
    size_t cell;
    uint64_t version_ts; /* read; meaningless for blind writes and inserts */
    uint64_t value;
    bool tracked; /* a version was read: neither a blind write nor an insert */
    bool wrote, blind, inserted, deleted;
    bool noted; /* `value` is to be added */
};

/* A savepoint: the accesses as they were. */
struct mark {
    uint64_t mark;
    struct access accesses[ACCESSES_MAX];
    unsigned count;
};

struct running {
    struct mae_txn *txn;
    uint64_t ts;
    bool snapshot;
    bool elder, moves; /* the elder moves as with restamp=extend */
    enum mae_status doomed;
    bool missed; /* read a deleted row: its tombstone is validated, and may be unlinked meanwhile */
    struct access accesses[ACCESSES_MAX];
    unsigned count;
    struct mark marks[MARKS];
    unsigned marks_count;
};

struct model {
    struct world world;
    struct serial *serial;
    uint64_t rows[CELLS]; /* row ids by cell */
    size_t cells;
    struct running running[WORKERS];
    uint64_t random, next_value, snapshot_max, last_ts;
    enum blur blur;
    bool precheck, early_newer, collects, moves;
    unsigned elder_after; /* 0: there are none */
    uint64_t commits, aborts, elders;
    uint64_t aborts_in_a_row[WORKERS];
};

static uint64_t elders_seen;

static struct access *access_find(struct running *running, size_t cell)
{
    for (unsigned i = 0; i < running->count; i++)
        if (running->accesses[i].cell == cell)
            return &running->accesses[i];
    return NULL;
}

static struct access *access_add(struct running *running, size_t cell)
{
    struct access *access = &running->accesses[running->count++];
    *access = (struct access){.cell = cell};
    return access;
}

/* The outcome is the one expected; where the oracle is blurred any conflict will do. */
static void expect(const struct model *model, enum mae_status expected, enum mae_status got, const char *what)
{
    if (got == expected || (model->blur == BLURRED && mae_status_is_retryable(got)))
        return;
    fail_msg("%s: the engine says %s, the oracle %s", what, mae_status_name(got), mae_status_name(expected));
}

/* E3, E4: who has been aborted often enough is the elder if nobody is. */
static bool becomes_elder(const struct model *model, const struct running *running)
{
    if (running->snapshot || model->elder_after == 0 ||
        model->aborts_in_a_row[running - model->running] < model->elder_after)
        return false;
    for (unsigned i = 0; i < WORKERS; i++)
        if (model->running[i].txn && model->running[i].elder)
            return false;
    return true;
}

static void begin_one(struct model *model, struct running *running, struct mae_worker *worker)
{
    *running = (struct running){.snapshot = random_below(&model->random, 5) == 0};
    running->elder = becomes_elder(model, running);
    running->moves = model->moves || running->elder;
    model->elders += running->elder;
    if (random_below(&model->random, 2))
        running->txn = running->snapshot ? begin_snapshot(worker) : begin(worker);
    else
        assert_ok(mae_begin(worker, running->snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &running->txn));
    running->ts = mae_txn_timestamp(running->txn) + running->snapshot; /* reads see what is below */
    if (running->snapshot && running->ts > model->snapshot_max)
        model->snapshot_max = running->ts;
    model->last_ts = running->ts > model->last_ts ? running->ts : model->last_ts;
    if (!running->snapshot)
        assert_true(running->ts >= model->snapshot_max); /* H1: no writer below a snapshot */
}

/* restamp=extend, or the elder: follows a transaction that has moved. From there it sees what it had read (T5). */
static void follow(struct model *model, struct running *running, struct mae_txn *txn)
{
    uint64_t ts = mae_txn_timestamp(txn);
    if (running->snapshot || ts == running->ts)
        return;
    assert_true(running->moves && ts > running->ts);
    running->ts = ts;
    model->last_ts = ts > model->last_ts ? ts : model->last_ts;
    for (unsigned i = 0; i < running->count; i++) {
        const struct access *access = &running->accesses[i];
        if (access->tracked)
            assert_int_equal(serial_visible_ts(model->serial, access->cell, ts), access->version_ts);
    }
}

/* Whether all that the transaction has read is the newest of its row: then it may move, however late. False also if it
 * has read a tombstone, for which there is no access, and where promotions write versions that the oracle does not
 * know. */
static bool may_move(const struct model *model, const struct running *running)
{
    if (running->missed || model->blur == BLURRED)
        return false;
    for (unsigned i = 0; i < running->count; i++) {
        const struct access *access = &running->accesses[i];
        if (access->tracked && serial_visible_ts(model->serial, access->cell, UINT64_MAX) != access->version_ts)
            return false;
    }
    return running->moves;
}

/* What the transaction sees in the cell: the version, or NULL when there is none or it is deleted. */
static const struct serial_version *seen(const struct model *model, const struct running *running, size_t cell)
{
    const struct serial_version *version = serial_visible(model->serial, cell, running->ts);
    return version && !version->deleted ? version : NULL;
}

/* After a call that returned `status`. A tombstone is read, too, while it is there: for ever if nobody collects. If
 * somebody does, see end_one. */
static void track(const struct model *model, struct running *running, size_t cell, enum mae_status status)
{
    uint64_t version_ts = serial_visible_ts(model->serial, cell, running->ts);
    bool tombstone = status == MAE_NOT_FOUND && version_ts > 0 && !model->collects;
    if (status != MAE_OK && !tombstone && !running->snapshot)
        return;
    struct access *access = access_add(running, cell);
    access->version_ts = version_ts;
    access->tracked = true;
}

static void read_one(struct model *model, struct running *running, size_t cell)
{
    uint64_t value = 0;
    enum mae_status status = row_get(running->txn, model->world.table, model->rows[cell], &value);
    struct access *access = access_find(running, cell);
    if (running->doomed != MAE_OK) {
        assert_string_equal(mae_status_name(status), mae_status_name(running->doomed));
        return;
    }
    if (!access || !access->wrote)
        serial_resolve(model->serial, cell, access ? access->version_ts + 1 : running->ts);
    if (access && access->wrote) {
        expect(model, access->deleted ? MAE_NOT_FOUND : MAE_OK, status, "reading an own write");
        if (status == MAE_OK)
            assert_int_equal(value, access->value);
        return;
    }
    if (access) { /* repeatable, whatever has happened meanwhile */
        const struct serial_version *version = serial_visible(model->serial, cell, access->version_ts + 1);
        bool there = version && version->ts == access->version_ts && !version->deleted;
        expect(model, there ? MAE_OK : MAE_NOT_FOUND, status, "reading again");
        if (status == MAE_OK)
            assert_int_equal(value, version->value);
        return;
    }
    const struct serial_version *version = seen(model, running, cell);
    expect(model, version ? MAE_OK : MAE_NOT_FOUND, status, "reading");
    if (status == MAE_OK)
        assert_int_equal(value, version->value);
    track(model, running, cell, status);
    running->missed |= status == MAE_NOT_FOUND;
}

enum write_kind { UPDATE, OVERWRITE, DELETE, APPLY };

static enum mae_status write_call(struct model *model, struct running *running, enum write_kind kind, uint64_t row,
                                  uint64_t value)
{
    void *data;
    enum mae_status status;
    switch (kind) {
    case OVERWRITE:
        return row_set(running->txn, model->world.table, row, value);
    case DELETE:
        return mae_row_delete(running->txn, model->world.table, row);
    case APPLY:
        return mae_row_apply(running->txn, model->world.table, row, MAE_ADD, 0, &value, sizeof value);
    case UPDATE:
        break;
    }
    status = mae_row_update(running->txn, model->world.table, row, 0, NULL, &data);
    if (status == MAE_OK)
        memcpy(data, &value, sizeof value);
    return status;
}

static enum mae_status expected_write(const struct model *model, const struct running *running,
                                      const struct access *access, enum write_kind kind, size_t cell,
                                      uint64_t *version_ts)
{
    *version_ts = access ? access->version_ts : serial_visible_ts(model->serial, cell, running->ts);
    if (running->snapshot)
        return MAE_READ_ONLY;
    if (running->doomed != MAE_OK)
        return running->doomed;
    if (access && access->wrote)
        return access->deleted ? MAE_NOT_FOUND : MAE_OK;
    const struct serial_version *version = serial_visible(model->serial, cell, *version_ts + 1);
    if (!version || version->ts != *version_ts || version->deleted)
        return MAE_NOT_FOUND;
    const bool blind = (kind == OVERWRITE || kind == APPLY) && !access;
    if (!blind && model->early_newer && serial_newer(model->serial, cell, running->ts))
        return MAE_ABORT_NEWER;
    /* The elder's commit moves behind readers. */
    return version->rts > running->ts && (blind || !running->elder) ? MAE_ABORT_RTS : MAE_OK;
}

static void write_one(struct model *model, struct running *running, enum write_kind kind, size_t cell)
{
    static const char *const names[] = {"updating", "overwriting", "deleting", "applying"};
    uint64_t value = model->next_value++, version_ts;
    struct access *access = access_find(running, cell);
    const bool fresh_read = !access;
    enum mae_status status = write_call(model, running, kind, model->rows[cell], value);
    follow(model, running, running->txn);
    const bool needs_value = access ? !access->wrote : kind == UPDATE || kind == DELETE;
    if (!running->snapshot && running->doomed == MAE_OK && needs_value)
        serial_resolve(model->serial, cell, access ? access->version_ts + 1 : running->ts);
    enum mae_status expected = expected_write(model, running, access, kind, cell, &version_ts);
    if (running->doomed == MAE_OK && (expected == MAE_ABORT_NEWER || expected == MAE_ABORT_RTS))
        assert_false(may_move(model, running)); /* or else it would have moved */
    /* A read that was promoted is a write already: the engine does not look again before the commit. */
    if (model->blur == BLURRED && access && status == MAE_OK &&
        (expected == MAE_ABORT_NEWER || expected == MAE_ABORT_RTS))
        expected = MAE_OK;
    /* The oracle takes a read that was promoted, which is a write and raises nothing, for a read: the commit aborts. */
    if (model->blur == BLURRED && status == MAE_OK && expected == MAE_ABORT_RTS)
        expected = MAE_OK;
    expect(model, expected, status, names[kind]);
    if (mae_status_is_abort(status) && running->doomed == MAE_OK)
        running->doomed = status;
    running->missed |= status == MAE_NOT_FOUND;
    if (status == MAE_NOT_FOUND && !access)
        track(model, running, cell, status);
    if (status != MAE_OK)
        return;
    if (!access)
        access = access_add(running, cell);
    if (!access->wrote) {
        access->version_ts = version_ts;
        access->blind = (kind == OVERWRITE || kind == APPLY) && fresh_read;
        access->tracked = !access->blind;
        access->noted = kind == APPLY && fresh_read;
        access->value = fresh_read ? 0 : serial_visible(model->serial, cell, version_ts + 1)->value;
    }
    access->wrote = true;
    access->deleted = kind == DELETE;
    access->value = kind == APPLY ? access->value + value : value;
}

static void insert_one(struct model *model, struct running *running)
{
    uint64_t row, value = model->next_value++;
    void *data;
    enum mae_status status = mae_row_insert(running->txn, model->world.table, sizeof value, &row, &data);
    if (running->snapshot || running->doomed != MAE_OK) {
        assert_string_equal(mae_status_name(status),
                            mae_status_name(running->snapshot ? MAE_READ_ONLY : running->doomed));
        return;
    }
    assert_ok(status);
    memcpy(data, &value, sizeof value);
    size_t cell = 0;
    while (cell < model->cells && model->rows[cell] != row)
        cell++;
    if (cell == model->cells) {
        assert_true(model->cells < CELLS);
        model->rows[model->cells++] = row;
    } else { /* used again: the row id is free for every running transaction */
        for (unsigned i = 0; i < WORKERS; i++)
            if (model->running[i].txn)
                assert_null(seen(model, &model->running[i], cell));
        assert_false(serial_newer(model->serial, cell, running->ts));
    }
    struct access *access = access_find(running, cell);
    assert_null(access);
    access = access_add(running, cell);
    access->wrote = access->inserted = true;
    access->value = value;
}

/* What has come since the savepoint is no more than a read, and a new row of then is none. */
static void forget_since(struct running *running, const struct mark *mark)
{
    for (unsigned i = 0; i < running->count; i++) {
        struct access *access = &running->accesses[i];
        if (i < mark->count) {
            *access = mark->accesses[i];
        } else if (access->inserted) {
            access->deleted = true;
        } else {
            access->wrote = access->blind = access->deleted = access->noted = false;
            access->tracked = true;
        }
    }
}

/* Sets a savepoint, returns to one or releases one. */
static void mark_one(struct model *model, struct running *running)
{
    uint64_t what = random_below(&model->random, 3), number = 0;
    unsigned which = running->marks_count > 0 ? (unsigned)random_below(&model->random, running->marks_count) : 0;
    struct mark *mark = &running->marks[which];
    enum mae_status status;
    if (what == 0 && running->marks_count < MARKS) {
        status = mae_savepoint(running->txn, &number);
        assert_string_equal(mae_status_name(status), mae_status_name(running->doomed));
        if (status != MAE_OK)
            return;
        mark = &running->marks[running->marks_count++];
        mark->mark = number;
        mark->count = running->count;
        memcpy(mark->accesses, running->accesses, sizeof mark->accesses);
        return;
    }
    enum mae_status expected = running->doomed == MAE_OK && running->marks_count == 0 ? MAE_INVALID : running->doomed;
    number = running->marks_count > 0 ? mark->mark : model->next_value;
    status = what == 1 ? mae_release(running->txn, number) : mae_rollback_to(running->txn, number);
    assert_string_equal(mae_status_name(status), mae_status_name(expected));
    if (status != MAE_OK)
        return;
    running->marks_count = which + (what != 1);
    if (what != 1)
        forget_since(running, mark);
}

/* What was read is still what the transaction should see, and a tombstone is the newest version. */
static bool access_holds(const struct model *model, const struct running *running, const struct access *access)
{
    if (access->tracked && serial_visible_ts(model->serial, access->cell, running->ts) != access->version_ts)
        return false;
    return !access->wrote || !access->deleted || !serial_newer(model->serial, access->cell, running->ts);
}

static enum mae_status expected_commit(const struct model *model, const struct running *running)
{
    bool reads_hold = true, updates_hold = true, blind_hold = true, newer_hold = true, tombstones_hold = true;
    if (running->snapshot || running->doomed != MAE_OK)
        return running->doomed;
    for (unsigned i = 0; i < running->count; i++) {
        const struct access *access = &running->accesses[i];
        const struct serial_version *version = serial_visible(model->serial, access->cell, running->ts);
        bool read_holds = !access->tracked || (version && version->ts == access->version_ts);
        if (access->inserted)
            continue;
        if (access->blind)
            blind_hold &= version && !version->deleted && version->rts <= running->ts;
        else if (access->wrote)
            updates_hold &= read_holds && version->rts <= running->ts;
        else
            reads_hold &= read_holds;
        newer_hold &= !access->wrote || !serial_newer_rests(model->serial, access->cell, running->ts);
        if (access->wrote && read_holds)
            tombstones_hold &= access_holds(model, running, access);
    }
    assert_true(updates_hold || !may_move(model, running)); /* or else it would have moved */
    if (model->precheck && (!reads_hold || !updates_hold))
        return MAE_ABORT_PRECHECK;
    if (!updates_hold || !blind_hold || !newer_hold)
        return MAE_ABORT_INSTALL;
    for (unsigned i = 0; i < running->count; i++)
        if (!access_holds(model, running, &running->accesses[i]))
            return running->accesses[i].wrote ? MAE_ABORT_WRITE_CHECK : MAE_ABORT_READ_CHECK;
    assert_true(reads_hold && tombstones_hold);
    return MAE_OK;
}

/* `status`: MAE_OK also if the caller has given the transaction up: the next one is another. */
static void count_end(struct model *model, const struct running *running, enum mae_status status)
{
    uint64_t *aborts = &model->aborts_in_a_row[running - model->running];
    if (!running->snapshot)
        *aborts = status == MAE_OK ? 0 : *aborts + 1;
}

static void end_one(struct model *model, struct running *running)
{
    struct mae_txn *txn = running->txn;
    running->txn = NULL;
    /* Whether a tombstone that was read is still there depends on the collector, and so does where the check ends. */
    if (random_below(&model->random, 10) == 0 || (running->missed && model->blur == EXACT && model->collects)) {
        mae_abort(txn);
        model->aborts++;
        count_end(model, running, running->doomed);
        return;
    }
    elder_is_out_of_time(model->world.db);
    enum mae_status status = mae_commit(txn);
    count_end(model, running, status);
    follow(model, running, txn);
    expect(model, expected_commit(model, running), status, "committing");
    model->commits += status == MAE_OK;
    model->aborts += status != MAE_OK;
    /* A check that fails has raised what comes before it. Where that is, a blurred oracle does not know: too low is
     * right then. */
    bool checking = status == MAE_OK ||
                    (model->blur == EXACT && (status == MAE_ABORT_READ_CHECK || status == MAE_ABORT_WRITE_CHECK));
    for (unsigned i = 0; i < running->count; i++) {
        const struct access *access = &running->accesses[i];
        if (!running->snapshot && access->tracked && !access->wrote && checking)
            serial_raise(model->serial, access->cell, running->ts, access->version_ts);
        checking &= access_holds(model, running, access); /* the check ends at the first that does not */
        if (access->tracked && status == MAE_OK)
            serial_log(model->serial, access->cell, running->ts, access->version_ts, false);
    }
    if (status != MAE_OK || running->snapshot)
        return;
    assert_true(running->ts >= model->snapshot_max);
    for (unsigned i = 0; i < running->count; i++) {
        const struct access *access = &running->accesses[i];
        if (access->noted)
            serial_apply(model->serial, access->cell, running->ts, access->value);
        else if (access->wrote && !(access->inserted && access->deleted))
            serial_write(model->serial, access->cell, running->ts, access->value, access->deleted, access->tracked);
    }
}

static void step(struct model *model)
{
    unsigned who = (unsigned)random_below(&model->random, WORKERS);
    struct running *running = &model->running[who];
    if (!running->txn) {
        begin_one(model, running, model->world.workers[who]);
        return;
    }
    size_t cell = random_below(&model->random, model->cells);
    const struct access *access = access_find(running, cell);
    const bool noted = access && access->noted; /* whoever reads on has read the row: tests/unit/txn/delta.c */
    if (running->count == ACCESSES_MAX || random_below(&model->random, 6) == 0) {
        end_one(model, running);
        return;
    }
    const uint64_t what = random_below(&model->random, 18);
    if (noted && what != 0 && what < 12)
        return;
    switch (what) {
    case 15:
    case 16:
    case 17:
        write_one(model, running, APPLY, cell);
        break;
    case 12:
    case 13:
    case 14:
        mark_one(model, running);
        break;
    case 0:
        insert_one(model, running);
        break;
    case 1:
        write_one(model, running, DELETE, cell);
        break;
    case 2:
    case 3:
        write_one(model, running, OVERWRITE, cell);
        break;
    case 4:
    case 5:
    case 6:
        write_one(model, running, UPDATE, cell);
        break;
    default:
        read_one(model, running, cell);
        break;
    }
}

static void run(unsigned setting, uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    printf("run %s, seed %" PRIu64 "\n", settings[setting].options, seed);
    model->world = world_open(settings[setting].options, MAE_INDEX_HASH, 16, WORKERS);
    model->serial = serial_create(CELLS);
    model->random = seed;
    model->next_value = 1;
    model->blur = settings[setting].blur;
    model->precheck = settings[setting].precheck;
    model->early_newer = settings[setting].early_newer;
    model->moves = strstr(settings[setting].options, "restamp=extend") != NULL;
    model->collects = strstr(settings[setting].options, "gc_interval_us=10000000") == NULL;
    const char *elders = strstr(settings[setting].options, "elder_after=");
    model->elder_after = elders ? (unsigned)strtoul(elders + strlen("elder_after="), NULL, 10) : 0;
    for (; model->cells < ROWS_FIRST; model->cells++) {
        struct mae_txn *txn = begin(model->world.workers[model->cells % WORKERS]);
        void *data;
        uint64_t ts = mae_txn_timestamp(txn), value = model->next_value++;
        assert_ok(mae_row_insert(txn, model->world.table, sizeof value, &model->rows[model->cells], &data));
        memcpy(data, &value, sizeof value);
        assert_ok(mae_commit(txn));
        serial_write(model->serial, model->cells, ts, value, false, false);
    }
    for (int i = 0; i < STEPS; i++)
        step(model);
    for (unsigned i = 0; i < WORKERS; i++)
        if (model->running[i].txn)
            end_one(model, &model->running[i]);
    assert_true(model->commits > 0);
    assert_int_equal(db_counter(model->world.db, "elders"), model->elders);
    elders_seen += model->elders;
    serial_check(model->serial);
    struct mae_txn *txn;
    assert_ok(mae_begin(model->world.workers[0], MAE_READ_WRITE, model->last_ts, &txn));
    for (size_t cell = 0; cell < model->cells; cell++) {
        serial_resolve(model->serial, cell, UINT64_MAX);
        const struct serial_version *version = serial_visible(model->serial, cell, UINT64_MAX);
        uint64_t value;
        enum mae_status status = row_get(txn, model->world.table, model->rows[cell], &value);
        if (version && !version->deleted) {
            assert_ok(status);
            assert_int_equal(value, version->value);
        } else {
            assert_status(MAE_NOT_FOUND, status);
        }
    }
    assert_ok(mae_commit(txn));
    serial_destroy(model->serial);
    world_close(&model->world);
    free(model);
}

static void rows_agree_with_the_oracle(void **state)
{
    (void)state;
    run_seeds(sizeof settings / sizeof settings[0], RUNS, run);
    assert_true(elders_seen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_agree_with_the_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
