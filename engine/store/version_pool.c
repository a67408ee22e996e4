/* version_pool.c - see version_pool.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/store/version_pool.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/check.h"

/* The next search for free chunks waits until the free memory has grown by 1/SEARCH_SHARE. */
enum { SEARCH_SHARE = 8 };

/* How many times as large as needed a version must be to be cut down. */
enum { CUT_FROM = 4 };

/* How many versions are cut at a time. */
enum { CUT_MOST = 64, CUT_BYTES = 16 * 1024 };

unsigned class_of(unsigned unit_shift, size_t payload_bytes)
{
    size_t units = (payload_bytes + VERSION_HEADER_BYTES + ((size_t)1 << unit_shift) - 1) >> unit_shift;
    if (units <= CLASS_EXACT)
        return (unsigned)units - 1;
    /* 2^e < units <= 2^(e+1): the class is the quarter of that range into which `units` falls. */
    unsigned e = 63u - (unsigned)__builtin_clzll(units - 1);
    return CLASS_EXACT + 4 * (e - 5) + (unsigned)((units - 1 - ((size_t)1 << e)) >> (e - 2));
}

static size_t class_units(unsigned size_class)
{
    if (size_class < CLASS_EXACT)
        return size_class + 1;
    MAE_CHECK(size_class < CLASS_COUNT);
    unsigned step = size_class - CLASS_EXACT, e = 5 + step / 4;
    return ((size_t)1 << e) + (((size_t)step % 4 + 1) << (e - 2));
}

size_t class_bytes(unsigned unit_shift, unsigned size_class)
{
    return class_units(size_class) << unit_shift;
}

static unsigned numa_nodes(void)
{
    char path[64];
    unsigned nodes = 1;
    for (unsigned n = 1; n < POOL_NODES_MAX; n++) {
        snprintf(path, sizeof path, "/sys/devices/system/node/node%u", n);
        if (access(path, F_OK) == 0)
            nodes = n + 1;
    }
    return nodes;
}

enum mae_status arena_init(struct arena *arena, struct mem_budget *budget)
{
    memset(arena, 0, sizeof *arena);
    uint64_t bytes = mem_budget_most(budget);
    arena->unit_shift = 5;
    while (bytes >> arena->unit_shift > UINT32_MAX)
        arena->unit_shift++;
    /* Where addresses are limited the arena gets twice the share of a table, since it serves all tables. */
    enum mae_status status = span_init(&arena->span, budget, bytes, mem_addresses_left() / 4);
    if (status != MAE_OK)
        return status;
    arena->unit_bytes = 1u << arena->unit_shift;
    arena->base = arena->span.base;
    arena->nodes = budget->numa ? numa_nodes() : 1;
    arena->shared = mem_alloc(arena->nodes * sizeof *arena->shared);
    if (arena->nodes > 1)
        arena->chunk_node = mem_alloc(arena->span.reserved_bytes / MEM_CHUNK_BYTES);
    if (!arena->shared || (arena->nodes > 1 && !arena->chunk_node)) {
        free(arena->shared);
        free(arena->chunk_node);
        span_fini(&arena->span);
        arena->base = NULL; /* arena_fini has nothing to do */
        return MAE_NO_MEMORY;
    }
    pthread_mutex_init(&arena->rests_lock, NULL);
    if (budget->limit_bytes / MEM_CHUNK_BYTES >= RESERVE_MIN_CHUNKS &&
        span_commit(&arena->span, MEM_CHUNK_BYTES) == MAE_OK) { /* untouched as long as it is not needed */
        atomic_store_explicit(&arena->next_chunk, 1, memory_order_relaxed);
        arena->reserve_unit = (uint64_t)CACHE_LINE_BYTES >> arena->unit_shift;
        if (arena->reserve_unit < HANDLE_FIRST)
            arena->reserve_unit = HANDLE_FIRST;
        arena->reserve_end = MEM_CHUNK_BYTES >> arena->unit_shift;
    }
    for (unsigned n = 0; n < arena->nodes; n++)
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            pthread_mutex_init(&arena->shared[n][c].lock, NULL);
    return MAE_OK;
}

