/*
 * access_inline.h - the reads and updates that nearly all are: a row not yet touched, whose newest version is committed
 * and visible. What is different goes to txn_read and txn_update.
 *
 * Inlined into the public calls because the number of instructions decides how many cache misses of successive
 * operations overlap when they are issued one by one: on 10M rows these paths take a third to a half of the general
 * ones' instructions.
 */
#ifndef ENGINE_TXN_ACCESS_INLINE_H
#define ENGINE_TXN_ACCESS_INLINE_H

#include <string.h>

#include "engine/base/race.h"
#include "engine/txn/worker.h"

/* False: nothing was done, call txn_read. */
static ALWAYS_INLINE bool txn_read_fast(struct mae_txn *txn, struct table *table, char *row, const void **data,
                                        size_t *bytes)
{
    struct access_set *set = &txn->accesses;
    struct version *version = row_inline_version(row);
    uint64_t *slot = &set->slots[access_slot(set, row)];
    uint32_t count = set->count, epoch = set->epoch;
    RACE(READ_HEAD);
    if (UNLIKELY(!txn->plain) || UNLIKELY((uint32_t)(*slot >> 32) == epoch) ||
        UNLIKELY(count == set->capacity) ||
        UNLIKELY(atomic_load_explicit(row_head(table, row), memory_order_acquire) != HANDLE_INLINE) ||
        UNLIKELY(atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_COMMITTED) || /* ORD-7, -8 */
        UNLIKELY(version_wts(version) >= txn->ts))
        return false;
    *slot = (uint64_t)epoch << 32 | count;
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

/*
 * A private version of the same size: in the row if the present one is outside and the slot is free, else the first of
 * the pool's free list. NULL if that is not so simple.
 */
static ALWAYS_INLINE struct version *version_create_fast(struct mae_worker *worker, const struct table *table,
                                                         char *row, version_handle present, size_t bytes,
                                                         version_handle *handle)
{
    if (present != HANDLE_INLINE && bytes <= table->inline_bytes) {
        struct version *version = row_inline_version(row);
        uint8_t unused = VERSION_UNUSED;
        RACE(CLAIM_INLINE);
        if (!atomic_compare_exchange_strong_explicit(&version->status, &unused, VERSION_PENDING, memory_order_acquire,
                                                     memory_order_relaxed)) /* ORD-5 */
            return NULL;
        *handle = HANDLE_INLINE;
        COUNT(worker, inlined_writes);
        return version;
    }
    struct version *version = pool_alloc_listed(&worker->pool, bytes, handle);
    if (LIKELY(version != NULL)) {
        atomic_store_explicit(&version->status, VERSION_PENDING, memory_order_relaxed);
        COUNT(worker, pool_writes);
    }
    return version;
}

/* An update that keeps the size. False: nothing was done, call txn_update. */
static ALWAYS_INLINE bool txn_update_fast(struct mae_txn *txn, struct table *table, char *row, const void **old,
                                          void **data)
{
    struct access_set *set = &txn->accesses;
    uint32_t slot = access_slot(set, row), count = set->count;
    RACE(READ_HEAD);
    if (UNLIKELY(!txn->plain) || UNLIKELY((uint32_t)(set->slots[slot] >> 32) == set->epoch) ||
        UNLIKELY(count == set->capacity))
        return false;
    version_handle head = atomic_load_explicit(row_head(table, row), memory_order_acquire), handle;
    if (UNLIKELY(head == HANDLE_NONE))
        return false;
    RACE(READ_VERSION);
    struct version *version = row_version(table, row, head);
    if (UNLIKELY(atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_COMMITTED) || /* ORD-7, -8 */
        UNLIKELY(version_wts(version) >= txn->ts) ||
        UNLIKELY(atomic_load_explicit(&version->rts, memory_order_relaxed) > txn->ts))
        return false;
    size_t bytes = version->payload_bytes;
    struct version *fresh = version_create_fast(txn->worker, table, row, head, bytes, &handle);
    if (UNLIKELY(!fresh))
        return false;
    fresh->payload_bytes = (uint16_t)bytes;
    atomic_store_explicit(&fresh->wts, txn->ts, memory_order_relaxed);
    atomic_store_explicit(&fresh->rts, txn->ts, memory_order_relaxed);
    memcpy(fresh->payload, version->payload, bytes);
    set->slots[slot] = (uint64_t)set->epoch << 32 | count;
    set->count = count + 1;
    set->writes[set->write_count++] = count;
    struct access *access = &set->entries[count];
    access->row = row;
    access->table = table;
    access->read = version;
    access->read_handle = head;
    access->fresh = fresh;
    access->fresh_handle = handle;
    access->newer = NULL;
    access->flags = ACCESS_READ | ACCESS_READ_HEAD | ACCESS_WRITE;
    if (old)
        *old = version->payload;
    *data = fresh->payload;
    return true;
}

#endif
