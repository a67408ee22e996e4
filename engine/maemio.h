/*
 * maemio.h - the public interface of Maemio, a serializable in-memory multi-version transactional engine
 * after Cicada (Lim, Kaminsky, Andersen, SIGMOD 2017).
 *
 * Model. A database (`mae_db`) holds tables of rows, and indexes that map keys to rows. A thread that wants to run
 * transactions joins as a worker (`mae_worker`). A worker runs one transaction (`mae_txn`) at a time. A worker and its
 * transaction belong to one thread at a time. Any thread may make the calls on the database itself. Threads that the
 * database starts take none of the program's signals.
 *
 * Isolation. All transactions that commit are serializable, in the order of their timestamps (mae_txn_timestamp).
 * Snapshot transactions read the state as of some moment. They validate nothing and never abort (but see txn_max_ms).
 *
 * Order. How the order of the timestamps relates to real time:
 *   - By default (order=serial) two read-write transactions of one worker are ordered as they happened, and so are any
 *     two transactions of which one has read what the other wrote. No other order is promised. Clocks differ by a
 *     microsecond or so, so a transaction that begins after another worker's commit has returned may be ordered before
 *     that commit and miss it. A snapshot sees the state of some microseconds ago (twice gc_interval_us), so it may
 *     miss its own worker's last commit.
 *   - With `after`, the transaction is ordered behind that timestamp and sees what was committed with it and before.
 *     Pass the mae_txn_timestamp or mae_worker_last_commit, from any worker, of the transaction that must be seen. A
 *     read-write transaction pays nothing for it. A snapshot waits until all workers have passed that timestamp. That
 *     takes some microseconds, or until overtake_us has passed if a transaction is open that long. Without the
 *     membarrier system call it takes until open transactions have ended and silent workers have acted.
 *   - With order=strict, each transaction begins as if `after` were the timestamp of the last commit, of any worker,
 *     that has returned. The order of all transactions, snapshots included, is then that of real time (strict
 *     serializability). Each mae_begin reads a cache line of every worker (some 20 ns to 100 ns for each that has
 *     committed since), and snapshots wait as above. A commit writes one more word, in a line of its own, with any
 *     value of the option.
 *   - A transaction that stays open for longer than overtake_us is overtaken: snapshots and the garbage of other
 *     workers no longer wait for it. When an overtaken read-write transaction commits it moves to a later place in the
 *     order, at which its reads are validated. So its timestamp is final only when mae_commit has returned. It can fail
 *     like any other transaction.
 *   - With restamp=extend, a call that writes, or the commit, may move a read-write transaction to a later place, too.
 *     That is never before what it was ordered behind.
 *
 * Broken invariants. Reads are checked at commit, not before. So a read-write transaction that will abort may see row A
 * as it was before another transaction and row B as it was after, and with them a sum that never existed. It never
 * commits, and mae_run validates the reads if a body gives up. But the body's own code runs on such data. So before it
 * indexes an array, divides, loops or asserts by what must hold between rows, let it test that, and let it have no
 * effects outside the database. If a test fails, return a status that is not retryable, such as MAE_ABORT_USER: mae_run
 * runs the body again if the reads were not valid. Snapshot transactions never see such data: prefer them for reading.
 *
 * Pointers to data. A read returns a pointer into the row's version, an update a pointer into the new, still private
 * version. Nothing is copied out. The engine owns the data. Pointers are valid until the transaction ends, and 8-byte
 * aligned.
 *
 * Failure. Every call that can fail returns an `enum mae_status`. When a call inside a transaction returns a status
 * for which mae_status_is_abort() is true, the transaction cannot commit any more: call mae_abort, and begin again if
 * mae_status_is_retryable(). mae_run does all of that. MAE_NOT_FOUND and MAE_EXISTS leave the transaction usable.
 *
 * Misuse. A call with a transaction that has ended, a worker that has left, or a table or index of another database
 * returns MAE_INVALID and does nothing. Release builds of the library do not notice some misuse, so that reads and
 * updates by key and by row stay short: a table or index of another database in mae_read, mae_update, mae_row_read and
 * mae_row_update; NULL handles; and two threads that use one worker at the same time. Builds with MODE=debug notice
 * these, too (MAE_INVALID): try a new program with such a build. A worker may move from thread to thread, if only one
 * thread at a time is inside a call with the worker or its transaction. No build notices a handle that outlives its
 * object: one of a closed database, or of a worker that has left and whose number another worker has taken.
 *
 * What the caller owes. The caller keeps the entries of a table's indexes in step with its rows. A transaction that
 * deletes a row also removes all entries that lead to the row, from all indexes. A transaction that changes what a key
 * was made of also removes the old entry and adds the new one. The calls by key do that for the index they are given,
 * and for no other. An entry can be added only to a row that exists, and a transaction that would delete a row and
 * leave an entry is rolled back: mae_commit returns MAE_CORRUPT. So no key leads to a deleted row, or to another row
 * once the row id is used again. The engine does not notice an entry that is missing or has a wrong key.
 *
 * Units are in the names: `_bytes`, `_ns`, `_us`, `_ticks`. Strings are NUL-terminated UTF-8.
 */
#ifndef MAEMIO_H
#define MAEMIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAE_VERSION "0.1.0"

/* name, kind, text. Kinds: DONE (no failure), USE (the transaction stays usable), RETRY (aborted, and running it again
 * may succeed), DOOMED (aborted, and the same transaction would fail again), REFUSED (the call did nothing; a commit
 * that is refused has rolled the transaction back), UNKNOWN (it is committed here, and perhaps not after a restart). */
#define MAE_STATUS_TABLE(X)                                                                                    \
    X(MAE_OK, DONE, "ok")                                                                                      \
    X(MAE_NOT_FOUND, USE, "no such key or row is visible to the transaction")                                  \
    X(MAE_EXISTS, USE, "the key is already there")                                                             \
    X(MAE_ABORT_USER, DOOMED, "aborted by the caller")                                                         \
    X(MAE_ABORT_OLD, DOOMED, "aborted: the transaction was open for longer than txn_max_ms")                   \
    X(MAE_NO_MEMORY, DOOMED, "out of memory: the memory limit is reached or the system has no more")           \
    X(MAE_NO_ADDRESSES, DOOMED, "out of address space: the process may reserve no more (ulimit -v)")           \
    X(MAE_TOO_LARGE, USE, "the payload is larger than the table's maximum")                                    \
    X(MAE_READ_ONLY, USE, "a snapshot transaction cannot write")                                               \
    X(MAE_INVALID, REFUSED, "invalid argument")                                                                \
    X(MAE_BUSY, REFUSED, "in use, or the worker already runs a transaction")                                   \
    X(MAE_FULL, REFUSED, "full: too many workers, tables or indexes, or no space on the disk")                 \
    X(MAE_UNSUPPORTED, REFUSED, "not supported here")                                                          \
    X(MAE_CORRUPT, REFUSED, "an invariant does not hold, or would not: an index entry without its row")        \
    X(MAE_IO, DOOMED, "aborted, or refused: a file of the log cannot be read or written")                      \
    X(MAE_IO_UNKNOWN, UNKNOWN, "committed, but the log has failed: a restart may have lost it")                \
    X(MAE_ABORT_NEWER, RETRY, "aborted while reading for update: a newer version exists")                      \
    X(MAE_ABORT_RTS, RETRY, "aborted while reading for update: a later transaction has read the version")      \
    X(MAE_ABORT_PENDING, RETRY, "aborted while reading: met a pending version (pending=abort)")                \
    X(MAE_ABORT_PRECHECK, RETRY, "aborted in the pre-check: the access set is out of date")                    \
    X(MAE_ABORT_INSTALL, RETRY, "aborted while installing: the version was superseded or read by a later one") \
    X(MAE_ABORT_READ_CHECK, RETRY, "aborted in validation: a read version is no longer the visible one")       \
    X(MAE_ABORT_WRITE_CHECK, RETRY, "aborted in validation: a written row was read or written by another")     \
    X(MAE_ABORT_INDEX, RETRY, "aborted: the index changed under the operation")                                \
    X(MAE_ABORT_MEMORY, RETRY, "aborted: memory has run out for now; garbage may come free")                   \
    X(MAE_ABORT_LOG, RETRY, "aborted: the disk of the log is full, or takes nothing for now")                  \
    X(MAE_STOP, USE, "a visitor has seen enough")

