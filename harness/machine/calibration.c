/* calibration.c - measures; see calibration.h. */
#include "harness/machine/calibration.h"

#include <sched.h>
#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "engine/base/tsc.h"
#include "harness/common/statistics.h"
#include "harness/machine/probes.h"

/* Nodes lie two lines apart, since hardware may fetch lines in pairs; a window of them lies on 16 small pages. */
enum { NODE_BYTES = 128, WINDOW = 512, SPINS_A_TURN = 4096 };
/* One node a page and as many as no TLB holds, each on another line of its page; what a core streams. */
enum { PAGES = 8192, PAGED_BYTES = 4096 + 64, STREAM_LINES = 8 << 20 >> 6 };
/* So many partners of each kind are measured: the nearest number, the farthest, and between. */
enum { PARTNERS_MAX = 3 };

struct measuring {
    struct calibration *calibration;
    const struct placement *placement;
    struct crew *crew;
    struct chain second, twice, third, lines, dense, paged, large_paged, remote; /* all but `remote` are worker 0's */
    struct chain *streams;                                                       /* each worker's own */
    unsigned remote_worker; /* the first that has another socket's memory; 0: none */
    unsigned owner;         /* whose lines worker 0 reads */
    unsigned streaming, stream_shift;
    double result, spread, *rates;
    uint64_t random; /* of branches */
    char pad[SUPPORT_LINE_BYTES];
    _Atomic unsigned turn;
    char pad_end[SUPPORT_LINE_BYTES];
};

static void add(struct measuring *measuring, enum calibration_number number, double value)
{
    struct calibration_samples *samples = &measuring->calibration->samples[number];
    samples->values = support_more(samples->values, samples->count, sizeof *samples->values);
    samples->values[samples->count++] = value;
}

static void everyone(struct measuring *measuring, unsigned count, crew_task_fn task)
{
    atomic_store_explicit(&measuring->turn, 0, memory_order_relaxed); /* crew_begin publishes it */
    crew_begin(measuring->crew, count, task, measuring);
    (void)crew_wait(measuring->crew, UINT64_MAX);
}

/* Waits without sleeping: a core that sleeps may lose its caches. */
static void turn_await(const struct measuring *measuring, unsigned turn)
{
    for (unsigned spins = 1; atomic_load_explicit(&measuring->turn, memory_order_acquire) < turn; spins++) {
        cpu_pause();
        if (spins % SPINS_A_TURN == 0)
            sched_yield(); /* where the other thread waits for this CPU */
    }
}

static void turn_next(struct measuring *measuring)
{
    (void)atomic_fetch_add_explicit(&measuring->turn, 1, memory_order_acq_rel); /* what was done before is seen */
}

/* ---- What the workers have. ---- */

static void chain_of_bytes(struct chain *chain, uint64_t bytes)
{
    uint64_t nodes = bytes / NODE_BYTES, window = nodes < WINDOW ? nodes : WINDOW;
    chain_init(chain, nodes / window * window, NODE_BYTES, window, true);
}

static enum target_status task_prepare(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    const struct topology_cache *caches = measuring->calibration->shape.caches;
    uint64_t third = caches[1].bytes * 4 < caches[2].bytes / 4 * 3 ? caches[1].bytes * 4 : caches[2].bytes / 4 * 3;
    chain_unlinked(&measuring->streams[worker], STREAM_LINES, 64, true);
    if (worker == measuring->remote_worker && worker > 0)
        chain_of_bytes(&measuring->remote, third);
    if (worker > 0)
        return TARGET_OK;
    chain_of_bytes(&measuring->second, caches[1].bytes / 2);
    chain_of_bytes(&measuring->twice, third / 2);
    chain_of_bytes(&measuring->third, third);
    chain_of_bytes(&measuring->lines, caches[1].bytes / 4);
    chain_init(&measuring->dense, PAGES, NODE_BYTES, WINDOW, true);
    chain_init(&measuring->paged, PAGES, PAGED_BYTES, PAGES, false);
    chain_init(&measuring->large_paged, PAGES, PAGED_BYTES, PAGES, true);
    return TARGET_OK;
}

static void measuring_fini(struct measuring *measuring)
{
    struct chain *chains[] = {&measuring->second, &measuring->twice, &measuring->third,       &measuring->lines,
                              &measuring->dense,  &measuring->paged, &measuring->large_paged, &measuring->remote};
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
        chain_fini(chains[i]);
    for (unsigned i = 0; i < measuring->placement->count; i++)
        chain_fini(&measuring->streams[i]);
    free(measuring->streams);
    free(measuring->rates);
}

/* ---- One core. ---- */

enum { WALKS = 24 };

/* Caches that others use, too, and those that keep what was read from memory only after it has been read again and
 * again, come to their best after some walks. Who disturbs makes a walk longer only. */
