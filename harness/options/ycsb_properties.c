/* ycsb_properties.c - see ycsb_properties.h. */
#include "harness/options/ycsb_properties.h"

#include <math.h>

#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* YCSB's properties as options: type, name, YCSB's default, range. */
#define PROPERTIES(X)                                                                     \
    X(string, workload, "site.ycsb.workloads.CoreWorkload", "")                           \
    X(u64, recordcount, "1", "1..1T")                                                     \
    X(u64, operationcount, "0", "0..1000T")                                               \
    X(u64, threadcount, "1", "1..65536")                                                  \
    X(u64, target, "0", "0..1T")                                                          \
    X(u64, maxexecutiontime, "0", "0..1G")                                                \
    X(u64, fieldcount, "10", "1..1M")                                                     \
    X(u64, fieldlength, "100", "1..1M")                                                   \
    X(string, fieldlengthdistribution, "constant", "")                                    \
    X(string, readallfields, "true", "")                                                  \
    X(string, writeallfields, "false", "")                                                \
    X(f64, readproportion, "0.95", "0..1e6")                                              \
    X(f64, updateproportion, "0.05", "0..1e6")                                            \
    X(f64, insertproportion, "0", "0..1e6")                                               \
    X(f64, scanproportion, "0", "0..1e6")                                                 \
    X(f64, readmodifywriteproportion, "0", "0..1e6")                                      \
    X(enum, requestdistribution, "uniform", "uniform|zipfian|latest|hotspot|exponential") \
    X(f64, theta, "0.99", "0..100")                                                       \
    X(f64, zipfianconstant, "0.99", "0..100")                                             \
    X(f64, hotspotdatafraction, "0.2", "0..1")                                            \
    X(f64, hotspotopnfraction, "0.8", "0..1")                                             \
    X(f64, exponential_percentile, "95", "0..100")                                        \
    X(f64, exponential_frac, "0.8571428571", "0..1")                                      \
    X(u64, minscanlength, "1", "1..1M")                                                   \
    X(u64, maxscanlength, "1000", "1..1M")                                                \
    X(string, scanlengthdistribution, "uniform", "")                                      \
    X(enum, insertorder, "hashed", "hashed|ordered")

enum { KEYS_UNIFORM, KEYS_ZIPFIAN, KEYS_LATEST, KEYS_HOTSPOT, KEYS_EXPONENTIAL };
enum { INSERTS_HASHED, INSERTS_ORDERED };

struct values {
    PROPERTIES(OPTION_FIELD)
};

#define PROPERTY_ID(type, name, default_value, range) PROPERTY_##name,
enum property_id { PROPERTIES(PROPERTY_ID) PROPERTY_COUNT };

#define PROPERTY_SPEC(type, name, default_value, range) {#name, OPTION_##type, default_value, range, "", "", ""},
static const struct option_spec specs[] = {PROPERTIES(PROPERTY_SPEC) OPTION_END};

/* ---- The format. ---- */

static const char blanks[] = " \t\f\r";

static const char *blanks_skip(const char *text)
{
    return text + strspn(text, blanks);
}

static bool put_line(struct option_pairs *properties, char *line, const char *name, unsigned number, char *error)
{
    const char *key = blanks_skip(line);
    size_t key_bytes = strcspn(key, "=: \t\f\r");
    if (*key == '\0' || *key == '#' || *key == '!')
        return true;
    if (key_bytes == 0 || strchr(key, '\\') != NULL) {
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES, "%.300s:%u: '%s': %s", name, number, text_shown(line),
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
    SUPPORT_FREED char *name_text = support_format("%.*s", (int)key_bytes, key),
                       *value_text = support_format("%.*s", (int)bytes, value);
    option_pairs_put(properties, name_text, value_text, support_format("%.300s:%u: ", name, number));
    return true;
}

bool ycsb_properties_parse(struct option_pairs *properties, const char *name, const char *text, size_t bytes,
                           char *error)
{
    if (memchr(text, '\0', bytes))
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES, "%.300s: holds a NUL byte: this is not a text file",
                             name);
    SUPPORT_FREED char *copy = support_format("%.*s", (int)bytes, text);
    char *rest = copy, *line;
    for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++)
        if (!put_line(properties, line, name, number, error))
            return false;
    return true;
}

