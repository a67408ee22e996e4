/* ermia.c - the target for schemes/ermia.h. SSN admits orders against its timestamps, so histories are judged by their
 * graphs alone. */
#include "schemes/ermia.h"

#define SCHEME ermia
#define SCHEME_OPTIONS ERMIA_OPTIONS
#define SCHEME_ROW_BYTES sizeof(struct ermia_row)
#define SCHEME_ORDER TARGET_ORDER_NEVER
#include "harness/targets/scheme.inc"

static struct target_promises promises_with(const void *values)
{
    const struct options *options = values;
    struct target_promises promises = ermia_target_ops.promises;
    if (options->ermia_isolation == ERMIA_SI)
        promises.isolation = TARGET_ISOLATION_SNAPSHOT;
    else if (!options->phantoms)
        promises.phantom_safe = false;
    return promises;
}

const struct target_ops ermia_target_ops = {
    SCHEME_OPS("ermia", "ERMIA", TARGET_ROWS_IN_PLACE,
               "ERMIA: snapshot isolation, several versions; serializable by the serial safety net (SSN)",
               "snapshots are safe, and abort only where index entries have gone since; in memory only"),
    .promises_with = promises_with};