static double walk_kept(const struct chain *chain)
{
    double least_ns = chain_walk(chain, chain->nodes);
    for (unsigned i = 1; i < WALKS; i++)
        least_ns = fmin(least_ns, chain_walk(chain, chain->nodes));
    return least_ns;
}

/* The last of as many walks; not the least, which is less than a hit of the second level on a simulated machine. */
static double walk_last(const struct chain *chain)
{
    for (unsigned i = 1; i < WALKS; i++)
        (void)chain_walk(chain, chain->nodes);
    return chain_walk(chain, chain->nodes);
}

/* What a load takes in so many bytes, which have been read again and again. */
static double walk_bytes(uint64_t bytes)
{
    enum { LINE = 64 };
    uint64_t nodes = bytes / LINE;
    struct chain chain;
    chain_init(&chain, nodes, LINE, nodes, true); /* in no order that a prefetcher guesses */
    double least_ns = walk_kept(&chain);
    chain_fini(&chain);
    return least_ns;
}

uint64_t calibration_search(uint64_t least, uint64_t most, bool (*fits)(void *arg, uint64_t bytes), void *arg)
{
    /* From below: a hypervisor may tell of a last level of hundreds of megabytes, which takes minutes to walk. */
    for (uint64_t twice = least; least < most; least = twice) { /* ends: doubles */
        twice = most - least < least ? most : least * 2;
        if (!fits(arg, twice)) {
            most = twice;
            break;
        }
    }
    while (most - least > least / 20) { /* ends: most - least is halved */
        uint64_t middle = least + (most - least) / 2;
        if (fits(arg, middle))
            least = middle;
        else
            most = middle;
    }
    return least;
}

static bool second_level_has(void *arg, uint64_t bytes)
{
    const struct calibration *calibration = arg;
    return walk_bytes(bytes) * 2 <
           calibration_median(calibration, CALIBRATION_l2_ns) + calibration_median(calibration, CALIBRATION_l3_ns);
}

static bool last_level_has(void *arg, uint64_t bytes)
{
    const struct calibration *calibration = arg;
    return walk_bytes(bytes) * 2 < calibration_median(calibration, CALIBRATION_l3_ns) +
                                       calibration_median(calibration, CALIBRATION_memory_near_ns);
}

/* How much of the second and of the last level there is for this system: a hypervisor shares them with others, and says
 * nothing of that. A last level of which others leave nothing is no larger than the second. */
static enum target_status task_levels(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    MAE_CHECK(worker == 0);
    struct calibration *calibration = measuring->calibration;
    const struct chain *twice = &measuring->twice;
    uint64_t l2_bytes = calibration->shape.caches[1].bytes, most = calibration->shape.caches[2].bytes,
             least = twice->nodes * twice->spacing;
    add(measuring, CALIBRATION_l2_found_bytes,
        (double)calibration_search(l2_bytes / 8, l2_bytes, second_level_has, calibration));
    bool answers = calibration_median(calibration, CALIBRATION_l3_ns) * 4 <
                   calibration_median(calibration, CALIBRATION_memory_near_ns) * 3;
    add(measuring, CALIBRATION_l3_found_bytes,
        (double)(!answers       ? l2_bytes
                 : least < most ? calibration_search(least, most, last_level_has, calibration)
                                : most));
    return TARGET_OK;
}

/* Pauses double until half of the lines are gone from the last level that had them before the pause. 0: not after the
 * longest one. The core does not sleep meanwhile, so that its second level keeps its lines. */
static double l3_half_ms(const struct chain *chain, double memory_ns)
{
    enum { PAUSES = 7, MILLISECOND_NS = 1000000 };
    double lost = 0, pause_ms = 0.5;
    for (unsigned i = 0; i < PAUSES && lost < 0.5; i++) {
        double kept_ns = walk_kept(chain);
        pause_ms *= 2;
        uint64_t until_ns = support_clock_ns() + (uint64_t)(pause_ms * MILLISECOND_NS);
        while (support_clock_ns() < until_ns)
            cpu_pause();
        lost = (chain_walk(chain, chain->nodes) - kept_ns) / fmax(memory_ns - kept_ns, 1);
    }
    return lost < 0.25 ? 0 : pause_ms / -log2(1 - fmin(lost, 0.99));
}

static double walk_cold(const struct chain *chain)
{
    chain_flush(chain);
    return chain_walk(chain, chain->nodes);
}

