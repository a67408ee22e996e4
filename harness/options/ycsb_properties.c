/* ycsb_properties.c - see ycsb_properties.h. */
#include "harness/options/ycsb_properties.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* id, YCSB's name, YCSB's default ("": none) */
#define PROPERTY_TABLE(X)                                        \
    X(WORKLOAD, "workload", "site.ycsb.workloads.CoreWorkload")  \
    X(RECORD_COUNT, "recordcount", "")                           \
    X(OPERATION_COUNT, "operationcount", "")                     \
    X(THREAD_COUNT, "threadcount", "")                           \
    X(TARGET, "target", "")                                      \
    X(EXECUTION_TIME, "maxexecutiontime", "")                    \
    X(FIELD_COUNT, "fieldcount", "10")                           \
    X(FIELD_LENGTH, "fieldlength", "100")                        \
    X(FIELD_DISTRIBUTION, "fieldlengthdistribution", "constant") \
    X(READ_ALL, "readallfields", "true")                         \
    X(WRITE_ALL, "writeallfields", "false")                      \
    X(READ, "readproportion", "0.95")                            \
    X(UPDATE, "updateproportion", "0.05")                        \
    X(INSERT, "insertproportion", "0")                           \
    X(SCAN, "scanproportion", "0")                               \
    X(MODIFY, "readmodifywriteproportion", "0")                  \
    X(DISTRIBUTION, "requestdistribution", "uniform")            \
    X(THETA, "theta", "0.99")                                    \
    X(ZIPFIAN_CONSTANT, "zipfianconstant", "")                   \
    X(HOT_FRACTION, "hotspotdatafraction", "0.2")                \
    X(HOT_RATIO, "hotspotopnfraction", "0.8")                    \
    X(SCAN_MIN, "minscanlength", "1")                            \
    X(SCAN_MAX, "maxscanlength", "1000")                         \
    X(SCAN_DISTRIBUTION, "scanlengthdistribution", "uniform")    \
    X(INSERT_ORDER, "insertorder", "hashed")

enum property_id {
#define PROPERTY_ID(id, name, fallback) PROPERTY_##id,
    PROPERTY_TABLE(PROPERTY_ID)
#undef PROPERTY_ID
        PROPERTY_COUNT
};

static const struct {
    const char *name, *fallback;
} property_table[] = {
#define PROPERTY_INFO(id, name, fallback) {name, fallback},
    PROPERTY_TABLE(PROPERTY_INFO)
#undef PROPERTY_INFO
};

struct property {
    char *key, *value;
    char *file;
    unsigned line; /* 0: from the command line */
};

struct ycsb_properties {
    size_t count;
    struct property *items;
};

struct ycsb_properties *ycsb_properties_create(void)
{
    return support_alloc(sizeof(struct ycsb_properties));
}

static void property_free(struct property *property)
{
    free(property->key);
    free(property->value);
    free(property->file);
}

void ycsb_properties_destroy(struct ycsb_properties *properties)
{
    if (!properties)
        return;
    for (size_t i = 0; i < properties->count; i++)
        property_free(&properties->items[i]);
    free(properties->items);
    free(properties);
}

/* Takes the texts of `property`. */
static void put(struct ycsb_properties *properties, struct property property)
{
    for (size_t i = 0; i < properties->count; i++) {
        if (strcmp(properties->items[i].key, property.key) != 0)
            continue;
        property_free(&properties->items[i]);
        properties->items[i] = property;
        return;
    }
    properties->items = support_more(properties->items, properties->count, sizeof(*properties->items));
    properties->items[properties->count++] = property;
}

/* ---- The format. ---- */

static const char blanks[] = " \t\f\r";

static const char *blanks_skip(const char *text)
{
    return text + strspn(text, blanks);
}

