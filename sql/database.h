/*
 * database.h - Maemio databases that connections of this process share, their workers, and the gate for schema changes.
 *
 * The gate. A connection is inside while it has a transaction open. Who changes the schema owns the gate until the
 * change has committed or was rolled back: the owner waits until no other connection is inside, and nobody enters
 * meanwhile. So a transaction sees one schema from beginning to end, no writer misses an index or a column that was
 * added beside it, and the list of tables (tables.h) needs no lock inside. Who waits for longer than GATE_WAIT_MS
 * gives up, so that two connections of one thread do not wait for each other for ever.
 * Checked by: tests/unit/sql/module.c, tests/unit/sql/isolation.c.
 */
#ifndef SQL_DATABASE_H
#define SQL_DATABASE_H

#include <pthread.h>

#include "engine/maemio.h"
#include "sql/schema.h"

enum {
    GATE_WAIT_MS = 5000,
    SESSIONS_MAX = 240 /* transactions open at once; the engine keeps the rest of its workers for itself */
};

struct database {
    char *folder;  /* "": in memory */
    char *options; /* of the engine, as database_open was given them */
    struct mae_db *db;
    struct mae_table *catalogue;
    struct mae_index *by_id;
    unsigned users;
    struct database *next;
    struct table *tables;     /* that exist or, dropped, may still be named by statements */
    _Atomic uint64_t version; /* of the list of tables */
    _Atomic uint64_t altered; /* how often a table has got another definition; such as are connected are of before */
    pthread_mutex_t lock;     /* of what follows */
    pthread_cond_t changed;
    const void *owner;          /* of the gate; NULL: it is open */
    _Atomic bool has_leftovers; /* what could not be dropped for transactions that were open (tables_sweep) */
    unsigned inside;            /* transactions */
    unsigned idle;              /* workers that no transaction uses */
    struct mae_worker *worker[SESSIONS_MAX];
};

/*
 * Opens the folder's database or finds it open. `options` are words such as memory_limit=2G, parted by white space;
 * NULL: none, or those that it is open with. SQLITE_CANTOPEN, also if it is open with other options, SQLITE_NOMEM;
 * *error says why, or is NULL: there is no memory for that.
 */
int database_open(const char *folder, const char *options, struct database **opened, char **error);
void database_close(struct database *database);

/* A transaction of the connection `who`, which has `inside` others open, enters and gets a worker, and leaves. If
 * *worker is idle it gets that: the caller has it from its last transaction, so that its memory is in the caches of the
 * CPU. It may have left since, or be NULL. The owner of the gate passes, and so does who is inside: the owner still
 * waits for it. MAE_BUSY: waited too long, or there are too many transactions; MAE_NO_MEMORY. */
enum mae_status gate_enter(struct database *database, const void *who, unsigned inside, struct mae_worker **worker);
void gate_leave(struct database *database, struct mae_worker *worker);

/* Takes the gate for a connection that has `inside` transactions open. True also if it has the gate already. */
bool gate_own(struct database *database, const void *who, unsigned inside);
void gate_disown(struct database *database);
/* Takes the gate if it is open and nobody is inside. */
bool gate_own_idle(struct database *database, const void *who);

#endif
