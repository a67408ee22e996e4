/*
 * store.h - what rows.c asks of a database: keyspaces of byte strings in memcmp order, sessions with transactions, and
 * cursors. Each database has one file with all of this, of which each is linked with rows.c into a shared object of its
 * own: lmdb.c, sqlite.c, rocksdb.c, wiredtiger.c, postgresql.c, redis.c.
 *
 * Statuses are the target's (workloads/target.h). After one for which target_status_is_abort() is true, store_abort is
 * called. A session belongs to one thread at a time. Bytes that a call gives out stay valid until the session's next
 * call, those of a cursor until the cursor's.
 */
#ifndef HARNESS_TARGETS_PLUGINS_STORE_H
#define HARNESS_TARGETS_PLUGINS_STORE_H

#include "harness/targets/external.h"

struct store;
struct store_session;
struct store_cursor;

enum { STORE_KEY_MAX_BYTES = TARGET_KEY_MAX_BYTES + 8, STORE_SPACES_MAX = 512 };

struct store_bytes {
    const void *data;
    size_t count;
};

extern const size_t store_options_bytes; /* sizeof the struct of the target's options */
/* A key is locked when it is written and not before: so commits write their keys in one order, else two of them could
 * wait for each other. */
extern const bool store_locks_writes;

/* `values`: of the target's options. On failure writes to `error` what was wrong. */
enum target_status store_open(const void *values, struct store **store, char *error, size_t error_bytes);
/* No session is left. Removes the files, if the folder was chosen by the store. Not TARGET_OK: the library could not
 * write what was left, as stderr says. */
enum target_status store_close(struct store *store);
/* Makes the keyspace with this number, below STORE_SPACES_MAX, of keys of one length; no session is in a
 * transaction. */
enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes);

/* Any thread. `outside` is zero before. */
void store_outside(struct store *store, struct target_outside *outside);

enum target_status store_join(struct store *store, struct store_session **session);
void store_leave(struct store_session *session); /* it is in no transaction */

/* snapshot: it only reads, and sees one state. */
enum target_status store_begin(struct store_session *session, bool snapshot);
enum target_status store_commit(struct store_session *session); /* if it fails, the transaction has been aborted */
void store_abort(struct store_session *session);

/* Why a key is looked at. A database with locks takes that of a key that will be written; one that is far away can look
 * at several that will be added with one question. */
enum store_use { STORE_READ, STORE_CHANGE, STORE_ADD };
/* TARGET_NOT_FOUND. */
enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value);
/* Notes a key that the transaction will look at soon: with the first such key that it does look at, all of them are
 * asked for in one round trip. NULL: a look costs none. */
extern void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key);
/* is_new: the transaction has looked at the key, for STORE_ADD, and there was nothing, or it is one that nobody else
 * has. */
enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new);
enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key);

/* Goes through lo <= key <= hi; no data: open end. Meanwhile other keyspaces may be written, this one may not. wanted:
 * how many entries will do, as a rule; 0 if that is unknown. */
enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **cursor);
/* The next entry; TARGET_NOT_FOUND at the end. */
enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value);
void store_cursor_close(struct store_cursor *cursor);

#endif
