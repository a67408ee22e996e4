/*
 * block.h - what stands on the disk: blocks, and the records in them (DURABLE.md).
 *
 * A segment is a file of blocks, one behind the other, each at a multiple of FILE_BLOCK_BYTES. The log is one stream of
 * blocks or several, each written by a thread of its own into a folder of its own. The blocks of a stream are numbered
 * from 1 in each life of the database. Flushes, too: a flush is some blocks of a stream, of which the last one says so.
 * The bodies of a flush's blocks, put together, are whole records, so a record may be longer than a block.
 *
 * A record is what one transaction changed: struct record, then `count` pieces, each followed by the row's payload or
 * by the entry's key, with zeros up to a multiple of 8 bytes. All numbers are in the order of bytes of the machine; the
 * magic number is wrong on a machine with the other order.
 */
#ifndef ENGINE_LOG_BLOCK_H
#define ENGINE_LOG_BLOCK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/file.h"

enum { BLOCK_MAX_BYTES = 1 << 20, BLOCK_VERSION = 2, BLOCK_MAGIC = 0x4D61654C };
enum { STREAMS_MAX = 16 }; /* of one life */

struct block {
    uint32_t magic;
    uint32_t crc;      /* of all `bytes` bytes but these four (crc32c_of_thirds) */
    uint32_t bytes;    /* with this header, without the padding up to FILE_BLOCK_BYTES */
    uint16_t version;  /* of the format */
    uint8_t is_last;   /* 1: of its flush */
    uint8_t stream;    /* from 0 */
    uint64_t database; /* a random number, so that another database's blocks are not taken for this one's */
    uint64_t life;
    uint64_t number;
    uint64_t flush;
    uint64_t bound;  /* of the last block: the flush's bound (D2); of others 0 */
    uint64_t synced; /* the highest bound of this stream that was certainly on the disk when this was written (D8) */
    uint64_t all_synced; /* the same of all streams: the least of theirs */
};
static_assert(sizeof(struct block) == 72, "the format");

struct record {
    uint32_t bytes; /* with this header; a multiple of 8 */
    uint32_t count; /* pieces */
    uint64_t ts;
};
static_assert(sizeof(struct record) == 16, "the format");
#define RECORD_BYTES_MAX (UINT32_MAX - 7) /* a transaction that writes more cannot be logged */

#define PIECE_NUMBER_MAX UINT64_C(0xFFFFFFFFFFFF) /* of objects and rows */

/* DELTA: operations on a row, which its payload lists (store/delta.h). */
enum piece_kind { PIECE_PUT = 1, PIECE_DELETE, PIECE_ADD, PIECE_REMOVE, PIECE_DELTA };

struct piece {
    uint64_t object : 48; /* the number of the table, or of the index */
    uint64_t kind : 8;
    uint64_t key_bytes : 8;
    uint64_t row : 48;
    uint64_t payload_bytes : 16;
};
static_assert(sizeof(struct piece) == 16, "the format");

/*
 * A piece as two words, for the worker that writes it; `bytes` are of the key or the payload. The worker stores them
 * one by one. If it filled in struct piece field by field and copied it, the copy's load would have to wait until the
 * narrower stores before it, and all stores before those, have left the core. Those are to lines of the log's buffer,
 * which another core has had last.
 */
static inline void piece_pack(enum piece_kind kind, uint64_t object, uint64_t row, size_t bytes, uint64_t *words)
{
    bool has_key = kind == PIECE_ADD || kind == PIECE_REMOVE;
    words[0] = (object & PIECE_NUMBER_MAX) | (uint64_t)kind << 48 | (uint64_t)(has_key ? bytes : 0) << 56;
    words[1] = (row & PIECE_NUMBER_MAX) | (uint64_t)(has_key ? 0 : bytes) << 48;
}

static inline size_t padded(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

/* The bytes of a piece with `bytes` of payload or key. */
static inline size_t piece_bytes(size_t bytes)
{
    return sizeof(struct piece) + padded(bytes, 8);
}

static inline bool piece_is_row(const struct piece *piece)
{
    return piece->kind == PIECE_PUT || piece->kind == PIECE_DELETE || piece->kind == PIECE_DELTA;
}

/* The piece at *at, which moves on behind it. NULL: none that ends before `end` begins there. */
static inline const struct piece *piece_take(const char **at, const char *end)
{
    const struct piece *piece = (const struct piece *)(const void *)*at;
    if (end - *at < (ptrdiff_t)sizeof *piece || piece->kind < PIECE_PUT || piece->kind > PIECE_DELTA)
        return NULL;
    size_t bytes = piece_bytes(piece_is_row(piece) ? piece->payload_bytes : piece->key_bytes);
    if ((size_t)(end - *at) < bytes)
        return NULL;
    *at += bytes;
    return piece;
}

/* Fills in magic, version and checksum. */
void block_seal(struct block *block);

/* Whether a whole and undamaged block of this database begins here; `bytes` are readable. */
bool block_is_good(const struct block *block, size_t bytes, uint64_t database);

#endif
