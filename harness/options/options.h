/*
 * options.h - what a run is asked to do: the harness's own options, the workload's, and the target's settings.
 *
 * One reader serves the command line and job files: options_set takes a key and a text from wherever they come,
 * options_resolve then picks workload and target, applies defaults < preset < what was given, and checks what only
 * makes sense together. Settings (--set key=value) are options of the target; with a target's name before them (--set
 * silo.backoff=off) they are for this one, win over those without, and say nothing to others.
 *
 * Not thread-safe. Messages name the key as options_set got it; the caller puts file and line, or "--", before it.
 */
#ifndef HARNESS_OPTIONS_OPTIONS_H
#define HARNESS_OPTIONS_OPTIONS_H

#include "harness/common/support.h"
#include "harness/options/rate_plan.h"
#include "workloads/workload.h"

enum { OPTION_TEXT_BYTES = 512, OPTION_ERROR_BYTES = 1024 };

struct run_options {
#define OPTION(type, name, ...) _Alignas(OPTION_SLOT_BYTES) option_##type name;
#include "harness/options/options.def"
};

/* The values of enum options, in the order of their words in options.def. */
enum { RUN_CHECK_FAST, RUN_CHECK_FULL, RUN_CHECK_OFF };
enum { RUN_LATENCY_ON, RUN_LATENCY_EXACT, RUN_LATENCY_OFF };
enum { RUN_ARRIVAL_POISSON, RUN_ARRIVAL_UNIFORM };
enum { RUN_WARMUP_UNTIL_TIME, RUN_WARMUP_UNTIL_STEADY };
enum { RUN_PRIORITY_NORMAL, RUN_PRIORITY_LOW, RUN_PRIORITY_HIGH };
enum { RUN_PROFILE_OFF, RUN_PROFILE_LINES };
enum { RUN_PROGRESS_AUTO, RUN_PROGRESS_ON, RUN_PROGRESS_OFF };

enum run_option {
#define OPTION(type, name, ...) RUN_OPTION_##name,
#include "harness/options/options.def"
    RUN_OPTION_COUNT
};

struct option_pair {
    char *key, *value;
    char *where; /* as messages about it begin: "FILE:LINE: "; NULL: nothing is known */
};

struct option_pairs {
    struct option_pair *items;
    size_t count;
};

void option_pairs_add(struct option_pairs *pairs, const char *key, const char *value); /* copies both */
/* The same, in the place of a pair of that key if there is one; takes `where`. */
void option_pairs_put(struct option_pairs *pairs, const char *key, const char *value, char *where);
/* The same of "key=value", with underscores for dashes in the key; false if it is not that. */
bool option_pairs_add_text(struct option_pairs *pairs, const char *text);
void option_pairs_free(struct option_pairs *pairs);
const char *option_pairs_value(const struct option_pairs *pairs, const char *key); /* NULL: there is none */

struct options {
    struct run_options run;
    bool given[RUN_OPTION_COUNT];
    struct option_pairs workload_given; /* options of some workload, as given */
    struct option_pairs settings;       /* --set, as given */

    /* Set by options_resolve. */
    const struct workload_ops *workload;
    struct rate_plan rate_plan;        /* --rate-plan; without stages: none */
    const struct workload_ops *beside; /* --beside; NULL: none */
    const struct target_ops *target;
    void *beside_values;   /* the struct of beside->options */
    void *workload_values; /* the struct of workload->options */
    void *target_values;   /* the struct of target->options; NULL if it has none */
};

/* All defaults. Aborts the program when out of memory, as everything here does. */
struct options *options_create(void);
void options_destroy(struct options *options); /* NULL is fine */

/*
 * Sets one option; dashes in `key` count as underscores; "set" takes key=value. The last of two wins. False with a
 * message in `error` (OPTION_ERROR_BYTES) for an unknown key or a value that cannot be.
 */
bool options_set(struct options *options, const char *key, const char *value, char *error);

/* Resolves, see the head: workload and target are those in the registries of the names given. False with a message. */
bool options_resolve(struct options *options, char *error);

/* The same for a workload and target at hand, whether or not in a registry. */
bool options_resolve_for(struct options *options, const struct workload_ops *workload, const struct target_ops *target,
                         char *error);

/* Whether an option takes a value. If not, with what is wrong and what would be right in `error`. */
bool option_check(const struct option_spec *spec, const char *value, char *error);

/* A struct of values with the defaults of its options; aborts the program when out of memory. */
void *option_defaults(const struct option_spec *specs);
void option_values_destroy(const struct option_spec *specs, void *values); /* NULL is fine */

/* Whether a text is a number, spelled as JSON spells it. */
bool option_text_is_number(const char *text);

/* The harness's own options, of struct run_options. */
extern const struct option_spec run_option_specs[];
/* The names of their columns ("" if none), and what --help calls their values. */
extern const struct run_option_text {
    const char *column, *argument;
} run_option_texts[];
/* Whether it decides what is measured: labels, files for output and the number of repetitions do not. */
bool run_option_is_configuration(size_t i);

/* A value as its column shows it: as option_text, but times are in seconds. True if it is a number. */
bool option_column_text(const struct option_spec *specs, size_t i, const void *values, char *text, size_t text_bytes);

/* record_bytes <-> record-bytes, in place. */
char *option_dashes(char *name);
char *option_underscores(char *name);

/* Whether requests come from terminals, whose users think. Closed: they come when those before have ended. */
bool options_think(const struct options *options);
bool options_closed(const struct options *options);

/* The target's promises under the run's settings. */
struct target_promises options_promises(const struct options *options);

#endif
