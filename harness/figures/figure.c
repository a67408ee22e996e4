/* figure.c - see figure.h. */
#include "harness/figures/figure.h"

#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "harness/common/nearest.h"
#include "harness/common/program.h"
#include "harness/common/text_file.h"
#include "harness/figures/plot_data.h"
#include "harness/machine/disk.h"

enum { CONF_BYTES_MAX = 1 << 20 };

/* What is asked for, and what it means for files. */
struct run {
    const struct figure_request *asked;
    const char *name;              /* of the command, for messages */
    char *share, *out;             /* see program_share; the folder of results and pictures */
    struct support_list overrides; /* the machine, and what is asked for */
    char *suffix;                  /* of files and folders: what is overridden; "" if nothing is */
    char *changed;                 /* the same for people */
};

/* ---- What is overridden. ---- */

/* Other terms than the figures' own. */
static bool terms_differ(const struct run *run)
{
    return strcmp(run->asked->terms, FIGURE_TERMS_EQUAL) != 0;
}

/* A picture of other options is another picture: its files have the options in their names, ",theta=0.5". */
static void overrides_name(struct run *run)
{
    enum { SUFFIX_MAX = 120 }; /* names of files end at 255 bytes */
    struct support_text suffix = {0}, changed = {0};
    support_text_add(&suffix, "%s%s", terms_differ(run) ? ",terms=" : "", terms_differ(run) ? run->asked->terms : "");
    for (size_t i = 0; i < run->overrides.count; i++)
        support_text_add(&suffix, ",%s", run->overrides.items[i]);
    support_text_add(&changed, "%s%s", terms_differ(run) ? "terms=" : "", terms_differ(run) ? run->asked->terms : "");
    for (size_t i = 0; i < run->overrides.count; i++)
        support_text_add(&changed, "%s%s", changed.bytes == 0 ? "" : ", ", run->overrides.items[i]);
    uint64_t hash = support_hash(SUPPORT_HASH_BEGIN, suffix.text, suffix.bytes);
    for (char *c = suffix.text; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(",._=:+-", *c) == NULL)
            *c = '_';
    if (suffix.bytes > SUFFIX_MAX) {
        char *shorter = support_format("%.*s-%08llx", SUFFIX_MAX, suffix.text, (unsigned long long)(hash & 0xffffffff));
        free(suffix.text);
        suffix.text = shorter;
    }
    run->suffix = suffix.text;
    run->changed = changed.text;
}

/* ---- The job file: a figure's points and an effort. ---- */

/* Takes the path over; a file that is not there is not included. */
static bool include_add(struct support_text *text, char *path)
{
    SUPPORT_FREED char *given = path, *absolute = realpath(given, NULL);
    if (absolute != NULL)
        support_text_add(text, "include = \"%s\"\n", absolute);
    return absolute != NULL;
}

/* The workload of all points; "" if there are several, whose options do not go together. */
static const char *workload_of(const struct figure *figure)
{
    const struct jobfile *jobfile = figure->jobfile;
    const struct jobfile_setting *first = jobfile->count == 0 ? NULL : jobfile_setting(&jobfile->points[0], "workload");
    for (size_t i = 1; i < jobfile->count && first != NULL; i++) {
        const struct jobfile_setting *other = jobfile_setting(&jobfile->points[i], "workload");
        if (other == NULL || strcmp(other->value, first->value) != 0)
            first = NULL;
    }
    return first == NULL ? "" : first->value;
}

/* What the effort replaces: in general, for the workload, for the kind of figure, for the figure. */
static void effort_include(const struct run *run, const struct figure *figure, const char *folder,
                           struct support_text *text)
{
    const char *const parts[] = {"", workload_of(figure), figure->kind, figure->name};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (i == 0 || *parts[i] != '\0')
            (void)include_add(text, support_format("%splots/%s/%s%s%s.conf", run->share, folder, run->asked->effort,
                                                   i == 0 ? "" : "-", parts[i]));
}

