/* durable.c - see durable.h. */
#include "engine/durable/durable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/tsc.h"
#include "engine/durable/backup.h"
#include "engine/durable/replay.h"
#include "engine/durable/scan.h"
#include "engine/log/logger.h"
#include "engine/time/timestamp.h"
#include "engine/txn/membership.h"
#include "engine/txn/upkeep.h"

/* How far above the timestamps on the disk a new life begins. They lag behind the last ones that were given out by half
 * an hour at most (logger.c), and `after` may lead a clock an hour ahead. */
#define START_HOURS 2

struct durable {
    struct core *core;
    struct folders folders;
    pthread_mutex_t bound_lock; /* of `worker` and `last_wts`, which all streams of the log use */
    pthread_mutex_t manifest_lock;
    struct manifest manifest;
    struct durable_host host;
    struct checkpointer checkpointer;
    bool has_checkpointer;
    struct scan scan;
    uint64_t log_bytes; /* of the log that was found */
    bool scanning;      /* `scan` is to be ended */
    struct mae_worker *worker;
    uint64_t last_wts[HORIZON_SLOTS];
    uint64_t start_ticks;
    struct mae_recover_info info;
};

static uint64_t clock_of_hours(const struct core *core, double hours)
{
    return (uint64_t)(hours * 3600e6 * core->ticks_per_us) >> core->clock_shift;
}

static uint64_t ns_since(const struct durable *durable, uint64_t *ticks)
{
    uint64_t now = tsc_now(), ns = (uint64_t)((double)(now - *ticks) * 1000 / durable->core->ticks_per_us);
    *ticks = now;
    return ns;
}

/* ---- The folder. ---- */

/* Asks before the folder is touched. */
static enum mae_status check_ring(const struct core *core, struct problem *problem)
{
    struct file_ring *ring = NULL;
    int result = core->options.log_io == LOG_IO_URING ? file_calls->ring_open(&ring) : 0;
    if (result < 0)
        return problem_set(problem, result == -ENOMEM ? MAE_NO_MEMORY : MAE_UNSUPPORTED,
                           "log_io=uring: this process cannot use io_uring: %s; log_io=sync needs no permission",
                           strerror(-result));
    if (ring)
        file_calls->ring_close(ring);
    return MAE_OK;
}

static enum mae_status check_options(const struct core *core, struct problem *problem)
{
    const struct mae_options *options = &core->options;
    if (options->durability == DURABILITY_OFF)
        return problem_set(problem, MAE_INVALID, "%s durability=async, group or sync",
                           options->log_dir[0] ? "log_dir needs" : "snapshot=durable needs log_dir and");
    if (options->log_dir[0] == '\0')
        return problem_set(problem, MAE_INVALID, "durability=async, group and sync need log_dir, the log's folder");
    if (options->simple_index_update)
        return problem_set(problem, MAE_INVALID,
                           "with simple_index_update=on timestamps do not order what indexes say: not with a log");
    if (options->durability != DURABILITY_ASYNC && !core->horizon.barrier)
        return problem_set(problem, MAE_UNSUPPORTED, "durability=group and sync need the membarrier system call");
    return check_ring(core, problem);
}

static enum mae_status read_manifest(struct durable *durable, struct problem *problem)
{
    struct manifest *manifest = &durable->manifest;
    enum mae_status status = manifest_read(durable->folders.names[0], manifest, problem);
    if (status != MAE_NOT_FOUND)
        return status;
    manifest->next_number = 1;
    manifest->folder_count = 1;
    manifest->database = backup_identity();
    return MAE_OK;
}

static enum mae_status open_folders(struct durable *durable, struct problem *problem)
{
    const struct mae_options *options = &durable->core->options;
    bool lasting = options->durability != DURABILITY_ASYNC;
    enum mae_status status = folders_open(&durable->folders, options->log_dir, lasting, problem);
    if (status == MAE_OK)
        status = read_manifest(durable, problem);
    return status == MAE_OK ? folders_check(&durable->folders, &durable->manifest, problem) : status;
}

