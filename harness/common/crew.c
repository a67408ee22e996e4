/* crew.c - see crew.h. `lock` protects every field that a thread and the coordinator share, except the two atomics. */
#include "harness/common/crew.h"

#include <stdatomic.h>

#include "harness/common/support.h"

struct member {
    struct crew *crew;
    unsigned idx;
    pthread_t thread;
    crew_task_fn task; /* NULL: the worker has no task */
    void *arg;
    _Atomic bool busy;
    _Atomic int status;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t go, rest;
    unsigned count, busy;
    bool quit;
    struct member members[];
};

static void *member_main(void *arg)
{
    struct member *member = arg;
    struct crew *crew = member->crew;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (member->task == NULL && !crew->quit)
            pthread_cond_wait(&crew->go, &crew->lock);
        if (member->task == NULL)
            break;
        pthread_mutex_unlock(&crew->lock);
        enum target_status status = member->task(member->arg, member->idx);
        pthread_mutex_lock(&crew->lock);
        member->task = NULL;
        atomic_store_explicit(&member->status, (int)status, memory_order_relaxed);
        atomic_store_explicit(&member->busy, false, memory_order_release);
        MAE_CHECK(crew->busy > 0);
        crew->busy--;
        if (crew->busy == 0 || status != TARGET_OK)
            pthread_cond_signal(&crew->rest);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

struct crew *crew_create(unsigned workers, crew_task_fn first, void *arg)
{
    MAE_CHECK(workers > 0 && first != NULL);
    struct crew *crew = support_alloc(sizeof *crew + workers * sizeof crew->members[0]);
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->go, NULL);
    support_cond_init(&crew->rest);
    while (crew->count < workers) {
        struct member *member = &crew->members[crew->count];
        member->crew = crew;
        member->idx = crew->count;
        if (!support_thread_start(&member->thread, member_main, member))
            break;
        crew->count++;
    }
    if (crew->count < workers) {
        crew_destroy(crew);
        return NULL;
    }
    crew_begin(crew, workers, first, arg);
    (void)crew_wait(crew, UINT64_MAX);
    return crew;
}

void crew_begin(struct crew *crew, unsigned count, crew_task_fn task, void *arg)
{
    MAE_CHECK(count <= crew->count && task != NULL);
    pthread_mutex_lock(&crew->lock);
    MAE_CHECK(crew->busy == 0); /* nobody is still at an earlier task */
    for (unsigned i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];
        atomic_store_explicit(&member->status, TARGET_OK, memory_order_relaxed);
        if (i >= count)
            continue;
        member->arg = arg;
        member->task = task;
        atomic_store_explicit(&member->busy, true, memory_order_relaxed);
    }
    crew->busy = count;
    pthread_cond_broadcast(&crew->go);
    pthread_mutex_unlock(&crew->lock);
}

bool crew_wait(struct crew *crew, uint64_t until_ns)
{
    pthread_mutex_lock(&crew->lock);
    /* Also returns early after a failure: the caller asks crew_failure. */
    while (crew->busy != 0 && support_clock_ns() < until_ns) {
        support_cond_wait_until(&crew->rest, &crew->lock, until_ns);
        unsigned worker;
        enum target_status status;
        if (until_ns != UINT64_MAX && crew_failure(crew, &worker, &status))
            break;
    }
    bool rest = crew->busy == 0;
    pthread_mutex_unlock(&crew->lock);
    return rest;
}

bool crew_is_busy(const struct crew *crew, unsigned worker)
{
    MAE_DCHECK(worker < crew->count);
    return atomic_load_explicit(&crew->members[worker].busy, memory_order_acquire);
}

enum target_status crew_status(const struct crew *crew, unsigned worker)
{
    MAE_DCHECK(worker < crew->count);
    return (enum target_status)atomic_load_explicit(&crew->members[worker].status, memory_order_relaxed);
}

bool crew_failure(const struct crew *crew, unsigned *worker, enum target_status *status)
{
    for (unsigned i = 0; i < crew->count; i++)
        if (!crew_is_busy(crew, i) && crew_status(crew, i) != TARGET_OK) {
            *worker = i;
            *status = crew_status(crew, i);
            return true;
        }
    return false;
}

void crew_destroy(struct crew *crew)
{
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->quit = true;
    pthread_cond_broadcast(&crew->go);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->count; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->rest);
    pthread_cond_destroy(&crew->go);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}
