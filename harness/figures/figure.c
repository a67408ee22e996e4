/* figure.c - see figure.h. */
#define _GNU_SOURCE /* strchrnul */
#include "harness/figures/figure.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/analysis/results.h"
#include "harness/common/exit_code.h"
#include "harness/common/program.h"
#include "harness/common/support.h"
#include "harness/common/text_file.h"
#include "harness/figures/plot_data.h"
#include "harness/options/jobfile.h"

#define EXPERIMENTS "scripts/experiments"
enum { FIGURES_MAX = 128, LABELS_MAX = 256, OVERRIDES_MAX = 64, CONF_BYTES_MAX = 1 << 20 };

struct request {
    const struct figure_info *figures[FIGURES_MAX];
    size_t count;
    const char *effort, *out;
    const char *overrides[OVERRIDES_MAX];
    size_t override_count;
    char *suffix;  /* of files and folders: what is overridden; "" if nothing is */
    char *changed; /* the same for people */
    bool plot_only, dry_run, all;
    const char *name; /* of the command, for messages */
};

static void complain(const struct request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(const struct request *request, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s: ", request->name);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

/* Closes a file that was written; false if anything is missing in it. */
static bool written(FILE *file)
{
    bool whole = ferror(file) == 0;
    return fclose(file) == 0 && whole;
}

static bool exists(const char *path)
{
    return access(path, R_OK) == 0;
}

/* ---- What is overridden. ---- */

/* A picture of other options is another picture: its files have the options in their names, ",theta=0.5". */
static void overrides_name(struct request *request)
{
    enum { SUFFIX_MAX = 120 }; /* names of files end at 255 bytes */
    struct support_text suffix = {0}, changed = {0};
    support_text_add(&suffix, "%s", "");
    support_text_add(&changed, "%s", "");
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < request->override_count; i++) {
        support_text_add(&suffix, ",%s", request->overrides[i]);
        support_text_add(&changed, "%s%s", i == 0 ? "" : ", ", request->overrides[i]);
    }
    for (char *c = suffix.text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        if (!isalnum((unsigned char)*c) && strchr(",._=:+-", *c) == NULL)
            *c = '_';
    }
    if (suffix.bytes > SUFFIX_MAX) {
        char *shorter = support_format("%.*s-%08llx", SUFFIX_MAX, suffix.text, (unsigned long long)(hash & 0xffffffff));
        free(suffix.text);
        suffix.text = shorter;
    }
    request->suffix = suffix.text;
    request->changed = changed.text;
}

/* ---- The job file: an experiment and an effort. ---- */

/* The keys of an experiment's points; NULL with a message. */
static struct jobfile *experiment_read(const struct request *request, const char *path)
{
    char error[JOBFILE_ERROR_BYTES];
    struct jobfile_rules rules = {.cores = 1};
    struct jobfile *jobfile = jobfile_read(path, &rules, error);
    if (!jobfile)
        complain(request, "%s", error);
    return jobfile;
}

static const char *point_value(const struct jobfile_point *point, const char *key)
{
    for (size_t i = 0; i < point->count; i++)
        if (strcmp(point->settings[i].key, key) == 0)
            return point->settings[i].value;
    return "";
}

/* The experiment's head: its comment lines before anything else. */
static void head_copy(const char *experiment, FILE *file)
{
    char why[256];
    size_t bytes;
    char *text = text_file_read(experiment, CONF_BYTES_MAX, false, &bytes, why, sizeof(why)), *rest = text, *line;
    while (text && (line = strsep(&rest, "\n")) != NULL && *line == '#')
        (void)fprintf(file, "%s\n", line);
    free(text);
}

/* Includes are relative to the folder of the file they stand in; a way there that does not name this machine. */
static char *way_to_here(const char *out)
{
    char *target = realpath(".", NULL), *from = realpath(out, NULL);
    struct support_text way = {0};
    if (!target || !from)
        abort(); /* both are there */
    size_t same = 0, end = 0;
    for (; target[same] && target[same] == from[same]; same++)
        if (target[same] == '/')
            end = same + 1;
    if ((target[same] == '\0' || target[same] == '/') && (from[same] == '\0' || from[same] == '/'))
        end = same + (from[same] == '/');
    support_text_add(&way, "%s", "");
    for (const char *at = from + end; *at != '\0';) {
        support_text_add(&way, "../");
        at = strchrnul(at, '/');
        at += *at == '/';
    }
    if (end < strlen(target))
        support_text_add(&way, "%s/", target + end);
    free(target);
    free(from);
    return way.text;
}

static bool job_write(const struct request *request, const struct figure_info *figure, const char *job)
{
    char *experiment = support_format(EXPERIMENTS "/%s.conf", figure->name);
    struct jobfile *jobfile = experiment_read(request, experiment);
    FILE *file = jobfile ? fopen(job, "w") : NULL;
    if (file) {
        head_copy(experiment, file);
        char *way = way_to_here(request->out);
        (void)fprintf(file, "include = \"%s%s\"\n", way, experiment);
        const char *const parts[] = {"", point_value(&jobfile->points[0], "workload"), figure->name};
        for (size_t i = 0; i < 3; i++) {
            char *part =
                support_format(EXPERIMENTS "/effort/%s%s%s.conf", request->effort, *parts[i] ? "-" : "", parts[i]);
            if (exists(part))
                (void)fprintf(file, "include = \"%s%s\"\n", way, part);
            free(part);
        }
        free(way);
    }
    bool fine = file && written(file);
    if (jobfile && !fine)
        complain(request, "%s: cannot be written: %s", job, strerror(errno));
    jobfile_destroy(jobfile);
    free(experiment);
    return fine;
}

static int sweep(const struct request *request, const char *job, const char *folder)
{
    const char *argv[2 * OVERRIDES_MAX + 8] = {"/proc/self/exe", "sweep", "--no-page", job, "--out", folder};
    size_t count = 6;
    if (request->dry_run)
        argv[count++] = "--dry-run";
    for (size_t i = 0; i < request->override_count; i++) {
        argv[count++] = "--override";
        argv[count++] = request->overrides[i];
    }
    return program_run(request->name, argv);
}

/* ---- Points and pictures. ---- */

/* A whole new file in the place of the old one. */
static bool file_replace(const struct request *request, const char *part, const char *path)
{
    if (rename(part, path) == 0)
        return true;
    complain(request, "%s: cannot be written: %s", path, strerror(errno));
    return false;
}

/* The resolved job, which the sweep left with the results, beside the picture. */
static bool job_keep(const struct request *request, const char *folder, const char *job)
{
    char why[256], *frozen = support_format("%s/job.conf", folder), *part = support_format("%s.part", job);
    size_t bytes;
    char *text = text_file_read(frozen, CONF_BYTES_MAX, false, &bytes, why, sizeof(why));
    FILE *file = text ? fopen(part, "w") : NULL;
    bool fine = file && fwrite(text, 1, bytes, file) == bytes;
    if (file)
        fine = written(file) && fine;
    fine = fine && file_replace(request, part, job);
    if (!fine)
        complain(request, "%s: %s", job, text ? "cannot be written" : why);
    free(text);
    free(frozen);
    free(part);
    return fine;
}

static bool data_write(const struct request *request, const struct figure_info *figure, const char *job,
                       const char *results, const char *path, struct support_text *lines, char **facts)
{
    char error[CSV_TABLE_ERROR_BYTES], unused[JOBFILE_ERROR_BYTES];
    struct results set;
    if (!results_read(&set, results, error)) {
        complain(request, "%s", error);
        return false;
    }
    if (set.count == 0) {
        complain(request, "%s: holds no complete result", results);
        results_free(&set);
        return false;
    }
    /* Without the job file (results moved elsewhere) labels stand in the order of their names. */
    struct jobfile_rules rules = {.cores = 1};
    struct jobfile *jobfile = jobfile_read(job, &rules, unused);
    const char *labels[LABELS_MAX + 1];
    (void)jobfile_labels(jobfile, labels, LABELS_MAX);
    struct plot_data data;
    *facts = plot_facts(&set);
    plot_data_make(&data, &set, figure, labels);
    char *part = support_format("%s.part", path);
    FILE *file = fopen(part, "w");
    bool fine = file != NULL;
    if (file) {
        plot_data_write(&data, file);
        fine = written(file);
    }
    if (!fine)
        complain(request, "%s: cannot be written: %s", part, strerror(errno));
    fine = fine && file_replace(request, part, path);
    free(part);
    for (size_t i = 0; i < data.line_count; i++)
        support_text_add(lines, "%s%s", i > 0 ? " " : "", data.lines[i]);
    plot_data_free(&data);
    jobfile_destroy(jobfile);
    results_free(&set);
    return fine;
}

static int picture_draw(const struct request *request, const struct figure_info *figure, const char *format,
                        const char *folder, const char *lines, const char *facts)
{
    struct support_text script = {0};
    char *output = support_format("%s.%s", folder, format), *part = support_format("%s.part", output),
         *plot = support_format("plots/%s.gp", figure->name);
    const char *const files[][2] = {
        {"data", "data.csv"}, {"csv", "results.csv"}, {"intervals", "intervals.csv"}, {"latencies", "latency.csv"}};
    program_gnuplot_set(&script, "format", format);
    program_gnuplot_set(&script, "output", part);
    program_gnuplot_set(&script, "changed", request->changed);
    program_gnuplot_set(&script, "facts", facts);
    program_gnuplot_set(&script, "lines", lines);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = support_format("%s/%s", folder, files[i][1]);
        program_gnuplot_set(&script, files[i][0], exists(path) ? path : "");
        free(path);
    }
    const char *argv[] = {"gnuplot", "-e", script.text, plot, NULL};
    int code = program_run(request->name, argv);
    if (code != 0) {
        complain(request, "%s: gnuplot ended with %d", plot, code);
        (void)unlink(part); /* a half-drawn picture looks like any other */
    } else if (!file_replace(request, part, output)) {
        code = EXIT_FAILED;
    }
    free(script.text);
    free(output);
    free(part);
    free(plot);
    return code == 0 ? EXIT_FINE : EXIT_FAILED;
}

