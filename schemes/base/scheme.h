/*
 * scheme.h - what a scheme supplies. harness/targets/scheme.inc makes a target of it.
 *
 * Rows come from an index or a ref; the calls say what the transaction does with them. None is called for a transaction
 * that is doomed. A call that dooms it returns worker->doom.
 *     begin      a transaction, after worker_begin
 *     commit     SCHEME_OK: committed. Otherwise nothing has been changed, and abort follows. Between taking its last
 *                lock and validating it calls worker_take_place; after the decision worker_apply_entries; it unlocks
 *                everything. worker_end follows.
 *     abort      worker_undo_entries, then unlocks everything; for a transaction in any state. worker_end follows.
 *     read       `data`: as the transaction sees the row. NOT_FOUND: it is absent. Either way the transaction conflicts
 *                with whoever changes that before it commits.
 *     see        the same without the payload
 *     first_read, first_update   the short way, which most reads, and updates that keep the size, take: the
 *                transaction meets the row for the first time, and nothing stands against it. False: read or update
 *                has to do it. Of a transaction that is plain (worker_is_plain). Why: schemes/DESIGN.md, "What a
 *                request costs".
 *     update, overwrite, insert, erase   as of workloads/target.h. insert: the row is one of worker_take_row.
 *     touch      the row is written, unchanged; so it conflicts with whoever has read it. gains_entry: from now on
 *                others cannot read the row until the transaction has ended, and if it aborts whoever has read the row
 *                before conflicts, too.
 * A scheme whose rows have several versions may set worker->as_of at begin: then nodes are not noted, but must be as
 * they were at that time (chained.h, CV3).
 * Invariants that the binding relies on: schemes/DESIGN.md.
 */
#ifndef SCHEMES_BASE_SCHEME_H
#define SCHEMES_BASE_SCHEME_H

#include "schemes/base/worker.h"

/* Declares the calls of a scheme. */
#define SCHEME_CALLS(name)                                                                                         \
    void name##_begin(struct worker *worker);                                                                      \
    enum scheme_status name##_commit(struct worker *worker);                                                       \
    void name##_abort(struct worker *worker);                                                                      \
    enum scheme_status name##_read(struct worker *worker, struct table *table, struct row *row, const void **data, \
                                   size_t *bytes);                                                                 \
    bool name##_first_read(struct worker *worker, struct table *table, struct row *row, const void **data,         \
                           size_t *bytes);                                                                         \
    bool name##_first_update(struct worker *worker, struct table *table, struct row *row, const void **old,        \
                             void **data);                                                                         \
    enum scheme_status name##_see(struct worker *worker, struct table *table, struct row *row);                    \
    enum scheme_status name##_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,    \
                                     const void **old, void **data);                                               \
    enum scheme_status name##_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes, \
                                        void **data);                                                              \
    enum scheme_status name##_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,    \
                                     void **data);                                                                 \
    enum scheme_status name##_erase(struct worker *worker, struct table *table, struct row *row);                  \
    enum scheme_status name##_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry);

/* Of a scheme that has no short way. */
#define SCHEME_NO_SHORT_WAY(name)                                                                           \
    bool name##_first_read(struct worker *worker, struct table *table, struct row *row, const void **data,  \
                           size_t *bytes)                                                                   \
    {                                                                                                       \
        (void)worker, (void)table, (void)row, (void)data, (void)bytes;                                      \
        return false;                                                                                       \
    }                                                                                                       \
    bool name##_first_update(struct worker *worker, struct table *table, struct row *row, const void **old, \
                             void **data)                                                                   \
    {                                                                                                       \
        (void)worker, (void)table, (void)row, (void)old, (void)data;                                        \
        return false;                                                                                       \
    }

#endif
