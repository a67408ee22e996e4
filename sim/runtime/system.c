/*
 * system.c - the system's functions as a simulated machine has them (the linker's --wrap): threads, mutexes,
 * conditions, sleeps, clocks, and on which CPU a thread runs. Before simulated_open they are the system's own.
 *
 * A mutex or condition is the system's; only who waits for it waits in simulated time.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sim/addresses.h"
#include "sim/runtime/context.h"
#include "sim/runtime/wrap.h"

#define SECOND_PS UINT64_C(1000000000000)
/* What threads that are no cores take for what would otherwise be free, so that none waits for ever in no time. */
#define OUTSIDE_PS UINT64_C(100000)
/* A thread that waits for a mutex looks again after this time, then after twice as long, up to the last. */
#define MUTEX_PS UINT64_C(50000)
#define MUTEX_LAST_PS UINT64_C(1000000)
/* The date on a simulated machine: nothing that a run computes may depend on when it runs. */
#define EPOCH_S 1494720000

#define CPU_FOLDER "/sys/devices/system/cpu/"

static void pass_ps(uint64_t ps)
{
    struct context *own = contexts.current;
    own->core.now_ps += ps;
    context_step(own);
}

static void pass_ns(double ns)
{
    pass_ps(contexts.current->is_core ? (uint64_t)(ns * 1000) : OUTSIDE_PS);
}

/* ---- Clocks and pauses, see instrumented.h. ---- */

unsigned long long simulated_ticks(void);
unsigned long long simulated_ticks(void)
{
    if (!contexts.active)
        return __builtin_ia32_rdtsc();
    pass_ns(contexts.machine.clock_ns);
    return (unsigned long long)((double)contexts.current->core.now_ps * contexts.machine.tsc_ghz / 1000);
}

void simulated_pause(void);
void simulated_pause(void)
{
    if (contexts.active)
        pass_ns(contexts.machine.pause_ns);
}

void simulated_flush(const void *address);
void simulated_flush(const void *address)
{
    struct context *own = contexts.current;
    if (own->is_core)
        memory_flush(&contexts.memory, memory_line(&contexts.memory, own->core.idx, (uint64_t)(uintptr_t)address));
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *now)
{
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    bool steady = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW;
    if (!contexts.active || !(steady || (wall && contexts.current->is_core)))
        return __real_clock_gettime(clock, now);
    if (contexts.current->is_core && contexts.costs)
        cpu_settle(&contexts.current->core); /* the kernel's code reads the counter behind an LFENCE */
    pass_ns(contexts.machine.clock_ns);
    uint64_t ps = contexts.current->core.now_ps;
    now->tv_sec = (time_t)(ps / SECOND_PS) + (wall ? EPOCH_S : 0);
    now->tv_nsec = (long)(ps % SECOND_PS / 1000);
    return 0;
}

static void sleep_ns(uint64_t ns)
{
    uint64_t late_ps = (uint64_t)(contexts.machine.wake_ns * 1000);
    (void)context_await(NULL, contexts.current->core.now_ps + ns * 1000 + late_ps);
}

WRAP(int, nanosleep, const struct timespec *wanted, struct timespec *left)
{
    if (!contexts.active)
        return __real_nanosleep(wanted, left);
    sleep_ns((uint64_t)wanted->tv_sec * 1000000000 + (uint64_t)wanted->tv_nsec);
    return 0;
}

WRAP(int, usleep, useconds_t us)
{
    if (!contexts.active)
        return __real_usleep(us);
    sleep_ns((uint64_t)us * 1000);
    return 0;
}

WRAP(int, sched_yield, void)
{
    if (!contexts.active)
        return __real_sched_yield();
    pass_ns(contexts.machine.yield_ns);
    return 0;
}

/* ---- Threads. ---- */

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
    if (!contexts.active)
        return __real_pthread_create(thread, attr, start, arg);
    const struct context *context = context_create(start, arg);
    if (context == NULL)
        return EAGAIN;
    *thread = context->thread;
    return 0;
}

WRAP(int, pthread_join, pthread_t thread, void **result)
{
    struct context *context = contexts.active ? context_of(thread) : NULL;
    if (context == NULL)
        return __real_pthread_join(thread, result);
    while (context->live)
        (void)context_await(context, UINT64_MAX);
    if (result != NULL)
        *result = context->result;
    (void)sem_post(&context->released);
    return __real_pthread_join(thread, NULL);
}

