/* text_file.c - see text_file.h. */
#include "harness/common/text_file.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end; NULL with errno set. EFBIG: there is more than bytes_max. */
static char *read_all(FILE *file, size_t bytes_max, size_t *bytes)
{
    size_t room = 4096, used = 0;
    char *text = support_alloc(room);
    while (!feof(file)) {
        if (used + 1 == room) {
            room *= 2;
            text = support_realloc(text, room);
        }
        used += fread(text + used, 1, room - 1 - used, file);
        if (ferror(file) || used > bytes_max) {
            int reason = ferror(file) ? errno : EFBIG;
            free(text);
            errno = reason;
            return NULL;
        }
    }
    text[used] = '\0';
    if (bytes != NULL)
        *bytes = used;
    return text;
}

char *text_file_read(const char *path, size_t bytes_max, bool regular_only, size_t *bytes, char *error,
                     size_t error_bytes)
{
    struct stat info;
    bool there = stat(path, &info) == 0;
    if (there && (S_ISDIR(info.st_mode) || (regular_only && !S_ISREG(info.st_mode)))) {
        snprintf(error, error_bytes, "%s: is %s; a plain file is wanted", path,
                 S_ISDIR(info.st_mode) ? "a folder" : "no plain file");
        return NULL;
    }
    FILE *file = there ? fopen(path, "re") : NULL;
    char *text = file ? read_all(file, bytes_max, bytes) : NULL;
    if (!text && errno == EFBIG)
        snprintf(error, error_bytes, "%s: is larger than %zu MiB, which is the most", path, bytes_max >> 20);
    else if (!text)
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    return text;
}

const char *text_shown(const char *text)
{
    enum { SHOWN_MAX = 60 };
    char *shown = support_short("%.*s%s", SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "..." : "");
    for (char *at = shown; *at != '\0'; at++)
        *at = iscntrl((unsigned char)*at) ? '?' : *at;
    return shown;
}

bool text_file_rename(const char *part, const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : EPERM;
        return false;
    }
    return rename(part, path) == 0;
}

bool text_file_write(const char *command, const char *path, const char *text, size_t bytes)
{
    SUPPORT_FREED char *part = support_format("%s.part", path);
    FILE *file = fopen(part, "we");
    bool fine = file != NULL && fwrite(text, 1, bytes, file) == bytes && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file != NULL)
        fine = fclose(file) == 0 && fine;
    fine = fine && text_file_rename(part, path);
    if (!fine) {
        support_complain(command, "%s: cannot be written: %s", path, strerror(errno));
        (void)unlink(part);
    }
    return fine;
}
