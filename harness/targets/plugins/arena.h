/* arena.h - memory of a transaction: taken piece by piece, given back at its end all at once. */
#ifndef HARNESS_TARGETS_PLUGINS_ARENA_H
#define HARNESS_TARGETS_PLUGINS_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the one in use first */
    size_t used;                /* bytes of it */
};

/* 16-byte aligned, not zeroed; NULL: out of memory. */
void *arena_take(struct arena *arena, size_t bytes);

/* Gives back all that was taken. Keeps a chunk for the next transaction. */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

#endif
