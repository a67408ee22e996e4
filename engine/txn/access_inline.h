/*
 * access_inline.h - the common case of reads and updates: a row that the transaction has not touched yet and whose
 * newest version is committed and visible. Every other case goes to txn_read and txn_update.
 *
 * These functions are inlined into the public calls. When operations are issued one by one, the number of instructions
 * and stores of each decides how many of their cache misses overlap (DESIGN.md, "What an operation costs").
 */
#ifndef ENGINE_TXN_ACCESS_INLINE_H
#define ENGINE_TXN_ACCESS_INLINE_H

#include <string.h>

#include "engine/base/race.h"
#include "engine/txn/worker.h"

/* Reads a row for a transaction that is plain. False: nothing was done; call txn_read. */
static ALWAYS_INLINE bool txn_read_fast(struct mae_txn *txn, struct table *table, char *row, const void **data,
                                        size_t *bytes)
{
    struct access_set *set = &txn->accesses;
    struct version *version = row_inline_version(row);
    uint64_t *slot = &set->slots[access_slot(set, row)], epoch = set->epoch;
    uint32_t count = set->count;
    RACE(READ_HEAD);
    if (UNLIKELY(*slot >= epoch) || UNLIKELY(count == set->capacity) ||
        UNLIKELY(atomic_load_explicit(row_head(table, row), memory_order_acquire) != HANDLE_INLINE) ||
        UNLIKELY(atomic_load_explicit(&version->status, memory_order_acquire) != VERSION_COMMITTED) || /* ORD-7, -8 */
        UNLIKELY(version_wts(version) >= txn->ts))
        return false;
    *slot = epoch + count;
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
 * A private version for the table's largest payload: the inline slot if the present version is outside it and the slot
 * is free, else the first version of the pool's free list. NULL if that list is empty.
 */
static ALWAYS_INLINE struct version *version_create_fast(struct mae_worker *worker, const struct table *table,
                                                         char *row, version_handle present, version_handle *handle)
{
    if (present != HANDLE_INLINE && table->inline_bytes) {
        struct version *version = row_inline_version(row);
        uint8_t unused = VERSION_UNUSED;
        RACE(CLAIM_INLINE);
        if (atomic_load_explicit(&version->status, memory_order_relaxed) == VERSION_UNUSED &&
            atomic_compare_exchange_strong_explicit(&version->status, &unused, VERSION_PENDING, memory_order_acquire,
                                                    memory_order_relaxed)) { /* ORD-5 */
            *handle = HANDLE_INLINE;
            return version;
        }
    }
    struct free_list *list = &worker->pool.own[table->size_class];
    if (UNLIKELY(list->head == HANDLE_NONE))
        return NULL;
    return pool_take(&worker->pool, list, handle);
}

/* Copies a payload without calling memcpy, since the caller would save a dozen registers on the stack for the call. */
static ALWAYS_INLINE void copy_payload(unsigned char *to, const unsigned char *from, size_t bytes)
{
    enum { STEP = 32, HALF = STEP / 2 };
    size_t i = 0;
    if (UNLIKELY(bytes < HALF)) {
        for (; i < bytes; i++)
            to[i] = from[i];
        return;
    }
    for (; i + STEP <= bytes; i += STEP)
        memcpy(to + i, from + i, STEP);
    if (i + HALF <= bytes)
        memcpy(to + i, from + i, HALF);
    memcpy(to + bytes - HALF, from + bytes - HALF, HALF);
}

/* Updates a payload that has the table's largest size and keeps that size, for a transaction that is plain. False:
 * nothing was done; call txn_update. */
static ALWAYS_INLINE bool txn_update_fast(struct mae_txn *txn, struct table *table, char *row, const void **old,
                                          void **data)
{
    struct access_set *set = &txn->accesses;
    uint64_t *slot = &set->slots[access_slot(set, row)];
    uint32_t count = set->count;
    RACE(READ_HEAD);
    if (UNLIKELY(*slot >= set->epoch) || UNLIKELY(count == set->capacity))
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
    /* Only payloads of the table's full size: so the address of the new version does not depend on this version's
     * header, and later loads need not wait for the row to arrive before the stores' addresses are known. */
    size_t bytes = table->payload_max_bytes, expected = bytes;
    FORGET(expected);
    if (UNLIKELY(version->payload_bytes != expected))
        return false;
    struct version *fresh = version_create_fast(txn->worker, table, row, head, &handle);
    if (UNLIKELY(!fresh))
        return false;
    fresh->payload_bytes = (uint16_t)bytes;
    *slot = set->epoch + count;
    set->count = count + 1;
    set->changes = true;
    struct access *access = &set->entries[count];
    access->row = row;
    access->table = table;
    access->read = version;
    access->read_handle = head;
    access->fresh = fresh;
    access->fresh_handle = handle;
    access->flags = ACCESS_READ | ACCESS_READ_HEAD | ACCESS_WRITE;
    if (old)
        *old = version->payload;
    *data = fresh->payload;
    copy_payload(fresh->payload, version->payload, bytes);
    return true;
}

#endif
