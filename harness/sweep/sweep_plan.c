/* sweep_plan.c - see sweep_plan.h. */
#include "harness/sweep/sweep_plan.h"

#include "harness/common/quantity.h"
#include "harness/options/job.h"
#include "harness/record/metadata.h"
#include "harness/targets/targets.h"
#include "sim/simulated.h"
#include "workloads/rng.h"

/* Process, set-up, load and check of a run of which nothing is known yet. With EFFORT=quick and 2 cores they took 0.5 s
 * beside a window over YCSB, 0.75 s over TPC-C. A million records more take a second more. */
#define OVERHEAD_S 0.75

const struct sweep_file_info sweep_files[SWEEP_FILE_COUNT] = {SWEEP_FILE_TABLE(TABLE_FIELDS)};

#define REFUSE(error, ...) support_error(error, SWEEP_ERROR_BYTES, __VA_ARGS__)

/* ---- One point. ---- */

/* What the sweep itself decides. */
static bool keys_allowed(const struct jobfile_point *point, const struct option_pairs *overrides, char *error)
{
    static const char *const own[][2] = {{"csv", "results go into results.csv of --out"},
                                         {"json", "it goes into results.jsonl of --out"},
                                         {"point", "the sweep names its points"},
                                         {"first_repetition", "the sweep counts repetitions"},
                                         {"node", "the sweep says which it was"},
                                         {"reload", "each repetition of a sweep is a process of its own"}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        const struct jobfile_setting *setting = jobfile_setting(point, own[i][0]);
        if (setting != NULL)
            return REFUSE(error, "%s:%u: key '%s' cannot stand here: %s", setting->file, setting->line, setting->key,
                          own[i][1]);
        if (option_pairs_value(overrides, own[i][0]) != NULL)
            return REFUSE(error, "--override: %s cannot be set: %s", own[i][0], own[i][1]);
    }
    return true;
}

static void id_make(struct sweep_point *point, const struct option_pairs *overrides)
{
    uint64_t id = point->point->hash;
    for (size_t i = 0; i < overrides->count; i++) {
        uint64_t sum = 0; /* whatever their order */
        for (const char *at = overrides->items[i].key; *at != '\0'; at++)
            sum = rng_mix(sum ^ (unsigned char)*at);
        for (const char *at = overrides->items[i].value; *at != '\0'; at++)
            sum = rng_mix(sum + (unsigned char)*at);
        id += sum;
    }
    (void)snprintf(point->id, sizeof point->id, "%016llx", (unsigned long long)id);
}

static bool files_take(struct sweep_point *point, char *error)
{
    const struct run_options *run = &point->options->run;
#define SWEEP_FILE_NAME(key, merged) run->key,
    const char *const names[] = {SWEEP_FILE_TABLE(SWEEP_FILE_NAME)};
    for (size_t i = 0; i < SWEEP_FILE_COUNT; i++) {
        if (strchr(names[i], '/') != NULL || names[i][0] == '.' || strncmp(names[i], "results.", 8) == 0 ||
            strcmp(names[i], "-") == 0)
            return REFUSE(error, "section [%s]: key '%s': '%s' must be the name of a file within --out, such as %s%s",
                          point->point->section, sweep_files[i].key, names[i], sweep_files[i].key,
                          sweep_files[i].is_merged ? ".csv" : "");
        point->files[i] = names[i];
    }
    return true;
}

static bool point_init(struct sweep_point *point, const struct option_pairs *overrides, char *error)
{
    char why[OPTION_ERROR_BYTES];
    point->options = options_create();
    if (!keys_allowed(point->point, overrides, error))
        return false;
    if (!options_set(point->options, "label", point->point->section, why))
        return REFUSE(error, "section [%.100s...]: the name becomes the label: %.700s", point->point->section, why);
    if (!job_apply(point->point, point->options, error))
        return false;
    for (size_t i = 0; i < overrides->count; i++)
        if (!job_set(point->options, overrides->items[i].key, overrides->items[i].value, why))
            return REFUSE(error, "--override: %s: %.700s", overrides->items[i].key, why);
    if (!job_resolve(point->point, point->options, error))
        return false;
    id_make(point, overrides);
    return files_take(point, error);
}

/* ---- Points whose target is not there. ---- */

/* The text that an override or the job file gives for the key; NULL if neither does. */
static const char *given_value(const struct sweep_plan *plan, const struct jobfile_point *point, const char *key)
{
    const char *value = option_pairs_value(plan->overrides, key);
    const struct jobfile_setting *setting = jobfile_setting(point, key);
    return value != NULL || setting == NULL ? value : setting->value;
}

