/* sweep_runs.c - see sweep_runs.h. */
#include "harness/sweep/sweep_runs.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/common/csv_table.h"
#include "harness/common/interrupt.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/text_file.h"
#include "harness/sweep/node.h"
#include "harness/sweep/processes.h"

enum {
    LOSSES_MAX = 3, /* of a node in a row: it is out; of a run: it has failed */
    LOOK_MS = 50
};
#define REST_NS UINT64_C(5000000000)       /* of a node that was lost, for each loss */
#define GRACE_NS_MAX UINT64_C(20000000000) /* of processes that were told to end */

struct node {
    struct sweep_run *run; /* that it does; NULL: none */
    int input;             /* of its launcher */
    unsigned losses;       /* since its last answer */
    uint64_t began_ns, rests_until_ns;
};

struct fleet {
    struct sweep *sweep;
    size_t count, busy;
    struct node *nodes;
    unsigned rounds;   /* the most repetitions of a point */
    const char *build; /* which the nodes must have, too */
    uint64_t killed_at_ns;
};

/* One for each node, 0 where none is at work. */
static struct {
    size_t count;
    bool local;
    atomic_int *pids;
} at_work;
static atomic_int signal_received;

/* Hands the first signal on: a run then keeps what it has, a launcher goes and the run on its node with it. A second
 * signal ends the sweep at once. */
static void signal_note(int number)
{
    atomic_store_explicit(&signal_received, number, memory_order_relaxed);
    for (size_t i = 0; i < at_work.count; i++) {
        int pid = atomic_load_explicit(&at_work.pids[i], memory_order_relaxed);
        if (pid > 0)
            (void)kill(pid, at_work.local ? number : SIGTERM);
    }
}

static bool is_local(const struct sweep *sweep)
{
    return sweep->launcher.kind == LAUNCHER_LOCAL;
}

/* ---- The arguments of a run. ---- */

static void option_add(struct support_list *arguments, const char *key, const char *value)
{
    if (strncmp(key, "set.", 4) == 0) {
        support_list_add(arguments, "--set=%s=%s", key + 4, value);
        return;
    }
    SUPPORT_FREED char *spelled = option_dashes(support_copy(key));
    support_list_add(arguments, "--%s=%s", spelled, value);
}

void sweep_arguments_add(struct support_list *arguments, const struct sweep *sweep, const struct jobfile_point *point)
{
    for (size_t i = 0; i < point->count; i++)
        option_add(arguments, point->settings[i].key, point->settings[i].value);
    for (size_t i = 0; i < sweep->asked->overrides.count; i++)
        option_add(arguments, sweep->asked->overrides.items[i].key, sweep->asked->overrides.items[i].value);
}

/* A file of the run: here in its folder, on a node in the folder that it works in. */
static char *file_of(const struct sweep *sweep, const struct sweep_run *run, const char *file)
{
    return is_local(sweep) ? sweep_path(sweep, run, ".part", file) : support_copy(file);
}

static struct support_list arguments_of(const struct sweep *sweep, const struct sweep_run *run, const char *node)
{
    struct support_list arguments = {0};
    const struct jobfile_point *point = run->point->point;
    support_list_add(&arguments, "maemio");
    support_list_add(&arguments, "run");
    support_list_add(&arguments, "--label=%s", point->section);
    sweep_arguments_add(&arguments, sweep, point);
    support_list_add(&arguments, "--repetitions=1");
    support_list_add(&arguments, "--first-repetition=%u", run->repetition);
    support_list_add(&arguments, "--point=%s", run->point->id);
    if (!is_local(sweep))
        support_list_add(&arguments, "--node=%s", node);
    support_list_add(&arguments, "--progress=off");
    SUPPORT_FREED char *csv = file_of(sweep, run, "results.csv"), *json = file_of(sweep, run, "results.jsonl");
    support_list_add(&arguments, "--csv=%s", csv);
    support_list_add(&arguments, "--json=%s", json);
    for (size_t i = 0; i < SWEEP_FILE_COUNT; i++)
        if (run->point->files[i][0] != '\0') {
            SUPPORT_FREED char *path = file_of(sweep, run, run->point->files[i]);
            option_add(&arguments, sweep_files[i].key, path);
        }
    return arguments;
}

