/* worker.c - see worker.h. */
#include "engine/txn/worker.h"

#include "engine/base/check.h"

struct row_allocator *worker_rows(struct mae_worker *worker, const struct table *table)
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
    return &worker->rows[table->id];
}
