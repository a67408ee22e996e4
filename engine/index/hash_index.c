/* hash_index.c - see hash_index.h. */
#include "engine/index/hash_index.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/wait.h"
#include "engine/index/hash_overflow.h"
#include "engine/txn/commit.h"

enum {
    ENTRIES_MIN = 2,
    BASE_COUNT_MIN = 64,
    COUNT_BATCH = 64, /* a worker adds so many entries before it adds them to the shared count */
    SPLIT_ATTEMPTS = 1000,
    SPLIT_ACCESSES = 64,
    WALK_STEPS_MAX = 128,
};
/* The number of buckets for `entries` entries: 27/32 of it, so that with two entries a bucket one lookup in nine needs
 * a second line. */
static uint64_t buckets_for(uint64_t entries)
{
    return entries / 32 * 27 + entries % 32 * 27 / 32;
}

/* ---- Hashing. ---- */

static ALWAYS_INLINE uint64_t hash_key(const struct hash_index *index, const unsigned char *key)
{
    if (LIKELY(index->key_bytes == HASH_WORD_BYTES))
        return hash_word(hash_load_word(key));
    uint64_t hash = index->key_bytes;
    size_t i = 0;
    for (; i + 8 <= index->key_bytes; i += 8)
        hash = hash_mix(hash ^ hash_load_word(key + i)) + i;
    uint64_t rest = 0;
    memcpy(&rest, key + i, index->key_bytes - i);
    return hash_mix(hash ^ rest);
}

static ALWAYS_INLINE struct hash_home home_of(const struct hash_index *index, uint64_t hash)
{
    return (struct hash_home){hash_base(index, hash), hash_mix(hash)};
}

static ALWAYS_INLINE struct hash_home home_of_key(const struct hash_index *index, const void *key)
{
    return home_of(index, hash_key(index, key));
}

static ALWAYS_INLINE uint64_t bucket_number(const struct hash_index *index, uint64_t base, uint64_t growth)
{
    MAE_DCHECK(base < index->base_count);
    return base + growth * index->base_count;
}

static uint64_t without_top_bit(uint64_t growth)
{
    MAE_DCHECK(growth != 0);
    return growth & ~(UINT64_C(1) << (63 - __builtin_clzll(growth)));
}

/* The part of the growth bits by which buckets of this depth differ. */
static ALWAYS_INLINE uint64_t depth_mask(unsigned depth)
{
    return (UINT64_C(1) << depth) - 1;
}

/* ---- Finding the bucket that covers a hash, as the transaction sees it. ---- */

/*
 * Finds the bucket's growth bits and peeks at its contents; *data is NULL if it is a base bucket without a version.
 * The search starts from the hint. It ends, since it goes down to parents and up splits of one consistent state; a
 * bound on the steps guards against the unexpected.
 */
static ALWAYS_INLINE enum mae_status cover(struct mae_txn *txn, struct hash_index *index, struct hash_home home,
                                           uint64_t *growth, const void **data)
{
    uint64_t e = hash_start(index, atomic_load_explicit(&index->hint, memory_order_acquire), home);
    for (unsigned step = 0; step < WALK_STEPS_MAX; step++) {
        enum mae_status status = txn_peek(txn, index->buckets, bucket_number(index, home.base, e), data, NULL);
        if (LIKELY(status == MAE_OK)) {
            uint64_t right = home.growth & depth_mask(bucket_depth(index, *data));
            if (LIKELY(right == e)) {
                *growth = e;
                return MAE_OK;
            }
            e = right;
        } else if (status != MAE_NOT_FOUND) {
            return status;
        } else if (e == 0) {
            *growth = e;
            *data = NULL;
            return MAE_OK;
        } else {
            e = without_top_bit(e);
        }
    }
    return MAE_ABORT_INDEX;
}

