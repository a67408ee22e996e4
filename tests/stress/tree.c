/*
 * tree.c - the ordered index under concurrent transactions, checked by replay.
 *
 * Transactions of a few operations (read, insert, update, delete, scans in both directions and of snapshots, half of
 * them with a cursor) run on a small key space, so that splits, merges and conflicts are frequent. Each committed
 * transaction records its operations and their answers. Afterwards the test replays all records in timestamp order on
 * an array. Every answer must be the array's, phantoms included, since the engine claims to be serializable in
 * timestamp order. Then the test verifies the whole database.
 * whole database.
 *   - interleaved: several workers on one thread, one operation at a time in random order. Few aborts are by chance.
 *   - threaded: workers on threads of their own.
 *
 * How to read a failure: "answer differs" names the transaction's timestamp, the operation and both answers. Either the
 * transaction saw a state that no serial order explains, or the index lost an entry. MAE_SEED repeats the requests; the
 * interleaved runs then differ only in timestamps. Catches the mutations skip_leaf_validation and skip_miss_validation.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/maemio.h"

enum { KEYS = 2400, QUEUES = 4, ACTORS_MAX = 8, OPERATIONS_MAX = 6, TRANSACTIONS_MAX = 20000 };

enum operation_kind { OP_READ, OP_INSERT, OP_UPDATE, OP_DELETE, OP_SCAN };

struct operation {
    enum operation_kind kind;
    uint32_t lo, hi; /* keys; lo is the key of the others */
    bool backward;
    uint32_t limit;
    uint64_t value; /* what is written */
    /* The answer. */
    bool found;
    uint64_t answer; /* value read, or a digest of what was scanned */
};

struct record {
    uint64_t ts;
    unsigned count;
    struct operation operations[OPERATIONS_MAX];
};

struct world {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    size_t key_bytes; /* 0: keys of variable length */
    bool queues;
};

/* A worker, its random numbers and what it did. */
struct actor {
    struct world *world;
    unsigned number;
    uint64_t random, values;
    struct mae_worker *worker;
    struct mae_txn *txn;
    bool snapshot, failed;
    enum mae_status unexpected; /* a status that must not occur */
    bool lost_commit;           /* committed although an entry led nowhere */
    bool lost;
    unsigned target; /* committed transactions wanted */
    struct record *records;
    unsigned count;
    uint64_t aborts;
    struct operation last_scan;
    uint32_t last_key;
    bool last_any;
};

static uint64_t first_seed;

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t random_below(struct actor *actor, uint32_t n)
{
    return (uint32_t)(random_next(&actor->random) % n);
}

/* A key of variable length: the number with two digits, between bytes that all keys have and so many that nodes with
 * long keys and with short ones are split and merged. */
static void encode_variable(char *bytes, uint32_t key)
{
    const size_t behind = key % 3 == 0 ? key * 7 % 240 : key % 5;
    memset(bytes + 1, 'k', 9);
    bytes[10] = (char)(key >> 8);
    bytes[11] = (char)key;
    memset(bytes + 12, 'x', behind);
    bytes[0] = (char)(11 + behind);
}

static void encode(const struct world *world, char *bytes, uint32_t key)
{
    if (world->key_bytes == 0) {
        encode_variable(bytes, key);
        return;
    }
    const uint64_t number = key;
    if (world->key_bytes == sizeof(number)) {
        memcpy(bytes, &number, sizeof(number));
        return;
    }
    memset(bytes, 'k', world->key_bytes);
    for (size_t i = 0; i < sizeof(number); i++)
        bytes[world->key_bytes - 1 - i] = (char)(number >> (8 * i));
}

static uint32_t decode(const struct world *world, const void *key)
{
    uint64_t number = 0;
    if (world->key_bytes == sizeof(number)) {
        memcpy(&number, key, sizeof(number));
        return (uint32_t)number;
    }
    const unsigned char *const bytes = key;
    if (world->key_bytes == 0)
        return (uint32_t)(bytes[10] << 8 | bytes[11]);
    for (size_t i = world->key_bytes - sizeof(number); i < world->key_bytes; i++)
        number = number << 8 | bytes[i];
    return (uint32_t)number;
}

static uint64_t digest_add(uint64_t digest, uint32_t key, uint64_t value)
{
    uint64_t state = digest ^ ((uint64_t)key << 32) ^ value;
    return random_next(&state);
}

/* ---- Asking the engine. ---- */

struct scan {
    struct actor *actor;
    enum mae_status status;
    uint64_t digest;
    uint32_t last_key;
    bool any;
};

