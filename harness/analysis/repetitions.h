/*
 * repetitions.h - a result CSV by configuration: what the repetitions of each say together.
 *
 * Rows that agree in every configuration column (columns.h) are repetitions of one configuration; a column that this
 * build does not know counts as configuration if it is no option, setting or measurement by its name, too. Rows of
 * interrupted windows and failed checks are not used, but counted. Outliers are marked, never left out.
 */
#ifndef HARNESS_ANALYSIS_REPETITIONS_H
#define HARNESS_ANALYSIS_REPETITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/common/csv_table.h"
#include "harness/common/statistics.h"

/* Whether rows of one configuration agree in this column: it is neither measured nor provenance. */
bool repetitions_is_configuration(const char *column);

struct repetitions_group {
    const struct csv_table_row *first;
    struct statistics_summary summary; /* count 0: no row has a value */
    double *values;                    /* in the file's order */
    char **names;                      /* their repetition's number */
    bool *outliers;
    size_t count;
};

struct repetitions {
    struct csv_table table;
    const char *metric;
    size_t group_count, unused_count;
    struct repetitions_group *groups; /* in the order of their first rows */
    bool *varies;                     /* by column: configuration that the groups differ in */
    bool *telling;                    /* of them, those that people want to see: not only between a value and none */
};

/* False with a message in `error` (CSV_TABLE_ERROR_BYTES). `type`: of the rows, "all" for those over all types. */
bool repetitions_read(struct repetitions *repetitions, const char *path, const char *metric, const char *type,
                      char *error);
void repetitions_free(struct repetitions *repetitions);

void repetitions_print_table(const struct repetitions *repetitions, FILE *file);
void repetitions_print_csv(const struct repetitions *repetitions, FILE *file);

#endif
