/*
 * rocksdb.c - the store for RocksDB: a keyspace is a prefix of two bytes in one column family.
 *
 * A transaction is one of TransactionDB, which locks keys when they are used, or of OptimisticTransactionDB, which
 * checks them at the commit. Both watch a key only if it is written or read by get_for_update. So, to be serializable,
 * each read of a read-write transaction is a get_for_update, of a key that is missing, too; only scans are not watched.
 * A snapshot is a transaction with a snapshot of RocksDB that is rolled back.
 *
 * What went wrong RocksDB tells by the beginning of a text.
 */
#include <rocksdb/c.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/targets/plugins/folder.h"
#include "harness/targets/plugins/store.h"

enum {
    PREFIX_BYTES = 2,
    BLOOM_BITS = 10,
    LOCK_STRIPES = 1024, /* of the one table of locks; 16 by default */
    WRITE_BUFFERS_KEPT_BYTES = 256 << 20,
    NS_PER_MS = 1000000
};

struct store {
    struct folder folder;
    enum rocksdb_concurrency concurrency;
    enum rocksdb_isolation isolation;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write_options;
    rocksdb_transactiondb_options_t *locks;
    rocksdb_transaction_options_t *plain, *on_snapshot; /* pessimistic */
    rocksdb_optimistictransaction_options_t *plain_unlocked, *on_snapshot_unlocked;
    rocksdb_transactiondb_t *db; /* one of the two */
    rocksdb_optimistictransactiondb_t *optimistic_db;
};

struct store_session {
    struct store *store;
    rocksdb_transaction_t *txn; /* used again by the next one */
    rocksdb_readoptions_t *read_options;
    const rocksdb_snapshot_t *snapshot; /* of the running transaction, or NULL */
    bool is_read_only;
    char *value; /* what was given out last */
};

