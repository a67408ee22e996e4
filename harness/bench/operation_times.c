/* operation_times.c - see operation_times.h. */
#include "harness/bench/operation_times.h"

#include <stdatomic.h>

#include "harness/common/clock.h"

/* Of one worker. */
struct own {
    struct own *next;
    struct histogram operations[OPERATION_COUNT];
};

static const struct target_ops *inner;
static struct target_ops around;
static struct own *_Atomic all;
static _Atomic bool counting;
static _Thread_local struct own *own; /* NULL: this thread's calls are not timed */

const char *operation_name(enum operation operation)
{
#define OPERATION_NAME(name) #name,
    static const char *const names[] = {OPERATION_TABLE(OPERATION_NAME)};
    return names[operation];
}

static void record(enum operation operation, uint64_t begin_ticks)
{
    if (own != NULL && atomic_load_explicit(&counting, memory_order_relaxed))
        histogram_record(&own->operations[operation], clock_passed_ns(begin_ticks, clock_now_ticks()));
}

/* ---- The calls. ---- */

/* What it is called through must be what it was made as. */
static enum target_status timed_open(const struct target_ops *ops, const void *values, struct target **target,
                                     char *error, size_t error_bytes)
{
    (void)ops;
    return inner->open(inner, values, target, error, error_bytes);
}

#define TIMED(name, parameters, arguments)                 \
    static enum target_status timed_##name parameters      \
    {                                                      \
        uint64_t begin_ticks = clock_now_ticks();          \
        enum target_status status = inner->name arguments; \
        record(OPERATION_##name, begin_ticks);             \
        return status;                                     \
    }

TIMED(begin, (struct target_worker * worker, enum target_mode mode, struct target_txn **txn), (worker, mode, txn))
TIMED(commit, (struct target_txn * txn), (txn))
TIMED(read, (struct target_txn * txn, struct target_index *index, const void *key, const void **data, size_t *bytes),
      (txn, index, key, data, bytes))
TIMED(update,
      (struct target_txn * txn, struct target_index *index, const void *key, size_t bytes, const void **old,
       void **data),
      (txn, index, key, bytes, old, data))
TIMED(overwrite, (struct target_txn * txn, struct target_index *index, const void *key, size_t bytes, void **data),
      (txn, index, key, bytes, data))
TIMED(insert,
      (struct target_txn * txn, struct target_index *index, const void *key, size_t bytes, uint64_t *ref, void **data),
      (txn, index, key, bytes, ref, data))
TIMED(erase, (struct target_txn * txn, struct target_index *index, const void *key), (txn, index, key))
TIMED(row_read, (struct target_txn * txn, struct target_table *table, uint64_t ref, const void **data, size_t *bytes),
      (txn, table, ref, data, bytes))
TIMED(row_update,
      (struct target_txn * txn, struct target_table *table, uint64_t ref, size_t bytes, const void **old, void **data),
      (txn, table, ref, bytes, old, data))
TIMED(row_insert, (struct target_txn * txn, struct target_table *table, size_t bytes, uint64_t *ref, void **data),
      (txn, table, bytes, ref, data))
TIMED(row_erase, (struct target_txn * txn, struct target_table *table, uint64_t ref), (txn, table, ref))
TIMED(find, (struct target_txn * txn, struct target_index *index, const void *key, uint64_t *ref),
      (txn, index, key, ref))
TIMED(index_insert, (struct target_txn * txn, struct target_index *index, const void *key, uint64_t ref),
      (txn, index, key, ref))
TIMED(index_remove, (struct target_txn * txn, struct target_index *index, const void *key, uint64_t ref),
      (txn, index, key, ref))
TIMED(scan,
      (struct target_txn * txn, struct target_index *index, const void *lo, const void *hi, unsigned flags,
       uint64_t limit, target_entry_fn visit, void *arg),
      (txn, index, lo, hi, flags, limit, visit, arg))
TIMED(table_scan, (struct target_txn * txn, struct target_table *table, target_row_fn visit, void *arg),
      (txn, table, visit, arg))

static void timed_abort(struct target_txn *txn)
{
    uint64_t begin_ticks = clock_now_ticks();
    inner->abort(txn);
    record(OPERATION_abort, begin_ticks);
}

/* ---- The whole. ---- */

const struct target_ops *operation_times_around(const struct target_ops *ops)
{
    inner = ops;
    around = *ops;
    around.open = timed_open;
#define OPERATION_TIMED(name) around.name = ops->name == NULL ? NULL : timed_##name;
    OPERATION_TABLE(OPERATION_TIMED)
    return &around;
}

void operation_times_join(void)
{
    if (own != NULL)
        return;
    own = support_alloc(sizeof *own);
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        histogram_init(&own->operations[i]);
    own->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &own->next, own)) /* until no other worker joins at this moment */
        continue;
}

void operation_times_count(bool on)
{
    atomic_store(&counting, on);
}

void operation_times_clear(void)
{
    for (struct own *one = atomic_load(&all); one != NULL; one = one->next)
        for (size_t i = 0; i < OPERATION_COUNT; i++)
            histogram_init(&one->operations[i]);
}

void operation_times_merge(enum operation operation, struct histogram *into)
{
    for (struct own *one = atomic_load(&all); one != NULL; one = one->next)
        histogram_merge(into, &one->operations[operation]);
}

void operation_times_end(void)
{
    for (struct own *one = atomic_load(&all), *next; one != NULL; one = next) {
        next = one->next;
        free(one);
    }
    atomic_store(&all, NULL);
    own = NULL; /* of this thread; others have ended */
}