enum mae_status {
#define MAE_STATUS_ENUM(name, kind, text) name,
    MAE_STATUS_TABLE(MAE_STATUS_ENUM)
#undef MAE_STATUS_ENUM
        MAE_STATUS_COUNT
};

/*
 * At the memory limit a call returns MAE_ABORT_MEMORY while memory may come free by itself: because garbage waits for
 * the horizon, or because other workers have free memory, which they hand over at their next quiescent point. Then it
 * is right to try again, and mae_run does. A call returns MAE_NO_MEMORY if nothing can come free, or if this time has
 * passed since the worker's first refusal after its last commit. So a loop that runs as long as a status is retryable
 * ends.
 */
#define MAE_MEMORY_PATIENCE_MS 20

#define MAE_MUST_USE __attribute__((warn_unused_result))

struct mae_options;
struct mae_db;
struct mae_worker;
struct mae_table;
struct mae_index;
struct mae_txn;
struct mae_cursor;

/* ---- Statuses. Any thread; constant time. ---- */

const char *mae_status_name(enum mae_status status);  /* "MAE_OK"; "MAE_?" outside the table */
const char *mae_status_text(enum mae_status status);  /* one line, static */
bool mae_status_is_abort(enum mae_status status);     /* RETRY or DOOMED: the transaction must be aborted */
bool mae_status_is_retryable(enum mae_status status); /* RETRY: running it again may succeed */

/*
 * ---- When the process must end. ----
 * If the engine finds something that cannot be, which is a fault of its own or damaged memory, it ends the process
 * (abort): it would else go on with wrong data. Before, it prints a line to stderr and calls `tell` with `arg` and the
 * same text, so that a program can log it. The call may come from any thread and from within any call. `tell` must not
 * call the engine, and the database must not be used after it; it may end the process in its own way. It is called
 * once, and other threads that find something meanwhile wait.
 * For the whole process, whatever databases are open. A later call takes the place of the one before; NULL: none. Any
 * thread.
 */
typedef void (*mae_fatal_fn)(void *arg, const char *text);
void mae_on_fatal(mae_fatal_fn tell, void *arg);

/* ---- Options: every switch of the protocol, by name; see mae_option_info. mae_open reads them once. ---- */

struct mae_option_info {
    const char *name, *type, *default_value, *range, *unit, *help, *paper_section;
};

/* How many options there are; the info of the i-th (0-based), or NULL past the end. Static storage. */
size_t mae_option_count(void);
const struct mae_option_info *mae_option_info(size_t i);

/* All options at their defaults, or NULL when out of memory. The caller owns the result. */
struct mae_options *mae_options_create(void);
void mae_options_destroy(struct mae_options *options); /* NULL is fine */

/*
 * Sets one option from text: sizes take the suffixes K, M, G (powers of 1024), other numbers k, M, G (powers of 1000),
 * booleans are on or off. MAE_INVALID (unknown name or bad value) leaves the option as it was. If `error` is not NULL,
 * the call then writes there what was wrong and what would be right (always terminated, truncated to error_bytes).
 */
MAE_MUST_USE enum mae_status mae_options_set(struct mae_options *options, const char *name, const char *value,
                                             char *error, size_t error_bytes);

/* Writes the value of the i-th option as mae_options_set would take it. False when there is no such option. */
bool mae_options_get(const struct mae_options *options, size_t i, char *value, size_t value_bytes);

/* ---- Database. ---- */

/*
 * Opens a database. It is empty, unless the option log_dir names a folder with a database: then that one is restored
 * (see "Durability"). `options` may be NULL (defaults) and may be destroyed afterwards.
 * MAE_OK; MAE_NO_MEMORY; MAE_NO_ADDRESSES; MAE_INVALID (`db` is NULL, or options that cannot be combined);
 * MAE_UNSUPPORTED (a library built with OPTIONS=fixed, and options that are not the defaults; what else "Durability"
 * says); MAE_IO, MAE_BUSY, MAE_CORRUPT (see there). Cost: milliseconds (reserves address space), and with a log the
 * time to read it.
 */
MAE_MUST_USE enum mae_status mae_open(const struct mae_options *options, struct mae_db **db);

/* Why the calling thread's last mae_open, mae_close, mae_backup or mae_log_read has failed, if there is more to say
 * than the status does: a line with file and place. Else "". After a mae_open that has cut the log, at damage
 * (recovery=salvage) or at a torn end, it says where. Valid until the thread's next such call; but a mae_close that
 * succeeds leaves it as it was. */
const char *mae_open_problem(void);
#define MAE_PROBLEM_BYTES 512

/*
 * Closes the database and frees everything, whatever it returns. Every worker must have left before. NULL is fine. With
 * durability other than off it writes what is not written yet, and does not wait for space. MAE_OK: every commit is on
 * the disk, with async, too. MAE_FULL: for lack of space some are not in the log, and lost. MAE_IO_UNKNOWN: the log has
 * failed, and some may be lost. In both cases mae_open_problem says from which timestamp on. Cost: with a log a flush
 * and a sync.
 */
enum mae_status mae_close(struct mae_db *db);

#define MAE_NAME_MAX_BYTES 63 /* of tables and indexes, without the NUL */

struct mae_table_config {
    size_t payload_max_bytes; /* largest payload of a row, 1 to MAE_PAYLOAD_MAX_BYTES */
    /* A hint, 0 if unknown; never a limit. But where the process's address space is limited (ulimit -v), a table can
     * grow only to the addresses reserved at its creation: an eighth of what is left, or enough for these rows. */
    uint64_t expected_rows;
};
#define MAE_PAYLOAD_MAX_BYTES 65528

/*
 * Creates a table. Any thread. MAE_OK; MAE_INVALID (size out of range; name empty or longer than MAE_NAME_MAX_BYTES);
 * MAE_EXISTS (the name is taken); MAE_FULL (1024 tables, where a hash index counts as two and an ordered one as one);
 * MAE_NO_MEMORY; MAE_NO_ADDRESSES. With a log, which has it on the disk when the call returns: MAE_IO; MAE_FULL (the
 * disk). The table lives until mae_table_drop or mae_close.
 */
MAE_MUST_USE enum mae_status mae_table_create(struct mae_db *db, const char *name,
                                              const struct mae_table_config *config, struct mae_table **table);

enum mae_index_kind { MAE_INDEX_HASH, MAE_INDEX_ORDERED };

struct mae_index_config {
    enum mae_index_kind kind;
    size_t key_bytes;       /* of each key, MAE_KEY_MIN_BYTES to MAE_KEY_MAX_BYTES; but see `variable` */
    bool non_unique;        /* ordered only: several rows may have one key; entries are (key, row) pairs */
    uint64_t expected_rows; /* sizes a hash index beforehand; 0: it grows by itself. Never a limit */
    bool variable;          /* ordered only: keys have 1 to key_bytes bytes, and that at most MAE_KEY_DATA_BYTES */
};
#define MAE_KEY_MIN_BYTES 8
#define MAE_KEY_MAX_BYTES 64
#define MAE_KEY_DATA_BYTES 255

/*
 * Creates an index over the rows of `table`. Keys of 8 bytes are `uint64_t` in native order and sort as integers;
 * longer ones are byte strings and sort bytewise. Keys of variable length sort bytewise, too; if one key begins
 * another, it comes before that. Where they are passed to or from a call, `key` points to a byte with the key's length,
 * and that many bytes stand behind it: so struct mae_key begins ("Keys of several values"). Any thread.
 * MAE_OK; MAE_INVALID (key size, kind, name, another database's table); MAE_UNSUPPORTED (variable, with
 * simple_index_update=on); MAE_EXISTS (the name is taken); MAE_FULL (as mae_table_create); MAE_IO (as there);
 * MAE_NO_MEMORY; MAE_NO_ADDRESSES. The index lives until mae_index_drop,
 * mae_table_drop of its table, or mae_close.
 */
MAE_MUST_USE enum mae_status mae_index_create(struct mae_db *db, struct mae_table *table, const char *name,
                                              const struct mae_index_config *config, struct mae_index **index);

