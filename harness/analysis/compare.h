/*
 * compare.h - is B faster or slower than A? Two result CSVs, joined on everything that was configured.
 *
 * Model. One row is one repetition. Rows that agree in all of the configuration (results.h) are repetitions of one
 * configuration. A configuration that only one file has is listed, never joined or dropped. A column of the
 * configuration that only one file has (one of the builds does not know the option) is noted, and refused if it varies.
 *
 * Verdicts: verdict.h. Over several configurations p is corrected by Holm's method. Without blocks p <= 0.05 cannot be
 * reached with fewer than 4 repetitions of each, so that many never make one; several configurations need more.
 *
 * Placement and blocks: pairs.h. Runs on CPUs that were not equally near, and with blocks repetitions that only one
 * file has, are noted and not used.
 *
 * Checks. A row whose check failed is not used, and the whole comparison fails: the speed of an engine that loses data
 * means nothing.
 *
 * Noise. A file may hold blocks of A alone, each A A' A' A, measured like the others. They tell how far from 1 the
 * ratio of A to itself comes in as many blocks as A and B have. A difference up to that counts as none.
 *
 * Checked by: tests/unit/harness/analysis/compare.c. Not here: running A and B, interleaved, in one session
 * (scripts/regress).
 */
#ifndef HARNESS_ANALYSIS_COMPARE_H
#define HARNESS_ANALYSIS_COMPARE_H

#include "harness/analysis/results.h"
#include "harness/analysis/verdict.h"
#include "harness/common/exit_code.h"

enum { COMPARE_ERROR_BYTES = CSV_TABLE_ERROR_BYTES };
struct compare_options {
    const char *metric;     /* column to compare: throughput_txn_per_s */
    bool lower_is_better;   /* a time, a count of instructions */
    const char *type;       /* of the rows: a transaction type, or all */
    char *const *ignored;   /* columns that are no configuration, NULL-ended; with * and ? as a shell has them;
                                   each must fit a column of A or B. May be NULL */
    const char *match;      /* if not NULL: the one column that is configuration */
    double threshold;       /* 0.03: 3% */
    double noise;           /* spread of A against A as measured here; 0 if unknown */
    const char *noise_path; /* of a file of A alone in blocks; NULL if there is none */
    size_t noise_blocks;    /* the noise as so many blocks show it; 0: as many as A and B have */
    const char *blocks;     /* column that rows run side by side agree in; NULL: they were not */
    size_t looks;           /* how often the files are compared while they grow, see verdict.h; 0: once */
    uint64_t seed;
};

struct compare_row {
    const struct csv_table_row *a, *b; /* a first repetition of each; NULL if the configuration is missing there */
    size_t a_count, b_count;           /* repetitions with a value; with blocks, of those that both have */
    size_t block_count;                /* 0 without blocks */
    double a_median, b_median;         /* NAN without values */
    double ratio;                      /* b / a, may be 0 or infinite; NAN if it cannot be had */
    struct statistics_interval interval;
    struct statistics_u_test u_test;
    bool apart;           /* no run of one file was on CPUs as near as those of the other */
    double p_holm;        /* u_test.p, corrected for the number of matched configurations */
    double noise;         /* A/A noise, see above */
    double bound;         /* up to which a difference does not count: threshold or noise */
    enum verdict verdict; /* meaningful where both are there */
    const char *reason;   /* of an inconclusive verdict; "" otherwise. Static */
};

struct compare {
    struct results a, b, noise; /* noise: empty without such a file */
    struct compare_options options;
    struct results_key a_key, b_key, noise_key; /* the columns of the configuration that both files have */
    size_t row_count;
    struct compare_row *rows; /* matched ones first, in A's order; then those of A only, then of B only */
    size_t matched_count, unused_count, failed_count; /* failed ones are unused, too */
    double alpha;                                     /* of one look */
    struct support_list notes;                        /* rows that were not used, columns of one file only */
};

/* NULL with a message in `error` (COMPARE_ERROR_BYTES). The texts of `options` must stay until destroyed. */
struct compare *compare_files(const char *a_path, const char *b_path, const struct compare_options *options,
                              char *error);
void compare_destroy(struct compare *compare);

/* EXIT_CHECK if a row failed its check; else EXIT_REGRESSION if any is slower; else, if strict, EXIT_INCONCLUSIVE if
 * any is inconclusive, unmatched or unused; EXIT_FAILED if nothing matched; else EXIT_FINE. */
enum exit_code compare_exit(const struct compare *compare, bool strict);

/* compare_print.c */
void compare_print_table(const struct compare *compare, FILE *file);
void compare_print_csv(const struct compare *compare, FILE *file);
void compare_print_json(const struct compare *compare, FILE *file);

#endif
