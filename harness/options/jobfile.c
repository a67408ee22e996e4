/*
 * jobfile.c - see jobfile.h.
 *
 * Reading fills sections of entries (a key and its list of values), includes in place; expanding then walks the product
 * of each section's lists. Everything the points refer to is owned by one list of blocks.
 */
#include "harness/options/jobfile.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/check.h"
#include "harness/common/nearest.h"
#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 16 << 20, INCLUDE_DEPTH_MAX = 32 };

struct jobfile_memory {
    struct jobfile_memory *next;
    max_align_t block[];
};

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
    struct jobfile_memory *memory;
    char *error;
    size_t section_count;
    struct section *sections; /* the first is [global] */
    size_t current;
};

struct span_text {
    const char *text;
    size_t bytes;
};

/* ---- Small things. ---- */

static void *keep(struct reader *reader, size_t bytes)
{
    struct jobfile_memory *memory = support_alloc(sizeof(*memory) + bytes);
    memory->next = reader->memory;
    reader->memory = memory;
    return memory->block;
}

static char *keep_text(struct reader *reader, const char *text, size_t bytes)
{
    char *copy = keep(reader, bytes + 1);
    memcpy(copy, text, bytes);
    return copy;
}

static void free_memory(struct jobfile_memory *memory)
{
    while (memory) {
        struct jobfile_memory *next = memory->next;
        free(memory);
        memory = next;
    }
}

#define WRONG(reader, source, ...) \
    support_error_at((reader)->error, JOBFILE_ERROR_BYTES, (source)->name, (source)->line, __VA_ARGS__)

static struct span_text trimmed(const char *text, size_t bytes)
{
    while (bytes > 0 && isspace((unsigned char)*text)) {
        text++;
        bytes--;
    }
    while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
        bytes--;
    return (struct span_text){text, bytes};
}

/* ---- Unknown keys. ---- */

static bool check_key(struct reader *reader, const struct source *source, const char *key)
{
    const struct jobfile_rules *rules = reader->rules;
    if (!rules->key_at)
        return true;
    char shown[TEXT_SHOWN_BYTES];
    struct nearest nearest = {.wanted = key};
    const char *known;
    for (size_t i = 0; (known = rules->key_at(i)) != NULL; i++) {
        if (strcmp(known, "set") == 0) {
            if (strncmp(key, "set.", 4) == 0 && key[4])
                return true;
            if (strcmp(key, "set") == 0)
                return WRONG(reader, source, "key 'set': write set.NAME = VALUE, for example set.sort_writes = off");
        }
        if (strcmp(known, key) == 0)
            return true;
        nearest_offer(&nearest, known);
    }
    text_shown(key, strlen(key), shown);
    if (nearest_name(&nearest))
        return WRONG(reader, source, "unknown key '%s': did you mean '%s'?", shown, nearest_name(&nearest));
    return WRONG(reader, source, "unknown key '%s': keys are the options of `maemio run`, see `maemio list options`",
                 shown);
}

/* ---- Values. ---- */

static bool add_value(struct reader *reader, const struct source *source, struct entry *entry, const char *text,
                      size_t bytes)
{
    char shown[TEXT_SHOWN_BYTES];
    if (entry->value_count == JOBFILE_VALUES_MAX)
        return WRONG(reader, source, "key '%s': more than %d values", entry->key, JOBFILE_VALUES_MAX);
    char *value = keep_text(reader, text, bytes);
    for (size_t i = 0; i < entry->value_count; i++)
        if (strcmp(entry->values[i], value) == 0)
            return WRONG(reader, source, "key '%s': value '%s' is in the list twice", entry->key,
                         text_shown(value, bytes, shown));
    char why[JOBFILE_ERROR_BYTES];
    if (*value != '$' && reader->rules->check && !reader->rules->check(entry->key, value, why))
        return WRONG(reader, source, "key '%s': %s", entry->key, why);
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
    const char *end = *text;
    while (isdigit((unsigned char)*end))
        end++;
    if (end == *text || end - *text > 15)
        return false;
    if (*end == '.' && isdigit((unsigned char)end[1])) {
        *whole = false;
        for (end++; isdigit((unsigned char)*end); end++)
            ;
    }
    char digits[64];
    if ((size_t)(end - *text) >= sizeof(digits))
        return false;
    memcpy(digits, *text, (size_t)(end - *text));
    digits[end - *text] = '\0';
    *value = strtod(digits, NULL);
    bool times_cores = strncmp(end, "cores", 5) == 0;
    if (times_cores)
        *value *= rules->cores;
    *text = times_cores ? end + 5 : end;
    return !times_cores || rules->cores > 0;
}

