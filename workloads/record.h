/*
 * record.h - a record that can prove what happened to it.
 *
 *     key | stamp | body        key and stamp are 8 bytes each in records of 16 bytes and more, else 4 bytes
 *
 * The body follows from the key, except its sampled bytes: one in each 64-byte stride, and the last byte. These are the
 * key's base plus the stamp, modulo 256. The stamp counts updates; a blind writer, which knows no count, stores there
 * which worker wrote the record last. So a check sees rows that are lost, foreign, torn, or mixed from two writes, and
 * unless an update was lost the stamps sum to the number of committed updates.
 * A reader reads, and an updater changes, only the sampled bytes, as in the paper's YCSB.
 * Thread-safe. Checked by: tests/unit/workloads/record.c.
 */
#ifndef WORKLOADS_RECORD_H
#define WORKLOADS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RECORD_MIN_BYTES = 8, RECORD_STRIDE_BYTES = 64 };

static inline uint64_t record_stamp(const void *data, size_t bytes)
{
    if (bytes >= 16) {
        uint64_t stamp;
        memcpy(&stamp, (const char *)data + 8, sizeof stamp);
        return stamp;
    }
    uint32_t stamp;
    memcpy(&stamp, (const char *)data + 4, sizeof stamp);
    return stamp;
}

/* The sum of the sampled bytes, which is the least that a read must load. */
static inline uint64_t record_sum(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += RECORD_STRIDE_BYTES)
        sum += at[i];
    return sum + at[bytes - 1];
}

/* Counts one update in a full copy of the record: the stamp and each sampled byte of the body go up by 1. */
static inline void record_increment(void *data, size_t bytes)
{
    uint8_t *at = data;
    size_t header_bytes = bytes >= 16 ? 16 : 8;
    if (bytes >= 16) {
        uint64_t stamp;
        memcpy(&stamp, at + 8, sizeof stamp);
        stamp++;
        memcpy(at + 8, &stamp, sizeof stamp);
    } else {
        uint32_t stamp;
        memcpy(&stamp, at + 4, sizeof stamp);
        stamp++;
        memcpy(at + 4, &stamp, sizeof stamp);
    }
    for (size_t i = RECORD_STRIDE_BYTES; i < bytes - 1; i += RECORD_STRIDE_BYTES)
        at[i]++;
    if (bytes > header_bytes)
        at[bytes - 1]++;
}

/* Writes the whole record. bytes >= RECORD_MIN_BYTES; short records keep the low 4 bytes of key and stamp. */
void record_fill(void *data, size_t bytes, uint64_t key, uint64_t stamp);

/*
 * Whether this is the record of `key`, of `bytes` bytes, consistent with its stamp. If not, `report` says which key,
 * and the value found and expected. `found` may be NULL (no such row). `stamp` is set if the header is right.
 */
bool record_check(const void *found, size_t found_bytes, size_t bytes, uint64_t key, uint64_t *stamp, char *report,
                  size_t report_bytes);

#endif
