#include "engine/base/race.h"

#ifdef MAE_DEBUG
void (*race_hook)(enum race_point point);

const char *race_point_name(enum race_point point)
{
    static const char *const names[] = {
#define RACE_NAME(name) #name,
        RACE_POINTS(RACE_NAME)
#undef RACE_NAME
    };
    return names[point];
}
#else
typedef int race_is_empty_in_release_builds; /* ISO C wants a translation unit to declare something */
#endif
