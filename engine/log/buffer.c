/* buffer.c - see buffer.h. */
#include "engine/log/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/log/block.h"

enum { RING_LEAST_BYTES = 512 << 10 }; /* a busy worker's records of some rounds, which its core's cache can keep */

void log_buffer_fini(struct log_buffer *buffer)
{
    free(buffer->ring);
    free(buffer->entries);
    free(buffer->told);
    if (buffer->budget)
        mem_budget_give(buffer->budget, buffer->ring_bytes);
}

/* The size that a ring begins with. */
static size_t first_bytes(size_t most_bytes)
{
    size_t bytes = RING_LEAST_BYTES;
    while (bytes / 2 >= most_bytes)
        bytes /= 2;
    return bytes;
}

/* A larger ring, of at least `bytes`, in the place of one from which everything has been taken. */
static bool grow(struct log_buffer *buffer, size_t bytes, size_t most_bytes)
{
    /* The logger has taken everything. */
    MAE_DCHECK(atomic_load_explicit(&buffer->head, memory_order_relaxed) == buffer->put);
    size_t larger = buffer->ring_bytes > 0 ? 2 * buffer->ring_bytes : first_bytes(most_bytes);
    while (larger < bytes)
        larger *= 2;
    size_t more = larger - buffer->ring_bytes;
    if (!mem_budget_take(buffer->budget, more))
        return false;
    char *ring = mem_alloc(larger);
    if (!ring) {
        mem_budget_give(buffer->budget, more);
        return false;
    }
    free(buffer->ring);
    buffer->ring = ring;
    buffer->ring_bytes = larger;
    return true;
}

enum log_room log_buffer_reserve(struct log_buffer *buffer, size_t bytes, size_t most_bytes)
{
    MAE_DCHECK(buffer->put == atomic_load_explicit(&buffer->tail, memory_order_relaxed));
    /* ORD-14: acquire, since the bytes below head are written again. */
    uint64_t filled = buffer->put - atomic_load_explicit(&buffer->head, memory_order_acquire);
    if (LIKELY(bytes <= buffer->ring_bytes - filled && !buffer->outgrown))
        return LOG_ROOM;
    if (filled > 0) {
        buffer->outgrown = buffer->ring_bytes < most_bytes;
        return LOG_WAIT;
    }
    if (bytes > RECORD_BYTES_MAX)
        return LOG_REFUSED;
    buffer->outgrown = false;
    return grow(buffer, bytes, most_bytes) || bytes <= buffer->ring_bytes ? LOG_ROOM : LOG_REFUSED;
}

/* The part behind the ring's end goes to its beginning. */
void log_buffer_put_around(struct log_buffer *buffer, const void *data, size_t bytes)
{
    size_t at = buffer->put & (buffer->ring_bytes - 1), first = buffer->ring_bytes - at;
    memcpy(buffer->ring + at, data, first);
    memcpy(buffer->ring, (const char *)data + first, bytes - first);
    buffer->put += bytes;
}

void log_buffer_publish(struct log_buffer *buffer, uint64_t ts)
{
    MAE_DCHECK(ts > atomic_load_explicit(&buffer->last_ts, memory_order_relaxed));       /* T1 */
    MAE_DCHECK(buffer->put > atomic_load_explicit(&buffer->tail, memory_order_relaxed)); /* a record has bytes */
    /* There was room for it, which log_buffer_reserve has found. */
    MAE_DCHECK(buffer->put - atomic_load_explicit(&buffer->head, memory_order_relaxed) <= buffer->ring_bytes);
    atomic_store_explicit(&buffer->last_ts, ts, memory_order_relaxed);
    atomic_store_explicit(&buffer->tail, buffer->put, memory_order_release); /* ORD-14 */
}

void log_buffer_take(struct log_buffer *buffer, void *to, size_t bytes)
{
    MAE_DCHECK(bytes <= log_buffer_filled(buffer));
    uint64_t head = atomic_load_explicit(&buffer->head, memory_order_relaxed);
    size_t at = head & (buffer->ring_bytes - 1), first = buffer->ring_bytes - at;
    if (first > bytes)
        first = bytes;
    memcpy(to, buffer->ring + at, first);
    memcpy((char *)to + first, buffer->ring, bytes - first);
    atomic_store_explicit(&buffer->head, head + bytes, memory_order_release); /* ORD-14 */
}
