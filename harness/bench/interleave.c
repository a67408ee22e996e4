/* interleave.c - see interleave.h. */
#include "harness/bench/interleave.h"

#include <sys/mman.h>

#include "sim/coroutine.h"

#if defined(__x86_64__) && !defined(MAE_SIM)

#if defined(__SANITIZE_ADDRESS__)
#define FIBERS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FIBERS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FIBERS_TSAN 1
#endif
#endif
#ifdef FIBERS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBERS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* The lowest page of a stack is never there, so that one that overflows is noticed. */
enum { STACK_BYTES = 256 * 1024, GUARD_BYTES = 4096 };

/* A loop with its stack, or what called interleave_run with the thread's own. */
struct lane {
    void *sp;
    struct lane *next, *before; /* a ring of the loops that have not ended */
    struct interleave *of;
    struct loop_worker *loop;
    char *stack;
    enum target_status status;
    /* What sanitizers know a stack by. */
    void *fiber, *fake_stack;
    const void *bottom;
    size_t bytes;
};

struct interleave {
    struct lane caller, lanes[INTERLEAVE_MAX];
    unsigned count;
    enum target_status status;
};

static _Thread_local struct lane *beginning; /* the lane whose stack is used for the first time */

/* `ends`: nobody comes back to `from`. */
static ALWAYS_INLINE void switch_lanes(struct lane *from, struct lane *to, bool ends)
{
#ifdef FIBERS_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->bottom, to->bytes);
#endif
#ifdef FIBERS_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)ends;
    coroutine_switch(&from->sp, to->sp);
#ifdef FIBERS_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

/* The target's on_miss. */
static void go_on_with_next(void *arg)
{
    struct lane *lane = arg;
    if (LIKELY(lane->next != lane))
        switch_lanes(lane, lane->next, false);
}

/* The loops that are left end after the request at hand. */
static void stop_others(struct lane *lane)
{
    static const _Atomic bool stopped = true;
    for (struct lane *other = lane->next; other != lane; other = other->next)
        other->loop->stop = &stopped;
}

static void lane_main(void)
{
    struct lane *lane = beginning;
#ifdef FIBERS_ASAN
    __sanitizer_finish_switch_fiber(NULL, &lane->of->caller.bottom, &lane->of->caller.bytes);
#endif
    switch_lanes(lane, &lane->of->caller, false); /* until all have come as far as this */
    lane->status = loop_requests(lane->loop);
    target_idle(lane->loop->target, lane->loop->target_worker);
    if (lane->status != TARGET_OK) {
        if (lane->of->status == TARGET_OK)
            lane->of->status = lane->status;
        stop_others(lane);
    }
    struct lane *next = lane->next != lane ? lane->next : &lane->of->caller;
    lane->before->next = lane->next;
    lane->next->before = lane->before;
    switch_lanes(lane, next, true);
    abort(); /* nobody comes back to a lane that has ended */
}

/* False: no memory for the stack. */
static bool lane_open(struct interleave *interleave, unsigned i, struct loop_worker *loop)
{
    struct lane *lane = &interleave->lanes[i];
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    if (mprotect(stack, GUARD_BYTES, PROT_NONE) != 0) {
        (void)munmap(stack, STACK_BYTES);
        return false;
    }
    *lane = (struct lane){.of = interleave,
                          .loop = loop,
                          .stack = stack,
                          .bottom = (char *)stack + GUARD_BYTES,
                          .bytes = STACK_BYTES - GUARD_BYTES,
                          .next = &interleave->lanes[(i + 1) % interleave->count],
                          .before = &interleave->lanes[(i + interleave->count - 1) % interleave->count]};
    lane->sp = coroutine_prepare(stack, STACK_BYTES, lane_main);
#ifdef FIBERS_TSAN
    lane->fiber = __tsan_create_fiber(0);
#endif
    return true;
}

static void lane_close(struct lane *lane)
{
#ifdef FIBERS_TSAN
    __tsan_destroy_fiber(lane->fiber);
#endif
    (void)munmap(lane->stack, STACK_BYTES);
}

/* All lanes are open. */
static enum target_status lanes_run(struct interleave *interleave)
{
    enum target_status status = TARGET_OK;
    unsigned told = 0;
    for (; told < interleave->count && status == TARGET_OK; told++) {
        struct lane *lane = &interleave->lanes[told];
        status = lane->loop->target->on_miss(lane->loop->target_worker, go_on_with_next, lane);
    }
    for (unsigned i = 0; status == TARGET_OK && i < interleave->count; i++) {
        loop_begin(interleave->lanes[i].loop);
        beginning = &interleave->lanes[i];
        switch_lanes(&interleave->caller, beginning, false);
    }
    if (status == TARGET_OK) {
        switch_lanes(&interleave->caller, &interleave->lanes[0], false);
        status = interleave->status;
        for (unsigned i = 0; i < interleave->count; i++)
            loop_end(interleave->lanes[i].loop);
    }
    while (told-- > 0) {
        const struct loop_worker *loop = interleave->lanes[told].loop;
        (void)loop->target->on_miss(loop->target_worker, NULL, NULL);
    }
    return status;
}

enum target_status interleave_run(struct loop_worker *const *loops, unsigned count)
{
    MAE_CHECK(count > 0 && count <= INTERLEAVE_MAX);
    SUPPORT_FREED struct interleave *interleave = support_alloc(sizeof *interleave);
    *interleave = (struct interleave){.count = count, .status = TARGET_OK};
#ifdef FIBERS_TSAN
    interleave->caller.fiber = __tsan_get_current_fiber();
#endif
    unsigned opened = 0;
    while (opened < count && lane_open(interleave, opened, loops[opened]))
        opened++;
    enum target_status status = opened == count ? lanes_run(interleave) : TARGET_NO_MEMORY;
    while (opened > 0)
        lane_close(&interleave->lanes[--opened]);
    return status;
}

#else

enum target_status interleave_run(struct loop_worker *const *loops, unsigned count)
{
    (void)loops, (void)count;
    return TARGET_UNSUPPORTED; /* options.c has refused it */
}

#endif