/* ---- A new life. ---- */

/* Above all that is on the disk (D7). */
static enum mae_status begin_life(struct durable *durable)
{
    struct core *core = durable->core;
    struct manifest *manifest = &durable->manifest;
    uint64_t highest = durable->scan.highest_ts;
    for (size_t i = 0; i < manifest->life_count; i++) {
        if (manifest->lives[i].start > highest)
            highest = manifest->lives[i].start;
        manifest->lives[i].cut = durable->scan.lives[i].cut;
        manifest->lives[i].salvaged |= durable->scan.lives[i].salvaged;
    }
    uint64_t clock = timestamp_clock(highest) + clock_of_hours(core, START_HOURS);
    if (manifest->life_count == 0 || MUTATED(clocks_not_raised))
        clock = 1;
    uint64_t start = timestamp_make(clock, 0);
    atomic_store_explicit(&core->central_clock, clock, memory_order_relaxed);
    atomic_store_explicit(&core->horizon.min_wts, start, memory_order_relaxed);
    atomic_store_explicit(&core->horizon.min_rts, start - 1, memory_order_relaxed);
    durable->info.lives = manifest->life_count;
    durable->info.cut = manifest->life_count ? manifest->lives[manifest->life_count - 1].cut : 0;
    durable->info.start = start;
    durable->info.database = manifest->database;
    durable->info.salvaged = durable->scan.salvaged;
    return manifest_add_life(manifest, start, durable->folders.count);
}

/* It is no error, but whoever looks for the end of the log wants to know. */
static void tell_torn(struct durable *durable, struct problem *problem)
{
    const struct scan *scan = &durable->scan;
    char path[SEGMENT_PATH_BYTES];
    durable->info.torn = scan->torn && !scan->salvaged;
    if (!durable->info.torn)
        return;
    segment_path(durable->folders.names[scan->torn_place.folder], scan->torn_place.segment, path);
    (void)problem_set(problem, MAE_OK, "%s at %" PRIu64 ": the block is torn; it was not safe", path,
                      scan->torn_place.offset);
}

/* A timestamp of the upper half of the range was never given out: worker_may_follow. */
static enum mae_status check_timestamps(const struct durable *durable, struct problem *problem)
{
    if (durable->scan.highest_ts <= INT64_MAX)
        return MAE_OK;
    return problem_set(problem, MAE_CORRUPT, "%s: the log has the timestamp %" PRIu64 ", which was never given out",
                       durable->folders.names[0], durable->scan.highest_ts);
}

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* How much of the log may stay in memory. It lies beside what memory_limit bounds, which a large database fills while
 * it is restored: hence no more than half of what that leaves. */
static uint64_t keep_bytes(const struct core *core)
{
    const uint64_t memory = mem_budget_most(&core->budget), beside = (mem_machine_bytes() - memory) / 2;
    const uint64_t most = least(least(memory, mem_addresses_left()) / 8, beside);
    return least(core->options.recovery_keep_bytes, most);
}

static enum mae_status examine(struct durable *durable, struct problem *problem)
{
    struct scan *scan = &durable->scan;
    uint64_t ticks = tsc_now();
    durable->scanning = true;
    enum mae_status status =
        scan_init(scan, durable->folders.names, durable->folders.count, &durable->manifest, problem);
    scan->salvage = durable->core->options.recovery == RECOVERY_SALVAGE;
    bool has_files = scan->segment_count > 0 || scan->has_checkpoint_file;
    if (status == MAE_OK && durable->manifest.life_count == 0 && has_files)
        return problem_set(problem, MAE_CORRUPT, "%s: there are segments of a log or a checkpoint, but no manifest",
                           durable->folders.names[0]);
    if (status == MAE_OK && durable->manifest.life_count > 0) {
        uint64_t threads = durable->core->options.recovery_threads;
        durable->info.threads = threads ? threads : parallel_cpus();
        scan->threads = (unsigned)durable->info.threads;
        scan->keep_bytes = keep_bytes(durable->core);
        scan->huge_pages = durable->core->budget.huge_pages;
        status = scan_cuts(scan);
        durable->log_bytes = scan->read_bytes;
        if (status == MAE_OK && !MUTATED(tail_not_secured))
            status = scan_secure(scan);
        if (status == MAE_OK)
            status = check_timestamps(durable, problem);
        if (status == MAE_OK)
            tell_torn(durable, problem);
        durable->info.log_ns = ns_since(durable, &ticks);
    }
    return status == MAE_OK ? begin_life(durable) : status;
}

