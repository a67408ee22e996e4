/*
 * figure.h - `maemio figure`: runs an experiment of scripts/experiments and draws its figure.
 *
 * For a figure NAME and an output folder OUT:
 *     OUT/NAME.conf          what was asked for: the experiment, then what the effort replaces (windows, repetitions,
 *                            records, shorter lists); `maemio sweep` can run it again
 *     OUT/NAME/              what `maemio sweep` writes: results.csv and the files beside it
 *     OUT/NAME/data.csv      its points (plot_data.h)
 *     OUT/NAME.svg .pdf .png drawn by plots/NAME.gp
 * Checked by: tests/cli/figures.sh. Not here: running points (the sweep), reports (report_html.c).
 */
#ifndef HARNESS_FIGURES_FIGURE_H
#define HARNESS_FIGURES_FIGURE_H

#include "harness/common/exit_code.h"

/* argv[0] is the command's name for messages. */
enum exit_code figure_command(int argc, char **argv);

#endif
