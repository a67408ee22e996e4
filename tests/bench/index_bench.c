/*
 * index_bench.c - the ordered index against a plain B+-tree over the same keys: ns per insert, lookup and scanned
 * record.
 *
 *     index_bench [keys, default 1000000] [seed, default 1]
 *
 * One thread. The benchmark uses the index as a program would: in read-write transactions of BATCH operations (scans:
 * one each), validation and commit included; lookups and scans also in snapshot transactions. There are only entries,
 * no rows of data. mae_index_insert refuses such entries, so inserts call the function below it. Both trees are
 * measured in turns, ROUNDS times, and the median is printed. Inserts are measured while the tree grows from empty, in
 * random and in ascending order. Lookups and scans use the randomly filled trees. The keys are a permutation of
 * [0, keys).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/db/db.h"
#include "engine/maemio.h"
#include "tests/bench/plain_btree.h"

enum { BATCH = 16, SCAN_RECORDS = 100, ROUNDS = 5 };

static void die(const char *what, enum mae_status status)
{
    fprintf(stderr, "index_bench: %s: %s\n", what, mae_status_text(status));
    exit(1);
}

static void must(const char *what, enum mae_status status)
{
    if (status != MAE_OK)
        die(what, status);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
}

struct setting {
    uint64_t keys;
    uint64_t *order; /* the keys, permuted */
    struct mae_worker *worker;
    struct mae_index *index; /* filled at random */
    struct plain_btree *plain;
    uint64_t operations; /* lookups a round */
};

static uint64_t sink;

static bool add_up(void *arg, const void *key, uint64_t row)
{
    uint64_t *const sum = arg;
    *sum += *(const uint64_t *)key ^ row;
    return true;
}

/* ---- The index. ---- */

struct batch {
    struct mae_index *index;
    const uint64_t *keys;
    uint64_t count, sum;
};

static enum mae_status insert_batch(struct mae_txn *txn, void *arg)
{
    const struct batch *const batch = arg;
    enum mae_status status = MAE_OK;
    for (uint64_t i = 0; i < batch->count && status == MAE_OK; i++)
        status = tree_index_insert(txn, &batch->index->tree, &batch->keys[i], batch->keys[i]);
    return status;
}

static enum mae_status find_batch(struct mae_txn *txn, void *arg)
{
    struct batch *const batch = arg;
    enum mae_status status = MAE_OK;
    for (uint64_t i = 0; i < batch->count && status == MAE_OK; i++) {
        uint64_t row = 0;
        status = mae_index_find(txn, batch->index, &batch->keys[i], &row);
        batch->sum += row;
    }
    return status;
}

static enum mae_status scan_batch(struct mae_txn *txn, void *arg)
{
    struct batch *const batch = arg;
    return mae_index_scan(txn, batch->index, &batch->keys[0], NULL, 0, SCAN_RECORDS, add_up, &batch->sum);
}

/* Runs `body` over keys[0, count), `step` of them a transaction; ns in all. */
static double run_batches(const struct setting *setting, struct mae_index *index, const uint64_t *keys, uint64_t count,
                          uint64_t step, enum mae_mode mode, mae_body_fn body)
{
    struct batch batch = {.index = index};
    const double start = now_ns();
    for (uint64_t i = 0; i < count; i += step) {
        batch.keys = keys + i;
        batch.count = count - i < step ? count - i : step;
        must("a transaction", mae_run(setting->worker, mode, body, &batch, 0));
    }
    const double end = now_ns();
    sink += batch.sum;
    return end - start;
}

/* ---- Reporting. ---- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *samples, size_t count)
{
    qsort(samples, count, sizeof(samples[0]), compare_doubles);
    return samples[count / 2];
}

static void print_row(const char *what, double index_ns, double plain_ns)
{
    printf("%-28s %12.1f %12.1f %8.2f\n", what, index_ns, plain_ns, index_ns / plain_ns);
    fflush(stdout);
}

/* ---- Measurements. ---- */

static double plain_fill(struct plain_btree *tree, const uint64_t *keys, uint64_t count)
{
    const double start = now_ns();
    for (uint64_t i = 0; i < count; i++)
        if (!plain_btree_insert(tree, keys[i], keys[i]))
            die("insert into the plain tree", MAE_NO_MEMORY);
    return now_ns() - start;
}

static struct plain_btree *plain_open(void)
{
    struct plain_btree *const tree = plain_btree_create();
    if (tree == NULL)
        die("create the plain tree", MAE_NO_MEMORY);
    return tree;
}

