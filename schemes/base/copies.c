/* copies.c - see copies.h. */
#include "schemes/base/copies.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/mem.h"

bool copies_grow(struct copies *copies)
{
    struct copies_block *block = copies->present ? copies->present->next : copies->first;
    if (!block) {
        block = mem_alloc_unset(sizeof *block);
        if (!block)
            return false;
        block->next = NULL;
        if (copies->present)
            copies->present->next = block;
        else
            copies->first = block;
    }
    copies->present = block;
    copies->next = (char *)block->bytes;
    copies->end = copies->next + COPIES_BLOCK_BYTES - COPIES_LEFT_BYTES;
    return true;
}

void copies_fini(struct copies *copies)
{
    while (copies->first) {
        struct copies_block *next = copies->first->next;
        free(copies->first);
        copies->first = next;
    }
    copies->present = NULL;
}
