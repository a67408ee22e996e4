/*
 * access.c - what the compiler calls for each load, store and atomic operation of an instrumented source, in the place
 * of ThreadSanitizer's runtime; and for what it does not see, see instrumented.h.
 *
 * Each call first pays, then lets those run that are behind, then acts: so an action happens at its time.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "sim/instructions.h"
#include "sim/runtime/context.h"

/* Functions that the compiler calls with arguments lie together, so that calls of them can be told from others
 * (sim/instructions.h). The linker names the begin and the end of the section. */
#define CALLED __attribute__((section("sim_calls")))
extern const unsigned char __start_sim_calls[], __stop_sim_calls[], __executable_start[], etext[];

/* With costs off, every access takes as long. */
#define FREE_ACCESS_PS 1000

/* A core's own stack is in its first level. Threads that are no cores pay nothing. */
static bool pays(const struct context *context, const void *address)
{
    return context->is_core && (size_t)((const char *)address - context->stack) >= CONTEXT_STACK_BYTES;
}

/* Costs are off: memory still comes from the socket that touches it first. */
static void access_free(struct context *context, const void *address)
{
    context->core.now_ps += FREE_ACCESS_PS;
    (void)memory_line(&contexts.memory, context->core.idx, (uint64_t)(uintptr_t)address);
    context_step(context);
}

/* The caller of a function that the compiler calls is the place that touches memory. */
#define PLACE() profile_at(&contexts.memory.profile, (uintptr_t)__builtin_return_address(0))

static uint64_t value_at(const void *address, unsigned bytes)
{
    uint64_t value = 0;
    if (bytes <= sizeof value)
        memcpy(&value, address, bytes);
    return value;
}

static void note_read(const void *address, unsigned bytes)
{
    struct context *context = contexts.current;
    if (!pays(context, address))
        return;
    if (!contexts.costs) {
        access_free(context, address);
        return;
    }
    struct cpu_load *load = cpu_read(&context->core, (uint64_t)(uintptr_t)address);
    context_step(context);
    if (load != NULL) /* of the core's own, whom nobody has run for meanwhile */
        load->value = value_at(address, bytes);
}

static void note_with(void (*access)(struct cpu *core, uint64_t address), const void *address)
{
    struct context *context = contexts.current;
    if (!pays(context, address))
        return;
    if (!contexts.costs) {
        access_free(context, address);
        return;
    }
    access(&context->core, (uint64_t)(uintptr_t)address);
    context_step(context);
}

static void note_write(const void *address)
{
    note_with(cpu_write, address);
}

static void note_fence(void)
{
    struct context *context = contexts.current;
    if (!context->is_core || !contexts.costs)
        return;
    cpu_fence(&context->core);
    context_step(context);
}

/* What waits first uses its line only when those who are behind have asked for theirs. Also a line of its own: they
 * could have taken that meanwhile (S3). */
static void note_drain(struct context *context)
{
    uintptr_t place = contexts.memory.profile.at;
    cpu_drain(&context->core);
    context_step(context);
    profile_at(&contexts.memory.profile, place); /* others may have run meanwhile */
}

static void note_lock(const void *address, unsigned bytes)
{
    struct context *context = contexts.current;
    if (!pays(context, address)) {
        note_fence(); /* on the stack */
        return;
    }
    if (!contexts.costs) {
        access_free(context, address);
        return;
    }
    if (context->core.atomic_waits)
        note_drain(context);
    struct cpu_load *load = cpu_lock(&context->core, (uint64_t)(uintptr_t)address);
    context_step(context);
    if (load != NULL) /* the address of what follows: what the operation finds, now that it is about to act */
        load->value = value_at(address, bytes);
}

/* Each line of [address, address + bytes). */
static void note_range(const void *address, size_t bytes, bool write)
{
    const char *at = address, *end = at + bytes;
    uintptr_t place = contexts.memory.profile.at;
    while (at < end) {
        profile_at(&contexts.memory.profile, place); /* others may have run meanwhile */
        if (write)
            note_write(at);
        else
            note_read(at, 8);
        at += LINE_BYTES - (uintptr_t)at % LINE_BYTES;
    }
}

