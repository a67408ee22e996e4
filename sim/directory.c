/* directory.c - see directory.h. */
#include "sim/directory.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { PLACES_FIRST = 1 << 12 };

bool directory_init(struct directory *directory, unsigned cores)
{
    directory->words = (cores + 63) / 64;
    directory->entry_bytes = sizeof(struct directory_entry) + directory->words * sizeof(uint64_t);
    directory->places = PLACES_FIRST;
    directory->used = 0;
    directory->entries = calloc(directory->places, directory->entry_bytes);
    return directory->entries != NULL;
}

void directory_fini(struct directory *directory)
{
    free(directory->entries);
    directory->entries = NULL;
}

static struct directory_entry *place(const struct directory *directory, uint64_t i)
{
    return (struct directory_entry *)(void *)(directory->entries + i * directory->entry_bytes);
}

static uint64_t home(const struct directory *directory, uint64_t line)
{
    return (line * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (directory->places - 1);
}

/* Where the line is, or would be. */
static struct directory_entry *seek(const struct directory *directory, uint64_t line)
{
    uint64_t i = home(directory, line);
    /* Ends: at most half of the places are taken. */
    while (place(directory, i)->line != 0 && place(directory, i)->line != line + 1)
        i = (i + 1) & (directory->places - 1);
    return place(directory, i);
}

static void grow(struct directory *directory)
{
    struct directory larger = *directory;
    larger.places *= 2;
    larger.entries = calloc(larger.places, larger.entry_bytes);
    MAE_CHECK(larger.entries != NULL);
    for (uint64_t i = 0; i < directory->places; i++) {
        const struct directory_entry *entry = place(directory, i);
        if (entry->line != 0)
            memcpy(seek(&larger, entry->line - 1), entry, directory->entry_bytes);
    }
    free(directory->entries);
    *directory = larger;
}

struct directory_entry *directory_find(struct directory *directory, uint64_t line, bool make)
{
    struct directory_entry *entry = seek(directory, line);
    if (entry->line != 0)
        return entry;
    if (!make)
        return NULL;
    if (++directory->used > directory->places / 2) {
        grow(directory);
        entry = seek(directory, line);
    }
    entry->line = line + 1;
    entry->owner = NO_CORE;
    return entry;
}

void directory_remove(struct directory *directory, struct directory_entry *entry)
{
    MAE_DCHECK(entry->count == 0); /* D1 */
    uint64_t mask = directory->places - 1;
    uint64_t hole = (uint64_t)((unsigned char *)entry - directory->entries) / directory->entry_bytes;
    /* Entries that only stand behind the hole because their place was taken move into it. */
    for (uint64_t i = (hole + 1) & mask; place(directory, i)->line != 0; i = (i + 1) & mask) {
        uint64_t distance = (i - home(directory, place(directory, i)->line - 1)) & mask;
        if (distance < ((i - hole) & mask))
            continue;
        memcpy(place(directory, hole), place(directory, i), directory->entry_bytes);
        hole = i;
    }
    memset(place(directory, hole), 0, directory->entry_bytes);
    directory->used--;
}

bool directory_holds(const struct directory_entry *entry, unsigned core)
{
    return (entry->holders[core / 64] >> core % 64 & 1) != 0;
}

void directory_hold(struct directory_entry *entry, unsigned core)
{
    MAE_DCHECK(!directory_holds(entry, core));
    entry->holders[core / 64] |= UINT64_C(1) << core % 64;
    entry->count++;
}

void directory_drop(struct directory_entry *entry, unsigned core)
{
    MAE_DCHECK(directory_holds(entry, core));
    entry->holders[core / 64] &= ~(UINT64_C(1) << core % 64);
    entry->count--;
    if (entry->owner == core)
        entry->owner = NO_CORE;
}
