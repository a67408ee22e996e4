/* backup.c - see backup.h. */
#include "engine/durable/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/tsc.h"
#include "engine/durable/checkpoint.h"
#include "engine/durable/scan.h"
#include "engine/log/segment.h"

enum { COPY_SEGMENT = 1 }; /* of the first stream; the others follow */

uint64_t backup_identity(void)
{
    uint64_t database;
    return getrandom(&database, sizeof database, 0) == (ssize_t)sizeof database ? database : tsc_now();
}

static void look_at(void *arg, const char *name)
{
    uint64_t number;
    *(bool *)arg |= strcmp(name, "manifest") == 0 || segment_number(name, &number) || checkpoint_number(name, &number);
}

enum mae_status backup_begin(const char *folder, struct problem *problem)
{
    bool found = false;
    if (strlen(folder) > SEGMENT_PATH_BYTES - 100)
        return problem_set(problem, MAE_INVALID, "the name of the folder is too long");
    int result = file_calls->make_folder(folder);
    if (result == 0)
        result = file_calls->list(folder, look_at, &found);
    if (result < 0)
        return problem_set(problem, problem_status(result), "%s cannot be made or listed: %s", folder,
                           strerror(-result));
    return found ? problem_set(problem, MAE_EXISTS, "%s has a database already, or a part of one", folder) : MAE_OK;
}

struct copy {
    const char *folder;
    uint64_t database, bytes;
    unsigned stream;                      /* the one that is copied */
    const struct manifest_checkpoint *of; /* which goes with the log */
    int file;                             /* -1: not made yet */
    struct block *block;
    struct problem *problem;
    bool done;
};

static enum mae_status cannot(const struct copy *copy, const char *what, int result)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(copy->folder, COPY_SEGMENT + copy->stream, path);
    return problem_set(copy->problem, problem_status(result), "%s of %s: %s", what, path, strerror(-result));
}

/* Ends with MAE_EXISTS when all has been copied. */
static enum mae_status copy_block(void *arg, const struct block *block)
{
    struct copy *copy = arg;
    size_t bytes = padded(block->bytes, FILE_BLOCK_BYTES);
    memset((char *)copy->block + block->bytes, 0, bytes - block->bytes);
    memcpy(copy->block, block, block->bytes);
    if (!MUTATED(backup_keeps_identity))
        copy->block->database = copy->database;
    if (!MUTATED(copy_promises_others))
        copy->block->all_synced = 0; /* another stream's copy may end before what it had on the disk by then */
    block_seal(copy->block);
    int result = file_calls->write(copy->file, copy->block, bytes, copy->bytes);
    if (result < 0)
        return cannot(copy, "write", result);
    copy->bytes += bytes;
    copy->done = block->is_last && (block->bound >= copy->of->kept[copy->stream].bound || MUTATED(copy_cut_short));
    return copy->done ? MAE_EXISTS : MAE_OK;
}

static enum mae_status copy_stream(struct copy *copy, struct scan *scan, uint64_t start)
{
    char path[SEGMENT_PATH_BYTES];
    const uint64_t bound = copy->of->kept[copy->stream].bound;
    segment_path(copy->folder, COPY_SEGMENT + copy->stream, path);
    copy->done = false;
    copy->bytes = 0;
    copy->file = file_calls->open(path, FILE_WRITE | FILE_CREATE | FILE_BLOCKS);
    if (copy->file < 0)
        return cannot(copy, "creation", copy->file);
    enum mae_status status = scan_blocks(scan, copy->stream, copy_block, copy);
    if (status == MAE_OK && bound > start)
        status = problem_set(copy->problem, MAE_CORRUPT, "%s: the log ends before %" PRIu64 ", which was on the disk",
                             scan->folders[copy->stream], bound);
    bool whole = status == MAE_OK || copy->done;
    int result = whole && !MUTATED(copy_not_synced) ? file_calls->sync(copy->file) : 0;
    (void)file_calls->close(copy->file);
    if (result < 0)
        return cannot(copy, "sync", result);
    return copy->done ? MAE_OK : status;
}

static enum mae_status copy_log(struct copy *copy, const char *const *from, unsigned from_count,
                                const struct manifest *manifest)
{
    struct scan scan;
    const struct manifest_life *life = &manifest->lives[manifest->life_count - 1];
    enum mae_status status = scan_init(&scan, from, from_count, manifest, copy->problem);
    for (copy->stream = 0; copy->stream < life->streams && status == MAE_OK; copy->stream++)
        status = copy_stream(copy, &scan, life->start);
    scan_fini(&scan);
    return status;
}

enum mae_status backup_end(const char *folder, uint64_t database, const char *const *from, unsigned from_count,
                           const struct manifest *from_manifest, const struct manifest_checkpoint *checkpoint,
                           struct problem *problem)
{
    struct manifest manifest = *from_manifest; /* its arrays are only read */
    struct copy copy = {.folder = folder, .database = database, .of = checkpoint, .problem = problem};
    copy.block = aligned_alloc(FILE_BLOCK_BYTES, BLOCK_MAX_BYTES);
    if (!copy.block)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for a block of the log");
    manifest.checkpoint = *checkpoint;
    enum mae_status status = copy_log(&copy, from, from_count, &manifest);
    free(copy.block);
    if (status != MAE_OK)
        return status;
    manifest.database = database;
    manifest.folder_count = 1;
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        manifest.checkpoint.kept[i].segment = COPY_SEGMENT;
    return manifest_write(folder, &manifest, problem);
}

void backup_undo(const char *folder, const struct manifest_checkpoint *checkpoint)
{
    char path[SEGMENT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/manifest", folder);
    (void)file_calls->remove(path); /* first, so that it never names what is gone */
    (void)file_calls->sync_folder(folder);
    for (unsigned i = 0; i < STREAMS_MAX; i++) {
        segment_path(folder, COPY_SEGMENT + i, path);
        if (file_calls->remove(path) < 0)
            break;
    }
    checkpoint_path(folder, checkpoint->number, path);
    (void)file_calls->remove(path);
}
