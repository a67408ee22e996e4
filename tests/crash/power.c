/*
 * power.c - the machine stops at any call on the disk, or the call fails, again and again, and what was promised comes
 * back.
 *
 * A scenario is some lives of one database on a simulated disk (tests/support/disk.h). In each life three workers run
 * short transactions that overlap, over a few keys: they insert, update, delete, move keys, add without reading, insert
 * and delete at once.
 * Now and then a checkpoint is made, or makes itself, or a copy of the database in another folder, with commits and
 * rounds of the logger between its batches.
 * The log has one to three streams, in folders of their own, and may get more from one life to the next. The streams'
 * rounds are made by hand, of one or of all, at random moments: also in the middle of commits and of another stream's
 * rounds and, the other way round, with commits in the middle of rounds (LOG_APPEND, LOG_TAKE). A life ends by a stop
 * of the machine at a random call, by the end of the process alone, or by closing. In some the disk is full until a
 * commit notices. Recoveries are stopped as well.
 *
 * The oracle keeps what every commit has changed. After a recovery:
 *   - the database holds exactly what the commits that have survived (mae_survived) have left behind, in the order of
 *     their timestamps;
 *   - every commit below the highest durable timestamp that was ever seen has survived;
 *   - mae_db_verify finds nothing.
 * The same goes for a copy, which is opened after the next crash, with the commits and the durable timestamp at the
 * time when it was made. A copy that has failed, or was interrupted, is refused, or empty, or whole.
 *
 * How to read a failure: "scenario" with a seed precedes it; MAE_SEED=<that seed> MAE_CRASHES=1 repeats that one.
 * MAE_CRASHES is the number of scenarios.
 */
#include "tests/support/disk.h"
#include "tests/support/world.h"

#include <inttypes.h>

#include "engine/db/db.h"

#ifdef MAE_DEBUG

enum {
    KEYS = 12,
    WORKERS = 3,
    LIVES = 4,
    STEPS = 40,
    STEPS_MANY = 250, /* enough to fill segments */
    CHECKPOINT_EACH = 30,
    COPY_EACH = 60,
    COMMITS_MAX = 2000,
    CHANGES_MAX = 6,
    VALUE_MAX = 2500,
    FOLLOWERS = 2,
    FULL_EACH = 64,
    FOLDERS = 3
};

static const char *const folders[FOLDERS] = {"db", "db,e", "db,e,f"};

/* A key's value: a number that is added to in its first word, and how many bytes it has, all others `pattern`. 0 bytes:
 * there is no such key. */
struct value {
    uint64_t word;
    uint32_t bytes;
    unsigned char pattern;
};

/* Something is added to the word, or the value is another one. */
struct change {
    uint64_t key, added;
    struct value value;
};

struct commit {
    uint64_t ts;
    unsigned count;
    struct change changes[CHANGES_MAX];
};

/* What must be there, and what was promised to be: commits below that timestamp. */
struct history {
    struct commit commits[COMMITS_MAX];
    unsigned count;
    uint64_t promised; /* the highest durable timestamp that was seen */
};

/* An open database and its objects. */
struct base {
    struct mae_db *db;
    struct mae_index *keys, *sorted;
    struct mae_table *table;
};

struct session {
    struct mae_worker *worker;
    struct mae_txn *txn; /* NULL: none is open */
    struct commit commit;
};

static struct {
    uint64_t random;
    struct base base;
    struct session sessions[WORKERS + 1]; /* the last one commits in the middle of the logger's rounds */
    struct history now, copied;           /* of the database, and of the copy */
    enum { NO_COPY, PART_OF_COPY, COPY } copy;
    uint64_t words, last_ts;
    bool async;
    unsigned streams;
    unsigned followers; /* commits that may still happen in the middle of this round */
    bool in_hook;
    bool full;        /* there is no space for the log, until somebody notices */
    bool was_full;    /* in this life: the log may take a while to find that there is space again */
    bool all_written; /* the last mae_close has said so */
} test;

