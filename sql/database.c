/* database.c - see database.h. */
#define _GNU_SOURCE
#include "sql/database.h"

#include <errno.h>
#include <stdio.h>
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

static bool gate_is_open(const struct database *database, const void *who, unsigned inside)
{
    return database->owner == NULL || database->owner == who || (inside > 0 && !MUTATED(sql_gate_inside_waits));
}

/* Takes the idle worker that is `wanted`, or the last one. The lock is held, and there is one. */
static struct mae_worker *idle_take(struct database *database, const struct mae_worker *wanted)
{
    unsigned at = database->idle - 1;
    while (at > 0 && database->worker[at] != wanted)
        at--;
    if (database->worker[at] != wanted)
        at = database->idle - 1;
    struct mae_worker *worker = database->worker[at];
    database->worker[at] = database->worker[--database->idle];
    return worker;
}

enum mae_status gate_enter(struct database *database, const void *who, unsigned inside, struct mae_worker **worker)
{
    const struct mae_worker *wanted = *worker;
    *worker = NULL;
    pthread_mutex_lock(&database->lock);
    if (!gate_is_open(database, who, inside)) {
        struct timespec until = gate_until();
        while (!gate_is_open(database, who, inside) && gate_wait(database, &until))
            ;
    }
    bool enters = gate_is_open(database, who, inside) && database->inside < SESSIONS_MAX;
    database->inside += enters;
    if (enters && database->idle > 0)
        *worker = idle_take(database, wanted);
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

bool gate_own_idle(struct database *database, const void *who)
{
    pthread_mutex_lock(&database->lock);
    const bool is_idle = database->owner == NULL && database->inside == 0;
    if (is_idle)
        database->owner = who;
    pthread_mutex_unlock(&database->lock);
    return is_idle;
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
    sqlite3_free(database->options);
    sqlite3_free(database);
}

enum { OPTION_NAME_BYTES = 64, PROBLEM_BYTES = 256 };

/* What a database of SQL is opened with: a snapshot sees all that had committed, a commit returns when it is on the
 * disk, and a snapshot sees nothing that is not. */
static const struct {
    const char *name, *value;
    bool with_folder; /* only then */
} own_options[] = {{"order", "strict", false}, {"durability", "sync", true}, {"snapshot", "durable", true}};
enum { OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

static bool is_own_option(const char *name)
{
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        if (strcmp(own_options[i].name, name) == 0)
            return true;
    return strcmp(name, "log_dir") == 0 || strcmp(name, "simple_index_update") == 0;
}

/* Sets the option that the word names; MAE_INVALID: `problem` says what is wrong with it. */
static enum mae_status option_word(struct mae_options *options, char *word, char *problem)
{
    char *value = strchr(word, '=');
    if (value == NULL) {
        (void)snprintf(problem, PROBLEM_BYTES, "option '%.*s' has no value: NAME=VALUE", OPTION_NAME_BYTES, word);
        return MAE_INVALID;
    }
    *value++ = '\0';
    if (is_own_option(word)) {
        (void)snprintf(problem, PROBLEM_BYTES, "option '%s' cannot be chosen in SQL, which sets it itself", word);
        return MAE_INVALID;
    }
    return mae_options_set(options, word, value, problem, PROBLEM_BYTES);
}

static enum mae_status options_set(struct mae_options *options, const struct database *database, char *problem)
{
    char *words = memory_text(database->options), *rest = NULL;
    enum mae_status status = words == NULL ? MAE_NO_MEMORY : MAE_OK;
    const bool has_folder = database->folder[0] != '\0';
    for (char *word = words; status == MAE_OK && (word = strtok_r(word, " \t\r\n", &rest)) != NULL; word = NULL)
        status = option_word(options, word, problem);
    sqlite3_free(words);
    if (status == MAE_OK && has_folder)
        status = mae_options_set(options, "log_dir", database->folder, NULL, 0);
    for (size_t i = 0; i < OWN_OPTIONS && status == MAE_OK; i++)
        if (has_folder ? !(MUTATED(sql_commit_unsynced) && own_options[i].with_folder) : !own_options[i].with_folder)
            status = mae_options_set(options, own_options[i].name, own_options[i].value, NULL, 0);
    return status;
}

static enum mae_status engine_open(struct database *database, char *problem)
{
    struct mae_options *options = mae_options_create();
    if (options == NULL)
        return MAE_NO_MEMORY;
    enum mae_status status = options_set(options, database, problem);
    if (status == MAE_OK) {
        status = mae_open(options, &database->db);
        (void)snprintf(problem, PROBLEM_BYTES, "%s", status != MAE_OK ? mae_open_problem() : "");
    }
    mae_options_destroy(options);
    if (status == MAE_OK && (status = tables_open(database)) == MAE_UNSUPPORTED)
        (void)snprintf(problem, PROBLEM_BYTES,
                       "an index there is of another version of Maemio; its .dump writes tables that .read takes here");
    /* Idle workers then hold nothing back. Without the membarrier system call there is no such thread. */
    if (status == MAE_OK && mae_maintenance_start(database->db) == MAE_NO_MEMORY)
        status = MAE_NO_MEMORY;
    return status;
}

static int database_create(const char *folder, const char *options, struct database **created, char **error)
{
    char problem[PROBLEM_BYTES] = "";
    struct database *database = memory_zeroed(sizeof *database);
    if (database == NULL)
        return SQLITE_NOMEM;
    pthread_mutex_init(&database->lock, NULL);
    pthread_cond_init(&database->changed, NULL);
    enum mae_status status = MAE_NO_MEMORY;
    database->folder = memory_text(folder);
    database->options = memory_text(options != NULL ? options : "");
    if (database->folder != NULL && database->options != NULL)
        status = engine_open(database, problem);
    *created = database;
    if (status == MAE_OK)
        return SQLITE_OK;
    *error = sqlite3_mprintf("maemio: '%s' cannot be opened: %s%s%s", folder, mae_status_text(status),
                             problem[0] != '\0' ? ": " : "", problem);
    database_free(database);
    return status == MAE_NO_MEMORY || status == MAE_NO_ADDRESSES ? SQLITE_NOMEM : SQLITE_CANTOPEN;
}

/* The folder that was made has a real path now, by which others find it. */
static void folder_name(struct database *database)
{
    char *real = database->folder[0] != '\0' ? realpath(database->folder, NULL) : NULL;
    char *found = real != NULL ? memory_text(real) : NULL;
    if (found != NULL) {
        sqlite3_free(database->folder);
        database->folder = found;
    }
    free(real);
}

int database_open(const char *folder, const char *options, struct database **opened, char **error)
{
    /* A folder that does not exist yet has no real path before the engine has made it. */
    char *real = folder[0] == '\0' ? NULL : realpath(folder, NULL);
    const char *name = real != NULL ? real : folder;
    int code = SQLITE_OK;
    *error = NULL;
    pthread_mutex_lock(&all_lock);
    struct database *database = all;
    while (database != NULL && strcmp(database->folder, name) != 0)
        database = database->next;
    if (database != NULL && options != NULL && strcmp(database->options, options) != 0) {
        code = SQLITE_CANTOPEN;
        *error = sqlite3_mprintf("maemio: '%s' is open already, with the options '%s'", folder, database->options);
    } else if (database == NULL && (code = database_create(name, options, &database, error)) == SQLITE_OK) {
        if (real == NULL)
            folder_name(database);
        database->next = all;
        all = database;
    }
    if (code == SQLITE_OK) {
        database->users++;
        *opened = database;
    }
    pthread_mutex_unlock(&all_lock);
    free(real);
    return code;
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
