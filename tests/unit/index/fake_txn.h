/*
 * fake_txn.h - the row operations of engine/txn/txn.h over one table, for one thread, with the ordered index on top.
 *
 * Includes the index's sources under other names, so that a test drives the index alone and can make the row operations
 * do what the engine does rarely:
 *   - `skew`: each peek sees the state of a random moment, up to so many commits ago, as happens when other
 *     transactions commit between two peeks. Reads and updates always see the present state, as validation enforces.
 *   - `fail_at`: the n-th operation from now fails.
 * Rows of deleted nodes are reused after FAKE_HISTORY commits, when no peek can see what led to them any more.
 */
#ifndef TESTS_UNIT_INDEX_FAKE_TXN_H
#define TESTS_UNIT_INDEX_FAKE_TXN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define txn_peek fake_peek
#define txn_read fake_read
#define txn_update fake_update
#define txn_overwrite fake_overwrite
#define txn_insert fake_insert
#define txn_delete fake_delete
#define txn_prefetch_row fake_prefetch_row
#define tree_shape_init fake_tree_shape_init
#define tree_heap_head fake_tree_heap_head
#define tree_heap_longest fake_tree_heap_longest
#define tree_heap_room fake_tree_heap_room
#define tree_heap_used fake_tree_heap_used
#define tree_heap_key fake_tree_heap_key
#define tree_heap_clear fake_tree_heap_clear
#define tree_heap_insert fake_tree_heap_insert
#define tree_heap_remove fake_tree_heap_remove
#define tree_heap_forget fake_tree_heap_forget
#define tree_heap_append fake_tree_heap_append
#define tree_heap_cut fake_tree_heap_cut
#define tree_heap_is_sound fake_tree_heap_is_sound
#define tree_key_size fake_tree_key_size
#define tree_key_make fake_tree_key_make
#define tree_key_compare fake_tree_key_compare
#define txn_glance fake_glance
#define txn_approach fake_approach
#define txn_prefetch_version fake_prefetch_version
#define tree_index_walk fake_tree_index_walk
#define tree_index_order fake_tree_index_order
#define tree_doom fake_tree_doom
#define txn_doom fake_doom
#define tree_node_clear fake_tree_node_clear
#define tree_node_capacity fake_tree_node_capacity
#define tree_node_key fake_tree_node_key
#define tree_node_prefetch_keys fake_tree_node_prefetch_keys
#define tree_node_low fake_tree_node_low
#define tree_node_high fake_tree_node_high
#define tree_node_value fake_tree_node_value
#define tree_node_set_low fake_tree_node_set_low
#define tree_node_set_high fake_tree_node_set_high
#define tree_node_below_low fake_tree_node_below_low
#define tree_node_beyond_high fake_tree_node_beyond_high
#define tree_node_covers fake_tree_node_covers
#define tree_node_lower_bound fake_tree_node_lower_bound
#define tree_node_upper_bound fake_tree_node_upper_bound
#define tree_node_child fake_tree_node_child
#define tree_node_equals fake_tree_node_equals
#define tree_node_insert fake_tree_node_insert
#define tree_node_remove fake_tree_node_remove
#define tree_node_append fake_tree_node_append
#define tree_node_truncate fake_tree_node_truncate
#define tree_node_has_room fake_tree_node_has_room
#define tree_node_has_spare fake_tree_node_has_spare
#define tree_node_is_small fake_tree_node_is_small
#define tree_node_fit fake_tree_node_fit
#define tree_target_covered fake_tree_target_covered
#define tree_walk fake_tree_walk
#define tree_read_node fake_tree_read_node
#define tree_add fake_tree_add
#define tree_shrink fake_tree_shrink
#define tree_index_node_bytes fake_tree_index_node_bytes
#define tree_index_init fake_tree_index_init
#define tree_index_create_root fake_tree_index_create_root
#define tree_index_find fake_tree_index_find
#define tree_index_insert fake_tree_index_insert
#define tree_index_remove fake_tree_index_remove
#define tree_index_scan fake_tree_index_scan
#define tree_index_prefetch fake_tree_index_prefetch
#define tree_index_verify fake_tree_index_verify

/* Small nodes make deep trees of few keys. */
#ifndef TREE_CLASS_BYTES
#define TREE_CLASS_BYTES 448
#endif

#include "engine/txn/txn.h"

