/* scheduler.c - see scheduler.h. */
#include "tests/support/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/maemio.h"
#include "sim/coroutine.h"
#include "workloads/rng.h"

#ifdef MAE_DEBUG

#if defined(__SANITIZE_ADDRESS__)
#define FIBERS_ANNOTATED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_ANNOTATED 1
#endif
#endif
#ifdef FIBERS_ANNOTATED
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

enum {
    STACK_BYTES = 256 * 1024,
    STEPS_MAX = 2000000, /* retried scans of all rows of a table, say 6000, in each of six workers */
    EVENTS_MAX = 1 << 16,
    CHOICES_MAX = 4096,
    POINT_NOTE = RACE_POINT_COUNT,
    POINT_MUTEX,
    POINT_OWN,
    POINT_END,
    MAIN = SCHEDULER_WORKERS_MAX, /* the context that called scheduler_run */
};

struct coroutine {
    void *stack;
#if defined(__x86_64__)
    void *sp;
#else
    ucontext_t context;
#endif
    /* AddressSanitizer's: the stack it knows of; main's is told with the first switch away from it. */
    void *fake_stack;
    const void *bottom;
    size_t stack_bytes;
    bool live;
    int64_t priority;
    /* Its clock: an offset from the common time, or a reading that does not move for a while. */
    uint64_t offset, stalled_at;
    unsigned stalled_reads;
};

struct event {
    uint8_t worker, point;
    int16_t status;
    const char *name;
    uint64_t key, value;
};

/* A decision of the depth-first search. */
struct choice {
    uint8_t taken, count;
};

static struct scheduler {
    struct coroutine contexts[SCHEDULER_WORKERS_MAX + 1];
    unsigned current, count, live;
    struct scheduler_plan plan;
    void (*body)(void *arg, unsigned worker);
    void *arg;
    struct rng rng;
    uint64_t time;
    uint64_t steps, steps_before, digest;
    bool running, exhausted, diverged;
    /* RANDOM */
    unsigned switch_in_256;
    /* PCT */
    uint64_t change_at[16];
    int64_t lowest;
    /* BOUNDED */
    struct choice choices[CHOICES_MAX];
    unsigned choice_count, choice_next, preemptions;
    struct event *events;
    uint64_t event_count;
} s;

/* ---- Switching. ---- */

static void switch_to(unsigned next)
{
    struct coroutine *from = &s.contexts[s.current], *to = &s.contexts[next];
    s.current = next;
#ifdef FIBERS_ANNOTATED
    /* A coroutine that is over gives its fake stack back. */
    __sanitizer_start_switch_fiber(from != &s.contexts[MAIN] && !from->live ? NULL : &from->fake_stack, to->bottom,
                                   to->stack_bytes);
#endif
#if defined(__x86_64__)
    coroutine_switch(&from->sp, to->sp);
#else
    swapcontext(&from->context, &to->context);
#endif
#ifdef FIBERS_ANNOTATED
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

static void digest_add(uint64_t word)
{
    s.digest = (s.digest ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    s.digest ^= s.digest >> 29;
}

static void event(unsigned point, const char *name, uint64_t key, uint64_t value, int status)
{
    digest_add((uint64_t)s.current << 32 | (uint64_t)point << 16 | (uint16_t)status);
    if (name) {
        digest_add(key);
        digest_add(value);
    }
    s.events[s.event_count++ % EVENTS_MAX] =
        (struct event){(uint8_t)s.current, (uint8_t)point, (int16_t)status, name, key, value};
}

static unsigned others_live(unsigned *others)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s.count; i++)
        if (i != s.current && s.contexts[i].live)
            others[n++] = i;
    return n;
}

static unsigned any_other(void)
{
    unsigned others[SCHEDULER_WORKERS_MAX], n = others_live(others);
    return n ? others[n == 1 ? 0 : rng_below(&s.rng, n)] : s.current;
}

