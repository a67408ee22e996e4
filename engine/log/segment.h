/*
 * segment.h - the files of a stream of the log, in which blocks are appended.
 *
 * A segment is allocated, and certainly in its folder, before the first block goes there. So a full disk is met only
 * when a segment is made, and then nothing is lost: the log waits for space. An error of a write or a sync is final.
 * A segment is filled to its last byte before the next one is begun. The next one is made while the last is filled, by
 * a thread of its own: giving a file its name and syncing the folder takes milliseconds. A database that never fills
 * half a segment has only one. One thread at a time.
 *
 * A segment that a checkpoint has made superfluous is released (DURABLE.md, D11). Then its file serves for a later
 * segment, under that one's name: its space is allocated, and where files are in memory it need not be cleared again.
 * What stands in it does no harm, since no block's number comes twice in a life of the stream. A log that goes from
 * checkpoint to checkpoint needs as many files each time. So files go only when the last release has left them over,
 * and half of them at a time.
 *
 * Where files are in memory, a file that serves again is mapped, and stays so until the log ends. Then a block is
 * copied there past the caches, which is the workers' gain: nobody reads the log, and written through the caches it
 * would drive out what they hold. A new file is written to: the system need not clear a page that it fills.
 */
#ifndef ENGINE_LOG_SEGMENT_H
#define ENGINE_LOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/errand.h"

enum { SEGMENT_PATH_BYTES = 4200 };

/* The name of a segment, and its number from the name; false: the name is none. */
void segment_path(const char *folder, uint64_t number, char *path);
bool segment_number(const char *name, uint64_t *number);

struct segment {
    int file;
    uint64_t number;
    char *memory; /* the file mapped, or NULL */
};

/* A segment that has been written to in this life of the database. */
struct segment_used {
    uint64_t number;
    uint64_t block;      /* the first block in it */
    uint64_t flush;      /* the first flush that begins in it, or in a later one */
    uint64_t highest_ts; /* no record that begins in it or before is above. UINT64_MAX while it is written */
    int file;            /* open, if it is mapped, which it then stays: */
    char *memory;
};

/* What is to be kept of a stream of this life (D11). */
struct log_kept {
    uint64_t bound;                 /* the highest that is certainly on the disk */
    uint64_t segment, block, flush; /* as struct segment_used: the first that is needed */
};

/* A segment that is being made, perhaps by another thread, which uses nothing else. */
struct segment_making {
    const char *folder;
    uint64_t segment_bytes;
    struct segment segment;
    bool again;        /* in the file of the released segment with this number: */
    uint64_t released; /* the first of `used` */
    bool taken;        /* that file has the new name */
    int result;        /* 0 or a negative errno, of this call: */
    const char *call;
};

struct segments {
    const char *folder;
    uint64_t segment_bytes, next_number;
    struct segment *made; /* the first is the one that is written, the others are empty */
    size_t count, capacity;
    struct segment_used *used; /* in the order in which they were written; the first `released` of them may go */
    size_t used_count, used_capacity, released;
    size_t superfluous; /* of the released ones: those that are to be removed */
    size_t mapped;      /* of `used` */
    uint64_t offset;    /* in the first of `made` */
    bool unsynced;
    struct segment_making making;           /* the next one, while */
    bool is_making;                         /* `errand` does it */
    bool lacks_space;                       /* there was none for the last one that was to be made */
    struct errand *errand;                  /* for segments_prepare. The owner's */
    struct file_ring *ring;                 /* NULL: writes and syncs are single calls. The owner's */
    uint64_t reused;                        /* files of released segments */
    char problem[SEGMENT_PATH_BYTES + 100]; /* what failed */
};

void segments_init(struct segments *segments, const char *folder, uint64_t segment_bytes, uint64_t next_number);
void segments_fini(struct segments *segments);

/* These return 0 or a negative errno. segments_make_room sees to it that `bytes` can be written; -ENOSPC, which
 * includes other reasons why there is no space or memory now: nothing has happened, and it may be tried again. */
int segments_make_room(struct segments *segments, uint64_t bytes);
/* Has the next segment made by `errand`, from when the last one is half full, so that the log need not wait for it. To
 * be called from time to time. 0 also if there is no space: then segments_make_room asks for it when it is needed. */
int segments_prepare(struct segments *segments);
/* How many bytes the next write may have. */
size_t segments_left(const struct segments *segments);
/* Whether the next write is a copy into mapped memory, and no call of the system. */
bool segments_are_mapped(const struct segments *segments);
/* A block with this number comes next. `flush`: the first flush that begins with this block or a later one. */
void segments_note_block(struct segments *segments, uint64_t block, uint64_t flush);
/* highest_ts: no record that has been written so far, or is being written, is above. `sync`: segments_sync comes next,
 * so with a ring it is done here. */
int segments_write(struct segments *segments, const void *data, size_t bytes, uint64_t highest_ts, bool sync);
int segments_sync(struct segments *segments);

/* The first segment that is needed once all records below start_ts may go, so that what is kept has the end of a flush
 * up to synced_flush, unless it has everything. NULL: none has been written to. */
const struct segment_used *segments_needed(const struct segments *segments, uint64_t start_ts, uint64_t synced_flush);
/* Segments with smaller numbers may go. Removes one file at most, since that takes a while; others serve again. */
void segments_release(struct segments *segments, uint64_t number);

#endif