static bool put_line(struct ycsb_properties *properties, char *line, const char *name, unsigned number, char *error)
{
    char shown[TEXT_SHOWN_BYTES];
    const char *key = blanks_skip(line);
    size_t key_bytes = strcspn(key, "=: \t\f\r");
    if (*key == '\0' || *key == '#' || *key == '!')
        return true;
    if (key_bytes == 0 || strchr(key, '\\') != NULL) {
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES, "%.300s:%u: '%s': %s", name, number,
                             text_shown(line, strlen(line), shown),
                             key_bytes == 0
                                 ? "a property needs a name before the ="
                                 : "escapes and lines that go on after a \\ are not read; write the text as it is");
    }
    const char *value = blanks_skip(key + key_bytes);
    if (*value == '=' || *value == ':')
        value = blanks_skip(value + 1);
    size_t bytes = strlen(value); /* Java keeps white space at the end; nobody means it */
    while (bytes > 0 && strchr(blanks, value[bytes - 1]))
        bytes--;
    put(properties, (struct property){.key = support_format("%.*s", (int)key_bytes, key),
                                      .value = support_format("%.*s", (int)bytes, value),
                                      .file = support_copy(name),
                                      .line = number});
    return true;
}

bool ycsb_properties_parse(struct ycsb_properties *properties, const char *name, const char *text, size_t bytes,
                           char *error)
{
    if (memchr(text, '\0', bytes))
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES, "%.300s: holds a NUL byte: this is not a text file",
                             name);
    char *copy = support_format("%.*s", (int)bytes, text), *rest = copy, *line;
    bool good = true;
    for (unsigned number = 1; good && (line = strsep(&rest, "\n")) != NULL; number++)
        good = put_line(properties, line, name, number, error);
    free(copy);
    return good;
}

bool ycsb_properties_read(struct ycsb_properties *properties, const char *path, char *error)
{
    size_t bytes;
    char *text = text_file_read(path, FILE_BYTES_MAX, false, &bytes, error, YCSB_PROPERTIES_ERROR_BYTES);
    bool good = text && ycsb_properties_parse(properties, path, text, bytes, error);
    free(text);
    return good;
}

bool ycsb_properties_add(struct ycsb_properties *properties, const char *assignment, char *error)
{
    char shown[TEXT_SHOWN_BYTES];
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES,
                             "-p '%s': want KEY=VALUE, for example recordcount=1000000",
                             text_shown(assignment, strlen(assignment), shown));
    struct property property = {.value = support_copy(equals + 1), .file = support_copy("-p")};
    property.key = support_copy(assignment);
    property.key[equals - assignment] = '\0';
    put(properties, property);
    return true;
}

/* ---- What they mean here. ---- */

struct resolver {
    const struct ycsb_properties *properties;
    struct ycsb_translation *options;
    const char *end; /* the option that decides when the run ends; NULL: the properties do */
    char *error;
};

static const struct property *given(const struct resolver *resolver, enum property_id id)
{
    for (size_t i = 0; i < resolver->properties->count; i++)
        if (strcmp(resolver->properties->items[i].key, property_table[id].name) == 0)
            return &resolver->properties->items[i];
    return NULL;
}

static const char *text_of(const struct resolver *resolver, enum property_id id)
{
    const struct property *property = given(resolver, id);
    return property ? property->value : property_table[id].fallback;
}

static bool is(const struct resolver *resolver, enum property_id id, const char *value)
{
    return strcmp(text_of(resolver, id), value) == 0;
}

__attribute__((format(printf, 3, 4))) static bool wrong(struct resolver *resolver, enum property_id id,
                                                        const char *format, ...)
{
    const struct property *property = given(resolver, id);
    char shown[TEXT_SHOWN_BYTES], where[320] = "";
    const char *value = text_of(resolver, id);
    if (property && property->line)
        snprintf(where, sizeof(where), "%.300s:%u: ", property->file, property->line);
    else if (property)
        snprintf(where, sizeof(where), "-p ");
    int used = snprintf(resolver->error, YCSB_PROPERTIES_ERROR_BYTES, "%s%s=%s: ", where, property_table[id].name,
                        text_shown(value, strlen(value), shown));
    va_list args;
    va_start(args, format);
    vsnprintf(resolver->error + used, YCSB_PROPERTIES_ERROR_BYTES - (size_t)used, format, args);
    va_end(args);
    return false;
}

