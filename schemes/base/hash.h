/*
 * hash.h - a hash index with a version a bucket: unique keys of 8 to 64 bytes to refs.
 *
 * With 8-byte keys a bucket is like the native engine's: one cache line of {24-byte header, 2 entries, overflow link},
 * and there are at least 0.8 buckets a key. A bucket that is full has a chain of overflow buckets. The version and the
 * lock of the first bucket are those of the whole chain. The index grows by one bucket at a time, in bucket order
 * (linear hashing): bucket b hands the keys whose hash has one more bit set to the new bucket b + (a power of two). All
 * others go on meanwhile. It never shrinks.
 *   H1  An entry that changes is first free (ref 0), then gets its key, then its ref. A reader of an 8-byte key loads
 *       ref, key, and ref again: an unchanged ref belongs to the key in between, whatever the versions say. Longer keys
 *       need the version.
 *   H2  A key is in its bucket's chain or nowhere. Its bucket is a function of its hash and of the number of buckets. A
 *       bucket is split while it is locked, and the number of buckets is raised in between.
 *   H3  A miss is a miss if the key's bucket was the same after the bucket's version was loaded, and the version is
 *       unchanged after the chain was searched.
 *   H4  An entry that was found in a bucket after its version was loaded is the key's, and was so all the time, if the
 *       version is the same later on. A bucket that is split is locked until it has given its keys away (H2), so what
 *       is found in an unlocked one is no leftover.
 *
 * Threads: all calls may be made at once by any number of threads, but init, fini, walk and bucket_count exclude all
 * others.
 * Checked by: hash_walk, tests/unit/schemes/base/hash.c, tests/stress/nodes.c, tests/schedule/nodes.c.
 * Source of the growing: Litwin, "Linear Hashing", VLDB 1980. Not here: what leads from a ref to a row.
 */
#ifndef SCHEMES_BASE_HASH_H
#define SCHEMES_BASE_HASH_H

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/mem.h"
#include "schemes/base/node.h"

enum { HASH_ENTRIES = 2, HASH_ENTRY_WORDS = 2, HASH_HEADER_WORDS = 3 };

/* A bucket: header, entries of {ref + 1 (0: free), key words}, and the number of the next overflow bucket (0: none). */
struct hash_bucket {
    struct index_node node;
    uint64_t unused; /* as native's header */
    _Atomic uint64_t words[];
};

struct hash {
    char *buckets; /* the first ones, at bucket * bucket_bytes */
    char *overflows;
    _Atomic uint64_t bucket_count; /* of first ones; only grows */
    _Atomic uint64_t mask;         /* that hash_place makes of it, or of a later count */
    uint32_t bucket_bytes;
    uint16_t key_bytes, key_words;
    struct span bucket_span, overflow_span;
    SEPARATED _Atomic uint64_t keys; /* estimated from those whose hash is below a bound */
    pthread_mutex_t grow_lock, overflow_lock;
    uint32_t overflow_next, overflow_free; /* never used ones; those that splits emptied, linked */
};

static inline uint64_t hash_of_word(uint64_t key)
{
    key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93u;
    key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93u;
    return key ^ (key >> 32);
}

/* The bucket of a hash among `count`: its lower bits, one bit less where that bucket does not exist yet (H2). */
static inline uint64_t hash_place(uint64_t hash, uint64_t count)
{
    uint64_t mask = UINT64_MAX >> __builtin_clzll(count - 1); /* at least two buckets */
    uint64_t place = hash & mask;
    return LIKELY(place < count) ? place : place & mask >> 1;
}

static inline struct hash_bucket *hash_first(const struct hash *hash, uint64_t place)
{
    return (struct hash_bucket *)(void *)(hash->buckets + place * hash->bucket_bytes);
}

/* MAE_OK; MAE_NO_MEMORY or MAE_NO_ADDRESSES, and then there is nothing to finish. expected_keys: a hint, or 0. */
enum mae_status hash_init(struct hash *hash, struct mem_budget *budget, size_t key_bytes, uint64_t expected_keys);
void hash_fini(struct hash *hash);

/* The number of first buckets. */
static inline uint64_t hash_count(const struct hash *hash)
{
    return atomic_load_explicit(&hash->bucket_count, memory_order_acquire); /* ORD-HASH-1 */
}

/* The first bucket of an 8-byte key, or, while the index grows, the one that it had or will have: without the mask's
 * computation, which costs a lookup 5 instructions. */
static inline const struct hash_bucket *hash_first_of_word(const struct hash *hash, uint64_t key, uint64_t count)
{
    uint64_t mask = atomic_load_explicit(&hash->mask, memory_order_relaxed); /* no older than the count */
    uint64_t place = hash_of_word(key) & mask;
    place = LIKELY(place < count) ? place : place & mask >> 1;
    return (const struct hash_bucket *)(const void *)(hash->buckets + place * CACHE_LINE_BYTES);
}

