/*
 * directory.h - which cores have a line in their private caches, and when the line is free for its next transfer.
 *
 *   D1  A line has an entry exactly while some core has it.
 *   D2  A line with an owner has no other holder.
 * A hash table with open addressing. An entry stays where it is until directory_find or directory_remove.
 * Checked by: tests/unit/sim/memory.c.
 */
#ifndef SIM_DIRECTORY_H
#define SIM_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

enum { NO_CORE = UINT16_MAX };

struct directory_entry {
    uint64_t line;     /* + 1; 0: the place is free */
    uint64_t ready_ps; /* the transfer that is under way ends then */
    uint16_t owner;    /* may write it; NO_CORE: nobody */
    uint16_t count;    /* of holders */
    uint64_t holders[];
};

struct directory {
    unsigned words; /* of holders */
    uint64_t entry_bytes, places, used;
    unsigned char *entries;
};

bool directory_init(struct directory *directory, unsigned cores);
void directory_fini(struct directory *directory);

/* NULL: no core has the line. With `make` a fresh entry without holders is made then. */
struct directory_entry *directory_find(struct directory *directory, uint64_t line, bool make);
void directory_remove(struct directory *directory, struct directory_entry *entry);

bool directory_holds(const struct directory_entry *entry, unsigned core);
void directory_hold(struct directory_entry *entry, unsigned core);
void directory_drop(struct directory_entry *entry, unsigned core);

#endif
