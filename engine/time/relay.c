/* relay.c - see relay.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getcpu */
#endif
#include "engine/time/relay.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/tsc.h"

/*
 * The baton in a word: its cluster, whether another one wants it, and the end of the leg in ticks, of which the highest
 * bits are cut off. Differences of these are still right for ends that are less than two weeks away.
 */
enum { CLUSTER_BITS = 10, WANTED = 1 << CLUSTER_BITS, END_SHIFT = CLUSTER_BITS + 1 };

static const double GRACE_US = 20;

static unsigned holder_of(uint64_t baton)
{
    return baton & (WANTED - 1);
}

static uint64_t baton_of(unsigned cluster, uint64_t end_ticks)
{
    return end_ticks << END_SHIFT | (cluster & (WANTED - 1));
}

/* By how much the leg's end lies ahead; less than 0: behind. */
static int64_t ticks_left(uint64_t baton, uint64_t now_ticks)
{
    return (int64_t)((baton & ~(uint64_t)(2 * WANTED - 1)) - (now_ticks << END_SHIFT)) >> END_SHIFT;
}

/* The first of the CPUs that share `cpu`'s third level of cache. */
static bool read_cluster(unsigned cpu, unsigned *first)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cache/index3/shared_cpu_list", cpu);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fscanf(file, "%u", first) == 1;
    fclose(file);
    return read && *first < RELAY_CPUS_MAX;
}

void relay_init(struct relay *relay, uint64_t leg_us, double ticks_per_us)
{
    relay->leg_ticks = (uint64_t)((double)leg_us * ticks_per_us);
    relay->grace_ticks = (uint64_t)(GRACE_US * ticks_per_us);
    relay->ticks_per_us = ticks_per_us;
    atomic_init(&relay->baton, baton_of(0, tsc_now()));
    /* A CPU without a third level, or that is not there, counts to the first cluster. */
    for (unsigned cpu = 0; cpu < RELAY_CPUS_MAX; cpu++) {
        unsigned first;
        relay->cluster[cpu] = (uint16_t)(leg_us && read_cluster(cpu, &first) ? first : 0);
    }
}

static unsigned own_cluster(const struct relay *relay)
{
    unsigned cpu;
    return getcpu(&cpu, NULL) == 0 && cpu < RELAY_CPUS_MAX ? relay->cluster[cpu] : 0;
}

/*
 * ORD-4: relaxed throughout, since the baton guards no data. An exchange that fails met another worker's, which has
 * taken the baton or noted a wish.
 */
static bool exchange(struct relay *relay, uint64_t seen, uint64_t baton)
{
    return atomic_compare_exchange_strong_explicit(&relay->baton, &seen, baton, memory_order_relaxed,
                                                   memory_order_relaxed);
}

uint64_t relay_enter(struct relay *relay, unsigned cluster, uint64_t now_ticks)
{
    uint64_t baton = atomic_load_explicit(&relay->baton, memory_order_relaxed); /* ORD-4 */
    int64_t left = ticks_left(baton, now_ticks);
    /* No leg ends so late: this one has ended so long ago that the difference says nothing. */
    if (left > 2 * (int64_t)relay->leg_ticks)
        left = 0;
    bool own = holder_of(baton) == (cluster & (WANTED - 1)), wanted = baton & WANTED;
    if (own && left > 0)
        return 0;
    /* Own workers leave a leg that is over to who waits for it. But those may have stopped waiting. */
    if (own && wanted && !MUTATED(relay_keeps_baton))
        left += (int64_t)relay->grace_ticks;
    if (left <= 0 || MUTATED(relay_takes_early))
        return exchange(relay, baton, baton_of(cluster, now_ticks + relay->leg_ticks)) ? 0 : 1;
    if (!own && !wanted)
        (void)exchange(relay, baton, baton | WANTED);
    return (uint64_t)left;
}

uint64_t relay_wait(struct relay *relay, const struct retries *retries)
{
    if (relay->leg_ticks == 0)
        return 0;
    unsigned cluster = own_cluster(relay);
    uint64_t start = tsc_now(), now = start, most = RELAY_LEGS_MAX * relay->leg_ticks, ticks;
    while ((ticks = relay_enter(relay, cluster, now)) && (now - start < most || MUTATED(relay_waits_on))) /* RL1 */
        now += backoff_pass(retries, now, ticks < relay->leg_ticks ? ticks : relay->leg_ticks, relay->ticks_per_us);
    return now - start;
}
