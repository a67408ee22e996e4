/*
 * trips.h - counts the requests that sessions of a server wait for. Each session counts for itself, so that the count
 * costs it no line that another one writes; who asks for the sum goes through all sessions.
 *
 * Checked by: tests/cli/targets.sh.
 */
#ifndef HARNESS_TARGETS_PLUGINS_TRIPS_H
#define HARNESS_TARGETS_PLUGINS_TRIPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Of one session, which alone counts; it lies in the session. Relaxed: it tells nothing else. */
struct trips_session {
    _Atomic uint64_t count;
    struct trips_session *next, *previous;
};

struct trips {
    pthread_mutex_t lock; /* of the list */
    struct trips_session *sessions;
    uint64_t left; /* of sessions that have left */
};

void trips_init(struct trips *trips);
void trips_fini(struct trips *trips); /* no session is left */

void trips_join(struct trips *trips, struct trips_session *session);
void trips_leave(struct trips *trips, struct trips_session *session);

/* Since trips_init, of all sessions that have ever joined. Any thread. */
uint64_t trips_sum(struct trips *trips);

static inline void trips_count(struct trips_session *session)
{
    uint64_t count = atomic_load_explicit(&session->count, memory_order_relaxed);
    atomic_store_explicit(&session->count, count + 1, memory_order_relaxed);
}

#endif
