/*
 * hash_bucket.h - the layout of a bucket of a hash index. Internal to the index.
 *
 * An entry is { key, row + 1 }; the row word of an empty entry is 0. The upper bits of the first row word hold the
 * bucket's depth, which is 0 in a bucket that exists from the beginning and has not been split. Behind the entries
 * stands the link. Words are 8-byte aligned only if keys have 8 bytes.
 *
 * A link is 0, or a row of the overflow table + 1: a bucket, or with LINK_DIRECTORY a directory, whose payload is
 * LINK_FANOUT links (hash_overflow.h).
 */
#ifndef ENGINE_INDEX_HASH_BUCKET_H
#define ENGINE_INDEX_HASH_BUCKET_H

#include "engine/index/hash_index.h"

enum { LINK_BYTES = 4, LINK_FANOUT_BITS = 3, LINK_FANOUT = 1 << LINK_FANOUT_BITS };
#define LINK_DIRECTORY (UINT32_C(1) << 31)

static ALWAYS_INLINE void bucket_store_word(unsigned char *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

static ALWAYS_INLINE const unsigned char *bucket_entry(const struct hash_index *index, const void *bucket, uint32_t i)
{
    return (const unsigned char *)bucket + i * index->entry_bytes;
}

static ALWAYS_INLINE uint64_t bucket_row_word(const struct hash_index *index, const void *bucket, uint32_t i)
{
    return hash_load_word(bucket_entry(index, bucket, i) + index->key_bytes) & HASH_ROW_MASK;
}

static inline void bucket_entry_set(const struct hash_index *index, void *bucket, uint32_t i, const void *key,
                                    uint64_t row_word)
{
    unsigned char *entry = (unsigned char *)bucket + i * index->entry_bytes;
    uint64_t depth = hash_load_word(entry + index->key_bytes) & ~HASH_ROW_MASK;
    if (key)
        memcpy(entry, key, index->key_bytes);
    bucket_store_word(entry + index->key_bytes, row_word | depth);
}

static ALWAYS_INLINE unsigned bucket_depth(const struct hash_index *index, const void *bucket)
{
    return (unsigned)(hash_load_word(bucket_entry(index, bucket, 0) + index->key_bytes) >> HASH_DEPTH_SHIFT);
}

static inline void bucket_depth_set(const struct hash_index *index, void *bucket, unsigned depth)
{
    unsigned char *word = (unsigned char *)bucket + index->key_bytes;
    bucket_store_word(word, (hash_load_word(word) & HASH_ROW_MASK) | (uint64_t)depth << HASH_DEPTH_SHIFT);
}

static ALWAYS_INLINE bool bucket_key_equal(const struct hash_index *index, const unsigned char *entry, const void *key)
{
    if (LIKELY(index->key_bytes == 8))
        return hash_load_word(entry) == hash_load_word(key);
    return memcmp(entry, key, index->key_bytes) == 0;
}

/* A link is addressed by its offset: in a bucket it stands behind the entries, in a directory among other links. */
static ALWAYS_INLINE size_t bucket_link_offset(const struct hash_index *index)
{
    return index->bucket_bytes - LINK_BYTES;
}

static ALWAYS_INLINE uint32_t link_load(const void *data, size_t offset)
{
    uint32_t link;
    memcpy(&link, (const unsigned char *)data + offset, sizeof link);
    return link;
}

static inline void link_store(void *data, size_t offset, uint32_t link)
{
    memcpy((unsigned char *)data + offset, &link, sizeof link);
}

static ALWAYS_INLINE uint32_t bucket_link(const struct hash_index *index, const void *bucket)
{
    return link_load(bucket, bucket_link_offset(index));
}

static inline uint64_t link_row(uint32_t link)
{
    return (link & ~LINK_DIRECTORY) - 1;
}

#endif