/* The next decision of the search: what the prefix says, else the first alternative. */
static unsigned choose(unsigned alternatives)
{
    if (alternatives < 2 || s.choice_next == CHOICES_MAX)
        return 0;
    if (s.choice_next == s.choice_count)
        s.choices[s.choice_count++] = (struct choice){0, (uint8_t)alternatives};
    struct choice *choice = &s.choices[s.choice_next++];
    s.diverged |= choice->count != alternatives;
    return choice->taken < alternatives ? choice->taken : 0;
}

static unsigned highest(void)
{
    unsigned best = MAIN;
    for (unsigned i = 0; i < s.count; i++)
        if (s.contexts[i].live && (best == MAIN || s.contexts[i].priority > s.contexts[best].priority))
            best = i;
    return best;
}

/* The next one in turn; the first of `others` is it unless all are below the current one. */
static unsigned next_after(unsigned *others, unsigned n)
{
    unsigned first = 0;
    while (first < n && others[first] < s.current)
        first++;
    first = first == n ? 0 : first;
    unsigned next = others[first];
    others[first] = others[0]; /* the rest are the alternatives */
    others[0] = next;
    return next;
}

/* Who goes on at this point; `waits`: the current worker cannot do anything useful. */
static unsigned decide(bool waits)
{
    unsigned others[SCHEDULER_WORKERS_MAX], n, taken;
    switch (s.plan.policy) {
    case SCHEDULER_RANDOM:
        return waits || (rng_next(&s.rng) & 255) < s.switch_in_256 ? any_other() : s.current;
    case SCHEDULER_PCT:
        for (unsigned i = 0; i + 1 < s.plan.depth; i++)
            waits |= s.change_at[i] == s.steps;
        if (waits)
            s.contexts[s.current].priority = --s.lowest;
        return highest();
    case SCHEDULER_BOUNDED:
        n = others_live(others);
        if (n == 0)
            return s.current;
        /* A worker that waits hands over to the next one; to another one is as much of a choice as a preemption. */
        if (s.preemptions == s.plan.depth)
            return waits ? next_after(others, n) : s.current;
        taken = choose(waits ? n : n + 1);
        s.preemptions += taken != 0;
        if (waits)
            (void)next_after(others, n);
        return waits ? others[taken] : taken ? others[taken - 1] : s.current;
    }
    return s.current;
}

static void abandon(void)
{
    s.exhausted = true;
    switch_to(MAIN);
}

static void step(unsigned point, bool waits)
{
    s.steps++;
    event(point, NULL, 0, 0, 0);
    if (s.steps >= STEPS_MAX)
        abandon();
    unsigned next = decide(waits);
    if (next != s.current)
        switch_to(next);
}

static void hook(enum race_point point)
{
    if (s.running && s.current != MAIN)
        step(point, point == RACE_WAIT_PENDING || point == RACE_WAIT_RESOLVING || point == RACE_WAIT_ROW ||
                        point == RACE_WAIT_ELDER || point == RACE_WAIT_HORIZON || point == RACE_BACKOFF ||
                        point == RACE_WAIT_NODE || point == RACE_WAIT_LOCK || point == RACE_WAIT_LOG);
}

void scheduler_point(void)
{
    if (s.running && s.current != MAIN)
        step(POINT_OWN, false);
}

int scheduler_mutex_lock(pthread_mutex_t *mutex)
{
    int result;
    while ((result = pthread_mutex_trylock(mutex)) == EBUSY)
        if (s.running && s.current != MAIN)
            step(POINT_MUTEX, true);
    return result;
}

/* ---- Clocks. ---- */

