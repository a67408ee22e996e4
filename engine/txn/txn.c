/* txn.c - the read phase; see txn.h. Reads copy nothing; writes go to versions that stay private until commit. */
#include "engine/txn/txn.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/store/delta.h"
#include "engine/txn/restamp.h"
#include "engine/txn/visible.h"

enum mae_status txn_doom(struct mae_txn *txn, enum mae_status status)
{
    MAE_DCHECK(status != MAE_OK);
    if (txn->doomed == MAE_OK)
        txn->doomed = status;
    txn->plain = txn->direct = false;
    return status;
}

/* Whether the transaction has been open for longer than the option txn_max_ms allows. The fast paths do not ask: the
 * commit notices in any case. */
static ALWAYS_INLINE bool is_too_old(const struct mae_txn *txn)
{
    const struct horizon_slot *slot = txn->worker->slot;
    return UNLIKELY(atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_ACTIVE) && horizon_is_doomed(slot);
}

/* ---- New versions. ---- */

/*
 * A private version for `bytes` of payload: the row's inline slot if it is free (best effort, section 3.3), else one
 * from the pool. Commit completes its header. NULL when out of memory.
 */
static ALWAYS_INLINE struct version *version_create(struct mae_txn *txn, struct table *table, char *row, size_t bytes,
                                                    version_handle *handle)
{
    struct mae_worker *worker = txn->worker;
    struct version *version = row_inline_version(row);
    uint8_t unused = VERSION_UNUSED;
    RACE(CLAIM_INLINE);
    if (bytes <= table->inline_bytes && table->inline_bytes &&
        atomic_load_explicit(&version->status, memory_order_relaxed) == VERSION_UNUSED &&
        /* ORD-5: acquire pairs with the collector's release. */
        (MUTATED(promote_without_claim) ||
         atomic_compare_exchange_strong_explicit(&version->status, &unused, VERSION_PENDING, memory_order_acquire,
                                                 memory_order_relaxed))) {
        *handle = HANDLE_INLINE;
    } else {
        version = pool_alloc(&worker->pool, bytes, handle);
        if (UNLIKELY(!version) && txn->frees)
            version = pool_alloc_reserved(&worker->pool, bytes, handle);
        if (UNLIKELY(!version))
            return NULL;
    }
    version->payload_bytes = (uint16_t)bytes;
    return version;
}

static ALWAYS_INLINE void payload_fill(struct version *fresh, const struct version *old)
{
    size_t bytes = fresh->payload_bytes, old_bytes = old->payload_bytes;
    memcpy(fresh->payload, old->payload, bytes < old_bytes ? bytes : old_bytes);
    if (bytes > old_bytes)
        memset(fresh->payload + old_bytes, 0, bytes - old_bytes);
}

/* Gives the access a new version, which makes it a write. */
static ALWAYS_INLINE enum mae_status access_write(struct mae_txn *txn, struct access *access, size_t bytes,
                                                  uint32_t flags)
{
    MAE_DCHECK(!txn->snapshot && (bytes <= access->table->payload_max_bytes || flags & ACCESS_DELTA));
    MAE_DCHECK(!(access->flags & ACCESS_WRITE));
    struct version *fresh = version_create(txn, access->table, access->row, bytes, &access->fresh_handle);
    if (UNLIKELY(!fresh))
        return txn_doom(txn, gc_refused(txn->worker));
    struct access_set *set = &txn->accesses;
    access->fresh = fresh;
    access->flags |= ACCESS_WRITE | flags;
    set->changes = true;
    set->node_write_count += access->table->is_node;
    txn->direct &= !access->table->is_node;
    return MAE_OK;
}

/* Changes the size of a written row's new version. A larger one may have to move. */
static enum mae_status access_resize(struct mae_txn *txn, struct access *access, size_t bytes)
{
    MAE_DCHECK(access->flags & ACCESS_WRITE && !(access->flags & ACCESS_INSTALLED));
    struct version *old = access->fresh;
    version_handle old_handle = access->fresh_handle;
    struct table *table = access->table;
    size_t capacity = old_handle == HANDLE_INLINE
                          ? table->inline_bytes
                          : class_bytes(table->unit_shift, atomic_load_explicit(&old->tag, memory_order_relaxed)) -
                                VERSION_HEADER_BYTES;
    if (bytes <= capacity) {
        if (bytes > old->payload_bytes)
            memset(old->payload + old->payload_bytes, 0, bytes - old->payload_bytes);
        old->payload_bytes = (uint16_t)bytes;
        return MAE_OK;
    }
    struct version *fresh = version_create(txn, table, access->row, bytes, &access->fresh_handle);
    if (!fresh) {
        access->fresh_handle = old_handle;
        return txn_doom(txn, gc_refused(txn->worker));
    }
    payload_fill(fresh, old);
    access->fresh = fresh;
    undo_version(txn->worker, access->row, old_handle, old);
    return MAE_OK;
}