/* On a simulated machine windows are shorter, and threads are those that show its shape. */
static void machine_include(const struct run *run, const struct figure *figure, struct support_text *text)
{
    effort_include(run, figure, "simulated", text);
    if (strcmp(figure->axis, "threads") != 0)
        return;
    if (!include_add(text, support_format("%splots/simulated/threads-%s.conf", run->share, run->asked->machine)))
        (void)include_add(text, support_format("%splots/simulated/threads.conf", run->share));
}

/* The figure's file, then the effort, the simulated machine, and the terms, in general and for the figure. Includes are
 * relative to the folder of the file they stand in, so these are absolute. */
static bool job_write(const struct run *run, const struct figure *figure, const char *job)
{
    SUPPORT_FREED struct support_text text = {0};
    (void)include_add(&text, support_format("%splots/%s.conf", run->share, figure->name));
    effort_include(run, figure, "effort", &text);
    if (run->asked->machine != NULL)
        machine_include(run, figure, &text);
    for (int own = 0; own < 2 && terms_differ(run); own++)
        (void)include_add(&text, support_format("%splots/common/terms-%s%s%s.conf", run->share, run->asked->terms,
                                                own ? "-" : "", own ? figure->name : ""));
    return text_file_write(run->name, job, text.text, text.bytes);
}

static int sweep(const struct run *run, const char *job, const char *folder)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list argv = {0};
    support_list_add(&argv, "/proc/self/exe");
    support_list_add(&argv, "sweep");
    support_list_add(&argv, "--no-page");
    support_list_add(&argv, "--skip-missing");
    support_list_add(&argv, "--out=%s", folder);
    support_list_add(&argv, "%s", job);
    if (run->asked->dry_run)
        support_list_add(&argv, "--dry-run");
    for (size_t i = 0; i < run->overrides.count; i++)
        support_list_add(&argv, "--override=%s", run->overrides.items[i]);
    return program_run(run->name, argv.items);
}

/* ---- Points and pictures. ---- */

/* Copies the resolved job, which the sweep left with the results, beside the picture. */
static bool job_keep(const struct run *run, const char *folder, const char *job)
{
    char why[256];
    size_t bytes;
    SUPPORT_FREED char *frozen = support_format("%s/job.conf", folder);
    SUPPORT_FREED char *text = text_file_read(frozen, CONF_BYTES_MAX, false, &bytes, why, sizeof(why));
    if (text)
        return text_file_write(run->name, job, text, bytes);
    return support_complain(run->name, "%s", why);
}

/* Writes the points and tells gnuplot of them: their lines, and what the caption says. */
static bool data_write(const struct run *run, const struct figure *figure, const char *job, const struct results *set,
                       const char *path, struct support_text *settings)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list labels = figure_labels(figure, job);
    SUPPORT_ENDED_BY(plot_data_free) struct plot_data data = {0};
    plot_data_make(&data, set, figure, labels.items);
    SUPPORT_ENDED_BY(support_list_free) struct support_list left_out = jobfile_left_out(job);
    SUPPORT_FREED struct support_text text = {0}, lines = {0}, missing = {0};
    SUPPORT_FREED char *facts = plot_facts(set), *terms = plot_terms(set);
    for (size_t i = 0; i < data.line_count; i++)
        support_text_add(&lines, "%s%s", i > 0 ? " " : "", data.lines[i]);
    for (size_t i = 0; i < left_out.count; i++)
        support_text_add(&missing, "%s%s", i > 0 ? "|" : "", left_out.items[i]);
    program_gnuplot_set(settings, "lines", lines.text);
    program_gnuplot_set(settings, "left_out", missing.bytes > 0 ? missing.text : "");
    program_gnuplot_set(settings, "facts", facts);
    program_gnuplot_set(settings, "terms", terms);
    plot_data_write(&data, &text);
    return text_file_write(run->name, path, text.text, text.bytes);
}

