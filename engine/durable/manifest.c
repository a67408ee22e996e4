/* manifest.c - see manifest.h. */
#include "engine/durable/manifest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/crc32c.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { FORMAT = 2 };
static const char checksum_word[] = "\nchecksum "; /* at the beginning of a line, where no name stands */

void manifest_fini(struct manifest *manifest)
{
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        free(manifest->folders[i]);
    free(manifest->lives);
    free(manifest->objects);
    memset(manifest, 0, sizeof *manifest);
}

static void *grown(void *array, size_t count, size_t element_bytes)
{
    return mem_realloc(array, count * element_bytes, (count + 1) * element_bytes);
}

enum mae_status manifest_add_life(struct manifest *manifest, uint64_t start, unsigned streams)
{
    struct manifest_life *lives = grown(manifest->lives, manifest->life_count, sizeof *lives);
    if (!lives)
        return MAE_NO_MEMORY;
    manifest->lives = lives;
    uint64_t number = manifest->life_count ? lives[manifest->life_count - 1].number + 1 : 1;
    lives[manifest->life_count++] = (struct manifest_life){.number = number, .start = start, .streams = streams};
    return MAE_OK;
}

enum mae_status manifest_name_folders(struct manifest *manifest, const char *const *names, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        char *name = strdup(names[i]);
        if (!name)
            return MAE_NO_MEMORY;
        free(manifest->folders[i]);
        manifest->folders[i] = name;
    }
    manifest->folder_count = count;
    return MAE_OK;
}

enum mae_status manifest_add_object(struct manifest *manifest, const struct manifest_object *object)
{
    struct manifest_object *objects = grown(manifest->objects, manifest->object_count, sizeof *objects);
    if (!objects)
        return MAE_NO_MEMORY;
    manifest->objects = objects;
    objects[manifest->object_count++] = *object;
    return MAE_OK;
}

/* The numbers of a checkpoint in the order of its line. */
#define CHECKPOINT_FIELDS(X) X(number) X(life) X(start) X(end) X(blocks) X(rows) X(entries)

/* In the line of an index, instead of its kind: it is ordered, and has keys of variable length. */
enum { VARIABLE_KEYS = MAE_INDEX_ORDERED + 1 };

/* ---- Writing. ---- */

static void name_write(FILE *text, const char *name)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == '%' || *at == 0x7F)
            (void)fprintf(text, "%%%02X", (unsigned char)*at);
        else
            (void)fputc(*at, text);
    (void)fputc('\n', text);
}

static void object_write(FILE *text, const struct manifest_object *object)
{
    const struct mae_table_config *table = &object->table_config;
    const struct mae_index_config *index = &object->index_config;
    if (object->kind == MANIFEST_TABLE)
        (void)fprintf(text, "table %" PRIu64 " %zu %" PRIu64 " ", object->number, table->payload_max_bytes,
                      table->expected_rows);
    else
        (void)fprintf(text, "index %" PRIu64 " %" PRIu64 " %u %zu %u %" PRIu64 " ", object->number, object->table,
                      index->variable ? VARIABLE_KEYS : (unsigned)index->kind, index->key_bytes,
                      (unsigned)index->non_unique, index->expected_rows);
    name_write(text, object->name);
}

/* The streams of the life in which the checkpoint was made; 0: the manifest has no such life. */
static unsigned checkpoint_streams(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->life_count; i++)
        if (manifest->lives[i].number == manifest->checkpoint.life)
            return manifest->lives[i].streams;
    return 0;
}

static void kept_write(FILE *text, unsigned stream, const struct log_kept *kept)
{
    (void)fprintf(text, "kept %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", stream, kept->bound, kept->segment,
                  kept->block, kept->flush);
}

static void checkpoint_write_line(FILE *text, const struct manifest_checkpoint *checkpoint)
{
#define FIELD(name) checkpoint->name,
    const uint64_t fields[] = {CHECKPOINT_FIELDS(FIELD)};
#undef FIELD
    static_assert(sizeof fields == offsetof(struct manifest_checkpoint, kept), "a line has all fields");
    (void)fputs("checkpoint", text);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        (void)fprintf(text, " %" PRIu64, fields[i]);
    (void)fputc('\n', text);
}

