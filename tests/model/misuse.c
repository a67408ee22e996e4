/*
 * misuse.c - random calls of the public interface, legal and illegal, on one thread with two databases. Whatever a
 * caller passes, no call crashes, hangs, or returns a status that it must not return.
 *
 * The test draws handles from all that ever existed: transactions that have ended, workers that have left, tables and
 * indexes of the other database. It prefers edge values for row ids, sizes, keys, modes, limits and timestamps.
 * Visitors and bodies read, write, end their transaction and begin others. The test writes one byte repeated over the
 * whole payload and reads every payload to its last byte, so AddressSanitizer notices a read or write beyond the end.
 *     M1  A call with an ended transaction, a worker that left or a foreign handle returns MAE_INVALID.
 *     M2  mae_db_verify finds nothing at the end, whatever the run did to entries and rows. Only commits return
 *         MAE_CORRUPT: they refuse to leave an entry without its row (I4). With simple_index_update=on entries are not
 *         counted. There a careful run does not insert or remove single index entries, and after a careless run
 *         entries may lead to any row.
 *     M3  Afterwards every worker commits, and every database closes.
 *
 * Release builds do not check foreign handles in reads and updates, nor NULL: those calls are not made there.
 * How to read a failure: the last line "run" has the options and the seed of that run. MAE_SEED=<seed> begins with it.
 */
#include "tests/support/world.h"

#include <inttypes.h>

enum { RUNS = 150 / WORLD_SLOWNESS, STEPS = 500, DATABASES = 2, WORKERS = 3, TABLES = 3, INDEXES = 5 };
enum { PAYLOAD_MAX = 300, KEY_BYTES = 12, KEYS = 40 };

#ifdef MAE_DEBUG
enum { ALL_CHECKED = 1 };
#else
enum { ALL_CHECKED = 0 };
#endif

static const char *const settings[] = {
    "gc_interval_us=1",
    "gc_interval_us=1 inline_bytes=0 adaptive_skip=off",
    "gc_interval_us=1 memory_limit=12M huge_pages=off",
    "gc_interval_us=1 simple_index_update=on",
    "timestamps=central pending=abort promote=off",
    "pending=skip settle=off precheck=off",
};

struct database {
    struct mae_db *db;
    struct mae_table *tables[TABLES]; /* the last one has no index */
    struct mae_index *indexes[INDEXES];
    size_t key_bytes[INDEXES];
    struct mae_worker *workers[WORKERS]; /* also those that have left */
    struct mae_txn *txns[WORKERS];       /* the last one begun, or NULL */
    bool joined[WORKERS], open[WORKERS], snapshot[WORKERS];
    unsigned tables_made;
};

enum { MARKS = 8 };

struct fuzz {
    uint64_t marks[MARKS]; /* savepoints that were set, of any transaction */
    struct database databases[DATABASES];
    uint64_t random;
    bool careful;   /* uses entries by key only */
    bool counted;   /* no entry is left without its row */
    unsigned depth; /* of visitors and bodies */
};

/* What a call is made with. */
struct use {
    struct database *database;
    unsigned who;
    struct mae_txn *txn;
    struct mae_table *table;
    struct mae_index *index;
    unsigned char key[KEY_BYTES + 1];
    bool foreign;
};

static uint64_t draw(struct fuzz *fuzz, uint64_t n)
{
    return random_below(&fuzz->random, n);
}

static void draw_key(struct fuzz *fuzz, unsigned char *key)
{
    uint64_t word = draw(fuzz, 16) ? draw(fuzz, KEYS) : draw(fuzz, 2) ? UINT64_MAX : random_next(&fuzz->random);
    memset(key, 0, KEY_BYTES + 1);
    memcpy(key, &word, sizeof word);
}

static uint64_t draw_row(struct fuzz *fuzz, const struct mae_table *table)
{
    uint64_t limit = mae_table_row_limit(table);
    static const uint64_t edges[] = {0, UINT64_MAX, (UINT64_C(1) << 48) - 1, UINT64_C(1) << 50, UINT64_C(1) << 32};
    if (draw(fuzz, 10) && limit)
        return draw(fuzz, limit < 40 ? limit : 40);
    return draw(fuzz, 2) ? limit : edges[draw(fuzz, sizeof edges / sizeof edges[0])];
}

static size_t draw_bytes(struct fuzz *fuzz)
{
    static const size_t edges[] = {0, 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, 65535, 65536, SIZE_MAX};
    return draw(fuzz, 3) ? draw(fuzz, PAYLOAD_MAX + 1) : edges[draw(fuzz, sizeof edges / sizeof edges[0])];
}

