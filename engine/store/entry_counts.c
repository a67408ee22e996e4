/* entry_counts.c - see entry_counts.h. */
#include "engine/store/entry_counts.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"

enum { CAPACITY_MIN = 64 };

struct entry_count {
    uint64_t row_and_1; /* 0: the place is free */
    uint32_t count;
};

void entry_counts_init(struct entry_counts *counts)
{
    *counts = (struct entry_counts){.places = NULL};
    pthread_mutex_init(&counts->lock, NULL);
}

void entry_counts_fini(struct entry_counts *counts)
{
    pthread_mutex_destroy(&counts->lock);
    free(counts->places);
}

/* The row's place, or the free one that it would get. Ends: half of the places are free. */
static struct entry_count *place_of(const struct entry_counts *counts, uint64_t row)
{
    size_t mask = counts->capacity - 1, i = (size_t)(row * UINT64_C(0x9E3779B97F4A7C15) >> 20) & mask;
    while (counts->places[i].row_and_1 != 0 && counts->places[i].row_and_1 != row + 1)
        i = (i + 1) & mask;
    return &counts->places[i];
}

static bool grow(struct entry_counts *counts)
{
    struct entry_counts grown = *counts;
    grown.capacity = counts->capacity ? 2 * counts->capacity : CAPACITY_MIN;
    grown.places = mem_alloc(grown.capacity * sizeof *grown.places);
    if (!grown.places)
        return false;
    for (size_t i = 0; i < counts->capacity; i++)
        if (counts->places[i].row_and_1 != 0)
            *place_of(&grown, counts->places[i].row_and_1 - 1) = counts->places[i];
    free(counts->places);
    counts->places = grown.places;
    counts->capacity = grown.capacity;
    return true;
}

bool entry_counts_reserve(struct entry_counts *counts, uint64_t row)
{
    pthread_mutex_lock(&counts->lock);
    bool room = 2 * counts->used < counts->capacity || grow(counts);
    if (room) {
        struct entry_count *place = place_of(counts, row);
        counts->used += place->row_and_1 == 0;
        place->row_and_1 = row + 1;
    }
    pthread_mutex_unlock(&counts->lock);
    return room;
}

static struct entry_count *reserved_place(const struct entry_counts *counts, uint64_t row)
{
    MAE_CHECK(counts->capacity > 0);
    struct entry_count *place = place_of(counts, row);
    MAE_CHECK(place->row_and_1 == row + 1);
    return place;
}

void entry_counts_set(struct entry_counts *counts, uint64_t row, uint32_t count)
{
    pthread_mutex_lock(&counts->lock);
    reserved_place(counts, row)->count = count;
    pthread_mutex_unlock(&counts->lock);
}

uint32_t entry_counts_get(struct entry_counts *counts, uint64_t row)
{
    pthread_mutex_lock(&counts->lock);
    uint32_t count = reserved_place(counts, row)->count;
    pthread_mutex_unlock(&counts->lock);
    return count;
}
