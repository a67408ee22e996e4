/*
 * disk.h - the disk below a folder: what it is, for captions and results, and a folder of one's own on it.
 * Checked by: tests/unit/harness/machine/disk.c.
 */
#ifndef HARNESS_MACHINE_DISK_H
#define HARNESS_MACHINE_DISK_H

#include <stdbool.h>
#include <stddef.h>

enum { DISK_TEXT_BYTES = 128 };

/* "ext4 on /dev/vda": the file system that the folder is in and where that is, by root/proc/self/mountinfo. root: "",
 * or as in facts.h. False with an empty text: not known. */
bool disk_describe(const char *root, const char *folder, char text[DISK_TEXT_BYTES]);

/* Where folders for a while are made: TMPDIR, or /var/tmp, which is on a disk where /tmp is in memory. */
const char *disk_scratch(void);
/* Whether what stands there survives a restart of the machine; true also if that cannot be told. */
bool disk_is_lasting(const char *folder);
/* A new folder in disk_scratch(), which the caller removes (program_folder_remove) and frees; NULL with errno. */
char *disk_scratch_make(void);

#endif