void arena_fini(struct arena *arena)
{
    if (!arena->base)
        return;
    for (unsigned n = 0; n < arena->nodes; n++) {
        for (unsigned c = 0; c < CLASS_COUNT; c++) {
            pthread_mutex_destroy(&arena->shared[n][c].lock);
            free(arena->shared[n][c].batches);
        }
    }
    pthread_mutex_destroy(&arena->rests_lock);
    free(arena->shared);
    free(arena->chunk_node);
    free(arena->free_chunks);
    span_fini(&arena->span);
}

enum mae_status pool_init(struct pool *pool, struct arena *arena)
{
    unsigned cpu = 0, node = 0;
    if (getcpu(&cpu, &node) != 0)
        node = 0;
    memset(pool, 0, sizeof *pool);
    pool->arena = arena;
    pool->node = node % arena->nodes;
    pool->base = arena->base;
    pool->unit_bytes = arena->unit_bytes;
    pool->one_node = arena->nodes == 1;
    pool->lists = mem_alloc(arena->nodes * sizeof *pool->lists);
    if (!pool->lists)
        return MAE_NO_MEMORY;
    pool->own = pool->lists[pool->node];
    return MAE_OK;
}

static struct version *at(const struct pool *pool, version_handle handle)
{
    return arena_version(pool->base, pool->unit_bytes, handle);
}

/* Gives the first `count` versions of the list to the shared list as one batch. False if that cannot grow. */
static bool share(struct pool *pool, unsigned node, unsigned size_class, uint32_t count)
{
    struct free_list *list = &pool->lists[node][size_class];
    struct shared_list *shared = &pool->arena->shared[node][size_class];
    pthread_mutex_lock(&shared->lock);
    if (shared->count == shared->capacity) {
        enum { FIRST = 16 };
        struct free_list *batches = mem_double(shared->batches, &shared->capacity, FIRST, sizeof *batches);
        if (!batches) {
            pthread_mutex_unlock(&shared->lock);
            return false;
        }
        shared->batches = batches;
    }
    version_handle first = list->head, last = first;
    for (uint32_t i = 1; i < count; i++)
        last = atomic_load_explicit(&at(pool, last)->older, memory_order_relaxed);
    list->head = atomic_load_explicit(&at(pool, last)->older, memory_order_relaxed);
    list->count -= count;
    atomic_store_explicit(&at(pool, last)->older, HANDLE_NONE, memory_order_relaxed);
    shared->batches[shared->count++] = (struct free_list){.head = first, .count = count};
    atomic_fetch_add_explicit(&pool->arena->shared_units, count * class_units(size_class), memory_order_relaxed);
    pthread_mutex_unlock(&shared->lock);
    return true;
}

static bool take_shared(struct pool *pool, unsigned size_class)
{
    struct shared_list *shared = &pool->arena->shared[pool->node][size_class];
    struct free_list *list = &pool->own[size_class];
    pthread_mutex_lock(&shared->lock);
    *list = shared->count ? shared->batches[--shared->count] : (struct free_list){.head = HANDLE_NONE};
    pthread_mutex_unlock(&shared->lock);
    atomic_fetch_sub_explicit(&pool->arena->shared_units, list->count * class_units(size_class), memory_order_relaxed);
    return list->count > 0;
}

/* ---- Chunks that serve another class: the search for chunks that are completely free. ---- */

static size_t chunk_of(const struct arena *arena, uint64_t unit)
{
    return (size_t)((unit << arena->unit_shift) / MEM_CHUNK_BYTES);
}

static void lock_shared(struct arena *arena, bool lock)
{
    for (unsigned n = 0; n < arena->nodes; n++)
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            (void)(lock ? pthread_mutex_lock : pthread_mutex_unlock)(&arena->shared[n][c].lock);
}

/* Counts for each chunk the units that are in the shared lists or not cut up. */
static void count_free(const struct arena *arena, uint32_t *units)
{
    for (unsigned n = 0; n < arena->nodes; n++)
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            for (size_t b = 0; b < arena->shared[n][c].count; b++)
                for (version_handle handle = arena->shared[n][c].batches[b].head; handle != HANDLE_NONE;) {
                    units[chunk_of(arena, handle)] += (uint32_t)class_units(c);
                    struct version *version = arena_version(arena->base, arena->unit_bytes, handle);
                    handle = atomic_load_explicit(&version->older, memory_order_relaxed);
                }
    for (unsigned i = 0; i < arena->rest_count; i++)
        units[chunk_of(arena, arena->rests[i].unit)] += (uint32_t)(arena->rests[i].end - arena->rests[i].unit);
}

