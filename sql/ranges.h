/*
 * ranges.h - the ranges of keys in which the values of a list are.
 * Checked by: tests/unit/sql/lists.c; mutations sql_ranges_unsorted and sql_ranges_unmerged.
 */
#ifndef SQL_RANGES_H
#define SQL_RANGES_H

#include "sql/key.h"

/* From where to where to look in an index: of rowids or of others. */
struct range {
    uint8_t lo[KEY_BYTES_MAX], hi[KEY_BYTES_MAX]; /* zero behind the index's key_bytes */
    uint64_t lo_rowid, hi_rowid;
    bool has_lo, has_hi, empty;
};

/* Of another index than that of rowids. Zero at first; ranges_free frees what it has. */
struct ranges {
    struct range *range;
    size_t count, room;
};

/* Adds a copy of the range. False: out of memory. */
bool range_add(struct ranges *ranges, const struct range *range);

/* Sorts the ranges, and makes one of those that overlap: then no key is in two. */
void ranges_merge(struct ranges *ranges);
void ranges_free(struct ranges *ranges);

#endif
