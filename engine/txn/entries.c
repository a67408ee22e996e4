/* entries.c - see entries.h. */
#include "engine/txn/entries.h"

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

static int32_t entries_of(const struct access *access)
{
    return access->flags & ACCESS_ENTRIES ? access->entries : 0;
}

static void add_entries(struct access *access, int32_t change)
{
    access->entries = entries_of(access) + change;
    access->flags |= ACCESS_ENTRIES;
}

static struct access *access_of(const struct mae_txn *txn, const struct table *table, uint64_t row)
{
    uint64_t slot;
    return access_set_find(&txn->accesses, table_row(table, row), &slot);
}

enum mae_status txn_gain_entry(struct mae_txn *txn, struct table *table, uint64_t row)
{
    struct access *access;
    if (MUTATED(entry_gain_untouched) && !access_of(txn, table, row)) {
        const void *data;
        return txn->snapshot ? MAE_READ_ONLY : txn_read(txn, table, row, &data, NULL);
    }
    enum mae_status status = txn_touch(txn, table, row, &access);
    if (status != MAE_OK)
        return status;
    if (access->flags & ACCESS_DELETE)
        return MAE_NOT_FOUND;
    add_entries(access, 1);
    return MAE_OK;
}

void txn_gain_refused(struct mae_txn *txn, struct table *table, uint64_t row)
{
    struct access *access = access_of(txn, table, row);
    if (access)
        add_entries(access, -1);
}

enum mae_status txn_lose_entry(struct mae_txn *txn, struct table *table, uint64_t row, bool peeked)
{
    struct access *access;
    enum mae_status status = txn_touch(txn, table, row, &access);
    if (status != MAE_OK)
        return status == MAE_NOT_FOUND ? MAE_OK : status;
    /* No other transaction has seen an entry that leads to a new row. Whoever has used an entry that leads to a deleted
     * row has read a version that the tombstone supersedes. */
    if (peeked && !(access->flags & (ACCESS_INSERT | ACCESS_DELETE)))
        access->flags |= ACCESS_MOVED;
    add_entries(access, -1);
    return MAE_OK;
}

/* How many entries lead to the row after the transaction. */
static int64_t entries_after(const struct access *access)
{
    return (int64_t)row_entries(access->table, access->row) + entries_of(access);
}

/* For a row that is to be deleted while an entry leads to it. The entry may be one of an index that is being dropped,
 * which the transaction could not remove: then the row will soon have lost it. */
static COLD enum mae_status entry_stays(const struct access *access)
{
    /* ORD-17 */
    if (atomic_load_explicit(&access->table->losing, memory_order_acquire) > 0 && !MUTATED(losing_unnoticed))
        return MAE_ABORT_INDEX;
    return entries_after(access) > 0 ? MAE_CORRUPT : MAE_OK; /* the last one may just have gone */
}

enum mae_status entries_prepare(const struct access_set *set, uint32_t write_count)
{
    for (uint32_t i = 0; i < write_count; i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if (!(access->flags & (ACCESS_DELETE | ACCESS_ENTRIES)) || access->table->is_node)
            continue;
        int64_t after = entries_after(access);
        MAE_DCHECK(after <= UINT32_MAX);
        if (access->flags & ACCESS_DELETE) {
            enum mae_status status = after > 0 && !MUTATED(entry_left_behind) ? entry_stays(access) : MAE_OK;
            if (status != MAE_OK)
                return status;
        } else if (after > 0 && !row_entries_reserve(access->table, access->row, (uint32_t)after)) {
            return MAE_NO_MEMORY;
        }
    }
    return MAE_OK;
}

void entries_count(const struct access_set *set, uint32_t write_count)
{
    for (uint32_t i = 0; i < write_count; i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if (!(access->flags & (ACCESS_DELETE | ACCESS_ENTRIES)) || access->table->is_node)
            continue;
        MAE_DCHECK(!(access->flags & ACCESS_DELETE) || entries_after(access) <= 0 ||
                   MUTATED(entry_left_behind)); /* I4 */
        if (access->flags & ACCESS_DELETE)
            row_entries_set(access->table, access->row, 0);
        else if (access->entries != 0)
            row_entries_add(access->table, access->row, access->entries);
    }
}
