/*
 * ring.h - a write and a sync given to the system at once, by io_uring (Linux 5.6 and later).
 *
 * The two are linked: the sync begins when the write has ended well. It is asked for by system calls, without a
 * library. One thread at a time. Many containers forbid io_uring; then ring_open says so.
 * Checked by: tests/unit/base/ring.c.   Not here: who asks for it (file.h).
 */
#ifndef ENGINE_BASE_RING_H
#define ENGINE_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct file_ring;

/* 0 or a negative errno, such as -EPERM and -ENOSYS. */
int ring_open(struct file_ring **opened);
void ring_close(struct file_ring *ring);

/* Writes all bytes, and then syncs the file's data. 0 or a negative errno; -EAGAIN: it is to be done again by plain
 * calls, since a part has been written, or nothing, or the sync has come too early. No sync has failed then. */
int ring_write_sync(struct file_ring *ring, int file, const void *data, uint32_t bytes, uint64_t offset);

#endif
