/* worker.c - see worker.h. */
#include "engine/txn/worker.h"

#include "engine/base/check.h"

struct row_allocator *worker_rows(struct mae_worker *worker, struct table *table)
{
    MAE_DCHECK(!worker->rows == (worker->rows_count == 0));
    if (UNLIKELY(table->id >= worker->rows_count)) {
        unsigned count = table->id + 8;
        struct row_allocator *rows = mem_realloc(worker->rows, worker->rows_count * sizeof *rows, count * sizeof *rows);
        if (!rows)
            return NULL;
        worker->rows = rows;
        worker->rows_count = count;
    }
    struct row_allocator *rows = &worker->rows[table->id];
    if (UNLIKELY(rows->table != table)) /* new, or what is left of a table that was dropped */
        row_allocator_begin(rows, table);
    return rows;
}
