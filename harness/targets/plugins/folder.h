/* folder.h - the folder of a database's files. */
#ifndef HARNESS_TARGETS_PLUGINS_FOLDER_H
#define HARNESS_TARGETS_PLUGINS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct folder {
    char *path;
    bool is_temporary; /* goes away with the target */
};

/*
 * Takes the folder of a setting dir=: `dir`, which is made if it is missing and must be empty, or for "auto" a new one
 * below TMPDIR or /var/tmp. lasting: it must be on a disk, since commits are to survive. False with the reason.
 */
bool folder_take(struct folder *folder, const char *dir, bool lasting, char *error, size_t error_bytes);

/* What its files take on the disk, and those of folders in it. */
uint64_t folder_bytes(const struct folder *folder);

/* Removes the folder, if it is temporary, with what is in it. All zeros are fine. */
void folder_release(struct folder *folder);

#endif
