/* sweep.c - the folder of a sweep and its processes; see sweep.h. */
#include "harness/sweep/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/analysis/settings.h"
#include "harness/common/interrupt.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/text_file.h"
#include "harness/sweep/sweep_plan.h"

enum { ERROR_BYTES = 1200, FILE_BYTES_MAX = 1 << 30 };

struct sweep {
    const struct sweep_request *asked;
    const char *name, *out; /* of the command for messages; the folder */
    const char *ending;     /* of what is written there: "", or ".part" while it will replace another job's */
    struct sweep_plan plan;
    size_t failed;
    enum exit_code worst; /* of the runs that failed */
};

static atomic_int signal_received;
static atomic_int child;

/* Hands the first signal on to the run, which then keeps what it has. A second signal ends the sweep at once. */
static void signal_note(int number)
{
    int pid = atomic_load_explicit(&child, memory_order_relaxed);
    atomic_store_explicit(&signal_received, number, memory_order_relaxed);
    if (pid > 0)
        (void)kill(pid, number);
}

/* ---- The folder. ---- */

static char *path_of(const struct sweep *sweep, const struct sweep_run *run, const char *ending, const char *file)
{
    return support_format("%s/runs/%s-%u%s%s%s", sweep->out, run->point->id, run->repetition, ending,
                          file[0] == '\0' ? "" : "/", file);
}

static void run_remove(const struct sweep *sweep, const struct sweep_run *run, const char *ending)
{
    SUPPORT_FREED char *path = path_of(sweep, run, ending, "");
    program_folder_remove(path);
}

/* Makes the folder and locks it; false with a message, also if another sweep has locked it. */
static bool folder_take(const struct sweep *sweep)
{
    SUPPORT_FREED char *runs = support_format("%s/runs", sweep->out), *path = support_format("%s/lock", runs);
    if (!program_folder_make(sweep->name, runs))
        return false;
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* held until the program ends */
    if (lock < 0)
        return support_complain(sweep->name, "--out: %s: cannot be opened: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    support_complain(sweep->name, "--out: %s: another sweep is at work there", sweep->out);
    (void)close(lock);
    return false;
}

static size_t types_of(const struct workload_ops *workload)
{
    size_t types = 0;
    while (workload != NULL && workload->txn_types[types] != NULL)
        types++;
    return types;
}

/* Whether the file of the run has all rows of this run and no others. If not, `why` says so to people. */
static bool rows_whole(const struct sweep *sweep, const struct sweep_run *run, const char *ending, char *why)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    SUPPORT_FREED char *path = path_of(sweep, run, ending, "results.csv");
    if (!csv_table_read(&table, path, why))
        return false;
    const struct options *options = run->point->options;
    size_t types = types_of(options->workload) + types_of(options->beside), expected = types == 1 ? 1 : 1 + types;
    int point = csv_table_column(&table, "point"), repetition = csv_table_column(&table, "repetition");
    bool fine = table.row_count == expected && point >= 0 && repetition >= 0;
    for (size_t i = 0; fine && i < table.row_count; i++)
        fine = strcmp(table.rows[i].fields[point], run->point->id) == 0 &&
               strtoul(table.rows[i].fields[repetition], NULL, 10) == run->repetition;
    if (!fine)
        (void)snprintf(why, CSV_TABLE_ERROR_BYTES, "%zu rows, not the %zu of this run", table.row_count, expected);
    return fine;
}

static void finished_find(struct sweep *sweep)
{
    char why[CSV_TABLE_ERROR_BYTES];
    for (size_t i = 0; i < sweep->plan.run_count; i++) {
        struct sweep_run *run = &sweep->plan.runs[i];
        SUPPORT_FREED char *path = path_of(sweep, run, "", "");
        if (access(path, F_OK) != 0)
            continue;
        run->finished = rows_whole(sweep, run, "", why);
        if (!run->finished)
            support_complain(sweep->name, "half-written, will be repeated: %s-%u: %s", run->point->id, run->repetition,
                             why);
    }
}

/* ---- The merged files. ---- */

/* Whether a merged file begins with the header of what is to be added to it. */
static bool header_same(FILE *into, const char *text, size_t header)
{
    SUPPORT_FREED char *found = support_alloc(header + 1);
    rewind(into);
    return fread(found, 1, header, into) == header && memcmp(found, text, header) == 0;
}

