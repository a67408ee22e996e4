/*
 * segment.h - the files of the log, in which blocks are appended.
 *
 * A segment is allocated, and certainly in its folder, before the first block goes there. So a full disk is met only
 * when a segment is made, and then nothing is lost: the log waits for space. An error of a write or a sync is final.
 * A segment is filled to its last byte before the next one is begun. One thread at a time.
 */
#ifndef ENGINE_LOG_SEGMENT_H
#define ENGINE_LOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEGMENT_PATH_BYTES = 4200 };

/* The name of a segment, and its number from the name; false: the name is none. */
void segment_path(const char *folder, uint64_t number, char *path);
bool segment_number(const char *name, uint64_t *number);

struct segment {
    int file;
    uint64_t number;
};

struct segments {
    const char *folder;
    uint64_t segment_bytes, next_number;
    struct segment *made; /* the first is the one that is written, the others are empty */
    size_t count, capacity;
    uint64_t offset; /* in the first */
    bool unsynced;
    char problem[SEGMENT_PATH_BYTES + 100]; /* what failed */
};

void segments_init(struct segments *segments, const char *folder, uint64_t segment_bytes, uint64_t next_number);
void segments_fini(struct segments *segments);

/* These return 0 or a negative errno. segments_make_room sees to it that `bytes` can be written; -ENOSPC, which
 * includes other reasons why there is no space or memory now: nothing has happened, and it may be tried again. */
int segments_make_room(struct segments *segments, uint64_t bytes);
/* How many bytes the next write may have. */
size_t segments_left(const struct segments *segments);
int segments_write(struct segments *segments, const void *data, size_t bytes);
int segments_sync(struct segments *segments);

#endif
