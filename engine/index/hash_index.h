/*
 * hash_index.h - the hash index: unique keys of a fixed size to row ids.
 *
 * Buckets are rows of a table of the index's own, so the index is multi-version and transactional. A bucket fills one
 * cache line for 8-byte keys: header, two entries, a link to an overflow bucket, head.
 *   - A lookup that hits peeks at buckets and validates nothing: the row it leads to is validated by whoever reads it.
 *   - A miss reads every bucket of the chain into the read set, and each insert or remove changes one of them.
 *     So an insert of a key that somebody has missed makes one of both abort: no phantoms.
 *
 * Growth is linear hashing by transactions. Bucket b of depth d holds the keys with hash mod 2^d = b; a split of b makes b
 * and b + 2^d of depth d + 1, in one transaction. The depth stands in the bucket, hence is multi-version like its entries:
 * whatever a timestamp sees is a consistent cover of all hashes. The number of buckets that lookups start from is only a
 * hint. They go down to the parent while a bucket does not exist for them, and up while a bucket has been split further.
 *
 * Buckets there from the beginning exist without memory until one is first missed in (txn_materialise).
 * Source: section 3.6. Not here: non-unique keys, order (tree_index.h).
 */
#ifndef ENGINE_INDEX_HASH_INDEX_H
#define ENGINE_INDEX_HASH_INDEX_H

#include "engine/base/compiler.h"
#include "engine/store/table.h"

struct mae_txn;

struct hash_index {
    /* Constant after hash_index_init. */
    struct table *buckets, *overflow;
    uint32_t key_bytes, entry_bytes;
    uint32_t bucket_entries;
    uint32_t bucket_bytes;         /* entries and link: the payload */
    uint64_t base_count;           /* buckets there from the beginning */
    /* Shared, changes rarely. */
    SEPARATED _Atomic uint64_t bucket_count; /* where lookups start: a hint, but never beyond committed memory */
    SEPARATED _Atomic uint64_t split_next;   /* the next bucket to be made by a split */
    _Atomic int64_t entries;                 /* about; each worker adds its own in batches */
};

/* What payload_max_bytes both tables must have; inline_max_bytes is the inline_bytes option. */
size_t hash_index_bucket_bytes(size_t key_bytes);

/* The tables are empty and used for nothing else. MAE_OK or MAE_NO_MEMORY. */
enum mae_status hash_index_init(struct hash_index *index, struct table *buckets, struct table *overflow, size_t key_bytes,
                                uint64_t expected_rows);

/* The row of `key`. A miss is validated, a hit only with `validate`. */
enum mae_status hash_index_find(struct mae_txn *txn, struct hash_index *index, const void *key, bool validate,
                                uint64_t *row);
enum mae_status hash_index_insert(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row);
enum mae_status hash_index_remove(struct mae_txn *txn, struct hash_index *index, const void *key, uint64_t row);

/* Starts loading the buckets of `count` keys, then the rows they lead to in `rows`. A hint. */
void hash_index_prefetch(struct mae_txn *txn, const struct hash_index *index, const struct table *rows, const void *keys,
                         size_t count);

/* After a commit of `worker` that added `entries` entries, outside a transaction: splits buckets if it is time. */
void hash_index_grow(struct mae_worker *worker, struct hash_index *index, int64_t entries);

/* Visits all entries in a transaction that sees them; false from `visit` ends it. For verification. */
enum mae_status hash_index_visit(struct mae_txn *txn, struct hash_index *index, mae_entry_fn visit, void *arg);

#endif
