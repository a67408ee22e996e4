/* records.c - see records.h. */
#include "harness/targets/plugins/records.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES_LEAST = 64, HEADER_ROOM = 16 /* in front of a payload: flags and ref are put there */ };

#define GOLDEN_RATIO 0x9e3779b97f4a7c15u

void record_key(uint64_t number, unsigned char key[sizeof(uint64_t)])
{
    number = __builtin_bswap64(number);
    memcpy(key, &number, sizeof number);
}

bool record_decode(struct store_bytes value, struct record_view *view)
{
    const unsigned char *bytes = value.data;
    size_t header = 1;
    if (value.count < header)
        return false;
    *view = (struct record_view){.flags = bytes[0]};
    if (view->flags & RECORD_OTHER) {
        header += sizeof view->other;
        if (value.count < header)
            return false;
        memcpy(&view->other, bytes + 1, sizeof view->other);
    }
    view->payload = (const char *)bytes + header;
    view->bytes = value.count - header;
    return true;
}

/* ---- Finding what was changed. ---- */

static size_t place_of(const struct records *records, unsigned space, uint64_t number)
{
    size_t mask = records->places_room - 1;
    size_t at = (size_t)((number * GOLDEN_RATIO + space) >> 32) & mask;
    const struct record *there;
    while ((there = records->places[at]) != NULL && (there->number != number || there->space != space))
        at = (at + 1) & mask; /* ends: half of the places are free */
    return at;
}

static struct record *find(const struct records *records, unsigned space, uint64_t number)
{
    return records->count == 0 ? NULL : records->places[place_of(records, space, number)];
}

/* Makes room for one more. */
static bool grow(struct records *records)
{
    if (records->count < records->list_room)
        return true;
    size_t room = records->list_room == 0 ? PLACES_LEAST / 2 : records->list_room * 2;
    struct record **list = realloc(records->list, room * sizeof *list);
    if (list == NULL)
        return false;
    records->list = list;
    struct record **places = calloc(room * 2, sizeof *places);
    if (places == NULL)
        return false;
    struct record **sorted = calloc(room, sizeof *sorted);
    if (sorted == NULL) {
        free(places);
        return false;
    }
    free(records->places);
    free(records->sorted);
    records->places = places;
    records->sorted = sorted;
    records->list_room = room;
    records->places_room = room * 2;
    for (size_t i = 0; i < records->count; i++)
        places[place_of(records, list[i]->space, list[i]->number)] = list[i];
    return true;
}

static void view_record(struct record *record, struct record_view *view)
{
    *view = (struct record_view){.flags = record->flags,
                                 .other = record->other,
                                 .payload = record->payload,
                                 .bytes = record->bytes,
                                 .record = record};
}

enum target_status records_look(struct records *records, struct store_session *session, unsigned space, uint64_t number,
                                enum store_use use, struct record_view *view)
{
    struct record *record = find(records, space, number);
    unsigned char key[sizeof number];
    struct store_bytes value;
    if (record != NULL) {
        view_record(record, view);
        return TARGET_OK;
    }
    record_key(number, key);
    *view = (struct record_view){0};
    enum target_status status = store_get(session, space, (struct store_bytes){key, sizeof key}, use, &value);
    if (status == TARGET_OK)
        return record_decode(value, view) ? TARGET_OK : TARGET_CORRUPT;
    return status == TARGET_NOT_FOUND ? TARGET_OK : status;
}

/* A record with what the store has there. */
static enum target_status enter(struct records *records, unsigned space, uint64_t number,
                                const struct record_view *view, struct record **result)
{
    struct record *record = arena_take(&records->arena, sizeof *record);
    if (record == NULL || !grow(records))
        return TARGET_NO_MEMORY;
    *record = (struct record){
        .space = space, .number = number, .flags = view->flags, .other = view->other, .is_stored = view->flags != 0};
    if (view->flags & RECORD_ROW) {
        enum target_status status = record_resize(records, record, view->bytes);
        if (status != TARGET_OK)
            return status;
        memcpy(record->payload, view->payload, view->bytes);
    }
    records->places[place_of(records, space, number)] = record;
    records->list[records->count++] = record;
    *result = record;
    return TARGET_OK;
}