static bool visit(void *arg, const void *key, uint64_t row)
{
    struct scan *const scan = arg;
    const void *data;
    scan->status = mae_row_read(scan->actor->txn, scan->actor->world->table, row, &data, NULL);
    if (scan->status != MAE_OK)
        return false;
    scan->last_key = decode(scan->actor->world, key);
    scan->any = true;
    scan->digest = digest_add(scan->digest, scan->last_key, *(const uint64_t *)data);
    return true;
}

/* The same entries with a cursor, which searches again at random: the transaction removes nothing and adds nothing, but
 * rolls back to a savepoint. */
static enum mae_status walk(struct actor *actor, const struct operation *operation, const void *lo, const void *hi,
                            struct scan *scan)
{
    struct mae_cursor *cursor;
    const void *key;
    uint64_t row, mark, count = 0;
    enum mae_status status =
        mae_cursor_open(actor->txn, actor->world->index, lo, hi, operation->backward ? MAE_SCAN_BACKWARD : 0, &cursor);
    if (status != MAE_OK)
        return status;
    while ((operation->limit == 0 || count++ < operation->limit) && status == MAE_OK) {
        status = mae_cursor_next(cursor, &key, &row);
        if (status == MAE_OK && !visit(scan, key, row))
            break;
        if (status == MAE_OK && !actor->snapshot && row % 8 == 0) {
            status = mae_savepoint(actor->txn, &mark);
            if (status == MAE_OK)
                status = mae_rollback_to(actor->txn, mark);
            if (status == MAE_OK)
                status = mae_release(actor->txn, mark);
        }
    }
    mae_cursor_close(cursor);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

static enum mae_status ask(struct actor *actor, struct operation *operation)
{
    struct world *const world = actor->world;
    char key[sizeof(struct mae_key)], hi[sizeof(struct mae_key)];
    encode(world, key, operation->lo);
    enum mae_status status = MAE_OK;
    const void *old;
    void *data;
    uint64_t row;
    switch (operation->kind) {
    case OP_READ:
        status = mae_read(actor->txn, world->index, key, &old, NULL);
        if (status == MAE_OK)
            operation->answer = *(const uint64_t *)old;
        break;
    case OP_INSERT:
        status = mae_insert(actor->txn, world->index, key, sizeof(uint64_t), &row, &data);
        if (status == MAE_OK)
            *(uint64_t *)data = operation->value;
        break;
    case OP_UPDATE:
        status = mae_update(actor->txn, world->index, key, 0, &old, &data);
        if (status == MAE_OK) {
            operation->answer = *(const uint64_t *)old;
            *(uint64_t *)data = operation->value;
        }
        break;
    case OP_DELETE:
        status = mae_delete(actor->txn, world->index, key);
        break;
    case OP_SCAN: {
        struct scan scan = {.actor = actor};
        encode(world, hi, operation->hi);
        /* The whole key space is asked for with open ends. */
        const void *const from = operation->lo == 0 ? NULL : key, *const to = operation->hi == KEYS ? NULL : hi;
        if (operation->value % 2)
            status = walk(actor, operation, from, to, &scan);
        else
            status = mae_index_scan(actor->txn, world->index, from, to, operation->backward ? MAE_SCAN_BACKWARD : 0,
                                    operation->limit, visit, &scan);
        operation->answer = scan.digest;
        actor->last_key = scan.last_key;
        actor->last_any = scan.any;
        if (status == MAE_OK && scan.status == MAE_NOT_FOUND)
            actor->lost = true; /* an outdated leaf; validation must find that out */
        else if (status == MAE_OK)
            status = scan.status;
        break;
    }
    }
    operation->found = status == MAE_OK;
    return status;
}

/* ---- What to ask. ---- */

static struct operation random_operation(struct actor *actor)
{
    struct operation operation = {
        .kind = (enum operation_kind)random_below(actor, 5),
        .lo = random_below(actor, KEYS),
        .value = (uint64_t)(actor->number + 1) << 40 | ++actor->values,
    };
    if (operation.kind == OP_SCAN) {
        operation.hi = operation.lo + random_below(actor, random_below(actor, 10) == 0 ? KEYS : 60);
        if (operation.hi > KEYS || random_below(actor, 40) == 0)
            operation.hi = KEYS;
        if (random_below(actor, 40) == 0)
            operation.lo = 0;
        operation.backward = random_below(actor, 2);
        operation.limit = random_below(actor, 3) == 0 ? 1 + random_below(actor, 40) : 0;
    }
    if (actor->snapshot)
        operation.kind = operation.kind == OP_SCAN || random_below(actor, 2) ? OP_SCAN : OP_READ;
    if (operation.kind == OP_SCAN && operation.hi == 0)
        operation.hi = KEYS;
    return operation;
}

/* A queue is a part of the key space, filled at its end, emptied at its front: a scan for the end, then the change. */
static struct operation queue_operation(struct actor *actor, unsigned step)
{
    enum { PART = KEYS / QUEUES };
    if (step % 2 == 0 || actor->snapshot) {
        const uint32_t lo = 1 + random_below(actor, QUEUES) * PART;
        return actor->last_scan = (struct operation){
                   .kind = OP_SCAN, .lo = lo, .hi = lo + PART - 2, .limit = 1, .backward = random_below(actor, 5) < 3};
    }
    struct operation operation = {.kind = OP_DELETE, .lo = actor->last_key};
    if (actor->last_scan.backward || !actor->last_any) {
        operation.kind = OP_INSERT;
        operation.lo = actor->last_any ? actor->last_key + 1 : actor->last_scan.lo;
        operation.value = (uint64_t)(actor->number + 1) << 40 | ++actor->values;
        if (operation.lo > actor->last_scan.hi)
            operation.kind = OP_DELETE, operation.lo = actor->last_scan.lo;
    }
    return operation;
}

/* ---- An actor's steps. Each does one operation, the first begins, the last commits. ---- */

static bool step(struct actor *actor)
{
    struct record *const record = &actor->records[actor->count];
    if (actor->txn == NULL) {
        actor->snapshot = random_below(actor, 10) == 0;
        const enum mae_status status =
            mae_begin(actor->worker, actor->snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &actor->txn);
        if (status != MAE_OK) {
            actor->unexpected = status;
            return false;
        }
        record->count = 0;
        actor->lost = actor->failed = false;
    }
    const unsigned wanted = actor->world->queues ? 2 : 1 + random_below(actor, OPERATIONS_MAX);
    struct operation *const operation = &record->operations[record->count];
    *operation = actor->world->queues ? queue_operation(actor, record->count) : random_operation(actor);
    const enum mae_status status = ask(actor, operation);
    record->count++;
    if (mae_status_is_abort(status)) {
        if (actor->snapshot || !mae_status_is_retryable(status))
            actor->unexpected = status;
        mae_abort(actor->txn);
        actor->txn = NULL;
        actor->aborts++;
        return actor->unexpected == MAE_OK;
    }
    if (status != MAE_OK && status != MAE_NOT_FOUND && status != MAE_EXISTS) {
        actor->unexpected = status;
        return false;
    }
    if (!actor->lost && record->count < wanted)
        return true;
    const enum mae_status end = mae_commit(actor->txn);
    record->ts = mae_txn_timestamp(actor->txn); /* final by now */
    actor->txn = NULL;
    if (end == MAE_OK) {
        actor->lost_commit |= actor->lost;
        actor->count++;
    } else {
        if (actor->snapshot || !mae_status_is_retryable(end))
            actor->unexpected = end;
        actor->aborts++;
    }
    return actor->unexpected == MAE_OK && !actor->lost_commit && actor->count < actor->target;
}

static void *run_thread(void *arg)
{
    struct actor *const actor = arg;
    actor->unexpected = mae_worker_join(actor->world->db, &actor->worker);
    if (actor->unexpected != MAE_OK)
        return NULL;
    uint64_t aborts = 0;
    while (step(actor)) {
        if (actor->aborts != aborts)
            mae_backoff(actor->worker);
        aborts = actor->aborts;
    }
    mae_worker_leave(actor->worker);
    return NULL;
}

/* ---- Replay. ---- */

static bool array_ask(uint64_t *values, const struct operation *operation, uint64_t *answer)
{
    *answer = operation->kind == OP_INSERT || operation->kind == OP_DELETE ? operation->answer : 0;
    uint64_t *const value = &values[operation->lo];
    switch (operation->kind) {
    case OP_READ:
        *answer = *value;
        return *value != 0;
    case OP_INSERT:
        if (*value != 0)
            return false;
        *value = operation->value;
        return true;
    case OP_UPDATE:
        *answer = *value;
        if (*value == 0)
            return false;
        *value = operation->value;
        return true;
    case OP_DELETE:
        if (*value == 0)
            return false;
        *value = 0;
        return true;
    case OP_SCAN:
        break;
    }
    uint32_t left = operation->limit == 0 ? UINT32_MAX : operation->limit;
    const uint32_t end = operation->hi >= KEYS ? KEYS - 1 : operation->hi;
    for (uint32_t i = 0; operation->lo + i <= end && left > 0; i++) {
        const uint32_t key = operation->backward ? end - i : operation->lo + i;
        if (values[key] == 0)
            continue;
        *answer = digest_add(*answer, key, values[key]);
        left--;
    }
    return true;
}

static int compare_records(const void *a, const void *b)
{
    const struct record *const x = *(const struct record *const *)a, *const y = *(const struct record *const *)b;
    return (x->ts > y->ts) - (x->ts < y->ts);
}

static void replay(const struct actor *actors, unsigned actor_count, uint64_t *values)
{
    size_t count = 0, next = 0;
    for (unsigned i = 0; i < actor_count; i++)
        count += actors[i].count;
    const struct record **const records = calloc(count, sizeof(const struct record *));
    assert_non_null(records);
    for (unsigned i = 0; i < actor_count; i++)
        for (unsigned n = 0; n < actors[i].count; n++)
            records[next++] = &actors[i].records[n];
    qsort(records, count, sizeof(records[0]), compare_records);
    for (size_t i = 0; i < count; i++) {
        for (unsigned n = 0; n < records[i]->count; n++) {
            const struct operation *const operation = &records[i]->operations[n];
            uint64_t answer;
            const bool found = array_ask(values, operation, &answer);
            if (found != operation->found || (found && answer != operation->answer))
                fail_msg("answer differs: transaction %" PRIx64 ", operation %u (kind %d, keys %" PRIu32 " to %" PRIu32
                         ", limit %" PRIu32 "%s): engine %d %" PRIx64 ", array %d %" PRIx64,
                         records[i]->ts, n, (int)operation->kind, operation->lo, operation->hi, operation->limit,
                         operation->backward ? ", backward" : "", operation->found, operation->answer, found, answer);
        }
    }
    free(records);
}

/* ---- Runs. ---- */

static struct world world_open(size_t key_bytes, bool queues)
{
    struct world world = {.key_bytes = key_bytes, .queues = queues};
    const struct mae_table_config table = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index = {.kind = MAE_INDEX_ORDERED,
                                           .key_bytes = key_bytes > 0 ? key_bytes : MAE_KEY_DATA_BYTES,
                                           .variable = key_bytes == 0};
    struct mae_options *const options = mae_options_create();
    assert_non_null(options);
    char error[200];
    assert_int_equal(mae_options_set(options, "memory_limit", "2G", error, sizeof(error)), MAE_OK);
    assert_int_equal(mae_open(options, &world.db), MAE_OK);
    mae_options_destroy(options);
    assert_int_equal(mae_table_create(world.db, "rows", &table, &world.table), MAE_OK);
    assert_int_equal(mae_index_create(world.db, world.table, "tree", &index, &world.index), MAE_OK);
    return world;
}

static void actors_init(struct world *world, struct actor *actors, unsigned count, unsigned transactions, uint64_t seed)
{
    for (unsigned i = 0; i < count; i++) {
        actors[i] = (struct actor){.world = world, .number = i, .random = seed * 1000 + i, .target = transactions};
        actors[i].records = calloc(transactions + 1u, sizeof(struct record));
        assert_non_null(actors[i].records);
    }
}

struct contents {
    struct actor *actor;
    const uint64_t *values;
    uint32_t next;
    bool wrong;
};

static bool compare_contents(void *arg, const void *key, uint64_t row)
{
    struct contents *const contents = arg;
    while (contents->next < KEYS && contents->values[contents->next] == 0)
        contents->next++;
    const void *data = NULL;
    const enum mae_status status = mae_row_read(contents->actor->txn, contents->actor->world->table, row, &data, NULL);
    contents->wrong = contents->wrong || status != MAE_OK || contents->next >= KEYS ||
                      decode(contents->actor->world, key) != contents->next ||
                      *(const uint64_t *)data != contents->values[contents->next];
    contents->next++;
    return !contents->wrong;
}

static void check_and_close(struct world *world, struct actor *actors, unsigned count)
{
    uint64_t *const values = calloc(KEYS + 1, sizeof(values[0]));
    uint64_t aborts = 0, commits = 0;
    assert_non_null(values);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(mae_status_name(actors[i].unexpected), "MAE_OK");
        assert_false(actors[i].lost_commit);
        assert_int_equal(actors[i].count, actors[i].target);
        aborts += actors[i].aborts;
        commits += actors[i].count;
    }
    replay(actors, count, values);

