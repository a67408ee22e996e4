/*
 * keys.c - random operations and savepoints of interleaved transactions on keys, on one thread, against the oracle of
 * serial.h.
 *
 * The runs use both kinds of index and keys of several sizes. Keys are announced, and entries move from row to row
 * without a write of rows. The answers of a snapshot (hit, miss, scan of a range) must be those of the committed
 * transactions below its timestamp. A read-write transaction may see a mixture once something that it relied on has
 * changed, even if only a bucket that its key shares with others; then it must not commit. The conflicts that abort
 * depend on buckets and leaves, so the test accepts any retryable status. It checks all committed reads, misses and
 * scanned ranges against the final history. At the end the index has exactly the oracle's keys, and the test verifies
 * the database.
 *
 * How to read a failure: the last line "run" has the run's seed. MAE_SEED=<seed> begins with that run. Catches the
 * mutations skip_miss_validation, skip_leaf_validation, skip_check, skip_read_check, skip_rts_raise, lost_tombstone,
 * entry_move_untouched, moved_forgotten, blind_over_moved, moved_below_blind, upsert_old_left, undo_leaf_kept,
 * undo_unrecorded, cursor_keeps_leaf and cursor_passes_rollback.
 */
#include "tests/support/colliding.h"
#include "tests/support/serial.h"
#include "tests/support/world.h"

#include <inttypes.h>

enum { RUNS = 120 / WORLD_SLOWNESS, STEPS = 600, WORKERS = 4, KEYS = 60, OWN_MAX = 64, AHEAD = 4, MARKS = 4 };

static const struct {
    const char *options;
    enum mae_index_kind kind;
    size_t key_bytes;
    bool collide;  /* all keys fall into one bucket */
    bool variable; /* keys are of variable length, key_bytes at most */
} settings[] = {
    {"gc_interval_us=1", MAE_INDEX_HASH, 8, false, false},
    {"gc_interval_us=1 hash_seed=5", MAE_INDEX_HASH, 8, true, false},
    {"gc_interval_us=1 inline_bytes=0 precheck=off", MAE_INDEX_HASH, 8, false, false},
    {"timestamps=central early_abort_newer=off", MAE_INDEX_HASH, 24, false, false},
    {"gc_interval_us=1 adaptive_skip=off clock_sync_us=1", MAE_INDEX_HASH, 64, false, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, 8, false, false},
    {"gc_interval_us=1 inline_bytes=0 precheck=off", MAE_INDEX_ORDERED, 8, false, false},
    {"timestamps=central early_abort_newer=off", MAE_INDEX_ORDERED, 64, false, false},
    {"gc_interval_us=1 adaptive_skip=off clock_sync_us=1", MAE_INDEX_ORDERED, 13, false, false},
    {"gc_interval_us=1 inline_bytes=0 precheck=off", MAE_INDEX_ORDERED, 20, false, true},
    {"restamp=extend gc_interval_us=1", MAE_INDEX_HASH, 8, false, false},
    {"restamp=extend gc_interval_us=1 early_abort_newer=off", MAE_INDEX_HASH, 8, true, false},
    {"restamp=extend gc_interval_us=1 adaptive_skip=off", MAE_INDEX_ORDERED, 8, false, false},
    {"restamp=retry clock_sync_us=0", MAE_INDEX_ORDERED, 24, false, true},
    {"elder_after=1 gc_interval_us=1", MAE_INDEX_HASH, 8, true, false},
    {"elder_after=1 gc_interval_us=1 adaptive_skip=off", MAE_INDEX_ORDERED, 8, false, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, MAE_KEY_DATA_BYTES, false, true},
};

/* The own state of all keys. */
struct own {
    bool wrote[KEYS], there[KEYS];
    uint64_t value[KEYS];
};

struct running {
    struct mae_txn *txn;
    uint64_t ts;
    bool snapshot;
    bool relied[KEYS]; /* on what the oracle had at ts when it was asked: */
    uint64_t version_ts[KEYS];
    bool presence[KEYS]; /* only on whether it was there: that is all that MAE_EXISTS says */
    struct own own;
    struct own marked[MARKS]; /* as it was at savepoints */
    uint64_t marks[MARKS];
    unsigned marks_count;
    uint64_t announced[AHEAD]; /* keys given to mae_prefetch and not used yet: the last one is next */
    unsigned announced_count;
    unsigned operations;
    bool wrong; /* an answer was not the oracle's: it must not commit */
};

