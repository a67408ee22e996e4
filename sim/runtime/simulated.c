/* simulated.c - what the harness asks of the simulator, see sim/simulated.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim/simulated.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "sim/runtime/context.h"

/* With costs on a core that asks others may be so far ahead of them; without, interleavings need not be as fine. */
#define SLACK_PS UINT64_C(8000)
#define SLACK_FREE_PS UINT64_C(20000000)
/* The machine has been up for so long when a run begins. */
#define BEGIN_PS UINT64_C(1000000000000)

/* Addresses must be the same in every run: before main the program starts itself again without randomisation. */
__attribute__((constructor)) static void addresses_fix(int argc, char **argv)
{
    (void)argc;
    int now = personality(0xffffffff);
    if (now == -1 || (now & ADDR_NO_RANDOMIZE) || personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1)
        return;
    (void)execv("/proc/self/exe", argv);
}

static bool refuse(char *error, size_t error_bytes, const char *what)
{
    (void)snprintf(error, error_bytes, "%s", what);
    return false;
}

/* Reads the machine; 0 with a message, else how many of its cores are there. */
static unsigned machine_cores(const char *file, const char *text, unsigned long long cores, struct machine *machine,
                              char *error, size_t error_bytes)
{
    char why[MACHINE_ERROR_BYTES];
    if (!machine_read(file, text, machine, why))
        return refuse(error, error_bytes, why);
    uint64_t all = machine->sockets * machine->cores_per_socket;
    if (cores <= all)
        return (unsigned)(cores == 0 ? all : cores);
    (void)snprintf(error, error_bytes, "cores: %s has %llu: want 1 to %llu", file, (unsigned long long)all,
                   (unsigned long long)all);
    return 0;
}

unsigned simulated_cores(const char *file, const char *text, unsigned long long cores, char *error, size_t error_bytes)
{
    struct machine machine;
    unsigned there = machine_cores(file, text, cores, &machine, error, error_bytes);
    machine_clear(&machine);
    return there;
}

bool simulated_open(const char *file, const char *text, unsigned long long cores, unsigned long long seed, char *error,
                    size_t error_bytes)
{
    if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE))
        return refuse(error, error_bytes, "addresses are random here (personality is refused), so no run would repeat");
    contexts.cores = machine_cores(file, text, cores, &contexts.machine, error, error_bytes);
    if (contexts.cores == 0)
        return false;
    if (!memory_init(&contexts.memory, &contexts.machine, contexts.cores, seed))
        return refuse(error, error_bytes, "no memory for the machine's caches");
    contexts.memory.turn = context_turn;
    contexts.branches = calloc(contexts.cores, sizeof *contexts.branches);
    contexts.branches_only = calloc(BRANCH_PLACES, sizeof *contexts.branches_only);
    for (unsigned i = 0; i < contexts.cores; i++)
        if (contexts.branches == NULL || contexts.branches_only == NULL ||
            !branches_init(&contexts.branches[i], contexts.branches_only))
            return refuse(error, error_bytes, "no memory for the cores' branch predictors");
    contexts.current->thread = pthread_self();
    contexts.current->core.now_ps = BEGIN_PS;
    context_enter(contexts.current);
    contexts.active = true;
    simulated_costs(false);
    return true;
}

const char *simulated_topology(void)
{
    static char text[256];
    const struct machine *machine = &contexts.machine;
    uint64_t per_socket = machine->cores_per_socket, shared = machine->cores_per_l3;
    uint64_t packages = (contexts.cores + per_socket - 1) / per_socket;
    (void)snprintf(
        text, sizeof text, "pack:%llu numa:1 l3:%llu(size=%llu) core:%llu l2:1(size=%llu) l1d:1(size=%llu) pu:1",
        (unsigned long long)packages, (unsigned long long)(per_socket / shared), (unsigned long long)machine->l3_bytes,
        (unsigned long long)shared, (unsigned long long)machine->l2_bytes, (unsigned long long)machine->l1_bytes);
    return text;
}

const char *simulated_allowed(void)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "0-%u", contexts.cores - 1);
    return text;
}

struct body {
    void (*run)(void *arg);
    void *arg;
};

static void *body_run(void *arg)
{
    const struct body *body = arg;
    body->run(body->arg);
    return NULL;
}

void simulated_run(void (*run)(void *arg), void *arg)
{
    struct body body = {run, arg};
    struct context *context = context_create(body_run, &body);
    MAE_CHECK(context != NULL);
    while (context->live)
        (void)context_await(context, UINT64_MAX);
    (void)sem_post(&context->released);
}

void simulated_core(int cpu)
{
    struct context *own = contexts.current;
    uint64_t now_ps = own->core.now_ps;
    MAE_CHECK(cpu >= 0 && (unsigned)cpu < contexts.cores);
    cpu_init(&own->core, &contexts.memory, (unsigned)cpu);
    own->core.now_ps = now_ps;
    own->is_core = true;
}

void simulated_profile(void)
{
    struct profile *profile = &contexts.memory.profile;
    MAE_CHECK(profile->places != NULL || profile_init(profile));
    profile_clear(profile);
}

const struct profile_place *simulated_places(size_t *room)
{
    *room = contexts.memory.profile.room;
    return contexts.memory.profile.places;
}

/* No core takes a line from another one in a shorter time. */
static uint64_t transfer_ps(void)
{
    const struct machine *machine = &contexts.machine;
    double ns = machine->core_near_ns;
    ns = machine->core_socket_ns < ns ? machine->core_socket_ns : ns;
    ns = machine->core_remote_ns < ns ? machine->core_remote_ns : ns;
    return (uint64_t)(ns * 1000);
}

void simulated_costs(bool on)
{
    contexts.costs = on;
    contexts.slack_ps = on ? SLACK_PS : SLACK_FREE_PS;
    contexts.ahead_ps = !on ? SLACK_FREE_PS : transfer_ps() > SLACK_PS ? transfer_ps() : SLACK_PS;
    context_limit();
}
