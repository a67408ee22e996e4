/* tictoc.c - see tictoc.h. */
#include "schemes/tictoc.h"

static const struct tictoc_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static uint64_t load_rts(const struct row *row)
{
    return atomic_load_explicit(&row->second, memory_order_seq_cst); /* ORD-LOCK-1 */
}

/* With the rts, which belongs to the payload: the word did not change meanwhile. */
static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    return optimistic_fetch(worker, access, payload, true);
}

static ALWAYS_INLINE bool first(struct worker *worker, struct access *access, const struct table *table,
                                struct row *row, void *copy)
{
    (void)worker;
    return optimistic_first(access, table, row, copy, true);
}

PRIVATE_CALLS(tictoc, fetch, first, optimistic_lock_early)

static inline void later(uint64_t *timestamp, uint64_t than)
{
    if (than > *timestamp)
        *timestamp = than;
}

void tictoc_begin(struct worker *worker)
{
    (void)worker;
}

/* The timestamp that reads alone ask for. A row that was written blindly has the word of its lock, or none yet. */
static uint64_t least_timestamp(const struct worker *worker)
{
    const struct access *access = worker->rows.entries, *end = access + worker->rows.count;
    uint64_t timestamp = 0;
    for (; access != end; access++)
        later(&timestamp, access->word & ~ROW_LOCKED);
    return timestamp;
}

/* Before waiting for a lock: no read has changed that would have to be extended. */
static bool reads_may_hold(const struct worker *worker)
{
    uint64_t timestamp = least_timestamp(worker);
    if (!settings(worker)->pre_abort)
        return true;
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        const struct access *access = &worker->rows.entries[i];
        bool must_hold = access->second < timestamp || access->flags & (ACCESS_WRITE | ACCESS_AGAIN);
        if (access->flags & ACCESS_READ && must_hold && (row_word(access->row) ^ access->word) & ~ROW_LOCKED)
            return false;
    }
    return true;
}

/* All rows to be written are locked, so they are valid at any timestamp. */
static uint64_t commit_timestamp(const struct worker *worker)
{
    uint64_t timestamp = least_timestamp(worker);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        later(&timestamp, load_rts(access->row) + 1);
        access->second = UINT64_MAX;
    }
    if (MUTATED(tictoc_plain_nodes))
        return timestamp;
    if (worker->stamp)
        later(&timestamp, worker->stamp + 1);
    for (uint32_t i = 0; i < worker->nodes.count; i++)
        later(&timestamp, node_stamp(worker->nodes.entries[i].node));
    return timestamp;
}

/* Makes the rts at least `timestamp`. The caller then looks at the word (TT2). */
static void raise_rts(struct row *row, uint64_t timestamp)
{
    uint64_t rts = load_rts(row);
    if (MUTATED(tictoc_lowers_rts)) {
        atomic_store_explicit(&row->second, timestamp, memory_order_seq_cst);
        return;
    }
    while (rts < timestamp &&
           !atomic_compare_exchange_weak_explicit(&row->second, &rts, timestamp, memory_order_seq_cst,
                                                  memory_order_seq_cst)) /* ORD-LOCK-1; ends: it grows */
        RACE(ROW_RAISE);
}

/* Whether what was read is valid at the timestamp. */
static inline bool read_extends(struct worker *worker, const struct access *access, uint64_t timestamp)
{
    bool reaches = access->second >= timestamp;
    if (reaches && (!(access->flags & ACCESS_AGAIN) || MUTATED(tictoc_skip_again))) /* TT1, TT4 */
        return true;
    if (!reaches) {
        counter_add(worker, COUNTER_rts_extensions, 1);
        raise_rts(access->row, timestamp);
    }
    return access_unchanged(access) || MUTATED(tictoc_skip_extend_check);
}

static enum scheme_status validate(struct worker *worker, uint64_t timestamp)
{
    for (uint32_t i = 0; i < worker->rows.count; i++)
        if (UNLIKELY(!read_extends(worker, &worker->rows.entries[i], timestamp)))
            return SCHEME_ABORTED(READ_CHECK);
    for (uint32_t i = 0; i < worker->nodes.count; i++)
        node_raise(worker->nodes.entries[i].node, timestamp);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(tictoc_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    return SCHEME_OK;
}

enum scheme_status tictoc_commit(struct worker *worker)
{
    enum scheme_status status = optimistic_lock_writes(worker, settings(worker)->validation_lock, reads_may_hold);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    uint64_t timestamp = commit_timestamp(worker);
    if (UNLIKELY((status = validate(worker, timestamp)) != SCHEME_OK))
        return status;
    if (worker->rows.write_count) {
        if (UNLIKELY(worker->entries.count))
            worker_apply_entries(worker, timestamp);
        optimistic_store_writes(worker, timestamp, true);
    }
    return SCHEME_OK;
}

/* A row that gets a new word is written, as it were: its rts keeps up, so that the next writer does not get that word
 * once more (TT5). */
void tictoc_abort(struct worker *worker)
{
    for (uint32_t i = 0; worker->early_locks && i < worker->rows.write_count; i++) {
        const struct access *access = row_set_written(&worker->rows, i);
        if (access_is_locked(access) && !MUTATED(tictoc_abort_keeps_rts))
            raise_rts(access->row, (access->word & ~ROW_LOCKED) + 1);
    }
    optimistic_abort(worker);
}
