/*
 * embedded.c - a process that is killed (SIGKILL) while it writes to a database within it loses no commit that was
 * answered, where the target promises that (durability=group or sync).
 *
 * A child adds one row a transaction, with keys 0, 1, 2 and so on, and counts the answers in memory that it shares with
 * the test. When it has been killed, a tool of the database's own opens the files, recovers, and counts: all rows that
 * were answered are there, and at most the one whose answer was not counted. The page cache survives, so this says
 * nothing of the disk. A target is skipped with the reason where it, or its tool, is not installed. Servers are in
 * servers.c.
 */
#include "tests/support/conform.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/targets/external.h"
#include "harness/targets/targets.h"

enum { ANSWERED_LEAST = 200, WHY_BYTES = 512, COMMAND_BYTES = 2048, PAUSE_NS = 1000 * 1000 };

/* The rows lie in the second keyspace. count: in the database's folder, prints how many there are. */
static const struct embedded_case {
    const char *target, *durability, *tool, *package, *count;
} cases[] = {
    {"lmdb", "sync", "mdb_stat", "lmdb-utils", "mdb_stat -s 1 . | sed -n 's/^ *Entries: *//p'"},
    {"sqlite", "sync", "sqlite3", "sqlite3",
     "sqlite3 \"$(ls | grep -v -e '-wal$' -e '-shm$')\" 'SELECT count(*) FROM s1'"},
    {"rocksdb", "group", "ldb", "rocksdb-tools", "ldb --db=. --hex --key_hex scan 2>/dev/null | grep -c '^0x0001'"},
    {"wiredtiger", "group", "wt", "wiredtiger",
     "wt -R -C 'log=(enabled=true)' -h . dump -x table:s1 | sed '1,/^Data$/d' | awk 'END { print NR / 2 }'"},
};

/* What the child tells. */
struct told {
    atomic_ulong answered;
};

static enum target_status add(const struct target_ops *ops, struct target_worker *worker, struct target_index *index,
                              uint64_t key)
{
    struct target_txn *txn;
    void *data;
    enum target_status status = ops->begin(worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    status = ops->insert(txn, index, &key, sizeof key, NULL, &data);
    if (status != TARGET_OK) {
        ops->abort(txn);
        return status;
    }
    memcpy(data, &key, sizeof key);
    return ops->commit(txn);
}

/* The child: until it is killed. Its end by itself is a failure. */
static void write_on(const struct conform_variant *variant, struct told *told)
{
    const struct target_table_config rows = {.payload_max_bytes = sizeof(uint64_t)};
    const struct target_index_config keys = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    const struct target_ops *ops = variant->ops;
    struct target *target = conform_open(variant, ops);
    struct target_table *table;
    struct target_index *index;
    struct target_worker *worker;
    enum target_status status = ops->table_create(target, "rows", &rows, &table);
    if (status == TARGET_OK)
        status = ops->index_create(target, table, "keys", &keys, &index);
    if (status == TARGET_OK)
        status = ops->worker_join(target, &worker);
    while (status == TARGET_OK || target_status_is_retry(status)) {
        status = add(ops, worker, index, atomic_load(&told->answered));
        if (status == TARGET_OK)
            atomic_fetch_add(&told->answered, 1);
    }
    printf("FAILED: %s: %s\n", variant->name, target_status_name(status));
    (void)fflush(stdout);
    _exit(1);
}

/* Returns how many commits were answered. */
static unsigned long run_until_killed(const struct conform_variant *variant)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    assert_ptr_not_equal(told, MAP_FAILED);
    (void)fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_on(variant, told);
    while (atomic_load(&told->answered) < ANSWERED_LEAST && waitpid(child, &status, WNOHANG) == 0)
        (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    unsigned long answered = atomic_load(&told->answered);
    assert_int_equal(munmap(told, sizeof *told), 0);
    return answered;
}

static long count_rows(const char *folder, const char *count)
{
    char command[COMMAND_BYTES], line[64] = "";
    assert_true((size_t)snprintf(command, sizeof command, "cd '%s' && %s", folder, count) < sizeof command);
    FILE *counted = popen(command, "re");
    assert_non_null(counted);
    char *read = fgets(line, sizeof line, counted);
    (void)pclose(counted);
    return read != NULL ? strtol(line, NULL, 10) : -1;
}

/* False with the reason. */
static bool is_there(const struct embedded_case *embedded, const struct target_ops *ops, char *why)
{
    char command[COMMAND_BYTES];
    if (!external_is_there(ops, why, WHY_BYTES))
        return false;
    (void)snprintf(command, sizeof command, "command -v %s >/dev/null", embedded->tool);
    if (system(command) == 0)
        return true;
    (void)snprintf(why, WHY_BYTES, "no %s, which counts its rows (apt install %s)", embedded->tool, embedded->package);
    return false;
}

static void run_case(const struct embedded_case *embedded)
{
    struct conform_variant variant;
    const struct target_ops *ops = target_by_name(embedded->target);
    char why[WHY_BYTES] = "", folder[] = "/var/tmp/maemio-embedded-XXXXXX", command[COMMAND_BYTES];
    if (!is_there(embedded, ops, why)) {
        printf("  %s is skipped: %s\n", embedded->target, why);
        return;
    }
    ops = external_load(ops, why, sizeof why);
    assert_non_null(ops);
    conform_default(&variant, ops);
    assert_non_null(mkdtemp(folder));
    conform_set(&variant, "dir", folder);
    conform_set(&variant, "durability", embedded->durability);
    unsigned long answered = run_until_killed(&variant);
    conform_clear(&variant);
    long rows = count_rows(folder, embedded->count);
    printf("  %s: %lu answered, %ld there\n", embedded->target, answered, rows);
    assert_true(answered >= ANSWERED_LEAST);
    assert_true(rows == (long)answered || rows == (long)answered + 1);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void a_killed_process_has_what_it_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_killed_process_has_what_it_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
