/*
 * limit.c - many workers run into the memory limit and go on below it.
 *
 *   fill    every worker inserts and grows rows of its own until it has been refused memory often enough;
 *   churn   the workers insert, resize and delete for a while at the limit, whether refused or not;
 *   shrink  they delete three quarters of their rows, which must succeed at once or as soon as garbage is collected;
 *   again   they insert as many rows of that size as should fit, which must succeed likewise.
 *
 * A refused call changes nothing, so each worker knows the contents of its keys. In the end the test looks up all keys
 * and runs mae_db_verify. It runs with the hash index, the ordered index and the single-version index. The last has no
 * reserve for the nodes that a removal may need, so if every byte is live it refuses removals, too.
 *
 * How to read a failure: as in rows.c; "was refused for good" means that memory did not come free. churn runs for
 * MAE_STRESS_MS.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <poll.h>

enum { WORKERS = 4, OWN_KEYS = 20000, REFUSALS = 50, PATIENCE = 20000, LIMIT_MIB = 40 };
enum { BYTES_LEAST = 16, BYTES_MOST = 900 };

static const struct {
    const char *options;
    enum mae_index_kind kind;
    bool shrinks;
} settings[] = {
    {"", MAE_INDEX_HASH, true},
    {"inline_bytes=0", MAE_INDEX_HASH, true},
    {"", MAE_INDEX_ORDERED, true},
    {"simple_index_update=on", MAE_INDEX_ORDERED, false},
};

struct actor {
    struct world *world;
    struct mae_worker *worker;
    unsigned number;
    uint64_t random, start_ns;
    uint64_t refused, done;
    uint16_t bytes[OWN_KEYS]; /* 0: no row */
    enum mae_status failure;
    const char *problem;
};

struct change {
    struct mae_index *index;
    uint64_t key;
    size_t old_bytes, bytes;
};

/* Every byte of a row follows from its key and size. */
static unsigned char stamp(uint64_t key, size_t bytes)
{
    return (unsigned char)(key * 31 + bytes);
}

static bool row_is(const void *data, size_t found, uint64_t key, size_t bytes)
{
    const unsigned char *at = data;
    return found == bytes && memcmp(at, &key, sizeof key) == 0 && at[bytes - 1] == stamp(key, bytes);
}

static enum mae_status change_body(struct mae_txn *txn, void *arg)
{
    const struct change *change = arg;
    void *data;
    enum mae_status status;
    if (change->bytes == 0)
        return mae_delete(txn, change->index, &change->key);
    if (change->old_bytes == 0)
        status = mae_insert(txn, change->index, &change->key, change->bytes, NULL, &data);
    else
        status = mae_overwrite(txn, change->index, &change->key, change->bytes, &data);
    if (status != MAE_OK)
        return status;
    memset(data, stamp(change->key, change->bytes), change->bytes);
    memcpy(data, &change->key, sizeof change->key);
    return MAE_OK;
}

/* Gives own key i a row of so many bytes, 0: none. False if it was refused, or failed. */
static bool resize(struct actor *actor, unsigned i, size_t bytes)
{
    struct change change = {actor->world->index, (uint64_t)i * WORKERS + actor->number, actor->bytes[i], bytes};
    enum mae_status status = mae_run(actor->worker, MAE_READ_WRITE, change_body, &change, 0);
    if (status == MAE_NO_MEMORY) {
        actor->refused++;
        mae_worker_idle(actor->worker); /* the horizon may pass, and what is garbage come free */
        return false;
    }
    actor->failure = status;
    if (status == MAE_OK) {
        actor->bytes[i] = (uint16_t)bytes;
        actor->done++;
    }
    return status == MAE_OK;
}

/* As above, again and again while it is refused. */
static bool resize_patiently(struct actor *actor, unsigned i, size_t bytes)
{
    for (int tries = 0; tries < PATIENCE; tries++) {
        if (resize(actor, i, bytes))
            return true;
        if (actor->failure != MAE_OK)
            return false;
        if (tries > 100)
            (void)poll(NULL, 0, 1); /* others must run for memory to come free, and a busy machine may keep them */
    }
    actor->problem = bytes ? "an insert was refused for good" : "a delete was refused for good";
    return false;
}