static bool pictures_draw(const struct run *run, const struct figure *figure, const char *folder, const char *settings)
{
    static const char *const formats[] = {"svg", "pdf", "png"};
    static const char *const files[][2] = {
        {"data", "data.csv"}, {"csv", "results.csv"}, {"intervals", "intervals.csv"}, {"latencies", "latency.csv"}};
    bool fine = true;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && fine; i++) {
        SUPPORT_FREED struct support_text script = {0};
        SUPPORT_FREED char *output = support_format("%s.%s", folder, formats[i]);
        support_text_add(&script, "%s", settings);
        program_gnuplot_set(&script, "format", formats[i]);
        program_gnuplot_set(&script, "changed", run->changed);
        for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
            SUPPORT_FREED char *path = support_format("%s/%s", folder, files[k][1]);
            program_gnuplot_set(&script, files[k][0], access(path, R_OK) == 0 ? path : "");
        }
        fine = program_gnuplot(run->name, run->share, figure->name, &script, output);
    }
    if (fine)
        (void)printf("%s.svg .pdf .png\n", folder);
    return fine;
}

static int figure_draw(const struct run *run, const struct figure *figure, const char *job, const char *folder)
{
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_FREED struct support_text settings = {0};
    SUPPORT_ENDED_BY(results_free) struct results set = {0};
    SUPPORT_FREED char *results = support_format("%s/results.csv", folder),
                       *data = support_format("%s/data.csv", folder);
    bool fine = results_read(&set, results, error) || support_complain(run->name, "%s", error);
    fine = fine && (set.count > 0 || support_complain(run->name, "%s: holds no complete result", results));
    fine = fine && data_write(run, figure, job, &set, data, &settings) &&
           pictures_draw(run, figure, folder, settings.text);
    return fine ? EXIT_FINE : EXIT_FAILED;
}

static int figure_run(const struct run *run, const struct figure *figure)
{
    SUPPORT_FREED char *folder = support_format("%s/%s%s", run->out, figure->name, run->suffix);
    SUPPORT_FREED char *job = support_format("%s.conf", folder);
    SUPPORT_FREED char *experiment = support_format("%s.experiment.conf", folder);
    int code = EXIT_FINE;
    if (!run->asked->plot_only) {
        code = job_write(run, figure, experiment) ? sweep(run, experiment, folder) : EXIT_FAILED;
        (void)unlink(experiment);
        if (code == EXIT_FINE && !run->asked->dry_run && !job_keep(run, folder, job))
            code = EXIT_FAILED;
    }
    if (code == EXIT_FINE && !run->asked->dry_run)
        code = figure_draw(run, figure, job, folder);
    return code;
}

/* ---- All that was asked for. ---- */

/* Whether a point has its log in a folder for a while, for any target or for one. */
static bool point_wants_disk(const struct jobfile_point *point)
{
    for (size_t i = 0; i < point->count; i++) {
        const struct jobfile_setting *setting = &point->settings[i];
        const char *last = strrchr(setting->key, '.');
        if (last != NULL && strcmp(last, ".log_dir") == 0 && strcmp(setting->value, "auto") == 0)
            return true;
    }
    return false;
}

/* Whether it can be measured here: a log that is safe (log_dir=auto) needs a disk. */
static bool figure_has_disk(const struct figure *figure)
{
    bool wants = false;
    for (size_t i = 0; i < figure->jobfile->count && !wants; i++)
        wants = point_wants_disk(&figure->jobfile->points[i]);
    return !wants || disk_is_lasting(disk_scratch());
}

/* Of all figures those that cannot be measured here are left out; one that is named is not. */
static int figure_run_here(const struct run *run, const struct figure *figure)
{
    bool measures = !run->asked->plot_only && !run->asked->dry_run;
    if (!measures || figure_has_disk(figure))
        return figure_run(run, figure);
    support_complain(run->name, "%s: %s is in memory only; TMPDIR can name a folder on a disk%s", figure->name,
                     disk_scratch(), run->asked->all ? ". Left out" : "");
    return run->asked->all ? EXIT_FINE : EXIT_FAILED;
}

