/*
 * run.c - harness/bench/run.h: phases, window, results, and every way a run can end. Most runs happen in a child
 * process, because a passed deadline ends the process.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "harness/bench/run.h"
#include "harness/common/support.h"
#include "tests/unit/harness/bench/fake_target.h"
#include "tests/unit/harness/common/csv_read.h"

enum { ARGUMENTS_MAX = 16 };

struct outcome {
    int code; /* exit code; -1: killed by a signal */
    char *out, *err;
    struct csv_read *csv;
};

static char folder[] = "/tmp/maemio-run-XXXXXX";

static char *path_of(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* "key=value" texts, ended by NULL. */
static struct options *options_of(const char *const *arguments, char *error)
{
    struct options *options = options_create();
    bool fine = options_set(options, "progress", "off", error);
    for (; fine && *arguments != NULL; arguments++) {
        char *key = support_copy(*arguments), *equals = strchr(key, '=');
        *equals = '\0';
        fine = options_set(options, key, equals + 1, error);
        free(key);
    }
    if (fine && options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error))
        return options;
    options_destroy(options);
    return NULL;
}

/* What a child has written so often when a signal reaches it, however busy the machine is. */
struct moment {
    const char *file, *text;
    unsigned times;
};
static const struct moment loading = {"err", "load", 1};
static const struct moment measuring = {"err", "measure", 2}; /* a second after the first time: something was done */
static const struct moment repeating = {"csv", ",complete,", 1};

/* Ends if the child does. */
static void await(pid_t child, const struct moment *moment)
{
    bool there = false;
    siginfo_t ended = {0};
    while (!there && waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0) {
        (void)usleep(1000);
        unsigned times = 0;
        char *written = csv_read_text(path_of(moment->file));
        for (const char *at = written; at && (at = strstr(at, moment->text)) != NULL; at++)
            times++;
        there = times >= moment->times;
        free(written);
    }
}

/* Runs in a child, which gets `number` at that moment (progress=on lets it tell). */
static struct outcome run_child(const char *const *arguments, int number, const struct moment *when)
{
    char error[OPTION_ERROR_BYTES];
    (void)unlink(path_of("csv"));
    (void)unlink(path_of("err"));
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen(path_of("out"), "w", stdout);
        (void)!freopen(path_of("err"), "w", stderr);
        (void)setvbuf(stderr, NULL, _IONBF, 0); /* as it is otherwise; freopen forgets */
        struct options *options = options_of(arguments, error);
        if (options == NULL) {
            (void)fprintf(stderr, "%s\n", error);
            (void)fflush(NULL);
            _exit(EXIT_USAGE);
        }
        int code = (int)run_execute(options);
        (void)fflush(NULL);
        _exit(code);
    }
    assert_true(child > 0);
    if (number != 0) {
        await(child, when);
        assert_int_equal(kill(child, number), 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return (struct outcome){WIFEXITED(status) ? WEXITSTATUS(status) : -1, csv_read_text(path_of("out")),
                            csv_read_text(path_of("err")), csv_read(path_of("csv"))};
}

static void outcome_free(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    csv_read_free(outcome->csv);
}

static uint64_t number_at(const struct outcome *outcome, size_t row, const char *column)
{
    const char *text = csv_read_get(outcome->csv, row, column);
    if (text == NULL || text[0] == '\0')
        fail_msg("row %zu has no %s", row, column);
    return strtoull(text, NULL, 10);
}

static void assert_text_at(const struct outcome *outcome, size_t row, const char *column, const char *expected)
{
    const char *text = csv_read_get(outcome->csv, row, column);
    if (text == NULL)
        fail_msg("row %zu has no %s", row, column);
    assert_string_equal(text, expected);
}

static void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("'%s' does not say '%s'", text == NULL ? "" : text, part);
}

#define CSV_ARGUMENT (csv_argument())
static const char *csv_argument(void)
{
    static char text[80];
    (void)snprintf(text, sizeof text, "csv=%s", path_of("csv"));
    return text;
}

static const char *latency_argument(void)
{
    static char text[80];
    (void)snprintf(text, sizeof text, "latency_csv=%s", path_of("latencies"));
    return text;
}

/* ---- Runs that end well. ---- */