/* Of all scenarios: what must have happened, so that they show something. */
static struct {
    uint64_t checkpoints, by_itself, reused, from_checkpoint, copies, parts, several, rings, full, unwritten, added;
} seen;

static uint64_t below(uint64_t n)
{
    return random_below(&test.random, n);
}

/* ---- One transaction. ---- */

static bool over(struct session *session, enum mae_status status)
{
    if (!mae_status_is_abort(status))
        return false;
    (void)mae_abort(session->txn);
    session->txn = NULL;
    return true;
}

static void note(struct session *session, uint64_t key, struct value value)
{
    session->commit.changes[session->commit.count++] = (struct change){.key = key, .value = value};
}

static void fill(void *data, struct value value)
{
    memset(data, value.pattern, value.bytes);
    memcpy(data, &value.word, sizeof value.word);
}

/* The key in the ordered index, which has keys of variable length: the number, and as many bytes as it says. */
static struct mae_key sorted_key(uint64_t key)
{
    static const char bytes[200];
    struct mae_key made;
    mae_key_clear(&made);
    assert_ok(mae_key_add_uint64(&made, key));
    assert_ok(mae_key_add_bytes(&made, bytes, key * 7 % 100));
    return made;
}

static enum mae_status insert_key(struct session *session, uint64_t key, struct value value)
{
    uint64_t row;
    void *data;
    enum mae_status status = mae_insert(session->txn, test.base.keys, &key, value.bytes, &row, &data);
    if (status != MAE_OK)
        return status;
    fill(data, value);
    const struct mae_key sorted = sorted_key(key);
    status = mae_index_insert(session->txn, test.base.sorted, &sorted, row);
    if (status == MAE_OK)
        note(session, key, value);
    return status == MAE_EXISTS ? MAE_ABORT_USER : status;
}

static enum mae_status delete_key(struct session *session, uint64_t key)
{
    uint64_t row;
    enum mae_status status = mae_index_find(session->txn, test.base.keys, &key, &row);
    if (status != MAE_OK)
        return status;
    const struct mae_key sorted = sorted_key(key);
    status = mae_delete(session->txn, test.base.keys, &key);
    if (status == MAE_OK)
        status = mae_index_remove(session->txn, test.base.sorted, &sorted, row);
    if (status == MAE_OK)
        note(session, key, (struct value){.bytes = 0});
    return status == MAE_NOT_FOUND ? MAE_ABORT_USER : status;
}

static enum mae_status update_key(struct session *session, uint64_t key, struct value value)
{
    void *data;
    enum mae_status status = mae_update(session->txn, test.base.keys, &key, value.bytes, NULL, &data);
    if (status != MAE_OK)
        return status;
    fill(data, value);
    note(session, key, value);
    return MAE_OK;
}

/* D24: additions of transactions that overlap are each logged as such. */
static enum mae_status add_to_key(struct session *session, uint64_t key)
{
    const uint64_t added = UINT64_C(1) << below(63);
    enum mae_status status = mae_apply(session->txn, test.base.keys, &key, MAE_ADD, 0, &added, sizeof added);
    if (status != MAE_OK)
        return status;
    session->commit.changes[session->commit.count++] = (struct change){.key = key, .added = added};
    return MAE_OK;
}

/* The row of `key` gets the key `to`. */
static enum mae_status move_key(struct session *session, uint64_t key, uint64_t to)
{
    uint64_t row;
    const void *data;
    size_t bytes;
    struct value value = {0};
    const struct mae_key sorted = sorted_key(key), sorted_to = sorted_key(to);
    enum mae_status status = mae_index_find(session->txn, test.base.keys, &key, &row);
    if (status != MAE_OK)
        return status;
    status = mae_row_read(session->txn, test.base.table, row, &data, &bytes);
    if (status == MAE_OK) {
        value.bytes = (uint32_t)bytes;
        memcpy(&value.word, data, sizeof value.word);
        value.pattern = bytes > sizeof value.word ? ((const unsigned char *)data)[sizeof value.word] : 0;
        status = mae_index_insert(session->txn, test.base.keys, &to, row);
    }
    if (status == MAE_EXISTS)
        return MAE_OK;
    if (status == MAE_OK)
        status = mae_index_insert(session->txn, test.base.sorted, &sorted_to, row);
    if (status == MAE_OK)
        status = mae_index_remove(session->txn, test.base.keys, &key, row);
    if (status == MAE_OK)
        status = mae_index_remove(session->txn, test.base.sorted, &sorted, row);
    note(session, key, (struct value){.bytes = 0});
    note(session, to, value);
    return status == MAE_OK || mae_status_is_abort(status) ? status : MAE_ABORT_USER;
}