enum mae_status durable_open(struct core *core, struct problem *problem, struct durable **opened)
{
    enum mae_status status = check_options(core, problem);
    if (status != MAE_OK)
        return status;
    struct durable *durable = mem_alloc(sizeof *durable);
    if (!durable)
        return MAE_NO_MEMORY;
    durable->core = core;
    pthread_mutex_init(&durable->manifest_lock, NULL);
    pthread_mutex_init(&durable->bound_lock, NULL);
    durable->start_ticks = tsc_now();
    status = open_folders(durable, problem);
    if (status == MAE_OK)
        status = examine(durable, problem);
    if (status == MAE_OK)
        *opened = durable;
    else
        (void)durable_close(durable, problem); /* it has no log yet */
    return status;
}

const struct manifest *durable_manifest(const struct durable *durable)
{
    return &durable->manifest;
}

/* ---- Restoring. ---- */

static enum mae_status restore(struct durable *durable, struct table *const *tables, size_t table_count,
                               struct problem *problem)
{
    struct replay replay;
    struct scan *scan = &durable->scan;
    struct mae_recover_info *info = &durable->info;
    const struct manifest_checkpoint *checkpoint = &durable->manifest.checkpoint;
    uint64_t ticks = tsc_now();
    scan->problem = problem;
    enum mae_status status = replay_init(&replay, &durable->host, durable->core, (unsigned)info->threads, problem);
    replay.next_number = durable->manifest.next_number;
    if (status == MAE_OK && checkpoint->number > 0) {
        info->checkpoint_bytes = checkpoint->blocks * CHECKPOINT_SLOT_BYTES;
        status = replay_checkpoint(&replay, durable->folders.names[0], durable->manifest.database, checkpoint);
    }
    info->checkpoint_ns = ns_since(durable, &ticks);
    if (status == MAE_OK)
        status = scan_records(scan, replay_record, &replay);
    info->log_ns += ns_since(durable, &ticks);
    if (status == MAE_OK)
        status = replay_finish(&replay, tables, table_count);
    info->index_ns = ns_since(durable, &ticks);
    info->transactions = replay.records;
    info->lost = scan->cut_records;
    info->rows = replay.rows;
    info->entries = replay.entries_added;
    info->read_bytes = scan->read_bytes;
    replay_fini(&replay);
    return status;
}

/* D2: the horizon is moved on, then read. */
static uint64_t bound(void *arg)
{
    struct durable *durable = arg;
    pthread_mutex_lock(&durable->bound_lock);
    (void)upkeep_round(durable->worker, durable->last_wts);
    pthread_mutex_unlock(&durable->bound_lock);
    return atomic_load_explicit(&durable->core->horizon.min_wts, memory_order_acquire); /* ORD-2 */
}

/* snapshot=durable: from here on snapshots read no further than this. All that there is now has been restored. */
static _Atomic uint64_t *hold_snapshots(struct core *core)
{
    if (core->options.snapshot != SNAPSHOT_DURABLE)
        return NULL;
    uint64_t restored = atomic_load_explicit(&core->horizon.min_wts, memory_order_relaxed);
    atomic_store_explicit(&core->horizon.snapshots_below, restored, memory_order_relaxed); /* no worker has joined */
    return &core->horizon.snapshots_below;
}

