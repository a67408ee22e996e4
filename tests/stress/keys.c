/*
 * keys.c - many workers insert, delete and miss the same few keys: phantoms, reused rows, growing and shrinking
 * indexes.
 *
 *   pairs      of the keys k and k + PAIRS at most one may exist. A transaction inserts one only if it has missed both.
 *              That is write skew on misses: the rule breaks as soon as a miss is not validated.
 *   movers     of each pair exactly one key exists. A move deletes one and inserts the other; readers must miss one and
 *              hit one. Each insert takes a row that a delete has freed, so an entry that leads to a reused row shows.
 *   renamers   as movers, but a move removes the entry and adds another for the same row, which it does not write.
 *              Other transactions write rows blindly, by key. A use of a removed entry shows as two keys of one row.
 *   growth     each worker inserts keys of its own as fast as it can and deletes half of them, while workers split the
 *              buckets of the hash index. At the end exactly the right keys exist.
 *
 * The scenarios run with the hash index and the ordered one, and with several options. Each row carries its key. Each
 * run ends with mae_db_verify, exact counts, and a lookup of every key.
 *
 * How to read a failure: as in rows.c. Catches the mutations skip_miss_validation, skip_leaf_validation,
 * lost_tombstone, row_free_early, skip_check, skip_read_check, gc_early and entry_move_untouched.
 */
#include "tests/support/world.h"

#include <inttypes.h>

enum { PAIRS = 6, WORKERS_MAX = 32, OWN_KEYS = 4096 };