static struct value new_value(bool is_small)
{
    uint32_t bytes = (uint32_t)(8 + below(is_small || below(8) ? 100 : VALUE_MAX - 8));
    return (struct value){++test.words, bytes, (unsigned char)(test.words & 0x7F)};
}

static void open_session(struct session *session)
{
    struct mae_txn *txn = NULL;
    assert_ok(mae_begin(session->worker, MAE_READ_WRITE, test.last_ts, &txn));
    test.last_ts = mae_txn_timestamp(txn);
    session->txn = txn;
    session->commit.count = 0;
}

static void step(struct session *session, bool is_small)
{
    uint64_t key = below(KEYS);
    enum mae_status status;
    if (session->commit.count + 2 > CHANGES_MAX)
        return;
    switch (below(9)) {
    case 6:
    case 7:
    case 8:
        status = add_to_key(session, key);
        break;
    case 0:
        status = delete_key(session, key);
        break;
    case 1:
        status = insert_key(session, key, new_value(is_small));
        if (status == MAE_OK) /* and delete it at once */
            status = delete_key(session, key);
        break;
    case 2:
        status = move_key(session, key, below(KEYS));
        break;
    case 3:
        status = update_key(session, key, new_value(is_small));
        break;
    default:
        status = insert_key(session, key, new_value(is_small));
        break;
    }
    if (status == MAE_ABORT_USER) {
        (void)mae_abort(session->txn);
        session->txn = NULL;
        return;
    }
    (void)over(session, status);
}

static void end_session(struct session *session)
{
    uint64_t logged = worker_counter(session->worker, "log_records");
    enum mae_status status = mae_commit(session->txn);
    const uint64_t commit_ts = mae_txn_timestamp(session->txn); /* with restamp=extend it may have moved */
    session->txn = NULL;
    if (status != MAE_OK) {
        assert_true(mae_status_is_abort(status));
        if (status == MAE_ABORT_LOG && test.full) {
            test.full = false;
            disk_limit(0);
            seen.full++;
        }
        return;
    }
    if (worker_counter(session->worker, "log_records") == logged)
        return; /* it leaves nothing behind, such as a key that was inserted and deleted */
    assert_true(test.now.count < COMMITS_MAX);
    session->commit.ts = commit_ts;
    test.now.commits[test.now.count++] = session->commit;
    for (unsigned i = 0; i < session->commit.count; i++)
        seen.added += session->commit.changes[i].added > 0;
}

static void roll_back(struct session *session)
{
    if (session->txn)
        (void)mae_abort(session->txn);
    session->txn = NULL;
}

/* ---- What happens in the middle. ---- */

/* Of all streams, or of one. */
static void some_round(void)
{
    struct log *log = test.base.db->core.log;
    unsigned stream = (unsigned)below(2 * log->config.stream_count);
    if (stream < log->config.stream_count)
        (void)log_round_of(log, stream);
    else
        (void)log_round(log);
}

static void round_by_hand(void)
{
    test.followers = (unsigned)below(FOLLOWERS + 1);
    some_round();
    test.followers = 0;
    uint64_t durable = mae_durable_timestamp(test.base.db);
    if (durable > test.now.promised)
        test.now.promised = durable;
}

/* A short transaction of the worker that is there for it. Others may be open, none is committing. */
static void follow(void)
{
    struct session *session = &test.sessions[WORKERS];
    if (!session->worker)
        return;
    open_session(session);
    step(session, true);
    if (session->txn)
        end_session(session);
    else
        roll_back(session);
}