static enum mae_status start_log(struct durable *durable, struct problem *problem)
{
    struct core *core = durable->core;
    const struct manifest *manifest = &durable->manifest;
    const struct manifest_life *life = &manifest->lives[manifest->life_count - 1];
    MAE_DCHECK(!core->log);
    MAE_DCHECK(life->start > durable->scan.highest_ts || MUTATED(clocks_not_raised)); /* D7 */
    struct log_config config = {
        .stream_count = durable->folders.count,
        .database = manifest->database,
        .life = life->number,
        .start_ts = life->start,
        .segment_bytes = core->options.log_segment_bytes,
        .buffer_bytes = core->options.log_buffer_bytes,
        .durability = core->options.durability,
        .uses_ring = core->options.log_io == LOG_IO_URING,
        .half_hour = timestamp_make(clock_of_hours(core, 0.5), 0),
        .budget = &core->budget,
        .snapshots_below = hold_snapshots(core),
        .bound = bound,
        .arg = durable,
    };
    for (unsigned i = 0; i < config.stream_count; i++)
        config.places[i] = (struct log_place){durable->folders.names[i], scan_next_segment(&durable->scan, i)};
    enum mae_status status = log_open(&config, &core->log);
    return status == MAE_IO ? problem_set(problem, status, "log_io=uring: io_uring can be used, but not once more")
                            : status;
}

static enum mae_status start_checkpoints(struct durable *durable)
{
    durable->checkpointer = (struct checkpointer){.core = durable->core,
                                                  .folders = &durable->folders,
                                                  .host = &durable->host,
                                                  .manifest = &durable->manifest,
                                                  .manifest_lock = &durable->manifest_lock,
                                                  .last_number = durable->manifest.checkpoint.number};
    for (unsigned i = 0; i < durable->folders.count; i++)
        durable->checkpointer.first_segments[i] = scan_next_segment(&durable->scan, i);
    durable->has_checkpointer = true;
    return checkpointer_open(&durable->checkpointer, durable->log_bytes);
}

/* Removes what a crash has left. */
static void tidy(const struct durable *durable)
{
    const struct manifest_checkpoint *checkpoint = &durable->manifest.checkpoint;
    uint64_t segments[STREAMS_MAX];
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        segments[i] = checkpoint->kept[i].segment;
    checkpointer_tidy(&durable->folders, checkpoint->number, 0, segments);
}

enum mae_status durable_restore(struct durable *durable, const struct durable_host *host, struct mae_worker *worker,
                                struct table *const *tables, size_t table_count, struct problem *problem)
{
    durable->worker = worker;
    durable->host = *host;
    enum mae_status status = MAE_OK;
    if (durable->info.lives > 0)
        status = restore(durable, tables, table_count, problem);
    worker_park(worker);
    if (status == MAE_OK)
        status = folders_join(&durable->folders, &durable->manifest, problem);
    if (status == MAE_OK)
        status = manifest_write(durable->folders.names[0], &durable->manifest, problem);
    if (status == MAE_OK) {
        tidy(durable);
        status = start_log(durable, problem);
    }
    if (status == MAE_OK)
        status = start_checkpoints(durable);
    scan_fini(&durable->scan);
    durable->scanning = false;
    durable->info.elapsed_ns =
        (uint64_t)((double)(tsc_now() - durable->start_ticks) * 1000 / durable->core->ticks_per_us);
    return status;
}

/* Says which commits are not on the disk. */
static enum mae_status end_log(struct log *log, struct problem *problem)
{
    enum mae_status status = log_end(log);
    if (status == MAE_OK)
        return MAE_OK;
    return problem_set(problem, status, "commits from timestamp %" PRIu64 " on %s: %s", bounds_all_synced(&log->bounds),
                       status == MAE_FULL ? "are lost" : "may be lost",
                       status == MAE_FULL ? "the log has no space" : log->bounds.problem);
}

