/* context.c - see context.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim/runtime/context.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/check.h"
#include "sim/coroutine.h"

static struct context first = {.live = true};
struct contexts contexts = {.current = &first, .limit_ps = UINT64_MAX, .ask_limit_ps = UINT64_MAX};

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);

/* ---- The queue. ---- */

static bool sooner(const struct context *a, const struct context *b)
{
    return a->core.now_ps != b->core.now_ps ? a->core.now_ps < b->core.now_ps : a->idx < b->idx; /* S2 */
}

void context_limit(void)
{
    bool alone = contexts.queued == 0;
    contexts.limit_ps = alone ? UINT64_MAX : contexts.queue[0]->core.now_ps + contexts.ahead_ps;
    contexts.ask_limit_ps = alone ? UINT64_MAX : contexts.queue[0]->core.now_ps + contexts.slack_ps; /* S3 */
}

static void queue_up(unsigned i, struct context *context)
{
    for (; i > 0 && sooner(context, contexts.queue[(i - 1) / 2]); i = (i - 1) / 2)
        contexts.queue[i] = contexts.queue[(i - 1) / 2];
    contexts.queue[i] = context;
}

static void queue_down(unsigned i, struct context *context)
{
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child + 1 < contexts.queued && sooner(contexts.queue[child + 1], contexts.queue[child]))
            child++;
        if (child >= contexts.queued || !sooner(contexts.queue[child], context))
            break;
        contexts.queue[i] = contexts.queue[child];
        i = child;
    }
    contexts.queue[i] = context;
}

static void queue_add(struct context *context)
{
    MAE_CHECK(!context->queued && context->live);
    context->queued = true;
    queue_up(contexts.queued++, context);
    context_limit();
}

static void queue_remove(struct context *context)
{
    unsigned i = 0;
    while (contexts.queue[i] != context)
        i++;
    struct context *last = contexts.queue[--contexts.queued];
    context->queued = false;
    if (last == context)
        return;
    queue_down(i, last);
    if (contexts.queue[i] == last)
        queue_up(i, last);
}

/* ---- Switching. ---- */

/* The program's thread-local variables (sim/runtime/instrumented.h); the linker names begin and end of the section. */
extern char __start_sim_locals[], __stop_sim_locals[];
static char *locals_at_first;

static size_t locals_bytes(void)
{
    return (size_t)(__stop_sim_locals - __start_sim_locals);
}

static char *locals_copy(const char *from)
{
    char *copy = malloc(locals_bytes());
    MAE_CHECK(copy != NULL);
    return memcpy(copy, from, locals_bytes());
}

static void locals_change(struct context *from, const struct context *to)
{
    memcpy(from->locals, __start_sim_locals, locals_bytes());
    memcpy(__start_sim_locals, to->locals, locals_bytes());
}

static void run(struct context *to)
{
    struct context *from = contexts.current;
    context_limit();
    if (to == from)
        return;
    int error = errno;
    contexts.current = to;
    locals_change(from, to);
    coroutine_switch(&from->sp, to->sp);
    errno = error;
}

/* The first of the queue runs. The running thread is in the queue, or waits for something, or is over. */
static void next_run(void)
{
    if (contexts.queued == 0) {
        (void)fputs("the simulated machine stands still: every thread waits for another one\n", stderr);
        abort();
    }
    struct context *to = contexts.queue[0];
    queue_remove(to);
    run(to);
}

/* The running thread takes the place of the first in the queue. */
void context_switch(void)
{
    struct context *own = contexts.current, *to = contexts.queued == 0 ? own : contexts.queue[0];
    if (to == own || !sooner(to, own))
        return;
    MAE_DCHECK(!own->queued && own->live);
    to->queued = false;
    own->queued = true;
    queue_down(0, own);
    run(to);
}

void context_turn(void)
{
    struct context *own = contexts.current;
    if (own->core.now_ps <= contexts.ask_limit_ps || own->held > 0)
        return;
    uintptr_t place = contexts.memory.profile.at;
    context_switch();
    profile_at(&contexts.memory.profile, place);
}

/* ---- Waiting. ---- */

bool context_await(const void *awaits, uint64_t until_ps)
{
    struct context *own = contexts.current;
    MAE_CHECK(own->held == 0);
    own->awaits = awaits;
    own->asleep_ps = own->core.now_ps;
    own->turn = contexts.turns++;
    own->signalled = false;
    if (until_ps != UINT64_MAX) {
        cpu_wait(&own->core, until_ps); /* S1 */
        queue_add(own);
    }
    next_run();
    own->awaits = NULL;
    return own->signalled;
}

static void wake(struct context *context)
{
    uint64_t at_ps = contexts.current->core.now_ps;
    if (context->queued)
        queue_remove(context);
    context->core.now_ps = context->asleep_ps;
    cpu_wait(&context->core, at_ps); /* S1: it has seen nothing since it fell asleep */
    context->signalled = true;
    context->awaits = NULL;
    queue_add(context);
}

void context_signal(const void *awaits, bool all)
{
    for (;;) {
        struct context *longest = NULL;
        for (unsigned i = 0; i < contexts.count; i++) {
            struct context *context = contexts.all[i];
            if (context->awaits == awaits && context->live && (longest == NULL || context->turn < longest->turn))
                longest = context;
        }
        if (longest == NULL)
            return;
        wake(longest);
        if (!all)
            return;
    }
}

/* ---- Threads. ---- */

static void *park(void *arg)
{
    struct context *context = arg;
    while (sem_wait(&context->released) != 0)
        continue; /* a signal came: ends when the coroutine is joined */
    return NULL;
}

static void context_main(void)
{
    struct context *own = contexts.current;
    own->result = own->start(own->arg);
    own->live = false;
    context_signal(own, true);
    next_run();
    abort(); /* nobody returns to what is over */
}

void context_enter(struct context *context)
{
    if (locals_at_first == NULL)
        locals_at_first = locals_copy(__start_sim_locals);
    context->locals = locals_copy(locals_at_first);
    context->idx = contexts.count;
    contexts.all = realloc(contexts.all, (contexts.count + 1) * sizeof(struct context *));
    contexts.queue = realloc(contexts.queue, (contexts.count + 1) * sizeof(struct context *));
    MAE_CHECK(contexts.all != NULL && contexts.queue != NULL);
    contexts.all[contexts.count++] = context;
}

struct context *context_create(void *(*start)(void *arg), void *arg)
{
    struct context *context = calloc(1, sizeof *context);
    void *stack = mmap(NULL, CONTEXT_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MAE_CHECK(context != NULL && stack != MAP_FAILED);
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sem_init(&context->released, 0, 0);
    context->start = start;
    context->arg = arg;
    context->live = true;
    context->stack = stack;
    context->core.now_ps = contexts.current->core.now_ps;
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = __real_pthread_create(&context->thread, NULL, park, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        (void)munmap(stack, CONTEXT_STACK_BYTES);
        free(context);
        return NULL;
    }
    context->sp = coroutine_prepare(stack, CONTEXT_STACK_BYTES, context_main);
    context_enter(context);
    queue_add(context);
    return context;
}

struct context *context_of(pthread_t thread)
{
    for (unsigned i = contexts.count; i-- > 0;) /* the youngest: threads that are over may have lent it a name */
        if (contexts.all[i]->thread == thread)
            return contexts.all[i];
    return NULL;
}