static enum target_status task_alone(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    MAE_CHECK(worker == 0);
    double instruction_ns = probe_instruction(), dense_ns = walk_kept(&measuring->dense);
    add(measuring, CALIBRATION_tsc_ghz, tsc_ticks_per_us() / 1000);
    add(measuring, CALIBRATION_instruction_ns, instruction_ns);
    add(measuring, CALIBRATION_atomic_ns, fmax(0, probe_atomic() - instruction_ns));
    add(measuring, CALIBRATION_branch_ns, fmax(0, probe_branch(&measuring->random)));
    add(measuring, CALIBRATION_clock_ns, probe_clock());
    add(measuring, CALIBRATION_pause_ns, probe_pause());
    add(measuring, CALIBRATION_yield_ns, probe_yield());
    add(measuring, CALIBRATION_wake_ns, probe_wake());
    add(measuring, CALIBRATION_l2_ns, walk_last(&measuring->second));
    add(measuring, CALIBRATION_paged_ns, fmax(0, walk_kept(&measuring->paged) - dense_ns));
    add(measuring, CALIBRATION_large_paged_ns, fmax(0, walk_kept(&measuring->large_paged) - dense_ns));
    double twice_ns = walk_kept(&measuring->twice), third_ns = walk_kept(&measuring->third),
           memory_ns = walk_cold(&measuring->third);
    /* Where others leave less of it than the longer walk needs, the shorter one tells. */
    add(measuring, CALIBRATION_l3_ns, third_ns * 2 < twice_ns + memory_ns ? third_ns : twice_ns);
    add(measuring, CALIBRATION_memory_near_ns, memory_ns);
    add(measuring, CALIBRATION_l3_half_ms, l3_half_ms(&measuring->third, memory_ns));
    add(measuring, CALIBRATION_window, probe_window(&measuring->third, memory_ns));
    double misses = memory_ns / chain_walk_many(&measuring->third);
    add(measuring, CALIBRATION_locked_ns, chain_walk_locked(&measuring->third));
    add(measuring, CALIBRATION_misses, fmin(fmax(misses, 1), CHAIN_WALKS));
    if (measuring->remote.memory != NULL)
        add(measuring, CALIBRATION_memory_remote_ns, walk_cold(&measuring->remote));
    return TARGET_OK;
}

/* ---- Two cores. ---- */

/* Walks the chain once. Groups of loads whose times are spread evenly over +-s have a range between the quartiles of
 * s x 1.349 / sqrt(3 x group). */
static double walk_spread(const struct chain *chain, double *spread)
{
    size_t count = chain->nodes / CHAIN_GROUP;
    SUPPORT_FREED double *times = support_alloc(count * sizeof *times);
    struct statistics_summary summary;
    chain_walk_groups(chain, count * CHAIN_GROUP, times);
    MAE_CHECK(statistics_summarize(times, count, &summary));
    *spread = fmin(0.5, (summary.q3 - summary.q1) * sqrt(3.0 * CHAIN_GROUP) / (1.349 * summary.median));
    return summary.median;
}

/* Worker 0 reads what the owner has written, then what the owner has only read: the first half of that, which the
 * owner's own caches have lost meanwhile. */
static enum target_status task_lines(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    if (worker == measuring->owner) {
        chain_own(&measuring->lines);
        turn_next(measuring);
        turn_await(measuring, 2);
    } else if (worker == 0) {
        turn_await(measuring, 1);
        measuring->result = walk_spread(&measuring->lines, &measuring->spread);
        turn_next(measuring);
    }
    return TARGET_OK;
}

static enum target_status task_copies(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    if (worker == measuring->owner) {
        chain_flush(&measuring->third);
        (void)chain_walk(&measuring->third, measuring->third.nodes);
        turn_next(measuring);
        turn_await(measuring, 2);
    } else if (worker == 0) {
        turn_await(measuring, 1);
        measuring->result = chain_walk(&measuring->third, measuring->third.nodes / 2);
        turn_next(measuring);
    }
    return TARGET_OK;
}

static enum target_status task_barrier(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    if (worker == measuring->owner && worker > 0) {
        turn_next(measuring);
        turn_await(measuring, 2);
    } else if (worker == 0) {
        turn_await(measuring, measuring->owner > 0);
        measuring->result = probe_barrier();
        turn_next(measuring);
    }
    return TARGET_OK;
}

enum place { PLACE_NEAR, PLACE_SOCKET, PLACE_REMOTE, PLACES };

static enum place place_of(const struct topology *topology, const struct placement *placement, unsigned worker)
{
    const struct placement_worker *first = &placement->workers[0], *other = &placement->workers[worker];
    return first->package != other->package                                                         ? PLACE_REMOTE
           : topology_last_level(topology, first->cpu) != topology_last_level(topology, other->cpu) ? PLACE_SOCKET
                                                                                                    : PLACE_NEAR;
}

