/*
 * sql_bench.c - what statements of SQL cost on tables of the engine, on SQLite's own in memory, and on a virtual table
 * that does nothing (sql_floor.h): nanoseconds of CPU time for each statement or row, the best of five. Rows have some
 * 100 bytes. Table `t` has no index but that of rowids; `u`, which is made where it is measured, has an ordered index
 * on `k` and, in Maemio, a HASH index on `h`, whose values are those of rowids in another order. MAE_ROWS: how many
 * (1,000,000). MAE_TABLES: of `mof` those to measure. Arguments: which measures, by how their names begin.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sql/maemio_sql.h"
#include "tests/bench/sql_floor.h"

enum { STATEMENTS = 200000, IN_A_TRANSACTION = 16, REPEATS = 5, THREADS_MAX = 2 };

static int64_t rows = 1000000;

static double now(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void check(int code, sqlite3 *sqlite)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
        (void)fprintf(stderr, "sql_bench: %s\n", sqlite3_errmsg(sqlite));
        exit(1);
    }
}

static sqlite3_stmt *prepare(sqlite3 *sqlite, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v3(sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), sqlite);
    return statement;
}

/* Runs the statement to its end. False: a conflict with another connection. */
static bool once(sqlite3_stmt *statement)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        ;
    (void)sqlite3_reset(statement);
    if (code != SQLITE_DONE && sqlite3_extended_errcode(sqlite3_db_handle(statement)) == SQLITE_BUSY_SNAPSHOT)
        return false;
    check(code, sqlite3_db_handle(statement));
    return true;
}

enum tables { MAEMIO, OWN, FLOOR, TABLES };
static const char *const table_names[TABLES] = {"Maemio", "own", "floor"};

static sqlite3 *connect(enum tables tables)
{
    sqlite3 *sqlite;
    char *error = NULL;
    check(sqlite3_open(":memory:", &sqlite), sqlite);
    if (tables == MAEMIO && mae_sql_attach(sqlite, NULL, &error) != SQLITE_OK) {
        (void)fprintf(stderr, "sql_bench: %s\n", error);
        exit(1);
    }
    return sqlite;
}

static void execute(sqlite3 *sqlite, enum tables tables, const char *sql)
{
    check(tables == MAEMIO ? mae_sql_exec(sqlite, sql, NULL, NULL, NULL) : sqlite3_exec(sqlite, sql, NULL, NULL, NULL),
          sqlite);
}

/* Runs the statement with each rowid as ?1, and with their number as ?2. */
static void fill(sqlite3 *sqlite, const char *sql)
{
    sqlite3_stmt *insert = prepare(sqlite, sql);
    for (int64_t i = 0; i < rows; i++) {
        if (i % 10000 == 0)
            check(sqlite3_exec(sqlite, i == 0 ? "BEGIN" : "COMMIT; BEGIN", NULL, NULL, NULL), sqlite);
        (void)sqlite3_bind_int64(insert, 1, i);
        if (sqlite3_bind_parameter_count(insert) > 1)
            (void)sqlite3_bind_int64(insert, 2, rows);
        (void)once(insert);
    }
    check(sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL), sqlite);
    sqlite3_finalize(insert);
}

static void fill_plain(sqlite3 *sqlite, enum tables tables)
{
    if (tables == FLOOR) {
        check(sql_floor_create(sqlite, rows), sqlite);
        return;
    }
    execute(sqlite, tables, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)");
    fill(sqlite, "INSERT INTO t VALUES (?1, ?1 * 7 % 1000, printf('%084d', ?1))");
}

static void fill_indexed(sqlite3 *sqlite, enum tables tables)
{
    execute(sqlite, tables, "CREATE TABLE u(id INTEGER PRIMARY KEY, k INTEGER, h INTEGER, b TEXT)");
    execute(sqlite, tables, "CREATE INDEX u_k ON u(k)");
    execute(sqlite, tables, tables == MAEMIO ? "CREATE INDEX u_h ON u USING HASH (h)" : "CREATE INDEX u_h ON u(h)");
    fill(sqlite, "INSERT INTO u VALUES (?1, ?1 * 7919 % ?2, ?1 * 7919 % ?2, printf('%076d', ?1))");
}

struct load {
    sqlite3 *sqlite;
    const char *sql;
    unsigned in_a_transaction; /* 0: none */
    int statements;
    uint64_t random;
    int conflicts;
    double cpu_ns;
};

