/* mem.c - spans: growth, the limit, the accounting, page sizes; and the injection of allocation failures. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/mem.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)

static void a_span_grows_in_chunks_of_zeros(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct span span = {0};
    mem_budget_init(&budget, 64 * MIB, MEM_HUGE_OFF);
    assert_ok(span_init(&span, &budget, 32 * MIB, 2 * MIB));
    assert_int_equal((uintptr_t)span.base % MEM_CHUNK_BYTES, 0);
    assert_int_equal(span.reserved_bytes, 32 * MIB);
    assert_int_equal(budget.committed_bytes, 0);
    char *base = span.base;
    assert_ok(span_commit(&span, 1));
    assert_int_equal(span.committed_bytes, MEM_CHUNK_BYTES);
    assert_ok(span_commit(&span, MEM_CHUNK_BYTES)); /* is there */
    assert_int_equal(budget.committed_bytes, MEM_CHUNK_BYTES);
    assert_ok(span_commit(&span, 5 * MIB));
    assert_int_equal(span.committed_bytes, 6 * MIB);
    assert_int_equal(budget.committed_bytes, 6 * MIB);
    assert_ptr_equal(span.base, base);
    for (size_t i = 0; i < 6 * MIB; i += 4096)
        assert_int_equal(base[i], 0);
    memset(base, 1, 6 * MIB);
    assert_ok(span_commit(&span, 8 * MIB));
    assert_int_equal(base[6 * MIB - 1], 1);
    assert_int_equal(base[6 * MIB], 0);
    assert_status(MAE_NO_MEMORY, span_commit(&span, 32 * MIB + 1)); /* beyond the reservation */
    assert_int_equal(span.committed_bytes, 8 * MIB);
    span_fini(&span);
    assert_int_equal(budget.committed_bytes, 0);
    span_fini(&span); /* nothing any more */
}

static void the_limit_is_shared_and_exact(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct span first = {0}, second = {0};
    mem_budget_init(&budget, 9 * MIB, MEM_HUGE_OFF);
    assert_ok(span_init(&first, &budget, 64 * MIB, 2 * MIB));
    assert_ok(span_init(&second, &budget, 64 * MIB, 2 * MIB));
    assert_ok(span_commit(&first, 4 * MIB));
    assert_ok(span_commit(&second, 4 * MIB));
    assert_status(MAE_NO_MEMORY, span_commit(&first, 6 * MIB)); /* a chunk would go 1 MiB beyond */
    assert_int_equal(first.committed_bytes, 4 * MIB);
    assert_int_equal(budget.committed_bytes, 8 * MIB);
    span_fini(&second);
    assert_ok(span_commit(&first, 8 * MIB)); /* what the other gave back */
    span_fini(&first);
}

/* More addresses than there are: the reservation is halved until it fits. */
static void impossible_reservations_are_halved(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct span span = {0};
    mem_budget_init(&budget, 64 * MIB, MEM_HUGE_OFF);
    assert_ok(span_init(&span, &budget, (size_t)1 << 50, 4 * MIB));
    assert_true(span.reserved_bytes >= 4 * MIB && span.reserved_bytes < (size_t)1 << 50);
    assert_ok(span_commit(&span, 4 * MIB));
    memset(span.base, 1, 4 * MIB);
    assert_status(MAE_NO_ADDRESSES, span_commit(&span, span.reserved_bytes + 1));
    span_fini(&span);
}

/* Lets the process take `bytes` more of address space; returns what was allowed before. */
static rlim_t limit_addresses(uint64_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu", &pages), 1);
    fclose(file);
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    return before;
}

