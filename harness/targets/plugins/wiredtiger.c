/*
 * wiredtiger.c - the store for WiredTiger: a keyspace is a table of byte strings.
 *
 * Each session has a cursor on each keyspace that it has used. Transactions are of snapshot isolation, or read
 * committed; there is nothing stronger. Who writes a key that another transaction has written since the snapshot gets
 * WT_ROLLBACK. Writes come with the commit (records.h), so that is when conflicts show.
 */
#include <wiredtiger.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/targets/plugins/folder.h"
#include "harness/targets/plugins/store.h"

enum { CONFIG_BYTES = 256, URI_BYTES = 32, SESSIONS_MAX = TARGET_WORKERS_MAX + 44, RETRY_CONFLICT = TARGET_RETRY };

struct store {
    struct folder folder;
    WT_CONNECTION *connection;
    bool is_read_committed;
};

struct store_session {
    struct store *store;
    WT_SESSION *session;
    WT_CURSOR *cursors[STORE_SPACES_MAX]; /* NULL: not used yet */
    WT_CURSOR *placed;                    /* the one that was used last; NULL */
};

struct store_cursor {
    WT_CURSOR *cursor;
    bool backward, is_placed;
    size_t lo_bytes, hi_bytes; /* 0: open end */
    char lo[STORE_KEY_MAX_BYTES], hi[STORE_KEY_MAX_BYTES];
};

const size_t store_options_bytes = sizeof(struct wiredtiger_options);
const bool store_locks_writes = false;

static enum target_status status_of(int code)
{
    switch (code) {
    case 0:
        return TARGET_OK;
    case WT_NOTFOUND:
        return TARGET_NOT_FOUND;
    case WT_ROLLBACK:
        return (enum target_status)RETRY_CONFLICT;
    case ENOMEM:
        return TARGET_NO_MEMORY;
    case EIO:
    case ENOSPC:
        return TARGET_IO;
    default:
        return TARGET_FAILED;
    }
}

/* ---- Opening. ---- */

static int connection_open(struct store *store, const struct wiredtiger_options *options)
{
    static const char *const logs[] = {
        [EXTERNAL_OFF] = "log=(enabled=false)",
        [EXTERNAL_ASYNC] = "log=(enabled=true),transaction_sync=(enabled=false)",
        [EXTERNAL_DURABLE] = "log=(enabled=true),transaction_sync=(enabled=true,method=fsync)",
    };
    char config[CONFIG_BYTES];
    (void)snprintf(config, sizeof config, "create,cache_size=%llu,session_max=%d,%s",
                   (unsigned long long)options->cache_bytes, SESSIONS_MAX, logs[options->durability]);
    return wiredtiger_open(store->folder.path, NULL, config, &store->connection);
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct wiredtiger_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    store->is_read_committed = options->isolation == WIREDTIGER_READ_COMMITTED;
    if (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes)) {
        free(store);
        return TARGET_INVALID;
    }
    int code = connection_open(store, options);
    if (code != 0) {
        (void)snprintf(error, error_bytes, "WiredTiger in %s: %s", store->folder.path, wiredtiger_strerror(code));
        (void)store_close(store);
        return status_of(code);
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    int code = store->connection != NULL ? store->connection->close(store->connection, NULL) : 0;
    if (code != 0)
        (void)fprintf(stderr, "maemio: WiredTiger in %s: close: %s\n", store->folder.path, wiredtiger_strerror(code));
    folder_release(&store->folder);
    free(store);
    return status_of(code);
}

static void name(unsigned space, char uri[URI_BYTES])
{
    (void)snprintf(uri, URI_BYTES, "table:s%u", space);
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "%s", wiredtiger_version(NULL, NULL, NULL));
    outside->disk_bytes = folder_bytes(&store->folder);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    char uri[URI_BYTES];
    WT_SESSION *session;
    (void)key_bytes;
    name(space, uri);
    int code = store->connection->open_session(store->connection, NULL, NULL, &session);
    if (code != 0)
        return status_of(code);
    code = session->create(session, uri, "key_format=u,value_format=u");
    int closed = session->close(session, NULL);
    return status_of(code != 0 ? code : closed);
}

/* ---- Sessions and transactions. ---- */

enum target_status store_join(struct store *store, struct store_session **result)
{
    struct store_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return TARGET_NO_MEMORY;
    session->store = store;
    int code = store->connection->open_session(store->connection, NULL, NULL, &session->session);
    if (code == 0)
        *result = session;
    else
        free(session);
    return status_of(code);
}

void store_leave(struct store_session *session)
{
    (void)session->session->close(session->session, NULL); /* and its cursors */
    free(session);
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    bool weak = session->store->is_read_committed && !snapshot;
    return status_of(session->session->begin_transaction(session->session,
                                                         weak ? "isolation=read-committed" : "isolation=snapshot"));
}

