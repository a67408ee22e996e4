/* scratch.h - a file of the program's own and a text in memory for a unit test to write to; one of each at a time. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stdio.h>

extern char scratch_path[];

/* Set-up and tear-down of a cmocka group. */
int scratch_file_create(void **state);
int scratch_file_remove(void **state);
void scratch_file_write(const char *text); /* in place of what it has held */

FILE *scratch_text_open(void);
char *scratch_text_close(FILE *file); /* what was written; the caller frees it */

#endif
