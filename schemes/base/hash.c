/* hash.c - see hash.h. */
#include "schemes/base/hash.h"

#include <assert.h>

#include "engine/base/check.h"

enum {
    KEY_WORDS_MAX = 8,
    BUCKETS_MIN = 1024,
    /* Keys are counted by sampling those whose hash has this many leading zeros: one shared write per 64 inserts. */
    SAMPLE_BITS = 6,
    SPLITS_MAX = 1 << SAMPLE_BITS, /* by one insert: no fewer than the inserts since the last sample want */
    CROWDED_PART = 4,              /* it grows when there are more keys than buckets by this part of the buckets, */
    BEHIND_PART = 2,               /* and has fallen behind when there are by this one */
    RESERVED_LOG2 = 34,
    RESERVED_MIN_LOG2 = 22,
};

static_assert(sizeof(struct hash_bucket) == HASH_HEADER_WORDS * sizeof(uint64_t), "as native's header");
static_assert((HASH_HEADER_WORDS + HASH_ENTRIES * HASH_ENTRY_WORDS + 1) * sizeof(uint64_t) == CACHE_LINE_BYTES,
              "with 8-byte keys a bucket is one cache line, as native's");

/* A key as words, the last one filled up with zeros; those behind it are not set. */
struct key {
    uint64_t words[KEY_WORDS_MAX], hash;
};

static struct key key_make(const struct hash *hash, const void *bytes)
{
    struct key key;
    if (hash->key_bytes == sizeof key.words[0]) {
        memcpy(key.words, bytes, sizeof key.words[0]);
    } else {
        key.words[hash->key_words - 1] = 0; /* which the key may not fill */
        memcpy(key.words, bytes, hash->key_bytes);
    }
    key.hash = hash_of_word(key.words[0]);
    for (unsigned i = 1; i < hash->key_words; i++)
        key.hash = hash_of_word(key.hash * 3 ^ key.words[i]);
    return key;
}

/* ---- Buckets. ---- */

static unsigned entry_words(const struct hash *hash)
{
    return hash->key_words + 1u;
}

static _Atomic uint64_t *entry_at(const struct hash *hash, struct hash_bucket *bucket, unsigned i)
{
    return bucket->words + i * entry_words(hash);
}

static _Atomic uint64_t *link_of(const struct hash *hash, struct hash_bucket *bucket)
{
    return bucket->words + HASH_ENTRIES * entry_words(hash);
}

static struct hash_bucket *overflow_at(const struct hash *hash, uint64_t number)
{
    return (struct hash_bucket *)(void *)(hash->overflows + number * hash->bucket_bytes);
}

static struct hash_bucket *chain_next(const struct hash *hash, struct hash_bucket *bucket)
{
    uint64_t next = node_word(link_of(hash, bucket));
    return next ? overflow_at(hash, next) : NULL;
}

static bool entry_has(const struct hash *hash, const _Atomic uint64_t *entry, const struct key *key)
{
    for (unsigned i = 0; i < hash->key_words; i++)
        if (node_word(entry + 1 + i) != key->words[i])
            return false;
    return true;
}

static void entry_set(const struct hash *hash, _Atomic uint64_t *entry, const struct key *key, uint64_t ref_plus_1)
{
    for (unsigned i = 0; i < hash->key_words; i++)
        node_word_set(entry + 1 + i, key->words[i]);
    node_word_set(entry, ref_plus_1); /* H1 */
}

static struct key entry_key(const struct hash *hash, const _Atomic uint64_t *entry)
{
    uint64_t words[KEY_WORDS_MAX];
    for (unsigned i = 0; i < hash->key_words; i++)
        words[i] = node_word(entry + 1 + i);
    return key_make(hash, words);
}

/* A place in a chain. */
struct place {
    struct hash_bucket *bucket;
    unsigned entry;
};

