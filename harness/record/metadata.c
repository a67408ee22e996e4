/* metadata.c - see metadata.h. */
#include "harness/record/metadata.h"

#include <math.h>

#include "harness/record/columns.h"

static void hash_pair(uint64_t *hash, const char *key, const char *value)
{
    SUPPORT_FREED char *pair = support_format("%s=%s\n", key, value);
    *hash = support_hash(*hash, pair, strlen(pair));
}

static void hash_option(uint64_t *hash, const struct option_spec *specs, size_t i, const void *values)
{
    char text[OPTION_TEXT_BYTES];
    option_text(specs, i, values, text, sizeof text);
    hash_pair(hash, specs[i].name, text);
}

void metadata_config_hash(const struct options *options, char hash[17])
{
    uint64_t sum = SUPPORT_HASH_BEGIN;
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        if (run_option_is_configuration(i))
            hash_option(&sum, run_option_specs, i, &options->run);
    if (options->run.history[0] != '\0') /* its file's name does not matter */
        hash_pair(&sum, "recorded", "1");
    for (size_t i = 0; options->workload->options[i].name != NULL; i++)
        hash_option(&sum, options->workload->options, i, options->workload_values);
    for (size_t i = 0; options->target_values != NULL && options->target->options[i].name != NULL; i++)
        hash_option(&sum, options->target->options, i, options->target_values);
    (void)snprintf(hash, 17, "%016llx", (unsigned long long)sum);
}

json_t *metadata_json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    SUPPORT_FREED char *copy = support_copy(text);
    for (char *at = copy; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    string = json_string(copy);
    return string;
}

/* A number as one, all else as text. */
static json_t *value_of(const char *text, bool is_number)
{
    json_t *number = is_number ? json_loads(text, JSON_DECODE_ANY, NULL) : metadata_json_text(text);
    return number != NULL ? number : json_real(strtod(text, NULL)); /* more than JSON's whole numbers hold */
}

/* Numbers as numbers, times in nanoseconds, all else as text. */
static json_t *options_json(const struct option_spec *specs, const void *values)
{
    json_t *object = json_object();
    for (size_t i = 0; specs[i].name != NULL; i++) {
        char text[OPTION_TEXT_BYTES];
        bool is_number = option_is_number(specs, i, values);
        option_text(specs, i, values, text, sizeof text);
        (void)json_object_set_new(object, specs[i].name,
                                  is_number && specs[i].type == OPTION_time
                                      ? json_integer((json_int_t)option_u64_at(values, i))
                                      : value_of(text, is_number));
    }
    return object;
}

static json_t *placement_json(const struct placement *placement)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < placement->count; i++) {
        const struct placement_worker *worker = &placement->workers[i];
        json_t *place = worker->cpu < 0
                            ? json_pack("{s:i}", "worker", (int)i)
                            : json_pack("{s:i,s:i,s:i,s:i,s:i}", "worker", (int)i, "cpu", worker->cpu, "core",
                                        worker->core, "package", worker->package, "numa_node", worker->node);
        (void)json_array_append_new(array, place);
    }
    return array;
}

static json_t *counters_json(const struct result *result)
{
    json_t *array = json_array();
    for (unsigned i = 0; result->plan != NULL && i < result->plan->event_count; i++) {
        const struct pmu_value *value = &result->counters[i];
        bool counted = value->status == PMU_COUNTED;
        (void)json_array_append_new(array, json_pack("{s:o,s:s,s:o,s:o,s:o}", "name",
                                                     metadata_json_text(result->plan->events[i].name), "status",
                                                     pmu_status_name(value->status), "value",
                                                     counted ? json_real(value->value) : json_null(), "share",
                                                     counted ? json_real(value->share) : json_null(), "note",
                                                     metadata_json_text(pmu_value_reason(result->plan, i, value))));
    }
    return array;
}

/* Measurements and provenance: every column that is no option; those without a value are left out. */
static json_t *columns_json(const struct result *result)
{
    json_t *object = json_object();
    for (size_t i = 0; i < column_count(); i++) {
        if (column_info(i)->is_configuration)
            continue;
        struct value value = column_value(i, result, COLUMN_ALL_TYPES);
        json_t *json = value.kind == VALUE_U64 && value.u64 <= INT64_MAX ? json_integer((json_int_t)value.u64)
                       : value.kind == VALUE_U64                         ? json_real((double)value.u64)
                       : value.kind == VALUE_REAL                        ? json_real(value.real)
                       : value.kind == VALUE_TEXT                        ? metadata_json_text(value.text)
                                                                         : NULL;
        if (json != NULL)
            (void)json_object_set_new(object, column_info(i)->name, json);
        free(value.owned);
    }
    return object;
}

char *metadata_json(const struct result *result)
{
    const struct options *options = result->options;
    json_t *object = json_pack(
        "{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "config_hash", result->config_hash, "repetition", (int)result->repetition,
        "options", options_json(run_option_specs, &options->run), "workload_options",
        options_json(options->workload->options, options->workload_values), "settings",
        options->target_values == NULL ? json_object() : options_json(options->target->options, options->target_values),
        "placement", placement_json(result->placement), "counters", counters_json(result), "columns",
        columns_json(result));
    SUPPORT_FREED char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    json_decref(object);
    return support_format("%s\n", text == NULL ? "{}" : text);
}