static void allow_addresses(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

/* Below `ulimit -v` each span takes a share of what is left, so that many have room, and says so when it has none. */
static void limited_addresses_are_shared(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* the sanitizers have taken most addresses already */
#endif
    enum { SPANS = 24 };
    struct mem_budget budget;
    struct span spans[SPANS] = {{0}}, expecting = {0};
    const size_t most = (size_t)64 << 30;
    mem_budget_init(&budget, most, MEM_HUGE_OFF);
    assert_true(mem_addresses_left() == UINT64_MAX);
    rlim_t before = limit_addresses(1024 * MIB);
    for (int i = 0; i < SPANS; i++) {
        assert_ok(span_init(&spans[i], &budget, most, 0));
        assert_ok(span_commit(&spans[i], MEM_CHUNK_BYTES));
        assert_true(spans[i].reserved_bytes >= 4 * MIB);
    }
    assert_true(spans[0].reserved_bytes >= 120 * MIB);
    assert_status(MAE_NO_ADDRESSES, span_commit(&spans[0], spans[0].reserved_bytes + 1));
    for (int i = 0; i < SPANS; i++)
        span_fini(&spans[i]);

    assert_ok(span_init(&expecting, &budget, most, 300 * MIB)); /* what is expected has room */
    assert_true(expecting.reserved_bytes >= 300 * MIB && expecting.reserved_bytes < 310 * MIB);
    span_fini(&expecting);
    assert_ok(span_init(&expecting, &budget, 8 * MIB, 300 * MIB)); /* and nobody takes more than was asked for */
    assert_int_equal(expecting.reserved_bytes, 8 * MIB);
    span_fini(&expecting);

    allow_addresses(before);
    (void)limit_addresses(3 * MIB);
    assert_status(MAE_NO_ADDRESSES, span_init(&expecting, &budget, most, 0));
    allow_addresses(before);
    assert_ok(span_init(&expecting, &budget, 8 * MIB, 0));
    span_fini(&expecting);
}

#ifdef MAE_DEBUG
static int huge_file;
static unsigned huge_mappings;

/* Mapped without complaint, but only the file's first 4 MiB are there: a touch beyond is a SIGBUS, as it is when a
 * control group allows no more huge pages. */
static void *map_file_instead(void *address, size_t bytes, int flags)
{
    huge_mappings++;
    return mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, huge_file, 0);
}
#endif

static void huge_pages_that_may_not_be_used_are_left_alone(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    struct mem_budget budget;
    struct span span = {0}, other = {0};
    void *(*before)(void *, size_t, int) = mem_map_huge;
    huge_file = memfd_create("huge", MFD_CLOEXEC);
    assert_true(huge_file >= 0);
    assert_int_equal(ftruncate(huge_file, 4 * MIB), 0);
    mem_map_huge = map_file_instead;
    mem_budget_init(&budget, 64 * MIB, MEM_HUGE_AUTO);
    assert_ok(span_init(&span, &budget, 32 * MIB, 0));
    assert_ok(span_commit(&span, 4 * MIB));
    assert_int_equal(budget.hugetlb_bytes, 4 * MIB);
    assert_ok(span_init(&other, &budget, 32 * MIB, 0));
    assert_ok(span_commit(&other, 8 * MIB));
    assert_int_equal(budget.hugetlb_bytes, 4 * MIB);
    assert_int_equal(huge_mappings, 4);
    for (size_t i = 0; i < 8 * MIB; i += 4096)
        assert_int_equal(other.base[i], 0);
    memset(other.base, 1, 8 * MIB);
    assert_ok(span_commit(&span, 8 * MIB)); /* not asked for any more */
    assert_int_equal(huge_mappings, 4);
    memset(span.base, 1, 8 * MIB);
    span_fini(&span);
    span_fini(&other);
    close(huge_file);
    mem_map_huge = before;
#endif
}

static void the_machine_sets_the_default_limit(void **state)
{
    (void)state;
    struct mem_budget budget;
    assert_true(mem_machine_bytes() > 64 * MIB);
    mem_budget_init(&budget, 0, MEM_HUGE_AUTO);
    assert_true(budget.limit_bytes <= mem_machine_bytes() && budget.limit_bytes > mem_machine_bytes() / 2);
    mem_budget_init(&budget, 12345, MEM_HUGE_AUTO);
    assert_int_equal(budget.limit_bytes, 12345);
    assert_int_equal(mem_budget_most(&budget), 12345);
    mem_budget_init(&budget, UINT64_MAX, MEM_HUGE_AUTO);
    assert_int_equal(mem_budget_most(&budget), mem_machine_bytes());
}

static bool transparent_pages_available(void)
{
    char line[100] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!file)
        return false;
    bool available = fgets(line, sizeof line, file) && !strstr(line, "[never]");
    fclose(file);
    return available;
}