static void in_the_middle(enum race_point point)
{
    if (test.in_hook || !test.base.db)
        return;
    test.in_hook = true;
    if (point == RACE_CHECKPOINT_BATCH && below(2))
        follow();
    if (point == RACE_CHECKPOINT_BATCH && below(4) == 0)
        round_by_hand();
    if (point == RACE_LOG_TAKE && test.followers > 0 && below(2))
        test.followers--, follow();
    if (point == RACE_LOG_TAKE && test.streams > 1 && below(8) == 0)
        some_round();
    if (point == RACE_LOG_APPEND && below(4) == 0)
        for (unsigned i = 0; i < 3; i++) { /* enough to park a worker and to pass its timestamp */
            (void)log_round(test.base.db->core.log);
            uint64_t durable = mae_durable_timestamp(test.base.db);
            test.now.promised = durable > test.now.promised ? durable : test.now.promised;
        }
    test.in_hook = false;
}

/* ---- The oracle. ---- */

static int by_ts(const void *left, const void *right)
{
    const struct commit *a = left, *b = right;
    return (a->ts > b->ts) - (a->ts < b->ts);
}

static void do_change(struct value *values, const struct change *change)
{
    if (change->added)
        values[change->key].word += change->added;
    else
        values[change->key] = change->value;
}

/* Forgets the commits that are lost, and computes what the others have left behind. */
static void expected(struct mae_db *db, struct history *history, struct value *values)
{
    unsigned kept = 0;
    struct commit *commits = history->commits;
    memset(values, 0, KEYS * sizeof *values);
    qsort(commits, history->count, sizeof *commits, by_ts);
    for (unsigned i = 0; i < history->count; i++)
        if (mae_survived(db, commits[i].ts))
            commits[kept++] = commits[i];
        else if (commits[i].ts < history->promised)
            fail_msg("the commit %" PRIu64 " was promised below %" PRIu64 " and is lost", commits[i].ts,
                     history->promised);
    history->count = kept;
    for (unsigned i = 0; i < kept; i++)
        for (unsigned j = 0; j < commits[i].count; j++)
            do_change(values, &commits[i].changes[j]);
}

static void check_key(struct mae_txn *txn, struct mae_index *index, const void *bytes_of_key, uint64_t key,
                      struct value expected_value)
{
    const void *data;
    size_t bytes = 0;
    uint64_t word = 0;
    enum mae_status status = mae_read(txn, index, bytes_of_key, &data, &bytes);
    if (status == MAE_OK)
        memcpy(&word, data, sizeof word);
    else
        assert_status(MAE_NOT_FOUND, status);
    if (bytes != expected_value.bytes || (bytes && word != expected_value.word))
        fail_msg("key %" PRIu64 " has %zu bytes of %" PRIu64 ", expected %u of %" PRIu64, key, bytes, word,
                 expected_value.bytes, expected_value.word);
    for (size_t i = sizeof word; i < bytes; i++)
        assert_int_equal(((const unsigned char *)data)[i], expected_value.pattern);
}

static void check_state(const struct base *base, struct mae_worker *worker, struct history *history)
{
    struct value values[KEYS];
    struct mae_txn *txn;
    expected(base->db, history, values);
    world_verify(base->db);
    assert_ok(mae_begin(worker, MAE_READ_WRITE, 0, &txn));
    test.last_ts = mae_txn_timestamp(txn);
    for (uint64_t key = 0; key < KEYS; key++) {
        const struct mae_key sorted = sorted_key(key);
        check_key(txn, base->keys, &key, key, values[key]);
        check_key(txn, base->sorted, &sorted, key, values[key]);
    }
    assert_ok(mae_commit(txn));
}

/* ---- Lives. ---- */

