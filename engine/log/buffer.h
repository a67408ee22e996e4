/*
 * buffer.h - the way of records from one worker to the logger: a ring that the worker fills and the logger empties.
 *
 * A worker reserves room while its transaction can still fail. Then it appends one record, piece by piece, and
 * publishes it. The logger sees whole records only.
 *
 *               reserve  put  publish   take    "-" free to race, "X": the caller excludes it
 *     reserve      X      X      X       -      (one worker)
 *     put          X      X      X       -
 *     publish      X      X      X       -
 *     take         -      -      -       X      (one logger)
 *
 * The ring grows when a record is larger than it. It also grows when it is full, up to a size that the options name: a
 * worker shall come around to lines that are still in its cache, so the ring is small as long as the logger keeps up.
 * The worker puts a larger ring in its place when the logger has taken everything, which it then waits for. The logger
 * touches the old ring no more: it looks for the ring only after it has found a record (ORD-14).
 * Checked by: tests/unit/log/buffer.c, tests/stress/log.c.
 * Not here: what the records say (txn/logging.c), writing them (logger.c).
 */
#ifndef ENGINE_LOG_BUFFER_H
#define ENGINE_LOG_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"

enum { LOG_PREFETCH_MAX_BYTES = 1024 }; /* more lines than a core can ask for at a time */

struct log_buffer {
    /* The worker's. */
    struct log *log;
    struct mem_budget *budget;
    char *ring;
    size_t ring_bytes; /* 0 or a power of two */
    bool outgrown;     /* it grows as soon as it is empty */
    uint64_t put;      /* bytes put so far; what is above `tail` is not published yet */
    char *entries;     /* pieces of the running transaction about index entries */
    size_t entries_bytes, entries_capacity;
    uint32_t entries_count;
    uint64_t entries_epoch; /* of the access set of the transaction that they are of */
    size_t record_bytes;    /* of the record that room is reserved for */
    uint32_t record_count;
    struct told *told; /* NULL, or what is to be told of the transaction with this epoch if it commits */
    uint64_t told_epoch;
    SEPARATED _Atomic uint64_t tail; /* bytes published so far */
    _Atomic uint64_t last_ts;        /* of the last record that was published */
    /* The logger's. */
    SEPARATED _Atomic uint64_t head; /* bytes taken so far */
};

void log_buffer_fini(struct log_buffer *buffer);

/* The epochs of the access set begin again: what the buffer keeps of an earlier transaction is of none that comes. */
static inline void log_buffer_forget(struct log_buffer *buffer)
{
    buffer->entries_count = MUTATED(entries_inherited) ? buffer->entries_count : 0;
    buffer->told_epoch = 0;
}

/* How `bytes` can be had: ROOM; WAIT until the logger has taken more; REFUSED, since the memory limit is reached
 * or a record cannot be as large. A ring that is full grows while it is smaller than `most_bytes`. */
enum log_room { LOG_ROOM, LOG_WAIT, LOG_REFUSED };
enum log_room log_buffer_reserve(struct log_buffer *buffer, size_t bytes, size_t most_bytes);

/* Asks for the lines of a reserved record, which the logger's core has had last. They arrive while the transaction is
 * validated. */
static inline void log_buffer_prefetch(const struct log_buffer *buffer, size_t bytes)
{
    size_t mask = buffer->ring_bytes - 1, most = LOG_PREFETCH_MAX_BYTES;
    for (size_t i = 0; i < (bytes < most ? bytes : most); i += CACHE_LINE_BYTES)
        __builtin_prefetch(buffer->ring + ((buffer->put + i) & mask), 1);
}

/* Where the next `bytes` bytes of the record go, for which room is reserved; the caller fills them in. NULL: the ring's
 * end divides them, so they are to be put. */
static inline char *log_buffer_extend(struct log_buffer *buffer, size_t bytes)
{
    size_t at = buffer->put & (buffer->ring_bytes - 1);
    if (UNLIKELY(bytes > buffer->ring_bytes - at))
        return NULL;
    buffer->put += bytes;
    return buffer->ring + at;
}

/* Appends bytes of the record for which room is reserved. */
void log_buffer_put_around(struct log_buffer *buffer, const void *data, size_t bytes);
static inline void log_buffer_put(struct log_buffer *buffer, const void *data, size_t bytes)
{
    char *at = log_buffer_extend(buffer, bytes);
    if (LIKELY(at != NULL))
        memcpy(at, data, bytes);
    else
        log_buffer_put_around(buffer, data, bytes);
}
void log_buffer_publish(struct log_buffer *buffer, uint64_t ts);

/* For the logger: how many bytes have been published and not been taken. */
static inline uint64_t log_buffer_filled(struct log_buffer *buffer)
{
    /* ORD-14. */
    return atomic_load_explicit(&buffer->tail, memory_order_acquire) -
           atomic_load_explicit(&buffer->head, memory_order_relaxed);
}
/* Copies the next `bytes` bytes out. */
void log_buffer_take(struct log_buffer *buffer, void *to, size_t bytes);

#endif