enum target_status store_commit(struct store_session *session)
{
    return status_of(session->session->commit_transaction(session->session, NULL)); /* or it is rolled back */
}

void store_abort(struct store_session *session)
{
    (void)session->session->rollback_transaction(session->session, NULL);
}

/* ---- Keys. ---- */

/* A cursor that stands on something keeps the state that it has read for all others of the session. With read committed
 * it must not: the next request is to see what is committed by then. */
static int lift(struct store_session *session)
{
    WT_CURSOR *placed = session->placed;
    session->placed = NULL;
    return placed != NULL && session->store->is_read_committed ? placed->reset(placed) : 0;
}

/* The session's cursor, on a key. */
static int cursor_on(struct store_session *session, unsigned space, struct store_bytes key, WT_CURSOR **cursor)
{
    WT_CURSOR **known = &session->cursors[space];
    WT_ITEM item = {.data = key.data, .size = key.count};
    int code = lift(session);
    if (code == 0 && *known == NULL) {
        char uri[URI_BYTES];
        name(space, uri);
        code = session->session->open_cursor(session->session, uri, NULL, "overwrite=true", known);
    }
    if (code == 0)
        (*known)->set_key(*known, &item);
    *cursor = session->placed = *known;
    return code;
}

void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = NULL;

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    WT_CURSOR *cursor;
    WT_ITEM item;
    (void)use; /* there are no locks */
    int code = cursor_on(session, space, key, &cursor);
    if (code == 0)
        code = cursor->search(cursor);
    if (code == 0)
        code = cursor->get_value(cursor, &item);
    if (code == 0)
        *value = (struct store_bytes){item.data, item.size};
    return status_of(code);
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    (void)is_new; /* it replaces what is there */
    WT_CURSOR *cursor;
    WT_ITEM item = {.data = value.data, .size = value.count};
    int code = cursor_on(session, space, key, &cursor);
    if (code != 0)
        return status_of(code);
    cursor->set_value(cursor, &item);
    return status_of(cursor->insert(cursor));
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    WT_CURSOR *cursor;
    int code = cursor_on(session, space, key, &cursor);
    return status_of(code == 0 ? cursor->remove(cursor) : code);
}

/* ---- Cursors. ---- */

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    (void)wanted; /* an entry is taken when it is asked for */
    char uri[URI_BYTES];
    struct store_cursor *cursor = malloc(sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    *cursor = (struct store_cursor){.backward = backward, .lo_bytes = lo.count, .hi_bytes = hi.count};
    if (lo.count > 0)
        memcpy(cursor->lo, lo.data, lo.count);
    if (hi.count > 0)
        memcpy(cursor->hi, hi.data, hi.count);
    name(space, uri);
    int code = lift(session);
    if (code == 0)
        code = session->session->open_cursor(session->session, uri, NULL, NULL, &cursor->cursor);
    if (code == 0)
        *result = cursor;
    else
        free(cursor);
    return status_of(code);
}

static int step(struct store_cursor *cursor)
{
    return cursor->backward ? cursor->cursor->prev(cursor->cursor) : cursor->cursor->next(cursor->cursor);
}

/* Goes to the first entry, in the cursor's direction. */
static int place(struct store_cursor *cursor)
{
    WT_ITEM bound = {.data = cursor->backward ? cursor->hi : cursor->lo,
                     .size = cursor->backward ? cursor->hi_bytes : cursor->lo_bytes};
    int side; /* of the bound, on which the nearest entry is */
    cursor->is_placed = true;
    if (bound.size == 0)
        return step(cursor);
    cursor->cursor->set_key(cursor->cursor, &bound);
    int code = cursor->cursor->search_near(cursor->cursor, &side);
    if (code == 0 && (cursor->backward ? side > 0 : side < 0))
        code = step(cursor);
    return code;
}

static int compare(const WT_ITEM *found, const char *bound, size_t bound_bytes)
{
    size_t least = found->size < bound_bytes ? found->size : bound_bytes;
    int order = memcmp(found->data, bound, least);
    return order != 0 ? order : (found->size > bound_bytes) - (found->size < bound_bytes);
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    WT_ITEM found, content;
    int code = cursor->is_placed ? step(cursor) : place(cursor);
    if (code == 0)
        code = cursor->cursor->get_key(cursor->cursor, &found);
    if (code == 0)
        code = cursor->cursor->get_value(cursor->cursor, &content);
    if (code != 0)
        return status_of(code);
    if ((cursor->lo_bytes > 0 && compare(&found, cursor->lo, cursor->lo_bytes) < 0) ||
        (cursor->hi_bytes > 0 && compare(&found, cursor->hi, cursor->hi_bytes) > 0))
        return TARGET_NOT_FOUND;
    *key = (struct store_bytes){found.data, found.size};
    *value = (struct store_bytes){content.data, content.size};
    return TARGET_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    (void)cursor->cursor->close(cursor->cursor);
    free(cursor);
}