static size_t random_bytes(struct actor *actor)
{
    return BYTES_LEAST + random_below(&actor->random, BYTES_MOST - BYTES_LEAST + 1);
}

static bool usable(const struct actor *actor)
{
    return actor->failure == MAE_OK && !actor->problem;
}

static void *fill_and_churn(void *arg)
{
    struct actor *actor = arg;
    for (unsigned i = 0; usable(actor) && actor->refused < REFUSALS; i = (i + 1) % OWN_KEYS)
        (void)resize(actor, i, actor->bytes[i] ? BYTES_MOST : random_bytes(actor));
    actor->start_ns = monotonic_ns();
    while (usable(actor) && time_left(actor->start_ns, stress_ms() / 4)) {
        unsigned i = (unsigned)random_below(&actor->random, OWN_KEYS);
        bool erase = actor->bytes[i] && random_below(&actor->random, 2);
        (void)resize(actor, i, erase ? 0 : random_bytes(actor));
    }
    mae_worker_idle(actor->worker);
    return NULL;
}

static void *shrink_and_grow(void *arg)
{
    struct actor *actor = arg;
    unsigned gone = 0;
    for (unsigned i = 0; usable(actor) && i < OWN_KEYS; i++)
        if (actor->bytes[i] && i % 4)
            gone += resize_patiently(actor, i, 0);
    for (unsigned i = 0; usable(actor) && i < OWN_KEYS && gone > 0; i++)
        if (!actor->bytes[i] && i % 2) {
            (void)resize_patiently(actor, i, BYTES_LEAST);
            gone--;
        }
    mae_worker_idle(actor->worker);
    return NULL;
}

static void expect_content(struct world *world, const struct actor *actor)
{
    for (unsigned i = 0; i < OWN_KEYS; i++) {
        uint64_t key = (uint64_t)i * WORKERS + actor->number;
        const void *data;
        size_t bytes = 0;
        struct mae_txn *txn = begin(world->workers[0]);
        enum mae_status status = mae_read(txn, world->index, &key, &data, &bytes);
        assert_int_equal(status, actor->bytes[i] ? MAE_OK : MAE_NOT_FOUND);
        if (status == MAE_OK && !row_is(data, bytes, key, actor->bytes[i]))
            fail_msg("key %" PRIu64 ": a row of %zu bytes, expected its own of %u", key, bytes, actor->bytes[i]);
        assert_ok(mae_commit(txn));
    }
}

static void expect_usable(const struct actor *actors, const char *options)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (!usable(&actors[i]))
            fail_msg("'%s': worker %u after %" PRIu64 " changes and %" PRIu64 " refusals: %s", options, i,
                     actors[i].done, actors[i].refused,
                     actors[i].problem ? actors[i].problem : mae_status_name(actors[i].failure));
}

static void the_limit_is_reached_and_left_again(void **state)
{
    static struct actor actors[WORKERS];
    uint64_t seed = seed_from_environment();
    (void)state;
    for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
        char options[256];
        snprintf(options, sizeof options, "memory_limit=%dM gc_interval_us=1 huge_pages=off %s", LIMIT_MIB,
                 settings[s].options);
        print_message("%s, %s index\n", options, settings[s].kind == MAE_INDEX_HASH ? "hash" : "ordered");
        struct world world = world_open(options, settings[s].kind, BYTES_MOST, WORKERS);
        memset(actors, 0, sizeof actors);
        for (unsigned i = 0; i < WORKERS; i++) {
            actors[i].world = &world;
            actors[i].worker = world.workers[i];
            actors[i].number = i;
            actors[i].random = seed + i;
        }
        run_threads(WORKERS, fill_and_churn, actors, sizeof actors[0]);
        expect_usable(actors, options);
        for (unsigned i = 0; i < WORKERS; i++)
            assert_true(actors[i].refused >= REFUSALS);
        if (settings[s].shrinks)
            run_threads(WORKERS, shrink_and_grow, actors, sizeof actors[0]);
        expect_usable(actors, options);
        for (unsigned i = 0; i < WORKERS; i++)
            expect_content(&world, &actors[i]);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_limit_is_reached_and_left_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
