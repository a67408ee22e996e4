/*
 * sweep_plan.h - what a sweep will run, in which order; made before anything runs, so that mistakes are found then.
 */
#ifndef HARNESS_SWEEP_SWEEP_PLAN_H
#define HARNESS_SWEEP_SWEEP_PLAN_H

#include "harness/options/jobfile.h"
#include "harness/options/options.h"

enum { SWEEP_ERROR_BYTES = 1024 };

/* Keys that name files beside the results; in a sweep, names within the folder. Merged: the rows of all runs go into
 * one file there; otherwise each run's file stays in its own folder. */
#define SWEEP_FILE_TABLE(X) \
    X(interval_csv, true) X(latency_csv, true) X(counters_csv, true) X(hdr_log, false) X(history, false)
#define SWEEP_FILE_ENUM(key, merged) SWEEP_FILE_##key,
enum sweep_file { SWEEP_FILE_TABLE(SWEEP_FILE_ENUM) SWEEP_FILE_COUNT };
extern const struct sweep_file_info {
    const char *key;
    bool is_merged;
} sweep_files[SWEEP_FILE_COUNT];

struct sweep_point {
    const struct jobfile_point *point;
    struct options *options;             /* resolved */
    char config_hash[17];                /* metadata.h */
    char id[17];                         /* of section, keys, values and overrides */
    char *text;                          /* what sets it apart from the other points, for people */
    const char *files[SWEEP_FILE_COUNT]; /* "" if not asked for */
    double seconds;                      /* of the last finished run; 0: none yet */
};

struct sweep_run {
    struct sweep_point *point;
    unsigned repetition; /* from 1 */
    bool finished;
    bool begun, failed; /* in this sweep */
    unsigned losses;    /* so many nodes were lost with it */
};

struct sweep_plan {
    struct jobfile *jobfile;
    const struct option_pairs *overrides; /* the caller's */
    size_t point_count, run_count;
    struct sweep_point *points;
    struct sweep_run *runs;       /* in the order in which they run */
    struct support_list left_out; /* "redis: no server here (...)": the targets that are not there, and why */
};

/*
 * False with a message in `error` (SWEEP_ERROR_BYTES). Creates each distinct workload once, to see. Points of one
 * section that are the same configuration are refused (1000 and 1k are one value), unless it is an override that makes
 * them so: then the first of them stands for all. With skip_missing points whose target is not there, on this machine
 * and in this build, are left out; without it they are refused. A plan without points is refused.
 */
bool sweep_plan_init(struct sweep_plan *plan, const char *path, const struct option_pairs *overrides, uint64_t seed,
                     bool skip_missing, char *error);
void sweep_plan_fini(struct sweep_plan *plan);

/* Warm-up and window of one run, in seconds; 0 with --txns, of which nobody knows beforehand how long it takes. */
double sweep_nominal_s(const struct sweep_point *point);

/* One line for each run that is not finished, and the time they take: warm-ups and windows, and a guess at the rest. */
void sweep_plan_print(const struct sweep_plan *plan, struct support_text *out);

/*
 * sweep_freeze.c: the plan as a job file that depends on nothing else: no include, no word for the number of cores, no
 * default of a build. Its points are the same configurations under the same labels. What was left out is a comment in
 * it, see jobfile_left_out.
 */
void sweep_plan_freeze(const struct sweep_plan *plan, struct support_text *out);

/* The seconds that all runs will take that have neither finished nor failed, one after the other, as far as one can
 * tell. */
double sweep_plan_left_s(const struct sweep_plan *plan);

#endif
