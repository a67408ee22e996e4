/* actors.c - see actors.h. */
#include "tests/support/actors.h"

#include <stdlib.h>
#include <time.h>

enum { PATIENCE_MS = 20 };

/* So many waits one after the other in which nobody ends. A machine that stands still, or has no time for the test,
 * makes one of them longer, not all. */
enum { HANG_WAITS = 1000 };

static void *act(void *arg)
{
    struct actor *actor = arg;
    struct actors *all = actor->all;
    pthread_mutex_lock(&all->lock);
    while (!all->over) {
        if (!actor->busy) {
            pthread_cond_wait(&all->told, &all->lock);
            continue;
        }
        pthread_mutex_unlock(&all->lock);
        actor->step(actor->arg);
        pthread_mutex_lock(&all->lock);
        actor->busy = false;
        pthread_cond_broadcast(&all->done);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

void actors_open(struct actors *actors, unsigned count)
{
    *actors = (struct actors){.count = count};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&actors->lock, NULL);
    pthread_cond_init(&actors->told, NULL);
    pthread_cond_init(&actors->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < count; i++) {
        actors->list[i].all = actors;
        if (pthread_create(&actors->list[i].thread, NULL, act, &actors->list[i]) != 0)
            abort();
    }
}

void actors_close(struct actors *actors)
{
    pthread_mutex_lock(&actors->lock);
    actors->over = true;
    pthread_cond_broadcast(&actors->told);
    pthread_mutex_unlock(&actors->lock);
    for (unsigned i = 0; i < actors->count; i++)
        pthread_join(actors->list[i].thread, NULL);
    pthread_cond_destroy(&actors->done);
    pthread_cond_destroy(&actors->told);
    pthread_mutex_destroy(&actors->lock);
}

/* The moment so many milliseconds from now. */
static struct timespec in_ms(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static unsigned busy_count(const struct actors *actors)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < actors->count; i++)
        busy += actors->list[i].busy;
    return busy;
}

bool actors_step(struct actors *actors, unsigned i, void (*step)(void *arg), void *arg)
{
    struct actor *actor = &actors->list[i];
    struct timespec end = in_ms(PATIENCE_MS);
    pthread_mutex_lock(&actors->lock);
    if (actor->busy)
        abort();
    actor->step = step;
    actor->arg = arg;
    actor->busy = true;
    pthread_cond_broadcast(&actors->told);
    while (actor->busy && pthread_cond_timedwait(&actors->done, &actors->lock, &end) == 0) {
    }
    bool done = !actor->busy;
    pthread_mutex_unlock(&actors->lock);
    return done;
}

bool actors_busy(struct actors *actors, unsigned i)
{
    pthread_mutex_lock(&actors->lock);
    bool busy = actors->list[i].busy;
    pthread_mutex_unlock(&actors->lock);
    return busy;
}

/* Waits for a step to end, a little; counts the waits in which none has. The lock is held. */
static void wait_a_little(struct actors *actors, unsigned *waits)
{
    struct timespec end = in_ms(PATIENCE_MS);
    *waits += pthread_cond_timedwait(&actors->done, &actors->lock, &end) != 0;
}

bool actors_wait_for(struct actors *actors, unsigned i)
{
    unsigned waits = 0;
    pthread_mutex_lock(&actors->lock);
    while (actors->list[i].busy && waits < HANG_WAITS)
        wait_a_little(actors, &waits);
    bool done = !actors->list[i].busy;
    pthread_mutex_unlock(&actors->lock);
    return done;
}

bool actors_wait_for_fewer(struct actors *actors, unsigned busy)
{
    unsigned waits = 0;
    pthread_mutex_lock(&actors->lock);
    while (busy_count(actors) >= busy && waits < HANG_WAITS)
        wait_a_little(actors, &waits);
    bool fewer = busy_count(actors) < busy;
    pthread_mutex_unlock(&actors->lock);
    return fewer;
}
