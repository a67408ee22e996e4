/*
 * mem.h - address space, huge pages, NUMA and the memory limit.
 *
 * A span is a range of reserved addresses that grows from its beginning: reserving costs no memory, committing makes a
 * part usable and counts it against the limit. Addresses never move, so a row or version is found by arithmetic.
 * Pages of a committed part come from reserved huge pages (MAP_HUGETLB) where there are any, else from transparent ones
 * (MADV_HUGEPAGE), else they are small; mem_usage tells what was obtained.
 *
 * Thread-safe: span_commit excludes itself by a lock (cold path). Not here: who uses which part (store/).
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
    _Atomic bool hugetlb_exhausted; /* there were none the last time: not asked again */
    enum mem_huge_pages huge_pages;
    bool numa; /* more than one node: bind chunks to the committing thread's */
};

struct span {
    struct mem_budget *budget;
    char *base;
    size_t reserved_bytes;
    bool cut_short;                 /* less was reserved than had been asked for */
    _Atomic size_t committed_bytes; /* usable prefix; grows by whole chunks */
    pthread_mutex_t lock;
    struct span *next; /* the database's list, for mem_usage */
};

/* limit_bytes 0: 90% of the memory this process may use (physical, or the cgroup's if smaller). */
void mem_budget_init(struct mem_budget *budget, uint64_t limit_bytes, enum mem_huge_pages huge_pages);

/* What one span may ever come to: the limit, or the machine's memory if that is less. Reserving no more address space
 * than this lets many tables live where there is little of it (under valgrind). */
uint64_t mem_budget_most(const struct mem_budget *budget);

/* Memory this machine (or control group) gives this process, in bytes. */
uint64_t mem_machine_bytes(void);

/* How many bytes of address space the process may still take; UINT64_MAX where that is not limited. */
uint64_t mem_addresses_left(void);

/*
 * Reserves `bytes` of addresses: halved until the system agrees, and where the process may have only so many
 * (RLIMIT_AS) no more than a share of those that are left, larger if `bytes_expected` is. MAE_OK; MAE_NO_ADDRESSES;
 * MAE_NO_MEMORY.
 */
enum mae_status span_init(struct span *span, struct mem_budget *budget, size_t bytes, size_t bytes_expected);
void span_fini(struct span *span);

/*
 * Makes at least [0, bytes) usable, from the calling thread's NUMA node. MAE_OK; MAE_NO_MEMORY when the limit or the
 * system says no; MAE_NO_ADDRESSES when the reservation does, which is smaller than it was to be. Nothing changes then.
 * Fresh memory reads as zeros.
 */
enum mae_status span_commit(struct span *span, size_t bytes);

/* Fills resident, hugetlb and transparent bytes of the list's spans, and limit and committed. */
void mem_usage(const struct mem_budget *budget, const struct span *first, struct mae_memory *memory);

/* A zeroed, cache-line aligned block for one worker or object, from malloc; NULL when out of memory. free() it.
 * The fault-injection build makes the n-th call fail. */
void *mem_alloc(size_t bytes);
/* As realloc, new part not zeroed, same injection. */
void *mem_realloc(void *block, size_t old_bytes, size_t bytes);

#ifdef MAE_DEBUG
/* Tests only: what maps reserved huge pages at `address`, flags 0 or MAP_FIXED. */
extern void *(*mem_map_huge)(void *address, size_t bytes, int flags);
#endif

/* Tests only: let the n-th allocation or commit from now fail (0: off); returns whether it has happened. */
void mem_fail_at(uint64_t n);
bool mem_fail_happened(void);

#endif
