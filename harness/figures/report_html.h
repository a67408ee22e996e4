/*
 * report_html.h - `maemio report FOLDER`: one HTML page with figures, the paper's claims, tables and provenance.
 *
 * FOLDER is what `maemio figure` filled (FOLDER/fig6a/results.csv, FOLDER/fig6a.svg ...), or what one `maemio sweep`
 * filled (FOLDER/results.csv): the page then compares its settings. Written are FOLDER/report.html, which needs no
 * other file and no network, and FOLDER/claims.csv. What the page looks like and says is plots/page.html; this is the
 * data for it.
 * Checked by: tests/cli/figures.sh. Not here: drawing (figure.c), judging (claims.c).
 */
#ifndef HARNESS_FIGURES_REPORT_HTML_H
#define HARNESS_FIGURES_REPORT_HTML_H

#include "harness/analysis/results.h"
#include "harness/common/exit_code.h"
#include "harness/figures/html.h"

/* `name`: the command's for messages; `share`: see program_share. Prints the page's path. */
enum exit_code report_page(const char *name, const char *share, const char *folder);

/*
 * report_settings.c: its part on settings side by side: for each setting of a sweep (settings.h) throughput, its
 * ratio to the first setting, aborts by reason, attempts, latency and back-off, and which one wins by how much.
 * `title`: of what is compared, "" if the page is about nothing else. `order`: the labels as the job file has them,
 * ended by NULL, may be NULL; others follow. Groups of fewer than two settings are left out.
 */
void report_settings(json_t *data, const char *title, const struct results *set, char **order);

#endif
