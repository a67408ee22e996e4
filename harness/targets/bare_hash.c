/* bare_hash.c - see bare_hash.h. */
#include "harness/targets/bare_hash.h"

#include <assert.h>
#include <sched.h>
#include <string.h>

static_assert(sizeof(struct bare_bucket) == CACHE_LINE_BYTES, "a bucket is one cache line, as native's");

/* Keys are counted by sampling those whose hash has this many leading zeros: one shared write per 64 inserts. */
enum { SAMPLE_BITS = 6, BUCKETS_RESERVED_LOG2 = 34, BUCKETS_RESERVED_MIN_LOG2 = 22 };

enum target_status bare_hash_init(struct bare_hash *index, struct mem_budget *budget, uint64_t expected_keys)
{
    memset(index, 0, sizeof *index);
    pthread_mutex_init(&index->grow_lock, NULL);
    pthread_mutex_init(&index->overflow_lock, NULL);
    uint64_t buckets = BARE_BUCKETS_MIN;
    while (buckets < expected_keys / 10 * 8)
        buckets *= 2;
    size_t most = ((size_t)1 << BUCKETS_RESERVED_LOG2) * sizeof(struct bare_bucket);
    size_t least = ((size_t)1 << BUCKETS_RESERVED_MIN_LOG2) * sizeof(struct bare_bucket);
    if (span_init(&index->bucket_span, budget, most, least) != MAE_OK ||
        span_init(&index->overflow_span, budget, most, least) != MAE_OK ||
        span_commit(&index->bucket_span, buckets * sizeof(struct bare_bucket)) != MAE_OK ||
        span_commit(&index->overflow_span, sizeof(struct bare_bucket)) != MAE_OK)
        return TARGET_NO_MEMORY;
    index->buckets = (void *)index->bucket_span.base;
    index->overflows = (void *)index->overflow_span.base;
    index->overflow_next = 1;
    atomic_store_explicit(&index->mask, buckets - 1, memory_order_release);
    return TARGET_OK;
}

void bare_hash_fini(struct bare_hash *index)
{
    span_fini(&index->bucket_span);
    span_fini(&index->overflow_span);
    pthread_mutex_destroy(&index->grow_lock);
    pthread_mutex_destroy(&index->overflow_lock);
}

/* ---- Chains. The caller holds the lock (N1), or is alone. ---- */

static void chain_lock(struct bare_bucket *first)
{
    /* Ends: the holder does a bounded number of steps; it may have lost its CPU, hence the yield. */
    while (atomic_exchange_explicit(&first->head, 1, memory_order_acquire))
        sched_yield();
}

static void chain_unlock(struct bare_bucket *first)
{
    atomic_store_explicit(&first->head, 0, memory_order_release);
}

static struct bare_bucket *chain_next(const struct bare_hash *index, const struct bare_bucket *bucket)
{
    uint32_t next = atomic_load_explicit(&bucket->overflow, memory_order_relaxed);
    return next ? &index->overflows[next] : NULL;
}

static void entry_set(struct bare_bucket *bucket, int i, uint64_t key, uint64_t row)
{
    atomic_store_explicit(&bucket->entries[i].key, key, memory_order_relaxed);
    atomic_store_explicit(&bucket->entries[i].row_plus_1, row + 1, memory_order_release); /* N3 */
}

/* 0 when out of memory. */
static uint32_t overflow_take(struct bare_hash *index)
{
    uint32_t taken = 0;
    pthread_mutex_lock(&index->overflow_lock);
    if (index->overflow_free) {
        taken = index->overflow_free;
        index->overflow_free = atomic_load_explicit(&index->overflows[taken].overflow, memory_order_relaxed);
        atomic_store_explicit(&index->overflows[taken].overflow, 0, memory_order_relaxed);
    } else if (index->overflow_next != UINT32_MAX &&
               span_commit(&index->overflow_span, ((size_t)index->overflow_next + 1) * sizeof(struct bare_bucket)) ==
                   MAE_OK) {
        taken = index->overflow_next++;
    }
    pthread_mutex_unlock(&index->overflow_lock);
    return taken;
}

