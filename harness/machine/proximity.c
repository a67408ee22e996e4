/* proximity.c - see proximity.h. */
#include "harness/machine/proximity.h"

#include <sched.h>
#include <stdatomic.h>

#include "harness/common/statistics.h"

/* Two CPUs, or a CPU and its memory, are as near as before if the ratio of the times is below this. Repeated
 * measurements on one placement differ by a tenth; near and far differ by a factor of three. */
#define SAME_RATIO 1.5

/* The transfers each way in a round, which take some 20 to 60 us, and the number of rounds. A pair takes less than a
 * millisecond unless other programs keep one of its workers waiting. The last is the time after which all pairs give
 * up. */
enum { ROUND_EXCHANGES = 100, ROUNDS = 16 };
#define MEASURE_NS_MAX UINT64_C(100000000)
enum { SPINS_A_TURN = 4096 };
#define EXCHANGE_OVER UINT64_MAX

/* The chain of loads: nodes on lines two apart, so that the adjacent-line prefetcher is of no help. */
enum { NODES = 4096, NODE_BYTES = 2 * SUPPORT_LINE_BYTES, NODES_A_ROUND = 256 };

struct proximity_probe {
    const struct placement *placement;
    unsigned pair_count, pair; /* the pair whose turn it is */
    unsigned pairs[PROXIMITY_PAIRS_MAX][2];
    uint64_t until_ns;
    double line_ns;       /* written by the pair's first worker */
    double memory_ns;     /* written by worker 0 */
    unsigned char *chain; /* made by worker 0, so that it lies in its memory */
    char pad[SUPPORT_LINE_BYTES];
    _Atomic uint64_t line;
    char pad_end[SUPPORT_LINE_BYTES];
};

/* ---- Pairs. ---- */

static void pair_add(const struct placement *placement, unsigned a, unsigned b, unsigned (*pairs)[2], unsigned *count)
{
    const struct placement_worker *workers = placement->workers;
    if (workers[a].cpu < 0 || workers[b].cpu < 0 || workers[a].cpu == workers[b].cpu)
        return;
    pairs[*count][0] = a;
    pairs[(*count)++][1] = b;
}

unsigned proximity_pairs(const struct placement *placement, unsigned pairs[PROXIMITY_PAIRS_MAX][2])
{
    unsigned workers = placement->count, count = 0;
    if (workers * (workers - 1) / 2 <= PROXIMITY_PAIRS_MAX) {
        for (unsigned a = 0; a < workers; a++)
            for (unsigned b = a + 1; b < workers; b++)
                pair_add(placement, a, b, pairs, &count);
        return count;
    }
    /* From places all over the order, the distance growing from a neighbour to the opposite worker. */
    for (unsigned i = 0; i < PROXIMITY_PAIRS_MAX; i++) {
        unsigned distance = 1 + i * (workers / 2 - 1) / (PROXIMITY_PAIRS_MAX - 1);
        unsigned a = i * workers / PROXIMITY_PAIRS_MAX;
        pair_add(placement, a, (a + distance) % workers, pairs, &count);
    }
    return count;
}

/* ---- A line between two CPUs. ---- */

/* Waits for the other side's value. False if the exchange is over or the time is up. */
static bool line_await(const _Atomic uint64_t *line, uint64_t value, uint64_t until_ns)
{
    for (unsigned spins = 1;; spins++) {
        uint64_t seen = atomic_load_explicit(line, memory_order_acquire); /* the line is all that is exchanged */
        if (seen == value)
            return true;
        if (seen == EXCHANGE_OVER)
            return false;
        if (spins % SPINS_A_TURN == 0) {
            if (support_clock_ns() >= until_ns)
                return false;
            sched_yield(); /* the other side may be waiting for this CPU; such a round is not the fastest */
        }
    }
}