static void fill(struct fuzz *fuzz, void *data, size_t bytes)
{
    memset(data, (int)draw(fuzz, 256), bytes);
}

static void check_uniform(const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 1; i < bytes; i++)
        assert_int_equal(byte[i], byte[0]);
}

/* ---- Statuses. ---- */

/* Of a call with the transaction of `use`; `hot`: one that checks foreign handles in debug builds only. */
static void check_status(const struct use *use, enum mae_status status)
{
    bool open = use->database->open[use->who];
    if (!open || use->foreign) {
        assert_status(MAE_INVALID, status);
        return;
    }
    assert_true(status == MAE_OK || status == MAE_NOT_FOUND || status == MAE_EXISTS || status == MAE_TOO_LARGE ||
                status == MAE_READ_ONLY || status == MAE_INVALID || status == MAE_UNSUPPORTED ||
                mae_status_is_abort(status));
}

static struct use draw_use(struct fuzz *fuzz, bool may_be_foreign)
{
    struct use use = {.database = &fuzz->databases[draw(fuzz, DATABASES)], .who = (unsigned)draw(fuzz, WORKERS)};
    struct database *other = use.database;
    if (may_be_foreign && draw(fuzz, 12) == 0)
        other = &fuzz->databases[draw(fuzz, DATABASES)];
    use.txn = use.database->txns[use.who];
    use.table = other->tables[fuzz->careful ? TABLES - 1 : draw(fuzz, TABLES)];
    use.index = other->indexes[draw(fuzz, fuzz->careful ? 2 : INDEXES)];
    use.foreign = other != use.database;
    draw_key(fuzz, use.key);
    return use;
}

/* ---- Calls of transactions. ---- */

static void step(struct fuzz *fuzz);

static void end(struct fuzz *fuzz, struct use *use)
{
    struct database *database = use->database;
    bool open = database->open[use->who];
    enum mae_status status;
    if (draw(fuzz, 2)) {
        status = mae_abort(use->txn);
        assert_true(status == (open ? MAE_OK : MAE_INVALID));
    } else {
        status = mae_commit(use->txn);
        /* With simple_index_update=on entries of hash indexes are counted, too. */
        assert_true(open ? status == MAE_OK || mae_status_is_abort(status) || (status == MAE_CORRUPT && !fuzz->careful)
                         : status == MAE_INVALID);
    }
    database->open[use->who] = false;
}

/* A visitor or body is at work: other calls come in between. */
static void go_deeper(struct fuzz *fuzz)
{
    if (fuzz->depth >= 2)
        return;
    fuzz->depth++;
    for (uint64_t i = draw(fuzz, 3); i > 0; i--)
        step(fuzz);
    fuzz->depth--;
}

static bool visit_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    struct fuzz *fuzz = arg;
    (void)row;
    check_uniform(data, bytes);
    go_deeper(fuzz);
    return draw(fuzz, 10) != 0;
}

static bool visit_entry(void *arg, const void *key, uint64_t row)
{
    struct fuzz *fuzz = arg;
    (void)key, (void)row;
    go_deeper(fuzz);
    return draw(fuzz, 10) != 0;
}

static void row_calls(struct fuzz *fuzz)
{
    unsigned kind = (unsigned)draw(fuzz, 6);
    struct use use = draw_use(fuzz, kind > 1 || ALL_CHECKED);
    if (!use.txn)
        return;
    uint64_t row = draw_row(fuzz, use.table);
    size_t bytes = draw_bytes(fuzz), read_bytes = 0;
    const void *old = NULL;
    void *data = NULL;
    enum mae_status status;
    switch (kind) {
    case 0:
        status = mae_row_read(use.txn, use.table, row, &old, &read_bytes);
        if (status == MAE_OK)
            check_uniform(old, read_bytes);
        break;
    case 1:
        status = mae_row_update(use.txn, use.table, row, bytes, &old, &data);
        if (status == MAE_OK && bytes)
            fill(fuzz, data, bytes);
        break;
    case 2:
        status = mae_row_overwrite(use.txn, use.table, row, bytes, &data);
        if (status == MAE_OK)
            fill(fuzz, data, bytes);
        break;
    case 3:
        status = mae_row_insert(use.txn, use.table, bytes, &row, &data);
        if (status == MAE_OK)
            fill(fuzz, data, bytes);
        break;
    case 4:
        status = mae_row_delete(use.txn, use.table, row);
        break;
    default:
        status = mae_table_scan(use.txn, use.table, row, draw_bytes(fuzz), visit_row, fuzz);
        if (!use.database->open[use.who])
            return; /* a visitor has ended it; it may have begun another one */
    }
    check_status(&use, status);
}