static enum mae_status open_folder(const char *folder, struct mae_db **db)
{
    struct mae_options *options = world_options("log_segment_bytes=64K log_buffer_bytes=4K checkpoint_rate=0 "
                                                "checkpoint_log_bytes=100K");
    assert_ok(mae_options_set(options, "log_dir", folder, NULL, 0));
    bool by_ring = below(4) == 0;
    assert_ok(mae_options_set(options, "log_io", by_ring ? "uring" : "sync", NULL, 0));
    assert_ok(mae_options_set(options, "recovery_threads", below(8) ? "1" : "3", NULL, 0));
    assert_ok(mae_options_set(options, "gc_interval_us", below(4) ? "10000000" : "1", NULL, 0));
    assert_ok(mae_options_set(options, "restamp", below(3) ? "off" : "extend", NULL, 0));
    static const char *const kept[] = {"1G", "100K", "0"};
    assert_ok(mae_options_set(options, "recovery_keep_bytes", kept[below(3)], NULL, 0));
    assert_ok(mae_options_set(options, "durability", test.async ? "async" : "group", NULL, 0));
    enum mae_status status = mae_open(options, db);
    mae_options_destroy(options);
    seen.rings += by_ring && status == MAE_OK;
    if (status != MAE_OK)
        *db = NULL;
    return status;
}

static enum mae_status open_db(void)
{
    return open_folder(folders[test.streams - 1], &test.base.db);
}

static void find_schema(struct base *base)
{
    base->table = mae_table_find(base->db, "rows");
    base->keys = mae_index_by_name(base->db, "keys");
    base->sorted = mae_index_by_name(base->db, "by key");
}

/* The tables, if they were not made before; false: the machine has stopped meanwhile. */
static bool make_schema(void)
{
    const struct mae_table_config table = {.payload_max_bytes = VALUE_MAX};
    const struct mae_index_config hash = {.kind = MAE_INDEX_HASH, .key_bytes = sizeof(uint64_t)},
                                  tree = {.kind = MAE_INDEX_ORDERED, .key_bytes = MAE_KEY_DATA_BYTES, .variable = true};
    struct base *base = &test.base;
    find_schema(base);
    if (!base->table && mae_table_create(base->db, "rows", &table, &base->table) != MAE_OK)
        return false;
    if (!base->keys && mae_index_create(base->db, base->table, "keys", &hash, &base->keys) != MAE_OK)
        return false;
    return base->sorted || mae_index_create(base->db, base->table, "by key", &tree, &base->sorted) == MAE_OK;
}

static void leave(void)
{
    for (unsigned i = 0; i <= WORKERS; i++) {
        roll_back(&test.sessions[i]);
        mae_worker_leave(test.sessions[i].worker);
        test.sessions[i].worker = NULL;
    }
}

static void close_db(void)
{
    struct mae_db *db = test.base.db;
    test.base.db = NULL;
    enum mae_status status = mae_close(db);
    test.all_written = status == MAE_OK;
    for (unsigned i = 0; i < test.now.count && test.all_written; i++)
        if (test.now.promised <= test.now.commits[i].ts)
            test.now.promised = test.now.commits[i].ts + 1;
    assert_true(status == MAE_OK || status == MAE_IO_UNKNOWN || (status == MAE_FULL && test.was_full));
    seen.unwritten += status == MAE_FULL;
}

/* The process is gone and, mostly, the power. That takes from async what it has promised, but for a mae_close. */
static void crash(void)
{
    bool power = below(3) > 0;
    disk_crash(power ? &test.random : NULL);
    if (power && test.async && !test.all_written)
        test.now.promised = 0;
}

/* Something that goes wrong at one of the next `calls` calls on the disk, or nothing. */
static void prepare_fault(uint64_t calls)
{
    uint64_t kind = below(4), call = 1 + below(calls);
    disk_stop_at(kind < 2 ? call : 0);
    disk_fail_at(kind == 2 ? call : 0);
}

static void no_fault(void)
{
    disk_stop_at(0);
    disk_fail_at(0);
}