static int figure_draw(const struct request *request, const struct figure_info *figure, const char *job,
                       const char *folder)
{
    static const char *const formats[] = {"svg", "pdf", "png"};
    struct support_text lines = {0};
    char *results = support_format("%s/results.csv", folder), *data = support_format("%s/data.csv", folder);
    char *facts = NULL;
    int code = EXIT_FAILED;
    if (data_write(request, figure, job, results, data, &lines, &facts)) {
        code = EXIT_FINE;
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && code == EXIT_FINE; i++)
            code = picture_draw(request, figure, formats[i], folder, lines.text, facts);
        if (code == EXIT_FINE)
            (void)printf("%s.svg .pdf .png\n", folder);
    }
    free(lines.text);
    free(facts);
    free(results);
    free(data);
    return code;
}

static int figure_run(const struct request *request, const struct figure_info *figure)
{
    char *folder = support_format("%s/%s%s", request->out, figure->name, request->suffix);
    char *job = support_format("%s.conf", folder), *experiment = support_format("%s.experiment.conf", folder);
    int code = EXIT_FINE;
    if (!request->plot_only) {
        code = job_write(request, figure, experiment) ? sweep(request, experiment, folder) : EXIT_FAILED;
        (void)unlink(experiment);
        if (code == EXIT_FINE && !request->dry_run && !job_keep(request, folder, job))
            code = EXIT_FAILED;
    }
    if (code == EXIT_FINE && !request->dry_run)
        code = figure_draw(request, figure, job, folder);
    free(experiment);
    free(job);
    free(folder);
    return code;
}

