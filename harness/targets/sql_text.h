/*
 * sql_text.h - how the target sql (sql.c) says in SQL what a workload asks for.
 *
 * A table of the target is a table of refs and payloads. An index is a table of its own, of keys and refs: the contract
 * lets a workload add and remove entries apart from rows. A key is as many INTEGER columns as it has words of 8 bytes,
 * so that SQL's order is that of the keys and the engine's index decides on it alone.
 */
#ifndef HARNESS_TARGETS_SQL_TEXT_H
#define HARNESS_TARGETS_SQL_TEXT_H

#include "workloads/target.h"

enum {
    SQL_WORD_BYTES = 8,
    SQL_WORDS_MAX = TARGET_KEY_MAX_BYTES / SQL_WORD_BYTES,
    /* Numbers of parameters; words of keys begin at these. */
    SQL_LO = 1,
    SQL_HI = SQL_LO + SQL_WORDS_MAX,
    SQL_REF = SQL_HI + SQL_WORDS_MAX,
    SQL_DATA,
    SQL_LIMIT
};

/* Statements; those of scans are followed by the ones for keys that begin with the same words, up to all but one. */
enum sql_kind {
    SQL_ROW_READ,
    SQL_ROW_INSERT,
    SQL_ROW_UPDATE,
    SQL_ROW_ERASE,
    SQL_TABLE_SCAN,
    SQL_TABLE_KINDS,
    SQL_FIND = 0,
    SQL_READ,
    SQL_INSERT,
    SQL_REMOVE,
    SQL_SCAN,
    SQL_SCAN_BACKWARD = SQL_SCAN + SQL_WORDS_MAX,
    SQL_INDEX_KINDS = SQL_SCAN_BACKWARD + SQL_WORDS_MAX
};

/* The name of an index's table is the table's, a dot and the index's. */
struct sql_names {
    const char *table, *index;
    unsigned words;
    bool non_unique;
};

/* Texts that the caller frees: what makes the table, or the index's; and what asks them, with a kind of theirs. */
char *sql_text_table_create(const struct sql_names *names);
char *sql_text_index_create(const struct sql_names *names);
char *sql_text_table(const struct sql_names *names, unsigned kind);
char *sql_text_index(const struct sql_names *names, unsigned kind);

/* The words of a key, signed so that they sort as the key does, and back. Keys of 8 bytes are integers. */
void sql_words_of_key(const void *key, size_t bytes, int64_t *words);
void sql_key_of_words(const int64_t *words, size_t bytes, void *key);

#endif
