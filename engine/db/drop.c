/*
 * drop.c - dropping tables and indexes while workers run; see maemio.h.
 *
 *     hide       the handles lead to nothing any more: calls return MAE_INVALID
 *     turn       wait until every transaction that may have found them is over (turn.h)
 *     manifest   from here on the drop is certain; before it everything is taken back if it fails
 *     lose       the rows of a dropped index lose its entries, so that they can be deleted (I4)
 *     turn       wait until no queue of garbage has anything of theirs
 *     free       versions, rows and nodes go back; the ids of the tables serve new ones
 *
 *   X1  Nobody reads or writes a row or node of a dropped table or index once its memory is given back. Transactions
 *       that began before it was hidden are over by the first turn, and collectors by the second. Those that began
 *       later find by the handle that it is gone: calls with guards by `db`, mae_read and mae_update by the kind of the
 *       index, mae_row_read and mae_row_update by the number of rows, which is 0. A checkpoint looks at each batch.
 *   X2  A row counts the entries of no dropped index, and of all others. The dropped index does not change after the
 *       first turn, so each of its entries is taken off once. Other transactions go on changing the counts meanwhile
 *       (store/table.h, row_entries_add). One that would delete a row which has not lost its entries yet is tried again
 *       (MAE_ABORT_INDEX).
 *   X3  The log names no number twice, so what it says of a dropped table or index is passed over (D23). Commits that
 *       had returned before the drop began are safe before the manifest says that it is gone.
 *
 * The handle stays until mae_close, so that it can be told what has become of it. The lock of the catalogue is held
 * throughout: nothing else is created or dropped meanwhile.
 * Checked by: tests/unit/db/drop.c, tests/schedule/drop.c, tests/stress/drop.c, tests/model/entries.c,
 * tests/fault/memory.c; the mutations that engine/DESIGN.md names at X1 to X5.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/db/index_ops.h"
#include "engine/log/logger.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"
#include "engine/txn/turn.h"
#include "engine/txn/txn.h"

/* What is dropped: a table with all its indexes, or one index. */
struct drop {
    struct mae_db *db;
    struct mae_table *table; /* NULL: only the index */
    struct mae_index *index;
    struct mae_worker *worker;
};

/* The next index in the catalogue's list that is dropped. */
static struct mae_index *next_index(const struct drop *drop, unsigned *i)
{
    while (*i < drop->db->index_count) {
        struct mae_index *index = drop->db->indexes[(*i)++];
        if (drop->table ? index->table == drop->table : index == drop->index)
            return index;
    }
    return NULL;
}

/* Whether the index has nodes in tables; hash indexes have two of them. */
static unsigned node_tables(struct mae_index *index, struct table **tables)
{
    unsigned count = 0;
    if (index->ops->multi_version)
        tables[count++] = &index->nodes;
    if (index->config.kind == MAE_INDEX_HASH)
        tables[count++] = &index->overflow;
    return count;
}

/* ---- Hiding. ---- */

static void set_nodes(struct mae_index *index, enum table_closing closing)
{
    struct table *tables[2];
    for (unsigned i = node_tables(index, tables); i-- > 0;)
        atomic_store_explicit(&tables[i]->closing, (uint8_t)closing, memory_order_release); /* ORD-17 */
}

static void hide(struct drop *drop)
{
    struct mae_index *index;
    for (unsigned i = 0; (index = next_index(drop, &i)) != NULL;) {
        atomic_store_explicit(&index->kind, INDEX_DROPPED, memory_order_relaxed);
        atomic_store_explicit(&index->db, MUTATED(drop_unhidden) ? drop->db : NULL, memory_order_relaxed);
        set_nodes(index, TABLE_CLOSING);
        atomic_fetch_add_explicit(&index->table->rows.losing, 1, memory_order_release); /* ORD-17 */
    }
    if (!drop->table)
        return;
    atomic_store_explicit(&drop->table->db, NULL, memory_order_relaxed);
    table_close(&drop->table->rows);
}

static void show(struct drop *drop)
{
    struct mae_index *index;
    for (unsigned i = 0; (index = next_index(drop, &i)) != NULL;) {
        atomic_fetch_sub_explicit(&index->table->rows.losing, 1, memory_order_release);
        set_nodes(index, TABLE_OPEN);
        atomic_store_explicit(&index->db, drop->db, memory_order_relaxed);
        atomic_store_explicit(&index->kind, index->config.kind, memory_order_relaxed);
    }
    if (!drop->table)
        return;
    table_reopen(&drop->table->rows);
    atomic_store_explicit(&drop->table->db, drop->db, memory_order_relaxed);
}

/* Waits for the transactions that may know it. A table that was empty may have got rows meanwhile, which others may
 * have found: then once more, and by now nobody can make any. */
static bool wait_for_users(struct drop *drop)
{
    for (;;) {
        if (!turn_wait(drop->worker, false, MAE_DROP_PATIENCE_MS))
            return false;
        if (!drop->table || atomic_load_explicit(&drop->table->rows.next_row, memory_order_acquire) == 0)
            return true;
        table_close(&drop->table->rows);
    }
}

/* ---- Freeing. ---- */

static bool lose_entry(void *arg, const void *key, uint64_t row)
{
    struct table *rows = arg;
    (void)key;
    row_entries_add(rows, table_row(rows, row), -1);
    return true;
}

