/*
 * fields.h - a record made of fields, as YCSB's are: where each begins, and what it holds.
 *
 * A field is a record of its own (record.h), with a key that follows from the row's key and the field's number, and a
 * stamp of its own. So a check sees an update that went to another field or was torn between fields. The lengths of a
 * row's fields follow from its key: an update never changes them, and the row keeps its size.
 *     F1  Where updates write all fields, the stamps of a row's fields are equal.
 * Fields have 16 bytes at least, so that stamps are 8 bytes long. A record of a single field of constant length is a
 * plain record, which is not handled here. Constant once initialised; thread-safe. Checked by:
 * tests/unit/workloads/ycsb/fields.c.
 */
#ifndef WORKLOADS_YCSB_FIELDS_H
#define WORKLOADS_YCSB_FIELDS_H

#include "workloads/target.h"

enum { FIELD_BYTES_MIN = 16, FIELDS_MAX = 1024, FIELD_LENGTHS = 4096 };

/* Zipfian: the shortest are the most frequent, as YCSB draws them. */
enum field_lengths { FIELD_LENGTHS_CONSTANT, FIELD_LENGTHS_UNIFORM, FIELD_LENGTHS_ZIPFIAN };

struct fields {
    unsigned count;
    bool vary;
    size_t bytes_max;                /* of a field */
    double bytes_mean;               /* of a record */
    uint16_t lengths[FIELD_LENGTHS]; /* vary: drawn beforehand; a key's fields take their lengths from here */
};

/* TARGET_OK, or TARGET_INVALID with `error` saying what is wrong and what would be right. */
enum target_status fields_init(struct fields *fields, uint64_t count, uint64_t record_bytes, enum field_lengths lengths,
                               uint64_t seed, char *error, size_t error_bytes);

size_t fields_bytes(const struct fields *fields, uint64_t key); /* of the key's record */

/* All fields: FIELDS_MAX for `field`. */
void fields_fill(const struct fields *fields, void *record, uint64_t key, unsigned field, uint64_t stamp);
void fields_increment(const struct fields *fields, void *record, uint64_t key, unsigned field);
uint64_t fields_sum(const struct fields *fields, const void *record, uint64_t key, unsigned field);

/* As record_check, for each field; `stamps` has room for one each. */
bool fields_check(const struct fields *fields, const void *found, size_t found_bytes, uint64_t key, uint64_t *stamps,
                  char *report, size_t report_bytes);

#endif
