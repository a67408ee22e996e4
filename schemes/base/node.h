/*
 * node.h - what each leaf of a tree and each bucket of a hash index has: a version that is also its lock, and a stamp.
 *
 * A transaction that has missed a key or scanned a range notes the nodes that it has looked at with their versions. As
 * long as these are unchanged, no entry has come to or gone from the keys that it has looked at.
 *   N1  The version of a node changes with each insert, removal and split of the node's entries. It only grows, and
 *       never comes back, also when the node is taken out of the index and used again for other keys.
 *   N2  A node is changed only while its lock is held. All its words are atomic, with release stores and acquire loads.
 *       A reader notes the version, reads, and loads the version again: if it is unchanged and unlocked, the reader has
 *       seen one state of the node (ORD-NODE-1).
 *   N3  A change of an index says what it did to which node (struct node_change), so that the transaction that made it
 *       can tell its own change from those of others.
 *   N4  Whoever answers for some keys after a change has at least the stamp of the node that did before.
 *   N5  No thread waits for a node while it holds one. So there are no deadlocks.
 *
 * The stamp belongs to the scheme, which reads and writes it as it likes. An index copies it to a new node that takes
 * over keys, and joins it with the stamp of a node that was there (index_join_fn). It does that while the node that
 * gives keys away is locked, and its version then changes. So a scheme that raises a stamp must look at the version
 * afterwards: either its stamp has been copied, or it sees the lock or a new version (ORD-NODE-2).
 */
#ifndef SCHEMES_BASE_NODE_H
#define SCHEMES_BASE_NODE_H

#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "engine/base/race.h"
#include "engine/base/wait.h"
#include "engine/maemio.h"

struct index_node {
    _Atomic uint64_t version;
    _Atomic uint64_t stamp; /* 0 at first */
};

enum { NODE_LOCKED = 1, NODE_GONE = 2, NODE_VERSION_STEP = 4 };

/* A node that was looked at, and the version under which what was seen there is exact. */
struct node_seen {
    struct index_node *node;
    uint64_t version;
};

/*
 * What a call did to a node. In the order of the list, the transaction that made the call does with its notes:
 *   from NULL: if it has noted `node`, then as of version `before`, else another one has changed it meanwhile and the
 *              transaction cannot commit; the note is now as of `after`.
 *   otherwise: if it has noted `from`, it notes `node` as of `after`, too, since `node` now answers for keys of `from`.
 *              That may be a new node, or a neighbour that was there and that the transaction has perhaps noted
 *              already: then the two versions must be equal.
 */
struct node_change {
    struct index_node *node, *from;
    uint64_t before, after;
};

enum { NODE_CHANGES_MAX = 3 };

struct node_changes {
    unsigned count;
    struct node_change list[NODE_CHANGES_MAX];
};

/* A stamp that is at least both. NULL: the larger one. */
typedef uint64_t (*index_join_fn)(uint64_t stamp, uint64_t other);

/* A node's version as it is now; equal to a noted one only if the node is unlocked and unchanged since. */
static inline uint64_t node_version(const struct index_node *node)
{
    return atomic_load_explicit(&node->version, memory_order_seq_cst); /* ORD-NODE-2 */
}

static inline uint64_t node_stamp(const struct index_node *node)
{
    return atomic_load_explicit(&node->stamp, memory_order_seq_cst); /* ORD-NODE-2 */
}

/* A stamp that is a time: makes it at least `stamp`. The caller then looks at the version. */
static inline void node_raise(struct index_node *node, uint64_t stamp)
{
    uint64_t present = node_stamp(node);
    while (present < stamp &&
           !atomic_compare_exchange_weak_explicit(&node->stamp, &present, stamp, memory_order_seq_cst,
                                                  memory_order_seq_cst)) /* ends: it only grows */
        RACE(NODE_RAISE);
}

/* ---- For the indexes. ---- */

/* The round-th step of a wait for a node that another thread has locked. */
static inline void node_wait(unsigned round)
{
    RACE(WAIT_NODE);
    wait_step(round);
}

/* The version of an unlocked node. Ends: who holds the lock does a bounded number of steps and waits for no node (N5).
 * False: the node has been taken out. */
static inline bool node_read_begin(const struct index_node *node, uint64_t *version)
{
    RACE(NODE_READ);
    for (unsigned i = 0;; i++) {
        *version = atomic_load_explicit(&node->version, memory_order_acquire); /* ORD-NODE-1 */
        if (LIKELY((*version & NODE_LOCKED) == 0))
            return (*version & NODE_GONE) == 0;
        node_wait(i);
    }
}

/* Whether the reader has seen one state of the node since it loaded `version`. */
static inline bool node_read_end(const struct index_node *node, uint64_t version)
{
    RACE(NODE_CHECK);
    return atomic_load_explicit(&node->version, memory_order_acquire) == version; /* ORD-NODE-1 */
}

/* Locks the node if its version is still the one that was read. */
static inline bool node_try_lock(struct index_node *node, uint64_t version)
{
    RACE(NODE_LOCK);
    return atomic_compare_exchange_strong_explicit(&node->version, &version, version | NODE_LOCKED,
                                                   memory_order_seq_cst, memory_order_relaxed); /* ORD-NODE-2 */
}

/* After a change. Returns the node's new version; `version` is that under which it was locked. */
static inline uint64_t node_unlock(struct index_node *node, uint64_t version)
{
    RACE(NODE_UNLOCK);
    version += NODE_VERSION_STEP;
    atomic_store_explicit(&node->version, version, memory_order_release); /* ORD-NODE-1 */
    return version;
}

static inline void node_unlock_unchanged(struct index_node *node, uint64_t version)
{
    atomic_store_explicit(&node->version, version, memory_order_release); /* ORD-NODE-1 */
}

static inline uint64_t node_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire); /* ORD-NODE-1 */
}

static inline void node_word_set(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release); /* ORD-NODE-1 */
}

static inline void node_changed(struct node_changes *changes, struct index_node *node, uint64_t before, uint64_t after)
{
    changes->list[changes->count++] = (struct node_change){.node = node, .before = before, .after = after};
}

static inline void node_took_over(struct node_changes *changes, struct index_node *node, struct index_node *from,
                                  uint64_t version)
{
    changes->list[changes->count++] = (struct node_change){.node = node, .from = from, .after = version};
}

#endif
