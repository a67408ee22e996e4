/* folder.c - see folder.h. */
#define _GNU_SOURCE /* asprintf, nftw */
#include "harness/targets/plugins/folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAGIC_TMPFS = 0x01021994, MAGIC_RAMFS = 0x858458f6, FOLDERS_OPEN_MAX = 16 };

static bool refuse(char *error, size_t error_bytes, const char *dir, const char *why)
{
    (void)snprintf(error, error_bytes, "dir=%s: %s", dir, why);
    return false;
}

static bool is_empty(const char *path)
{
    DIR *listing = opendir(path);
    unsigned names = 0;
    if (listing == NULL)
        return false;
    while (readdir(listing) != NULL)
        names++;
    (void)closedir(listing);
    return names == 2; /* itself and its parent */
}

static bool is_lasting(const char *path)
{
    struct statfs info;
    return statfs(path, &info) == 0 && info.f_type != MAGIC_TMPFS && info.f_type != (long)MAGIC_RAMFS;
}

static char *temporary_make(void)
{
    const char *chosen = getenv("TMPDIR");
    char *path;
    if (asprintf(&path, "%s/maemio-target-XXXXXX", chosen != NULL && chosen[0] != '\0' ? chosen : "/var/tmp") < 0)
        return NULL;
    if (mkdtemp(path) != NULL)
        return path;
    free(path);
    return NULL;
}

bool folder_take(struct folder *folder, const char *dir, bool lasting, char *error, size_t error_bytes)
{
    *folder = (struct folder){.is_temporary = strcmp(dir, "auto") == 0};
    if (dir[0] == '\0')
        return refuse(error, error_bytes, dir, "want a folder, or auto");
    folder->path = folder->is_temporary ? temporary_make() : strdup(dir);
    if (folder->path == NULL)
        return refuse(error, error_bytes, dir, strerror(errno));
    bool is_made = !folder->is_temporary && mkdir(folder->path, 0700) == 0, fine = true;
    if (!folder->is_temporary && !is_made && errno != EEXIST)
        fine = refuse(error, error_bytes, dir, strerror(errno));
    else if (!is_empty(folder->path))
        fine = refuse(error, error_bytes, dir, "want an empty folder, or one that is not there yet");
    else if (lasting && !is_lasting(folder->path))
        fine = refuse(error, error_bytes, dir, "is in memory, where nothing is durable; want a folder on a disk");
    if (!fine && is_made)
        (void)rmdir(folder->path);
    if (!fine)
        folder_release(folder);
    return fine;
}

enum { BLOCK_BYTES = 512 };
static _Thread_local uint64_t bytes_found; /* nftw's visitor has no argument */

static int add_bytes(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)path, (void)place;
    if (type == FTW_F)
        bytes_found += (uint64_t)info->st_blocks * BLOCK_BYTES;
    return 0;
}

uint64_t folder_bytes(const struct folder *folder)
{
    bytes_found = 0;
    if (folder->path != NULL)
        (void)nftw(folder->path, add_bytes, FOLDERS_OPEN_MAX, FTW_PHYS);
    return bytes_found;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    (void)remove(path);
    return 0;
}

void folder_release(struct folder *folder)
{
    if (folder->path != NULL && folder->is_temporary)
        (void)nftw(folder->path, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
    free(folder->path);
    *folder = (struct folder){0};
}
