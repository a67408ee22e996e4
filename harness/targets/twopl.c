/* twopl.c - the target for schemes/twopl.h. */
#include "schemes/twopl.h"

#define SCHEME twopl
#define SCHEME_OPTIONS TWOPL_OPTIONS
#include "harness/targets/scheme.inc"

const struct target_ops twopl_target_ops = {
    SCHEME_OPS("twopl", "2PL", TARGET_ROWS_IN_PLACE,
               "two-phase locking: rows are locked as they are accessed; who meets a lock aborts or waits (lock_wait)",
               "snapshots lock like other transactions, and may abort; in memory only")};
