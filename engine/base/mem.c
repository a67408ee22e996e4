/* mem.c - see mem.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/mem.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/base/cgroup.h"
#include "engine/base/check.h"

/* ---- Fault injection: every place that asks for memory counts down. ---- */

#ifdef MAE_DEBUG
static _Atomic uint64_t fail_countdown;
static _Atomic bool fail_happened;

static bool fail_now(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left) {
        if (!atomic_compare_exchange_weak_explicit(&fail_countdown, &left, left - 1, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        if (left > 1)
            return false;
        atomic_store_explicit(&fail_happened, true, memory_order_relaxed);
        return true;
    }
    return false;
}

void mem_fail_at(uint64_t n)
{
    atomic_store_explicit(&fail_happened, false, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, n, memory_order_relaxed);
}

bool mem_fail_happened(void)
{
    return atomic_load_explicit(&fail_happened, memory_order_relaxed);
}
#else
static inline bool fail_now(void)
{
    return false;
}
#endif

static size_t whole_lines(size_t bytes)
{
    return (bytes + SEPARATE_WRITERS_BYTES - 1) & ~(size_t)(SEPARATE_WRITERS_BYTES - 1);
}

void *mem_alloc_unset(size_t bytes)
{
    return fail_now() ? NULL : aligned_alloc(SEPARATE_WRITERS_BYTES, whole_lines(bytes > 0 ? bytes : 1));
}

void *mem_alloc(size_t bytes)
{
    void *block = mem_alloc_unset(bytes);
    if (block)
        memset(block, 0, whole_lines(bytes));
    return block;
}

void *mem_alloc_large(size_t bytes, enum mem_huge_pages huge_pages)
{
    if (fail_now())
        return NULL;
    const size_t rounded = (bytes + MEM_CHUNK_BYTES - 1) / MEM_CHUNK_BYTES * MEM_CHUNK_BYTES;
    void *block = aligned_alloc(MEM_CHUNK_BYTES, rounded);
    if (block && huge_pages != MEM_HUGE_OFF)
        (void)madvise(block, rounded, MADV_HUGEPAGE); /* without it there are small pages */
    return block;
}

#ifdef __SSE2__
void mem_copy_out(void *to, const void *from, size_t bytes)
{
    MAE_DCHECK((uintptr_t)to % sizeof(__m128i) == 0);
    __m128i *line = to;
    const __m128i *source = from;
    const size_t count = bytes / sizeof *line;
    for (size_t i = 0; i < count; i++)
        _mm_stream_si128(&line[i], _mm_loadu_si128(&source[i]));
    memcpy(&line[count], &source[count], bytes % sizeof *line);
    _mm_sfence();
}
#else
void mem_copy_out(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}
#endif

void *mem_realloc(void *block, size_t old_bytes, size_t bytes)
{
    void *larger = mem_alloc(bytes);
    if (!larger)
        return NULL;
    if (block)
        memcpy(larger, block, old_bytes < bytes ? old_bytes : bytes);
    free(block);
    return larger;
}

void *mem_double(void *array, size_t *capacity, size_t first, size_t element_bytes)
{
    size_t larger = *capacity > 0 ? 2 * *capacity : first;
    void *doubled = mem_realloc(array, *capacity * element_bytes, larger * element_bytes);
    if (doubled)
        *capacity = larger;
    return doubled;
}

/* ---- The machine. ---- */

static bool read_u64(const char *path, uint64_t *value)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    unsigned long long number;
    bool ok = fscanf(file, "%llu", &number) == 1;
    fclose(file);
    if (ok)
        *value = number;
    return ok;
}

static uint64_t machine_bytes;
static pthread_once_t machine_once = PTHREAD_ONCE_INIT;

static void machine_read(void)
{
    uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    double limit;
    if (cgroup_limit("", CGROUP_MEMORY, &limit, NULL) && limit < (double)bytes)
        bytes = (uint64_t)limit;
    machine_bytes = bytes;
}

/* Read once, since every table asks. */
uint64_t mem_machine_bytes(void)
{
    pthread_once(&machine_once, machine_read);
    return machine_bytes;
}

void mem_budget_init(struct mem_budget *budget, uint64_t limit_bytes, enum mem_huge_pages huge_pages)
{
    memset(budget, 0, sizeof *budget);
    budget->limit_bytes = limit_bytes ? limit_bytes : mem_machine_bytes() / 10 * 9;
    budget->huge_pages = huge_pages;
    budget->numa = access("/sys/devices/system/node/node1", F_OK) == 0;
}

uint64_t mem_budget_most(const struct mem_budget *budget)
{
    uint64_t machine = mem_machine_bytes();
    return machine < budget->limit_bytes ? machine : budget->limit_bytes;
}