static void key_calls(struct fuzz *fuzz)
{
    unsigned kind = (unsigned)draw(fuzz, 9);
    uint64_t row;
    struct use use = draw_use(fuzz, kind > 1 || ALL_CHECKED);
    if (!use.txn)
        return;
    size_t bytes = draw_bytes(fuzz), read_bytes = 0;
    const void *old = NULL;
    void *data = NULL;
    enum mae_status status = MAE_INVALID;
    switch (kind) {
    case 0:
        status = mae_read(use.txn, use.index, use.key, &old, &read_bytes);
        if (status == MAE_OK)
            check_uniform(old, read_bytes);
        break;
    case 1:
        status = mae_update(use.txn, use.index, use.key, bytes, draw(fuzz, 2) ? &old : NULL, &data);
        if (status == MAE_OK && bytes)
            fill(fuzz, data, bytes);
        break;
    case 2:
        status = mae_overwrite(use.txn, use.index, use.key, bytes, &data);
        if (status == MAE_OK)
            fill(fuzz, data, bytes);
        break;
    case 3:
        status = mae_insert(use.txn, use.index, use.key, bytes, NULL, &data);
        if (status == MAE_OK)
            fill(fuzz, data, bytes);
        break;
    case 4:
        status = mae_upsert(use.txn, use.index, use.key, bytes, draw(fuzz, 2) ? &old : NULL, NULL, &data, NULL);
        if (status == MAE_OK && bytes)
            fill(fuzz, data, bytes);
        break;
    case 5:
        status = mae_update_sized(use.txn, use.index, use.key, bytes, NULL, NULL, &data, &read_bytes);
        if (status == MAE_OK)
            fill(fuzz, data, read_bytes);
        break;
    case 6:
        status = mae_delete(use.txn, use.index, use.key);
        break;
    case 7:
        status = mae_read_row(use.txn, use.index, use.key, &row, &old, &read_bytes);
        if (status == MAE_OK)
            check_uniform(old, read_bytes);
        break;
    default:
        mae_prefetch(use.txn, use.index, use.key, draw(fuzz, 2)); /* it has no status */
        return;
    }
    check_status(&use, status);
}

static void entry_calls(struct fuzz *fuzz)
{
    struct use use = draw_use(fuzz, true);
    unsigned char hi[KEY_BYTES + 1];
    uint64_t row = draw_row(fuzz, use.table);
    enum mae_status status;
    if (!use.txn)
        return;
    draw_key(fuzz, hi);
    switch (draw(fuzz, fuzz->careful ? 2 : 4)) {
    case 0:
        status = mae_index_find(use.txn, use.index, use.key, &row);
        break;
    case 1:
        status = mae_index_scan(use.txn, use.index, draw(fuzz, 3) ? use.key : NULL, draw(fuzz, 3) ? hi : NULL,
                                (unsigned)draw(fuzz, 4), draw(fuzz, 4), visit_entry, fuzz);
        if (!use.database->open[use.who])
            return;
        break;
    case 2:
        if (fuzz->depth)
            return; /* a visitor must not */
        status = mae_index_insert(use.txn, use.index, use.key, row);
        break;
    default:
        if (fuzz->depth)
            return;
        status = mae_index_remove(use.txn, use.index, use.key, row);
    }
    check_status(&use, status);
}

static void savepoint_calls(struct fuzz *fuzz)
{
    struct use use = draw_use(fuzz, false);
    uint64_t mark = 0;
    enum mae_status status;
    if (!use.txn)
        return;
    switch (draw(fuzz, 4)) {
    case 0:
    case 1:
        status = mae_savepoint(use.txn, &mark);
        if (status == MAE_OK)
            fuzz->marks[draw(fuzz, MARKS)] = mark;
        break;
    case 2:
        status = mae_release(use.txn, fuzz->marks[draw(fuzz, MARKS)]);
        break;
    default:
        status = mae_rollback_to(use.txn, fuzz->marks[draw(fuzz, MARKS)]);
        if (status == MAE_BUSY && fuzz->depth)
            return; /* a visitor that has changed entries */
    }
    check_status(&use, status);
}

/* ---- Calls of workers and databases. ---- */

