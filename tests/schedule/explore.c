/*
 * explore.c - random transactions under random schedules: what the engine must survive, a line a case.
 *
 * Usage: explore [CASE]; MAE_SECONDS how long, MAE_SEED where to begin, SEED=case:seed[:n] repeats a round.
 * How to read a failure: tests/support/explore.h.
 */
#include "tests/support/explore.h"
#include "tests/support/scheduler.h"

SCHEDULER_INTERPOSE

#define W(op) [EXPLORE_##op]

static const struct explore_case cases[] = {
    {.name = "bank", .what = "transfers and snapshots", .weights = {W(TRANSFER) = 3, W(READ) = 1},
     .key_bytes = 8, .keys = 6, .payload_max = 16, .snapshot_percent = 20, .ops_max = 2},
    {.name = "skew", .what = "write skew, read-only anomaly", .weights = {W(SKEW) = 2, W(READ) = 1},
     .key_bytes = 8, .keys = 4, .payload_max = 16, .snapshot_percent = 20, .ops_max = 2},
    {.name = "append", .what = "list append: read, then write", .weights = {W(APPEND) = 3, W(READ) = 1},
     .key_bytes = 8, .keys = 4, .payload_max = 64, .snapshot_percent = 10, .ops_max = 3},
    {.name = "blind", .what = "blind writes and double writes",
     .weights = {W(OVERWRITE) = 3, W(READ) = 2, W(UPDATE) = 1, W(UPDATE_TWICE) = 1},
     .key_bytes = 8, .keys = 4, .payload_max = 64, .snapshot_percent = 10, .ops_max = 4},
    {.name = "hash", .what = "insert, delete, miss and update through a hash index",
     .weights = {W(INSERT) = 3, W(ERASE) = 3, W(READ) = 3, W(UPDATE) = 2, W(FIND) = 1, W(INSERT_ERASE) = 1,
                 W(REF_READ) = 1},
     .key_bytes = 8, .keys = 6, .payload_max = 32, .snapshot_percent = 15, .ops_max = 4},
    {.name = "hash-blind", .what = "blind writes against deletes",
     .weights = {W(INSERT) = 2, W(ERASE) = 2, W(OVERWRITE) = 3, W(READ) = 2},
     .key_bytes = 8, .keys = 4, .payload_max = 32, .snapshot_percent = 15, .ops_max = 3},
    {.name = "hash-grow", .what = "a growing hash index",
     .weights = {W(INSERT) = 3, W(ERASE) = 2, W(READ) = 3, W(UPDATE) = 1},
     .key_bytes = 8, .keys = 64, .load = 60, .payload_max = 8, .snapshot_percent = 15, .ops_max = 5, .grow = true},
    {.name = "hash-long", .what = "long keys in a hash index, chains of buckets",
     .weights = {W(INSERT) = 3, W(ERASE) = 3, W(READ) = 3, W(UPDATE) = 2},
     .key_bytes = 40, .keys = 200, .payload_max = 8, .snapshot_percent = 15, .ops_max = 6},
    {.name = "tree", .what = "insert, delete, scan through an ordered index",
     .weights = {W(INSERT) = 3, W(ERASE) = 3, W(READ) = 2, W(UPDATE) = 1, W(SCAN) = 2, W(FIND) = 1, W(OVERWRITE) = 1,
                 W(SCAN_UPDATE) = 1},
     .ordered = true, .key_bytes = 8, .keys = 12, .payload_max = 32, .snapshot_percent = 15, .ops_max = 4},
    {.name = "tree-split", .what = "splits and merges of an ordered index",
     .weights = {W(INSERT) = 4, W(ERASE) = 4, W(READ) = 1, W(SCAN) = 2, W(SCAN_UPDATE) = 1},
     .ordered = true, .key_bytes = 64, .keys = 60, .payload_max = 8, .snapshot_percent = 15, .ops_max = 6},
    {.name = "tree-many", .what = "a non-unique ordered index, rows by reference",
     .weights = {W(ROW_INSERT) = 3, W(ROW_ERASE) = 3, W(SCAN) = 2, W(SCAN_UPDATE) = 1, W(FIND) = 1},
     .ordered = true, .non_unique = true, .key_bytes = 32, .keys = 8, .payload_max = 16, .snapshot_percent = 15,
     .ops_max = 4},
    {.name = "rows", .what = "rows by reference, row ids used again",
     .weights = {W(ROW_INSERT) = 3, W(ROW_ERASE) = 3, W(READ) = 2, W(UPDATE) = 1, W(REF_READ) = 2, W(REF_UPDATE) = 1},
     .key_bytes = 8, .keys = 4, .payload_max = 16, .snapshot_percent = 15, .ops_max = 3},
    {.name = "idle", .what = "workers parking, leaving and joining",
     .weights = {W(TRANSFER) = 2, W(INSERT) = 2, W(ERASE) = 2, W(READ) = 2},
     .key_bytes = 8, .keys = 6, .payload_max = 16, .snapshot_percent = 30, .idle_percent = 30, .rejoin_percent = 20,
     .ops_max = 3},
    {.name = "promote", .what = "versions moving into their rows",
     .weights = {W(READ) = 6, W(UPDATE) = 2, W(OVERWRITE) = 1, W(ERASE) = 1, W(INSERT) = 1},
     .key_bytes = 8, .keys = 3, .payload_max = 32, .snapshot_percent = 20, .ops_max = 3},
    {.name = NULL},
};

int main(int argc, char **argv)
{
    scheduler_fix_addresses(argv);
    return explore_main(cases, argc, argv);
}
