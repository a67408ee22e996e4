/* explore.c - see explore.h. */
#include "tests/support/explore.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "engine/db/db.h"
#include "engine/maemio.h"
#include "engine/txn/membership.h"
#include "engine/txn/upkeep.h"
#include "harness/proof/judge.h"
#include "harness/targets/recording.h"
#include "harness/targets/targets.h"
#include "tests/support/colliding.h"
#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"
#include "tests/support/target_open.h"
#include "workloads/rng.h"

enum {
    WORKERS_MAX = 6,
    TXNS_MAX = 3,
    OPS_MAX = 6,
    MAINTENANCE_MAX = 4,
    ATTEMPTS_MAX = 6,
    SCHEDULES_MAX = 40,
    HELD_MAX = 64,
    KEY_WORDS_MAX = TARGET_VARIABLE_KEY_STRIDE / 8,
    ERROR_BYTES = 512,
    HANG_SECONDS = 30,   /* of the CPU; a round takes milliseconds */
    PREFETCH_MAX = 4,    /* keys announced at once */
    AHEAD_MAX = 5000,    /* units of a clock */
    RUN_MAX = 40,        /* keys of one INSERT_RUN or ERASE_RUN */
    TWICE_EVERY = 32,    /* rounds */
    COVERED_AFTER = 100, /* rounds */
    CASES_MAX = 512,
    PASSES = 8, /* over all cases, each of which gets the same time */
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
    const char *contradiction; /* what it has seen that cannot be; reads are validated at the end, so it must abort */
    uint64_t contradicts[2];
};

struct round {
    const struct explore_case *what;
    struct recording *recording;
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct mae_db *db; /* NULL: the target is not native */
    bool one_version;  /* a transaction's writes change what it has read before */
    struct worker_state workers[WORKERS_MAX];
    unsigned worker_count;
    struct mae_worker *maintainer; /* or NULL */
    uint64_t last_wts[HORIZON_SLOTS];
    uint64_t seed, schedule_seed;
    unsigned schedules;
    uint64_t stamp; /* the next payload's contents */
    char failure[ERROR_BYTES];
    uint64_t begun, committed;
    bool strict;
    uint64_t last_commit; /* the highest timestamp of a commit that has returned */
};

static struct totals {
    uint64_t rounds, schedules, begun, committed, covered;
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
    if (own->held_count < HELD_MAX && !round->one_version && !recording_wrote(own->txn, data))
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

/* Behind zeros that all keys have, so that their heads are equal, the number, and then zeros again: one key of three is
 * as long as it may be, and the others are short, so that nodes split and merge as their bytes ask for. */
static void make_variable(const struct explore_case *what, uint64_t number, unsigned char *bytes)
{
    enum { BEFORE = 9, SHORTEST = BEFORE + sizeof number, BEHIND_SHORT = 5 };
    for (unsigned i = 0; i < sizeof number; i++)
        bytes[BEFORE + sizeof number - i] = (unsigned char)(number >> 8 * i);
    bytes[0] = (unsigned char)(number % 3 ? SHORTEST + number % BEHIND_SHORT : what->key_bytes);
}

static struct key make_key(const struct round *round, uint64_t number)
{
    struct key key = {{0}};
    if (round->what->variable)
        make_variable(round->what, number, (unsigned char *)key.words);
    else if (round->what->key_bytes == 8)
        key.words[0] = round->what->collide ? number * COLLIDING_KEY : number;
    else
        for (unsigned i = 0; i < 8; i++) /* big-endian, so that order is the number's */
            ((unsigned char *)key.words)[round->what->key_bytes - 1 - i] = (unsigned char)(number >> 8 * i);
    return key;
}

static enum target_status noted(const char *name, uint64_t key, uint64_t value, enum target_status status)
{
    scheduler_note(name, key, value, (int)status);
    return status == TARGET_NOT_FOUND || status == TARGET_EXISTS ? TARGET_OK : status;
}

static enum target_status do_read(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    const void *data;
    size_t bytes;
    enum target_status status = round->ops->read(own->txn, round->index, &key, &data, &bytes);
    if (status == TARGET_OK)
        look(round, own, data, bytes);
    return noted("read", number, status == TARGET_OK ? *(const uint64_t *)data : 0, status);
}

static enum target_status do_update(struct round *round, struct worker_state *own, uint64_t number, bool resize)
{
    struct key key = make_key(round, number);
    const void *old;
    void *data;
    size_t bytes = resize ? draw_bytes(round, &own->rng) : 8;
    enum target_status status = round->ops->update(own->txn, round->index, &key, bytes, &old, &data);
    if (status == TARGET_OK) {
        fill(round, data, bytes);
    }
    return noted("update", number, round->stamp, status);
}

static enum target_status do_overwrite(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    enum target_status status = round->ops->overwrite(own->txn, round->index, &key, bytes, &data);
    if (status == TARGET_OK) {
        fill(round, data, bytes);
    }
    return noted("overwrite", number, round->stamp, status);
}

static enum target_status do_insert(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    enum target_status status = round->ops->insert(own->txn, round->index, &key, bytes, NULL, &data);
    if (status == TARGET_OK)
        fill(round, data, bytes);
    return noted("insert", number, round->stamp, status);
}

static enum target_status do_erase(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    return noted("erase", number, 0, round->ops->erase(own->txn, round->index, &key));
}

static enum target_status do_find(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    enum target_status status = round->ops->find(own->txn, round->index, &key, &ref);
    return noted("find", number, ref, status);
}

struct scan {
    struct round *round;
    struct worker_state *own;
    unsigned stop_after;
    bool update;
    enum target_status status;
};

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    const struct target_ops *ops = scan->round->ops;
    uint64_t number;
    memcpy(&number, key, sizeof number);
    const void *data;
    size_t bytes;
    enum target_status status;
    if (scan->update && rng_below(&scan->own->rng, 2)) {
        void *fresh;
        status = ops->row_update(scan->own->txn, scan->round->table, ref, 8, &data, &fresh);
        if (status == TARGET_OK) {
            fill(scan->round, fresh, 8);
        }
    } else {
        status = ops->row_read(scan->own->txn, scan->round->table, ref, &data, &bytes);
        if (status == TARGET_OK)
            look(scan->round, scan->own, data, bytes);
    }
    scheduler_note("  visits", number, ref, (int)status);
    scan->status = status == TARGET_NOT_FOUND ? (enum target_status)MAE_ABORT_INDEX : status;
    return status == TARGET_OK && --scan->stop_after > 0;
}