static const struct {
    const char *options;
    unsigned workers;
} settings[] = {
    {"", 2},
    {"gc_interval_us=1", 4},
    {"gc_interval_us=1 inline_bytes=0", 3},
    {"timestamps=central gc_interval_us=1", 4},
    {"pending=skip precheck=off gc_interval_us=1", 4},
    {"pending=abort backoff=off", 8},
    {"restamp=extend gc_interval_us=1", 4},
    {"elder_after=1 gc_interval_us=1", 4},
    {"early_abort_newer=off sort_writes=off gc_interval_us=1 clock_sync_us=1", 32},
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

struct payload {
    uint64_t key, check; /* check is the key's complement */
};

struct actor;

struct scenario {
    const char *name;
    mae_body_fn body;
    bool exactly_one; /* of each pair, from the beginning */
    bool own_keys;
    bool renames; /* a row has the key it was last written under, of its pair's two */
};

struct actor {
    struct world *world;
    const struct scenario *scenario;
    struct mae_worker *worker;
    unsigned number, ms;
    uint64_t start_ns, random;
    uint64_t inserted, deleted, commits;
    uint64_t next_own; /* growth: keys below were inserted */
    const char *problem;
    enum mae_status failure;
    /* Of the running transaction. */
    uint64_t inserts, deletes, own;
    bool wrong;
};

static void problem(struct actor *actor, const char *text)
{
    if (!actor->problem)
        actor->problem = text;
}

/* Whether the key is there; a row that is not the key's is a problem even in a transaction that aborts later. */
static enum mae_status look(struct actor *actor, struct mae_txn *txn, uint64_t key, bool *there)
{
    const void *data;
    size_t bytes;
    enum mae_status status = mae_read(txn, actor->world->index, &key, &data, &bytes);
    *there = status == MAE_OK;
    if (status == MAE_OK) {
        const struct payload *payload = data;
        if (bytes != sizeof *payload || payload->check != ~payload->key)
            problem(actor, "a payload is torn");
        else if (payload->key != key && !(actor->scenario->renames && payload->key % PAIRS == key % PAIRS))
            actor->wrong = true; /* of a row reused meanwhile: such a transaction must not commit */
    }
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* Both are called where the transaction has seen that they should work. If one does not, others have changed what was
 * seen; then trying to commit must fail. */
static enum mae_status insert(struct actor *actor, struct mae_txn *txn, uint64_t key)
{
    void *data;
    const void *old = NULL;
    bool upserts = random_below(&actor->random, 2);
    enum mae_status status =
        upserts ? mae_upsert(txn, actor->world->index, &key, sizeof(struct payload), &old, NULL, &data, NULL)
                : mae_insert(txn, actor->world->index, &key, sizeof(struct payload), NULL, &data);
    if (status == MAE_OK)
        *(struct payload *)data = (struct payload){key, ~key};
    actor->inserts += status == MAE_OK;
    actor->wrong |= status == MAE_EXISTS || old;
    return status == MAE_EXISTS ? MAE_OK : status;
}

static enum mae_status delete (struct actor *actor, struct mae_txn *txn, uint64_t key) {
    enum mae_status status = mae_delete(txn, actor->world->index, &key); actor->deletes += status == MAE_OK;
    actor->wrong |= status == MAE_NOT_FOUND;
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

static void start(struct actor *actor)
{
    actor->inserts = actor->deletes = 0;
    actor->wrong = false;
}

static enum mae_status look_at_pair(struct actor *actor, struct mae_txn *txn, uint64_t key, bool there[2])
{
    enum mae_status status = look(actor, txn, key, &there[0]);
    return status == MAE_OK ? look(actor, txn, key + PAIRS, &there[1]) : status;
}

static enum mae_status pair_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    bool there[2];
    uint64_t key = random_below(&actor->random, PAIRS);
    start(actor);
    enum mae_status status = look_at_pair(actor, txn, key, there);
    if (status != MAE_OK)
        return status;
    actor->wrong |= there[0] && there[1];
    if (there[0] || there[1])
        return random_below(&actor->random, 2) ? delete (actor, txn, there[0] ? key : key + PAIRS) : MAE_OK;
    return insert(actor, txn, random_below(&actor->random, 2) ? key : key + PAIRS);
}

static enum mae_status move_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    bool there[2];
    start(actor);
    if (random_below(&actor->random, 3) == 0) { /* a reader of everything */
        for (uint64_t key = 0; key < PAIRS; key++) {
            enum mae_status status = look_at_pair(actor, txn, key, there);
            if (status != MAE_OK)
                return status;
            actor->wrong |= there[0] == there[1];
        }
        return MAE_OK;
    }
    uint64_t key = random_below(&actor->random, PAIRS);
    enum mae_status status = look_at_pair(actor, txn, key, there);
    if (status != MAE_OK)
        return status;
    actor->wrong |= there[0] == there[1];
    if (there[0] == there[1])
        return MAE_OK;
    status = delete (actor, txn, there[0] ? key : key + PAIRS);
    if (status == MAE_OK)
        status = insert(actor, txn, there[0] ? key + PAIRS : key);
    return status;
}

static enum mae_status rename_key(struct actor *actor, struct mae_txn *txn, uint64_t from, uint64_t to)
{
    uint64_t row;
    struct mae_index *index = actor->world->index;
    enum mae_status status = mae_index_find(txn, index, &from, &row);
    if (status == MAE_OK)
        status = mae_index_remove(txn, index, &from, row);
    if (status == MAE_OK)
        status = mae_index_insert(txn, index, &to, row);
    actor->wrong |= status == MAE_NOT_FOUND || status == MAE_EXISTS;
    return status == MAE_NOT_FOUND || status == MAE_EXISTS ? MAE_OK : status;
}

static enum mae_status rename_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    bool there[2];
    uint64_t key = random_below(&actor->random, PAIRS), what = random_below(&actor->random, 4);
    start(actor);
    if (what == 0) { /* blindly, and knowing of one key only */
        void *data;
        uint64_t one = key + PAIRS * random_below(&actor->random, 2);
        enum mae_status status = mae_overwrite(txn, actor->world->index, &one, sizeof(struct payload), &data);
        if (status == MAE_OK)
            *(struct payload *)data = (struct payload){one, ~one};
        return status == MAE_NOT_FOUND ? MAE_OK : status;
    }
    if (what == 1) {
        uint64_t keys[2] = {key, key + PAIRS};
        mae_prefetch(txn, actor->world->index, keys, 2);
    }
    enum mae_status status = look_at_pair(actor, txn, key, there);
    if (status != MAE_OK)
        return status;
    actor->wrong |= there[0] == there[1];
    if (there[0] == there[1] || what == 1)
        return MAE_OK;
    return rename_key(actor, txn, there[0] ? key : key + PAIRS, there[0] ? key + PAIRS : key);
}

static uint64_t own_key(const struct actor *actor, uint64_t i)
{
    return (i << 8 | actor->number) + 2 * PAIRS;
}

