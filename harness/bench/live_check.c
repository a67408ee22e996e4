/* live_check.c - see live_check.h. */
#include "harness/bench/live_check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "harness/common/support.h"

enum { REPORT_BYTES = 1024 };

struct live_check {
    const struct workload_ops *workload_ops;
    struct workload *workload;
    const struct target_ops *target_ops;
    struct target *target;
    uint64_t every_ns;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t quit_told;
    bool quit; /* under lock */
    _Atomic bool failed;
    /* The thread writes these; other threads read them only after it has ended. */
    unsigned passed;
    char report[REPORT_BYTES];
};

/* Waits for the next check. True if the thread should end instead. */
static bool wait_until(struct live_check *check, uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / 1000000000U), .tv_nsec = (long)(at_ns % 1000000000U)};
    pthread_mutex_lock(&check->lock);
    while (!check->quit && support_clock_ns() < at_ns)
        (void)pthread_cond_timedwait(&check->quit_told, &check->lock, &at);
    bool quit = check->quit;
    pthread_mutex_unlock(&check->lock);
    return quit;
}

static void fail(struct live_check *check, const char *what, enum target_status status)
{
    if (check->report[0] == '\0')
        (void)snprintf(check->report, sizeof check->report, "%s: %s: %s", what, target_status_name(status),
                       target_status_text(status));
    atomic_store_explicit(&check->failed, true, memory_order_release);
}

static void *check_main(void *arg)
{
    struct live_check *check = arg;
    struct target_worker *worker;
    enum target_status status = check->target_ops->worker_join(check->target, &worker);
    if (status != TARGET_OK) {
        fail(check, "no worker for the check", status);
        return NULL;
    }
    uint64_t next_ns = support_clock_ns();
    do {
        check->report[0] = '\0';
        status = check->workload_ops->check(check->workload, worker, NULL, check->report, sizeof check->report);
        target_idle(check->target_ops, worker);
        if (status != TARGET_OK) {
            fail(check, "the check", status);
            break;
        }
        check->passed++;
        uint64_t now = support_clock_ns();
        next_ns = next_ns + check->every_ns > now ? next_ns + check->every_ns : now;
    } while (!wait_until(check, next_ns));
    check->target_ops->worker_leave(worker);
    return NULL;
}

struct live_check *live_check_start(const struct workload_ops *workload_ops, struct workload *workload,
                                    const struct target_ops *target_ops, struct target *target, uint64_t every_ns)
{
    MAE_CHECK(workload_ops->check != NULL && every_ns > 0);
    struct live_check *check = support_alloc(sizeof *check);
    check->workload_ops = workload_ops;
    check->workload = workload;
    check->target_ops = target_ops;
    check->target = target;
    check->every_ns = every_ns;
    pthread_condattr_t attributes;
    pthread_mutex_init(&check->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&check->quit_told, &attributes);
    pthread_condattr_destroy(&attributes);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the coordinator takes signals */
    bool started = pthread_create(&check->thread, NULL, check_main, check) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        return check;
    pthread_cond_destroy(&check->quit_told);
    pthread_mutex_destroy(&check->lock);
    free(check);
    return NULL;
}

bool live_check_failed(const struct live_check *check)
{
    return check != NULL && atomic_load_explicit(&check->failed, memory_order_acquire);
}

bool live_check_stop(struct live_check *check, unsigned *passed, char *report, size_t report_bytes)
{
    *passed = 0;
    if (check == NULL)
        return true;
    pthread_mutex_lock(&check->lock);
    check->quit = true;
    pthread_cond_signal(&check->quit_told);
    pthread_mutex_unlock(&check->lock);
    pthread_join(check->thread, NULL);
    bool fine = !live_check_failed(check);
    *passed = check->passed;
    if (!fine && report != NULL)
        (void)snprintf(report, report_bytes, "%s", check->report);
    pthread_cond_destroy(&check->quit_told);
    pthread_mutex_destroy(&check->lock);
    free(check);
    return fine;
}
