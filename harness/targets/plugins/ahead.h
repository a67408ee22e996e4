/*
 * ahead.h - keys that a transaction will soon look at, of a database that is far away: they are noted, and with the
 * first of them that is looked at all are asked for in one round trip. Notes of keys that nobody looks at cost nothing,
 * as those of keys that are only added.
 *
 * The keys are in the order in which they were noted. Those before `answered` have an answer, those before `asked` have
 * been asked for, since answers come in the order of the requests.
 */
#ifndef HARNESS_TARGETS_PLUGINS_AHEAD_H
#define HARNESS_TARGETS_PLUGINS_AHEAD_H

#include <string.h>

#include "harness/targets/plugins/store.h"

enum { AHEAD_MAX = 2 * TARGET_PREFETCH_MAX };

struct ahead_key {
    unsigned space;
    bool is_stale; /* the transaction has written it since */
    size_t key_bytes;
    unsigned char key[STORE_KEY_MAX_BYTES];
    void *answer; /* the database's; NULL */
};

struct ahead {
    size_t count, asked, answered;
    struct ahead_key keys[AHEAD_MAX];
};

/* NULL: it is not noted, or was written since. */
static inline struct ahead_key *ahead_find(struct ahead *ahead, unsigned space, struct store_bytes key)
{
    for (size_t i = 0; i < ahead->count; i++) {
        struct ahead_key *noted = &ahead->keys[i];
        if (noted->space == space && noted->key_bytes == key.count && !noted->is_stale &&
            memcmp(noted->key, key.data, key.count) == 0)
            return noted;
    }
    return NULL;
}

/* Beyond AHEAD_MAX keys it does nothing. */
static inline void ahead_note(struct ahead *ahead, unsigned space, struct store_bytes key)
{
    if (ahead->count == AHEAD_MAX || ahead_find(ahead, space, key) != NULL)
        return;
    struct ahead_key *noted = &ahead->keys[ahead->count++];
    *noted = (struct ahead_key){.space = space, .key_bytes = key.count};
    memcpy(noted->key, key.data, key.count);
}

/* The transaction writes the key. */
static inline void ahead_forget(struct ahead *ahead, unsigned space, struct store_bytes key)
{
    struct ahead_key *noted = ahead_find(ahead, space, key);
    if (noted != NULL)
        noted->is_stale = true;
}

/* At the end of a transaction; `release` frees an answer, which may be NULL. */
static inline void ahead_reset(struct ahead *ahead, void (*release)(void *answer))
{
    for (size_t i = 0; i < ahead->answered; i++)
        release(ahead->keys[i].answer);
    ahead->count = ahead->asked = ahead->answered = 0;
}

#endif
