/*
 * lmdb.c - the store for LMDB: a keyspace is a named database of one environment.
 *
 * One read-write transaction runs at a time: it holds the environment's mutex from begin to end. A snapshot never waits
 * and is never waited for. So nothing is ever aborted for a conflict. A session keeps a reader of its own and renews
 * it, which saves looking for a slot.
 */
#include "harness/targets/plugins/store.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/targets/plugins/folder.h"

enum { READERS_MAX = TARGET_WORKERS_MAX + 8, FILE_MODE = 0600 };

struct store {
    MDB_env *env;
    struct folder folder;
    MDB_dbi spaces[STORE_SPACES_MAX];
};

struct store_session {
    struct store *store;
    MDB_txn *reader; /* reset between its transactions; NULL before the first */
    MDB_txn *txn;    /* the reader, or a read-write transaction */
};

struct store_cursor {
    MDB_cursor *cursor;
    MDB_txn *txn;
    MDB_dbi space;
    bool backward, is_placed; /* is_placed: on the last entry given out */
    size_t lo_bytes, hi_bytes;
    char lo[STORE_KEY_MAX_BYTES], hi[STORE_KEY_MAX_BYTES];
};

const size_t store_options_bytes = sizeof(struct lmdb_options);
const bool store_locks_writes = false;

static enum target_status status_of(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return TARGET_OK;
    case MDB_NOTFOUND:
        return TARGET_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOMEM:
        return TARGET_NO_MEMORY;
    case EIO:
    case ENOSPC:
        return TARGET_IO;
    case MDB_DBS_FULL:
    case MDB_READERS_FULL:
        return TARGET_FULL;
    default:
        return TARGET_FAILED;
    }
}

static MDB_val val_of(struct store_bytes bytes)
{
    return (MDB_val){bytes.count, (void *)(uintptr_t)bytes.data};
}

/* ---- Opening. ---- */

static int environment_open(struct store *store, const struct lmdb_options *options)
{
    static const unsigned flags[] = {
        [EXTERNAL_OFF] = MDB_NOSYNC | MDB_WRITEMAP, [EXTERNAL_ASYNC] = MDB_NOMETASYNC, [EXTERNAL_DURABLE] = 0};
    int code = mdb_env_create(&store->env);
    if (code == MDB_SUCCESS)
        code = mdb_env_set_mapsize(store->env, options->map_bytes);
    if (code == MDB_SUCCESS)
        code = mdb_env_set_maxdbs(store->env, STORE_SPACES_MAX);
    if (code == MDB_SUCCESS)
        code = mdb_env_set_maxreaders(store->env, READERS_MAX);
    /* MDB_NOTLS: a slot belongs to the session, whichever thread it is on. MDB_NORDAHEAD would be for sizes beyond
     * memory. */
    if (code == MDB_SUCCESS)
        code = mdb_env_open(store->env, store->folder.path, flags[options->durability] | MDB_NOTLS, FILE_MODE);
    return code;
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct lmdb_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    if (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes)) {
        free(store);
        return TARGET_INVALID;
    }
    int code = environment_open(store, options);
    if (code != MDB_SUCCESS) {
        (void)snprintf(error, error_bytes, "LMDB in %s: %s", store->folder.path, mdb_strerror(code));
        (void)store_close(store);
        return status_of(code);
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    if (store->env != NULL)
        mdb_env_close(store->env);
    folder_release(&store->folder);
    free(store);
    return TARGET_OK;
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "LMDB %d.%d.%d", MDB_VERSION_MAJOR, MDB_VERSION_MINOR,
                   MDB_VERSION_PATCH);
    outside->disk_bytes = folder_bytes(&store->folder);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    (void)key_bytes;
    char name[16];
    MDB_txn *txn;
    (void)snprintf(name, sizeof name, "%u", space);
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != MDB_SUCCESS)
        return status_of(code);
    code = mdb_dbi_open(txn, name, MDB_CREATE, &store->spaces[space]);
    if (code == MDB_SUCCESS)
        return status_of(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return status_of(code);
}

/* ---- Sessions and transactions. ---- */

enum target_status store_join(struct store *store, struct store_session **session)
{
    *session = calloc(1, sizeof **session);
    if (*session == NULL)
        return TARGET_NO_MEMORY;
    (*session)->store = store;
    return TARGET_OK;
}

