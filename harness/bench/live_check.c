/* live_check.c - see live_check.h. */
#include "harness/bench/live_check.h"

#include <stdatomic.h>

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
    pthread_mutex_lock(&check->lock);
    while (!check->quit && support_clock_ns() < at_ns)
        support_cond_wait_until(&check->quit_told, &check->lock, at_ns);
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
    *check = (struct live_check){.workload_ops = workload_ops,
                                 .workload = workload,
                                 .target_ops = target_ops,
                                 .target = target,
                                 .every_ns = every_ns};
    pthread_mutex_init(&check->lock, NULL);
    support_cond_init(&check->quit_told);
    if (support_thread_start(&check->thread, check_main, check))
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