/*
 * Drop an index, or a table with all its rows and indexes, while workers run. A drop belongs to no transaction, and
 * cannot be taken back. Of an index only the entries go, not the rows. From some moment during the call on the index or
 * table is as if it were not there: every call with it, in transactions that are open or begin later, and
 * mae_cursor_next of a cursor over it, returns MAE_INVALID. Transactions that have used it before commit as always, and
 * the call waits for all transactions that are open. Its memory is then given back, but for some KiB for the handle,
 * which stays valid until mae_close. The name is free, and the table or index no longer counts for MAE_FULL.
 *
 * While an index is being dropped, a transaction that deletes a row to which the index still has an entry ends with
 * MAE_ABORT_INDEX, and may be tried again. Afterwards nobody need remove entries from it.
 *
 * With a log, what has been committed before the call is safe before the drop is, and the drop is when the call
 * returns. After a crash during the call it has happened, or not at all.
 *
 * Any thread that is not in the middle of a transaction. MAE_OK; MAE_INVALID: there is no such table or index in the
 * database, or no longer; MAE_BUSY: a transaction that is open has not ended within MAE_DROP_PATIENCE_MS, or, without
 * the membarrier system call, a worker has been silent for as long; MAE_FULL (the disk is), MAE_IO, MAE_NO_MEMORY. But
 * for MAE_OK nothing is dropped, though calls may have returned MAE_INVALID meanwhile; after MAE_IO a restart may find
 * it dropped. If overtake_us=0 and a transaction that has begun during the call stays open as long, the memory comes
 * back only at mae_close. Cost: linear in the rows, or nodes and entries.
 */
#define MAE_DROP_PATIENCE_MS 100
MAE_MUST_USE enum mae_status mae_index_drop(struct mae_db *db, struct mae_index *index);
MAE_MUST_USE enum mae_status mae_table_drop(struct mae_db *db, struct mae_table *table);

/* The table or index of that name, or NULL. Any thread; linear in their number. */
struct mae_table *mae_table_find(struct mae_db *db, const char *name);
struct mae_index *mae_index_by_name(struct mae_db *db, const char *name);

/* Lists what there is, in the order of creation: the first for NULL, then the one behind the one given, NULL at the
 * end, and for one that has been dropped. Any thread, also while others create and drop; linear in their number. */
struct mae_table *mae_table_next(struct mae_db *db, const struct mae_table *table);
struct mae_index *mae_index_next(struct mae_db *db, const struct mae_index *index);

/* The name, valid as long as the table or index, and what it was created with. Any thread; constant time. */
const char *mae_table_name(const struct mae_table *table);
const char *mae_index_name(const struct mae_index *index);
void mae_table_config_of(const struct mae_table *table, struct mae_table_config *config);
void mae_index_config_of(const struct mae_index *index, struct mae_index_config *config);
struct mae_table *mae_index_table(const struct mae_index *index); /* whose rows its entries lead to */

/* How many rows the table has. Exact while no transaction commits; meanwhile it may count transactions that are about
 * to commit, and not yet count the last few. Any thread; costs 16 loads. */
uint64_t mae_table_rows(const struct mae_table *table);

/* ---- Workers. ---- */

#define MAE_WORKERS_MAX 256

/*
 * Makes the calling thread a worker. Pin the thread first, since the worker takes memory from the NUMA node it runs on.
 * MAE_OK; MAE_FULL (MAE_WORKERS_MAX have joined); MAE_NO_MEMORY. Cost: microseconds; waits for a leader's round to end.
 */
MAE_MUST_USE enum mae_status mae_worker_join(struct mae_db *db, struct mae_worker **worker);

/* Ends the worker, and aborts its running transaction. Its garbage passes to the database. `worker` is invalid
 * afterwards. Not from within a body of mae_run or a function that a scan calls: they go on with the transaction. */
void mae_worker_leave(struct mae_worker *worker);

/*
 * Parks the worker, so that it does not hold back garbage collection and snapshots while it runs no transactions. Call
 * it before the thread blocks, waits for input or sleeps. The worker's next mae_begin wakes it. Does nothing inside a
 * transaction.
 */
void mae_worker_idle(struct mae_worker *worker);

/*
 * For a thread that has several workers, each with a transaction of its own, and lets them take turns, say as
 * coroutines. `on_miss` is called with `arg` from within the worker's calls when its transaction has begun to load
 * memory that it will need next, and while the worker waits in mae_backoff, mae_run or a snapshot's mae_begin. It may
 * let the thread go on with its other workers, and returns when this one is to continue; it must make no call with this
 * worker. So the cache misses of several transactions overlap. It is never called while another transaction could wait
 * for this one. NULL: no more.
 * What the caller owes: the workers of a thread take turns fairly; a worker that runs no more transactions is idle
 * (mae_worker_idle) or leaves; and a call that waits for other transactions to end (mae_table_drop, mae_index_drop,
 * mae_index_create over rows, mae_checkpoint, mae_backup, mae_sync, mae_wait_durable) is made on another thread, or
 * while no other worker of the thread has an open transaction.
 * MAE_OK; MAE_BUSY inside a transaction; MAE_INVALID if the worker has left; MAE_UNSUPPORTED with durability=sync,
 * where a commit waits for all transactions before it. Only the worker's thread. Constant time. A new worker has none.
 * Source: CoroBase (He, Lu, Wang: PVLDB 14(3), 2020).
 */
MAE_MUST_USE enum mae_status mae_worker_on_miss(struct mae_worker *worker, void (*on_miss)(void *arg), void *arg);

/* The worker's number, 0 to MAE_WORKERS_MAX - 1: the low 8 bits of its timestamps. */
unsigned mae_worker_id(const struct mae_worker *worker);

/*
 * Starts a maintenance thread. It does the leader's work, so that an idle program still reclaims memory and its
 * snapshots move on, and it parks workers that have been silent between transactions for a while. mae_close stops it.
 * MAE_OK; MAE_BUSY (already started); MAE_UNSUPPORTED (no membarrier system call); MAE_NO_MEMORY (no thread). The
 * thread wakes once a millisecond, and less often, down to 16 times a second, while nothing happens. It is none of the
 * MAE_WORKERS_MAX workers. Any thread may call it.
 */
MAE_MUST_USE enum mae_status mae_maintenance_start(struct mae_db *db);
void mae_maintenance_stop(struct mae_db *db); /* waits for the thread to end; does nothing if none runs */

/* ---- Transactions. The worker's thread only. ---- */

enum mae_mode { MAE_READ_WRITE, MAE_SNAPSHOT };

/*
 * Begins a transaction. `after` orders it behind another transaction: pass that one's mae_txn_timestamp, or 0 for no
 * constraint. A read-write transaction's timestamp is above `after`. A snapshot transaction reads the state just below
 * the oldest read-write transaction that may still run, and mae_begin waits until that is above `after`: see "Order".
 * So a snapshot that is to see its worker's last commit is begun with mae_worker_last_commit. It does not wait if no
 * other worker is active, and some microseconds if one is; it publishes its own worker's progress meanwhile, does the
 * leader's work if nobody else does, and parks workers that are silent.
 * MAE_OK; MAE_BUSY if the worker already runs a transaction; MAE_INVALID if there is no such mode, the worker has left,
 * or `after` is more than an hour ahead of all timestamps of this database. Cost: one TSC read. Source: section 3.1.
 */
MAE_MUST_USE enum mae_status mae_begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after,
                                       struct mae_txn **txn);

/*
 * Validates and commits. The transaction is over whatever the result; on any status but MAE_OK it has been aborted.
 * MAE_OK; MAE_ABORT_PRECHECK, _INSTALL, _READ_CHECK, _WRITE_CHECK, _MEMORY, _OLD; MAE_NO_MEMORY; the status of an
 * earlier failed call. MAE_CORRUPT if it would delete a row and leave an index entry: see "What the caller owes".
 * MAE_INVALID if the transaction was over before; then nothing happens.
 * Cost: linear in the access set. Waits for pending versions with smaller timestamps. Source: sections 3.4, 3.5.
 */
MAE_MUST_USE enum mae_status mae_commit(struct mae_txn *txn);

/*
 * Rolls back. The transaction is over: every later call with it returns MAE_INVALID and does nothing, until the
 * worker's next mae_begin, which may give out the same pointer. MAE_OK; MAE_INVALID if the transaction was over before.
 */
enum mae_status mae_abort(struct mae_txn *txn);

