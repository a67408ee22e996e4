/*
 * maintenance.c - the optional thread that takes the leader's duties, so that an idle program still reclaims memory and
 * its snapshots move on.
 *
 * Once a millisecond it parks workers that are between transactions and have been silent since its last look, takes
 * over their garbage, and as a worker of its own passes a few quiescent points, each of which may lead a round. Between
 * its rounds it is parked itself, so that it never holds the horizon back.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/tsc.h"
#include "engine/db/db.h"

enum {
    TICK_NS = 1000000,
    ROUNDS = 3, /* a snapshot's worth of horizon takes two: min_wts, then min_rts; a tombstone one more */
};

struct maintenance {
    struct mae_db *db;
    struct mae_worker *worker;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    uint64_t last_wts[MAE_WORKERS_MAX];
};

static void barrier(void)
{
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static bool barrier_available(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* The worker is between transactions and cannot begin one meanwhile: its memory is as good as the caller's. */
static uint64_t take_garbage(void *arg)
{
    struct mae_worker *worker = arg;
    gc_orphan(worker);
    pool_give(&worker->pool);
    return worker->clock.clock;
}

static void park_silent(struct mae_worker *own, uint64_t *last_wts)
{
    struct core *core = own->core;
    for (unsigned i = 0; i < MAE_WORKERS_MAX; i++) {
        struct mae_worker *worker = atomic_load_explicit(&core->workers[i], memory_order_acquire);
        if (!worker || worker == own)
            continue;
        uint64_t wts = atomic_load_explicit(&core->horizon.slots[i].wts, memory_order_relaxed);
        if (wts == last_wts[i])
            (void)horizon_park_other(&core->horizon, i, barrier, take_garbage, worker);
        last_wts[i] = wts;
    }
}

void maintenance_round(struct mae_worker *worker, uint64_t *last_wts)
{
    park_silent(worker, last_wts);
    worker_unpark(worker, tsc_now());
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t interval = worker->protocol.gc_interval_ticks, start = tsc_now();
        worker_quiescent(worker, start);
        while (i + 1 < ROUNDS && tsc_now() - start < interval && (double)interval < 1000 * worker->core->ticks_per_us)
            cpu_pause();
    }
    worker_park(worker);
}

static void *run(void *arg)
{
    struct maintenance *maintenance = arg;
    pthread_mutex_lock(&maintenance->lock);
    while (!maintenance->stop) {
        pthread_mutex_unlock(&maintenance->lock);
        maintenance_round(maintenance->worker, maintenance->last_wts);
        pthread_mutex_lock(&maintenance->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
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
    if (!barrier_available())
        return MAE_UNSUPPORTED;
    struct maintenance *maintenance = mem_alloc(sizeof *maintenance);
    if (!maintenance)
        return MAE_NO_MEMORY;
    maintenance->db = db;
    enum mae_status status = worker_join(&db->core, &maintenance->worker);
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
    if (pthread_create(&maintenance->thread, NULL, run, maintenance) != 0) {
        worker_leave(maintenance->worker, db->tables, db->table_count);
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
    worker_leave(maintenance->worker, db->tables, db->table_count);
    pthread_cond_destroy(&maintenance->wake);
    pthread_mutex_destroy(&maintenance->lock);
    free(maintenance);
}

void mae_maintenance_stop(struct mae_db *db)
{
    maintenance_close(db);
}
