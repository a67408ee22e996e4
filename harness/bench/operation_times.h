/*
 * operation_times.h - how long each call of a target takes, by kind of call: a target around another one, which reads
 * the clock before and after every call. In a run that does not ask for it, it is not there.
 *
 * It adds two readings of the clock and a store to each call, some 20 ns, which count in the call that surrounds it (a
 * read within a scan) and in the transaction. So rows of such a run compare with each other only. Calls count while the
 * window is open, those of attempts that abort, too.
 *
 * There is one at a time. Each worker's times are its own; they are read and cleared while no worker runs.
 * Checked by: tests/unit/harness/bench/operation_times.c.
 */
#ifndef HARNESS_BENCH_OPERATION_TIMES_H
#define HARNESS_BENCH_OPERATION_TIMES_H

#include "harness/record/histogram.h"
#include "workloads/target.h"

#define OPERATION_TABLE(X) \
    X(begin)               \
    X(commit)              \
    X(abort)               \
    X(read)                \
    X(update)              \
    X(overwrite)           \
    X(insert)              \
    X(erase)               \
    X(row_read)            \
    X(row_update)          \
    X(row_insert)          \
    X(row_erase)           \
    X(find)                \
    X(index_insert)        \
    X(index_remove)        \
    X(scan)                \
    X(table_scan)
#define OPERATION_ENUM(name) OPERATION_##name,
enum operation { OPERATION_TABLE(OPERATION_ENUM) OPERATION_COUNT };

const char *operation_name(enum operation operation);

/* The target to use instead of `inner`, whose handles are those of `inner`. Valid until the next call. */
const struct target_ops *operation_times_around(const struct target_ops *inner);

/* On a worker's thread: from now on its calls are timed. Once more on the same thread: nothing. */
void operation_times_join(void);

/* Whether calls count. Any thread. */
void operation_times_count(bool on);

/* No worker runs: forgets all times, adds up those of one kind over all workers, and lets go of the memory. */
void operation_times_clear(void);
void operation_times_merge(enum operation operation, struct histogram *into);
void operation_times_end(void);

#endif
