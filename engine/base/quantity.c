/* quantity.c - see quantity.h. */
#include "engine/base/quantity.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits[.digits], or .digits, exactly. decimal_read advances *text only by what the number takes. */
struct decimal {
    uint64_t whole, fraction, fraction_scale;
};

static bool decimal_read(const char **text, struct decimal *number)
{
    const char *at = *text;
    *number = (struct decimal){.fraction_scale = 1};
    if (!isdigit((unsigned char)*at) && *at != '.')
        return false;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(number->whole, 10U, &number->whole) ||
            __builtin_add_overflow(number->whole, (unsigned)(*at - '0'), &number->whole))
            return false;
    if (*at == '.') {
        at++;
        if (!isdigit((unsigned char)*at))
            return false;
        for (; isdigit((unsigned char)*at); at++) {
            if (number->fraction_scale >= UINT64_C(1000000000000000000))
                return false;
            number->fraction = number->fraction * 10 + (unsigned)(*at - '0');
            number->fraction_scale *= 10;
        }
    }
    *text = at;
    return true;
}

static bool decimal_times(const struct decimal *number, uint64_t unit, uint64_t *value)
{
    unsigned __int128 fraction = (unsigned __int128)number->fraction * unit;
    if (fraction % number->fraction_scale != 0)
        return false;
    unsigned __int128 all = (unsigned __int128)number->whole * unit + fraction / number->fraction_scale;
    if (all > UINT64_MAX)
        return false;
    *value = (uint64_t)all;
    return true;
}

bool quantity_parse_u64(const char *text, enum quantity_base base, uint64_t *value)
{
    struct decimal number;
    if (!decimal_read(&text, &number))
        return false;
    uint64_t unit = 1;
    if (*text != '\0') {
        static const char letters[] = "KMGT";
        const char *letter = strchr(letters, toupper((unsigned char)*text));
        if (letter == NULL)
            return false;
        bool binary = strcasecmp(text + 1, "iB") == 0;
        if (!binary && text[1] != '\0' && (base != QUANTITY_BYTES || strcasecmp(text + 1, "B") != 0))
            return false;
        for (const char *at = letters; at <= letter; at++)
            unit *= binary ? (uint64_t)QUANTITY_BYTES : (uint64_t)base;
    }
    return decimal_times(&number, unit, value);
}

static const struct {
    const char *name;
    uint64_t ns;
} time_units[] = {
    {"h", UINT64_C(3600000000000)},
    {"m", UINT64_C(60000000000)},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
};

bool quantity_parse_time(const char *text, uint64_t *ns)
{
    struct decimal number;
    if (!decimal_read(&text, &number))
        return false;
    if (*text == '\0' && number.whole == 0 && number.fraction == 0) {
        *ns = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof time_units / sizeof time_units[0]; i++)
        if (strcmp(text, time_units[i].name) == 0)
            return decimal_times(&number, time_units[i].ns, ns);
    return false;
}

bool quantity_parse_f64(const char *text, double *value)
{
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '.')
        return false;
    if (strpbrk(text, "xX") != NULL)
        return false;
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *value = number;
    return true;
}

uint64_t quantity_time_unit(uint64_t ns, const char **name)
{
    size_t i = 0;
    while (ns % time_units[i].ns != 0)
        i++;
    *name = time_units[i].name;
    return time_units[i].ns;
}