static enum target_status chain_insert(struct bare_hash *index, struct bare_bucket *first, uint64_t key, uint64_t row)
{
    struct bare_bucket *free_bucket = NULL, *last = first;
    int free_entry = 0;
    for (struct bare_bucket *bucket = first; bucket; last = bucket, bucket = chain_next(index, bucket))
        for (int i = 0; i < BARE_ENTRIES; i++) {
            if (!atomic_load_explicit(&bucket->entries[i].row_plus_1, memory_order_relaxed)) {
                if (!free_bucket) {
                    free_bucket = bucket;
                    free_entry = i;
                }
            } else if (atomic_load_explicit(&bucket->entries[i].key, memory_order_relaxed) == key) {
                return TARGET_EXISTS;
            }
        }
    if (free_bucket) {
        entry_set(free_bucket, free_entry, key, row);
        return TARGET_OK;
    }
    uint32_t fresh = overflow_take(index);
    if (!fresh)
        return TARGET_NO_MEMORY;
    entry_set(&index->overflows[fresh], 0, key, row);
    atomic_store_explicit(&last->overflow, fresh, memory_order_release);
    return TARGET_OK;
}

/* ---- Growing. ---- */

static void guard_enter(const struct bare_hash *index, struct bare_guard *own)
{
    for (;;) {
        atomic_store_explicit(&own->inside, index, memory_order_seq_cst); /* N2 */
        if (!atomic_load_explicit(&index->growing, memory_order_seq_cst))
            return;
        atomic_store_explicit(&own->inside, NULL, memory_order_release);
        while (atomic_load_explicit(&index->growing, memory_order_acquire)) /* ends with the growing */
            sched_yield();
    }
}

static void guard_leave(struct bare_guard *own)
{
    atomic_store_explicit(&own->inside, NULL, memory_order_release);
}

/* Moves the entries of bucket i that belong to its twin `buckets` further on, packs the rest, frees emptied overflows.
 * Cannot run out of memory: the twin needs no more overflows than the chain has, and they were committed before. */
static void bucket_split(struct bare_hash *index, uint64_t i, uint64_t buckets)
{
    struct bare_bucket *first = &index->buckets[i], *twin = &index->buckets[i + buckets], *to = first;
    int to_entry = 0;
    for (struct bare_bucket *from = first; from; from = chain_next(index, from))
        for (int e = 0; e < BARE_ENTRIES; e++) {
            uint64_t row_plus_1 = atomic_load_explicit(&from->entries[e].row_plus_1, memory_order_relaxed);
            uint64_t key = atomic_load_explicit(&from->entries[e].key, memory_order_relaxed);
            if (!row_plus_1)
                continue;
            atomic_store_explicit(&from->entries[e].row_plus_1, 0, memory_order_relaxed);
            if (bare_hash_of(key) & buckets) { /* N3 holds: the entry is free now */
                (void)chain_insert(index, twin, key, row_plus_1 - 1);
                continue;
            }
            if (to_entry == BARE_ENTRIES) {
                to = chain_next(index, to);
                to_entry = 0;
            }
            entry_set(to, to_entry++, key, row_plus_1 - 1);
        }
    uint32_t empty = atomic_load_explicit(&to->overflow, memory_order_relaxed);
    atomic_store_explicit(&to->overflow, 0, memory_order_relaxed);
    while (empty) {
        uint32_t next = atomic_load_explicit(&index->overflows[empty].overflow, memory_order_relaxed);
        atomic_store_explicit(&index->overflows[empty].overflow, index->overflow_free, memory_order_relaxed);
        index->overflow_free = empty;
        empty = next;
    }
}

static bool is_crowded(const struct bare_hash *index)
{
    uint64_t buckets = atomic_load_explicit(&index->mask, memory_order_relaxed) + 1;
    return atomic_load_explicit(&index->keys, memory_order_relaxed) > buckets + buckets / 4;
}

