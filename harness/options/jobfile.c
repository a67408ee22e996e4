/*
 * jobfile.c - see jobfile.h.
 *
 * Reading fills sections of entries (a key and its list of values), includes in place; expanding then walks the product
 * of each section's lists. The texts that points refer to stand in one list.
 */
#include "harness/options/jobfile.h"

#include <ctype.h>
#include <math.h>
#include <sys/stat.h>

#include "harness/common/nearest.h"
#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 16 << 20, INCLUDE_DEPTH_MAX = 32 };

struct entry {
    char *key;
    const char *file;
    unsigned line;
    size_t value_count;
    char **values;
};

struct section {
    char *name;
    const char *file;
    unsigned line;
    bool is_note;
    size_t count;
    struct entry *entries;
};

/* A file being read, and the one that includes it. */
struct source {
    const struct source *includer;
    const char *name;
    unsigned line;
    bool known; /* device and inode are */
    dev_t device;
    ino_t inode;
};

struct reader {
    const struct jobfile_rules *rules;
    struct support_list texts; /* what points refer to */
    char *error;
    size_t section_count;
    struct section *sections; /* the first is [global] */
    size_t current;
    struct source *source; /* where it is */
};

/* ---- Small things. ---- */

#define WRONG(reader, ...) \
    support_error_at((reader)->error, JOBFILE_ERROR_BYTES, (reader)->source->name, (reader)->source->line, __VA_ARGS__)

/* ---- Unknown keys. ---- */

static bool check_key(struct reader *reader, const char *key)
{
    const struct jobfile_rules *rules = reader->rules;
    if (!rules->key_at)
        return true;
    struct nearest nearest = {.wanted = key};
    const char *known;
    for (size_t i = 0; (known = rules->key_at(i)) != NULL; i++) {
        if (strcmp(known, "set") == 0) {
            if (strncmp(key, "set.", 4) == 0 && key[4])
                return true;
            if (strcmp(key, "set") == 0)
                return WRONG(reader, "key 'set': write set.NAME = VALUE, for example set.sort_writes = off");
        }
        if (strcmp(known, key) == 0)
            return true;
        nearest_offer(&nearest, known);
    }
    const char *shown = text_shown(key);
    if (nearest_name(&nearest))
        return WRONG(reader, "unknown key '%s': did you mean '%s'?", shown, nearest_name(&nearest));
    return WRONG(reader, "unknown key '%s': keys are the options of `maemio run`, see `maemio list options`", shown);
}

/* ---- Values. ---- */

/* The text stays with the job file. */
static bool add_value(struct reader *reader, struct entry *entry, char *value)
{
    char why[JOBFILE_ERROR_BYTES];
    if (entry->value_count == JOBFILE_VALUES_MAX)
        return WRONG(reader, "key '%s': more than %d values", entry->key, JOBFILE_VALUES_MAX);
    for (size_t i = 0; i < entry->value_count; i++)
        if (strcmp(entry->values[i], value) == 0)
            return WRONG(reader, "key '%s': value '%s' is in the list twice", entry->key, text_shown(value));
    if (*value != '$' && reader->rules->check && !reader->rules->check(entry->key, value, why))
        return WRONG(reader, "key '%s': %s", entry->key, why);
    entry->values = support_more(entry->values, entry->value_count, sizeof(char *));
    entry->values[entry->value_count++] = value;
    return true;
}

/* A number without sign or exponent, the word `cores`, or both as in 2cores; moves *text past it. */
static bool range_number(const struct jobfile_rules *rules, const char **text, double *value, bool *whole)
{
    if (strncmp(*text, "cores", 5) == 0) {
        *text += 5;
        *value = rules->cores;
        return rules->cores > 0;
    }
    const char *end = *text + strspn(*text, "0123456789");
    if (end == *text || end - *text > 15)
        return false;
    if (*end == '.' && isdigit((unsigned char)end[1])) {
        *whole = false;
        end += 1 + strspn(end + 1, "0123456789");
    }
    bool times_cores = strncmp(end, "cores", 5) == 0;
    *value = strtod(*text, NULL) * (times_cores ? rules->cores : 1); /* more than the digits: then no range follows */
    *text = times_cores ? end + 5 : end;
    return !times_cores || rules->cores > 0;
}

