/*
 * report_settings.h - settings side by side, as a part of a page: for each label of a sweep throughput against the
 * first label, aborts by reason, attempts, latency and back-off, and which label wins by how much.
 *
 * A difference is beyond noise if the interval of the ratio of medians excludes 1 and Mann-Whitney's p is
 * at most 0.05; fewer than 4 repetitions each cannot show that. Points that differ in more than the label (threads,
 * options of the workload) get a table each.
 * Checked by: tests/cli/figures.sh.
 */
#ifndef HARNESS_REPORT_SETTINGS_H
#define HARNESS_REPORT_SETTINGS_H

#include <stdio.h>

#include "harness/result_set.h"

/* `order`: the labels as the job file has them, ended by NULL; others follow. The first is what others are compared
 * with. Nothing is written where there are fewer than two labels. */
void report_settings(FILE *page, const struct result_set *set, const char *const *order);

#endif