/* Whether the point says where the target's server or its programs are: then there need be none where servers are
 * installed. */
static bool server_is_named(const struct sweep_plan *plan, const struct jobfile_point *point, const char *target)
{
    static const char *const ways[][2] = {{"conninfo", ""}, {"server", "auto"}}; /* the setting, and its default */
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        SUPPORT_FREED char *own = support_format("set.%s.%s", target, ways[i][0]);
        SUPPORT_FREED char *any = support_format("set.%s", ways[i][0]);
        const char *value = given_value(plan, point, own);
        if (value == NULL)
            value = given_value(plan, point, any);
        if (value != NULL && strcmp(value, ways[i][1]) != 0)
            return true;
    }
    return false;
}

/* Whether the target is known, but not there; then `why` says why. */
static bool target_is_missing(const struct sweep_plan *plan, const struct jobfile_point *point, const char *name,
                              char why[OPTION_ERROR_BYTES])
{
    const struct target_ops *target = target_by_name(name);
    const char *not_built = target_not_built(name);
    if (not_built != NULL)
        (void)snprintf(why, OPTION_ERROR_BYTES, "%s", not_built);
    if (target == NULL) /* one that nobody knows is refused later */
        return not_built != NULL;
    return server_is_named(plan, point, name) ? external_load(target, why, OPTION_ERROR_BYTES) == NULL
                                              : !external_is_there(target, why, OPTION_ERROR_BYTES);
}

/* Notes a target that is missing, once. */
static bool is_left_out(struct sweep_plan *plan, const struct jobfile_point *point)
{
    char why[OPTION_ERROR_BYTES];
    const char *name = given_value(plan, point, "target");
    if (name == NULL || !target_is_missing(plan, point, name, why)) /* the default one is always there */
        return false;
    SUPPORT_FREED char *text = support_format("%s: %s", name, why);
    if (support_list_place(plan->left_out.items, text) == plan->left_out.count)
        support_list_add(&plan->left_out, "%s", text);
    return true;
}

/* ---- Whether workloads take their options. ---- */

/* Refuses with the place of what is at fault: a line of the job file, an override, or the section. */
static bool refuse_point(const struct sweep_plan *plan, const struct sweep_point *point, const char *why, char *error)
{
    const char *name = point->options->workload->name;
    for (size_t i = 0; i < plan->overrides->count; i++)
        if (strstr(why, plan->overrides->items[i].key) != NULL)
            return REFUSE(error, "--override: %s: workload %s: %.700s", plan->overrides->items[i].key, name, why);
    const struct jobfile_setting *found = NULL;
    for (size_t i = 0; i < point->point->count; i++)
        if (strstr(why, point->point->settings[i].key) != NULL)
            found = &point->point->settings[i];
    if (found != NULL)
        return REFUSE(error, "%s:%u: key '%s': workload %s: %.700s", found->file, found->line, found->key, name, why);
    return REFUSE(error, "section [%s]: workload %s: %.700s", point->point->section, name, why);
}

/* Creates the workload, which finds values that cannot work together. */
static bool workload_tries(const struct sweep_plan *plan, const struct sweep_point *point, char *error)
{
    const struct options *options = point->options;
    unsigned workers = options->run.threads == 0 ? 1 : (unsigned)options->run.threads;
    struct workload *workload;
    char why[OPTION_ERROR_BYTES] = "";
    enum target_status status = options->workload->create(options->workload_values, options->target, options->run.seed,
                                                          workers, &workload, why, sizeof why);
    if (status == TARGET_OK)
        options->workload->destroy(workload);
    return status != TARGET_INVALID || refuse_point(plan, point, why, error);
}

static char *workload_text(const struct sweep_point *point)
{
    struct support_text text = {0};
    support_text_add(&text, "%s %s", point->options->workload->name, point->options->target->name);
    const struct option_spec *specs = point->options->workload->options;
    for (size_t i = 0; specs[i].name != NULL; i++) {
        char value[OPTION_TEXT_BYTES];
        option_text(specs, i, point->options->workload_values, value, sizeof value);
        support_text_add(&text, " %s", value);
    }
    return text.text;
}

static bool points_try(struct sweep_plan *plan, char *error)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list tried = {0};
    for (size_t i = 0; i < plan->point_count; i++) {
        struct sweep_point *point = &plan->points[i];
        SUPPORT_FREED char *text = workload_text(point);
        metadata_config_hash(point->options, point->config_hash);
        if (support_list_place(tried.items, text) < tried.count)
            continue;
        support_list_add(&tried, "%s", text);
        if (!workload_tries(plan, point, error))
            return false;
    }
    return true;
}