struct store_cursor {
    rocksdb_iterator_t *iterator;
    bool backward, is_placed;
    size_t lo_bytes, hi_bytes; /* with the prefix */
    char lo[PREFIX_BYTES + STORE_KEY_MAX_BYTES], hi[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
};

const size_t store_options_bytes = sizeof(struct rocksdb_options);
const bool store_locks_writes = false;

/* Frees the text. */
static enum target_status status_of(char *said)
{
    static const struct {
        const char *begin;
        int status;
    } meanings[] = {
        {"Resource busy: Deadlock", TARGET_RETRY + ROCKSDB_DEADLOCK},
        {"Resource busy", TARGET_RETRY + ROCKSDB_CONFLICT},
        {"Operation timed out", TARGET_RETRY + ROCKSDB_TIMEOUT},
        {"Operation failed. Try again.", TARGET_RETRY + ROCKSDB_TRY_AGAIN},
        {"IO error", TARGET_IO},
        {"Corruption", TARGET_CORRUPT},
    };
    enum target_status status = said == NULL ? TARGET_OK : TARGET_FAILED;
    for (size_t i = 0; said != NULL && i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(said, meanings[i].begin, strlen(meanings[i].begin)) == 0) {
            status = (enum target_status)meanings[i].status;
            break;
        }
    rocksdb_free(said);
    return status;
}

/* ---- Opening. ---- */

static void tables_configure(rocksdb_options_t *options, size_t cache_bytes)
{
    rocksdb_block_based_table_options_t *tables = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(cache_bytes);
    rocksdb_block_based_options_set_block_cache(tables, cache);
    rocksdb_block_based_options_set_filter_policy(tables, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(options, tables);
    rocksdb_cache_destroy(cache); /* the options keep it */
    rocksdb_block_based_options_destroy(tables);
}

static void options_make(struct store *store, const struct rocksdb_options *options)
{
    store->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(store->options, 1);
    rocksdb_options_set_compression(store->options, rocksdb_no_compression);
    /* An optimistic transaction is checked against what the write buffers remember. */
    rocksdb_options_set_max_write_buffer_size_to_maintain(store->options, WRITE_BUFFERS_KEPT_BYTES);
    tables_configure(store->options, options->cache_bytes);
    store->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(store->write_options, options->durability == EXTERNAL_OFF);
    rocksdb_writeoptions_set_sync(store->write_options, options->durability == EXTERNAL_DURABLE);
    store->locks = rocksdb_transactiondb_options_create();
    rocksdb_transactiondb_options_set_num_stripes(store->locks, LOCK_STRIPES);
    for (int i = 0; i < 2; i++) {
        rocksdb_transaction_options_t *pessimistic = rocksdb_transaction_options_create();
        rocksdb_optimistictransaction_options_t *optimistic = rocksdb_optimistictransaction_options_create();
        rocksdb_transaction_options_set_deadlock_detect(pessimistic, 1);
        rocksdb_transaction_options_set_lock_timeout(pessimistic, (int64_t)(options->lock_timeout / NS_PER_MS));
        rocksdb_transaction_options_set_set_snapshot(pessimistic, (unsigned char)i);
        rocksdb_optimistictransaction_options_set_set_snapshot(optimistic, (unsigned char)i);
        *(i == 0 ? &store->plain : &store->on_snapshot) = pessimistic;
        *(i == 0 ? &store->plain_unlocked : &store->on_snapshot_unlocked) = optimistic;
    }
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct rocksdb_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    char *said = NULL;
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    store->concurrency = (enum rocksdb_concurrency)options->concurrency;
    store->isolation = (enum rocksdb_isolation)options->isolation;
    options_make(store, options);
    if (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes)) {
        (void)store_close(store);
        return TARGET_INVALID;
    }
    if (store->concurrency == ROCKSDB_OPTIMISTIC)
        store->optimistic_db = rocksdb_optimistictransactiondb_open(store->options, store->folder.path, &said);
    else
        store->db = rocksdb_transactiondb_open(store->options, store->locks, store->folder.path, &said);
    if (said != NULL) {
        (void)snprintf(error, error_bytes, "RocksDB in %s: %s", store->folder.path, said);
        (void)store_close(store);
        return status_of(said);
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    if (store->db != NULL)
        rocksdb_transactiondb_close(store->db);
    if (store->optimistic_db != NULL)
        rocksdb_optimistictransactiondb_close(store->optimistic_db);
    rocksdb_transaction_options_destroy(store->plain);
    rocksdb_transaction_options_destroy(store->on_snapshot);
    rocksdb_optimistictransaction_options_destroy(store->plain_unlocked);
    rocksdb_optimistictransaction_options_destroy(store->on_snapshot_unlocked);
    rocksdb_transactiondb_options_destroy(store->locks);
    rocksdb_writeoptions_destroy(store->write_options);
    rocksdb_options_destroy(store->options);
    folder_release(&store->folder);
    free(store);
    return TARGET_OK;
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "RocksDB");
    outside->disk_bytes = folder_bytes(&store->folder);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    (void)store, (void)space, (void)key_bytes; /* a prefix is there when a key has it */
    return TARGET_OK;
}

/* ---- Sessions and transactions. ---- */

enum target_status store_join(struct store *store, struct store_session **result)
{
    struct store_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return TARGET_NO_MEMORY;
    session->store = store;
    session->read_options = rocksdb_readoptions_create();
    *result = session;
    return TARGET_OK;
}

static void release(struct store_session *session)
{
    rocksdb_free(session->value);
    session->value = NULL;
}

void store_leave(struct store_session *session)
{
    release(session);
    if (session->txn != NULL)
        rocksdb_transaction_destroy(session->txn);
    rocksdb_readoptions_destroy(session->read_options);
    free(session);
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    struct store *store = session->store;
    bool has_snapshot = snapshot || store->isolation == ROCKSDB_SNAPSHOT;
    if (store->concurrency == ROCKSDB_OPTIMISTIC)
        session->txn = rocksdb_optimistictransaction_begin(
            store->optimistic_db, store->write_options,
            has_snapshot ? store->on_snapshot_unlocked : store->plain_unlocked, session->txn);
    else
        session->txn = rocksdb_transaction_begin(store->db, store->write_options,
                                                 has_snapshot ? store->on_snapshot : store->plain, session->txn);
    session->is_read_only = snapshot;
    if (has_snapshot) {
        session->snapshot = rocksdb_transaction_get_snapshot(session->txn);
        rocksdb_readoptions_set_snapshot(session->read_options, session->snapshot);
    }
    return TARGET_OK;
}

static void end(struct store_session *session)
{
    release(session);
    if (session->snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(session->read_options, NULL);
        rocksdb_free((void *)(uintptr_t)session->snapshot);
        session->snapshot = NULL;
    }
}

void store_abort(struct store_session *session)
{
    char *said = NULL;
    end(session);
    rocksdb_transaction_rollback(session->txn, &said);
    rocksdb_free(said); /* nothing was promised */
}

enum target_status store_commit(struct store_session *session)
{
    char *said = NULL;
    if (session->is_read_only) {
        store_abort(session);
        return TARGET_OK;
    }
    end(session);
    rocksdb_transaction_commit(session->txn, &said);
    if (said != NULL)
        store_abort(session);
    return status_of(said);
}

/* ---- Keys. ---- */

/* The key with the prefix of its keyspace. */
static size_t whole_key(unsigned space, struct store_bytes key, char whole[PREFIX_BYTES + STORE_KEY_MAX_BYTES])
{
    whole[0] = (char)(space >> 8);
    whole[1] = (char)space;
    if (key.count > 0)
        memcpy(whole + PREFIX_BYTES, key.data, key.count);
    return PREFIX_BYTES + key.count;
}

void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = NULL;

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    char whole[PREFIX_BYTES + STORE_KEY_MAX_BYTES], *said = NULL;
    size_t count = whole_key(space, key, whole), value_count = 0;
    bool is_watched = use != STORE_READ || session->store->isolation == ROCKSDB_SERIALIZABLE;
    release(session);
    session->value =
        is_watched && !session->is_read_only
            ? rocksdb_transaction_get_for_update(session->txn, session->read_options, whole, count, &value_count,
                                                 use != STORE_READ, &said)
            : rocksdb_transaction_get(session->txn, session->read_options, whole, count, &value_count, &said);
    if (said != NULL)
        return status_of(said);
    *value = (struct store_bytes){session->value, value_count};
    return session->value != NULL ? TARGET_OK : TARGET_NOT_FOUND;
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    (void)is_new; /* it replaces what is there */
    char whole[PREFIX_BYTES + STORE_KEY_MAX_BYTES], *said = NULL;
    size_t count = whole_key(space, key, whole);
    rocksdb_transaction_put(session->txn, whole, count, value.data, value.count, &said);
    return status_of(said);
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    char whole[PREFIX_BYTES + STORE_KEY_MAX_BYTES], *said = NULL;
    size_t count = whole_key(space, key, whole);
    rocksdb_transaction_delete(session->txn, whole, count, &said);
    return status_of(said);
}