    struct actor reader = {.world = world};
    assert_int_equal(mae_worker_join(world->db, &reader.worker), MAE_OK);
    struct contents contents = {.actor = &reader, .values = values};
    enum mae_status status;
    do {
        contents.next = 0;
        assert_int_equal(mae_begin(reader.worker, MAE_READ_WRITE, 0, &reader.txn), MAE_OK);
        status = mae_index_scan(reader.txn, world->index, NULL, NULL, 0, 0, compare_contents, &contents);
        if (status == MAE_OK)
            status = mae_commit(reader.txn);
        else
            mae_abort(reader.txn);
    } while (mae_status_is_retryable(status));
    assert_int_equal(status, MAE_OK);
    assert_false(contents.wrong);
    while (contents.next < KEYS)
        assert_int_equal(values[contents.next++], 0);
    mae_worker_leave(reader.worker);

    char report[300] = "";
    if (mae_db_verify(world->db, report, sizeof(report)) != MAE_OK)
        fail_msg("%s", report);
    struct mae_space space;
    mae_index_space(world->index, &space);
    printf("%" PRIu64 " commits, %" PRIu64 " aborts, %" PRIu64 " nodes\n", commits, aborts, space.rows);
    if (world->queues)
        assert_true(space.rows < 200);
    for (unsigned i = 0; i < count; i++)
        free(actors[i].records);
    free(values);
    mae_close(world->db);
}

