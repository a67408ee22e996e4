/*
 * figure.h - `maemio figure`: runs the points of a figure (catalogue.h) and draws it.
 *
 * For a figure NAME and an output folder OUT:
 *     OUT/NAME.conf          what was run: the figure's file and what the effort replaces (windows, repetitions,
 *                            records, shorter lists), with every option resolved; `maemio sweep` can run it again
 *     OUT/NAME/              what `maemio sweep` writes: results.csv and the files beside it
 * On other terms than equal ones or with other options NAME is "NAME,terms=paper", "NAME,theta=0.5".
 *     OUT/NAME/data.csv      its points (plot_data.h)
 *     OUT/NAME.svg .pdf .png drawn by plots/NAME.gp
 * Checked by: tests/cli/figures.sh. Not here: running points (the sweep), reports (report_html.c).
 */
#ifndef HARNESS_FIGURES_FIGURE_H
#define HARNESS_FIGURES_FIGURE_H

#include "harness/common/exit_code.h"
#include "harness/common/support.h"

/* The terms that the figures' own files have: the same back-off for all. */
#define FIGURE_TERMS_EQUAL "equal"

struct figure_request {
    const char *const *names; /* of figures */
    size_t count;
    bool all, plot_only, dry_run;  /* all: every figure, and the page */
    const char *effort, *out;      /* out NULL: results/figures/EFFORT */
    const char *machine;           /* to simulate, or NULL; efforts are then those of plots/simulated */
    const char *terms;             /* of figures that compare systems: terms-TERMS.conf of plots/common is read, too */
    struct support_list overrides; /* KEY=VALUE */
};

/* `name`: the command's for messages. */
enum exit_code figures_make(const char *name, const struct figure_request *asked);

/* A line for each figure on stdout: its name, and what it shows. */
enum exit_code figures_list(const char *name);

#endif