/* The place of a key, or the place to which it could be added. */
struct place {
    struct table *table; /* of the bucket below: buckets or overflow */
    uint64_t row;
    uint32_t entry;
    uint64_t row_word;        /* of the entry found */
    bool found, free;         /* the key is here; or there is a free entry here */
    struct link_place before; /* the link that leads here; no table: none does */
    struct link_place last;   /* the end of the key's chain, and where that chain begins */
    struct link_place chain;
    unsigned chain_buckets;
};

/* Searches the chain for the key with every bucket in the read set. */
static enum mae_status search_validated(struct mae_txn *txn, struct hash_index *index, const void *key,
                                        struct place *place)
{
    struct hash_home home = home_of_key(index, key);
    uint64_t growth;
    const void *data;
    memset(place, 0, sizeof *place);
    enum mae_status status = cover(txn, index, home, &growth, &data);
    uint64_t row = bucket_number(index, home.base, growth);
    if (status == MAE_OK && !data)
        status = txn_materialise(txn, index->buckets, row, index->bucket_bytes);
    if (status != MAE_OK)
        return status;
    struct table *table = index->buckets;
    place->chain = (struct link_place){table, row, bucket_link_offset(index), 0};
    for (;;) {
        if (MUTATED(skip_miss_validation))
            status = txn_peek(txn, table, row, &data, NULL);
        else
            status = txn_read(txn, table, row, &data, NULL);
        if (status != MAE_OK) /* the chain has changed meanwhile, or the bucket is too new */
            return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
        if (!MUTATED(split_unnoticed) && table == index->buckets &&
            (home.growth & depth_mask(bucket_depth(index, data))) != growth)
            return MAE_ABORT_INDEX; /* the bucket was split after `cover` looked at it */
        for (uint32_t i = 0; i < index->bucket_entries; i++) {
            uint64_t word = bucket_row_word(index, data, i);
            bool hit = word && bucket_key_equal(index, bucket_entry(index, data, i), key);
            if (hit || (!word && !place->free)) {
                place->table = table;
                place->row = row;
                place->entry = i;
                place->row_word = word;
                place->before = place->last;
                place->free = !hit;
                if (hit) {
                    place->found = true;
                    return MAE_OK;
                }
            }
        }
        place->last = (struct link_place){table, row, bucket_link_offset(index), place->chain.level};
        uint32_t link = bucket_link(index, data);
        if (UNLIKELY(link & LINK_DIRECTORY)) {
            status = overflow_follow(txn, index, key, true, &link, &place->last);
            if (status != MAE_OK)
                return status;
            place->chain = place->last;
        }
        if (!link)
            return MAE_OK;
        place->chain_buckets++; /* directories come only before a chain */
        table = index->overflow;
        row = link_row(link);
    }
}

/* Dooms the transaction after a lookup that failed. */
static enum mae_status doom_index(struct mae_txn *txn, enum mae_status status)
{
    return status == MAE_ABORT_INDEX ? txn_doom(txn, status) : status;
}

static NOINLINE enum mae_status find_validated(struct mae_txn *txn, struct hash_index *index, const void *key,
                                               uint64_t *row)
{
    struct place place;
    if (txn->snapshot)
        return MAE_NOT_FOUND; /* a snapshot need not validate a miss: what it does not see stays unseen */
    enum mae_status status = search_validated(txn, index, key, &place);
    if (status != MAE_OK)
        return doom_index(txn, status);
    if (!place.found)
        return MAE_NOT_FOUND;
    *row = place.row_word - 1;
    return MAE_OK;
}

