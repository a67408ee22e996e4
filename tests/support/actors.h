/*
 * actors.h - threads that do one step at a time, each when it is told to, so that one thread decides in which order
 * several transactions go on. A step that waits for another transaction is left alone, and ends when it can.
 */
#ifndef TESTS_SUPPORT_ACTORS_H
#define TESTS_SUPPORT_ACTORS_H

#include <pthread.h>
#include <stdbool.h>

enum { ACTORS_MAX = 8 };

struct actors {
    struct actor {
        pthread_t thread;
        struct actors *all;
        void (*step)(void *arg);
        void *arg;
        bool busy;
    } list[ACTORS_MAX];
    unsigned count;
    bool over;
    pthread_mutex_t lock;
    pthread_cond_t told, done;
};

void actors_open(struct actors *actors, unsigned count);
void actors_close(struct actors *actors); /* none may be busy */

/* Lets an idle actor make a step, and waits for its end, but not for long. False: it is still busy. */
bool actors_step(struct actors *actors, unsigned i, void (*step)(void *arg), void *arg);
bool actors_busy(struct actors *actors, unsigned i);
/* Waits until the actor has ended its step; false if it does not for many seconds. */
bool actors_wait_for(struct actors *actors, unsigned i);
/* Waits until fewer than so many are busy, which the caller has counted: one of them may have ended since, and the
 * others may wait for what it does next. False as above. */
bool actors_wait_for_fewer(struct actors *actors, unsigned busy);

#endif