/* ---- Operations that are noted (store/delta.h). ---- */

/* The version read has its value afterwards, and is committed. It may be a DELTA only if a write that did not need its
 * value was taken back, or has become an update. */
static ALWAYS_INLINE void read_resolve(struct mae_txn *txn, const struct access *access)
{
    if (LIKELY(!version_status_is_unresolved(version_status(access->read))))
        return;
    horizon_walk_begin(txn->worker->slot);
    version_resolve(txn->worker, access->table, access->row, access->read);
    horizon_walk_end(txn->worker->slot);
}

/* ---- Finding versions. ---- */

/* For reads of one row after the other: they look now and then only. */
static ALWAYS_INLINE bool has_become_too_old(const struct mae_txn *txn)
{
    enum { READS_BETWEEN = 32 };
    return UNLIKELY(txn->accesses.count % READS_BETWEEN == 0) && is_too_old(txn);
}

static ALWAYS_INLINE enum mae_status check_writable(struct mae_txn *txn, const struct table *table, size_t bytes)
{
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    if (UNLIKELY(bytes > table->payload_max_bytes))
        return txn->doomed == MAE_OK ? MAE_TOO_LARGE : txn->doomed; /* one that is over refuses everything alike */
    if (is_too_old(txn))
        (void)txn_doom(txn, MAE_ABORT_OLD);
    return txn->doomed;
}

static ALWAYS_INLINE enum mae_status give(struct version *version, const void **data, size_t *bytes)
{
    *data = version->payload;
    if (bytes)
        *bytes = version->payload_bytes;
    return MAE_OK;
}

static enum mae_status fold(struct mae_txn *txn, struct access *access);

/* Reads a row that the transaction has accessed before. */
static ALWAYS_INLINE enum mae_status access_reread(struct mae_txn *txn, struct access *access, const void **data,
                                                   size_t *bytes)
{
    if (UNLIKELY(access->flags & ACCESS_DELTA)) {
        enum mae_status status = fold(txn, access);
        if (status != MAE_OK)
            return status;
    }
    /* A later update may still change a copy in place, so a read of a copied row gives the version that was read. */
    if (((access->flags & (ACCESS_WRITE | ACCESS_COPY)) == ACCESS_WRITE &&
         !(MUTATED(own_write_unseen) && access->read)) ||
        access->flags & ACCESS_DELETE)
        return access->flags & ACCESS_DELETE ? MAE_NOT_FOUND : give(access->fresh, data, bytes);
    if (version_status(access->read) == VERSION_DELETED)
        return MAE_NOT_FOUND;
    read_resolve(txn, access);
    return give(access->read, data, bytes);
}

/* The row has a pending version, and the option says not to wait for it. */
static COLD enum mae_status abort_pending(struct mae_txn *txn, char *row)
{
    txn->worker->elder.stopper = row; /* E1 */
    return txn_doom(txn, MAE_ABORT_PENDING);
}

/* The row's entry with the version that the transaction has found; NULL with *status when there is none. */
static ALWAYS_INLINE struct access *access_found(struct mae_txn *txn, struct table *table, char *row, uint64_t slot,
                                                 const struct visible *found, enum mae_status *status)
{
    if (UNLIKELY(!found->version)) {
        *status = found->pending_abort ? abort_pending(txn, row) : MAE_NOT_FOUND;
        return NULL;
    }
    struct access *access = access_set_add(&txn->accesses, table, row, slot);
    if (UNLIKELY(!access)) {
        *status = txn_doom(txn, MAE_NO_MEMORY);
        return NULL;
    }
    access->read = found->version;
    access->read_handle = found->handle;
    access->flags = ACCESS_READ | (found->is_head ? ACCESS_READ_HEAD : 0);
    return access;
}

/* The row's entry with the version the transaction reads; NULL with *status when there is none. */
static ALWAYS_INLINE struct access *access_read(struct mae_txn *txn, struct table *table, char *row, uint64_t slot,
                                                struct visible *found, enum mae_status *status)
{
    *found = visible_find(txn->worker, table, row, txn->ts);
    return access_found(txn, table, row, slot, found, status);
}

static ALWAYS_INLINE bool read_is_plain(const struct access *access)
{
    return LIKELY(version_status(access->read) == VERSION_COMMITTED);
}

/* For an access whose `read` is MOVED or a tombstone: whether the row exists. */
static COLD bool row_is_there(struct mae_txn *txn, struct access *access)
{
    MAE_DCHECK(version_status(access->read) == VERSION_DELETED || version_status(access->read) == VERSION_MOVED);
    if (version_status(access->read) == VERSION_DELETED)
        return false;
    access->flags |= MUTATED(moved_forgotten) ? 0 : ACCESS_MOVED;
    txn->met_moved = true;
    return true;
}

