/* sql_writes.c - see sql_writes.h. */
#include "harness/targets/sql_writes.h"

#include "harness/common/support.h"

enum { CHUNK_BYTES = 64 << 10, ALIGN_BYTES = 16, HEADS_LEAST = 64 };

struct sql_chunk {
    struct sql_chunk *next;
    size_t bytes;
    _Alignas(ALIGN_BYTES) char memory[];
};

void *sql_writes_payload(struct sql_writes *writes, size_t bytes)
{
    bytes = (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    if (writes->chunks == NULL || writes->chunks->bytes - writes->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct sql_chunk *chunk = support_alloc(sizeof *chunk + room);
        chunk->next = writes->chunks;
        chunk->bytes = room;
        writes->chunks = chunk;
        writes->used = 0;
    }
    void *payload = writes->chunks->memory + writes->used;
    writes->used += bytes;
    memset(payload, 0, bytes);
    return payload;
}

static size_t *head_of(const struct sql_writes *writes, unsigned table, uint64_t ref)
{
    uint64_t hash = (ref ^ (uint64_t)table << 48) * UINT64_C(0x9e3779b97f4a7c15);
    return &writes->heads[(hash >> 32) & (writes->heads_count - 1)];
}

struct sql_write *sql_writes_find(const struct sql_writes *writes, unsigned table, uint64_t ref)
{
    if (writes->count == 0)
        return NULL;
    for (size_t at = *head_of(writes, table, ref); at > 0; at = writes->writes[at - 1].next)
        if (writes->writes[at - 1].ref == ref && writes->writes[at - 1].table == table)
            return &writes->writes[at - 1];
    return NULL;
}

static void link_last(struct sql_writes *writes)
{
    struct sql_write *write = &writes->writes[writes->count - 1];
    size_t *head = head_of(writes, write->table, write->ref);
    write->next = *head;
    *head = writes->count;
}

/* Makes the hash table, and the array, twice as large. */
static void grow(struct sql_writes *writes)
{
    size_t count = writes->count;
    writes->heads_count = writes->heads_count > 0 ? 2 * writes->heads_count : HEADS_LEAST;
    free(writes->heads);
    writes->heads = support_alloc(writes->heads_count * sizeof *writes->heads);
    writes->writes = support_realloc(writes->writes, writes->heads_count * sizeof *writes->writes);
    for (writes->count = 0; writes->count < count;) {
        writes->count++;
        link_last(writes);
    }
}

void sql_writes_add(struct sql_writes *writes, const struct sql_write *write)
{
    if (writes->count == writes->heads_count)
        grow(writes);
    writes->writes[writes->count++] = *write;
    link_last(writes);
}

void sql_writes_clear(struct sql_writes *writes)
{
    for (size_t i = 0; i < writes->count; i++)
        *head_of(writes, writes->writes[i].table, writes->writes[i].ref) = 0;
    writes->count = 0;
    while (writes->chunks != NULL && (writes->chunks->next != NULL || writes->chunks->bytes > CHUNK_BYTES)) {
        struct sql_chunk *next = writes->chunks->next;
        free(writes->chunks);
        writes->chunks = next;
    }
    writes->used = 0;
}

void sql_writes_free(struct sql_writes *writes)
{
    sql_writes_clear(writes);
    free(writes->chunks);
    free(writes->heads);
    free(writes->writes);
    *writes = (struct sql_writes){0};
}
