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

#endif
