/*
 * key.h - keys of indexes: the values of some columns as bytes of a fixed length, in the order of the values.
 *
 * Each column has a part of fixed width: a byte, 0 for NULL and else 1, then an integer or a real in 8 bytes, or the
 * beginning of a text or blob, filled up with zeros. A text is what its collation compares: in lower case, or without
 * the blanks at its end. The index's entries are pairs of key and row, so that different rows may have one key. Keys of
 * texts are not exact: different texts may have one, and who looks for a value tests the rows that it finds. If a < b,
 * a's key is not behind b's. A HASH index has hashes of the whole values instead (entries.h).
 * Checked by: tests/unit/sql/key.c.
 */
#ifndef SQL_KEY_H
#define SQL_KEY_H

#include "sql/schema.h"

enum { KEY_BYTES_MAX = MAE_KEY_MAX_BYTES };

/* How long the index's keys are, and how many of its columns have a part in them: the last ones of many have none. */
size_t key_bytes(const struct table *table, const struct index *index);
unsigned key_columns(const struct table *table, const struct index *index);

/* Where the part of the index's i-th column begins in the key, or behind the last one, where it ends. */
size_t key_offset(const struct table *table, const struct index *index, unsigned i);

/* Whether the key decides exactly on the index's i-th column. */
bool key_is_exact(const struct table *table, const struct index *index, unsigned i);

/* Writes the part of the index's i-th column, which has a part in the key, at `at`; where the next one begins. */
uint8_t *key_part(const struct table *table, const struct index *index, unsigned i, const struct value *value,
                  uint8_t *at);

/* Whether two values are equal in the index's i-th column. NULL equals NULL here. */
bool key_equals(const struct index *index, unsigned i, const struct value *a, const struct value *b);

/* The hash of a row's values, the same for values that are equal. False: one of them is NULL. */
bool key_hash(const struct index *index, const struct value *values, uint64_t *hash);

/* The key of a row with these values, one for each column of the table. */
void key_make(const struct table *table, const struct index *index, const struct value *values, uint8_t *key);

#endif
