/* bulk.c - see bulk.h. */
#include "engine/index/bulk.h"

#include "engine/store/restore.h"

enum mae_status bulk_node(struct mae_worker *worker, struct table *table, size_t bytes, uint64_t ts, uint64_t *row,
                          void **data)
{
    struct row_allocator *rows = worker_rows(worker, table);
    enum mae_status status = rows ? row_alloc(table, rows, row) : MAE_NO_MEMORY;
    if (status != MAE_OK)
        return status;
    struct version *version = restore_row(table, &worker->pool, *row, bytes, ts, VERSION_COMMITTED);
    if (!version) {
        row_free(table, rows, *row);
        return MAE_NO_MEMORY;
    }
    *data = version->payload;
    return MAE_OK;
}
