/*
 * key.c - keys made of several values, which sort bytewise as the values do one after the other; see maemio.h.
 *
 * Each value begins with a byte that tells its kind. Behind it stand
 *     NULL     nothing
 *     int64    8 bytes, the highest first, with the sign bit flipped
 *     uint64   8 bytes, the highest first
 *     double   8 bytes, the highest first: of numbers below zero all bits are flipped, of others the sign bit
 *     bytes    the bytes, of which 0 is written as 0 255, then a 0
 *   K1  No kind is 0 or 255. So a key that ends, or the zeros that fill it up, come before any further value, and the 0
 *       that ends bytes is told from one of them by what follows.
 *   K2  No value's encoding begins another one's. So where two keys differ first, the same place of both differs.
 * Checked by: tests/unit/base/key.c; mutation key_zero_unescaped. The idea is that of FoundationDB's tuple layer.
 */
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/maemio.h"

enum { ZERO_FOLLOWS = 255 };
#define SIGN (UINT64_C(1) << 63)

void mae_key_clear(struct mae_key *key)
{
    memset(key, 0, sizeof *key);
}

static size_t room(const struct mae_key *key)
{
    return sizeof key->data - key->bytes;
}

static enum mae_status add_word(struct mae_key *key, enum mae_key_kind kind, uint64_t word)
{
    if (room(key) < 1 + sizeof word)
        return MAE_TOO_LARGE;
    unsigned char *to = key->data + key->bytes;
    *to++ = (unsigned char)kind;
    for (int shift = 56; shift >= 0; shift -= 8)
        *to++ = (unsigned char)(word >> shift);
    key->bytes = (uint8_t)(key->bytes + 1 + sizeof word);
    return MAE_OK;
}

enum mae_status mae_key_add_null(struct mae_key *key)
{
    if (room(key) < 1)
        return MAE_TOO_LARGE;
    key->data[key->bytes++] = MAE_KEY_NULL;
    return MAE_OK;
}

enum mae_status mae_key_add_int64(struct mae_key *key, int64_t value)
{
    return add_word(key, MAE_KEY_INT64, (uint64_t)value ^ SIGN);
}

enum mae_status mae_key_add_uint64(struct mae_key *key, uint64_t value)
{
    return add_word(key, MAE_KEY_UINT64, value);
}

enum mae_status mae_key_add_double(struct mae_key *key, double value)
{
    const uint64_t not_a_number = UINT64_C(0x7ff8000000000000);
    uint64_t bits;
    value = value == 0 ? 0 : value; /* -0.0 */
    memcpy(&bits, &value, sizeof bits);
    if (value != value)
        bits = not_a_number;
    return add_word(key, MAE_KEY_DOUBLE, bits & SIGN ? ~bits : bits | SIGN);
}

enum mae_status mae_key_add_bytes(struct mae_key *key, const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    unsigned char *const end = key->data + sizeof key->data, *const begin = key->data + key->bytes, *to = begin;
    size_t left = count;
    if (room(key) < 2 || count > room(key) - 2)
        return MAE_TOO_LARGE;
    *to++ = MAE_KEY_BYTES;
    for (; left > 0 && end - to >= 2; left--, from++) {
        *to++ = *from;
        if (*from == 0 && !MUTATED(key_zero_unescaped))
            *to++ = ZERO_FOLLOWS;
    }
    if (left > 0 || to == end) {
        memset(begin, 0, (size_t)(to - begin));
        return MAE_TOO_LARGE;
    }
    *to++ = 0;
    key->bytes = (uint8_t)(to - key->data);
    return MAE_OK;
}

enum mae_key_kind mae_key_kind(const struct mae_key *key, size_t at)
{
    if (at >= key->bytes || key->data[at] > MAE_KEY_BYTES)
        return MAE_KEY_END;
    return (enum mae_key_kind)key->data[at];
}

static enum mae_status get_word(const struct mae_key *key, size_t *at, enum mae_key_kind kind, uint64_t *word)
{
    if (mae_key_kind(key, *at) != kind || key->bytes - *at < 1 + sizeof *word)
        return MAE_INVALID;
    *word = 0;
    for (size_t i = 0; i < sizeof *word; i++)
        *word = *word << 8 | key->data[*at + 1 + i];
    *at += 1 + sizeof *word;
    return MAE_OK;
}

enum mae_status mae_key_get_null(const struct mae_key *key, size_t *at)
{
    if (mae_key_kind(key, *at) != MAE_KEY_NULL)
        return MAE_INVALID;
    ++*at;
    return MAE_OK;
}

enum mae_status mae_key_get_int64(const struct mae_key *key, size_t *at, int64_t *value)
{
    uint64_t word;
    enum mae_status status = get_word(key, at, MAE_KEY_INT64, &word);
    if (status == MAE_OK)
        *value = (int64_t)(word ^ SIGN);
    return status;
}

enum mae_status mae_key_get_uint64(const struct mae_key *key, size_t *at, uint64_t *value)
{
    uint64_t word;
    enum mae_status status = get_word(key, at, MAE_KEY_UINT64, &word);
    if (status == MAE_OK)
        *value = word;
    return status;
}

enum mae_status mae_key_get_double(const struct mae_key *key, size_t *at, double *value)
{
    uint64_t word;
    enum mae_status status = get_word(key, at, MAE_KEY_DOUBLE, &word);
    if (status != MAE_OK)
        return status;
    word = word & SIGN ? word & ~SIGN : ~word;
    memcpy(value, &word, sizeof *value);
    return MAE_OK;
}

enum mae_status mae_key_get_bytes(const struct mae_key *key, size_t *at, void *bytes, size_t capacity, size_t *count)
{
    if (mae_key_kind(key, *at) != MAE_KEY_BYTES)
        return MAE_INVALID;
    size_t from = *at + 1, found = 0;
    for (;; found++) {
        if (from >= key->bytes)
            return MAE_INVALID; /* no end */
        const unsigned char byte = key->data[from++];
        if (byte == 0 && (from >= key->bytes || key->data[from] != ZERO_FOLLOWS))
            break;
        from += byte == 0;
        if (found < capacity)
            ((unsigned char *)bytes)[found] = byte;
    }
    *count = found;
    if (found > capacity)
        return MAE_TOO_LARGE;
    *at = from;
    return MAE_OK;
}
