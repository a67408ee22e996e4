/* hekaton.c - the target for schemes/hekaton.h. */
#include "schemes/hekaton.h"

#define SCHEME hekaton
#define SCHEME_OPTIONS HEKATON_OPTIONS
#define SCHEME_ROW_BYTES sizeof(struct chain_row)
#include "harness/targets/scheme.inc"

static struct target_promises promises_with(const void *values)
{
    struct target_promises promises = hekaton_target_ops.promises;
    if (((const struct options *)values)->hekaton_validate == HEKATON_DBX1000)
        promises.isolation = TARGET_ISOLATION_SNAPSHOT;
    return promises;
}

const struct target_ops hekaton_target_ops = {
    SCHEME_OPS("hekaton", "Hekaton", TARGET_ROWS_IN_PLACE,
               "Hekaton's MV/O: optimistic, several versions, timestamps from one counter",
               "snapshots validate nothing, but may abort where index entries have gone; in memory only"),
    .promises_with = promises_with};
