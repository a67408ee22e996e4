/* wait.c - see wait.h. */
#include "engine/base/wait.h"

#include <sched.h>
#include <time.h>

#include "engine/base/compiler.h"

enum { SPINS = 64, YIELDS = 256, SLEEP_NS = 50000 };

void wait_step(unsigned round)
{
    if (round < SPINS) {
        cpu_pause();
    } else if (round < SPINS + YIELDS) {
        sched_yield();
    } else {
        const struct timespec moment = {.tv_nsec = SLEEP_NS};
        nanosleep(&moment, NULL); /* a signal may cut it short: it is but a step */
    }
}
