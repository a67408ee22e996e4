/* job.c - see job.h. */
#include "harness/options/job.h"

#include <assert.h>

#include "harness/machine/simulated_machine.h"
#include "harness/machine/topology.h"
#include "sim/simulated.h"

/* ---- What the reader of job files asks. ---- */

/* Keys of the harness, then of every workload, then `set`. A name that two workloads share comes twice: no harm. */
static const char *key_at(size_t i)
{
    const struct workload_ops *workload;
    if (i < RUN_OPTION_COUNT)
        return run_option_specs[i].name;
    i -= RUN_OPTION_COUNT;
    for (size_t j = 0; (workload = workload_at(j)) != NULL; j++)
        for (const struct option_spec *option = workload->options; option->name != NULL; option++)
            if (i-- == 0)
                return option->name;
    return i == 0 ? "set" : NULL;
}

/* Several workloads may have an option of this name. One of them must take the value: which workload will run is known
 * only when everything is resolved. */
static bool check_workloads(const char *key, const char *value, char *error)
{
    const struct workload_ops *workload;
    bool known = false;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++)
        for (const struct option_spec *option = workload->options; option->name != NULL; option++) {
            if (strcmp(option->name, key) != 0)
                continue;
            known = true;
            if (option_check(option, value, error))
                return true;
        }
    return !known;
}

static_assert((int)JOBFILE_ERROR_BYTES >= (int)OPTION_ERROR_BYTES, "what option_check writes fits");

static bool check(const char *key, const char *value, char *error)
{
    size_t i = option_find(run_option_specs, key);
    return i < RUN_OPTION_COUNT ? option_check(&run_option_specs[i], value, error) : check_workloads(key, value, error);
}

struct jobfile *job_parse(const char *name, const char *text, size_t bytes, unsigned cores, char *error)
{
    struct jobfile_rules rules = {.key_at = key_at, .check = check, .cores = cores};
    return jobfile_parse(name, text, bytes, &rules, error);
}

static unsigned measured_cores(void)
{
    char ignored[TOPOLOGY_ERROR_BYTES];
    struct topology *topology = topology_open(NULL, NULL, ignored);
    unsigned cores = topology == NULL ? 0 : topology_core_count(topology);
    topology_close(topology);
    return cores;
}

unsigned job_cores(const char *machine, uint64_t cores, char *error)
{
    struct simulated_choice choice = {.machine = machine, .cores = cores};
    error[0] = '\0';
    if (!SIMULATED)
        return measured_cores();
    return *machine == '\0' ? 0 : simulated_machine_cores("maemio", &choice, error);
}

/* What an override says, else the file's first point; "": neither. */
static const char *said(const struct jobfile *file, const struct option_pairs *overrides, const char *key)
{
    const char *value = overrides == NULL ? NULL : option_pairs_value(overrides, key);
    const struct jobfile_setting *setting = file->count == 0 ? NULL : jobfile_setting(&file->points[0], key);
    return value != NULL ? value : setting != NULL ? setting->value : "";
}

/* A file that is read for the machine it names: until then `cores` may be any number. */
static unsigned machine_cores(const char *path, const struct option_pairs *overrides, char *error)
{
    char why[OPTION_ERROR_BYTES], ignored[JOBFILE_ERROR_BYTES];
    struct jobfile_rules rules = {.key_at = key_at, .check = check, .cores = 64};
    struct jobfile *file = jobfile_read(path, &rules, ignored);
    if (file == NULL)
        return rules.cores; /* for the error */
    unsigned cores =
        job_cores(said(file, overrides, "machine"), strtoull(said(file, overrides, "cores"), NULL, 10), why);
    if (why[0] != '\0')
        (void)support_error(error, JOBFILE_ERROR_BYTES, "%s: key 'machine': %.700s", path, why);
    jobfile_destroy(file);
    return cores;
}

struct jobfile *job_read(const char *path, const struct option_pairs *overrides, char *error)
{
    struct jobfile_rules rules = {.key_at = key_at, .check = check};
    error[0] = '\0';
    rules.cores = SIMULATED ? machine_cores(path, overrides, error) : measured_cores();
    return error[0] != '\0' ? NULL : jobfile_read(path, &rules, error);
}

/* ---- Points as options. ---- */

bool job_set(struct options *options, const char *key, const char *value, char *error)
{
    if (strncmp(key, "set.", 4) != 0)
        return options_set(options, key, value, error);
    SUPPORT_FREED char *setting = support_format("%s=%s", key + 4, value);
    return options_set(options, "set", setting, error);
}

bool job_apply(const struct jobfile_point *point, struct options *options, char *error)
{
    char why[OPTION_ERROR_BYTES];
    for (size_t i = 0; i < point->count; i++) {
        const struct jobfile_setting *setting = &point->settings[i];
        if (job_set(options, setting->key, setting->value, why))
            continue;
        return support_error(error, OPTION_ERROR_BYTES, "%s:%u: key '%s': %.700s", setting->file, setting->line,
                             setting->key, why);
    }
    return true;
}

/* Whether a message speaks of --key, spelled with dashes. */
static bool message_names(const char *message, const char *key)
{
    bool is_setting = strncmp(key, "set.", 4) == 0;
    SUPPORT_FREED char *spelled = support_format(is_setting ? "--set %s" : "--%s", is_setting ? key + 4 : key);
    if (!is_setting)
        option_dashes(spelled + 2);
    const char *found = strstr(message, spelled);
    return found != NULL && strchr(" :;,", found[strlen(spelled)]) != NULL; /* also the message's end */
}

bool job_resolve(const struct jobfile_point *point, struct options *options, char *error)
{
    char why[OPTION_ERROR_BYTES];
    if (options_resolve(options, why))
        return true;
    for (size_t i = 0; i < point->count; i++) {
        const struct jobfile_setting *setting = &point->settings[i];
        if (!message_names(why, setting->key))
            continue;
        return support_error(error, OPTION_ERROR_BYTES, "%s:%u: key '%s': %.700s", setting->file, setting->line,
                             setting->key, why);
    }
    return support_error(error, OPTION_ERROR_BYTES, "section [%s]: %.900s", point->section, why);
}