/* Takes the versions of chunks that have `full` free units out of a list. */
static void purge_list(struct arena *arena, struct shared_list *shared, size_t class_units_each, const uint32_t *units,
                       uint32_t full)
{
    size_t kept_batches = 0;
    for (size_t b = 0; b < shared->count; b++) {
        struct free_list kept = {.head = HANDLE_NONE};
        version_handle next;
        for (version_handle handle = shared->batches[b].head; handle != HANDLE_NONE; handle = next) {
            struct version *version = arena_version(arena->base, arena->unit_bytes, handle);
            next = atomic_load_explicit(&version->older, memory_order_relaxed);
            if (units[chunk_of(arena, handle)] == full) {
                atomic_fetch_sub_explicit(&arena->shared_units, class_units_each, memory_order_relaxed);
                continue;
            }
            atomic_store_explicit(&version->older, kept.head, memory_order_relaxed);
            kept.head = handle;
            kept.count++;
        }
        if (kept.count > 0)
            shared->batches[kept_batches++] = kept;
    }
    shared->count = kept_batches;
}

/* The caller holds rests_lock and the locks of all shared lists. `units` becomes the list of free chunks. */
static void free_full_chunks(struct arena *arena, uint32_t *units, size_t chunks)
{
    const uint32_t full = MEM_CHUNK_BYTES >> arena->unit_shift;
    for (size_t i = 0; i < arena->free_chunk_count; i++)
        units[arena->free_chunks[i]] = full;
    for (unsigned n = 0; n < arena->nodes; n++)
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            purge_list(arena, &arena->shared[n][c], class_units(c), units, full);
    unsigned rests = 0;
    for (unsigned i = 0; i < arena->rest_count; i++)
        if (units[chunk_of(arena, arena->rests[i].unit)] != full)
            arena->rests[rests++] = arena->rests[i];
    arena->rest_count = rests;
    arena->free_chunk_count = 0;
    for (size_t chunk = 0; chunk < chunks; chunk++)
        if (units[chunk] == full)
            units[arena->free_chunk_count++] = (uint32_t)chunk;
    free(arena->free_chunks);
    arena->free_chunks = units;
}

/* Whether a search is worth its cost. It is linear in the free memory, so it waits until that has grown by a share. */
static bool search_is_due(struct arena *arena)
{
    uint64_t now = atomic_load_explicit(&arena->shared_units, memory_order_relaxed);
    uint64_t last = atomic_load_explicit(&arena->searched_units, memory_order_relaxed);
    if (now < last)
        atomic_store_explicit(&arena->searched_units, last = now, memory_order_relaxed);
    return now - last >= (uint64_t)MEM_CHUNK_BYTES >> arena->unit_shift && now - last >= last / SEARCH_SHARE;
}

static void search_free_chunks(struct pool *pool)
{
    struct arena *arena = pool->arena;
    pool_give(pool);
    if (!search_is_due(arena))
        return;
    size_t chunks = arena->span.reserved_bytes / MEM_CHUNK_BYTES;
    uint32_t *units = mem_alloc(chunks * sizeof *units);
    if (!units)
        return;
    pthread_mutex_lock(&arena->rests_lock);
    lock_shared(arena, true);
    count_free(arena, units);
    free_full_chunks(arena, units, chunks);
    atomic_store_explicit(&arena->searched_units, atomic_load_explicit(&arena->shared_units, memory_order_relaxed),
                          memory_order_relaxed);
    lock_shared(arena, false);
    pthread_mutex_unlock(&arena->rests_lock);
}

static bool take_free_chunk(struct pool *pool, uint64_t *chunk)
{
    struct arena *arena = pool->arena;
    pthread_mutex_lock(&arena->rests_lock);
    bool taken = arena->free_chunk_count > 0;
    if (taken)
        *chunk = arena->free_chunks[--arena->free_chunk_count];
    pthread_mutex_unlock(&arena->rests_lock);
    return taken;
}