double proximity_exchange(_Atomic uint64_t *line, unsigned side, uint64_t until_ns)
{
    MAE_CHECK(side <= 1);
    uint64_t value = 0, begin_ns = support_clock_ns(), least_ns = UINT64_MAX;
    bool answered = true;
    for (unsigned round = 0; answered && round < ROUNDS; round++) {
        for (unsigned i = 0; answered && i < ROUND_EXCHANGES; i++) {
            if (side == 0)
                atomic_store_explicit(line, value + 1, memory_order_release);
            answered = line_await(line, value + 1 + (side == 0), until_ns);
            if (answered && side == 1)
                atomic_store_explicit(line, value + 2, memory_order_release);
            value += 2;
        }
        uint64_t end_ns = support_clock_ns();
        least_ns = answered && end_ns - begin_ns < least_ns ? end_ns - begin_ns : least_ns;
        begin_ns = end_ns;
    }
    if (!answered)
        atomic_store_explicit(line, EXCHANGE_OVER, memory_order_release); /* the other side need not wait */
    return least_ns == UINT64_MAX ? 0 : (double)least_ns / (2 * ROUND_EXCHANGES);
}

static enum target_status task_pair(void *arg, unsigned worker)
{
    struct proximity_probe *probe = arg;
    const unsigned *pair = probe->pairs[probe->pair];
    if (worker == pair[0])
        probe->line_ns = proximity_exchange(&probe->line, 0, probe->until_ns);
    else if (worker == pair[1])
        (void)proximity_exchange(&probe->line, 1, probe->until_ns);
    return TARGET_OK;
}

/* ---- A load from memory. ---- */

#if defined(__x86_64__)

/* Links all nodes to one ring in an order that no prefetcher guesses: Sattolo's shuffle, with a fixed seed. */
static unsigned char *chain_create(void)
{
    unsigned order[NODES];
    uint64_t random = 1;
    unsigned char *chain = support_alloc_aligned((size_t)NODES * NODE_BYTES);
    for (unsigned i = 0; i < NODES; i++)
        order[i] = i;
    for (unsigned i = NODES - 1; i > 0; i--) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned j = (unsigned)((random >> 33) % i), swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (unsigned i = 0; i < NODES; i++) {
        void *next = chain + (size_t)order[(i + 1) % NODES] * NODE_BYTES;
        memcpy(chain + (size_t)order[i] * NODE_BYTES, &next, sizeof next);
    }
    return chain;
}

static double chain_walk(unsigned char *chain)
{
    void *node = chain;
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; i < NODES; i++)
        __builtin_ia32_clflush(chain + i * NODE_BYTES);
    __builtin_ia32_mfence();
    for (unsigned round = 0; round < NODES / NODES_A_ROUND; round++) {
        uint64_t begin_ns = support_clock_ns();
        for (unsigned i = 0; i < NODES_A_ROUND; i++)
            node = *(void *volatile *)node; /* clang would leave out loads whose result is not used */
        uint64_t passed_ns = support_clock_ns() - begin_ns;
        least_ns = passed_ns < least_ns ? passed_ns : least_ns;
    }
    return (double)least_ns / NODES_A_ROUND;
}

static enum target_status task_memory(void *arg, unsigned worker)
{
    struct proximity_probe *probe = arg;
    (void)worker;
    if (probe->chain == NULL)
        probe->chain = chain_create();
    probe->memory_ns = chain_walk(probe->chain);
    return TARGET_OK;
}

#else

/* No instruction takes a line out of the caches on every such machine, so the time is not known. */
static enum target_status task_memory(void *arg, unsigned worker)
{
    (void)arg, (void)worker;
    return TARGET_OK;
}

#endif

/* ---- Measuring. ---- */

struct proximity_probe *proximity_create(const struct placement *placement)
{
    MAE_CHECK(placement->count > 0);
    struct proximity_probe *probe = support_alloc_aligned(sizeof *probe);
    probe->placement = placement;
    probe->pair_count = proximity_pairs(placement, probe->pairs);
    MAE_CHECK(probe->pair_count <= PROXIMITY_PAIRS_MAX);
    return probe;
}

void proximity_destroy(struct proximity_probe *probe)
{
    if (probe == NULL)
        return;
    free(probe->chain);
    free(probe);
}

