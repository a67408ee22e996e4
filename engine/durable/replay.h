/*
 * replay.h - puts what a checkpoint and the log say into tables and indexes, on several threads.
 *
 * Records come in any order. A row is what the PUT or DELETE with the largest timestamp says, so each row keeps its
 * timestamp as the wts of its only version, deleted rows a tombstone with it, until all records are in. Entries are
 * gathered first, since an index has no timestamps. An entry is there if the last piece that names it adds it: the
 * pieces are ordered by timestamp and, in one transaction, as they were made. All transactions that name an entry write
 * the same node of the index, so their timestamps are in the order in which they changed it. Nothing else may use the
 * database meanwhile.
 *
 * Threads. Each thread has a part of the rows, by row id, and a part of the entries, by their keys. All threads look at
 * every record of the log and take from it what is theirs, so a row is only ever one thread's. A checkpoint names each
 * row once: there a thread takes whole blocks. At the end each thread sorts its entries, in an order in which the index
 * is filled from one end to the other, and all fill the indexes in transactions of their own workers.
 * Not here: which records count (scan.c).
 */
#ifndef ENGINE_DURABLE_REPLAY_H
#define ENGINE_DURABLE_REPLAY_H

#include <pthread.h>

#include "engine/base/parallel.h"
#include "engine/durable/host.h"
#include "engine/durable/manifest.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"
#include "engine/store/table.h"
#include "engine/txn/worker.h"

enum { REPLAY_ROW_LOCKS = 64 };

struct replay_entry;

/* Entries as they come, each with its key. */
struct replay_list {
    char *entries;
    size_t bytes, capacity, count;
};

struct replay_sorted {
    uint64_t order; /* of the index, see durable_index */
    struct replay_entry *entry;
};

/* One thread's. */
struct replay_part {
    struct mae_worker *worker;
    struct replay_list lists[PARALLEL_MAX]; /* by the part to which the entries belong */
    struct replay_sorted *sorted;           /* without those that are not there in the end */
    size_t sorted_count;
    uint64_t entries_added;
    enum mae_status status; /* the first that is not MAE_OK */
    uint64_t record_ts;     /* of the record that it has taken last */
    struct problem problem;
};

struct replay {
    const struct durable_host *host;
    struct core *core;
    struct problem *problem;
    unsigned part_count;
    struct replay_part *parts;
    char *batch; /* records of the log that are still to be applied */
    size_t batch_bytes, batch_capacity;
    pthread_mutex_t row_locks[REPLAY_ROW_LOCKS]; /* of the rows' numbers of entries */
    /* For a checkpoint that is read. */
    const char *path;
    int file;
    uint64_t database;
    const struct manifest_checkpoint *checkpoint;
    _Atomic uint64_t next_block;
    /* Found. */
    uint64_t records, rows, entries_added;
};

/* MAE_OK or MAE_NO_MEMORY. `replay` is to be ended with replay_fini in any case. Callers have no workers yet. */
enum mae_status replay_init(struct replay *replay, const struct durable_host *host, struct core *core, unsigned threads,
                            struct problem *problem);
void replay_fini(struct replay *replay);

/* Takes all of a checkpoint. MAE_OK; MAE_IO; MAE_NO_MEMORY; MAE_CORRUPT: damaged, or as replay_record. */
enum mae_status replay_checkpoint(struct replay *replay, const char *folder, uint64_t database,
                                  const struct manifest_checkpoint *checkpoint);

/* Takes a record of the log, which it copies. MAE_OK; MAE_NO_MEMORY; MAE_CORRUPT: it, or one before, makes no sense for
 * these tables and indexes. */
enum mae_status replay_record(void *replay, const struct record *record);

/* When all records are in: builds the indexes, and frees the ids of rows that are not there. MAE_OK, MAE_NO_MEMORY,
 * MAE_CORRUPT. `tables`: all tables of rows. */
enum mae_status replay_finish(struct replay *replay, struct table *const *tables, size_t table_count);

#endif
