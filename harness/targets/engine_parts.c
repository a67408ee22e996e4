/* engine_parts.c - see engine_parts.h. */
#include "harness/targets/engine_parts.h"

#include <errno.h>

#include "harness/common/program.h"
#include "harness/common/support.h"
#include "harness/machine/disk.h"

bool log_folder_choose(struct log_folder *folder, const char *log_dir, char *error, size_t error_bytes)
{
    *folder = (struct log_folder){.is_temporary = strcmp(log_dir, "auto") == 0};
    if (folder->is_temporary)
        folder->path = disk_scratch_make();
    else if (log_dir[0] != '\0')
        folder->path = support_copy(log_dir);
    if (folder->is_temporary && folder->path == NULL) {
        (void)snprintf(error, error_bytes, "log_dir=auto: no folder can be made in %s (TMPDIR): %s", disk_scratch(),
                       strerror(errno));
        return false;
    }
    return true;
}

void log_folder_free(struct log_folder *folder)
{
    if (folder->is_temporary && folder->path != NULL)
        program_folder_remove(folder->path);
    free(folder->path);
}

void engine_memory(struct mae_db *db, struct target_memory *memory)
{
    struct mae_memory engine;
    mae_db_memory(db, &engine);
    *memory = (struct target_memory){.limit_bytes = engine.limit_bytes,
                                     .committed_bytes = engine.committed_bytes,
                                     .resident_bytes = engine.resident_bytes,
                                     .hugetlb_bytes = engine.hugetlb_bytes,
                                     .transparent_bytes = engine.transparent_bytes};
}

void engine_state(struct mae_db *db, const struct log_folder *folder, struct target_state *state)
{
    struct mae_state engine;
    struct mae_log_state log;
    mae_db_state(db, &engine);
    mae_log_state(db, &log);
    *state = (struct target_state){.min_wts = engine.min_wts,
                                   .min_rts = engine.min_rts,
                                   .ticks_per_us = engine.ticks_per_us,
                                   .backoff_max_us = engine.backoff_max_us,
                                   .workers = engine.workers,
                                   .durable_ts = log.durable_timestamp,
                                   .log_flushes = log.flushes,
                                   .log_bytes = log.written_bytes,
                                   .log_folder = folder->path};
}
