/*
 * replay.h - puts what the log says into tables and indexes.
 *
 * Records come in any order. A row is what the PUT or DELETE with the largest timestamp says, so each row keeps its
 * timestamp as the wts of its only version, deleted rows a tombstone with it, until all records are in. Entries are
 * gathered first, since an index has no timestamps. An entry is there if the last piece that names it adds it: the
 * pieces are ordered by timestamp and, in one transaction, as they were made. All transactions that name an entry write
 * the same node of the index, so their timestamps are in the order in which they changed it. Nothing else may use the
 * database meanwhile.
 * Not here: which records count (scan.c).
 */
#ifndef ENGINE_DURABLE_REPLAY_H
#define ENGINE_DURABLE_REPLAY_H

#include "engine/durable/host.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"
#include "engine/store/table.h"
#include "engine/txn/worker.h"

struct replay_entry;

struct replay {
    const struct durable_host *host;
    struct mae_worker *worker;
    struct problem *problem;
    char *entries; /* struct replay_entry, each with its key */
    size_t entries_bytes, entries_capacity, entry_count;
    uint64_t records, rows, entries_added;
};

void replay_init(struct replay *replay, const struct durable_host *host, struct mae_worker *worker,
                 struct problem *problem);
void replay_fini(struct replay *replay);

/* Takes a record. MAE_OK; MAE_NO_MEMORY; MAE_CORRUPT: it makes no sense for these tables and indexes. */
enum mae_status replay_record(void *replay, const struct record *record);

/* When all records are in: builds the indexes, and frees the ids of rows that are not there. MAE_OK, MAE_NO_MEMORY,
 * MAE_CORRUPT. `tables`: all tables of rows. */
enum mae_status replay_finish(struct replay *replay, struct table *const *tables, size_t table_count);

#endif
