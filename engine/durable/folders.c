/* folders.c - see folders.h. */
#include "engine/durable/folders.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/file.h"
#include "engine/durable/checkpoint.h"
#include "engine/log/segment.h"

enum { MARK_BYTES = 128 };

static enum mae_status cannot(struct problem *problem, const char *what, const char *path, int result)
{
    return problem_set(problem, problem_status(result), "%s of %s: %s", what, path, strerror(-result));
}

/* ---- Their names. ---- */

static enum mae_status add_name(struct folders *folders, const char *name, struct problem *problem)
{
    if (name[0] == '\0')
        return problem_set(problem, MAE_INVALID, "log_dir names a folder without a name");
    if (strlen(name) > SEGMENT_PATH_BYTES - 100)
        return problem_set(problem, MAE_INVALID, "the name of a folder in log_dir is too long");
    if (folders->count == STREAMS_MAX)
        return problem_set(problem, MAE_INVALID, "log_dir names more than %d folders", STREAMS_MAX);
    for (unsigned i = 0; i < folders->count; i++)
        if (strcmp(folders->names[i], name) == 0)
            return problem_set(problem, MAE_INVALID, "log_dir names %s twice", name);
    folders->names[folders->count++] = name;
    return MAE_OK;
}

enum mae_status folders_name(struct folders *folders, const char *log_dir, struct problem *problem)
{
    folders->text = strdup(log_dir);
    if (!folders->text)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for the names of folders");
    enum mae_status status = MAE_OK;
    for (char *rest = folders->text, *name; status == MAE_OK && (name = strsep(&rest, ",")) != NULL;)
        status = add_name(folders, name, problem);
    return status;
}

/* ---- Their locks. ---- */

/* Whether the folder is in memory, or would be if it were made. What cannot be examined is examined again later. */
static bool is_in_memory(const char *folder)
{
    int result = file_calls->is_lasting(folder);
    char *copy = result == -ENOENT ? strdup(folder) : NULL;
    if (copy)
        result = file_calls->is_lasting(dirname(copy));
    free(copy);
    return result == 0;
}

static enum mae_status refuse_memory(struct problem *problem, const char *folder)
{
    return problem_set(problem, MAE_UNSUPPORTED, "%s is in memory only: durability=async is all it can give", folder);
}

/* To open a database begins a life of it, which is written down. */
static enum mae_status refuse_reader(struct problem *problem, const char *path, int result)
{
    if (result != -EACCES && result != -EPERM && result != -EROFS)
        return cannot(problem, "creation", path, result);
    return problem_set(problem, problem_status(result),
                       "%s: %s; who opens a database must be allowed to write to its folder", path, strerror(-result));
}

static enum mae_status lock_folder(struct folders *folders, const char *folder, bool lasting, struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES];
    if (lasting && is_in_memory(folder)) /* before it is made, so that nothing is left */
        return refuse_memory(problem, folder);
    int result = file_calls->make_folder(folder);
    if (result == -EEXIST)
        return problem_set(problem, MAE_IO, "%s is a file; log_dir must be a folder", folder);
    if (result < 0)
        return cannot(problem, "creation", folder, result);
    result = file_calls->is_lasting(folder);
    if (result < 0)
        return cannot(problem, "examination", folder, result);
    if (result == 0 && lasting)
        return refuse_memory(problem, folder);
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    int file = file_calls->open(path, FILE_WRITE | FILE_CREATE);
    if (file < 0)
        return refuse_reader(problem, path, file);
    folders->locks[folders->locked++] = file;
    result = file_calls->lock(file);
    if (result == -EWOULDBLOCK)
        return problem_set(problem, MAE_BUSY, "%s is in use: another process, or this one, has the database open",
                           folder);
    return result < 0 ? cannot(problem, "locking", path, result) : MAE_OK;
}

enum mae_status folders_open(struct folders *folders, const char *log_dir, bool lasting, struct problem *problem)
{
    enum mae_status status = folders_name(folders, log_dir, problem);
    for (unsigned i = 0; i < folders->count && status == MAE_OK; i++)
        status = lock_folder(folders, folders->names[i], lasting, problem);
    return status;
}

void folders_close(struct folders *folders)
{
    while (folders->locked > 0)
        (void)file_calls->close(folders->locks[--folders->locked]);
    free(folders->text);
}

/* ---- Whose they are. ---- */

static void mark_path(const char *folder, char *path)
{
    (void)snprintf(path, SEGMENT_PATH_BYTES, "%s/folder", folder);
}

/* What stands in the file `folder` of the folder with this number, which is above 0. */
static int mark_text(uint64_t database, unsigned number, char *text)
{
    return snprintf(text, MARK_BYTES, "maemio-folder 1\ndatabase %016" PRIx64 "\nfolder %u\n", database, number);
}

