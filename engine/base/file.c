/* file.c - see file.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/ring.h"

static int result_of(int result)
{
    return result < 0 ? -errno : result;
}

/* A sync that a signal has interrupted has not failed. It is made again, which ends, since signals do; those of a timer
 * may not, so the log's threads take none (thread.h). */
static int sync_whole(int file, int (*sync)(int file))
{
    int result;
    do
        result = sync(file);
    while (result < 0 && errno == EINTR);
    return result_of(result);
}

static int file_open(const char *path, unsigned mode)
{
    int flags = (mode & FILE_WRITE ? O_RDWR : O_RDONLY) | (mode & FILE_CREATE ? O_CREAT : 0) | O_CLOEXEC;
    int file = -1;
    if (mode & FILE_BLOCKS)
        file = open(path, flags | O_DIRECT, 0666);
    if (file < 0 && (!(mode & FILE_BLOCKS) || errno == EINVAL)) /* EINVAL: the file system has no direct access */
        file = open(path, flags, 0666);
    return result_of(file);
}

static int file_close(int file)
{
    return result_of(close(file));
}

static int file_write(int file, const void *data, size_t bytes, uint64_t offset)
{
    for (const char *at = data; bytes > 0;) {
        ssize_t written = pwrite(file, at, bytes, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        at += written;
        bytes -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

static int64_t file_read(int file, void *data, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(file, (char *)data + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        done += (size_t)got;
        if (got == 0 || done % FILE_BLOCK_BYTES != 0) /* the end; direct access cannot go on from within a block */
            break;
    }
    return (int64_t)done;
}

static int64_t file_size(int file)
{
    struct stat status;
    return fstat(file, &status) < 0 ? -errno : (int64_t)status.st_size;
}

/* For file systems that cannot allocate: writes zeros. */
static int fill(int file, uint64_t bytes)
{
    enum { PART_BYTES = 1 << 20 };
    void *zeros = aligned_alloc(FILE_BLOCK_BYTES, PART_BYTES);
    if (!zeros)
        return -ENOMEM;
    for (size_t i = 0; i < PART_BYTES; i++)
        ((char *)zeros)[i] = 0;
    int result = 0;
    for (uint64_t at = 0; at < bytes && result == 0; at += PART_BYTES)
        result = file_write(file, zeros, bytes - at < PART_BYTES ? (size_t)(bytes - at) : PART_BYTES, at);
    free(zeros);
    return result;
}

static int file_reserve(int file, uint64_t bytes)
{
    int result;
    do
        result = fallocate(file, 0, 0, (off_t)bytes);
    while (result < 0 && errno == EINTR); /* ends: as above */
    return result < 0 && errno == EOPNOTSUPP ? fill(file, bytes) : result_of(result);
}

static int file_sync(int file)
{
    return sync_whole(file, fdatasync);
}

static int file_write_sync(struct file_ring *ring, int file, const void *data, size_t bytes, uint64_t offset)
{
    int result = bytes <= INT32_MAX ? ring_write_sync(ring, file, data, (uint32_t)bytes, offset) : -EAGAIN;
    if (result != -EAGAIN)
        return result;
    result = file_write(file, data, bytes, offset);
    return result == 0 ? file_sync(file) : result;
}

static int file_lock(int file)
{
    return result_of(flock(file, LOCK_EX | LOCK_NB));
}

static int file_rename(const char *from, const char *to)
{
    return result_of(rename(from, to));
}

static int file_remove(const char *path)
{
    return result_of(unlink(path));
}

static int file_sync_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int result = sync_whole(folder, fsync);
    (void)close(folder);
    return result;
}

static int sync_parent(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int result = file_sync_folder(dirname(copy));
    free(copy);
    return result;
}

static int file_make_folder(const char *path)
{
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return sync_parent(path);
    int reason = errno;
    return reason == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? 0 : -reason;
}

static int file_list(const char *path, void (*visit)(void *arg, const char *name), void *arg)
{
    DIR *folder = opendir(path);
    if (!folder)
        return -errno;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL)
        visit(arg, entry->d_name);
    int reason = errno;
    (void)closedir(folder);
    return -reason;
}

static bool is_in_memory(const struct statfs *status)
{
    return status->f_type == TMPFS_MAGIC || status->f_type == RAMFS_MAGIC;
}

static int file_is_lasting(const char *path)
{
    struct statfs status;
    if (statfs(path, &status) < 0)
        return -errno;
    return !is_in_memory(&status);
}

static void *file_map(int file, uint64_t bytes)
{
    struct statfs status;
    if (fstatfs(file, &status) < 0 || !is_in_memory(&status))
        return NULL;
    /* The pages that are there are mapped at once. One by one, each would take an exception. */
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void file_unmap(void *memory, uint64_t bytes)
{
    (void)munmap(memory, bytes);
}

const struct file_calls file_calls_system = {
    .open = file_open,
    .close = file_close,
    .write = file_write,
    .read = file_read,
    .size = file_size,
    .reserve = file_reserve,
    .sync = file_sync,
    .write_sync = file_write_sync,
    .ring_open = ring_open,
    .ring_close = ring_close,
    .lock = file_lock,
    .rename = file_rename,
    .remove = file_remove,
    .make_folder = file_make_folder,
    .sync_folder = file_sync_folder,
    .list = file_list,
    .is_lasting = file_is_lasting,
    .map = file_map,
    .unmap = file_unmap,
};

const struct file_calls *file_calls = &file_calls_system;
