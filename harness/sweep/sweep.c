/* sweep.c - the folder of a sweep and its results; see sweep.h. */
#include "harness/sweep/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/analysis/nodes.h"
#include "harness/analysis/settings.h"
#include "harness/common/program.h"
#include "harness/common/text_file.h"
#include "harness/sweep/sweep_runs.h"

enum { ERROR_BYTES = 1200, FILE_BYTES_MAX = 1 << 30 };

/* ---- The folder. ---- */

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

static void finished_find(struct sweep *sweep)
{
    char why[CSV_TABLE_ERROR_BYTES];
    for (size_t i = 0; i < sweep->plan.run_count; i++) {
        struct sweep_run *run = &sweep->plan.runs[i];
        SUPPORT_FREED char *path = sweep_path(sweep, run, "", "");
        if (access(path, F_OK) != 0)
            continue;
        run->finished = sweep_rows_whole(sweep, run, "", why);
        if (!run->finished)
            support_complain(sweep->name, "half-written, will be repeated: %s-%u: %s", run->point->id, run->repetition,
                             why);
    }
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
            fine = sweep_merge(sweep, &sweep->plan.runs[i]);
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

/* ---- What the sweep says. ---- */

/* Which setting wins, where there are several. */
static void verdict_tell(const struct sweep *sweep)
{
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_ENDED_BY(support_list_free) struct support_list labels = jobfile_labels(sweep->plan.jobfile);
    SUPPORT_ENDED_BY(results_free) struct results set = {0};
    SUPPORT_FREED char *path = support_format("%s/results.csv", sweep->out);
    if (results_read(&set, path, error)) {
        settings_print(stdout, &set, labels.items);
        nodes_print(stdout, &set);
    } else {
        support_complain(sweep->name, "%s", error);
    }
}

/* ---- All of it. ---- */

static enum exit_code sweep_run_all(struct sweep *sweep)
{
    if (!folder_take(sweep))
        return EXIT_FAILED;
    finished_find(sweep);
    sweep->ending = holds_other_points(sweep) ? ".part" : "";
    if (!merge_all(sweep) || !plan_keep(sweep))
        return EXIT_FAILED;
    enum exit_code code = sweep_runs_do(sweep);
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
        sweep_arguments_add(&arguments, sweep, sweep->plan.points[i].point);
        const struct sweep_point *point = &sweep->plan.points[i];
        (void)fputs(section_tells(&sweep->plan, point->point) ? point->point->section : point->text, stdout);
        for (size_t k = 0; k < arguments.count; k++)
            (void)printf("\t%s", arguments.items[k]);
        (void)putchar('\n');
    }
}

/* What is asked for, of a plan that can be run. */
static enum exit_code sweep_do(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->plan.left_out.count; i++)
        support_complain(sweep->name, "left out: %s", sweep->plan.left_out.items[i]);
    if (sweep->asked->print_arguments) {
        arguments_print(sweep);
        return EXIT_FINE;
    }
    if (sweep->asked->dry_run) {
        finished_find(sweep);
        SUPPORT_FREED struct support_text text = {0};
        sweep_plan_print(&sweep->plan, &text);
        (void)fputs(text.text, stdout);
        return EXIT_FINE;
    }
    enum exit_code code = sweep_run_all(sweep);
    if (code == EXIT_FINE)
        verdict_tell(sweep);
    return code;
}

enum exit_code sweep_run(const char *name, const struct sweep_request *asked)
{
    struct sweep sweep = {.asked = asked, .name = name, .ending = "", .out = asked->out};
    char error[SWEEP_ERROR_BYTES];
    enum exit_code code = EXIT_USAGE;
    if (launcher_init(&sweep.launcher, asked->launcher, asked->nodes, asked->program, error) &&
        sweep_plan_init(&sweep.plan, asked->file, &asked->overrides, asked->seed, asked->skip_missing, error))
        code = sweep_do(&sweep);
    else
        support_complain(name, "%s", error);
    sweep_plan_fini(&sweep.plan);
    launcher_free(&sweep.launcher);
    return code;
}
