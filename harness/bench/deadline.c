/* deadline.c - see deadline.h. */
#include "harness/bench/deadline.h"

struct deadline {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t at_ns;
    bool stop;
    void (*expired)(void *arg);
    void *arg;
};

static void *deadline_main(void *arg)
{
    struct deadline *deadline = arg;
    pthread_mutex_lock(&deadline->lock);
    while (!deadline->stop && support_clock_ns() < deadline->at_ns)
        support_cond_wait_until(&deadline->changed, &deadline->lock, deadline->at_ns);
    bool stop = deadline->stop;
    pthread_mutex_unlock(&deadline->lock);
    if (!stop)
        deadline->expired(deadline->arg);
    return NULL;
}

struct deadline *deadline_start(uint64_t at_ns, void (*expired)(void *arg), void *arg)
{
    MAE_CHECK(expired != NULL);
    struct deadline *deadline = support_alloc(sizeof *deadline);
    deadline->at_ns = at_ns;
    deadline->expired = expired;
    deadline->arg = arg;
    pthread_mutex_init(&deadline->lock, NULL);
    support_cond_init(&deadline->changed);
    if (support_thread_start(&deadline->thread, deadline_main, deadline))
        return deadline;
    free(deadline);
    return NULL;
}

void deadline_set(struct deadline *deadline, uint64_t at_ns)
{
    pthread_mutex_lock(&deadline->lock);
    deadline->at_ns = at_ns;
    pthread_cond_signal(&deadline->changed);
    pthread_mutex_unlock(&deadline->lock);
}

void deadline_stop(struct deadline *deadline)
{
    if (deadline == NULL)
        return;
    pthread_mutex_lock(&deadline->lock);
    deadline->stop = true;
    pthread_cond_signal(&deadline->changed);
    pthread_mutex_unlock(&deadline->lock);
    pthread_join(deadline->thread, NULL);
    pthread_cond_destroy(&deadline->changed);
    pthread_mutex_destroy(&deadline->lock);
    free(deadline);
}
