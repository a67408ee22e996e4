/* hash_overflow.c - see hash_overflow.h. */
#include "engine/index/hash_overflow.h"

#include <stdlib.h>
#include <string.h>

#include "engine/index/bulk.h"

enum { LEVELS_MAX = 64 / LINK_FANOUT_BITS };

static uint64_t seeded_hash(const struct hash_index *index, const unsigned char *key)
{
    uint64_t hash = index->seed, rest = 0;
    size_t i = 0;
    for (; i + 8 <= index->key_bytes; i += 8)
        hash = hash_mix(hash ^ hash_load_word(key + i));
    memcpy(&rest, key + i, index->key_bytes - i);
    return hash_mix((hash ^ rest) + index->seed);
}

static unsigned slot_of(const struct hash_index *index, const unsigned char *key, unsigned level)
{
    return seeded_hash(index, key) >> (level * LINK_FANOUT_BITS) & (LINK_FANOUT - 1);
}

/* A link that leads to no row has changed meanwhile, so MAE_NOT_FOUND becomes MAE_ABORT_INDEX. */
static enum mae_status linked(enum mae_status status)
{
    return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
}

enum mae_status overflow_follow(struct mae_txn *txn, const struct hash_index *index, const void *key, bool validate,
                                uint32_t *link, struct link_place *place)
{
    while (*link & LINK_DIRECTORY) { /* ends: directories form a tree */
        const void *data;
        uint64_t row = link_row(*link);
        enum mae_status status = validate && !MUTATED(skip_directory_validation)
                                     ? txn_read(txn, index->overflow, row, &data, NULL)
                                     : txn_peek(txn, index->overflow, row, &data, NULL);
        if (status != MAE_OK)
            return linked(status);
        *place =
            (struct link_place){index->overflow, row, slot_of(index, key, place->level) * LINK_BYTES, place->level + 1};
        *link = link_load(data, place->offset);
    }
    return MAE_OK;
}

/* Inserts an empty row into the overflow table. */
static enum mae_status new_row(const struct bucket_writer *writer, const struct hash_index *index, void **data,
                               uint32_t *link)
{
    uint64_t row = 0;
    enum mae_status status = writer->txn
                                 ? txn_insert(writer->txn, index->overflow, index->bucket_bytes, &row, data)
                                 : bulk_node(writer->worker, index->overflow, index->bucket_bytes, 0, &row, data);
    if (status != MAE_OK)
        return status;
    if (row >= LINK_DIRECTORY - 1)
        return writer->txn ? txn_doom(writer->txn, MAE_NO_MEMORY) : MAE_NO_MEMORY;
    memset(*data, 0, index->bucket_bytes);
    *link = (uint32_t)row + 1;
    return MAE_OK;
}

enum mae_status overflow_add(struct mae_txn *txn, const struct hash_index *index, const void *key, uint64_t row_word,
                             uint32_t *link)
{
    void *data;
    const struct bucket_writer writer = {.txn = txn};
    enum mae_status status = new_row(&writer, index, &data, link);
    if (status == MAE_OK)
        bucket_entry_set(index, data, 0, key, row_word);
    return status;
}

bool overflow_may_branch(const struct link_place *place)
{
    return place->level < LEVELS_MAX;
}

enum mae_status overflow_branch(struct mae_txn *txn, const struct hash_index *index, const struct link_place *place)
{
    struct entry_list list;
    void *data;
    entry_list_init(&list);
    enum mae_status status = linked(txn_update(txn, place->table, place->row, 0, NULL, &data));
    if (status == MAE_OK)
        status = overflow_take(txn, index, link_load(data, place->offset), &list);
    const struct bucket_writer writer = {.txn = txn};
    if (status == MAE_OK)
        status = overflow_build(&writer, index, data, place->offset, list.at, list.count, place->level);
    entry_list_fini(&list);
    return status;
}

/* ---- Entries on their way from one bucket to another. ---- */

void entry_list_init(struct entry_list *list)
{
    list->at = list->first;
    list->count = 0;
    list->capacity = ENTRY_LIST_FIRST;
}

void entry_list_fini(struct entry_list *list)
{
    if (list->at != list->first)
        free(list->at);
}

static bool grow(const struct hash_index *index, struct entry_list *list)
{
    size_t bytes = list->capacity * index->entry_bytes;
    unsigned char *at = mem_alloc(2 * bytes);
    if (!at)
        return false;
    memcpy(at, list->at, bytes);
    entry_list_fini(list);
    list->at = at;
    list->capacity *= 2;
    return true;
}

bool entry_list_put(const struct hash_index *index, struct entry_list *list, const void *key, uint64_t row_word)
{
    if (list->count == list->capacity && !grow(index, list))
        return false;
    unsigned char *entry = list->at + list->count++ * index->entry_bytes;
    memcpy(entry, key, index->key_bytes);
    bucket_store_word(entry + index->key_bytes, row_word);
    return true;
}

