/*
 * version_pool.h - memory of versions that are not in a row.
 *
 * One arena a database: a span of addresses cut into units; a handle is a unit's number, so 32 bits reach
 * 2^32 units. The unit is 32 bytes, more on machines whose memory would not fit otherwise. Each worker has a pool: a
 * free list per size class and the rest of a chunk it is cutting up. Memory is type-stable as long as it is not short:
 * what was once a version of a class stays one, its `tag` does not change. When memory has run out, chunks of which all
 * is in the shared lists are taken out of those and cut up anew, as soon as collectors no longer look at versions by
 * handles that may be old (arena.may_retype; txn/gc.h, G7).
 *
 * Free lists are LIFO, since what was freed last is in the cache. A list that grows beyond two batches gives one to the
 * arena's shared lists, from where a pool that runs dry takes it: workers may free what others allocate. On machines
 * with several NUMA nodes freed versions go back to the lists of the node they live on.
 *
 * Where memory has run out, a version of a larger class serves for a smaller one, and after each refusal all pools
 * hand what they have free to the shared lists, at their workers' next quiescent points; idle workers always have. If
 * nothing is free anywhere, deletes, which need memory for tombstones and index nodes before they free any, get it from
 * a reserve, to which versions of its class return.
 *
 * A pool belongs to one thread at a time. Source: section 3.7 (per-thread pools, groups of versions).
 */
#ifndef ENGINE_STORE_VERSION_POOL_H
#define ENGINE_STORE_VERSION_POOL_H

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/store/version.h"

enum {
    /* Units 1 to 32 exactly, then four classes per doubling up to the largest payload in the smallest unit. */
    CLASS_EXACT = 32,
    CLASS_COUNT = CLASS_EXACT + 4 * 7,
    POOL_BATCH = 256,
    RESTS_MAX = 256,
    /* The reserve: versions of 64 units, enough for every index node, out of the first chunk. */
    RESERVE_CLASS = CLASS_EXACT + 3,
    RESERVE_MIN_CHUNKS = 16, /* memory limits below this many chunks have none */
    POOL_NODES_MAX = 16,     /* nodes beyond share lists modulo this */
};

struct shared_list {
    pthread_mutex_t lock;
    version_handle *batches; /* heads of full batches */
    size_t count, capacity;
};

/* What a pool that has gone had not cut up. */
struct chunk_rest {
    uint64_t unit, end;
};

struct arena {
    struct span span;
    char *base;
    unsigned unit_shift;
    uint32_t unit_bytes; /* 1 << unit_shift */
    unsigned nodes;
    uint8_t *chunk_node; /* the node each chunk was taken from; NULL with one node */
    _Atomic uint64_t next_chunk;
    /* ORD-4. A chunk was refused, and how often: each time everybody hands over what is free. The first stays. */
    _Atomic bool short_of_memory;
    _Atomic uint32_t refusals;
    /* Whether memory may change its class, see pool_alloc; and how much is in the shared lists, now and after the last
     * search for chunks of which all is. ORD-4 */
    _Atomic bool may_retype;
    _Atomic uint64_t shared_units, searched_units;
    uint32_t *free_chunks; /* of which all is free, for any class; under rests_lock */
    size_t free_chunk_count;
    struct shared_list (*shared)[CLASS_COUNT]; /* per node */
    pthread_mutex_t rests_lock;                /* of these and of the reserve */
    version_handle reserve;                    /* list of free ones */
    uint64_t reserve_taken;
    uint64_t reserve_unit, reserve_end; /* not cut yet */
    unsigned rest_count;
    struct chunk_rest rests[RESTS_MAX];
};

struct free_list {
    version_handle head;
    uint32_t count;
};

struct pool {
    struct arena *arena;
    /* What every allocation needs, copied here. */
    char *base;
    uint32_t unit_bytes;
    unsigned node;
    struct free_list *own; /* the node's of `lists` */
    bool one_node;
    uint32_t refusals;                      /* of the arena, for which the pool has handed over */
    uint64_t cut_unit, cut_end;             /* the rest of the present chunk, in units */
    struct free_list (*lists)[CLASS_COUNT]; /* per node; own node's are allocated from */
};

enum mae_status arena_init(struct arena *arena, struct mem_budget *budget);
void arena_fini(struct arena *arena);

/* `numa node` of the calling thread is where the pool's memory comes from. MAE_OK or MAE_NO_MEMORY. */
enum mae_status pool_init(struct pool *pool, struct arena *arena);
/* Hands all that is free to the arena. */
void pool_fini(struct pool *pool);

/* The same, and the pool goes on. */
void pool_give(struct pool *pool);

/* The same if memory was refused to anybody since the last time; true if so. */
bool pool_relieve(struct pool *pool);

/* By a multiplication: a shift by a variable takes a register of its own and what was in it to the stack. */
static ALWAYS_INLINE struct version *arena_version(const char *base, uint32_t unit_bytes, version_handle handle)
{
    return (struct version *)(uintptr_t)(base + (uint64_t)handle * unit_bytes);
}

unsigned class_of(unsigned unit_shift, size_t payload_bytes);
size_t class_bytes(unsigned unit_shift, unsigned size_class);

/* More than a chunk is free, of some class, and may serve others as soon as memory may change its class. */
bool arena_may_regain(const struct arena *arena);

/* A version for payloads up to payload_bytes, status undefined. NULL when out of memory. */
struct version *pool_alloc(struct pool *pool, size_t payload_bytes, version_handle *handle);

/* The same out of the reserve, for who is about to free memory. */
struct version *pool_alloc_reserved(struct pool *pool, size_t payload_bytes, version_handle *handle);

/* The first version of a class's free list, which is not empty. */
static ALWAYS_INLINE struct version *pool_take(struct pool *pool, struct free_list *list, version_handle *handle)
{
    version_handle first = list->head;
    struct version *version = arena_version(pool->base, pool->unit_bytes, first);
    version_handle next = atomic_load_explicit(&version->older, memory_order_relaxed);
    *handle = first;
    list->head = next;
    list->count--;
    __builtin_prefetch(arena_version(pool->base, pool->unit_bytes, next), 1);
    return version;
}

static ALWAYS_INLINE void free_list_push(struct free_list *list, version_handle handle, struct version *version)
{
    atomic_store_explicit(&version->older, list->head, memory_order_relaxed);
    list->head = handle;
    list->count++;
}

/* Takes back a version that nobody can reach. */
void pool_free(struct pool *pool, version_handle handle, struct version *version);

/* The same, inlined where it is short: one NUMA node, a list that is not too long. */
static ALWAYS_INLINE void pool_free_listed(struct pool *pool, version_handle handle, struct version *version)
{
    unsigned size_class = atomic_load_explicit(&version->tag, memory_order_relaxed);
    struct free_list *list = &pool->own[size_class];
    if (UNLIKELY(!pool->one_node) || UNLIKELY(size_class == RESERVE_CLASS) ||
        UNLIKELY(list->count >= 2 * POOL_BATCH - 1)) {
        pool_free(pool, handle, version);
        return;
    }
    atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_relaxed);
    free_list_push(list, handle, version);
}

#endif