/* ---- The command. ---- */

enum { KEY_PLOT_ONLY = 0x100, KEY_DRY_RUN, KEY_OVERRIDE, KEY_LIST };

static const struct argp_option options[] = {
    {"effort", 'e', "quick|normal|paper", 0,
     "how long and how often: quick (all figures in about 20 minutes on 2 cores, the default), normal (half an hour), "
     "paper (the authors' repetitions, lengths and records)",
     0},
    {"out", 'o', "FOLDER", 0, "where results and pictures go, by default results/figures/EFFORT", 0},
    {"override", KEY_OVERRIDE, "KEY=VALUE", 0,
     "set this in every point, as `maemio sweep` does; as often as needed. Files, folder and title then name it", 0},
    {"plot-only", KEY_PLOT_ONLY, NULL, 0, "draw again what was measured before", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "say what would run, and for how long", 0},
    {"list", KEY_LIST, NULL, 0, "list the figures with what each shows", 0},
    {0}};

/* A line for each figure: its name and the first line of its experiment. */
static void list_print(void)
{
    for (size_t i = 0; figure_at(i) != NULL; i++) {
        char line[256] = "", *path = support_format(EXPERIMENTS "/%s.conf", figure_at(i)->name);
        FILE *file = fopen(path, "r");
        if (file && fgets(line, sizeof(line), file))
            line[strcspn(line, "\n")] = '\0';
        if (file)
            (void)fclose(file);
        (void)printf("%-16s %s\n", figure_at(i)->name, line[0] == '#' ? line + 2 : "(no experiment here)");
        free(path);
    }
}