/* ---- What is said. ---- */

/* Prints the line of the log that says why the run failed: the first that begins as a message does, else the last. */
static void log_tell(const struct sweep *sweep, const struct sweep_run *run, const char *ending)
{
    char line[512], told[512] = "";
    SUPPORT_FREED char *path = sweep_path(sweep, run, ending, NODE_LOG);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        bool message = strncmp(line, "maemio", 6) == 0;
        (void)snprintf(told, sizeof told, "%s", line);
        if (message)
            break;
    }
    if (file != NULL)
        (void)fclose(file);
    told[strcspn(told, "\n")] = '\0';
    (void)fprintf(stderr, "      %s\n", told);
}

static void failure_keep(struct sweep *sweep, struct sweep_run *run, int code, const char *why)
{
    SUPPORT_FREED char *part = sweep_path(sweep, run, ".part", ""), *failed = sweep_path(sweep, run, ".failed", "");
    sweep_remove(sweep, run, ".failed");
    (void)rename(part, failed);
    support_complain(sweep->name, "%s-%u failed with exit code %d%s%s: %s", run->point->id, run->repetition, code,
                     why[0] == '\0' ? "" : ": ", why, run->point->text);
    log_tell(sweep, run, ".failed");
    SUPPORT_FREED char *log = sweep_path(sweep, run, ".failed", NODE_LOG);
    (void)fprintf(stderr, "      all of it: %s\n", log);
    run->failed = true;
    sweep->failed++;
    if (sweep->worst != EXIT_CHECK)
        sweep->worst = code == EXIT_CHECK ? EXIT_CHECK : EXIT_FAILED;
}

static double throughput_of(const struct sweep *sweep, const struct sweep_run *run)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_FREED char *path = sweep_path(sweep, run, "", "results.csv");
    if (!csv_table_read(&table, path, error) || table.row_count == 0)
        return 0;
    int column = csv_table_column(&table, "throughput_txn_per_s");
    return column < 0 ? 0 : strtod(table.rows[0].fields[column], NULL);
}

static void progress_tell(const struct fleet *fleet, const struct node *node, const struct sweep_run *run)
{
    const struct sweep *sweep = fleet->sweep;
    const char *name = sweep->launcher.nodes.items[node - fleet->nodes];
    size_t done = 0;
    for (size_t i = 0; i < sweep->plan.run_count; i++)
        done += sweep->plan.runs[i].finished || sweep->plan.runs[i].failed;
    (void)fprintf(stderr, "%zu/%zu  %s #%u%s%s: %s txn/s in %.1f s; about %s left\n", done, sweep->plan.run_count,
                  run->point->text, run->repetition, *name == '\0' ? "" : " on ", name,
                  quantity_count(throughput_of(sweep, run)), run->point->seconds,
                  quantity_time((uint64_t)(sweep_plan_left_s(&sweep->plan) / (double)fleet->count) * 1000000000));
}

/* ---- One run. ---- */

/* What `maemio node` reads. If nobody does, its launcher has ended, and is found so. */
static void request_send(int input, const char *build, char *const *arguments)
{
    const char *const head[] = {NODE_PROTOCOL, build, NULL};
    bool fine = true;
    for (size_t i = 0; fine && head[i] != NULL; i++)
        fine = send(input, head[i], strlen(head[i]) + 1, MSG_NOSIGNAL) > 0;
    for (size_t i = 1; fine && arguments[i] != NULL; i++)
        fine = send(input, arguments[i], strlen(arguments[i]) + 1, MSG_NOSIGNAL) > 0;
    if (fine)
        (void)send(input, "", 1, MSG_NOSIGNAL);
}