/* Whether it is named, or one of all on these terms and at this effort. */
static bool figure_is_wanted(const struct run *run, const struct figure *figure)
{
    for (size_t i = 0; i < run->asked->count; i++)
        if (strcmp(run->asked->names[i], figure->name) == 0)
            return true;
    if (!run->asked->all || (terms_differ(run) && !figure_compares_systems(figure)))
        return false;
    return figure_is_in_all(figure, run->asked->effort) ||
           support_complain(run->name, "%s: `all' has it from --effort %s on, or name it. Left out", figure->name,
                            figure->all);
}

/* Runs every figure that is asked for, also after one has failed, but not after an interruption; then makes the page if
 * all are asked for. Returns the first code that is not fine. */
static int figures_run(const struct run *run, const struct catalogue *catalogue)
{
    int code = EXIT_FINE;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct figure *figure = &catalogue->figures[i];
        int ended = figure_is_wanted(run, figure) ? figure_run_here(run, figure) : EXIT_FINE;
        if (ended != EXIT_FINE) {
            support_complain(run->name, "%s: ended with exit code %d", figure->name, ended);
            code = code == EXIT_FINE ? ended : code;
        }
        if (ended == EXIT_INTERRUPTED || ended > 128)
            return code;
    }
    if (!run->asked->all || run->asked->dry_run)
        return code;
    char *report[] = {"/proc/self/exe", "report", run->out, NULL};
    int ended = program_run(run->name, report);
    return code == EXIT_FINE ? ended : code;
}

static bool names_known(const struct run *run, const struct catalogue *catalogue)
{
    for (size_t i = 0; i < run->asked->count; i++) {
        struct nearest nearest = {.wanted = run->asked->names[i]};
        const struct figure *found = catalogue_find(catalogue, nearest.wanted);
        if (found != NULL && terms_differ(run) && !figure_compares_systems(found))
            return support_complain(run->name, "--terms: %s compares no systems", found->name);
        if (found != NULL)
            continue;
        for (size_t k = 0; k < catalogue->count; k++)
            nearest_offer(&nearest, catalogue->figures[k].name);
        return support_complain(run->name, "there is no figure '%s'%s", nearest.wanted,
                                nearest_hint(&nearest, "; see `maemio figure --list`"));
    }
    return true;
}

/* The share and what it has; false with a message. */
static bool figures_find(const char *name, char **share, struct catalogue *catalogue)
{
    char error[CATALOGUE_ERROR_BYTES];
    *share = program_share(name);
    if (*share == NULL)
        return false;
    if (catalogue_read(catalogue, *share, error))
        return true;
    support_complain(name, "%s", error);
    free(*share);
    return false;
}

enum exit_code figures_make(const char *name, const struct figure_request *asked)
{
    struct run run = {.asked = asked, .name = name};
    struct catalogue catalogue;
    int code = EXIT_USAGE;
    if (!figures_find(name, &run.share, &catalogue))
        return EXIT_USAGE;
    if (asked->machine != NULL)
        support_list_add(&run.overrides, "machine=%s", asked->machine);
    for (size_t i = 0; i < asked->overrides.count; i++)
        support_list_add(&run.overrides, "%s", asked->overrides.items[i]);
    run.out = asked->out ? support_copy(asked->out) : support_format("results/figures/%s", asked->effort);
    overrides_name(&run);
    if (names_known(&run, &catalogue))
        code = program_folder_make(name, run.out) ? figures_run(&run, &catalogue) : EXIT_FAILED;
    catalogue_free(&catalogue);
    support_list_free(&run.overrides);
    free(run.suffix);
    free(run.changed);
    free(run.out);
    free(run.share);
    return (enum exit_code)code;
}

enum exit_code figures_list(const char *name)
{
    struct catalogue catalogue;
    char *share;
    if (!figures_find(name, &share, &catalogue))
        return EXIT_USAGE;
    for (size_t i = 0; i < catalogue.count; i++) {
        SUPPORT_FREED char *heading = figure_heading(&catalogue.figures[i]);
        (void)printf("%-16s %s\n", catalogue.figures[i].name, heading);
    }
    catalogue_free(&catalogue);
    free(share);
    return EXIT_FINE;
}