bool ycsb_properties_read(struct option_pairs *properties, const char *path, char *error)
{
    size_t bytes;
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, false, &bytes, error, YCSB_PROPERTIES_ERROR_BYTES);
    return text && ycsb_properties_parse(properties, path, text, bytes, error);
}

bool ycsb_properties_add(struct option_pairs *properties, const char *assignment, char *error)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return support_error(error, YCSB_PROPERTIES_ERROR_BYTES,
                             "-p '%s': want KEY=VALUE, for example recordcount=1000000", text_shown(assignment));
    SUPPORT_FREED char *key = support_format("%.*s", (int)(equals - assignment), assignment);
    option_pairs_put(properties, key, equals + 1, support_copy("-p "));
    return true;
}

/* ---- What they mean here. ---- */

struct resolver {
    const struct option_pairs *properties;
    struct values values;
    const struct option_pair *given[PROPERTY_COUNT]; /* NULL: the default */
    struct ycsb_translation *options;
    const char *end; /* the option that decides when the run ends; NULL: the properties do */
    char *error;
};

/* The message begins with the property's place, name and value. */
static bool wrong(struct resolver *resolver, enum property_id id, const char *what)
{
    const struct option_pair *property = resolver->given[id];
    const char *value = property ? property->value : specs[id].default_value;
    return support_error(resolver->error, YCSB_PROPERTIES_ERROR_BYTES, "%s%s=%s: %s", property ? property->where : "",
                         specs[id].name, text_shown(value), what);
}

#define NOTE(resolver, ...) support_list_add(&(resolver)->options->notes, __VA_ARGS__)

#define OPTION(resolver, key, ...) option_pairs_add(&(resolver)->options->options, key, support_short(__VA_ARGS__))

/* The property of that name, PROPERTY_COUNT if it is none; YCSB's names have dots where these have underscores. */
static size_t property_find(const char *key)
{
    SUPPORT_FREED char *name = support_copy(key);
    for (char *at = name; (at = strchr(at, '.')) != NULL;)
        *at = '_';
    return strchr(key, '_') == NULL ? option_find(specs, name) : PROPERTY_COUNT;
}

/* Reads what was given into `values`. */
static bool resolve_values(struct resolver *resolver)
{
    char why[YCSB_PROPERTIES_ERROR_BYTES / 2];
    if (!option_values_init(specs, &resolver->values, why, sizeof(why)))
        return support_error(resolver->error, YCSB_PROPERTIES_ERROR_BYTES, "YCSB's properties: %s", why);
    for (size_t i = 0; i < resolver->properties->count; i++) {
        const struct option_pair *property = &resolver->properties->items[i];
        size_t id = property_find(property->key);
        if (id == PROPERTY_COUNT)
            continue;
        resolver->given[id] = property;
        if (!option_set(specs, id, property->value, &resolver->values, why, sizeof(why)))
            return wrong(resolver, (enum property_id)id, why);
    }
    return true;
}

/* What a record of several fields is here. */
static void resolve_fields(struct resolver *resolver)
{
    const struct values *values = &resolver->values;
    const char *lengths = values->fieldlengthdistribution;
    bool vary = strcmp(lengths, "uniform") == 0 || strcmp(lengths, "zipfian") == 0;
    if (!vary && strcmp(lengths, "constant") != 0)
        NOTE(resolver, "fieldlengthdistribution=%.60s: not supported; all fields have fieldlength bytes", lengths);
    if ((values->fieldcount > 1 || vary) && (values->fieldlength < 16 || values->fieldcount > 1024)) {
        NOTE(resolver,
             "fieldcount=%" PRIu64 ", fieldlength=%" PRIu64
             ": want 1024 fields at most, of 16 bytes at least; a record is of one field",
             values->fieldcount, values->fieldlength);
        return;
    }
    if (vary) {
        OPTION(resolver, "field_lengths", "%s", lengths);
        NOTE(resolver, "fieldlengthdistribution=%s: lengths begin at 16 bytes, and a field keeps its own", lengths);
    }
    if (values->fieldcount == 1)
        return;
    OPTION(resolver, "fields", "%" PRIu64, values->fieldcount);
    if (strcmp(values->readallfields, "true") != 0)
        OPTION(resolver, "read_fields", "one");
    if (strcmp(values->readallfields, "true") != 0 && values->scanproportion > 0)
        NOTE(resolver, "readallfields=%.60s: a scan reads whole records", values->readallfields);
    if (strcmp(values->writeallfields, "true") != 0)
        OPTION(resolver, "update_fields", "one");
}