static ALWAYS_INLINE enum mae_status give_found(struct mae_txn *txn, char *row, struct visible found, const void **data,
                                                size_t *bytes)
{
    if (UNLIKELY(!found.version))
        return found.pending_abort ? abort_pending(txn, row) : MAE_NOT_FOUND;
    if (UNLIKELY(version_status(found.version) == VERSION_DELETED))
        return MAE_NOT_FOUND;
    return give(found.version, data, bytes);
}

/*
 * A snapshot validates nothing. So it takes what it finds without a walk only if it has not been overtaken before.
 * ORD-9, the owner's half: the snapshot loads the version, then the state. The leader stores the state and runs a
 * barrier on every CPU before any memory is given back that the snapshot may have been looking at.
 */
static ALWAYS_INLINE enum mae_status peek_snapshot(struct mae_txn *txn, struct table *table, char *row,
                                                   const void **data, size_t *bytes)
{
    MAE_DCHECK(txn->snapshot && txn->worker->slot != NULL);
    struct visible found = visible_newest(table, row, txn->ts);
    atomic_signal_fence(memory_order_seq_cst);
    bool overtaken = UNLIKELY(atomic_load_explicit(&txn->worker->slot->state, memory_order_relaxed) != SLOT_ACTIVE);
    if (LIKELY(found.version != NULL) && (LIKELY(!overtaken) || MUTATED(snapshot_unprotected)))
        return give_found(txn, row, found, data, bytes);
    if (overtaken && horizon_is_doomed(txn->worker->slot))
        return txn_doom(txn, MAE_ABORT_OLD);
    return give_found(txn, row, visible_walk(txn->worker, table, row, txn->ts), data, bytes);
}

enum mae_status txn_peek(struct mae_txn *txn, struct table *table, uint64_t row_id, const void **data, size_t *bytes)
{
    char *row = table_row(table, row_id);
    uint64_t slot;
    if (UNLIKELY(txn->snapshot))
        return peek_snapshot(txn, table, row, data, bytes);
    /* Only own writes matter here, and usually the transaction has written no index node. */
    if (UNLIKELY(!table->is_node) || UNLIKELY(txn->accesses.node_write_count)) {
        struct access *access = access_set_find(&txn->accesses, row, &slot);
        if (access)
            return access_reread(txn, access, data, bytes);
    }
    return give_found(txn, row, visible_find(txn->worker, table, row, txn->ts), data, bytes);
}

/*
 * Promotion: a read of an old version outside the row, while the inline slot is free, becomes an update that copies it
 * inside. Promotion is optional: the read skips it wherever it could abort the transaction.
 */
static bool may_promote(const struct mae_txn *txn, const struct table *table, char *row, struct version *read)
{
    return read->payload_bytes <= table->inline_bytes &&
           atomic_load_explicit(&row_inline_version(row)->status, memory_order_relaxed) == VERSION_UNUSED &&
           version_wts(read) < atomic_load_explicit(&txn->worker->core->horizon.min_rts, memory_order_relaxed) &&
           atomic_load_explicit(&read->rts, memory_order_relaxed) <= txn->ts;
}

static NOINLINE void promote(struct mae_txn *txn, struct access *access)
{
    MAE_DCHECK(access->flags & ACCESS_READ && !(access->flags & ACCESS_WRITE));
    struct version *read = access->read;
    if (!(access->flags & ACCESS_READ_HEAD) || !may_promote(txn, access->table, access->row, read))
        return;
    if (access_write(txn, access, read->payload_bytes, ACCESS_COPY) != MAE_OK) {
        txn->doomed = MAE_OK; /* no memory for a version: the access stays a read */
        txn->plain = true;    /* `direct` stays false, which costs only speed */
        return;
    }
    payload_fill(access->fresh, read);
    COUNT(txn->worker, promotions);
}

void txn_promote(struct mae_txn *txn, struct table *table, uint64_t row_id)
{
    char *row = table_row(table, row_id);
    uint64_t slot;
    if (!txn->plain || !table->inline_bytes || !PROTOCOL(txn->worker, promote) ||
        access_set_find(&txn->accesses, row, &slot))
        return;
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    if (handle == HANDLE_INLINE || handle == HANDLE_NONE)
        return;
    struct version *version = row_version(table, row, handle);
    if (version_status(version) != VERSION_COMMITTED || !may_promote(txn, table, row, version))
        return;
    struct visible found;
    enum mae_status status;
    struct access *access = access_read(txn, table, row, slot, &found, &status);
    if (access)
        promote(txn, access);
}

/* The read of a snapshot, or of a transaction that is doomed or over. */
static NOINLINE enum mae_status read_specially(struct mae_txn *txn, struct table *table, uint64_t row_id,
                                               const void **data, size_t *bytes)
{
    return txn->snapshot ? txn_peek(txn, table, row_id, data, bytes) : txn->doomed;
}

static NOINLINE enum mae_status read_again(struct mae_txn *txn, struct access *access, const void **data, size_t *bytes)
{
    MAE_DCHECK(access->read != NULL || access->flags & ACCESS_WRITE);
    return is_too_old(txn) ? txn_doom(txn, MAE_ABORT_OLD) : access_reread(txn, access, data, bytes);
}