/* Opens the copy, as another database, after which it is gone. */
static void check_copy(void)
{
    struct base base = {NULL};
    struct mae_worker *worker;
    struct mae_recover_info info;
    if (test.copy == NO_COPY)
        return;
    test.in_hook = true;
    enum mae_status status = open_folder("copy", &base.db);
    if (test.copy == COPY && status != MAE_OK)
        fail_msg("the copy: %s: %s", mae_status_name(status), mae_open_problem());
    if (base.db)
        mae_recover_info(base.db, &info);
    if (base.db && (test.copy == COPY || info.lives > 0)) {
        find_schema(&base);
        assert_ok(mae_worker_join(base.db, &worker));
        check_state(&base, worker, &test.copied);
        mae_worker_leave(worker);
    }
    mae_close(base.db);
    disk_erase_folder("copy");
    test.copy = NO_COPY;
    test.in_hook = false;
}

/* Opens the database until no fault comes in between. */
static void recover(void)
{
    test.streams += test.streams < FOLDERS && below(8) == 0;
    for (unsigned trial = 0;; trial++) {
        if (trial < 3)
            prepare_fault(80);
        else
            no_fault();
        enum mae_status status = open_db();
        if (status == MAE_OK && make_schema())
            break;
        if (status == MAE_CORRUPT || trial >= 3)
            fail_msg("mae_open: %s: %s", mae_status_name(status), mae_open_problem());
        if (status == MAE_OK)
            close_db();
        crash();
    }
    no_fault();
    for (unsigned i = 0; i <= WORKERS; i++)
        assert_ok(mae_worker_join(test.base.db, &test.sessions[i].worker));
    seen.several += test.streams > 1;
    seen.from_checkpoint += durable_manifest(test.base.db->durable)->checkpoint.number > 0;
    check_state(&test.base, test.sessions[0].worker, &test.now);
    check_copy();
}

/* It may fail, if the disk does. */
static void checkpoint(void)
{
    enum mae_status status = mae_checkpoint(test.base.db);
    if (status == MAE_OK)
        seen.checkpoints++;
    else
        assert_true(status == MAE_IO || (status == MAE_FULL && test.was_full));
}

/* It may fail, if the disk does. Then nobody takes what is left of it for a database; unless the machine has stopped,
 * and it is there. */
static void copy(void)
{
    if (test.copy != NO_COPY)
        return;
    uint64_t promised = test.now.promised;
    enum mae_status status = mae_backup(test.base.db, "copy");
    test.copy = status == MAE_OK ? COPY : PART_OF_COPY;
    test.copied = test.now; /* also of commits that came meanwhile, of which it has some */
    test.copied.promised = promised;
    seen.copies += test.copy == COPY;
    seen.parts += test.copy == PART_OF_COPY;
    if (status != MAE_OK)
        assert_true(status == MAE_IO || (status == MAE_FULL && test.was_full));
}

static void look(void)
{
    struct checkpointer *checkpointer = durable_checkpointer(test.base.db->durable);
    uint64_t count = checkpointer->count;
    enum mae_status status = checkpointer_look(checkpointer);
    if (status != MAE_OK)
        assert_true(status == MAE_IO || (status == MAE_FULL && test.was_full));
    seen.by_itself += checkpointer->count - count;
}

static void live(void)
{
    for (uint64_t left = 1 + below(below(4) ? STEPS : STEPS_MANY); left > 0; left--) {
        struct session *session = &test.sessions[below(WORKERS)];
        uint64_t kind = below(4);
        if (below(CHECKPOINT_EACH) == 0)
            checkpoint();
        else if (below(COPY_EACH) == 0)
            copy();
        else if (kind == 0)
            round_by_hand(), look();
        else if (!session->txn)
            open_session(session);
        else if (kind < 3)
            step(session, false);
        else
            end_session(session);
    }
    leave();
    const struct log *log = test.base.db->core.log;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        seen.reused += log->streams[i].segments.reused;
}

static void begin_scenario(uint64_t seed)
{
    memset(&test, 0, sizeof test);
    test.random = seed;
    disk_open();
}

static void end_scenario(void)
{
    leave();
    close_db();
    disk_close();
}

static void scenario(uint64_t seed)
{
    begin_scenario(seed);
    test.async = below(4) == 0;
    test.streams = 1 + (unsigned)below(FOLDERS);
    for (unsigned life = 0; life < LIVES; life++) {
        recover();
        prepare_fault(30);
        test.full = test.was_full = below(FULL_EACH) == 0;
        disk_limit(test.full ? 1 : 0);
        live();
        test.full = false;
        if (below(2))
            disk_stop_at(1);
        close_db();
        crash();
    }
    recover();
    end_scenario();
}