struct model {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *workers[WORKERS];
    enum mae_index_kind kind;
    size_t key_bytes;
    bool collide, variable, moves;
    struct serial *serial;
    struct running running[WORKERS];
    uint64_t random, next_value, last_ts;
    uint64_t commits, aborts;
};

/* Keys of variable length in order: every second one begins the next one, which may be much longer. */
static void make_variable(const struct model *model, uint64_t key, unsigned char *into)
{
    const size_t before = 9, most = model->key_bytes - before - 1;
    const size_t after = key % 2 ? 1 + key * 5 % most : 0;
    memset(into + 1, 'k', before);
    into[1 + before] = (unsigned char)(key / 2);
    memset(into + 2 + before, 0, after);
    into[0] = (unsigned char)(before + 1 + after);
}

/* Keys in order, both as integers and bytewise. */
static const void *key_bytes_of(const struct model *model, uint64_t key)
{
    static unsigned char bytes[4][sizeof(struct mae_key)];
    static unsigned turn;
    unsigned char *into = bytes[turn++ % 4];
    if (model->variable) {
        make_variable(model, key, into);
    } else if (model->key_bytes == sizeof key) {
        uint64_t word = model->collide ? key * COLLIDING_KEY : key;
        memcpy(into, &word, sizeof word);
    } else {
        memset(into, 'k', model->key_bytes);
        into[model->key_bytes - 1] = (unsigned char)key;
    }
    return into;
}

static uint64_t key_of_bytes(const struct model *model, const void *bytes)
{
    uint64_t key;
    const unsigned char *variable = bytes;
    if (model->variable)
        return 2u * variable[10] + (variable[0] > 10);
    if (model->key_bytes != sizeof key)
        return ((const unsigned char *)bytes)[model->key_bytes - 1];
    memcpy(&key, bytes, sizeof key);
    return key;
}

/* restamp=extend, or the elder: from a call on that has moved the transaction, it is answered from its new place. */
static void follow(struct model *model, struct running *running)
{
    uint64_t ts = mae_txn_timestamp(running->txn) + running->snapshot;
    assert_true(ts == running->ts || (model->moves && ts > running->ts));
    running->ts = ts;
    model->last_ts = ts > model->last_ts ? ts : model->last_ts;
}

static bool expected(const struct model *model, const struct running *running, uint64_t key, uint64_t *value)
{
    if (running->own.wrote[key]) {
        *value = running->own.value[key];
        return running->own.there[key];
    }
    const struct serial_version *version = serial_visible(model->serial, key, running->ts);
    *value = version && !version->deleted ? version->value : 0;
    return version && !version->deleted;
}

/* Notes what the transaction now relies on. If it has relied on another version before, it cannot commit. */
static void rely(struct model *model, struct running *running, uint64_t key, bool presence)
{
    if (running->own.wrote[key] || (running->relied[key] && presence))
        return;
    if (!running->relied[key] || running->presence[key])
        running->version_ts[key] = serial_visible_ts(model->serial, key, running->ts);
    running->relied[key] = true;
    running->presence[key] = presence;
}

/* What it relied on has changed: it cannot commit, and until it tries, its answers may mix before and after. */
static bool changed_since(const struct model *model, const struct running *running, uint64_t key)
{
    return running->relied[key] &&
           !serial_holds(model->serial, key, running->ts, running->version_ts[key], running->presence[key]);
}

static void end_aborted(struct model *model, struct running *running, enum mae_status status)
{
    if (!mae_status_is_retryable(status) || running->snapshot)
        fail_msg("unexpected %s", mae_status_name(status));
    mae_abort(running->txn);
    running->txn = NULL;
    model->aborts++;
}

/* Checks an answer. */
static void agree(struct running *running, bool right)
{
    if (!right && running->snapshot)
        fail_msg("snapshot %" PRIx64 ": the answer is not the oracle's", running->ts);
    running->wrong |= !right;
}

static void get_one(struct model *model, struct running *running, uint64_t key)
{
    uint64_t value, wanted, row;
    const void *data;
    bool there = expected(model, running, key, &wanted), changed = changed_since(model, running, key);
    enum mae_status status =
        model->next_value % 2 == 0
            ? mae_read(running->txn, model->index, key_bytes_of(model, key), &data, NULL)
            : mae_read_row(running->txn, model->index, key_bytes_of(model, key), &row, &data, NULL);
    if (!changed)
        rely(model, running, key, false);
    if (mae_status_is_abort(status)) {
        end_aborted(model, running, status);
        return;
    }
    if (changed)
        return;
    agree(running, status == (there ? MAE_OK : MAE_NOT_FOUND));
    if (there && status == MAE_OK) {
        memcpy(&value, data, sizeof value);
        agree(running, value == wanted);
    }
}