#define NOTE(resolver, ...) support_list_add(&(resolver)->options->notes, &(resolver)->options->note_count, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static void option(struct resolver *resolver, const char *key, const char *format,
                                                         ...)
{
    struct ycsb_translation *options = resolver->options;
    va_list args;
    va_start(args, format);
    options->options[options->count].key = key;
    vsnprintf(options->options[options->count++].value, YCSB_OPTION_BYTES, format, args);
    va_end(args);
}

static bool count_of(struct resolver *resolver, enum property_id id, uint64_t least, uint64_t most, uint64_t *value)
{
    if (quantity_parse_u64(text_of(resolver, id), QUANTITY_COUNT, value) && *value >= least && *value <= most)
        return true;
    return wrong(resolver, id, "want a whole number from %" PRIu64 " to %" PRIu64, least, most);
}

static bool number_of(struct resolver *resolver, enum property_id id, double most, double *value)
{
    if (quantity_parse_f64(text_of(resolver, id), value) && *value >= 0 && *value <= most)
        return true;
    return wrong(resolver, id, "want a number from 0 to %g", most);
}

static bool resolve_record(struct resolver *resolver)
{
    uint64_t records, fields, length;
    if (given(resolver, PROPERTY_RECORD_COUNT)) {
        if (!count_of(resolver, PROPERTY_RECORD_COUNT, 1, 1000000000000, &records))
            return false;
        option(resolver, "records", "%" PRIu64, records);
    }
    if (!count_of(resolver, PROPERTY_FIELD_COUNT, 1, 1000000, &fields) ||
        !count_of(resolver, PROPERTY_FIELD_LENGTH, 1, 1000000, &length))
        return false;
    if (fields * length < 8 || fields * length > 65528)
        return wrong(resolver, given(resolver, PROPERTY_FIELD_LENGTH) ? PROPERTY_FIELD_LENGTH : PROPERTY_FIELD_COUNT,
                     "fieldcount x fieldlength is %" PRIu64 " bytes: want 8 to 65528", fields * length);
    option(resolver, "record_bytes", "%" PRIu64, fields * length);
    if (!is(resolver, PROPERTY_FIELD_DISTRIBUTION, "constant"))
        NOTE(resolver, "fieldlengthdistribution=%.60s: not supported; all fields have fieldlength bytes",
             text_of(resolver, PROPERTY_FIELD_DISTRIBUTION));
    if (given(resolver, PROPERTY_READ_ALL) && !is(resolver, PROPERTY_READ_ALL, "true"))
        NOTE(resolver, "readallfields=%.60s: not supported; a read gives the whole record",
             text_of(resolver, PROPERTY_READ_ALL));
    if (given(resolver, PROPERTY_WRITE_ALL) && !is(resolver, PROPERTY_WRITE_ALL, "true"))
        NOTE(resolver, "writeallfields=%.60s: not supported; an update writes the whole record",
             text_of(resolver, PROPERTY_WRITE_ALL));
    if (is(resolver, PROPERTY_INSERT_ORDER, "ordered"))
        option(resolver, "load_order", "sequential");
    else if (is(resolver, PROPERTY_INSERT_ORDER, "hashed"))
        option(resolver, "load_order", "shuffled");
    else
        return wrong(resolver, PROPERTY_INSERT_ORDER, "want hashed or ordered");
    return true;
}