WRAP(int, pthread_once, pthread_once_t *once, void (*start)(void))
{
    struct context *own = contexts.current;
    own->held++; /* whoever came meanwhile would wait in the kernel */
    int failed = __real_pthread_once(once, start);
    own->held--;
    return failed;
}

/* ---- Mutexes and conditions. ---- */

void __tsan_write4(void *address);
int __tsan_atomic32_fetch_or(volatile uint32_t *address, uint32_t operand, int order);

/* The mutex's first word: a locked instruction without an effect. */
static void mutex_touch(pthread_mutex_t *mutex)
{
    (void)__tsan_atomic32_fetch_or((volatile uint32_t *)(void *)mutex, 0, __ATOMIC_SEQ_CST);
}

WRAP(int, pthread_mutex_trylock, pthread_mutex_t *mutex)
{
    if (contexts.active)
        mutex_touch(mutex);
    return __real_pthread_mutex_trylock(mutex);
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
static int mutex_lock(pthread_mutex_t *mutex)
{
    uint64_t wait_ps = MUTEX_PS;
    int result;
    while ((result = __real_pthread_mutex_trylock(mutex)) == EBUSY) { /* its holder runs meanwhile, and gives it back */
        (void)context_await(NULL, contexts.current->core.now_ps + wait_ps);
        wait_ps = wait_ps < MUTEX_LAST_PS ? 2 * wait_ps : wait_ps;
    }
    return result;
}

WRAP(int, pthread_mutex_lock, pthread_mutex_t *mutex)
{
    if (!contexts.active)
        return __real_pthread_mutex_lock(mutex);
    mutex_touch(mutex);
    return mutex_lock(mutex);
}

WRAP(int, pthread_mutex_unlock, pthread_mutex_t *mutex)
{
    if (contexts.active)
        mutex_touch(mutex);
    return __real_pthread_mutex_unlock(mutex);
}

static int cond_await(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ps)
{
    (void)__real_pthread_mutex_unlock(mutex);
    bool signalled = context_await(cond, until_ps);
    if (contexts.current->is_core)
        pass_ns(contexts.machine.wake_ns);
    int failed = mutex_lock(mutex);
    return failed ? failed : signalled ? 0 : ETIMEDOUT;
}

WRAP(int, pthread_cond_wait, pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return contexts.active ? cond_await(cond, mutex, UINT64_MAX) : __real_pthread_cond_wait(cond, mutex);
}

WRAP(int, pthread_cond_timedwait, pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    if (!contexts.active)
        return __real_pthread_cond_timedwait(cond, mutex, until);
    return cond_await(cond, mutex, (uint64_t)until->tv_sec * SECOND_PS + (uint64_t)until->tv_nsec * 1000);
}

WRAP(int, pthread_cond_signal, pthread_cond_t *cond)
{
    if (!contexts.active)
        return __real_pthread_cond_signal(cond);
    context_signal(cond, false);
    return 0;
}

WRAP(int, pthread_cond_broadcast, pthread_cond_t *cond)
{
    if (!contexts.active)
        return __real_pthread_cond_broadcast(cond);
    context_signal(cond, true);
    return 0;
}

/* ---- Where a thread runs, and the system's memory. ---- */

WRAP(int, getcpu, unsigned *cpu, unsigned *node)
{
    const struct context *own = contexts.current;
    if (!own->is_core)
        return __real_getcpu(cpu, node);
    if (cpu)
        *cpu = own->core.idx;
    if (node)
        *node = memory_socket(&contexts.memory, own->core.idx);
    return 0;
}

/* Of a CPU's last level of cache: the first of the CPUs that share it. Other files are the host's. */
WRAP(FILE *, fopen, const char *path, const char *mode)
{
    unsigned cpu;
    int whole = 0;
    if (!contexts.active || sscanf(path, CPU_FOLDER "cpu%u/cache/index3/shared_cpu_list%n", &cpu, &whole) != 1 ||
        whole != (int)strlen(path))
        return __real_fopen(path, mode);
    const struct machine *machine = &contexts.machine;
    FILE *file = cpu < machine->sockets * machine->cores_per_socket ? tmpfile() : NULL;
    if (file) {
        fprintf(file, "%" PRIu64 "\n", cpu / machine->cores_per_l3 * machine->cores_per_l3);
        rewind(file);
    }
    return file;
}

WRAP(void *, mmap, void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    return addresses_map(at, bytes, protection, flags, file, offset);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    if (contexts.active && number == SYS_membarrier) {
        pass_ns(contexts.machine.barrier_ns);
        return 0;
    }
    if (contexts.active && number == SYS_mbind) /* pages lie where they are touched first */
        return 0;
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}
