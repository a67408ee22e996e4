/* bounds.c - see bounds.h. */
#include "sql/bounds.h"

#include <math.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/vtab.h"

/* What a value is when it is compared with a number: a text that looks like one is one. */
static struct value as_number(sqlite3_value *value)
{
    (void)sqlite3_value_numeric_type(value);
    return value_of(value);
}

/* The smallest integer that is not below the real, or the largest that is not above; false: there is none. */
static bool integer_bound(double real, bool lower, int64_t *integer)
{
    double whole = lower ? ceil(real) : floor(real);
    if (whole >= 9223372036854775808.0) {
        *integer = INT64_MAX;
        return !lower;
    }
    if (whole < -9223372036854775808.0) {
        *integer = INT64_MIN;
        return lower;
    }
    *integer = (int64_t)whole;
    return true;
}

/* A bound with > or < is the next integer with >= or <=; false: there is none. */
static bool integer_beyond(char letter, int64_t *bound)
{
    if (letter != PLAN_GT && letter != PLAN_LT)
        return true;
    if (*bound == (letter == PLAN_GT ? INT64_MAX : INT64_MIN))
        return false;
    *bound += letter == PLAN_GT ? 1 : -1;
    return true;
}

/* Makes of a value the exact bound of an integer column. `letter` is PLAN_EQ or how it is compared; false: no row is
 * there. `none`: the value bounds nothing. */
static bool integer_bound_of(sqlite3_value *from, char letter, bool lower, int64_t *bound, bool *none)
{
    struct value value = as_number(from);
    *none = false;
    if (value.type == VALUE_NULL)
        return false;
    if (value.type == VALUE_INTEGER) {
        *bound = value.integer;
        return integer_beyond(letter, bound);
    }
    if (value.type == VALUE_REAL) {
        if (!integer_bound(value.real, lower, bound))
            return false;
        const bool equals = value.real < 9223372036854775808.0 && (double)*bound == value.real;
        if (MUTATED(sql_bound_cut) && letter == PLAN_LT)
            --*bound;
        return equals ? integer_beyond(letter, bound) : letter != PLAN_EQ;
    }
    /* Texts and blobs are behind all numbers. */
    *none = true;
    return letter == PLAN_LT || letter == PLAN_LE;
}

bool bound_rowid(sqlite3_value *value, int64_t *rowid)
{
    bool none;
    return integer_bound_of(value, PLAN_EQ, true, rowid, &none) && !none;
}

void rowid_range(const char *letters, sqlite3_value **values, struct range *range)
{
    int64_t lo = INT64_MIN, hi = INT64_MAX, bound;
    bool none;
    for (int i = 0; letters[i] != '\0' && !range->empty; i++) {
        char letter = letters[i];
        bool upper = letter == PLAN_LT || letter == PLAN_LE;
        if (!integer_bound_of(values[i], letter, !upper, &bound, &none))
            range->empty = true;
        else if (!none && !upper && bound > lo)
            lo = bound;
        if (!range->empty && !none && (upper || letter == PLAN_EQ) && bound < hi)
            hi = bound;
    }
    range->empty = range->empty || lo > hi;
    range->has_lo = lo != INT64_MIN;
    range->has_hi = hi != INT64_MAX;
    range->lo_rowid = rowid_key(lo);
    range->hi_rowid = rowid_key(hi);
}

/* Makes of a value the bound of a column's part of a key. */
static enum bound key_bound(const struct column *column, sqlite3_value *from, char letter, bool lower,
                            struct value *bound)
{
    bool none;
    if (column->type == COLUMN_INTEGER) {
        bound->type = VALUE_INTEGER;
        if (!integer_bound_of(from, letter, lower, &bound->integer, &none))
            return BOUND_EMPTY;
        return none ? BOUND_NONE : BOUND_VALUE;
    }
    *bound = column->type == COLUMN_REAL ? as_number(from) : value_of(from);
    if (bound->type == VALUE_NULL)
        return BOUND_EMPTY;
    if (column->type == COLUMN_REAL) {
        if (bound->type == VALUE_INTEGER) {
            double real = (double)bound->integer; /* perhaps rounded: then one further out */
            bound->type = VALUE_REAL;
            bound->real = fabs(real) < 9e15 ? real : nextafter(real, lower ? -HUGE_VAL : HUGE_VAL);
        }
        return bound->type == VALUE_REAL ? BOUND_VALUE : BOUND_NONE;
    }
    enum value_type own = column->type == COLUMN_TEXT ? VALUE_TEXT : VALUE_BLOB;
    return bound->type == own || MUTATED(sql_bound_unconverted)
               ? BOUND_VALUE
               : BOUND_NONE; /* which conversion SQLite makes is not known here */
}