/* What a call of change_one returns for a key that is there or is not. */
static enum mae_status change_succeeds(unsigned what, bool there)
{
    if (what == 0)
        return there ? MAE_EXISTS : MAE_OK;
    return there || what == 4 ? MAE_OK : MAE_NOT_FOUND;
}

static void change_one(struct model *model, struct running *running, unsigned what, uint64_t key)
{
    uint64_t value = model->next_value++, wanted;
    const void *bytes = key_bytes_of(model, key);
    enum mae_status status;
    void *data = NULL;
    const void *old = &value;
    size_t sizes[2] = {SIZE_MAX, SIZE_MAX};
    bool changed = changed_since(model, running, key);
    if (what == 0)
        status = mae_insert(running->txn, model->index, bytes, sizeof value, NULL, &data);
    else if (what == 1)
        status = mae_delete(running->txn, model->index, bytes);
    else if (what == 4)
        status = mae_upsert(running->txn, model->index, bytes, sizeof value, &old, &sizes[0], &data, NULL);
    else if (what == 5)
        status = mae_update_sized(running->txn, model->index, bytes, 0, &old, &sizes[0], &data, &sizes[1]);
    else if (what == 2)
        status = mae_update(running->txn, model->index, bytes, 0, NULL, &data);
    else
        status = mae_overwrite(running->txn, model->index, bytes, sizeof value, &data);
    follow(model, running);
    changed |= changed_since(model, running, key);
    bool there = expected(model, running, key, &wanted);
    if (running->snapshot) {
        assert_true(status == MAE_READ_ONLY || (status == MAE_NOT_FOUND && !there));
        return;
    }
    if (!changed) /* or else it would now rely on something newer, and forget */
        rely(model, running, key, status == MAE_EXISTS || (what == 3 && status == MAE_OK));
    if (mae_status_is_abort(status)) {
        end_aborted(model, running, status);
        return;
    }
    if (!changed)
        agree(running, status == change_succeeds(what, there));
    if (status != MAE_OK)
        return;
    if (what >= 4 && !changed)
        agree(running, there ? old && memcmp(old, &wanted, sizeof wanted) == 0 && sizes[0] == sizeof wanted
                             : !old && sizes[0] == 0);
    if (what == 5 && !changed)
        agree(running, sizes[1] == sizeof value);
    if (data)
        memcpy(data, &value, sizeof value);
    running->own.wrote[key] = true;
    running->own.there[key] = what != 1;
    running->own.value[key] = value;
}

/* The transaction's entry for `key` goes, and one for the row comes instead, unless the row is UINT64_MAX. */
static enum mae_status entry_to(struct model *model, struct running *running, uint64_t key, uint64_t row)
{
    return row == UINT64_MAX ? MAE_OK : mae_index_insert(running->txn, model->index, key_bytes_of(model, key), row);
}

/* Two keys exchange their rows, or one gives its row to the other: changes of the index alone. */
static void move_one(struct model *model, struct running *running, uint64_t key, uint64_t to)
{
    uint64_t keys[2] = {key, to}, values[2] = {0, 0}, rows[2] = {UINT64_MAX, UINT64_MAX};
    bool there[2];
    if (running->snapshot || key == to || changed_since(model, running, key) || changed_since(model, running, to))
        return;
    enum mae_status status = MAE_OK;
    for (int i = 0; i < 2 && status == MAE_OK; i++) {
        there[i] = expected(model, running, keys[i], &values[i]);
        status = mae_index_find(running->txn, model->index, key_bytes_of(model, keys[i]), &rows[i]);
        if (status == (there[i] ? MAE_OK : MAE_NOT_FOUND))
            status = MAE_OK;
    }
    for (int i = 0; i < 2 && status == MAE_OK; i++)
        if (there[i])
            status = mae_index_remove(running->txn, model->index, key_bytes_of(model, keys[i]), rows[i]);
    if (status == MAE_OK)
        status = entry_to(model, running, to, rows[0]);
    if (status == MAE_OK)
        status = entry_to(model, running, key, rows[1]);
    if (mae_status_is_abort(status)) {
        end_aborted(model, running, status);
        return;
    }
    follow(model, running);
    agree(running, status == MAE_OK);
    for (int i = 0; i < 2; i++) { /* the rows, at the place that the changes of the index have moved it to */
        agree(running, there[i] == expected(model, running, keys[i], &values[i]));
        rely(model, running, keys[i], false);
    }
    for (int i = 0; i < 2; i++) {
        running->own.wrote[keys[i]] = true;
        running->own.there[keys[i]] = there[!i];
        running->own.value[keys[i]] = values[!i];
    }
}

