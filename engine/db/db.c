/* db.c - opening and closing a database; see maemio.h. */
#include "engine/db/db.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/db/index_ops.h"

static enum mae_status open_with(const struct mae_options *options, struct mae_db **opened)
{
    struct mae_db *db = mem_alloc(sizeof *db);
    if (!db)
        return MAE_NO_MEMORY;
    enum mae_status status = core_init(&db->core, options);
    if (status != MAE_OK) {
        free(db);
        return status;
    }
    pthread_mutex_init(&db->lock, NULL);
    db->spans = &db->core.arena.span;
    status = durability_open(db);
    /* The text is the caller's, and nobody reads it any more. */
    db->core.options.log_dir = NULL;
    if (status != MAE_OK) {
        (void)mae_close(db); /* nothing has been committed */
        return status;
    }
    *opened = db;
    return MAE_OK;
}

enum mae_status mae_open(const struct mae_options *options, struct mae_db **opened)
{
    if (!opened)
        return MAE_INVALID;
    if (options)
        return open_with(options, opened);
    struct mae_options *defaults = mae_options_create();
    enum mae_status status = defaults ? open_with(defaults, opened) : MAE_NO_MEMORY;
    mae_options_destroy(defaults);
    return status;
}

enum mae_status mae_close(struct mae_db *db)
{
    if (!db)
        return MAE_OK;
    maintenance_close(db);
    enum mae_status status = durability_close(db);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *worker = atomic_load_explicit(&db->core.workers[i], memory_order_acquire);
        MAE_CHECK(!worker || !atomic_load_explicit(&worker->joined, memory_order_acquire)); /* workers leave first */
    }
    for (unsigned i = 0; i < db->table_count; i++)
        if (db->tables[i])
            table_fini(db->tables[i]);
    for (unsigned i = 0; i < db->index_count; i++) {
        db->indexes[i]->ops->fini(db->indexes[i]);
        free(db->indexes[i]);
    }
    for (unsigned i = 0; i < db->named_count; i++)
        free(db->named[i]);
    drop_close(db);
    pthread_mutex_destroy(&db->lock);
    core_fini(&db->core);
    free(db);
    return status;
}