/* Instead of the engine's own transaction, engine/txn/worker.h. */
#define ENGINE_TXN_WORKER_H
enum { INDEX_SCRATCH_BYTES = 80 + MAE_PREFETCH_MAX * 24 };
struct mae_txn {
    struct table *table;
    uint64_t ts;  /* of the last commit that is visible */
    bool running; /* always */
    struct {
        uint64_t epoch;
    } accesses; /* always the same transaction */
    bool snapshot;
    bool plain;  /* read-write and not doomed */
    bool yields; /* never */
    enum mae_status doomed;
    bool scratch_used;
    _Alignas(16) unsigned char scratch[INDEX_SCRATCH_BYTES];
    uint64_t *writes; /* rows */
    size_t write_count;
    uint64_t reads;   /* how many txn_read and txn_update calls found a node */
    uint64_t updates; /* new versions and rows */
    uint64_t skew, random;
    uint64_t fail_at, operations;
};

#include "engine/index/tree_heap.c"
#include "engine/index/tree_node.c"
#include "engine/index/tree_walk.c"
#include "engine/index/tree_balance.c"
#include "engine/index/tree_index.c"
#include "engine/index/tree_scan.c"
#include "engine/index/tree_verify.c"

enum { FAKE_ROWS_MAX = 1 << 16, FAKE_HISTORY = 16, FAKE_WRITES_MAX = 1 << 12 };

struct fake_version {
    struct fake_version *older;
    uint64_t ts;
    size_t bytes;
    bool deleted;
    uint64_t data[];
};

struct table {
    struct fake_version *rows[FAKE_ROWS_MAX];
    struct fake_version *own[FAKE_ROWS_MAX]; /* of the running transaction */
    uint64_t row_count;
    struct {
        uint64_t row, ts;
    } freed[FAKE_ROWS_MAX];
    uint64_t freed_first, freed_last;
};

static inline uint64_t fake_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline bool fake_fails(struct mae_txn *txn)
{
    return ++txn->operations == txn->fail_at;
}

static inline struct fake_version *fake_visible(struct mae_txn *txn, struct table *table, uint64_t row, uint64_t ts)
{
    assert_true(row < table->row_count);
    struct fake_version *version = table->own[row];
    if (version == NULL) {
        version = table->rows[row];
        while (version != NULL && version->ts > ts)
            version = version->older;
    }
    (void)txn;
    return version != NULL && !version->deleted ? version : NULL;
}

enum mae_status txn_peek(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes)
{
    if (fake_fails(txn))
        return MAE_ABORT_PENDING;
    uint64_t ts = txn->ts;
    if (txn->skew > 0) {
        const uint64_t back = fake_random(&txn->random) % (txn->skew + 1);
        ts -= back < ts ? back : 0;
    }
    const struct fake_version *const version = fake_visible(txn, table, row, ts);
    if (version == NULL)
        return MAE_NOT_FOUND;
    *data = version->data;
    *bytes = version->bytes;
    return MAE_OK;
}

enum mae_status txn_read(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes)
{
    if (fake_fails(txn))
        return MAE_ABORT_PENDING;
    const struct fake_version *const version = fake_visible(txn, table, row, txn->ts);
    if (version == NULL)
        return MAE_NOT_FOUND;
    txn->reads++;
    *data = version->data;
    *bytes = version->bytes;
    return MAE_OK;
}

static inline struct fake_version *fake_own(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes)
{
    struct fake_version *const version = malloc(sizeof(*version) + bytes);
    assert_non_null(version);
    *version = (struct fake_version){.bytes = bytes};
    memset(version->data, 0xa5, bytes);
    assert_true(txn->write_count < FAKE_WRITES_MAX);
    txn->writes[txn->write_count++] = row;
    table->own[row] = version;
    txn->updates++;
    return version;
}

enum mae_status txn_update(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, const void **old,
                           void **data)
{
    if (fake_fails(txn))
        return MAE_NO_MEMORY;
    struct fake_version *const visible = fake_visible(txn, table, row, txn->ts);
    if (visible == NULL)
        return MAE_NOT_FOUND;
    assert_int_equal(bytes, 0);
    if (old != NULL)
        *old = visible->data;
    txn->reads++;
    if (visible == table->own[row]) {
        *data = visible->data;
        return MAE_OK;
    }
    struct fake_version *const version = fake_own(txn, table, row, visible->bytes);
    memcpy(version->data, visible->data, visible->bytes);
    *data = version->data;
    return MAE_OK;
}

enum mae_status txn_insert(struct mae_txn *txn, struct table *table, size_t bytes, uint64_t *row, void **data)
{
    if (fake_fails(txn))
        return MAE_NO_MEMORY;
    if (table->freed_first < table->freed_last && table->freed[table->freed_first].ts + FAKE_HISTORY < txn->ts) {
        *row = table->freed[table->freed_first++].row;
    } else {
        assert_true(table->row_count < FAKE_ROWS_MAX);
        *row = table->row_count++;
    }
    *data = fake_own(txn, table, *row, bytes)->data;
    return MAE_OK;
}