enum mae_status txn_read(struct mae_txn *txn, struct table *table, uint64_t row_id, const void **data, size_t *bytes)
{
    if (UNLIKELY(!txn->plain))
        return read_specially(txn, table, row_id, data, bytes);
    if (has_become_too_old(txn))
        return txn_doom(txn, MAE_ABORT_OLD);
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    if (UNLIKELY(access != NULL))
        return read_again(txn, access, data, bytes);
    struct visible found;
    enum mae_status status = MAE_OK;
    access = access_read(txn, table, row, slot, &found, &status);
    if (UNLIKELY(!access))
        return status;
    if (UNLIKELY(!read_is_plain(access)) && !row_is_there(txn, access))
        return MAE_NOT_FOUND;
    if (UNLIKELY(table->inline_bytes && access->read_handle != HANDLE_INLINE && PROTOCOL(txn->worker, promote)))
        promote(txn, access);
    return give(access->read, data, bytes);
}

/* Section 3.6: why the transaction, which is to write the row of `access`, could not commit any more, or MAE_OK. */
static ALWAYS_INLINE enum mae_status conflict(const struct mae_txn *txn, const struct access *access,
                                              const struct visible *found)
{
    if (UNLIKELY(found->newer_exists) && PROTOCOL(txn->worker, early_abort_newer))
        return MAE_ABORT_NEWER;
    /* The elder's commit moves behind all readers. */
    if (UNLIKELY(atomic_load_explicit(&access->read->rts, memory_order_relaxed) > txn->ts) && !txn->worker->elder.holds)
        return MAE_ABORT_RTS;
    return MAE_OK;
}

/* For an access whose version the body has not seen: goes on with the version that is visible now. */
static enum mae_status read_anew(struct mae_txn *txn, struct access *access, struct visible *found)
{
    *found = visible_find(txn->worker, access->table, access->row, txn->ts);
    if (!found->version)
        return MAE_ABORT_PENDING;
    access->read = found->version;
    access->read_handle = found->handle;
    access->flags = ACCESS_READ | (found->is_head ? ACCESS_READ_HEAD : 0);
    return read_is_plain(access) || row_is_there(txn, access) ? MAE_OK : MAE_NOT_FOUND;
}

/* Moves the transaction behind the others that it has a conflict with. `unread`: this call has added the access.
 * MAE_OK, MAE_NOT_FOUND or, if it stays in conflict, why it must abort. */
static enum mae_status move_behind(struct mae_txn *txn, struct access *access, bool unread, enum mae_status status)
{
    enum { MOVES_MAX = 4 }; /* the version visible from there may have later readers; others may commit meanwhile */
    struct visible found = {.version = access->read};
    for (int i = 0; i < MOVES_MAX && mae_status_is_retryable(status); i++) {
        if (!restamp_behind(txn, access, unread))
            break;
        status = unread ? read_anew(txn, access, &found) : MAE_OK;
        if (status == MAE_OK)
            status = conflict(txn, access, &found);
    }
    return status;
}

static COLD enum mae_status settle_conflict(struct mae_txn *txn, struct access *access, bool unread,
                                            enum mae_status status)
{
    if (txn->worker->protocol.restamp == RESTAMP_EXTEND)
        status = move_behind(txn, access, unread, status);
    return status == MAE_OK || status == MAE_NOT_FOUND ? status : txn_doom(txn, status);
}

/* The early aborts of section 3.6. MAE_OK; MAE_NOT_FOUND, if the transaction has moved (restamp.h) behind one that has
 * deleted the row; or the status that it is doomed with. */
static ALWAYS_INLINE enum mae_status early_abort(struct mae_txn *txn, struct access *access,
                                                 const struct visible *found, bool unread)
{
    enum mae_status status = conflict(txn, access, found);
    return LIKELY(status == MAE_OK) ? MAE_OK : settle_conflict(txn, access, unread, status);
}

/* Whether a row has been written since the transaction has read it: as visible_find, but usually without a search. */
static ALWAYS_INLINE struct visible look_again(struct mae_txn *txn, struct access *access)
{
    struct visible found = {.newer_exists = !(access->flags & ACCESS_READ_HEAD) ||
                                            atomic_load_explicit(row_head(access->table, access->row),
                                                                 memory_order_relaxed) != access->read_handle};
    if (found.newer_exists) { /* search, since neither aborted versions nor a settled copy of this one count */
        found = visible_find(txn->worker, access->table, access->row, txn->ts);
        (void)follow_settled(access, found.version);
    }
    return found;
}

/* Before an entry of the access set changes that may be older than the newest savepoint (U3). */
static ALWAYS_INLINE enum mae_status record(struct mae_txn *txn, struct access *access)
{
    return LIKELY(!txn_has_savepoints(txn)) || undo_record(txn, access) ? MAE_OK : txn_doom(txn, MAE_NO_MEMORY);
}

