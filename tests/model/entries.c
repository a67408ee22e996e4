/*
 * entries.c - random transactions of interleaved workers, on one thread, that add and remove entries of rows in three
 * indexes of one table, and delete rows with all of their entries or, as often, with some forgotten. They set
 * savepoints and return to them. Now and then an index is dropped, and comes again without entries.
 *
 * What has committed is replayed in the order of timestamps on sets of rows and entries: each entry must find its row,
 * no deleted row may leave an entry, and what was refused with MAE_CORRUPT must have been about to leave one. Then the
 * indexes hold exactly the replay's entries, the table its rows, and the database is verified, which compares each
 * row's count (I4). Single-version indexes, too, must be so in the end, although nothing validates lookups in them.
 *
 * How to read a failure: the last line "run" names the run; MAE_SEED=<its seed> begins with it. Catches the mutations
 * entry_left_behind and undo_deferred_kept.
 */
#include "tests/support/world.h"

#include <inttypes.h>

enum {
    RUNS = 40 / WORLD_SLOWNESS,
    PHASES = 20,
    STEPS = 150,
    WORKERS = 4,
    INDEXES = 3,
    KEYS = 10,
    ROWS_MAX = 512,
    KNOWN = 16,
    DONE_MAX = 400, /* of one transaction */
    ENDED_MAX = STEPS,
    MARKS = 4,
};

static const char *const options[] = {
    "gc_interval_us=1",
    "gc_interval_us=1 inline_bytes=0 precheck=off",
    "timestamps=central early_abort_newer=off",
    "gc_interval_us=1 adaptive_skip=off settle=off promote=off",
    "gc_interval_us=1 restamp=extend",
    "gc_interval_us=1 elder_after=1",
    "gc_interval_us=1 simple_index_update=on",
    "gc_interval_us=1 simple_index_update=on pending=skip promote=off inline_bytes=0",
};

enum deed { ROW_INSERTED, ROW_DELETED, ENTRY_ADDED, ENTRY_REMOVED };

struct done {
    enum deed deed;
    unsigned index;
    uint64_t key, row;
};

struct running {
    struct mae_txn *txn;
    uint64_t ts;
    bool refused; /* with MAE_CORRUPT */
    unsigned count;
    struct done done[DONE_MAX];
    uint64_t marks[MARKS];  /* savepoints, */
    unsigned counts[MARKS]; /* and `count` as it was */
    unsigned marks_count;
};

/* Rows and entries as they are in a serial execution. */
struct state {
    bool rows[ROWS_MAX], entries[INDEXES][KEYS][ROWS_MAX];
    unsigned leading[ROWS_MAX]; /* entries, to each row */
};

struct model {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *indexes[INDEXES]; /* the last one is not unique */
    struct mae_worker *workers[WORKERS];
    struct running running[WORKERS], ended[ENDED_MAX];
    unsigned ended_count;
    struct state state, tried;
    uint64_t known[KNOWN];                        /* rows that somebody inserted */
    uint64_t random, last_ts, committed, refused; /* the last two: transactions */
};

static void note(struct running *running, enum deed deed, unsigned index, uint64_t key, uint64_t row)
{
    assert_true(running->count < DONE_MAX && row < ROWS_MAX);
    running->done[running->count++] = (struct done){deed, index, key, row};
}

static enum mae_status add_entry(struct model *model, struct running *running, uint64_t row)
{
    unsigned index = (unsigned)random_below(&model->random, INDEXES);
    uint64_t key = random_below(&model->random, KEYS);
    enum mae_status status = mae_index_insert(running->txn, model->indexes[index], &key, row);
    if (status == MAE_OK)
        note(running, ENTRY_ADDED, index, key, row);
    return status == MAE_EXISTS || status == MAE_NOT_FOUND ? MAE_OK : status;
}