/* Statements with a random id, in transactions. One that conflicts is rolled back, and counts all the same. */
static void *load_run(void *arg)
{
    struct load *load = arg;
    sqlite3_stmt *begin = prepare(load->sqlite, "BEGIN"), *commit = prepare(load->sqlite, "COMMIT");
    sqlite3_stmt *rollback = prepare(load->sqlite, "ROLLBACK"), *statement = prepare(load->sqlite, load->sql);
    const int size = load->in_a_transaction > 0 ? (int)load->in_a_transaction : 1;
    double start = now(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < load->statements; i += size) {
        bool good = load->in_a_transaction == 0 || once(begin);
        for (int j = 0; j < size && good; j++) {
            load->random = load->random * UINT64_C(6364136223846793005) + 1442695040888963407;
            (void)sqlite3_bind_int64(statement, 1, (int64_t)((load->random >> 33) % (uint64_t)rows));
            good = once(statement);
        }
        if (load->in_a_transaction > 0 && (!good || !once(commit))) {
            load->conflicts++;
            if (!sqlite3_get_autocommit(load->sqlite))
                (void)once(rollback);
        }
    }
    load->cpu_ns = now(CLOCK_THREAD_CPUTIME_ID) - start;
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(rollback);
    sqlite3_finalize(statement);
    return NULL;
}

static double best(sqlite3 *sqlite, const char *sql, unsigned in_a_transaction, int statements)
{
    double least = 1e18;
    for (int i = 0; i < REPEATS; i++) {
        struct load load = {sqlite, sql, in_a_transaction, statements, (uint64_t)i, 0, 0};
        (void)load_run(&load);
        least = load.cpu_ns < least ? load.cpu_ns : least;
    }
    return least / statements;
}

/* What so many connections take to run the statements, each in a thread of its own. */
struct took {
    double elapsed_ns, cpu_ns;
};

