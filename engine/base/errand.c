/* errand.c - see errand.h. */
#include "engine/base/errand.h"

#include <stddef.h>

#include "engine/base/check.h"
#include "engine/base/thread.h"

void errand_init(struct errand *errand, bool alone)
{
    *errand = (struct errand){.alone = alone};
    pthread_mutex_init(&errand->lock, NULL);
    pthread_cond_init(&errand->changed, NULL);
}

void errand_fini(struct errand *errand)
{
    pthread_mutex_lock(&errand->lock);
    errand->stop = true;
    pthread_cond_broadcast(&errand->changed);
    pthread_mutex_unlock(&errand->lock);
    if (errand->runs)
        pthread_join(errand->thread, NULL);
    pthread_cond_destroy(&errand->changed);
    pthread_mutex_destroy(&errand->lock);
}

static void *run(void *arg)
{
    struct errand *errand = arg;
    pthread_mutex_lock(&errand->lock);
    while (errand->work || !errand->stop) {
        if (!errand->work) {
            pthread_cond_wait(&errand->changed, &errand->lock);
            continue;
        }
        pthread_mutex_unlock(&errand->lock);
        errand->work(errand->arg); /* nobody changes them until this is over */
        pthread_mutex_lock(&errand->lock);
        errand->work = NULL;
        pthread_cond_broadcast(&errand->changed);
    }
    pthread_mutex_unlock(&errand->lock);
    return NULL;
}

void errand_give(struct errand *errand, void (*work)(void *arg), void *arg)
{
    MAE_DCHECK(errand_is_over(errand));
    if (!errand->runs && !errand->alone)
        errand->runs = thread_start(&errand->thread, run, errand);
    if (!errand->runs) {
        work(arg);
        return;
    }
    pthread_mutex_lock(&errand->lock);
    errand->work = work;
    errand->arg = arg;
    pthread_cond_broadcast(&errand->changed);
    pthread_mutex_unlock(&errand->lock);
}

bool errand_is_over(struct errand *errand)
{
    pthread_mutex_lock(&errand->lock);
    bool over = !errand->work;
    pthread_mutex_unlock(&errand->lock);
    return over;
}

void errand_await(struct errand *errand)
{
    pthread_mutex_lock(&errand->lock);
    while (errand->work)
        pthread_cond_wait(&errand->changed, &errand->lock);
    pthread_mutex_unlock(&errand->lock);
}
