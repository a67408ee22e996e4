/*
 * quantity.h - numbers with suffixes, read from text: counts (10M), sizes (4G), times (200ms).
 *
 * Counts use powers of 1000, sizes powers of 1024; KiB, MiB, GiB, TiB are powers of 1024 in both, and KB in a size. A
 * fraction is fine where the result is whole (1.5M, 0.5ms). Thread-safe.
 */
#ifndef ENGINE_BASE_QUANTITY_H
#define ENGINE_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quantity_base { QUANTITY_COUNT = 1000, QUANTITY_BYTES = 1024 };

/* False when the text is no such number or does not fit; the output is untouched then. */
bool quantity_parse_u64(const char *text, enum quantity_base base, uint64_t *value);

/* A number and its unit: ns, us, ms, s, m (minutes), h. Only 0 may go without. */
bool quantity_parse_time(const char *text, uint64_t *ns);

/* A finite decimal number, nothing before or after it. */
bool quantity_parse_f64(const char *text, double *value);

/* The largest unit of time of which `ns` is a whole number, in ns, and its name. */
uint64_t quantity_time_unit(uint64_t ns, const char **name);

#endif
