/* job.h - job files (jobfile.h) with the options of `maemio run` as keys: points become resolved options. */
#ifndef HARNESS_OPTIONS_JOB_H
#define HARNESS_OPTIONS_JOB_H

#include "harness/options/jobfile.h"
#include "harness/options/options.h"

/* NULL with a message in `error` (JOBFILE_ERROR_BYTES) that names file, line and key. In a build that simulates, the
 * word `cores` stands for those of the machine that the file's first point, or `overrides` (may be NULL), asks for. */
struct jobfile *job_read(const char *path, const struct option_pairs *overrides, char *error);

/* How many workers --threads auto means: as many as there are cores, of this machine or of the one that is simulated,
 * `cores` of which are there (0: all). 0 if it cannot be told, with a message (OPTION_ERROR_BYTES) if the machine is at
 * fault. It is what the word `cores` stands for. */
unsigned job_cores(const char *machine, uint64_t cores, char *error);

/* The same for a text at hand; `cores` is what the word stands for, 0: nothing. */
struct jobfile *job_parse(const char *name, const char *text, size_t bytes, unsigned cores, char *error);

/* Sets one option of a point: `set.NAME` is the target's. False with a message in `error` (OPTION_ERROR_BYTES). */
bool job_set(struct options *options, const char *key, const char *value, char *error);

/* All of a point's settings. False with a message that names file, line and key. */
bool job_apply(const struct jobfile_point *point, struct options *options, char *error);

/* options_resolve with the place of the setting at fault, where the message names one, before the message. */
bool job_resolve(const struct jobfile_point *point, struct options *options, char *error);

#endif