/*
 * Savepoints. mae_savepoint notes the present moment of the transaction in *mark. mae_rollback_to takes back what the
 * transaction has done since: writes of rows, insertions, deletions, index entries, and what it asked to be told
 * (mae_on_durable). The mark stays, so the transaction can return to it again; marks that were set after it are gone.
 * mae_release removes the mark and all that were set after it, and takes nothing back: what was done since then belongs
 * to what was done before. Savepoints nest to any depth. A commit or an abort ends them all.
 *
 * A rollback to a savepoint takes back no reads: the commit still validates them, since the caller may have acted on
 * what it saw. After a status for which mae_status_is_abort() is true there is no way back but mae_abort. MAE_EXISTS,
 * MAE_NOT_FOUND and MAE_TOO_LARGE leave the way open. Row ids of insertions that were taken back are not used again
 * before the transaction has ended.
 *
 * Pointers. After mae_savepoint the transaction may read, but no longer write, through pointers that updates and
 * insertions gave it before: it calls mae_update or mae_row_update again, which returns where to write. Otherwise the
 * rollback does not know of the change. After mae_rollback_to, pointers to new versions that were given since the mark
 * are invalid.
 *
 * MAE_OK; MAE_INVALID: the transaction has no such mark, or no longer; MAE_BUSY (mae_rollback_to): the call comes from
 * a function that mae_index_scan calls, and index entries have changed since the mark; MAE_NO_MEMORY (mae_savepoint);
 * the status of an earlier failed call. Snapshot transactions may set savepoints, too.
 * Cost: mae_savepoint constant. While a transaction has savepoints, the first change of a row that was written before
 * the last one copies the row's payload. mae_rollback_to is linear in the accesses since the mark.
 */
MAE_MUST_USE enum mae_status mae_savepoint(struct mae_txn *txn, uint64_t *mark);
MAE_MUST_USE enum mae_status mae_rollback_to(struct mae_txn *txn, uint64_t mark);
MAE_MUST_USE enum mae_status mae_release(struct mae_txn *txn, uint64_t mark);

/*
 * The transaction's place in the serial order; for a snapshot, the place of the last transaction that it may see. It is
 * final once mae_commit has returned: a transaction may move to a later place before (see "Order").
 * The call is allowed until the worker's next mae_begin.
 */
uint64_t mae_txn_timestamp(const struct mae_txn *txn);
struct mae_worker *mae_txn_worker(const struct mae_txn *txn);

/*
 * Runs `body` as a transaction until it commits. If `body` returns MAE_OK, mae_run commits. After a retryable status,
 * of `body` or of the commit, it aborts, waits for the back-off and runs `body` again. Any other status makes it give
 * up. `body` must be able to run more than once, and must return failing statuses as they are. MAE_ABORT_USER rolls
 * back without a retry. If `body` gives up, for example with MAE_NOT_FOUND, mae_run validates its reads as a commit
 * does, and runs it again if they were not valid. `attempts_max` 0 means without limit. Returns MAE_OK; the status that
 * ended the attempts; the last abort's status if the attempts are used up; MAE_BUSY if the worker already runs a
 * transaction; MAE_INVALID (as mae_begin, or `body` has ended the transaction itself).
 *
 * A C++ exception may leave `body`, and so may the end of its thread (pthread_exit, cancellation): mae_run rolls the
 * transaction back on the way. They may also leave the functions that scans call. mae_run cannot notice a longjmp:
 * after one, mae_abort the transaction that `body` was given before the worker begins the next, or that returns
 * MAE_BUSY.
 */
typedef enum mae_status (*mae_body_fn)(struct mae_txn *txn, void *arg);
MAE_MUST_USE enum mae_status mae_run(struct mae_worker *worker, enum mae_mode mode, mae_body_fn body, void *arg,
                                     unsigned attempts_max);

/* As mae_run, with every attempt ordered behind `after` as by mae_begin. */
MAE_MUST_USE enum mae_status mae_run_after(struct mae_worker *worker, enum mae_mode mode, uint64_t after,
                                           mae_body_fn body, void *arg, unsigned attempts_max);

/* The timestamp of the worker's last read-write transaction that committed, 0 if none has. Another transaction that is
 * given it as `after` sees that commit. A worker that takes the place of one that has left goes on with its value. */
uint64_t mae_worker_last_commit(const struct mae_worker *worker);

/* Waits after an abort for as long as the option backoff says, which may be not at all. mae_run calls it. */
void mae_backoff(struct mae_worker *worker);

/*
 * Adds to an index the entries of the rows that its table has already, while other workers run. Create the index first.
 * From before the call on every transaction that begins keeps the index in step with the rows that it changes, as it
 * does with other indexes; of rows which have no entry yet mae_index_remove returns MAE_NOT_FOUND. The call first waits
 * for the transactions that are open. Until it has returned, lookups and scans of the index miss rows.
 *
 * `key_of` says what the key of a row is: it writes key_bytes bytes, or a struct mae_key if keys are of variable
 * length, to `key` and returns MAE_OK, or returns MAE_NOT_FOUND: this row has no entry. Any other status ends the
 * build. It may be called several times for a row, and makes no calls with a transaction.
 *
 * The worker must be between transactions. It adds the entries in transactions of some rows each, which are committed
 * like any others. MAE_OK; MAE_EXISTS: two rows have one key, and the index is unique; MAE_BUSY: the worker runs a
 * transaction, or one that is open has not ended within MAE_DROP_PATIENCE_MS; MAE_INVALID: it is an index of another
 * database, or has been dropped; the statuses of mae_row_read, mae_index_insert and mae_commit that are not retryable;
 * what `key_of` has returned. Unless it is MAE_OK, some rows have their entries and others do not: drop the index, or
 * call again, which goes on with what is missing. Cost: as adding each entry, and a pass over the rows.
 */
typedef enum mae_status (*mae_key_fn)(void *arg, uint64_t row, const void *data, size_t bytes, void *key);
MAE_MUST_USE enum mae_status mae_index_build(struct mae_worker *worker, struct mae_index *index, mae_key_fn key_of,
                                             void *arg);

/*
 * Loads many new rows with their index entries, while other workers run. `next` is called until it returns MAE_STOP,
 * and tells a row each time, with its keys in the `index_count` indexes that are given, which are of this table.
 * Entries of indexes that are not given are the caller's to add, for example with mae_index_build.
 *
 * The rows are inserted in transactions of some rows each, which are committed like any others: serializable, and in
 * the log. So the load as a whole is no transaction, and others see it grow. In *loaded (NULL: unwanted) stands how
 * many rows have been committed: they are the first ones that `next` has told, whatever the status, and those that
 * follow are not in the table. If a row cannot be loaded, it is the one behind these. What a crash leaves of a load are
 * its first rows, too. A load that ends early can be called again with the rows that are missing. Several workers may
 * load one table at once.
 *
 * MAE_OK: all; MAE_EXISTS: a unique index has the row's key; MAE_TOO_LARGE: the row's payload; MAE_INVALID: a key that
 * its index cannot have, an index of another table, or a table of another database; MAE_BUSY: the worker runs a
 * transaction; MAE_NO_MEMORY; MAE_ABORT_LOG: the log's disk has stayed full, and the load may go on when it is not; the
 * statuses of mae_row_insert, mae_index_insert and mae_commit that are not retryable; what `next` has returned. The
 * worker must be between transactions, and `next` makes no calls with it. Cost: as inserting each row and entry, less
 * what a transaction costs, since many rows share one and their misses overlap; 64 KiB, and 64 keys of each index, of
 * memory.
 */
struct mae_load_row {
    const void *data; /* the payload, `bytes` long; it and the keys stay as they are until the next call */
    size_t bytes;
    const void *const *keys; /* the key in each index, as mae_index_insert takes it; NULL: the row has no entry there */
};
typedef enum mae_status (*mae_load_fn)(void *arg, struct mae_load_row *row);
MAE_MUST_USE enum mae_status mae_load(struct mae_worker *worker, struct mae_table *table,
                                      struct mae_index *const *indexes, size_t index_count, mae_load_fn next, void *arg,
                                      uint64_t *loaded);

/* ---- Rows by row id. ---- *
 * A row id is stable from the commit of its insert to the commit of its delete. After that it may be used again. The
 * absence of a row id is not protected against phantoms, since no index is involved; the absence of a key in an index
 * is.
 *
 * Common statuses: MAE_OK; MAE_NOT_FOUND; MAE_INVALID (the table has no such row; see also Misuse above);
 * MAE_NO_MEMORY; MAE_ABORT_PENDING; MAE_ABORT_OLD; after a call that has made the transaction fail, that call's status
 * again. Calls that write also return MAE_READ_ONLY (in a snapshot transaction), MAE_TOO_LARGE, MAE_ABORT_NEWER,
 * MAE_ABORT_RTS and MAE_ABORT_MEMORY; mae_row_insert also MAE_NO_ADDRESSES. In snapshot transactions reads return only
 * MAE_OK, MAE_NOT_FOUND, MAE_INVALID and, with the option txn_max_ms, MAE_ABORT_OLD.
 */