static enum target_status do_scan(struct round *round, struct worker_state *own, uint64_t number, bool update)
{
    struct key low = make_key(round, number), high = make_key(round, number + rng_below(&own->rng, round->what->keys));
    struct scan scan = {round, own, 1 + (unsigned)rng_below(&own->rng, 16), update, TARGET_OK};
    unsigned flags = rng_below(&own->rng, 2) ? TARGET_SCAN_BACKWARD : 0;
    bool low_open = rng_below(&own->rng, 8) == 0, high_open = rng_below(&own->rng, 8) == 0;
    uint64_t limit = rng_below(&own->rng, 2) ? 0 : 1 + rng_below(&own->rng, 4);
    scheduler_note(flags ? "scan backward" : "scan forward", number, limit, TARGET_OK);
    enum target_status status = round->ops->scan(own->txn, round->index, low_open ? NULL : &low,
                                                 high_open ? NULL : &high, flags, limit, scan_visit, &scan);
    return noted("  scan ends", number, 0, status == TARGET_OK ? scan.status : status);
}

static void contradict(struct worker_state *own, const char *what, uint64_t x, uint64_t y)
{
    own->contradiction = what;
    own->contradicts[0] = x;
    own->contradicts[1] = y;
}

/* A row and its entry, separately: what secondary indexes are made of. */
static enum target_status do_row_insert(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    void *data;
    size_t bytes = draw_bytes(round, &own->rng);
    if (!round->what->non_unique) {
        enum target_status found = round->ops->find(own->txn, round->index, &key, &ref);
        if (found != TARGET_NOT_FOUND)
            return noted("row insert: find", number, ref, found);
    }
    enum target_status status = round->ops->row_insert(own->txn, round->table, bytes, &ref, &data);
    if (status == TARGET_OK) {
        fill(round, data, bytes);
        status = round->ops->index_insert(own->txn, round->index, &key, ref);
        if (status == TARGET_EXISTS)
            contradict(own, "an entry was absent, then there, to one transaction: key and row", number, ref);
    }
    return noted("row insert", number, ref, status);
}

/* A second entry that leads to the row. */
static enum target_status do_alias(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number), alias = make_key(round, number + round->what->keys);
    uint64_t ref = 0;
    enum target_status status = round->ops->find(own->txn, round->index, &key, &ref);
    if (status == TARGET_OK)
        status = round->ops->index_insert(own->txn, round->index, &alias, ref);
    return noted("alias", number, ref, status);
}

static enum target_status do_unalias(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key alias = make_key(round, number + round->what->keys);
    uint64_t ref = 0;
    enum target_status status = round->ops->find(own->txn, round->index, &alias, &ref);
    if (status == TARGET_OK)
        status = round->ops->index_remove(own->txn, round->index, &alias, ref);
    return noted("unalias", number, ref, status);
}

/* Where there are aliases, they are forgotten half of the time: such a transaction must not commit. (Only native looks
 * after that.) */
static enum target_status do_row_erase(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key key = make_key(round, number);
    uint64_t ref = 0;
    enum target_status status = round->ops->find(own->txn, round->index, &key, &ref);
    if (status != TARGET_OK)
        return noted("row erase: find", number, ref, status);
    status = round->ops->row_erase(own->txn, round->table, ref);
    if (status == TARGET_NOT_FOUND) { /* the entry was validated, the row was not there: the caller must give up */
        (void)noted("row erase", number, ref, status);
        return (enum target_status)MAE_ABORT_INDEX;
    }
    if (status == TARGET_OK) {
        status = round->ops->index_remove(own->txn, round->index, &key, ref);
        if (status == TARGET_NOT_FOUND)
            contradict(own, "an entry was there, then absent, to one transaction: key and row", number, ref);
    }
    if (status == TARGET_OK && round->what->weights[EXPLORE_ALIAS] && (!round->db || rng_below(&own->rng, 2))) {
        status = do_unalias(round, own, number);
        if (status == TARGET_NOT_FOUND)
            status = TARGET_OK;
    }
    return noted("row erase", number, ref, status);
}

/* Neighbours, so that leaves and inner nodes fill and empty within a few transactions. */
static enum target_status do_run(struct round *round, struct worker_state *own, uint64_t number, bool insert)
{
    enum target_status status = TARGET_OK;
    for (uint64_t n = 1 + rng_below(&own->rng, RUN_MAX); n > 0 && status == TARGET_OK; n--, number++)
        status = insert ? do_insert(round, own, number % round->what->keys)
                        : do_erase(round, own, number % round->what->keys);
    return status;
}

/* Announced keys are found early and used when they are asked for, in that order or not. */
static enum target_status do_prefetch(struct round *round, struct worker_state *own)
{
    unsigned char keys[PREFETCH_MAX * sizeof(struct key)];
    uint64_t numbers[PREFETCH_MAX], count = 1 + rng_below(&own->rng, PREFETCH_MAX);
    const size_t stride = round->what->variable ? TARGET_VARIABLE_KEY_STRIDE : round->what->key_bytes;
    for (uint64_t i = 0; i < count; i++) {
        numbers[i] = rng_below(&own->rng, round->what->keys);
        struct key key = make_key(round, numbers[i]);
        memcpy(keys + i * stride, &key, stride);
    }
    target_prefetch(round->ops, own->txn, round->index, keys, count);
    enum target_status status = TARGET_OK;
    for (uint64_t i = 0; i < count && status == TARGET_OK; i++) {
        uint64_t number = rng_below(&own->rng, 8) ? numbers[i] : rng_below(&own->rng, round->what->keys);
        scheduler_point();
        status = rng_below(&own->rng, 3) ? do_read(round, own, number) : do_update(round, own, number, false);
    }
    return status;
}