static bool add_number(struct reader *reader, struct entry *entry, double value, bool whole)
{
    return add_value(reader, entry, support_list_add(&reader->texts, whole ? "%.0f" : "%.12g", value));
}

/* lo..hi, lo..hi+step, lo..hi*factor */
static bool add_range(struct reader *reader, struct entry *entry, const char *item)
{
    const char *rest = item;
    double low, high, by = 1;
    bool whole = true, geometric = false;
    bool good = range_number(reader->rules, &rest, &low, &whole) && strncmp(rest, "..", 2) == 0;
    if (good) {
        rest += 2;
        good = range_number(reader->rules, &rest, &high, &whole);
    }
    if (good && (*rest == '+' || *rest == '*')) {
        geometric = *rest++ == '*';
        good = range_number(reader->rules, &rest, &by, &whole);
    }
    const char *shown = text_shown(item);
    if (!good || *rest)
        return WRONG(reader,
                     "key '%s': '%s' is no range: want 1..8, 1..cores, 0..1+0.25 or 1..64*2, in plain digits "
                     "(or \"...\" around a text)",
                     entry->key, shown);
    if (low > high)
        return WRONG(reader, "key '%s': range '%s' ends before it begins", entry->key, shown);
    if (geometric ? !(by > 1) || !(low > 0) : !(by > 0))
        return WRONG(reader, "key '%s': range '%s' never ends: want %s", entry->key, shown,
                     geometric ? "a factor above 1 and a beginning above 0" : "a step above 0");
    if (!geometric && (high - low) / by >= JOBFILE_VALUES_MAX)
        return WRONG(reader, "key '%s': range '%s' has more than %d values", entry->key, shown, JOBFILE_VALUES_MAX);

    if (geometric) {
        /* A factor just above 1 can make more values than fit: add_value says so. */
        for (double value = low; value < high * (1 - 1e-12); value = value * by)
            if (!add_number(reader, entry, whole ? floor(value) : value, whole))
                return false;
        return add_number(reader, entry, high, whole);
    }
    size_t steps = (size_t)((high - low) / by + 1e-9);
    for (size_t i = 0; i <= steps; i++)
        if (!add_number(reader, entry, low + (double)i * by, whole))
            return false;
    return true;
}

static bool add_plain(struct reader *reader, struct entry *entry, char *item)
{
    double cores;
    bool whole = true;
    const char *rest = item;
    if (*item == '\0')
        return WRONG(reader, "key '%s': a value is missing; write \"\" for an empty one", entry->key);
    if (strchr(item, '"') != NULL)
        return WRONG(reader, "key '%s': '%s': a quote must stand around the whole value", entry->key, text_shown(item));
    if (strstr(item, "cores") && range_number(reader->rules, &rest, &cores, &whole) && *rest == '\0')
        return add_number(reader, entry, cores, whole);
    if (strstr(item, "..") && (isdigit((unsigned char)*item) || strncmp(item, "cores", 5) == 0))
        return add_range(reader, entry, item);
    return add_value(reader, entry, item);
}

/* A quoted item at *rest, past its opening quote; *rest is then past the comma behind it, or NULL. */
static bool add_quoted(struct reader *reader, struct entry *entry, char **rest)
{
    char *value = *rest, *out = value, *at = value;
    for (; *at != '\0' && *at != '"'; at++) {
        at += *at == '\\' && (at[1] == '"' || at[1] == '\\');
        *out++ = *at;
    }
    if (*at == '\0')
        return WRONG(reader, "key '%s': the closing quote is missing", entry->key);
    char *after = support_trimmed(at + 1);
    *out = '\0';
    if (*after != '\0' && *after != ',')
        return WRONG(reader, "key '%s': after a closing quote only a comma or a comment may follow", entry->key);
    *rest = *after == ',' ? after + 1 : NULL;
    return add_value(reader, entry, value);
}

