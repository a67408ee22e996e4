/* trips.c - see trips.h. */
#include "harness/targets/plugins/trips.h"

#include <stddef.h>

void trips_init(struct trips *trips)
{
    *trips = (struct trips){0};
    (void)pthread_mutex_init(&trips->lock, NULL);
}

void trips_fini(struct trips *trips)
{
    (void)pthread_mutex_destroy(&trips->lock);
}

void trips_join(struct trips *trips, struct trips_session *session)
{
    (void)pthread_mutex_lock(&trips->lock);
    session->previous = NULL;
    session->next = trips->sessions;
    if (session->next != NULL)
        session->next->previous = session;
    trips->sessions = session;
    (void)pthread_mutex_unlock(&trips->lock);
}

void trips_leave(struct trips *trips, struct trips_session *session)
{
    (void)pthread_mutex_lock(&trips->lock);
    trips->left += atomic_load_explicit(&session->count, memory_order_relaxed);
    if (session->next != NULL)
        session->next->previous = session->previous;
    if (session->previous != NULL)
        session->previous->next = session->next;
    else
        trips->sessions = session->next;
    (void)pthread_mutex_unlock(&trips->lock);
}

uint64_t trips_sum(struct trips *trips)
{
    (void)pthread_mutex_lock(&trips->lock);
    uint64_t sum = trips->left;
    for (const struct trips_session *session = trips->sessions; session != NULL; session = session->next)
        sum += atomic_load_explicit(&session->count, memory_order_relaxed);
    (void)pthread_mutex_unlock(&trips->lock);
    return sum;
}
