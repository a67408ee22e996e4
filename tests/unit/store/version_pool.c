/* version_pool.c - size classes, reuse, sharing between pools, and that memory keeps its type. */
#include "engine/store/version_pool.h"

#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)

static struct mem_budget budget;
static struct arena arena;

static void open_arena(size_t limit_bytes)
{
    mem_budget_init(&budget, limit_bytes, MEM_HUGE_OFF);
    assert_ok(arena_init(&arena, &budget));
}

static void classes_hold_what_they_promise(void **state)
{
    (void)state;
    for (unsigned shift = 6; shift < 9; shift++) {
        unsigned last = 0;
        for (size_t payload = 0; payload <= MAE_PAYLOAD_MAX_BYTES; payload += payload < 3000 ? 1 : 37) {
            unsigned size_class = class_of(shift, payload);
            size_t bytes = class_bytes(shift, size_class);
            assert_true(size_class < CLASS_COUNT && size_class >= last);
            assert_true(bytes >= payload + VERSION_HEADER_BYTES);
            /* No more is lost than a unit, or in large ones a quarter and a unit. */
            assert_true(bytes < (payload + VERSION_HEADER_BYTES) * 5 / 4 + ((size_t)2 << shift));
            if (size_class > 0)
                assert_true(class_bytes(shift, size_class - 1) < payload + VERSION_HEADER_BYTES);
            last = size_class;
        }
        assert_true(class_of(shift, MAE_PAYLOAD_MAX_BYTES) < CLASS_COUNT);
    }
    assert_int_equal(class_bytes(6, class_of(6, 100)), 128); /* 100 bytes fill two lines */
    assert_int_equal(class_bytes(6, class_of(6, 40)), 64);
    assert_int_equal(class_bytes(6, class_of(6, 41)), 128);
}

/* Versions of all sizes at once: none overlaps another, whatever is freed in between. Returns how many were refused. */
static unsigned versions_at_random(size_t limit_bytes, bool may_retype)
{
    enum { LIVE = 6000 };
    unsigned refused = 0;
    static struct {
        struct version *version;
        version_handle handle;
        size_t bytes;
    } live[LIVE];
    struct pool pool;
    uint64_t random = seed_from_environment();
    open_arena(limit_bytes);
    atomic_store(&arena.may_retype, may_retype);
    assert_ok(pool_init(&pool, &arena));
    memset(live, 0, sizeof live);
    for (int i = 0; i < 40000; i++) {
        unsigned n = (unsigned)random_below(&random, LIVE);
        if (live[n].version) {
            for (size_t b = 0; b < live[n].bytes; b++)
                assert_int_equal(live[n].version->payload[b], n & 255);
            pool_free(&pool, live[n].handle, live[n].version);
            assert_int_equal(atomic_load(&live[n].version->status), VERSION_UNUSED);
            live[n].version = NULL;
        } else {
            live[n].bytes = random_below(&random, 20) ? random_below(&random, 300) : random_below(&random, 20000);
            live[n].version = pool_alloc(&pool, live[n].bytes, &live[n].handle);
            if (!live[n].version) {
                refused++;
                continue;
            }
            assert_true(live[n].handle >= HANDLE_FIRST);
            assert_ptr_equal(arena_version(arena.base, arena.unit_bytes, live[n].handle), live[n].version);
            memset(live[n].version->payload, (int)(n & 255), live[n].bytes);
        }
    }
    pool_fini(&pool);
    arena_fini(&arena);
    assert_int_equal(budget.committed_bytes, 0);
    return refused;
}

static void versions_do_not_overlap(void **state)
{
    (void)state;
    assert_int_equal(versions_at_random(256 * MIB, false), 0);
    assert_true(versions_at_random(2 * MIB, false) > 0);
    assert_true(versions_at_random(2 * MIB, true) > 0);
}