static void a_window_gives_a_row_for_all_and_for_each_type(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=2",      "pin=none", "warmup=20ms",    "time=100ms", "abort_every=5",
                                     "set=speed=fast", "rows=7",   "label=a, \"b\"", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_string_equal(outcome.err, "");
    assert_int_equal(outcome.code, EXIT_FINE);
    assert_int_equal(outcome.csv->row_count, 4);
    for (size_t row = 1; row < 4; row++)
        assert_int_equal(outcome.csv->field_counts[row], outcome.csv->field_counts[0]);
    assert_text_at(&outcome, 1, "txn_type", "all");
    assert_text_at(&outcome, 2, "txn_type", "even");
    assert_text_at(&outcome, 3, "txn_type", "odd");
    uint64_t commits = number_at(&outcome, 1, "commits");
    assert_true(commits > 0);
    assert_int_equal(commits, number_at(&outcome, 2, "commits") + number_at(&outcome, 3, "commits"));
    /* Each snapshot may find one commit of each worker and type counted whose operations are not yet. */
    assert_in_range(number_at(&outcome, 1, "operations"), 3 * commits - 12, 3 * commits + 12);
    assert_true(number_at(&outcome, 1, "aborts") > 0);
    assert_int_equal(number_at(&outcome, 1, "aborts"), number_at(&outcome, 1, "aborts_rts"));
    assert_int_equal(number_at(&outcome, 1, "aborts_newer"), 0);
    double window_s = strtod(csv_read_get(outcome.csv, 1, "window_s"), NULL);
    assert_true(window_s >= 0.1);
    double throughput = strtod(csv_read_get(outcome.csv, 1, "throughput_txn_per_s"), NULL);
    assert_true(throughput > 0.999 * (double)commits / window_s && throughput < 1.001 * (double)commits / window_s);
    assert_text_at(&outcome, 1, "outcome", "complete");
    assert_text_at(&outcome, 1, "check_result", "passed");
    assert_text_at(&outcome, 1, "workload", "ycsb"); /* the option's text: the fake is not in the registry */
    assert_text_at(&outcome, 1, "threads", "2");
    assert_text_at(&outcome, 1, "warmup_s", "0.02");
    assert_text_at(&outcome, 1, "label", "a, \"b\"");
    assert_text_at(&outcome, 1, "isolation", "not transactional");
    assert_text_at(&outcome, 1, "rows", "7");
    assert_text_at(&outcome, 1, "cpus", "");
    assert_text_at(&outcome, 1, "mem_resident_bytes", ""); /* the fake does not tell */
    assert_text_at(&outcome, 2, "rows", "");               /* not known for each type */
    assert_says(outcome.out, "throughput");
    assert_says(outcome.out, "not transactional");
    assert_says(outcome.out, "passed");
    outcome_free(&outcome);
}

static void txns_stops_after_exactly_so_many_commits(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=3", "pin=none", "txns=1000", "abort_every=5", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_FINE);
    assert_int_equal(number_at(&outcome, 1, "commits"), 3000);
    assert_int_equal(number_at(&outcome, 1, "operations"), 3 * 3000);
    assert_int_equal(number_at(&outcome, 1, "aborts"), 3 * 249); /* 4 commits, 1 abort, ..., ends with a commit */
    assert_int_equal(number_at(&outcome, 2, "commits"), 1500);
    assert_text_at(&outcome, 1, "warmup_s", "0");
    assert_text_at(&outcome, 1, "time_s", "0");
    assert_true(strtod(csv_read_get(outcome.csv, 1, "window_s"), NULL) > 0);
    outcome_free(&outcome);
}

static void txns_total_is_dealt_out_to_the_workers(void **state)
{
    (void)state;
    static const char *const totals[] = {"txns_total=1000", "txns_total=2"};
    for (size_t i = 0; i < 2; i++) {
        const char *const arguments[] = {"threads=3", "pin=none", totals[i], CSV_ARGUMENT, NULL};
        struct outcome outcome = run_child(arguments, 0, NULL);
        assert_int_equal(outcome.code, EXIT_FINE);
        assert_int_equal(number_at(&outcome, 1, "commits"), i ? 2 : 1000);
        assert_int_equal(number_at(&outcome, 1, "txns_total"), i ? 2 : 1000);
        assert_text_at(&outcome, 1, "time_s", "0");
        outcome_free(&outcome);
    }
}

