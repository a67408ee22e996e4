/* row.c - see row.h. */
#include "sql/row.h"

#include <string.h>

#include "engine/base/compiler.h"

struct head {
    int64_t rowid;
    uint32_t columns;
    uint8_t types[]; /* then, 8-byte aligned, a slot for each column, then bytes */
};

enum { TYPE_TEXT_ENDED = VALUE_TYPES }; /* among `types` only */

struct place {
    uint32_t offset, length; /* of text and blobs: in the row */
};

static size_t slots_offset(unsigned columns)
{
    return (offsetof(struct head, types) + columns + 7) / 8 * 8;
}

static bool is_long(enum value_type type)
{
    return type == VALUE_TEXT || type == VALUE_BLOB;
}

size_t row_bytes(const struct value *values, unsigned count)
{
    size_t bytes = slots_offset(count) + 8 * (size_t)count;
    for (unsigned i = 0; i < count; i++)
        bytes += is_long(values[i].type) ? values[i].length + (values[i].type == VALUE_TEXT) : 0;
    return bytes;
}

static bool has_zero(const struct value *text)
{
    return text->length > 0 && memchr(text->bytes, 0, text->length) != NULL && !MUTATED(sql_text_cut);
}

void row_encode(void *row, int64_t rowid, const struct value *values, unsigned count)
{
    struct head *head = row;
    char *slots = (char *)row + slots_offset(count);
    size_t end = slots_offset(count) + 8 * (size_t)count;
    memset(row, 0, slots_offset(count));
    head->rowid = rowid;
    head->columns = count;
    for (unsigned i = 0; i < count; i++) {
        head->types[i] = (uint8_t)values[i].type;
        if (is_long(values[i].type)) {
            struct place place = {(uint32_t)end, (uint32_t)values[i].length};
            memcpy(slots + 8 * (size_t)i, &place, sizeof place);
            if (values[i].length > 0)
                memcpy((char *)row + end, values[i].bytes, values[i].length);
            end += values[i].length;
            if (values[i].type == VALUE_TEXT) {
                ((char *)row)[end++] = 0;
                head->types[i] = has_zero(&values[i]) ? VALUE_TEXT : TYPE_TEXT_ENDED;
            }
        } else {
            int64_t slot = values[i].type == VALUE_NULL ? 0 : values[i].integer; /* a real's bits, too */
            memcpy(slots + 8 * (size_t)i, &slot, sizeof slot);
        }
    }
}

int64_t row_rowid(const void *row)
{
    return ((const struct head *)row)->rowid;
}

unsigned row_columns(const void *row)
{
    return ((const struct head *)row)->columns;
}

struct value row_column(const void *row, unsigned column)
{
    const struct head *head = row;
    const char *slot = (const char *)row + slots_offset(head->columns) + 8 * (size_t)column;
    struct value value = {.type = column < head->columns ? (enum value_type)head->types[column] : VALUE_NULL};
    value.ended = (unsigned)value.type == TYPE_TEXT_ENDED;
    value.type = value.ended ? VALUE_TEXT : value.type;
    if (is_long(value.type)) {
        struct place place;
        memcpy(&place, slot, sizeof place);
        value.bytes = (const char *)row + place.offset;
        value.length = place.length;
    } else if (value.type != VALUE_NULL) {
        memcpy(&value.integer, slot, sizeof value.integer);
    }
    return value;
}

bool value_equals(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == VALUE_NULL)
        return true;
    if (a->type == VALUE_INTEGER)
        return a->integer == b->integer;
    if (a->type == VALUE_REAL)
        return a->real <= b->real && a->real >= b->real;
    return a->length == b->length && (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}