static bool add_values(struct reader *reader, struct entry *entry, char *rest)
{
    bool good = true;
    while (good && rest != NULL) {
        rest = support_trimmed(rest);
        if (*rest == '"') {
            rest++;
            good = add_quoted(reader, entry, &rest);
        } else {
            char *item = strsep(&rest, ",");
            good = add_plain(reader, entry, support_trimmed(item));
        }
    }
    return good;
}

/* ---- Lines. ---- */

static bool read_text(struct reader *reader, const char *text, size_t bytes);

/* Which file it is, by whatever name. */
static void identify(struct source *source)
{
    struct stat info;
    source->known = stat(source->name, &info) == 0;
    if (source->known) {
        source->device = info.st_dev;
        source->inode = info.st_ino;
    }
}

static bool include_file(struct reader *reader, const char *path)
{
    struct source *source = reader->source;
    unsigned depth = 1;
    for (const struct source *s = source->includer; s; s = s->includer)
        if (++depth == INCLUDE_DEPTH_MAX)
            return WRONG(reader, "key 'include': more than %d files deep", INCLUDE_DEPTH_MAX);

    const char *slash = *path == '/' ? NULL : strrchr(source->name, '/');
    int folder_bytes = slash ? (int)(slash - source->name) + 1 : 0;
    SUPPORT_FREED char *full = support_format("%.*s%s", folder_bytes, source->name, path), *text = NULL;
    struct source included = {.includer = source, .name = support_list_add(&reader->texts, "%s", full)};
    identify(&included);
    for (const struct source *s = source; s; s = s->includer)
        if (included.known && s->known && s->device == included.device && s->inode == included.inode)
            return WRONG(reader, "key 'include': %.200s is being read already: the includes go in a circle", full);
    char why[JOBFILE_ERROR_BYTES / 2];
    size_t bytes;
    text = text_file_read(full, FILE_BYTES_MAX, true, &bytes, why, sizeof(why));
    if (!text)
        return WRONG(reader, "key 'include': %s", why);
    size_t current = reader->current;
    reader->source = &included;
    bool good = read_text(reader, text, bytes);
    reader->source = source;
    reader->current = current;
    return good;
}

static bool read_include(struct reader *reader, struct entry *entry)
{
    for (size_t i = 0; i < entry->value_count; i++)
        if (!include_file(reader, entry->values[i]))
            return false;
    return true;
}

static bool is_note(const char *section)
{
    return strcmp(section, "figure") == 0 || strncmp(section, "claim ", 6) == 0;
}

static bool read_header(struct reader *reader, char *line)
{
    size_t bytes = strlen(line);
    if (bytes < 2 || line[bytes - 1] != ']')
        return WRONG(reader, "'%s': a section's header ends with ]", text_shown(line));
    line[bytes - 1] = '\0';
    char *name = support_trimmed(line + 1);
    const char *shown = text_shown(name);
    if (*name == '\0')
        return WRONG(reader, "a section needs a name");
    for (const char *c = name; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c) || strchr("[],\"", *c))
            return WRONG(reader, "section '%s': the name holds a character it may not: [ ] , \" or a control character",
                         shown);

    for (size_t i = 0; i < reader->section_count; i++) {
        struct section *section = &reader->sections[i];
        if (strcmp(section->name, name) != 0)
            continue;
        if (i > 0 && section->file == reader->source->name)
            return WRONG(reader, "section [%s] is there twice, first in line %u", shown, section->line);
        reader->current = i;
        return true;
    }
    reader->sections = support_more(reader->sections, reader->section_count, sizeof(*reader->sections));
    reader->current = reader->section_count++;
    reader->sections[reader->current] = (struct section){
        .name = name, .file = reader->source->name, .line = reader->source->line, .is_note = is_note(name)};
    return true;
}

/* The key with underscores for dashes. */
static bool read_key(struct reader *reader, char *key)
{
    char *c = key;
    for (; isalnum((unsigned char)*c) || (*c != '\0' && strchr("-_.", *c)); c++)
        *c = *c == '-' ? '_' : *c;
    return (*key != '\0' && *c == '\0') ||
           WRONG(reader, "'%s' is no key: want letters, digits, - _ or . before the =", text_shown(key));
}