enum target_status records_take(struct records *records, struct store_session *session, unsigned space, uint64_t number,
                                enum store_use use, struct record **result)
{
    struct record_view view;
    enum target_status status = records_look(records, session, space, number, use, &view);
    if (status != TARGET_OK || view.record != NULL) {
        *result = view.record;
        return status;
    }
    return enter(records, space, number, &view, result);
}

enum target_status records_make(struct records *records, unsigned space, uint64_t number, struct record **result)
{
    return enter(records, space, number, &(struct record_view){0}, result);
}

enum target_status record_resize(struct records *records, struct record *record, size_t bytes)
{
    if (bytes > record->room || record->payload == NULL) {
        char *bigger = arena_take(&records->arena, HEADER_ROOM + bytes);
        if (bigger == NULL)
            return TARGET_NO_MEMORY;
        if (record->bytes > 0)
            memcpy(bigger + HEADER_ROOM, record->payload, record->bytes);
        record->payload = bigger + HEADER_ROOM;
        record->room = bytes;
    }
    if (bytes > record->bytes)
        memset(record->payload + record->bytes, 0, bytes - record->bytes);
    record->bytes = bytes;
    return TARGET_OK;
}

/* ---- Writing it to the store. ---- */

/* The record as the store has it; without a row in `small`. */
static struct store_bytes encode(struct record *record, char small[HEADER_ROOM])
{
    bool has_row = record->flags & RECORD_ROW, leads_on = record->flags & RECORD_OTHER;
    char *end = has_row ? record->payload : small + HEADER_ROOM, *begin = end;
    if (leads_on)
        memcpy(begin -= sizeof record->other, &record->other, sizeof record->other);
    *--begin = (char)record->flags;
    return (struct store_bytes){begin, (size_t)(end - begin) + (has_row ? record->bytes : 0)};
}

static enum target_status write_one(struct record *record, struct store_session *session)
{
    unsigned char number[sizeof record->number];
    char small[HEADER_ROOM];
    record_key(record->number, number);
    const struct store_bytes key = {number, sizeof number};
    if (record->flags == 0 && !record->is_stored)
        return TARGET_OK;
    enum target_status status = record->flags == 0
                                    ? store_delete(session, record->space, key)
                                    : store_put(session, record->space, key, encode(record, small), !record->is_stored);
    if (status == TARGET_OK)
        record->is_stored = record->flags != 0;
    return status;
}

static int by_key(const void *a, const void *b)
{
    const struct record *first = *(struct record *const *)a, *second = *(struct record *const *)b;
    if (first->space != second->space)
        return first->space < second->space ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* In the order in which they are to be written. */
static struct record **in_order(struct records *records)
{
    if (!store_locks_writes || records->count < 2)
        return records->list;
    memcpy(records->sorted, records->list, records->count * sizeof(struct record *));
    qsort(records->sorted, records->count, sizeof(struct record *), by_key);
    return records->sorted;
}

enum target_status records_write(struct records *records, struct store_session *session, unsigned space)
{
    enum target_status status = TARGET_OK;
    struct record **list = in_order(records);
    for (size_t i = 0; i < records->count && status == TARGET_OK; i++) {
        struct record *record = list[i];
        if (record->is_changed && (space == RECORDS_ALL_SPACES || record->space == space))
            status = write_one(record, session);
    }
    return status;
}

/* ---- The end. ---- */

void records_reset(struct records *records)
{
    for (size_t i = records->count; i-- > 0;) /* the last one first, so that each is found where it was put */
        records->places[place_of(records, records->list[i]->space, records->list[i]->number)] = NULL;
    records->count = 0;
    arena_reset(&records->arena);
}

void records_free(struct records *records)
{
    arena_free(&records->arena);
    free(records->list);
    free(records->places);
    free(records->sorted);
    *records = (struct records){0};
}
