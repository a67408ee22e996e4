/*
 * ycsb_properties.h - YCSB's property files (-P FILE) and single properties (-p KEY=VALUE) as options of this program.
 *
 * The properties describe a run of YCSB's CoreWorkload, so what they leave out has YCSB's default, not ours: 95% reads,
 * 5% updates, uniform, 10 fields of 100 bytes, one request a transaction. Where a number means something else here, or
 * a property has no counterpart, a note says so; nothing is ignored silently.
 *     recordcount -> records                        requestdistribution zipfian -> distribution=ycsb-scrambled
 *     fieldcount x fieldlength -> record_bytes      (with a theta other than YCSB's 0.99: zipfian)
 *     ...proportion -> ..._ratio, update_kind       operationcount -> txns_total
 *     maxscanlength -> scan_length_max              target -> rate; maxexecutiontime -> time; threadcount -> threads
 * Of the last four 0 is no limit, as in YCSB.
 *
 * The format is that of java.util.Properties as far as YCSB's files use it: key=value, key:value or key value in a
 * line, # and ! comments. Its escapes and continued lines are not read: a \ anywhere but in a comment is an error.
 * Source: YCSB core, CoreWorkload.java and Client.java.
 * Checked by: tests/unit/harness/options/ycsb_properties.c (also with random bytes).
 */
#ifndef HARNESS_OPTIONS_YCSB_PROPERTIES_H
#define HARNESS_OPTIONS_YCSB_PROPERTIES_H

#include "harness/options/options.h"

enum { YCSB_PROPERTIES_ERROR_BYTES = 1024 };

struct ycsb_translation {
    struct option_pairs options;
    struct support_list notes; /* one line each, for the user */
};

/* Each adds to the pairs; the last of two wins. False with a message in `error` (YCSB_PROPERTIES_ERROR_BYTES). */
bool ycsb_properties_read(struct option_pairs *properties, const char *path, char *error);
bool ycsb_properties_parse(struct option_pairs *properties, const char *name, const char *text, size_t bytes,
                           char *error);
bool ycsb_properties_add(struct option_pairs *properties, const char *assignment, char *error);

/*
 * Translates. `end`: "time", "txns" or "txns-total" if the user has given that option, so that the properties' own
 * end of the run is not used; else NULL. False with a message that names file, line and property. Free the result
 * either way.
 */
bool ycsb_properties_resolve(const struct option_pairs *properties, const char *end, struct ycsb_translation *options,
                             char *error);
void ycsb_translation_free(struct ycsb_translation *options);

#endif