/* Two keys exchange their rows, or one gives its row to the other: the index changes, no row does. */
static enum target_status do_move(struct round *round, struct worker_state *own, uint64_t number, uint64_t other)
{
    struct key keys[2] = {make_key(round, number), make_key(round, other)};
    uint64_t refs[2];
    enum target_status found[2], status = TARGET_OK;
    for (int i = 0; i < 2; i++) {
        found[i] = round->ops->find(own->txn, round->index, &keys[i], &refs[i]);
        if (found[i] != TARGET_OK && found[i] != TARGET_NOT_FOUND)
            return noted("move: find", number, other, found[i]);
    }
    for (int i = 0; i < 2 && status == TARGET_OK; i++)
        if (found[i] == TARGET_OK)
            status = round->ops->index_remove(own->txn, round->index, &keys[i], refs[i]);
    for (int i = 0; i < 2 && status == TARGET_OK; i++)
        if (found[i] == TARGET_OK)
            status = round->ops->index_insert(own->txn, round->index, &keys[!i], refs[i]);
    if (status == TARGET_NOT_FOUND || status == TARGET_EXISTS)
        contradict(own, "an entry was there, then not, or the other way round: keys", number, other);
    return noted("move", number, other, status);
}

/* Two keys never lead to one row, whose contents tell it from all others. */
static enum target_status do_pair(struct round *round, struct worker_state *own, uint64_t number, uint64_t other)
{
    uint64_t numbers[2] = {number, other}, stamps[2] = {0, 0};
    struct key keys[2] = {make_key(round, number), make_key(round, other)};
    if (round->what->key_bytes == 8 && rng_below(&own->rng, 2)) {
        uint64_t words[2] = {keys[0].words[0], keys[1].words[0]};
        target_prefetch(round->ops, own->txn, round->index, words, 2);
    }
    for (int i = 0; i < 2; i++) {
        const void *data;
        size_t bytes;
        scheduler_point();
        enum target_status status = round->ops->read(own->txn, round->index, &keys[i], &data, &bytes);
        if (status != TARGET_OK && status != TARGET_NOT_FOUND)
            return noted("read of a pair", numbers[i], 0, status);
        if (status == TARGET_OK) {
            look(round, own, data, bytes);
            stamps[i] = *(const uint64_t *)data;
        }
        (void)noted("read of a pair", numbers[i], stamps[i], status);
    }
    if (stamps[0] && stamps[0] == stamps[1])
        contradict(own, "two keys led to one row: the keys", number, other);
    return TARGET_OK;
}

/* By row id, whatever is there by now: ids may have been given to another row. */
static enum target_status do_ref(struct round *round, struct worker_state *own, bool update)
{
    uint64_t ref = rng_below(&own->rng, 2 * round->what->keys);
    const void *data;
    void *fresh;
    size_t bytes;
    enum target_status status = update ? round->ops->row_update(own->txn, round->table, ref, 8, &data, &fresh)
                                       : round->ops->row_read(own->txn, round->table, ref, &data, &bytes);
    if (status == TARGET_OK && update)
        fill(round, fresh, 8);
    else if (status == TARGET_OK)
        look(round, own, data, bytes);
    return noted(update ? "update row" : "read row", ref, 0, status == TARGET_INVALID ? TARGET_NOT_FOUND : status);
}

struct visit {
    struct round *round;
    struct worker_state *own;
};

static bool table_visit(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct visit *visit = arg;
    look(visit->round, visit->own, data, bytes);
    scheduler_note("  visits row", ref, *(const uint64_t *)data, TARGET_OK);
    return true;
}

static enum target_status do_table_scan(struct round *round, struct worker_state *own)
{
    struct visit visit = {round, own};
    return noted("scan table", 0, 0, round->ops->table_scan(own->txn, round->table, table_visit, &visit));
}

static struct mae_worker *engine_worker(const struct worker_state *own)
{
    return (struct mae_worker *)recording_worker_inner(own->worker);
}

static enum mae_status undone_call(struct mae_txn *txn, struct mae_index *index, const struct key *key, uint64_t which)
{
    const void *found;
    void *data = NULL;
    enum mae_status status;
    switch (which) {
    case 0:
        status = mae_insert(txn, index, key, sizeof(uint64_t), NULL, &data);
        break;
    case 1:
        return mae_delete(txn, index, key);
    case 2:
        status = mae_update(txn, index, key, sizeof(uint64_t), NULL, &data);
        break;
    case 3:
        status = mae_overwrite(txn, index, key, sizeof(uint64_t), &data);
        break;
    case 4:
        status = mae_upsert(txn, index, key, sizeof(uint64_t), &found, NULL, &data, NULL);
        break;
    default:
        return mae_read(txn, index, key, &found, NULL);
    }
    if (status == MAE_OK)
        memset(data, 0xee, sizeof(uint64_t));
    return status;
}

/* Changes between savepoints, to the last of which the transaction returns. The recording does not hear of them: they
 * must be as if they had not been. */
static enum target_status do_undone(struct round *round, struct worker_state *own)
{
    struct mae_txn *txn = &engine_worker(own)->txn;
    struct mae_index *index = mae_index_by_name(round->db, "key");
    uint64_t outer, inner;
    enum mae_status status = mae_savepoint(txn, &outer);
    for (uint64_t n = 1 + rng_below(&own->rng, 5); n > 0 && !mae_status_is_abort(status); n--) {
        struct key key = make_key(round, rng_below(&own->rng, round->what->keys));
        scheduler_point();
        if (rng_below(&own->rng, 3) == 0)
            status = mae_savepoint(txn, &inner);
        if (!mae_status_is_abort(status))
            status = undone_call(txn, index, &key, rng_below(&own->rng, 6));
    }
    scheduler_point();
    if (!mae_status_is_abort(status))
        status = mae_rollback_to(txn, outer);
    if (status == MAE_OK && rng_below(&own->rng, 2))
        status = mae_release(txn, outer);
    return noted("undone", 0, 0, (enum target_status)status);
}