static bool resolve_mix(struct resolver *resolver)
{
    double read, update, insert, scan, modify;
    if (!number_of(resolver, PROPERTY_READ, 1e6, &read) || !number_of(resolver, PROPERTY_UPDATE, 1e6, &update) ||
        !number_of(resolver, PROPERTY_INSERT, 1e6, &insert) || !number_of(resolver, PROPERTY_SCAN, 1e6, &scan) ||
        !number_of(resolver, PROPERTY_MODIFY, 1e6, &modify))
        return false;
    double sum = read + update + insert + scan + modify;
    if (!(sum > 0))
        return wrong(resolver, PROPERTY_READ, "all proportions are 0");
    if (update > 0 && modify > 0)
        return wrong(resolver, PROPERTY_MODIFY,
                     "together with updateproportion=%.30s: a run has one kind of update here; set one of them to 0",
                     text_of(resolver, PROPERTY_UPDATE));
    option(resolver, "ops_per_txn", "1");
    option(resolver, "read_ratio", "%.15g", read / sum); /* YCSB too takes proportions relative to their sum */
    option(resolver, "insert_ratio", "%.15g", insert / sum);
    option(resolver, "scan_ratio", "%.15g", scan / sum);
    option(resolver, "update_kind", modify > 0 ? "rmw" : "blind");

    uint64_t least, most;
    if (scan <= 0)
        return true;
    if (!count_of(resolver, PROPERTY_SCAN_MAX, 1, 1000000, &most) ||
        !count_of(resolver, PROPERTY_SCAN_MIN, 1, 1000000, &least))
        return false;
    option(resolver, "index", "ordered");
    option(resolver, "scan_length_max", "%" PRIu64, most);
    bool follows = insert > 0 && is(resolver, PROPERTY_DISTRIBUTION, "latest");
    if (is(resolver, PROPERTY_INSERT_ORDER, "hashed") && follows)
        NOTE(resolver, "insertorder=hashed with requestdistribution=latest: not supported; keys go on in order");
    else if (is(resolver, PROPERTY_INSERT_ORDER, "hashed"))
        option(resolver, "insert_order", "hashed");
    if (least != 1)
        NOTE(resolver, "minscanlength=%" PRIu64 ": not supported; scans are 1 to maxscanlength records long", least);
    if (!is(resolver, PROPERTY_SCAN_DISTRIBUTION, "uniform"))
        NOTE(resolver, "scanlengthdistribution=%.60s: not supported; lengths are uniform",
             text_of(resolver, PROPERTY_SCAN_DISTRIBUTION));
    return true;
}

static bool resolve_distribution(struct resolver *resolver)
{
    double theta, fraction, ratio;
    if (!number_of(resolver, given(resolver, PROPERTY_ZIPFIAN_CONSTANT) ? PROPERTY_ZIPFIAN_CONSTANT : PROPERTY_THETA,
                   100, &theta))
        return false;
    if (is(resolver, PROPERTY_DISTRIBUTION, "zipfian")) {
        bool as_ycsb = fabs(theta - 0.99) < 1e-9;
        option(resolver, "distribution", as_ycsb ? "ycsb-scrambled" : "zipfian");
        option(resolver, "theta", "%.15g", theta);
        if (!as_ycsb)
            NOTE(resolver,
                 "theta %g: YCSB's scrambled zipfian knows only 0.99; taken as an exact zipfian over the records",
                 theta);
        return true;
    }
    if (is(resolver, PROPERTY_DISTRIBUTION, "latest")) {
        option(resolver, "distribution", "latest");
        option(resolver, "theta", "%.15g", theta);
        return true;
    }
    if (is(resolver, PROPERTY_DISTRIBUTION, "hotspot")) {
        if (!number_of(resolver, PROPERTY_HOT_FRACTION, 1, &fraction) ||
            !number_of(resolver, PROPERTY_HOT_RATIO, 1, &ratio))
            return false;
        option(resolver, "distribution", "hotspot");
        option(resolver, "hot_fraction", "%.15g", fraction);
        option(resolver, "hot_ratio", "%.15g", ratio);
        return true;
    }
    if (!is(resolver, PROPERTY_DISTRIBUTION, "uniform"))
        return wrong(resolver, PROPERTY_DISTRIBUTION, "not supported: want uniform, zipfian, latest or hotspot");
    option(resolver, "distribution", "uniform");
    return true;
}

/* operationcount is of all threads together. At a target, which needs a window in time, it is a length of time. */
static void resolve_operations(struct resolver *resolver, uint64_t operations, uint64_t rate)
{
    if (rate == 0) {
        option(resolver, "txns_total", "%" PRIu64, operations);
        return;
    }
    double seconds = (double)operations / (double)rate;
    option(resolver, "time", "%.15gs", seconds < 0.001 ? 0.001 : seconds);
    NOTE(resolver, "operationcount=%" PRIu64 ": at target=%" PRIu64 " a second they are a window of %g s", operations,
         rate, seconds);
}

