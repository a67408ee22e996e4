/* silo.c - the target for schemes/silo.h. */
#include "schemes/silo.h"

#define SCHEME silo
#define SCHEME_OPTIONS SILO_OPTIONS
#define SCHEME_LOCKLESS true
#include "harness/targets/scheme.inc"

const struct target_ops silo_target_ops = {
    SCHEME_OPS("silo", "Silo", TARGET_ROWS_COPIES,
               "Silo: optimistic, one version, validated by versions of rows and nodes (validation_lock, pre_abort)",
               "snapshots are validated like other transactions, and may abort; in memory only")};