/* Reads the visible version. Cost: the row's cache lines. `bytes` may be NULL. */
MAE_MUST_USE enum mae_status mae_row_read(struct mae_txn *txn, struct mae_table *table, uint64_t row, const void **data,
                                          size_t *bytes);

/*
 * Reads a row for update: `data` is the new version, `bytes` long and filled with the old payload, cut or padded with
 * zeros. `bytes` 0 keeps the old size. A second update of the same row returns the same new version. If it asks for
 * more bytes, the version may move, and earlier pointers to it are invalid then. `old`, if not NULL, receives the
 * version read (the new version itself if the transaction wrote the row before).
 */
MAE_MUST_USE enum mae_status mae_row_update(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes,
                                            const void **old, void **data);

/* As mae_row_update, and tells the sizes: how many bytes the row had before the call, and how many it has now. Each of
 * old, old_bytes and new_bytes may be NULL. If the transaction wrote the row before, `old` is the new version itself,
 * so it has what is left of the old payload. */
MAE_MUST_USE enum mae_status mae_row_update_sized(struct mae_txn *txn, struct mae_table *table, uint64_t row,
                                                  size_t bytes, const void **old, size_t *old_bytes, void **data,
                                                  size_t *new_bytes);

/*
 * Writes a row without reading it (a blind write): `data` is a new version of `bytes` bytes, which may be 0, with
 * undefined contents, which the caller fills. Of the writes that commit before this transaction does, only a deletion
 * of the row makes it abort.
 */
MAE_MUST_USE enum mae_status mae_row_overwrite(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes,
                                               void **data);

/*
 * Changes a row without reading it, and without a conflict with others that do (a commit-time update): the transaction
 * notes the operation, and what the row then is, is computed when somebody reads it, or else some microseconds after
 * the commit. So transactions that only add to a row do not abort each other. Of the writes that commit before this
 * transaction does, only a deletion of the row makes it abort; and so does a read by a transaction with a later
 * timestamp.
 *     MAE_ADD     adds a signed integer of `bytes` bytes (1, 2, 4 or 8) to the one that stands `offset` bytes into the
 *                 payload, in native order and at any alignment; modulo 2 to the power of its bits
 *     MAE_MAX     the larger of that integer and the operand
 *     MAE_APPEND  adds `bytes` bytes at the payload's end, as many of them as the table's payload_max_bytes leaves room
 *                 for; offset is 0
 * A payload that ends before the integer does is filled up with zeros. Additions commute, and so do maxima; otherwise
 * operations on a row count in the order of the transactions' timestamps, and in a transaction in the order of calls.
 *
 * `operand` is copied. A transaction that has read or written the row before, or does so later, conflicts over it as
 * with mae_row_update; so it does if the operand is long (about 500 bytes), and for a row that has lost an index entry.
 * A transaction may call it for a row any number of times. There are no other functions, since a recovery must know
 * them before a program can name its own.
 * MAE_OK; MAE_TOO_LARGE: the integer lies beyond payload_max_bytes, or the operand is larger; MAE_INVALID: there is no
 * such function, or no integer has that many bytes, or the offset is not 0. Cost: as mae_row_overwrite; whoever reads
 * first, or the collector, copies the payload.
 */
enum mae_function { MAE_ADD, MAE_MAX, MAE_APPEND };
MAE_MUST_USE enum mae_status mae_row_apply(struct mae_txn *txn, struct mae_table *table, uint64_t row,
                                           enum mae_function function, size_t offset, const void *operand,
                                           size_t bytes);

/* Inserts a row of `bytes` bytes with undefined contents, which the caller fills. The row is in no index yet. */
MAE_MUST_USE enum mae_status mae_row_insert(struct mae_txn *txn, struct mae_table *table, size_t bytes, uint64_t *row,
                                            void **data);

/*
 * Deletes the row. The caller removes its index entries in the same transaction, before or after; otherwise mae_commit
 * returns MAE_CORRUPT. A deletion takes memory for a tombstone, so at the memory limit it can fail like an update,
 * until garbage has been collected (MAE_ABORT_MEMORY).
 */
MAE_MUST_USE enum mae_status mae_row_delete(struct mae_txn *txn, struct mae_table *table, uint64_t row);

/*
 * Calls `visit` for each visible row of [first, first + count) in the order of row ids, until `visit` returns false.
 * Only in snapshot transactions (else MAE_INVALID). Prefetches ahead. `count` UINT64_MAX means to the table's end.
 * `visit` must not end the transaction; if it does, the scan stops with MAE_INVALID.
 */
typedef bool (*mae_row_fn)(void *arg, uint64_t row, const void *data, size_t bytes);
MAE_MUST_USE enum mae_status mae_table_scan(struct mae_txn *txn, struct mae_table *table, uint64_t first,
                                            uint64_t count, mae_row_fn visit, void *arg);

/* As mae_table_scan, with a visitor that returns a status: MAE_OK goes on, MAE_STOP ends the visit with MAE_OK, and any
 * other status ends it and is returned. If `visit` ends the transaction and returns MAE_OK, that is MAE_INVALID. */
typedef enum mae_status (*mae_row_visitor)(void *arg, uint64_t row, const void *data, size_t bytes);
MAE_MUST_USE enum mae_status mae_table_visit(struct mae_txn *txn, struct mae_table *table, uint64_t first,
                                             uint64_t count, mae_row_visitor visit, void *arg);

/* All row ids of the table are below this number. Any thread. */
uint64_t mae_table_row_limit(const struct mae_table *table);

/* ---- Index entries. `key` points to key_bytes bytes, or to the length of a key of variable length. ---- *
 * Common statuses: those of rows, and MAE_ABORT_INDEX. Keys that no entry can have, because they are empty or longer
 * than key_bytes, are not found, and may be the bounds of a range; calls that would add one return MAE_INVALID.
 */

/* Finds the row of `key`, in a non-unique index the smallest row id. A miss is protected against phantoms. */
MAE_MUST_USE enum mae_status mae_index_find(struct mae_txn *txn, struct mae_index *index, const void *key,
                                            uint64_t *row);

/*
 * Adds an entry. MAE_EXISTS: the key (non-unique: the pair) is in the index. MAE_NOT_FOUND: the transaction sees no
 * such row. MAE_INVALID: the table has no such row, or the key is empty or too long. Unless the transaction writes the
 * row anyway, its commit writes it, unchanged, so that every transaction that deletes it conflicts. Then call and
 * commit together cost as much as mae_row_update and return its statuses, too.
 */
MAE_MUST_USE enum mae_status mae_index_insert(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              uint64_t row);

/*
 * Removes the entry (key, row). MAE_NOT_FOUND: the index has no such pair. MAE_INVALID: the table has no such row.
 * Unless the transaction writes the row anyway, its commit writes it, unchanged, so that every transaction conflicts
 * that deletes it, or has reached it by the key of a unique index. Then call and commit together cost as much as
 * mae_row_update and return its statuses, too. A row that the transaction also deletes, before or after, is not copied.
 */
MAE_MUST_USE enum mae_status mae_index_remove(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              uint64_t row);

/*
 * Visits the entries with lo <= key <= hi in key order (with MAE_SCAN_BACKWARD in descending order), until `visit`
 * returns false or `limit` entries were visited (0: no limit). lo or hi NULL means an open end. Only ordered indexes
 * (else MAE_UNSUPPORTED). The range is protected against phantoms as far as it was visited. The scan sees the
 * transaction's own changes. `visit` may read and update rows. It must not insert into or remove from the same index:
 * do that after the scan. It must not end the transaction; if it does, the scan stops with MAE_INVALID.
 */
enum {
    MAE_SCAN_BACKWARD = 1,
    /* Of cursors and mae_index_visit: without the entries whose key is lo, or hi. */
    MAE_SCAN_LO_OPEN = 2,
    MAE_SCAN_HI_OPEN = 4
};
typedef bool (*mae_entry_fn)(void *arg, const void *key, uint64_t row);
MAE_MUST_USE enum mae_status mae_index_scan(struct mae_txn *txn, struct mae_index *index, const void *lo,
                                            const void *hi, unsigned flags, uint64_t limit, mae_entry_fn visit,
                                            void *arg);

