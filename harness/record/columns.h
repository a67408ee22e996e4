/*
 * columns.h - the list of CSV columns and the value of each for a result. The list is the same for every run of a
 * build. A new column: a line in columns.def, a line in columns.c.
 */
#ifndef HARNESS_RECORD_COLUMNS_H
#define HARNESS_RECORD_COLUMNS_H

#include "harness/record/result.h"

/* Which values are better; UNSAID: nothing is known. */
enum column_better { COLUMN_UNSAID, COLUMN_MORE, COLUMN_LESS };

struct column_info {
    char *name;
    const char *unit, *help;
    bool is_configuration; /* rows that agree in all of these are repetitions of one configuration */
    enum column_better better;
};

enum { COLUMN_ALL_TYPES = -1 };

size_t column_count(void);
const struct column_info *column_info(size_t i); /* NULL past the end; static */
enum column_better column_better(const char *name);

/* Whether rows of one configuration agree in a column of this name: it is neither measured nor provenance. A column
 * that only another build has is configuration unless its name is of a family that holds measurements. */
bool column_is_configuration(const char *name);

enum value_kind { VALUE_NONE, VALUE_U64, VALUE_REAL, VALUE_TEXT };

struct value {
    enum value_kind kind;
    uint64_t u64;
    double real;
    const char *text; /* of a number: how a person has spelled it, or NULL */
    char *owned;      /* the caller frees it; may be NULL */
};

/* Column i for transaction type `type` of the result, or for all of them; none if it is unavailable or does not apply.
 * Its text as the CSV has it, which the caller frees. */
struct value column_value(size_t i, const struct result *result, int type);
char *column_text(size_t i, const struct result *result, int type);
/* The number in the column of this name, which this build has; NAN if there is none. */
double column_number(const char *name, const struct result *result, int type);

#endif
