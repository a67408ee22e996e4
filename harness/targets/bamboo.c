/* bamboo.c - the target for schemes/bamboo.h. */
#include "schemes/bamboo.h"

#define SCHEME bamboo
#define SCHEME_OPTIONS BAMBOO_OPTIONS
#include "harness/targets/scheme.inc"

const struct target_ops bamboo_target_ops = {
    SCHEME_OPS("bamboo", "Bamboo", TARGET_ROWS_COPIES,
               "wound-wait; rows that were written can be read and written by others at once, who then commit later",
               "snapshots lock like other transactions, and may abort; in memory only")};
