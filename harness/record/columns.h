/*
 * columns.h - the list of CSV columns and the text of each for a result. The list is the same for every run of a build.
 */
#ifndef HARNESS_RECORD_COLUMNS_H
#define HARNESS_RECORD_COLUMNS_H

#include "harness/record/result.h"

/* Which values are better (directions.def); UNSAID: nothing is known. */
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

/* The i-th pattern of directions.def, so that a test can look for patterns that fit nothing; NULL past the end. */
const char *column_direction_pattern(size_t i);

/* The text of column i for transaction type `type` of the result, or for all of them; empty if it does not apply.
 * True: it is a number, and not a name or a hash that looks like one. */
enum { COLUMN_TEXT_BYTES = 4096 };
bool column_text(size_t i, const struct result *result, int type, char *text);

#endif