static void repetitions_keep_or_reload_the_database(void **state)
{
    (void)state;
    char error[OPTION_ERROR_BYTES];
    for (unsigned reload = 0; reload < 2; reload++) {
        fake_opens = fake_closes = fake_loads = fake_joins = fake_leaves = fake_creates = fake_destroys = 0;
        (void)unlink(path_of("csv"));
        const char *const arguments[] = {
            "threads=2",     "pin=none", "txns=10", "repetitions=3", reload ? "reload=on" : "reload=off",
            "csv=/dev/null", NULL};
        struct options *options = options_of(arguments, error);
        assert_non_null(options);
        assert_int_equal(run_execute(options), EXIT_FINE);
        options_destroy(options);
        assert_int_equal(fake_loads, reload ? 3 : 1);
        assert_int_equal(fake_opens, reload ? 3 : 1);
        assert_int_equal(fake_creates, fake_opens);
        assert_int_equal(fake_destroys, fake_opens);
        assert_int_equal(fake_closes, fake_opens);
        assert_int_equal(fake_joins, 2 * fake_opens);
        assert_int_equal(fake_leaves, fake_joins);
    }
}

/* Also if the next repetition would have begun with another one. */
static void a_target_that_has_lost_commits_fails_the_run(void **state)
{
    (void)state;
    char error[OPTION_ERROR_BYTES];
    static const char *const repetitions[] = {"repetitions=1", "repetitions=2"};
    for (size_t i = 0; i < 2; i++) {
        fake_opens = fake_closes = 0;
        const char *const arguments[] = {"threads=1", "pin=none",      "txns=10", repetitions[i],
                                         "reload=on", "csv=/dev/null", NULL};
        struct options *options = options_of(arguments, error);
        assert_non_null(options);
        fake_close_status = TARGET_FULL;
        assert_int_equal(run_execute(options), EXIT_FAILED);
        fake_close_status = TARGET_OK;
        options_destroy(options);
        assert_int_equal(fake_opens, 1); /* nothing is run after it */
        assert_int_equal(fake_closes, 1);
    }
}

static void repetitions_append_rows(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=1", "pin=none",   "txns=10", "repetitions=3",
                                     "check=off", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_FINE);
    assert_int_equal(outcome.csv->row_count, 1 + 3 * 3);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(number_at(&outcome, 1 + i, "repetition"), i / 3 + 1);
        assert_int_equal(number_at(&outcome, 1 + i, "commits"), i % 3 == 0 ? 10 : 5);
    }
    assert_text_at(&outcome, 1, "check_result", "skipped");
    assert_says(outcome.out, "skipped");
    outcome_free(&outcome);
}

static void csv_on_stdout_has_no_summary(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=1", "pin=none", "txns=10", "csv=-", NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_FINE);
    struct csv_read *csv = csv_read(path_of("out"));
    assert_int_equal(csv->row_count, 4);
    assert_string_equal(csv_read_get(csv, 1, "commits"), "10");
    csv_read_free(csv);
    outcome_free(&outcome);
}

static void auto_threads_stay_within_what_the_target_allows(void **state)
{
    (void)state;
    const char *const arguments[] = {"txns=10", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_FINE);
    assert_in_range(number_at(&outcome, 1, "threads"), 1, FAKE_WORKERS_MAX);
    assert_int_equal(number_at(&outcome, 1, "commits"), 10 * number_at(&outcome, 1, "threads"));
    assert_true(csv_read_get(outcome.csv, 1, "cpus")[0] != '\0');
    outcome_free(&outcome);
}

static void every_transaction_of_a_counted_run_is_timed(void **state)
{
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        const char *const arguments[] = {
            "threads=2",  "pin=none", "txns=1000", "abort_every=5", exact ? "latency=exact" : "latency=on",
            CSV_ARGUMENT, NULL};
        struct outcome outcome = run_child(arguments, 0, NULL);
        assert_int_equal(outcome.code, EXIT_FINE);
        assert_int_equal(number_at(&outcome, 1, "latency_count"), 2000);
        assert_int_equal(number_at(&outcome, 2, "latency_count"), 1000);
        assert_int_equal(number_at(&outcome, 1, "attempts_max"), 2);
        assert_true(number_at(&outcome, 1, "latency_p50_ns") <= number_at(&outcome, 1, "latency_max_ns"));
        assert_text_at(&outcome, 1, "response_p50_ns", ""); /* a closed loop */
        double attempts = strtod(csv_read_get(outcome.csv, 1, "attempts_per_commit"), NULL);
        assert_true(attempts == (2000 + 2 * 249) / 2000.0);
        assert_says(outcome.out, "latency        p50 ");
        outcome_free(&outcome);
    }
    const char *const arguments[] = {"threads=1", "pin=none", "txns=10", "latency=off", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_text_at(&outcome, 1, "latency_count", "");
    outcome_free(&outcome);
}