/* What is announced is looked up now and used later, when it may have changed. */
static void announce(struct model *model, struct running *running)
{
    unsigned char bytes[AHEAD][sizeof(struct mae_key)];
    const size_t size = model->variable ? sizeof(struct mae_key) : model->key_bytes;
    running->announced_count = 1 + (unsigned)random_below(&model->random, AHEAD);
    for (unsigned i = 0; i < running->announced_count; i++) {
        uint64_t key = random_below(&model->random, KEYS);
        running->announced[running->announced_count - 1 - i] = key;
        memcpy(bytes[0] + i * size, key_bytes_of(model, key), size);
    }
    mae_prefetch(running->txn, model->index, bytes, running->announced_count);
}

struct scanned {
    struct model *model;
    struct running *running;
    uint64_t keys[KEYS], values[KEYS];
    size_t count;
    enum mae_status status;
};

static bool note(void *arg, const void *key, uint64_t row)
{
    struct scanned *scanned = arg;
    const void *data;
    scanned->status = mae_row_read(scanned->running->txn, scanned->model->table, row, &data, NULL);
    if (scanned->status != MAE_OK || scanned->count == KEYS)
        return false;
    scanned->keys[scanned->count] = key_of_bytes(scanned->model, key);
    memcpy(&scanned->values[scanned->count++], data, sizeof(uint64_t));
    return true;
}

static void scan_one(struct model *model, struct running *running)
{
    uint64_t lo = random_below(&model->random, KEYS), hi = lo + random_below(&model->random, KEYS - lo);
    uint64_t limit = random_below(&model->random, 3) ? 0 : 1 + random_below(&model->random, 5), found = 0;
    bool backward = random_below(&model->random, 2), changed = false;
    struct scanned scanned = {.model = model, .running = running};
    enum mae_status status = mae_index_scan(running->txn, model->index, lo == 0 ? NULL : key_bytes_of(model, lo),
                                            hi == KEYS - 1 ? NULL : key_bytes_of(model, hi),
                                            backward ? MAE_SCAN_BACKWARD : 0, limit, note, &scanned);
    if (scanned.status != MAE_OK && scanned.status != MAE_NOT_FOUND)
        status = scanned.status;
    if (mae_status_is_abort(status)) {
        end_aborted(model, running, status);
        return;
    }
    assert_ok(status);
    for (uint64_t i = 0; i <= hi - lo && (limit == 0 || found < limit); i++) {
        uint64_t key = backward ? hi - i : lo + i, wanted;
        changed |= changed_since(model, running, key);
        bool there = expected(model, running, key, &wanted);
        if (!changed)
            rely(model, running, key, false);
        if (changed || !there)
            continue;
        if (found >= scanned.count || scanned.keys[found] != key || scanned.values[found] != wanted)
            agree(running, false);
        found++;
    }
    if (!changed)
        agree(running, scanned.count == found);
}

/* Sets a savepoint, returns to one or releases one. What the transaction has relied on stays. */
static void mark_one(struct model *model, struct running *running)
{
    uint64_t what = random_below(&model->random, 3);
    if (what == 0 && running->marks_count < MARKS) {
        running->marked[running->marks_count] = running->own;
        assert_ok(mae_savepoint(running->txn, &running->marks[running->marks_count++]));
    } else if (running->marks_count > 0) {
        unsigned which = (unsigned)random_below(&model->random, running->marks_count);
        if (what == 1)
            assert_ok(mae_release(running->txn, running->marks[which]));
        else
            assert_ok(mae_rollback_to(running->txn, running->marks[which]));
        running->marks_count = which + (what != 1);
        if (what != 1)
            running->own = running->marked[which];
    }
}

/* A range, and how many of its keys a cursor has passed. */
struct walk {
    uint64_t lo, hi, passed;
    bool backward;
};

