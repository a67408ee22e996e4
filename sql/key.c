/* key.c - see key.h. */
#include "sql/key.h"

#include <string.h>

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

size_t key_bytes(const struct table *table, const struct index *index)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < key_columns(table, index); i++)
        bytes += part_bytes(table, index, i);
    return bytes;
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
        double real = value->real + 0.0; /* -0.0 becomes 0.0, which it equals */
        uint64_t bits;
        memcpy(&bits, &real, sizeof bits);
        number_put(bits & sign ? ~bits : bits | sign, at + 1);
    } else if (value->type != VALUE_NULL && value->length > 0) {
        memcpy(at + 1, value->bytes, value->length < width - 1 ? value->length : width - 1);
    }
    return at + width;
}

void key_make(const struct table *table, const struct index *index, const struct value *values, uint8_t *key)
{
    for (unsigned i = 0; i < key_columns(table, index); i++)
        key = key_part(table, index, i, &values[index->column[i]], key);
}
