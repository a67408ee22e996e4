/* mocc.c - the target for schemes/mocc.h. */
#include "schemes/mocc.h"

#define SCHEME mocc
#define SCHEME_OPTIONS MOCC_OPTIONS
#include "harness/targets/scheme.inc"

const struct target_ops mocc_target_ops = {
    SCHEME_OPS("mocc", "MOCC", TARGET_ROWS_COPIES, "Silo, and locks on rows whose reads often fail",
               "snapshots are validated like other transactions, and may abort; in memory only")};