static void the_hash_is_of_what_decides_the_run(void **state)
{
    (void)state;
    static const char *const variants[] = {"label=a", "label=b", "repetitions=2", "seed=2", "set=speed=fast", "rows=7"};
    enum { VARIANTS = sizeof variants / sizeof variants[0], SAME = 3 };
    char hashes[VARIANTS][17];
    for (size_t i = 0; i < VARIANTS; i++) {
        const char *const arguments[] = {"threads=1", "pin=none", "txns=10", variants[i], CSV_ARGUMENT, NULL};
        struct outcome outcome = run_child(arguments, 0, NULL);
        (void)snprintf(hashes[i], sizeof hashes[i], "%s", csv_read_get(outcome.csv, 1, "config_hash"));
        assert_int_equal(strlen(hashes[i]), 16);
        outcome_free(&outcome);
        for (size_t j = 0; j < i; j++)
            assert_true((strcmp(hashes[i], hashes[j]) == 0) == (i < SAME && j < SAME));
    }
}

static void an_open_loop_does_what_is_due(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=2", "pin=none",        "warmup=50ms", "time=500ms",
                                     "rate=2000", "arrival=uniform", CSV_ARGUMENT,  NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_FINE);
    double due = 2000 * strtod(csv_read_get(outcome.csv, 1, "window_s"), NULL);
    assert_true((double)number_at(&outcome, 1, "commits") <= due + 4); /* never early, however fast */
    assert_text_at(&outcome, 1, "rate_txn_per_s", "2000");
    assert_text_at(&outcome, 1, "ns_per_txn", "");
    assert_says(outcome.out, "2.00k txn/s due, uniform arrivals");
    outcome_free(&outcome);
}

/* Worker 0 is stopped a tenth of a second after the window has opened, and until long after it has closed. */
static void requests_that_a_stopped_worker_owes_are_counted(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=2",        "pin=none",        "warmup=0",    "time=300ms",
                                     "rate=1000",        "arrival=uniform", "fault=stall", "fault_at=attempt",
                                     latency_argument(), CSV_ARGUMENT,      NULL};
    struct outcome outcome = run_child(arguments, 0, 0);
    assert_int_equal(outcome.code, EXIT_FINE);
    double window_s = strtod(csv_read_get(outcome.csv, 1, "window_s"), NULL);
    double due = (double)number_at(&outcome, 1, "requests_due");
    assert_true(due > 1000 * window_s - 3 && due < 1000 * window_s + 3);
    assert_true((double)number_at(&outcome, 1, "commits") <= 50 + 500 * window_s + 2);
    assert_int_equal(number_at(&outcome, 1, "saturated"), 1);
    assert_true(strtod(csv_read_get(outcome.csv, 1, "late_s"), NULL) >= window_s - 0.105);
    assert_text_at(&outcome, 1, "response_p50_ns", "");
    assert_says(outcome.out, "was saturated");
    char *latencies = csv_read_text(path_of("latencies"));
    assert_says(latencies, ",0,overdue,response_ns,total,");
    free(latencies);
    (void)unlink(path_of("latencies"));
    outcome_free(&outcome);
}

/* ---- Runs that cannot be trusted. ---- */

static void a_check_that_fails_while_it_runs_ends_the_run(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=2",      "pin=none",         "warmup=0",   "time=60s", "fault=corrupt",
                                     "fault_at=check", "check_every=10ms", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_CHECK);
    assert_says(outcome.err, "row 7: found 1, expected 2");
    if (outcome.csv->row_count > 1) { /* unless it failed before the window */
        assert_text_at(&outcome, 1, "check_result", "failed");
        assert_text_at(&outcome, 1, "outcome", "interrupted");
    }
    outcome_free(&outcome);
}

static void assert_ends(const char *const *arguments, int code, const char *says)
{
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_says(outcome.err, says);
    assert_int_equal(outcome.code, code);
    outcome_free(&outcome);
}

