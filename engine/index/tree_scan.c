/*
 * tree_scan.c - range scans of the ordered index.
 *
 * Every leaf that a scan visits joins the read set, also the leaves at the edges, and also if none of their entries
 * lies in the range. The scan reaches the next leaf by a link, and the fences of both must join without a gap. Both
 * leaves are validated, so if their fences do not join, one leaf is outdated and the transaction cannot commit anyway
 * (tree_index.c, T1 and T2).
 */
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/index/tree_walk.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

/* How far ahead a scan prefetches rows, and then, once the rows' heads have arrived, their versions. */
enum { SCAN_AHEAD = 12, SCAN_VERSIONS_AHEAD = 6 };

struct scan {
    struct mae_txn *txn;
    const struct tree_index *index;
    const struct table *rows;
    const struct tree_key *lo, *hi; /* NULL: open */
    uint64_t limit;                 /* how many entries are left to visit */
    mae_entry_fn visit;
    void *arg;
    uint64_t epoch; /* of the transaction's access set: with another epoch it is another transaction */
    bool stopped;   /* by the visitor or the limit */
};

static void prefetch_entry(const struct scan *scan, const struct tree_node *leaf, unsigned i)
{
    txn_prefetch_row(scan->rows, tree_node_value(&scan->index->shape, leaf, i));
}

static void prefetch_version(const struct scan *scan, const struct tree_node *leaf, unsigned i)
{
    txn_prefetch_version(scan->rows, tree_node_value(&scan->index->shape, leaf, i));
}

static ALWAYS_INLINE void visit_entry(struct scan *scan, const struct tree_node *leaf, unsigned i)
{
    const struct tree_shape *const shape = &scan->index->shape;
    const struct tree_key key = tree_node_key(shape, leaf, i);
    if (!scan->visit(scan->arg, key.bytes, tree_node_value(shape, leaf, i)) ||
        scan->txn->accesses.epoch != scan->epoch) /* it has ended: nothing protects the leaf now */
        scan->stopped = true;
}

/* How many of `count` entries of a leaf to visit: at most as many as are left, which it decreases by them. */
static ALWAYS_INLINE unsigned take_from_limit(struct scan *scan, unsigned count)
{
    if (count > scan->limit)
        count = (unsigned)scan->limit;
    scan->limit -= count;
    return count;
}

static void visit_forward(struct scan *scan, const struct tree_node *leaf, unsigned from, unsigned to)
{
    MAE_DCHECK(from <= to && to <= leaf->count); /* I1 */
    to = from + take_from_limit(scan, to - from);
    if (scan->rows == NULL) {
        for (unsigned i = from; i < to && !scan->stopped; i++)
            visit_entry(scan, leaf, i);
        return;
    }
    for (unsigned i = from; i < to && i < from + SCAN_AHEAD; i++)
        prefetch_entry(scan, leaf, i);
    for (unsigned i = from; i < to && i < from + SCAN_VERSIONS_AHEAD; i++)
        prefetch_version(scan, leaf, i);
    for (unsigned i = from; i < to && !scan->stopped; i++) {
        if (i + SCAN_AHEAD < to)
            prefetch_entry(scan, leaf, i + SCAN_AHEAD);
        if (i + SCAN_VERSIONS_AHEAD < to)
            prefetch_version(scan, leaf, i + SCAN_VERSIONS_AHEAD);
        visit_entry(scan, leaf, i);
    }
}

/* Entries [from, to), the last one first. */
static void visit_backward(struct scan *scan, const struct tree_node *leaf, unsigned from, unsigned to)
{
    MAE_DCHECK(from <= to && to <= leaf->count); /* I1 */
    from = to - take_from_limit(scan, to - from);
    for (unsigned i = to; scan->rows != NULL && i > from && i + SCAN_AHEAD > to; i--)
        prefetch_entry(scan, leaf, i - 1);
    for (unsigned i = to; scan->rows != NULL && i > from && i + SCAN_VERSIONS_AHEAD > to; i--)
        prefetch_version(scan, leaf, i - 1);
    for (unsigned i = to; i > from && !scan->stopped; i--) {
        if (scan->rows != NULL && i > from + SCAN_AHEAD)
            prefetch_entry(scan, leaf, i - 1 - SCAN_AHEAD);
        if (scan->rows != NULL && i > from + SCAN_VERSIONS_AHEAD)
            prefetch_version(scan, leaf, i - 1 - SCAN_VERSIONS_AHEAD);
        visit_entry(scan, leaf, i - 1);
    }
}

static enum mae_status scan_forward(struct scan *scan, const struct tree_node *leaf)
{
    const struct tree_index *const index = scan->index;
    const struct tree_shape *const shape = &index->shape;
    unsigned from = scan->lo != NULL ? tree_node_lower_bound(shape, leaf, scan->lo) : 0;
    for (;;) {
        const bool last = leaf->high_open || (scan->hi != NULL && !tree_node_beyond_high(shape, leaf, scan->hi));
        const unsigned to = last && scan->hi != NULL ? tree_node_upper_bound(shape, leaf, scan->hi) : leaf->count;
        const bool ends_here = last || scan->limit <= to - from;
        if (!ends_here)
            txn_prefetch_version(index->nodes, leaf->right);
        if (from < to)
            visit_forward(scan, leaf, from, to);
        if (last || scan->stopped || scan->limit == 0)
            return MAE_OK;

        const struct tree_key high = tree_node_high(shape, leaf);
        const enum mae_status status = tree_read_node(scan->txn, index, leaf->right, &leaf);
        if (status != MAE_OK)
            return status;
        const struct tree_key low = tree_node_low(shape, leaf);
        if (UNLIKELY(leaf->level != 0 || leaf->low_open || tree_key_compare(shape, &low, &high) != 0))
            return MAE_ABORT_INDEX;
        from = 0;
    }
}

