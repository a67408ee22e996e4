/*
 * crc32c.h - the CRC-32C (Castagnoli) checksum of what is written to disk.
 */
#ifndef ENGINE_BASE_CRC32C_H
#define ENGINE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `bytes` bytes. `crc` is 0, or the checksum of what stands before them. */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

/*
 * The checksum of the three checksums of three equal parts, of which the last one also has what is left over. It finds
 * what crc32c finds, and is computed three times as fast: the instruction takes three cycles, and the checksum of one
 * stream can begin one only when the one before is through.
 */
uint32_t crc32c_of_thirds(const void *data, size_t bytes);

#endif
