/* polaris.c - the target for schemes/polaris.h. */
#include "schemes/polaris.h"

#define SCHEME polaris
#define SCHEME_OPTIONS POLARIS_OPTIONS
#define SCHEME_LOCKLESS true
#include "harness/targets/scheme.inc"

const struct target_ops polaris_target_ops = {SCHEME_OPS(
    "polaris", "Polaris", TARGET_ROWS_COPIES, "Silo, and transactions that were aborted often reserve what they touch",
    "snapshots are validated like other transactions, and may abort; in memory only")};