/*
 * Opens a cursor before the entries with lo <= key <= hi of an ordered index, in key order or, with MAE_SCAN_BACKWARD,
 * in descending order. lo or hi NULL means an open end. The keys are copied. `flags` are MAE_SCAN_BACKWARD,
 * MAE_SCAN_LO_OPEN and MAE_SCAN_HI_OPEN (else MAE_INVALID). MAE_OK; MAE_UNSUPPORTED: a hash index; MAE_NO_MEMORY:
 * aborted; the status of an earlier failed call. A transaction may have any number of cursors. Cost: an allocation;
 * nothing of the index is looked at.
 *
 * A cursor may be closed at any time, also when its transaction is over.
 */
MAE_MUST_USE enum mae_status mae_cursor_open(struct mae_txn *txn, struct mae_index *index, const void *lo,
                                             const void *hi, unsigned flags, struct mae_cursor **cursor);
void mae_cursor_close(struct mae_cursor *cursor); /* NULL is fine */

/*
 * Moves to the next entry: its key, which is valid until the next call with this cursor, and its row. `key` may be
 * NULL. MAE_NOT_FOUND: there is none in the range; the cursor stays, and a later call looks again. MAE_INVALID: the
 * transaction has ended. Else the statuses of mae_index_find.
 *
 * Between two calls the transaction may do anything, also insert into and remove from this index, and roll back to
 * savepoints. The cursor stands behind the last pair of key and row that it gave out, whether or not that is still
 * there, and goes on with what is in the index then. What it has passed is protected against phantoms, up to the entry
 * that it gave out last, or to the end of the range after MAE_NOT_FOUND. In a snapshot nothing changes. With
 * simple_index_update=on there is no protection, and the transaction's own changes are not seen.
 *
 * Cost: as an entry of mae_index_scan; rows are prefetched some entries ahead. After a change of any ordered index by
 * the transaction, or a rollback, the next call searches from the root.
 */
MAE_MUST_USE enum mae_status mae_cursor_next(struct mae_cursor *cursor, const void **key, uint64_t *row);

/*
 * Visits the entries of the range as a cursor would. MAE_OK from `visit` goes on, MAE_STOP ends the visit with MAE_OK,
 * and any other status ends it and is returned. `visit` may do what may be done between two calls of mae_cursor_next.
 * It must not end the transaction; if it does and returns MAE_OK, the visit stops with MAE_INVALID. Statuses as
 * mae_cursor_open and mae_cursor_next.
 */
typedef enum mae_status (*mae_entry_visitor)(void *arg, const void *key, uint64_t row);
MAE_MUST_USE enum mae_status mae_index_visit(struct mae_txn *txn, struct mae_index *index, const void *lo,
                                             const void *hi, unsigned flags, mae_entry_visitor visit, void *arg);

/* ---- Rows by key: the index call and the row call in one. If a row is in other indexes, too, the caller maintains
 * their entries: see "What the caller owes". Statuses of both calls. ---- */

MAE_MUST_USE enum mae_status mae_read(struct mae_txn *txn, struct mae_index *index, const void *key, const void **data,
                                      size_t *bytes);
/* As mae_read, and says which row it is. Cheaper than mae_index_find and mae_row_read: of a hit in a unique index the
 * commit validates the row alone. */
MAE_MUST_USE enum mae_status mae_read_row(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row,
                                          const void **data, size_t *bytes);
MAE_MUST_USE enum mae_status mae_update(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                                        const void **old, void **data);
MAE_MUST_USE enum mae_status mae_update_sized(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              size_t bytes, const void **old, size_t *old_bytes, void **data,
                                              size_t *new_bytes); /* as mae_row_update_sized */
MAE_MUST_USE enum mae_status mae_overwrite(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                                           void **data);
MAE_MUST_USE enum mae_status mae_apply(struct mae_txn *txn, struct mae_index *index, const void *key,
                                       enum mae_function function, size_t offset, const void *operand, size_t bytes);
/*
 * Updates the row of the key as mae_update_sized does, or, if there is none, inserts the row and its entry as
 * mae_insert does. Then *old is NULL, *old_bytes is 0, and `data` has undefined contents. Each of old, old_bytes and
 * row may be NULL. MAE_UNSUPPORTED: the index is not unique.
 */
MAE_MUST_USE enum mae_status mae_upsert(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                                        const void **old, size_t *old_bytes, void **data, uint64_t *row);
/* Inserts the row and its entry. MAE_EXISTS: nothing was inserted. `row` may be NULL. */
MAE_MUST_USE enum mae_status mae_insert(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                                        uint64_t *row, void **data);
MAE_MUST_USE enum mae_status mae_delete(struct mae_txn *txn, struct mae_index *index, const void *key);

/*
 * Announces `count` contiguous keys of key_bytes each (an array of struct mae_key if they are of variable length) that
 * the transaction is about to use, so that their cache misses overlap. It is only a hint: it changes no result, never
 * fails, and adds nothing to the access set. It pays for tables larger than the cache. It looks at the first
 * MAE_PREFETCH_MAX keys and ignores the others.
 */
#define MAE_PREFETCH_MAX 64
void mae_prefetch(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count);

/*
 * ---- Keys of several values. ---- *
 * Helpers that write values one after the other so that the keys sort bytewise as the values do: by the first value,
 * then by the second, and so on. If all values of a key are the first ones of another key, it comes before that. Where
 * two keys have values of different kinds, the order of mae_key_kind decides: NULL comes first. In an index with keys
 * of variable length the struct is the key. In one with keys of more than 8 bytes `data` is, which has zeros behind the
 * first `bytes` bytes. `bytes` must not be more than the index's key_bytes.
 *
 * Sizes: NULL takes one byte, a number nine, and bytes two more than they are, and another one for each zero in them.
 * A call that adds returns MAE_OK, or MAE_TOO_LARGE and leaves the key as it was. Any thread; no allocation.
 */
struct mae_key {
    uint8_t bytes; /* how many of `data` are used */
    uint8_t data[MAE_KEY_DATA_BYTES];
};
enum mae_key_kind { MAE_KEY_END, MAE_KEY_NULL, MAE_KEY_INT64, MAE_KEY_UINT64, MAE_KEY_DOUBLE, MAE_KEY_BYTES };

void mae_key_clear(struct mae_key *key); /* no value; first of all */
MAE_MUST_USE enum mae_status mae_key_add_null(struct mae_key *key);
MAE_MUST_USE enum mae_status mae_key_add_int64(struct mae_key *key, int64_t value);
MAE_MUST_USE enum mae_status mae_key_add_uint64(struct mae_key *key, uint64_t value);
/* -0.0 becomes 0.0. All values that are not numbers are one, above infinity. */
MAE_MUST_USE enum mae_status mae_key_add_double(struct mae_key *key, double value);
/* Any bytes, zeros included; they sort as memcmp does, and shorter ones come first. */
MAE_MUST_USE enum mae_status mae_key_add_bytes(struct mae_key *key, const void *bytes, size_t count);

/*
 * Readers. `at` is the place of a value, 0 of the first; a reader that succeeds moves it behind the value. A key of
 * variable length that came from an index is read where it stands: they look at its own bytes only. Another one is
 * copied to `data`, and `bytes` is then the index's key_bytes. The kind of the value at a place;
 * MAE_KEY_END: there is none. MAE_OK; MAE_INVALID: the value is of another kind, or the key is damaged. Nothing is
 * written unless the call succeeds, but see mae_key_get_bytes.
 */
enum mae_key_kind mae_key_kind(const struct mae_key *key, size_t at);
MAE_MUST_USE enum mae_status mae_key_get_null(const struct mae_key *key, size_t *at);
MAE_MUST_USE enum mae_status mae_key_get_int64(const struct mae_key *key, size_t *at, int64_t *value);
MAE_MUST_USE enum mae_status mae_key_get_uint64(const struct mae_key *key, size_t *at, uint64_t *value);
MAE_MUST_USE enum mae_status mae_key_get_double(const struct mae_key *key, size_t *at, double *value);
/* Copies at most `capacity` bytes and tells in `count` how many there are. MAE_TOO_LARGE: those are more, and `at`
 * stays. */
MAE_MUST_USE enum mae_status mae_key_get_bytes(const struct mae_key *key, size_t *at, void *bytes, size_t capacity,
                                               size_t *count);

