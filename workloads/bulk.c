/* bulk.c - see bulk.h. */
#include "workloads/bulk.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void bulk_part(uint64_t n, unsigned part, unsigned parts, uint64_t *first, uint64_t *last)
{
    *first = (uint64_t)((__uint128_t)n * part / parts);
    *last = (uint64_t)((__uint128_t)n * (part + 1) / parts);
}

static size_t draw_keys(const struct bulk *bulk, uint64_t first, uint64_t last, uint64_t keys[BULK_ROWS])
{
    size_t count = last - first < BULK_ROWS ? (size_t)(last - first) : BULK_ROWS;
    for (size_t i = 0; i < count; i++)
        keys[i] = bulk->key ? bulk->key(bulk->arg, first + i) : first + i;
    return count;
}

static enum target_status insert_rows(const struct bulk *bulk, const uint64_t *keys, size_t count)
{
    struct target_txn *txn;
    enum target_status status = bulk->ops->begin(bulk->worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    target_prefetch(bulk->ops, txn, bulk->index, keys, count);
    for (size_t i = 0; i < count; i++) {
        void *data;
        uint64_t ref;
        size_t bytes = bulk->bytes_of ? bulk->bytes_of(bulk->arg, keys[i]) : bulk->bytes;
        status = bulk->ops->insert(txn, bulk->index, &keys[i], bytes, &ref, &data);
        if (status == TARGET_OK) {
            bulk->fill(bulk->arg, keys[i], data);
            if (bulk->fill_more)
                status = bulk->fill_more(bulk->arg, txn, keys[i], ref);
        }
        if (status != TARGET_OK) {
            bulk->ops->abort(txn);
            return status;
        }
    }
    return bulk->ops->commit(txn);
}

enum target_status bulk_load(const struct bulk *bulk, uint64_t first, uint64_t last, struct workload_progress *progress,
                             const _Atomic bool *stop)
{
    uint64_t done = 0, keys[BULK_ROWS];
    atomic_store_explicit(&progress->total, last - first, memory_order_relaxed);
    while (first < last && !atomic_load_explicit(stop, memory_order_relaxed)) {
        size_t count = draw_keys(bulk, first, last, keys);
        enum target_status status;
        /* Ends if the target makes progress: other loaders insert other keys. */
        while (target_status_is_retry(status = insert_rows(bulk, keys, count)))
            target_backoff(bulk->ops, bulk->worker);
        if (status != TARGET_OK)
            return status;
        first += count;
        done += count;
        atomic_store_explicit(&progress->done, done, memory_order_relaxed);
    }
    return TARGET_OK;
}

/* Reads all rows before it visits any, so that a retry visits none twice. */
static enum target_status visit_rows(const struct bulk *bulk, const uint64_t *keys, size_t count, bool *go_on)
{
    const void *data[BULK_ROWS];
    size_t bytes[BULK_ROWS];
    struct target_txn *txn;
    enum target_status status = bulk->ops->begin(bulk->worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    target_prefetch(bulk->ops, txn, bulk->index, keys, count);
    for (size_t i = 0; i < count; i++) {
        status = bulk->ops->read(txn, bulk->index, &keys[i], &data[i], &bytes[i]);
        if (status == TARGET_NOT_FOUND) {
            data[i] = NULL;
            bytes[i] = 0;
        } else if (status != TARGET_OK) {
            bulk->ops->abort(txn);
            return status;
        }
    }
    for (size_t i = 0; i < count && *go_on; i++)
        *go_on = bulk->visit(bulk->arg, keys[i], data[i], bytes[i]);
    /* No transaction writes meanwhile, so no retry could help a failure here; the check reports it. */
    status = bulk->ops->commit(txn);
    return target_status_is_retry(status) ? TARGET_CORRUPT : status;
}

enum target_status bulk_walk(const struct bulk *bulk, uint64_t first, uint64_t last)
{
    uint64_t keys[BULK_ROWS];
    bool go_on = true;
    while (first < last && go_on) {
        size_t count = draw_keys(bulk, first, last, keys);
        enum target_status status;
        /* Ends: an abort here comes from a clock or a version of the run before, which the next attempt has passed. */
        while (target_status_is_retry(status = visit_rows(bulk, keys, count, &go_on)))
            target_backoff(bulk->ops, bulk->worker);
        if (status != TARGET_OK)
            return status;
        first += count;
    }
    return go_on ? TARGET_OK : TARGET_CORRUPT;
}

/* A piece of a scan: BULK_ROWS entries and their rows. */
struct piece {
    const struct bulk *bulk;
    struct target_txn *txn;
    enum target_status status;
    size_t count;
    uint64_t keys[BULK_ROWS];
    const void *data[BULK_ROWS];
    size_t bytes[BULK_ROWS];
};

static bool take_entry(void *arg, const void *key, uint64_t ref)
{
    struct piece *piece = arg;
    size_t i = piece->count++;
    memcpy(&piece->keys[i], key, sizeof piece->keys[i]);
    piece->status = piece->bulk->ops->row_read(piece->txn, piece->bulk->table, ref, &piece->data[i], &piece->bytes[i]);
    if (piece->status == TARGET_NOT_FOUND) { /* an entry that leads nowhere */
        piece->data[i] = NULL;
        piece->bytes[i] = 0;
        piece->status = TARGET_OK;
    }
    return piece->status == TARGET_OK;
}

/* Reads all rows before it visits any, as visit_rows. */
static enum target_status visit_piece(struct piece *piece, uint64_t first, bool *go_on)
{
    const struct bulk *bulk = piece->bulk;
    piece->count = 0;
    piece->status = TARGET_OK;
    enum target_status status = bulk->ops->begin(bulk->worker, TARGET_READ_WRITE, &piece->txn);
    if (status != TARGET_OK)
        return status;
    status = bulk->ops->scan(piece->txn, bulk->index, &first, NULL, 0, BULK_ROWS, take_entry, piece);
    if (status == TARGET_OK)
        status = piece->status;
    if (status != TARGET_OK) {
        bulk->ops->abort(piece->txn);
        return status;
    }
    for (size_t i = 0; i < piece->count && *go_on; i++)
        *go_on = bulk->visit(bulk->arg, piece->keys[i], piece->data[i], piece->bytes[i]);
    status = bulk->ops->commit(piece->txn);
    return target_status_is_retry(status) ? TARGET_CORRUPT : status;
}

enum target_status bulk_scan(const struct bulk *bulk)
{
    struct piece piece = {.bulk = bulk};
    bool go_on = true, more = true;
    for (uint64_t first = 0; more && go_on;) {
        enum target_status status;
        while (target_status_is_retry(status = visit_piece(&piece, first, &go_on))) /* ends: see bulk_walk */
            target_backoff(bulk->ops, bulk->worker);
        if (status != TARGET_OK)
            return status;
        more = piece.count == BULK_ROWS && piece.keys[BULK_ROWS - 1] < UINT64_MAX;
        first = more ? piece.keys[BULK_ROWS - 1] + 1 : first;
    }
    return go_on ? TARGET_OK : TARGET_CORRUPT;
}

enum target_status bulk_prove(bulk_pass_fn *pass, const struct target_ops *ops, struct workload *workload,
                              struct target_worker *worker, char *report, size_t report_bytes)
{
    report[0] = '\0';
    enum target_status status = pass(workload, worker, report, report_bytes);
    if (status != TARGET_CORRUPT)
        return status;
    target_idle(ops, worker);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    report[0] = '\0';
    status = pass(workload, worker, report, report_bytes);
    if (status == TARGET_CORRUPT && report[0] == '\0')
        snprintf(report, report_bytes, "a transaction of the check itself could not commit, though it only read");
    return status;
}

enum target_status bulk_settle(bulk_attempt_fn *attempt, struct workload_worker *state, const struct target_ops *ops,
                               struct target_worker *worker)
{
    enum target_status status = TARGET_NOT_FOUND;
    for (int i = 0; i < SETTLE_TRIES && status == TARGET_NOT_FOUND; i++) {
        target_backoff(ops, worker);
        status = attempt(state);
    }
    return status == TARGET_NOT_FOUND ? TARGET_CORRUPT : status;
}

void bulk_add_space(struct target_space *sum, const struct target_space *space)
{
    sum->rows += space->rows;
    sum->versions += space->versions;
    sum->inlined_versions += space->inlined_versions;
    sum->unused_inline_slots += space->unused_inline_slots;
    sum->payload_bytes += space->payload_bytes;
    sum->row_bytes += space->row_bytes;
    sum->version_bytes += space->version_bytes;
}
