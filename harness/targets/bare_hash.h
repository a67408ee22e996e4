/*
 * bare_hash.h - the hash index of the target `bare`: unique 8-byte keys to row numbers.
 *
 * A bucket is like the native engine's: one cache line of {24-byte header, 2 entries, overflow link, 4-byte head}.
 * There are about 0.8 buckets per expected key; the index doubles in place if it gets more keys.
 *     N1  A worker that changes a chain holds the lock in the head of the chain's first bucket.
 *     N2  No worker is inside an insert or remove while the index grows. Each worker's guard says whether it is inside
 *         one. The growing worker sets `growing` and waits for the guards. Each side stores its own word and then loads
 *         the other's, both seq_cst.
 *     N3  An entry that changes is first free (row 0), then gets its key, then its row. A reader loads row, key, and
 *         row again: an unchanged row belongs to the key in between.
 * A reader takes no lock and does not look whether the index grows. It may miss a key that is being moved. So after a
 * miss it looks again with its guard set (bare_hash_find_settled), and then the answer is right.
 */
#ifndef HARNESS_TARGETS_BARE_HASH_H
#define HARNESS_TARGETS_BARE_HASH_H

#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "workloads/target.h"

enum { BARE_ENTRIES = 2, BARE_BUCKETS_MIN = 1024 };
#define BARE_NO_ROW UINT64_MAX

struct bare_bucket {
    unsigned char header[24]; /* where native keeps its version; unused */
    struct {
        _Atomic uint64_t key, row_plus_1; /* 0: free */
    } entries[BARE_ENTRIES];
    _Atomic uint32_t overflow; /* 0: none */
    _Atomic uint32_t head;     /* the chain's lock (N1) */
};

struct bare_hash {
    struct bare_bucket *buckets;
    _Atomic uint64_t mask;         /* buckets - 1 */
    struct bare_bucket *overflows; /* number 0 is not used */
    struct span bucket_span, overflow_span;
    SEPARATED _Atomic uint64_t keys; /* estimated from the keys whose hash is below a bound */
    _Atomic bool growing;
    pthread_mutex_t grow_lock, overflow_lock;
    uint32_t overflow_next, overflow_free; /* never used ones; those that growing emptied, linked by `overflow` */
};

/* One per worker: the index it is changing. */
struct bare_guard {
    SEPARATED _Atomic(const struct bare_hash *) inside;
};

static inline uint64_t bare_hash_of(uint64_t key)
{
    key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93u;
    key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93u;
    return key ^ (key >> 32);
}

static inline struct bare_bucket *bare_bucket_of(const struct bare_hash *index, uint64_t key)
{
    return &index->buckets[bare_hash_of(key) & atomic_load_explicit(&index->mask, memory_order_relaxed)];
}

/* TARGET_OK or TARGET_NO_MEMORY; the index is empty and must be finished in both cases. */
enum target_status bare_hash_init(struct bare_hash *index, struct mem_budget *budget, uint64_t expected_keys);
void bare_hash_fini(struct bare_hash *index);

/* The row of `key`, BARE_NO_ROW if there is none. */
static inline uint64_t bare_hash_find(const struct bare_hash *index, uint64_t key)
{
    const struct bare_bucket *bucket = bare_bucket_of(index, key);
    for (;;) {
        for (int i = 0; i < BARE_ENTRIES; i++) {
            uint64_t row = atomic_load_explicit(&bucket->entries[i].row_plus_1, memory_order_acquire); /* N3 */
            if (atomic_load_explicit(&bucket->entries[i].key, memory_order_acquire) == key && row &&
                atomic_load_explicit(&bucket->entries[i].row_plus_1, memory_order_relaxed) == row)
                return row - 1;
        }
        uint32_t next = atomic_load_explicit(&bucket->overflow, memory_order_acquire);
        if (!next)
            return BARE_NO_ROW;
        bucket = &index->overflows[next];
    }
}

/* The same while the index does not grow (N2); `own` is the caller's guard. */
uint64_t bare_hash_find_settled(const struct bare_hash *index, struct bare_guard *own, uint64_t key);

/* `guards` are all workers', `own` the caller's among them. TARGET_OK, TARGET_EXISTS, TARGET_NO_MEMORY. */
enum target_status bare_hash_insert(struct bare_hash *index, struct bare_guard *guards, size_t guard_count,
                                    struct bare_guard *own, uint64_t key, uint64_t row);
/* TARGET_OK, or TARGET_NOT_FOUND when the key is not there or leads to another row. */
enum target_status bare_hash_remove(struct bare_hash *index, struct bare_guard *own, uint64_t key, uint64_t row);

/* Buckets in use, overflow ones included. */
uint64_t bare_hash_bucket_count(const struct bare_hash *index);
/* Calls visit for each entry until it returns false; false too where an entry's bucket is wrong. Nothing may run. */
bool bare_hash_walk(const struct bare_hash *index, bool (*visit)(void *arg, uint64_t key, uint64_t row), void *arg);

#endif