static bool resolve_record(struct resolver *resolver)
{
    const struct values *values = &resolver->values;
    if (resolver->given[PROPERTY_recordcount])
        OPTION(resolver, "records", "%" PRIu64, values->recordcount);
    uint64_t bytes = values->fieldcount * values->fieldlength;
    if (bytes < 8 || bytes > 65528)
        return wrong(resolver, resolver->given[PROPERTY_fieldlength] ? PROPERTY_fieldlength : PROPERTY_fieldcount,
                     support_short("fieldcount x fieldlength is %" PRIu64 " bytes: want 8 to 65528", bytes));
    OPTION(resolver, "record_bytes", "%" PRIu64, bytes);
    resolve_fields(resolver);
    OPTION(resolver, "load_order", "%s", values->insertorder == INSERTS_ORDERED ? "sequential" : "shuffled");
    return true;
}

static void resolve_scans(struct resolver *resolver)
{
    const struct values *values = &resolver->values;
    if (values->scanproportion <= 0)
        return;
    OPTION(resolver, "index", "ordered");
    OPTION(resolver, "scan_length_max", "%" PRIu64, values->maxscanlength);
    bool follows = values->insertproportion > 0 &&
                   (values->requestdistribution == KEYS_LATEST || values->requestdistribution == KEYS_EXPONENTIAL);
    if (values->insertorder == INSERTS_HASHED && follows)
        NOTE(resolver, "insertorder=hashed with requestdistribution=%s: not supported; keys go on in order",
             values->requestdistribution == KEYS_LATEST ? "latest" : "exponential");
    else if (values->insertorder == INSERTS_HASHED)
        OPTION(resolver, "insert_order", "hashed");
    if (values->minscanlength != 1)
        NOTE(resolver, "minscanlength=%" PRIu64 ": not supported; scans are 1 to maxscanlength records long",
             values->minscanlength);
    if (strcmp(values->scanlengthdistribution, "uniform") != 0)
        NOTE(resolver, "scanlengthdistribution=%.60s: not supported; lengths are uniform",
             values->scanlengthdistribution);
}

static bool resolve_mix(struct resolver *resolver)
{
    const struct values *values = &resolver->values;
    double modify = values->readmodifywriteproportion;
    double sum =
        values->readproportion + values->updateproportion + values->insertproportion + values->scanproportion + modify;
    if (!(sum > 0))
        return wrong(resolver, PROPERTY_readproportion, "all proportions are 0");
    OPTION(resolver, "ops_per_txn", "1");
    /* YCSB too takes proportions relative to their sum */
    OPTION(resolver, "read_ratio", "%.15g", values->readproportion / sum);
    OPTION(resolver, "insert_ratio", "%.15g", values->insertproportion / sum);
    OPTION(resolver, "scan_ratio", "%.15g", values->scanproportion / sum);
    bool only_modify = modify > 0 && values->updateproportion <= 0;
    OPTION(resolver, "update_kind", "%s", only_modify ? "rmw" : "blind");
    if (modify > 0 && !only_modify)
        OPTION(resolver, "modify_ratio", "%.15g", modify / sum);
    resolve_scans(resolver);
    return true;
}

