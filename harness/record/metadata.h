/*
 * metadata.h - what a repetition was, in full: a hash of its configuration for the CSV, and one JSON object with every
 * option, setting, worker's place, counter and fact about build and machine.
 */
#ifndef HARNESS_RECORD_METADATA_H
#define HARNESS_RECORD_METADATA_H

#include <jansson.h>

#include "harness/record/result.h"

/*
 * FNV-1a over every option that is configuration (run_option_is_configuration), every option of the workload and every
 * resolved setting of the target, as "key=value" lines. `threads` counts as resolved. 16 hexadecimal digits.
 */
void metadata_config_hash(const struct options *options, char hash[17]);

/* A text as JSON, which is UTF-8: if it is not (a path may be anything), its bytes beyond ASCII are shown as '?'. */
json_t *metadata_json_text(const char *text);

/* One line of JSON with its line feed; the caller frees it. */
char *metadata_json(const struct result *result);

#endif
