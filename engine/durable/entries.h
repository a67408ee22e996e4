/*
 * entries.h - the index entries that a recovery finds: gathers them, decides which there are, and fills the indexes.
 *
 * An index has no timestamps, so entries are gathered first, each piece that names one with its timestamp. An entry is
 * there if the last piece that names it adds it: the pieces are ordered by timestamp and, in one transaction, as they
 * were made. All transactions that name an entry write the same node of the index, so their timestamps are in the order
 * in which they changed it.
 *
 * Threads. Each thread gathers into lists of its own. When all pieces are in, the indexes are filled one after the
 * other, each by all threads:
 *     1. A sample of the entries' places in the index cuts it into parts with about as many entries each.
 *     2. Each thread puts a share of the entries into their parts. Then it sorts one part and drops what is not there.
 *     3. Each thread fills a part of the index (index/bulk.h) and counts the entries at their rows.
 * Checked by: tests/unit/durable/entries.c, tests/unit/db/durability.c, tests/crash.
 */
#ifndef ENGINE_DURABLE_ENTRIES_H
#define ENGINE_DURABLE_ENTRIES_H

#include "engine/base/parallel.h"
#include "engine/durable/host.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"

/* What one thread has gathered for one index: pieces, each with its key. */
struct entries_list {
    char *bytes;
    size_t used, capacity, count;
};

struct entries {
    const struct durable_host *host;
    struct durable_index *indexes; /* as the host has them */
    size_t index_count;
    unsigned part_count;                      /* threads */
    struct entries_list *lists[PARALLEL_MAX]; /* by thread, then by index */
    uint64_t added;                           /* that are there in the end */
};

/* MAE_OK or MAE_NO_MEMORY. `entries` is to be ended with entries_fini in any case. */
enum mae_status entries_init(struct entries *entries, const struct durable_host *host, unsigned part_count);
void entries_fini(struct entries *entries);

/* Notes an ADD or REMOVE, for the thread `part`. `sequence`: its place among the pieces with that timestamp. MAE_OK;
 * MAE_NO_MEMORY; MAE_CORRUPT: there is no such index. */
enum mae_status entries_note(struct entries *entries, unsigned part, uint64_t ts, uint32_t sequence,
                             const struct piece *piece);

/* Fills all indexes, which are empty; workers[i] serves the i-th thread. All rows are there, and no tombstones. MAE_OK;
 * MAE_NO_MEMORY; MAE_CORRUPT: an entry leads to no row, or a unique key to two. */
enum mae_status entries_build(struct entries *entries, struct mae_worker *const *workers, struct problem *problem);

#endif
