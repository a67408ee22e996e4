/* probes.c - see probes.h. */
#include "harness/machine/probes.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/compiler.h"
#include "engine/base/membarrier.h"
#include "engine/base/tsc.h"

enum { LARGE_PAGE_BYTES = 2 << 20, LINE = 64 };

/* ---- Chains. ---- */

static void *node_at(const struct chain *chain, size_t i)
{
    return chain->memory + i * chain->spacing;
}

/* Sattolo's shuffle, with a fixed seed. */
static void shuffle(uint32_t *order, size_t count, uint64_t *random)
{
    for (size_t i = count - 1; i > 0; i--) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t j = (size_t)(*random >> 33) % i;
        uint32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

void chain_unlinked(struct chain *chain, size_t nodes, size_t spacing, bool large_pages)
{
    size_t bytes = (nodes * spacing + LARGE_PAGE_BYTES - 1) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
    MAE_CHECK(nodes > 0 && spacing >= LINE);
    *chain = (struct chain){aligned_alloc(LARGE_PAGE_BYTES, bytes), nodes, spacing};
    MAE_CHECK(chain->memory != NULL);
    (void)madvise(chain->memory, bytes, large_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(chain->memory, 0, bytes);
}

void chain_init(struct chain *chain, size_t nodes, size_t spacing, size_t window, bool large_pages)
{
    MAE_CHECK(window > 0 && nodes % window == 0);
    SUPPORT_FREED uint32_t *order = support_alloc(nodes * sizeof *order);
    uint64_t random = 1;
    chain_unlinked(chain, nodes, spacing, large_pages);
    for (size_t i = 0; i < nodes; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; i < nodes; i += window)
        shuffle(order + i, window, &random);
    for (size_t i = 0; i < nodes; i++) {
        void *next = node_at(chain, order[(i + 1) % nodes]);
        memcpy(node_at(chain, order[i]), &next, sizeof next);
    }
}

void chain_fini(struct chain *chain)
{
    free(chain->memory);
    chain->memory = NULL;
}

void chain_flush(const struct chain *chain)
{
#if defined(__x86_64__)
    for (size_t i = 0; i < chain->nodes; i++)
        __builtin_ia32_clflush(node_at(chain, i));
    __builtin_ia32_mfence();
#else
    (void)chain;
#endif
}

/* Behind the pointer to the next node: the walk goes on as before. */
void chain_own(const struct chain *chain)
{
    for (size_t i = 0; i < chain->nodes; i++)
        ((volatile uint64_t *)node_at(chain, i))[1] = i;
}

static void *walk(void *node, size_t steps)
{
    for (size_t i = 0; i < steps; i++)
        node = *(void *volatile *)node; /* clang would leave out loads whose result is not used */
    return node;
}

static double per(uint64_t begin_ns, size_t count)
{
    return (double)(support_clock_ns() - begin_ns) / (double)count;
}

double chain_walk(const struct chain *chain, size_t steps)
{
    uint64_t begin_ns = support_clock_ns();
    (void)walk(chain->memory, steps);
    return per(begin_ns, steps);
}

void chain_walk_groups(const struct chain *chain, size_t steps, double *times)
{
    void *node = chain->memory;
    for (size_t group = 0; group < steps / CHAIN_GROUP; group++) {
        uint64_t begin_ns = support_clock_ns();
        node = walk(node, CHAIN_GROUP);
        times[group] = per(begin_ns, CHAIN_GROUP);
    }
}

static inline double walk_many(const struct chain *chain, _Atomic uint64_t *line)
{
    void *nodes[CHAIN_WALKS];
    size_t steps = chain->nodes / CHAIN_WALKS;
    nodes[0] = chain->memory;
    for (size_t i = 1; i < CHAIN_WALKS; i++)
        nodes[i] = walk(nodes[i - 1], steps);
    chain_flush(chain);
    uint64_t begin_ns = support_clock_ns();
    for (size_t step = 0; step < steps; step++)
        for (size_t i = 0; i < CHAIN_WALKS; i++) {
            nodes[i] = *(void *volatile *)nodes[i];
            if (line != NULL)
                (void)atomic_fetch_add_explicit(line, 1, memory_order_relaxed); /* nobody else has it */
        }
    return per(begin_ns, steps * CHAIN_WALKS);
}

double chain_walk_many(const struct chain *chain)
{
    return walk_many(chain, NULL);
}

double chain_walk_locked(const struct chain *chain)
{
    SUPPORT_FREED _Atomic uint64_t *line = support_alloc_aligned(sizeof *line);
    return walk_many(chain, line);
}

double chain_stream(const struct chain *chain)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(void *)chain->memory;
    size_t bytes = chain->nodes * chain->spacing;
    uint64_t begin_ns = support_clock_ns();
    for (size_t i = 0; i < bytes / sizeof *words; i += LINE / sizeof *words)
        (void)words[i];
    return 1 / per(begin_ns, bytes);
}

/* ---- Instructions. ---- */

/* A step of entries_use has so many instructions, counted as the simulator counts (sim/instructions.h), and two of
 * entries_use_waiting, of which every other one reads. */
enum { LOOPS = 4096, ENTRIES = 64, STEP_INSTRUCTIONS = 19, TWO_WAITING_STEPS = 23 };

/* Entries of one line each, linked to a ring; half of the first level at most. */
struct entry {
    struct entry *next;
    uint64_t key, count, values[2];
    char pad[LINE - 5 * sizeof(uint64_t)];
};

/* Follows a pointer, compares a key, reads a value or writes it, and counts. Which of both it does changes with each
 * sixth step, in a way that predictors soon know. */
static void entries_use(volatile struct entry *entry)
{
    uint64_t sum = 0;
    bool writes = false;
    for (unsigned i = 0, until_turn = 6; i < LOOPS; i++) {
        entry = entry->next;
        if (entry->key != 0) /* never: a lookup's first comparison nearly always tells */
            break;
        if (--until_turn == 0) {
            writes = !writes;
            until_turn = 6;
        }
        if (writes) {
            entry->values[0] = i;
            entry->values[1] = sum;
        } else {
            sum += entry->values[0] ^ entry->values[1];
        }
        entry->count = entry->count + 1;
    }
    FORGET(sum);
}

static struct entry *entries_new(void)
{
    struct entry *entries = support_alloc_aligned(ENTRIES * sizeof *entries);
    for (unsigned i = 0; i < ENTRIES; i++)
        entries[i].next = &entries[(i + 1) % ENTRIES];
    return entries;
}

double probe_instruction(void)
{
    SUPPORT_FREED struct entry *entries = entries_new();
    entries_use(entries);
    uint64_t begin_ns = support_clock_ns();
    entries_use(entries);
    return per(begin_ns, LOOPS * STEP_INSTRUCTIONS);
}

/* What entries_use does, in so many steps without a loop, so that no predictor need know how many. A quarter of the
 * instructions wait for `awaited`. */
static ALWAYS_INLINE volatile struct entry *entries_use_waiting(volatile struct entry *entry, const unsigned steps,
                                                                const void *awaited)
{
    uint64_t waiting = 0, sum = 0;
#pragma GCC unroll 64
    for (unsigned i = 0; i < steps; i++) {
        entry = entry->next;
        if (entry->key != 0)
            break;
        waiting += (uintptr_t)awaited & (i + 1);
        if (i % 2 == 0)
            entry->values[0] = waiting;
        else
            sum += entry->values[0] ^ entry->values[1];
        entry->count = entry->count + 1;
    }
    FORGET(sum);
    FORGET(waiting);
    return entry;
}

/* How long a load takes where two walks take turns, with so many steps behind each load. */
static ALWAYS_INLINE double walk_apart(const struct chain *chain, const unsigned steps)
{
    enum { TURNS = 1024 };
    SUPPORT_FREED struct entry *entries = entries_new();
    volatile struct entry *entry = entries;
    void *one = chain->memory, *other = walk(one, chain->nodes / 2);
    chain_flush(chain);
    uint64_t begin_ns = support_clock_ns();
    for (int i = 0; i < TURNS; i++) {
        one = *(void *volatile *)one;
        entry = entries_use_waiting(entry, steps, one);
        other = *(void *volatile *)other;
        entry = entries_use_waiting(entry, steps, other);
    }
    return per(begin_ns, 2 * TURNS);
}

#define APART_TABLE(X) \
    X(2) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(14) X(16) X(18) X(20) X(23) X(26) X(30) X(34) X(40) X(48)

#define APART_FUNCTION(steps)                                            \
    static NOINLINE double walk_apart_##steps(const struct chain *chain) \
    {                                                                    \
        return walk_apart(chain, steps);                                 \
    }
APART_TABLE(APART_FUNCTION)

double probe_window(const struct chain *chain, double memory_ns)
{
    static const struct {
        unsigned steps;
        double (*walk)(const struct chain *chain);
    } distances[] = {
#define APART_ROW(steps) {steps, walk_apart_##steps},
        APART_TABLE(APART_ROW)
#undef APART_ROW
    };
    size_t together = 0, apart = sizeof distances / sizeof distances[0] - 1;
    while (apart - together > 1) {
        size_t middle = (apart + together) / 2;
        if (distances[middle].walk(chain) * 4 < memory_ns * 3)
            together = middle;
        else
            apart = middle;
    }
    return (distances[together].steps + distances[apart].steps) / 4.0 * TWO_WAITING_STEPS;
}

double probe_atomic(void)
{
    SUPPORT_FREED _Atomic uint64_t *line = support_alloc_aligned(sizeof *line);
    uint64_t begin_ns = support_clock_ns();
    for (int i = 0; i < LOOPS; i++)
        (void)atomic_fetch_add_explicit(line, 1, memory_order_relaxed); /* nobody else has it */
    return per(begin_ns, LOOPS);
}

/* Takes one of two ways at each step, as the bits say. How long a step takes. */
static double branch_walk(const unsigned char *bits, size_t count)
{
    volatile uint64_t last = 0; /* a store that is visible: the compiler cannot do without a branch */
    uint64_t begin_ns = support_clock_ns();
    for (size_t i = 0; i < count; i++)
        if (bits[i] != 0)
            last = i;
    (void)last;
    return per(begin_ns, count);
}

double probe_branch(uint64_t *random)
{
    enum { BITS = 1 << 14 };
    SUPPORT_FREED unsigned char *bits = support_alloc(BITS);
    for (size_t i = 0; i < BITS; i++)
        bits[i] = (unsigned char)(i & 1);
    (void)branch_walk(bits, BITS);
    double foretold_ns = branch_walk(bits, BITS);
    for (size_t i = 0; i < BITS; i++) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bits[i] = (unsigned char)(*random >> 63);
    }
    return 2 * (branch_walk(bits, BITS) - foretold_ns); /* every other guess is wrong */
}