static char *manifest_text(const struct manifest *manifest, size_t *bytes)
{
    MAE_DCHECK(manifest->life_count > 0); /* the last one is the present one */
    char *written = NULL;
    FILE *text = open_memstream(&written, bytes);
    if (!text)
        return NULL;
    (void)fprintf(text, "maemio-log %u\ndatabase %016" PRIx64 "\nnext %" PRIu64 "\n", FORMAT, manifest->database,
                  manifest->next_number);
    for (unsigned i = 1; i < manifest->folder_count; i++) {
        (void)fprintf(text, "folder %u ", i);
        name_write(text, manifest->folders[i]);
    }
    for (size_t i = 0; i + 1 < manifest->life_count; i++)
        (void)fprintf(text, "%s %" PRIu64 " %u %" PRIu64 " %" PRIu64 "\n",
                      manifest->lives[i].salvaged ? "salvaged" : "life", manifest->lives[i].number,
                      manifest->lives[i].streams, manifest->lives[i].start, manifest->lives[i].cut);
    const struct manifest_life *present = &manifest->lives[manifest->life_count - 1];
    (void)fprintf(text, "current %" PRIu64 " %u %" PRIu64 "\n", present->number, present->streams, present->start);
    if (manifest->checkpoint.number > 0)
        checkpoint_write_line(text, &manifest->checkpoint);
    for (unsigned i = 0; manifest->checkpoint.number > 0 && i < checkpoint_streams(manifest); i++)
        kept_write(text, i, &manifest->checkpoint.kept[i]);
    for (size_t i = 0; i < manifest->object_count; i++)
        object_write(text, &manifest->objects[i]);
    (void)fflush(text);
    (void)fprintf(text, "%s%08x\n", checksum_word + 1, (unsigned)crc32c(0, written, *bytes));
    bool failed = ferror(text) != 0;
    if (fclose(text) == 0 && !failed)
        return written;
    free(written);
    return NULL;
}

static int replace(const char *folder, const char *fresh, const char *path, const char *text, size_t bytes)
{
    int file = file_calls->open(fresh, FILE_WRITE | FILE_CREATE);
    if (file < 0)
        return file;
    int result = file_calls->reserve(file, bytes);
    if (result == 0)
        result = file_calls->write(file, text, bytes, 0);
    if (result == 0 && !MUTATED(manifest_not_synced))
        result = file_calls->sync(file);
    (void)file_calls->close(file);
    if (result == 0)
        result = file_calls->rename(fresh, path);
    return result == 0 ? file_calls->sync_folder(folder) : result;
}

enum mae_status manifest_write(const char *folder, const struct manifest *manifest, struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES], fresh[SEGMENT_PATH_BYTES];
    size_t bytes;
    char *text = manifest_text(manifest, &bytes);
    if (!text)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for the text of the manifest");
    (void)snprintf(path, sizeof path, "%s/manifest", folder);
    (void)snprintf(fresh, sizeof fresh, "%s/manifest.new", folder);
    int result = file_calls->remove(fresh); /* a longer one that a crash has left would show at the end of this one */
    if (result == 0 || result == -ENOENT)
        result = replace(folder, fresh, path, text, bytes);
    free(text);
    return result == 0
               ? MAE_OK
               : problem_set(problem, problem_status(result), "%s cannot be written: %s", path, strerror(-result));
}

/* ---- Reading. ---- */

/* The text of a name as name_write has written it. False: it is none. */
static bool name_read(const char *text, char *name, size_t name_bytes)
{
    size_t count = 0;
    for (const char *at = text; *at; at++) {
        unsigned value = (unsigned char)*at;
        if (*at == '%') {
            if (!isxdigit((unsigned char)at[1]) || sscanf(at + 1, "%2X", &value) != 1)
                return false;
            at += 1 + (at[2] != '\0');
        }
        if (count + 1 == name_bytes)
            return false;
        name[count++] = (char)value;
    }
    name[count] = '\0';
    return count > 0;
}

static bool table_read(const char *line, struct manifest_object *object)
{
    int end = 0;
    object->kind = MANIFEST_TABLE;
    return sscanf(line, "table %" SCNu64 " %zu %" SCNu64 " %n", &object->number,
                  &object->table_config.payload_max_bytes, &object->table_config.expected_rows, &end) == 3 &&
           end > 0 && name_read(line + end, object->name, sizeof object->name);
}

static bool index_read(const char *line, struct manifest_object *object)
{
    int end = 0;
    unsigned kind, non_unique;
    object->kind = MANIFEST_INDEX;
    if (sscanf(line, "index %" SCNu64 " %" SCNu64 " %u %zu %u %" SCNu64 " %n", &object->number, &object->table, &kind,
               &object->index_config.key_bytes, &non_unique, &object->index_config.expected_rows, &end) != 6 ||
        end == 0)
        return false;
    object->index_config.variable = kind == VARIABLE_KEYS;
    object->index_config.kind = kind == VARIABLE_KEYS ? MAE_INDEX_ORDERED : (enum mae_index_kind)kind;
    object->index_config.non_unique = non_unique;
    return name_read(line + end, object->name, sizeof object->name);
}