static enum mae_status growth_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    bool there;
    start(actor);
    actor->own = 0;
    if (actor->next_own == OWN_KEYS) { /* enough: look for what is there */
        uint64_t i = random_below(&actor->random, OWN_KEYS);
        enum mae_status status = look(actor, txn, own_key(actor, i), &there);
        actor->wrong |= there != i % 2;
        return status;
    }
    /* Two more, of which the one before goes again; a lookup of another worker's key is a miss or a hit. */
    for (unsigned n = 0; n < 2; n++) {
        enum mae_status status = insert(actor, txn, own_key(actor, actor->next_own + n));
        if (status != MAE_OK)
            return status;
        actor->own++;
    }
    enum mae_status status = delete (actor, txn, own_key(actor, actor->next_own));
    if (status != MAE_OK)
        return status;
    struct actor other = {.number = (unsigned)random_below(&actor->random, 4)};
    return look(actor, txn, own_key(&other, random_below(&actor->random, actor->next_own + 1)), &there);
}

/* In a snapshot, the same invariants. */
static enum mae_status snapshot_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    start(actor);
    for (uint64_t key = 0; key < PAIRS && !actor->scenario->own_keys; key++) {
        bool there[2];
        enum mae_status status = look_at_pair(actor, txn, key, there);
        if (status != MAE_OK)
            return status;
        actor->wrong |= there[0] && there[1];
        actor->wrong |= actor->scenario->exactly_one && !there[0] && !there[1];
    }
    return MAE_OK;
}

static const struct scenario scenarios[] = {
    {"pairs", pair_body, false, false, false},
    {"movers", move_body, true, false, false},
    {"growth", growth_body, false, true, false},
    {"renamers", rename_body, true, false, true},
};

/* Changes keys and takes that back: as if it had not been. */
static enum mae_status undone(struct actor *actor, struct mae_txn *txn)
{
    struct mae_index *index = actor->world->index;
    uint64_t mark;
    enum mae_status status = mae_savepoint(txn, &mark);
    for (uint64_t n = 1 + random_below(&actor->random, 4); n > 0 && !mae_status_is_abort(status); n--) {
        uint64_t key = random_below(&actor->random, 2 * PAIRS), what = random_below(&actor->random, 3);
        void *data = NULL;
        if (what == 0)
            status = mae_insert(txn, index, &key, sizeof(struct payload), NULL, &data);
        else if (what == 1)
            status = mae_delete(txn, index, &key);
        else
            status = mae_overwrite(txn, index, &key, sizeof(struct payload), &data);
        if (status == MAE_OK && data)
            memset(data, 0xee, sizeof(struct payload));
    }
    return mae_status_is_abort(status) ? status : mae_rollback_to(txn, mark);
}

/* Now and then with changes before that are taken back. */
static enum mae_status scenario_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    enum mae_status status = random_below(&actor->random, 4) ? MAE_OK : undone(actor, txn);
    return status == MAE_OK ? actor->scenario->body(txn, arg) : status;
}

static void *thread_body(void *arg)
{
    struct actor *actor = arg;
    actor->failure = mae_worker_join(actor->world->db, &actor->worker);
    if (actor->failure != MAE_OK) {
        problem(actor, "joining failed");
        return NULL;
    }
    do { /* once at least, however late the thread begins */
        bool snapshot = random_below(&actor->random, 10) == 0;
        enum mae_status status = mae_run(actor->worker, snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE,
                                         snapshot ? snapshot_body : scenario_body, actor, 0);
        if (status != MAE_OK) {
            actor->failure = status;
            problem(actor, "a transaction failed for good");
            break;
        }
        if (actor->wrong)
            problem(actor, "a transaction that committed saw an inconsistent state");
        actor->commits++;
        actor->inserted += actor->inserts;
        actor->deleted += actor->deletes;
        if (!snapshot && actor->scenario->own_keys)
            actor->next_own += actor->own;
    } while (time_left(actor->start_ns, actor->ms) && !actor->problem);
    mae_worker_leave(actor->worker);
    return NULL;
}

