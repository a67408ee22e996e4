/*
 * proximity.h - how near the workers' CPUs are to each other and to their memory, before and after a window.
 *
 * A hypervisor moves the CPUs of a virtual machine. Then a cache line that went from one CPU to the other in 85 ns
 * takes 270 ns a few minutes later, and a contended workload halves its speed without any other sign. So each
 * repetition measures two times, before its warm-up and after its window, in some milliseconds:
 *   line     the time that a cache line takes from one worker's CPU to another's: two workers write one line in turn.
 *   It
 *            measures all pairs if there are at most PROXIMITY_PAIRS_MAX, else so many of them: neighbours, opposites
 *            and pairs between.
 *   memory   the time that worker 0 waits for a load that no cache holds.
 * The shortest round of a measurement counts, since other programs can only make a round longer.
 *
 * Code that compares two results calls proximity_same ("same placement") first.
 * Checked by: tests/unit/harness/machine/proximity.c.
 */
#ifndef HARNESS_MACHINE_PROXIMITY_H
#define HARNESS_MACHINE_PROXIMITY_H

#include "harness/common/crew.h"
#include "harness/common/csv_table.h"
#include "harness/machine/topology.h"

enum { PROXIMITY_PAIRS_MAX = 8 };

/* A time is 0 if it is not known: workers that are not pinned, only one CPU, a partner that never ran. */
struct proximity {
    double line_ns;     /* median over the pairs */
    double line_max_ns; /* the pair that is farthest apart */
    double memory_ns;
};

/* Of one repetition. */
struct proximity_span {
    struct proximity before, after;
};

/* ---- Measuring. One coordinator calls these, while no worker of the crew has a task. ---- */

struct proximity_probe;

struct proximity_probe *proximity_create(const struct placement *placement);
void proximity_destroy(struct proximity_probe *probe); /* NULL is fine */

/* Lets the crew measure; its workers are pinned as the placement says. No worker has a task afterwards. Without a
 * probe nothing is known. */
void proximity_measure(struct proximity_probe *probe, struct crew *crew, struct proximity *proximity);

/* The pairs to measure, of workers on different CPUs. Returns how many. */
unsigned proximity_pairs(const struct placement *placement, unsigned pairs[PROXIMITY_PAIRS_MAX][2]);

/* Sends `line`, which is 0 at first, to and fro between two threads, side 0 and side 1. Side 0 gets the time of a
 * transfer, or 0 if the other side did not answer until `until_ns` (support_clock_ns). */
double proximity_exchange(_Atomic uint64_t *line, unsigned side, uint64_t until_ns);

/* ---- Comparing. ---- */

/* Whether the CPUs or the memory moved between `before` and `after`: 1, 0; -1: not known. */
int proximity_moved(const struct proximity_span *span);

/*
 * Same placement: neither repetition was moved, and lines and memory are equally far in both, within a factor that
 * noise does not reach (1.5). A time that is not known in one of them is not compared.
 */
bool proximity_same(const struct proximity_span *a, const struct proximity_span *b);

/* The times in a row of a result CSV; not known if the row has no such columns. */
void proximity_read(const struct csv_table *table, const struct csv_table_row *row, struct proximity_span *span);

/* "line 85 ns, memory 120 ns", the means of before and after, for captions; "" if nothing is known. A support_short. */
const char *proximity_text(const struct proximity_span *span);

#endif
