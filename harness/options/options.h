/*
 * options.h - what a run is asked to do: the harness's own options, the workload's, and the target's settings.
 *
 * One reader serves the command line and (later) job files: options_set takes a key and a text from wherever they
 * come, options_resolve then picks workload and target, applies defaults < preset < what was given, and checks what
 * only makes sense together. Settings (--set key=value) are checked by the target when it is opened.
 *
 * Not thread-safe. Messages name the key as options_set got it; the caller puts file and line, or "--", before it.
 */
#ifndef HARNESS_OPTIONS_OPTIONS_H
#define HARNESS_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/target.h"
#include "workloads/workload.h"

enum { OPTION_TEXT_BYTES = 512, OPTION_ERROR_BYTES = 1024 };

#define OPTION_KIND_STRING const char *
#define OPTION_KIND_ENUM const char *
#define OPTION_KIND_BOOL bool
#define OPTION_KIND_U64 uint64_t
#define OPTION_KIND_TIME uint64_t /* nanoseconds */

struct run_options {
#define OPTION(name, kind, default_value, range, unit, column, argument, help) OPTION_KIND_##kind name;
#include "harness/options/options.def"
#undef OPTION
};

enum run_option {
#define OPTION(name, kind, default_value, range, unit, column, argument, help) RUN_OPTION_##name,
#include "harness/options/options.def"
#undef OPTION
    RUN_OPTION_COUNT
};

struct option_pair {
    char *key, *value;
};

struct option_pairs {
    struct option_pair *items;
    size_t count;
};

struct options {
    struct run_options run;        /* typed values */
    char *texts[RUN_OPTION_COUNT]; /* the same as text */
    bool given[RUN_OPTION_COUNT];
    struct option_pairs workload_given; /* options of some workload, as given */
    struct option_pairs settings;       /* --set */

    /* Set by options_resolve. */
    const struct workload_ops *workload;
    const struct target_ops *target;
    size_t workload_value_count;
    char **workload_values; /* in the order of workload->options; canonical texts */
};

/* All defaults. Aborts the program when out of memory, as everything here does. */
struct options *options_create(void);
void options_destroy(struct options *options); /* NULL is fine */

/*
 * Sets one option; dashes in `key` count as underscores; "set" takes key=value. The last of two wins. False with a
 * message in `error` (OPTION_ERROR_BYTES) for an unknown key or a value that cannot be.
 */
bool options_set(struct options *options, const char *key, const char *value, char *error);

/* As above with the registries' workload and target of the names given, see the head. */
bool options_resolve(struct options *options, char *error);

/* The same for a workload and target at hand, whether or not in a registry. */
bool options_resolve_for(struct options *options, const struct workload_ops *workload, const struct target_ops *target,
                         char *error);

/* The settings as target_ops.open takes them, ended by {NULL, NULL}. The caller frees the array, not the texts. */
struct target_key_value *options_settings(const struct options *options);

/*
 * Checks a value against an option's type and range and writes it in canonical form: plain digits for u64,
 * nanoseconds for time, on/off for bool, else as it is. False with what is wrong and what would be right.
 */
bool option_check(const struct workload_option *option, const char *value, char *canonical, size_t canonical_bytes,
                  char *error);

/* Whether a value of this type is a number (no word such as auto), spelled as JSON spells it. */
bool option_text_is_number(const char *type, const char *text);

/* The i-th harness option and the name of its column ("" if none). */
const struct workload_option *run_option_info(size_t i);
const char *run_option_column(size_t i);
const char *run_option_argument(size_t i);
/* Whether it decides what is measured: not a label, a place for output, or how often. */
bool run_option_is_configuration(size_t i);
/* Its resolved value as the column shows it (times in seconds, on/off, empty if a string is empty). */
void run_option_column_text(const struct options *options, size_t i, char *text, size_t text_bytes);

/* record_bytes <-> record-bytes, in place. */
char *option_dashes(char *name);
char *option_underscores(char *name);

/* The target's guarantees under the run's settings. */
struct target_guarantees options_guarantees(const struct options *options);

#endif