/* Some of the workers at such a place, the first and the last among them. */
static unsigned partners_at(const struct topology *topology, const struct placement *placement, enum place place,
                            unsigned partners[PARTNERS_MAX])
{
    unsigned first = 0, count = 0, taken = 0; /* workers of one place follow each other: the placement is compact */
    for (unsigned i = 1; i < placement->count; i++)
        if (place_of(topology, placement, i) == place) {
            first = count == 0 ? i : first;
            count++;
        }
    for (unsigned i = 0; i < PARTNERS_MAX && i < count; i++)
        partners[taken++] =
            first + (count == 1 ? 0 : i * (count - 1) / ((count < PARTNERS_MAX ? count : PARTNERS_MAX) - 1));
    return taken;
}

static void pairs_measure(struct measuring *measuring, const struct topology *topology)
{
    static const enum calibration_number lines[PLACES] = {CALIBRATION_core_near_ns, CALIBRATION_core_socket_ns,
                                                          CALIBRATION_core_remote_ns},
                                         copies[PLACES] = {CALIBRATION_NONE, CALIBRATION_l3_socket_ns,
                                                           CALIBRATION_l3_remote_ns};
    for (enum place place = 0; place < PLACES; place++) {
        unsigned partners[PARTNERS_MAX], count = partners_at(topology, measuring->placement, place, partners);
        for (unsigned i = 0; i < count; i++) {
            measuring->owner = partners[i];
            everyone(measuring, partners[i] + 1, task_lines);
            add(measuring, lines[place], measuring->result);
            add(measuring, CALIBRATION_spread, measuring->spread);
            if (copies[place] == CALIBRATION_NONE)
                continue;
            everyone(measuring, partners[i] + 1, task_copies);
            add(measuring, copies[place], measuring->result);
        }
    }
    if (measuring->placement->count == 1)
        add(measuring, CALIBRATION_spread, 0); /* there is nobody to be in step with */
    measuring->owner = measuring->placement->count > 1;
    everyone(measuring, measuring->owner + 1, task_barrier);
    add(measuring, CALIBRATION_barrier_ns, measuring->result);
}

/* ---- All cores of a socket. ---- */

static enum target_status task_stream(void *arg, unsigned worker)
{
    struct measuring *measuring = arg;
    const struct chain *chain = &measuring->streams[measuring->stream_shift + worker];
    chain_flush(chain);
    turn_next(measuring);
    turn_await(measuring, measuring->streaming);
    measuring->rates[worker] = chain_stream(chain);
    return TARGET_OK;
}

static void stream_measure(struct measuring *measuring, unsigned shift, enum calibration_number number)
{
    const struct placement *placement = measuring->placement;
    double sum = 0;
    measuring->streaming = 0;
    for (unsigned i = 0; i + shift < placement->count; i++)
        if (i == measuring->streaming && placement->workers[i].package == placement->workers[0].package)
            measuring->streaming++;
    measuring->stream_shift = shift;
    everyone(measuring, measuring->streaming, task_stream);
    for (unsigned i = 0; i < measuring->streaming; i++)
        sum += measuring->rates[i];
    add(measuring, number, sum);
}

bool calibration_measure(struct calibration *calibration, const struct topology *topology,
                         const struct placement *placement, struct crew *crew, unsigned rounds, char *error,
                         size_t error_bytes)
{
    MAE_CHECK(rounds > 0 && rounds <= CALIBRATION_ROUNDS_MAX && placement->count > 0);
    *calibration = (struct calibration){.rounds = rounds};
    topology_shape(topology, &calibration->shape);
    struct topology_cache *caches = calibration->shape.caches;
    if (caches[0].bytes == 0 || caches[1].bytes == 0)
        return support_error(error, error_bytes,
                             "the system does not say how large the caches are, of which the measurements depend");
    if (caches[2].bytes == 0) /* the second level is the last one */
        caches[2] = caches[1];
    struct measuring *measuring = support_alloc_aligned(sizeof *measuring);
    measuring->calibration = calibration;
    measuring->placement = placement;
    measuring->crew = crew;
    measuring->streams = support_alloc(placement->count * sizeof *measuring->streams);
    measuring->rates = support_alloc(placement->count * sizeof *measuring->rates);
    for (unsigned i = placement->count; i-- > 1;)
        if (placement->workers[i].package != placement->workers[0].package)
            measuring->remote_worker = i;
    everyone(measuring, placement->count, task_prepare);
    for (unsigned round = 0; round < rounds; round++) {
        everyone(measuring, 1, task_alone);
        pairs_measure(measuring, topology);
        stream_measure(measuring, 0, CALIBRATION_memory_gb_per_s);
        if (measuring->remote_worker > 0)
            stream_measure(measuring, measuring->remote_worker, CALIBRATION_link_gb_per_s);
    }
    everyone(measuring, 1, task_levels);
    measuring_fini(measuring);
    free(measuring);
    return true;
}

void calibration_free(struct calibration *calibration)
{
    for (size_t i = 0; i < CALIBRATION_COUNT; i++)
        free(calibration->samples[i].values);
    *calibration = (struct calibration){0};
}