void store_leave(struct store_session *session)
{
    if (session->reader != NULL)
        mdb_txn_abort(session->reader);
    free(session);
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    MDB_env *env = session->store->env;
    int code;
    if (!snapshot)
        return status_of(mdb_txn_begin(env, NULL, 0, &session->txn));
    if (session->reader != NULL)
        code = mdb_txn_renew(session->reader);
    else
        code = mdb_txn_begin(env, NULL, MDB_RDONLY, &session->reader);
    session->txn = session->reader;
    return status_of(code);
}

enum target_status store_commit(struct store_session *session)
{
    MDB_txn *txn = session->txn;
    session->txn = NULL;
    if (txn != session->reader)
        return status_of(mdb_txn_commit(txn));
    mdb_txn_reset(txn);
    return TARGET_OK;
}

void store_abort(struct store_session *session)
{
    MDB_txn *txn = session->txn;
    session->txn = NULL;
    if (txn != session->reader)
        mdb_txn_abort(txn);
    else
        mdb_txn_reset(txn);
}

/* ---- Keys. ---- */

void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = NULL;

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    MDB_val name = val_of(key), found;
    (void)use; /* who may write holds the mutex */
    int code = mdb_get(session->txn, session->store->spaces[space], &name, &found);
    if (code == MDB_SUCCESS)
        *value = (struct store_bytes){found.mv_data, found.mv_size};
    return status_of(code);
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    (void)is_new; /* it replaces what is there */
    MDB_val name = val_of(key), content = val_of(value);
    return status_of(mdb_put(session->txn, session->store->spaces[space], &name, &content, 0));
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    MDB_val name = val_of(key);
    return status_of(mdb_del(session->txn, session->store->spaces[space], &name, NULL));
}

/* ---- Cursors. ---- */

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    (void)wanted; /* an entry is taken when it is asked for */
    struct store_cursor *cursor = malloc(sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    *cursor = (struct store_cursor){.txn = session->txn,
                                    .space = session->store->spaces[space],
                                    .backward = backward,
                                    .lo_bytes = lo.count,
                                    .hi_bytes = hi.count};
    if (lo.count > 0)
        memcpy(cursor->lo, lo.data, lo.count);
    if (hi.count > 0)
        memcpy(cursor->hi, hi.data, hi.count);
    int code = mdb_cursor_open(cursor->txn, cursor->space, &cursor->cursor);
    if (code == MDB_SUCCESS)
        *result = cursor;
    else
        free(cursor);
    return status_of(code);
}

/* Goes to the last entry that is not above hi. */
static int place_at_hi(struct store_cursor *cursor, MDB_val *key, MDB_val *value)
{
    MDB_val hi = {cursor->hi_bytes, cursor->hi};
    if (cursor->hi_bytes == 0)
        return mdb_cursor_get(cursor->cursor, key, value, MDB_LAST);
    *key = hi;
    int code = mdb_cursor_get(cursor->cursor, key, value, MDB_SET_RANGE);
    if (code == MDB_NOTFOUND)
        return mdb_cursor_get(cursor->cursor, key, value, MDB_LAST);
    if (code == MDB_SUCCESS && mdb_cmp(cursor->txn, cursor->space, key, &hi) != 0)
        return mdb_cursor_get(cursor->cursor, key, value, MDB_PREV);
    return code;
}

static int move(struct store_cursor *cursor, MDB_val *key, MDB_val *value)
{
    if (cursor->is_placed)
        return mdb_cursor_get(cursor->cursor, key, value, cursor->backward ? MDB_PREV : MDB_NEXT);
    cursor->is_placed = true;
    if (cursor->backward)
        return place_at_hi(cursor, key, value);
    *key = (MDB_val){cursor->lo_bytes, cursor->lo};
    return mdb_cursor_get(cursor->cursor, key, value, cursor->lo_bytes == 0 ? MDB_FIRST : MDB_SET_RANGE);
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    MDB_val found, content, lo = {cursor->lo_bytes, cursor->lo}, hi = {cursor->hi_bytes, cursor->hi};
    int code = move(cursor, &found, &content);
    if (code != MDB_SUCCESS)
        return status_of(code);
    if (cursor->backward ? lo.mv_size != 0 && mdb_cmp(cursor->txn, cursor->space, &found, &lo) < 0
                         : hi.mv_size != 0 && mdb_cmp(cursor->txn, cursor->space, &found, &hi) > 0)
        return TARGET_NOT_FOUND;
    *key = (struct store_bytes){found.mv_data, found.mv_size};
    *value = (struct store_bytes){content.mv_data, content.mv_size};
    return TARGET_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    mdb_cursor_close(cursor->cursor);
    free(cursor);
}
