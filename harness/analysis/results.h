/*
 * results.h - the one reader of result files: which rows can be used, and which of them belong together.
 *
 * A row can be used if its window was complete and its run's check passed or was skipped. What cannot be used is
 * counted by its reason, so that every command can say what it left out.
 *
 * A key is a list of columns. Rows that agree in all columns of a key are a group. The configuration is the key of all
 * columns that are neither measured nor provenance (column_is_configuration): its groups are repetitions.
 *
 * A selector is a text of conditions joined by &: `label=auto&threads!=1`; a column that the file does not have is an
 * empty text everywhere. The value @cores stands for the most workers that had a CPU each. Selectors are written by
 * people (plots/NAME.conf), never made of texts from results, which may hold any character.
 * Checked by: tests/unit/harness/analysis/results.c. Not here: what the numbers mean (claims.c, compare.c).
 */
#ifndef HARNESS_ANALYSIS_RESULTS_H
#define HARNESS_ANALYSIS_RESULTS_H

#include "harness/common/csv_table.h"

enum { RESULTS_SELECTOR_BYTES = 512 };

struct results {
    struct csv_table table;
    size_t count;
    const struct csv_table_row **rows; /* those that can be used, in the file's order */
    size_t interrupted, failed;        /* rows of the same transaction type that cannot */
    char cores[24];                    /* most threads that were not oversubscribed; "" if there are none */
};

/* Whether there is such a column; if not, with a message that names the nearest in `error` (CSV_TABLE_ERROR_BYTES). */
bool results_has(const struct results *results, const char *column, char *error);

/* Reads any CSV with a header; `type` is the transaction type of the rows, "all" for those over all types. A file
 * without a column that would say otherwise has rows that can be used. False with a message in `error`
 * (CSV_TABLE_ERROR_BYTES), also if the file has rows, but none of this type; free it even then. */
bool results_load(struct results *results, const char *path, const char *type, char *error);
/* The same for rows over all types; also refuses a file that has not the columns of maemio's results. */
bool results_read(struct results *results, const char *path, char *error);
void results_free(struct results *results);

/* Whether the row is of this transaction type. */
bool results_is_of(const struct csv_table *table, const struct csv_table_row *row, const char *type);
/* The column that says why the row cannot be used; NULL if it can be. */
const char *results_flaw(const struct csv_table *table, const struct csv_table_row *row);

/* "9 of 10 rows failed their check", "" if all can be used. The caller frees it. */
char *results_unused_text(const struct results *results);

/* A run has one row over all transaction types, then the rows of its single types. Of each of these: the first. */
const struct csv_table_row *results_total_row(const struct csv_table *table, const struct csv_table_row *row);

/* A field of that row, for columns that only it has, such as check_result. "" if there is no such column. */
const char *results_total_text(const struct csv_table *table, const struct csv_table_row *row, const char *column);

/* A field of row i of `rows`; "" if there is no such column. */
const char *results_text(const struct results *results, size_t i, const char *column);
bool results_fits(const struct results *results, size_t i, const char *selector);

/* Least and greatest number in a column; false if it has none. */
bool results_range(const struct results *results, const char *column, double *least, double *most);

/* The numbers in `column` of `count` rows (places in results->rows), into `values`; returns how many. */
size_t results_numbers(const struct results *results, const size_t *rows, size_t count, const char *column,
                       double *values);
/* The same for the rows that fit; `values` has room for results->count. */
size_t results_values(const struct results *results, const char *selector, const char *column, double *values);

/*
 * Among the groups of fitting rows with the same text in `group`, the one with the largest median of `column`: its
 * values, how many, and its text. 0 and "" if there is none.
 */
size_t results_best(const struct results *results, const char *selector, const char *group, const char *column,
                    double *values, const char **text);

/* ---- Rows that belong together. ---- */

struct results_key {
    size_t count;
    struct results_column {
        int at;       /* the column's place in the file; -1: an empty text everywhere */
        bool varies;  /* over the rows that can be used */
        bool telling; /* people want to see it: it varies, and not only between a value and none, as an option does
                         that a single workload or target has */
    } * columns;
};

/* {0} is an empty key. */
void results_key_free(struct results_key *key);
void results_key_add(struct results_key *key, int column);
void results_key_add_configuration(struct results_key *key, const struct results *results);

/* Sets what varies, and what is telling, over the rows of A and B. The two keys name the same columns in one order.
 * Without a B both of its arguments are NULL. */
void results_key_look(struct results_key *a_key, const struct results *a, struct results_key *b_key,
                      const struct results *b);

/* Whether two rows, each of its own file, agree in all columns of the key. */
bool results_agree(const struct results_key *a_key, const struct csv_table_row *a, const struct results_key *b_key,
                   const struct csv_table_row *b);

/* What tells a row's group from others: "theta=0.99 threads=4", or "(one configuration)". The caller frees it. */
char *results_label(const struct results_key *key, const struct csv_table *table, const struct csv_table_row *row);

/* The columns that vary, each with a comma behind it; `fields`: of a row, or the names of the table's columns. */
void results_varying_csv(const struct results_key *key, char *const *fields, struct support_text *csv);

struct results_group {
    size_t count;
    const size_t *rows; /* places in results->rows, ascending */
};

struct results_groups {
    size_t count;
    struct results_group *items; /* in the order of their first rows */
    size_t *rows;                /* what they point into */
};

/* Groups `count` of the rows, NULL: all that can be used. */
struct results_groups results_group(const struct results *results, const struct results_key *key, const size_t *rows,
                                    size_t count);
void results_groups_free(struct results_groups *groups);

/* The group that agrees with a row, which may be of another file; NULL if there is none. */
const struct results_group *results_group_like(const struct results_groups *groups, const struct results *results,
                                               const struct results_key *key, const struct csv_table_row *row,
                                               const struct results_key *row_key);

#endif