/* ---- Cursors. ---- */

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    (void)wanted; /* an entry is taken when it is asked for */
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    cursor->backward = backward;
    cursor->lo_bytes = whole_key(space, lo, cursor->lo);
    cursor->hi_bytes = whole_key(space, hi, cursor->hi);
    if (hi.data == NULL) { /* longer than any key, and above them */
        memset(cursor->hi + PREFIX_BYTES, 0xff, STORE_KEY_MAX_BYTES);
        cursor->hi_bytes = sizeof cursor->hi;
    }
    cursor->iterator = rocksdb_transaction_create_iterator(session->txn, session->read_options);
    *result = cursor;
    return TARGET_OK;
}

static int compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static void move(struct store_cursor *cursor)
{
    if (cursor->is_placed && cursor->backward)
        rocksdb_iter_prev(cursor->iterator);
    else if (cursor->is_placed)
        rocksdb_iter_next(cursor->iterator);
    else if (cursor->backward)
        rocksdb_iter_seek_for_prev(cursor->iterator, cursor->hi, cursor->hi_bytes);
    else
        rocksdb_iter_seek(cursor->iterator, cursor->lo, cursor->lo_bytes);
    cursor->is_placed = true;
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    size_t key_bytes, value_bytes;
    char *said = NULL;
    move(cursor);
    if (!rocksdb_iter_valid(cursor->iterator)) {
        rocksdb_iter_get_error(cursor->iterator, &said);
        return said == NULL ? TARGET_NOT_FOUND : status_of(said);
    }
    const char *found = rocksdb_iter_key(cursor->iterator, &key_bytes);
    if (compare(found, key_bytes, cursor->lo, cursor->lo_bytes) < 0 ||
        compare(found, key_bytes, cursor->hi, cursor->hi_bytes) > 0)
        return TARGET_NOT_FOUND;
    const char *content = rocksdb_iter_value(cursor->iterator, &value_bytes);
    *key = (struct store_bytes){found + PREFIX_BYTES, key_bytes - PREFIX_BYTES};
    *value = (struct store_bytes){content, value_bytes};
    return TARGET_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    rocksdb_iter_destroy(cursor->iterator);
    free(cursor);
}
