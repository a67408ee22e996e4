/*
 * hash_index.h - the hash index: unique keys of a fixed size to row ids.
 *
 * Buckets are rows of a table of the index's own, so the index is multi-version and transactional. A bucket fills one
 * cache line for 8-byte keys: header, two entries, a link to an overflow bucket, head.
 *   - A lookup that hits peeks at buckets and validates nothing. Instead, the transaction that reads the row validates
 *     the row, and a transaction that takes the entry away writes the row (DESIGN.md, I3).
 *   - A miss reads every bucket of the chain into the read set, and each insert or remove changes one of them. So if
 *     one transaction misses a key and another inserts it, one of them aborts: no phantoms.
 *
 * Bucket numbers. A hash has a base b in [0, base_count), which is its upper bits scaled, and growth bits e. In an
 * index that has not grown the bucket is b. The index grows by linear hashing, in transactions. Bucket (b, e) of depth
 * d has the number b + e * base_count and holds the keys of base b whose growth bits modulo 2^d are e. A split is one
 * transaction that makes (b, e) and (b, e + 2^d), both of depth d + 1, out of it. The depth is stored in the bucket, so
 * it is multi-version like the entries, and every timestamp sees buckets that cover all hashes consistently. The number
 * of buckets from which a lookup starts is only a hint. A lookup goes down to the parent while a bucket does not exist
 * for its transaction, and up while a bucket has been split further.
 *
 * Integer keys are hashed by one multiplication with the golden ratio. That spreads dense keys so evenly that hardly
 * any bucket overflows. Growth bits are mixed more thoroughly, off the hot path. If more keys fall into one bucket than
 * splits part, a seeded hash finds them (hash_overflow.h).
 *
 * The buckets that exist from the beginning take no memory until a lookup first misses in one (txn_materialise).
 * Source: section 3.6. Not here: non-unique keys, order (tree_index.h).
 */
#ifndef ENGINE_INDEX_HASH_INDEX_H
#define ENGINE_INDEX_HASH_INDEX_H

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include <string.h>

#include "engine/base/race.h"
#include "engine/index/scratch.h"
#include "engine/store/table.h"
#include "engine/txn/approach.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

struct hash_index {
    /* Constant after hash_index_init. */
    struct table *buckets, *overflow;
    uint32_t key_bytes, entry_bytes;
    uint32_t bucket_entries;
    uint32_t bucket_bytes; /* entries and link: the payload */
    uint64_t seed;         /* of the hash that places keys in directories */
    uint64_t base_count;   /* buckets that exist from the beginning */
    char *_Atomic direct;  /* the address of the first bucket while the index has not grown and each bucket is one line
                            * with two 8-byte keys (see HASH_LINE_HEAD); else NULL */
    /* Shared, changes rarely. */
    SEPARATED _Atomic uint64_t hint;       /* split << 6 | level for (base_count << level) + split buckets, from which
                                            * lookups start; the memory of all of them is committed */
    SEPARATED _Atomic uint64_t split_next; /* the next bucket that a split will make */
    _Atomic int64_t entries;               /* approximate: each worker adds its own in batches */
};

/* The payload_max_bytes that both tables must have. */
size_t hash_index_bucket_bytes(size_t key_bytes);

/* The tables are empty and used for nothing else. `seed`: see hash_overflow.h. MAE_OK or MAE_NO_MEMORY. */
enum mae_status hash_index_init(struct hash_index *index, struct table *buckets, struct table *overflow,
                                size_t key_bytes, uint64_t expected_rows, uint64_t seed);

/* Has room for so many entries, as if that had been said at the beginning. The index is empty, and nobody uses it. */
enum mae_status hash_index_expect(struct hash_index *index, uint64_t rows);

/* Of a transaction that yields: approaches the bucket in which a lookup of the key begins (txn/approach.h). */
void hash_index_approach(struct mae_txn *txn, struct hash_index *index, const void *key);

/* Ascends as the buckets do. */
uint64_t hash_index_order(const struct hash_index *index, const void *key);

/* Finds the row of `key`. A miss is validated; a hit is validated only with `validate`. */
enum mae_status hash_index_find(struct mae_txn *txn, struct hash_index *index, const void *key, bool validate,
                                uint64_t *row);
enum mae_status hash_index_insert(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row);
enum mae_status hash_index_remove(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row);

/*
 * Starts loading the buckets of `count` keys, then the rows of `rows` that they lead to. Announces 8-byte keys: notes
 * their rows, so that hash_index_find_fast need not search again if the keys come in this order.
 */
void hash_index_prefetch(struct mae_txn *txn, struct hash_index *index, const struct table *rows, const void *keys,
                         size_t count);