/* The next key that the transaction sees behind `key` in the range, or KEYS. What it passes it relies on. */
static uint64_t next_expected(struct model *model, struct running *running, const struct walk *walk, uint64_t *value,
                              bool *changed)
{
    for (uint64_t i = walk->passed; i <= walk->hi - walk->lo; i++) {
        uint64_t key = walk->backward ? walk->hi - i : walk->lo + i;
        *changed |= changed_since(model, running, key);
        if (*changed)
            return KEYS;
        bool there = expected(model, running, key, value);
        rely(model, running, key, false);
        if (there)
            return key;
    }
    return KEYS;
}

/* Goes through a range with a cursor, and changes keys and savepoints between two entries. */
static void walk_one(struct model *model, struct running *running)
{
    struct walk walk = {.lo = random_below(&model->random, KEYS), .backward = random_below(&model->random, 2)};
    walk.hi = walk.lo + random_below(&model->random, KEYS - walk.lo);
    unsigned open = (unsigned)random_below(&model->random, 4) * MAE_SCAN_LO_OPEN;
    const void *lo = open & MAE_SCAN_LO_OPEN && walk.lo > 0   ? key_bytes_of(model, --walk.lo)
                     : open & MAE_SCAN_LO_OPEN || walk.lo > 0 ? key_bytes_of(model, walk.lo)
                                                              : NULL;
    const void *hi = walk.hi == KEYS - 1 && !(open & MAE_SCAN_HI_OPEN) ? NULL : key_bytes_of(model, walk.hi);
    struct mae_cursor *cursor;
    assert_ok(
        mae_cursor_open(running->txn, model->index, lo, hi, open | (walk.backward ? MAE_SCAN_BACKWARD : 0), &cursor));
    walk.lo += (open & MAE_SCAN_LO_OPEN) != 0;
    uint64_t end = walk.hi + !(open & MAE_SCAN_HI_OPEN); /* behind the last */
    walk.hi = end - 1;
    for (unsigned steps = 0; running->txn && steps < 12 && walk.lo < end; steps++) {
        const void *bytes, *data;
        uint64_t row, value = 0, wanted;
        enum mae_status status = mae_cursor_next(cursor, &bytes, &row);
        if (status == MAE_OK)
            status = mae_row_read(running->txn, model->table, row, &data, NULL);
        if (mae_status_is_abort(status)) {
            end_aborted(model, running, status);
            break;
        }
        bool changed = false;
        uint64_t key = next_expected(model, running, &walk, &wanted, &changed);
        if (changed)
            break;
        if (status == MAE_OK)
            memcpy(&value, data, sizeof value);
        agree(running, status == (key == KEYS ? MAE_NOT_FOUND : MAE_OK));
        if (status != MAE_OK || key == KEYS)
            break;
        agree(running, key_of_bytes(model, bytes) == key && value == wanted);
        walk.passed = (walk.backward ? walk.hi - key : key - walk.lo) + 1;
        uint64_t what = random_below(&model->random, 6);
        if (what == 0)
            mark_one(model, running);
        else if (what < 4 && !running->snapshot)
            change_one(model, running, (unsigned)what - 1, random_below(&model->random, KEYS));
    }
    mae_cursor_close(cursor);
}

static void end_one(struct model *model, struct running *running)
{
    if (random_below(&model->random, 10) == 0) {
        mae_abort(running->txn);
        running->txn = NULL;
        return;
    }
    elder_is_out_of_time(model->db);
    enum mae_status status = mae_commit(running->txn);
    follow(model, running);
    running->txn = NULL;
    bool changed = false;
    for (uint64_t key = 0; key < KEYS; key++)
        changed |= changed_since(model, running, key);
    if (status != MAE_OK) {
        assert_true(mae_status_is_retryable(status) && !running->snapshot);
        model->aborts++;
        return;
    }
    if (running->wrong)
        fail_msg("transaction %" PRIx64 " committed, though it was given a wrong answer", running->ts);
    if (changed)
        fail_msg("transaction %" PRIx64 " committed, though what it relied on has changed", running->ts);
    model->commits++;
    for (uint64_t key = 0; key < KEYS; key++)
        if (running->relied[key])
            serial_log(model->serial, key, running->ts, running->version_ts[key], running->presence[key]);
    for (uint64_t key = 0; key < KEYS; key++) {
        const struct serial_version *version = serial_visible(model->serial, key, running->ts);
        bool was_there = version && !version->deleted;
        if (running->own.wrote[key] && (running->own.there[key] || was_there))
            serial_write(model->serial, key, running->ts, running->own.value[key], !running->own.there[key], false);
    }
}