/* ---- Loads and stores. ---- */

void __tsan_init(void);
void __tsan_init(void)
{
}

CALLED void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define PLAIN(bytes)                                          \
    CALLED void __tsan_read##bytes(void *address);            \
    void __tsan_read##bytes(void *address)                    \
    {                                                         \
        PLACE();                                              \
        note_read(address, bytes);                            \
    }                                                         \
    CALLED void __tsan_write##bytes(void *address);           \
    void __tsan_write##bytes(void *address)                   \
    {                                                         \
        PLACE();                                              \
        note_write(address);                                  \
    }                                                         \
    CALLED void __tsan_unaligned_read##bytes(void *address);  \
    void __tsan_unaligned_read##bytes(void *address)          \
    {                                                         \
        PLACE();                                              \
        note_read(address, bytes);                            \
    }                                                         \
    CALLED void __tsan_unaligned_write##bytes(void *address); \
    void __tsan_unaligned_write##bytes(void *address)         \
    {                                                         \
        PLACE();                                              \
        note_write(address);                                  \
    }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

CALLED void __tsan_read_range(void *address, size_t bytes);
void __tsan_read_range(void *address, size_t bytes)
{
    PLACE();
    note_range(address, bytes, false);
}

CALLED void __tsan_write_range(void *address, size_t bytes);
void __tsan_write_range(void *address, size_t bytes)
{
    PLACE();
    note_range(address, bytes, true);
}

/* ---- The way of the program: the compiler calls at the begin of each basic block. ---- */

void __sanitizer_cov_trace_pc(void);

/* The program's own code, by the byte: one more than the instructions of a block that begins there; 0: not counted. */
static unsigned char *counted;

static unsigned instructions_of(const unsigned char *block)
{
    static const struct instructions_calls calls = {(const unsigned char *)__sanitizer_cov_trace_pc,
                                                    (const unsigned char *)__tsan_func_exit, __start_sim_calls,
                                                    __stop_sim_calls};
    if (counted == NULL)
        counted = calloc((size_t)(etext - __executable_start), 1);
    MAE_CHECK(counted != NULL && block >= __executable_start && block < etext);
    unsigned char *count = &counted[block - __executable_start];
    if (*count == 0)
        *count = (unsigned char)(1 + instructions_count(block, &calls));
    return *count - 1U;
}

void __sanitizer_cov_trace_pc(void)
{
    struct context *context = contexts.current;
    if (!context->is_core || !contexts.costs)
        return;
    cpu_work(&context->core, instructions_of(__builtin_return_address(0)));
    /* The program is no larger than 4 GiB. */
    uint32_t block = (uint32_t)(uintptr_t)__builtin_return_address(0);
    if (!branches_follow(&contexts.branches[context->core.idx], block)) {
        PLACE();
        cpu_mispredict(&context->core);
        context_step(context);
    }
}

/* ---- Atomic operations. On x86 only locked instructions and sequentially consistent stores are dear. ---- */

#define ATOMIC_UPDATE(type, bits, name, operation)                                             \
    CALLED type __tsan_atomic##bits##_##name(volatile type *address, type operand, int order); \
    type __tsan_atomic##bits##_##name(volatile type *address, type operand, int order)         \
    {                                                                                          \
        (void)order;                                                                           \
        PLACE();                                                                               \
        note_lock((const void *)(uintptr_t)address, (bits) / 8);                               \
        return operation(address, operand, __ATOMIC_RELAXED);                                  \
    }

