/* arena.c - see arena.h. */
#include "harness/targets/plugins/arena.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 18, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room;
    _Alignas(ALIGNMENT) char bytes[];
};

static struct arena_chunk *chunk_make(struct arena *arena, size_t bytes)
{
    size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    struct arena_chunk *chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct arena_chunk){.next = arena->chunks, .room = room};
    arena->chunks = chunk;
    arena->used = 0;
    return chunk;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (chunk == NULL || chunk->room - arena->used < whole)
        chunk = chunk_make(arena, whole);
    if (chunk == NULL)
        return NULL;
    void *taken = chunk->bytes + arena->used;
    arena->used += whole;
    return taken;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (keep == NULL && chunk->room == CHUNK_BYTES)
            keep = chunk;
        else
            free(chunk);
    }
    if (keep != NULL)
        keep->next = NULL;
    *arena = (struct arena){.chunks = keep};
}

void arena_free(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *arena = (struct arena){0};
}
