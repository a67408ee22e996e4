/* durability.c - the public calls about the log, and what a recovery asks the catalogue; see maemio.h, DURABLE.md. */
#include <string.h>

#include "engine/base/check.h"
#include "engine/db/guard.h"
#include "engine/db/index_ops.h"
#include "engine/durable/reader.h"
#include "engine/log/logger.h"
#include "engine/txn/membership.h"
#include "engine/txn/txn.h"

static _Thread_local struct problem last_problem;

const char *mae_open_problem(void)
{
    return last_problem.text;
}

/* ---- Recovery. ---- */

static struct table *table_of(void *owner, uint64_t number)
{
    const struct mae_db *db = owner;
    for (unsigned i = 0; i < db->named_count; i++)
        if (db->named[i]->rows.number == number)
            return &db->named[i]->rows;
    return NULL;
}

static struct table *table_after(void *owner, uint64_t number)
{
    struct mae_db *db = owner;
    unsigned i = 0;
    pthread_mutex_lock(&db->lock);
    while (i < db->named_count && db->named[i]->rows.number <= number)
        i++;
    struct table *table = i < db->named_count ? &db->named[i]->rows : NULL;
    pthread_mutex_unlock(&db->lock);
    return table;
}

static bool index_after(void *owner, uint64_t number, struct durable_index *found)
{
    struct mae_db *db = owner;
    unsigned i = 0;
    pthread_mutex_lock(&db->lock);
    while (i < db->index_count && db->indexes[i]->number <= number)
        i++;
    struct mae_index *index = i < db->index_count ? db->indexes[i] : NULL;
    pthread_mutex_unlock(&db->lock);
    if (!index)
        return false;
    bool hashed = index->config.kind == MAE_INDEX_HASH;
    *found = (struct durable_index){.number = index->number,
                                    .config = index->config,
                                    .hash = hashed ? &index->hash : NULL,
                                    .tree = hashed ? NULL : &index->tree,
                                    .rows = &index->table->rows,
                                    .index = index};
    return true;
}

static enum mae_status walk(struct mae_txn *txn, void *arg, struct index_position *position, mae_entry_fn visit,
                            void *visit_arg)
{
    struct mae_index *index = arg;
    MAE_DCHECK(index->ops->walk);       /* durable.c refuses a log with simple_index_update=on */
    if (table_is_closed(&index->nodes)) /* it has been dropped since */
        return MAE_NOT_FOUND;
    return index->ops->walk(txn, index, position, visit, visit_arg);
}

static enum mae_status restore_objects(struct mae_db *db)
{
    const struct manifest *manifest = durable_manifest(db->durable);
    for (size_t i = 0; i < manifest->object_count; i++) {
        const struct manifest_object *object = &manifest->objects[i];
        enum mae_status status =
            object->kind == MANIFEST_TABLE ? db_restore_table(db, object) : db_restore_index(db, object);
        if (status != MAE_OK)
            return problem_set(&last_problem, status, "%s %s of the manifest cannot be made: %s",
                               object->kind == MANIFEST_TABLE ? "table" : "index", object->name,
                               mae_status_text(status));
    }
    return MAE_OK;
}

static enum mae_status restore(struct mae_db *db)
{
    const struct durable_host host = {.owner = db,
                                      .table = table_of,
                                      .table_after = table_after,
                                      .index_after = index_after,
                                      .leave = db_worker_leave,
                                      .walk = walk};
    struct table *tables[CATALOG_MAX];
    for (unsigned i = 0; i < db->named_count; i++)
        tables[i] = &db->named[i]->rows;
    enum mae_status status = worker_join_own(&db->core, &db->logger);
    return status == MAE_OK ? durable_restore(db->durable, &host, db->logger, tables, db->named_count, &last_problem)
                            : status;
}

enum mae_status durability_open(struct mae_db *db)
{
    const struct mae_options *options = &db->core.options;
    last_problem.text[0] = '\0';
    if (options->durability == DURABILITY_OFF && options->log_dir[0] == '\0' && options->snapshot == SNAPSHOT_LATEST)
        return MAE_OK;
    enum mae_status status = durable_open(&db->core, &last_problem, &db->durable);
    if (status == MAE_OK)
        status = restore_objects(db);
    if (status == MAE_OK)
        status = restore(db);
    if (status != MAE_OK && last_problem.text[0] == '\0')
        return problem_set(&last_problem, status, "%s: %s", options->log_dir, mae_status_text(status));
    return status;
}