static void begin_or_end(struct fuzz *fuzz)
{
    struct use use = draw_use(fuzz, false);
    struct database *database = use.database;
    if (use.txn && draw(fuzz, 2)) {
        end(fuzz, &use);
        return;
    }
    struct mae_txn *txn = NULL;
    unsigned mode = draw(fuzz, 20) ? draw(fuzz, 4) == 0 : (unsigned)random_next(&fuzz->random) | 2;
    uint64_t after = draw(fuzz, 4) || !use.txn || mode == MAE_SNAPSHOT ? 0 : mae_txn_timestamp(use.txn);
    enum mae_status status = mae_begin(database->workers[use.who], (enum mae_mode)mode, after, &txn);
    if (!database->joined[use.who] || mode > 1) {
        assert_true(status == MAE_INVALID || (database->open[use.who] && status == MAE_BUSY));
    } else if (database->open[use.who]) {
        assert_status(MAE_BUSY, status);
    } else {
        assert_status(MAE_OK, status);
        assert_ptr_equal(mae_txn_worker(txn), database->workers[use.who]);
        database->txns[use.who] = txn;
        database->open[use.who] = true;
        database->snapshot[use.who] = mode == MAE_SNAPSHOT;
    }
}

struct body {
    struct fuzz *fuzz;
    struct use use;
    enum mae_status status;
};

static enum mae_status run_body(struct mae_txn *txn, void *arg)
{
    struct body *body = arg;
    struct database *database = body->use.database;
    database->txns[body->use.who] = txn;
    database->open[body->use.who] = true;
    go_deeper(body->fuzz);
    return body->status;
}

static void run_one(struct fuzz *fuzz)
{
    struct body body = {.fuzz = fuzz, .use = draw_use(fuzz, false)};
    struct database *database = body.use.database;
    body.status = (enum mae_status)draw(fuzz, MAE_STATUS_COUNT);
    if (fuzz->depth >= 2 || database->open[body.use.who])
        return; /* MAE_BUSY is begin_or_end's */
    struct mae_worker *worker = database->workers[body.use.who];
    enum mae_mode mode = draw(fuzz, 4) ? MAE_READ_WRITE : MAE_SNAPSHOT;
    bool joined = database->joined[body.use.who];
    enum mae_status status = mae_run(worker, mode, run_body, &body, 1 + (unsigned)draw(fuzz, 2));
    if (!joined)
        assert_status(MAE_INVALID, status);
    if (database->joined[body.use.who])
        database->open[body.use.who] = false;
}

static void join_or_leave(struct fuzz *fuzz)
{
    struct use use = draw_use(fuzz, false);
    struct database *database = use.database;
    struct mae_worker **worker = &database->workers[use.who];
    bool last = use.who == WORKERS - 1; /* only that one leaves: numbers, and with them handles, are given out again */
    switch (last ? draw(fuzz, 4) : 1 + draw(fuzz, 2)) {
    case 0:
        mae_worker_leave(*worker); /* also for the second time */
        database->joined[use.who] = database->open[use.who] = false;
        break;
    case 1:
        mae_worker_idle(*worker);
        break;
    case 2:
        mae_backoff(*worker);
        break;
    default:
        if (database->joined[use.who])
            return;
        database->txns[use.who] = NULL;
        enum mae_status status = mae_worker_join(database->db, worker);
        assert_true(status == MAE_OK || status == MAE_NO_MEMORY);
        database->joined[use.who] = status == MAE_OK;
    }
}

static void create(struct fuzz *fuzz)
{
    struct use use = draw_use(fuzz, true);
    struct mae_table *table;
    struct mae_index *index;
    char name[80] = "", *given = name;
    size_t length = draw(fuzz, 80);
    memset(name, 'a' + (int)draw(fuzz, 3), length);
    name[length] = '\0';
    if (draw(fuzz, 20) == 0)
        given = NULL;
    if (use.database->tables_made++ > 20)
        return;
    const struct mae_table_config rows = {.payload_max_bytes = draw_bytes(fuzz), .expected_rows = draw(fuzz, 100)};
    const struct mae_index_config keys = {.kind = (enum mae_index_kind)draw(fuzz, 3),
                                          .key_bytes = draw(fuzz, 70),
                                          .non_unique = draw(fuzz, 2),
                                          .expected_rows = draw(fuzz, 100)};
    enum mae_status status =
        draw(fuzz, 2) ? mae_table_create(use.database->db, given, &rows, &table)
                      : mae_index_create(use.database->db, draw(fuzz, 8) ? use.table : NULL, given, &keys, &index);
    assert_true(status == MAE_OK || status == MAE_EXISTS || status == MAE_INVALID || status == MAE_NO_MEMORY);
    if (!given || length == 0 || length > MAE_NAME_MAX_BYTES)
        assert_status(MAE_INVALID, status);
}

