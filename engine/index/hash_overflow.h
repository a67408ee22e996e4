/*
 * hash_overflow.h - the entries for which a bucket of a hash index has no room. Internal to the index.
 *
 * They go to a chain of overflow buckets, which nearly always has none or one. A chain of more than OVERFLOW_CHAIN_MAX
 * buckets becomes a tree: its link leads to a directory, whose slots lead to chains again. Three bits of a key's seeded
 * hash choose the slot, three more the slot in the directory below. One bucket may get many keys: crafted ones, or
 * those of a transaction that inserts faster than the index splits. The cost of a lookup or insert then grows only with
 * the logarithm of their number. The seed is the database's secret. It is used only here, so that dense keys keep their
 * even spread over the buckets.
 *
 * Directories are rows, as buckets are. A miss has the directories on its way in its read set.
 */
#ifndef ENGINE_INDEX_HASH_OVERFLOW_H
#define ENGINE_INDEX_HASH_OVERFLOW_H

#include "engine/index/hash_bucket.h"

enum { OVERFLOW_CHAIN_MAX = 8 };

/* The place of a link. `level`: how many directories lead there. */
struct link_place {
    struct table *table;
    uint64_t row;
    size_t offset;
    unsigned level;
};

/* Follows `*link`, which stands at `*place`, through directories to the chain of `key`. With `validate` the directories
 * join the read set. */
enum mae_status overflow_follow(struct mae_txn *txn, const struct hash_index *index, const void *key, bool validate,
                                uint32_t *link, struct link_place *place);

/* overflow_branch turns the chain at `place`, which is too long, into a directory. overflow_may_branch is false if the
 * seeded hash has no more bits to tell the chain's keys apart. */
bool overflow_may_branch(const struct link_place *place);
enum mae_status overflow_branch(struct mae_txn *txn, const struct hash_index *index, const struct link_place *place);

/* Makes an overflow bucket with one entry. The caller links it. */
enum mae_status overflow_add(struct mae_txn *txn, const struct hash_index *index, const void *key, uint64_t row_word,
                             uint32_t *link);

/* Who makes rows of the overflow table: a transaction, or without one (NULL) a worker (bulk.h). */
struct bucket_writer {
    struct mae_txn *txn;
    struct mae_worker *worker;
};

/* Entries on their way from one bucket to another. */
enum { ENTRY_LIST_FIRST = 64 };
struct entry_list {
    unsigned char *at;
    size_t count, capacity;
    _Alignas(8) unsigned char first[ENTRY_LIST_FIRST * (MAE_KEY_MAX_BYTES + sizeof(uint64_t))];
};
void entry_list_init(struct entry_list *list);
void entry_list_fini(struct entry_list *list);
/* Adds an entry. False when out of memory. */
bool entry_list_put(const struct hash_index *index, struct entry_list *list, const void *key, uint64_t row_word);
/* Adds the entries of one bucket. */
enum mae_status entry_list_add(struct mae_txn *txn, const struct hash_index *index, struct entry_list *list,
                               const void *bucket);

/* Adds all entries that `link` leads to and deletes the rows in which they stand. */
enum mae_status overflow_take(struct mae_txn *txn, const struct hash_index *index, uint32_t link,
                              struct entry_list *list);

/* Puts entries, which it may reorder, into new rows, linked from `offset` of the new version `data`. */
enum mae_status overflow_build(const struct bucket_writer *writer, const struct hash_index *index, void *data,
                               size_t offset, unsigned char *entries, size_t count, unsigned level);

/* Makes `data` a bucket of depth `depth` with these entries, which it may reorder. */
enum mae_status bucket_fill(const struct bucket_writer *writer, const struct hash_index *index, void *data,
                            unsigned depth, unsigned char *entries, size_t count);

/* See hash_index_visit. */
enum mae_status overflow_visit(struct mae_txn *txn, const struct hash_index *index, uint32_t link, mae_entry_fn visit,
                               void *arg, bool *stopped);

#endif
