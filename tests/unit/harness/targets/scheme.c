/*
 * scheme.c - every target made of a scheme (harness/targets/scheme.inc): what one transaction sees of itself, against
 * the oracle, and what transactions may see of each other's entries.
 *
 * The random test runs the same calls on a scheme and on the oracle, with one worker; statuses, payloads and scans must
 * be the same. It prints its seed; MAE_SEED repeats it.
 */
#include "harness/targets/targets.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "harness/targets/scheme_space.h"
#include "tests/support/oracle_target.h"
#include "tests/support/target_counter.h"
#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { RUNS = 200 / WORLD_SLOWNESS, TXNS = 40, OPS = 24, KEYS = 12, PAYLOAD_MAX = 40, INDEXES = 3, ROWS_SEEN = 64 };
static const size_t KEY_BYTES[INDEXES] = {8, 16, 8}; /* hash of words, ordered, ordered and non-unique */

struct side {
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *indexes[INDEXES];
    struct target_worker *workers[3];
};

static const char *insert_time = "late", *backoff = "adaptive";

static bool is_scheme(const struct target_ops *ops)
{
    return ops->memory == scheme_memory && target_is_transactional(&ops->promises);
}

static void side_open(struct side *side, const struct target_ops *ops, unsigned workers)
{
    const struct target_key_value small[] = {{"huge_pages", "off"},
                                             {"memory_limit", "64M"},
                                             {is_scheme(ops) ? "index_insert" : NULL, insert_time},
                                             {"backoff", backoff},
                                             {0}};
    char error[256] = "";
    struct target_table_config table = {PAYLOAD_MAX, 0};
    side->ops = ops;
    assert_int_equal(target_open(ops, ops->options ? small : NULL, &side->target, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->table_create(side->target, "rows", &table, &side->table), TARGET_OK);
    for (unsigned i = 0; i < INDEXES; i++) {
        struct target_index_config config = {
            .kind = i ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH, .key_bytes = KEY_BYTES[i], .non_unique = i == 2};
        char name[] = {'i', (char)('0' + i), '\0'};
        assert_int_equal(ops->index_create(side->target, side->table, name, &config, &side->indexes[i]), TARGET_OK);
    }
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(ops->worker_join(side->target, &side->workers[i]), TARGET_OK);
}

static void side_close(struct side *side, unsigned workers)
{
    char report[256];
    for (unsigned i = 0; i < workers; i++)
        side->ops->worker_leave(side->workers[i]);
    enum target_status status = side->ops->verify(side->target, report, sizeof report);
    if (status != TARGET_OK)
        fail_msg("%s: %s", side->ops->name, report);
    assert_int_equal(side->ops->close(side->target), TARGET_OK);
}

static struct target_txn *side_begin(struct side *side, unsigned worker)
{
    struct target_txn *txn = NULL;
    assert_int_equal(side->ops->begin(side->workers[worker], TARGET_READ_WRITE, &txn), TARGET_OK);
    return txn;
}

/* Runs `run` for every scheme, with entries that indexes get at once and at the commit. */
static void each_scheme(void (*run)(const struct target_ops *ops))
{
    static const char *const times[] = {"late", "eager"};
    const struct target_ops *ops;
    for (size_t i = 0; (ops = target_at(i)) != NULL; i++)
        for (size_t t = 0; t < 2 && is_scheme(ops); t++) {
            insert_time = times[t];
            run(ops);
        }
}

static void make_key(uint64_t number, char key[static 16])
{
    memset(key, 0, 16);
    memcpy(key, &number, sizeof number);
}

/* ---- Random calls, on a scheme and on the oracle. ---- */

/* Rows have the same names on both sides: their places in these lists. */
struct pair {
    struct side sides[2];
    struct target_txn *txns[2];
    uint64_t refs[2][ROWS_SEEN];
    unsigned ref_count, committed_refs;
    uint64_t random;
};

static unsigned row_name(const struct pair *pair, unsigned side, uint64_t ref)
{
    for (unsigned i = pair->ref_count; i-- > 0;) /* the last: refs are used again */
        if (pair->refs[side][i] == ref)
            return i;
    return ROWS_SEEN;
}

struct listing {
    const struct pair *pair;
    unsigned side, count;
    uint64_t names[256];
};

static bool list_entry(void *arg, const void *key, uint64_t ref)
{
    struct listing *listing = arg;
    uint64_t number;
    memcpy(&number, key, sizeof number);
    listing->names[listing->count++] = number << 16 | row_name(listing->pair, listing->side, ref);
    return listing->count < 256;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void scan_both(struct pair *pair, unsigned index, const void *lo, const void *hi, unsigned flags)
{
    struct listing listings[2] = {{.pair = pair, .side = 0}, {.pair = pair, .side = 1}};
    for (unsigned s = 0; s < 2; s++) {
        struct side *side = &pair->sides[s];
        assert_int_equal(
            side->ops->scan(pair->txns[s], side->indexes[index], lo, hi, flags, 0, list_entry, &listings[s]),
            TARGET_OK);
        if (index == 2) /* equal keys are in the order of refs, which differ */
            qsort(listings[s].names, listings[s].count, sizeof(uint64_t), by_value);
    }
    assert_int_equal(listings[0].count, listings[1].count);
    assert_memory_equal(listings[0].names, listings[1].names, listings[0].count * sizeof(uint64_t));
}

/* The entries of rows that calls have erased: what the caller owes. */
static void remove_left_entries(struct pair *pair)
{
    for (unsigned name = 0; name < pair->ref_count; name++) {
        const void *data;
        if (pair->sides[1].ops->row_read(pair->txns[1], pair->sides[1].table, pair->refs[1][name], &data, NULL) !=
            TARGET_NOT_FOUND)
            continue;
        for (unsigned index = 0; index < INDEXES; index++)
            for (uint64_t number = 0; number < KEYS; number++) {
                char key[16];
                enum target_status status[2];
                make_key(number, key);
                for (unsigned s = 0; s < 2; s++)
                    status[s] = pair->sides[s].ops->index_remove(pair->txns[s], pair->sides[s].indexes[index], key,
                                                                 pair->refs[s][name]);
                assert_int_equal(status[0], status[1]);
            }
        /* Its name is given to no row from now on. */
        pair->refs[0][name] = pair->refs[0][pair->ref_count - 1];
        pair->refs[1][name] = pair->refs[1][pair->ref_count - 1];
        pair->ref_count--;
        name--;
    }
}

enum op { READ, UPDATE, OVERWRITE, INSERT, ERASE, ROW_READ, ROW_UPDATE, ADD, REMOVE, FIND, SCAN, SCAN_BACK, OP_COUNT };

/* What is called, with the same arguments on both sides, and what comes out. */
struct call {
    enum op op;
    unsigned index, name;
    uint64_t number;
    size_t bytes;
    bool keep, with_old;
    char key[16], high[16];
    struct {
        enum target_status status;
        const void *read, *old;
        void *data;
        uint64_t ref;
        size_t bytes;
    } out[2];
};

static struct call draw_call(struct pair *pair)
{
    struct call call = {.op = (enum op)random_below(&pair->random, OP_COUNT)};
    call.index = (unsigned)random_below(&pair->random, INDEXES);
    call.name = pair->ref_count ? (unsigned)random_below(&pair->random, pair->ref_count) : 0;
    call.bytes = 1 + random_below(&pair->random, PAYLOAD_MAX);
    call.keep = random_below(&pair->random, 2);
    call.with_old = random_below(&pair->random, 2);
    call.number = random_below(&pair->random, KEYS);
    make_key(call.number, call.key);
    make_key(call.number + random_below(&pair->random, 4), call.high);
    if (call.index == 2 && call.op <= ERASE && call.op != INSERT) /* which of equal keys is meant depends on refs */
        call.index = 0;
    if (call.index == 2 && call.op == FIND)
        call.index = 1;
    if (call.op == SCAN || call.op == SCAN_BACK)
        call.index = 1 + call.index % 2;
    return call;
}

static bool is_possible(const struct pair *pair, const struct call *call)
{
    bool by_ref = call->op == ROW_READ || call->op == ROW_UPDATE || call->op == ADD || call->op == REMOVE;
    return by_ref ? pair->ref_count > 0 : call->op != INSERT || pair->ref_count < ROWS_SEEN;
}

static enum target_status call_side(struct pair *pair, struct call *call, unsigned s)
{
    const struct target_ops *ops = pair->sides[s].ops;
    struct target_index *index = pair->sides[s].indexes[call->index];
    struct target_table *table = pair->sides[s].table;
    struct target_txn *txn = pair->txns[s];
    uint64_t ref = pair->refs[s][call->name];
    const void **old = call->with_old ? &call->out[s].old : NULL, **read = &call->out[s].read;
    void **data = &call->out[s].data;
    size_t *bytes = &call->out[s].bytes;
    enum target_status status;
    switch (call->op) {
    case READ:
        return ops->read(txn, index, call->key, read, bytes);
    case UPDATE:
        return ops->update(txn, index, call->key, call->keep ? 0 : call->bytes, old, data);
    case OVERWRITE:
        return ops->overwrite(txn, index, call->key, call->bytes, data);
    case INSERT:
        return ops->insert(txn, index, call->key, call->bytes, &call->out[s].ref, data);
    case ERASE:
        return ops->erase(txn, index, call->key);
    case ROW_READ:
        return ops->row_read(txn, table, ref, read, bytes);
    case ROW_UPDATE:
        return ops->row_update(txn, table, ref, call->bytes, NULL, data);
    case ADD: /* the oracle does not look whether the row is there */
        status = ops->row_read(txn, table, ref, read, bytes);
        return status == TARGET_OK ? ops->index_insert(txn, index, call->key, ref) : status;
    case REMOVE:
        return ops->index_remove(txn, index, call->key, ref);
    default:
        return ops->find(txn, index, call->key, &call->out[s].ref);
    }
}

/* Both sides have said OK: what came out is the same, and what was asked for is written. */
static void compare_call(struct pair *pair, const struct call *call)
{
    enum op op = call->op;
    if (op == INSERT) {
        for (unsigned s = 0; s < 2; s++)
            pair->refs[s][pair->ref_count] = call->out[s].ref;
        pair->ref_count++;
    }
    if (op == FIND)
        assert_int_equal(row_name(pair, 0, call->out[0].ref), row_name(pair, 1, call->out[1].ref));
    if (op == READ || op == ROW_READ) {
        assert_int_equal(call->out[0].bytes, call->out[1].bytes);
        assert_memory_equal(call->out[0].read, call->out[1].read, call->out[0].bytes);
    }
    bool updated = op == ROW_UPDATE || (op == UPDATE && !call->keep);
    if (updated)
        assert_memory_equal(call->out[0].data, call->out[1].data, call->bytes);
    if (updated || op == OVERWRITE || op == INSERT)
        for (size_t i = 0; i < call->bytes; i++) {
            char byte = (char)random_next(&pair->random);
            ((char *)call->out[0].data)[i] = ((char *)call->out[1].data)[i] = byte;
        }
}

static void one_call(struct pair *pair)
{
    struct call call = draw_call(pair);
    if (!is_possible(pair, &call))
        return;
    if (call.op == SCAN || call.op == SCAN_BACK) {
        scan_both(pair, call.index, call.keep ? NULL : call.key, call.keep ? NULL : call.high,
                  call.op == SCAN_BACK ? TARGET_SCAN_BACKWARD : 0);
        return;
    }
    for (unsigned s = 0; s < 2; s++)
        call.out[s].status = call_side(pair, &call, s);
    if (call.out[0].status != call.out[1].status)
        fail_msg("%s: call %d on index %u, key %" PRIu64 ", row %u says %s, the oracle %s", pair->sides[0].ops->name,
                 call.op, call.index, call.number, call.name, target_status_name(call.out[0].status),
                 target_status_name(call.out[1].status));
    if (call.out[0].status == TARGET_OK)
        compare_call(pair, &call);
}

static uint64_t seed;

static void calls_are_the_oracles(const struct target_ops *ops)
{
    for (unsigned run = 0; run < RUNS; run++) {
        struct pair pair = {.random = seed + run};
        side_open(&pair.sides[0], ops, 1);
        side_open(&pair.sides[1], &oracle_target_ops, 1);
        for (unsigned t = 0; t < TXNS; t++) {
            uint64_t refs[2][ROWS_SEEN];
            unsigned ref_count = pair.ref_count;
            memcpy(refs, pair.refs, sizeof refs);
            for (unsigned s = 0; s < 2; s++)
                pair.txns[s] = side_begin(&pair.sides[s], 0);
            for (uint64_t i = random_below(&pair.random, OPS); i > 0; i--)
                one_call(&pair);
            remove_left_entries(&pair);
            bool commits = random_below(&pair.random, 4) != 0;
            for (unsigned s = 0; s < 2; s++)
                if (commits)
                    assert_int_equal(pair.sides[s].ops->commit(pair.txns[s]), TARGET_OK);
                else
                    pair.sides[s].ops->abort(pair.txns[s]);
            if (!commits) {
                pair.ref_count = ref_count;
                memcpy(pair.refs, refs, sizeof refs);
            }
        }
        side_close(&pair.sides[0], 1);
        side_close(&pair.sides[1], 1);
    }
}

static void one_worker_sees_what_the_oracle_says(void **state)
{
    (void)state;
    seed = seed_from_environment();
    each_scheme(calls_are_the_oracles);
}

/* ---- Two transactions. Who aborts depends on the scheme; that not both commit does not. ---- */

static const uint64_t KEY_A = 1, KEY_B = 2, KEY_OTHER = 3;

static void load(struct side *side, uint64_t key, uint64_t *ref)
{
    void *data;
    struct target_txn *txn = side_begin(side, 0);
    assert_int_equal(side->ops->insert(txn, side->indexes[0], &key, 8, ref, &data), TARGET_OK);
    memcpy(data, &key, sizeof key);
    assert_int_equal(side->ops->commit(txn), TARGET_OK);
}

/* Commits if the calls so far were good, else aborts; whether it committed. */
static bool end(struct side *side, struct target_txn *txn, enum target_status status)
{
    if (target_status_is_abort(status)) {
        side->ops->abort(txn);
        return false;
    }
    return side->ops->commit(txn) == TARGET_OK;
}

/* The first transaction reads a row, and the second then writes it: if both commit, the first one is before the second
 * in every serial order. Loaded and read before, written after what a test is about. */
static enum target_status order_read(struct side *side, struct target_txn *first)
{
    const void *data;
    return side->ops->read(first, side->indexes[0], &KEY_OTHER, &data, NULL);
}

static enum target_status order_write(struct side *side, struct target_txn *second, enum target_status status)
{
    void *data;
    return status == TARGET_OK ? side->ops->update(second, side->indexes[0], &KEY_OTHER, 8, NULL, &data) : status;
}

/* A transaction looks at a row that is not there yet, and then inserts it itself. What it then does to it is done to
 * one row: deleted or taken back it is gone. */
static void looked_at_before_the_insert(const struct target_ops *ops)
{
    for (unsigned commits = 0; commits < 2; commits++) {
        struct side side;
        uint64_t loaded, ref;
        const void *data;
        void *fresh;
        side_open(&side, ops, 1);
        load(&side, KEY_A, &loaded);
        struct target_txn *txn = side_begin(&side, 0);
        for (uint64_t row = loaded + 1; row < loaded + 8; row++)
            assert_int_equal(ops->row_read(txn, side.table, row, &data, NULL), TARGET_NOT_FOUND);
        assert_int_equal(ops->insert(txn, side.indexes[0], &KEY_B, 24, &ref, &fresh), TARGET_OK);
        assert_true(ref > loaded && ref < loaded + 8);
        memset(fresh, 1, 24);
        assert_int_equal(ops->row_read(txn, side.table, ref, &data, NULL), TARGET_OK);
        assert_int_equal(ops->erase(txn, side.indexes[0], &KEY_B), TARGET_OK);
        assert_int_equal(ops->row_read(txn, side.table, ref, &data, NULL), TARGET_NOT_FOUND);
        if (commits)
            assert_int_equal(ops->commit(txn), TARGET_OK);
        else
            ops->abort(txn);
        txn = side_begin(&side, 0);
        assert_int_equal(ops->row_read(txn, side.table, ref, &data, NULL), TARGET_NOT_FOUND);
        assert_int_equal(ops->commit(txn), TARGET_OK);
        side_close(&side, 1);
    }
}

/* A scan passes a row that another transaction is inserting, so the scan is before the insert. */
static void scan_meets_insert(const struct target_ops *ops)
{
    struct side side;
    char key[16] = {7};
    uint64_t ref;
    void *data;
    side_open(&side, ops, 2);
    load(&side, KEY_OTHER, &ref);
    struct target_txn *inserter = side_begin(&side, 0), *scanner = side_begin(&side, 1);
    assert_int_equal(order_read(&side, inserter), TARGET_OK);
    assert_int_equal(ops->insert(inserter, side.indexes[1], key, 8, NULL, &data), TARGET_OK);
    struct pair none = {.ref_count = 0};
    struct listing listing = {.pair = &none};
    enum target_status status = ops->scan(scanner, side.indexes[1], NULL, NULL, 0, 0, list_entry, &listing);
    assert_int_equal(listing.count, 0);
    status = order_write(&side, scanner, status);
    bool inserted = end(&side, inserter, TARGET_OK), scanned = end(&side, scanner, status);
    assert_false(inserted && scanned);
    side_close(&side, 2);
}

/* An entry that was added to a row that is there, and taken back: nobody may have used it. */
static void entry_is_taken_back(const struct target_ops *ops)
{
    struct side side;
    uint64_t ref, found;
    const void *data;
    side_open(&side, ops, 2);
    load(&side, KEY_A, &ref);
    struct target_txn *reader = side_begin(&side, 1), *adder = side_begin(&side, 0);
    enum target_status status = ops->row_read(reader, side.table, ref, &data, NULL);
    enum target_status added = ops->index_insert(adder, side.indexes[0], &KEY_B, ref);
    if (added == TARGET_OK) /* looks for it, so the index gets it */
        assert_int_equal(ops->find(adder, side.indexes[0], &KEY_B, &found), TARGET_OK);
    if (!target_status_is_abort(status))
        status = ops->find(reader, side.indexes[0], &KEY_B, &found);
    ops->abort(adder);
    bool used = status == TARGET_OK;
    bool committed = end(&side, reader, status);
    assert_false(added == TARGET_OK && used && committed);
    /* The same, by one that meets the row for the first time. */
    adder = side_begin(&side, 0);
    assert_int_equal(ops->index_insert(adder, side.indexes[0], &KEY_B, ref), TARGET_OK);
    assert_int_equal(ops->find(adder, side.indexes[0], &KEY_B, &found), TARGET_OK);
    reader = side_begin(&side, 1);
    assert_true(target_status_is_retry(ops->find(reader, side.indexes[0], &KEY_B, &found)));
    ops->abort(reader);
    ops->abort(adder);
    side_close(&side, 2);
}

/* Of two that insert a key one commits. In between the other one may look for its row. */
static void inserters_meet(const struct target_ops *ops)
{
    for (unsigned looks = 0; looks < 2; looks++) {
        struct side side;
        struct target_txn *txns[2];
        enum target_status statuses[2];
        uint64_t found;
        void *data;
        side_open(&side, ops, 2);
        for (unsigned i = 0; i < 2; i++) {
            txns[i] = side_begin(&side, i);
            statuses[i] = ops->insert(txns[i], side.indexes[0], &KEY_A, 8, NULL, &data);
        }
        for (unsigned i = 0; looks && i < 2; i++)
            if (statuses[i] == TARGET_OK)
                statuses[i] = ops->find(txns[i], side.indexes[0], &KEY_A, &found);
        unsigned committed = 0;
        for (unsigned i = 0; i < 2; i++)
            committed += end(&side, txns[i], statuses[i]);
        assert_int_equal(committed, 1);
        struct target_txn *txn = side_begin(&side, 0);
        assert_int_equal(ops->insert(txn, side.indexes[0], &KEY_A, 8, NULL, &data), TARGET_EXISTS);
        ops->abort(txn);
        side_close(&side, 2);
    }
}

/* When indexes get entries: at the commit, or at once. What a transaction aborts for shows which. */
static void entries_come_when_they_should(const struct target_ops *ops)
{
    struct side side;
    uint64_t found;
    void *data;
    side_open(&side, ops, 2);
    struct target_txn *inserter = side_begin(&side, 0), *reader = side_begin(&side, 1);
    assert_int_equal(ops->insert(inserter, side.indexes[0], &KEY_A, 8, NULL, &data), TARGET_OK);
    enum target_status status = ops->insert(reader, side.indexes[0], &KEY_A, 8, NULL, &data);
    assert_int_equal(status == TARGET_OK, strcmp(insert_time, "late") == 0);
    ops->abort(reader);
    assert_int_equal(ops->find(inserter, side.indexes[0], &KEY_A, &found), TARGET_OK); /* its own */
    reader = side_begin(&side, 1);
    assert_true(target_status_is_retry(ops->insert(reader, side.indexes[0], &KEY_A, 8, NULL, &data)));
    ops->abort(reader);
    assert_int_equal(ops->commit(inserter), TARGET_OK);
    side_close(&side, 2);
}

/* More entries than may be pending, and each is found, also twice inserted. */
static void many_entries_are_pending(const struct target_ops *ops)
{
    enum { MANY = 100 };
    struct side side;
    uint64_t found;
    void *data;
    side_open(&side, ops, 1);
    struct target_txn *txn = side_begin(&side, 0);
    for (uint64_t key = 0; key < MANY; key++) {
        assert_int_equal(ops->insert(txn, side.indexes[0], &key, 8, NULL, &data), TARGET_OK);
        assert_int_equal(ops->insert(txn, side.indexes[0], &key, 8, NULL, &data), TARGET_EXISTS);
        uint64_t half = key / 2;
        assert_int_equal(ops->insert(txn, side.indexes[0], &half, 8, NULL, &data), TARGET_EXISTS);
    }
    assert_int_equal(ops->commit(txn), TARGET_OK);
    txn = side_begin(&side, 0);
    for (uint64_t key = 0; key < MANY; key++)
        assert_int_equal(ops->find(txn, side.indexes[0], &key, &found), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    side_close(&side, 1);
}

/* A row that was reached by a key has it in the serial order, too: the reader is before the mover. */
static void entry_moves(const struct target_ops *ops)
{
    struct side side;
    uint64_t ref, found;
    side_open(&side, ops, 2);
    load(&side, KEY_OTHER, &ref);
    load(&side, KEY_A, &ref);
    struct target_txn *reader = side_begin(&side, 1), *mover = side_begin(&side, 0);
    assert_int_equal(order_read(&side, mover), TARGET_OK);
    enum target_status status = ops->find(reader, side.indexes[0], &KEY_A, &found);
    assert_int_equal(status, TARGET_OK);
    enum target_status moved = ops->index_remove(mover, side.indexes[0], &KEY_A, ref);
    if (moved == TARGET_OK)
        moved = ops->index_insert(mover, side.indexes[0], &KEY_B, ref);
    status = order_write(&side, reader, status);
    bool mover_committed = end(&side, mover, moved);
    bool reader_committed = end(&side, reader, status);
    assert_false(mover_committed && reader_committed);
    side_close(&side, 2);
}

/* A transaction writes a row blindly and then finds it by another key, whose entry goes meanwhile: to find it is to
 * read the row, although its contents need not be read. */
static void entry_of_a_blindly_written_row_goes(const struct target_ops *ops)
{
    struct side side;
    uint64_t ref, found, other;
    void *data;
    side_open(&side, ops, 3);
    load(&side, KEY_A, &ref);
    load(&side, KEY_OTHER, &other);
    struct target_txn *txn = side_begin(&side, 0);
    assert_int_equal(ops->index_insert(txn, side.indexes[0], &KEY_B, ref), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    struct target_txn *remover = side_begin(&side, 2), *finder = side_begin(&side, 1);
    enum target_status removed = order_read(&side, remover);
    enum target_status status = ops->overwrite(finder, side.indexes[0], &KEY_A, 8, &data);
    if (status == TARGET_OK) {
        memset(data, 7, 8);
        status = ops->find(finder, side.indexes[0], &KEY_B, &found);
    }
    if (removed == TARGET_OK)
        removed = ops->index_remove(remover, side.indexes[0], &KEY_B, ref);
    bool gone = end(&side, remover, removed);
    bool both = end(&side, finder, order_write(&side, finder, status)) && gone;
    assert_false(both);
    side_close(&side, 3);
}

/* Two transactions miss a key each and insert the other's. */
static void misses_cross(const struct target_ops *ops)
{
    struct side side;
    const void *data;
    void *fresh;
    side_open(&side, ops, 2);
    struct target_txn *one = side_begin(&side, 0), *two = side_begin(&side, 1);
    enum target_status first = ops->read(one, side.indexes[0], &KEY_A, &data, NULL);
    enum target_status second = ops->read(two, side.indexes[0], &KEY_B, &data, NULL);
    assert_int_equal(first, TARGET_NOT_FOUND);
    assert_int_equal(second, TARGET_NOT_FOUND);
    first = ops->insert(one, side.indexes[0], &KEY_B, 8, NULL, &fresh);
    second = ops->insert(two, side.indexes[0], &KEY_A, 8, NULL, &fresh);
    bool one_committed = end(&side, one, first), two_committed = end(&side, two, second);
    assert_false(one_committed && two_committed);
    side_close(&side, 2);
}

/* Write skew: each reads both rows and writes one. */
static void skew(const struct target_ops *ops)
{
    struct side side;
    const void *data;
    void *fresh;
    uint64_t ref;
    side_open(&side, ops, 2);
    load(&side, KEY_A, &ref);
    load(&side, KEY_B, &ref);
    struct target_txn *txns[2] = {side_begin(&side, 0), side_begin(&side, 1)};
    enum target_status status[2];
    for (unsigned i = 0; i < 2; i++) {
        status[i] = ops->read(txns[i], side.indexes[0], &KEY_A, &data, NULL);
        if (status[i] == TARGET_OK)
            status[i] = ops->read(txns[i], side.indexes[0], &KEY_B, &data, NULL);
    }
    for (unsigned i = 0; i < 2; i++)
        if (status[i] == TARGET_OK)
            status[i] = ops->update(txns[i], side.indexes[0], i ? &KEY_B : &KEY_A, 8, NULL, &fresh);
    bool first = end(&side, txns[0], status[0]), second = end(&side, txns[1], status[1]);
    assert_false(first && second);
    side_close(&side, 2);
}

/* Both read a row and write it. */
static void lost_update(const struct target_ops *ops)
{
    struct side side;
    void *fresh;
    uint64_t ref;
    side_open(&side, ops, 2);
    load(&side, KEY_A, &ref);
    struct target_txn *one = side_begin(&side, 0), *two = side_begin(&side, 1);
    enum target_status first = ops->update(one, side.indexes[0], &KEY_A, 8, NULL, &fresh);
    enum target_status second = ops->update(two, side.indexes[0], &KEY_A, 8, NULL, &fresh);
    bool one_committed = end(&side, one, first), two_committed = end(&side, two, second);
    assert_false(one_committed && two_committed);
    side_close(&side, 2);
}

static void two_transactions_conflict(void **state)
{
    (void)state;
    each_scheme(lost_update);
    each_scheme(looked_at_before_the_insert);
    each_scheme(scan_meets_insert);
    each_scheme(inserters_meet);
    each_scheme(entry_is_taken_back);
    each_scheme(entry_moves);
    each_scheme(entry_of_a_blindly_written_row_goes);
    each_scheme(misses_cross);
    each_scheme(skew);
}

static void entries_come_late_or_at_once(void **state)
{
    (void)state;
    each_scheme(entries_come_when_they_should);
    each_scheme(many_entries_are_pending);
}

/* ---- Memory. ---- */

/* Rows that are deleted are used again, whoever deletes them. */
static void churn_needs_no_more(const struct target_ops *ops)
{
    enum { ROUNDS = 20000 / WORLD_SLOWNESS };
    struct side side;
    struct target_memory before, after;
    void *data;
    side_open(&side, ops, 2);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t key = i;
        if (i == ROUNDS / 2)
            ops->memory(side.target, &before);
        struct target_txn *txn = side_begin(&side, 0);
        assert_int_equal(ops->insert(txn, side.indexes[0], &key, 40, NULL, &data), TARGET_OK);
        assert_int_equal(ops->commit(txn), TARGET_OK);
        txn = side_begin(&side, 1);
        assert_int_equal(ops->erase(txn, side.indexes[0], &key), TARGET_OK);
        assert_int_equal(ops->commit(txn), TARGET_OK);
    }
    ops->memory(side.target, &after);
    assert_int_equal(before.committed_bytes, after.committed_bytes);
    struct target_space space;
    ops->table_space(side.table, &space);
    assert_int_equal(space.rows, 0);
    side_close(&side, 2);
}

/* At the limit inserts fail, everything else goes on, and what is deleted can be inserted again. */
static void limit_holds(const struct target_ops *ops)
{
    static const struct target_key_value tiny[] = {{"huge_pages", "off"}, {"memory_limit", "8M"}, {NULL, NULL}};
    char error[256] = "";
    struct target_table_config config = {60000, 0};
    struct target_index_config by_key = {.key_bytes = 8};
    struct target_table *table;
    struct side side = {.ops = ops};
    void *data;
    uint64_t key = 0;
    assert_int_equal(target_open(ops, tiny, &side.target, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->table_create(side.target, "t", &config, &table), TARGET_OK);
    assert_int_equal(ops->index_create(side.target, table, "i", &by_key, &side.indexes[0]), TARGET_OK);
    assert_int_equal(ops->worker_join(side.target, &side.workers[0]), TARGET_OK);
    enum target_status status;
    for (;; key++) {
        struct target_txn *txn = side_begin(&side, 0);
        status = ops->insert(txn, side.indexes[0], &key, 60000, NULL, &data);
        if (status != TARGET_OK) {
            ops->abort(txn);
            break;
        }
        assert_int_equal(ops->commit(txn), TARGET_OK);
    }
    assert_int_equal(status, TARGET_NO_MEMORY);
    assert_true(key > 10);
    for (uint64_t round = 0; round < 100; round++) {
        uint64_t old = round % key;
        struct target_txn *txn = side_begin(&side, 0);
        assert_int_equal(ops->erase(txn, side.indexes[0], &old), TARGET_OK);
        assert_int_equal(ops->commit(txn), TARGET_OK);
        unsigned tries = 0;
        do {
            txn = side_begin(&side, 0);
            status = ops->insert(txn, side.indexes[0], &old, 60000, NULL, &data);
            if (status == TARGET_OK)
                status = ops->commit(txn);
            else
                ops->abort(txn);
        } while (target_status_is_retry(status) && ++tries < 4);
        assert_int_equal(status, TARGET_OK);
    }
    side_close(&side, 1);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    each_scheme(churn_needs_no_more);
    each_scheme(limit_holds);
}

/* ---- Back-off. ---- */

enum { HOLD_MS = 20, ROW_KEY = 1 };

struct holder {
    struct side *side;
    struct target_txn *txn;
};

static void *hold_then_end(void *arg)
{
    struct holder *holder = arg;
    const struct timespec time = {0, HOLD_MS * 1000000};
    nanosleep(&time, NULL);
    holder->side->ops->abort(holder->txn);
    return NULL;
}

/* A transaction holds a row for 20 ms, as if it had lost its CPU. Whoever wants the row retries some dozens of times
 * (BO1), not thousands. The bound grows with the time that has really passed. */
static void retries_are_few(const struct target_ops *ops)
{
    struct side side;
    struct holder holder = {&side, NULL};
    char key[16];
    void *data;
    pthread_t thread;
    unsigned attempts = 0;
    side_open(&side, ops, 2);
    make_key(ROW_KEY, key);
    struct target_txn *txn = side_begin(&side, 0);
    assert_int_equal(ops->insert(txn, side.indexes[0], key, 8, NULL, &data), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    holder.txn = side_begin(&side, 0);
    assert_int_equal(ops->update(holder.txn, side.indexes[0], key, 0, NULL, &data), TARGET_OK);
    char other[16];
    make_key(ROW_KEY + 1, other);
    assert_int_equal(ops->insert(holder.txn, side.indexes[0], other, 8, NULL, &data), TARGET_OK);
    uint64_t start = monotonic_ns();
    assert_int_equal(pthread_create(&thread, NULL, hold_then_end, &holder), 0);
    for (enum target_status status = TARGET_RETRY; status != TARGET_OK; attempts++) {
        if (attempts)
            target_backoff(ops, side.workers[1]);
        txn = side_begin(&side, 1);
        status = ops->update(txn, side.indexes[0], key, 0, NULL, &data);
        if (status == TARGET_OK)
            status = ops->insert(txn, side.indexes[0], other, 8, NULL, &data);
        if (status == TARGET_OK)
            status = ops->commit(txn);
        else
            ops->abort(txn);
        assert_true(status == TARGET_OK || target_status_is_retry(status));
    }
    double passed_ms = (double)(monotonic_ns() - start) / 1e6;
    if (attempts > 60 + 10 * passed_ms)
        fail_msg("%s: %u attempts in %.1f ms", ops->name, attempts, passed_ms);
    assert_int_equal(pthread_join(thread, NULL), 0);
    side_close(&side, 2);
}

static void who_does_not_get_through_retries_seldom(void **state)
{
    (void)state;
    each_scheme(retries_are_few);
    retries_are_few(target_by_name("native"));
}

/* With backoff=learn the bound leaves 0 while there are commits and retries, so that there are waits. */
static void bound_is_learnt(const struct target_ops *ops)
{
    struct side side;
    char key[16];
    void *data;
    backoff = "learn";
    side_open(&side, ops, 1);
    backoff = "adaptive";
    make_key(ROW_KEY, key);
    struct target_txn *txn = side_begin(&side, 0);
    assert_int_equal(ops->insert(txn, side.indexes[0], key, 8, NULL, &data), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    while (target_counter(ops, side.workers[0], "backoff_waits") == 0) {
        txn = side_begin(&side, 0);
        assert_int_equal(ops->update(txn, side.indexes[0], key, 0, NULL, &data), TARGET_OK);
        assert_int_equal(ops->commit(txn), TARGET_OK);
        target_backoff(ops, side.workers[0]);
    }
    side_close(&side, 1);
}

static void every_scheme_learns(void **state)
{
    (void)state;
    each_scheme(bound_is_learnt);
}

/* Writes the key, and returns the transaction's place. */
static uint64_t place_of_write(struct side *side, unsigned worker, uint64_t key, bool insert)
{
    struct target_txn *txn = side_begin(side, worker);
    void *data;
    const void *old;
    assert_int_equal(insert ? side->ops->insert(txn, side->indexes[0], &key, PAYLOAD_MAX, NULL, &data)
                            : side->ops->update(txn, side->indexes[0], &key, 0, &old, &data),
                     TARGET_OK);
    memset(data, 1, PAYLOAD_MAX);
    assert_int_equal(side->ops->commit(txn), TARGET_OK);
    return side->ops->timestamp(txn);
}

static void run_places(const struct target_ops *ops)
{
    struct side side = {0};
    if (ops->promises.order == TARGET_ORDER_NEVER)
        return;
    side_open(&side, ops, 0);
    target_tell_order(ops, side.target);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ops->worker_join(side.target, &side.workers[i]), TARGET_OK);
    uint64_t last = place_of_write(&side, 0, 1, true);
    assert_true(last > 0);
    for (unsigned i = 1; i < TXNS; i++) {
        uint64_t place = place_of_write(&side, i % 2, 1, false);
        assert_true(place > last);
        last = place;
    }
    side_close(&side, 2);
}

static void places_are_told_to_who_asks_for_them(void **state)
{
    (void)state;
    each_scheme(run_places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_sees_what_the_oracle_says),
        cmocka_unit_test(two_transactions_conflict),
        cmocka_unit_test(places_are_told_to_who_asks_for_them),
        cmocka_unit_test(entries_come_late_or_at_once),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(who_does_not_get_through_retries_seldom),
        cmocka_unit_test(every_scheme_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
