/*
 * html.h - the small parts of an HTML page: escaped text, numbers for people, an SVG picture inside the page.
 * Checked by: tests/unit/harness/figures/html.c. Not here: what a page says (report_html.c, report_settings.c).
 */
#ifndef HARNESS_FIGURES_HTML_H
#define HARNESS_FIGURES_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/common/statistics.h"

enum { HTML_NUMBER_BYTES = 96 };

/* Text as it is, with & < > " escaped. */
void html_text(FILE *page, const char *text);

/* The same for a column's name, with places where a narrow page may break it. */
void html_name(FILE *page, const char *name);

/*
 * The SVG file's picture, scaled to the width it is given. Its ids get `prefix` before them, so that many pictures
 * stand in one page. False if there is no such file.
 */
bool html_svg(FILE *page, const char *path, const char *prefix, const char *label);

/* "12.3k", "1.20M"; "-" for NAN. Returns `text` (HTML_NUMBER_BYTES). */
const char *html_count(double value, char *text);
/* The head with the style, up to the opened <main>; and the end. */
void html_begin(FILE *page, const char *title);
void html_end(FILE *page);

#endif
