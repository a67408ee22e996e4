/* silo_paper.c - Silo as the authors of the Cicada paper ran it, in DBx1000: commits wait for locks, nothing is checked
 * before, and the penalty of an abort is up to 100 us. Their workers ran another transaction meanwhile; ours wait. */
#include "schemes/silo.h"

#define SCHEME silo
#define SCHEME_OPTIONS SILO_PAPER_OPTIONS
#define SCHEME_BACKOFF "dbx1000"
#define SCHEME_INDEX_INSERT "eager"
#define SCHEME_LOCKLESS true
#include "harness/targets/scheme.inc"

const struct target_ops silo_paper_target_ops = {
    SCHEME_OPS("silo_paper", "Silo'", TARGET_ROWS_COPIES,
               "Silo as in the Cicada paper: waits for locks, no check before, an abort costs up to 100 us",
               "snapshots are validated like other transactions, and may abort; in memory only")};