enum bound bound_hash(const struct table *table, const struct index *index, sqlite3_value **values, uint64_t *hash)
{
    struct value wanted[COLUMNS_MAX], other;
    enum bound bound = BOUND_VALUE;
    for (unsigned i = 0; i < index->columns; i++) {
        const struct column *column = &table->column[index->column[i]];
        struct value *value = &wanted[index->column[i]];
        enum bound low = key_bound(column, values[i], PLAN_EQ, true, value);
        enum bound high = key_bound(column, values[i], PLAN_EQ, false, &other);
        if (low == BOUND_EMPTY || high == BOUND_EMPTY)
            return BOUND_EMPTY;
        if ((low != BOUND_VALUE || high != BOUND_VALUE || !value_equals(value, &other)) &&
            !MUTATED(sql_hash_of_another_type))
            bound = BOUND_NONE;
    }
    return bound == BOUND_NONE || key_hash(index, wanted, hash) ? bound : BOUND_EMPTY;
}

/* Fills what remains of the keys so that all keys with the beginnings lie between them. */
static void key_range_end(struct range *range, size_t bytes, size_t lo, size_t hi)
{
    memset(range->lo + lo, 0, bytes - lo);
    memset(range->hi + hi, 0xff, bytes - hi);
    range->has_lo = range->has_hi = true;
    range->empty = range->empty || memcmp(range->lo, range->hi, bytes) > 0;
}

void key_range(const struct table *table, const struct index *index, const char *letters, sqlite3_value **values,
               struct range *range)
{
    size_t bytes = key_bytes(table, index);
    uint8_t *lo = range->lo, *hi = range->hi;
    unsigned i = 0;
    struct value value;
    for (; letters[i] == PLAN_EQ || letters[i] == PLAN_IN; i++) {
        const struct column *column = &table->column[index->column[i]];
        enum bound low = key_bound(column, values[i], PLAN_EQ, true, &value);
        if (low == BOUND_VALUE)
            lo = key_part(table, index, i, &value, lo);
        enum bound high = key_bound(column, values[i], PLAN_EQ, false, &value);
        if (high == BOUND_VALUE)
            hi = key_part(table, index, i, &value, hi);
        range->empty = range->empty || low == BOUND_EMPTY || high == BOUND_EMPTY;
        if (low != BOUND_VALUE || high != BOUND_VALUE || lo - range->lo != hi - range->hi ||
            memcmp(range->lo, range->hi, (size_t)(lo - range->lo)) != 0) {
            key_range_end(range, bytes, (size_t)(lo - range->lo), (size_t)(hi - range->hi));
            return;
        }
    }
    /* A comparison with < or > is never true for NULL, whose part begins with 0. */
    const unsigned part = i;
    if (letters[part] != '\0')
        *lo = 1;
    size_t lo_end = (size_t)(lo - range->lo) + (letters[part] != '\0'), hi_end = (size_t)(hi - range->hi);
    for (; letters[i] != '\0'; i++) {
        const struct column *column = &table->column[index->column[part]];
        bool lower = letters[i] == PLAN_GT || letters[i] == PLAN_GE;
        enum bound bound = key_bound(column, values[i], letters[i], lower, &value);
        range->empty = range->empty || bound == BOUND_EMPTY;
        if (bound == BOUND_VALUE && lower)
            lo_end = (size_t)(key_part(table, index, part, &value, lo) - range->lo);
        else if (bound == BOUND_VALUE)
            hi_end = (size_t)(key_part(table, index, part, &value, hi) - range->hi);
    }
    key_range_end(range, bytes, lo_end, hi_end);
}

unsigned bound_equals(const struct table *table, const struct index *index, const char *letters, sqlite3_value **values,
                      bool *loosely)
{
    unsigned i = 0;
    struct value value;
    *loosely = false;
    for (; letters[i] == PLAN_EQ; i++)
        if (key_bound(&table->column[index->column[i]], values[i], PLAN_EQ, true, &value) == BOUND_NONE)
            *loosely = true;
    return i;
}
