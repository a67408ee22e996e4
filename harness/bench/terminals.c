/* terminals.c - see terminals.h: a binary heap, of which the first is due next. */
#include "harness/bench/terminals.h"

#include "harness/common/clock.h"
#include "harness/common/support.h"

struct terminal {
    uint64_t due_ticks;
    unsigned number;
};

struct terminals {
    const struct workload_terminals *ops;
    struct workload_worker *state;
    struct rng rng;
    unsigned count;
    struct terminal heap[];
};

struct terminals *terminals_create(const struct workload_terminals *ops, struct workload_worker *state, uint64_t seed)
{
    unsigned count = ops->count(state);
    MAE_CHECK(count > 0);
    struct terminals *terminals = support_alloc(sizeof *terminals + count * sizeof *terminals->heap);
    terminals->ops = ops;
    terminals->state = state;
    terminals->count = count;
    rng_init(&terminals->rng, seed, 0);
    return terminals;
}

void terminals_destroy(struct terminals *terminals)
{
    free(terminals);
}

/* Moves the terminal at `at` down until no one below it is due earlier. */
static void sift(struct terminals *terminals, unsigned at)
{
    const struct terminal moved = terminals->heap[at];
    for (unsigned child; (child = 2 * at + 1) < terminals->count; at = child) { /* ends: `at` grows */
        if (child + 1 < terminals->count && terminals->heap[child + 1].due_ticks < terminals->heap[child].due_ticks)
            child++;
        if (moved.due_ticks <= terminals->heap[child].due_ticks)
            break;
        terminals->heap[at] = terminals->heap[child];
    }
    terminals->heap[at] = moved;
}

static double pause_ticks(struct terminals *terminals, unsigned number)
{
    return clock_ticks_of_ns((double)terminals->ops->draw(terminals->state, number));
}

void terminals_begin(struct terminals *terminals, uint64_t now_ticks)
{
    for (unsigned i = 0; i < terminals->count; i++) {
        double share = rng_unit(&terminals->rng);
        terminals->heap[i] = (struct terminal){now_ticks + (uint64_t)(share * pause_ticks(terminals, i)), i};
    }
    for (unsigned i = terminals->count / 2; i-- > 0;)
        sift(terminals, i);
}

uint64_t terminals_due(const struct terminals *terminals)
{
    return terminals->heap[0].due_ticks;
}

void terminals_serve(struct terminals *terminals)
{
    terminals->ops->serve(terminals->state, terminals->heap[0].number);
}

void terminals_answer(struct terminals *terminals, uint64_t now_ticks)
{
    terminals->heap[0].due_ticks = now_ticks + (uint64_t)pause_ticks(terminals, terminals->heap[0].number);
    sift(terminals, 0);
}