static void memory_keeps_its_type(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct pool pool;
    version_handle handles[COUNT];
    open_arena(64 * MIB);
    assert_ok(pool_init(&pool, &arena));
    for (int i = 0; i < COUNT; i++)
        assert_non_null(pool_alloc(&pool, 40, &handles[i]));
    for (int i = 0; i < COUNT; i++)
        pool_free(&pool, handles[i], arena_version(arena.base, arena.unit_bytes, handles[i]));
    version_handle other;
    for (int i = 0; i < COUNT; i++) {
        assert_non_null(pool_alloc(&pool, 100, &other)); /* another class: never from what was a 64-byte version */
        for (int h = 0; h < COUNT; h += 97)
            assert_true(other != handles[h]);
    }
    for (int i = 0; i < COUNT; i++) {
        unsigned tag = atomic_load(&arena_version(arena.base, arena.unit_bytes, handles[i])->tag);
        assert_int_equal(tag, class_of(arena.unit_shift, 40));
    }
    uint64_t committed = budget.committed_bytes;
    for (int i = 0; i < COUNT; i++)
        assert_non_null(pool_alloc(&pool, 40, &other)); /* all from the list */
    assert_int_equal(budget.committed_bytes, committed);
    pool_fini(&pool);
    arena_fini(&arena);
}

static void the_last_freed_is_the_first_used(void **state)
{
    (void)state;
    struct pool pool;
    version_handle first, second, third;
    open_arena(64 * MIB);
    assert_ok(pool_init(&pool, &arena));
    struct version *one = pool_alloc(&pool, 100, &first), *two = pool_alloc(&pool, 100, &second);
    pool_free(&pool, first, one);
    pool_free(&pool, second, two);
    assert_ptr_equal(pool_alloc(&pool, 100, &third), two);
    assert_int_equal(third, second);
    pool_fini(&pool);
    arena_fini(&arena);
}

/* One pool allocates, another frees: the freed ones come back, memory does not grow. */
static void pools_share_what_they_free(void **state)
{
    (void)state;
    enum { ROUND = 5000, ROUNDS = 40 };
    struct pool giver, taker;
    static version_handle handles[ROUND];
    open_arena(64 * MIB);
    assert_ok(pool_init(&giver, &arena));
    assert_ok(pool_init(&taker, &arena));
    uint64_t after_first = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROUND; i++)
            assert_non_null(pool_alloc(&giver, 100, &handles[i]));
        for (int i = 0; i < ROUND; i++)
            pool_free(&taker, handles[i], arena_version(arena.base, arena.unit_bytes, handles[i]));
        if (round == 1)
            after_first = budget.committed_bytes;
    }
    assert_int_equal(budget.committed_bytes, after_first);
    pool_fini(&taker); /* even the last ones can be used by the pool that stays */
    for (int i = 0; i < ROUND; i++)
        assert_non_null(pool_alloc(&giver, 100, &handles[i]));
    assert_int_equal(budget.committed_bytes, after_first);
    pool_fini(&giver);
    arena_fini(&arena);
}

static void the_limit_ends_allocation_cleanly(void **state)
{
    (void)state;
    struct pool pool;
    version_handle handle = 0, last = 0;
    open_arena(4 * MIB);
    assert_ok(pool_init(&pool, &arena));
    size_t count = 0;
    struct version *version, *kept = NULL;
    while ((version = pool_alloc(&pool, 1000, &handle)) != NULL) {
        count++;
        kept = version;
        last = handle;
    }
    assert_true(count * 1024 > 3 * MIB && count * 1024 <= 4 * MIB);
    assert_int_equal(budget.committed_bytes, 4 * MIB);
    assert_null(pool_alloc(&pool, 1000, &handle));
    assert_null(pool_alloc(&pool, 60000, &handle));
    pool_free(&pool, last, kept);
    assert_ptr_equal(pool_alloc(&pool, 1000, &handle), kept);
    pool_fini(&pool);
    arena_fini(&arena);
}

/* What a pool had begun to cut goes on in the next one. */
static void pools_that_come_and_go_take_no_more(void **state)
{
    (void)state;
    struct pool pool;
    version_handle handle;
    open_arena(64 * MIB);
    for (int i = 0; i < 1000; i++) {
        assert_ok(pool_init(&pool, &arena));
        for (int k = 0; k < 10; k++)
            assert_non_null(pool_alloc(&pool, i % 2 ? 40 : 100, &handle));
        pool_fini(&pool);
    }
    assert_int_equal(budget.committed_bytes, 2 * 2 * MIB); /* and the reserve */
    arena_fini(&arena);
}