/*
 * Turns noted operations into a read-modify-write: for a transaction that needs the value before it commits. It has not
 * read the row so far, so it reads what its timestamp sees now. MAE_ABORT_NEWER: the row has been deleted since the
 * operations were noted, or has lost an entry.
 */
static NOINLINE enum mae_status fold(struct mae_txn *txn, struct access *access)
{
    enum mae_status status = record(txn, access);
    if (status != MAE_OK)
        return status;
    if (!(access->flags & ACCESS_READ)) {
        struct visible found = visible_find(txn->worker, access->table, access->row, txn->ts);
        if (found.pending_abort)
            return txn_doom(txn, MAE_ABORT_PENDING);
        if (!found.version || version_status(found.version) != VERSION_COMMITTED)
            return txn_doom(txn, MAE_ABORT_NEWER);
        access->read = found.version;
        access->read_handle = found.handle;
        access->flags &= ~(uint32_t)ACCESS_READ_HEAD;
        access->flags |= (MUTATED(delta_read_unchecked) ? 0 : ACCESS_READ) | (found.is_head ? ACCESS_READ_HEAD : 0);
        status = early_abort(txn, access, &found, false);
        if (status != MAE_OK)
            return status;
    }
    read_resolve(txn, access);
    unsigned char list[DELTA_MOST_BYTES];
    struct version *fresh = access->fresh;
    const size_t list_bytes = fresh->payload_bytes;
    MAE_DCHECK(list_bytes <= sizeof list);
    memcpy(list, fresh->payload, list_bytes);
    fresh->payload_bytes = access->read->payload_bytes;
    payload_fill(fresh, access->read);
    fresh->payload_bytes = (uint16_t)delta_compute(list, list_bytes, fresh->payload, fresh->payload_bytes,
                                                   access->table->payload_max_bytes);
    access->flags &= ~(uint32_t)ACCESS_DELTA;
    return MAE_OK;
}

/* Writes a row that the transaction has accessed before. With 0 bytes a blind write is empty; an update keeps the
 * size. */
static NOINLINE enum mae_status update_again(struct mae_txn *txn, struct access *access, size_t bytes, bool blind,
                                             const void **old, void **data)
{
    enum mae_status status;
    bool sized = bytes || (blind && !MUTATED(empty_write_keeps_size));
    if (access->flags & ACCESS_DELETE)
        return MAE_NOT_FOUND;
    status = UNLIKELY(access->flags & ACCESS_DELTA) ? fold(txn, access) : record(txn, access);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (access->flags & ACCESS_WRITE) {
        if (sized && bytes != access->fresh->payload_bytes) {
            status = access_resize(txn, access, bytes);
            if (status != MAE_OK)
                return status;
        }
        if (old)
            *old = access->flags & ACCESS_COPY ? access->read->payload : access->fresh->payload;
        access->flags &= ~(uint32_t)ACCESS_COPY;
    } else {
        if (version_status(access->read) == VERSION_DELETED)
            return MAE_NOT_FOUND;
        read_resolve(txn, access);
        struct visible found = look_again(txn, access);
        status = early_abort(txn, access, &found, false);
        if (status == MAE_OK)
            status = access_write(txn, access, sized ? bytes : access->read->payload_bytes, 0);
        if (status != MAE_OK)
            return status;
        payload_fill(access->fresh, access->read);
        if (old)
            *old = access->read->payload;
    }
    *data = access->fresh->payload;
    return MAE_OK;
}

enum mae_status txn_update(struct mae_txn *txn, struct table *table, uint64_t row_id, size_t bytes, const void **old,
                           void **data)
{
    enum mae_status status = check_writable(txn, table, bytes);
    if (UNLIKELY(status != MAE_OK))
        return status;
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    if (UNLIKELY(access != NULL))
        return update_again(txn, access, bytes, false, old, data);
    struct visible found;
    access = access_read(txn, table, row, slot, &found, &status);
    if (UNLIKELY(!access))
        return status;
    if (UNLIKELY(!read_is_plain(access)) && !row_is_there(txn, access))
        return MAE_NOT_FOUND;
    status = early_abort(txn, access, &found, true);
    if (LIKELY(status == MAE_OK))
        status = access_write(txn, access, bytes ? bytes : access->read->payload_bytes, 0);
    if (UNLIKELY(status != MAE_OK))
        return status;
    payload_fill(access->fresh, access->read);
    if (old)
        *old = access->read->payload;
    *data = access->fresh->payload;
    return MAE_OK;
}

size_t txn_payload_bytes(const void *payload)
{
    const char *version = (const char *)payload - offsetof(struct version, payload);
    return ((const struct version *)(const void *)version)->payload_bytes;
}

bool txn_own_bytes(struct mae_txn *txn, const struct table *table, uint64_t row_id, size_t *bytes)
{
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, table_row(table, row_id), &slot);
    if (!access || !(access->flags & ACCESS_WRITE) ||
        (access->flags & ACCESS_DELTA && fold(txn, access) != MAE_OK)) /* then it is doomed */
        return false;
    *bytes = access->fresh->payload_bytes;
    return true;
}

