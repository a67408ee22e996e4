/*
 * settings.h - settings side by side: which of a sweep's sections is fastest, by how much, and whether beyond noise.
 *
 * A setting is a section of a sweep, or a target: rows with one label and one configuration. Those whose rows differ
 * only in the target and its options stand side by side; points that differ in more (threads, options of the workload)
 * make a table each.
 *
 * Rounds. A sweep runs every point once, in random order, then every point again. So one repetition of all settings is
 * a round, run within minutes, and only runs of one round are compared: ratios, whose median and interval say what the
 * setting changes, whatever the machine did between the rounds. A difference is beyond noise if the interval excludes 1
 * and the exact test within rounds has p <= 0.05, corrected for the number of settings (Holm). A comparison of two
 * settings leaves out the rounds in which one of them ran on CPUs that were less near to each other (proximity.h).
 * Checked by: tests/unit/harness/analysis/settings.c. Not here: how it looks (report_settings.c).
 */
#ifndef HARNESS_ANALYSIS_SETTINGS_H
#define HARNESS_ANALYSIS_SETTINGS_H

#include "harness/analysis/results.h"
#include "harness/common/statistics.h"

struct setting {
    char *name;        /* the label, and what sets it apart from others of the same label */
    const char *label; /* points into the set */
    size_t row_count;
    const size_t *rows; /* of the set */
    double median;      /* throughput, of all its runs */
};

struct settings {
    const struct results *set;
    char *heading; /* "threads 2, theta 0.9": what sets these apart from others of the set; "" if nothing */
    size_t count;
    struct setting *items;        /* the first is what the others are compared with */
    struct results_groups groups; /* what their rows point into */
};

/* All groups of settings in the set, in its order. `order`: labels as the job file has them, ended by NULL, may be
 * NULL; others follow. *count: how many. A group may have one setting only. Free them all with settings_free. */
struct settings *settings_of(const struct results *set, char **order, size_t *count);
void settings_free(struct settings *all, size_t count);

/* As results_numbers, of a setting's rows. */
size_t settings_numbers(const struct settings *settings, const struct setting *setting, const char *column,
                        double *values);

struct settings_difference {
    double ratio; /* other / base within rounds; NAN if they have no round in common */
    struct statistics_interval interval;
    size_t rounds, left_out; /* rounds compared; rounds on other CPUs */
    double p, p_holm;
    bool beyond_noise;
};

/* Every setting against `base`, into `differences` (settings->count of them; that of `base` is a ratio of 1). */
void settings_compare(const struct settings *settings, size_t base, struct settings_difference *differences);

/* "beyond noise", "within noise", or why it cannot be told. Static, or a support_short. */
const char *settings_noise_text(const struct settings *settings, const struct settings_difference *difference);

/* One sentence or two: who wins by how much, and whether beyond noise. The caller frees it. */
char *settings_verdict(const struct settings *settings);

/* The verdicts on all groups of two settings and more, a line each. */
void settings_print(FILE *file, const struct results *set, char **order);

#endif
