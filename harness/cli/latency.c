/* latency.c - `maemio latency FILE.csv...`: merges the histograms of --latency-csv. */

#include "harness/cli/commands.h"
#include "harness/record/csv.h"

/* Histograms of one configuration, transaction type and quantity, over workers, repetitions and files. */
struct merged {
    char *key; /* the fields of MERGED_COLUMNS as the CSV has them, each with a comma behind it */
    struct histogram *histogram;
};

struct merges {
    struct merged *items;
    size_t count;
};

#define MERGED_COLUMNS "config_hash", "label", "workload", "target", "threads", "txn_type", "quantity"
enum { MERGED_KEYS = sizeof((const char *[]){MERGED_COLUMNS}) / sizeof(const char *) };

static struct histogram *merged_find(struct merges *merges, const char *key)
{
    for (size_t i = 0; i < merges->count; i++)
        if (strcmp(merges->items[i].key, key) == 0)
            return merges->items[i].histogram;
    merges->items = support_more(merges->items, merges->count, sizeof *merges->items);
    struct histogram *fresh = support_alloc(sizeof *fresh);
    histogram_init(fresh);
    merges->items[merges->count++] = (struct merged){support_copy(key), fresh};
    return fresh;
}

static bool dump_read(struct merges *merges, const char *path, char *error)
{
    static const char *const names[] = {MERGED_COLUMNS, "row", "low", "high", "count", "sum"};
    enum { COLUMNS = sizeof names / sizeof names[0] };
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    int at[COLUMNS];
    if (!csv_table_read(&table, path, error))
        return false;
    for (size_t i = 0; i < COLUMNS; i++)
        if ((at[i] = csv_table_column(&table, names[i])) < 0)
            return support_error(error, CSV_TABLE_ERROR_BYTES, "%.500s: has no column '%s': it is not of --latency-csv",
                                 path, names[i]);
    for (size_t i = 0; i < table.row_count; i++) {
        SUPPORT_FREED struct support_text key = {0}, line = {0};
        char why[256];
        for (size_t j = 0; j < COLUMNS; j++) {
            csv_field_add(j < MERGED_KEYS ? &key : &line, table.rows[i].fields[at[j]]);
            support_text_add(j < MERGED_KEYS ? &key : &line, "%s", j + 1 < COLUMNS ? "," : "");
        }
        if (!histogram_load_line(merged_find(merges, key.text), line.text, why, sizeof why))
            return support_error_at(error, CSV_TABLE_ERROR_BYTES, path, table.rows[i].line, "%s", why);
    }
    return true;
}

static void merged_print(const struct merged *merged)
{
    struct latency_digest digest;
    latency_digest(merged->histogram, &digest);
    (void)printf("%s%llu,%.10g", merged->key, (unsigned long long)digest.count, digest.mean);
#define PERCENTILE_PRINT(name, percent) (void)printf(",%llu", (unsigned long long)digest.name);
    LATENCY_PERCENTILE_TABLE(PERCENTILE_PRINT)
    (void)printf(",%llu\n", (unsigned long long)digest.max);
}

enum exit_code latency_command(int argc, char **argv)
{
    struct command_line line = {
        .arguments = "LATENCY.csv...",
        .doc =
            "Merges the histograms of --latency-csv files over workers, repetitions and files, and prints a CSV: one "
            "row a configuration, label, transaction type and quantity (service_ns, response_ns, durable_ns, "
            "aborted_ns, call_ns, attempts), with count, mean, percentiles and maximum.",
        .least = 1,
        .most = SIZE_MAX,
        .wanted = "name a file"};
    struct merges merges = {0};
    char error[CSV_TABLE_ERROR_BYTES];
    bool fine = true;
    size_t files = command_read(&line, argc, argv);
    for (size_t i = 1; fine && i <= files; i++)
        fine = dump_read(&merges, argv[i], error);
    for (size_t i = 0; fine && i < merges.count; i++)
        fine = histogram_complete(merges.items[i].histogram) ||
               support_error(error, sizeof error, "some lines of '%.900s' are missing: totals and buckets do not agree",
                             merges.items[i].key);
    if (fine || support_complain(argv[0], "%s", error))
        (void)puts("config_hash,label,workload,target,threads,txn_type,quantity,count,mean"
#define PERCENTILE_NAME(name, percent) "," #name
                   LATENCY_PERCENTILE_TABLE(PERCENTILE_NAME) ",max");
    for (size_t i = 0; i < merges.count; i++) {
        if (fine)
            merged_print(&merges.items[i]);
        free(merges.items[i].key);
        free(merges.items[i].histogram);
    }
    free(merges.items);
    return command_end(argv[0], fine ? EXIT_FINE : EXIT_FAILED);
}