/* Doubles the index, unless another has just done it. Out of memory: it stays as it is, with longer chains. */
static void grow(struct bare_hash *index, struct bare_guard *guards, size_t guard_count)
{
    pthread_mutex_lock(&index->grow_lock);
    uint64_t buckets = atomic_load_explicit(&index->mask, memory_order_relaxed) + 1;
    if (is_crowded(index) && span_commit(&index->bucket_span, 2 * buckets * sizeof(struct bare_bucket)) == MAE_OK) {
        atomic_store_explicit(&index->growing, true, memory_order_seq_cst); /* N2 */
        for (size_t i = 0; i < guard_count; i++)
            while (atomic_load_explicit(&guards[i].inside, memory_order_seq_cst) == index) /* ends: it leaves */
                sched_yield();
        if (span_commit(&index->overflow_span, 2 * (size_t)index->overflow_next * sizeof(struct bare_bucket)) ==
            MAE_OK) {
            for (uint64_t i = 0; i < buckets; i++)
                bucket_split(index, i, buckets);
            atomic_store_explicit(&index->mask, 2 * buckets - 1, memory_order_release);
        }
        atomic_store_explicit(&index->growing, false, memory_order_release);
    }
    pthread_mutex_unlock(&index->grow_lock);
}

static bool is_sample(uint64_t key)
{
    return bare_hash_of(key) >> (64 - SAMPLE_BITS) == 0;
}

/* ---- What others call. ---- */

COLD uint64_t bare_hash_find_settled(const struct bare_hash *index, struct bare_guard *own, uint64_t key)
{
    guard_enter(index, own);
    uint64_t row = bare_hash_find(index, key);
    guard_leave(own);
    return row;
}

enum target_status bare_hash_insert(struct bare_hash *index, struct bare_guard *guards, size_t guard_count,
                                    struct bare_guard *own, uint64_t key, uint64_t row)
{
    guard_enter(index, own);
    struct bare_bucket *first = bare_bucket_of(index, key);
    chain_lock(first);
    enum target_status status = chain_insert(index, first, key, row);
    chain_unlock(first);
    guard_leave(own);
    if (status == TARGET_OK && is_sample(key)) {
        atomic_fetch_add_explicit(&index->keys, 1u << SAMPLE_BITS, memory_order_relaxed);
        if (is_crowded(index))
            grow(index, guards, guard_count);
    }
    return status;
}

enum target_status bare_hash_remove(struct bare_hash *index, struct bare_guard *own, uint64_t key, uint64_t row)
{
    enum target_status status = TARGET_NOT_FOUND;
    guard_enter(index, own);
    struct bare_bucket *first = bare_bucket_of(index, key);
    chain_lock(first);
    struct bare_bucket *bucket = first;
    do {
        for (int i = 0; i < BARE_ENTRIES; i++)
            if (atomic_load_explicit(&bucket->entries[i].row_plus_1, memory_order_relaxed) == row + 1 &&
                atomic_load_explicit(&bucket->entries[i].key, memory_order_relaxed) == key) {
                atomic_store_explicit(&bucket->entries[i].row_plus_1, 0, memory_order_release);
                status = TARGET_OK;
            }
    } while (status != TARGET_OK && (bucket = chain_next(index, bucket)) != NULL);
    chain_unlock(first);
    guard_leave(own);
    if (status == TARGET_OK && is_sample(key))
        atomic_fetch_sub_explicit(&index->keys, 1u << SAMPLE_BITS, memory_order_relaxed);
    return status;
}

uint64_t bare_hash_bucket_count(const struct bare_hash *index)
{
    return atomic_load_explicit(&index->mask, memory_order_relaxed) + index->overflow_next; /* + 1 - number 0 */
}

bool bare_hash_walk(const struct bare_hash *index, bool (*visit)(void *arg, uint64_t key, uint64_t row), void *arg)
{
    for (uint64_t i = 0; i <= atomic_load_explicit(&index->mask, memory_order_relaxed); i++)
        for (const struct bare_bucket *bucket = &index->buckets[i]; bucket; bucket = chain_next(index, bucket))
            for (int e = 0; e < BARE_ENTRIES; e++) {
                uint64_t row_plus_1 = atomic_load_explicit(&bucket->entries[e].row_plus_1, memory_order_relaxed);
                uint64_t key = atomic_load_explicit(&bucket->entries[e].key, memory_order_relaxed);
                if (row_plus_1 &&
                    (bare_bucket_of(index, key) != &index->buckets[i] || !visit(arg, key, row_plus_1 - 1)))
                    return false;
            }
    return true;
}
