/*
 * plor.h - Plor (Chen, Yu, Koutris, Arpaci-Dusseau, Arpaci-Dusseau, Shu: Plor: General Transactions with Predictable,
 * Low Tail Latency, SIGMOD 2022): rows are locked as they are accessed, but readers and writers meet at commit only.
 *
 * A row has a list (holders.h) of those who have its lock: shared to read it, with the intent to write it, or
 * exclusive.
 *   PL1  Shared and intent do not exclude each other: until its commit a writer works on a copy of its own, and others
 *        read the row. Of writers one at a time has the intent.
 *   PL2  A commit gets the exclusive lock of each row that it writes. So it waits for those who have read the row and
 *        are older, and makes the others abort. While it has them all, and nobody else reads the rows, it takes its
 *        place in the serial order, checks its nodes, and stores.
 *   PL3  Whoever has a lock of a row reads it in place: it changes only when one has the lock alone.
 *   PL4  Wound-wait decides all conflicts: who wants a lock makes all who have it against it and are younger abort, and
 *        waits. All waits are for older transactions, and for doomed ones, which wait for nothing. So there is no
 *        deadlock, and a transaction that is tried again keeps its age and gets through some day.
 *   PL5  Rows that are inserted, and rows that gain an entry, are locked exclusively at once: nobody may come to them
 *        by the new entry before the transaction has ended.
 *   PL6  A transaction that is tried again locks what it writes exclusively at once, if it has added entries or if its
 *        nodes have changed. Else an older one that scans and a younger one that inserts there could fail each other
 *        again and again: nodes know no ages, and an insert and its undoing both change them.
 * What was read needs no validation: it is locked until the end.
 * Where it differs from the paper. Lists are latched, where the paper's have latch-free parts. A commit waits for
 * readers row by row, in the order in which it wrote the rows.
 */
#ifndef SCHEMES_PLOR_H
#define SCHEMES_PLOR_H

#include "engine/base/option.h"
#include "schemes/base/holders.h"

struct plor_worker {
    struct contender base;
    bool at_once; /* PL6 */
};

SCHEME_CALLS(plor)

#endif