/* X2. */
static void lose_entries(struct drop *drop)
{
    struct mae_index *index = drop->index;
    struct mae_txn *txn;
    enum mae_status status = txn_begin(drop->worker, MAE_SNAPSHOT, 0, &txn);
    MAE_CHECK(status == MAE_OK); /* a worker of the database's own, which runs no other */
    txn_see_newest(txn);
    status = index->ops->visit(txn, index, lose_entry, &index->table->rows);
    MAE_CHECK(status == MAE_OK); /* nothing changes the index any more, and a snapshot takes no memory */
    txn_abort(txn);
    worker_park(drop->worker);
}

static void free_table(struct drop *drop, struct table *table)
{
    gc_free_rows(drop->worker, table);
    db_remove_table(drop->db, table);
}

static void free_index(struct drop *drop, struct mae_index *index)
{
    struct table *tables[2];
    if (!index->ops->multi_version)
        db_remove_span(drop->db, &index->simple.span);
    index->ops->fini(index);
    for (unsigned i = node_tables(index, tables); i-- > 0;)
        free_table(drop, tables[i]);
    index->freed = true;
}

/* Takes it out of a list, whose order stays. */
static void list_remove(void **list, unsigned *count, const void *what)
{
    unsigned i = 0;
    while (list[i] != what)
        i++; /* ends: it is in the list */
    memmove(&list[i], &list[i + 1], (*count - i - 1) * sizeof *list);
    --*count;
}

static void unlist(struct drop *drop)
{
    struct mae_db *db = drop->db;
    struct mae_index *index;
    for (unsigned i = 0; (index = next_index(drop, &i)) != NULL;) {
        list_remove((void **)db->indexes, &db->index_count, index);
        i--;
        index->next_dropped = db->dropped_indexes;
        db->dropped_indexes = index;
        atomic_fetch_sub_explicit(&index->table->rows.losing, 1, memory_order_release);
    }
    if (!drop->table)
        return;
    list_remove((void **)db->named, &db->named_count, drop->table);
    drop->table->next_dropped = db->dropped_tables;
    db->dropped_tables = drop->table;
}

/* Everything is hidden, and the drop is certain. */
static void finish(struct drop *drop)
{
    struct mae_db *db = drop->db;
    struct mae_index *index;
    for (unsigned i = 0; (index = next_index(drop, &i)) != NULL;)
        set_nodes(index, TABLE_CLOSED);
    if (drop->table)
        atomic_store_explicit(&drop->table->rows.closing, TABLE_CLOSED, memory_order_release); /* ORD-17 */
    else if (!MUTATED(drop_keeps_entries))
        lose_entries(drop);
    const struct mae_index *known = db->dropped_indexes;
    unlist(drop);
    if (!turn_wait(drop->worker, true, MAE_DROP_PATIENCE_MS))
        return; /* the memory stays until mae_close */
    worker_wake(drop->worker);
    for (index = db->dropped_indexes; index != known; index = index->next_dropped)
        free_index(drop, index);
    if (drop->table)
        free_table(drop, &drop->table->rows);
    worker_park(drop->worker);
}

/* ---- The calls. ---- */

static enum mae_status perform(struct drop *drop)
{
    struct mae_db *db = drop->db;
    const uint64_t number = drop->table ? drop->table->rows.number : drop->index->number;
    enum mae_status status = worker_join_own(&db->core, &drop->worker);
    if (status != MAE_OK)
        return status;
    worker_park(drop->worker);
    hide(drop);
    status = wait_for_users(drop) ? MAE_OK : MAE_BUSY;
    if (status == MAE_OK && db->durable)
        status = durable_drop(db->durable, number);
    if (status == MAE_OK)
        finish(drop);
    else
        show(drop);
    db_worker_leave(drop->worker);
    return status;
}

/* X3. Without the catalogue's lock: a log that waits for space may need a checkpoint, which takes that lock. */
static enum mae_status secure(struct mae_db *db)
{
    return MUTATED(drop_unsecured) || !db->core.log ||
                   log_wait(db->core.log, horizon_last_commit(&db->core.horizon)) == MAE_OK
               ? MAE_OK
               : MAE_IO;
}

static bool is_listed(void *const *list, unsigned count, const void *what)
{
    unsigned i = 0;
    while (i < count && list[i] != what)
        i++;
    return i < count;
}

static bool is_known(const struct drop *drop)
{
    struct mae_db *db = drop->db;
    return drop->table ? is_listed((void *const *)db->named, db->named_count, drop->table)
                       : is_listed((void *const *)db->indexes, db->index_count, drop->index);
}

static enum mae_status drop_known(struct drop drop)
{
    enum mae_status status = secure(drop.db);
    pthread_mutex_lock(&drop.db->lock);
    if (!is_known(&drop))
        status = MAE_INVALID;
    if (status == MAE_OK)
        status = perform(&drop);
    pthread_mutex_unlock(&drop.db->lock);
    return status;
}

enum mae_status mae_index_drop(struct mae_db *db, struct mae_index *index)
{
    return db && index ? drop_known((struct drop){.db = db, .index = index}) : MAE_INVALID;
}

enum mae_status mae_table_drop(struct mae_db *db, struct mae_table *table)
{
    return db && table ? drop_known((struct drop){.db = db, .table = table}) : MAE_INVALID;
}

void drop_close(struct mae_db *db)
{
    for (struct mae_index *index = db->dropped_indexes, *next; index; index = next) {
        next = index->next_dropped;
        if (!index->freed)
            index->ops->fini(index);
        free(index);
    }
    for (struct mae_table *table = db->dropped_tables, *next; table; table = next) {
        next = table->next_dropped;
        free(table);
    }
}