/* The same life again and again, and the machine stops at its first call on the disk, then at its second; or that call
 * fails, and the machine goes on. False: the life makes fewer calls. */
static bool scenario_with(void (*fault_at)(uint64_t call), uint64_t seed, uint64_t call)
{
    begin_scenario(seed);
    test.streams = 1 + (unsigned)(seed % FOLDERS);
    fault_at(call);
    if (open_db() == MAE_OK) {
        bool made = make_schema();
        for (unsigned i = 0; made && i <= WORKERS; i++)
            assert_ok(mae_worker_join(test.base.db, &test.sessions[i].worker));
        if (made)
            live();
        close_db();
    }
    bool reached = disk_calls() >= call;
    test.random += call; /* what the loss of power keeps is another matter each time */
    disk_crash(&test.random);
    recover();
    end_scenario();
    return reached;
}

static void hooks_on(void)
{
    log_by_hand = true;
    race_hook = in_the_middle;
}

static void hooks_off(void)
{
    race_hook = NULL;
    log_by_hand = false;
}

static void at_each_call(void (*fault_at)(uint64_t call))
{
    uint64_t random = seed_from_environment();
    hooks_on();
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (uint64_t call = 1 + random_below(&random, WORLD_SLOWNESS); scenario_with(fault_at, seed, call);
             call += WORLD_SLOWNESS) {
        }
    hooks_off();
}

static void a_stop_at_any_call_loses_nothing(void **state)
{
    (void)state;
    at_each_call(disk_stop_at);
}

/* What was promised before it and, wrongly, after it. */
static void a_failure_at_any_call_loses_nothing(void **state)
{
    (void)state;
    at_each_call(disk_fail_at);
}

static void what_was_promised_survives(void **state)
{
    (void)state;
    const char *wanted = getenv("MAE_CRASHES");
    uint64_t seed = seed_from_environment(), count = wanted ? strtoull(wanted, NULL, 0) : 1000 / WORLD_SLOWNESS;
    hooks_on();
    for (uint64_t i = 0; i < count; i++, seed++) {
        printf("scenario: MAE_SEED=%" PRIu64 "\r", seed);
        scenario(seed);
    }
    printf("\n%" PRIu64 " scenarios, %" PRIu64 " checkpoints, %" PRIu64 " segments used again, %" PRIu64
           " recoveries from a checkpoint, %" PRIu64 " checkpoints that made themselves, %" PRIu64 " copies, %" PRIu64
           " that failed, %" PRIu64 " recoveries with several streams, %" PRIu64 " lives with io_uring, %" PRIu64
           " full disks, %" PRIu64 " of them when a database was closed, %" PRIu64 " additions\n",
           count, seen.checkpoints, seen.reused, seen.from_checkpoint, seen.by_itself, seen.copies, seen.parts,
           seen.several, seen.rings, seen.full + seen.unwritten, seen.unwritten, seen.added);
    if (count >= 100)
        assert_true(seen.checkpoints > 0 && seen.reused > 0 && seen.from_checkpoint > 0 && seen.by_itself > 0 &&
                    seen.copies > 0 && seen.parts > 0 && seen.several > 0 && seen.rings > 0 && seen.added > 0);
    if (count >= 1000)
        assert_true(seen.full > 0 && seen.unwritten > 0);
    hooks_off();
}

#else

static void a_stop_at_any_call_loses_nothing(void **state)
{
    (void)state;
    skip();
}

static void a_failure_at_any_call_loses_nothing(void **state)
{
    (void)state;
    skip();
}

static void what_was_promised_survives(void **state)
{
    (void)state;
    skip(); /* the logger's rounds need the hooks of debug builds */
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_stop_at_any_call_loses_nothing),
                                       cmocka_unit_test(a_failure_at_any_call_loses_nothing),
                                       cmocka_unit_test(what_was_promised_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
