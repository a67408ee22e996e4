/* html.c - see html.h. */
#include "harness/figures/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/quantity.h"
#include "harness/common/text_file.h"

enum { SVG_BYTES_MAX = 16 << 20 };

/* Nothing is fetched from anywhere: the page opens from a disk. Tables become lists of cards on a narrow screen. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#5a5a5a;--line:#d8d8d8;--ground:#f5f6f8;"
    "--good:#00614b;--bad:#a33b00;--open:#4a4a4a;--link:#005a8d}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#16181b;--soft:#a9adb3;--line:#3a3e44;"
    "--ground:#1f2226;--good:#4fd0a8;--bad:#ff9c66;--open:#c0c4ca;--link:#7cc4f0}}"
    "*{box-sizing:border-box}"
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}"
    "main{max-width:74rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.6rem;line-height:1.2}h2{margin-top:2.5rem;border-bottom:2px solid var(--line)}"
    "h3{margin:.2rem 0 .4rem;font-size:1.05rem}a{color:var(--link)}"
    "nav a{display:inline-block;margin:0 .9rem .3rem 0}"
    ".soft{color:var(--soft)}.small{font-size:.85rem}"
    ".warn{border-left:4px solid var(--bad);padding:.4rem .8rem;background:var(--ground)}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1.2rem}"
    "figure{margin:0;padding:.8rem;border:1px solid var(--line);border-radius:6px;min-width:0}"
    "figure svg{display:block;width:100%;height:auto;background:#fff}"
    "figure p{margin:.3rem 0;font-size:.9rem}summary{cursor:pointer;padding:.4rem 0;color:var(--link)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}"
    "th{color:var(--soft);font-weight:600}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}"
    ".verdict{font-weight:700;white-space:nowrap}.holds{color:var(--good)}.fails{color:var(--bad)}"
    ".unknown{color:var(--open);font-weight:600}"
    "td.value{overflow-wrap:anywhere}"
    "@media(max-width:46rem){"
    ".cards,.cards tbody,.cards tr,.cards td{display:block}.cards thead{display:none}"
    ".cards tr{border:1px solid var(--line);border-radius:6px;margin:.7rem 0;padding:.5rem .7rem}"
    ".cards td{border:0;padding:.15rem 0;text-align:left!important}"
    ".cards td[data-name]:before{content:attr(data-name)\": \";color:var(--soft)}"
    ".verdict{white-space:normal}}"
    "@media print{details>*{display:block}figure{break-inside:avoid}}";

void html_text(FILE *page, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            (void)fputs("&amp;", page);
            break;
        case '<':
            (void)fputs("&lt;", page);
            break;
        case '>':
            (void)fputs("&gt;", page);
            break;
        case '"':
            (void)fputs("&quot;", page);
            break;
        default:
            (void)fputc(*text, page);
        }
    }
}

void html_name(FILE *page, const char *name)
{
    for (; *name != '\0'; name++) {
        char one[2] = {*name, '\0'};
        html_text(page, one);
        if (*name == '_')
            (void)fputs("<wbr>", page);
    }
}

/* ---- SVG. ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The opening tag without the attributes that fix its size: viewBox keeps the proportions. */
static const char *svg_tag(FILE *page, const char *at, const char *label)
{
    const char *end = strchr(at, '>');
    (void)fputs("<svg role=\"img\" aria-label=\"", page);
    html_text(page, label);
    (void)fputc('"', page);
    for (at += strlen("<svg"); end && at < end; at++) {
        if (begins(at, "width=\"") || begins(at, "height=\"")) {
            at = strchr(strchr(at, '"') + 1, '"');
            if (!at)
                return "";
        } else {
            (void)fputc(*at, page);
        }
    }
    return end ? end : "";
}

bool html_svg(FILE *page, const char *path, const char *prefix, const char *label)
{
    static const char *const references[] = {" id=\"", " id='", "href=\"#", "href='#", "url(#"};
    char why[256];
    unsigned plots = 0;
    size_t bytes;
    char *text = text_file_read(path, SVG_BYTES_MAX, true, &bytes, why, sizeof(why));
    const char *at = text ? strstr(text, "<svg") : NULL;
    if (!at) {
        free(text);
        return false;
    }
    for (at = svg_tag(page, at, label); *at != '\0'; at++) {
        if (begins(at, "<title>")) { /* gnuplot's own, which browsers show as a hint */
            const char *end = strstr(at, "</title>");
            at = end ? end + strlen("</title>") - 1 : at;
            continue;
        }
        size_t i = 0;
        while (i < sizeof(references) / sizeof(references[0]) && !begins(at, references[i]))
            i++;
        if (i == sizeof(references) / sizeof(references[0])) {
            (void)fputc(*at, page);
            continue;
        }
        at += strlen(references[i]);
        if (begins(at, "gnuplot_plot_")) /* nothing refers to these, and every panel begins again at 1 */
            (void)fprintf(page, "%s%s-%u-", references[i], prefix, ++plots);
        else
            (void)fprintf(page, "%s%s-", references[i], prefix);
        at--;
    }
    free(text);
    return true;
}

/* ---- Numbers. ---- */

const char *html_count(double value, char *text)
{
    char number[QUANTITY_TEXT_BYTES];
    (void)snprintf(text, HTML_NUMBER_BYTES, "%s", isnan(value) ? "-" : quantity_format_count(value, number));
    return text;
}

/* ---- The page. ---- */

void html_begin(FILE *page, const char *title)
{
    (void)fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                page);
    html_text(page, title);
    (void)fprintf(page, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", style);
}

void html_end(FILE *page)
{
    (void)fputs("</main>\n</body>\n</html>\n", page);
}
