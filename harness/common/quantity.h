/*
 * quantity.h - prints numbers with suffixes for people; engine/base/quantity.h reads them. Thread-safe.
 */
#ifndef HARNESS_COMMON_QUANTITY_H
#define HARNESS_COMMON_QUANTITY_H

#include "engine/base/quantity.h"

/* "2.10M", "812", "5s", "1.5ms", "2.89 GiB". `text` must hold QUANTITY_TEXT_BYTES. Return `text`. */
enum { QUANTITY_TEXT_BYTES = 32 };
char *quantity_format_count(double value, char *text);
char *quantity_format_bytes(double value, char *text);
char *quantity_format_time(uint64_t ns, char *text);

#endif
