/*
 * html.h - a page from a template and data: the template (plots/page.html) has all markup and all words that are always
 * the same, the data is a tree of texts, objects and lists of objects.
 *
 *     {{name}}               the text, with & < > " escaped; nothing if there is none
 *     {{{name}}}             the text as it is
 *     {{#name}}...{{/name}}  once for an object or a text that is not empty, for each object of a list; names are
 *                            looked up in the innermost object first
 *     {{^name}}...{{/name}}  once if there is no such text, object or list, or an empty one
 *
 * A line that has nothing but one of {{# {{^ {{/ leaves no line in the page.
 * Checked by: tests/unit/harness/figures/html.c. Not here: what a page says (report_html.c, report_settings.c).
 */
#ifndef HARNESS_FIGURES_HTML_H
#define HARNESS_FIGURES_HTML_H

#include <jansson.h>

#include "harness/common/statistics.h"

enum { HTML_ERROR_BYTES = 512 };

/* ---- Data. ---- */

/* Texts, which may have any bytes: one, or several as key, text, ..., NULL. */
void html_put(json_t *object, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
void html_put_texts(json_t *object, ...) __attribute__((sentinel));

/* Appends a new object to the list `key` of the object, which is made if it is not there. */
json_t *html_row(json_t *object, const char *key);

/* "12.3k", "1.20M"; "-" for NAN. */
const char *html_count(double value);

/* The SVG file for a URL that begins with "data:image/svg+xml,". Puts nothing if there is no such file. */
void html_put_svg(json_t *object, const char *key, const char *path);

/* ---- The page. ---- */

/* Adds the page to `page`. False with a message in `error` (HTML_ERROR_BYTES) if the template is not as above; `name`
 * stands for it there. */
bool html_render(const char *name, const char *template, const json_t *data, struct support_text *page, char *error);

#endif
