/* fields.c - see fields.h. */
#include "workloads/ycsb/fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/record.h"
#include "workloads/zipf.h"

/* YCSB's ZipfianGenerator. */
#define LENGTHS_THETA 0.99

static void draw_lengths(struct fields *fields, enum field_lengths lengths, uint64_t seed)
{
    uint64_t choices = fields->bytes_max - FIELD_BYTES_MIN + 1, sum = 0;
    struct zipf zipf;
    struct rng rng;
    rng_init(&rng, seed ^ 0x6669656c6473u, 0); /* not the requests' own sequence */
    zipf_init(&zipf, choices, LENGTHS_THETA);
    for (unsigned i = 0; i < FIELD_LENGTHS; i++) {
        uint64_t more = lengths == FIELD_LENGTHS_ZIPFIAN ? zipf_draw(&zipf, &rng) : rng_below(&rng, choices);
        fields->lengths[i] = (uint16_t)(FIELD_BYTES_MIN + more);
        sum += fields->lengths[i];
    }
    fields->bytes_mean = (double)sum / FIELD_LENGTHS * fields->count;
}

enum target_status fields_init(struct fields *fields, uint64_t count, uint64_t record_bytes, enum field_lengths lengths,
                               uint64_t seed, char *error, size_t error_bytes)
{
    if (record_bytes % count != 0 || record_bytes / count < FIELD_BYTES_MIN) {
        snprintf(error, error_bytes,
                 "fields=%" PRIu64 " of record_bytes=%" PRIu64 ": a field needs a whole number of bytes, %d at least",
                 count, record_bytes, FIELD_BYTES_MIN);
        return TARGET_INVALID;
    }
    fields->count = (unsigned)count;
    fields->bytes_max = (size_t)(record_bytes / count);
    fields->bytes_mean = (double)record_bytes;
    fields->vary = lengths != FIELD_LENGTHS_CONSTANT;
    if (fields->vary)
        draw_lengths(fields, lengths, seed);
    return TARGET_OK;
}

/* The lengths of a key's fields stand one after the other in the table, from a place that follows from the key. */
static unsigned place_of(uint64_t key)
{
    return (unsigned)(rng_mix(key + 1) >> 32);
}

static size_t length_at(const struct fields *fields, unsigned place, unsigned field)
{
    return fields->vary ? fields->lengths[(place + field) % FIELD_LENGTHS] : fields->bytes_max;
}

size_t fields_bytes(const struct fields *fields, uint64_t key)
{
    unsigned place = place_of(key);
    size_t bytes = 0;
    if (!fields->vary)
        return fields->bytes_max * fields->count;
    for (unsigned i = 0; i < fields->count; i++)
        bytes += length_at(fields, place, i);
    return bytes;
}

static uint64_t key_of(uint64_t key, unsigned field)
{
    return key + field * UINT64_C(0x9e3779b97f4a7c15);
}

/* A part of a record: one field, or, one after the other, all. */
struct part {
    const struct fields *fields;
    uint64_t key; /* of the field */
    unsigned place, next, end;
    size_t at, bytes;
};

static struct part part_begin(const struct fields *fields, uint64_t key, unsigned field)
{
    bool all = field >= fields->count;
    struct part part = {.fields = fields, .place = place_of(key), .next = all ? 0 : field};
    part.end = all ? fields->count : field + 1;
    if (!fields->vary)
        part.at = part.next * fields->bytes_max;
    for (unsigned i = 0; fields->vary && i < part.next; i++)
        part.at += length_at(fields, part.place, i);
    return part;
}

/* Steps to the next field; false if there is none. */
static bool part_next(struct part *part, uint64_t key)
{
    if (part->next == part->end)
        return false;
    part->at += part->bytes; /* of the field before */
    part->bytes = length_at(part->fields, part->place, part->next);
    part->key = key_of(key, part->next++);
    return true;
}

void fields_fill(const struct fields *fields, void *record, uint64_t key, unsigned field, uint64_t stamp)
{
    struct part part = part_begin(fields, key, field);
    while (part_next(&part, key))
        record_fill((char *)record + part.at, part.bytes, part.key, stamp);
}

void fields_increment(const struct fields *fields, void *record, uint64_t key, unsigned field)
{
    struct part part = part_begin(fields, key, field);
    while (part_next(&part, key))
        record_increment((char *)record + part.at, part.bytes);
}

uint64_t fields_sum(const struct fields *fields, const void *record, uint64_t key, unsigned field)
{
    uint64_t sum = 0;
    struct part part = part_begin(fields, key, field);
    while (part_next(&part, key))
        sum += record_sum((const char *)record + part.at, part.bytes);
    return sum;
}

bool fields_check(const struct fields *fields, const void *found, size_t found_bytes, uint64_t key, uint64_t *stamps,
                  char *report, size_t report_bytes)
{
    char why[256];
    size_t bytes = fields_bytes(fields, key);
    if (!found || found_bytes != bytes) /* says which */
        return record_check(found, found_bytes, bytes, key, stamps, report, report_bytes);
    struct part part = part_begin(fields, key, FIELDS_MAX);
    for (unsigned i = 0; part_next(&part, key); i++) {
        if (record_check((const char *)found + part.at, part.bytes, part.bytes, part.key, &stamps[i], why, sizeof why))
            continue;
        snprintf(report, report_bytes, "key %" PRIu64 ": field %u, whose own key is %" PRIu64 ": %s", key, i, part.key,
                 why);
        return false;
    }
    return true;
}
