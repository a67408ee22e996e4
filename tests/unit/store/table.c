/* table.c - the layout of rows, and which row ids a worker gets. */
#include "engine/store/table.h"

#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)

static struct mem_budget budget;
static struct arena arena;
static struct table table;

static void open_table(size_t limit_bytes, size_t payload_max_bytes, uint64_t inline_max_bytes)
{
    mem_budget_init(&budget, limit_bytes, MEM_HUGE_OFF);
    assert_ok(arena_init(&arena, &budget));
    assert_ok(table_init(&table, &budget, &arena, 0, payload_max_bytes, inline_max_bytes, 0));
}

static void close_table(void)
{
    table_fini(&table);
    arena_fini(&arena);
    assert_int_equal(budget.committed_bytes, 0);
}

static void a_hundred_bytes_take_two_lines(void **state)
{
    (void)state;
    static const struct {
        size_t payload;
        uint64_t inline_max;
        uint32_t stride;
    } cases[] = {
        {1, 216, 64},  {36, 216, 64}, {37, 216, 128}, {100, 216, 128}, {101, 216, 192},    {216, 216, 256},
        {217, 216, 8}, {100, 0, 8},   {100, 99, 8},   {65528, 216, 8}, {4096, 4096, 4160},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_table(64 * MIB, cases[i].payload, cases[i].inline_max);
        assert_int_equal(table.stride, cases[i].stride);
        bool inlined = cases[i].payload <= cases[i].inline_max;
        assert_int_equal(table.inline_bytes >= cases[i].payload, inlined);
        if (!inlined)
            assert_int_equal(table.inline_bytes, 0);
        assert_ok(table_reserve_rows(&table, 3));
        char *row = table_row(&table, 1), *head = (char *)(uintptr_t)row_head(&table, row);
        char *lock = (char *)(uintptr_t)row_lock(&table, row);
        assert_ptr_equal(row, table.base + cases[i].stride);
        assert_int_equal(table_row_id(&table, row), 1);
        assert_int_equal((uintptr_t)head % 4, 0);
        assert_true(head >= row && head + 4 <= row + table.stride);
        assert_true(lock >= row && lock < row + table.stride && (lock < head || lock >= head + 4));
        if (inlined) { /* neither head nor lock is in the payload's way */
            struct version *version = row_version(&table, row, HANDLE_INLINE);
            assert_ptr_equal(version, row);
            assert_int_equal((uintptr_t)version->payload % 8, 0);
            assert_true((char *)version->payload + table.inline_bytes <= head);
            assert_true(lock < (char *)version->payload);
        }
        /* A row of zeros is empty. */
        assert_int_equal(atomic_load(row_head(&table, row)), HANDLE_NONE);
        assert_int_equal(atomic_load(row_lock(&table, row)), 0);
        close_table();
    }
}

static void rows_count_their_entries(void **state)
{
    (void)state;
    open_table(64 * MIB, 100, 216);
    assert_ok(table_reserve_rows(&table, 1));
    char *row = table_row(&table, 0);
    _Atomic uint8_t *lock = row_lock(&table, row);
    assert_int_equal(row_entries(&table, row), 0);
    row_entries_set(&table, row, 2);
    assert_int_equal(row_entries(&table, row), 2);
    atomic_fetch_or(lock, ROW_AWAITED); /* the collector's mark stays */
    row_entries_set(&table, row, 3);
    assert_int_equal(row_entries(&table, row), 3);
    assert_true(atomic_load(lock) & ROW_AWAITED);
    row_entries_set(&table, row, 0);
    assert_int_equal(atomic_load(lock), ROW_AWAITED);
    for (uint32_t count = ROW_ENTRIES_MANY - 2; count < ROW_ENTRIES_MANY + 3; count++) {
        assert_true(row_entries_reserve(&table, row, count));
        row_entries_set(&table, row, count);
        assert_int_equal(row_entries(&table, row), count);
        assert_true(atomic_load(lock) & ROW_AWAITED);
    }
    row_entries_set(&table, row, ROW_ENTRIES_MANY - 1); /* few again */
    assert_int_equal(row_entries(&table, row), ROW_ENTRIES_MANY - 1);
    row_entries_set(&table, row, 0);
    assert_int_equal(atomic_load(lock), ROW_AWAITED);
    close_table();
}

