/*
 * errand.h - a thread that does one thing at a time for another thread, which goes on meanwhile.
 *
 * The thread is there once it has been given something. Where there is none to be had, and where nobody shall run at
 * the same time, what is given is done by the giver.
 * One thread at a time may use an errand. What it has written is seen by the work, and what the work has written is
 * seen after errand_is_over or errand_await (a lock).
 * Checked by: tests/unit/base/errand.c, tests/unit/log/segment.c.   Not here: many threads (parallel.h).
 */
#ifndef ENGINE_BASE_ERRAND_H
#define ENGINE_BASE_ERRAND_H

#include <pthread.h>
#include <stdbool.h>

struct errand {
    bool alone; /* no thread is to be started */
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    void (*work)(void *arg); /* NULL: nothing is to be done */
    void *arg;
    bool stop;
};

void errand_init(struct errand *errand, bool alone);
/* Ends what has been given, and the thread. */
void errand_fini(struct errand *errand);

/* Has work(arg) done. What was given before is over. */
void errand_give(struct errand *errand, void (*work)(void *arg), void *arg);
/* Whether what was given has been done; errand_await waits for it. */
bool errand_is_over(struct errand *errand);
void errand_await(struct errand *errand);

#endif
