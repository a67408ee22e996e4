/* sqlite.c - see sqlite.h. */
#include "sql/sqlite.h"

#include <string.h>

void *memory_zeroed(size_t bytes)
{
    void *memory = sqlite3_malloc64(bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

char *memory_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = sqlite3_malloc64(bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}
