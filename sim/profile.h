/*
 * profile.h - which places in the program wait for lines, and where these lines come from.
 *
 * A place is the address of an instruction that touches memory. Of each: how many lines it had to fetch, from where,
 * and how long these transfers took; and how long the core stood still there, which may be for the lines of places
 * before it. Transfers of different places overlap, so their sum is no time that passed; what stood still is.
 * Checked by: tests/unit/sim/profile.c. Not here: what a place is called (harness/bench/line_profile.c).
 */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_place {
    uintptr_t at;                     /* 0: the entry is free */
    uint64_t from_cores, from_caches; /* lines: other cores', and last levels', which also say that nobody has a copy */
    uint64_t from_memory;
    uint64_t taken_ps; /* by these transfers */
    uint64_t stood_ps; /* by the core, here */
};

enum profile_from { PROFILE_CORES, PROFILE_CACHES, PROFILE_MEMORY };

struct profile {
    struct profile_place *places; /* a hash table; NULL: nothing is noted */
    size_t room, used;
    uintptr_t at; /* who touches memory now; 0: nobody */
};

bool profile_init(struct profile *profile); /* false: no memory */
void profile_fini(struct profile *profile);

/* All counts are 0 again. */
void profile_clear(struct profile *profile);

/* From now on it is this place that touches memory. */
static inline void profile_at(struct profile *profile, uintptr_t place)
{
    profile->at = place;
}

/* Nothing happens in a profile that has not been initialised. */
void profile_transfer(struct profile *profile, enum profile_from from, uint64_t took_ps);
void profile_stand(struct profile *profile, uint64_t ps);

#endif
