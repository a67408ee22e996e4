/*
 * worker.h - a database of a scheme, and its workers. Each runs one transaction at a time.
 *
 * A scheme's own struct of a worker begins with a struct worker; it may add what it needs. A struct worker is never
 * freed before the database is: who joins takes the struct of one that has left, with what that one had retired.
 * Threads: a worker belongs to the thread that joined; its counters may be read by any.
 * Checked by: tests/conformance, of which reclaim.c counts what is given back.
 */
#ifndef SCHEMES_BASE_WORKER_H
#define SCHEMES_BASE_WORKER_H

#include "schemes/base/copies.h"
#include "schemes/base/entries.h"
#include "schemes/base/epoch.h"
#include "schemes/base/index.h"
#include "schemes/base/order.h"
#include "schemes/base/policy.h"
#include "schemes/base/sets.h"
#include "schemes/base/status.h"
#include "schemes/base/store.h"

enum { DATABASE_TABLES_MAX = 64, DATABASE_INDEXES_MAX = 64, DATABASE_WORKERS_MAX = EPOCH_SLOTS_MAX };
enum { DATABASE_TEMPERATURE_BITS = 16 };

/* An index, and the table to whose rows its entries lead. */
struct table_index {
    struct index index;
    struct table *table;
    size_t key_bytes;
    unsigned number;
    bool non_unique, words; /* words: a hash index of 8-byte keys */
    char name[STORE_NAME_BYTES];
};

static_assert((int)DATABASE_INDEXES_MAX <= 64, "each has a bit");

static inline uint64_t table_index_bit(const struct table_index *index)
{
    return UINT64_C(1) << index->number;
}

struct worker {
    struct database *database;
    const void *settings; /* the scheme's options */
    unsigned number;
    bool running, snapshot;
    enum scheme_status doom;   /* not SCHEME_OK: the transaction cannot commit, and this is why */
    uint32_t plain_rows;       /* see worker_is_plain */
    uint32_t plain_updates;    /* the same of one that may write */
    uint32_t retiring;         /* rows that it has inserted or deleted */
    uint32_t early_locks;      /* rows that it locked before its commit */
    uint32_t commits_in_a_row; /* without an abort or a roll-back between */
    uint64_t as_of;            /* not 0: nodes must be as they were at this time, and are not noted */
    uint64_t met;              /* the largest stamp of nodes that it has noted */
    uint64_t stamp;            /* the largest of nodes with its new entries and tables with its new rows */
    uint64_t place;            /* of the last transaction that committed, if it is to be told (order.h) */
    struct row_set rows;
    struct node_set nodes;
    struct copies copies;
    struct entry_changes entries;
    struct epoch_slot *epoch;
    struct row_supply supplies[2 * DATABASE_TABLES_MAX]; /* of rows, then of versions */
    struct retries retries;
    SEPARATED _Atomic uint64_t counters[COUNTER_COUNT];
};

struct database {
    struct mem_budget budget;
    struct span *spans;
    size_t row_bytes;       /* of a row's own part, where rows have several versions (chain.h); else 0 */
    uint64_t collect_after; /* retired rows and versions, after which a worker looks whether some can be given back */
    pthread_mutex_t lock;   /* over creating tables and indexes, joining and leaving */
    struct table *tables[DATABASE_TABLES_MAX];
    struct table_index *indexes[DATABASE_INDEXES_MAX];
    unsigned table_count, index_count;
    struct worker *workers[DATABASE_WORKERS_MAX]; /* that have ever joined */
    bool joined[DATABASE_WORKERS_MAX];
    _Atomic unsigned worker_count; /* used of these */
    struct order order;
    SEPARATED _Atomic uint64_t safe; /* the largest begin timestamp of a safe snapshot (ermia.h: ER6) */
    struct policy policy;
    struct epochs epochs;
    _Atomic uint8_t temperatures[1 << DATABASE_TEMPERATURE_BITS]; /* of rows, by a hash of the address; the scheme's */
};