static void row_ids_are_unique_across_workers(void **state)
{
    (void)state;
    enum { WORKERS = 5, ROWS = 20000 };
    struct row_allocator allocators[WORKERS];
    static unsigned char taken[WORKERS * ROWS * 2];
    uint64_t random = seed_from_environment(), row;
    memset(allocators, 0, sizeof allocators);
    memset(taken, 0, sizeof taken);
    open_table(256 * MIB, 100, 216);
    for (int i = 0; i < WORKERS * ROWS; i++) {
        assert_ok(row_alloc(&table, &allocators[random_below(&random, WORKERS)], &row));
        assert_true(row < atomic_load(&table.next_row));
        assert_true(row < sizeof taken);
        assert_false(taken[row]);
        taken[row] = 1;
        *table_row(&table, row) = 0; /* is there */
    }
    /* Chunks grow with the table: little is handed out in advance. */
    assert_true(atomic_load(&table.next_row) < WORKERS * ROWS * 3 / 2);
    for (int w = 0; w < WORKERS; w++)
        row_allocator_fini(&allocators[w]);
    close_table();
}

static void a_small_table_stays_small(void **state)
{
    (void)state;
    struct row_allocator allocator = {0};
    uint64_t row;
    open_table(64 * MIB, 100, 216);
    for (int i = 0; i < 10; i++)
        assert_ok(row_alloc(&table, &allocator, &row));
    assert_true(atomic_load(&table.next_row) <= 16);
    assert_int_equal(budget.committed_bytes, 2 * MEM_CHUNK_BYTES); /* with the arena's reserve */
    row_allocator_fini(&allocator);
    close_table();
}

static void freed_ids_are_used_again_by_anyone(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    struct row_allocator first = {0}, second = {0};
    uint64_t row;
    open_table(64 * MIB, 100, 216);
    for (uint64_t i = 0; i < ROWS; i++)
        assert_ok(row_alloc(&table, &first, &row));
    row_free(&table, &first, row);
    uint64_t again;
    assert_ok(row_alloc(&table, &first, &again));
    assert_int_equal(again, row); /* one's own first, the last one before all */
    for (uint64_t i = 0; i < ROWS; i++)
        row_free(&table, &first, i);
    row_allocator_fini(&first); /* with what it had not used */
    uint64_t limit = atomic_load(&table.next_row);
    for (uint64_t i = 0; i < limit; i++) {
        assert_ok(row_alloc(&table, &second, &row));
        assert_true(row < limit);
    }
    assert_int_equal(atomic_load(&table.next_row), limit);
    assert_ok(row_alloc(&table, &second, &row));
    assert_true(row >= limit);
    row_allocator_fini(&second);
    close_table();
}

static void reserved_rows_belong_to_nobody(void **state)
{
    (void)state;
    struct row_allocator allocator = {0};
    uint64_t row;
    open_table(64 * MIB, 36, 216);
    assert_ok(table_reserve_rows(&table, 1000));
    assert_ok(row_alloc(&table, &allocator, &row));
    assert_int_equal(row, 1000);
    assert_ok(table_reserve_rows(&table, 10)); /* fewer: nothing happens */
    assert_status(MAE_NO_MEMORY, table_reserve_rows(&table, 64 * MIB / 64 + 1));
    assert_status(MAE_NO_MEMORY, table_reserve_rows(&table, UINT64_MAX));
    row_allocator_fini(&allocator);
    close_table();
}

static void the_limit_ends_rows_cleanly(void **state)
{
    (void)state;
    struct row_allocator allocator = {0};
    uint64_t row, count = 0;
    open_table(4 * MIB, 100, 216);
    while (row_alloc(&table, &allocator, &row) == MAE_OK)
        count++;
    assert_true(count > 3 * MIB / 128 && count <= 4 * MIB / 128);
    assert_status(MAE_NO_MEMORY, row_alloc(&table, &allocator, &row));
    row_free(&table, &allocator, 17);
    assert_ok(row_alloc(&table, &allocator, &row));
    assert_int_equal(row, 17);
    row_allocator_fini(&allocator);
    close_table();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_bytes_take_two_lines),     cmocka_unit_test(rows_count_their_entries),
        cmocka_unit_test(row_ids_are_unique_across_workers),  cmocka_unit_test(a_small_table_stays_small),
        cmocka_unit_test(freed_ids_are_used_again_by_anyone), cmocka_unit_test(reserved_rows_belong_to_nobody),
        cmocka_unit_test(the_limit_ends_rows_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