/* As visible_find, for a write that does not need the value: the version may be unresolved. */
static ALWAYS_INLINE struct visible find_unresolved(struct mae_txn *txn, struct table *table, char *row)
{
    struct visible found = visible_newest(table, row, txn->ts);
    if (LIKELY(found.version != NULL))
        return found;
    horizon_walk_begin(txn->worker->slot);
    found = visible_search(txn->worker, table, row, txn->ts);
    horizon_walk_end(txn->worker->slot);
    return found;
}

enum mae_status txn_overwrite(struct mae_txn *txn, struct table *table, uint64_t row_id, size_t bytes, void **data)
{
    enum mae_status status = check_writable(txn, table, bytes);
    if (UNLIKELY(status != MAE_OK))
        return status;
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    if (access)
        return update_again(txn, access, bytes, true, NULL, data);
    const struct visible found = find_unresolved(txn, table, row);
    access = access_found(txn, table, row, slot, &found, &status);
    if (UNLIKELY(!access))
        return status;
    if (UNLIKELY(!version_status_is_plain(version_status(access->read))) && !row_is_there(txn, access))
        return MAE_NOT_FOUND; /* the access stays a read: the caller acts on the row's absence */
    if (UNLIKELY(atomic_load_explicit(&access->read->rts, memory_order_relaxed) > txn->ts))
        status = settle_conflict(txn, access, true, MAE_ABORT_RTS);
    if (LIKELY(status == MAE_OK))
        status = access_write(txn, access, bytes, 0);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (LIKELY(!(access->flags & ACCESS_MOVED))) /* else a read-modify-write, which inherits MOVED */
        access->flags &= ~(uint32_t)ACCESS_READ; /* blind: a write by another transaction in between does no harm */
    *data = access->fresh->payload;
    return MAE_OK;
}

/* Does an operation to a row as an update. It has an entry in the access set. */
static enum mae_status apply_as_update(struct mae_txn *txn, struct access *access, const struct delta_op *op,
                                       const void *operand)
{
    void *data;
    enum mae_status status = update_again(txn, access, 0, false, NULL, &data);
    if (status != MAE_OK)
        return status;
    const size_t bytes = access->fresh->payload_bytes, most = access->table->payload_max_bytes;
    size_t after = delta_size_after(op, bytes, most);
    status = after != bytes ? access_resize(txn, access, after) : MAE_OK;
    if (status == MAE_OK)
        (void)delta_do(op, operand, access->fresh->payload, bytes, most);
    return status;
}

/* Of a row that the transaction has accessed before. */
static enum mae_status apply_again(struct mae_txn *txn, struct access *access, const struct delta_op *op,
                                   const void *operand)
{
    if (access->flags & ACCESS_DELTA) {
        enum mae_status status = record(txn, access);
        size_t bytes = access->fresh->payload_bytes;
        if (status != MAE_OK)
            return status;
        if (delta_add(access->fresh->payload, &bytes, table_delta_room(access->table), op, operand)) {
            access->fresh->payload_bytes = (uint16_t)bytes;
            return MAE_OK;
        }
    }
    return apply_as_update(txn, access, op, operand);
}

enum mae_status txn_apply(struct mae_txn *txn, struct table *table, uint64_t row_id, const struct delta_op *op,
                          const void *operand)
{
    enum mae_status status = check_writable(txn, table, 0);
    if (UNLIKELY(status != MAE_OK))
        return status;
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    if (access)
        return apply_again(txn, access, op, operand);
    const struct visible found = find_unresolved(txn, table, row);
    access = access_found(txn, table, row, slot, &found, &status);
    if (UNLIKELY(!access))
        return status;
    if (UNLIKELY(!version_status_is_plain(version_status(access->read)))) /* a MOVED one is inherited from */
        return row_is_there(txn, access) ? apply_as_update(txn, access, op, operand) : MAE_NOT_FOUND;
    if (delta_op_bytes(op) > table_delta_room(table))
        return apply_as_update(txn, access, op, operand);
    if (UNLIKELY(atomic_load_explicit(&access->read->rts, memory_order_relaxed) > txn->ts))
        status = settle_conflict(txn, access, true, MAE_ABORT_RTS);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (UNLIKELY(access->flags & ACCESS_MOVED)) /* it has moved behind who has taken an entry from the row */
        return apply_as_update(txn, access, op, operand);
    /* ORD-18: before any other thread can see the version. */
    if (UNLIKELY(!atomic_load_explicit(&table->has_deltas, memory_order_relaxed)))
        atomic_store_explicit(&table->has_deltas, true, memory_order_relaxed);
    status = access_write(txn, access, table_delta_bytes(table), ACCESS_DELTA);
    if (UNLIKELY(status != MAE_OK))
        return status;
    access->flags &= ~(uint32_t)ACCESS_READ; /* as a blind write */
    size_t bytes = 0;
    (void)delta_add(access->fresh->payload, &bytes, table_delta_room(table), op, operand);
    access->fresh->payload_bytes = (uint16_t)bytes;
    return MAE_OK;
}

