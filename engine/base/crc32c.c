/* crc32c.c - see crc32c.h. x86-64 has an instruction for it since SSE4.2; elsewhere a table serves half bytes. */
#include "engine/base/crc32c.h"

#include <string.h>

#ifdef __SSE4_2__

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    uint64_t sum = ~crc, word;
    for (; bytes >= sizeof word; bytes -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; bytes > 0; bytes--)
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *at++);
    return ~(uint32_t)sum;
}

/* Goes on with three checksums, of as many words each that follow one another. */
static void three_streams(const char *at, size_t words, uint32_t *crcs)
{
    uint64_t first = ~crcs[0], second = ~crcs[1], third = ~crcs[2], word;
    const size_t bytes = words * sizeof word;
    for (const char *end = at + bytes; at < end; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        first = __builtin_ia32_crc32di(first, word);
        memcpy(&word, at + bytes, sizeof word);
        second = __builtin_ia32_crc32di(second, word);
        memcpy(&word, at + 2 * bytes, sizeof word);
        third = __builtin_ia32_crc32di(third, word);
    }
    crcs[0] = ~(uint32_t)first;
    crcs[1] = ~(uint32_t)second;
    crcs[2] = ~(uint32_t)third;
}

#else

enum { POLYNOMIAL = 0x82F63B78 }; /* reflected */

/* The remainder of the four bits below `crc`. */
static uint32_t shift_four(uint32_t crc)
{
    for (int i = 0; i < 4; i++)
        crc = crc >> 1 ^ ((uint32_t)POLYNOMIAL & (0u - (crc & 1)));
    return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++)
        table[i] = shift_four(i);
    const unsigned char *at = data;
    crc = ~crc;
    for (; bytes > 0; bytes--) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void three_streams(const char *at, size_t words, uint32_t *crcs)
{
    for (unsigned i = 0; i < 3; i++)
        crcs[i] = crc32c(crcs[i], at + i * words * sizeof(uint64_t), words * sizeof(uint64_t));
}

#endif

uint32_t crc32c_of_thirds(const void *data, size_t bytes)
{
    uint32_t crcs[3] = {0};
    size_t words = bytes / (3 * sizeof(uint64_t)), done = 3 * words * sizeof(uint64_t);
    three_streams(data, words, crcs);
    crcs[2] = crc32c(crcs[2], (const char *)data + done, bytes - done);
    return crc32c(0, crcs, sizeof crcs);
}
