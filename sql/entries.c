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

/* A key of the engine's index: bytes, of which it has HASH_KEY_BYTES. */
struct place {
    uint64_t hash, number;
};
static_assert(sizeof(struct place) == HASH_KEY_BYTES, "the engine's index has such keys");

static enum mae_status place_find(const struct chain *chain, uint64_t number, uint64_t *row)
{
    const struct place place = {chain->hash, number};
    return mae_index_find(chain->txn, chain->entries, &place, row);
}

static enum mae_status place_take(const struct chain *chain, uint64_t number, uint64_t row)
{
    const struct place place = {chain->hash, number};
    return mae_index_insert(chain->txn, chain->entries, &place, row);
}

static enum mae_status place_free(const struct chain *chain, uint64_t number, uint64_t row)
{
    const struct place place = {chain->hash, number};
    return mae_index_remove(chain->txn, chain->entries, &place, row);
}

/* How many places are taken (E1): all below `taken` are, and that at `free` is not. */
static enum mae_status chain_length(const struct chain *chain, uint64_t *length)
{
    uint64_t taken = 0, free = UINT64_MAX, row;
    while (taken < free) { /* ends: the places in question double while all are taken, and then halve */
        const uint64_t number = free == UINT64_MAX ? 2 * taken : taken + (free - taken) / 2;
        enum mae_status status = place_find(chain, number, &row);
        if (status == MAE_OK)
            taken = number + 1;
        else if (status == MAE_NOT_FOUND)
            free = number;
        else
            return status;
    }
    *length = free;
    return MAE_OK;
}

static enum mae_status chain_add(const struct chain *chain, uint64_t row)
{
    uint64_t length;
    enum mae_status status = chain_length(chain, &length);
    return status == MAE_OK ? place_take(chain, length, row) : status;
}

/* The row's place. Looks from both ends: where all rows go, in the order in which they came or against it, the next one
 * is near an end. */
static enum mae_status chain_find(const struct chain *chain, uint64_t length, uint64_t row, uint64_t *number)
{
    for (uint64_t i = 0, there; i < length; i++) {
        *number = i % 2 ? i / 2 : length - 1 - i / 2;
        enum mae_status status = place_find(chain, *number, &there);
        if (status != MAE_OK || there == row)
            return status;
    }
    return MAE_NOT_FOUND;
}

/* The last entry takes the place of the one that goes. */
static enum mae_status chain_remove(const struct chain *chain, uint64_t row)
{
    uint64_t number, length, last;
    enum mae_status status = chain_length(chain, &length);
    if (status == MAE_OK)
        status = chain_find(chain, length, row, &number);
    if (status == MAE_OK)
        status = place_free(chain, number, row);
    if (status != MAE_OK || number + 1 == length || MUTATED(sql_chain_gap))
        return status;
    status = place_find(chain, length - 1, &last);
    if (status == MAE_OK)
        status = place_free(chain, length - 1, last);
    return status == MAE_OK ? place_take(chain, number, last) : status;
}

/* MAE_STOP: the visitor has ended it. */
static enum mae_status chain_visit(const struct chain *chain, mae_entry_visitor visit, void *arg)
{
    enum mae_status status = MAE_OK;
    for (uint64_t number = 0, row; status == MAE_OK; number++) { /* ends: the chain does */
        status = MUTATED(sql_chain_ends_early) && number > 0 ? MAE_NOT_FOUND : place_find(chain, number, &row);
        if (status == MAE_NOT_FOUND)
            return MAE_OK;
        if (status == MAE_OK)
            status = visit(arg, NULL, row);
    }
    return status;
}

/* Announces the first two places of some chains: that which a chain mostly has, and that which ends it. */
static void chains_announce(struct mae_txn *txn, const struct index *index, const uint64_t *hashes, size_t count)
{
    struct place places[MAE_PREFETCH_MAX];
    size_t announced = 0;
    for (size_t i = 0; i < count && announced < MAE_PREFETCH_MAX; i++) {
        places[announced++] = (struct place){hashes[i], 0};
        places[announced++] = (struct place){hashes[i], 1};
    }
    mae_prefetch(txn, index->entries, places, announced);
}

enum mae_status entries_visit_hashes(struct mae_txn *txn, const struct index *index, const uint64_t *hashes,
                                     size_t count, mae_entry_visitor visit, void *arg)
{
    enum { CHAINS_AHEAD = MAE_PREFETCH_MAX / 2 };
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < count && status == MAE_OK; i++) {
        if (i % CHAINS_AHEAD == 0 && count > 1)
            chains_announce(txn, index, hashes + i, count - i);
        status = chain_visit(&(struct chain){txn, index->entries, hashes[i]}, visit, arg);
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
