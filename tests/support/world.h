/*
 * world.h - a database with one table, one index and some workers, for the engine's tests.
 *
 * Helpers assert with cmocka, so only the main thread may call them, except those whose comment allows other threads.
 * Rows hold 64-bit words unless a test does otherwise. Every world ends with mae_db_verify.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/race.h"
#include "engine/maemio.h"

/* Tests that need the hooks of debug builds begin with this; they are skipped in release builds. */
#ifdef MAE_DEBUG
#define NEEDS_HOOKS() ((void)0)
#else
#define NEEDS_HOOKS() skip()
#endif

/* Compares statuses by name, so that a failure can be read. */
#define assert_status(expected, call) assert_string_equal(mae_status_name(call), #expected)
#define assert_ok(call) assert_status(MAE_OK, call)

/* Tests that do the same many times do it so much less often under a sanitizer, which is slower: what needs all of them
 * is shown by the debug build. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { WORLD_SLOWNESS = 8 };
#else
enum { WORLD_SLOWNESS = 1 };
#endif

enum { WORLD_WORKERS_MAX = 8 };

struct world {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *workers[WORLD_WORKERS_MAX];
    unsigned worker_count;
};

/* Options as "name=value name=value"; never NULL. Asserts that each is taken. What is not named is at its default, but
 * for overtake_us, which is 0: no test's outcome may hang on how long its transactions are open. */
struct mae_options *world_options(const char *options);
struct mae_db *world_db(const char *options);

/* A table "rows" with payloads up to payload_max_bytes, an index "keys" of 8-byte keys, and joined workers. */
struct world world_open(const char *options, enum mae_index_kind kind, size_t payload_max_bytes, unsigned workers);
/* The same for a database that has the table and the index already; with one worker. */
struct world world_again(const char *options);
/* How mae_open ends; what it has opened is closed. */
enum mae_status world_status(const char *options);
void world_leave(struct world *world); /* its workers leave, those that are NULL have left */
void world_verify(struct mae_db *db);  /* mae_db_verify says MAE_OK, else fails with its report */
void world_close(struct world *world); /* leave, verify, close */

/* A read-write transaction with a timestamp above those of all earlier calls: the order of calls is the serial
 * order. */
struct mae_txn *begin(struct mae_worker *worker);
struct mae_txn *begin_snapshot(struct mae_worker *worker);

/* So many keys, from `first` on, lead to rows with this value. */
void world_check_keys(const struct world *world, uint64_t first, uint64_t count, uint64_t value);

/* Rows of one word, by row id. Statuses as the calls below them. */
enum mae_status row_get(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t *value);
enum mae_status row_add(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t delta);
enum mae_status row_set(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t value); /* blind */

/* The same by 8-byte key. Threads may call all of these. */
enum mae_status key_get(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t *value);
enum mae_status key_add(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t delta);
enum mae_status key_insert(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t value);
enum mae_status key_delete(struct mae_txn *txn, struct mae_index *index, uint64_t key);

/* A committed new row of one word: its id. */
uint64_t new_row(struct mae_worker *worker, struct mae_table *table, uint64_t value);
/* Committed entries first .. first + count - 1, each leading to a row that holds `value`. */
void new_keys(struct mae_worker *worker, struct mae_index *index, uint64_t first, uint64_t count, uint64_t value);
/* What a new read-write transaction reads in the row; asserts that it is there. */
uint64_t row_value(struct mae_worker *worker, struct mae_table *table, uint64_t row);

/* How many versions of the row note operations whose value nobody has computed yet. Nobody else may be at work. */
unsigned row_notes(struct mae_table *table, uint64_t row);

/* Lets every worker of the world pass quiescent points, until both horizons have passed all that was committed before
 * and the garbage of that time is gone. Needs gc_interval_us=1. */
void settle(struct world *world);

/* Before commits of transactions that take turns on one thread, where no wait for the elder would see its attempt end:
 * nobody waits for the present elder any more. */
void elder_is_out_of_time(struct mae_db *db);

uint64_t worker_counter(const struct mae_worker *worker, const char *name);
uint64_t db_counter(const struct mae_db *db, const char *name);

/*
 * Lets `action` run, once, when the engine passes the point for the n-th time from now on (1: the next); not from
 * within itself. Fails the test at the next call or world_close if it never ran. Debug builds only.
 */
void at_race(enum race_point point, unsigned n, void (*action)(void *arg), void *arg);
/* Forgets what at_race announced; true if it had not run. */
bool at_race_cancel(void);

/* MAE_SEED or the default, printed. */
uint64_t seed_from_environment(void);
/* run(setting, seed) of each setting with so many seeds, from seed_from_environment() on. */
void run_seeds(unsigned settings, uint64_t seeds, void (*run)(unsigned setting, uint64_t seed));
/* SplitMix64; threads may call it. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t n);

/* How long a stress scenario may run, in milliseconds: less under a sanitizer; MAE_STRESS_MS overrides. */
unsigned stress_ms(void);
/* True while fewer than ms have passed since start_ns (monotonic_ns). Threads may call them. */
uint64_t monotonic_ns(void);
bool time_left(uint64_t start_ns, unsigned ms);
/* The same of the CPU time of the process (cpu_ns): for a loop that works until something happens. However long the
 * machine lets it wait, it has its time. */
uint64_t cpu_ns(void);
bool cpu_time_left(uint64_t start_cpu_ns, unsigned ms);

/* Runs threads with arguments args + i * arg_bytes and waits for all. */
void run_threads(unsigned count, void *(*body)(void *arg), void *args, size_t arg_bytes);

#endif