static inline void counter_add(struct worker *worker, enum scheme_counter counter, uint64_t by)
{
    /* ORD-STAT */
    atomic_store_explicit(&worker->counters[counter],
                          atomic_load_explicit(&worker->counters[counter], memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* ---- Database. ---- */

/* row_bytes: of struct chain_row and what the scheme has behind it; 0: rows have one version. */
void database_init(struct database *database, uint64_t memory_limit, enum mem_huge_pages huge_pages, uint64_t backoff,
                   uint64_t collect_after, size_t row_bytes);
void database_fini(struct database *database);

/* SCHEME_OK, INVALID, EXISTS, FULL, NO_MEMORY, NO_ADDRESSES. */
enum scheme_status database_table_create(struct database *database, const char *name, size_t payload_max_bytes,
                                         struct table **table);
enum scheme_status database_index_create(struct database *database, struct table *table, const char *name,
                                         const struct index_config *config, struct table_index **index);

/* `bytes`: of the scheme's own struct. SCHEME_OK, FULL, NO_MEMORY. */
enum scheme_status database_join(struct database *database, const void *settings, size_t bytes, struct worker **worker);
void database_leave(struct worker *worker);
void worker_idle(struct worker *worker); /* runs nothing for a while: gives back what it can */

/* Structure, and that every entry leads to a row that is there. SCHEME_OK or CORRUPT. No transaction runs. */
enum scheme_status database_verify(const struct database *database, char *report, size_t report_bytes);

/* ---- What a scheme's transaction begins and ends with. ---- */

/* Sets are empty, and nothing that the transaction will reach is given back before worker_end. */
static inline void worker_begin(struct worker *worker, bool snapshot)
{
    worker->running = true;
    worker->snapshot = snapshot;
    worker->doom = SCHEME_OK;
    worker->plain_rows = worker->rows.capacity < COPIES_SMALL_MAX ? worker->rows.capacity : COPIES_SMALL_MAX;
    worker->plain_updates = snapshot ? 0 : worker->plain_rows;
    worker->retiring = worker->early_locks = 0;
    worker->as_of = worker->met = worker->stamp = 0;
    row_set_begin(&worker->rows);
    node_set_begin(&worker->nodes);
    copies_reset(&worker->copies);
    entry_changes_begin(&worker->entries);
    epoch_enter(&worker->database->epochs, worker->epoch);
}

/* After the transaction has unlocked everything: retires the rows that are absent now, and gives back older ones. */
void worker_end(struct worker *worker, bool committed);

/* A fresh row for the transaction to insert. */
enum scheme_status worker_take_row(struct worker *worker, struct table *table, struct row **row);

/* From now on requests go the long way. */
static inline void worker_is_not_plain(struct worker *worker)
{
    worker->plain_rows = worker->plain_updates = 0;
}

/* The transaction cannot commit any more. Returns the status. */
static inline enum scheme_status worker_doom(struct worker *worker, enum scheme_status status)
{
    worker_is_not_plain(worker);
    return worker->doom = status;
}

/* Whether requests may go the short way (scheme.h): the transaction is not doomed, it has changed no entries, its set
 * has an entry for another row to be filled, and its copies have room for a small row. */
static ALWAYS_INLINE bool worker_is_plain(const struct worker *worker)
{
    return worker->rows.count < worker->plain_rows;
}

/* The same for one that may write. */
static ALWAYS_INLINE bool worker_is_plain_to_update(const struct worker *worker)
{
    return worker->rows.count < worker->plain_updates;
}

/* ---- Entries, for the parts of a scheme's commit. ---- */

/* Before the transaction changes an entry: makes room to note it. False when out of memory. */
static inline bool worker_reserve_entry(struct worker *worker)
{
    worker_is_not_plain(worker);
    return entry_changes_reserve(&worker->entries);
}

/* Notes a node that was looked at. SCHEME_OK; SCHEME_NO_MEMORY or an abort, and then the transaction is doomed. */
enum scheme_status worker_note(struct worker *worker, struct node_seen seen);

/* The same for nodes that the transaction itself has changed by adding an entry; it also keeps their stamps. */
enum scheme_status worker_follow(struct worker *worker, const struct node_changes *changes);

/* After the decision to commit, while all written rows are locked: entries that were removed go. Before that, the
 * stamps of their nodes are raised to `stamp`. Cannot fail. */
void worker_apply_entries(struct worker *worker, uint64_t stamp);

/* Of an abort, while the rows are still locked: entries that were added go. */
void worker_undo_entries(struct worker *worker);

/* The place of the transaction, if anybody wants to know: after its last lock, before validation. */
static inline void worker_take_place(struct worker *worker)
{
    struct order *order = &worker->database->order;
    if (UNLIKELY(order->told))
        worker->place = order_place(order, order_ticks(), worker->number);
}

#endif