/* The entry with an 8-byte key in the bucket, or in those that hang on it: NULL, or its words, and what the first one
 * is or was. */
static ALWAYS_INLINE const _Atomic uint64_t *hash_search_word(const struct hash *hash, const struct hash_bucket *bucket,
                                                              uint64_t key, uint64_t *ref_plus_1)
{
    for (;;) {
        for (unsigned i = 0; i < HASH_ENTRIES; i++) {
            const _Atomic uint64_t *words = bucket->words + i * HASH_ENTRY_WORDS;
            *ref_plus_1 = node_word(words);
            if (node_word(words + 1) == key && *ref_plus_1)
                return words;
        }
        uint64_t next = node_word(bucket->words + HASH_ENTRIES * HASH_ENTRY_WORDS);
        if (!next)
            return NULL;
        bucket = (const struct hash_bucket *)(const void *)(hash->overflows + next * CACHE_LINE_BYTES);
    }
}

/*
 * What hash_find says of an 8-byte key that is there, for the caller to inline: one cache line if the key is in its
 * first bucket, and no store. The caller goes to the row, and then looks whether the node is as it was `seen`: only
 * then was the key there, and led to `ref`, all that time. So this look need not be one state of the bucket. Of a
 * bucket that is being changed the version before the change is noted, which holds later only if nothing was changed.
 * False: not seen, but the key may be moving; hash_find then says for sure.
 */
static ALWAYS_INLINE bool hash_find_seen(const struct hash *hash, uint64_t key, uint64_t *ref, struct node_seen *seen)
{
    const struct hash_bucket *bucket = hash_first_of_word(hash, key, hash_count(hash));
    uint64_t version = node_word(&bucket->node.version), ref_plus_1;
    if (UNLIKELY(!hash_search_word(hash, bucket, key, &ref_plus_1)))
        return false;
    *ref = ref_plus_1 - 1;
    seen->node = (struct index_node *)(uintptr_t)&bucket->node;
    seen->version = MUTATED(hash_locked_is_seen) ? version : version & ~(uint64_t)NODE_LOCKED;
    return true;
}

/* The ref of an 8-byte key, as of some moment during the call. False: as hash_find_seen. */
static inline bool hash_find_word(const struct hash *hash, uint64_t key, uint64_t *ref)
{
    uint64_t ref_plus_1;
    const struct hash_bucket *bucket = hash_first_of_word(hash, key, hash_count(hash));
    for (;;) { /* ends: each time the entry has got another key */
        const _Atomic uint64_t *words = hash_search_word(hash, bucket, key, &ref_plus_1);
        if (!words)
            return false;
        *ref = ref_plus_1 - 1;
        if (node_word(words) == ref_plus_1) /* H1 */
            return true;
    }
}

/* Starts loading the bucket of a key; the same of an 8-byte key, for the caller to inline. */
void hash_prefetch(const struct hash *hash, const void *key);
static inline void hash_prefetch_word(const struct hash *hash, uint64_t key)
{
    __builtin_prefetch(hash_first_of_word(hash, key, hash_count(hash)));
}

/* True: `ref` is the key's, as of some moment during the call. False: the key was not there. Either way that holds as
 * long as the node is as it was `seen`. */
bool hash_find(const struct hash *hash, const void *key, uint64_t *ref, struct node_seen *seen);

/* MAE_OK. MAE_EXISTS: `there` is the key's ref, as in hash_find. MAE_NO_MEMORY. ref: at most UINT64_MAX - 1. `changes`
 * is filled by MAE_OK, else empty. */
enum mae_status hash_insert(struct hash *hash, const void *key, uint64_t ref, uint64_t *there,
                            struct node_changes *changes);

/* MAE_OK. MAE_NOT_FOUND: the key is not there or leads to another ref. */
enum mae_status hash_remove(struct hash *hash, const void *key, uint64_t ref, struct node_changes *changes);

/* The entry (key, ref) leads to new_ref from now on; readers see one or the other. MAE_OK or MAE_NOT_FOUND. */
enum mae_status hash_replace(struct hash *hash, const void *key, uint64_t ref, uint64_t new_ref,
                             struct node_changes *changes);

/* First and overflow buckets that were ever used. */
uint64_t hash_bucket_count(const struct hash *hash);

/* Calls visit for each entry, in no order, until it returns false; false too where a bucket is locked or an entry is in
 * a bucket that is not its key's. */
bool hash_walk(const struct hash *hash, bool (*visit)(void *arg, const void *key, uint64_t ref), void *arg);

#endif