static void run_interleaved(size_t key_bytes, bool queues, unsigned workers, unsigned transactions)
{
    struct world world = world_open(key_bytes, queues);
    struct actor actors[ACTORS_MAX];
    struct actor *going[ACTORS_MAX];
    uint64_t order = first_seed + key_bytes + queues;
    unsigned left = workers;
    actors_init(&world, actors, workers, transactions, first_seed + key_bytes);
    for (unsigned i = 0; i < workers; i++) {
        going[i] = &actors[i];
        assert_int_equal(mae_worker_join(world.db, &actors[i].worker), MAE_OK);
    }
    while (left > 0) {
        const unsigned i = (unsigned)(random_next(&order) % left);
        if (!step(going[i])) {
            if (going[i]->unexpected == MAE_OK)
                mae_worker_leave(going[i]->worker);
            going[i] = going[--left];
        }
    }
    check_and_close(&world, actors, workers);
}

static void run_threaded(size_t key_bytes, bool queues, unsigned threads, unsigned transactions)
{
    struct world world = world_open(key_bytes, queues);
    struct actor actors[ACTORS_MAX];
    pthread_t ids[ACTORS_MAX];
    actors_init(&world, actors, threads, transactions, first_seed + key_bytes);
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, run_thread, &actors[i]), 0);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    check_and_close(&world, actors, threads);
}

