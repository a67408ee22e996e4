/*
 * tree.h - an ordered index with a version a leaf: a B+-tree changed in place by many threads, with optimistic lock
 * coupling. See tree.c for the argument.
 *
 * Keys have 8 to 64 bytes: those of 8 are `uint64_t` in native order and sort as integers, longer ones are byte
 * strings. A unique index holds a key once. A non-unique index holds (key, ref) pairs, sorted by key, then ref.
 *
 * Node memory stays node memory: a leaf that has become empty is taken out and used again, by this index only, with a
 * version that goes on growing. So a note of it (struct node_seen) never points to memory that is gone, and nothing has
 * to wait for readers.
 *
 * Threads: all calls may be made at once by any number of threads, but init, fini and verify exclude all others.
 */
#ifndef SCHEMES_BASE_TREE_H
#define SCHEMES_BASE_TREE_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/base/mem.h"
#include "schemes/base/node.h"

struct tree {
    struct span span; /* nodes, by number */
    index_join_fn join;
    uint16_t key_bytes, key_words;
    uint16_t pair_words; /* of what is compared: the key, in a non-unique tree also the ref */
    uint16_t capacity;
    bool numbers, non_unique;
    uint32_t node_bytes;
    pthread_mutex_t lock; /* of what follows; held by splits and unlinks only, for a few steps */
    uint64_t used;        /* nodes ever taken from the span */
    uint64_t free_first;  /* nodes taken out of the tree, linked by number; 0: none */
};

/* MAE_OK, MAE_NO_MEMORY or MAE_NO_ADDRESSES, and then there is nothing to finish. */
enum mae_status tree_init(struct tree *tree, struct mem_budget *budget, size_t key_bytes, bool non_unique,
                          index_join_fn join);
void tree_fini(struct tree *tree);

/* Unique trees only; in others tree_scan from key to key. True: `ref` is the key's, as of some moment during the call.
 * False: the key was not there. Either way that holds as long as the node is as it was `seen`. */
bool tree_find(const struct tree *tree, const void *key, uint64_t *ref, struct node_seen *seen);

/* MAE_OK. MAE_EXISTS: the key (non-unique: the pair) is there, `there` is its ref. MAE_NO_MEMORY, MAE_NO_ADDRESSES.
 * `changes` is filled by MAE_OK, else empty. */
enum mae_status tree_insert(struct tree *tree, const void *key, uint64_t ref, uint64_t *there,
                            struct node_changes *changes);

/* MAE_OK. MAE_NOT_FOUND: there is no such pair. */
enum mae_status tree_remove(struct tree *tree, const void *key, uint64_t ref, struct node_changes *changes);

/* Unique trees only. The entry (key, ref) leads to new_ref from now on; readers see one or the other. MAE_OK or
 * MAE_NOT_FOUND. */
enum mae_status tree_replace(struct tree *tree, const void *key, uint64_t ref, uint64_t new_ref,
                             struct node_changes *changes);

/* Nodes ever used, while nothing else runs. */
uint64_t tree_node_count(const struct tree *tree);

enum { TREE_BACKWARD = 1 };

/* The key is valid during the call only. False: enough. */
typedef bool (*index_visit_fn)(void *arg, const void *key, uint64_t ref);
/* A leaf that is looked at, also if it has no entry of the range; false: enough, its entries are not visited. */
typedef bool (*index_leaf_fn)(void *arg, struct node_seen seen);

/*
 * Visits the entries from lo to hi (both included; NULL: open end) in order, or with TREE_BACKWARD in reverse order,
 * until `visit` returns false. `leaf` is called before the entries of a leaf are visited, with the version under which
 * they are exact. Entries are copied out before they are visited, a few at a time, so both functions may do anything,
 * also change this tree. If a leaf has changed when the next few are wanted, it is looked at again and `leaf` called
 * again: what its entries were and what comes now may then overlap no keys but those still to come.
 */
void tree_scan(const struct tree *tree, const void *lo, const void *hi, unsigned flags, index_visit_fn visit,
               index_leaf_fn leaf, void *arg);

/* Checks order, bounds and levels, counts entries and nodes in the tree. MAE_OK or MAE_CORRUPT with a report. */
enum mae_status tree_verify(const struct tree *tree, uint64_t *entries, uint64_t *nodes, char *report,
                            size_t report_bytes);

#endif
