/*
 * compare.h - is B faster or slower than A? Two result CSVs, joined on everything that was configured.
 *
 * Model. One row is one repetition. Columns are configuration unless the caller says they are not (measurements,
 * provenance, the repetition's number); rows that agree in all of those are repetitions of one configuration. What is
 * in one file only is listed, never joined or dropped. A configuration column that only one file has (an option one of
 * the builds does not know) is noted, and refused if it varies there.
 *
 * Verdict. With ratio = median(B) / median(A), its bootstrap 95% interval, the exact Mann-Whitney U, and
 * bound = max(threshold, A/A noise):
 *     slower, faster   the interval excludes 1, and p <= 0.05, and the ratio is beyond the bound
 *     same             the whole interval lies within 1 +- bound
 *     inconclusive     anything else: the interval is too wide to tell, too few repetitions
 * p <= 0.05 cannot be reached with fewer than 4 repetitions of each, so that many never make a verdict.
 *
 * Checked by: tests/unit/harness/compare.c. Not here: running A and B, interleaved, in one session (scripts/regress).
 */
#ifndef HARNESS_COMPARE_H
#define HARNESS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/csv_table.h"
#include "harness/exit_code.h"
#include "harness/statistics.h"

enum { COMPARE_ERROR_BYTES = CSV_TABLE_ERROR_BYTES };
#define COMPARE_CONFIDENCE 0.95
#define COMPARE_P_MAX 0.05

#define COMPARE_VERDICT_TABLE(X) X(FASTER, "faster") X(SLOWER, "slower") X(SAME, "same") X(INCONCLUSIVE, "inconclusive")

enum compare_verdict {
#define COMPARE_VERDICT_ENUM(name, text) COMPARE_##name,
    COMPARE_VERDICT_TABLE(COMPARE_VERDICT_ENUM)
#undef COMPARE_VERDICT_ENUM
};

const char *compare_verdict_name(enum compare_verdict verdict);

/* Rows whose `column` is not one of the `accepted` words (separated by |) are not used, but noted. */
struct compare_filter {
    const char *column, *accepted;
};

struct compare_options {
    const char *metric;                   /* column to compare: throughput_txn_per_s */
    bool lower_is_better;                 /* a time, a count of instructions */
    const char *const *not_configuration; /* names, NULL-ended; a * at the end stands for any ending ("aborts_*") */
    const struct compare_filter *filters; /* ended by a NULL column; may be NULL. A file without the column passes */
    const struct compare_filter *chosen;  /* the same, but rows that do not pass were not asked for: nothing is noted */
    double threshold;                     /* 0.03: 3% */
    double noise;                         /* spread of A against A as measured here; 0 if unknown */
    uint64_t seed;
};

struct compare_row {
    const struct csv_table_row *a, *b; /* a first repetition of each; NULL if the configuration is missing there */
    size_t a_count, b_count;           /* repetitions with a value */
    double a_median, b_median;         /* NAN without values */
    double ratio;                      /* b / a, NAN if it cannot be had */
    struct statistics_interval interval;
    struct statistics_u_test u_test;
    enum compare_verdict verdict; /* meaningful where both are there */
    const char *reason;           /* of an inconclusive verdict; "" otherwise. Static */
};

struct compare_column {
    const char *name;
    int a, b;     /* places in the files; only columns that both have are kept */
    bool varies;  /* over the rows of both files */
    bool telling; /* so much that people want to see it: not only between a value and none, as options that only one
                     workload or target has do */
};

struct compare {
    struct csv_table a, b;
    struct compare_options options;
    size_t column_count, row_count, note_count;
    struct compare_column *columns; /* of the configuration */
    struct compare_row *rows;       /* matched ones first, in A's order; then those of A only, then of B only */
    size_t matched_count, unused_count;
    char **notes; /* rows that were not used, columns of one file only */
};

/* NULL with a message in `error` (COMPARE_ERROR_BYTES). The texts of `options` must stay until destroyed. */
struct compare *compare_files(const char *a_path, const char *b_path, const struct compare_options *options,
                              char *error);
void compare_destroy(struct compare *compare);

/* EXIT_REGRESSION if any is slower; else, if strict, EXIT_INCONCLUSIVE if any is inconclusive, unmatched or unused;
 * EXIT_FAILED if nothing matched; else EXIT_FINE. */
enum exit_code compare_exit(const struct compare *compare, bool strict);

void compare_print_table(const struct compare *compare, FILE *file);
void compare_print_csv(const struct compare *compare, FILE *file);
void compare_print_json(const struct compare *compare, FILE *file);

#endif
