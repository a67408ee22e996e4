/*
 * thread.h - a thread of the project's own.
 *
 * It takes no signals: these are for the program's threads. Otherwise a handler of the program's could run within the
 * logger, and a timer's signals could interrupt the allocation of a segment again and again, for ever.
 * Checked by: tests/unit/base/thread.c, tests/unit/db/durability.c.
 */
#ifndef ENGINE_BASE_THREAD_H
#define ENGINE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* False: there is no thread to be had. */
bool thread_start(pthread_t *thread, void *(*main)(void *arg), void *arg);

#endif
