/*
 * hash_overflow.h - what a bucket of a hash index has no room for. Internal to the index.
 *
 * Overflow is a chain of buckets, nearly always none or one. A chain of more than OVERFLOW_CHAIN_MAX becomes a tree:
 * its link leads to a directory, whose slots lead to chains again; three bits of a key's seeded hash choose the slot,
 * three more in the directory below. So neither many keys of one bucket (crafted ones, or those of a transaction that
 * inserts faster than the index splits) make a lookup or an insert longer than the logarithm of their number. The seed
 * is the database's secret; it matters only here, so that dense keys keep their even spread over the buckets.
 *
 * Directories are rows like buckets: a miss has those on its way in its read set.
 */
#ifndef ENGINE_INDEX_HASH_OVERFLOW_H
#define ENGINE_INDEX_HASH_OVERFLOW_H

#include "engine/index/hash_bucket.h"

enum { OVERFLOW_CHAIN_MAX = 8 };

/* Where a link stands; `level`: how many directories lead there. */
struct link_place {
    struct table *table;
    uint64_t row;
    size_t offset;
    unsigned level;
};

/* Follows `*link`, which stands at `*place`, through directories to the chain of `key`. `validate`: they are read. */
enum mae_status overflow_follow(struct mae_txn *txn, const struct hash_index *index, const void *key, bool validate,
                                uint32_t *link, struct link_place *place);

/* The chain at `place` is too long: it becomes a directory. False if there are no more bits to tell its keys apart. */
bool overflow_may_branch(const struct link_place *place);
enum mae_status overflow_branch(struct mae_txn *txn, const struct hash_index *index, const struct link_place *place);

/* A new overflow bucket with one entry, to be linked by the caller. */
enum mae_status overflow_add(struct mae_txn *txn, const struct hash_index *index, const void *key, uint64_t row_word,
                             uint32_t *link);

/* Entries on their way from one bucket to another. */
enum { ENTRY_LIST_FIRST = 64 };
struct entry_list {
    unsigned char *at;
    size_t count, capacity;
    _Alignas(8) unsigned char first[ENTRY_LIST_FIRST * (MAE_KEY_MAX_BYTES + sizeof(uint64_t))];
};
void entry_list_init(struct entry_list *list);
void entry_list_fini(struct entry_list *list);
/* Adds the entries of one bucket. */
enum mae_status entry_list_add(struct mae_txn *txn, const struct hash_index *index, struct entry_list *list,
                               const void *bucket);

/* Adds all entries that `link` leads to and deletes the rows in which they stand. */
enum mae_status overflow_take(struct mae_txn *txn, const struct hash_index *index, uint32_t link,
                              struct entry_list *list);

/* Puts entries, which it may reorder, into new rows, linked from `offset` of the new version `data`. */
enum mae_status overflow_build(struct mae_txn *txn, const struct hash_index *index, void *data, size_t offset,
                               unsigned char *entries, size_t count, unsigned level);

/* See hash_index_visit. */
enum mae_status overflow_visit(struct mae_txn *txn, const struct hash_index *index, uint32_t link, mae_entry_fn visit,
                               void *arg, bool *stopped);

#endif