static void figure_add(struct argp_state *state, struct request *request, const char *name)
{
    bool all = strcmp(name, "all") == 0;
    const struct figure_info *figure = figure_by_name(name);
    if (!all && !figure)
        argp_error(state, "there is no figure '%s'; see `maemio figure --list`", name);
    for (size_t i = 0; all && figure_at(i) != NULL; i++)
        figure_add(state, request, figure_at(i)->name);
    for (size_t i = 0; i < request->count; i++)
        if (request->figures[i] == figure)
            figure = NULL;
    if (!all && figure)
        request->figures[request->count++] = figure;
    request->all |= all;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'e':
        if (strcmp(argument, "quick") != 0 && strcmp(argument, "normal") != 0 && strcmp(argument, "paper") != 0)
            argp_error(state, "--effort: '%s' is none of quick|normal|paper", argument);
        request->effort = argument;
        return 0;
    case 'o':
        request->out = argument;
        return 0;
    case KEY_PLOT_ONLY:
        request->plot_only = true;
        return 0;
    case KEY_DRY_RUN:
        request->dry_run = true;
        return 0;
    case KEY_OVERRIDE:
        if (request->override_count == OVERRIDES_MAX)
            argp_error(state, "--override: more than %d", OVERRIDES_MAX);
        request->overrides[request->override_count++] = argument;
        return 0;
    case KEY_LIST:
        list_print();
        exit(EXIT_FINE);
    case ARGP_KEY_ARG:
        figure_add(state, request, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a figure, or all; see `maemio figure --list`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Goes to the project's root, where job files and plots are: this folder, or what `make install` made of it, beside the
 * program. False if it is neither. */
static bool root_enter(void)
{
    char program[PATH_MAX];
    if (exists(EXPERIMENTS) && exists("plots/figure.gp"))
        return true;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    char *installed = support_format("%s/../share/maemio", dirname(program));
    bool entered = chdir(installed) == 0 && exists(EXPERIMENTS) && exists("plots/figure.gp");
    free(installed);
    return entered;
}

/* What is below this folder, named so that it is found from everywhere. */
static char *absolute(const char *path)
{
    char here[PATH_MAX];
    return path[0] == '/' || getcwd(here, sizeof here) == NULL ? support_copy(path)
                                                               : support_format("%s/%s", here, path);
}

/* Everything that was asked for, also after one has failed (but not when interrupted): the first code not fine. */
static int figures_run(const struct request *request)
{
    int code = EXIT_FINE;
    for (size_t i = 0; i < request->count; i++) {
        int ended = figure_run(request, request->figures[i]);
        if (ended != EXIT_FINE) {
            complain(request, "%s: ended with exit code %d", request->figures[i]->name, ended);
            code = code == EXIT_FINE ? ended : code;
        }
        if (ended == EXIT_INTERRUPTED || ended > 128)
            break;
    }
    return code;
}

enum exit_code figure_command(int argc, char **argv)
{
    struct request request = {.effort = "quick", .name = argv[0]};
    struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "NAME... | all",
        .doc = "Runs an experiment of the paper and draws its figure as SVG, PDF and PNG. Run it from "
               "the project's root, or installed. Finished points are not repeated: after an interruption, or to "
               "draw again, give the same command."};
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    bool at_root = exists(EXPERIMENTS) && exists("plots/figure.gp");
    char *named = request.out ? support_copy(request.out) : support_format("results/figures/%s", request.effort);
    char *out = at_root ? support_copy(named) : absolute(named);
    free(named);
    if (!root_enter()) {
        complain(&request, "there is no " EXPERIMENTS " or no plots/figure.gp here: run it from the project's root");
        free(out);
        return EXIT_USAGE;
    }
    request.out = out;
    overrides_name(&request);
    int code = EXIT_FAILED;
    if (program_folder_make(request.name, out))
        code = figures_run(&request);
    if (request.all && !request.dry_run && code != EXIT_INTERRUPTED && code <= 128) {
        const char *report[] = {"/proc/self/exe", "report", out, NULL};
        int ended = program_run(request.name, report);
        code = code == EXIT_FINE ? ended : code;
    }
    free(request.suffix);
    free(request.changed);
    free(out);
    return (enum exit_code)code;
}
