/* parallel.c - see parallel.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "engine/base/check.h"
#include "engine/base/thread.h"

struct task {
    void (*work)(void *arg, unsigned i);
    void *arg;
    unsigned i;
    bool runs; /* has a thread */
    pthread_t thread;
};

unsigned parallel_cpus(void)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return count < 1 ? 1 : count > PARALLEL_MAX ? (unsigned)PARALLEL_MAX : (unsigned)count;
}

static void *run(void *arg)
{
    const struct task *task = arg;
    task->work(task->arg, task->i);
    return NULL;
}

void parallel_run(unsigned count, void (*work)(void *arg, unsigned i), void *arg)
{
    struct task tasks[PARALLEL_MAX];
    MAE_CHECK(count <= PARALLEL_MAX);
    for (unsigned i = 1; i < count; i++) {
        tasks[i] = (struct task){.work = work, .arg = arg, .i = i};
        tasks[i].runs = thread_start(&tasks[i].thread, run, &tasks[i]);
    }
    work(arg, 0);
    for (unsigned i = 1; i < count; i++)
        if (tasks[i].runs)
            (void)pthread_join(tasks[i].thread, NULL);
        else
            work(arg, i);
}