/* The entry of the key; NULL if there is none. A reader without the lock checks the version afterwards. */
static _Atomic uint64_t *chain_search(const struct hash *hash, struct hash_bucket *first, const struct key *key)
{
    for (struct hash_bucket *bucket = first; bucket; bucket = chain_next(hash, bucket))
        for (unsigned i = 0; i < HASH_ENTRIES; i++) {
            _Atomic uint64_t *entry = entry_at(hash, bucket, i);
            if (node_word(entry) && entry_has(hash, entry, key))
                return entry;
        }
    return NULL;
}

/* ---- Overflow buckets. ---- */

/* An empty one; 0 when out of memory. */
static uint32_t overflow_take(struct hash *hash)
{
    uint32_t taken = 0;
    pthread_mutex_lock(&hash->overflow_lock);
    if (hash->overflow_free) {
        taken = hash->overflow_free;
        hash->overflow_free = (uint32_t)node_word(link_of(hash, overflow_at(hash, taken)));
    } else if (hash->overflow_next != UINT32_MAX &&
               span_commit(&hash->overflow_span, ((size_t)hash->overflow_next + 1) * hash->bucket_bytes) == MAE_OK) {
        taken = hash->overflow_next++;
    }
    pthread_mutex_unlock(&hash->overflow_lock);
    if (taken)
        node_word_set(link_of(hash, overflow_at(hash, taken)), 0);
    return taken;
}

/* Gives back what hangs on the bucket; all its entries are free. */
static void overflow_give(struct hash *hash, struct hash_bucket *last)
{
    uint32_t number = (uint32_t)node_word(link_of(hash, last));
    node_word_set(link_of(hash, last), 0);
    pthread_mutex_lock(&hash->overflow_lock);
    while (number) {
        _Atomic uint64_t *link = link_of(hash, overflow_at(hash, number));
        uint32_t next = (uint32_t)node_word(link);
        node_word_set(link, hash->overflow_free);
        hash->overflow_free = number;
        number = next;
    }
    pthread_mutex_unlock(&hash->overflow_lock);
}

/* ---- Chains. The caller holds the lock, or the bucket is not in use yet. ---- */

/* Adds an entry that the chain does not have. False: out of memory. */
static bool chain_add(struct hash *hash, struct hash_bucket *first, const struct key *key, uint64_t ref_plus_1)
{
    struct hash_bucket *last = first;
    for (struct hash_bucket *bucket = first; bucket; last = bucket, bucket = chain_next(hash, bucket))
        for (unsigned i = 0; i < HASH_ENTRIES; i++)
            if (!node_word(entry_at(hash, bucket, i))) {
                entry_set(hash, entry_at(hash, bucket, i), key, ref_plus_1);
                return true;
            }
    uint32_t fresh = overflow_take(hash);
    if (!fresh)
        return false;
    entry_set(hash, entry_at(hash, overflow_at(hash, fresh), 0), key, ref_plus_1);
    node_word_set(link_of(hash, last), fresh);
    return true;
}

/* Frees the entries whose hash has a bit of `bits`, moves the others together, gives back what is then empty. */
static void chain_keep(struct hash *hash, struct hash_bucket *first, uint64_t bits)
{
    struct place to = {first, 0};
    for (struct hash_bucket *bucket = first; bucket; bucket = chain_next(hash, bucket))
        for (unsigned i = 0; i < HASH_ENTRIES; i++) {
            _Atomic uint64_t *from = entry_at(hash, bucket, i);
            uint64_t ref_plus_1 = node_word(from);
            struct key key = entry_key(hash, from);
            if (!ref_plus_1)
                continue;
            bool stays = (key.hash & bits) == 0;
            if (stays && to.entry == HASH_ENTRIES)
                to = (struct place){chain_next(hash, to.bucket), 0};
            if (stays && to.bucket == bucket && to.entry == i) {
                to.entry++;
                continue;
            }
            node_word_set(from, 0); /* H1 */
            if (stays)
                entry_set(hash, entry_at(hash, to.bucket, to.entry++), &key, ref_plus_1);
        }
    overflow_give(hash, to.bucket);
}