/* Adds the write that creates a row which is empty so far. */
static enum mae_status create(struct mae_txn *txn, struct table *table, uint64_t row_id, size_t bytes, uint32_t flags,
                              void **data)
{
    char *row = table_row(table, row_id);
    uint64_t slot = 0;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    MAE_CHECK(!access); /* the row is empty, so the transaction cannot have touched it */
    access = access_set_add(&txn->accesses, table, row, slot);
    if (UNLIKELY(!access))
        return txn_doom(txn, MAE_NO_MEMORY);
    access->read = NULL;
    access->flags = 0; /* if there is no memory for a version, commit and abort ignore the access */
    enum mae_status status = access_write(txn, access, bytes, ACCESS_INSERT | flags);
    if (LIKELY(status == MAE_OK))
        *data = access->fresh->payload;
    return status;
}

enum mae_status txn_create(struct mae_txn *txn, struct table *table, uint64_t row_id, size_t bytes, void **data)
{
    enum mae_status status = check_writable(txn, table, bytes);
    return status == MAE_OK ? create(txn, table, row_id, bytes, ACCESS_KEEP_ID, data) : status;
}

enum mae_status txn_insert(struct mae_txn *txn, struct table *table, size_t bytes, uint64_t *row_id, void **data)
{
    enum mae_status status = check_writable(txn, table, bytes);
    if (UNLIKELY(status != MAE_OK))
        return status;
    struct row_allocator *rows = worker_rows(txn->worker, table);
    status = LIKELY(rows != NULL) ? row_alloc(table, rows, row_id) : MAE_NO_MEMORY;
    if (UNLIKELY(status != MAE_OK))
        return txn_doom(txn, status == MAE_NO_ADDRESSES ? status : gc_refused(txn->worker));
    status = create(txn, table, *row_id, bytes, 0, data);
    if (UNLIKELY(status != MAE_OK))
        row_free(table, rows, *row_id);
    return status;
}

enum mae_status txn_delete(struct mae_txn *txn, struct table *table, uint64_t row_id)
{
    /* A deletion is an update whose new version is a tombstone without payload. */
    txn->frees = true;
    enum mae_status status = check_writable(txn, table, 0);
    if (UNLIKELY(status != MAE_OK))
        return status;
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = access_set_find(&txn->accesses, row, &slot);
    if (access)
        status = record(txn, access);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (access && access->flags & ACCESS_WRITE) {
        if (access->flags & ACCESS_DELETE)
            return MAE_NOT_FOUND;
        access->fresh->payload_bytes = 0;
        access->flags = (access->flags & ~(uint32_t)(ACCESS_MOVED | ACCESS_DELTA)) | ACCESS_DELETE;
        return MAE_OK;
    }
    struct visible found;
    const bool unread = !access;
    if (access) {
        found = look_again(txn, access);
    } else {
        access = access_read(txn, table, row, slot, &found, &status);
        if (UNLIKELY(!access))
            return status;
    }
    if (UNLIKELY(version_status(access->read) == VERSION_DELETED))
        return MAE_NOT_FOUND;
    status = early_abort(txn, access, &found, unread);
    if (LIKELY(status == MAE_OK)) {
        access->flags &= ~(uint32_t)(ACCESS_MOVED | ACCESS_TOUCH);
        status = access_write(txn, access, 0, ACCESS_DELETE);
    }
    return status;
}

enum mae_status txn_touch(struct mae_txn *txn, struct table *table, uint64_t row_id, struct access **touched)
{
    enum mae_status status = check_writable(txn, table, 0);
    if (UNLIKELY(status != MAE_OK))
        return status;
    char *row = table_row(table, row_id);
    uint64_t slot;
    struct access *access = *touched = access_set_find(&txn->accesses, row, &slot);
    if (LIKELY(access != NULL)) /* what the caller then notes is recorded, too */
        status = UNLIKELY(access->flags & ACCESS_DELTA) ? fold(txn, access) : record(txn, access);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (LIKELY(access != NULL) && access->flags & (ACCESS_WRITE | ACCESS_TOUCH))
        return MAE_OK;
    struct visible found;
    const bool unread = !access;
    if (access) {
        found = look_again(txn, access);
    } else {
        access = *touched = access_read(txn, table, row, slot, &found, &status);
        if (UNLIKELY(!access))
            return status;
    }
    if (UNLIKELY(!read_is_plain(access)) && !row_is_there(txn, access))
        return MAE_NOT_FOUND;
    status = early_abort(txn, access, &found, unread);
    if (LIKELY(status == MAE_OK)) {
        access->flags |= ACCESS_TOUCH;
        txn->accesses.changes = true;
    }
    return status;
}