/* Appends a file of a finished run to the merged file of that name; its header only if the merged file is empty. */
static bool merge(const struct sweep *sweep, const struct sweep_run *run, const char *file, bool has_header)
{
    char error[ERROR_BYTES];
    SUPPORT_FREED char *path = path_of(sweep, run, "", file);
    SUPPORT_FREED char *merged = support_format("%s/%s%s", sweep->out, file, sweep->ending);
    size_t bytes, header = 0;
    if (access(path, F_OK) != 0)
        return true; /* a histogram or an interval may have nothing to say */
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, true, &bytes, error, sizeof error);
    if (text == NULL)
        return support_complain(sweep->name, "%s", error);
    FILE *into = fopen(merged, "a+e");
    const char *end = memchr(text, '\n', bytes);
    if (into != NULL && has_header && fseek(into, 0, SEEK_END) == 0 && ftell(into) > 0)
        header = end == NULL ? bytes : (size_t)(end - text) + 1;
    bool same = into == NULL || header_same(into, text, header);
    bool fine = same && into != NULL && fseek(into, 0, SEEK_END) == 0 &&
                fwrite(text + header, 1, bytes - header, into) == bytes - header;
    if (into != NULL)
        fine = fclose(into) == 0 && fine;
    if (!same)
        support_complain(sweep->name,
                         "%s: has other columns than the runs before it, so another build made it; use a new --out",
                         path);
    else if (!fine)
        support_complain(sweep->name, "%s: cannot be written: %s", merged, strerror(errno));
    return fine;
}

static bool merge_run(const struct sweep *sweep, const struct sweep_run *run)
{
    bool fine = merge(sweep, run, "results.csv", true) && merge(sweep, run, "results.jsonl", false);
    for (size_t i = 0; fine && i < SWEEP_FILE_COUNT; i++)
        fine = run->point->files[i][0] == '\0' || !sweep_files[i].is_merged ||
               merge(sweep, run, run->point->files[i], true);
    return fine;
}

/* Calls `act` for every merged file, for those of the results last, until it returns false. */
static bool files_each(const struct sweep *sweep, bool (*act)(const struct sweep *sweep, const char *name))
{
    bool fine = true;
    for (size_t i = 0; i < sweep->plan.point_count; i++)
        for (size_t j = 0; fine && j < SWEEP_FILE_COUNT; j++)
            fine = sweep->plan.points[i].files[j][0] == '\0' || act(sweep, sweep->plan.points[i].files[j]);
    return fine && act(sweep, "results.jsonl") && act(sweep, "results.csv");
}

static bool file_remove(const struct sweep *sweep, const char *name)
{
    SUPPORT_FREED char *path = support_format("%s/%s%s", sweep->out, name, sweep->ending);
    (void)unlink(path);
    return true;
}

static bool merge_all(struct sweep *sweep)
{
    bool fine = files_each(sweep, file_remove);
    for (size_t i = 0; fine && i < sweep->plan.run_count; i++)
        if (sweep->plan.runs[i].finished)
            fine = merge_run(sweep, &sweep->plan.runs[i]);
    return fine;
}

/* The comment lines at the head of the job file, each with its line feed. */
static char *head_read(const char *path)
{
    char why[ERROR_BYTES];
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, true, NULL, why, sizeof why);
    char *rest = text, *line;
    struct support_text head = {0};
    support_text_add(&head, "%s", "");
    while (text != NULL && (line = strsep(&rest, "\n")) != NULL && *line == '#')
        support_text_add(&head, "%s\n", line);
    return head.text;
}

static bool file_keep(const struct sweep *sweep, const char *name, const struct support_text *text)
{
    SUPPORT_FREED char *path = support_format("%s/%s%s", sweep->out, name, sweep->ending);
    return text_file_write(sweep->name, path, text->text, text->bytes);
}