static enum exit_code run_begin(struct fleet *fleet, size_t at, struct sweep_run *run)
{
    struct sweep *sweep = fleet->sweep;
    struct node *node = &fleet->nodes[at];
    sweep_remove(sweep, run, "");
    sweep_remove(sweep, run, ".part");
    SUPPORT_FREED char *part = sweep_path(sweep, run, ".part", ""), *log = sweep_path(sweep, run, ".part", NODE_LOG),
                       *archive = sweep_path(sweep, run, ".part", "answer.tar");
    if (!program_folder_make(sweep->name, part))
        return EXIT_FAILED;
    SUPPORT_ENDED_BY(support_list_free)
    struct support_list arguments = arguments_of(sweep, run, sweep->launcher.nodes.items[at]), words = {0};
    node->began_ns = support_clock_ns();
    if (!is_local(sweep))
        words = launcher_words(&sweep->launcher, at);
    pid_t pid = is_local(sweep) ? process_start(arguments.items, NULL, log)
                                : process_launch(words.items, archive, log, &node->input);
    if (pid < 0) {
        support_complain(sweep->name, "a run cannot be started: %s", strerror(errno));
        return EXIT_FAILED;
    }
    run->begun = true;
    node->run = run;
    fleet->busy++;
    atomic_store(&at_work.pids[at], pid);
    int number = atomic_load(&signal_received); /* between the last look and now */
    if (number != 0)
        (void)kill(pid, is_local(sweep) ? number : SIGTERM);
    if (!is_local(sweep))
        request_send(node->input, fleet->build, arguments.items);
    return EXIT_FINE;
}

/* Takes the node's answer apart: the run's exit code, or -1 if there is no whole answer. */
static int answer_take(const struct sweep *sweep, const struct sweep_run *run)
{
    char why[SWEEP_ERROR_BYTES];
    SUPPORT_FREED char *archive = sweep_path(sweep, run, ".part", "answer.tar"),
                       *folder = sweep_path(sweep, run, ".part", ""),
                       *file = sweep_path(sweep, run, ".part", NODE_CODE);
    char *words[] = {"tar", "-C", folder, "-xf", archive, NULL};
    size_t bytes = 0;
    FILE *answer = fopen(archive, "re");
    bool empty = answer == NULL || fgetc(answer) == EOF;
    if (answer != NULL)
        (void)fclose(answer);
    SUPPORT_FREED char *text =
        empty || program_run(sweep->name, words) != 0 ? NULL : text_file_read(file, 64, true, &bytes, why, sizeof why);
    (void)unlink(archive);
    (void)unlink(file);
    return text == NULL || bytes < 2 ? -1 : (int)strtol(text, NULL, 10);
}

/* The launcher has ended without an answer: the run goes to another node, and this one rests, or is out. */
static void node_lost(struct fleet *fleet, struct node *node, struct sweep_run *run, int code)
{
    struct sweep *sweep = fleet->sweep;
    const char *name = sweep->launcher.nodes.items[node - fleet->nodes];
    node->losses = code == EXIT_USAGE ? LOSSES_MAX : node->losses + 1;
    node->rests_until_ns = support_clock_ns() + REST_NS * node->losses;
    run->losses++;
    support_complain(sweep->name, "node %s is %s: its launcher ended with exit code %d, and the run gave no answer",
                     name, node->losses < LOSSES_MAX ? "lost" : "out", code);
    if (run->losses < LOSSES_MAX)
        log_tell(sweep, run, ".part");
    else
        failure_keep(sweep, run, code, "its nodes were lost");
    sweep_remove(sweep, run, ".part");
}

static enum exit_code run_keep(const struct fleet *fleet, const struct node *node, struct sweep_run *run)
{
    const struct sweep *sweep = fleet->sweep;
    SUPPORT_FREED char *part = sweep_path(sweep, run, ".part", ""), *done = sweep_path(sweep, run, "", "");
    if (rename(part, done) != 0) {
        support_complain(sweep->name, "%s: cannot be renamed: %s", part, strerror(errno));
        return EXIT_FAILED;
    }
    sweep_remove(sweep, run, ".failed");
    run->finished = true;
    run->point->seconds = (double)(support_clock_ns() - node->began_ns) / 1e9;
    bool merged = sweep_merge(sweep, run);
    progress_tell(fleet, node, run);
    return merged ? EXIT_FINE : EXIT_FAILED;
}