enum { LISTED_MAX = 256 };
struct listing {
    uint64_t keys[LISTED_MAX], rows[LISTED_MAX];
    unsigned count;
};

static bool list_entry(void *arg, const void *key, uint64_t row)
{
    struct listing *listing = arg;
    if (listing->count == LISTED_MAX)
        return false;
    memcpy(&listing->keys[listing->count], key, sizeof(uint64_t));
    listing->rows[listing->count++] = row;
    return true;
}

/* With steps of other workers between two entries. */
static enum mae_status list_with_cursor(struct mae_cursor *cursor, struct listing *listing)
{
    enum mae_status status;
    const void *key;
    uint64_t row;
    do {
        scheduler_point();
        status = mae_cursor_next(cursor, &key, &row);
    } while (status == MAE_OK && list_entry(listing, key, row));
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* Passes a range with a cursor, which the recording does not hear of, and then with a scan. What comes or goes between
 * the two may not be seen by a transaction that commits. */
static enum target_status do_cursor(struct round *round, struct worker_state *own, uint64_t number)
{
    struct key low = make_key(round, number), high = make_key(round, number + rng_below(&own->rng, round->what->keys));
    struct listing passed = {.count = 0}, scanned = {.count = 0};
    struct mae_txn *txn = &engine_worker(own)->txn;
    unsigned backward = (unsigned)rng_below(&own->rng, 2);
    struct mae_cursor *cursor;
    enum mae_status status = mae_cursor_open(txn, mae_index_by_name(round->db, "key"), &low, &high,
                                             backward ? MAE_SCAN_BACKWARD : 0, &cursor);
    if (status == MAE_OK) {
        status = list_with_cursor(cursor, &passed);
        mae_cursor_close(cursor);
    }
    noted("cursor ends", number, passed.count, (enum target_status)status);
    if (status != MAE_OK)
        return (enum target_status)status;
    scheduler_point();
    enum target_status scanning = round->ops->scan(own->txn, round->index, &low, &high,
                                                   backward ? TARGET_SCAN_BACKWARD : 0, 0, list_entry, &scanned);
    if (scanning == TARGET_OK && memcmp(&passed, &scanned, sizeof passed) != 0)
        contradict(own, "a cursor and a scan saw different entries: how many", passed.count, scanned.count);
    return noted("  scan ends", number, scanned.count, scanning);
}

static enum target_status run_op(struct round *round, struct worker_state *own, enum explore_op op)
{
    uint64_t keys = round->what->keys, number = rng_below(&own->rng, keys), other = rng_below(&own->rng, keys);
    enum target_status status;
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
        return status == TARGET_OK && other != number ? do_update(round, own, other, false) : status;
    case EXPLORE_SKEW:
        status = do_read(round, own, number);
        if (status == TARGET_OK)
            status = do_read(round, own, other);
        return status == TARGET_OK ? do_update(round, own, rng_below(&own->rng, 2) ? number : other, true) : status;
    case EXPLORE_APPEND:
        status = do_read(round, own, number);
        return status == TARGET_OK ? do_update(round, own, number, true) : status;
    case EXPLORE_ROW_INSERT:
        return do_row_insert(round, own, number);
    case EXPLORE_ROW_ERASE:
        return do_row_erase(round, own, number);
    case EXPLORE_UPDATE_TWICE:
        status = do_update(round, own, number, true);
        return status == TARGET_OK ? do_update(round, own, number, true) : status;
    case EXPLORE_INSERT_ERASE:
        status = do_insert(round, own, number);
        if (status == TARGET_OK)
            status = do_erase(round, own, number);
        return status == TARGET_OK && rng_below(&own->rng, 2) ? do_insert(round, own, number) : status;
    case EXPLORE_REF_READ:
    case EXPLORE_REF_UPDATE:
        return do_ref(round, own, op == EXPLORE_REF_UPDATE);
    case EXPLORE_TABLE_SCAN:
        return do_table_scan(round, own);
    case EXPLORE_INSERT_RUN:
    case EXPLORE_ERASE_RUN:
        return do_run(round, own, number, op == EXPLORE_INSERT_RUN);
    case EXPLORE_PREFETCH:
        return do_prefetch(round, own);
    case EXPLORE_MOVE:
        return number != other ? do_move(round, own, number, other) : TARGET_OK;
    case EXPLORE_PAIR:
        return number != other ? do_pair(round, own, number, other) : TARGET_OK;
    case EXPLORE_ALIAS:
        return do_alias(round, own, number);
    case EXPLORE_UNALIAS:
        return do_unalias(round, own, number);
    case EXPLORE_UNDONE:
        return do_undone(round, own);
    case EXPLORE_CURSOR:
        return do_cursor(round, own, number);
    case EXPLORE_OP_COUNT:
        break;
    }
    return TARGET_OK;
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

/* Nothing in the case inserts or erases. */
static bool keys_stay(const struct explore_case *what)
{
    const unsigned *weights = what->weights;
    return weights[EXPLORE_INSERT] + weights[EXPLORE_ERASE] + weights[EXPLORE_ROW_INSERT] + weights[EXPLORE_ROW_ERASE] +
               weights[EXPLORE_INSERT_ERASE] + weights[EXPLORE_INSERT_RUN] + weights[EXPLORE_ERASE_RUN] +
               weights[EXPLORE_MOVE] ==
           0;
}

static enum target_status attempt(struct round *round, struct worker_state *own, bool snapshot)
{
    enum explore_op ops[OPS_MAX];
    unsigned count = 1 + (unsigned)rng_below(&own->rng, round->what->ops_max);
    bool give_up = rng_below(&own->rng, 16) == 0;
    for (unsigned i = 0; i < count; i++)
        ops[i] = draw_op(round, &own->rng, snapshot);
    /* As if it had been ordered behind a timestamp of the future. */
    if (rng_below(&own->rng, 100) < round->what->ahead_percent && round->db && !engine_worker(own)->clock.central)
        engine_worker(own)->clock.clock += 1 + rng_below(&own->rng, AHEAD_MAX);
    uint64_t before = round->strict ? round->last_commit : 0;
    enum target_status status =
        round->ops->begin(own->worker, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &own->txn);
    if (status != TARGET_OK) {
        fail(round, "begin failed: status", (uint64_t)status, 0);
        return TARGET_OK;
    }
    round->begun++;
    uint64_t begun = round->db ? round->ops->timestamp(own->txn) : 0;
    if (round->db && begun + snapshot <= before) /* a snapshot's is the last that it sees */
        fail(round, "begun after a commit had returned and ordered before it: both timestamps", before, begun);
    scheduler_note(snapshot ? "begin snapshot at" : "begin at", 0, begun, TARGET_OK);
    own->held_count = 0;
    own->contradiction = NULL;
    for (unsigned i = 0; i < count && status == TARGET_OK; i++) {
        scheduler_point();
        status = run_op(round, own, ops[i]);
        if (round->db && snapshot && target_status_is_abort(status))
            fail(round, "a snapshot transaction was aborted: status", (uint64_t)status, 0);
        if (round->db && status == (enum target_status)MAE_ABORT_INDEX && keys_stay(round->what))
            fail(round, "aborted for an index that nobody changes: timestamp", round->ops->timestamp(own->txn), 0);
    }
    scheduler_point();
    look_again(round, own);
    if (status != TARGET_OK || give_up) {
        round->ops->abort(own->txn);
        scheduler_note("abort", 0, 0, (int)status);
        return status == TARGET_OK ? TARGET_ROLLED_BACK : status;
    }
    status = round->ops->commit(own->txn);
    scheduler_note("commit", 0, 0, (int)status);
    if (round->db && snapshot && status != TARGET_OK)
        fail(round, "a snapshot did not commit: status", (uint64_t)status, 0);
    if (status == TARGET_CORRUPT && !round->what->weights[EXPLORE_ALIAS])
        fail(round, "no entry was forgotten, but the engine says so: timestamp", round->ops->timestamp(own->txn), 0);
    if (status == TARGET_OK && own->contradiction)
        fail(round, own->contradiction, own->contradicts[0], own->contradicts[1]);
    round->committed += status == TARGET_OK;
    if (!round->db)
        return status;
    uint64_t last = mae_worker_last_commit(engine_worker(own));
    round->last_commit = last > round->last_commit ? last : round->last_commit;
    return status;
}

/* One more insert and this worker's count of a growing hash index is told to the others. */
static void press_growth(struct round *round, const struct worker_state *own)
{
    struct mae_index *index = round->db->indexes[0];
    struct hash_count *local = index_scratch_count(engine_worker(own), &index->hash);
    if (local && local->entries < 62)
        local->entries = 62;
}

static void maintain(struct round *round)
{
    struct rng rng;
    rng_init(&rng, round->schedule_seed, 99);
    for (uint64_t n = 1 + rng_below(&rng, MAINTENANCE_MAX); n > 0; n--) {
        scheduler_note("maintenance", 0, 0, TARGET_OK);
        (void)upkeep_round(round->maintainer, round->last_wts);
        scheduler_point();
    }
}

static void body(void *arg, unsigned number)
{
    struct round *round = arg;
    if (number == round->worker_count) {
        maintain(round);
        return;
    }
    struct worker_state *own = &round->workers[number];
    unsigned txns = 1 + (unsigned)rng_below(&own->rng, TXNS_MAX);
    for (unsigned i = 0; i < txns; i++) {
        bool snapshot = rng_below(&own->rng, 100) < round->what->snapshot_percent;
        struct rng same_again = own->rng;
        for (unsigned n = 0; n < ATTEMPTS_MAX; n++) {
            own->rng = same_again;
            if (round->what->grow)
                press_growth(round, own);
            enum target_status status = attempt(round, own, snapshot);
            if (!target_status_is_retry(status))
                break;
            target_backoff(round->ops, own->worker);
        }
        if (rng_below(&own->rng, 100) < round->what->idle_percent) {
            scheduler_note("idle", 0, 0, TARGET_OK);
            target_idle(round->ops, own->worker);
        }
        if (rng_below(&own->rng, 100) < round->what->rejoin_percent) {
            scheduler_note("leave", 0, 0, TARGET_OK);
            round->ops->worker_leave(own->worker);
            enum target_status status = round->ops->worker_join(round->target, &own->worker);
            scheduler_note("join", 0, 0, (int)status);
            if (status != TARGET_OK) {
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
    static const uint64_t overtake[] = {1, 100, 1000, UINT64_MAX};
    static const uint64_t gc[] = {1, 1, 40, 300}, sync[] = {1, 100, UINT64_MAX}, boost[] = {0, 64, 1024};
    struct core *core = &round->db->core;
    core->ticks_per_us = 100;
    core->clock_shift = (unsigned)rng_below(rng, 3);
    core->protocol.gc_interval_ticks = gc[rng_below(rng, round->what->settles ? 2 : 4)];
    core->protocol.clock_sync_ticks = sync[rng_below(rng, 3)];
    core->protocol.clock_boost_units = boost[rng_below(rng, 3)];
    core->backoff.ticks_per_us = 100;
    core->horizon.barrier = rounds_barrier;
    core->horizon.overtake_ticks = overtake[rng_below(rng, round->what->overtakes ? 2 : 4)];
    core->horizon.look_ticks = gc[rng_below(rng, 2)];
    atomic_store(&core->walks, round->what->walks);
    atomic_store(&core->attention, round->what->walks);
}

static bool load(struct round *round)
{
    struct worker_state *own = &round->workers[0];
    uint64_t count = round->what->keys + round->what->load;
    for (uint64_t number = 0; number < count;) {
        if (round->ops->begin(own->worker, TARGET_READ_WRITE, &own->txn) != TARGET_OK)
            return false;
        enum target_status status = TARGET_OK;
        for (unsigned i = 0; i < 64 && number < count && status == TARGET_OK; i++, number++)
            if (number >= round->what->keys || number % 2 == 0)
                status = round->what->non_unique || round->what->weights[EXPLORE_ROW_INSERT]
                             ? do_row_insert(round, own, number)
                             : do_insert(round, own, number);
        if (status != TARGET_OK || round->ops->commit(own->txn) != TARGET_OK)
            return false;
    }
    return true;
}

/* A worker leads to the database, whose times are to be set before any worker that counts has joined. */
static bool native_open(struct round *round, struct rng *rng)
{
    if (round->ops->worker_join(round->target, &round->workers[0].worker) != TARGET_OK)
        return false;
    round->db = (struct mae_db *)engine_worker(&round->workers[0])->core;
    set_time(round, rng);
    round->strict = round->db->core.protocol.strict;
    round->ops->worker_leave(round->workers[0].worker);
    return true;
}

static bool round_open(struct round *round, struct rng *rng)
{
    const struct explore_case *what = round->what;
    char error[ERROR_BYTES] = "";
    const struct target_key_value settings[] = {
        {"huge_pages", "off"},
        {"hash_seed", "1"}, /* rounds repeat */
        {"memory_limit", "64M"},
        {"timestamps", PICK(rng, "multi", "multi", "multi", "central")},
        {"pending", what->settles ? PICK(rng, "skip", "skip", "skip", "skip", "abort", "wait")
                                  : PICK(rng, "wait", "wait", "abort", "skip")},
        {"inline_bytes", what->settles ? "216" : PICK(rng, "216", "216", "64", "0")},
        {"promote", PICK(rng, "on", "on", "off")},
        {"settle", what->settles ? "on" : PICK(rng, "on", "on", "off")},
        {"early_abort_newer", PICK(rng, "on", "off")},
        {"sort_writes", PICK(rng, "on", "off")},
        {"precheck", PICK(rng, "on", "off")},
        {"adaptive_skip", PICK(rng, "on", "off")},
        {"backoff", PICK(rng, "off", "off", "fixed:1")},
        {"order", PICK(rng, "serial", "serial", "serial", "strict")},
        {"restamp", what->restamps ? PICK(rng, "extend", "extend", "extend", "retry") : "off"},
        {"elder_after", what->elders ? PICK(rng, "1", "1", "2") : "0"},
        {NULL, NULL},
    };
    const struct target_ops *inner = what->target ? what->target : &native_target_ops;
    round->recording = recording_create(inner, NULL, error, sizeof error);
    round->ops = recording_ops(round->recording);
    round->one_version = what->target && inner->promises.rows == TARGET_ROWS_IN_PLACE;
    if (target_open(round->ops, what->target ? what->settings : settings, &round->target, error, sizeof error) !=
        TARGET_OK)
        goto failed;
    if (!what->target && !native_open(round, rng))
        goto failed;
    struct target_table_config table = {.payload_max_bytes = what->payload_max};
    struct target_index_config index = {.kind = what->ordered ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH,
                                        .key_bytes = what->key_bytes,
                                        .non_unique = what->non_unique,
                                        .variable = what->variable};
    if (round->ops->table_create(round->target, "rows", &table, &round->table) != TARGET_OK ||
        round->ops->index_create(round->target, round->table, "key", &index, &round->index) != TARGET_OK)
        goto failed;
    for (unsigned i = 0; i < round->worker_count; i++)
        if (round->ops->worker_join(round->target, &round->workers[i].worker) != TARGET_OK)
            goto failed;
    if (what->maintained) {
        if (worker_join_own(&round->db->core, &round->maintainer) != MAE_OK)
            goto failed;
        worker_park(round->maintainer);
    }
    if (!load(round))
        goto failed;
    if (what->grow)
        atomic_store(&round->db->indexes[0]->hash.entries, (int64_t)(what->keys + what->load));
    return true;
failed:
    snprintf(round->failure, sizeof round->failure, "opening: %.400s", error);
    return false;
}

/* ---- How to repeat it; a crash must say so, too. ---- */

static char running[128], command[256];
static bool tracing;

/* The folder below build/ that this program is in says how it was built; make wants to be told the same. */
static void command_set(const char *program)
{
    char config[128] = "";
    const char *clang = "", *word;
    const char *end = strstr(program, "/tests/schedule/"), *begin = end;
    while (begin && begin > program && begin[-1] != '/')
        begin--;
    if (end && (size_t)(end - begin) < sizeof config)
        memcpy(config, begin, (size_t)(end - begin));
    char *rest = config;
    if (end && strncmp(rest, "clang-", 6) == 0) {
        clang = " CC=clang";
        rest += 6;
    }
    const char *own = end ? end + strlen("/tests/schedule/") : "explore";
    int n = snprintf(command, sizeof command, "make schedule%s%s%s", clang,
                     strcmp(own, "explore") != 0 ? " SCHEDULE=" : "", strcmp(own, "explore") != 0 ? own : "");
    for (unsigned i = 0; (word = strsep(&rest, "-")) != NULL && *word && (size_t)n < sizeof command; i++)
        if (i > 0 || strcmp(word, "debug") != 0)
            n += snprintf(command + n, sizeof command - (size_t)n, " %s=%s", i == 0 ? "MODE" : "OPTIONS", word);
    if (mutation_chosen() && (size_t)n < sizeof command)
        (void)snprintf(command + n, sizeof command - (size_t)n, " MUTATION=%s", mutation_chosen());
}

static void crashed(int signal_number)
{
    /* Not what a signal handler may do, but the program is over anyway, and its trace is worth the try. */
    signal(signal_number, SIG_DFL);
    if (tracing)
        scheduler_print(stdout);
    printf("\nFAILED: crashed\nrepeat: %s SEED=%s\n", command, running);
    fflush(stdout);
    raise(signal_number);
}

static void hangs(int signal_number)
{
    (void)signal_number;
    printf("\nFAILED: an endless loop inside one step\n");
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
    action.sa_flags |= SA_NODEFER;
    action.sa_handler = hangs;
    sigaction(SIGPROF, &action, NULL);
}

/* Calls hangs() unless called again before the process has used so many seconds of the CPU; 0: never. On a machine that
 * is busy, or stopped for a while, a round may take any time. Nothing in a round sleeps, so an endless loop uses the
 * CPU. */
static void watch(unsigned seconds)
{
    const struct itimerval timer = {.it_value.tv_sec = (time_t)seconds};
    setitimer(ITIMER_PROF, &timer, NULL);
}

enum outcome { FINE, WRONG, HUNG };

/* What a round was: which, how much of it, and how it ended. */
struct result {
    enum outcome outcome;
    unsigned schedules; /* that ran */
    uint64_t digest;
    char *report; /* unless FINE; the caller frees it */
};

static void count_covered(const struct round *round)
{
    if (!round->what->covers)
        return;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *worker = atomic_load(&round->db->core.workers[i]);
        if (worker)
            totals.covered += ((const uint64_t *)&worker->counters)[(round->what->covers - 1) / sizeof(uint64_t)];
    }
}

static void print_schedule(const struct round *round, const struct scheduler_plan *plan, unsigned number)
{
    static const char *const clocks[] = {"even", "skewed", "wild"};
    printf("schedule %u of round %s:0x%" PRIx64 ": %u workers%s, %s", number, round->what->name, round->seed,
           round->worker_count, round->maintainer ? " and maintenance" : "",
           plan->policy == SCHEDULER_PCT ? "PCT" : "random");
    if (plan->policy == SCHEDULER_PCT)
        printf(" of depth %u", plan->depth);
    printf(", %s clocks\n", clocks[plan->clocks]);
    scheduler_print(stdout);
}

/* Checks history and structure; sets the round's failure. */
static void judge(struct round *round, struct history_verdict *verdict)
{
    static struct history_checker *checker;
    struct history history;
    char error[ERROR_BYTES] = "";
    history_init(&history);
    if (!checker)
        checker = history_checker_create();
    if (!recording_history(round->target, &history, error, sizeof error))
        fail(round, error, 0, 0);
    else if (!history_check(checker, &history, &history_serializable, verdict) && !round->failure[0])
        snprintf(round->failure, sizeof round->failure, "the history is wrong");
    if (!round->failure[0] && round->ops->verify(round->target, error, sizeof error) != TARGET_OK)
        snprintf(round->failure, sizeof round->failure, "the structure is wrong: %.400s", error);
    history_fini(&history);
}

static void round_close(struct round *round, struct result *result)
{
    for (unsigned w = 0; w < round->worker_count; w++)
        round->ops->worker_leave(round->workers[w].worker);
    if (round->maintainer)
        worker_leave(round->maintainer);
    if (round->ops->close(round->target) != TARGET_OK && result->outcome == FINE) {
        result->outcome = WRONG;
        result->report = strdup("the target is not closed well");
    }
    recording_destroy(round->recording);
}

/* Runs the first `schedules` of the round (0: all) and checks. `trace`: prints the last schedule. */
static struct result round_run(const struct explore_case *what, uint64_t seed, unsigned schedules, bool trace)
{
    static struct round round;
    struct rng rng;
    struct result result = {FINE, 0, 0, NULL};
    memset(&round, 0, sizeof round);
    watch(HANG_SECONDS);
    snprintf(running, sizeof running, "%s:0x%" PRIx64 ":1", what->name, seed);
    tracing = trace;
    round.what = what;
    round.seed = seed;
    scheduler_open(seed);
    rng_init(&rng, seed, 2);
    round.worker_count = 2 + (unsigned)rng_below(&rng, rng_below(&rng, 3) ? 2 : WORKERS_MAX - 1);
    unsigned all = 1 + (unsigned)rng_below(&rng, SCHEDULES_MAX);
    if (schedules == 0 || schedules > all)
        schedules = all;
    rng_init(&round.workers[0].rng, seed, 3);
    bool opened = round_open(&round, &rng);
    while (opened && result.schedules < schedules && !round.failure[0]) {
        const struct scheduler_plan plan = rounds_plan(&rng, rng_next(&rng));
        for (unsigned w = 0; w < round.worker_count; w++)
            rng_init(&round.workers[w].rng, plan.seed, 100 + w);
        round.schedule_seed = plan.seed;
        snprintf(running, sizeof running, "%s:0x%" PRIx64 ":%u", what->name, seed, ++result.schedules);
        totals.schedules++;
        if (!scheduler_run(&plan, round.worker_count + (round.maintainer != NULL), body, &round)) {
            snprintf(round.failure, sizeof round.failure, "a schedule does not end: livelock or starvation");
            result.outcome = HUNG;
        }
        if (trace && result.schedules == schedules)
            print_schedule(&round, &plan, schedules);
    }
    result.digest = scheduler_digest();
    struct history_verdict verdict = {0};
    if (opened && result.outcome != HUNG)
        judge(&round, &verdict);
    if (round.failure[0]) {
        struct support_text text = {0};
        support_text_add(&text, "%s\n%s", round.failure, verdict.report.text ? verdict.report.text : "");
        result.report = text.text;
        if (result.outcome == FINE)
            result.outcome = WRONG;
    }
    history_verdict_fini(&verdict);
    totals.rounds++;
    totals.begun += round.begun;
    totals.committed += round.committed;
    if (opened && result.outcome != HUNG) { /* else coroutines are still inside: leave it all alone */
        count_covered(&round);
        round_close(&round, &result);
    }
    scheduler_close();
    watch(0);
    return result;
}

/*
 * Finds the shortest prefix of the round that fails, and prints its last schedule. What hangs does so at its last one,
 * and has left memory behind, so that a second time would not be the same here: the command repeats it.
 */
static void explain(const struct explore_case *what, uint64_t seed, struct result *result)
{
    unsigned failing = result->schedules;
    for (unsigned n = 1; n < result->schedules && result->outcome == WRONG; n++) {
        struct result shorter = round_run(what, seed, n, false);
        if (shorter.outcome != FINE) {
            free(result->report);
            *result = shorter;
            failing = n;
            break;
        }
    }
    if (result->outcome == WRONG)
        free(round_run(what, seed, failing, true).report);
    printf("\nFAILED: %s: %s\nrepeat: %s SEED=%s:0x%" PRIx64 ":%u\n", what->what, result->report, command, what->name,
           seed, failing);
    free(result->report);
}

/* A round, at times twice. False if it failed; all is printed then. */
static bool round_fine(const struct explore_case *what, uint64_t seed, bool twice)
{
    struct result result = round_run(what, seed, 0, false);
    if (result.outcome != FINE) {
        explain(what, seed, &result);
        return false;
    }
    if (!twice)
        return true;
    struct result again = round_run(what, seed, 0, false);
    free(again.report);
    if (again.outcome == FINE && again.digest == result.digest)
        return true;
    printf("\nFAILED: %s: a round did not repeat: something beside its seed decides\nrepeat: %s SEED=%s:0x%" PRIx64
           "\n",
           what->what, command, what->name, seed);
    return false;
}

/* Of the CPU, so that a busy machine explores as much as an idle one. */
static double used_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const struct explore_case *named(const struct explore_case *cases, const char *name, size_t length)
{
    for (; cases->name; cases++)
        if (strlen(cases->name) == length && strncmp(cases->name, name, length) == 0)
            return cases;
    return NULL;
}

/* `only`: the case, if the text does not name it. */
static int repeat(const struct explore_case *cases, const char *only, const char *text)
{
    const char *numbers = strchr(text, ':');
    const struct explore_case *what = named(cases, text, numbers ? (size_t)(numbers - text) : 0);
    if (!what && only) {
        what = named(cases, only, strlen(only));
        numbers = text;
    } else if (what) {
        numbers++;
    }
    char *end = NULL;
    uint64_t seed = what ? strtoull(numbers, &end, 0) : 0;
    unsigned schedules = what && *end == ':' ? (unsigned)strtoul(end + 1, &end, 10) : 0;
    if (!what || end == numbers || *end) {
        fprintf(stderr,
                "SEED=%s: must be CASE:NUMBER or CASE:NUMBER:SCHEDULES as a failure prints it, with one of the cases",
                text);
        for (; cases->name; cases++)
            fprintf(stderr, " %s", cases->name);
        fprintf(stderr, "\n");
        return 2;
    }
    struct result result = round_run(what, seed, schedules, true);
    if (result.outcome == FINE)
        printf("\nfine\n");
    else
        printf("\nFAILED: %s: %s\n", what->what, result.report);
    free(result.report);
    return result.outcome != FINE;
}

/* Rounds of one case until then. */
static bool run_case(const struct explore_case *what, struct totals *sum, uint64_t *seed, double until)
{
    const struct totals before = totals;
    do {
        bool twice = (sum->rounds + totals.rounds - before.rounds) % TWICE_EVERY == 0;
        if (!round_fine(what, splitmix64(seed), twice))
            return false;
    } while (used_seconds() < until);
    sum->rounds += totals.rounds - before.rounds;
    sum->schedules += totals.schedules - before.schedules;
    sum->begun += totals.begun - before.begun;
    sum->committed += totals.committed - before.committed;
    sum->covered += totals.covered - before.covered;
    return true;
}

static bool report_case(const struct explore_case *what, const struct totals *sum)
{
    printf("%-16s %8" PRIu64 " schedules in %6" PRIu64 " rounds, %9" PRIu64 " transactions, %2.0f%% committed\n",
           what->name, sum->schedules, sum->rounds, sum->begun, 100.0 * (double)sum->committed / (double)sum->begun);
    if (!what->covers || sum->covered || sum->rounds < COVERED_AFTER)
        return true;
    printf("FAILED: %s: never happened, so this case tests nothing\n", what->what);
    return false;
}

static const char *environment(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

int explore_main(const struct explore_case *cases, int argc, char **argv)
{
    const char *only = argc > 1 && *argv[1] ? argv[1] : environment("CASE"), *text;
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    command_set(argv[0]);
    catch_crashes();
    if ((text = environment("SEED")) != NULL)
        return repeat(cases, only, text);
    const struct explore_case *first = cases, *end = cases;
    if (only && (first = end = named(cases, only, strlen(only))) == NULL) {
        fprintf(stderr, "explore: no case '%s'; one of:\n", only);
        for (; cases->name; cases++)
            fprintf(stderr, "  %-16s %s\n", cases->name, cases->what);
        return 2;
    }
    do
        end++;
    while (!only && end->name);
    double seconds = (text = environment("MAE_SECONDS")) ? strtod(text, NULL) : 30;
    uint64_t wanted = (text = environment("MAE_SCHEDULES")) ? strtoull(text, NULL, 0) : UINT64_MAX;
    uint64_t seed = (text = environment("MAE_SEED")) ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 0x10001;
    printf("MAE_SEED=0x%" PRIx64 " MAE_SECONDS=%g\n", seed, seconds);
    fflush(stdout);
    struct totals sums[CASES_MAX] = {{0}};
    double began = used_seconds();
    ptrdiff_t slices = PASSES * (end - first), slice = 0;
    for (; slice < slices && (slice < end - first || totals.schedules < wanted); slice++) {
        ptrdiff_t i = slice % (end - first);
        double now = used_seconds();
        if (!run_case(first + i, &sums[i], &seed, now + (began + seconds - now) / (double)(slices - slice)))
            return 1;
    }
    bool fine = true;
    for (ptrdiff_t i = 0; i < end - first; i++)
        fine &= report_case(first + i, &sums[i]);
    printf("%" PRIu64 " schedules in %" PRIu64 " rounds, %" PRIu64 " transactions, %.0f s of CPU\n", totals.schedules,
           totals.rounds, totals.begun, used_seconds() - began);
    return !fine;
}
