/* thread.c - see thread.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/thread.h"

#include <signal.h>

bool thread_start(pthread_t *thread, void *(*main)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* which the new thread inherits */
    int failed = pthread_create(thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}