/* Puts the entry into the current section: in the place of one of the same key from another file, else at the end. */
static bool place_entry(struct reader *reader, const struct entry *entry)
{
    struct section *section = &reader->sections[reader->current];
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->entries[i].key, entry->key) != 0)
            continue;
        if (section->entries[i].file == reader->source->name)
            return WRONG(reader, "key '%s' is given twice, first in line %u; write a list to run several values",
                         entry->key, section->entries[i].line);
        free(section->entries[i].values);
        section->entries[i] = *entry;
        return true;
    }
    section->entries = support_more(section->entries, section->count, sizeof(*section->entries));
    section->entries[section->count++] = *entry;
    return true;
}

static bool read_assignment(struct reader *reader, char *line)
{
    char *values = strchr(line, '=');
    if (!values)
        return WRONG(reader, "'%s': want `key = value`, a [section] or a # comment", text_shown(line));
    *values++ = '\0';
    struct entry entry = {.key = support_trimmed(line), .file = reader->source->name, .line = reader->source->line};
    if (!read_key(reader, entry.key))
        return false;

    bool is_include = strcmp(entry.key, "include") == 0,
         is_plain = is_include || reader->sections[reader->current].is_note;
    const struct jobfile_rules *rules = reader->rules, plain = {0};
    if (!is_plain && !check_key(reader, entry.key))
        return false;
    if (is_plain)
        reader->rules = &plain; /* names of files and notes: no check, no cores */
    bool good = add_values(reader, &entry, values);
    reader->rules = rules;
    if (good)
        good = is_include ? read_include(reader, &entry) : place_entry(reader, &entry);
    if (!good || is_include)
        free(entry.values);
    return good;
}

/* Where a comment begins, else the line's end: a # at the beginning or after white space, outside quotes. */
static char *comment_of(char *line)
{
    bool quoted = false;
    char *at = line;
    for (; *at != '\0'; at++)
        if (*at == '\\' && quoted && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (*at == '#' && !quoted && (at == line || isspace((unsigned char)at[-1])))
            break;
    return at;
}

/* Whether the list in this line goes on in the next one: the line ends with a comma, which no comment follows. */
static bool goes_on(char *line)
{
    char *end = comment_of(line);
    if (*end != '\0')
        return false;
    while (end > line && isspace((unsigned char)end[-1]))
        end--;
    return end > line && end[-1] == ',';
}

/* Keys, values and names of sections point into a copy of the text, which the job file keeps. */
static bool read_text(struct reader *reader, const char *text, size_t bytes)
{
    bool marked = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0; /* a byte order mark */
    char *rest = support_list_add(&reader->texts, "%.*s", (int)bytes, text) + (marked ? 3 : 0), *line;
    bool has_nul = strlen(rest) != bytes - (marked ? 3 : 0);
    while ((line = strsep(&rest, "\n")) != NULL) {
        unsigned more = 0;
        reader->source->line++;
        for (char *part = line; rest != NULL && goes_on(part); more++) {
            part = rest;
            rest[-1] = '\n';
            (void)strsep(&rest, "\n");
        }
        if (rest == NULL && has_nul) /* no text goes on after it */
            return WRONG(reader, "the line holds a NUL byte: this is not a text file");
        *comment_of(line) = '\0';
        line = support_trimmed(line);
        if (*line != '\0' && !(*line == '[' ? read_header(reader, line) : read_assignment(reader, line)))
            return false;
        reader->source->line += more;
    }
    return true;
}

/* ---- Expanding. ---- */

static int by_key(const void *left, const void *right)
{
    return strcmp(((const struct jobfile_setting *)left)->key, ((const struct jobfile_setting *)right)->key);
}

static uint64_t point_hash(const struct jobfile_point *point)
{
    SUPPORT_FREED struct jobfile_setting *sorted = support_alloc((point->count + 1) * sizeof(*sorted));
    memcpy(sorted, point->settings, point->count * sizeof(*sorted));
    qsort(sorted, point->count, sizeof(*sorted), by_key);
    uint64_t hash = support_hash(SUPPORT_HASH_BEGIN, point->section, strlen(point->section) + 1);
    for (size_t i = 0; i < point->count; i++) {
        hash = support_hash(hash, sorted[i].key, strlen(sorted[i].key) + 1);
        hash = support_hash(hash, sorted[i].value, strlen(sorted[i].value) + 1);
    }
    return hash;
}

/* The section's entries over the global ones, which keep their places, into `all`. Returns how many. */
static size_t inherit(const struct section *global, const struct section *section, const struct entry **all)
{
    size_t count = 0;
    for (size_t i = 0; i < global->count; i++)
        all[count++] = &global->entries[i];
    for (size_t i = 0; section != global && i < section->count; i++) {
        size_t place = 0;
        while (place < global->count && strcmp(global->entries[place].key, section->entries[i].key) != 0)
            place++;
        all[place < global->count ? place : count++] = &section->entries[i];
    }
    MAE_CHECK(count <= global->count + section->count);
    return count;
}

/* Puts the values of other keys in the place of $key. */
static bool resolve_references(struct reader *reader, struct jobfile_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = settings[i].value;
        if (*value != '$')
            continue;
        size_t other = 0;
        while (other < count && strcmp(settings[other].key, value + 1) != 0)
            other++;
        struct source place = {.name = settings[i].file, .line = settings[i].line};
        reader->source = &place;
        char why[JOBFILE_ERROR_BYTES];
        if (other == count || other == i || *settings[other].value == '$')
            return WRONG(reader, "key '%s': '%s': want $ and another key that has a value of its own here",
                         settings[i].key, text_shown(value));
        settings[i].value = settings[other].value;
        if (reader->rules->check && !reader->rules->check(settings[i].key, settings[i].value, why))
            return WRONG(reader, "key '%s': %s", settings[i].key, why);
    }
    return true;
}

