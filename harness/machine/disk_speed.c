/* disk_speed.c - see disk_speed.h. */
#include "harness/machine/disk_speed.h"

#include <unistd.h>

#include "harness/common/clock.h"
#include "harness/common/statistics.h"

/* A segment that is being filled, from the beginning again when it is full. */
struct trial {
    const struct file_calls *calls;
    int file;
    void *block;
    uint64_t offset;
    const char *failed; /* the call; NULL: none has */
    int result;
};

static bool called(struct trial *trial, const char *name, int result)
{
    trial->failed = result < 0 ? name : NULL;
    trial->result = result;
    return result >= 0;
}

/* A flush: `blocks` writes of so many bytes, and a sync. */
static bool flush(struct trial *trial, size_t bytes, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        if (trial->offset + bytes > DISK_SEGMENT_BYTES)
            trial->offset = 0;
        if (!called(trial, "write", trial->calls->write(trial->file, trial->block, bytes, trial->offset)))
            return false;
        trial->offset += bytes;
    }
    return called(trial, "sync", trial->calls->sync(trial->file));
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static bool measure_size(struct trial *trial, size_t bytes, uint64_t budget_ns, struct disk_flushes *flushes)
{
    SUPPORT_FREED double *times = support_alloc(DISK_FLUSHES_MAX * sizeof *times);
    uint64_t begin = support_clock_ns(), last = begin;
    *flushes = (struct disk_flushes){.bytes = bytes};
    while (flushes->count < DISK_FLUSHES_MAX && (flushes->count == 0 || last - begin < budget_ns)) {
        if (!flush(trial, bytes, 1))
            return false;
        uint64_t now = support_clock_ns();
        times[flushes->count++] = (double)(now - last);
        last = now;
    }
    qsort(times, flushes->count, sizeof *times, ascending);
    flushes->p50_ns = statistics_quantile(times, flushes->count, 0.5);
    flushes->p99_ns = statistics_quantile(times, flushes->count, 0.99);
    return true;
}

static bool measure_rate(struct trial *trial, uint64_t budget_ns, double *bytes_per_s)
{
    uint64_t begin = support_clock_ns(), now = begin;
    double bytes = 0;
    while (now - begin < budget_ns || bytes == 0) {
        if (!flush(trial, DISK_BLOCK_MAX_BYTES, DISK_FLUSH_BLOCKS))
            return false;
        bytes += (double)DISK_BLOCK_MAX_BYTES * DISK_FLUSH_BLOCKS;
        now = support_clock_ns();
    }
    *bytes_per_s = bytes * 1e9 / (double)(now - begin);
    return true;
}

static bool measure(struct trial *trial, uint64_t budget_ns, struct disk_speed *speed)
{
    static const size_t sizes[DISK_SIZE_COUNT] = {FILE_BLOCK_BYTES, 64 << 10, DISK_BLOCK_MAX_BYTES};
    if (!called(trial, "allocation", trial->calls->reserve(trial->file, DISK_SEGMENT_BYTES)) ||
        !called(trial, "sync", trial->calls->sync(trial->file)))
        return false;
    for (size_t i = 0; i < DISK_SIZE_COUNT; i++)
        if (!measure_size(trial, sizes[i], budget_ns, &speed->sizes[i]))
            return false;
    return measure_rate(trial, budget_ns, &speed->bytes_per_s);
}

bool disk_speed_measure(const struct file_calls *calls, const char *folder, uint64_t budget_ns,
                        struct disk_speed *speed, char *error, size_t error_bytes)
{
    SUPPORT_FREED char *path = support_format("%s/maemio-doctor-%d", folder, (int)getpid());
    SUPPORT_FREED void *block = aligned_alloc(FILE_BLOCK_BYTES, DISK_BLOCK_MAX_BYTES);
    struct trial trial = {.calls = calls, .block = block};
    MAE_CHECK(block != NULL);
    memset(block, 0x5A, DISK_BLOCK_MAX_BYTES); /* some disks store zeros without writing them */
    trial.file = calls->open(path, FILE_WRITE | FILE_CREATE | FILE_BLOCKS);
    if (called(&trial, "creation", trial.file)) {
        (void)measure(&trial, budget_ns, speed);
        (void)calls->close(trial.file);
        (void)calls->remove(path);
    }
    return trial.failed == NULL ||
           support_error(error, error_bytes, "%s of %s: %s", trial.failed, path, strerror(-trial.result));
}
