/* variable_target.c - see variable_target.h. */
#include "tests/support/variable_target.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/db/db.h"
#include "engine/maemio.h"
#include "harness/targets/targets.h"

enum {
    NUMBER_BYTES = sizeof(uint64_t),
    BEFORE = 9, /* bytes that all keys have: their heads are equal */
    SHORTEST = BEFORE + NUMBER_BYTES,
    BEHIND_SHORT = 5,
};

/* The key underneath, in the same order. */
static struct mae_key key_of(const void *key)
{
    const unsigned char *const number = (const unsigned char *)key + VARIABLE_TARGET_BYTES - NUMBER_BYTES;
    const unsigned last = number[NUMBER_BYTES - 1];
    struct mae_key made = {.bytes = (uint8_t)(last % 3 ? SHORTEST + last % BEHIND_SHORT : VARIABLE_TARGET_BYTES)};
    memcpy(made.data + BEFORE, number, NUMBER_BYTES);
    return made;
}

static enum target_status variable_index_create(struct target *target, struct target_table *table, const char *name,
                                                const struct target_index_config *config, struct target_index **index)
{
    const struct mae_index_config same = {.kind = MAE_INDEX_ORDERED,
                                          .key_bytes = VARIABLE_TARGET_BYTES,
                                          .non_unique = config->non_unique,
                                          .variable = true};
    struct mae_table *const rows = (struct mae_table *)table;
    struct mae_index *created = NULL;
    (void)target;
    MAE_CHECK(config->kind == TARGET_INDEX_ORDERED && config->key_bytes == VARIABLE_TARGET_BYTES);
    enum mae_status status = mae_index_create(atomic_load(&rows->db), rows, name, &same, &created);
    *index = (struct target_index *)created;
    return (enum target_status)status;
}

static enum target_status variable_read(struct target_txn *txn, struct target_index *index, const void *key,
                                        const void **data, size_t *bytes)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.read(txn, index, &below, data, bytes);
}

static enum target_status variable_update(struct target_txn *txn, struct target_index *index, const void *key,
                                          size_t bytes, const void **old, void **data)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.update(txn, index, &below, bytes, old, data);
}

static enum target_status variable_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                             size_t bytes, void **data)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.overwrite(txn, index, &below, bytes, data);
}

static enum target_status variable_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                          size_t bytes, uint64_t *ref, void **data)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.insert(txn, index, &below, bytes, ref, data);
}

static enum target_status variable_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.erase(txn, index, &below);
}

static void variable_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    struct mae_key below[TARGET_PREFETCH_MAX];
    MAE_CHECK(count <= TARGET_PREFETCH_MAX);
    for (size_t i = 0; i < count; i++)
        below[i] = key_of((const char *)keys + i * VARIABLE_TARGET_BYTES);
    native_target_ops.prefetch(txn, index, below, count);
}

static enum target_status variable_find(struct target_txn *txn, struct target_index *index, const void *key,
                                        uint64_t *ref)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.find(txn, index, &below, ref);
}

static enum target_status variable_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                                uint64_t ref)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.index_insert(txn, index, &below, ref);
}

static enum target_status variable_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                                uint64_t ref)
{
    const struct mae_key below = key_of(key);
    return native_target_ops.index_remove(txn, index, &below, ref);
}

struct scan {
    target_entry_fn visit;
    void *arg;
};

static bool visit_below(void *arg, const void *key, uint64_t ref)
{
    const struct scan *scan = arg;
    const unsigned char *const below = key;
    _Alignas(uint64_t) unsigned char same[VARIABLE_TARGET_BYTES] = {0};
    memcpy(same + sizeof same - NUMBER_BYTES, below + 1 + BEFORE, NUMBER_BYTES);
    const struct mae_key again = key_of(same);
    MAE_CHECK(memcmp(&again, below, 1u + below[0]) == 0); /* the index gives keys out as they came */
    return scan->visit(scan->arg, same, ref);
}

static enum target_status variable_scan(struct target_txn *txn, struct target_index *index, const void *lo,
                                        const void *hi, unsigned flags, uint64_t limit, target_entry_fn visit,
                                        void *arg)
{
    struct scan scan = {visit, arg};
    struct mae_key low, high;
    if (lo)
        low = key_of(lo);
    if (hi)
        high = key_of(hi);
    return native_target_ops.scan(txn, index, lo ? &low : NULL, hi ? &high : NULL, flags, limit, visit_below, &scan);
}

const struct target_ops *variable_target_ops(void)
{
    static struct target_ops ops;
    ops = native_target_ops;
    ops.index_create = variable_index_create;
    ops.read = variable_read;
    ops.update = variable_update;
    ops.overwrite = variable_overwrite;
    ops.insert = variable_insert;
    ops.erase = variable_erase;
    ops.prefetch = variable_prefetch;
    ops.find = variable_find;
    ops.index_insert = variable_index_insert;
    ops.index_remove = variable_index_remove;
    ops.scan = variable_scan;
    return &ops;
}
