/* hash_bulk.c - fills the buckets of a hash index one after the other; see bulk.h. */
#include "engine/index/bulk.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/index/hash_overflow.h"
#include "engine/store/restore.h"

uint64_t hash_bulk_order(const struct hash_index *index, uint64_t i, uint64_t parts)
{
    /* The smallest hash of the part's first bucket: hash_base rounds down, this rounds up. */
    unsigned __int128 base = (unsigned __int128)index->base_count * i / parts;
    if (MUTATED(bucket_divided))
        return (uint64_t)(((unsigned __int128)i << 64) / parts);
    return (uint64_t)(((base << 64) + index->base_count - 1) / index->base_count);
}

/* The entries of the bucket that comes next. */
struct gathered {
    struct entry_list list;
    uint64_t base;
};

/* A key that has been there is in the bucket's list, with the same order: just before. */
static bool comes_again(const struct hash_index *index, const struct entry_list *list, const void *key)
{
    return list->count > 0 && bucket_key_equal(index, list->at + (list->count - 1) * index->entry_bytes, key);
}

static enum mae_status write_bucket(struct mae_worker *worker, struct hash_index *index, struct gathered *gathered)
{
    struct entry_list *list = &gathered->list;
    struct version *version =
        restore_row(index->buckets, &worker->pool, gathered->base, index->bucket_bytes, 0, VERSION_COMMITTED);
    if (!version)
        return MAE_NO_MEMORY;
    const struct bucket_writer writer = {.worker = worker};
    enum mae_status status = bucket_fill(&writer, index, version->payload, 0, list->at, list->count);
    list->count = 0;
    return status;
}

enum mae_status hash_bulk_fill(struct mae_worker *worker, struct hash_index *index, const struct bulk_source *source)
{
    struct gathered gathered = {.base = 0};
    struct entry_list *list = &gathered.list;
    enum mae_status status = MAE_OK;
    const void *key;
    uint64_t row, order = 0;
    int64_t entries = 0;
    MAE_DCHECK(hash_hint(index) == 0);
    entry_list_init(list);
    while (status == MAE_OK && source->next(source->arg, &key, &row)) {
        uint64_t last = order, base = hash_base(index, order = hash_index_order(index, key));
        if (order < last || comes_again(index, list, key)) {
            status = MAE_EXISTS;
            break;
        }
        if (list->count > 0 && base != gathered.base)
            status = write_bucket(worker, index, &gathered);
        gathered.base = base;
        if (status == MAE_OK && !entry_list_put(index, list, key, row + 1))
            status = MAE_NO_MEMORY;
        entries++;
    }
    if (status == MAE_OK && list->count > 0)
        status = write_bucket(worker, index, &gathered);
    entry_list_fini(list);
    atomic_fetch_add_explicit(&index->entries, entries, memory_order_relaxed); /* ORD-4 */
    return status;
}
