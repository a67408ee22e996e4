/*
 * version_pool.h - memory of versions that are not in a row.
 *
 * A database has one arena: a span of addresses that is cut into units. A handle is the number of a unit, so 32 bits
 * reach 2^32 units. A unit has 32 bytes, or more on machines whose memory would not fit otherwise. Each worker has a
 * pool: a free list per size class, and the rest of the chunk that it is cutting up. As long as memory is not short it
 * is type-stable: a version stays in the size class it was made for, and its `tag` does not change. Once memory has run
 * out, chunks that lie completely in the shared lists are taken out of the lists and cut up anew, and a version that
 * serves for a much smaller one is cut down to its class. That begins only when collectors no longer look at versions
 * through handles that may be old (arena.may_retype; txn/gc.h, G7).
 *
 * Free lists are LIFO, since what was freed last is still in the cache. Workers may free what other workers allocate:
 * a free list that grows beyond two batches gives one batch to the arena's shared lists, and a pool that runs dry takes
 * a batch from there. On machines with several NUMA nodes freed versions go back to the lists of the node they live on.
 *
 * nce memory has run out, a version of a larger class serves for a smaller one, but for those of index nodes. After
 * each refusal every worker hands what its pool has free to the shared lists, at its next quiescent point; a parked
 * worker has done so before. If nothing is free anywhere, deletes take from a reserve, since they need memory for
 * tombstones and index nodes before they free any. Versions of the reserve's class return to it.
 *
 * A pool belongs to one thread at a time. Source: section 3.7 (per-thread pools, groups of versions).
 */
#ifndef ENGINE_STORE_VERSION_POOL_H
#define ENGINE_STORE_VERSION_POOL_H

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/store/version.h"

enum {
    /* Units 1 to 32 exactly, then four classes per doubling up to the largest payload in the smallest unit. */
    CLASS_EXACT = 32,
    CLASS_COUNT = CLASS_EXACT + 4 * 7,
    POOL_BATCH = 256,
    RESTS_MAX = 256,
    /* The reserve: versions of 64 units, each large enough for every index node, cut from the first chunk. */
    RESERVE_CLASS = CLASS_EXACT + 3,
    RESERVE_MIN_CHUNKS = 16, /* memory limits below this many chunks have none */
    POOL_NODES_MAX = 16,     /* further NUMA nodes share the lists, modulo this */
};

struct free_list {
    version_handle head;
    uint32_t count;
};

struct shared_list {
    pthread_mutex_t lock;
    struct free_list *batches; /* each with its count, so that taking one does not touch its versions */
    size_t count, capacity;
};

/* The part of a chunk that a pool had not cut up when its worker left. */
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
    /* ORD-4. Whether a chunk was ever refused, and how often memory was refused: after each refusal every worker hands
     * over what it has free. */
    _Atomic bool short_of_memory;
    _Atomic uint32_t refusals;
    /* ORD-4. Whether memory may change its class (see pool_alloc); and how many units are in the shared lists, now and
     * after the last search for chunks that lie there completely. */
    _Atomic bool may_retype;
    _Atomic uint64_t shared_units, searched_units;
    uint32_t *free_chunks; /* chunks that are completely free, for any class; under rests_lock */
    size_t free_chunk_count;
    struct shared_list (*shared)[CLASS_COUNT]; /* per node */
    pthread_mutex_t rests_lock;                /* of free_chunks, the rests and the reserve */
    version_handle reserve;                    /* the reserve's list of free versions */
    uint64_t reserve_taken;
    uint64_t reserve_unit, reserve_end; /* the part of the reserve that is not cut up yet */
    unsigned rest_count;
    struct chunk_rest rests[RESTS_MAX];
};

struct pool {
    struct arena *arena;
    /* Copies of what every allocation needs. */
    char *base;
    uint32_t unit_bytes;
    unsigned node;
    struct free_list *own; /* of `lists`, those of `node` */
    bool one_node;
    uint32_t refusals;                      /* the arena's refusals after which the pool has handed over */
    uint64_t cut_unit, cut_end;             /* the rest of the present chunk, in units */
    struct free_list (*lists)[CLASS_COUNT]; /* per node; the pool allocates from those of its own node */
};

enum mae_status arena_init(struct arena *arena, struct mem_budget *budget);
void arena_fini(struct arena *arena);

/* The pool takes its memory from the NUMA node of the calling thread. MAE_OK or MAE_NO_MEMORY. */
enum mae_status pool_init(struct pool *pool, struct arena *arena);
/* Hands all that is free to the arena and ends the pool. */
void pool_fini(struct pool *pool);

/* Hands all that is free to the arena. The pool stays usable. */
void pool_give(struct pool *pool);

/* Calls pool_give if memory was refused to any worker since the last time; true if so. */
bool pool_relieve(struct pool *pool);

/* Multiplies instead of shifting: a shift by a variable needs a register of its own, whose content would be spilled. */
static ALWAYS_INLINE struct version *arena_version(const char *base, uint32_t unit_bytes, version_handle handle)
{
    return (struct version *)(uintptr_t)(base + (uint64_t)handle * unit_bytes);
}

unsigned class_of(unsigned unit_shift, size_t payload_bytes);
size_t class_bytes(unsigned unit_shift, unsigned size_class);

/* Whether more than a chunk is free in the shared lists, which may serve other classes once memory may change class. */
bool arena_may_regain(const struct arena *arena);

/* A version for payloads up to payload_bytes, status undefined. NULL when out of memory. */
struct version *pool_alloc(struct pool *pool, size_t payload_bytes, version_handle *handle);

/* As pool_alloc, from the reserve: for a transaction that is about to free memory. */
struct version *pool_alloc_reserved(struct pool *pool, size_t payload_bytes, version_handle *handle);

/* Takes the first version of a free list, which must not be empty. */
static ALWAYS_INLINE struct version *pool_take(struct pool *pool, struct free_list *list, version_handle *handle)
{
    MAE_DCHECK(list->head != HANDLE_NONE && list->count > 0);
    MAE_DCHECK(list->head != HANDLE_INLINE);
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
    MAE_DCHECK(handle != HANDLE_NONE && handle != HANDLE_INLINE);
    MAE_DCHECK(handle != list->head);                                         /* G2: nothing is given back twice */
    atomic_store_explicit(&version->older, list->head, memory_order_release); /* after the status (gc.h, G2) */
    list->head = handle;
    list->count++;
}

/* Takes back a version that no transaction can reach. */
void pool_free(struct pool *pool, version_handle handle, struct version *version);

/* As pool_free. The common case is inlined: one NUMA node, and a free list that is not full. */
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