/* More pools than places for what they leave: that becomes versions, and nothing is lost either. */
static void many_pools_may_go_at_once(void **state)
{
    (void)state;
    enum { POOLS = RESTS_MAX + 2 };
    static struct pool pools[POOLS];
    version_handle handle;
    open_arena(1024 * MIB);
    for (int i = 0; i < POOLS; i++) {
        assert_ok(pool_init(&pools[i], &arena));
        assert_non_null(pool_alloc(&pools[i], 1000, &handle));
    }
    for (int i = 0; i < POOLS; i++)
        pool_fini(&pools[i]);
    uint64_t committed = budget.committed_bytes, count = 0;
    assert_int_equal(committed, (POOLS + 1) * 2 * MIB); /* and the reserve */
    struct pool pool;
    assert_ok(pool_init(&pool, &arena));
    while (budget.committed_bytes == committed) {
        assert_non_null(pool_alloc(&pool, 1000, &handle));
        count++;
    }
    assert_true(count >= POOLS * (2048 - 2));
    pool_fini(&pool);
    arena_fini(&arena);
}

/* Memory has run out, and it is another pool's, and of another size: it is handed on and serves. */
static void what_is_free_is_found_in_need(void **state)
{
    (void)state;
    enum { ROOM = 5000 };
    static version_handle handles[ROOM];
    struct pool rich, poor;
    version_handle handle;
    int count = 0;
    open_arena(4 * MIB);
    assert_ok(pool_init(&rich, &arena));
    assert_ok(pool_init(&poor, &arena));
    while (count < ROOM && pool_alloc(&rich, 1000, &handles[count]))
        count++;
    assert_true(count < ROOM);
    while (pool_alloc(&rich, 0, &handle)) { /* and what was too small for those */
    }
    for (int i = 0; i < 10; i++)
        pool_free(&rich, handles[i], arena_version(arena.base, arena.unit_bytes, handles[i]));
    assert_null(pool_alloc(&poor, 0, &handle));
    pool_relieve(&rich);
    struct version *version = pool_alloc(&poor, 0, &handle);
    assert_non_null(version);
    unsigned size_class = atomic_load(&version->tag);
    assert_int_equal(size_class, class_of(arena.unit_shift, 1000)); /* keeps its type */
    pool_free(&poor, handle, version);
    assert_null(pool_alloc(&poor, 2000, &handle));
    pool_relieve(&poor);
    assert_ptr_equal(pool_alloc(&rich, 1000, &handle), version);
    pool_fini(&rich);
    pool_fini(&poor);
    arena_fini(&arena);
}

/* What was versions of one size serves another, when all of a chunk is free and memory may change its class. */
static void free_chunks_serve_other_classes(void **state)
{
    (void)state;
    enum { ROOM = 60000 };
    static version_handle handles[ROOM];
    static const size_t sizes[] = {300, 3000, 900, 40000, 300, 0};
    struct pool pool, other;
    open_arena(16 * MIB);
    assert_ok(pool_init(&pool, &arena));
    assert_ok(pool_init(&other, &arena));
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t count = 0, bytes = class_bytes(arena.unit_shift, class_of(arena.unit_shift, sizes[s]));
        struct version *version;
        while (count < ROOM && (version = pool_alloc(&pool, sizes[s], &handles[count])) != NULL) {
            memset(version->payload, (int)s, sizes[s]);
            count++;
        }
        /* All but a chunk, what the ends of chunks lose, and what the other pool is cutting up. */
        if (s != 1 || count > 0)
            assert_true(count == ROOM || (count + 1) * bytes > 10 * MIB);
        assert_true(count * bytes <= 16 * MIB);
        for (size_t i = 0; i < count; i++)
            pool_free(i % 2 ? &pool : &other, handles[i], arena_version(arena.base, arena.unit_bytes, handles[i]));
        pool_give(&other);
        if (s == 0) {
            assert_null(pool_alloc(&pool, 3000, &handles[0]));
            assert_true(arena_may_regain(&arena) == false || arena.shared_units > 0);
            pool_give(&pool);
            assert_true(arena_may_regain(&arena));
            atomic_store(&arena.may_retype, true);
        }
    }
    assert_int_equal(budget.committed_bytes, 16 * MIB);
    pool_fini(&pool);
    pool_fini(&other);
    arena_fini(&arena);
}

/* Every chunk holds something, so none can be cut up anew. Small versions then fill what large ones have left free,
 * once memory may change its class. */