/* What is run, beside its results: the order, and the job with every option resolved. */
static bool plan_keep(const struct sweep *sweep)
{
    SUPPORT_FREED char *head = head_read(sweep->asked->file);
    SUPPORT_FREED struct support_text order = {0}, job = {0};
    support_text_add(&order, "%s, order by seed %llu\n", sweep->asked->file, (unsigned long long)sweep->asked->seed);
    sweep_plan_print(&sweep->plan, &order);
    support_text_add(&job, "%s", head);
    sweep_plan_freeze(&sweep->plan, &job);
    return file_keep(sweep, "plan.txt", &order) && file_keep(sweep, "job.conf", &job);
}

/* ---- Results of another job. ---- */

static bool is_planned(const struct sweep *sweep, const char *id)
{
    for (size_t i = 0; i < sweep->plan.point_count; i++)
        if (strcmp(sweep->plan.points[i].id, id) == 0)
            return true;
    return false;
}

/* Whether the results in the folder hold points that this job has not: they then stay until this job is whole. */
static bool holds_other_points(const struct sweep *sweep)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    char why[CSV_TABLE_ERROR_BYTES];
    SUPPORT_FREED char *path = support_format("%s/results.csv", sweep->out);
    if (access(path, F_OK) != 0 || !csv_table_read(&table, path, why))
        return false; /* nothing, or nothing that can be read */
    int point = csv_table_column(&table, "point");
    for (size_t i = 0; point >= 0 && i < table.row_count; i++)
        if (!is_planned(sweep, table.rows[i].fields[point]))
            return true;
    return false;
}

static bool file_replace(const struct sweep *sweep, const char *name)
{
    SUPPORT_FREED char *path = support_format("%s/%s", sweep->out, name),
                       *part = support_format("%s%s", path, sweep->ending);
    if (access(part, F_OK) != 0 || rename(part, path) == 0)
        return true;
    return support_complain(sweep->name, "%s: cannot be renamed: %s", part, strerror(errno));
}

/* ---- One run. ---- */

static void option_add(struct support_list *arguments, const char *key, const char *value)
{
    if (strncmp(key, "set.", 4) == 0) {
        support_list_add(arguments, "--set=%s=%s", key + 4, value);
        return;
    }
    SUPPORT_FREED char *spelled = option_dashes(support_copy(key));
    support_list_add(arguments, "--%s=%s", spelled, value);
}

/* The settings of the point and the overrides, as arguments. */
static void point_add(struct support_list *arguments, const struct sweep *sweep, const struct jobfile_point *point)
{
    for (size_t i = 0; i < point->count; i++)
        option_add(arguments, point->settings[i].key, point->settings[i].value);
    for (size_t i = 0; i < sweep->asked->overrides.count; i++)
        option_add(arguments, sweep->asked->overrides.items[i].key, sweep->asked->overrides.items[i].value);
}

static struct support_list arguments_of(const struct sweep *sweep, const struct sweep_run *run)
{
    struct support_list arguments = {0};
    const struct jobfile_point *point = run->point->point;
    support_list_add(&arguments, "maemio");
    support_list_add(&arguments, "run");
    support_list_add(&arguments, "--label=%s", point->section);
    point_add(&arguments, sweep, point);
    support_list_add(&arguments, "--repetitions=1");
    support_list_add(&arguments, "--first-repetition=%u", run->repetition);
    support_list_add(&arguments, "--point=%s", run->point->id);
    support_list_add(&arguments, "--progress=off");
    SUPPORT_FREED char *csv = path_of(sweep, run, ".part", "results.csv");
    SUPPORT_FREED char *json = path_of(sweep, run, ".part", "results.jsonl");
    support_list_add(&arguments, "--csv=%s", csv);
    support_list_add(&arguments, "--json=%s", json);
    for (size_t i = 0; i < SWEEP_FILE_COUNT; i++)
        if (run->point->files[i][0] != '\0') {
            SUPPORT_FREED char *path = path_of(sweep, run, ".part", run->point->files[i]);
            option_add(&arguments, sweep_files[i].key, path);
        }
    return arguments;
}

static void __attribute__((noreturn)) become(char *const *arguments, const char *log, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives the sweep */
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666), null = open("/dev/null", O_RDONLY);
    if (getppid() != parent || setpgid(0, 0) != 0 || fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(EXIT_FAILED);
    (void)execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILED);
}