static bool add_number(struct reader *reader, const struct source *source, struct entry *entry, double value,
                       bool whole)
{
    char text[64];
    int bytes = snprintf(text, sizeof(text), whole ? "%.0f" : "%.12g", value);
    return add_value(reader, source, entry, text, (size_t)bytes);
}

/* lo..hi, lo..hi+step, lo..hi*factor */
static bool add_range(struct reader *reader, const struct source *source, struct entry *entry, const char *item)
{
    char shown[TEXT_SHOWN_BYTES];
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
    text_shown(item, strlen(item), shown);
    if (!good || *rest)
        return WRONG(reader, source,
                     "key '%s': '%s' is no range: want 1..8, 1..cores, 0..1+0.25 or 1..64*2, in plain digits "
                     "(or \"...\" around a text)",
                     entry->key, shown);
    if (low > high)
        return WRONG(reader, source, "key '%s': range '%s' ends before it begins", entry->key, shown);
    if (geometric ? !(by > 1) || !(low > 0) : !(by > 0))
        return WRONG(reader, source, "key '%s': range '%s' never ends: want %s", entry->key, shown,
                     geometric ? "a factor above 1 and a beginning above 0" : "a step above 0");
    if (!geometric && (high - low) / by >= JOBFILE_VALUES_MAX)
        return WRONG(reader, source, "key '%s': range '%s' has more than %d values", entry->key, shown,
                     JOBFILE_VALUES_MAX);

    if (geometric) {
        /* A factor just above 1 can make more values than fit: add_value says so. */
        for (double value = low; value < high * (1 - 1e-12); value = value * by)
            if (!add_number(reader, source, entry, whole ? floor(value) : value, whole))
                return false;
        return add_number(reader, source, entry, high, whole);
    }
    size_t steps = (size_t)((high - low) / by + 1e-9);
    for (size_t i = 0; i <= steps; i++)
        if (!add_number(reader, source, entry, low + (double)i * by, whole))
            return false;
    return true;
}

static bool add_plain(struct reader *reader, const struct source *source, struct entry *entry, struct span_text item)
{
    char shown[TEXT_SHOWN_BYTES];
    if (item.bytes == 0)
        return WRONG(reader, source, "key '%s': a value is missing; write \"\" for an empty one", entry->key);
    if (memchr(item.text, '"', item.bytes))
        return WRONG(reader, source, "key '%s': '%s': a quote must stand around the whole value", entry->key,
                     text_shown(item.text, item.bytes, shown));
    char *text = keep_text(reader, item.text, item.bytes);
    double cores;
    bool whole = true;
    const char *rest = text;
    if (strstr(text, "cores") && range_number(reader->rules, &rest, &cores, &whole) && *rest == '\0')
        return add_number(reader, source, entry, cores, whole);
    if (strstr(text, "..") && (isdigit((unsigned char)*text) || strncmp(text, "cores", 5) == 0))
        return add_range(reader, source, entry, text);
    return add_value(reader, source, entry, item.text, item.bytes);
}