#define ATOMIC(type, bits)                                                                                           \
    CALLED type __tsan_atomic##bits##_load(const volatile type *address, int order);                                 \
    type __tsan_atomic##bits##_load(const volatile type *address, int order)                                         \
    {                                                                                                                \
        (void)order;                                                                                                 \
        PLACE();                                                                                                     \
        note_read((const void *)(uintptr_t)address, (bits) / 8);                                                     \
        return *address;                                                                                             \
    }                                                                                                                \
    CALLED void __tsan_atomic##bits##_store(volatile type *address, type value, int order);                          \
    void __tsan_atomic##bits##_store(volatile type *address, type value, int order)                                  \
    {                                                                                                                \
        PLACE();                                                                                                     \
        if (order == __ATOMIC_SEQ_CST)                                                                               \
            note_lock((const void *)(uintptr_t)address, (bits) / 8);                                                 \
        else                                                                                                         \
            note_write((const void *)(uintptr_t)address);                                                            \
        *address = value;                                                                                            \
    }                                                                                                                \
    ATOMIC_UPDATE(type, bits, exchange, __atomic_exchange_n)                                                         \
    ATOMIC_UPDATE(type, bits, fetch_add, __atomic_fetch_add)                                                         \
    ATOMIC_UPDATE(type, bits, fetch_sub, __atomic_fetch_sub)                                                         \
    ATOMIC_UPDATE(type, bits, fetch_and, __atomic_fetch_and)                                                         \
    ATOMIC_UPDATE(type, bits, fetch_or, __atomic_fetch_or)                                                           \
    ATOMIC_UPDATE(type, bits, fetch_xor, __atomic_fetch_xor)                                                         \
    CALLED int __tsan_atomic##bits##_compare_exchange_strong(volatile type *address, type *expected, type value,     \
                                                             int order, int failure);                                \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile type *address, type *expected, type value, int order, \
                                                      int failure)                                                   \
    {                                                                                                                \
        (void)order, (void)failure;                                                                                  \
        PLACE();                                                                                                     \
        note_lock((const void *)(uintptr_t)address, (bits) / 8);                                                     \
        return __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);     \
    }                                                                                                                \
    CALLED int __tsan_atomic##bits##_compare_exchange_weak(volatile type *address, type *expected, type value,       \
                                                           int order, int failure);                                  \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile type *address, type *expected, type value, int order,   \
                                                    int failure)                                                     \
    {                                                                                                                \
        return __tsan_atomic##bits##_compare_exchange_strong(address, expected, value, order, failure);              \
    }

ATOMIC(uint8_t, 8)
ATOMIC(uint16_t, 16)
ATOMIC(uint32_t, 32)
ATOMIC(uint64_t, 64)

CALLED void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    PLACE();
    if (order == __ATOMIC_SEQ_CST)
        note_fence();
}

CALLED void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

/* ---- What instrumented.h renames. ---- */

CALLED void simulated_prefetch(const void *address, int writes);
void simulated_prefetch(const void *address, int writes)
{
    PLACE();
    note_with(writes ? cpu_prefetch_write : cpu_prefetch, address);
}

CALLED void *simulated_memcpy(void *to, const void *from, size_t bytes);
void *simulated_memcpy(void *to, const void *from, size_t bytes)
{
    PLACE();
    note_range(from, bytes, false);
    note_range(to, bytes, true);
    return memcpy(to, from, bytes);
}

CALLED void *simulated_memmove(void *to, const void *from, size_t bytes);
void *simulated_memmove(void *to, const void *from, size_t bytes)
{
    PLACE();
    note_range(from, bytes, false);
    note_range(to, bytes, true);
    return memmove(to, from, bytes);
}

CALLED void *simulated_memset(void *at, int byte, size_t bytes);
void *simulated_memset(void *at, int byte, size_t bytes)
{
    PLACE();
    note_range(at, bytes, true);
    return memset(at, byte, bytes);
}

CALLED int simulated_memcmp(const void *a, const void *b, size_t bytes);
int simulated_memcmp(const void *a, const void *b, size_t bytes)
{
    PLACE();
    note_range(a, bytes, false);
    note_range(b, bytes, false);
    return memcmp(a, b, bytes);
}