/* Takes a chunk that has been freed completely. */
static bool reuse_chunk(struct pool *pool)
{
    struct arena *arena = pool->arena;
    uint64_t chunk;
    if (!atomic_load_explicit(&arena->may_retype, memory_order_acquire))
        return false;
    if (!take_free_chunk(pool, &chunk)) {
        search_free_chunks(pool);
        if (!take_free_chunk(pool, &chunk))
            return false;
    }
    pool->cut_unit = chunk * MEM_CHUNK_BYTES >> arena->unit_shift;
    pool->cut_end = (chunk + 1) * MEM_CHUNK_BYTES >> arena->unit_shift;
    return true;
}

bool arena_may_regain(const struct arena *arena)
{
    return !atomic_load_explicit(&arena->may_retype, memory_order_relaxed) &&
           atomic_load_explicit(&arena->shared_units, memory_order_relaxed) >= (uint64_t)MEM_CHUNK_BYTES >>
               arena->unit_shift;
}

static bool take_chunk(struct pool *pool)
{
    struct arena *arena = pool->arena;
    uint64_t chunk = atomic_fetch_add_explicit(&arena->next_chunk, 1, memory_order_relaxed);
    if (span_commit(&arena->span, (chunk + 1) * MEM_CHUNK_BYTES) != MAE_OK) {
        /* Give the number back if it is still the last one, so that a raised limit or freed memory can use it. */
        uint64_t expected = chunk + 1;
        atomic_compare_exchange_strong_explicit(&arena->next_chunk, &expected, chunk, memory_order_relaxed,
                                                memory_order_relaxed);
        if (reuse_chunk(pool))
            return true;
        atomic_store_explicit(&arena->short_of_memory, true, memory_order_relaxed);
        atomic_fetch_add_explicit(&arena->refusals, 1, memory_order_relaxed);
        return false;
    }
    if (arena->chunk_node)
        arena->chunk_node[chunk] = (uint8_t)pool->node;
    pool->cut_unit = chunk * MEM_CHUNK_BYTES >> arena->unit_shift;
    pool->cut_end = (chunk + 1) * MEM_CHUNK_BYTES >> arena->unit_shift;
    if (pool->cut_unit < HANDLE_FIRST)
        pool->cut_unit = HANDLE_FIRST;
    return true;
}

/* Cuts a single version of a few units, and frees it. */
static void cut_odd(struct pool *pool, unsigned units)
{
    version_handle handle = (version_handle)pool->cut_unit;
    struct version *version = at(pool, handle);
    atomic_store_explicit(&version->tag, (uint8_t)(units - 1), memory_order_relaxed);
    pool->cut_unit += units;
    pool_free(pool, handle, version);
}

/* Cuts the rest of the chunk into versions of the largest exact classes that fit, so that no unit is lost. */
static void cut_rest(struct pool *pool)
{
    while (pool->cut_unit < pool->cut_end) {
        uint64_t rest = pool->cut_end - pool->cut_unit;
        cut_odd(pool, rest > CLASS_EXACT ? CLASS_EXACT : (unsigned)rest);
    }
}

/* The node whose memory these units are. */
static inline unsigned node_of(const struct arena *arena, uint64_t unit, unsigned otherwise)
{
    return arena->chunk_node ? arena->chunk_node[(unit << arena->unit_shift) / MEM_CHUNK_BYTES] : otherwise;
}

static void give_rest(struct pool *pool)
{
    struct arena *arena = pool->arena;
    pthread_mutex_lock(&arena->rests_lock);
    bool room = arena->rest_count < RESTS_MAX;
    if (room && pool->cut_unit < pool->cut_end)
        arena->rests[arena->rest_count++] = (struct chunk_rest){pool->cut_unit, pool->cut_end};
    pthread_mutex_unlock(&arena->rests_lock);
    if (room)
        pool->cut_unit = pool->cut_end = 0;
    else
        cut_rest(pool);
}