static void interleaved_transactions_agree_with_a_replay(void **state)
{
    (void)state;
    run_interleaved(8, false, 2, 6000);
    run_interleaved(8, false, 6, 3000);
    run_interleaved(20, false, 4, 3000);
    run_interleaved(64, false, 4, 3000); /* three levels */
    run_interleaved(0, false, 4, 3000);
}

static void interleaved_queues_agree_with_a_replay(void **state)
{
    (void)state;
    run_interleaved(8, true, 3, 6000);
    run_interleaved(64, true, 5, 3000);
    run_interleaved(0, true, 4, 3000);
}

static void threads_agree_with_a_replay(void **state)
{
    (void)state;
    run_threaded(8, false, 2, TRANSACTIONS_MAX);
    run_threaded(8, false, 4, TRANSACTIONS_MAX / 2);
    run_threaded(64, false, 8, TRANSACTIONS_MAX / 4);
    run_threaded(0, false, 4, TRANSACTIONS_MAX / 4);
}

static void threads_on_queues_agree_with_a_replay(void **state)
{
    (void)state;
    run_threaded(8, true, 2, TRANSACTIONS_MAX);
    run_threaded(8, true, 4, TRANSACTIONS_MAX / 4);
}

int main(void)
{
    const char *const text = getenv("MAE_SEED");
    first_seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    printf("seed %" PRIu64 " (MAE_SEED)\n", first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interleaved_transactions_agree_with_a_replay),
        cmocka_unit_test(interleaved_queues_agree_with_a_replay),
        cmocka_unit_test(threads_agree_with_a_replay),
        cmocka_unit_test(threads_on_queues_agree_with_a_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
