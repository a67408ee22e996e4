/*
 * external.h - targets that are other people's databases: what the program knows of them without their libraries.
 *
 * Each is a shared object of its own, targets/NAME.so, which is built where the database's header is found and loaded
 * when a run wants it. So neither libmaemio.a nor the command is linked with a database. Names, settings, promises and
 * reasons stand here and not in the shared object, so that columns and help are the same on every machine.
 * harness/targets/plugins has the code of the shared objects. Checked by: tests/unit/harness/targets/external.c,
 * tests/conformance, tests/cli/targets.sh. A new one: a line in EXTERNAL_TABLE, its options here, its description in
 * external.c, its file in harness/targets/plugins.
 */
#ifndef HARNESS_TARGETS_EXTERNAL_H
#define HARNESS_TARGETS_EXTERNAL_H

#include "workloads/target.h"

/* name, header, what it is linked with, package; of one that is a server that one's package, and where its program is.
 * The Makefile and scripts/setup read this table, too. */
#define EXTERNAL_TABLE(X)                                                                        \
    X(lmdb, "lmdb.h", "-llmdb", "liblmdb-dev", "", "")                                           \
    X(sqlite, "sqlite3.h", "-lsqlite3", "libsqlite3-dev", "", "")                                \
    X(rocksdb, "rocksdb/c.h", "-lrocksdb", "librocksdb-dev", "", "")                             \
    X(wiredtiger, "wiredtiger.h", "-lwiredtiger", "libwiredtiger-dev", "", "")                   \
    X(postgresql, "postgresql/libpq-fe.h", "-lpq", "libpq-dev", "postgresql", POSTGRESQL_PLACES) \
    X(redis, "hiredis/hiredis.h", "-lhiredis", "libhiredis-dev", "redis-server", REDIS_PLACES)

#define EXTERNAL_DECLARE(name, ...) extern const struct target_ops name##_target_ops;
EXTERNAL_TABLE(EXTERNAL_DECLARE)
#undef EXTERNAL_DECLARE

/* ---- Settings. Each target's struct is filled by the program and read by the shared object. ---- */

#define EXTERNAL_DIR(X)                                                                                           \
    X(string, dir, "auto", "", "",                                                                                \
      "folder for the database's files, an empty one or a new one; auto: one below TMPDIR or /var/tmp that goes " \
      "away with the target")

#define LMDB_OPTIONS(X)                                                                                           \
    X(enum, durability, "off", "off|async|sync", "",                                                              \
      "off: MDB_NOSYNC and MDB_WRITEMAP, nothing is written in time. async: MDB_NOMETASYNC, the last commit may " \
      "be lost. sync: each commit is flushed by itself; LMDB has no group commit")                                \
    EXTERNAL_DIR(X)                                                                                               \
    X(bytes, map_bytes, "16G", "1M..", "bytes", "LMDB: the largest size of the database; beyond it memory is out")

struct lmdb_options {
    LMDB_OPTIONS(OPTION_FIELD)
};

#define SQLITE_OPTIONS(X)                                                                                      \
    X(enum, durability, "off", "off|async|sync", "",                                                           \
      "PRAGMA synchronous. off: OFF. async: NORMAL, what was committed since a checkpoint may be lost. sync: " \
      "FULL, each commit is flushed by itself; SQLite has no group commit")                                    \
    EXTERNAL_DIR(X)                                                                                            \
    X(bytes, cache_bytes, "64M", "1M..", "bytes", "SQLite: the cache of each worker's connection")

struct sqlite_options {
    SQLITE_OPTIONS(OPTION_FIELD)
};

#define ROCKSDB_OPTIONS(X)                                                                                         \
    X(enum, durability, "off", "off|async|group", "",                                                              \
      "off: without a log. async: with a log that is not flushed. group: each commit is answered when the log is " \
      "flushed, together with others")                                                                             \
    EXTERNAL_DIR(X)                                                                                                \
    X(bytes, cache_bytes, "256M", "1M..", "bytes", "RocksDB: the block cache of all workers")                      \
    X(enum, concurrency, "pessimistic", "pessimistic|optimistic", "",                                              \
      "pessimistic: TransactionDB, keys are locked when they are used. optimistic: OptimisticTransactionDB, they " \
      "are checked at the commit")                                                                                 \
    X(enum, isolation, "serializable", "serializable|snapshot|read_committed", "",                                 \
      "serializable: each read is a get_for_update. snapshot: reads are of the transaction's snapshot. "           \
      "read_committed: plain reads")                                                                               \
    X(time, lock_timeout, "1s", "1ms..1h", "", "pessimistic: a lock that takes longer aborts its transaction")

struct rocksdb_options {
    ROCKSDB_OPTIONS(OPTION_FIELD)
};
enum rocksdb_concurrency { ROCKSDB_PESSIMISTIC, ROCKSDB_OPTIMISTIC };
enum rocksdb_isolation { ROCKSDB_SERIALIZABLE, ROCKSDB_SNAPSHOT, ROCKSDB_READ_COMMITTED };
/* The i-th of its reasons. */
enum rocksdb_reason { ROCKSDB_CONFLICT, ROCKSDB_DEADLOCK, ROCKSDB_TIMEOUT, ROCKSDB_TRY_AGAIN };

