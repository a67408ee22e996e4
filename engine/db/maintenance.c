/*
 * maintenance.c - the optional thread that does the leader's work, so that an idle program still reclaims memory and
 * its snapshots move on.
 *
 * Once a millisecond the thread parks workers that are between transactions and have been silent since its last look.
 * It takes over their garbage. Then it passes a quiescent point as a worker of the database's own, and may lead a
 * round. Between its rounds its worker is parked, so that it never holds the horizon back. While no worker passes a
 * quiescent point and nothing can be reclaimed, the thread sleeps longer and longer, up to SLEEP_MAX_NS. That is how
 * late it may notice that there is work.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/thread.h"
#include "engine/base/wait.h"
#include "engine/db/db.h"
#include "engine/txn/membership.h"
#include "engine/txn/upkeep.h"

enum {
    TICK_NS = 1000000,
    SLEEP_MAX_NS = 64 * TICK_NS,
    QUIET_ROUNDS =
        3, /* rounds until both horizons have passed everything: min_wts, then min_rts; a tombstone takes a third */
};

struct maintenance {
    struct mae_db *db;
    struct mae_worker *worker;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    uint64_t last_wts[HORIZON_SLOTS];
};

static void *run(void *arg)
{
    struct maintenance *maintenance = arg;
    uint64_t sleep_ns = TICK_NS;
    unsigned quiet = 0; /* rounds without work */
    pthread_mutex_lock(&maintenance->lock);
    while (!maintenance->stop) {
        pthread_mutex_unlock(&maintenance->lock);
        quiet = upkeep_round(maintenance->worker, maintenance->last_wts) ? 0 : quiet + 1;
        if (quiet <= QUIET_ROUNDS)
            sleep_ns = TICK_NS;
        else if (sleep_ns < SLEEP_MAX_NS)
            sleep_ns *= 2;
        struct timespec until = wait_deadline(sleep_ns);
        pthread_mutex_lock(&maintenance->lock);
        if (!maintenance->stop)
            pthread_cond_timedwait(&maintenance->wake, &maintenance->lock, &until);
    }
    pthread_mutex_unlock(&maintenance->lock);
    return NULL;
}

static enum mae_status start(struct mae_db *db)
{
    if (db->maintenance)
        return MAE_BUSY;
    if (!db->core.horizon.barrier)
        return MAE_UNSUPPORTED;
    struct maintenance *maintenance = mem_alloc(sizeof *maintenance);
    if (!maintenance)
        return MAE_NO_MEMORY;
    maintenance->db = db;
    enum mae_status status = worker_join_own(&db->core, &maintenance->worker);
    if (status != MAE_OK) {
        free(maintenance);
        return status;
    }
    worker_park(maintenance->worker);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&maintenance->lock, NULL);
    pthread_cond_init(&maintenance->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!thread_start(&maintenance->thread, run, maintenance)) {
        db_worker_leave(maintenance->worker);
        pthread_cond_destroy(&maintenance->wake);
        pthread_mutex_destroy(&maintenance->lock);
        free(maintenance);
        return MAE_NO_MEMORY;
    }
    db->maintenance = maintenance;
    return MAE_OK;
}

enum mae_status mae_maintenance_start(struct mae_db *db)
{
    pthread_mutex_lock(&db->lock);
    enum mae_status status = start(db);
    pthread_mutex_unlock(&db->lock);
    return status;
}

void maintenance_close(struct mae_db *db)
{
    pthread_mutex_lock(&db->lock);
    struct maintenance *maintenance = db->maintenance;
    db->maintenance = NULL;
    pthread_mutex_unlock(&db->lock);
    if (!maintenance)
        return;
    pthread_mutex_lock(&maintenance->lock);
    maintenance->stop = true;
    pthread_cond_signal(&maintenance->wake);
    pthread_mutex_unlock(&maintenance->lock);
    pthread_join(maintenance->thread, NULL);
    db_worker_leave(maintenance->worker);
    pthread_cond_destroy(&maintenance->wake);
    pthread_mutex_destroy(&maintenance->lock);
    free(maintenance);
}

void mae_maintenance_stop(struct mae_db *db)
{
    maintenance_close(db);
}