/* MAE_NOT_FOUND: there is none. */
static enum mae_status mark_read(const char *path, char *text, struct problem *problem)
{
    int file = file_calls->open(path, FILE_READ);
    if (file == -ENOENT)
        return MAE_NOT_FOUND;
    int64_t got = file < 0 ? file : file_calls->read(file, text, MARK_BYTES - 1, 0);
    if (file >= 0)
        (void)file_calls->close(file);
    if (got < 0)
        return cannot(problem, "read", path, (int)got);
    text[got] = '\0';
    return MAE_OK;
}

static enum mae_status mark_write(const char *folder, uint64_t database, unsigned number, struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES], text[MARK_BYTES];
    size_t bytes = (size_t)mark_text(database, number, text);
    mark_path(folder, path);
    int result = file_calls->remove(path); /* a crash has left it, or it is of a database that has nothing here */
    if (result == 0 || result == -ENOENT)
        result = file_calls->open(path, FILE_WRITE | FILE_CREATE);
    if (result < 0)
        return cannot(problem, "creation", path, result);
    const int file = result;
    result = file_calls->reserve(file, bytes);
    if (result == 0)
        result = file_calls->write(file, text, bytes, 0);
    if (result == 0)
        result = file_calls->sync(file);
    (void)file_calls->close(file);
    if (result == 0 && !MUTATED(folder_unmarked))
        result = file_calls->sync_folder(folder);
    return result < 0 ? cannot(problem, "write", path, result) : MAE_OK;
}

/* ---- Whether they are the right ones. ---- */

/* A folder that the manifest names. */
static enum mae_status check_named(const struct folders *folders, const struct manifest *manifest, unsigned i,
                                   struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES], text[MARK_BYTES], wanted[MARK_BYTES];
    mark_path(folders->names[i], path);
    enum mae_status status = mark_read(path, text, problem);
    if (status != MAE_OK && status != MAE_NOT_FOUND)
        return status;
    (void)mark_text(manifest->database, i, wanted);
    if ((status == MAE_OK && strcmp(text, wanted) == 0) || MUTATED(stream_missing))
        return MAE_OK;
    return problem_set(problem, MAE_CORRUPT, "%s: this is not folder %u of the log of %s (%s, it was %s)",
                       folders->names[i], i, folders->names[0],
                       status == MAE_OK ? "its file `folder` says so" : "there is no file `folder`",
                       manifest->folders[i]);
}

static void look_at(void *arg, const char *name)
{
    uint64_t number;
    *(bool *)arg |= strcmp(name, "manifest") == 0 || segment_number(name, &number) || checkpoint_number(name, &number);
}

/* A folder that is new to the database. */
static enum mae_status check_new(const char *folder, struct problem *problem)
{
    bool found = false;
    int result = file_calls->list(folder, look_at, &found);
    if (result < 0)
        return cannot(problem, "listing", folder, result);
    return found
               ? problem_set(problem, MAE_CORRUPT, "%s has a database already, or a part of another one's log", folder)
               : MAE_OK;
}

/* A first folder without a manifest must not be another database's. */
static enum mae_status check_first(const char *folder, struct problem *problem)
{
    char path[SEGMENT_PATH_BYTES], text[MARK_BYTES];
    mark_path(folder, path);
    enum mae_status status = mark_read(path, text, problem);
    if (status == MAE_OK)
        return problem_set(problem, MAE_CORRUPT, "%s is not the first folder of a database, but has a part of its log",
                           folder);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

enum mae_status folders_check(const struct folders *folders, const struct manifest *manifest, struct problem *problem)
{
    enum mae_status status = manifest->life_count == 0 ? check_first(folders->names[0], problem) : MAE_OK;
    if (folders->count < manifest->folder_count)
        return problem_set(problem, MAE_INVALID, "the log of %s is in %u folders, and log_dir names %u: %s is missing",
                           folders->names[0], manifest->folder_count, folders->count,
                           manifest->folders[folders->count]);
    for (unsigned i = 1; i < folders->count && status == MAE_OK; i++)
        status = i < manifest->folder_count ? check_named(folders, manifest, i, problem)
                                            : check_new(folders->names[i], problem);
    return status;
}

enum mae_status folders_join(const struct folders *folders, struct manifest *manifest, struct problem *problem)
{
    enum mae_status status = MAE_OK;
    for (unsigned i = manifest->folder_count; i < folders->count && status == MAE_OK; i++)
        status = mark_write(folders->names[i], manifest->database, i, problem);
    return status == MAE_OK ? manifest_name_folders(manifest, folders->names, folders->count) : status;
}
