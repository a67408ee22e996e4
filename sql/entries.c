/* entries.c - see entries.h. */
#include "sql/entries.h"

#include <assert.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/key.h"

/* ---- Chains of a HASH index. ---- */

struct chain {
    struct mae_txn *txn;
    struct mae_index *entries;
    uint64_t hash;
};

/* From where a link leads: from the hash to the first row, or from a row to one beside it. */
enum { LINK_FIRST, LINK_NEXT, LINK_BEFORE };

/* A key of the engine's index: bytes, of which it has HASH_KEY_BYTES. */
struct link {
    uint64_t hash, kind, row; /* row: 0 if it is the first link */
};
static_assert(sizeof(struct link) == HASH_KEY_BYTES, "the engine's index has such keys");

static enum mae_status link_find(const struct chain *chain, uint64_t kind, uint64_t from, uint64_t *to)
{
    const struct link link = {chain->hash, kind, from};
    return mae_index_find(chain->txn, chain->entries, &link, to);
}

static enum mae_status link_add(const struct chain *chain, uint64_t kind, uint64_t from, uint64_t to)
{
    const struct link link = {chain->hash, kind, from};
    return mae_index_insert(chain->txn, chain->entries, &link, to);
}

static enum mae_status link_remove(const struct chain *chain, uint64_t kind, uint64_t from, uint64_t to)
{
    const struct link link = {chain->hash, kind, from};
    return mae_index_remove(chain->txn, chain->entries, &link, to);
}

/* Lets the link lead to another row. */
static enum mae_status link_move(const struct chain *chain, uint64_t kind, uint64_t from, uint64_t to, uint64_t now)
{
    enum mae_status status = link_remove(chain, kind, from, to);
    return status == MAE_OK ? link_add(chain, kind, from, now) : status;
}

/* The row becomes the first one. */
static enum mae_status chain_add(const struct chain *chain, uint64_t row)
{
    uint64_t first;
    enum mae_status status = link_find(chain, LINK_FIRST, 0, &first);
    if (status == MAE_NOT_FOUND)
        return link_add(chain, LINK_FIRST, 0, row);
    if (status == MAE_OK)
        status = link_move(chain, LINK_FIRST, 0, first, row);
    if (status == MAE_OK)
        status = link_add(chain, LINK_NEXT, row, first);
    return status == MAE_OK ? link_add(chain, LINK_BEFORE, first, row) : status;
}

/* A row that may not be there. */
struct neighbour {
    bool is_there;
    uint64_t row;
};

static enum mae_status neighbour_find(const struct chain *chain, uint64_t kind, uint64_t row, struct neighbour *found)
{
    enum mae_status status = link_find(chain, kind, row, &found->row);
    found->is_there = status == MAE_OK;
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* Those beside the row that goes become neighbours. */
static enum mae_status chain_remove(const struct chain *chain, uint64_t row)
{
    struct neighbour before, next;
    enum mae_status status = neighbour_find(chain, LINK_BEFORE, row, &before);
    if (status == MAE_OK)
        status = neighbour_find(chain, LINK_NEXT, row, &next);
    if (status != MAE_OK)
        return status;
    const uint64_t kind = before.is_there ? LINK_NEXT : LINK_FIRST, from = before.is_there ? before.row : 0;
    if (!next.is_there || MUTATED(sql_chain_cut))
        status = link_remove(chain, kind, from, row);
    else
        status = link_move(chain, kind, from, row, next.row);
    if (status == MAE_OK && before.is_there)
        status = link_remove(chain, LINK_BEFORE, row, before.row);
    if (status == MAE_OK && next.is_there)
        status = link_remove(chain, LINK_NEXT, row, next.row);
    if (status != MAE_OK || !next.is_there)
        return status;
    return before.is_there ? link_move(chain, LINK_BEFORE, next.row, row, before.row)
                           : link_remove(chain, LINK_BEFORE, next.row, row);
}

/* From this row on. MAE_STOP: the visitor has ended it. Links that were read before and behind another transaction's
 * commit may make a ring: who meets the row again that it marked some steps ago, each time twice as many, goes round
 * one, and could not commit. */
static enum mae_status chain_visit(const struct chain *chain, uint64_t row, mae_entry_visitor visit, void *arg)
{
    uint64_t marked = row, steps = 0, until = 1;
    enum mae_status status = visit(arg, NULL, row);
    while (status == MAE_OK) { /* ends: the chain does, and a ring meets its mark */
        status = MUTATED(sql_chain_ends_early) ? MAE_NOT_FOUND : link_find(chain, LINK_NEXT, row, &row);
        if (status == MAE_NOT_FOUND)
            return MAE_OK;
        if (status == MAE_OK)
            status = row == marked ? MAE_ABORT_READ_CHECK : visit(arg, NULL, row);
        if (++steps == until) {
            marked = row;
            until *= 2;
        }
    }
    return status;
}

enum { CHAINS_AHEAD = MAE_PREFETCH_MAX };

/* Finds where some chains begin. What is looked up is announced, and so is what will be. */
static enum mae_status chains_begin(struct mae_txn *txn, const struct index *index, const uint64_t *hashes,
                                    size_t count, struct neighbour first[CHAINS_AHEAD])
{
    struct link links[CHAINS_AHEAD];
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < count; i++)
        links[i] = (struct link){hashes[i], LINK_FIRST, 0};
    if (count > 1)
        mae_prefetch(txn, index->entries, links, count);
    for (size_t i = 0; i < count && status == MAE_OK; i++) {
        const struct chain chain = {txn, index->entries, hashes[i]};
        status = neighbour_find(&chain, LINK_FIRST, 0, &first[i]);
        links[i] = (struct link){hashes[i], LINK_NEXT, first[i].is_there ? first[i].row : 0};
    }
    if (count > 1 && status == MAE_OK)
        mae_prefetch(txn, index->entries, links, count);
    return status;
}