enum mae_status hash_index_find(struct mae_txn *txn, struct hash_index *index, const void *key, bool validate,
                                uint64_t *row)
{
    uint64_t growth;
    const void *data;
    if (UNLIKELY(validate && !txn->snapshot))
        return find_validated(txn, index, key, row);
    struct hash_home home = home_of_key(index, key);
    enum mae_status status = cover(txn, index, home, &growth, &data);
    if (UNLIKELY(status != MAE_OK))
        return doom_index(txn, status);
    txn_promote(txn, index->buckets, bucket_number(index, home.base, growth));
    while (LIKELY(data != NULL)) {
        for (uint32_t i = 0; i < index->bucket_entries; i++) {
            uint64_t word = bucket_row_word(index, data, i);
            if (word && bucket_key_equal(index, bucket_entry(index, data, i), key)) {
                *row = word - 1;
                return MAE_OK;
            }
        }
        uint32_t link = bucket_link(index, data);
        if (UNLIKELY(link & LINK_DIRECTORY)) {
            struct link_place at = {.level = 0};
            status = overflow_follow(txn, index, key, false, &link, &at);
        }
        if (!link)
            break;
        if (LIKELY(status == MAE_OK))
            status = txn_peek(txn, index->overflow, link_row(link), &data, NULL);
        if (UNLIKELY(status != MAE_OK))
            return doom_index(txn, status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status);
    }
    return find_validated(txn, index, key, row);
}

/* ---- Changing. ---- */

/* Adds an overflow bucket with one entry at the end of the key's chain. */
static enum mae_status add_overflow(struct mae_txn *txn, struct hash_index *index, const struct link_place *last,
                                    const void *key, uint64_t row_word)
{
    void *data;
    uint32_t link;
    enum mae_status status = overflow_add(txn, index, key, row_word, &link);
    if (status == MAE_OK)
        status = txn_update(txn, last->table, last->row, 0, NULL, &data);
    if (status == MAE_OK)
        link_store(data, last->offset, link);
    return status;
}

/* As search_validated, but first branches a chain that is full and too long. */
static enum mae_status search_for_insert(struct mae_txn *txn, struct hash_index *index, const void *key,
                                         struct place *place)
{
    for (;;) { /* ends: each round searches a chain with one more directory above it */
        enum mae_status status = search_validated(txn, index, key, place);
        if (status != MAE_OK || LIKELY(place->chain_buckets <= OVERFLOW_CHAIN_MAX) || place->found || place->free ||
            !overflow_may_branch(&place->chain) || MUTATED(chains_never_branch))
            return status;
        status = overflow_branch(txn, index, &place->chain);
        if (status != MAE_OK)
            return status;
    }
}

enum mae_status hash_index_insert(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row)
{
    struct place place;
    if (txn->snapshot)
        return MAE_READ_ONLY;
    enum mae_status status = search_for_insert(txn, index, key, &place);
    if (status == MAE_OK && place.found && !MUTATED(duplicate_key))
        return MAE_EXISTS;
    if (status == MAE_OK && place.free) {
        void *data;
        status = txn_update(txn, place.table, place.row, 0, NULL, &data);
        if (status == MAE_OK)
            bucket_entry_set(index, data, place.entry, key, row + 1);
    } else if (status == MAE_OK) {
        status = add_overflow(txn, index, &place.last, key, row + 1);
    }
    if (status == MAE_OK)
        index_scratch_add_entries(txn, index, 1);
    return doom_index(txn, status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status);
}

static bool bucket_is_empty(const struct hash_index *index, const void *data)
{
    for (uint32_t i = 0; i < index->bucket_entries; i++)
        if (bucket_row_word(index, data, i))
            return false;
    return true;
}

enum mae_status hash_index_remove(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row)
{
    struct place place;
    void *data;
    if (txn->snapshot)
        return MAE_READ_ONLY;
    enum mae_status status = search_validated(txn, index, key, &place);
    if (status != MAE_OK)
        return doom_index(txn, status);
    if (!place.found)
        return MAE_NOT_FOUND;
    if (place.row_word != row + 1)
        return MAE_NOT_FOUND; /* the key leads elsewhere */
    status = txn_update(txn, place.table, place.row, 0, NULL, &data);
    if (status == MAE_OK) {
        bucket_entry_set(index, data, place.entry, NULL, 0);
        index_scratch_add_entries(txn, index, -1);
        if (place.before.table && bucket_is_empty(index, data)) { /* take the empty overflow bucket out of the chain */
            uint32_t link = bucket_link(index, data);
            void *before;
            status = txn_update(txn, place.before.table, place.before.row, 0, NULL, &before);
            if (status == MAE_OK) {
                link_store(before, place.before.offset, link);
                status = txn_delete(txn, place.table, place.row);
            }
        }
    }
    return doom_index(txn, status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status);
}

