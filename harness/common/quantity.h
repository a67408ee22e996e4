/*
 * quantity.h - numbers with suffixes: counts (10M), sizes (4G), times (200ms); read from text and printed for people.
 *
 * Counts use powers of 1000, sizes powers of 1024; KiB, MiB, GiB, TiB are powers of 1024 in both. A fraction is fine
 * where the result is whole (1.5M, 0.5ms). Thread-safe.
 */
#ifndef HARNESS_COMMON_QUANTITY_H
#define HARNESS_COMMON_QUANTITY_H

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

/* For people: "2.10M", "812", "5s", "1.5ms", "2.89 GiB". `text` must hold QUANTITY_TEXT_BYTES. Return `text`. */
enum { QUANTITY_TEXT_BYTES = 32 };
char *quantity_format_count(double value, char *text);
char *quantity_format_bytes(double value, char *text);
char *quantity_format_time(uint64_t ns, char *text);

#endif
