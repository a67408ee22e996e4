/*
 * disk_speed.h - how fast a disk takes what the log writes: `maemio doctor --log-dir`.
 *
 * The log is written by one thread: blocks at multiples of 4 KiB, past the page cache where the file system lets them,
 * into segments that are allocated before, and a sync behind what has come together. So are these measurements, by the
 * same calls (engine/base/file.h). They are what a log can reach: a durable commit waits for two flushes at most, and
 * no log is written faster than one after the other.
 * Checked by: tests/unit/harness/machine/disk_speed.c.
 */
#ifndef HARNESS_MACHINE_DISK_SPEED_H
#define HARNESS_MACHINE_DISK_SPEED_H

#include "engine/base/file.h"
#include "harness/common/support.h"

/* A segment as the log has by default, the largest block, and how much of them a flush has that is as long as the log's
 * longest sleep between two. */
enum { DISK_SEGMENT_BYTES = 64 << 20, DISK_BLOCK_MAX_BYTES = 1 << 20, DISK_FLUSH_BLOCKS = 8 };
enum { DISK_SIZE_COUNT = 3, DISK_FLUSHES_MAX = 2000 };

struct disk_flushes {
    size_t bytes, count;   /* of each flush; measured */
    double p50_ns, p99_ns; /* of a write with its sync */
};

struct disk_speed {
    struct disk_flushes sizes[DISK_SIZE_COUNT]; /* 4 KiB, 64 KiB, 1 MiB */
    double bytes_per_s;                         /* one flush of DISK_FLUSH_BLOCKS blocks after the other */
};

/* Takes about `budget_ns` for each of the sizes and for the rate, and a segment of the folder's space, which it gives
 * back. False with a message: a call has failed. */
bool disk_speed_measure(const struct file_calls *calls, const char *folder, uint64_t budget_ns,
                        struct disk_speed *speed, char *error, size_t error_bytes);

#endif
