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

enum { MAPPED_MAX = 128 }; /* of the segments that have been left: each is an open file */

static const char pattern[] = "%s/log-%08" PRIu64;

void segment_path(const char *folder, uint64_t number, char *path)
{
    int bytes = snprintf(path, SEGMENT_PATH_BYTES, pattern, folder, number);
    MAE_CHECK(bytes > 0 && bytes < SEGMENT_PATH_BYTES);
}

bool segment_number(const char *name, uint64_t *number)
{
    char same[SEGMENT_PATH_BYTES];
    if (strncmp(name, "log-", 4) != 0)
        return false;
    *number = strtoull(name + 4, NULL, 10);
    segment_path("", *number, same);
    return strcmp(same + 1, name) == 0; /* otherwise two files could have one number */
}

void segments_init(struct segments *segments, const char *folder, uint64_t segment_bytes, uint64_t next_number)
{
    MAE_DCHECK(segment_bytes >= FILE_BLOCK_BYTES);
    memset(segments, 0, sizeof *segments);
    segments->folder = folder;
    segments->segment_bytes = segment_bytes / FILE_BLOCK_BYTES * FILE_BLOCK_BYTES;
    segments->next_number = next_number;
}

static void let_go(uint64_t segment_bytes, int file, char *memory)
{
    if (memory)
        file_calls->unmap(memory, segment_bytes);
    (void)file_calls->close(file);
}

/* Notes what failed; returns `result`. */
static int failed(struct segments *segments, const char *call, uint64_t number, int result)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(segments->folder, number, path);
    (void)snprintf(segments->problem, sizeof segments->problem, "%s of %s: %s", call, path, strerror(-result));
    return result;
}

/* Makes an array longer. */
static bool grow(void **array, size_t element_bytes, size_t *capacity)
{
    enum { FIRST = 4 };
    void *grown = mem_double(*array, capacity, FIRST, element_bytes);
    if (grown)
        *array = grown;
    return grown != NULL;
}

/* In both lists: a segment that is made will be used. */
static bool has_place(struct segments *segments)
{
    void *made = segments->made, *used = segments->used;
    bool has = segments->count < segments->capacity || grow(&made, sizeof *segments->made, &segments->capacity);
    segments->made = made;
    has = has && (segments->used_count + segments->count < segments->used_capacity ||
                  grow(&used, sizeof *segments->used, &segments->used_capacity));
    segments->used = used;
    return has;
}

static void forget_released(struct segments *segments)
{
    segments->mapped -= segments->used[0].memory != NULL;
    segments->superfluous -= segments->superfluous > 0;
    segments->released--;
    segments->used_count--;
    memmove(segments->used, segments->used + 1, segments->used_count * sizeof *segments->used);
}

/* Opens the file, which is a new one or that of a released segment. It is open already if it is mapped. */
static int open_file(struct segment_making *making, const char *path)
{
    struct segment *segment = &making->segment;
    if (making->again) {
        char old[SEGMENT_PATH_BYTES];
        segment_path(making->folder, making->released, old);
        int result = file_calls->rename(old, path);
        if (result < 0)
            return result;
        making->taken = true;
    }
    if (segment->memory)
        return 0;
    segment->file = file_calls->open(path, FILE_WRITE | FILE_CREATE | FILE_BLOCKS);
    if (segment->file >= 0 && making->again)
        segment->memory = file_calls->map(segment->file, making->segment_bytes);
    return segment->file < 0 ? segment->file : 0;
}

/* Allocates the file, unless that was done for the segment that it has been, and makes it certain that its folder has
 * it. */
static int make_certain(struct segment_making *making, const char *path)
{
    const int file = making->segment.file;
    making->call = "allocation";
    int result = making->again ? 0 : file_calls->reserve(file, making->segment_bytes);
    if (result == -EDQUOT || result == -ENOSPC)
        (void)file_calls->remove(path); /* gives back the part that there was space for */
    if (result < 0)
        return result;
    making->call = "sync";
    result = file_calls->sync(file);
    if (result < 0)
        return result;
    making->call = "sync of the folder";
    return MUTATED(folder_not_synced) ? 0 : file_calls->sync_folder(making->folder);
}

/* On whatever thread: it uses nothing of `segments`, which goes on. */
static void make_file(void *arg)
{
    struct segment_making *making = arg;
    char path[SEGMENT_PATH_BYTES];
    segment_path(making->folder, making->segment.number, path);
    making->call = "creation";
    making->result = open_file(making, path);
    if (making->result < 0)
        return;
    making->result = make_certain(making, path);
    if (making->result < 0)
        let_go(making->segment_bytes, making->segment.file, making->segment.memory);
}

/* False: there is no memory. */
static bool begin_making(struct segments *segments)
{
    if (!has_place(segments))
        return false;
    struct segment_making *making = &segments->making;
    *making = (struct segment_making){.folder = segments->folder,
                                      .segment_bytes = segments->segment_bytes,
                                      .segment.number = segments->next_number,
                                      .again = segments->released > 0};
    if (making->again) {
        making->released = segments->used[0].number;
        making->segment.file = segments->used[0].file;
        making->segment.memory = segments->used[0].memory;
    }
    return true;
}

static int end_making(struct segments *segments)
{
    const struct segment_making *making = &segments->making;
    const int result = making->result;
    segments->is_making = false;
    if (making->taken) {
        forget_released(segments);
        segments->reused++;
    }
    segments->lacks_space = result == -ENOSPC || result == -EDQUOT;
    if (segments->lacks_space)
        return -ENOSPC;
    if (result < 0)
        return failed(segments, making->call, making->segment.number, result);
    segments->next_number++;
    segments->made[segments->count++] = making->segment;
    return 0;
}

