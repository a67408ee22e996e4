/*
 * tree_simple.h - the simple ordered index: one version, changed in place after validation (option
 * simple_index_update).
 *
 * It gives up guarantees of the multi-version index (tree_index.h) and exists to be compared with it (Figure 4):
 *   - No phantom protection: nothing of the index is ever validated. A transaction may miss an entry that an earlier
 *     transaction in the serial order has added. It may see an entry that has been removed, or whose row it does not
 *     see yet.
 *   - No atomicity: a transaction's entries appear and disappear one by one as it commits. Lookups of the
 *     transaction see its own changes; its scans and cursors do not.
 *   - An insert checks a unique key when it is called, so two transactions at once may both add the key.
 * So an entry may lead to a row that the transaction does not see, and the caller must be ready for that.
 *
 * A transaction's changes wait in a tree_deferred until its commit is certain. Applying them cannot fail, since
 * tree_simple_insert and tree_simple_remove have set their memory aside.
 *
 * Threads: any number may make all calls at once, but init and fini exclude all others, and a tree_deferred belongs to
 * one thread. Source: section 4.2 ("simple index update"). Not here: when the changes are applied (engine/db).
 */
#ifndef ENGINE_INDEX_TREE_SIMPLE_H
#define ENGINE_INDEX_TREE_SIMPLE_H

#include <pthread.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/maemio.h"

struct index_cursor;
struct table;

struct tree_simple {
    struct span span; /* nodes, by number */
    uint16_t key_bytes, key_words, capacity;
    bool numbers, non_unique;
    uint32_t node_bytes;
    SEPARATED _Atomic uint64_t reserved; /* nodes set aside for deferred changes */
    _Atomic uint64_t used;               /* nodes ever taken from the span */
    pthread_mutex_t lock;                /* of the list below; held by splits and unlinks only */
    uint64_t free_first;                 /* nodes taken out of the tree, linked by number + 1; 0: none */
};

/* MAE_OK or MAE_NO_MEMORY. */
enum mae_status tree_simple_init(struct tree_simple *index, struct mem_budget *budget, size_t key_bytes,
                                 bool non_unique);
void tree_simple_fini(struct tree_simple *index);

/* One change that waits for its transaction's commit. */
struct tree_change {
    struct tree_simple *index;
    uint64_t row;
    bool insert;
    char key[MAE_KEY_MAX_BYTES];
};

/* The changes of one transaction, in order. All zeros is empty. */
struct tree_deferred {
    struct tree_change *changes;
    size_t count, capacity;
};

void tree_deferred_fini(struct tree_deferred *deferred); /* empty; frees its memory */
/* Once the commit is certain: makes the changes. */
void tree_deferred_apply(struct tree_deferred *deferred);
/* Forgets all but the first `count` changes. */
void tree_deferred_cut(struct tree_deferred *deferred, size_t count);
/* After an abort: forgets them. */
void tree_deferred_discard(struct tree_deferred *deferred);

/* Finds the row of `key`, of several the smallest. `deferred` has the transaction's own changes and may be NULL.
 * MAE_OK, MAE_NOT_FOUND. */
enum mae_status tree_simple_find(const struct tree_simple *index, const struct tree_deferred *deferred, const void *key,
                                 uint64_t *row);

/* Notes a change for later. MAE_OK, MAE_EXISTS, MAE_NO_MEMORY. */
enum mae_status tree_simple_insert(struct tree_simple *index, struct tree_deferred *deferred, const void *key,
                                   uint64_t row);
/* MAE_OK, MAE_NOT_FOUND, MAE_NO_MEMORY. */
enum mae_status tree_simple_remove(struct tree_simple *index, struct tree_deferred *deferred, const void *key,
                                   uint64_t row);

/* As tree_index_scan, without its protection. The key that `visit` gets is valid during the call only. */
void tree_simple_scan(const struct tree_simple *index, const struct table *rows, const void *lo, const void *hi,
                      unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg);

/* As tree_cursor_next, without its protection, and without the transaction's own changes. */
enum mae_status tree_simple_next(const struct tree_simple *index, struct index_cursor *cursor);

/* Checks order, bounds, levels and that no removal waits for its insert, and counts the entries. No other thread may
 * use the index. MAE_OK or MAE_CORRUPT. */
enum mae_status tree_simple_verify(const struct tree_simple *index, uint64_t *entries, uint64_t *nodes, char *report,
                                   size_t report_bytes);

#endif
