/*
 * disk.h - a simulated disk in the place of the system's files (engine/base/file.h), for tests of what a crash leaves.
 *
 * What is written can be read at once, as from the page cache, and is safe only after a sync of the file. The names in
 * the folder are safe after a sync of the folder. A loss of power keeps, of each 512-byte sector that has been written
 * since the last sync, either what was safe or what was written, as a seed says; and of the changes of names since the
 * last sync of their folders the first few. A folder is there once it is named. Any thread may call at any time.
 */
#ifndef TESTS_SUPPORT_DISK_H
#define TESTS_SUPPORT_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Puts an empty disk in place of the system's files, and takes it away again. */
void disk_open(void);
void disk_close(void);

/* The calls made since disk_count_from_here. The n-th from there on (0: none) fails with -EIO; a write, after the
 * first half. As with a real disk, what a failed sync has not written is forgotten: a later sync does not write it, and
 * says nothing. */
void disk_count_from_here(void);
uint64_t disk_calls(void);
void disk_fail_at(uint64_t n);
/* From the n-th call on (0: none) all calls fail and do nothing: the machine has stopped. */
void disk_stop_at(uint64_t n);
/* No more than this many bytes can be allocated: in all, or in one folder only (NULL again: in none). */
void disk_limit(uint64_t bytes);
void disk_limit_folder(const char *folder);

/* The system refuses io_uring (log_io=uring) with this errno, which is negative. */
void disk_refuse_rings(int error);

/* The process is gone: its files are closed. With `random`, the machine has lost its power as well. Clears all faults
 * and limits. */
void disk_crash(uint64_t *random);

/* The contents, to come back to. disk_load clears all faults and limits. */
struct disk_image *disk_save(void);
void disk_load(const struct disk_image *image);
void disk_image_free(struct disk_image *image);

/* Flips a bit of the file's byte, on the disk; false: there is no such byte. `path` has the folder. */
bool disk_damage(const char *path, uint64_t offset);
bool disk_has(const char *path);
void disk_erase(const char *path);
/* All files of a folder are gone. */
void disk_erase_folder(const char *folder);

#endif
