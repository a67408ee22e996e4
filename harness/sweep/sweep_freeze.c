/*
 * sweep_freeze.c - a plan as a job file that depends on nothing else, see sweep_plan.h.
 *
 * Every key of every point is written with its value. The keys and values that all points share come first; each point
 * has a section for the rest. So a later default, an included file or another number of cores changes nothing.
 */
#include <ctype.h>

#include "engine/maemio.h"
#include "harness/options/job.h"
#include "harness/sweep/sweep_plan.h"

/* ---- One point. ---- */

/* The text that an override or the job file gives for the key; NULL if neither does. */
static const char *given_value(const struct sweep_plan *plan, const struct sweep_point *point, const char *key)
{
    const char *value = option_pairs_value(plan->overrides, key);
    const struct jobfile_setting *setting = jobfile_setting(point->point, key);
    return value != NULL || setting == NULL ? value : setting->value;
}

/* Workers of a point that leaves them to the machine. */
static void threads_add(struct option_pairs *pairs, const struct sweep_point *point)
{
    char ignored[OPTION_ERROR_BYTES];
    const struct run_options *run = &point->options->run;
    unsigned cores = job_cores(run->machine, run->cores, ignored), most = point->options->target->promises.workers_max;
    option_pairs_add(pairs, "threads", support_short("%u", cores == 0 ? 1 : cores < most ? cores : most));
}

static void run_option_add(struct option_pairs *pairs, const struct sweep_plan *plan, const struct sweep_point *point,
                           size_t i)
{
    const char *key = run_option_specs[i].name, *given = given_value(plan, point, key);
    char text[OPTION_TEXT_BYTES];
    if (i == RUN_OPTION_label || i == RUN_OPTION_reload || (given == NULL && !run_option_is_configuration(i)))
        return; /* the label comes first, sweeps own `reload`, and what is no configuration need not be said */
    option_text(run_option_specs, i, &point->options->run, text, sizeof text);
    if (i == RUN_OPTION_threads && point->options->run.threads == 0)
        threads_add(pairs, point);
    else if (given != NULL)
        option_pairs_add(pairs, key, given);
    else if (*text != '\0')
        option_pairs_add(pairs, key, text);
}

static struct option_pairs pairs_of(const struct sweep_plan *plan, const struct sweep_point *point)
{
    const struct options *options = point->options;
    struct option_pairs pairs = {0};
    char text[OPTION_TEXT_BYTES];
    option_pairs_add(&pairs, "label", options->run.label);
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        if (options->run.txns == 0 || (i != RUN_OPTION_time && i != RUN_OPTION_warmup))
            run_option_add(&pairs, plan, point, i);
    for (size_t i = 0; options->workload->options[i].name != NULL; i++) {
        option_text(options->workload->options, i, options->workload_values, text, sizeof text);
        option_pairs_add(&pairs, options->workload->options[i].name, text);
    }
    for (size_t i = 0; options->target_values != NULL && options->target->options[i].name != NULL; i++) {
        option_text(options->target->options, i, options->target_values, text, sizeof text);
        SUPPORT_FREED char *key = support_format("set.%s", options->target->options[i].name);
        option_pairs_add(&pairs, key, text);
    }
    return pairs;
}

/* ---- The file. ---- */

/* Quoted, unless it is a plain word that no range or word for cores can be read into. */
static void value_write(struct support_text *out, const char *key, const char *value)
{
    support_text_add(out, "%s = ", key);
    bool plain = *value != '\0' && strstr(value, "..") == NULL && strstr(value, "cores") == NULL;
    for (const char *c = value; plain && *c != '\0'; c++)
        plain = isalnum((unsigned char)*c) || strchr("_.:-", *c) != NULL;
    if (plain) {
        support_text_add(out, "%s\n", value);
        return;
    }
    support_text_add(out, "\"");
    for (; *value != '\0'; value++)
        support_text_add(out, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
    support_text_add(out, "\"\n");
}

static bool same_in_all(const struct option_pairs *all, size_t count, const struct option_pair *pair)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = option_pairs_value(&all[i], pair->key);
        if (value == NULL || strcmp(value, pair->value) != 0)
            return false;
    }
    return true;
}

static void pairs_write(struct support_text *out, const struct option_pairs *all, size_t count, size_t at, bool common)
{
    for (size_t i = 0; i < all[at].count; i++) {
        const struct option_pair *pair = &all[at].items[i];
        if (same_in_all(all, count, pair) == common)
            value_write(out, pair->key, pair->value);
    }
}

/* [figure] and [claim ...], so that the file is a figure's as well. */
static void notes_write(struct support_text *out, const struct jobfile *jobfile)
{
    for (size_t i = 0; i < jobfile->note_count; i++) {
        support_text_add(out, "[%s]\n", jobfile->notes[i].section);
        for (size_t k = 0; k < jobfile->notes[i].count; k++)
            value_write(out, jobfile->notes[i].settings[k].key, jobfile->notes[i].settings[k].value);
    }
}

void sweep_plan_freeze(const struct sweep_plan *plan, struct support_text *out)
{
    SUPPORT_FREED struct option_pairs *all = support_alloc((plan->point_count + 1) * sizeof *all);
    for (size_t i = 0; i < plan->point_count; i++)
        all[i] = pairs_of(plan, &plan->points[i]);
    support_text_add(out, "# Every option of every point, as Maemio " MAE_VERSION
                          " resolved it. `maemio sweep` runs it again.\n");
    for (size_t i = 0; i < plan->left_out.count; i++)
        support_text_add(out, JOBFILE_LEFT_OUT "%s\n", plan->left_out.items[i]);
    pairs_write(out, all, plan->point_count, 0, true);
    for (size_t i = 0; plan->point_count > 1 && i < plan->point_count; i++) {
        support_text_add(out, "[%s %zu]\n", plan->points[i].point->section, i + 1);
        pairs_write(out, all, plan->point_count, i, false);
    }
    notes_write(out, plan->jobfile);
    for (size_t i = 0; i < plan->point_count; i++)
        option_pairs_free(&all[i]);
}