static uint64_t read_clock(void)
{
    struct coroutine *c = &s.contexts[s.current];
    uint64_t draw = rng_next(&s.rng);
    s.time += 1 + (draw & 7);
    draw >>= 8;
    if (s.plan.clocks == SCHEDULER_CLOCKS_WILD && (draw & 31) == 0) {
        draw >>= 5;
        switch (draw & 3) {
        case 0: /* stalls */
            c->stalled_at = s.time + c->offset;
            c->stalled_reads = 1 + (draw >> 2 & 7);
            break;
        case 1: /* jumps ahead */
            c->offset += draw >> 2 & 0xfff;
            break;
        case 2: /* runs backwards */
            c->offset -= draw >> 2 & 0xff;
            break;
        default:
            break;
        }
    }
    if (c->stalled_reads) {
        c->stalled_reads--;
        return c->stalled_at;
    }
    return s.time + c->offset;
}

static void clocks_begin(void)
{
    for (unsigned i = 0; i <= MAIN; i++) {
        struct coroutine *c = &s.contexts[i];
        c->offset = s.plan.clocks == SCHEDULER_CLOCKS_EVEN ? 0 : rng_next(&s.rng) & 0x3ff;
        c->stalled_reads = 0;
    }
}

/* ---- Runs. ---- */

bool scheduler_available(void)
{
#if defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

void scheduler_open(uint64_t seed)
{
    memset(&s, 0, sizeof s);
    s.current = MAIN;
    s.time = 1 << 20;
    s.steps_before = 200;
    rng_init(&s.rng, seed, 0);
    s.events = malloc(EVENTS_MAX * sizeof *s.events);
    for (unsigned i = 0; i < SCHEDULER_WORKERS_MAX; i++)
        if (s.events == NULL || (s.contexts[i].stack = malloc(STACK_BYTES)) == NULL)
            abort();
    race_hook = hook;
    tsc_override = read_clock;
}

void scheduler_close(void)
{
    race_hook = NULL;
    tsc_override = NULL;
    for (unsigned i = 0; i < SCHEDULER_WORKERS_MAX; i++)
        free(s.contexts[i].stack);
    free(s.events);
    s.events = NULL;
}

static void run_body(void)
{
#ifdef FIBERS_ANNOTATED
    const void *bottom;
    size_t bytes;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &bytes);
    if (!s.contexts[MAIN].stack_bytes) { /* the first coroutine of all was switched to by main */
        s.contexts[MAIN].bottom = bottom;
        s.contexts[MAIN].stack_bytes = bytes;
    }
#endif
    s.body(s.arg, s.current);
    s.contexts[s.current].live = false;
    s.live--;
    event(POINT_END, NULL, 0, 0, 0);
    unsigned others[SCHEDULER_WORKERS_MAX], n = others_live(others), next = MAIN;
    if (n)
        next = s.plan.policy == SCHEDULER_RANDOM ? others[rng_below(&s.rng, n)]
               : s.plan.policy == SCHEDULER_PCT  ? highest()
                                                 : others[choose(n)];
    switch_to(next);
    abort(); /* no coroutine returns to a finished one */
}

static void prepare(struct coroutine *c)
{
#ifdef FIBERS_ANNOTATED
    /* The last coroutine on this stack ended without returning: its frames' red zones are still marked. */
    __asan_unpoison_memory_region(c->stack, STACK_BYTES);
#endif
    c->bottom = c->stack;
    c->stack_bytes = STACK_BYTES;
#if defined(__x86_64__)
    c->sp = coroutine_prepare(c->stack, STACK_BYTES, run_body);
#else
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&c->context, run_body, 0);
#endif
}