/* A quoted item at *text (past its opening quote); moves *text past the closing one. */
static bool add_quoted(struct reader *reader, const struct source *source, struct entry *entry, struct span_text *rest)
{
    char *value = keep(reader, rest->bytes + 1);
    size_t used = 0, i = 0;
    for (; i < rest->bytes && rest->text[i] != '"'; i++) {
        if (rest->text[i] == '\\' && i + 1 < rest->bytes && (rest->text[i + 1] == '"' || rest->text[i + 1] == '\\'))
            i++;
        value[used++] = rest->text[i];
    }
    if (i == rest->bytes)
        return WRONG(reader, source, "key '%s': the closing quote is missing", entry->key);
    *rest = trimmed(rest->text + i + 1, rest->bytes - i - 1);
    if (rest->bytes > 0 && *rest->text != ',')
        return WRONG(reader, source, "key '%s': after a closing quote only a comma or a comment may follow",
                     entry->key);
    return add_value(reader, source, entry, value, used);
}

static bool add_values(struct reader *reader, const struct source *source, struct entry *entry, struct span_text rest)
{
    for (;;) {
        rest = trimmed(rest.text, rest.bytes);
        if (rest.bytes > 0 && *rest.text == '"') {
            rest = (struct span_text){rest.text + 1, rest.bytes - 1};
            if (!add_quoted(reader, source, entry, &rest))
                return false;
        } else {
            const char *comma = memchr(rest.text, ',', rest.bytes);
            size_t bytes = comma ? (size_t)(comma - rest.text) : rest.bytes;
            if (!add_plain(reader, source, entry, trimmed(rest.text, bytes)))
                return false;
            rest = (struct span_text){rest.text + bytes, rest.bytes - bytes};
        }
        if (rest.bytes == 0)
            return true;
        rest = (struct span_text){rest.text + 1, rest.bytes - 1}; /* past the comma */
    }
}

/* ---- Lines. ---- */

static bool read_text(struct reader *reader, struct source *source, const char *text, size_t bytes);

static bool include_file(struct reader *reader, const struct source *source, const char *path)
{
    unsigned depth = 1;
    for (const struct source *s = source->includer; s; s = s->includer)
        if (++depth == INCLUDE_DEPTH_MAX)
            return WRONG(reader, source, "key 'include': more than %d files deep", INCLUDE_DEPTH_MAX);

    const char *slash = *path == '/' ? NULL : strrchr(source->name, '/');
    size_t folder_bytes = slash ? (size_t)(slash - source->name) + 1 : 0;
    char *full = keep(reader, folder_bytes + strlen(path) + 1);
    memcpy(full, source->name, folder_bytes);
    strcpy(full + folder_bytes, path);

    struct source included = {.includer = source, .name = full};
    struct stat info;
    if (stat(full, &info) == 0) {
        included.known = true;
        included.device = info.st_dev;
        included.inode = info.st_ino;
        for (const struct source *s = source; s; s = s->includer)
            if (s->known && s->device == info.st_dev && s->inode == info.st_ino)
                return WRONG(reader, source, "key 'include': %.200s is being read already: the includes go in a circle",
                             full);
    }
    char why[JOBFILE_ERROR_BYTES / 2];
    size_t bytes;
    char *text = text_file_read(full, FILE_BYTES_MAX, true, &bytes, why, sizeof(why));
    if (!text)
        return WRONG(reader, source, "key 'include': %s", why);
    size_t current = reader->current;
    bool good = read_text(reader, &included, text, bytes);
    reader->current = current;
    free(text);
    return good;
}

static bool read_include(struct reader *reader, const struct source *source, struct entry *entry)
{
    for (size_t i = 0; i < entry->value_count; i++)
        if (!include_file(reader, source, entry->values[i]))
            return false;
    return true;
}

static bool is_note(const char *section)
{
    return strcmp(section, "figure") == 0 || strncmp(section, "claim ", 6) == 0;
}

