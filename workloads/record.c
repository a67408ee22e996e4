/* record.c - see record.h. */
#include "workloads/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/rng.h"

void record_fill(void *data, size_t bytes, uint64_t key, uint64_t stamp)
{
    uint8_t *at = data;
    uint64_t base = rng_mix(key + 1);
    size_t i;
    if (bytes >= 16) {
        memcpy(at, &key, 8);
        memcpy(at + 8, &stamp, 8);
        i = 16;
    } else {
        uint32_t key_low = (uint32_t)key, stamp_low = (uint32_t)stamp;
        memcpy(at, &key_low, 4);
        memcpy(at + 4, &stamp_low, 4);
        i = 8;
    }
    size_t header_bytes = i;
    for (uint64_t word = base; i < bytes; i += 8, word = rng_rotate(word, 11))
        memcpy(at + i, &word, bytes - i < 8 ? bytes - i : 8);
    for (i = RECORD_STRIDE_BYTES; i < bytes - 1; i += RECORD_STRIDE_BYTES)
        at[i] = (uint8_t)(base + stamp);
    if (bytes > header_bytes)
        at[bytes - 1] = (uint8_t)(base + stamp);
}

bool record_check(const void *found, size_t found_bytes, size_t bytes, uint64_t key, uint64_t *stamp, char *report,
                  size_t report_bytes)
{
    if (!found) {
        snprintf(report, report_bytes, "key %" PRIu64 ": no row found, expected its record of %zu bytes", key, bytes);
        return false;
    }
    if (found_bytes != bytes) {
        snprintf(report, report_bytes, "key %" PRIu64 ": record of %zu bytes, expected %zu", key, found_bytes, bytes);
        return false;
    }
    uint64_t found_key = 0, expected_key = bytes >= 16 ? key : (uint32_t)key;
    memcpy(&found_key, found, bytes >= 16 ? 8 : 4);
    if (found_key != expected_key) {
        snprintf(report, report_bytes, "key %" PRIu64 ": its record says key %" PRIu64 ", expected %" PRIu64, key,
                 found_key, expected_key);
        return false;
    }
    *stamp = record_stamp(found, bytes);
    /* In pieces, so that no record is too large for the stack: the whole one of up to 512 bytes at once. */
    uint8_t whole[512];
    if (bytes <= sizeof whole) {
        record_fill(whole, bytes, key, *stamp);
        if (memcmp(whole, found, bytes) == 0)
            return true;
    }
    uint64_t base = rng_mix(key + 1), word = base;
    const uint8_t *at = found;
    for (size_t i = bytes >= 16 ? 16 : 8, shift = 0; i < bytes; i++) {
        bool sampled = i == bytes - 1 || i % RECORD_STRIDE_BYTES == 0;
        uint8_t expected = (uint8_t)(sampled ? base + *stamp : word >> shift);
        if (at[i] != expected) {
            snprintf(report, report_bytes,
                     "key %" PRIu64 ": byte %zu is %u, expected %u with stamp %" PRIu64 ": a lost or torn write", key,
                     i, at[i], expected, *stamp);
            return false;
        }
        if ((shift += 8) == 64) {
            shift = 0;
            word = rng_rotate(word, 11);
        }
    }
    return true;
}
