/*
 * servers.c - a database server that is killed (SIGKILL) under load has every commit that it has answered, where the
 * target promises that (durability=group).
 *
 * A thread adds one row a transaction, with keys 0, 1, 2 and so on, until the server is gone. Then the server's files
 * are opened by a new server, and counted: all rows that were answered are there, and at most the one whose answer was
 * lost. The target must tell that the server is gone, also a worker who waited for no answer when it went and writes to
 * it only then, and its end must not hang. The page cache survives, so this says nothing of the disk. Each target is
 * skipped with the reason where it cannot run.
 */
#include "tests/support/conform.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "harness/targets/external.h"
#include "harness/targets/server_program.h"
#include "harness/targets/targets.h"

enum { ANSWERED_LEAST = 200, WHY_BYTES = 512, COMMAND_BYTES = 8192, PAUSE_NS = 1000 * 1000 };

/* In the server's folder, with the folder of its programs as $1: starts a new one, prints how many rows there are, and
 * stops it. The first tries may find processes of the old one. */
static const struct server_case {
    const char *target, *places, *pid_file, *count_script;
} cases[] = {
    {"postgresql", POSTGRESQL_PLACES, "data/postmaster.pid",
     "control() { $as \"$1/pg_ctl\" -s -D data -w -t 120 -l count.log "
     "-o \"-k $PWD -c listen_addresses= -c dynamic_shared_memory_type=mmap\" \"$2\" >control.log 2>&1; }\n"
     "tries=0\n"
     "until control \"$1\" start; do tries=$((tries + 1)); [ $tries -lt 300 ] || exit; sleep 0.1; done\n"
     "echo \"SELECT format('SELECT count(*) FROM %I.s1', nspname) FROM pg_namespace WHERE nspname LIKE 'maemio%' "
     "\\gexec\" | \"$1/psql\" -X -h \"$PWD\" -U maemio -At postgres\n"
     "control \"$1\" stop\n"},
    {"redis", REDIS_PLACES, "server.pid",
     "$as \"$1/redis-server\" --port 0 --unixsocket \"$PWD/count.sock\" --dir \"$PWD\" --appendonly yes --save '' "
     ">count.log 2>&1 &\n"
     "server=$!\n"
     "tries=0\n"
     "until [ -n \"$rows\" ] || [ $tries -ge 300 ]; do\n"
     "    rows=$(\"$1/redis-cli\" -s count.sock --raw EVAL \"return redis.call('ZCARD', 'o' .. string.char(0, 1))\" 0 "
     "2>&1 | grep '^[0-9]*$')\n"
     "    tries=$((tries + 1))\n"
     "    sleep 0.1\n"
     "done\n"
     "echo \"$rows\"\n"
     "kill $server\n"
     "wait\n"},
};

struct writer {
    const struct target_ops *ops;
    struct target_worker *worker;
    struct target_index *index;
    atomic_ulong answered;
    atomic_bool has_ended;
    enum target_status status; /* of the transaction that ended it */
};