/* Its exit code; 128 + number for a signal. */
static int process_run(char *const *arguments, const char *log)
{
    pid_t parent = getpid(), pid = fork();
    int status;
    if (pid == 0)
        become(arguments, log, parent);
    if (pid < 0)
        return EXIT_FAILED;
    atomic_store(&child, pid);
    if (atomic_load(&signal_received) != 0) /* between the last look and now */
        (void)kill(pid, atomic_load(&signal_received));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    atomic_store(&child, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Prints the line of the log that says why the run failed: the first that begins as a message does, else the last. */
static void log_tell(const struct sweep *sweep, const struct sweep_run *run)
{
    char line[512], told[512] = "";
    SUPPORT_FREED char *path = path_of(sweep, run, ".failed", "log.txt");
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
    (void)fprintf(stderr, "      %s\n      all of it: %s\n", told, path);
}

static void failure_keep(struct sweep *sweep, const struct sweep_run *run, int code, const char *why)
{
    SUPPORT_FREED char *part = path_of(sweep, run, ".part", ""), *failed = path_of(sweep, run, ".failed", "");
    run_remove(sweep, run, ".failed");
    (void)rename(part, failed);
    support_complain(sweep->name, "%s-%u failed with exit code %d%s%s: %s", run->point->id, run->repetition, code,
                     why[0] == '\0' ? "" : ": ", why, run->point->text);
    log_tell(sweep, run);
    sweep->failed++;
    if (sweep->worst != EXIT_CHECK)
        sweep->worst = code == EXIT_CHECK ? EXIT_CHECK : EXIT_FAILED;
}

static double throughput_of(const struct sweep *sweep, const struct sweep_run *run)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_FREED char *path = path_of(sweep, run, "", "results.csv");
    if (!csv_table_read(&table, path, error) || table.row_count == 0)
        return 0;
    int column = csv_table_column(&table, "throughput_txn_per_s");
    return column < 0 ? 0 : strtod(table.rows[0].fields[column], NULL);
}

static void progress_tell(const struct sweep *sweep, size_t at, double seconds)
{
    const struct sweep_run *run = &sweep->plan.runs[at];
    (void)fprintf(stderr, "%zu/%zu  %s #%u: %s txn/s in %.1f s; about %s left\n", at + 1, sweep->plan.run_count,
                  run->point->text, run->repetition, quantity_count(throughput_of(sweep, run)), seconds,
                  quantity_time((uint64_t)sweep_plan_left_s(&sweep->plan, at + 1) * 1000000000));
}

/* EXIT_FINE also if the run failed, unless the others would fail in the same way. */
static enum exit_code run_one(struct sweep *sweep, size_t at)
{
    struct sweep_run *run = &sweep->plan.runs[at];
    char why[CSV_TABLE_ERROR_BYTES] = "";
    run_remove(sweep, run, "");
    run_remove(sweep, run, ".part");
    SUPPORT_FREED char *part = path_of(sweep, run, ".part", ""), *done = path_of(sweep, run, "", "");
    SUPPORT_FREED char *log = path_of(sweep, run, ".part", "log.txt");
    if (!program_folder_make(sweep->name, part))
        return EXIT_FAILED;
    SUPPORT_ENDED_BY(support_list_free) struct support_list arguments = arguments_of(sweep, run);
    uint64_t begin_ns = support_clock_ns();
    int code = process_run(arguments.items, log);
    double seconds = (double)(support_clock_ns() - begin_ns) / 1e9;
    if (atomic_load(&signal_received) != 0) {
        program_folder_remove(part);
        return EXIT_INTERRUPTED;
    }
    if (code != EXIT_FINE || !rows_whole(sweep, run, ".part", why)) {
        failure_keep(sweep, run, code, why);
        return code == EXIT_USAGE ? EXIT_USAGE : EXIT_FINE;
    }
    if (rename(part, done) != 0 && !support_complain(sweep->name, "%s: cannot be renamed: %s", part, strerror(errno)))
        return EXIT_FAILED;
    run_remove(sweep, run, ".failed");
    run->finished = true;
    run->point->seconds = seconds;
    bool merged = merge_run(sweep, run);
    progress_tell(sweep, at, seconds);
    return merged ? EXIT_FINE : EXIT_FAILED;
}

/* ---- What the sweep says. ---- */

/* Which setting wins, where there are several. */
static void verdict_tell(const struct sweep *sweep)
{
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_ENDED_BY(support_list_free) struct support_list labels = jobfile_labels(sweep->plan.jobfile);
    SUPPORT_ENDED_BY(results_free) struct results set = {0};
    SUPPORT_FREED char *path = support_format("%s/results.csv", sweep->out);
    if (results_read(&set, path, error))
        settings_print(stdout, &set, labels.items);
    else
        support_complain(sweep->name, "%s", error);
}

/* ---- All of it. ---- */

static enum exit_code runs_do(struct sweep *sweep)
{
    enum exit_code code = EXIT_FINE;
    for (size_t i = 0; code == EXIT_FINE && i < sweep->plan.run_count; i++) {
        if (atomic_load(&signal_received) != 0)
            code = EXIT_INTERRUPTED;
        else if (!sweep->plan.runs[i].finished)
            code = run_one(sweep, i);
    }
    if (code == EXIT_INTERRUPTED)
        support_complain(sweep->name, "interrupted; the same command goes on where this one stopped");
    if (code == EXIT_FINE && sweep->failed > 0) {
        support_complain(sweep->name, "%zu of %zu runs failed; the same command repeats them", sweep->failed,
                         sweep->plan.run_count);
        code = sweep->worst;
    }
    return code;
}

static enum exit_code sweep_run_all(struct sweep *sweep)
{
    struct sigaction before[INTERRUPT_SIGNALS];
    if (!folder_take(sweep))
        return EXIT_FAILED;
    finished_find(sweep);
    sweep->ending = holds_other_points(sweep) ? ".part" : "";
    if (!merge_all(sweep) || !plan_keep(sweep))
        return EXIT_FAILED;
    interrupt_take(signal_note, before);
    enum exit_code code = runs_do(sweep);
    interrupt_return(before);
    if (sweep->ending[0] == '\0')
        return code;
    /* The results come last: when they are new, every file beside them is. */
    if (code == EXIT_FINE && file_replace(sweep, "plan.txt") && file_replace(sweep, "job.conf") &&
        files_each(sweep, file_replace))
        return EXIT_FINE;
    support_complain(sweep->name, "%s: the results of another job stay there until this one is whole", sweep->out);
    return code == EXIT_FINE ? EXIT_FAILED : code;
}

/* Whether the section's name is enough to tell the point from all others. */
static bool section_tells(const struct sweep_plan *plan, const struct jobfile_point *point)
{
    size_t found = 0;
    for (size_t i = 0; i < plan->point_count; i++)
        found += strcmp(plan->points[i].point->section, point->section) == 0;
    return found == 1;
}

/* A line for each point: its name, then the arguments of `maemio run', with tabs between. For scripts. */
static void arguments_print(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->plan.point_count; i++) {
        SUPPORT_ENDED_BY(support_list_free) struct support_list arguments = {0};
        point_add(&arguments, sweep, sweep->plan.points[i].point);
        const struct sweep_point *point = &sweep->plan.points[i];
        (void)fputs(section_tells(&sweep->plan, point->point) ? point->point->section : point->text, stdout);
        for (size_t k = 0; k < arguments.count; k++)
            (void)printf("\t%s", arguments.items[k]);
        (void)putchar('\n');
    }
}

enum exit_code sweep_run(const char *name, const struct sweep_request *asked)
{
    struct sweep sweep = {.asked = asked, .name = name, .ending = "", .out = asked->out};
    char error[SWEEP_ERROR_BYTES];
    enum exit_code code = EXIT_FINE;
    if (!sweep_plan_init(&sweep.plan, asked->file, &asked->overrides, asked->seed, error)) {
        support_complain(name, "%s", error);
        code = EXIT_USAGE;
    } else if (asked->print_arguments) {
        arguments_print(&sweep);
    } else if (asked->dry_run) {
        finished_find(&sweep);
        SUPPORT_FREED struct support_text text = {0};
        sweep_plan_print(&sweep.plan, &text);
        (void)fputs(text.text, stdout);
    } else {
        code = sweep_run_all(&sweep);
        if (code == EXIT_FINE)
            verdict_tell(&sweep);
    }
    sweep_plan_fini(&sweep.plan);
    return code;
}
