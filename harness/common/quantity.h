/*
 * quantity.h - prints numbers with suffixes for people; engine/base/quantity.h reads them. Thread-safe.
 */
#ifndef HARNESS_COMMON_QUANTITY_H
#define HARNESS_COMMON_QUANTITY_H

#include "engine/base/quantity.h"

/* "2.10M", "812", "5s", "1.5ms", "2.89 GiB": each a support_short. */
char *quantity_count(double value);
char *quantity_bytes(double value);
char *quantity_time(uint64_t ns);

#endif
