/* key.c - see key.h. */
#include "sql/key.h"

#include <string.h>

#include "engine/base/compiler.h"
#include "sql/sqlite.h"

enum { NUMBER_BYTES = 9, LONG_BYTES_MIN = 12 };

static bool is_number(const struct table *table, const struct index *index, unsigned i)
{
    enum column_type type = table->column[index->column[i]].type;
    return type == COLUMN_INTEGER || type == COLUMN_REAL;
}

unsigned key_columns(const struct table *table, const struct index *index)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < index->columns; i++) {
        bytes += is_number(table, index, i) ? NUMBER_BYTES : LONG_BYTES_MIN;
        if (bytes > KEY_BYTES_MAX)
            return i;
    }
    return index->columns;
}

/* How wide the parts of texts and blobs are: they share what the numbers leave. */
static size_t long_bytes(const struct table *table, const struct index *index)
{
    unsigned columns = key_columns(table, index), numbers = 0;
    for (unsigned i = 0; i < columns; i++)
        numbers += is_number(table, index, i);
    return columns == numbers ? 0 : (KEY_BYTES_MAX - (size_t)numbers * NUMBER_BYTES) / (columns - numbers);
}

static size_t part_bytes(const struct table *table, const struct index *index, unsigned i)
{
    return is_number(table, index, i) ? NUMBER_BYTES : long_bytes(table, index);
}

size_t key_offset(const struct table *table, const struct index *index, unsigned i)
{
    size_t bytes = 0;
    for (unsigned before = 0; before < i; before++)
        bytes += part_bytes(table, index, before);
    return bytes;
}

size_t key_bytes(const struct table *table, const struct index *index)
{
    return key_offset(table, index, key_columns(table, index));
}

bool key_is_exact(const struct table *table, const struct index *index, unsigned i)
{
    return is_number(table, index, i) && i < key_columns(table, index);
}

static void number_put(uint64_t number, uint8_t *at)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> (56 - 8 * i));
}

static size_t trimmed(const uint8_t *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] == ' ')
        length--;
    return length;
}

static uint8_t folded(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static uint64_t real_bits(double real)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits;
    real += 0.0; /* -0.0 becomes 0.0, which it equals */
    memcpy(&bits, &real, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

/* The beginning of a text as its collation compares it. As in SQLite, NOCASE looks at nothing behind a byte of 0. */
static void text_put(const struct value *value, enum collation collation, uint8_t *at, size_t room)
{
    const uint8_t *bytes = value->bytes;
    size_t length = collation == COLLATION_RTRIM ? trimmed(bytes, value->length) : value->length;
    length = length < room ? length : room;
    if (collation != COLLATION_NOCASE) {
        if (length > 0)
            memcpy(at, bytes, length);
        return;
    }
    for (size_t i = 0; i < length && bytes[i] != 0; i++)
        at[i] = folded(bytes[i]);
}

bool key_equals(const struct index *index, unsigned i, const struct value *a, const struct value *b)
{
    if (a->type != VALUE_TEXT || b->type != VALUE_TEXT || MUTATED(sql_unique_by_bytes))
        return value_equals(a, b);
    struct value one = *a, other = *b;
    switch (index->collation[i]) {
    case COLLATION_NOCASE:
        return a->length == b->length && sqlite3_strnicmp(a->bytes, b->bytes, (int)a->length) == 0;
    case COLLATION_RTRIM:
        one.length = trimmed(a->bytes, a->length);
        other.length = trimmed(b->bytes, b->length);
        return value_equals(&one, &other);
    default:
        return value_equals(a, b);
    }
}

uint8_t *key_part(const struct table *table, const struct index *index, unsigned i, const struct value *value,
                  uint8_t *at)
{
    const size_t width = part_bytes(table, index, i);
    const uint64_t sign = UINT64_C(1) << 63;
    memset(at, 0, width);
    at[0] = value->type != VALUE_NULL;
    if (value->type == VALUE_INTEGER) {
        number_put((uint64_t)value->integer ^ sign, at + 1);
    } else if (value->type == VALUE_REAL) {
        number_put(real_bits(value->real), at + 1);
    } else if (value->type != VALUE_NULL) {
        enum collation collation = value->type == VALUE_TEXT ? index->collation[i] : COLLATION_BINARY;
        text_put(value, MUTATED(sql_keys_by_bytes) ? COLLATION_BINARY : collation, at + 1, width - 1);
    }
    return at + width;
}

void key_make(const struct table *table, const struct index *index, const struct value *values, uint8_t *key)
{
    for (unsigned i = 0; i < key_columns(table, index); i++)
        key = key_part(table, index, i, &values[index->column[i]], key);
}

/* ---- Hashes. ---- */

/* FNV-1a, which takes bytes one at a time, as collations do. */
enum { WORD_BYTES = 8 };
static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325), hash_factor = UINT64_C(0x100000001b3);

static uint64_t byte_hash(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * hash_factor;
}

static uint64_t word_hash(uint64_t hash, uint64_t word)
{
    for (unsigned i = 0; i < WORD_BYTES; i++)
        hash = byte_hash(hash, (uint8_t)(word >> 8 * i));
    return hash;
}

/* Of a text or blob, as its collation compares it, and behind it how long that is. */
static uint64_t text_hash(uint64_t hash, const struct value *value, enum collation collation)
{
    const uint8_t *bytes = value->bytes;
    const bool folds = collation == COLLATION_NOCASE;
    size_t length = collation == COLLATION_RTRIM ? trimmed(bytes, value->length) : value->length, i = 0;
    for (; i < length && !(folds && bytes[i] == 0); i++)
        hash = byte_hash(hash, folds ? folded(bytes[i]) : bytes[i]);
    return word_hash(hash, i);
}

bool key_hash(const struct index *index, const struct value *values, uint64_t *hash)
{
    *hash = hash_start;
    for (unsigned i = 0; i < index->columns; i++) {
        const struct value *value = &values[index->column[i]];
        const bool is_text = value->type == VALUE_TEXT && !MUTATED(sql_hash_by_bytes);
        if (value->type == VALUE_NULL)
            return false;
        if (value->type == VALUE_INTEGER)
            *hash = word_hash(*hash, (uint64_t)value->integer);
        else if (value->type == VALUE_REAL)
            *hash = word_hash(*hash, real_bits(value->real));
        else
            *hash = text_hash(*hash, value, is_text ? index->collation[i] : COLLATION_BINARY);
    }
    return true;
}
