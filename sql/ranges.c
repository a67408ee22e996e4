/* ranges.c - see ranges.h. */
#include "sql/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/sqlite.h"

bool range_add(struct ranges *ranges, const struct range *range)
{
    if (ranges->count == ranges->room) {
        const size_t room = ranges->room * 2 + 16;
        struct range *longer = sqlite3_realloc64(ranges->range, room * sizeof *longer);
        if (longer == NULL)
            return false;
        ranges->range = longer;
        ranges->room = room;
    }
    ranges->range[ranges->count++] = *range;
    return true;
}

static int range_compare(const void *a, const void *b)
{
    const struct range *one = a, *other = b;
    return memcmp(one->lo, other->lo, sizeof one->lo);
}

void ranges_merge(struct ranges *ranges)
{
    size_t merged = 0;
    if (ranges->count > 1 && !MUTATED(sql_ranges_unsorted))
        qsort(ranges->range, ranges->count, sizeof *ranges->range, range_compare);
    for (size_t i = 0; i < ranges->count; i++) {
        const struct range *next = &ranges->range[i];
        struct range *last = merged > 0 ? &ranges->range[merged - 1] : NULL;
        if (last == NULL || memcmp(next->lo, last->hi, sizeof next->lo) > 0 || MUTATED(sql_ranges_unmerged))
            ranges->range[merged++] = *next;
        else if (memcmp(next->hi, last->hi, sizeof next->hi) > 0)
            memcpy(last->hi, next->hi, sizeof last->hi);
    }
    ranges->count = merged;
}

void ranges_free(struct ranges *ranges)
{
    sqlite3_free(ranges->range);
    *ranges = (struct ranges){NULL, 0, 0};
}
