/* quantity.c - numbers for people, see quantity.h. */
#include "harness/common/quantity.h"

#include <math.h>
#include <stdio.h>

static char *format_scaled(double value, double base, const char *const *suffixes, char *text)
{
    size_t step = 0;
    while (fabs(value) >= base && suffixes[step + 1] != NULL) {
        value /= base;
        step++;
    }
    int digits = step == 0 && value == floor(value) ? 0 : fabs(value) < 10 ? 2 : fabs(value) < 100 ? 1 : 0;
    (void)snprintf(text, QUANTITY_TEXT_BYTES, "%.*f%s", digits, value, suffixes[step]);
    return text;
}

char *quantity_format_count(double value, char *text)
{
    static const char *const suffixes[] = {"", "k", "M", "G", "T", NULL};
    return format_scaled(value, 1000, suffixes, text);
}

char *quantity_format_bytes(double value, char *text)
{
    static const char *const suffixes[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};
    return format_scaled(value, 1024, suffixes, text);
}

char *quantity_format_time(uint64_t ns, char *text)
{
    /* Seconds at most: "90s" is clearer than "1.5m". */
    static const char *const units[] = {"s", "ms", "us", "ns"};
    double unit_ns = 1e9;
    size_t unit = 0;
    for (; ns != 0 && unit_ns > 1 && (double)ns < unit_ns; unit++)
        unit_ns /= 1000;
    (void)snprintf(text, QUANTITY_TEXT_BYTES, "%.9g%s", (double)ns / unit_ns, units[unit]);
    return text;
}