/*
 * ---- Durability. ---- *
 * With the option durability other than off, what a transaction writes goes to the log in the folder log_dir before
 * other transactions can see it, and from there to the disk a moment later. mae_open on that folder restores the
 * tables, rows and indexes, under their names (mae_table_find, mae_index_by_name).
 *
 * A commit is safe once the durable timestamp has passed its own (mae_txn_timestamp). What survives is always the state
 * as of some timestamp: of all transactions below it everything, of all others nothing, and never less than what was
 * safe.
 *     async   safe means written: it survives the end of the process, not a crash of the machine
 *     group   safe means on the disk. mae_commit does not wait: ask mae_durable_timestamp, or mae_wait_durable
 *     sync    as group, and mae_commit returns when the transaction and all it can have read are safe; so does mae_run
 *             when its body gives up
 * The log is written by a thread of the database's own. With several folders in log_dir, separated by commas, which are
 * for several disks, there is a thread for each, and each writes for some of the workers; a commit is safe when all
 * have come so far. The first folder has tables and checkpoints, too. All must be named at each mae_open, in the same
 * order; more may be added at the end, 16 in all.
 *
 * A transaction that reads can see what is not safe yet. Before its result leaves the program, wait for its timestamp,
 * or ask to be told (mae_on_durable), also if it was a snapshot or has written nothing. With the option
 * snapshot=durable snapshots see only what is safe, and need no wait. They are older by a flush of the log. If one is
 * to see a commit (`after`, order=strict), it waits until that is safe, and begins with MAE_IO if the log has failed
 * before.
 *
 * Open transactions hold the durable timestamp back until they are overtaken (overtake_us). Without the membarrier
 * system call silent workers do so, too, until they act.
 *
 * Failure. An error of the disk is final: the durable timestamp stays, writing transactions end with MAE_IO, snapshots
 * and reads go on. Then close the database and open it again. If the disk is full, commits wait a moment and then
 * return MAE_ABORT_LOG, which may be tried again.
 *
 * mae_open returns MAE_INVALID for a log_dir without durability, durability without a log_dir, durability with
 * simple_index_update=on, and a log_dir that lacks one of the log's folders; MAE_BUSY if another process, or another
 * database of this one, uses the folder; MAE_UNSUPPORTED for a log of another version, for log_io=uring where io_uring
 * is forbidden, for group and sync in a file system that keeps nothing (tmpfs) or without the membarrier system call;
 * MAE_IO if a file cannot be read or written; MAE_FULL if the disk is full; MAE_CORRUPT if something is missing or
 * damaged that was safe (say a folder of several), or of another database, or newer than the manifest. mae_open_problem
 * has the details. A torn end, which a crash leaves, is no error. With recovery=salvage a damaged log is cut at the
 * damage, and the database is what it was at that moment.
 */

/* The durable timestamp: every commit with a smaller timestamp is safe. Any thread; constant time. 0 without a log. */
uint64_t mae_durable_timestamp(const struct mae_db *db);

/*
 * Waits until a commit with this timestamp is safe. The worker must be between transactions, and is parked meanwhile.
 * The timestamp is that of a transaction of this database. MAE_OK; MAE_IO_UNKNOWN: the log has failed before; MAE_BUSY:
 * the worker runs a transaction; MAE_UNSUPPORTED: no log.
 */
MAE_MUST_USE enum mae_status mae_wait_durable(struct mae_worker *worker, uint64_t timestamp);

/*
 * Asks to be told when the transaction, which is open, is safe: `tell` is then called with `arg` and the transaction's
 * timestamp. So a program can go on, and answer its clients behind the disk. The status is MAE_OK, or MAE_IO_UNKNOWN if
 * the log has failed before or mae_close could not write it. `tell` is called once if mae_commit returns MAE_OK or
 * MAE_IO_UNKNOWN, else never; a later call for the same transaction takes the place of the one before.
 *
 * The calls come from a thread of the database's own, which neither the logger nor a worker waits for, one after the
 * other, and those of one worker in the order of its commits. `tell` may take its time: only other calls wait for it,
 * and each that waits takes 48 bytes. It must not begin transactions with a worker of another thread, nor close the
 * database. mae_close calls what is left before it returns.
 *
 * MAE_OK; MAE_UNSUPPORTED: no log; MAE_NO_MEMORY: aborted. Cost: an allocation and two locks, which are free but for
 * the moment in which that thread looks at the worker's queue.
 */
typedef void (*mae_durable_fn)(void *arg, uint64_t timestamp, enum mae_status status);
MAE_MUST_USE enum mae_status mae_on_durable(struct mae_txn *txn, mae_durable_fn tell, void *arg);

/* Waits until every commit that has returned is safe. Statuses as mae_wait_durable. Any thread that is not in the
 * middle of a transaction. */
MAE_MUST_USE enum mae_status mae_sync(struct mae_db *db);

/*
 * Writes all rows and index entries to a file in the first folder of log_dir while transactions run on. The log of what
 * was safe before is not needed any more: its files are used again or removed, and the next mae_open reads the file and
 * what came after. The options checkpoint_log_bytes and checkpoint_interval_s let the database do that by itself. It
 * holds back no garbage collection, and writes at most checkpoint_rate bytes a second. A crash at any moment leaves the
 * checkpoint before.
 *
 * Returns when the checkpoint is on the disk and counts. Any thread that is not in the middle of a transaction. Waits
 * while another one is made. MAE_OK; MAE_UNSUPPORTED: no log; MAE_FULL: the disk is; MAE_IO; MAE_NO_MEMORY. If it
 * fails, all is as before, and mae_log_state tells why.
 */
MAE_MUST_USE enum mae_status mae_checkpoint(struct mae_db *db);

/*
 * Copies the database into another folder while transactions run on. What is there is a database of its own, with a
 * random number of its own, in the state as of some moment during the call; everything that was safe before the call is
 * in it. To restore it, open it. It is written like a checkpoint. No table or index can be created while the log's part
 * is copied.
 *
 * Returns when the copy is on the disk. Any thread that is not in the middle of a transaction. Waits while a checkpoint
 * is made. MAE_OK; MAE_UNSUPPORTED: no log; MAE_EXISTS: the folder has a database, or a part of one; MAE_INVALID;
 * MAE_FULL: the disk is; MAE_IO; MAE_NO_MEMORY; MAE_CORRUPT: the log is damaged. mae_open_problem has the details. If
 * it fails, what was written is removed, and without its last file, the manifest, it would be refused.
 */
MAE_MUST_USE enum mae_status mae_backup(struct mae_db *db, const char *folder);

/* What mae_open has restored. Zeros if the folder was new, or without a log. */
struct mae_recover_info {
    uint64_t database;     /* the database's random number; a copy has another one */
    uint64_t lives;        /* how many times the database had been opened before */
    uint64_t cut;          /* of the last life: its commits with smaller timestamps have survived, and no others */
    uint64_t start;        /* this life's timestamps are not below */
    uint64_t transactions; /* read back */
    uint64_t lost;         /* that were read, but are above the cut: not safe, unless damage was cut off (salvaged) */
    uint64_t rows, entries;
    uint64_t read_bytes;       /* of the log, which is read twice, but for recovery_keep_bytes of it */
    uint64_t checkpoint_bytes; /* 0: there was no checkpoint */
    uint64_t threads;
    bool salvaged; /* recovery=salvage has cut the log at damage: mae_open_problem says where */
    bool torn;     /* the log ended in the middle of a block, which a crash leaves: mae_open_problem says where */
    /* In all; and of that for the checkpoint, for the log, and for building the indexes. */
    uint64_t elapsed_ns, checkpoint_ns, log_ns, index_ns;
};
void mae_recover_info(const struct mae_db *db, struct mae_recover_info *info);

/*
 * Whether a commit with this timestamp is not lost: one of an earlier life of the database has survived, or it is of
 * this life. For a program that has noted the timestamps of its commits, and has not learnt whether they were safe. It
 * says nothing about transactions that have changed nothing. Any thread; linear in the number of lives.
 */
bool mae_survived(const struct mae_db *db, uint64_t timestamp);

struct mae_log_state {
    uint64_t durable_timestamp;
    uint64_t flushes, written_bytes; /* since mae_open */
    bool failed, full;               /* full: the disk is, for now */
    const char *problem;             /* if failed: what has failed. Valid until mae_close */
    uint64_t checkpoints;            /* since mae_open; and of the last one: its size, and how long it took */
    uint64_t checkpoint_bytes, checkpoint_ns;
    char checkpoint_problem[MAE_PROBLEM_BYTES]; /* why the last attempt has failed; "" if it has not */
};
/* Any thread; constant time. */
void mae_log_state(const struct mae_db *db, struct mae_log_state *state);