enum mae_status entry_list_add(struct mae_txn *txn, const struct hash_index *index, struct entry_list *list,
                               const void *bucket)
{
    for (uint32_t i = 0; i < index->bucket_entries; i++) {
        uint64_t row_word = bucket_row_word(index, bucket, i);
        if (row_word && !entry_list_put(index, list, bucket_entry(index, bucket, i), row_word))
            return txn_doom(txn, MAE_NO_MEMORY);
    }
    return MAE_OK;
}

enum mae_status overflow_take(struct mae_txn *txn, const struct hash_index *index, uint32_t link,
                              struct entry_list *list)
{
    while (link) {
        const void *data;
        uint64_t row = link_row(link);
        enum mae_status status = linked(txn_read(txn, index->overflow, row, &data, NULL));
        if (link & LINK_DIRECTORY) { /* the recursion is as deep as there are levels of directories */
            for (unsigned i = 0; i < LINK_FANOUT && status == MAE_OK; i++)
                status = overflow_take(txn, index, link_load(data, i * LINK_BYTES), list);
            link = 0;
        } else if (status == MAE_OK) {
            status = entry_list_add(txn, index, list, data);
            link = bucket_link(index, data);
        }
        if (status == MAE_OK)
            status = linked(txn_delete(txn, index->overflow, row));
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

/* Moves the entries of a directory's slot to the front and returns how many there are. */
static size_t gather(const struct hash_index *index, unsigned char *entries, size_t count, unsigned level,
                     unsigned slot)
{
    unsigned char moved[MAE_KEY_MAX_BYTES + sizeof(uint64_t)];
    size_t bytes = index->entry_bytes, gathered = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char *entry = entries + i * bytes, *to = entries + gathered * bytes;
        if (slot_of(index, entry, level) != slot)
            continue;
        memcpy(moved, entry, bytes);
        memmove(entry, to, bytes);
        memcpy(to, moved, bytes);
        gathered++;
    }
    return gathered;
}

static enum mae_status build_chain(const struct bucket_writer *writer, const struct hash_index *index, void *data,
                                   size_t offset, const unsigned char *entries, size_t count)
{
    for (size_t i = 0; i < count; i++, entries += index->entry_bytes) {
        uint32_t used = (uint32_t)(i % index->bucket_entries), link;
        if (used == 0) {
            void *fresh;
            enum mae_status status = new_row(writer, index, &fresh, &link);
            if (status != MAE_OK)
                return status;
            link_store(data, offset, link);
            data = fresh;
            offset = bucket_link_offset(index);
        }
        bucket_entry_set(index, data, used, entries, hash_load_word(entries + index->key_bytes));
    }
    return MAE_OK;
}

enum mae_status overflow_build(const struct bucket_writer *writer, const struct hash_index *index, void *data,
                               size_t offset, unsigned char *entries, size_t count, unsigned level)
{
    link_store(data, offset, 0);
    if (count <= OVERFLOW_CHAIN_MAX * index->bucket_entries || level == LEVELS_MAX)
        return build_chain(writer, index, data, offset, entries, count);
    void *directory;
    uint32_t link;
    enum mae_status status = new_row(writer, index, &directory, &link);
    if (status == MAE_OK)
        link_store(data, offset, link | LINK_DIRECTORY);
    for (unsigned slot = 0; slot < LINK_FANOUT && status == MAE_OK; slot++) {
        size_t gathered = gather(index, entries, count, level, slot);
        status = overflow_build(writer, index, directory, slot * LINK_BYTES, entries, gathered, level + 1);
        entries += gathered * index->entry_bytes;
        count -= gathered;
    }
    return status;
}

enum mae_status bucket_fill(const struct bucket_writer *writer, const struct hash_index *index, void *data,
                            unsigned depth, unsigned char *entries, size_t count)
{
    memset(data, 0, index->bucket_bytes);
    bucket_depth_set(index, data, depth);
    for (uint32_t i = 0; count > 0 && i < index->bucket_entries; i++, count--, entries += index->entry_bytes)
        bucket_entry_set(index, data, i, entries, hash_load_word(entries + index->key_bytes));
    return count ? overflow_build(writer, index, data, bucket_link_offset(index), entries, count, 0) : MAE_OK;
}

enum mae_status overflow_visit(struct mae_txn *txn, const struct hash_index *index, uint32_t link, mae_entry_fn visit,
                               void *arg, bool *stopped)
{
    while (link && !*stopped) {
        const void *data;
        bool directory = link & LINK_DIRECTORY;
        enum mae_status status = txn_peek(txn, index->overflow, link_row(link), &data, NULL);
        for (unsigned i = 0; directory && i < LINK_FANOUT && status == MAE_OK; i++)
            status = overflow_visit(txn, index, link_load(data, i * LINK_BYTES), visit, arg, stopped);
        if (status != MAE_OK)
            return status;
        for (uint32_t i = 0; !directory && i < index->bucket_entries && !*stopped; i++) {
            uint64_t row_word = bucket_row_word(index, data, i);
            *stopped = row_word && !visit(arg, bucket_entry(index, data, i), row_word - 1);
        }
        link = directory ? 0 : bucket_link(index, data);
    }
    return MAE_OK;
}
