/* checkpointer.c - see checkpointer.h. */
#include "engine/durable/checkpointer.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/thread.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"
#include "engine/durable/backup.h"
#include "engine/log/logger.h"
#include "engine/txn/membership.h"

enum { LOOK_NS = 100000000, PAUSE_NS = 1000000 };
#define RETRY_NS UINT64_C(5000000000)

/* ---- What is superfluous. ---- */

struct tidying {
    const char *folder;
    uint64_t checkpoint, spare, segment;
};

static void tidy_name(void *arg, const char *name)
{
    const struct tidying *tidying = arg;
    char path[SEGMENT_PATH_BYTES];
    uint64_t number;
    if (segment_number(name, &number) && number < tidying->segment)
        segment_path(tidying->folder, number, path);
    else if (checkpoint_number(name, &number) && number != tidying->checkpoint && number != tidying->spare)
        checkpoint_path(tidying->folder, number, path);
    else
        return;
    (void)file_calls->remove(path);
}

void checkpointer_tidy(const struct folders *folders, uint64_t checkpoint, uint64_t spare, const uint64_t *segments)
{
    for (unsigned i = 0; i < folders->count; i++) {
        struct tidying tidying = {folders->names[i], checkpoint, spare, segments[i]};
        (void)file_calls->list(tidying.folder, tidy_name, &tidying);
    }
}

/* ---- One checkpoint. ---- */

static bool sleep_for(struct checkpointer *checkpointer, uint64_t ns)
{
    struct timespec until = wait_deadline(ns);
    pthread_mutex_lock(&checkpointer->lock);
    if (!checkpointer->stop)
        pthread_cond_timedwait(&checkpointer->wake, &checkpointer->lock, &until);
    bool stop = checkpointer->stop;
    pthread_mutex_unlock(&checkpointer->lock);
    return !stop;
}

/* The rate of one checkpoint. */
struct pace {
    struct checkpointer *checkpointer;
    uint64_t begin_ticks, bytes;
};

static bool keep_pace(void *arg, uint64_t bytes)
{
    struct pace *pace = arg;
    struct checkpointer *checkpointer = pace->checkpointer;
    uint64_t rate = checkpointer->core->options.checkpoint_rate;
    pace->bytes += bytes;
    if (rate == 0 || bytes == 0)
        return sleep_for(checkpointer, 0);
    double due_us = (double)pace->bytes * 1e6 / (double)rate;
    for (;;) {
        double left_us = due_us - (double)(tsc_now() - pace->begin_ticks) / checkpointer->core->ticks_per_us;
        if (!sleep_for(checkpointer, left_us <= 0               ? 0
                                     : left_us * 1e3 < PAUSE_NS ? (uint64_t)(left_us * 1e3)
                                                                : PAUSE_NS))
            return false;
        if (left_us <= 0)
            return true;
    }
}

/* Writes the file into a folder, for the database with this number, and sees to it that the log below its end is on the
 * disk. `spare`: as in struct checkpoint_order. */
static enum mae_status prepare(struct checkpointer *checkpointer, const char *folder, uint64_t spare, uint64_t database,
                               struct manifest_checkpoint *fresh, struct problem *problem)
{
    struct pace pace = {.checkpointer = checkpointer, .begin_ticks = tsc_now()};
    struct checkpoint_order order = {.host = checkpointer->host,
                                     .folder = folder,
                                     .spare = spare,
                                     .database = database,
                                     .pause = keep_pace,
                                     .arg = &pace};
    struct log *log = checkpointer->core->log;
    enum mae_status status = worker_join_own(checkpointer->core, &order.worker);
    if (status != MAE_OK)
        return problem_set(problem, status, "there is no worker for the checkpoint");
    worker_park(order.worker);
    status = checkpoint_write(&order, fresh, problem);
    checkpointer->host->leave(order.worker);
    if (status != MAE_OK)
        return status;
    uint64_t end_ts = MUTATED(checkpoint_unsecured) ? 1 : fresh->end;
    uint64_t start_ts = MUTATED(log_dropped_early) ? fresh->end : fresh->start;
    status = log_secure(log, start_ts < end_ts ? start_ts : end_ts, end_ts, fresh->kept);
    if (status == MAE_OK)
        return MAE_OK;
    return problem_set(problem, status, "%s",
                       status == MAE_FULL    ? "a disk of the log is full"
                       : log->bounds.problem ? log->bounds.problem
                                             : "");
}

/* D11. */
static enum mae_status publish(struct checkpointer *checkpointer, const struct manifest_checkpoint *fresh,
                               struct problem *problem)
{
    struct manifest *manifest = checkpointer->manifest;
    pthread_mutex_lock(checkpointer->manifest_lock);
    const struct manifest_checkpoint before = manifest->checkpoint;
    manifest->checkpoint = *fresh;
    enum mae_status status = manifest_write(checkpointer->folders->names[0], manifest, problem);
    if (status != MAE_OK)
        manifest->checkpoint = before; /* the disk may have either: both are whole */
    pthread_mutex_unlock(checkpointer->manifest_lock);
    if (status != MAE_OK)
        return status;
    checkpointer->spare = !checkpointer->keeps_spare        ? 0
                          : MUTATED(checkpoint_overwritten) ? fresh->number
                                                            : before.number;
    checkpointer_tidy(checkpointer->folders, fresh->number, checkpointer->spare, checkpointer->first_segments);
    log_release(checkpointer->core->log, fresh->kept);
    return MAE_OK;
}

