/*
 * records.h - what a transaction has changed and the store does not have yet.
 *
 * An update hands out the new payload, which the workload may fill until it commits. So a changed record waits here and
 * goes to the store at the commit, or before a scan that would pass it.
 *
 * A record is a keyspace's entry under an 8-byte number: a row, an index entry, or both at once, in a table whose rows
 * lie under their first key (rows.c). In the store it is a byte of RECORD_* flags, the ref of the entry if it leads to
 * another row, and the payload if there is a row.
 */
#ifndef HARNESS_TARGETS_PLUGINS_RECORDS_H
#define HARNESS_TARGETS_PLUGINS_RECORDS_H

#include "harness/targets/plugins/arena.h"
#include "harness/targets/plugins/store.h"

enum {
    RECORD_ROW = 1,  /* a row lies here */
    RECORD_OWN = 2,  /* the entry of this key leads here, also when the row is gone */
    RECORD_OTHER = 4 /* the entry of this key leads to another row */
};

struct record {
    unsigned space;
    uint64_t number;
    unsigned char flags; /* 0: nothing is here */
    bool is_changed;
    bool is_stored; /* the store has something under this number */
    uint64_t other; /* RECORD_OTHER: the row's ref */
    char *payload;
    size_t bytes, room; /* of the payload */
};

struct records {
    struct arena arena;                       /* also for whatever else lives as long as the transaction */
    struct record **list, **places, **sorted; /* sorted: room for one writing */
    size_t count, list_room, places_room;     /* places: a hash table, a power of two */
};

/* What the store or a record says of a place. */
struct record_view {
    unsigned char flags;
    uint64_t other;
    const char *payload; /* valid as the store's bytes are, if `record` is NULL */
    size_t bytes;
    struct record *record; /* NULL: the store's */
};

/* Looks at a place; nothing there: TARGET_OK and no flags. */
enum target_status records_look(struct records *records, struct store_session *session, unsigned space, uint64_t number,
                                enum store_use use, struct record_view *view);

/* The record of a place, to be changed: its caller sets is_changed when it does. use: STORE_CHANGE or STORE_ADD. */
enum target_status records_take(struct records *records, struct store_session *session, unsigned space, uint64_t number,
                                enum store_use use, struct record **record);
/* That of a place where nothing has ever been, such as a row's of a new ref. */
enum target_status records_make(struct records *records, unsigned space, uint64_t number, struct record **record);

/* Gives the payload so many bytes, new ones zero. The payload may move. */
enum target_status record_resize(struct records *records, struct record *record, size_t bytes);

/* Writes what was changed to the store: of one keyspace, or of all. */
enum { RECORDS_ALL_SPACES = STORE_SPACES_MAX };
enum target_status records_write(struct records *records, struct store_session *session, unsigned space);

/* Reads what the store has under a number. False: it is no record. */
bool record_decode(struct store_bytes value, struct record_view *view);

/* A number as the store's key: in byte order as in numeric order. */
void record_key(uint64_t number, unsigned char key[sizeof(uint64_t)]);

void records_reset(struct records *records); /* at the end of a transaction */
void records_free(struct records *records);

#endif