static void small_versions_share_a_large_one(void **state)
{
    (void)state;
    enum { ROOM = 5000, SMALL = 40, LARGE = 1000 };
    static version_handle handles[ROOM];
    for (int may_retype = 0; may_retype < 2; may_retype++) {
        struct pool pool;
        version_handle handle;
        size_t count = 0, fitted = 0;
        open_arena(4 * MIB);
        assert_ok(pool_init(&pool, &arena));
        while (count < ROOM && pool_alloc(&pool, LARGE, &handles[count]))
            count++;
        while (pool_alloc(&pool, 0, &handle)) { /* what was too small for those */
        }
        atomic_store(&arena.may_retype, may_retype);
        size_t freed = 0;
        for (size_t i = 0; i < count; i += 2, freed++)
            pool_free(&pool, handles[i], arena_version(arena.base, arena.unit_bytes, handles[i]));
        for (struct version *small; (small = pool_alloc(&pool, SMALL, &handle)) != NULL; fitted++) {
            memset(small->payload, 1, SMALL);
        }
        size_t pieces = class_bytes(arena.unit_shift, class_of(arena.unit_shift, LARGE)) /
                        class_bytes(arena.unit_shift, class_of(arena.unit_shift, SMALL));
        assert_true(pieces > 10);
        assert_true(may_retype ? fitted >= pieces * freed * 3 / 4 : fitted == freed);
        pool_fini(&pool);
        arena_fini(&arena);
    }
}

/* Rows take no free version of the size of index nodes, however short memory is: nodes find them there. */
static void nodes_keep_their_class(void **state)
{
    (void)state;
    struct pool pool;
    version_handle handle, other;
    open_arena(4 * MIB);
    assert_ok(pool_init(&pool, &arena));
    size_t node_bytes = class_bytes(arena.unit_shift, RESERVE_CLASS) - VERSION_HEADER_BYTES;
    assert_int_equal(class_of(arena.unit_shift, node_bytes), RESERVE_CLASS);
    struct version *node = pool_alloc(&pool, node_bytes, &handle);
    assert_non_null(node);
    while (pool_alloc(&pool, 1000, &other)) {
    }
    while (pool_alloc(&pool, 0, &other)) {
    }
    atomic_store(&arena.may_retype, true);
    pool_free(&pool, handle, node);
    assert_null(pool_alloc(&pool, 1000, &other));
    assert_null(pool_alloc(&pool, 0, &other));
    assert_ptr_equal(pool_alloc(&pool, node_bytes, &handle), node);
    pool_fini(&pool);
    arena_fini(&arena);
}

/* Nothing is free at all: the reserve serves, and gets back what it gave, also if that was another version. */
static void the_reserve_is_filled_again(void **state)
{
    (void)state;
    struct pool pool;
    version_handle handle, first;
    open_arena(RESERVE_MIN_CHUNKS * MEM_CHUNK_BYTES);
    assert_ok(pool_init(&pool, &arena));
    struct version *own = pool_alloc(&pool, 2000, &first); /* of the reserve's class */
    while (pool_alloc(&pool, 0, &handle)) {
    }
    uint64_t count = 0, again = 0;
    struct version *version = NULL;
    version_handle last = HANDLE_NONE;
    assert_null(pool_alloc_reserved(&pool, 3000, &handle));
    for (struct version *one; (one = pool_alloc_reserved(&pool, 500, &handle)) != NULL; count++) {
        version = one;
        last = handle;
    }
    assert_in_range(count, 1000, 1024);
    pool_free(&pool, last, version);
    pool_free(&pool, first, own);
    assert_null(pool_alloc(&pool, 0, &handle));
    while (pool_alloc_reserved(&pool, 0, &handle))
        again++;
    assert_int_equal(again, 2);
    pool_fini(&pool);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_hold_what_they_promise),
        cmocka_unit_test(versions_do_not_overlap),
        cmocka_unit_test(memory_keeps_its_type),
        cmocka_unit_test(the_last_freed_is_the_first_used),
        cmocka_unit_test(pools_share_what_they_free),
        cmocka_unit_test(the_limit_ends_allocation_cleanly),
        cmocka_unit_test(pools_that_come_and_go_take_no_more),
        cmocka_unit_test(many_pools_may_go_at_once),
        cmocka_unit_test(what_is_free_is_found_in_need),
        cmocka_unit_test(free_chunks_serve_other_classes),
        cmocka_unit_test(small_versions_share_a_large_one),
        cmocka_unit_test(nodes_keep_their_class),
        cmocka_unit_test(the_reserve_is_filled_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