static enum mae_status remove_entry(struct model *model, struct running *running, unsigned index, uint64_t key,
                                    uint64_t row)
{
    enum mae_status status = mae_index_remove(running->txn, model->indexes[index], &key, row);
    if (status == MAE_OK)
        note(running, ENTRY_REMOVED, index, key, row);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

static enum mae_status insert_row(struct model *model, struct running *running)
{
    uint64_t row;
    void *data;
    enum mae_status status = mae_row_insert(running->txn, model->table, 8, &row, &data);
    if (status != MAE_OK)
        return status;
    memcpy(data, &row, sizeof row);
    note(running, ROW_INSERTED, 0, 0, row);
    model->known[random_below(&model->random, KNOWN)] = row;
    for (uint64_t n = 1 + random_below(&model->random, 3); n > 0 && status == MAE_OK; n--)
        status = add_entry(model, running, row);
    return status;
}

/* With all of its entries, or half of them; before the row goes or after. */
static enum mae_status delete_row(struct model *model, struct running *running, uint64_t row)
{
    bool forgets = random_below(&model->random, 2), first = random_below(&model->random, 2);
    enum mae_status status = first ? mae_row_delete(running->txn, model->table, row) : MAE_OK;
    if (status == MAE_OK && first)
        note(running, ROW_DELETED, 0, 0, row);
    for (unsigned index = 0; index < INDEXES; index++)
        for (uint64_t key = 0; key < KEYS && status == MAE_OK; key++)
            if (!forgets || random_below(&model->random, 2))
                status = remove_entry(model, running, index, key, row);
    if (status == MAE_OK && !first) {
        status = mae_row_delete(running->txn, model->table, row);
        if (status == MAE_OK)
            note(running, ROW_DELETED, 0, 0, row);
    }
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* The entry leads to another row from now on. */
static enum mae_status move_entry(struct model *model, struct running *running, uint64_t to)
{
    unsigned index = (unsigned)random_below(&model->random, INDEXES);
    uint64_t key = random_below(&model->random, KEYS), row;
    enum mae_status status = mae_index_find(running->txn, model->indexes[index], &key, &row);
    if (status == MAE_OK)
        status = remove_entry(model, running, index, key, row);
    if (status == MAE_OK)
        status = mae_index_insert(running->txn, model->indexes[index], &key, to);
    if (status == MAE_OK)
        note(running, ENTRY_ADDED, index, key, to);
    return status == MAE_EXISTS || status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* Other writes of a row, which must not lose the count. */
static enum mae_status write_row(struct model *model, struct running *running, uint64_t row, bool blind)
{
    void *data;
    enum mae_status status = blind ? mae_row_overwrite(running->txn, model->table, row, 8, &data)
                                   : mae_row_update(running->txn, model->table, row, 0, NULL, &data);
    if (status == MAE_OK)
        memcpy(data, &row, sizeof row);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

static enum mae_status read_key(struct model *model, struct running *running)
{
    const void *data;
    uint64_t key = random_below(&model->random, KEYS);
    enum mae_status status =
        mae_read(running->txn, model->indexes[random_below(&model->random, INDEXES)], &key, &data, NULL);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* Sets a savepoint, returns to one or releases one. */
static enum mae_status mark_one(struct model *model, struct running *running)
{
    uint64_t what = random_below(&model->random, 3);
    if (what == 0 && running->marks_count < MARKS) {
        running->counts[running->marks_count] = running->count;
        return mae_savepoint(running->txn, &running->marks[running->marks_count++]);
    }
    if (running->marks_count == 0)
        return MAE_OK;
    unsigned which = (unsigned)random_below(&model->random, running->marks_count);
    running->marks_count = which + (what != 1);
    if (what == 1)
        return mae_release(running->txn, running->marks[which]);
    running->count = running->counts[which];
    return mae_rollback_to(running->txn, running->marks[which]);
}

static void end_one(struct model *model, struct running *running)
{
    bool commits = random_below(&model->random, 10) > 0;
    elder_is_out_of_time(model->db);
    enum mae_status status = commits ? mae_commit(running->txn) : mae_abort(running->txn);
    assert_true(status == MAE_OK || status == MAE_CORRUPT || mae_status_is_retryable(status));
    running->ts = mae_txn_timestamp(running->txn); /* it may have moved */
    model->last_ts = running->ts > model->last_ts ? running->ts : model->last_ts;
    running->refused = status == MAE_CORRUPT;
    running->txn = NULL;
    if (running->refused || (commits && status == MAE_OK)) {
        assert_true(model->ended_count < ENDED_MAX);
        model->ended[model->ended_count++] = *running;
    }
}

static void step(struct model *model)
{
    unsigned who = (unsigned)random_below(&model->random, WORKERS);
    struct running *running = &model->running[who];
    if (!running->txn) {
        running->txn = begin(model->workers[who]);
        running->count = running->marks_count = 0;
        return;
    }
    uint64_t row = model->known[random_below(&model->random, KNOWN)];
    enum mae_status status = MAE_OK;
    switch (random_below(&model->random, 22)) {
    case 18:
    case 19:
    case 20:
    case 21:
        status = mark_one(model, running);
        break;
    case 0:
    case 1:
    case 12:
    case 13:
        status = insert_row(model, running);
        break;
    case 2:
    case 3:
    case 4:
        status = add_entry(model, running, row);
        break;
    case 5:
        status = remove_entry(model, running, (unsigned)random_below(&model->random, INDEXES),
                              random_below(&model->random, KEYS), row);
        break;
    case 6:
    case 7:
        status = delete_row(model, running, row);
        break;
    case 8:
        status = move_entry(model, running, row);
        break;
    case 9:
    case 10:
        status = write_row(model, running, row, random_below(&model->random, 2));
        break;
    case 11:
        status = read_key(model, running);
        break;
    default:
        end_one(model, running);
        return;
    }
    if (status != MAE_OK) {
        assert_true(mae_status_is_retryable(status));
        assert_ok(mae_abort(running->txn));
        running->txn = NULL;
    }
}

/* ---- The serial execution. ---- */

static void apply(struct state *state, const struct done *done, uint64_t ts)
{
    bool *entry = &state->entries[done->index][done->key][done->row], *row = &state->rows[done->row];
    bool before = false, here = true; /* what must have been, and that the row must be there */
    switch (done->deed) {
    case ROW_INSERTED:
        here = *row;
        *row = true;
        if (here)
            fail_msg("transaction %" PRIx64 " inserted row %" PRIu64 ", which was there", ts, done->row);
        return;
    case ROW_DELETED:
        here = *row;
        *row = false;
        break;
    case ENTRY_ADDED:
        here = *row;
        before = *entry;
        *entry = true;
        state->leading[done->row]++;
        break;
    case ENTRY_REMOVED:
        before = !*entry;
        *entry = false;
        state->leading[done->row]--;
        break;
    }
    if (before || !here)
        fail_msg("transaction %" PRIx64 ": deed %d with key %" PRIu64 " of index %u and row %" PRIu64 " could not be",
                 ts, (int)done->deed, done->key, done->index, done->row);
}

/* A row that is gone and to which entries lead, of those that the transaction has deleted. */
static bool leaves_entries(const struct state *state, const struct running *ended)
{
    for (unsigned i = 0; i < ended->count; i++)
        if (ended->done[i].deed == ROW_DELETED && state->leading[ended->done[i].row] > 0)
            return true;
    return false;
}

static int by_timestamp(const void *x, const void *y)
{
    const struct running *a = x, *b = y;
    return a->ts < b->ts ? -1 : a->ts > b->ts;
}

static void replay(struct model *model)
{
    qsort(model->ended, model->ended_count, sizeof model->ended[0], by_timestamp);
    for (unsigned i = 0; i < model->ended_count; i++) {
        const struct running *ended = &model->ended[i];
        struct state *state = ended->refused ? &model->tried : &model->state;
        if (ended->refused)
            model->tried = model->state;
        for (unsigned j = 0; j < ended->count; j++)
            apply(state, &ended->done[j], ended->ts);
        if (leaves_entries(state, ended) != ended->refused)
            fail_msg("transaction %" PRIx64 " %s", ended->ts,
                     ended->refused ? "was refused, and would have left no entry" : "has left an entry");
        model->refused += ended->refused;
        model->committed += !ended->refused;
    }
    model->ended_count = 0;
}

static void compare(struct model *model)
{
    struct mae_space space;
    uint64_t rows = 0;
    struct mae_txn *txn;
    assert_ok(mae_begin(model->workers[0], MAE_READ_WRITE, model->last_ts, &txn));
    for (unsigned index = 0; index < INDEXES; index++)
        for (uint64_t key = 0; key < KEYS; key++) {
            uint64_t found = ROWS_MAX, first = 0;
            enum mae_status status = mae_index_find(txn, model->indexes[index], &key, &found);
            while (first < ROWS_MAX && !model->state.entries[index][key][first])
                first++;
            assert_true(status == (first < ROWS_MAX ? MAE_OK : MAE_NOT_FOUND));
            assert_true(status == MAE_NOT_FOUND || found == first);
        }
    assert_ok(mae_commit(txn));
    for (uint64_t row = 0; row < ROWS_MAX; row++)
        rows += model->state.rows[row];
    mae_table_space(model->table, &space);
    assert_int_equal(space.rows, rows);
    world_verify(model->db);
}

static const struct mae_index_config configs[INDEXES] = {
    {.kind = MAE_INDEX_HASH, .key_bytes = 8},
    {.kind = MAE_INDEX_ORDERED, .key_bytes = 8},
    {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true},
};

static void create_index(struct model *model, unsigned index)
{
    static const char *const names[INDEXES] = {"hash", "tree", "pairs"};
    assert_ok(mae_index_create(model->db, model->table, names[index], &configs[index], &model->indexes[index]));
}

/* The rows lose their entries in it. */
static void drop_index(struct model *model, unsigned index)
{
    assert_ok(mae_index_drop(model->db, model->indexes[index]));
    for (uint64_t key = 0; key < KEYS; key++)
        for (uint64_t row = 0; row < ROWS_MAX; row++) {
            model->state.leading[row] -= model->state.entries[index][key][row];
            model->state.entries[index][key][row] = false;
        }
    create_index(model, index);
}

static uint64_t first_seed, committed, refused;

static void run(const char *settings, uint64_t seed)
{
    static struct model model;
    const struct mae_table_config table = {.payload_max_bytes = 16};
    printf("run %s, seed %" PRIu64 "\n", settings, seed);
    memset(&model, 0, sizeof model);
    model.random = seed;
    model.db = world_db(settings);
    assert_ok(mae_table_create(model.db, "rows", &table, &model.table));
    for (unsigned i = 0; i < INDEXES; i++)
        create_index(&model, i);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_ok(mae_worker_join(model.db, &model.workers[i]));
    model.known[0] = new_row(model.workers[0], model.table, 0);
    model.state.rows[model.known[0]] = true;
    for (unsigned i = 1; i < KNOWN; i++)
        model.known[i] = model.known[0];
    for (int phase = 0; phase < PHASES; phase++) {
        for (int i = 0; i < STEPS; i++)
            step(&model);
        for (unsigned i = 0; i < WORKERS; i++)
            if (model.running[i].txn)
                end_one(&model, &model.running[i]);
        replay(&model);
        if (random_below(&model.random, 4) == 0)
            drop_index(&model, (unsigned)random_below(&model.random, INDEXES));
        compare(&model);
    }
    committed += model.committed;
    refused += model.refused;
    for (unsigned i = 0; i < WORKERS; i++)
        mae_worker_leave(model.workers[i]);
    mae_close(model.db);
}

static void no_deleted_row_leaves_an_entry(void **state)
{
    (void)state;
    for (unsigned s = 0; s < sizeof options / sizeof options[0]; s++)
        for (uint64_t i = 0; i < RUNS; i++)
            run(options[s], first_seed + i);
    printf("%" PRIu64 " committed, %" PRIu64 " refused\n", committed, refused);
    assert_true(committed > 0 && refused > 0);
}

int main(void)
{
    first_seed = seed_from_environment();
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_deleted_row_leaves_an_entry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