/* Splits buckets if the index has become too full. Call it outside a transaction, after a commit of `worker` that added
 * `entries` entries. */
void hash_index_grow(struct mae_worker *worker, struct hash_index *index, int64_t entries);

/* The same for each index to which the transaction that has just committed added entries. Its timestamp stays. */
void hash_index_grow_all(struct mae_txn *txn);

/* A place in an index: the bucket of base `base` that has these growth bits and no others set comes next. */
struct hash_position {
    uint64_t base, growth;
};

/*
 * Visits the entries of the next bucket and moves the position on; MAE_NOT_FOUND at the end. From a position of zeros,
 * in one transaction after the other, it visits every entry that is there all the time: a bucket has a part of the
 * hashes, the parts come one after the other, and a split only divides a part. Visits all of a bucket, whatever `visit`
 * returns.
 */
enum mae_status hash_index_walk(struct mae_txn *txn, struct hash_index *index, struct hash_position *position,
                                mae_entry_fn visit, void *arg);

/* Visits all entries that the transaction sees, until `visit` returns false. For verification. */
enum mae_status hash_index_visit(struct mae_txn *txn, struct hash_index *index, mae_entry_fn visit, void *arg);

/* ---- The fast path of a lookup that hits, and the layout it needs to know. ---- */

enum { HASH_DEPTH_SHIFT = 48, HASH_HINT_BITS = 6, HASH_WORD_BYTES = 8 };
enum { HASH_LINE_HEAD = CACHE_LINE_BYTES - sizeof(version_handle) }; /* the head's offset in a bucket of one line */
#define HASH_ROW_MASK ((UINT64_C(1) << HASH_DEPTH_SHIFT) - 1)

static ALWAYS_INLINE uint64_t hash_load_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static ALWAYS_INLINE uint64_t hash_mix(uint64_t x) /* the finaliser of MurmurHash3, variant 13 by Stafford */
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static ALWAYS_INLINE uint64_t hash_word(uint64_t key)
{
    return key * UINT64_C(0x9E3779B97F4A7C15);
}

/* The place of a hash: its base and all its growth bits. */
struct hash_home {
    uint64_t base, growth;
};

static ALWAYS_INLINE uint64_t hash_base(const struct hash_index *index, uint64_t hash)
{
    return (uint64_t)((unsigned __int128)hash * index->base_count >> 64);
}

/* The growth bits of the bucket from which a lookup starts. ORD-10: the caller loaded the hint with acquire, so the
 * memory of every bucket that it covers is committed. */
static ALWAYS_INLINE uint64_t hash_start(const struct hash_index *index, uint64_t hint, struct hash_home home)
{
    unsigned level = hint & ((1 << HASH_HINT_BITS) - 1);
    uint64_t growth = home.growth & ((UINT64_C(2) << level) - 1);
    if (home.base + growth * index->base_count >= (index->base_count << level) + (hint >> HASH_HINT_BITS))
        growth &= (UINT64_C(1) << level) - 1;
    return growth;
}

/*
 * The row of an 8-byte key if the key is in the bucket's version and that is inline, committed and visible. False means
 * that the key is not decided here. No branch depends on which of the two entries has the key: each has it about as
 * often, and the CPU would find out a wrong guess only after a cache miss.
 */
static ALWAYS_INLINE bool hash_line_match(const struct mae_txn *txn, char *at, _Atomic version_handle *head,
                                          uint64_t key, uint64_t *row)
{
    struct version *version = row_inline_version(at);
    RACE(READ_HEAD);
    if (UNLIKELY(atomic_load_explicit(head, memory_order_acquire) != HANDLE_INLINE) ||
        UNLIKELY(atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_COMMITTED) ||
        UNLIKELY(version_wts(version) >= txn->ts))
        return false;
    const unsigned char *data = version->payload;
    bool is0 = hash_load_word(data) == key, is1 = hash_load_word(data + 16) == key;
    uint64_t word = hash_load_word(data + 8 + 16 * (size_t)is1) & HASH_ROW_MASK; /* 0: unused, with an old key */
    *row = word - 1;
    return LIKELY(is0 | is1) && LIKELY(word != 0);
}

static ALWAYS_INLINE bool hash_bucket_match(const struct mae_txn *txn, const struct table *table, uint64_t bucket,
                                            uint64_t key, uint64_t *row)
{
    char *at = table_row(table, bucket);
    return hash_line_match(txn, at, row_head(table, at), key, row);
}

/* How far the index has grown; 0: not at all. ORD-10 */
static ALWAYS_INLINE uint64_t hash_hint(const struct hash_index *index)
{
    return atomic_load_explicit(&index->hint, memory_order_acquire);
}