static void failures_have_their_exit_code_and_message(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *at;
        int code;
        const char *says;
    } cases[] = {
        {"invalid", "create", EXIT_USAGE, "workload fake: rows and share do not fit together"},
        {"no_memory", "setup", EXIT_FAILED, "setting up workload fake on target fake: out of memory"},
        {"no_memory", "load", EXIT_FAILED, "phase load failed on worker 0: TARGET_NO_MEMORY: out of memory"},
        {"no_memory", "prepare", EXIT_FAILED, "phase prepare failed on worker 0: TARGET_NO_MEMORY"},
        {"no_memory", "attempt", EXIT_FAILED, "worker 0 cannot go on: TARGET_NO_MEMORY: out of memory"},
        {"corrupt", "loaded", EXIT_CHECK, "the check of what was loaded failed: row 7: found 1, expected 2"},
        {"corrupt", "check", EXIT_CHECK, "the check of repetition 1 failed: row 7: found 1, expected 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fault[32], at[32];
        (void)snprintf(fault, sizeof fault, "fault=%s", cases[i].fault);
        (void)snprintf(at, sizeof at, "fault_at=%s", cases[i].at);
        const char *const arguments[] = {"threads=2",     "pin=none", "warmup=0", "time=50ms",
                                         "repetitions=2", fault,      at,         NULL};
        assert_ends(arguments, cases[i].code, cases[i].says);
    }
}

static void a_failed_check_is_in_the_row(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=1",     "pin=none",       "txns=5",     "repetitions=3",
                                     "fault=corrupt", "fault_at=check", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, 0, NULL);
    assert_int_equal(outcome.code, EXIT_CHECK);
    assert_int_equal(outcome.csv->row_count, 4); /* and no second repetition on broken data */
    assert_text_at(&outcome, 1, "check_result", "failed");
    assert_says(outcome.out, "FAILED: row 7");
    outcome_free(&outcome);
}

static void a_window_without_a_commit_fails(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=1", "pin=none", "warmup=0", "time=30ms", "fault=abort", NULL};
    assert_ends(arguments, EXIT_FAILED, "no transaction committed");
}

static void wrong_settings_are_usage_errors(void **state)
{
    (void)state;
    const char *const unknown[] = {"threads=1", "set=sped=fast", NULL};
    assert_ends(unknown, EXIT_USAGE, "--set sped: target fake has no such setting; did you mean 'speed'?");
    const char *const pin[] = {"threads=1", "pin=sideways", NULL};
    assert_ends(pin, EXIT_USAGE, "--pin: 'sideways' is none of compact, scatter, none");
    const char *const threads[] = {"threads=5", NULL};
    assert_ends(threads, EXIT_USAGE, "--threads: 5 is too many; target fake allows 4 workers");
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    const char *const file[] = {"threads=1", "pin=none", "txns=5", "csv=/dev/full", NULL};
    assert_ends(file, EXIT_FAILED, "No space left on device");
    const char *const missing[] = {"threads=1", "pin=none", "txns=5", "csv=/nowhere/at/all.csv", NULL};
    assert_ends(missing, EXIT_FAILED, "/nowhere/at/all.csv: cannot be opened: No such file");
}

static void a_hanging_worker_meets_the_deadline(void **state)
{
    (void)state;
    static const struct {
        const char *at, *says;
    } cases[] = {
        {"fault_at=attempt", "phase drain of repetition 1; not ready: worker 0; 0 of 1"},
        {"fault_at=prepare", "phase prepare of repetition 1; not ready: worker 0, 1;"},
        {"fault_at=check", "phase check of repetition 1; not ready: worker 0;"},
        {"fault_at=loaded", "phase check after load; not ready: worker 0;"},
        {"fault_at=load", "passed in phase load; not ready: worker 0;"},
        {"fault_at=setup", "passed in phase setup; 0 of 1"},
    };
    (void)setenv("FAKE_STUBBORN", "1", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* On a busy machine a second may pass before the worker gets there: then with more of them. */
        static const char *const deadlines[] = {"1s", "10s", "100s", "1000s"};
        bool there = false;
        for (size_t n = 0; !there && n < sizeof deadlines / sizeof deadlines[0]; n++) {
            char deadline[32], says[64];
            (void)snprintf(deadline, sizeof deadline, "deadline=%s", deadlines[n]);
            (void)snprintf(says, sizeof says, "the deadline of %s passed in phase ", deadlines[n]);
            const char *const arguments[] = {"threads=2",  "pin=none",  "warmup=0", "time=20ms",
                                             "fault=hang", cases[i].at, deadline,   NULL};
            struct outcome outcome = run_child(arguments, 0, NULL);
            assert_says(outcome.err, says);
            assert_int_equal(outcome.code, EXIT_DEADLINE);
            there = strstr(outcome.err, cases[i].says) != NULL;
            outcome_free(&outcome);
        }
        if (!there)
            fail_msg("never: %s", cases[i].says);
    }
    (void)unsetenv("FAKE_STUBBORN");
}