enum mae_status entries_visit_hashes(struct mae_txn *txn, const struct index *index, const uint64_t *hashes,
                                     size_t count, mae_entry_visitor visit, void *arg)
{
    struct neighbour first[CHAINS_AHEAD];
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < count && status == MAE_OK; i++) {
        const size_t at = i % CHAINS_AHEAD, left = count - i;
        if (at == 0)
            status = chains_begin(txn, index, hashes + i, left < CHAINS_AHEAD ? left : CHAINS_AHEAD, first);
        if (status == MAE_OK && first[at].is_there)
            status = chain_visit(&(struct chain){txn, index->entries, hashes[i]}, first[at].row, visit, arg);
    }
    return status == MAE_STOP ? MAE_OK : status;
}

/* ---- Either kind. ---- */

/* False: rows with these values have no entry (E2). */
static bool chain_of(struct mae_txn *txn, const struct index *index, const struct value *values, struct chain *chain)
{
    *chain = (struct chain){.txn = txn, .entries = index->entries};
    return key_hash(index, values, &chain->hash);
}

enum mae_status entries_add(struct mae_txn *txn, const struct table *table, const struct index *index,
                            const struct value *values, uint64_t row)
{
    struct chain chain;
    uint8_t key[KEY_BYTES_MAX];
    if (index->hash)
        return chain_of(txn, index, values, &chain) ? chain_add(&chain, row) : MAE_OK;
    key_make(table, index, values, key);
    return mae_index_insert(txn, index->entries, key, row);
}

enum mae_status entries_remove(struct mae_txn *txn, const struct table *table, const struct index *index,
                               const struct value *values, uint64_t row)
{
    struct chain chain;
    uint8_t key[KEY_BYTES_MAX];
    if (index->hash)
        return chain_of(txn, index, values, &chain) ? chain_remove(&chain, row) : MAE_OK;
    key_make(table, index, values, key);
    return mae_index_remove(txn, index->entries, key, row);
}

static bool entry_stays(const struct table *table, const struct index *index, const struct value *old,
                        const struct value *values)
{
    if (index->hash) {
        uint64_t hashes[2];
        const bool had = key_hash(index, old, &hashes[0]), has = key_hash(index, values, &hashes[1]);
        return had == has && (!has || hashes[0] == hashes[1]);
    }
    uint8_t keys[2][KEY_BYTES_MAX];
    key_make(table, index, old, keys[0]);
    key_make(table, index, values, keys[1]);
    return memcmp(keys[0], keys[1], key_bytes(table, index)) == 0;
}

enum mae_status entries_change(struct mae_txn *txn, const struct table *table, const struct index *index,
                               const struct value *old, const struct value *values, uint64_t row)
{
    if (entry_stays(table, index, old, values))
        return MAE_OK;
    enum mae_status status = MUTATED(sql_old_entry_stays) ? MAE_OK : entries_remove(txn, table, index, old, row);
    return status == MAE_OK ? entries_add(txn, table, index, values, row) : status;
}

enum mae_status entries_visit(struct mae_txn *txn, const struct table *table, const struct index *index,
                              const struct value *values, mae_entry_visitor visit, void *arg)
{
    uint64_t hash;
    uint8_t key[KEY_BYTES_MAX];
    if (index->hash)
        return key_hash(index, values, &hash) ? entries_visit_hashes(txn, index, &hash, 1, visit, arg) : MAE_OK;
    key_make(table, index, values, key);
    return mae_index_visit(txn, index->entries, key, key, 0, visit, arg);
}
