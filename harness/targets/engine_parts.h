/*
 * engine_parts.h - what the targets over Maemio's engine share (native, sql): the folder of the log, and what the
 * engine says of its memory and state.
 */
#ifndef HARNESS_TARGETS_ENGINE_PARTS_H
#define HARNESS_TARGETS_ENGINE_PARTS_H

#include <stdbool.h>

#include "engine/maemio.h"
#include "workloads/target.h"

struct log_folder {
    char *path; /* NULL: there is no log */
    bool is_temporary;
};

/* The folder that log_dir names; "auto" is a new one, which log_folder_free removes; "" is none. False: no folder can
 * be made, with the reason in `error`. */
bool log_folder_choose(struct log_folder *folder, const char *log_dir, char *error, size_t error_bytes);
void log_folder_free(struct log_folder *folder);

void engine_memory(struct mae_db *db, struct target_memory *memory);
void engine_state(struct mae_db *db, const struct log_folder *folder, struct target_state *state);

#endif