/* ---- Growing. ---- */

static uint64_t count_now(const struct hash *hash)
{
    return atomic_load_explicit(&hash->bucket_count, memory_order_acquire); /* ORD-HASH-1 */
}

/* Copies the entries whose hash has `bit` to the twin. False: out of memory; the twin is empty then. */
static bool copy_to_twin(struct hash *hash, struct hash_bucket *bucket, struct hash_bucket *twin, uint64_t bit)
{
    for (struct hash_bucket *from = bucket; from; from = chain_next(hash, from))
        for (unsigned i = 0; i < HASH_ENTRIES; i++) {
            uint64_t ref_plus_1 = node_word(entry_at(hash, from, i));
            struct key key = entry_key(hash, entry_at(hash, from, i));
            if (ref_plus_1 && (key.hash & bit) && !chain_add(hash, twin, &key, ref_plus_1)) {
                chain_keep(hash, twin, UINT64_MAX);
                return false;
            }
        }
    return true;
}

/* Adds a bucket. The caller holds grow_lock. False: out of memory; nothing has changed. */
static bool split_next(struct hash *hash)
{
    uint64_t count = count_now(hash), bit = UINT64_C(1) << (63 - __builtin_clzll(count)), version;
    if (span_commit(&hash->bucket_span, (count + 1) * hash->bucket_bytes) != MAE_OK)
        return false;
    struct hash_bucket *bucket = hash_first(hash, count - bit), *twin = hash_first(hash, count);
    do /* ends as node_read_begin does: another insert or removal has been done */
        node_read_begin(&bucket->node, &version);
    while (!node_try_lock(&bucket->node, version));
    if (!copy_to_twin(hash, bucket, twin, bit)) {
        node_unlock_unchanged(&bucket->node, version);
        return false;
    }
    uint64_t stamp = atomic_load_explicit(&bucket->node.stamp, memory_order_seq_cst); /* ORD-NODE-2 */
    atomic_store_explicit(&twin->node.stamp, stamp, memory_order_release);            /* ORD-HASH-1 */
    atomic_store_explicit(&hash->mask, UINT64_MAX >> __builtin_clzll(count), memory_order_relaxed);
    atomic_store_explicit(&hash->bucket_count, count + 1, memory_order_release); /* ORD-HASH-1 */
    RACE(NODE_UNLOCK);
    chain_keep(hash, bucket, bit);
    if (MUTATED(growth_keeps_version))
        node_unlock_unchanged(&bucket->node, version);
    else
        node_unlock(&bucket->node, version);
    return true;
}

/* Whether there are more keys than buckets by this share of them: 1 / `part`. */
static bool is_crowded(const struct hash *hash, unsigned part)
{
    uint64_t count = count_now(hash);
    return atomic_load_explicit(&hash->keys, memory_order_relaxed) > count + count / part;
}

/* Out of memory: the index stays as it is, with longer chains. Leaves it to another thread that does it already, unless
 * that one falls behind: then the inserters take turns. The caller holds no node. */
static void grow(struct hash *hash)
{
    if (pthread_mutex_trylock(&hash->grow_lock) != 0) {
        if (!is_crowded(hash, BEHIND_PART))
            return;
        pthread_mutex_lock(&hash->grow_lock);
    }
    for (unsigned i = 0; i < SPLITS_MAX && is_crowded(hash, CROWDED_PART) && split_next(hash); i++) {
    }
    pthread_mutex_unlock(&hash->grow_lock);
}

static bool is_sample(const struct key *key)
{
    return key->hash >> (64 - SAMPLE_BITS) == 0;
}

/* ---- Calls. ---- */