enum mae_status txn_delete(struct mae_txn *txn, struct table *table, uint64_t row)
{
    if (fake_fails(txn))
        return MAE_NO_MEMORY;
    struct fake_version *visible = fake_visible(txn, table, row, txn->ts);
    if (visible == NULL)
        return MAE_NOT_FOUND;
    if (visible != table->own[row])
        visible = fake_own(txn, table, row, visible->bytes);
    memset(visible->data, 0xdd, visible->bytes); /* no caller may look at it any more */
    visible->deleted = true;
    return MAE_OK;
}

void txn_prefetch_row(const struct table *table, uint64_t row)
{
    (void)table;
    assert_true(row < FAKE_ROWS_MAX);
}

enum mae_status txn_doom(struct mae_txn *txn, enum mae_status status)
{
    if (txn->doomed == MAE_OK)
        txn->doomed = status;
    txn->plain = false;
    return status;
}

void txn_approach(struct mae_txn *txn, const struct table *table, uint64_t row)
{
    (void)txn, (void)table, (void)row;
}

const void *txn_glance(const struct mae_txn *txn, const struct table *table, uint64_t row)
{
    assert_true(row < table->row_count);
    const struct fake_version *const version = table->rows[row];
    return version != NULL && !version->deleted && version->ts <= txn->ts ? version->data : NULL;
}

void txn_prefetch_version(const struct table *table, uint64_t row)
{
    txn_prefetch_row(table, row);
}

static inline void fake_begin(struct mae_txn *txn)
{
    txn->write_count = 0;
    txn->doomed = MAE_OK;
    txn->plain = true;
    txn->scratch_used = false;
    txn->reads = txn->updates = txn->operations = txn->fail_at = 0;
}

static inline void fake_free(struct table *table, uint64_t row, uint64_t ts)
{
    assert_true(table->freed_last < FAKE_ROWS_MAX);
    table->freed[table->freed_last].row = row;
    table->freed[table->freed_last++].ts = ts;
    if (table->freed_first > FAKE_ROWS_MAX / 2) {
        memmove(table->freed, table->freed + table->freed_first,
                (table->freed_last - table->freed_first) * sizeof(table->freed[0]));
        table->freed_last -= table->freed_first;
        table->freed_first = 0;
    }
}

static inline void fake_cut(struct fake_version *version, unsigned keep)
{
    for (; version != NULL && keep > 0; keep--)
        version = version->older;
    while (version != NULL && version->older != NULL) {
        struct fake_version *const older = version->older;
        version->older = older->older;
        free(older);
    }
}

static inline void fake_commit(struct mae_txn *txn)
{
    struct table *const table = txn->table;
    assert_int_equal(txn->doomed, MAE_OK);
    txn->ts++;
    for (size_t i = 0; i < txn->write_count; i++) {
        const uint64_t row = txn->writes[i];
        struct fake_version *const own = table->own[row];
        table->own[row] = NULL;
        own->ts = txn->ts;
        own->older = table->rows[row];
        table->rows[row] = own;
        if (own->deleted)
            fake_free(table, row, txn->ts);
        fake_cut(own, 2 * FAKE_HISTORY);
    }
    txn->write_count = 0;
}

static inline void fake_abort(struct mae_txn *txn)
{
    struct table *const table = txn->table;
    for (size_t i = 0; i < txn->write_count; i++) {
        const uint64_t row = txn->writes[i];
        free(table->own[row]);
        table->own[row] = NULL;
        if (table->rows[row] == NULL || table->rows[row]->deleted)
            fake_free(table, row, txn->ts);
    }
    txn->write_count = 0;
}

static inline struct mae_txn *fake_open(uint64_t seed)
{
    struct mae_txn *const txn = calloc(1, sizeof(*txn));
    assert_non_null(txn);
    txn->table = calloc(1, sizeof(*txn->table));
    assert_non_null(txn->table);
    txn->writes = calloc(FAKE_WRITES_MAX, sizeof(txn->writes[0]));
    assert_non_null(txn->writes);
    txn->ts = 1;
    txn->running = true;
    txn->random = seed;
    return txn;
}

static inline void fake_close(struct mae_txn *txn)
{
    for (uint64_t row = 0; row < txn->table->row_count; row++) {
        fake_cut(txn->table->rows[row], 0);
        free(txn->table->rows[row]);
        free(txn->table->own[row]);
    }
    free(txn->table);
    free(txn->writes);
    free(txn);
}

#endif
