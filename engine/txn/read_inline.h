/*
 * read_inline.h - the read that nearly all reads are: a row not yet touched, whose newest version stands in the row, is
 * committed and visible. What is different goes to txn_read.
 *
 * Inlined into the public calls because the number of instructions decides how many cache misses of successive reads
 * overlap when they are issued one by one: on 10M rows this path takes a third of txn_read's instructions.
 */
#ifndef ENGINE_TXN_READ_INLINE_H
#define ENGINE_TXN_READ_INLINE_H

#include "engine/base/race.h"
#include "engine/txn/worker.h"

/* False: nothing was done, call txn_read. */
static ALWAYS_INLINE bool txn_read_fast(struct mae_txn *txn, struct table *table, char *row, const void **data,
                                        size_t *bytes)
{
    struct access_set *set = &txn->accesses;
    struct version *version = row_inline_version(row);
    uint32_t slot = access_slot(set, row), count = set->count;
    RACE(READ_HEAD);
    if (UNLIKELY(!txn->plain) || UNLIKELY((uint32_t)(set->slots[slot] >> 32) == set->epoch) ||
        UNLIKELY(count == set->capacity) ||
        UNLIKELY(atomic_load_explicit(row_head(table, row), memory_order_acquire) != HANDLE_INLINE) ||
        UNLIKELY(atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_COMMITTED) || /* ORD-7, -8 */
        UNLIKELY(version_wts(version) >= txn->ts))
        return false;
    set->slots[slot] = (uint64_t)set->epoch << 32 | count;
    set->count = count + 1;
    struct access *access = &set->entries[count];
    access->row = row;
    access->table = table;
    access->read = version;
    access->read_handle = HANDLE_INLINE;
    access->flags = ACCESS_READ | ACCESS_READ_HEAD;
    *data = version->payload;
    if (bytes)
        *bytes = version->payload_bytes;
    return true;
}

#endif