static bool take_rest(struct pool *pool, uint64_t units)
{
    struct arena *arena = pool->arena;
    bool taken = false;
    pthread_mutex_lock(&arena->rests_lock);
    for (unsigned i = arena->rest_count; i-- > 0 && !taken;) {
        struct chunk_rest rest = arena->rests[i];
        if (rest.end - rest.unit < units || node_of(arena, rest.unit, pool->node) != pool->node)
            continue;
        arena->rests[i] = arena->rests[--arena->rest_count];
        pool->cut_unit = rest.unit;
        pool->cut_end = rest.end;
        taken = true;
    }
    pthread_mutex_unlock(&arena->rests_lock);
    return taken;
}

void pool_give(struct pool *pool)
{
    give_rest(pool);
    for (unsigned n = 0; n < pool->arena->nodes; n++)
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            if (pool->lists[n][c].count) /* on failure the versions stay in the pool */
                (void)share(pool, n, c, pool->lists[n][c].count);
}

void pool_fini(struct pool *pool)
{
    if (!pool->lists)
        return;
    pool_give(pool); /* what could not be shared stays unused until the database closes */
    free(pool->lists);
    pool->lists = NULL;
}

bool pool_relieve(struct pool *pool)
{
    uint32_t refusals = atomic_load_explicit(&pool->arena->refusals, memory_order_relaxed);
    if (refusals == pool->refusals)
        return false;
    pool->refusals = refusals;
    pool_give(pool);
    return true;
}

/* Cuts a run of versions of one class and puts them on the free list. It cuts several at once, so as to cut rarely, but
 * not more than CUT_BYTES, since it writes into each: a database of a few rows needs few pages. */
static NOINLINE bool refill(struct pool *pool, unsigned size_class)
{
    if (take_shared(pool, size_class))
        return true;
    unsigned shift = pool->arena->unit_shift;
    const uint64_t units = class_units(size_class);
    if (pool->cut_end - pool->cut_unit < units) {
        cut_rest(pool);
        /* One cache line more than needed: the first version must begin on a line boundary. */
        if (!take_rest(pool, units + (CACHE_LINE_BYTES >> shift)) && !take_chunk(pool))
            return false;
    }
    /* Versions of whole cache lines begin at a line boundary. A chunk ends at one, so there is still room for a
     * version. */
    const uint64_t lines = CACHE_LINE_BYTES >> shift;
    if (lines > 1 && units % lines == 0 && pool->cut_unit % lines != 0)
        cut_odd(pool, (unsigned)(lines - pool->cut_unit % lines));
    struct free_list *list = &pool->own[size_class];
    uint64_t run = (pool->cut_end - pool->cut_unit) / units, most = CUT_BYTES / class_bytes(shift, size_class);
    if (most > CUT_MOST)
        most = CUT_MOST;
    if (run > most)
        run = most > 0 ? most : 1;
    /* Linked in address order: the first allocations walk memory forwards. */
    for (uint64_t i = run; i-- > 0;) {
        version_handle handle = (version_handle)(pool->cut_unit + i * units);
        struct version *version = at(pool, handle);
        atomic_store_explicit(&version->tag, (uint8_t)size_class, memory_order_relaxed);
        free_list_push(list, handle, version);
    }
    pool->cut_unit += run * units;
    return true;
}

/* The largest class of at most so many units. */
static unsigned class_within(uint64_t units)
{
    MAE_DCHECK(units > 0);
    unsigned size_class = units <= CLASS_EXACT ? (unsigned)units - 1 : CLASS_COUNT - 1;
    while (class_units(size_class) > units)
        size_class--;
    return size_class;
}

/* Makes a free version of a larger class one of `size_class`, and frees what is left of it, in pieces as large as
 * possible. Otherwise small rows would fill memory by holding much more than they need. But pieces become one again
 * only with their whole chunk: so a version is cut down only if most of it would be lost. */
static void cut_down(struct pool *pool, unsigned size_class, version_handle handle, struct version *version)
{
    uint64_t unit = handle + class_units(size_class);
    uint64_t end = handle + class_units(atomic_load_explicit(&version->tag, memory_order_relaxed));
    atomic_store_explicit(&version->tag, (uint8_t)size_class, memory_order_relaxed);
    while (unit < end) {
        unsigned piece = class_within(end - unit);
        struct version *rest = at(pool, (version_handle)unit);
        atomic_store_explicit(&rest->tag, (uint8_t)piece, memory_order_relaxed);
        pool_free(pool, (version_handle)unit, rest);
        unit += class_units(piece);
    }
}

