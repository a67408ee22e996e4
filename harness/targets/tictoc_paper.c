/* tictoc_paper.c - TicToc as the authors of the Cicada paper ran it, in DBx1000: a commit that meets a lock gives its
 * own locks back and calls usleep(1); the penalty of an abort is up to 100 us. Their workers ran another transaction
 * meanwhile; ours wait. */
#include "schemes/tictoc.h"

#define SCHEME tictoc
#define SCHEME_OPTIONS TICTOC_PAPER_OPTIONS
#define SCHEME_BACKOFF "dbx1000"
#define SCHEME_INDEX_INSERT "eager"
#define SCHEME_ORDER TARGET_ORDER_NEVER
#define SCHEME_LOCKLESS true
#include "harness/targets/scheme.inc"

const struct target_ops tictoc_paper_target_ops = {
    SCHEME_OPS("tictoc_paper", "TicToc'", TARGET_ROWS_COPIES,
               "TicToc as in the Cicada paper: sleeps before it locks again, an abort costs up to 100 us",
               "snapshots are validated like other transactions, and may abort; in memory only")};
