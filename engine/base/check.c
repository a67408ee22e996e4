#include "engine/base/check.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/maemio.h"

/* What mae_on_fatal has set, and the thread that has met the first failed check. The lock is never held during the
 * call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mae_fatal_fn told;
static void *told_arg;
static bool ending;
static pthread_t who_ends;

void mae_on_fatal(mae_fatal_fn tell, void *arg)
{
    pthread_mutex_lock(&lock);
    told = tell;
    told_arg = arg;
    pthread_mutex_unlock(&lock);
}

/* Tells, unless it is being done: then another thread waits for the end, and the one that tells does not tell again. */
static void tell_once(const char *text)
{
    pthread_mutex_lock(&lock);
    bool first = !ending, again = ending && pthread_equal(who_ends, pthread_self());
    mae_fatal_fn tell = told;
    void *arg = told_arg;
    if (first) {
        ending = true;
        who_ends = pthread_self();
    }
    pthread_mutex_unlock(&lock);
    if (first && tell && !MUTATED(fatal_untold))
        tell(arg, text);
    while (!first && !again && tell)
        (void)pause(); /* ends with the process */
}

void check_failed(const char *expression, const char *file, int line)
{
    char text[1000];
    (void)snprintf(text, sizeof text, "internal error: %s does not hold (%s:%d)", expression, file, line);
    (void)fprintf(stderr, "maemio: %s\n", text);
    tell_once(text);
    abort();
}