static bool read_header(struct reader *reader, const struct source *source, struct span_text line)
{
    char shown[TEXT_SHOWN_BYTES];
    if (line.bytes < 2 || line.text[line.bytes - 1] != ']')
        return WRONG(reader, source, "'%s': a section's header ends with ]", text_shown(line.text, line.bytes, shown));
    struct span_text name = trimmed(line.text + 1, line.bytes - 2);
    if (name.bytes == 0)
        return WRONG(reader, source, "a section needs a name");
    for (size_t i = 0; i < name.bytes; i++)
        if (iscntrl((unsigned char)name.text[i]) || strchr("[],\"", name.text[i]))
            return WRONG(reader, source,
                         "section '%s': the name holds a character it may not: [ ] , \" or a control character",
                         text_shown(name.text, name.bytes, shown));

    for (size_t i = 0; i < reader->section_count; i++) {
        struct section *section = &reader->sections[i];
        if (strlen(section->name) != name.bytes || memcmp(section->name, name.text, name.bytes) != 0)
            continue;
        if (i > 0 && section->file == source->name)
            return WRONG(reader, source, "section [%s] is there twice, first in line %u",
                         text_shown(name.text, name.bytes, shown), section->line);
        reader->current = i;
        return true;
    }
    reader->sections = support_more(reader->sections, reader->section_count, sizeof(*reader->sections));
    reader->current = reader->section_count++;
    reader->sections[reader->current] =
        (struct section){.name = keep_text(reader, name.text, name.bytes), .file = source->name, .line = source->line};
    reader->sections[reader->current].is_note = is_note(reader->sections[reader->current].name);
    return true;
}

static char *read_key(struct reader *reader, const struct source *source, struct span_text text)
{
    char shown[TEXT_SHOWN_BYTES];
    char *key = keep_text(reader, text.text, text.bytes);
    for (size_t i = 0; i < text.bytes; i++) {
        if (key[i] == '-')
            key[i] = '_';
        else if (!isalnum((unsigned char)key[i]) && key[i] != '_' && key[i] != '.')
            text.bytes = 0; /* ends the loop */
    }
    if (text.bytes > 0)
        return key;
    WRONG(reader, source,
          "'%s' is no key: want letters, digits, - _ or . before the =", text_shown(key, strlen(key), shown));
    return NULL;
}

/* Puts the entry into the current section: in the place of one of the same key from another file, else at the end. */
static bool place_entry(struct reader *reader, const struct source *source, const struct entry *entry)
{
    struct section *section = &reader->sections[reader->current];
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->entries[i].key, entry->key) != 0)
            continue;
        if (section->entries[i].file == source->name)
            return WRONG(reader, source,
                         "key '%s' is given twice, first in line %u; write a list to run several values", entry->key,
                         section->entries[i].line);
        free(section->entries[i].values);
        section->entries[i] = *entry;
        return true;
    }
    section->entries = support_more(section->entries, section->count, sizeof(*section->entries));
    section->entries[section->count++] = *entry;
    return true;
}

static bool read_assignment(struct reader *reader, const struct source *source, struct span_text line)
{
    char shown[TEXT_SHOWN_BYTES];
    const char *equals = memchr(line.text, '=', line.bytes);
    if (!equals)
        return WRONG(reader, source, "'%s': want `key = value`, a [section] or a # comment",
                     text_shown(line.text, line.bytes, shown));
    struct entry entry = {.file = source->name, .line = source->line};
    entry.key = read_key(reader, source, trimmed(line.text, (size_t)(equals - line.text)));
    if (!entry.key)
        return false;

    struct span_text values = {equals + 1, line.bytes - (size_t)(equals + 1 - line.text)};
    bool is_include = strcmp(entry.key, "include") == 0,
         is_plain = is_include || reader->sections[reader->current].is_note;
    const struct jobfile_rules *rules = reader->rules, plain = {0};
    if (!is_plain && !check_key(reader, source, entry.key))
        return false;
    if (is_plain)
        reader->rules = &plain; /* names of files and notes: no check, no cores */
    bool good = add_values(reader, source, &entry, values);
    reader->rules = rules;
    if (good)
        good = is_include ? read_include(reader, source, &entry) : place_entry(reader, source, &entry);
    if (!good || is_include)
        free(entry.values);
    return good;
}

/* Bytes before a comment: a # at the beginning or after white space, outside quotes. */
static size_t without_comment(const char *line, size_t bytes)
{
    bool quoted = false;
    for (size_t i = 0; i < bytes; i++) {
        if (line[i] == '\\' && quoted)
            i++;
        else if (line[i] == '"')
            quoted = !quoted;
        else if (line[i] == '#' && !quoted && (i == 0 || isspace((unsigned char)line[i - 1])))
            return i;
    }
    return bytes;
}