/* EXIT_FINE also if the run failed, unless the others would fail in the same way. */
static enum exit_code run_end(struct fleet *fleet, size_t at, int code)
{
    struct sweep *sweep = fleet->sweep;
    struct node *node = &fleet->nodes[at];
    struct sweep_run *run = node->run;
    char why[CSV_TABLE_ERROR_BYTES] = "";
    int launcher_code = code;
    atomic_store(&at_work.pids[at], 0);
    fleet->busy--;
    node->run = NULL;
    run->begun = false;
    if (!is_local(sweep)) {
        (void)close(node->input);
        code = atomic_load(&signal_received) != 0 ? -1 : answer_take(sweep, run);
    }
    if (atomic_load(&signal_received) != 0) {
        sweep_remove(sweep, run, ".part");
        return EXIT_INTERRUPTED;
    }
    if (code < 0) {
        node_lost(fleet, node, run, launcher_code);
        return EXIT_FINE;
    }
    node->losses = 0;
    if (code == EXIT_FINE && sweep_rows_whole(sweep, run, ".part", why))
        return run_keep(fleet, node, run);
    failure_keep(sweep, run, code, why);
    return code == EXIT_USAGE ? EXIT_USAGE : EXIT_FINE;
}

/* ---- Which run comes next. ---- */

/* The node that does a run if no node is lost; see sweep.h. */
static size_t home_of(const struct fleet *fleet, const struct sweep_run *run)
{
    size_t point = (size_t)(run->point - fleet->sweep->plan.points);
    return (run->repetition - 1 + (fleet->rounds < fleet->count ? point : 0)) % fleet->count;
}

static bool is_out(const struct node *node)
{
    return node->losses >= LOSSES_MAX;
}

/* NULL: the node has none to do. */
static struct sweep_run *next_for(const struct fleet *fleet, size_t at)
{
    const struct sweep_plan *plan = &fleet->sweep->plan;
    struct sweep_run *others = NULL;
    for (size_t i = 0; i < plan->run_count; i++) {
        struct sweep_run *run = &plan->runs[i];
        size_t home = home_of(fleet, run);
        if (run->finished || run->failed || run->begun)
            continue;
        if (home == at)
            return run;
        if (others == NULL && fleet->nodes[home].losses > 0)
            others = run;
    }
    return others;
}

/* Gives work to all nodes that can take it. */
static enum exit_code work_give(struct fleet *fleet)
{
    enum exit_code code = EXIT_FINE;
    uint64_t now_ns = support_clock_ns();
    for (size_t i = 0; code == EXIT_FINE && i < fleet->count && atomic_load(&signal_received) == 0; i++) {
        struct node *node = &fleet->nodes[i];
        bool free_now = node->run == NULL && !is_out(node) && node->rests_until_ns <= now_ns;
        struct sweep_run *run = free_now ? next_for(fleet, i) : NULL;
        code = run == NULL ? EXIT_FINE : run_begin(fleet, i, run);
    }
    return code;
}

/* When a node that rests could do something; 0: none could. */
static uint64_t rest_ends_ns(const struct fleet *fleet)
{
    uint64_t first_ns = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct node *node = &fleet->nodes[i];
        if (node->run == NULL && !is_out(node) && next_for(fleet, i) != NULL &&
            (first_ns == 0 || node->rests_until_ns < first_ns))
            first_ns = node->rests_until_ns;
    }
    return first_ns;
}

