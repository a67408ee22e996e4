/* policy.c - see policy.h. */
#include "schemes/base/policy.h"

#include <sched.h>

#include "engine/base/options.h"
#include "engine/base/tsc.h"
#include "schemes/base/worker.h"

enum { WAIT_ROUNDS_MAX = 400, DBX1000_NS = 100000, YIELD_AFTER_RETRIES = 64 };

/* Words of POLICY_BACKOFF_RANGE by their places; the first three are the engine's. */
#define POLICY_DBX1000 (OPTION_WORD_FIRST - 3)

void policy_init(struct policy *policy, uint64_t option)
{
    pthread_mutex_init(&policy->lock, NULL);
    backoff_init(&policy->backoff, option == POLICY_DBX1000 ? DBX1000_NS : option, tsc_ticks_per_us());
}

void policy_fini(struct policy *policy)
{
    pthread_mutex_destroy(&policy->lock);
}

static uint64_t commits(const struct database *database)
{
    uint64_t sum = 0;
    unsigned used = atomic_load_explicit(&database->worker_count, memory_order_acquire); /* ORD-WORKER-1 */
    for (unsigned i = 0; i < used; i++)
        sum += atomic_load_explicit(&database->workers[i]->counters[COUNTER_commits], memory_order_relaxed);
    return sum;
}

void policy_backoff(struct worker *worker)
{
    struct policy *policy = &worker->database->policy;
    if ((policy->backoff.adaptive || policy->backoff.learns) && pthread_mutex_trylock(&policy->lock) == 0) {
        uint64_t now = tsc_now();
        if (backoff_due(&policy->backoff, now))
            backoff_climb(&policy->backoff, now, commits(worker->database));
        pthread_mutex_unlock(&policy->lock);
    }
    uint64_t ticks = backoff_wait(&policy->backoff, &worker->retries,
                                  atomic_load_explicit(&worker->counters[COUNTER_commits], memory_order_relaxed));
    if (worker->retries.count % YIELD_AFTER_RETRIES == 0)
        sched_yield(); /* whom it meets again and again may be waiting for this CPU */
    if (ticks == 0)
        return;
    counter_add(worker, COUNTER_backoff_waits, 1);
    counter_add(worker, COUNTER_backoff_ticks, ticks);
}

void wait_once(struct worker *worker, struct wait *wait)
{
    RACE(WAIT_LOCK);
    uint64_t now = tsc_now();
    if (wait->rounds == 0)
        counter_add(worker, COUNTER_waits, 1);
    else
        counter_add(worker, COUNTER_wait_ticks, now - wait->since_ticks);
    wait->since_ticks = now;
    wait_step(wait->rounds++);
}

bool wait_go_on(struct worker *worker, struct wait *wait)
{
    if (wait->rounds == WAIT_ROUNDS_MAX)
        return false;
    wait_once(worker, wait);
    return true;
}