static bool add_point(struct reader *reader, struct jobfile *jobfile, const struct section *section,
                      const struct entry *const *entries, size_t count, size_t number)
{
    MAE_CHECK(jobfile->count < JOBFILE_POINTS_MAX);
    struct jobfile_setting *settings = support_alloc((count + 1) * sizeof(*settings));
    struct jobfile_point *point = &jobfile->points[jobfile->count++];
    *point = (struct jobfile_point){.section = section->name, .count = count, .settings = settings};
    for (size_t i = count; i-- > 0; number /= entries[i]->value_count) /* the last key changes fastest */
        settings[i] = (struct jobfile_setting){entries[i]->key, entries[i]->values[number % entries[i]->value_count],
                                               entries[i]->file, entries[i]->line};
    MAE_CHECK(number == 0); /* every digit of the point has become a value */
    if (!resolve_references(reader, settings, count))
        return false;
    point->hash = point_hash(point);
    return true;
}

static bool expand_section(struct reader *reader, struct jobfile *jobfile, const struct section *section)
{
    const struct section *global = &reader->sections[0];
    SUPPORT_FREED const struct entry **entries = support_alloc((global->count + section->count + 1) * sizeof *entries);
    size_t count = inherit(global, section, entries), points = 1;
    for (size_t i = 0; i < count && points <= JOBFILE_POINTS_MAX; i++)
        points *= entries[i]->value_count;
    MAE_CHECK(count == 0 || points > 0); /* no list is empty */
    if (jobfile->count + points > JOBFILE_POINTS_MAX) {
        struct source place = {.name = section->file, .line = section->line};
        reader->source = &place;
        return WRONG(reader, "section [%s] takes the file beyond %d points: shorten a list", text_shown(section->name),
                     JOBFILE_POINTS_MAX);
    }
    bool good = true;
    jobfile->points = support_realloc(jobfile->points, (jobfile->count + points) * sizeof(*jobfile->points));
    for (size_t i = 0; good && i < points; i++)
        good = add_point(reader, jobfile, section, entries, count, i);
    return good;
}

/* A note has a text for each key: a list, which may go on in the next line, is joined by blanks. */
static void add_note(struct reader *reader, struct jobfile *jobfile, const struct section *section)
{
    struct jobfile_setting *settings = support_alloc((section->count + 1) * sizeof(*settings));
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        SUPPORT_FREED struct support_text text = {0};
        for (size_t k = 0; k < entry->value_count; k++)
            support_text_add(&text, "%s%s", k == 0 ? "" : " ", entry->values[k]);
        settings[i] = (struct jobfile_setting){entry->key, support_list_add(&reader->texts, "%s", text.text),
                                               entry->file, entry->line};
    }
    jobfile->notes = support_more(jobfile->notes, jobfile->note_count, sizeof(*jobfile->notes));
    jobfile->notes[jobfile->note_count++] =
        (struct jobfile_note){section->name, section->file, section->line, section->count, settings};
}