static enum mae_status run(struct checkpointer *checkpointer, struct problem *problem)
{
    struct manifest *manifest = checkpointer->manifest;
    struct manifest_checkpoint fresh = {.number = ++checkpointer->last_number,
                                        .life = manifest->lives[manifest->life_count - 1].number};
    uint64_t begin_ticks = tsc_now();
    uint64_t written = log_written_bytes(checkpointer->core->log);
    uint64_t spare = checkpointer->spare;
    checkpointer->spare = 0;
    enum mae_status status =
        prepare(checkpointer, checkpointer->folders->names[0], spare, manifest->database, &fresh, problem);
    if (status == MAE_OK)
        status = publish(checkpointer, &fresh, problem);
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->begin_ticks = begin_ticks;
    if (status == MAE_OK) {
        checkpointer->written_bytes = written;
        checkpointer->count++;
        checkpointer->last_bytes = fresh.blocks * CHECKPOINT_SLOT_BYTES;
        checkpointer->last_ns = (uint64_t)((double)(tsc_now() - begin_ticks) * 1e3 / checkpointer->core->ticks_per_us);
    }
    checkpointer->problem = *problem;
    pthread_mutex_unlock(&checkpointer->lock);
    return status;
}

enum mae_status checkpointer_run(struct checkpointer *checkpointer)
{
    struct problem problem = {""};
    pthread_mutex_lock(&checkpointer->busy);
    enum mae_status status = run(checkpointer, &problem);
    pthread_mutex_unlock(&checkpointer->busy);
    return status;
}

/* ---- A copy. ---- */

static enum mae_status copy_to(struct checkpointer *checkpointer, const char *folder, struct problem *problem)
{
    const struct manifest *manifest = checkpointer->manifest;
    struct manifest_checkpoint fresh = {.number = 1, .life = manifest->lives[manifest->life_count - 1].number};
    uint64_t database = backup_identity();
    enum mae_status status = backup_begin(folder, problem);
    if (status != MAE_OK)
        return status;
    status = prepare(checkpointer, folder, 0, database, &fresh, problem);
    if (status == MAE_OK) {
        pthread_mutex_lock(checkpointer->manifest_lock);
        status = backup_end(folder, database, checkpointer->folders->names, checkpointer->folders->count, manifest,
                            &fresh, problem);
        pthread_mutex_unlock(checkpointer->manifest_lock);
    }
    if (status != MAE_OK)
        backup_undo(folder, &fresh);
    return status;
}

enum mae_status checkpointer_backup(struct checkpointer *checkpointer, const char *folder, struct problem *problem)
{
    pthread_mutex_lock(&checkpointer->busy); /* nothing of the log is released meanwhile */
    enum mae_status status = copy_to(checkpointer, folder, problem);
    pthread_mutex_unlock(&checkpointer->busy);
    return status;
}

/* ---- By itself. ---- */

static bool is_due(struct checkpointer *checkpointer)
{
    const struct mae_options *options = &checkpointer->core->options;
    pthread_mutex_lock(&checkpointer->lock);
    uint64_t written = log_written_bytes(checkpointer->core->log) - checkpointer->written_bytes;
    uint64_t much = checkpointer->last_bytes / 2;
    double seconds = (double)(tsc_now() - checkpointer->begin_ticks) / checkpointer->core->ticks_per_us / 1e6;
    pthread_mutex_unlock(&checkpointer->lock);
    if (much < options->checkpoint_log_bytes)
        much = options->checkpoint_log_bytes;
    return written > 0 && ((options->checkpoint_log_bytes > 0 && written >= much) ||
                           (options->checkpoint_interval_s > 0 && seconds >= (double)options->checkpoint_interval_s));
}

enum mae_status checkpointer_look(struct checkpointer *checkpointer)
{
    bool due = is_due(checkpointer) && !log_has_failed(checkpointer->core->log);
    return due ? checkpointer_run(checkpointer) : MAE_OK;
}

static void *work(void *arg)
{
    struct checkpointer *checkpointer = arg;
    enum mae_status status = MAE_OK;
    while (sleep_for(checkpointer, status == MAE_OK ? LOOK_NS : RETRY_NS))
        status = checkpointer_look(checkpointer);
    return NULL;
}

enum mae_status checkpointer_open(struct checkpointer *checkpointer, uint64_t owed_bytes)
{
    const struct mae_options *options = &checkpointer->core->options;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&checkpointer->busy, NULL);
    pthread_mutex_init(&checkpointer->lock, NULL);
    pthread_cond_init(&checkpointer->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    checkpointer->keeps_spare = file_calls->is_lasting(checkpointer->folders->names[0]) == 0;
    checkpointer->written_bytes = 0 - owed_bytes;
    checkpointer->begin_ticks = tsc_now();
    bool wanted = options->checkpoint_log_bytes > 0 || options->checkpoint_interval_s > 0;
    checkpointer->runs =
        wanted && checkpointer->core->log->runs && thread_start(&checkpointer->thread, work, checkpointer);
    return checkpointer->runs || !wanted || !checkpointer->core->log->runs ? MAE_OK : MAE_NO_MEMORY;
}

void checkpointer_close(struct checkpointer *checkpointer)
{
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->stop = true;
    pthread_cond_broadcast(&checkpointer->wake);
    pthread_mutex_unlock(&checkpointer->lock);
    if (checkpointer->runs)
        pthread_join(checkpointer->thread, NULL);
    pthread_cond_destroy(&checkpointer->wake);
    pthread_mutex_destroy(&checkpointer->lock);
    pthread_mutex_destroy(&checkpointer->busy);
}
