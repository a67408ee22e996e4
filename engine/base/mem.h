/*
 * mem.h - address space, huge pages, NUMA and the memory limit.
 *
 * A span is a range of reserved addresses that grows from its beginning. Reserving costs no memory. Committing makes a
 * part usable and counts it against the limit. Addresses never move, so a row or version is found by arithmetic. The
 * pages of a committed part are reserved huge pages (MAP_HUGETLB) if there are any, else transparent huge pages
 * (MADV_HUGEPAGE), else small pages. mem_usage tells which were obtained.
 *
 * Thread-safe: span_commit takes a lock (cold path). Not here: the use of the memory (store/).
 */
#ifndef ENGINE_BASE_MEM_H
#define ENGINE_BASE_MEM_H

#include "engine/maemio.h"

#include <pthread.h>

enum { CACHE_LINE_BYTES = 64, MEM_CHUNK_BYTES = 2 * 1024 * 1024 };

enum mem_huge_pages { MEM_HUGE_AUTO, MEM_HUGE_TRANSPARENT, MEM_HUGE_OFF };

/* The limit and the accounting, shared by all spans of a database. */
struct mem_budget {
    uint64_t limit_bytes;
    _Atomic uint64_t committed_bytes;
    _Atomic uint64_t hugetlb_bytes;
    _Atomic bool hugetlb_exhausted; /* there were none the last time, so they are not asked for again */
    enum mem_huge_pages huge_pages;
    bool numa; /* more than one node: bind chunks to the committing thread's */
};

struct span {
    struct mem_budget *budget;
    char *base;
    size_t reserved_bytes;
    bool cut_short;                 /* less was reserved than was asked for */
    _Atomic size_t committed_bytes; /* usable prefix; grows by whole chunks */
    pthread_mutex_t lock;
    struct span *next; /* the database's list, for mem_usage */
};

/* limit_bytes 0: 90% of the memory this process may use (physical, or the cgroup's if smaller). */
void mem_budget_init(struct mem_budget *budget, uint64_t limit_bytes, enum mem_huge_pages huge_pages);

/* Counts memory that is in no span against the limit, and takes it off again. False, and nothing is counted: it would
 * pass the limit. */
bool mem_budget_take(struct mem_budget *budget, size_t bytes);
void mem_budget_give(struct mem_budget *budget, size_t bytes);

/* The largest useful size of a span: the limit, or the machine's memory if that is less. Reserving no more addresses
 * than this makes room for many tables where addresses are few (under valgrind). */
uint64_t mem_budget_most(const struct mem_budget *budget);

/* The memory that the machine or the control group gives this process, in bytes. */
uint64_t mem_machine_bytes(void);

/* How many bytes of address space the process may still take; UINT64_MAX if that is not limited. */
uint64_t mem_addresses_left(void);

/*
 * Reserves `bytes` of addresses, halved until the system agrees. If the process may have only so many (RLIMIT_AS), it
 * reserves at most a share of those that are left; the share is larger if `bytes_expected` is. MAE_OK;
 * MAE_NO_ADDRESSES; MAE_NO_MEMORY.
 */
enum mae_status span_init(struct span *span, struct mem_budget *budget, size_t bytes, size_t bytes_expected);
void span_fini(struct span *span);

/*
 * Makes at least [0, bytes) usable, from the calling thread's NUMA node. Fresh memory reads as zeros. MAE_OK.
 * MAE_NO_MEMORY if the limit or the system refuses, MAE_NO_ADDRESSES if the reservation is too small because less was
 * reserved than was asked for; then nothing has changed.
 */
enum mae_status span_commit(struct span *span, size_t bytes);

/* Fills resident, hugetlb and transparent bytes of the list's spans, and limit and committed. */
void mem_usage(const struct mem_budget *budget, const struct span *first, struct mae_memory *memory);

/* A zeroed, cache-line aligned block for one worker or object, from malloc; NULL when out of memory. free() it.
 * The fault-injection build makes the n-th call fail. */
void *mem_alloc(size_t bytes);

/* As mem_alloc, but not zeroed: a block that is written before it is read, and mostly not to its end. */
void *mem_alloc_unset(size_t bytes);
/* Memory that is worth large pages, where the system has them and they are wanted. Not zeroed; else as mem_alloc. */
void *mem_alloc_large(size_t bytes, enum mem_huge_pages huge_pages);
/* As realloc, new part not zeroed, same injection. */
void *mem_realloc(void *block, size_t old_bytes, size_t bytes);
/* Copies to memory that nobody looks at again soon, past the caches where the CPU can: what they hold stays, and the
 * lines need not be fetched to be overwritten. `to` is a multiple of 16. What the caller stores next comes after it. */
void mem_copy_out(void *to, const void *from, size_t bytes);
/* A full array of *capacity elements with twice as many places, an empty one (NULL and 0) with `first`. NULL when out
 * of memory: then the array and *capacity are as they were. */
void *mem_double(void *array, size_t *capacity, size_t first, size_t element_bytes);

#ifdef MAE_DEBUG
/* Tests only: what maps reserved huge pages at `address`, flags 0 or MAP_FIXED. */
extern void *(*mem_map_huge)(void *address, size_t bytes, int flags);
#endif

/* Tests only: mem_fail_at makes the n-th allocation or commit from now fail (0: off); mem_fail_happened tells whether
 * it has failed. */
void mem_fail_at(uint64_t n);
bool mem_fail_happened(void);

#endif