/* ---- Signals. ---- */

static void interrupted_window_keeps_what_it_measured(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        const char *const arguments[] = {"threads=2",     "pin=none",    "warmup=0",   "time=60s",
                                         "repetitions=2", "progress=on", CSV_ARGUMENT, NULL};
        struct outcome outcome = run_child(arguments, numbers[i], &measuring);
        assert_int_equal(outcome.code, EXIT_INTERRUPTED);
        assert_says(outcome.err, "interrupted in phase measure");
        assert_int_equal(outcome.csv->row_count, 4);
        assert_text_at(&outcome, 1, "outcome", "interrupted");
        assert_text_at(&outcome, 1, "check_result", "skipped");
        assert_true(number_at(&outcome, 1, "commits") > 0);
        assert_says(outcome.out, "interrupted");
        outcome_free(&outcome);
    }
}

static void interrupted_load_stops_early(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=2",   "pin=none",   "fault=hang", "fault_at=load",
                                     "progress=on", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, SIGINT, &loading);
    assert_int_equal(outcome.code, EXIT_INTERRUPTED);
    assert_says(outcome.err, "interrupted in phase load");
    assert_int_equal(outcome.csv->row_count, 1);
    outcome_free(&outcome);
}

static void interrupted_between_repetitions_keeps_the_earlier(void **state)
{
    (void)state;
    const char *const arguments[] = {"threads=1",        "pin=none",   "warmup=0", "time=200ms",
                                     "repetitions=1000", CSV_ARGUMENT, NULL};
    struct outcome outcome = run_child(arguments, SIGINT, &repeating);
    assert_int_equal(outcome.code, EXIT_INTERRUPTED);
    assert_true(outcome.csv->row_count >= 1 + 3);
    assert_text_at(&outcome, 1, "outcome", "complete");
    outcome_free(&outcome);
}

static int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state)
{
    (void)state;
    (void)unlink(path_of("csv"));
    (void)unlink(path_of("csv.jsonl"));
    (void)unlink(path_of("out"));
    (void)unlink(path_of("err"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_gives_a_row_for_all_and_for_each_type),
        cmocka_unit_test(txns_stops_after_exactly_so_many_commits),
        cmocka_unit_test(txns_total_is_dealt_out_to_the_workers),
        cmocka_unit_test(repetitions_keep_or_reload_the_database),
        cmocka_unit_test(a_target_that_has_lost_commits_fails_the_run),
        cmocka_unit_test(repetitions_append_rows),
        cmocka_unit_test(csv_on_stdout_has_no_summary),
        cmocka_unit_test(auto_threads_stay_within_what_the_target_allows),
        cmocka_unit_test(every_transaction_of_a_counted_run_is_timed),
        cmocka_unit_test(the_hash_is_of_what_decides_the_run),
        cmocka_unit_test(an_open_loop_does_what_is_due),
        cmocka_unit_test(requests_that_a_stopped_worker_owes_are_counted),
        cmocka_unit_test(a_check_that_fails_while_it_runs_ends_the_run),
        cmocka_unit_test(failures_have_their_exit_code_and_message),
        cmocka_unit_test(a_failed_check_is_in_the_row),
        cmocka_unit_test(a_window_without_a_commit_fails),
        cmocka_unit_test(wrong_settings_are_usage_errors),
        cmocka_unit_test(a_full_disk_is_noticed),
        cmocka_unit_test(a_hanging_worker_meets_the_deadline),
        cmocka_unit_test(interrupted_window_keeps_what_it_measured),
        cmocka_unit_test(interrupted_load_stops_early),
        cmocka_unit_test(interrupted_between_repetitions_keeps_the_earlier),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