static bool checkpoint_read_line(const char *line, struct manifest_checkpoint *checkpoint)
{
    int used = 0;
    if (sscanf(line, "checkpoint%n", &used) != 0 || used == 0)
        return false;
#define FIELD(name) &checkpoint->name,
    uint64_t *const fields[] = {CHECKPOINT_FIELDS(FIELD)};
#undef FIELD
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        int more = 0;
        line += used;
        if (sscanf(line, " %" SCNu64 "%n", fields[i], &more) != 1)
            return false;
        used = more;
    }
    return line[used] == '\0' && checkpoint->number > 0 && checkpoint->start <= checkpoint->end;
}

static bool kept_read(const char *line, struct manifest_checkpoint *checkpoint)
{
    unsigned stream;
    struct log_kept kept;
    if (sscanf(line, "kept %u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &stream, &kept.bound, &kept.segment,
               &kept.block, &kept.flush) != 5 ||
        stream >= STREAMS_MAX)
        return false;
    checkpoint->kept[stream] = kept;
    return true;
}

/* MAE_NOT_FOUND: it is another line. */
static enum mae_status folder_read(struct manifest *manifest, const char *line)
{
    int end = 0;
    unsigned number;
    char name[SEGMENT_PATH_BYTES];
    if (sscanf(line, "folder %u %n", &number, &end) != 1 || end == 0 || number != manifest->folder_count ||
        number == STREAMS_MAX || !name_read(line + end, name, sizeof name))
        return MAE_NOT_FOUND;
    manifest->folders[number] = strdup(name);
    manifest->folder_count += manifest->folders[number] != NULL;
    return manifest->folders[number] ? MAE_OK : MAE_NO_MEMORY;
}

static enum mae_status life_read(struct manifest *manifest, const struct manifest_life *life)
{
    enum mae_status status = manifest_add_life(manifest, life->start, life->streams);
    if (status == MAE_OK)
        manifest->lives[manifest->life_count - 1] = *life;
    return status;
}

static bool life_line_read(const char *line, struct manifest_life *life)
{
    life->salvaged = sscanf(line, "salvaged %" SCNu64 " %u %" SCNu64 " %" SCNu64, &life->number, &life->streams,
                            &life->start, &life->cut) == 4;
    return life->salvaged ||
           sscanf(line, "life %" SCNu64 " %u %" SCNu64 " %" SCNu64, &life->number, &life->streams, &life->start,
                  &life->cut) == 4 ||
           sscanf(line, "current %" SCNu64 " %u %" SCNu64, &life->number, &life->streams, &life->start) == 3;
}

/* Adds what a line says. MAE_CORRUPT: it says nothing. */
static enum mae_status line_read(struct manifest *manifest, const char *line)
{
    struct manifest_object object = {0};
    struct manifest_life life = {0};
    if (sscanf(line, "database %" SCNx64, &manifest->database) == 1 ||
        sscanf(line, "next %" SCNu64, &manifest->next_number) == 1)
        return MAE_OK;
    if (life_line_read(line, &life))
        return life_read(manifest, &life);
    if (checkpoint_read_line(line, &manifest->checkpoint) || kept_read(line, &manifest->checkpoint))
        return MAE_OK;
    enum mae_status status = folder_read(manifest, line);
    if (status != MAE_NOT_FOUND)
        return status;
    if (table_read(line, &object) || index_read(line, &object))
        return manifest_add_object(manifest, &object);
    return MAE_CORRUPT;
}

static bool has_table(const struct manifest *manifest, const struct manifest_object *index)
{
    const struct manifest_object *object = manifest->objects;
    while (object < index && (object->kind != MANIFEST_TABLE || object->number != index->table))
        object++;
    return object < index;
}