static void measure_inserts(struct setting *setting, struct mae_db *db, struct mae_table *table)
{
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = sizeof(uint64_t)};
    const double n = (double)setting->keys;
    uint64_t *const ascending = malloc(setting->keys * sizeof(ascending[0]));
    struct plain_btree *const other = plain_open();
    struct mae_index *index;
    if (ascending == NULL)
        die("allocate keys", MAE_NO_MEMORY);
    for (uint64_t i = 0; i < setting->keys; i++)
        ascending[i] = i;

    must("create an index", mae_index_create(db, table, "random", &config, &setting->index));
    setting->plain = plain_open();
    const double plain_random = plain_fill(setting->plain, setting->order, setting->keys) / n;
    const double index_random =
        run_batches(setting, setting->index, setting->order, setting->keys, BATCH, MAE_READ_WRITE, insert_batch) / n;
    print_row("insert, random order", index_random, plain_random);

    must("create an index", mae_index_create(db, table, "ascending", &config, &index));
    const double plain_ascending = plain_fill(other, ascending, setting->keys) / n;
    const double index_ascending =
        run_batches(setting, index, ascending, setting->keys, BATCH, MAE_READ_WRITE, insert_batch) / n;
    print_row("insert, ascending order", index_ascending, plain_ascending);
    plain_btree_destroy(other);
    free(ascending);
}

static void measure_lookups(const struct setting *setting, enum mae_mode mode, const char *what)
{
    double index_ns[ROUNDS], plain_ns[ROUNDS];
    const double n = (double)setting->operations;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint64_t *const keys = setting->order + random_below(setting->keys - setting->operations + 1);
        uint64_t sum = 0, value = 0;
        const double start = now_ns();
        for (uint64_t i = 0; i < setting->operations; i++) {
            if (!plain_btree_find(setting->plain, keys[i], &value))
                die("find in the plain tree", MAE_NOT_FOUND);
            sum += value;
        }
        plain_ns[round] = (now_ns() - start) / n;
        sink += sum;
        index_ns[round] = run_batches(setting, setting->index, keys, setting->operations, BATCH, mode, find_batch) / n;
    }
    print_row(what, median(index_ns, ROUNDS), median(plain_ns, ROUNDS));
}

static void measure_scans(const struct setting *setting, enum mae_mode mode, const char *what)
{
    double index_ns[ROUNDS], plain_ns[ROUNDS];
    const uint64_t scans = setting->operations / 10;
    const double n = (double)(scans * SCAN_RECORDS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint64_t *const keys = setting->order + random_below(setting->keys - scans + 1);
        uint64_t sum = 0;
        const double start = now_ns();
        for (uint64_t i = 0; i < scans; i++)
            plain_btree_scan(setting->plain, keys[i], SCAN_RECORDS, add_up, &sum);
        plain_ns[round] = (now_ns() - start) / n;
        sink += sum;
        index_ns[round] = run_batches(setting, setting->index, keys, scans, 1, mode, scan_batch) / n;
    }
    print_row(what, median(index_ns, ROUNDS), median(plain_ns, ROUNDS));
}

static uint64_t number_argument(const char *text, const char *what, uint64_t least)
{
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least) {
        fprintf(stderr, "index_bench: %s is \"%s\", must be a whole number of at least %" PRIu64 "\n", what, text,
                least);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct setting setting = {.keys = argc > 1 ? number_argument(argv[1], "the number of keys", 1000) : 1000000};
    random_state = argc > 2 ? number_argument(argv[2], "the seed", 0) : 1;
    if (argc > 3) {
        fprintf(stderr, "usage: index_bench [keys] [seed]\n");
        return 2;
    }
    setting.operations = setting.keys < 1000000 ? setting.keys : 1000000;
    setting.order = malloc(setting.keys * sizeof(setting.order[0]));
    if (setting.order == NULL)
        die("allocate keys", MAE_NO_MEMORY);
    for (uint64_t i = 0; i < setting.keys; i++) {
        const uint64_t j = random_below(i + 1);
        setting.order[i] = setting.order[j];
        setting.order[j] = i;
    }

    struct mae_db *db;
    struct mae_table *table;
    const struct mae_table_config table_config = {.payload_max_bytes = 8};
    must("open", mae_open(NULL, &db));
    must("create a table", mae_table_create(db, "records", &table_config, &table));
    must("join", mae_worker_join(db, &setting.worker));

    printf("%" PRIu64 " keys, %d operations a transaction, scans of %d; ns each\n", setting.keys, BATCH, SCAN_RECORDS);
    printf("%-28s %12s %12s %8s\n", "", "index", "plain", "ratio");
    measure_inserts(&setting, db, table);
    measure_lookups(&setting, MAE_READ_WRITE, "lookup");
    measure_lookups(&setting, MAE_SNAPSHOT, "lookup, snapshot");
    measure_scans(&setting, MAE_READ_WRITE, "scanned record");
    measure_scans(&setting, MAE_SNAPSHOT, "scanned record, snapshot");
    struct mae_space space;
    mae_index_space(setting.index, &space);
    printf("bytes a key: index %.1f, plain %.1f (check sum %" PRIu64 ")\n",
           (double)(space.row_bytes + space.version_bytes) / (double)setting.keys,
           (double)plain_btree_bytes(setting.plain) / (double)setting.keys, sink);

    mae_worker_leave(setting.worker);
    mae_close(db);
    plain_btree_destroy(setting.plain);
    free(setting.order);
    return 0;
}
