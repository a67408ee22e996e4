/*
 * file.h - every call that the engine makes on files, in one table.
 *
 * `file_calls` leads to the system's calls. Tests put a simulated disk in their place (tests/support/disk.h), which
 * fails, loses and tears what a real disk may. So nothing else in the engine opens, writes or syncs a file.
 *
 * All calls return a negative errno when they fail. Any thread may make them; what happens when two threads use one
 * file at once is the caller's affair. What a crash may leave behind:
 *     write, reserve      is certain only after `sync` of the file; before, any part of it may be there, in any order
 *     create, rename,     are certain only after `sync_folder` of their folder
 *     remove
 */
#ifndef ENGINE_BASE_FILE_H
#define ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files that are opened with FILE_BLOCKS are read and written in multiples of this, at multiples of this, from memory
 * at multiples of this. They pass the page cache by where the file system lets them. */
enum { FILE_BLOCK_BYTES = 4096 };

enum file_mode {
    FILE_READ = 0,
    FILE_WRITE = 1,  /* read and write */
    FILE_CREATE = 2, /* with FILE_WRITE: makes the file if there is none */
    FILE_BLOCKS = 4
};

struct file_ring; /* of one thread: ring.h */

struct file_calls {
    int (*open)(const char *path, unsigned mode); /* the file's number */
    int (*close)(int file);
    int (*write)(int file, const void *data, size_t bytes, uint64_t offset); /* all of it, else it has failed */
    int64_t (*read)(int file, void *data, size_t bytes, uint64_t offset);    /* how many bytes; fewer at the end */
    int64_t (*size)(int file);
    /* Makes the file `bytes` long and allocates its space, so that no later write lacks space. */
    int (*reserve)(int file, uint64_t bytes);
    int (*sync)(int file);
    /* Writes, then syncs: both are given to the system at once. */
    int (*write_sync)(struct file_ring *ring, int file, const void *data, size_t bytes, uint64_t offset);
    int (*ring_open)(struct file_ring **ring); /* -EPERM, -ENOSYS and others: the system does not let us */
    void (*ring_close)(struct file_ring *ring);
    int (*lock)(int file); /* until it is closed; -EWOULDBLOCK: another process has it */
    int (*rename)(const char *from, const char *to);
    int (*remove)(const char *path);
    int (*make_folder)(const char *path); /* 0 also if there is one; then it is certain */
    int (*sync_folder)(const char *path);
    int (*list)(const char *folder, void (*visit)(void *arg, const char *name), void *arg); /* in any order */
    int (*is_lasting)(const char *folder); /* 0: its file system is in memory and survives no restart */
    /* The reserved `bytes` of a file whose file system is in memory, as memory of this process, until `unmap`: what is
     * stored there is written. NULL: they cannot be had so. Nobody may make the file shorter meanwhile. */
    void *(*map)(int file, uint64_t bytes);
    void (*unmap)(void *memory, uint64_t bytes);
};

extern const struct file_calls *file_calls;

/* The table of the system's calls. */
extern const struct file_calls file_calls_system;

#endif