#define WIREDTIGER_OPTIONS(X)                                                                                      \
    X(enum, durability, "off", "off|async|group", "",                                                              \
      "off: without a log. async: with a log that is not flushed. group: each commit is answered when the log is " \
      "flushed, together with others")                                                                             \
    EXTERNAL_DIR(X)                                                                                                \
    X(bytes, cache_bytes, "256M", "1M..", "bytes", "WiredTiger: the cache of all workers")                         \
    X(enum, isolation, "snapshot", "snapshot|read_committed", "",                                                  \
      "snapshot: all reads of a transaction are of one state, and of two that write a key one is aborted. "        \
      "read_committed: each read is of what is committed by then. WiredTiger has nothing stronger")

struct wiredtiger_options {
    WIREDTIGER_OPTIONS(OPTION_FIELD)
};
enum wiredtiger_isolation { WIREDTIGER_SNAPSHOT, WIREDTIGER_READ_COMMITTED };

/* Where the database is a server. Places are patterns, the first that fits counts, and of what fits it the newest. */
#define POSTGRESQL_PLACES "/usr/lib/postgresql/*/bin/postgres:/usr/bin/postgres:/usr/local/bin/postgres"
#define REDIS_PLACES "/usr/bin/redis-server:/usr/local/bin/redis-server"
#define EXTERNAL_SERVER(X, places)                                                                            \
    X(string, server, "auto", "", "", "folder of the server's programs; auto: where one is found of " places) \
    X(string, server_cpus, "", "", "", "CPUs that the server runs on, such as 0-3,8; without: any")

#define POSTGRESQL_OPTIONS(X)                                                                                      \
    X(enum, durability, "off", "off|async|group", "",                                                              \
      "off: unlogged tables, and fsync=off. async: synchronous_commit=off. group: synchronous_commit=on, each "    \
      "commit is answered when the log is flushed, together with others")                                          \
    EXTERNAL_DIR(X)                                                                                                \
    X(bytes, cache_bytes, "256M", "1M..", "bytes", "PostgreSQL: shared_buffers of a server of the target's own")   \
    X(enum, isolation, "serializable", "serializable|snapshot|read_committed", "",                                 \
      "PostgreSQL's SERIALIZABLE, REPEATABLE READ (which is snapshot isolation) or READ COMMITTED")                \
    X(enum, requests, "batched", "batched|single", "",                                                             \
      "batched: requests that need no answer at once go out with the next one that does (pipeline mode). single: " \
      "each is a round trip of its own")                                                                           \
    X(time, lock_timeout, "1s", "1ms..1h", "", "a lock that takes longer aborts its transaction")                  \
    EXTERNAL_SERVER(X, POSTGRESQL_PLACES)                                                                          \
    X(string, conninfo, "", "", "", "a server that runs elsewhere, to be used instead of one of the target's own")

struct postgresql_options {
    POSTGRESQL_OPTIONS(OPTION_FIELD)
};
enum postgresql_isolation { POSTGRESQL_SERIALIZABLE, POSTGRESQL_SNAPSHOT, POSTGRESQL_READ_COMMITTED };
enum postgresql_requests { POSTGRESQL_BATCHED, POSTGRESQL_SINGLE };
/* The i-th of its reasons. */
enum postgresql_reason { POSTGRESQL_CONFLICT, POSTGRESQL_DEADLOCK, POSTGRESQL_TIMEOUT };

#define REDIS_OPTIONS(X)                                                                                \
    X(enum, durability, "off", "off|async|group", "",                                                   \
      "off: without a log. async: appendfsync everysec. group: appendfsync always, commits of several " \
      "connections are flushed together")                                                               \
    EXTERNAL_DIR(X)                                                                                     \
    EXTERNAL_SERVER(X, REDIS_PLACES)

struct redis_options {
    REDIS_OPTIONS(OPTION_FIELD)
};

/* The values of the options called durability; the third word is sync or group. */
enum external_durability { EXTERNAL_OFF, EXTERNAL_ASYNC, EXTERNAL_DURABLE };

/* ---- What the program and a shared object agree on. ---- */

/* Rises with every change of struct target_ops, of a struct above or of what a call means. */
enum { EXTERNAL_ABI = 3 };

/* What a shared object is to the program. `ops` has the calls; the rest of it is the description's. */
struct external_plugin {
    unsigned abi;
    size_t ops_bytes;
    const size_t *options_bytes;
    const struct target_ops *ops;
};
/* The one symbol of a shared object, of harness/targets/plugins/rows.c. */
#define EXTERNAL_SYMBOL "maemio_target"
extern const struct external_plugin maemio_target __attribute__((visibility("default")));

/* ---- Loading. Not thread-safe; what is loaded stays. ---- */

/* Whether the target is in a shared object. */
bool external_is(const struct target_ops *target);

/* False, with the reason and the remedy, if there is no shared object for the target, or no server that it could start.
 * It is not loaded. */
bool external_is_there(const struct target_ops *target, char *why, size_t why_bytes);

/* The target with its calls, valid for good; it is `target` itself if that is in the program. NULL, with the reason and
 * the remedy, if its shared object is missing, of another version, or cannot be loaded. */
const struct target_ops *external_load(const struct target_ops *target, char *why, size_t why_bytes);

#endif