/* Bytes of a line and of those after it in which its list goes on, since each before ends with a comma; `*more`: how
 * many they are. */
static size_t with_list(const char *text, size_t bytes, unsigned *more)
{
    for (size_t begin = 0;; (*more)++) {
        const char *newline = memchr(text + begin, '\n', bytes - begin);
        size_t end = newline ? (size_t)(newline - text) : bytes;
        struct span_text line = trimmed(text + begin, without_comment(text + begin, end - begin));
        if (!newline || line.bytes == 0 || line.text[line.bytes - 1] != ',' ||
            line.bytes != trimmed(text + begin, end - begin).bytes)
            return end;
        begin = end + 1;
    }
}

static bool read_text(struct reader *reader, struct source *source, const char *text, size_t bytes)
{
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        bytes -= 3;
    }
    while (bytes > 0) {
        unsigned more = 0;
        size_t line_bytes = with_list(text, bytes, &more);
        source->line++;
        if (memchr(text, '\0', line_bytes))
            return WRONG(reader, source, "the line holds a NUL byte: this is not a text file");
        struct span_text line = trimmed(text, without_comment(text, line_bytes));
        if (line.bytes > 0 &&
            !(*line.text == '[' ? read_header(reader, source, line) : read_assignment(reader, source, line)))
            return false;
        line_bytes += line_bytes < bytes; /* the line feed */
        text += line_bytes;
        bytes -= line_bytes;
        source->line += more;
    }
    return true;
}

/* ---- Expanding. ---- */

/* FNV-1a: needs to be the same everywhere and always, not fast. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    } while (*text++);
    return hash;
}

static int by_key(const void *left, const void *right)
{
    return strcmp((*(const struct jobfile_setting *const *)left)->key,
                  (*(const struct jobfile_setting *const *)right)->key);
}

static uint64_t point_hash(const struct jobfile_point *point)
{
    const struct jobfile_setting **sorted = support_alloc((point->count + 1) * sizeof(const struct jobfile_setting *));
    for (size_t i = 0; i < point->count; i++)
        sorted[i] = &point->settings[i];
    qsort(sorted, point->count, sizeof(const struct jobfile_setting *), by_key);
    uint64_t hash = hash_text(0xcbf29ce484222325u, point->section);
    for (size_t i = 0; i < point->count; i++)
        hash = hash_text(hash_text(hash, sorted[i]->key), sorted[i]->value);
    free(sorted);
    return hash;
}

/* The section's entries over the global ones, which keep their places. Returns how many; the caller frees *all. */
static size_t inherit(const struct section *global, const struct section *section, const struct entry ***all)
{
    size_t count = 0;
    *all = support_alloc((global->count + section->count + 1) * sizeof(const struct entry *));
    for (size_t i = 0; i < global->count; i++)
        (*all)[count++] = &global->entries[i];
    for (size_t i = 0; section != global && i < section->count; i++) {
        size_t place = 0;
        while (place < global->count && strcmp(global->entries[place].key, section->entries[i].key) != 0)
            place++;
        (*all)[place < global->count ? place : count++] = &section->entries[i];
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
        char shown[TEXT_SHOWN_BYTES], why[JOBFILE_ERROR_BYTES];
        if (other == count || other == i || *settings[other].value == '$')
            return WRONG(reader, &place, "key '%s': '%s': want $ and another key that has a value of its own here",
                         settings[i].key, text_shown(value, strlen(value), shown));
        settings[i].value = settings[other].value;
        if (reader->rules->check && !reader->rules->check(settings[i].key, settings[i].value, why))
            return WRONG(reader, &place, "key '%s': %s", settings[i].key, why);
    }
    return true;
}