/* ---- Points that are the same. ---- */

/* The setting of `b` whose text differs from that of `a`, and is no override's; NULL if there is none. */
static const struct jobfile_setting *spelled_otherwise(const struct sweep_plan *plan, const struct jobfile_point *a,
                                                       const struct jobfile_point *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const char *key = b->settings[i].key;
        const struct jobfile_setting *other = jobfile_setting(a, key);
        if (option_pairs_value(plan->overrides, key) == NULL &&
            (other == NULL || strcmp(other->value, b->settings[i].value) != 0))
            return &b->settings[i];
    }
    return NULL;
}

static void point_free(struct sweep_point *point)
{
    options_destroy(point->options);
    free(point->text);
}

static bool same_files(const struct sweep_point *a, const struct sweep_point *b)
{
    for (size_t i = 0; i < SWEEP_FILE_COUNT; i++)
        if (strcmp(a->files[i], b->files[i]) != 0)
            return false;
    return true;
}

/* Whether two points of one section would be measured twice over. */
static bool same_point(const struct sweep_point *a, const struct sweep_point *b)
{
    return a->config_hash[0] != '\0' && strcmp(a->config_hash, b->config_hash) == 0 &&
           strcmp(a->point->section, b->point->section) == 0 &&
           strcmp(a->options->run.label, b->options->run.label) == 0 && same_files(a, b);
}

static bool doubles_drop(struct sweep_plan *plan, char *error)
{
    size_t kept = 0;
    bool fine = true;
    for (size_t i = 0; i < plan->point_count; i++) {
        struct sweep_point *point = &plan->points[i], *first = plan->points, *end = &plan->points[kept];
        while (first < end && !same_point(first, point))
            first++;
        const struct jobfile_setting *spelled =
            first == end || !fine ? NULL : spelled_otherwise(plan, first->point, point->point);
        if (spelled != NULL) {
            const struct jobfile_setting *before = jobfile_setting(first->point, spelled->key);
            fine =
                REFUSE(error, "%s:%u: key '%s': '%.100s' is '%.100s' once more: one configuration cannot be two points",
                       spelled->file, spelled->line, spelled->key, spelled->value,
                       before == NULL ? "the default" : before->value);
        }
        if (first == end)
            plan->points[kept++] = *point;
        else
            point_free(point); /* an override made it the same, or the plan is refused */
    }
    plan->point_count = kept;
    return fine;
}

/* ---- What tells points apart. ---- */

/* Whether the points differ in a key. */
static bool key_varies(const struct sweep_plan *plan, const char *key)
{
    const struct jobfile_setting *first = jobfile_setting(plan->points[0].point, key);
    for (size_t i = 1; i < plan->point_count; i++) {
        const struct jobfile_setting *other = jobfile_setting(plan->points[i].point, key);
        if ((first == NULL) != (other == NULL) || (first != NULL && strcmp(first->value, other->value) != 0))
            return true;
    }
    return false;
}

static void texts_make(struct sweep_plan *plan)
{
    /* Few keys, but perhaps many points: whether a key varies is looked up once. */
    SUPPORT_ENDED_BY(support_list_free) struct support_list varying = {0}, others = {0};
    for (size_t i = 0; i < plan->point_count; i++) {
        const struct jobfile_point *point = plan->points[i].point;
        struct support_text text = {0};
        support_text_add(&text, "[%s]", point->section);
        for (size_t j = 0; j < point->count; j++) {
            const char *key = point->settings[j].key;
            if (support_list_place(varying.items, key) == varying.count &&
                support_list_place(others.items, key) == others.count)
                support_list_add(key_varies(plan, key) ? &varying : &others, "%s", key);
            if (support_list_place(varying.items, key) < varying.count)
                support_text_add(&text, " %s=%s", key, point->settings[j].value);
        }
        plan->points[i].text = text.text;
    }
}

/* ---- Order. ---- */