void proximity_measure(struct proximity_probe *probe, struct crew *crew, struct proximity *proximity)
{
    double lines[PROXIMITY_PAIRS_MAX];
    size_t known = 0;
    *proximity = (struct proximity){0};
    if (probe == NULL)
        return;
    probe->until_ns = support_clock_ns() + MEASURE_NS_MAX;
    for (probe->pair = 0; probe->pair < probe->pair_count; probe->pair++) {
        const unsigned *pair = probe->pairs[probe->pair];
        atomic_store_explicit(&probe->line, 0, memory_order_relaxed);
        crew_begin(crew, 1 + (pair[0] > pair[1] ? pair[0] : pair[1]), task_pair, probe);
        (void)crew_wait(crew, UINT64_MAX);
        if (probe->line_ns > 0)
            lines[known++] = probe->line_ns;
        proximity->line_max_ns = fmax(proximity->line_max_ns, probe->line_ns);
    }
    if (known > 0)
        proximity->line_ns = statistics_median(lines, known);
    if (probe->placement->workers[0].cpu < 0)
        return;
    crew_begin(crew, 1, task_memory, probe);
    (void)crew_wait(crew, UINT64_MAX);
    proximity->memory_ns = probe->memory_ns;
}

/* ---- Comparing. ---- */

/* 1: equally far, 0: not; -1: one of them is not known. */
static int alike(double a_ns, double b_ns)
{
    if (!(a_ns > 0 && b_ns > 0))
        return -1;
    return a_ns < SAME_RATIO * b_ns && b_ns < SAME_RATIO * a_ns;
}

int proximity_moved(const struct proximity_span *span)
{
    int line = alike(span->before.line_ns, span->after.line_ns);
    int line_max = alike(span->before.line_max_ns, span->after.line_max_ns);
    int memory = alike(span->before.memory_ns, span->after.memory_ns);
    if (line < 0 && memory < 0)
        return -1;
    return line == 0 || line_max == 0 || memory == 0;
}

/* Of the two times those that are known. */
static double mean_ns(double before_ns, double after_ns)
{
    return before_ns > 0 && after_ns > 0 ? (before_ns + after_ns) / 2 : before_ns + after_ns;
}

static struct proximity mean(const struct proximity_span *span)
{
    const struct proximity *before = &span->before, *after = &span->after;
    return (struct proximity){mean_ns(before->line_ns, after->line_ns),
                              mean_ns(before->line_max_ns, after->line_max_ns),
                              mean_ns(before->memory_ns, after->memory_ns)};
}

bool proximity_same(const struct proximity_span *a, const struct proximity_span *b)
{
    struct proximity a_mean = mean(a), b_mean = mean(b);
    return proximity_moved(a) != 1 && proximity_moved(b) != 1 && alike(a_mean.line_ns, b_mean.line_ns) != 0 &&
           alike(a_mean.line_max_ns, b_mean.line_max_ns) != 0 && alike(a_mean.memory_ns, b_mean.memory_ns) != 0;
}

static double field_ns(const struct csv_table *table, const struct csv_table_row *row, const char *column)
{
    int at = csv_table_column(table, column);
    return at < 0 ? 0 : strtod(row->fields[at], NULL);
}

void proximity_read(const struct csv_table *table, const struct csv_table_row *row, struct proximity_span *span)
{
    span->before =
        (struct proximity){field_ns(table, row, "line_before_ns"), field_ns(table, row, "line_max_before_ns"),
                           field_ns(table, row, "memory_before_ns")};
    span->after = (struct proximity){field_ns(table, row, "line_after_ns"), field_ns(table, row, "line_max_after_ns"),
                                     field_ns(table, row, "memory_after_ns")};
}

const char *proximity_text(const struct proximity_span *span)
{
    struct proximity at = mean(span);
    const char *line = at.line_ns > 0 ? support_short("line %.0f ns", at.line_ns) : "",
               *memory = at.memory_ns > 0 ? support_short("memory %.0f ns", at.memory_ns) : "";
    return support_short("%s%s%s", line, *line != '\0' && *memory != '\0' ? ", " : "", memory);
}