/* As in YCSB, 0 is no limit: of operations, of time, of speed. */
static bool resolve_run(struct resolver *resolver)
{
    uint64_t threads, operations = 0, seconds = 0, rate = 0;
    if (given(resolver, PROPERTY_THREAD_COUNT)) {
        if (!count_of(resolver, PROPERTY_THREAD_COUNT, 1, 65536, &threads))
            return false;
        option(resolver, "threads", "%" PRIu64, threads);
    }
    if ((given(resolver, PROPERTY_TARGET) && !count_of(resolver, PROPERTY_TARGET, 0, 1000000000000, &rate)) ||
        (given(resolver, PROPERTY_EXECUTION_TIME) &&
         !count_of(resolver, PROPERTY_EXECUTION_TIME, 0, 1000000000, &seconds)) ||
        (given(resolver, PROPERTY_OPERATION_COUNT) &&
         !count_of(resolver, PROPERTY_OPERATION_COUNT, 0, 1000000000000000, &operations)))
        return false;
    if (rate != 0 && resolver->end && strcmp(resolver->end, "time") != 0) {
        NOTE(resolver, "target=%" PRIu64 ": not used, as --%s counts requests and a rate needs a window in time", rate,
             resolver->end);
        rate = 0;
    }
    if (rate != 0)
        option(resolver, "rate", "%" PRIu64, rate);
    if (seconds != 0 && resolver->end)
        NOTE(resolver, "maxexecutiontime=%" PRIu64 ": not used, --%s decides", seconds, resolver->end);
    if (operations != 0 && resolver->end)
        NOTE(resolver, "operationcount=%" PRIu64 ": not used, --%s decides", operations, resolver->end);
    if (resolver->end)
        return true;
    bool by_time =
        seconds != 0 && (rate == 0 || operations == 0 || (double)operations / (double)rate > (double)seconds);
    if (by_time) {
        option(resolver, "time", "%" PRIu64 "s", seconds);
        if (operations != 0)
            NOTE(resolver, "operationcount=%" PRIu64 ": not used, maxexecutiontime decides", operations);
    } else if (operations != 0) {
        resolve_operations(resolver, operations, rate);
    } else if (given(resolver, PROPERTY_OPERATION_COUNT) || given(resolver, PROPERTY_EXECUTION_TIME)) {
        NOTE(resolver, "no limit of operations or time: YCSB would never end; --time decides");
    }
    return true;
}

static void note_unknown(struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->properties->count; i++) {
        const struct property *property = &resolver->properties->items[i];
        enum property_id id = 0;
        while (id < PROPERTY_COUNT && strcmp(property->key, property_table[id].name) != 0)
            id++;
        if (id < PROPERTY_COUNT)
            continue;
        char shown[TEXT_SHOWN_BYTES];
        text_shown(property->key, strlen(property->key), shown);
        if (property->line)
            NOTE(resolver, "%.300s:%u: property %s has no counterpart here and is not used", property->file,
                 property->line, shown);
        else
            NOTE(resolver, "-p %s has no counterpart here and is not used", shown);
    }
}

bool ycsb_properties_resolve(const struct ycsb_properties *properties, const char *end,
                             struct ycsb_translation *options, char *error)
{
    struct resolver resolver = {properties, options, end, error};
    memset(options, 0, sizeof(*options));
    const char *workload = text_of(&resolver, PROPERTY_WORKLOAD), *dot = strrchr(workload, '.');
    if (strcmp(dot ? dot + 1 : workload, "CoreWorkload") != 0)
        return wrong(&resolver, PROPERTY_WORKLOAD, "only YCSB's CoreWorkload is known");
    option(&resolver, "workload", "ycsb");
    if (!resolve_record(&resolver) || !resolve_mix(&resolver) || !resolve_distribution(&resolver) ||
        !resolve_run(&resolver))
        return false;
    note_unknown(&resolver);
    return true;
}

void ycsb_translation_free(struct ycsb_translation *options)
{
    for (size_t i = 0; i < options->note_count; i++)
        free(options->notes[i]);
    free(options->notes);
    memset(options, 0, sizeof(*options));
}