static void each_mode_gets_its_pages(void **state)
{
    (void)state;
    for (int mode = MEM_HUGE_AUTO; mode <= MEM_HUGE_OFF; mode++) {
        struct mem_budget budget;
        struct span spans[2] = {{0}};
        struct mae_memory memory;
        mem_budget_init(&budget, 64 * MIB, (enum mem_huge_pages)mode);
        for (int i = 0; i < 2; i++) {
            assert_ok(span_init(&spans[i], &budget, 32 * MIB, 2 * MIB));
            assert_ok(span_commit(&spans[i], 8 * MIB));
            memset(spans[i].base, 1, 8 * MIB);
        }
        spans[0].next = &spans[1];
        mem_usage(&budget, &spans[0], &memory);
        assert_int_equal(memory.limit_bytes, 64 * MIB);
        assert_int_equal(memory.committed_bytes, 16 * MIB);
#if !defined(__SANITIZE_THREAD__)
        assert_int_equal(memory.resident_bytes, 16 * MIB);
#endif
        assert_true(memory.transparent_bytes + memory.hugetlb_bytes <= memory.resident_bytes);
        assert_int_equal(memory.hugetlb_bytes, budget.hugetlb_bytes);
        if (mode == MEM_HUGE_OFF)
            assert_int_equal(memory.transparent_bytes + memory.hugetlb_bytes, 0);
        if (mode == MEM_HUGE_TRANSPARENT)
            assert_int_equal(memory.hugetlb_bytes, 0);
        if (mode == MEM_HUGE_TRANSPARENT && !transparent_pages_available())
            assert_int_equal(memory.transparent_bytes, 0);
        printf("mode %d: %zu MiB huge\n", mode, (size_t)(memory.transparent_bytes + memory.hugetlb_bytes) / MIB);
        span_fini(&spans[0]);
        span_fini(&spans[1]);
    }
}

static void blocks_are_zeroed_and_aligned(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 129, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *block = mem_alloc(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 128, 0);
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(block[b], 0);
        memset(block, 7, sizes[i]);
        unsigned char *larger = mem_realloc(block, sizes[i], 2 * sizes[i] + 1);
        assert_non_null(larger);
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(larger[b], 7);
        free(larger);
    }
    void *fresh = mem_realloc(NULL, 0, 10);
    assert_non_null(fresh);
    free(fresh);
}

static void a_copy_past_the_caches_has_every_byte(void **state)
{
    (void)state;
    enum { BYTES = 256, BEFORE = 7 };
    _Alignas(16) unsigned char from[BYTES], to[BYTES];
    for (size_t bytes = 0; bytes + 16 <= BYTES; bytes++) {
        const size_t shift = bytes % 16; /* `from` may lie anywhere */
        for (size_t i = 0; i < BYTES; i++) {
            from[i] = (unsigned char)(i + bytes + 100);
            to[i] = BEFORE;
        }
        mem_copy_out(to, from + shift, bytes);
        assert_memory_equal(to, from + shift, bytes);
        for (size_t i = bytes; i < BYTES; i++)
            assert_int_equal(to[i], BEFORE);
    }
}

static void failures_are_injected_once_at_the_asked_place(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    struct mem_budget budget;
    struct span span = {0};
    mem_budget_init(&budget, 64 * MIB, MEM_HUGE_OFF);
    mem_fail_at(3);
    void *first = mem_alloc(1);
    assert_non_null(first);
    assert_ok(span_init(&span, &budget, 8 * MIB, 2 * MIB));
    assert_false(mem_fail_happened());
    assert_status(MAE_NO_MEMORY, span_commit(&span, 1));
    assert_true(mem_fail_happened());
    assert_ok(span_commit(&span, 1));
    assert_ok(span_commit(&span, 1)); /* asks for nothing, so it does not count */
    mem_fail_at(1);
    assert_ok(span_commit(&span, 1));
    assert_false(mem_fail_happened());
    assert_null(mem_realloc(first, 1, 100)); /* the old block stays */
    *(char *)first = 1;
    free(first);
    mem_fail_at(0);
    assert_false(mem_fail_happened());
    void *last = mem_alloc(1);
    assert_non_null(last);
    free(last);
    span_fini(&span);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_grows_in_chunks_of_zeros),
        cmocka_unit_test(the_limit_is_shared_and_exact),
        cmocka_unit_test(impossible_reservations_are_halved),
        cmocka_unit_test(limited_addresses_are_shared),
        cmocka_unit_test(huge_pages_that_may_not_be_used_are_left_alone),
        cmocka_unit_test(the_machine_sets_the_default_limit),
        cmocka_unit_test(each_mode_gets_its_pages),
        cmocka_unit_test(blocks_are_zeroed_and_aligned),
        cmocka_unit_test(a_copy_past_the_caches_has_every_byte),
        cmocka_unit_test(failures_are_injected_once_at_the_asked_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