static struct took run_at_once(const char *sql, int threads, uint64_t random)
{
    struct load load[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    for (int i = 0; i < threads; i++)
        load[i] = (struct load){connect(MAEMIO), sql, IN_A_TRANSACTION, STATEMENTS, random + (uint64_t)i, 0, 0};
    double start = now(CLOCK_MONOTONIC);
    for (int i = 0; i < threads; i++)
        (void)pthread_create(&thread[i], NULL, load_run, &load[i]);
    for (int i = 0; i < threads; i++)
        (void)pthread_join(thread[i], NULL);
    struct took took = {.elapsed_ns = now(CLOCK_MONOTONIC) - start};
    for (int i = 0; i < threads; i++) {
        took.cpu_ns += load[i].cpu_ns;
        (void)sqlite3_close(load[i].sqlite);
    }
    return took;
}

static void keep_least(double *least, double value, bool first)
{
    *least = first || value < *least ? value : *least;
}

/* How many times as many statements two connections run in the same time as one, of the shortest times. The same of
 * processor time holds on a busy machine, too, but does not count waiting. */
static void scaling_print(const char *name, const char *sql)
{
    enum { TURNS = 3 * REPEATS };
    struct took least[THREADS_MAX + 1] = {{.elapsed_ns = 0}};
    for (int i = 0; i < TURNS; i++)
        for (int threads = 1; threads <= THREADS_MAX; threads++) {
            struct took took = run_at_once(sql, threads, (uint64_t)i * THREADS_MAX);
            keep_least(&least[threads].elapsed_ns, took.elapsed_ns, i == 0);
            keep_least(&least[threads].cpu_ns, took.cpu_ns, i == 0);
        }
    (void)printf("%-40s %10.2f times as many statements; by processor time %.2f\n", name,
                 THREADS_MAX * least[1].elapsed_ns / least[THREADS_MAX].elapsed_ns,
                 THREADS_MAX * THREADS_MAX * least[1].cpu_ns / least[THREADS_MAX].cpu_ns);
}

#define SELECT_BY_KEY "SELECT a, b FROM t WHERE id = ?"
#define UPDATE_BY_KEY "UPDATE t SET a = a + 1 WHERE id = ?"
#define TEN_KEYS                                                                                    \
    "(?1, abs(?1 - 10007), abs(?1 - 70001), abs(?1 - 120011), abs(?1 - 170011), abs(?1 - 230003), " \
    "abs(?1 - 290011), abs(?1 - 350003), abs(?1 - 410009), abs(?1 - 470021))"

static const struct measure {
    const char *name, *sql;
    unsigned in_a_transaction;
    int statements;
    int rows;     /* for how many of the statement the time is divided; 0: all of the table */
    bool indexed; /* it needs `u`, which the virtual table that does nothing has not */
} measures[] = {
    {"SELECT by key, 16 a transaction", SELECT_BY_KEY, IN_A_TRANSACTION, STATEMENTS, 1, false},
    {"UPDATE by key, 16 a transaction", UPDATE_BY_KEY, IN_A_TRANSACTION, STATEMENTS, 1, false},
    {"SELECT by key, alone", SELECT_BY_KEY, 0, STATEMENTS, 1, false},
    {"UPDATE by key, alone", UPDATE_BY_KEY, 0, STATEMENTS, 1, false},
    {"range of 100 rows, a row", "SELECT a, b FROM t WHERE id BETWEEN ?1 AND ?1 + 99", 0, STATEMENTS / 100, 100, false},
    {"IN of 10 rowids", "SELECT a, b FROM t WHERE id IN " TEN_KEYS, 0, STATEMENTS / 4, 1, false},
    {"IN of 10 keys, ordered index", "SELECT h, b FROM u WHERE k IN " TEN_KEYS, 0, STATEMENTS / 4, 1, true},
    {"IN of 10 keys, HASH index", "SELECT k, b FROM u WHERE h IN " TEN_KEYS, 0, STATEMENTS / 4, 1, true},
    {"scan, sum(a), a row", "SELECT sum(a) FROM t WHERE ?1 >= 0", 0, 1, 0, false},
    {"scan, sum(length(b)), a row", "SELECT sum(length(b)) FROM t WHERE ?1 >= 0", 0, 1, 0, false},
    {"scan in a transaction, sum(a), a row", "SELECT sum(a) FROM t WHERE ?1 >= 0", 1, 1, 0, false},
    {"scan in one that only reads, a row", "SELECT sum(a) FROM t WHERE ?1 >= 0", 1, 1, 0, false},
};

static bool is_wanted(const char *name, int count, char **wanted)
{
    for (int i = 1; i < count; i++)
        if (strncmp(name, wanted[i], strlen(wanted[i])) == 0)
            return true;
    return count <= 1;
}

static void measure_print(const struct measure *measure, sqlite3 *const *sqlite)
{
    const double divisor = measure->rows > 0 ? measure->rows : (double)rows;
    const bool only_reads = strncmp(measure->name, "scan in one", 11) == 0 && sqlite[MAEMIO] != NULL;
    if (only_reads)
        check(sqlite3_exec(sqlite[MAEMIO], "SELECT maemio_snapshot(1)", NULL, NULL, NULL), sqlite[MAEMIO]);
    (void)printf("%-40s", measure->name);
    for (int i = 0; i < TABLES; i++)
        if (sqlite[i] != NULL && i == FLOOR && measure->indexed)
            (void)printf(" %10s", "-");
        else if (sqlite[i] != NULL)
            (void)printf(" %10.0f",
                         best(sqlite[i], measure->sql, measure->in_a_transaction, measure->statements) / divisor);
    (void)printf("\n");
    if (only_reads)
        check(sqlite3_exec(sqlite[MAEMIO], "SELECT maemio_snapshot(0)", NULL, NULL, NULL), sqlite[MAEMIO]);
}

int main(int count, char **wanted)
{
    static const char *const pairs[] = {"two connections, SELECT", "two connections, UPDATE"};
    const char *chosen = getenv("MAE_TABLES") != NULL ? getenv("MAE_TABLES") : "mof";
    sqlite3 *sqlite[TABLES] = {NULL};
    if (getenv("MAE_ROWS") != NULL)
        rows = atoll(getenv("MAE_ROWS"));
    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)printf("SQLite %s, %lld rows; ns%*s", sqlite3_libversion(), (long long)rows, 8, "");
    for (int i = 0; i < TABLES; i++)
        if (strchr(chosen, "mof"[i]) != NULL) {
            sqlite[i] = connect((enum tables)i);
            fill_plain(sqlite[i], (enum tables)i);
            (void)printf(" %10s", table_names[i]);
        }
    (void)printf("\n");
    bool filled = false;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        if (!is_wanted(measures[i].name, count, wanted))
            continue;
        for (int j = 0; j < FLOOR && measures[i].indexed && !filled; j++)
            if (sqlite[j] != NULL)
                fill_indexed(sqlite[j], (enum tables)j);
        filled = filled || measures[i].indexed;
        measure_print(&measures[i], sqlite);
    }
    for (size_t i = 0; sqlite[MAEMIO] != NULL && i < sizeof pairs / sizeof pairs[0]; i++)
        if (is_wanted(pairs[i], count, wanted))
            scaling_print(pairs[i], measures[i].sql);
    for (int i = 0; i < TABLES; i++)
        (void)sqlite3_close(sqlite[i]);
    return 0;
}