static enum mae_status scan_backward(struct scan *scan, const struct tree_node *leaf)
{
    const struct tree_index *const index = scan->index;
    const struct tree_shape *const shape = &index->shape;
    unsigned to = scan->hi != NULL ? tree_node_upper_bound(shape, leaf, scan->hi) : leaf->count;
    for (;;) {
        const bool last = leaf->low_open || (scan->lo != NULL && !tree_node_below_low(shape, leaf, scan->lo));
        const unsigned from = last && scan->lo != NULL ? tree_node_lower_bound(shape, leaf, scan->lo) : 0;
        const bool ends_here = last || (to > from && scan->limit <= to - from);
        if (!ends_here)
            txn_prefetch_version(index->nodes, leaf->left);
        if (from < to)
            visit_backward(scan, leaf, from, to);
        if (last || scan->stopped || scan->limit == 0)
            return MAE_OK;

        const struct tree_key low = tree_node_low(shape, leaf);
        const enum mae_status status = tree_read_node(scan->txn, index, leaf->left, &leaf);
        if (status != MAE_OK)
            return status;
        const struct tree_key high = tree_node_high(shape, leaf);
        if (UNLIKELY(leaf->level != 0 || leaf->high_open || tree_key_compare(shape, &low, &high) != 0))
            return MAE_ABORT_INDEX;
        to = leaf->count;
    }
}

static enum mae_status scan_run(struct scan *scan, bool backward)
{
    const struct tree_key *const start = backward ? scan->hi : scan->lo;
    struct tree_target target = {.kind = backward ? TREE_LAST : TREE_FIRST};
    if (start != NULL)
        target = (struct tree_target){.kind = TREE_AT_KEY, .key = *start};
    struct tree_path path;
    const struct tree_node *leaf;
    scan->epoch = scan->txn->accesses.epoch;
    const enum mae_status status = tree_walk(scan->txn, scan->index, &target, 0, true, &path, &leaf);
    if (status != MAE_OK)
        return status == MAE_NOT_FOUND ? MAE_OK : tree_doom(scan->txn, status);
    return tree_doom(scan->txn, backward ? scan_backward(scan, leaf) : scan_forward(scan, leaf));
}

enum mae_status tree_index_scan(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                                const void *lo, const void *hi, unsigned flags, uint64_t limit, mae_entry_fn visit,
                                void *arg)
{
    const struct tree_shape *const shape = &index->shape;
    struct tree_key lo_key, hi_key;
    struct scan scan = {
        .txn = txn,
        .index = index,
        .rows = rows,
        .limit = limit == 0 ? UINT64_MAX : limit,
        .visit = visit,
        .arg = arg,
    };
    if (lo != NULL) {
        lo_key = tree_key_make(shape, lo, 0);
        scan.lo = &lo_key;
    }
    if (hi != NULL) {
        hi_key = tree_key_make(shape, hi, UINT64_MAX);
        scan.hi = &hi_key;
    }
    if (lo != NULL && hi != NULL && tree_key_compare(shape, &lo_key, &hi_key) > 0)
        return MAE_OK;
    return scan_run(&scan, (flags & MAE_SCAN_BACKWARD) != 0);
}

uint64_t tree_index_order(const struct tree_index *index, const void *key)
{
    const struct tree_shape *const shape = &index->shape;
    unsigned char first[sizeof(uint64_t)] = {0};
    uint64_t order = 0;
    if (shape->numbers || shape->variable)
        return tree_key_make(shape, key, 0).number;
    memcpy(first, key, shape->key_bytes < sizeof first ? shape->key_bytes : sizeof first);
    for (size_t i = 0; i < sizeof first; i++)
        order = order << 8 | first[i];
    return order;
}

/* ---- In parts. ---- */

struct walk {
    const struct tree_shape *shape;
    struct tree_position *position;
    mae_entry_fn visit;
    void *arg;
    bool found;
};

static bool walk_entry(void *arg, const void *key, uint64_t row)
{
    struct walk *walk = arg;
    struct tree_position *position = walk->position;
    const size_t size = tree_key_size(walk->shape, key);
    bool same = position->begun && memcmp(position->key, key, size) == 0;
    if (same && (!walk->shape->non_unique || row == position->row))
        return true; /* the last one of the part before */
    walk->found = true;
    position->begun = true;
    memcpy(position->key, key, size);
    position->row = row;
    return walk->visit(walk->arg, key, row);
}

enum mae_status tree_index_walk(struct mae_txn *txn, const struct tree_index *index, struct tree_position *position,
                                mae_entry_fn visit, void *arg)
{
    const struct tree_position from = *position; /* a key is a view of its bytes */
    struct walk walk = {.shape = &index->shape, .position = position, .visit = visit, .arg = arg};
    struct scan scan = {.txn = txn, .index = index, .limit = UINT64_MAX, .visit = walk_entry, .arg = &walk};
    struct tree_key key;
    if (from.begun) {
        key = tree_key_make(&index->shape, from.key, from.row);
        scan.lo = &key;
    }
    const enum mae_status status = scan_run(&scan, false);
    return status == MAE_OK && !walk.found ? MAE_NOT_FOUND : status;
}
