/*
 * context.h - the threads of a simulated run: coroutines on one OS thread, each with its own time. The one that is
 * furthest behind runs.
 *
 *   S1  Time that a thread has seen never runs backwards.
 *   S2  Who runs next is decided by times, and among equals by the order in which threads were created.
 *   S3  A core that asks others for a line is at most `slack` ahead of every other one that can run; one that has the
 *       line itself at most `ahead` when its access begins, in which time no other core could have taken it. A locked
 *       instruction begins when its core has all its loads and stores.
 * Each has a parked thread of the system, which lends its name, and a copy of the program's thread-local variables.
 * What the C library keeps for each thread they share, but for errno: all of them run on the thread that called main.
 * Checked by: tests/cli/simulated.sh.
 */
#ifndef SIM_RUNTIME_CONTEXT_H
#define SIM_RUNTIME_CONTEXT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "sim/branch.h"
#include "sim/cpu.h"

struct context {
    struct cpu core; /* its time; the rest only if it is a core */
    bool is_core, live, queued, signalled;
    unsigned idx, held; /* held: it may not be switched away from */
    void *sp;
    char *stack, *locals; /* its thread-local variables, while another one runs */
    const void *awaits;
    uint64_t asleep_ps, turn; /* since when it waits, and as the how-many-th */
    pthread_t thread;
    sem_t released;
    void *(*start)(void *arg);
    void *arg, *result;
};

struct contexts {
    bool active, costs;
    struct context *current;
    struct context **all, **queue; /* the queue is a heap: those that may run */
    unsigned count, queued;
    uint64_t limit_ps, ask_limit_ps; /* up to when the running thread goes on, and asks others */
    uint64_t ahead_ps, slack_ps, turns;
    struct machine machine;
    struct memory memory;
    struct branches *branches; /* a core's */
    struct branch_only *branches_only;
    unsigned cores;
};

extern struct contexts contexts;

enum { CONTEXT_STACK_BYTES = 1 << 20 };

/* The running thread has gone on; others run first if they are behind. */
void context_switch(void);
static inline void context_step(struct context *context)
{
    if (context->core.now_ps > contexts.limit_ps && context->held == 0)
        context_switch();
}

/* The running thread is about to ask others for a line: those that are behind do so first. */
void context_turn(void);

/* The running thread waits for `awaits` to be signalled, or until that time. True: it was signalled. */
bool context_await(const void *awaits, uint64_t until_ps);
/* Wakes the one that has waited longest for it, or all. */
void context_signal(const void *awaits, bool all);

/* Makes a thread one of all; the time up to which the running one may go has changed. */
void context_enter(struct context *context);
void context_limit(void);

struct context *context_create(void *(*start)(void *arg), void *arg);
struct context *context_of(pthread_t thread);

#endif
