/*
 * jobfile.h - job files: what to run, as keys and lists of values; read into a list of points, one a configuration.
 *
 *     # a comment, also after a value
 *     include = common.conf          # as if its lines stood here; relative to this file; later lines win
 *     [global]                       # keys of every section, also of those above; before any header is global too
 *     workload = ycsb
 *     [skew]                         # a section: its own keys override the global ones
 *     theta = 0, 0.5, 0.99           # a list: one point for each combination (product) of all lists
 *     threads = 1..cores             # 1, 2, 3, ... number of cores; 2cores is twice that number
 *     warehouses = $threads          # whatever the key `threads` has in this point
 *     record_bytes = 8..512*8        # geometric: 8, 64, 512; always ends with the last value (1..6*2: 1, 2, 4, 6)
 *     read_ratio = 0..1+0.25         # steps: 0, 0.25, 0.5, 0.75, 1
 *     counters = "cycles,branches"   # quotes: one value, no list or range; \" and \\ inside
 *     set.sort_writes = on, off      # settings of the target: the option `set`, with the setting's name
 *     set.silo.backoff = off         # of the target silo only, where several share a file: target = native, silo
 *     [figure]                       # a note, no point: for `maemio figure` (catalogue.h); [claim NAME] is one as well
 *     title = "a list that ends with a comma",
 *         "goes on in the next line" # in a note the values of a list become one text
 *
 * Keys are the command line's, dashes and underscores alike. Points come in the order of the sections; within one the
 * last key changes fastest. Lines may be of any length; bytes beyond ASCII are kept as they are.
 *
 * Refused, with file, line, key and what would be right: unknown keys, a key twice in one section of one file, a
 * value twice in one list, values that the caller's check refuses, includes that lead back, too many points.
 * Checked by: tests/unit/harness/options/jobfile.c (also with random bytes). Not here: running points, what keys mean.
 */
#ifndef HARNESS_OPTIONS_JOBFILE_H
#define HARNESS_OPTIONS_JOBFILE_H

#include "harness/common/support.h"

enum { JOBFILE_POINTS_MAX = 100000, JOBFILE_VALUES_MAX = 10000, JOBFILE_ERROR_BYTES = 1024 };

/* What the caller knows about keys and values. */
struct jobfile_rules {
    /* The i-th known key, with underscores; NULL past the end. NULL: every key is fine. With a key `set` in the list
     * any set.NAME is known. */
    const char *(*key_at)(size_t i);
    /* False with what is wrong and what would be right in `error` (JOBFILE_ERROR_BYTES). NULL: every value is fine. */
    bool (*check)(const char *key, const char *value, char *error);
    unsigned cores; /* what the word `cores` stands for */
};

struct jobfile_setting {
    const char *key, *value;
    const char *file; /* where it was given */
    unsigned line;
};

struct jobfile_point {
    const char *section;
    uint64_t hash; /* of section, keys and values, whatever their order: the point's name in results and across runs */
    size_t count;
    struct jobfile_setting *settings;
};

/* A section [figure] or [claim ...]; catalogue.c knows its keys and values. */
struct jobfile_note {
    const char *section, *file;
    unsigned line;
    size_t count;
    struct jobfile_setting *settings;
};

struct jobfile {
    size_t count, note_count;
    struct jobfile_point *points;
    struct jobfile_note *notes;
    struct support_list texts; /* that points and notes refer to */
};

/* NULL with a message in `error` (JOBFILE_ERROR_BYTES). */
struct jobfile *jobfile_read(const char *path, const struct jobfile_rules *rules, char *error);

/* The same for a text at hand; `name` stands for it in messages, and includes are relative to the folder in it. */
struct jobfile *jobfile_parse(const char *name, const char *text, size_t bytes, const struct jobfile_rules *rules,
                              char *error);

/* The point's setting of a key; NULL if there is none. */
const struct jobfile_setting *jobfile_setting(const struct jobfile_point *point, const char *key);

/* A job that a sweep has kept names in comments that begin so what it lacks, and why. */
#define JOBFILE_LEFT_OUT "# Left out: "
/* What these comments say, in their order; nothing if the file cannot be read. The caller frees them. */
struct support_list jobfile_left_out(const char *path);

/* The labels of all points in their order, each once. The caller frees them. */
struct support_list jobfile_labels(const struct jobfile *jobfile);

void jobfile_destroy(struct jobfile *jobfile); /* NULL is fine */

#endif