/* ---- Growing. ---- */

/* Decides to which side of a split each entry goes: moves those of the first side to the front and returns how many. */
static size_t divide(const struct hash_index *index, struct entry_list *list, unsigned depth)
{
    unsigned char moved[MAE_KEY_MAX_BYTES + sizeof(uint64_t)];
    size_t first = 0;
    for (size_t i = 0; i < list->count; i++) {
        unsigned char *entry = list->at + i * index->entry_bytes, *to = list->at + first * index->entry_bytes;
        if (home_of_key(index, entry).growth >> depth & 1)
            continue;
        if (entry != to) {
            memcpy(moved, entry, index->entry_bytes);
            memcpy(entry, to, index->entry_bytes);
            memcpy(to, moved, index->entry_bytes);
        }
        first++;
    }
    return first;
}

/*
 * Splits bucket (base, growth) of depth `depth` in the running transaction: its chain is read, it and its new sibling
 * are written anew, and its overflow buckets are deleted.
 */
static enum mae_status split_bucket(struct mae_txn *txn, struct hash_index *index, uint64_t base, uint64_t growth,
                                    unsigned depth)
{
    uint64_t bucket = bucket_number(index, base, growth);
    uint64_t sibling = bucket_number(index, base, growth + (UINT64_C(1) << depth));
    const void *old;
    void *halves[2];
    struct entry_list list;
    enum mae_status status = txn_update(txn, index->buckets, bucket, 0, &old, &halves[0]);
    if (status != MAE_OK)
        return status;
    if (bucket_depth(index, old) != depth)
        return MAE_ABORT_INDEX; /* the bucket was split after `cover` looked at it: the sibling exists */
    /* No other transaction can create the sibling and commit, since it would have to split the same bucket. */
    status = txn_create(txn, index->buckets, sibling, index->bucket_bytes, &halves[1]);
    if (status != MAE_OK)
        return status;
    entry_list_init(&list);
    status = entry_list_add(txn, index, &list, old);
    if (status == MAE_OK)
        status = overflow_take(txn, index, bucket_link(index, old), &list);
    size_t first = divide(index, &list, depth);
    unsigned deeper = depth + !MUTATED(depth_too_old);
    const struct bucket_writer writer = {.txn = txn};
    if (status == MAE_OK)
        status = bucket_fill(&writer, index, halves[0], deeper, list.at, first);
    if (status == MAE_OK)
        status =
            bucket_fill(&writer, index, halves[1], deeper, list.at + first * index->entry_bytes, list.count - first);
    entry_list_fini(&list);
    return status;
}

/* Splits whatever covers bucket `target` once; *done when that is `target` itself. */
static enum mae_status split_towards(struct mae_txn *txn, struct hash_index *index, uint64_t target, bool *done)
{
    struct hash_home home = {target % index->base_count, target / index->base_count};
    uint64_t growth;
    const void *data;
    enum mae_status status = cover(txn, index, home, &growth, &data);
    if (status != MAE_OK)
        return status;
    if (growth == home.growth) {
        *done = true;
        return MAE_OK;
    }
    unsigned depth = data ? bucket_depth(index, data) : 0;
    if (!data) {
        status = txn_materialise(txn, index->buckets, bucket_number(index, home.base, growth), index->bucket_bytes);
        if (status != MAE_OK)
            return status;
    }
    return split_bucket(txn, index, home.base, growth, depth);
}

/* Yields after a failed attempt: the thread that is changing the bucket may be waiting for a CPU. */
static void make_way(struct mae_worker *worker, unsigned attempt)
{
    RACE(BACKOFF);
    wait_step(attempt);
    (void)worker_backoff(worker);
}

