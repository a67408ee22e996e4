/*
 * index.h - an index of either kind behind one set of calls. A scheme's hot path uses hash_find_seen directly.
 */
#ifndef SCHEMES_BASE_INDEX_H
#define SCHEMES_BASE_INDEX_H

#include "schemes/base/hash.h"
#include "schemes/base/tree.h"

struct index_config {
    bool ordered, non_unique; /* non_unique: ordered only */
    size_t key_bytes;
    uint64_t expected_keys; /* a hint, 0 if unknown */
    index_join_fn join;     /* of stamps, NULL: the larger one */
};

struct index {
    bool ordered;
    union {
        struct hash hash;
        struct tree tree;
    };
};

/* Each as the function of the index's kind. */
static inline enum mae_status index_init(struct index *index, struct mem_budget *budget,
                                         const struct index_config *config)
{
    index->ordered = config->ordered;
    return config->ordered ? tree_init(&index->tree, budget, config->key_bytes, config->non_unique, config->join)
                           : hash_init(&index->hash, budget, config->key_bytes, config->expected_keys);
}

static inline void index_fini(struct index *index)
{
    if (index->ordered)
        tree_fini(&index->tree);
    else
        hash_fini(&index->hash);
}

/* Not for non-unique indexes. */
static inline bool index_find(const struct index *index, const void *key, uint64_t *ref, struct node_seen *seen)
{
    return index->ordered ? tree_find(&index->tree, key, ref, seen) : hash_find(&index->hash, key, ref, seen);
}

static inline enum mae_status index_insert(struct index *index, const void *key, uint64_t ref, uint64_t *there,
                                           struct node_changes *changes)
{
    return index->ordered ? tree_insert(&index->tree, key, ref, there, changes)
                          : hash_insert(&index->hash, key, ref, there, changes);
}

static inline enum mae_status index_remove(struct index *index, const void *key, uint64_t ref,
                                           struct node_changes *changes)
{
    return index->ordered ? tree_remove(&index->tree, key, ref, changes) : hash_remove(&index->hash, key, ref, changes);
}

static inline enum mae_status index_replace(struct index *index, const void *key, uint64_t ref, uint64_t new_ref,
                                            struct node_changes *changes)
{
    return index->ordered ? tree_replace(&index->tree, key, ref, new_ref, changes)
                          : hash_replace(&index->hash, key, ref, new_ref, changes);
}

/* For statistics. */
static inline uint64_t index_node_count(const struct index *index)
{
    return index->ordered ? tree_node_count(&index->tree) : hash_bucket_count(&index->hash);
}

static inline uint64_t index_node_bytes(const struct index *index)
{
    return index->ordered ? index->tree.node_bytes : index->hash.bucket_bytes;
}

#endif
