/* loads.c - see loads.h. */
#include "tests/support/loads.h"

enum { STEP = LOADERS + 2, DISTURBER = LOADERS }; /* keys: of each loader, one free, one that only a disturber has */

struct payload {
    uint64_t who, number, key;
};

static uint64_t key_of(uint64_t loader, uint64_t number)
{
    return number * STEP + loader;
}

/* Rows that lie together in the table do not in this index. */
static uint64_t second_key_of(uint64_t key)
{
    return key * 7 % 64;
}

struct loads loads_open(const char *options, enum mae_index_kind kind, uint64_t rows)
{
    struct loads loads = {.world = world_open(options, kind, sizeof(struct payload), 0), .rows = rows};
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    assert_true(rows <= LOADS_ROWS_MAX);
    assert_ok(mae_index_create(loads.world.db, loads.world.table, "second", &config, &loads.second));
    return loads;
}

void loads_close(struct loads *loads)
{
    world_close(&loads->world);
}

/* ---- Loading. ---- */

struct source {
    const struct loads *loads;
    struct payload payload;
    uint64_t next, second;
    const void *keys[2];
};

static enum mae_status next_row(void *arg, struct mae_load_row *row)
{
    struct source *source = arg;
    if (source->next == source->loads->rows)
        return MAE_STOP;
    source->payload.number = source->next++;
    source->payload.key = key_of(source->payload.who, source->payload.number);
    source->second = second_key_of(source->payload.key);
    source->keys[0] = &source->payload.key;
    source->keys[1] = &source->second;
    *row = (struct mae_load_row){&source->payload, sizeof source->payload, source->keys};
    return MAE_OK;
}

const char *loads_load(struct loads *loads, struct mae_worker *worker, unsigned loader)
{
    struct source source = {.loads = loads, .payload = {.who = loader}};
    struct mae_index *const indexes[] = {loads->world.index, loads->second};
    enum mae_status status =
        mae_load(worker, loads->world.table, indexes, 2, next_row, &source, &loads->loaded[loader]);
    loads->ended[loader] = status;
    loads->last[loader] = mae_worker_last_commit(worker);
    if (status == MAE_OK && loads->loaded[loader] != loads->rows)
        return "a load ended well and has not loaded all rows";
    if (status == MAE_EXISTS && loads->loaded[loader] >= loads->rows)
        return "a load met a key of no row";
    return status == MAE_OK || status == MAE_EXISTS ? NULL : mae_status_name(status);
}

/* ---- Disturbing. ---- */

struct insertion {
    struct loads *loads;
    uint64_t key;
};

static enum mae_status insert_row(struct mae_txn *txn, void *arg)
{
    struct insertion *insertion = arg;
    uint64_t row, second = second_key_of(insertion->key);
    void *data;
    enum mae_status status =
        mae_insert(txn, insertion->loads->world.index, &insertion->key, sizeof(struct payload), &row, &data);
    if (status != MAE_OK)
        return status;
    memcpy(data, &(struct payload){DISTURBER, 0, insertion->key}, sizeof(struct payload));
    return mae_index_insert(txn, insertion->loads->second, &second, row);
}

const char *loads_disturb(struct loads *loads, struct mae_worker *worker, uint64_t *random)
{
    struct insertion insertion = {.loads = loads};
    const uint64_t loader = random_below(random, 8 * loads->rows) < LOADERS ? random_below(random, LOADERS) : DISTURBER;
    insertion.key = key_of(loader, random_below(random, loads->rows));
    enum mae_status status = mae_run(worker, MAE_READ_WRITE, insert_row, &insertion, 0);
    loads->last[DISTURBER] = mae_worker_last_commit(worker);
    return status == MAE_OK || status == MAE_EXISTS ? NULL : mae_status_name(status);
}

/* ---- Looking. ---- */

struct look {
    struct loads *loads;
    struct mae_txn *txn;
    uint64_t rows[LOADERS], others, entries; /* rows: of each load, the next one expected */
    bool clash[LOADERS];                     /* the next one's key is another's */
    const char *wrong;
};

/* Entries come in the order of keys, and so of the rows of each load. */
static enum mae_status see_row(struct look *look, uint64_t key, const struct payload *payload)
{
    const uint64_t loader = key % STEP, number = key / STEP;
    look->others += payload->who == DISTURBER;
    if (payload->key != key)
        look->wrong = "an entry leads to another row";
    if (loader >= LOADERS)
        return MAE_OK;
    if (payload->who == DISTURBER)
        look->clash[loader] |= number == look->rows[loader];
    else if (payload->who != loader || payload->number != number || look->rows[loader] != number)
        look->wrong = "a row of a load is there without the one before";
    else
        look->rows[loader]++;
    return MAE_OK;
}

static enum mae_status look_at_key(struct look *look, uint64_t key)
{
    const void *data;
    enum mae_status status = mae_read(look->txn, look->loads->world.index, &key, &data, NULL);
    if (status == MAE_NOT_FOUND)
        return MAE_OK;
    return status == MAE_OK ? see_row(look, key, data) : status;
}

static enum mae_status count_second(void *arg, const void *key, uint64_t row)
{
    struct look *look = arg;
    const void *data;
    uint64_t second;
    enum mae_status status = mae_row_read(look->txn, look->loads->world.table, row, &data, NULL);
    if (status != MAE_OK)
        return status;
    memcpy(&second, key, sizeof second);
    if (second != second_key_of(((const struct payload *)data)->key))
        look->wrong = "the second index has a wrong key";
    look->entries++;
    return MAE_OK;
}

static enum mae_status look_at_all(struct mae_txn *txn, void *arg)
{
    struct look *look = arg;
    *look = (struct look){.loads = look->loads, .txn = txn};
    enum mae_status status = MAE_OK;
    for (uint64_t key = 0; key < look->loads->rows * STEP && status == MAE_OK; key++)
        if (key % STEP <= DISTURBER)
            status = look_at_key(look, key);
    return status == MAE_OK ? mae_index_visit(txn, look->loads->second, NULL, NULL, 0, count_second, look) : status;
}

const char *loads_look(struct loads *loads, struct mae_worker *worker, bool snapshot, bool all)
{
    struct look look = {.loads = loads};
    uint64_t after = 0;
    for (unsigned i = 0; all && i <= LOADERS; i++)
        after = loads->last[i] > after ? loads->last[i] : after;
    enum mae_status status =
        mae_run_after(worker, snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, after, look_at_all, &look, 0);
    uint64_t sum = look.others;
    if (status != MAE_OK)
        return mae_status_name(status);
    for (unsigned i = 0; i < LOADERS; i++) {
        sum += look.rows[i];
        if (all && look.rows[i] != loads->loaded[i])
            return "another number of rows is there than the load has told";
        if (all && (loads->ended[i] == MAE_EXISTS) != look.clash[i])
            return "a load ended at a key that is free, or passed one that is not";
    }
    return look.wrong ? look.wrong : look.entries != sum ? "the indexes have different numbers of entries" : NULL;
}
