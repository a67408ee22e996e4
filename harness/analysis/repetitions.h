/*
 * repetitions.h - a result CSV by configuration: what the repetitions of each say together.
 *
 * Rows that agree in all of the configuration are repetitions of one (results.h). Outliers are marked, never left out.
 */
#ifndef HARNESS_ANALYSIS_REPETITIONS_H
#define HARNESS_ANALYSIS_REPETITIONS_H

#include "harness/analysis/results.h"
#include "harness/common/statistics.h"

struct repetitions_group {
    const struct csv_table_row *first;
    struct statistics_summary summary; /* count 0: no row has a value */
    double *values;                    /* in the file's order */
    const char **names;                /* their repetition's number; "" if the file does not tell */
    bool *outliers;
    size_t count;
};

struct repetitions {
    struct results results;
    struct results_key configuration;
    const char *metric;
    size_t group_count, value_count;
    struct repetitions_group *groups; /* in the order of their first rows */
};

/* False with a message in `error` (CSV_TABLE_ERROR_BYTES). `type`: of the rows, "all" for those over all types. */
bool repetitions_read(struct repetitions *repetitions, const char *path, const char *metric, const char *type,
                      char *error);
void repetitions_free(struct repetitions *repetitions);

void repetitions_print_table(const struct repetitions *repetitions, FILE *file);
void repetitions_print_csv(const struct repetitions *repetitions, FILE *file);

#endif
