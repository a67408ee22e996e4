/* wait.c - see wait.h. */
#include "engine/base/wait.h"

#include <sched.h>
#include <time.h>

#include "engine/base/compiler.h"

enum { SPINS = 64, YIELDS = 256, SLEEP_NS = 50000 };

struct timespec wait_deadline(uint64_t ns)
{
    enum { SECOND_NS = 1000000000 };
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t sum = (uint64_t)until.tv_nsec + ns;
    until.tv_sec += (time_t)(sum / SECOND_NS);
    until.tv_nsec = (long)(sum % SECOND_NS);
    return until;
}

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