static void look_again(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

/* ---- All runs. ---- */

/* After a signal, processes that do not end in time are killed. */
static void end_press(struct fleet *fleet)
{
    uint64_t now_ns = support_clock_ns();
    if (fleet->killed_at_ns == 0)
        fleet->killed_at_ns = now_ns + GRACE_NS_MAX;
    for (size_t i = 0; i < fleet->count && now_ns > fleet->killed_at_ns; i++)
        if (atomic_load(&at_work.pids[i]) > 0)
            (void)kill(atomic_load(&at_work.pids[i]), SIGKILL);
}

/* Waits until one of the processes ends; its node and its exit code. fleet->count: none has, but a node has rested. */
static size_t work_await(struct fleet *fleet, int *code)
{
    for (;;) {
        bool told = atomic_load(&signal_received) != 0;
        uint64_t rest_ns = told ? 0 : rest_ends_ns(fleet);
        int status;
        pid_t pid = waitpid(-1, &status, told || rest_ns != 0 ? WNOHANG : 0);
        for (size_t i = 0; pid > 0 && i < fleet->count; i++)
            if (atomic_load(&at_work.pids[i]) == pid) {
                *code = process_code(status);
                return i;
            }
        if (pid == 0)
            look_again();
        if (told && pid == 0)
            end_press(fleet);
        else if (rest_ns != 0 && rest_ns <= support_clock_ns())
            return fleet->count;
    }
}

/* Until nothing is left that a node can do; or, with another code, what is left would fail as well. */
static enum exit_code work_do(struct fleet *fleet)
{
    enum exit_code code = EXIT_FINE;
    for (;;) {
        if (code == EXIT_FINE)
            code = work_give(fleet);
        if (fleet->busy > 0) {
            int run_code;
            size_t at = work_await(fleet, &run_code);
            enum exit_code ended = at == fleet->count ? EXIT_FINE : run_end(fleet, at, run_code);
            code = code == EXIT_FINE ? ended : code;
        } else if (code != EXIT_FINE || atomic_load(&signal_received) != 0 || rest_ends_ns(fleet) == 0) {
            return atomic_load(&signal_received) != 0 ? EXIT_INTERRUPTED : code;
        } else if (rest_ends_ns(fleet) > support_clock_ns()) {
            look_again();
        }
    }
}

/* Says how it has ended; `code`: of work_do. */
static enum exit_code end_tell(const struct sweep *sweep, enum exit_code code)
{
    size_t left = 0;
    for (size_t i = 0; i < sweep->plan.run_count; i++)
        left += !sweep->plan.runs[i].finished && !sweep->plan.runs[i].failed;
    if (code == EXIT_INTERRUPTED)
        support_complain(sweep->name, "interrupted; the same command goes on where this one stopped");
    if (code != EXIT_FINE)
        return code;
    if (left > 0)
        support_complain(sweep->name, "no node is left for %zu of %zu runs; the same command goes on", left,
                         sweep->plan.run_count);
    if (sweep->failed > 0)
        support_complain(sweep->name, "%zu of %zu runs failed; the same command repeats them", sweep->failed,
                         sweep->plan.run_count);
    return sweep->failed > 0 ? sweep->worst : left > 0 ? EXIT_FAILED : EXIT_FINE;
}

enum exit_code sweep_runs_do(struct sweep *sweep)
{
    struct sigaction before[INTERRUPT_SIGNALS];
    SUPPORT_FREED char *build = node_build();
    struct fleet fleet = {.sweep = sweep, .count = sweep->launcher.nodes.count, .build = build};
    fleet.nodes = support_alloc(fleet.count * sizeof *fleet.nodes);
    at_work.pids = support_alloc(fleet.count * sizeof *at_work.pids);
    at_work.local = is_local(sweep);
    at_work.count = fleet.count;
    for (size_t i = 0; i < sweep->plan.run_count; i++)
        if (sweep->plan.runs[i].repetition > fleet.rounds)
            fleet.rounds = sweep->plan.runs[i].repetition;
    interrupt_take(signal_note, before);
    enum exit_code code = work_do(&fleet);
    interrupt_return(before);
    at_work.count = 0;
    free(at_work.pids);
    free(fleet.nodes);
    return end_tell(sweep, code);
}