enum mae_status durable_close(struct durable *durable, struct problem *problem)
{
    enum mae_status status = MAE_OK;
    if (durable->has_checkpointer)
        checkpointer_close(&durable->checkpointer);
    if (durable->core->log) {
        status = end_log(durable->core->log, problem);
        log_close(durable->core->log);
        durable->core->log = NULL;
    }
    if (durable->scanning)
        scan_fini(&durable->scan);
    folders_close(&durable->folders);
    manifest_fini(&durable->manifest);
    pthread_mutex_destroy(&durable->manifest_lock);
    pthread_mutex_destroy(&durable->bound_lock);
    free(durable);
    return status;
}

enum mae_status durable_create(struct durable *durable, struct manifest_object *object)
{
    struct problem problem;
    struct manifest *manifest = &durable->manifest;
    pthread_mutex_lock(&durable->manifest_lock);
    MAE_DCHECK(manifest->next_number <= PIECE_NUMBER_MAX);
    object->number = manifest->next_number++;
    enum mae_status status = manifest_add_object(manifest, object);
    if (status == MAE_OK) {
        status = manifest_write(durable->folders.names[0], manifest, &problem);
        manifest->object_count -= status != MAE_OK;
    }
    pthread_mutex_unlock(&durable->manifest_lock);
    return status;
}

enum mae_status durable_drop(struct durable *durable, uint64_t number)
{
    struct problem problem;
    struct manifest *manifest = &durable->manifest;
    enum mae_status status = MAE_NO_MEMORY;
    pthread_mutex_lock(&durable->manifest_lock);
    const size_t count = manifest->object_count;
    struct manifest_object *before = mem_alloc((count + 1) * sizeof *before);
    if (before) {
        manifest->object_count = 0;
        for (size_t i = 0; i < count; i++) {
            before[i] = manifest->objects[i];
            if (before[i].number != number && (before[i].kind == MANIFEST_TABLE || before[i].table != number))
                manifest->objects[manifest->object_count++] = before[i];
        }
        status = MUTATED(drop_unwritten) ? MAE_OK : manifest_write(durable->folders.names[0], manifest, &problem);
        if (status != MAE_OK) {
            memcpy(manifest->objects, before, count * sizeof *before);
            manifest->object_count = count;
        }
        free(before);
    }
    pthread_mutex_unlock(&durable->manifest_lock);
    return status;
}

enum mae_status durable_checkpoint(struct durable *durable)
{
    return checkpointer_run(&durable->checkpointer);
}

struct checkpointer *durable_checkpointer(struct durable *durable)
{
    return &durable->checkpointer;
}

enum mae_status durable_backup(struct durable *durable, const char *folder, struct problem *problem)
{
    return checkpointer_backup(&durable->checkpointer, folder, problem);
}

void durable_checkpoint_state(struct durable *durable, struct mae_log_state *state)
{
    struct checkpointer *checkpointer = &durable->checkpointer;
    pthread_mutex_lock(&checkpointer->lock);
    state->checkpoints = checkpointer->count;
    state->checkpoint_bytes = checkpointer->last_bytes;
    state->checkpoint_ns = checkpointer->last_ns;
    (void)snprintf(state->checkpoint_problem, sizeof state->checkpoint_problem, "%s", checkpointer->problem.text);
    pthread_mutex_unlock(&checkpointer->lock);
}

bool durable_survived(const struct durable *durable, uint64_t ts)
{
    const struct manifest *manifest = &durable->manifest;
    MAE_DCHECK(manifest->life_count > 0);
    size_t i = manifest->life_count - 1;
    if (ts >= manifest->lives[i].start)
        return true;
    while (i > 0 && ts < manifest->lives[i].start)
        i--;
    return ts < manifest->lives[i].cut;
}

void durable_info(const struct durable *durable, struct mae_recover_info *info)
{
    *info = durable->info;
}
