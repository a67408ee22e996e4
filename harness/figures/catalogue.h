/*
 * catalogue.h - the figures: plots/NAME.conf says in its section [figure] what a figure shows and which columns of the
 * results make it, and in each section [claim ...] what the paper says about them (claims.h). Everything else in the
 * file is what runs (jobfile.h); plots/NAME.gp draws.
 *
 * docs/figures.md lists the keys. The kind of a figure names files of options that an effort replaces in all of that
 * kind; `systems` are those whose lines are targets. Figures are sorted by their places in the paper, then those that
 * have none by name.
 *
 * Refused, with file, line, key and what would be right: unknown keys, missing ones, columns that results have not.
 * Checked by: tests/unit/harness/figures/catalogue.c, tests/cli/figures.sh.
 */
#ifndef HARNESS_FIGURES_CATALOGUE_H
#define HARNESS_FIGURES_CATALOGUE_H

#include "harness/figures/claims.h"
#include "harness/options/jobfile.h"

struct figure {
    char *name; /* of plots/NAME.conf */
    /* The keys of [figure]; says: `claim`. */
    const char *where, *title, *kind, *axis, *lines, *says, *paper, *here, *all;
    size_t claim_count;
    struct claim *claims;
    struct jobfile *jobfile; /* the points without an effort; it owns the texts */
};

struct catalogue {
    size_t count;
    struct figure *figures;
};

enum { CATALOGUE_ERROR_BYTES = JOBFILE_ERROR_BYTES };

/* All figures of SHAREplots (program_share), by place in the paper, then name. False with a message in `error`. */
bool catalogue_read(struct catalogue *catalogue, const char *share, char *error);
void catalogue_free(struct catalogue *catalogue);
const struct figure *catalogue_find(const struct catalogue *catalogue, const char *name); /* NULL: none */

/* One file as above; figure->name is its name without folder and ending. figure_free also after false. */
bool figure_read(struct figure *figure, const char *path, char *error);
void figure_free(struct figure *figure);

/* Whether `maemio figure all` has the figure at this effort (quick, normal or paper): its key `all` is the least. */
bool figure_is_in_all(const struct figure *figure, const char *effort);

/* Whether the figure's lines are systems, so that it can be asked for on other terms (figure.h). */
bool figure_compares_systems(const struct figure *figure);

/* The labels of a figure's results in the order of the job file that was kept with them. Without that file (results
 * moved elsewhere) those of today's figure; NULL: none. The caller frees them. */
struct support_list figure_labels(const struct figure *figure, const char *job);

/* "Figure 9: TPC-C over ..."; the caller frees it. */
char *figure_heading(const struct figure *figure);

#endif