static bool add_point(struct reader *reader, struct jobfile *jobfile, const struct section *section,
                      const struct entry *const *entries, size_t count, size_t number)
{
    MAE_CHECK(jobfile->count < JOBFILE_POINTS_MAX);
    struct jobfile_setting *settings = keep(reader, count * sizeof(*settings));
    for (size_t i = count; i-- > 0; number /= entries[i]->value_count) /* the last key changes fastest */
        settings[i] = (struct jobfile_setting){entries[i]->key, entries[i]->values[number % entries[i]->value_count],
                                               entries[i]->file, entries[i]->line};
    MAE_CHECK(number == 0); /* every digit of the point has become a value */
    if (!resolve_references(reader, settings, count))
        return false;
    struct jobfile_point *point = &jobfile->points[jobfile->count++];
    *point = (struct jobfile_point){.section = section->name, .count = count, .settings = settings};
    point->hash = point_hash(point);
    return true;
}

static bool expand_section(struct reader *reader, struct jobfile *jobfile, const struct section *section)
{
    const struct entry **entries;
    size_t count = inherit(&reader->sections[0], section, &entries), points = 1;
    for (size_t i = 0; i < count && points <= JOBFILE_POINTS_MAX; i++)
        points *= entries[i]->value_count;
    MAE_CHECK(count == 0 || points > 0); /* no list is empty */
    bool good = jobfile->count + points <= JOBFILE_POINTS_MAX;
    if (good) {
        jobfile->points = support_realloc(jobfile->points, (jobfile->count + points) * sizeof(*jobfile->points));
        for (size_t i = 0; good && i < points; i++)
            good = add_point(reader, jobfile, section, entries, count, i);
    } else {
        struct source place = {.name = section->file, .line = section->line};
        char shown[TEXT_SHOWN_BYTES];
        WRONG(reader, &place, "section [%s] takes the file beyond %d points: shorten a list",
              text_shown(section->name, strlen(section->name), shown), JOBFILE_POINTS_MAX);
    }
    free(entries);
    return good;
}

/* A note has a text for each key: a list, which may go on in the next line, is joined by blanks. */
static void add_note(struct reader *reader, struct jobfile *jobfile, const struct section *section)
{
    struct jobfile_setting *settings = keep(reader, (section->count + 1) * sizeof(*settings));
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        struct support_text text = {0};
        for (size_t k = 0; k < entry->value_count; k++)
            support_text_add(&text, "%s%s", k == 0 ? "" : " ", entry->values[k]);
        settings[i] =
            (struct jobfile_setting){entry->key, keep_text(reader, text.text, text.bytes), entry->file, entry->line};
        free(text.text);
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
    struct source source = {.name = keep_text(&reader, name, strlen(name))};
    struct stat info;
    if (stat(name, &info) == 0) {
        source.known = true;
        source.device = info.st_dev;
        source.inode = info.st_ino;
    }
    reader.sections = support_more(NULL, 0, sizeof(*reader.sections));
    reader.sections[0] = (struct section){.name = keep_text(&reader, "global", 6), .file = source.name, .line = 1};
    reader.section_count = 1;

    struct jobfile *jobfile = support_alloc(sizeof(*jobfile));
    bool good = read_text(&reader, &source, text, bytes) && expand(&reader, jobfile, source.name);
    for (size_t i = 0; i < reader.section_count; i++) {
        for (size_t k = 0; k < reader.sections[i].count; k++)
            free(reader.sections[i].entries[k].values);
        free(reader.sections[i].entries);
    }
    free(reader.sections);
    jobfile->memory = reader.memory;
    if (good)
        return jobfile;
    jobfile_destroy(jobfile);
    return NULL;
}

struct jobfile *jobfile_read(const char *path, const struct jobfile_rules *rules, char *error)
{
    size_t bytes;
    char *text = text_file_read(path, FILE_BYTES_MAX, false, &bytes, error, JOBFILE_ERROR_BYTES);
    if (!text)
        return NULL;
    struct jobfile *jobfile = jobfile_parse(path, text, bytes, rules, error);
    free(text);
    return jobfile;
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

void jobfile_destroy(struct jobfile *jobfile)
{
    if (!jobfile)
        return;
    free_memory(jobfile->memory);
    free(jobfile->points);
    free(jobfile->notes);
    free(jobfile);
}