void segments_fini(struct segments *segments)
{
    if (segments->is_making) {
        errand_await(segments->errand);
        (void)end_making(segments); /* the next start of the database removes what nothing stands in */
    }
    for (size_t i = 0; i < segments->count; i++)
        let_go(segments->segment_bytes, segments->made[i].file, segments->made[i].memory);
    for (size_t i = 0; i < segments->used_count; i++)
        if (segments->used[i].memory)
            let_go(segments->segment_bytes, segments->used[i].file, segments->used[i].memory);
    free(segments->made);
    free(segments->used);
}

int segments_make_room(struct segments *segments, uint64_t bytes)
{
    MAE_DCHECK(segments->offset % FILE_BLOCK_BYTES == 0);
    uint64_t room = segments->count * segments->segment_bytes - segments->offset;
    for (int result; room < bytes; room += segments->segment_bytes) {
        if (!segments->is_making && !begin_making(segments))
            return -ENOSPC;
        if (!segments->is_making)
            make_file(&segments->making);
        else if (!MUTATED(segment_unawaited))
            errand_await(segments->errand);
        if ((result = end_making(segments)) < 0)
            return result;
    }
    return 0;
}

int segments_prepare(struct segments *segments)
{
    if (!segments->is_making) {
        bool soon = segments->count == 1 && segments->offset >= segments->segment_bytes / 2;
        if (!soon || segments->lacks_space || !begin_making(segments))
            return 0;
        segments->is_making = true;
        errand_give(segments->errand, make_file, &segments->making);
    }
    if (!errand_is_over(segments->errand))
        return 0;
    int result = end_making(segments);
    return result == -ENOSPC ? 0 : result;
}

size_t segments_left(const struct segments *segments)
{
    MAE_DCHECK(segments->count > 0 && segments->offset < segments->segment_bytes);
    return (size_t)(segments->segment_bytes - segments->offset);
}

bool segments_are_mapped(const struct segments *segments)
{
    MAE_DCHECK(segments->count > 0 && segments->offset < segments->segment_bytes);
    return segments->made[0].memory != NULL;
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

void segments_note_block(struct segments *segments, uint64_t block, uint64_t flush)
{
    if (segments->offset > 0)
        return;
    MAE_DCHECK(segments->count > 0 && segments->used_count < segments->used_capacity);
    segments->used[segments->used_count++] = (struct segment_used){
        .number = segments->made[0].number, .block = block, .flush = flush, .highest_ts = UINT64_MAX};
}

/* The first segment is full. It is synced here, since nobody comes back to it. */
static int leave_first(struct segments *segments, uint64_t highest_ts)
{
    MAE_DCHECK(segments->count > 0 && segments->offset == segments->segment_bytes);
    int result = segments_sync(segments);
    if (result < 0)
        return result;
    MAE_DCHECK(segments->used[segments->used_count - 1].number == segments->made[0].number);
    struct segment_used *used = &segments->used[segments->used_count - 1];
    used->highest_ts = highest_ts;
    if (segments->made[0].memory && segments->mapped < MAPPED_MAX) {
        used->file = segments->made[0].file;
        used->memory = segments->made[0].memory;
        segments->mapped++;
    } else {
        let_go(segments->segment_bytes, segments->made[0].file, segments->made[0].memory);
    }
    segments->count--;
    segments->offset = 0;
    memmove(segments->made, segments->made + 1, segments->count * sizeof *segments->made);
    return 0;
}

int segments_write(struct segments *segments, const void *data, size_t bytes, uint64_t highest_ts, bool sync)
{
    MAE_DCHECK(bytes <= segments_left(segments) && bytes % FILE_BLOCK_BYTES == 0);
    const int file = segments->made[0].file;
    const bool is_mapped = segments_are_mapped(segments), both = sync && segments->ring && !is_mapped;
    int result = 0;
    if (is_mapped)
        mem_copy_out(segments->made[0].memory + segments->offset, data, bytes);
    else if (both && !MUTATED(ring_sync_skipped))
        result = file_calls->write_sync(segments->ring, file, data, bytes, segments->offset);
    else
        result = file_calls->write(file, data, bytes, segments->offset);
    if (result < 0)
        return failed(segments, both ? "write and sync" : "write", segments->made[0].number, result);
    segments->unsynced = !both;
    segments->offset += bytes;
    return segments->offset == segments->segment_bytes ? leave_first(segments, highest_ts) : 0;
}

const struct segment_used *segments_needed(const struct segments *segments, uint64_t start_ts, uint64_t synced_flush)
{
    if (segments->used_count == 0)
        return NULL;
    const struct segment_used *needed = segments->used, *last = needed + segments->used_count - 1;
    while (needed < last && needed->highest_ts < start_ts && needed[1].flush <= synced_flush)
        needed++;
    return needed;
}

void segments_release(struct segments *segments, uint64_t number)
{
    const size_t left_over = segments->released;
    while (segments->released < segments->used_count && segments->used[segments->released].number < number)
        segments->released++;
    if (segments->released > left_over)
        segments->superfluous = left_over / 2;
    if (segments->superfluous == 0 || segments->is_making) /* the first one may be getting another name */
        return;
    char path[SEGMENT_PATH_BYTES];
    segment_path(segments->folder, segments->used[0].number, path);
    (void)file_calls->remove(path); /* if that fails, the next start of the database removes it */
    if (segments->used[0].memory)
        let_go(segments->segment_bytes, segments->used[0].file, segments->used[0].memory);
    forget_released(segments);
}