enum mae_status txn_write_touched(struct mae_txn *txn)
{
    struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < set->count; i++) {
        struct access *access = &set->entries[i];
        if (!(access->flags & ACCESS_TOUCH))
            continue;
        access->flags &= ~(uint32_t)ACCESS_TOUCH;
        if (access->flags & ACCESS_WRITE)
            continue;
        read_resolve(txn, access);
        enum mae_status status = access_write(txn, access, access->read->payload_bytes, 0);
        if (status != MAE_OK)
            return status;
        payload_fill(access->fresh, access->read);
    }
    return MAE_OK;
}

enum mae_status txn_materialise(struct mae_txn *txn, struct table *table, uint64_t row_id, size_t bytes)
{
    struct mae_worker *worker = txn->worker;
    char *row = table_row(table, row_id);
    version_handle handle, none = HANDLE_NONE;
    /* From the pool, so that the inline slot is free for the first real version. */
    struct version *version = pool_alloc(&worker->pool, bytes, &handle);
    if (!version)
        return txn_doom(txn, gc_refused(txn->worker));
    version->payload_bytes = (uint16_t)bytes;
    atomic_store_explicit(&version->wts, 0, memory_order_relaxed);
    atomic_store_explicit(&version->rts, 0, memory_order_relaxed);
    atomic_store_explicit(&version->older, HANDLE_NONE, memory_order_relaxed);
    memset(version->payload, 0, bytes);
    atomic_store_explicit(&version->status, VERSION_COMMITTED, memory_order_relaxed);
    RACE(MATERIALISE);
    /* ORD-8. Of several workers one wins. All bring equal versions, so it does not matter which. */
    if (atomic_compare_exchange_strong_explicit(row_head(table, row), &none, handle, memory_order_acq_rel,
                                                memory_order_relaxed))
        COUNT(worker, pool_writes);
    else
        pool_free(&worker->pool, handle, version);
    return MAE_OK;
}

const void *txn_glance(const struct mae_txn *txn, const struct table *table, uint64_t row_id)
{
    char *row = table_row(table, row_id);
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    if (UNLIKELY(handle == HANDLE_NONE))
        return NULL;
    struct version *version = row_version(table, row, handle);
    if (version_status(version) != VERSION_COMMITTED || version_wts(version) >= txn->ts)
        return NULL;
    return version->payload;
}

/* Starts loading what a transaction reads of a row or version. If it `raises` the version's rts, it will write the
 * first line, so that is loaded for writing. The others may only be read: loading them for writing would take lines
 * from other cores. */
static inline void prefetch_lines(const char *from, size_t bytes, uint32_t lines_max, bool raises)
{
    if (raises)
        __builtin_prefetch(from, 1);
    for (uint32_t i = raises ? 1 : 0; i < lines_max && i * CACHE_LINE_BYTES < bytes; i++)
        __builtin_prefetch(from + i * CACHE_LINE_BYTES, 0);
}

static inline void prefetch_version(const struct table *table, uint64_t row_id, bool raises)
{
    enum { LINES_MAX = 4, LINES_OF_ANY_SIZE = 2 };
    if (UNLIKELY(row_id >= atomic_load_explicit(&table->next_row, memory_order_acquire)))
        return; /* an entry that is peeked at may hold any number */
    char *row = table_row(table, row_id);
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    if (LIKELY(handle == HANDLE_INLINE) || handle == HANDLE_NONE)
        return;
    /* A table whose payloads may be as large as any says nothing of their size; most are small. */
    const uint32_t lines = table->payload_max_bytes == MAE_PAYLOAD_MAX_BYTES ? LINES_OF_ANY_SIZE : LINES_MAX;
    prefetch_lines((const char *)row_version(table, row, handle), table->payload_max_bytes + VERSION_HEADER_BYTES,
                   lines, raises);
}

static inline void prefetch_row(const struct table *table, uint64_t row_id, bool raises)
{
    enum { LINES_MAX = 4 };
    prefetch_lines(table_row(table, row_id), table->stride, LINES_MAX, raises);
}

/* Nodes are mostly peeked at. */
void txn_prefetch_version(const struct table *table, uint64_t row_id)
{
    prefetch_version(table, row_id, !table->is_node);
}

void txn_prefetch_row(const struct table *table, uint64_t row_id)
{
    prefetch_row(table, row_id, !table->is_node);
}

void txn_prefetch_walk(const struct table *table, uint64_t row_id, uint64_t end)
{
    enum { AHEAD = 16 };
    if (row_id + AHEAD < end)
        prefetch_row(table, row_id + AHEAD, false);
    if (row_id + AHEAD / 2 < end)
        prefetch_version(table, row_id + AHEAD / 2, false);
}

void txn_prefetch_access(const struct mae_txn *txn, const struct table *table, uint64_t row_id)
{
    const struct access_set *set = &txn->accesses;
    __builtin_prefetch(&set->slots[access_slot(set, table_row(table, row_id))], 1);
}