static void runs_order(struct sweep_plan *plan, uint64_t seed)
{
    struct rng rng;
    uint64_t most = 0;
    for (size_t i = 0; i < plan->point_count; i++) {
        uint64_t repetitions = plan->points[i].options->run.repetitions;
        plan->run_count += (size_t)repetitions;
        most = repetitions > most ? repetitions : most;
    }
    plan->runs = support_alloc((plan->run_count + 1) * sizeof *plan->runs);
    rng_init(&rng, seed, 0);
    size_t at = 0;
    for (uint64_t repetition = 1; repetition <= most; repetition++) {
        size_t first = at;
        for (size_t i = 0; i < plan->point_count; i++)
            if (repetition <= plan->points[i].options->run.repetitions)
                plan->runs[at++] = (struct sweep_run){.point = &plan->points[i], .repetition = (unsigned)repetition};
        for (size_t i = at; i > first + 1; i--) { /* Fisher and Yates */
            size_t other = first + (size_t)rng_below(&rng, i - first);
            struct sweep_run swapped = plan->runs[i - 1];
            plan->runs[i - 1] = plan->runs[other];
            plan->runs[other] = swapped;
        }
    }
}

bool sweep_plan_init(struct sweep_plan *plan, const char *path, const struct option_pairs *overrides, uint64_t seed,
                     bool skip_missing, char *error)
{
    *plan = (struct sweep_plan){.jobfile = job_read(path, overrides, error), .overrides = overrides};
    if (plan->jobfile == NULL)
        return false;
    if (plan->jobfile->count == 0)
        return REFUSE(error, "%s: there is nothing to run in it", path);
    plan->points = support_alloc(plan->jobfile->count * sizeof *plan->points);
    for (size_t i = 0; i < plan->jobfile->count; i++) {
        const struct jobfile_point *point = &plan->jobfile->points[i];
        if (skip_missing && is_left_out(plan, point))
            continue;
        plan->points[plan->point_count++].point = point;
        if (!point_init(&plan->points[plan->point_count - 1], overrides, error))
            return false;
    }
    if (plan->point_count == 0)
        return REFUSE(error, "%s: there is nothing to run in it: %.700s", path, plan->left_out.items[0]);
    if (!points_try(plan, error) || !doubles_drop(plan, error))
        return false;
    texts_make(plan);
    runs_order(plan, seed);
    return true;
}

void sweep_plan_fini(struct sweep_plan *plan)
{
    for (size_t i = 0; i < plan->point_count; i++)
        point_free(&plan->points[i]);
    free(plan->points);
    free(plan->runs);
    support_list_free(&plan->left_out);
    jobfile_destroy(plan->jobfile);
    *plan = (struct sweep_plan){0};
}

/* ---- Time. ---- */

double sweep_nominal_s(const struct sweep_point *point)
{
    const struct run_options *run = &point->options->run;
    bool steady = run->warmup_until == RUN_WARMUP_UNTIL_STEADY;
    return (double)((steady ? run->warmup_max : run->warmup) + run->time) / 1e9;
}

/* What warm-up and window take of the time of whoever waits: a core's virtual time takes much more. */
static double waited_s(const struct sweep_point *point)
{
    uint64_t threads = point->options->run.threads;
    return sweep_nominal_s(point) * (SIMULATED ? SIMULATED_SLOWDOWN * (double)(threads == 0 ? 1 : threads) : 1);
}

double sweep_plan_left_s(const struct sweep_plan *plan)
{
    double overhead = 0, left = 0;
    size_t known = 0;
    for (size_t i = 0; i < plan->point_count; i++)
        if (plan->points[i].seconds > 0) {
            overhead += plan->points[i].seconds - waited_s(&plan->points[i]);
            known++;
        }
    overhead = known == 0 ? OVERHEAD_S : overhead / (double)known;
    for (size_t i = 0; i < plan->run_count; i++)
        if (!plan->runs[i].finished && !plan->runs[i].failed)
            left += plan->runs[i].point->seconds > 0 ? plan->runs[i].point->seconds
                                                     : waited_s(plan->runs[i].point) + overhead;
    return left < 0 ? 0 : left;
}

void sweep_plan_print(const struct sweep_plan *plan, struct support_text *out)
{
    double nominal = 0;
    size_t left = 0;
    for (size_t i = 0; i < plan->run_count; i++) {
        const struct sweep_run *run = &plan->runs[i];
        if (run->finished)
            continue;
        left++;
        nominal += sweep_nominal_s(run->point);
        support_text_add(out, "%5zu  %s-%u  %s\n", left, run->point->id, run->repetition, run->point->text);
    }
    support_text_add(out, "%zu points, %zu runs, %zu of them finished; %zu to run\n", plan->point_count,
                     plan->run_count, plan->run_count - left, left);
    support_text_add(out, "time: %s of warm-ups and windows, about ",
                     quantity_time((uint64_t)(nominal * 1e3 + 0.5) * 1000000));
    support_text_add(out, "%s in all\n", quantity_time((uint64_t)sweep_plan_left_s(plan) * 1000000000));
}