/* For when memory has run out: takes a free version of a larger class; NULL if there is none. Those of the reserve's
 * class are left to index nodes: a row that stayed in one would keep it, and then no entry could be inserted, however
 * much memory of other classes were free. */
static NOINLINE struct version *alloc_larger(struct pool *pool, unsigned size_class, version_handle *handle)
{
    for (unsigned c = size_class + 1; c < CLASS_COUNT; c++)
        if ((c != RESERVE_CLASS || MUTATED(rows_take_nodes)) &&
            (pool->own[c].head != HANDLE_NONE || take_shared(pool, c))) {
            struct version *version = pool_take(pool, &pool->own[c], handle);
            if (class_units(c) >= CUT_FROM * class_units(size_class) &&
                atomic_load_explicit(&pool->arena->may_retype, memory_order_acquire))
                cut_down(pool, size_class, *handle, version);
            return version;
        }
    return NULL;
}

struct version *pool_alloc(struct pool *pool, size_t payload_bytes, version_handle *handle)
{
    unsigned size_class = class_of(pool->arena->unit_shift, payload_bytes);
    if (UNLIKELY(pool->own[size_class].head == HANDLE_NONE) && !refill(pool, size_class))
        return alloc_larger(pool, size_class, handle);
    return pool_take(pool, &pool->own[size_class], handle);
}

struct version *pool_alloc_reserved(struct pool *pool, size_t payload_bytes, version_handle *handle)
{
    struct arena *arena = pool->arena;
    const uint64_t units = class_units(RESERVE_CLASS);
    if (class_of(arena->unit_shift, payload_bytes) > RESERVE_CLASS)
        return NULL;
    pthread_mutex_lock(&arena->rests_lock);
    *handle = arena->reserve;
    if (*handle != HANDLE_NONE) {
        arena->reserve = atomic_load_explicit(&at(pool, *handle)->older, memory_order_relaxed);
    } else if (arena->reserve_end - arena->reserve_unit >= units) {
        *handle = (version_handle)arena->reserve_unit;
        arena->reserve_unit += units;
        atomic_store_explicit(&at(pool, *handle)->tag, RESERVE_CLASS, memory_order_relaxed);
    }
    arena->reserve_taken += *handle != HANDLE_NONE;
    pthread_mutex_unlock(&arena->rests_lock);
    if (*handle == HANDLE_NONE)
        return NULL;
    return at(pool, *handle);
}

/* Gives a free version of the reserve's class back to the reserve while that lacks one. */
static NOINLINE bool refill_reserve(struct arena *arena, version_handle handle, struct version *version)
{
    if (!atomic_load_explicit(&arena->short_of_memory, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&arena->rests_lock);
    bool lacking = arena->reserve_taken > 0;
    if (lacking) {
        arena->reserve_taken--;
        atomic_store_explicit(&version->older, arena->reserve, memory_order_relaxed);
        arena->reserve = handle;
    }
    pthread_mutex_unlock(&arena->rests_lock);
    return lacking;
}

void pool_free(struct pool *pool, version_handle handle, struct version *version)
{
    MAE_DCHECK(handle != HANDLE_NONE && handle != HANDLE_INLINE);
    MAE_DCHECK(version == arena_version(pool->base, pool->unit_bytes, handle));
    const struct arena *arena = pool->arena;
    unsigned size_class = atomic_load_explicit(&version->tag, memory_order_relaxed);
    unsigned node = node_of(arena, handle, pool->node);
    struct free_list *list = &pool->lists[node][size_class];
    atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_relaxed);
    if (UNLIKELY(size_class == RESERVE_CLASS) && refill_reserve(pool->arena, handle, version))
        return;
    free_list_push(list, handle, version);
    if (UNLIKELY(list->count >= (node == pool->node ? 2 * POOL_BATCH : POOL_BATCH)))
        (void)share(pool, node, size_class, POOL_BATCH);
}