/*
 * The first bucket in which to look for an 8-byte key. If the transaction sees the key there, that is the key's entry,
 * whatever the bucket's depth, since a key is in one bucket only. If it does not, only the depth tells whether the key
 * may be in another bucket.
 */
static ALWAYS_INLINE uint64_t hash_first_bucket(const struct hash_index *index, uint64_t hint, uint64_t key)
{
    uint64_t hash = hash_word(key), base = hash_base(index, hash);
    if (LIKELY(hint == 0)) /* never grown */
        return base;
    return base + hash_start(index, hint, (struct hash_home){base, hash_mix(hash)}) * index->base_count;
}

/*
 * The fastest lookup of an 8-byte key. It needs a transaction with txn->direct and an index that had not grown when
 * the caller loaded `base`, which is index->direct. False means that the key is not decided here: use
 * hash_index_find. ORD-4: relaxed. If the index has grown meanwhile, a key that is still found in its first bucket is
 * found rightly (hash_first_bucket).
 */
static ALWAYS_INLINE bool hash_index_find_direct(const struct mae_txn *txn, const struct hash_index *index, char *base,
                                                 const void *key_at, uint64_t *row)
{
    uint64_t key = hash_load_word(key_at);
    char *at = base + hash_base(index, hash_word(key)) * CACHE_LINE_BYTES;
    return hash_line_match(txn, at, (_Atomic version_handle *)(void *)(at + HASH_LINE_HEAD), key, row);
}

/* Where hash_index_find_fast found the key. The number is how many announced keys the answer uses up. */
enum hash_found { HASH_FOUND_BUCKET = 0, HASH_FOUND_ANNOUNCED = 1, HASH_FOUND_NOT = 2 };

/*
 * As hash_index_find without validation, for the common case. HASH_FOUND_NOT means that the key is not decided here:
 * use hash_index_find. The caller calls hash_index_used with the result once it has used the answer. `hint`: from
 * hash_hint.
 */
static ALWAYS_INLINE enum hash_found hash_index_find_fast(const struct mae_txn *txn, const struct hash_index *index,
                                                          uint64_t hint, const void *key_at, uint64_t *row)
{
    if (UNLIKELY(index->key_bytes != HASH_WORD_BYTES) || UNLIKELY(txn->accesses.node_write_count))
        return HASH_FOUND_NOT;
    uint64_t key = hash_load_word(key_at);
    const struct announced *announced = index_scratch_announced(txn);
    if (announced && LIKELY(announced->key == key) && LIKELY(announced->index == index)) {
        *row = announced->row;
        return HASH_FOUND_ANNOUNCED;
    }
    return hash_bucket_match(txn, index->buckets, hash_first_bucket(index, hint, key), key, row) ? HASH_FOUND_BUCKET
                                                                                                 : HASH_FOUND_NOT;
}

/* The caller has used an answer of hash_index_find_fast. */
static ALWAYS_INLINE void hash_index_used(const struct mae_txn *txn, enum hash_found found)
{
    MAE_DCHECK(found != HASH_FOUND_NOT);
    MAE_DCHECK(index_scratch_kept(txn)->announced_next + found <= index_scratch_kept(txn)->announced_count ||
               found == 0);
    index_scratch_kept(txn)->announced_next += found;
}

/*
 * As hash_index_find_fast, and approaches first the bucket, then the row (txn/approach.h). False: the key is not
 * decided here; use hash_index_find.
 * Both steps yield at one place of the code, which FORGET keeps the compiler from making two of. So the CPU predicts
 * where the transaction goes on to which the thread turns: it expects that a call returns to where the last one
 * came from, and that was another transaction, at one step or the other.
 */
static ALWAYS_INLINE bool hash_index_approach_row(struct mae_txn *txn, const struct hash_index *index,
                                                  const struct table *rows, const void *key_at, uint64_t *row)
{
    if (UNLIKELY(index->key_bytes != HASH_WORD_BYTES) || UNLIKELY(txn->accesses.node_write_count))
        return false;
    uint64_t key = hash_load_word(key_at);
    const struct table *buckets = index->buckets, *table = buckets;
    char *bucket = table_row(buckets, hash_first_bucket(index, hash_hint(index), key)), *at = bucket;
    for (;;) { /* ends: the second step is at the row */
        txn_load_row(table, at);
        txn_yield(txn);
        FORGET(table);
        if (table == rows)
            break;
        if (UNLIKELY(!hash_line_match(txn, bucket, row_head(buckets, bucket), key, row)))
            return false;
        table = rows;
        at = table_row(rows, *row);
    }
    if (UNLIKELY(atomic_load_explicit(row_head(rows, at), memory_order_relaxed) != HANDLE_INLINE))
        txn_approach_version(txn, rows, at);
    return true;
}

#endif