static uint64_t count_keys(struct world *world, const struct actor *actors, unsigned workers,
                           const struct scenario *scenario)
{
    bool own_keys = scenario->own_keys;
    struct actor reader = {.world = world, .scenario = scenario};
    struct mae_txn *txn = begin(world->workers[0]);
    uint64_t count = 0;
    bool there;
    for (uint64_t key = 0; key < 2 * PAIRS; key++) {
        assert_ok(look(&reader, txn, key, &there));
        count += there;
    }
    for (unsigned a = 0; own_keys && a < workers; a++) {
        for (uint64_t i = 0; i < OWN_KEYS; i++) {
            assert_ok(look(&reader, txn, own_key(&actors[a], i), &there));
            assert_int_equal(there, i < actors[a].next_own && i % 2 == 1);
            count += there;
        }
    }
    assert_false(reader.wrong);
    assert_null(reader.problem);
    assert_ok(mae_commit(txn));
    return count;
}

static void run(const struct scenario *scenario, enum mae_index_kind kind, const char *options, unsigned workers,
                uint64_t seed)
{
    struct world world = world_open(options, kind, sizeof(struct payload), 1);
    struct actor *actors = calloc(workers, sizeof *actors);
    assert_non_null(actors);
    uint64_t entries = 0, commits = 0, deleted = 0;
    printf("%s, %s, %u workers, %s\n", scenario->name, kind == MAE_INDEX_HASH ? "hash" : "ordered", workers, options);
    fflush(stdout);
    if (scenario->exactly_one) {
        struct actor filler = {.world = &world, .scenario = scenario};
        struct mae_txn *txn = begin(world.workers[0]);
        for (uint64_t key = 0; key < PAIRS; key++)
            assert_ok(insert(&filler, txn, key));
        assert_ok(mae_commit(txn));
        entries = PAIRS;
    }
    world_leave(&world);
    uint64_t start_ns = monotonic_ns();
    for (unsigned i = 0; i < workers; i++)
        actors[i] = (struct actor){.world = &world,
                                   .scenario = scenario,
                                   .number = i,
                                   .ms = stress_ms() / 2,
                                   .start_ns = start_ns,
                                   .random = seed * 1000 + i};
    run_threads(workers, thread_body, actors, sizeof actors[0]);
    for (unsigned i = 0; i < workers; i++) {
        if (actors[i].problem)
            fail_msg("problem of worker %u: %s (%s)", i, actors[i].problem, mae_status_name(actors[i].failure));
        entries += actors[i].inserted - actors[i].deleted;
        commits += actors[i].commits;
        deleted += actors[i].deleted;
    }
    assert_true(commits > 0);
    world_verify(world.db);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    assert_int_equal(count_keys(&world, actors, workers, scenario), entries);
    struct mae_space space;
    mae_table_space(world.table, &space);
    assert_int_equal(space.rows, entries);
    if (deleted > 100000) /* ids are used again: otherwise there would be one for each insert */
        assert_true(mae_table_row_limit(world.table) < deleted / 2);
    free(actors);
    world_close(&world);
}

static uint64_t seed;

static void run_settings(const struct scenario *scenario, enum mae_index_kind kind)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        run(scenario, kind, settings[i].options, settings[i].workers, seed + i);
}

static void hash_pairs(void **state)
{
    (void)state;
    run_settings(&scenarios[0], MAE_INDEX_HASH);
}

static void hash_movers(void **state)
{
    (void)state;
    run_settings(&scenarios[1], MAE_INDEX_HASH);
}

static void hash_growth(void **state)
{
    (void)state;
    run_settings(&scenarios[2], MAE_INDEX_HASH);
}

static void hash_renamers(void **state)
{
    (void)state;
    run_settings(&scenarios[3], MAE_INDEX_HASH);
}

static void ordered_renamers(void **state)
{
    (void)state;
    run_settings(&scenarios[3], MAE_INDEX_ORDERED);
}

static void ordered_pairs(void **state)
{
    (void)state;
    run_settings(&scenarios[0], MAE_INDEX_ORDERED);
}

static void ordered_movers(void **state)
{
    (void)state;
    run_settings(&scenarios[1], MAE_INDEX_ORDERED);
}

static void ordered_growth(void **state)
{
    (void)state;
    run_settings(&scenarios[2], MAE_INDEX_ORDERED);
}

int main(void)
{
    seed = seed_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_pairs),    cmocka_unit_test(hash_movers),      cmocka_unit_test(hash_growth),
        cmocka_unit_test(ordered_pairs), cmocka_unit_test(ordered_movers),   cmocka_unit_test(ordered_growth),
        cmocka_unit_test(hash_renamers), cmocka_unit_test(ordered_renamers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