static enum mae_status split(struct mae_worker *worker, struct hash_index *index, uint64_t target)
{
    bool done = false;
    /* A failed split of a bucket with a tree of entries costs more, so it has fewer attempts. */
    for (size_t attempt = 0; !done && attempt < SPLIT_ATTEMPTS;
         attempt += 1 + worker->txn.accesses.count / SPLIT_ACCESSES) {
        struct mae_txn *txn;
        enum mae_status status = txn_begin(worker, MAE_READ_WRITE, 0, &txn);
        if (status != MAE_OK)
            return status;
        status = split_towards(txn, index, target, &done);
        if (status == MAE_OK) {
            status = txn_commit(txn);
        } else {
            (void)doom_index(txn, status);
            txn_abort(txn);
        }
        if (status == MAE_OK && !done)
            COUNT(worker, index_splits);
        else if (status != MAE_OK && !mae_status_is_retryable(status))
            return status;
        else if (status != MAE_OK)
            make_way(worker, (unsigned)attempt);
    }
    return MAE_OK; /* the split is left undone: lookups find the parent, only more slowly */
}

static uint64_t buckets_of_hint(const struct hash_index *index, uint64_t hint)
{
    return (index->base_count << (hint & depth_mask(HASH_HINT_BITS))) + (hint >> HASH_HINT_BITS);
}

static uint64_t hint_of(const struct hash_index *index, uint64_t buckets)
{
    unsigned level = 0;
    while (index->base_count << (level + 1) <= buckets)
        level++;
    return (buckets - (index->base_count << level)) << HASH_HINT_BITS | level;
}

