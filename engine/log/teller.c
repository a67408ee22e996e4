/* teller.c - see teller.h. */
#include "engine/log/teller.h"

#include <stdlib.h>

#include "engine/base/compiler.h"
#include "engine/base/thread.h"

void teller_init(struct teller *teller, teller_await_fn await, void *arg)
{
    teller->await = await;
    teller->arg = arg;
    pthread_mutex_init(&teller->lock, NULL);
    pthread_cond_init(&teller->wake, NULL);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        pthread_mutex_init(&teller->queues[i].lock, NULL);
}

/* Takes all below `safe_ts` from the front. */
static struct told *take(struct told_queue *queue, uint64_t safe_ts)
{
    struct told *taken = NULL, **end = &taken;
    pthread_mutex_lock(&queue->lock);
    while (queue->first && (queue->first->ts < safe_ts || MUTATED(told_early))) {
        *end = queue->first;
        end = &queue->first->next;
        queue->first = queue->first->next;
    }
    *end = NULL;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void teller_tell(struct teller *teller, uint64_t safe_ts, enum mae_status status)
{
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        for (struct told *told = take(&teller->queues[i], safe_ts), *next; told; told = next) {
            next = told->next;
            told->tell(told->arg, told->ts, status);
            free(told);
        }
}

/* The lowest timestamp at the front of a queue. False: all are empty. */
static bool find_oldest(struct teller *teller, uint64_t *ts)
{
    *ts = UINT64_MAX;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        pthread_mutex_lock(&teller->queues[i].lock);
        if (teller->queues[i].first && teller->queues[i].first->ts < *ts)
            *ts = teller->queues[i].first->ts;
        pthread_mutex_unlock(&teller->queues[i].lock);
    }
    return *ts < UINT64_MAX;
}

static void *run(void *arg)
{
    struct teller *teller = arg;
    uint64_t oldest;
    for (bool stop = false; !stop;) {
        pthread_mutex_lock(&teller->lock);
        while (!teller->filled && !teller->stop)
            pthread_cond_wait(&teller->wake, &teller->lock);
        teller->filled = false;
        stop = teller->stop;
        pthread_mutex_unlock(&teller->lock);
        while (find_oldest(teller, &oldest)) {
            uint64_t safe_ts;
            enum mae_status status = teller->await(teller->arg, oldest, &safe_ts);
            teller_tell(teller, safe_ts, MAE_OK);
            if (status != MAE_OK)
                teller_tell(teller, UINT64_MAX, status);
        }
    }
    return NULL;
}

enum mae_status teller_start(struct teller *teller)
{
    pthread_mutex_lock(&teller->lock);
    if (!teller->runs)
        teller->runs = thread_start(&teller->thread, run, teller);
    enum mae_status status = teller->runs ? MAE_OK : MAE_NO_MEMORY;
    pthread_mutex_unlock(&teller->lock);
    return status;
}

void teller_add(struct teller *teller, unsigned slot, struct told *commit)
{
    struct told_queue *queue = &teller->queues[slot];
    commit->next = NULL;
    pthread_mutex_lock(&queue->lock);
    bool first = !queue->first;
    if (first)
        queue->first = commit;
    else
        queue->last->next = commit;
    queue->last = commit;
    pthread_mutex_unlock(&queue->lock);
    if (!first)
        return; /* the teller has not seen this queue empty since it was woken */
    pthread_mutex_lock(&teller->lock);
    teller->filled = true;
    pthread_cond_signal(&teller->wake);
    pthread_mutex_unlock(&teller->lock);
}

void teller_fini(struct teller *teller, uint64_t safe_ts)
{
    pthread_mutex_lock(&teller->lock);
    teller->stop = true;
    pthread_cond_signal(&teller->wake);
    pthread_mutex_unlock(&teller->lock);
    if (teller->runs)
        pthread_join(teller->thread, NULL);
    teller_tell(teller, safe_ts, MAE_OK);
    teller_tell(teller, UINT64_MAX, MAE_IO_UNKNOWN);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        pthread_mutex_destroy(&teller->queues[i].lock);
    pthread_cond_destroy(&teller->wake);
    pthread_mutex_destroy(&teller->lock);
}
