/* tictoc.c - the target for schemes/tictoc.h. */
#include "schemes/tictoc.h"

#define SCHEME tictoc
#define SCHEME_OPTIONS TICTOC_OPTIONS
#define SCHEME_ORDER TARGET_ORDER_NEVER
#define SCHEME_LOCKLESS true
#include "harness/targets/scheme.inc"

const struct target_ops tictoc_target_ops = {
    SCHEME_OPS("tictoc", "TicToc", TARGET_ROWS_COPIES,
               "TicToc: optimistic, one version, in the order of timestamps that commits compute",
               "snapshots are validated like other transactions, and may abort; in memory only")};
