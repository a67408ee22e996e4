/* segment.c - see segment.h. */
#include "engine/log/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

static const char pattern[] = "%s/log-%08" PRIu64;

void segment_path(const char *folder, uint64_t number, char *path)
{
    int bytes = snprintf(path, SEGMENT_PATH_BYTES, pattern, folder, number);
    MAE_CHECK(bytes > 0 && bytes < SEGMENT_PATH_BYTES);
}

bool segment_number(const char *name, uint64_t *number)
{
    char *end;
    if (strncmp(name, "log-", 4) != 0 || name[4] < '0' || name[4] > '9')
        return false;
    *number = strtoull(name + 4, &end, 10);
    return *end == '\0';
}

void segments_init(struct segments *segments, const char *folder, uint64_t segment_bytes, uint64_t next_number)
{
    MAE_DCHECK(segment_bytes >= FILE_BLOCK_BYTES);
    memset(segments, 0, sizeof *segments);
    segments->folder = folder;
    segments->segment_bytes = segment_bytes / FILE_BLOCK_BYTES * FILE_BLOCK_BYTES;
    segments->next_number = next_number;
}

void segments_fini(struct segments *segments)
{
    for (size_t i = 0; i < segments->count; i++)
        (void)file_calls->close(segments->made[i].file);
    free(segments->made);
}

/* Notes what failed; returns `result`. */
static int failed(struct segments *segments, const char *call, uint64_t number, int result)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(segments->folder, number, path);
    (void)snprintf(segments->problem, sizeof segments->problem, "%s of %s: %s", call, path, strerror(-result));
    return result;
}

/* Allocates the file, and makes it certain that its folder has it. */
static int prepare(struct segments *segments, const char *path, int file, uint64_t number)
{
    int result = file_calls->reserve(file, segments->segment_bytes);
    if (result == -EDQUOT || result == -ENOSPC) {
        (void)file_calls->remove(path); /* gives back the part that there was space for */
        return -ENOSPC;
    }
    if (result < 0)
        return failed(segments, "allocation", number, result);
    result = file_calls->sync(file);
    if (result < 0)
        return failed(segments, "sync", number, result);
    result = MUTATED(folder_not_synced) ? 0 : file_calls->sync_folder(segments->folder);
    return result < 0 ? failed(segments, "sync of the folder", number, result) : 0;
}

static bool has_place(struct segments *segments)
{
    if (segments->count < segments->capacity)
        return true;
    size_t larger = segments->capacity ? 2 * segments->capacity : 4;
    struct segment *made = mem_realloc(segments->made, segments->capacity * sizeof *made, larger * sizeof *made);
    if (!made)
        return false;
    segments->made = made;
    segments->capacity = larger;
    return true;
}

static int make(struct segments *segments)
{
    char path[SEGMENT_PATH_BYTES];
    uint64_t number = segments->next_number;
    if (!has_place(segments))
        return -ENOSPC;
    segment_path(segments->folder, number, path);
    int file = file_calls->open(path, FILE_WRITE | FILE_CREATE | FILE_BLOCKS);
    if (file == -ENOSPC || file == -EDQUOT)
        return -ENOSPC;
    if (file < 0)
        return failed(segments, "creation", number, file);
    int result = prepare(segments, path, file, number);
    if (result < 0) {
        (void)file_calls->close(file);
        return result;
    }
    segments->next_number++;
    segments->made[segments->count++] = (struct segment){.file = file, .number = number};
    return 0;
}

int segments_make_room(struct segments *segments, uint64_t bytes)
{
    MAE_DCHECK(segments->offset % FILE_BLOCK_BYTES == 0);
    uint64_t room = segments->count * segments->segment_bytes - segments->offset;
    for (int result; room < bytes; room += segments->segment_bytes)
        if ((result = make(segments)) < 0)
            return result;
    return 0;
}

size_t segments_left(const struct segments *segments)
{
    MAE_DCHECK(segments->count > 0 && segments->offset < segments->segment_bytes);
    return (size_t)(segments->segment_bytes - segments->offset);
}

int segments_sync(struct segments *segments)
{
    if (!segments->unsynced)
        return 0;
    int result = file_calls->sync(segments->made[0].file);
    if (result < 0)
        return failed(segments, "sync", segments->made[0].number, result);
    segments->unsynced = false;
    return 0;
}

/* The first segment is full. It is synced here, since nobody comes back to it. */
static int leave_first(struct segments *segments)
{
    MAE_DCHECK(segments->count > 0 && segments->offset == segments->segment_bytes);
    int result = segments_sync(segments);
    if (result < 0)
        return result;
    (void)file_calls->close(segments->made[0].file);
    segments->count--;
    segments->offset = 0;
    memmove(segments->made, segments->made + 1, segments->count * sizeof *segments->made);
    return 0;
}

int segments_write(struct segments *segments, const void *data, size_t bytes)
{
    MAE_DCHECK(bytes <= segments_left(segments) && bytes % FILE_BLOCK_BYTES == 0);
    int result = file_calls->write(segments->made[0].file, data, bytes, segments->offset);
    if (result < 0)
        return failed(segments, "write", segments->made[0].number, result);
    segments->unsynced = true;
    segments->offset += bytes;
    return segments->offset == segments->segment_bytes ? leave_first(segments) : 0;
}