static void step(struct model *model)
{
    unsigned who = (unsigned)random_below(&model->random, WORKERS);
    struct running *running = &model->running[who];
    if (!running->txn) {
        memset(running, 0, sizeof *running);
        running->snapshot = random_below(&model->random, 6) == 0;
        /* Not for snapshots, which would wait for transactions that this thread has open. */
        uint64_t after = random_below(&model->random, 2) && !running->snapshot ? model->last_ts : 0;
        assert_ok(
            mae_begin(model->workers[who], running->snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, after, &running->txn));
        running->ts = mae_txn_timestamp(running->txn) + running->snapshot;
        model->last_ts = running->ts > model->last_ts ? running->ts : model->last_ts;
        return;
    }
    if (running->operations++ == OWN_MAX || random_below(&model->random, 8) == 0) {
        end_one(model, running);
        return;
    }
    uint64_t key = random_below(&model->random, KEYS);
    if (running->announced_count && random_below(&model->random, 4))
        key = running->announced[--running->announced_count];
    static const unsigned char changes[] = {0, 0, 1, 1, 2, 3, 4, 5};
    uint64_t what = random_below(&model->random, 19);
    if (what >= 16)
        mark_one(model, running);
    else if (what == 15 && model->kind == MAE_INDEX_ORDERED && random_below(&model->random, 2))
        scan_one(model, running);
    else if (what == 15 && model->kind == MAE_INDEX_ORDERED)
        walk_one(model, running);
    else if (what == 14)
        announce(model, running);
    else if (what >= 12)
        move_one(model, running, key, random_below(&model->random, KEYS));
    else if (what < sizeof changes)
        change_one(model, running, changes[what], key);
    else
        get_one(model, running, key);
}

static void run(unsigned setting, uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    const struct mae_table_config table = {.payload_max_bytes = 16};
    const struct mae_index_config index = {.kind = settings[setting].kind,
                                           .key_bytes = settings[setting].key_bytes,
                                           .variable = settings[setting].variable};
    assert_non_null(model);
    printf("run %s, %s, keys of %s%zu bytes, seed %" PRIu64 "\n", settings[setting].options,
           index.kind == MAE_INDEX_HASH ? "hash" : "ordered", index.variable ? "up to " : "", index.key_bytes, seed);
    model->db = world_db(settings[setting].options);
    assert_ok(mae_table_create(model->db, "rows", &table, &model->table));
    assert_ok(mae_index_create(model->db, model->table, "keys", &index, &model->index));
    for (unsigned i = 0; i < WORKERS; i++)
        assert_ok(mae_worker_join(model->db, &model->workers[i]));
    model->kind = index.kind;
    model->key_bytes = index.key_bytes;
    model->collide = settings[setting].collide;
    model->variable = settings[setting].variable;
    const bool elders = strstr(settings[setting].options, "elder_after=") != NULL;
    model->moves = elders || strstr(settings[setting].options, "restamp=extend") != NULL;
    model->serial = serial_create(KEYS);
    model->random = seed;
    model->next_value = 1;
    for (int i = 0; i < STEPS; i++)
        step(model);
    for (unsigned i = 0; i < WORKERS; i++)
        if (model->running[i].txn)
            end_one(model, &model->running[i]);
    assert_true(model->commits > 0);
    serial_check(model->serial);

    struct running last = {0};
    uint64_t live = 0, value;
    assert_ok(mae_begin(model->workers[0], MAE_READ_WRITE, model->last_ts, &last.txn));
    last.ts = mae_txn_timestamp(last.txn);
    for (uint64_t key = 0; key < KEYS; key++) {
        get_one(model, &last, key);
        live += expected(model, &last, key, &value);
    }
    assert_false(last.wrong);
    assert_ok(mae_commit(last.txn));
    struct mae_space space;
    mae_table_space(model->table, &space);
    assert_int_equal(space.rows, live);
    for (unsigned i = 0; i < WORKERS; i++)
        mae_worker_leave(model->workers[i]);
    world_verify(model->db);
    mae_close(model->db);
    serial_destroy(model->serial);
    free(model);
}

static void keys_agree_with_the_oracle(void **state)
{
    (void)state;
    run_seeds(sizeof settings / sizeof settings[0], RUNS, run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_agree_with_the_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