/* ---- Addresses. ---- */

uint64_t mem_addresses_left(void)
{
    struct rlimit limit;
    uint64_t pages;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    if (!read_u64("/proc/self/statm", &pages)) /* its first number */
        pages = 0;
    uint64_t taken = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return limit.rlim_cur > taken ? limit.rlim_cur - taken : 0;
}

/*
 * How many of `wanted` bytes to reserve. If addresses are limited (ulimit -v), a span takes only a part of those that
 * are left, so that some always stay: an eighth, or as many as are expected to be needed, but at most half.
 */
static uint64_t address_share(uint64_t wanted, uint64_t expected)
{
    uint64_t left = mem_addresses_left(), share = left / 8;
    if (left == UINT64_MAX)
        return wanted;
    if (share < expected)
        share = expected < left / 2 ? expected : left / 2;
    return wanted < share ? wanted : share;
}

/* ---- Spans. ---- */

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Addresses without memory. They cost nothing against overcommit or RLIMIT_DATA. MAP_FAILED if there are none. */
static char *reserve(const struct mem_budget *budget, char *address, size_t bytes, int flags)
{
    char *base = mmap(address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (base != MAP_FAILED) /* kernels without transparent huge pages refuse: small pages then */
        (void)madvise(base, bytes, budget->huge_pages == MEM_HUGE_OFF ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    return base;
}

enum mae_status span_init(struct span *span, struct mem_budget *budget, size_t bytes, size_t bytes_expected)
{
    if (fail_now())
        return MAE_NO_MEMORY;
    size_t reserved = round_up(address_share(bytes, bytes_expected), MEM_CHUNK_BYTES);
    if (reserved == 0)
        reserved = MEM_CHUNK_BYTES;
    char *raw; /* a chunk more, so that the base can be aligned */
    while ((raw = reserve(budget, NULL, reserved + MEM_CHUNK_BYTES, 0)) == MAP_FAILED) {
        if (reserved == MEM_CHUNK_BYTES)
            return MAE_NO_ADDRESSES;
        reserved = round_up(reserved / 2, MEM_CHUNK_BYTES);
    }
    char *base = (char *)round_up((size_t)raw, MEM_CHUNK_BYTES);
    if (base > raw)
        munmap(raw, (size_t)(base - raw));
    munmap(base + reserved, (size_t)(raw + MEM_CHUNK_BYTES - base));
    span->budget = budget;
    span->base = base;
    span->reserved_bytes = reserved;
    span->cut_short = reserved < bytes;
    atomic_init(&span->committed_bytes, 0);
    pthread_mutex_init(&span->lock, NULL);
    span->next = NULL;
    return MAE_OK;
}

void span_fini(struct span *span)
{
    if (!span->base)
        return;
    munmap(span->base, span->reserved_bytes);
    atomic_fetch_sub_explicit(&span->budget->committed_bytes,
                              atomic_load_explicit(&span->committed_bytes, memory_order_relaxed), memory_order_relaxed);
    pthread_mutex_destroy(&span->lock);
    span->base = NULL;
}

bool mem_budget_take(struct mem_budget *budget, size_t bytes)
{
    uint64_t now = atomic_load_explicit(&budget->committed_bytes, memory_order_relaxed);
    do {
        if (now + bytes > budget->limit_bytes && !MUTATED(memory_limit_ignored))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->committed_bytes, &now, now + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void mem_budget_give(struct mem_budget *budget, size_t bytes)
{
    atomic_fetch_sub_explicit(&budget->committed_bytes, bytes, memory_order_relaxed);
}

/* Prefers the calling thread's node for these addresses; without the system call first touch does nearly the same. */
static void bind_to_node(char *part, size_t bytes)
{
    enum { PREFERRED = 1, MASK_BITS = 1024, LONG_BITS = 8 * sizeof(unsigned long) }; /* MPOL_PREFERRED */
    unsigned cpu, node;
    if (getcpu(&cpu, &node) != 0 || node >= MASK_BITS)
        return;
    unsigned long mask[MASK_BITS / LONG_BITS] = {0};
    mask[node / LONG_BITS] = 1ul << (node % LONG_BITS);
    (void)syscall(SYS_mbind, part, bytes, PREFERRED, mask, (unsigned long)MASK_BITS, 0u);
}

/* Maps huge pages; tests of debug builds map what behaves like them. */
static void *map_huge_pages(void *address, size_t bytes, int flags)
{
    return mmap(address, bytes, PROT_READ | PROT_WRITE,
                flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
}

#ifdef MAE_DEBUG
void *(*mem_map_huge)(void *address, size_t bytes, int flags) = map_huge_pages;
#else
#define mem_map_huge map_huge_pages
#endif

/*
 * Whether the pages can be used. A reservation is no promise: if a control group limits huge pages, the mapping
 * succeeds and the first access raises SIGBUS. If the kernel is asked to write there, it returns EFAULT instead of the
 * signal.
 */
static bool pages_are_there(char *part, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += MEM_CHUNK_BYTES) {
        unsigned *word = (unsigned *)(void *)(part + at);
        if (syscall(SYS_getcpu, word, NULL, NULL) != 0)
            return false;
        *word = 0;
    }
    return true;
}

/*
 * Maps reserved huge pages, if this process may use any that are left. It first maps them elsewhere, since a MAP_FIXED
 * that fails may leave a hole in the reserved addresses. Once accessed, the pages belong to this process.
 */
static bool map_hugetlb(struct mem_budget *budget, char *part, size_t bytes)
{
    if (budget->huge_pages != MEM_HUGE_AUTO || atomic_load_explicit(&budget->hugetlb_exhausted, memory_order_relaxed))
        return false;
    void *probe = mem_map_huge(NULL, bytes, 0);
    if (probe != MAP_FAILED) {
        munmap(probe, bytes);
        if (mem_map_huge(part, bytes, MAP_FIXED) != MAP_FAILED && pages_are_there(part, bytes)) {
            atomic_fetch_add_explicit(&budget->hugetlb_bytes, bytes, memory_order_relaxed);
            return true;
        }
        /* Never unmapped, not even for a moment: another thread's mapping would take the place. */
        MAE_CHECK(reserve(budget, part, bytes, MAP_FIXED) == part);
    }
    atomic_store_explicit(&budget->hugetlb_exhausted, true, memory_order_relaxed);
    return false;
}

/* Called with the span's lock. */
static bool map_part(struct span *span, char *part, size_t bytes)
{
    return map_hugetlb(span->budget, part, bytes) || mprotect(part, bytes, PROT_READ | PROT_WRITE) == 0;
}

enum mae_status span_commit(struct span *span, size_t bytes)
{
    /* Acquire pairs with the release below: a thread that sees the size can use the pages. */
    if (LIKELY(bytes <= atomic_load_explicit(&span->committed_bytes, memory_order_acquire)))
        return MAE_OK;
    if (fail_now())
        return MAE_NO_MEMORY;
    if (bytes > span->reserved_bytes)
        return span->cut_short ? MAE_NO_ADDRESSES : MAE_NO_MEMORY;
    enum mae_status status = MAE_OK;
    pthread_mutex_lock(&span->lock);
    size_t committed = atomic_load_explicit(&span->committed_bytes, memory_order_relaxed);
    if (bytes > committed) {
        size_t more = round_up(bytes, MEM_CHUNK_BYTES) - committed;
        if (!mem_budget_take(span->budget, more)) {
            status = MAE_NO_MEMORY;
        } else if (!map_part(span, span->base + committed, more)) {
            atomic_fetch_sub_explicit(&span->budget->committed_bytes, more, memory_order_relaxed);
            status = MAE_NO_MEMORY;
        } else {
            if (span->budget->numa)
                bind_to_node(span->base + committed, more);
            atomic_store_explicit(&span->committed_bytes, committed + more, memory_order_release);
        }
    }
    pthread_mutex_unlock(&span->lock);
    return status;
}

/* ---- The memory that was obtained. ---- */

static bool in_spans(const struct span *span, uintptr_t from, uintptr_t to)
{
    for (; span; span = span->next) {
        uintptr_t base = (uintptr_t)span->base;
        if (from < base + span->reserved_bytes && to > base)
            return true;
    }
    return false;
}

void mem_usage(const struct mem_budget *budget, const struct span *first, struct mae_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->limit_bytes = budget->limit_bytes;
    memory->committed_bytes = atomic_load_explicit(&budget->committed_bytes, memory_order_relaxed);
    FILE *file = fopen("/proc/self/smaps", "re");
    if (!file)
        return;
    char line[512], name[64];
    bool ours = false;
    while (fgets(line, sizeof line, file)) {
        unsigned long from, to;
        unsigned long long kib;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            ours = in_spans(first, from, to);
        } else if (ours && sscanf(line, "%63[^:]: %llu kB", name, &kib) == 2) {
            uint64_t bytes = (uint64_t)kib * 1024;
            if (strcmp(name, "Rss") == 0)
                memory->resident_bytes += bytes;
            else if (strcmp(name, "AnonHugePages") == 0)
                memory->transparent_bytes += bytes;
            else if (strcmp(name, "Private_Hugetlb") == 0)
                memory->hugetlb_bytes += bytes;
        }
    }
    fclose(file);
    memory->resident_bytes += memory->hugetlb_bytes; /* the kernel's Rss leaves reserved pages out */
}