void hash_prefetch(const struct hash *hash, const void *key)
{
    const char *line = (const char *)hash_first(hash, hash_place(key_make(hash, key).hash, count_now(hash)));
    for (unsigned at = 0; at < hash->bucket_bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(line + at);
}

/* The key's bucket, and its version from a moment when it was that (H3). */
static struct hash_bucket *bucket_begin(const struct hash *hash, const struct key *key, uint64_t *version)
{
    for (;;) { /* ends: the count has grown, which takes 64 inserts each time it doubles a part of the index */
        uint64_t place = hash_place(key->hash, count_now(hash));
        struct hash_bucket *bucket = hash_first(hash, place);
        node_read_begin(&bucket->node, version);
        if (place == hash_place(key->hash, count_now(hash)))
            return bucket;
    }
}

/* The same, locked. */
static struct hash_bucket *bucket_lock(const struct hash *hash, const struct key *key, uint64_t *version)
{
    struct hash_bucket *bucket;
    do /* ends as split_next's */
        bucket = bucket_begin(hash, key, version);
    while (!node_try_lock(&bucket->node, *version));
    return bucket;
}

bool hash_find(const struct hash *hash, const void *key, uint64_t *ref, struct node_seen *seen)
{
    struct key wanted = key_make(hash, key);
    struct hash_bucket *bucket;
    uint64_t version, ref_plus_1;
    do { /* ends as split_next's */
        bucket = bucket_begin(hash, &wanted, &version);
        const _Atomic uint64_t *entry = chain_search(hash, bucket, &wanted);
        ref_plus_1 = entry ? node_word(entry) : 0;
    } while (!node_read_end(&bucket->node, version));
    *seen = (struct node_seen){&bucket->node, version};
    if (ref_plus_1)
        *ref = ref_plus_1 - 1;
    return ref_plus_1 != 0;
}

enum mae_status hash_insert(struct hash *hash, const void *key, uint64_t ref, uint64_t *there,
                            struct node_changes *changes)
{
    struct key added = key_make(hash, key);
    uint64_t version;
    changes->count = 0;
    struct hash_bucket *bucket = bucket_lock(hash, &added, &version);
    const _Atomic uint64_t *entry = chain_search(hash, bucket, &added);
    if (entry)
        *there = node_word(entry) - 1;
    if (entry || !chain_add(hash, bucket, &added, ref + 1)) {
        node_unlock_unchanged(&bucket->node, version);
        return entry ? MAE_EXISTS : MAE_NO_MEMORY;
    }
    node_changed(changes, &bucket->node, version, node_unlock(&bucket->node, version));
    if (is_sample(&added)) {
        atomic_fetch_add_explicit(&hash->keys, 1u << SAMPLE_BITS, memory_order_relaxed);
        if (is_crowded(hash, CROWDED_PART))
            grow(hash);
    }
    return MAE_OK;
}

enum mae_status hash_remove(struct hash *hash, const void *key, uint64_t ref, struct node_changes *changes)
{
    struct key gone = key_make(hash, key);
    uint64_t version;
    changes->count = 0;
    struct hash_bucket *bucket = bucket_lock(hash, &gone, &version);
    _Atomic uint64_t *entry = chain_search(hash, bucket, &gone);
    if (!entry || node_word(entry) != ref + 1) {
        node_unlock_unchanged(&bucket->node, version);
        return MAE_NOT_FOUND;
    }
    node_word_set(entry, 0); /* H1 */
    if (MUTATED(remove_keeps_version))
        node_unlock_unchanged(&bucket->node, version);
    else
        node_changed(changes, &bucket->node, version, node_unlock(&bucket->node, version));
    if (is_sample(&gone))
        atomic_fetch_sub_explicit(&hash->keys, 1u << SAMPLE_BITS, memory_order_relaxed);
    return MAE_OK;
}

enum mae_status hash_replace(struct hash *hash, const void *key, uint64_t ref, uint64_t new_ref,
                             struct node_changes *changes)
{
    struct key wanted = key_make(hash, key);
    uint64_t version;
    changes->count = 0;
    struct hash_bucket *bucket = bucket_lock(hash, &wanted, &version);
    _Atomic uint64_t *entry = chain_search(hash, bucket, &wanted);
    if (!entry || node_word(entry) != ref + 1) {
        node_unlock_unchanged(&bucket->node, version);
        return MAE_NOT_FOUND;
    }
    node_word_set(entry, new_ref + 1);
    node_changed(changes, &bucket->node, version, node_unlock(&bucket->node, version));
    return MAE_OK;
}

/* ---- Set-up and statistics. ---- */

enum mae_status hash_init(struct hash *hash, struct mem_budget *budget, size_t key_bytes, uint64_t expected_keys)
{
    memset(hash, 0, sizeof *hash);
    hash->key_bytes = (uint16_t)key_bytes;
    hash->key_words = (uint16_t)((key_bytes + 7) / 8);
    MAE_CHECK(hash->key_words <= KEY_WORDS_MAX);
    size_t words = HASH_HEADER_WORDS + HASH_ENTRIES * entry_words(hash) + 1;
    hash->bucket_bytes =
        (uint32_t)((words * sizeof(uint64_t) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES);
    uint64_t buckets = BUCKETS_MIN;
    while (buckets < expected_keys / 10 * 8)
        buckets *= 2;
    size_t most = ((size_t)1 << RESERVED_LOG2) * hash->bucket_bytes;
    size_t least = ((size_t)1 << RESERVED_MIN_LOG2) * hash->bucket_bytes;
    enum mae_status status = span_init(&hash->bucket_span, budget, most, least);
    if (status != MAE_OK)
        return status;
    status = span_init(&hash->overflow_span, budget, most, least);
    if (status != MAE_OK)
        goto fini_buckets;
    status = span_commit(&hash->bucket_span, buckets * hash->bucket_bytes);
    if (status != MAE_OK)
        goto fini_overflows;
    pthread_mutex_init(&hash->grow_lock, NULL);
    pthread_mutex_init(&hash->overflow_lock, NULL);
    hash->buckets = hash->bucket_span.base;
    hash->overflows = hash->overflow_span.base;
    hash->overflow_next = 1;
    atomic_store_explicit(&hash->mask, buckets - 1, memory_order_relaxed);
    atomic_store_explicit(&hash->bucket_count, buckets, memory_order_release); /* ORD-HASH-1 */
    return MAE_OK;
fini_overflows:
    span_fini(&hash->overflow_span);
fini_buckets:
    span_fini(&hash->bucket_span);
    return status;
}

void hash_fini(struct hash *hash)
{
    pthread_mutex_destroy(&hash->overflow_lock);
    pthread_mutex_destroy(&hash->grow_lock);
    span_fini(&hash->overflow_span);
    span_fini(&hash->bucket_span);
}

uint64_t hash_bucket_count(const struct hash *hash)
{
    return count_now(hash) + hash->overflow_next - 1;
}

bool hash_walk(const struct hash *hash, bool (*visit)(void *arg, const void *key, uint64_t ref), void *arg)
{
    uint64_t count = count_now(hash);
    for (uint64_t i = 0; i < count; i++) {
        if (node_version(&hash_first(hash, i)->node) & NODE_LOCKED)
            return false;
        for (struct hash_bucket *bucket = hash_first(hash, i); bucket; bucket = chain_next(hash, bucket))
            for (unsigned e = 0; e < HASH_ENTRIES; e++) {
                uint64_t ref_plus_1 = node_word(entry_at(hash, bucket, e));
                struct key key = entry_key(hash, entry_at(hash, bucket, e));
                if (ref_plus_1 && (hash_place(key.hash, count) != i || !visit(arg, key.words, ref_plus_1 - 1)))
                    return false;
            }
    }
    return true;
}
