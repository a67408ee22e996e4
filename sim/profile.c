/* profile.c - see profile.h. */
#include "sim/profile.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

/* Instructions that touch memory are few thousands. */
enum { FIRST_ROOM = 1 << 13 };

bool profile_init(struct profile *profile)
{
    *profile = (struct profile){.places = calloc(FIRST_ROOM, sizeof *profile->places), .room = FIRST_ROOM};
    return profile->places != NULL;
}

void profile_fini(struct profile *profile)
{
    free(profile->places);
    *profile = (struct profile){0};
}

void profile_clear(struct profile *profile)
{
    if (profile->places == NULL)
        return;
    memset(profile->places, 0, profile->room * sizeof *profile->places);
    profile->used = 0;
    profile->at = 0;
}

/* Where the place is, or would be. */
static struct profile_place *find(struct profile_place *places, size_t room, uintptr_t at)
{
    size_t i = (size_t)((uint64_t)at * UINT64_C(0x9e3779b97f4a7c15) >> 32) % room;
    while (places[i].at != 0 && places[i].at != at)
        i = (i + 1) % room;
    return &places[i];
}

static void grow(struct profile *profile)
{
    size_t room = 2 * profile->room;
    struct profile_place *places = calloc(room, sizeof *places);
    MAE_CHECK(places != NULL);
    for (size_t i = 0; i < profile->room; i++)
        if (profile->places[i].at != 0)
            *find(places, room, profile->places[i].at) = profile->places[i];
    free(profile->places);
    profile->places = places;
    profile->room = room;
}

static struct profile_place *current_place(struct profile *profile)
{
    if (2 * profile->used >= profile->room)
        grow(profile);
    struct profile_place *place = find(profile->places, profile->room, profile->at);
    profile->used += place->at == 0;
    place->at = profile->at;
    return place;
}

void profile_transfer(struct profile *profile, enum profile_from from, uint64_t took_ps)
{
    if (profile->places == NULL || profile->at == 0)
        return;
    struct profile_place *place = current_place(profile);
    *(from == PROFILE_CORES    ? &place->from_cores
      : from == PROFILE_CACHES ? &place->from_caches
                               : &place->from_memory) += 1;
    place->taken_ps += took_ps;
}

void profile_stand(struct profile *profile, uint64_t ps)
{
    if (profile->places != NULL && profile->at != 0)
        current_place(profile)->stood_ps += ps;
}