static bool expand(struct reader *reader, struct jobfile *jobfile, const char *name)
{
    size_t sections = 0;
    for (size_t i = 1; i < reader->section_count; i++) {
        if (reader->sections[i].is_note)
            add_note(reader, jobfile, &reader->sections[i]);
        else if (!expand_section(reader, jobfile, &reader->sections[i]))
            return false;
        sections += !reader->sections[i].is_note;
    }
    if (sections > 0)
        return true;
    if (reader->sections[0].count > 0)
        return expand_section(reader, jobfile, &reader->sections[0]);
    snprintf(reader->error, JOBFILE_ERROR_BYTES, "%.300s: nothing to run: no section and no key", name);
    return false;
}

struct jobfile *jobfile_parse(const char *name, const char *text, size_t bytes, const struct jobfile_rules *rules,
                              char *error)
{
    struct reader reader = {.rules = rules, .error = error};
    struct source source = {.name = support_list_add(&reader.texts, "%s", name)};
    reader.source = &source;
    identify(&source);
    reader.sections = support_more(NULL, 0, sizeof(*reader.sections));
    reader.sections[0] =
        (struct section){.name = support_list_add(&reader.texts, "global"), .file = source.name, .line = 1};
    reader.section_count = 1;

    struct jobfile *jobfile = support_alloc(sizeof(*jobfile));
    bool good = read_text(&reader, text, bytes) && expand(&reader, jobfile, source.name);
    for (size_t i = 0; i < reader.section_count; i++) {
        for (size_t k = 0; k < reader.sections[i].count; k++)
            free(reader.sections[i].entries[k].values);
        free(reader.sections[i].entries);
    }
    free(reader.sections);
    jobfile->texts = reader.texts;
    if (good)
        return jobfile;
    jobfile_destroy(jobfile);
    return NULL;
}

struct jobfile *jobfile_read(const char *path, const struct jobfile_rules *rules, char *error)
{
    size_t bytes;
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, false, &bytes, error, JOBFILE_ERROR_BYTES);
    return text ? jobfile_parse(path, text, bytes, rules, error) : NULL;
}

const struct jobfile_setting *jobfile_setting(const struct jobfile_point *point, const char *key)
{
    for (size_t i = 0; i < point->count; i++)
        if (strcmp(point->settings[i].key, key) == 0)
            return &point->settings[i];
    return NULL;
}

struct support_list jobfile_labels(const struct jobfile *jobfile)
{
    struct support_list labels = {0};
    for (size_t i = 0; i < jobfile->count; i++) {
        const struct jobfile_setting *setting = jobfile_setting(&jobfile->points[i], "label");
        const char *label = setting == NULL ? jobfile->points[i].section : setting->value; /* as the column has it */
        if (support_list_place(labels.items, label) == labels.count)
            support_list_add(&labels, "%s", label);
    }
    return labels;
}

struct support_list jobfile_left_out(const char *path)
{
    char unused[JOBFILE_ERROR_BYTES];
    struct support_list list = {0};
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, true, NULL, unused, sizeof(unused));
    char *rest = text;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (strncmp(line, JOBFILE_LEFT_OUT, strlen(JOBFILE_LEFT_OUT)) == 0)
            support_list_add(&list, "%s", line + strlen(JOBFILE_LEFT_OUT));
    return list;
}

void jobfile_destroy(struct jobfile *jobfile)
{
    if (!jobfile)
        return;
    support_list_free(&jobfile->texts);
    for (size_t i = 0; i < jobfile->count; i++)
        free(jobfile->points[i].settings);
    for (size_t i = 0; i < jobfile->note_count; i++)
        free(jobfile->notes[i].settings);
    free(jobfile->points);
    free(jobfile->notes);
    free(jobfile);
}