static void look(struct fuzz *fuzz)
{
    struct database *database = &fuzz->databases[draw(fuzz, DATABASES)];
    struct mae_state state;
    struct mae_memory memory;
    uint64_t values[256];
    assert_true(mae_counter_count() <= sizeof values / sizeof values[0]);
    mae_db_state(database->db, &state);
    mae_db_counters(database->db, values);
    assert_true(state.min_rts <= state.min_wts);
    assert_null(mae_table_find(database->db, "no such"));
    assert_null(mae_index_by_name(database->db, ""));
    const struct mae_table *table = mae_table_next(database->db, NULL);
    while (table && draw(fuzz, 8))
        table = mae_table_next(database->db, table);
    assert_true(!table || mae_table_rows(table) <= mae_table_row_limit(table));
    if (draw(fuzz, 20) == 0)
        mae_db_memory(database->db, &memory);
}

static void step(struct fuzz *fuzz)
{
    uint64_t kind = draw(fuzz, 112);
    if (kind >= 100)
        savepoint_calls(fuzz);
    else if (kind < 35)
        key_calls(fuzz);
    else if (kind < 55)
        row_calls(fuzz);
    else if (kind < 70)
        entry_calls(fuzz);
    else if (kind < 88)
        begin_or_end(fuzz);
    else if (kind < 92)
        run_one(fuzz);
    else if (kind < 95)
        look(fuzz);
    else if (kind < 97)
        create(fuzz);
    else if (fuzz->depth == 0) /* inside a body or a visitor its worker must not leave */
        join_or_leave(fuzz);
}

/* ---- Runs. ---- */

static void database_open(struct database *database, const char *options)
{
    static const struct mae_index_config configs[INDEXES] = {
        {.kind = MAE_INDEX_HASH, .key_bytes = 8},
        {.kind = MAE_INDEX_ORDERED, .key_bytes = KEY_BYTES},
        {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true},
        {.kind = MAE_INDEX_HASH, .key_bytes = KEY_BYTES, .expected_rows = 100},
        {.kind = MAE_INDEX_ORDERED, .key_bytes = 8},
    };
    const struct mae_table_config rows = {.payload_max_bytes = PAYLOAD_MAX};
    char name[20];
    memset(database, 0, sizeof *database);
    database->db = world_db(options);
    for (int i = 0; i < TABLES; i++) {
        snprintf(name, sizeof name, "table %d", i);
        assert_ok(mae_table_create(database->db, name, &rows, &database->tables[i]));
    }
    for (int i = 0; i < INDEXES; i++) { /* the first two have a table each */
        snprintf(name, sizeof name, "index %d", i);
        assert_ok(mae_index_create(database->db, database->tables[i % 2], name, &configs[i], &database->indexes[i]));
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_ok(mae_worker_join(database->db, &database->workers[i]));
        database->joined[i] = true;
    }
}

static void database_close(struct fuzz *fuzz, struct database *database)
{
    char report[300];
    for (int i = 0; i < WORKERS; i++) {
        struct mae_txn *txn;
        void *data;
        uint64_t row;
        if (!database->joined[i])
            continue;
        if (database->open[i])
            assert_ok(mae_abort(database->txns[i]));
        assert_ok(mae_begin(database->workers[i], MAE_READ_WRITE, 0, &txn)); /* M3 */
        enum mae_status status = mae_row_insert(txn, database->tables[TABLES - 1], 1, &row, &data);
        assert_true(status == MAE_OK || mae_status_is_abort(status));
        assert_true(mae_commit(txn) == status);
        mae_worker_leave(database->workers[i]);
    }
    enum mae_status status = mae_db_verify(database->db, report, sizeof report);
    if (status != MAE_OK && (fuzz->careful || fuzz->counted))
        fail_msg("%s", report);
    assert_true(status == MAE_OK || status == MAE_CORRUPT);
    mae_close(database->db);
}

static void random_calls_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = seed_from_environment();
    for (unsigned run = 0; run < RUNS; run++) {
        const char *options = settings[seed / 2 % (sizeof settings / sizeof settings[0])];
        bool counted = strstr(options, "simple_index_update") == NULL;
        struct fuzz fuzz = {.random = seed, .careful = !counted && seed % 2, .counted = counted};
        printf("run MAE_SEED=%" PRIu64 " %s, %s\n", seed, options, fuzz.careful ? "careful" : "careless");
        fflush(stdout);
        for (unsigned i = 0; i < DATABASES; i++)
            database_open(&fuzz.databases[i], options);
        for (unsigned i = 0; i < STEPS; i++)
            step(&fuzz);
        for (unsigned i = 0; i < DATABASES; i++)
            database_close(&fuzz, &fuzz.databases[i]);
        seed = seed * 5 + 12345;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_calls_do_no_harm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