/* Lives follow one another, objects have numbers of their own, and an index stands behind its table. */
static bool is_in_order(const struct manifest *manifest)
{
    const struct manifest_life *lives = manifest->lives;
    const struct manifest_object *objects = manifest->objects;
    for (size_t i = 0; i + 1 < manifest->life_count; i++)
        if (lives[i].number >= lives[i + 1].number || lives[i].start > lives[i + 1].start ||
            lives[i].cut < lives[i].start)
            return false;
    for (size_t i = 0; i < manifest->life_count; i++)
        if (lives[i].streams == 0 || lives[i].streams > STREAMS_MAX)
            return false;
    for (size_t i = 0; i < manifest->object_count; i++) {
        uint64_t least = i > 0 ? objects[i - 1].number + 1 : 1;
        if (objects[i].number < least || objects[i].number >= manifest->next_number)
            return false;
        if (objects[i].kind == MANIFEST_INDEX && !has_table(manifest, &objects[i]))
            return false;
    }
    return manifest->next_number <= PIECE_NUMBER_MAX;
}

/* Whether this is what manifest_write writes of it, to the byte. So a line that can be read in part, comes twice or
 * stands elsewhere is none. */
static bool is_text_of(const char *text, const struct manifest *manifest)
{
    size_t bytes;
    char *written = manifest_text(manifest, &bytes);
    bool same = written && strcmp(text, written) == 0;
    free(written);
    return same;
}

/* Where the line with the checksum begins; NULL: it does not stand there, or is another one. */
static char *checked_end(char *text)
{
    char *last = strstr(text, checksum_word), wanted[32];
    if (!last)
        return NULL;
    (void)snprintf(wanted, sizeof wanted, "%s%08x\n", checksum_word,
                   (unsigned)crc32c(0, text, (size_t)(last - text) + 1));
    return strcmp(last, wanted) == 0 ? last : NULL;
}

static enum mae_status text_read(const char *path, char *text, struct manifest *manifest, struct problem *problem)
{
    unsigned version = 0;
    if (sscanf(text, "maemio-log %u", &version) != 1)
        return problem_set(problem, MAE_CORRUPT, "%s: the first line is not that of a manifest", path);
    if (version != FORMAT)
        return problem_set(problem, MAE_UNSUPPORTED, "%s: format %u, this program knows %u", path, version, FORMAT);
    char *last = checked_end(text);
    if (!last)
        return problem_set(problem, MAE_CORRUPT, "%s: its checksum is wrong", path);
    *last = '\0';
    char *rest = text;
    (void)strtok_r(rest, "\n", &rest);
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        enum mae_status status = line_read(manifest, line);
        if (status != MAE_OK)
            return problem_set(problem, status, "%s: the line '%s' %s", path, line,
                               status == MAE_CORRUPT ? "cannot be read" : "needs memory that there is not");
    }
    if (manifest->life_count == 0)
        return problem_set(problem, MAE_CORRUPT, "%s: it names no life", path);
    if (manifest->checkpoint.number > 0 && checkpoint_streams(manifest) == 0)
        return problem_set(problem, MAE_CORRUPT, "%s: its checkpoint is of a life that it does not name", path);
    return is_in_order(manifest) ? MAE_OK
                                 : problem_set(problem, MAE_CORRUPT, "%s: its numbers contradict each other", path);
}

static enum mae_status file_to_text(const char *path, char **text, struct problem *problem)
{
    int file = file_calls->open(path, FILE_READ);
    if (file == -ENOENT)
        return MAE_NOT_FOUND;
    int64_t bytes = file < 0 ? file : file_calls->size(file);
    if (bytes >= 0) {
        *text = mem_alloc((size_t)bytes + 1); /* of zeros */
        bytes = *text ? file_calls->read(file, *text, (size_t)bytes, 0) : -ENOMEM;
    }
    if (file >= 0)
        (void)file_calls->close(file);
    if (bytes >= 0)
        return MAE_OK;
    enum mae_status status = bytes == -ENOMEM ? MAE_NO_MEMORY : MAE_IO;
    return problem_set(problem, status, "%s cannot be read: %s", path, strerror((int)-bytes));
}

enum mae_status manifest_read(const char *folder, struct manifest *manifest, struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES], *text = NULL;
    memset(manifest, 0, sizeof *manifest);
    manifest->folder_count = 1;
    (void)snprintf(path, sizeof path, "%s/manifest", folder);
    enum mae_status status = file_to_text(path, &text, problem);
    char *whole = status == MAE_OK ? strdup(text) : NULL; /* text_read takes the text to pieces */
    if (status == MAE_OK)
        status = whole ? text_read(path, text, manifest, problem)
                       : problem_set(problem, MAE_NO_MEMORY, "out of memory for reading %s", path);
    if (status == MAE_OK && !is_text_of(whole, manifest))
        status = problem_set(problem, MAE_CORRUPT, "%s: it is not as a manifest is written", path);
    free(whole);
    free(text);
    if (status != MAE_OK)
        manifest_fini(manifest);
    return status;
}