bool scheduler_run(const struct scheduler_plan *plan, unsigned count, void (*body)(void *arg, unsigned worker),
                   void *arg)
{
    s.plan = *plan;
    s.count = s.live = count;
    s.body = body;
    s.arg = arg;
    rng_init(&s.rng, plan->seed, 1);
    s.steps = s.event_count = 0;
    s.exhausted = false;
    s.choice_next = s.preemptions = 0;
    static const unsigned often[] = {16, 32, 64, 128, 192, 255};
    s.switch_in_256 = often[rng_below(&s.rng, sizeof often / sizeof often[0])];
    s.lowest = 0;
    clocks_begin();
    for (unsigned i = 0; i < count; i++) {
        s.contexts[i].live = true;
        prepare(&s.contexts[i]);
        s.contexts[i].priority = 1 + (int64_t)(rng_next(&s.rng) >> 8);
    }
    for (unsigned i = 0; i < sizeof s.change_at / sizeof s.change_at[0]; i++)
        s.change_at[i] = 1 + rng_below(&s.rng, s.steps_before);
    unsigned first = plan->policy == SCHEDULER_RANDOM ? (unsigned)rng_below(&s.rng, count)
                     : plan->policy == SCHEDULER_PCT  ? highest()
                                                      : choose(count);
    s.running = true;
    switch_to(first);
    s.running = false;
    s.steps_before = s.steps + 1; /* as long as this one, about, will be the next */
    return !s.exhausted;
}

void scheduler_first(void)
{
    s.choice_count = 0;
    s.diverged = false;
}

bool scheduler_next(void)
{
    while (s.choice_count > 0) {
        struct choice *last = &s.choices[s.choice_count - 1];
        if (++last->taken < last->count)
            return true;
        s.choice_count--;
    }
    return false;
}

/* ---- The trace. ---- */

void scheduler_note(const char *name, uint64_t key, uint64_t value, int status)
{
    event(POINT_NOTE, name, key, value, status);
}

void scheduler_print(FILE *out)
{
    unsigned last = MAIN + 1;
    uint64_t first = s.event_count > EVENTS_MAX ? s.event_count - EVENTS_MAX : 0;
    if (first)
        fprintf(out, "    (%llu earlier events are gone)\n", (unsigned long long)first);
    for (uint64_t i = first; i < s.event_count; i++) {
        const struct event *e = &s.events[i % EVENTS_MAX];
        if (e->worker == MAIN)
            fprintf(out, "%s", last == MAIN ? "" : "  set-up\n");
        else if (e->worker != last)
            fprintf(out, "  worker %u\n", e->worker);
        last = e->worker;
        if (e->point == POINT_NOTE)
            fprintf(out, "    %6llu  %s key %llu value %llu: %s\n", (unsigned long long)i, e->name,
                    (unsigned long long)e->key, (unsigned long long)e->value,
                    mae_status_name((enum mae_status)e->status));
        else
            fprintf(out, "    %6llu  . %s\n", (unsigned long long)i,
                    e->point == POINT_MUTEX ? "waits for a mutex"
                    : e->point == POINT_OWN ? "between calls"
                    : e->point == POINT_END ? "finished"
                                            : race_point_name((enum race_point)e->point));
    }
}

uint64_t scheduler_steps(void)
{
    return s.steps;
}

uint64_t scheduler_digest(void)
{
    uint64_t digest = s.digest;
    s.digest = 0;
    return digest;
}

bool scheduler_diverged(void)
{
    return s.diverged;
}

#else /* no race points: nothing to schedule */

bool scheduler_available(void)
{
    return false;
}

void scheduler_open(uint64_t seed)
{
    (void)seed;
}

void scheduler_close(void)
{
}

bool scheduler_run(const struct scheduler_plan *plan, unsigned count, void (*body)(void *arg, unsigned worker),
                   void *arg)
{
    (void)plan, (void)count, (void)body, (void)arg;
    return false;
}

void scheduler_first(void)
{
}

bool scheduler_next(void)
{
    return false;
}

void scheduler_note(const char *name, uint64_t key, uint64_t value, int status)
{
    (void)name, (void)key, (void)value, (void)status;
}

void scheduler_point(void)
{
}

void scheduler_print(FILE *out)
{
    (void)out;
}

uint64_t scheduler_steps(void)
{
    return 0;
}

uint64_t scheduler_digest(void)
{
    return 0;
}

bool scheduler_diverged(void)
{
    return false;
}

int scheduler_mutex_lock(pthread_mutex_t *mutex)
{
    int result;
    while ((result = pthread_mutex_trylock(mutex)) == EBUSY)
        (void)0;
    return result;
}

#endif
