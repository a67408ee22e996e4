/* latency.c - `maemio latency FILE.csv...`: merges the histograms of --latency-csv. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/common/csv_table.h"
#include "harness/common/support.h"
#include "harness/record/csv.h"
#include "harness/record/latency.h"

/* Histograms of one configuration, transaction type and quantity, over workers, repetitions and files. */
enum { MERGED_KEYS = 7 }; /* config_hash, label, workload, target, threads, txn_type, quantity */

struct merged {
    char *keys[MERGED_KEYS];
    struct histogram *histogram;
};

struct merges {
    struct merged *items;
    size_t count;
};

static struct merged *merged_find(struct merges *merges, char *const fields[MERGED_KEYS])
{
    for (size_t i = 0; i < merges->count; i++) {
        bool same = true;
        for (size_t j = 0; same && j < MERGED_KEYS; j++)
            same = strcmp(merges->items[i].keys[j], fields[j]) == 0;
        if (same)
            return &merges->items[i];
    }
    merges->items = support_more(merges->items, merges->count, sizeof *merges->items);
    struct merged *fresh = &merges->items[merges->count++];
    for (size_t j = 0; j < MERGED_KEYS; j++)
        fresh->keys[j] = support_copy(fields[j]);
    fresh->histogram = support_alloc(sizeof *fresh->histogram);
    histogram_init(fresh->histogram);
    return fresh;
}

static bool dump_read(struct merges *merges, const char *path, char *error)
{
    static const char *const names[] = {"config_hash", "label", "workload", "target", "threads", "txn_type",
                                        "quantity",    "row",   "low",      "high",   "count",   "sum"};
    enum { COLUMNS = sizeof names / sizeof names[0] };
    struct csv_table table;
    int at[COLUMNS];
    if (!csv_table_read(&table, path, error))
        return false;
    bool fine = true;
    for (size_t i = 0; fine && i < COLUMNS; i++) {
        at[i] = csv_table_column(&table, names[i]);
        fine = at[i] >= 0;
        if (!fine)
            (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s: has no column '%s': it is not of --latency-csv", path,
                           names[i]);
    }
    for (size_t i = 0; fine && i < table.row_count; i++) {
        char *fields[COLUMNS], why[256], line[256];
        for (size_t j = 0; j < COLUMNS; j++)
            fields[j] = table.rows[i].fields[at[j]];
        (void)snprintf(line, sizeof line, "%s,%s,%s,%s,%s", fields[7], fields[8], fields[9], fields[10], fields[11]);
        fine = histogram_load_line(merged_find(merges, fields)->histogram, line, why, sizeof why);
        if (!fine)
            (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s:%u: %s", path, table.rows[i].line, why);
    }
    csv_table_free(&table);
    return fine;
}

static void merged_print(const struct merged *merged)
{
    struct latency_digest digest;
    latency_digest(merged->histogram, &digest);
    struct support_text text = {0};
    for (size_t i = 0; i < MERGED_KEYS; i++) {
        csv_field_add(&text, merged->keys[i]);
        support_text_add(&text, ",");
    }
    (void)printf("%s%llu,%.10g", text.text, (unsigned long long)digest.count, digest.mean);
    free(text.text);
#define PERCENTILE_PRINT(name, percent) (void)printf(",%llu", (unsigned long long)digest.name);
    LATENCY_PERCENTILE_TABLE(PERCENTILE_PRINT)
#undef PERCENTILE_PRINT
    (void)printf(",%llu\n", (unsigned long long)digest.max);
}

enum exit_code latency_command(int argc, char **argv)
{
    struct command_line line = {
        .arguments = "LATENCY.csv...",
        .doc =
            "Merges the histograms of --latency-csv files over workers, repetitions and files, and prints a CSV: one "
            "row a configuration, label, transaction type and quantity (service_ns, response_ns, attempts), with "
            "count, mean, percentiles and maximum.",
        .least = 1,
        .most = SIZE_MAX,
        .wanted = "name a file"};
    struct merges merges = {0};
    char error[CSV_TABLE_ERROR_BYTES];
    bool fine = true;
    size_t files = command_read(&line, argc, argv);
    for (size_t i = 1; fine && i <= files; i++)
        fine = dump_read(&merges, argv[i], error);
    for (size_t i = 0; fine && i < merges.count; i++) {
        fine = histogram_complete(merges.items[i].histogram);
        if (!fine)
            (void)snprintf(error, sizeof error, "%s %s: lines are missing: totals and buckets do not agree",
                           merges.items[i].keys[5], merges.items[i].keys[6]);
    }
    if (!fine)
        support_complain(argv[0], "%s", error);
    if (fine)
        (void)puts("config_hash,label,workload,target,threads,txn_type,quantity,count,mean"
#define PERCENTILE_NAME(name, percent) "," #name
                   LATENCY_PERCENTILE_TABLE(PERCENTILE_NAME)
#undef PERCENTILE_NAME
                       ",max");
    for (size_t i = 0; i < merges.count; i++) {
        if (fine)
            merged_print(&merges.items[i]);
        for (size_t j = 0; j < MERGED_KEYS; j++)
            free(merges.items[i].keys[j]);
        free(merges.items[i].histogram);
    }
    free(merges.items);
    return command_end(argv[0], fine ? EXIT_FINE : EXIT_FAILED);
}