/*
 * ---- Reading a log. ----
 *
 * mae_log_read tells what a folder (or several: log_dir) holds, without opening the database: its lives, the segments
 * of its log, and every change that a recovery would take from the log, in the order in which it stands there. Rows and
 * entries of a checkpoint are checked, and not told. It writes nothing, makes no file and takes no lock, so the folder
 * may be one that can only be read, and another process may have the database open. Then it tells what was on the disk
 * at some moment of the call; what that process writes or has in memory is no damage. MAE_BUSY: the process has removed
 * segments or the checkpoint that were being read (a new checkpoint does); what has been told is right, but not all.
 */
enum mae_log_segment_state {
    MAE_LOG_WHOLE,       /* the log goes on in the next segment */
    MAE_LOG_END,         /* the log of its life, or its stream of that, ends here */
    MAE_LOG_TORN,        /* it ends here in the middle of a block, which a crash leaves */
    MAE_LOG_UNUSED,      /* allocated, and nothing in it counts */
    MAE_LOG_SUPERFLUOUS, /* a checkpoint has all that it holds */
    MAE_LOG_DAMAGED      /* something that was safe is not there; mae_open_problem says where */
};
enum mae_log_kind { MAE_LOG_PUT = 1, MAE_LOG_DELETE, MAE_LOG_ADD, MAE_LOG_REMOVE, MAE_LOG_APPLY };

/* From one opening of the database to the next. */
struct mae_log_life {
    unsigned streams;            /* of its log */
    uint64_t number, start, cut; /* its timestamps begin above `start`; commits below the cut have survived */
    bool salvaged;               /* it was, or would be, cut at damage (recovery=salvage) */
};

struct mae_log_segment {
    const char *path;
    enum mae_log_segment_state state;
    uint64_t number, life;               /* life: 0 if nothing in it counts */
    unsigned stream;                     /* from 0 */
    uint64_t first_block, blocks, bytes; /* that count; bytes: up to where they end */
    uint64_t bound;                      /* of the last flush that ends in it: commits below are there; 0: none does */
};

struct mae_log_change {
    uint64_t timestamp; /* of the transaction */
    enum mae_log_kind kind;
    /* Name of the table (PUT, DELETE, APPLY) or of the index (ADD, REMOVE); "": it was dropped since. */
    const char *object;
    uint64_t row; /* the row's id */
    /* The row's new payload; of an APPLY its operations (mae_row_apply), one after the other: a byte with the function,
     * three zeros, two bytes each with the offset and the operand's size, the operand and zeros up to a multiple of 8
     * bytes. Or the entry's key; of a key of variable length its bytes alone, without the one that says
     * how many they are. Nothing of a DELETE. */
    const void *data;
    size_t bytes;
};

/* What is told, in this order. NULL: not that. They end the call with the first status that is not MAE_OK. What they
 * are given is valid until they return. */
struct mae_log_visitor {
    enum mae_status (*life)(void *arg, const struct mae_log_life *life);
    enum mae_status (*segment)(void *arg, const struct mae_log_segment *segment);
    enum mae_status (*change)(void *arg, const struct mae_log_change *change); /* NULL: no record is read */
};

struct mae_log_summary {
    uint64_t database, lives;
    uint64_t cut;                   /* of the last life */
    uint64_t transactions, changes; /* that were told */
    uint64_t lost;                  /* transactions that were read, but are above the cut */
    uint64_t checkpoint;            /* its number; 0: there is none */
    uint64_t checkpoint_start, checkpoint_end, checkpoint_rows, checkpoint_entries;
};

/*
 * MAE_OK; MAE_NOT_FOUND: there is no database; MAE_CORRUPT: something that was safe is damaged or missing, or belongs
 * to another database; what stands before the damage is told, unless a checkpoint needs what is gone; MAE_BUSY: above;
 * MAE_UNSUPPORTED: a log of another version; MAE_IO; MAE_NO_MEMORY; MAE_INVALID; or what a visitor has returned.
 * mae_open_problem has the details, with file and place. Any thread. Takes the time to read the log, twice if `change`
 * is given.
 */
MAE_MUST_USE enum mae_status mae_log_read(const char *log_dir, const struct mae_log_visitor *visitor, void *arg,
                                          struct mae_log_summary *summary);

/* ---- Statistics. ---- */

struct mae_counter_info {
    const char *name, *unit, *help;
};
/* How many counters a worker has; the description of the i-th, or NULL past the end. Static storage. */
size_t mae_counter_count(void);
const struct mae_counter_info *mae_counter_info(size_t i);

/* Writes mae_counter_count() values that only grow. Any thread, while the worker runs; not atomic across counters. */
void mae_worker_counters(const struct mae_worker *worker, uint64_t *values);

/* Writes the sums over all workers, including those that have left. Any thread. */
void mae_db_counters(const struct mae_db *db, uint64_t *values);

struct mae_space {
    uint64_t rows;                /* rows with a newest version that is not deleted */
    uint64_t versions;            /* versions in the chains of these and of deleted rows, inline ones included */
    uint64_t inlined_versions;    /* how many of `versions` are in inline slots */
    uint64_t unused_inline_slots; /* empty inline slots of used rows */
    uint64_t payload_bytes;       /* sum of the newest payloads; of noted operations, if there are any, their size */
    uint64_t row_bytes;           /* memory of row heads and inline slots in use */
    uint64_t version_bytes;       /* memory of versions outside rows, in use */
};
/* Walks one table. No transaction may run meanwhile. Cost: linear in the rows. */
void mae_table_space(const struct mae_table *table, struct mae_space *space);
void mae_index_space(const struct mae_index *index, struct mae_space *space); /* the rows of the index's own nodes */

struct mae_memory {
    uint64_t limit_bytes;       /* the memory limit that the option memory_limit led to */
    uint64_t committed_bytes;   /* memory that counts against the limit */
    uint64_t resident_bytes;    /* memory that is backed by pages now */
    uint64_t hugetlb_bytes;     /* the part of it on reserved huge pages */
    uint64_t transparent_bytes; /* the part of it on transparent huge pages */
};
/* Reads /proc/self/smaps for the last three, which are 0 where it cannot be read. Any thread. Takes milliseconds,
 * during which no table or index can be created. */
void mae_db_memory(struct mae_db *db, struct mae_memory *memory);

/*
 * The worker that holds garbage collection and snapshots back the most: the one whose transaction reads the oldest
 * state, or that has been silent between transactions for the longest time without mae_worker_idle. MAE_OK;
 * MAE_NOT_FOUND if no worker is active. Any thread. Takes microseconds.
 */
enum mae_activity {
    MAE_BETWEEN,
    MAE_AT_WORK,
    MAE_READING,
    MAE_READING_SNAPSHOT
}; /* AT_WORK: begins, commits or ends */
struct mae_oldest {
    unsigned worker;            /* its number; MAE_WORKERS_MAX: a worker of the database's own (maintenance) */
    enum mae_activity activity; /* at the moment of the call */
    bool overtaken;             /* true: it holds back only the versions that it may still read */
    uint64_t timestamp;         /* of its transaction or, between transactions, of the last one */
    uint64_t age_ns;            /* the time since that transaction began */
};
MAE_MUST_USE enum mae_status mae_oldest(struct mae_db *db, struct mae_oldest *oldest);

/* The state of the horizon and the back-off, for time series. Any thread; constant time. */
struct mae_state {
    uint64_t min_wts, min_rts; /* timestamps */
    double ticks_per_us;       /* of the clock part of a timestamp */
    double backoff_max_us;     /* the present upper bound of waits */
    unsigned workers;          /* joined */
};
void mae_db_state(const struct mae_db *db, struct mae_state *state);

/*
 * Verifies every chain and every index: order, statuses, counts, that each entry leads to a row that is there and each
 * row has as many entries as it counts.
 * MAE_OK; MAE_CORRUPT with the first finding in `report`; MAE_NO_MEMORY. No transaction may run; maintenance and the
 * log wait meanwhile. Cost: linear in all versions.
 */
MAE_MUST_USE enum mae_status mae_db_verify(struct mae_db *db, char *report, size_t report_bytes);

#ifdef __cplusplus
}
#endif

#endif
