/* mix.c - see mix.h. */
#include "workloads/mix.h"

#include <stdio.h>
#include <stdlib.h>

bool mix_read(const char *text, unsigned types, uint8_t *percents, const char *wanted, char *error, size_t error_bytes)
{
    const char *at = text;
    unsigned long sum = 0;
    for (unsigned i = 0; i < types; i++) {
        char *end;
        unsigned long percent = strtoul(at, &end, 10);
        if (*at < '0' || *at > '9' || percent > 100 || *end != (i + 1 < types ? '/' : '\0')) {
            snprintf(error, error_bytes, "mix=%s: must be %s", text, wanted);
            return false;
        }
        percents[i] = (uint8_t)percent;
        sum += percent;
        at = end + 1;
    }
    if (sum != 100)
        snprintf(error, error_bytes, "mix=%s: the percents sum up to %lu, must be 100", text, sum);
    return sum == 100;
}