double probe_clock(void)
{
    uint64_t sum = 0, begin_ns = support_clock_ns();
    for (int i = 0; i < LOOPS; i++)
        sum += tsc_now();
    FORGET(sum);
    return per(begin_ns, LOOPS);
}

double probe_pause(void)
{
    uint64_t begin_ns = support_clock_ns();
    for (int i = 0; i < LOOPS; i += 4) { /* four, since the loop takes instructions, too */
        cpu_pause();
        cpu_pause();
        cpu_pause();
        cpu_pause();
    }
    return per(begin_ns, LOOPS);
}

double probe_yield(void)
{
    uint64_t begin_ns = support_clock_ns();
    for (int i = 0; i < LOOPS; i++)
        (void)sched_yield();
    return per(begin_ns, LOOPS);
}

double probe_barrier(void)
{
    enum { BARRIERS = 64 };
    if (!membarrier_register())
        return 0;
    uint64_t begin_ns = support_clock_ns();
    for (int i = 0; i < BARRIERS; i++)
        (void)membarrier();
    return per(begin_ns, BARRIERS);
}

double probe_wake(void)
{
    enum { SLEEP_NS = 200000, SLEEPS = 8 };
    uint64_t least_ns = UINT64_MAX; /* other programs only make it longer: one that has the CPU by many milliseconds */
    for (unsigned i = 0; i < SLEEPS; i++) {
        uint64_t begin_ns = support_clock_ns();
        (void)nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
        uint64_t passed_ns = support_clock_ns() - begin_ns;
        least_ns = passed_ns < least_ns ? passed_ns : least_ns;
    }
    return least_ns > SLEEP_NS ? (double)(least_ns - SLEEP_NS) : 0;
}
