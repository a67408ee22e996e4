/*
 * report_html.h - `maemio report FOLDER`: one HTML page with figures, the paper's claims, tables and provenance.
 *
 * FOLDER is what `maemio figure` filled (FOLDER/fig6a/results.csv, FOLDER/fig6a.svg ...), or what one `maemio sweep`
 * filled (FOLDER/results.csv): the page then compares its settings. Written are FOLDER/report.html, which needs no
 * other file and no network, and FOLDER/claims.csv.
 * Checked by: tests/cli/figures.sh. Not here: drawing (figure.c), judging (claims.c).
 */
#ifndef HARNESS_FIGURES_REPORT_HTML_H
#define HARNESS_FIGURES_REPORT_HTML_H

#include "harness/common/exit_code.h"

/* `name`: the command's for messages; `share`: see program_share. Prints the page's path. */
enum exit_code report_page(const char *name, const char *share, const char *folder);

#endif