enum mae_status durability_close(struct mae_db *db)
{
    enum mae_status status = db->durable ? durable_close(db->durable, &last_problem) : MAE_OK;
    db->durable = NULL;
    if (db->logger)
        db_worker_leave(db->logger);
    db->logger = NULL;
    return status;
}

/* ---- Questions and waits. ---- */

uint64_t mae_durable_timestamp(const struct mae_db *db)
{
    return db->core.log ? log_durable_ts(db->core.log) : 0;
}

enum mae_status mae_wait_durable(struct mae_worker *worker, uint64_t timestamp)
{
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status != MAE_OK)
        return guard.status;
    struct log *log = worker->core->log;
    if (!log)
        return MAE_UNSUPPORTED;
    if (worker->txn.running)
        return MAE_BUSY;
    if (log_durable_ts(log) > timestamp)
        return MAE_OK;
    worker_park(worker); /* so that it does not hold back what it waits for */
    return log_wait(log, timestamp);
}

enum mae_status mae_on_durable(struct mae_txn *txn, mae_durable_fn tell, void *arg)
{
    GUARDED const struct guard guard = guard_txn(txn);
    if (guard.status != MAE_OK)
        return guard.status;
    struct log_buffer *buffer = txn->worker->log;
    if (!buffer)
        return MAE_UNSUPPORTED;
    if (txn->doomed != MAE_OK)
        return txn->doomed;
    if (!buffer->told)
        buffer->told = mem_alloc(sizeof *buffer->told);
    if (!buffer->told || (log_has_thread(buffer->log) && teller_start(&buffer->log->teller) != MAE_OK))
        return txn_doom(txn, MAE_NO_MEMORY);
    buffer->told->tell = tell;
    buffer->told->arg = arg;
    buffer->told_epoch = txn->accesses.epoch;
    return MAE_OK;
}

enum mae_status mae_sync(struct mae_db *db)
{
    struct log *log = db->core.log;
    return log ? log_wait(log, horizon_last_commit(&db->core.horizon)) : MAE_UNSUPPORTED;
}

enum mae_status mae_checkpoint(struct mae_db *db)
{
    return db->durable ? durable_checkpoint(db->durable) : MAE_UNSUPPORTED;
}

enum mae_status mae_backup(struct mae_db *db, const char *folder)
{
    last_problem.text[0] = '\0';
    if (!db || !folder || !folder[0])
        return MAE_INVALID;
    return db->durable ? durable_backup(db->durable, folder, &last_problem) : MAE_UNSUPPORTED;
}

enum mae_status mae_log_read(const char *log_dir, const struct mae_log_visitor *visitor, void *arg,
                             struct mae_log_summary *summary)
{
    last_problem.text[0] = '\0';
    if (!log_dir || !log_dir[0] || !visitor || !summary)
        return MAE_INVALID;
    memset(summary, 0, sizeof *summary);
    return reader_read(log_dir, visitor, arg, summary, &last_problem);
}

void mae_recover_info(const struct mae_db *db, struct mae_recover_info *info)
{
    memset(info, 0, sizeof *info);
    if (db->durable)
        durable_info(db->durable, info);
}

bool mae_survived(const struct mae_db *db, uint64_t timestamp)
{
    return !db->durable || durable_survived(db->durable, timestamp);
}

void mae_log_state(const struct mae_db *db, struct mae_log_state *state)
{
    const struct log *log = db->core.log;
    memset(state, 0, sizeof *state);
    state->problem = "";
    if (!log)
        return;
    state->durable_timestamp = log_durable_ts(log);
    state->flushes = log_flushes(log);
    state->written_bytes = log_written_bytes(log);
    state->full = log_is_full(log);
    state->failed = log_has_failed(log);
    if (state->failed)
        state->problem = log->bounds.problem;
    durable_checkpoint_state(db->durable, state);
}
