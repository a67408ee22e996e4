/*
 * entry_counts.h - how many index entries lead to a row: for the rows that have too many for their lock byte (table.h).
 *
 * A table by row id, under a lock. It only grows: a row that has had many entries keeps its place, also for the next
 * row with its id. The memory comes from malloc. Any thread may call these functions.
 */
#ifndef ENGINE_STORE_ENTRY_COUNTS_H
#define ENGINE_STORE_ENTRY_COUNTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry_count;

struct entry_counts {
    pthread_mutex_t lock;
    struct entry_count *places; /* a power of two of them, at most half of them used; NULL before the first */
    size_t used, capacity;
};

void entry_counts_init(struct entry_counts *counts);
void entry_counts_fini(struct entry_counts *counts);

/* Makes a place for the row, unless it has one. False when out of memory. */
bool entry_counts_reserve(struct entry_counts *counts, uint64_t row);

/* The row has a place. */
void entry_counts_set(struct entry_counts *counts, uint64_t row, uint32_t count);
uint32_t entry_counts_get(struct entry_counts *counts, uint64_t row);

#endif
