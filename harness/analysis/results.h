/*
 * results.h - the results of one experiment: rows of a result CSV that can be trusted, picked by conditions.
 *
 * Kept are rows over all transaction types whose window was complete and whose check did not fail.
 * A selector is a text of conditions joined by &: `label=auto&threads!=1`; a column that the file does not have is an
 * empty text everywhere. The value @cores stands for the most workers that had a CPU each. Selectors are written in the
 * program (claims.def), never made of texts from a file, which may hold any character.
 * Checked by: tests/unit/harness/analysis/results.c. Not here: what the numbers mean (claims.c, plot_data.c).
 */
#ifndef HARNESS_ANALYSIS_RESULTS_H
#define HARNESS_ANALYSIS_RESULTS_H

#include "harness/common/csv_table.h"

enum { RESULTS_SELECTOR_BYTES = 512 };

struct results {
    struct csv_table table;
    size_t count;
    const struct csv_table_row **rows; /* the rows that are kept, in the file's order */
    char cores[24];                    /* most threads that were not oversubscribed; "" if there are none */
};

/* False with a message in `error` (CSV_TABLE_ERROR_BYTES): unreadable, or no result CSV. */
bool results_read(struct results *set, const char *path, char *error);
void results_free(struct results *set);

/* The run's row over all transaction types, of a row of a single type before which it stands; of others the row. */
const struct csv_table_row *results_total_row(const struct csv_table *table, const struct csv_table_row *row);

/*
 * A field of a result CSV's row, for columns that only a run's row over all transaction types has, such as
 * check_result: of the rows of single types it is that of the run's row before them. "" if there is no such column.
 */
const char *results_total_text(const struct csv_table *table, const struct csv_table_row *row, const char *column);

/* A field of row i of `rows`; "" if there is no such column. */
const char *results_text(const struct results *set, size_t i, const char *column);
bool results_fits(const struct results *set, size_t i, const char *selector);

/* The numbers in `column` of the rows that fit, into `values` (room for set->count); returns how many. */
size_t results_values(const struct results *set, const char *selector, const char *column, double *values);

/*
 * Among the groups of fitting rows with the same text in `group`, the one with the largest median of `column`: its
 * values, how many, and its text. 0 and "" if there is none.
 */
size_t results_best(const struct results *set, const char *selector, const char *group, const char *column,
                    double *values, const char **text);

#endif
