/* counter.c - a counter that survives kill -9: it prints a number only when the number is safe on the disk.
 *     cc counter.c $(pkg-config --cflags --libs maemio) -o counter && ./counter FOLDER 1000
 * Kill it, start it again: it goes on at or above the last number that it has printed. */
#include <maemio.h>
#include <stdio.h>
#include <stdlib.h>

static struct mae_index *by_name;
static const uint64_t name = 1; /* the counter's key */

static void must(enum mae_status status, const char *what)
{
    if (status != MAE_OK) {
        fprintf(stderr, "counter: %s: %s %s\n", what, mae_status_text(status), mae_open_problem());
        exit(EXIT_FAILURE);
    }
}

static struct mae_db *open_folder(const char *folder, const char *durability)
{
    struct mae_options *options = mae_options_create();
    struct mae_db *db;
    must(options ? MAE_OK : MAE_NO_MEMORY, "options");
    must(mae_options_set(options, "durability", durability, NULL, 0), "durability");
    must(mae_options_set(options, "log_dir", folder, NULL, 0), "log_dir");
    must(mae_open(options, &db), "open");
    mae_options_destroy(options);
    return db;
}

/* The first time there are no tables yet; later mae_open restores them. A kill may come between the two. */
static void find_or_make(struct mae_db *db)
{
    const struct mae_table_config table_config = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index_config = {.kind = MAE_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    struct mae_table *table = mae_table_find(db, "counters");
    if (!table)
        must(mae_table_create(db, "counters", &table_config, &table), "table");
    by_name = mae_index_by_name(db, "by name");
    if (!by_name)
        must(mae_index_create(db, table, "by name", &index_config, &by_name), "index");
}

static enum mae_status count(struct mae_txn *txn, void *arg)
{
    void *data;
    enum mae_status status = mae_update(txn, by_name, &name, 0, NULL, &data);
    if (status == MAE_NOT_FOUND) {
        status = mae_insert(txn, by_name, &name, sizeof(uint64_t), NULL, &data);
        if (status == MAE_OK)
            *(uint64_t *)data = 0;
    }
    if (status == MAE_OK)
        *(uint64_t *)arg = ++*(uint64_t *)data;
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: counter FOLDER HOW_OFTEN [DURABILITY]\n");
        return EXIT_FAILURE;
    }
    struct mae_db *db = open_folder(argv[1], argc > 3 ? argv[3] : "sync");
    struct mae_worker *worker;
    find_or_make(db);
    must(mae_worker_join(db, &worker), "join");
    for (unsigned long left = strtoul(argv[2], NULL, 10); left > 0; left--) {
        uint64_t value;
        must(mae_run(worker, MAE_READ_WRITE, count, &value, 0), "count"); /* with sync it returns when it is safe */
        printf("%llu\n", (unsigned long long)value);
        fflush(stdout);
    }
    mae_worker_leave(worker);
    must(mae_close(db), "close");
    return EXIT_SUCCESS;
}
