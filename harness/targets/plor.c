/* plor.c - the target for schemes/plor.h. */
#include "schemes/plor.h"

#define SCHEME plor
#define SCHEME_OPTIONS(X)
#include "harness/targets/scheme.inc"

const struct target_ops plor_target_ops = {SCHEME_OPS(
    "plor", "Plor", TARGET_ROWS_IN_PLACE,
    "rows are locked as they are accessed, but writers meet readers at their commit only; the older one goes on",
    "snapshots lock like other transactions, and may abort; in memory only")};
