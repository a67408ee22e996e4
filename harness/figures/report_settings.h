/*
 * report_settings.h - settings side by side, as a part of a page: for each setting of a sweep (settings.h) throughput,
 * its ratio to the first setting, aborts by reason, attempts, latency and back-off, and which one wins by how much.
 * All numbers but the ratio are medians over the repetitions, as everywhere on the page; the reasons are shares of all
 * aborts of all repetitions.
 * Checked by: tests/cli/figures.sh.
 */
#ifndef HARNESS_FIGURES_REPORT_SETTINGS_H
#define HARNESS_FIGURES_REPORT_SETTINGS_H

#include <stdio.h>

#include "harness/analysis/results.h"

/* `order`: the labels as the job file has them, ended by NULL, may be NULL; others follow. The first is what others are
 * compared with. Nothing is written where there are fewer than two settings. */
void report_settings(FILE *page, const struct results *set, const char *const *order);

#endif
