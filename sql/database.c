/* database.c - see database.h. */
#define _GNU_SOURCE
#include "sql/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/compiler.h"
#include "sql/tables.h"
#include "sql/sqlite.h"

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct database *all;

/* ---- The gate. ---- */

static struct timespec gate_until(void)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += GATE_WAIT_MS / 1000;
    return until;
}

/* Waits once; false when the time is over. */
static bool gate_wait(struct database *database, const struct timespec *until)
{
    return pthread_cond_clockwait(&database->changed, &database->lock, CLOCK_MONOTONIC, until) != ETIMEDOUT;
}

static bool gate_is_open(const struct database *database, const void *who)
{
    return database->owner == NULL || database->owner == who;
}

enum mae_status gate_enter(struct database *database, const void *who, struct mae_worker **worker)
{
    *worker = NULL;
    pthread_mutex_lock(&database->lock);
    if (!gate_is_open(database, who)) {
        struct timespec until = gate_until();
        while (!gate_is_open(database, who) && gate_wait(database, &until))
            ;
    }
    bool enters = gate_is_open(database, who) && database->inside < SESSIONS_MAX;
    database->inside += enters;
    if (enters && database->idle > 0)
        *worker = database->worker[--database->idle];
    pthread_mutex_unlock(&database->lock);
    if (!enters)
        return MAE_BUSY;
    enum mae_status status = *worker != NULL ? MAE_OK : mae_worker_join(database->db, worker);
    if (status != MAE_OK)
        gate_leave(database, NULL);
    return status == MAE_FULL ? MAE_BUSY : status;
}

void gate_leave(struct database *database, struct mae_worker *worker)
{
    pthread_mutex_lock(&database->lock);
    database->inside--;
    if (worker != NULL)
        database->worker[database->idle++] = worker;
    if (database->owner != NULL)
        pthread_cond_broadcast(&database->changed);
    pthread_mutex_unlock(&database->lock);
}

bool gate_own(struct database *database, const void *who, unsigned inside)
{
    struct timespec until = gate_until();
    pthread_mutex_lock(&database->lock);
    bool mine = database->owner == who;
    if (!mine) {
        /* Who is inside does not wait for another owner, who waits for it. */
        while (database->owner != NULL && inside == 0 && gate_wait(database, &until))
            ;
        if (database->owner == NULL) {
            database->owner = who;
            while (database->inside > inside && !MUTATED(sql_gate_unwaited) && gate_wait(database, &until))
                ;
            mine = database->inside == inside || MUTATED(sql_gate_unwaited);
            if (!mine)
                database->owner = NULL;
            pthread_cond_broadcast(&database->changed);
        }
    }
    pthread_mutex_unlock(&database->lock);
    return mine;
}

void gate_disown(struct database *database)
{
    pthread_mutex_lock(&database->lock);
    database->owner = NULL;
    pthread_cond_broadcast(&database->changed);
    pthread_mutex_unlock(&database->lock);
}

/* ---- Databases. ---- */

static void database_free(struct database *database)
{
    while (database->idle > 0)
        mae_worker_leave(database->worker[--database->idle]);
    const enum mae_status status = mae_close(database->db);
    if (status != MAE_OK) /* nobody is there any more to whom a result could be given */
        sqlite3_log(status == MAE_FULL ? SQLITE_FULL : SQLITE_IOERR, "maemio: %s: %s", database->folder,
                    mae_open_problem());
    tables_close(database);
    pthread_mutex_destroy(&database->lock);
    pthread_cond_destroy(&database->changed);
    sqlite3_free(database->folder);
    sqlite3_free(database);
}

/* With a folder, a commit returns when it is on the disk, and a snapshot sees nothing that is not. */
static enum mae_status options_set(struct mae_options *options, const char *folder)
{
    enum mae_status status = mae_options_set(options, "order", "strict", NULL, 0);
    if (status == MAE_OK && folder[0] != '\0') {
        status = mae_options_set(options, "log_dir", folder, NULL, 0);
        if (status == MAE_OK)
            status = mae_options_set(options, "durability", "sync", NULL, 0);
        if (status == MAE_OK)
            status = mae_options_set(options, "snapshot", "durable", NULL, 0);
    }
    return status;
}

static enum mae_status engine_open(struct database *database)
{
    struct mae_options *options = mae_options_create();
    if (options == NULL)
        return MAE_NO_MEMORY;
    enum mae_status status = options_set(options, database->folder);
    if (status == MAE_OK)
        status = mae_open(options, &database->db);
    mae_options_destroy(options);
    if (status == MAE_OK)
        status = tables_open(database);
    /* Idle workers then hold nothing back. Without the membarrier system call there is no such thread. */
    if (status == MAE_OK && mae_maintenance_start(database->db) == MAE_NO_MEMORY)
        status = MAE_NO_MEMORY;
    return status;
}

static struct database *database_create(const char *folder, char **error)
{
    struct database *database = memory_zeroed(sizeof *database);
    if (database == NULL)
        return NULL;
    pthread_mutex_init(&database->lock, NULL);
    pthread_cond_init(&database->changed, NULL);
    enum mae_status status = MAE_NO_MEMORY;
    if ((database->folder = memory_text(folder)) != NULL)
        status = engine_open(database);
    if (status == MAE_OK)
        return database;
    *error = sqlite3_mprintf("maemio: '%s' cannot be opened: %s%s%s", folder, mae_status_text(status),
                             mae_open_problem()[0] != '\0' ? ": " : "", mae_open_problem());
    database_free(database);
    return NULL;
}

struct database *database_open(const char *folder, char **error)
{
    /* A folder that does not exist yet has no real path before the engine has made it. */
    char *real = folder[0] == '\0' ? NULL : realpath(folder, NULL);
    const char *name = real != NULL ? real : folder;
    *error = NULL;
    pthread_mutex_lock(&all_lock);
    struct database *database = all;
    while (database != NULL && strcmp(database->folder, name) != 0)
        database = database->next;
    if (database == NULL && (database = database_create(name, error)) != NULL) {
        char *found = NULL;
        if (real == NULL && folder[0] != '\0' && (real = realpath(folder, NULL)) != NULL &&
            (found = memory_text(real)) != NULL) {
            sqlite3_free(database->folder);
            database->folder = found;
        }
        database->next = all;
        all = database;
    }
    if (database != NULL)
        database->users++;
    pthread_mutex_unlock(&all_lock);
    free(real);
    return database;
}

void database_close(struct database *database)
{
    pthread_mutex_lock(&all_lock);
    if (--database->users == 0) {
        struct database **link = &all;
        while (*link != database)
            link = &(*link)->next;
        *link = database->next;
        database_free(database);
    }
    pthread_mutex_unlock(&all_lock);
}