static void resolve_distribution(struct resolver *resolver)
{
    static const char *const names[] = {[KEYS_UNIFORM] = "uniform",
                                        [KEYS_ZIPFIAN] = "zipfian",
                                        [KEYS_LATEST] = "latest",
                                        [KEYS_HOTSPOT] = "hotspot",
                                        [KEYS_EXPONENTIAL] = "exponential"};
    const struct values *values = &resolver->values;
    unsigned keys = values->requestdistribution;
    double theta = resolver->given[PROPERTY_zipfianconstant] ? values->zipfianconstant : values->theta;
    bool as_ycsb = fabs(theta - 0.99) < 1e-9;
    OPTION(resolver, "distribution", "%s", keys == KEYS_ZIPFIAN && as_ycsb ? "ycsb-scrambled" : names[keys]);
    if (keys == KEYS_ZIPFIAN || keys == KEYS_LATEST)
        OPTION(resolver, "theta", "%.15g", theta);
    if (keys == KEYS_ZIPFIAN && !as_ycsb)
        NOTE(resolver, "theta %g: YCSB's scrambled zipfian knows only 0.99; taken as an exact zipfian over the records",
             theta);
    if (keys == KEYS_HOTSPOT) {
        OPTION(resolver, "hot_fraction", "%.15g", values->hotspotdatafraction);
        OPTION(resolver, "hot_ratio", "%.15g", values->hotspotopnfraction);
    }
    if (keys == KEYS_EXPONENTIAL) {
        OPTION(resolver, "exp_ratio", "%.15g", values->exponential_percentile / 100);
        OPTION(resolver, "exp_fraction", "%.15g", values->exponential_frac);
    }
}

/* As in YCSB, 0 is no limit: of operations, of time, of speed. */
static void resolve_run(struct resolver *resolver)
{
    const struct values *values = &resolver->values;
    uint64_t operations = values->operationcount, seconds = values->maxexecutiontime, rate = values->target;
    if (resolver->given[PROPERTY_threadcount])
        OPTION(resolver, "threads", "%" PRIu64, values->threadcount);
    if (rate != 0)
        OPTION(resolver, "rate", "%" PRIu64, rate);
    if (seconds != 0 && resolver->end)
        NOTE(resolver, "maxexecutiontime=%" PRIu64 ": not used, --%s decides", seconds, resolver->end);
    if (operations != 0 && resolver->end)
        NOTE(resolver, "operationcount=%" PRIu64 ": not used, --%s decides", operations, resolver->end);
    if (resolver->end)
        return;
    bool by_time =
        seconds != 0 && (rate == 0 || operations == 0 || (double)operations / (double)rate > (double)seconds);
    if (by_time) {
        OPTION(resolver, "time", "%" PRIu64 "s", seconds);
        if (operations != 0)
            NOTE(resolver, "operationcount=%" PRIu64 ": not used, maxexecutiontime decides", operations);
    } else if (operations != 0) {
        OPTION(resolver, "txns_total", "%" PRIu64, operations); /* of all threads together */
    } else if (resolver->given[PROPERTY_operationcount] || resolver->given[PROPERTY_maxexecutiontime]) {
        NOTE(resolver, "no limit of operations or time: YCSB would never end; --time decides");
    }
}

static void note_unknown(struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->properties->count; i++) {
        const struct option_pair *property = &resolver->properties->items[i];
        if (property_find(property->key) != PROPERTY_COUNT)
            continue;
        NOTE(resolver, "%s%s: this property has no counterpart here and is not used", property->where,
             text_shown(property->key));
    }
}

static bool resolve_all(struct resolver *resolver)
{
    if (!resolve_values(resolver))
        return false;
    const char *workload = resolver->values.workload, *dot = strrchr(workload, '.');
    if (strcmp(dot ? dot + 1 : workload, "CoreWorkload") != 0)
        return wrong(resolver, PROPERTY_workload, "only YCSB's CoreWorkload is known");
    OPTION(resolver, "workload", "ycsb");
    if (!resolve_record(resolver) || !resolve_mix(resolver))
        return false;
    resolve_distribution(resolver);
    resolve_run(resolver);
    note_unknown(resolver);
    return true;
}

bool ycsb_properties_resolve(const struct option_pairs *properties, const char *end, struct ycsb_translation *options,
                             char *error)
{
    struct resolver resolver = {.properties = properties, .options = options, .end = end, .error = error};
    memset(options, 0, sizeof(*options));
    bool good = resolve_all(&resolver);
    option_values_clear(specs, &resolver.values);
    return good;
}

void ycsb_translation_free(struct ycsb_translation *options)
{
    support_list_free(&options->notes);
    option_pairs_free(&options->options);
}
