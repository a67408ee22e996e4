/* quantity.c - numbers for people, see quantity.h. */
#include "harness/common/quantity.h"

#include <math.h>

#include "harness/common/support.h"

static char *scaled(double value, double base, const char *const *suffixes)
{
    size_t step = 0;
    while (fabs(value) >= base && suffixes[step + 1] != NULL) {
        value /= base;
        step++;
    }
    int digits = step == 0 && value == floor(value) ? 0 : fabs(value) < 10 ? 2 : fabs(value) < 100 ? 1 : 0;
    return support_short("%.*f%s", digits, value, suffixes[step]);
}

char *quantity_count(double value)
{
    static const char *const suffixes[] = {"", "k", "M", "G", "T", NULL};
    return scaled(value, 1000, suffixes);
}

char *quantity_bytes(double value)
{
    static const char *const suffixes[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};
    return scaled(value, 1024, suffixes);
}

char *quantity_time(uint64_t ns)
{
    /* Seconds at most: "90s" is clearer than "1.5m". */
    static const char *const units[] = {"s", "ms", "us", "ns"};
    double unit_ns = 1e9;
    size_t unit = 0;
    for (; ns != 0 && unit_ns > 1 && (double)ns < unit_ns; unit++)
        unit_ns /= 1000;
    return support_short("%.9g%s", (double)ns / unit_ns, units[unit]);
}