static enum target_status add(struct writer *writer, uint64_t key)
{
    struct target_txn *txn;
    void *data;
    enum target_status status = writer->ops->begin(writer->worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    status = writer->ops->insert(txn, writer->index, &key, sizeof key, NULL, &data);
    if (status != TARGET_OK) {
        writer->ops->abort(txn);
        return status;
    }
    memcpy(data, &key, sizeof key);
    return writer->ops->commit(txn);
}

static void *write_until_it_is_gone(void *arg)
{
    struct writer *writer = arg;
    do {
        writer->status = add(writer, atomic_load(&writer->answered));
        if (writer->status == TARGET_OK)
            atomic_fetch_add(&writer->answered, 1);
    } while (writer->status == TARGET_OK || target_status_is_retry(writer->status));
    atomic_store(&writer->has_ended, true);
    return NULL;
}

static long read_number(FILE *file)
{
    char line[64] = "";
    char *read = file != NULL ? fgets(line, sizeof line, file) : NULL;
    return read != NULL ? strtol(line, NULL, 10) : -1;
}

static void kill_server(const char *folder, const char *pid_file)
{
    char path[COMMAND_BYTES];
    assert_true((size_t)snprintf(path, sizeof path, "%s/%s", folder, pid_file) < sizeof path);
    FILE *file = fopen(path, "re");
    long pid = read_number(file);
    assert_true(pid > 1);
    (void)fclose(file);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

/* Returns how many commits were answered. */
static unsigned long run_until_killed(const struct target_ops *ops, struct target *target, const char *folder,
                                      const char *pid_file)
{
    const struct target_table_config rows = {.payload_max_bytes = sizeof(uint64_t)};
    const struct target_index_config keys = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct writer writer = {.ops = ops}, idle = {.ops = ops};
    struct target_table *table;
    pthread_t thread;
    assert_target_ok(ops->table_create(target, "rows", &rows, &table));
    assert_target_ok(ops->index_create(target, table, "keys", &keys, &writer.index));
    idle.index = writer.index;
    assert_target_ok(ops->worker_join(target, &writer.worker));
    assert_target_ok(ops->worker_join(target, &idle.worker));
    assert_int_equal(pthread_create(&thread, NULL, write_until_it_is_gone, &writer), 0);
    while (atomic_load(&writer.answered) < ANSWERED_LEAST && !atomic_load(&writer.has_ended))
        (void)nanosleep(&pause, NULL);
    kill_server(folder, pid_file);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_target_status(TARGET_FAILED, writer.status);
    assert_target_status(TARGET_FAILED, add(&idle, UINT64_MAX));
    ops->worker_leave(idle.worker);
    ops->worker_leave(writer.worker);
    return atomic_load(&writer.answered);
}

static long count_rows(const struct server_case *server, const char *folder)
{
    char command[COMMAND_BYTES], program[PATH_MAX];
    assert_true(server_program_find(server->places, program));
    *strrchr(program, '/') = '\0';
    int bytes = snprintf(command, sizeof command,
                         "cd '%s' || exit\n"
                         "set -- '%s'\n"
                         "as=\n"
                         "[ \"$(id -u)\" -ne 0 ] || "
                         "as=\"setpriv --reuid=$(stat -c %%u .) --regid=$(stat -c %%g .) --clear-groups\"\n%s",
                         folder, program, server->count_script);
    assert_true((size_t)bytes < sizeof command);
    FILE *counted = popen(command, "re");
    long rows = read_number(counted);
    (void)pclose(counted);
    return rows;
}

static void remove_folder(const char *folder)
{
    char command[COMMAND_BYTES];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void run_case(const struct server_case *server)
{
    struct conform_variant variant = {.ops = target_by_name(server->target)};
    char why[WHY_BYTES] = "", folder[] = "/var/tmp/maemio-servers-XXXXXX";
    if (!external_is_there(variant.ops, why, sizeof why)) {
        printf("  %s is skipped: %s\n", server->target, why);
        return;
    }
    variant.ops = external_load(variant.ops, why, sizeof why);
    assert_non_null(variant.ops);
    (void)snprintf(variant.name, sizeof variant.name, "%s", server->target);
    assert_true(option_values_init(variant.ops->options, variant.values, why, sizeof why));
    assert_non_null(mkdtemp(folder));
    conform_set(&variant, "dir", folder);
    conform_set(&variant, "durability", "group");
    struct target *target = conform_open(&variant, variant.ops);
    unsigned long answered = run_until_killed(variant.ops, target, folder, server->pid_file);
    assert_target_ok(variant.ops->close(target));
    option_values_clear(variant.ops->options, variant.values);
    long rows = count_rows(server, folder);
    printf("  %s: %lu answered, %ld there\n", server->target, answered, rows);
    assert_true(answered >= ANSWERED_LEAST);
    assert_true(rows == (long)answered || rows == (long)answered + 1);
    remove_folder(folder);
}

static void a_killed_server_has_what_it_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_killed_server_has_what_it_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