void hash_index_grow(struct mae_worker *worker, struct hash_index *index, int64_t entries)
{
    MAE_DCHECK(!worker->txn.running);
    struct hash_count *local = index_scratch_count(worker, index);
    if (!local)
        return;
    local->entries += entries;
    if (local->entries < COUNT_BATCH && local->entries > -COUNT_BATCH)
        return;
    /* ORD-4: relaxed. The counts only decide when to split. */
    int64_t total = atomic_fetch_add_explicit(&index->entries, local->entries, memory_order_relaxed) + local->entries;
    local->entries = 0;
    uint64_t wanted = total > 0 ? buckets_for((uint64_t)total) : 0;
    uint64_t target = atomic_load_explicit(&index->split_next, memory_order_relaxed);
    while (target < wanted) {
        if (!atomic_compare_exchange_weak_explicit(&index->split_next, &target, target + 1, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        if (table_reserve_rows(index->buckets, target + 1) != MAE_OK || split(worker, index, target) != MAE_OK)
            return; /* out of memory: the index works on with longer chains */
        target++;
        if (atomic_load_explicit(&index->direct, memory_order_relaxed))
            atomic_store_explicit(&index->direct, NULL, memory_order_relaxed); /* ORD-4 */
        uint64_t hint = atomic_load_explicit(&index->hint, memory_order_relaxed);
        while (buckets_of_hint(index, hint) < target && /* ORD-10: release, after the memory was committed */
               !atomic_compare_exchange_weak_explicit(&index->hint, &hint, hint_of(index, target), memory_order_release,
                                                      memory_order_relaxed)) {
        }
    }
}

void hash_index_grow_all(struct mae_txn *txn)
{
    MAE_DCHECK(!txn->running);
    /* Growing runs transactions of the worker's own, in the same struct. They add to no index. */
    const struct index_scratch *scratch = index_scratch_kept(txn);
    const uint64_t committed_ts = txn->ts;
    const unsigned count = scratch->growth_count;
    for (unsigned i = 0; i < count; i++)
        hash_index_grow(txn->worker, scratch->growth[i].index, scratch->growth[i].entries);
    txn->ts = committed_ts;
}

/* ---- Prefetch. ---- */

static void prefetch_short(struct mae_txn *txn, struct hash_index *index, const struct table *rows,
                           const unsigned char *keys, size_t count)
{
    MAE_DCHECK(count <= MAE_PREFETCH_MAX);
    uint64_t buckets[MAE_PREFETCH_MAX], hint = hash_hint(index);
    for (size_t i = 0; i < count; i++) {
        buckets[i] = hash_first_bucket(index, hint, hash_load_word(keys + i * HASH_WORD_BYTES));
        txn_prefetch_row(index->buckets, buckets[i]);
    }
    struct index_scratch *scratch = index_scratch(txn);
    unsigned found = 0;
    for (size_t i = 0; i < count; i++) {
        struct announced *announced = &scratch->announced[found];
        announced->key = hash_load_word(keys + i * HASH_WORD_BYTES);
        announced->index = index;
        if (UNLIKELY(!hash_bucket_match(txn, index->buckets, buckets[i], announced->key, &announced->row)) &&
            !MUTATED(announce_unmatched))
            continue;
        txn_prefetch_row(rows, announced->row);
        found++;
    }
    txn->direct &= found == 0;
    scratch->announced_count = found;
    scratch->announced_next = 0;
    if (rows->inline_bytes && txn->worker->protocol.settle)
        return; /* nearly all versions are in their rows: looking at every row does not pay for the others */
    for (unsigned i = 0; i < found; i++)
        txn_prefetch_version(rows, scratch->announced[i].row);
}

static void prefetch_long(struct mae_txn *txn, const struct hash_index *index, const struct table *rows,
                          const unsigned char *keys, size_t count)
{
    MAE_DCHECK(count <= MAE_PREFETCH_MAX);
    uint64_t buckets[MAE_PREFETCH_MAX];
    for (size_t i = 0; i < count; i++) {
        struct hash_home home = home_of_key(index, keys + i * index->key_bytes);
        uint64_t hint = atomic_load_explicit(&index->hint, memory_order_acquire);
        buckets[i] = bucket_number(index, home.base, hash_start(index, hint, home));
        txn_prefetch_row(index->buckets, buckets[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const void *data = txn_glance(txn, index->buckets, buckets[i]);
        for (uint32_t e = 0; data && e < index->bucket_entries; e++) {
            uint64_t word = bucket_row_word(index, data, e);
            if (word && bucket_key_equal(index, bucket_entry(index, data, e), keys + i * index->key_bytes))
                txn_prefetch_row(rows, word - 1);
        }
    }
}

void hash_index_prefetch(struct mae_txn *txn, struct hash_index *index, const struct table *rows, const void *keys,
                         size_t count)
{
    if (count > MAE_PREFETCH_MAX)
        count = MAE_PREFETCH_MAX;
    if (index->key_bytes == HASH_WORD_BYTES)
        prefetch_short(txn, index, rows, keys, count);
    else
        prefetch_long(txn, index, rows, keys, count);
}

/* ---- Set-up and verification. ---- */

size_t hash_index_bucket_bytes(size_t key_bytes)
{
    size_t entry = key_bytes + sizeof(uint64_t), overhead = VERSION_HEADER_BYTES + sizeof(version_handle);
    size_t lines = (overhead + ENTRIES_MIN * entry + LINK_BYTES + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES;
    size_t entries = (lines * CACHE_LINE_BYTES - overhead - LINK_BYTES) / entry; /* the last line's rest as well */
    return entries * entry + LINK_BYTES;
}

enum mae_status hash_index_init(struct hash_index *index, struct table *buckets, struct table *overflow,
                                size_t key_bytes, uint64_t expected_rows, uint64_t seed)
{
    memset(index, 0, sizeof *index);
    index->seed = seed;
    index->buckets = buckets;
    index->overflow = overflow;
    index->key_bytes = (uint32_t)key_bytes;
    index->entry_bytes = (uint32_t)(key_bytes + sizeof(uint64_t));
    index->bucket_bytes = (uint32_t)hash_index_bucket_bytes(key_bytes);
    index->bucket_entries = (index->bucket_bytes - LINK_BYTES) / index->entry_bytes;
    uint64_t count = buckets_for(expected_rows) * ENTRIES_MIN / index->bucket_entries;
    index->base_count = count < BASE_COUNT_MIN ? BASE_COUNT_MIN : count;
    atomic_init(&index->hint, 0);
    atomic_init(&index->split_next, index->base_count);
    enum mae_status status = table_reserve_rows(buckets, index->base_count);
    bool lines = key_bytes == HASH_WORD_BYTES && buckets->inline_bytes >= index->bucket_bytes;
    atomic_init(&index->direct, status == MAE_OK && lines ? buckets->base : NULL);
    MAE_CHECK(!lines || (buckets->stride == CACHE_LINE_BYTES && buckets->head_offset == HASH_LINE_HEAD));
    return status;
}

enum mae_status hash_index_expect(struct hash_index *index, uint64_t rows)
{
    uint64_t count = buckets_for(rows) * ENTRIES_MIN / index->bucket_entries;
    MAE_DCHECK(atomic_load_explicit(&index->entries, memory_order_relaxed) == 0);
    return count <= index->base_count
               ? MAE_OK
               : hash_index_init(index, index->buckets, index->overflow, index->key_bytes, rows, index->seed);
}

void hash_index_approach(struct mae_txn *txn, struct hash_index *index, const void *key)
{
    struct hash_home home = home_of_key(index, key);
    txn_approach(txn, index->buckets, bucket_number(index, home.base, hash_start(index, hash_hint(index), home)));
}

uint64_t hash_index_order(const struct hash_index *index, const void *key)
{
    return hash_key(index, key);
}

struct walk {
    mae_entry_fn visit;
    void *arg;
};

/* A walk visits whole buckets. */
static bool walk_entry(void *arg, const void *key, uint64_t row)
{
    const struct walk *walk = arg;
    (void)walk->visit(walk->arg, key, row);
    return true;
}

/* Moves on by one bucket of this depth: adds 1 to its growth bits, the highest of which counts least. */
static void position_advance(struct hash_position *position, unsigned depth)
{
    while (depth-- > 0) {
        uint64_t bit = UINT64_C(1) << depth;
        position->growth ^= bit;
        if (position->growth & bit)
            return;
    }
    MAE_DCHECK(position->growth == 0);
    position->base++;
}

enum mae_status hash_index_walk(struct mae_txn *txn, struct hash_index *index, struct hash_position *position,
                                mae_entry_fn visit, void *arg)
{
    uint64_t growth;
    const void *data;
    bool stopped = false;
    struct walk walk = {visit, arg};
    if (position->base == index->base_count)
        return MAE_NOT_FOUND;
    enum mae_status status = cover(txn, index, (struct hash_home){position->base, position->growth}, &growth, &data);
    if (status != MAE_OK)
        return status;
    MAE_DCHECK(growth == position->growth); /* buckets never join */
    for (uint32_t i = 0; data && i < index->bucket_entries; i++) {
        uint64_t word = bucket_row_word(index, data, i);
        if (word)
            (void)visit(arg, bucket_entry(index, data, i), word - 1);
    }
    if (data)
        status = overflow_visit(txn, index, bucket_link(index, data), walk_entry, &walk, &stopped);
    position_advance(position, data ? bucket_depth(index, data) : 0);
    return status == MAE_NOT_FOUND ? MAE_CORRUPT : status;
}

enum mae_status hash_index_visit(struct mae_txn *txn, struct hash_index *index, mae_entry_fn visit, void *arg)
{
    uint64_t limit = atomic_load_explicit(&index->buckets->next_row, memory_order_relaxed);
    for (uint64_t bucket = 0; bucket < limit; bucket++) {
        const void *data;
        enum mae_status status = txn_peek(txn, index->buckets, bucket, &data, NULL);
        if (status == MAE_NOT_FOUND)
            continue;
        bool stopped = false;
        for (uint32_t i = 0; status == MAE_OK && i < index->bucket_entries && !stopped; i++) {
            uint64_t word = bucket_row_word(index, data, i);
            stopped = word && !visit(arg, bucket_entry(index, data, i), word - 1);
        }
        if (status == MAE_OK)
            status = overflow_visit(txn, index, bucket_link(index, data), visit, arg, &stopped);
        if (stopped)
            return MAE_OK;
        if (status != MAE_OK)
            return status == MAE_NOT_FOUND ? MAE_CORRUPT : status;
    }
    return MAE_OK;
}
