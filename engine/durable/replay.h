/*
 * replay.h - puts what a checkpoint and the log say into tables and indexes, on several threads.
 *
 * Records come in any order. A row is what the PUT or DELETE with the largest timestamp says, and then what the
 * operations (DELTA) with larger ones make of it (D24). So each row keeps its timestamp as the wts of its version,
 * deleted rows a tombstone with it, and behind it what operations have come, until all records are in. Index entries
 * are gathered meanwhile (entries.h), and the indexes filled at the end. Nothing else may use the database meanwhile.
 *
 * Threads. Each thread has a part of the rows, by row id, and the entries that lead to them. All threads look at every
 * record of the log and take from it what is theirs, so a row is only ever one thread's. A checkpoint names each row
 * once: there a thread takes whole blocks.
 * Not here: which records count (scan.c).
 */
#ifndef ENGINE_DURABLE_REPLAY_H
#define ENGINE_DURABLE_REPLAY_H

#include "engine/base/parallel.h"
#include "engine/durable/entries.h"
#include "engine/durable/host.h"
#include "engine/durable/manifest.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"
#include "engine/store/table.h"
#include "engine/txn/worker.h"

/* One thread's. */
struct replay_part {
    struct mae_worker *worker;
    struct table *table;            /* of the row that it has restored last */
    struct row_allocator free_rows; /* of the table that is looked through */
    uint64_t rows;                  /* there */
    enum mae_status status;         /* the first that is not MAE_OK */
    uint64_t record_ts;             /* of the record that it has taken last */
    struct problem problem;
};

struct replay {
    const struct durable_host *host;
    uint64_t next_number; /* all tables and indexes that there have ever been have smaller ones */
    struct core *core;
    struct problem *problem;
    unsigned part_count;
    struct replay_part *parts;
    char *batch; /* records of the log that are still to be applied */
    size_t batch_bytes, batch_capacity;
    struct entries entries;
    struct table *freed_table; /* that is looked through for empty rows */
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
