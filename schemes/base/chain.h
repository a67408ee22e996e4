/*
 * chain.h - the versions of a row, of schemes that keep more than one.
 *
 * A row's word leads to its newest version, and each version to the next older one. A version begins at the timestamp
 * of the commit that made it, and ends where the next newer one begins.
 *   C1  Who writes a row puts a version of its own in front of the newest one, which must be committed. It begins then
 *       with the owner's number instead of a timestamp. So there is one writer at a time, and the first one wins.
 *   C2  Payload and size of a version belong to its owner until the owner has an end timestamp; then they never change.
 *   C3  When its transaction has ended, a version begins with a timestamp, or says that it is aborted and leaves the
 *       chain. Only after that does the owner begin another transaction. So who finds that a version still has its
 *       owner, after a look at what the owner says of itself, has looked at the transaction that made the version.
 *   C4  Versions that a commit has replaced are given back by epoch: whoever could reach one began before the commit.
 *   C5  A deleted row leads to its grave, which needs no memory, so that there can be deletes when memory is short: its
 *       beginning is the row's second word. It is told from a version by the lowest bit of the link.
 *   C6  A row is given back with its grave. The version of the next insert leads to nothing: everyone who could see
 *       more than an absent row has ended before (IN7).
 *   C7  A row has room for one version, if the table's payloads are small. Whoever finds that it begins at VERSION_FREE
 *       may take it; it is given back by epoch, like all others.
 *   C8  When the room is given back, the version that replaced the one there moves in if it is still the newest, and
 *       its former place is retired (room.h). Whoever runs has begun after that version's commit, so nobody looks
 *       behind it any more. It is the same version, since it begins at the same timestamp, of which a row has but one
 *       version. Who has come to the former place stays there until its transaction ends. So nearly every row is in one
 *       place when it is next used, and other places are few, and in a cache. The engine's option `settle` does the
 *       same.
 * Other versions of a table come from a store of their own, in the layout of rows: their header is {beginning, older
 * version, size and flags, number of the store}. Behind struct chain_row a scheme may have more of its own in each row.
 */
#ifndef SCHEMES_BASE_CHAIN_H
#define SCHEMES_BASE_CHAIN_H

#include "engine/base/check.h"
#include "schemes/base/scheme.h"

struct version {
    _Atomic uint64_t begin; /* a timestamp, VERSION_OWNED + number of a worker, or VERSION_ABORTED */
    _Atomic uint64_t older; /* link */
    _Atomic uint32_t size;  /* payload's + 1 and flags; 0: the row is absent */
    uint32_t store;
    struct retired retired;
    _Atomic uint64_t low; /* the scheme's; 0 at first */
};
static_assert(offsetof(struct version, store) == offsetof(struct row, table), "versions come from a store of rows");
static_assert(offsetof(struct version, retired) == sizeof(struct row), "where a store links free rows");

#define VERSION_OWNED (UINT64_C(1) << 63)
#define VERSION_ABORTED UINT64_MAX
#define VERSION_FREE UINT64_C(0) /* C7; as fresh memory is */
#define CHAIN_INLINE UINT32_MAX  /* in place of a store's number */

enum version_flags {
    VERSION_GAINED = 1 << 30, /* the row has got an entry with this version */
    VERSION_LOST = 1 << 29,   /* or lost one */
    VERSION_SIZE = (1 << 29) - 1
};

/* To a version, or to the row whose grave it is, + LINK_GRAVE; 0: the row has always been absent. */
typedef uint64_t chain_link;
enum { LINK_GRAVE = 1 };

/* What a row has behind its header: room for the link of a free row, then the version under the grave. */
struct chain_row {
    struct row row;
    struct retired retired;
    _Atomic uint64_t older;
};
static_assert(sizeof(struct chain_row) == CHAIN_ROW_BYTES && sizeof(struct version) == CHAIN_VERSION_BYTES, "row.h");

static inline bool is_grave(chain_link link)
{
    return link & LINK_GRAVE;
}

static inline struct version *link_version(chain_link link)
{
    MAE_DCHECK(link && !is_grave(link));
    return (struct version *)(uintptr_t)link;
}

static inline struct chain_row *grave_row(chain_link link)
{
    return (struct chain_row *)(uintptr_t)(link & ~(chain_link)LINK_GRAVE);
}

static inline void *version_data(struct version *version)
{
    return version + 1;
}

static inline struct version *data_version(void *data)
{
    return (struct version *)data - 1;
}

static inline chain_link chain_newest(const struct row *row)
{
    return atomic_load_explicit(&row->word, memory_order_acquire); /* ORD-CHAIN-1 */
}

static inline _Atomic uint64_t *chain_begin_word(chain_link link)
{
    return is_grave(link) ? &grave_row(link)->row.second : &link_version(link)->begin;
}

/* Of a link that leads to no grave. */
static inline uint64_t chain_version_begin(chain_link link)
{
    return atomic_load_explicit(&link_version(link)->begin, memory_order_acquire); /* ORD-CHAIN-2 */
}

static inline uint32_t chain_version_size(chain_link link)
{
    return atomic_load_explicit(&link_version(link)->size, memory_order_acquire); /* ORD-CHAIN-1 */
}

static inline uint64_t chain_begin(chain_link link)
{
    return atomic_load_explicit(chain_begin_word(link), memory_order_acquire); /* ORD-CHAIN-2 */
}

static inline void chain_set_begin(chain_link link, uint64_t begin)
{
    atomic_store_explicit(chain_begin_word(link), begin, memory_order_release); /* ORD-CHAIN-2 */
}

static inline chain_link chain_older(chain_link link)
{
    const _Atomic uint64_t *older = is_grave(link) ? &grave_row(link)->older : &link_version(link)->older;
    return atomic_load_explicit(older, memory_order_acquire); /* ORD-CHAIN-1 */
}

/* Whether two links lead to the same version, which may have moved (C8). */
static inline bool chain_is_same(chain_link one, chain_link other)
{
    if (LIKELY(one == other))
        return true;
    if (!one || !other || is_grave(one) || is_grave(other) || MUTATED(chain_moved_is_other))
        return false;
    uint64_t begin = chain_version_begin(one);
    return !(begin & VERSION_OWNED) && begin == chain_version_begin(other);
}

/* Size and flags. */
static inline uint32_t chain_size(chain_link link)
{
    return is_grave(link) ? 0 : chain_version_size(link);
}

static inline void version_set_size(struct version *version, uint32_t size)
{
    atomic_store_explicit(&version->size, size, memory_order_release); /* ORD-CHAIN-1 */
}

static inline void version_set_low(struct version *version, uint64_t low)
{
    atomic_store_explicit(&version->low, low, memory_order_release); /* ORD-CHAIN-1 */
}

/* Of the row's writer. */
static inline void chain_set_newest(struct row *row, chain_link link)
{
    atomic_store_explicit(&row->word, link, memory_order_release); /* ORD-CHAIN-1 */
}

/* The room in the row, if it is free (C7), owned by the worker; else NULL. */
static ALWAYS_INLINE struct version *chain_take_inline(const struct worker *worker, const struct table *table,
                                                       struct row *row)
{
    uint64_t begin = VERSION_FREE;
    struct version *version = (struct version *)(void *)((char *)row + table->inline_at);
    RACE(CLAIM_INLINE);
    if (atomic_load_explicit(&version->begin, memory_order_relaxed) != VERSION_FREE ||
        !atomic_compare_exchange_strong_explicit(&version->begin, &begin, VERSION_OWNED | worker->number,
                                                 memory_order_acquire, memory_order_relaxed)) /* ORD-CHAIN-4 */
        return NULL;
    version->store = CHAIN_INLINE;
    return version;
}

/* The same of a table whose rows have room, or another version that the worker has ready. NULL: it has none. */
static ALWAYS_INLINE struct version *chain_take_ready(struct worker *worker, const struct table *table, struct row *row)
{
    struct version *version = chain_take_inline(worker, table, row);
    if (version)
        return version;
    version = (struct version *)store_take_ready(table->versions, &worker->supplies[table->versions->number]);
    if (LIKELY(version != NULL)) /* ORD-CHAIN-1: nobody else can reach the version yet. */
        atomic_store_explicit(&version->begin, VERSION_OWNED | worker->number, memory_order_relaxed);
    return version;
}

/* Of a version that was taken, and is in no chain. */
static ALWAYS_INLINE void version_fill(struct version *version, chain_link older, uint32_t size)
{
    /* ORD-CHAIN-1: nobody else can reach the version yet. */
    atomic_store_explicit(&version->older, older, memory_order_relaxed);
    atomic_store_explicit(&version->size, size, memory_order_relaxed);
    atomic_store_explicit(&version->low, 0, memory_order_relaxed);
}

/* A version for the row, owned by the worker, in no chain. SCHEME_OK, or the transaction is doomed. */
enum scheme_status chain_take(struct worker *worker, struct table *table, struct row *row, chain_link older,
                              uint32_t size, struct version **version);

static inline void chain_free_inline(struct version *version)
{
    atomic_store_explicit(&version->begin, VERSION_FREE, memory_order_release); /* ORD-CHAIN-4 */
}

/* Puts the version in front of `older`. False: another has done so. */
static ALWAYS_INLINE bool chain_push(struct row *row, chain_link older, struct version *version)
{
    RACE(ROW_LOCK);
    return atomic_compare_exchange_strong_explicit(&row->word, &older, (uintptr_t)version, memory_order_acq_rel,
                                                   memory_order_relaxed); /* ORD-CHAIN-1 */
}

/* Digs the row's grave in front of `older`. False: another writes the row. */
bool chain_bury(struct row *row, chain_link older, uint64_t owner);

/* The link is out of the chain for all that begin from now on. */
void chain_retire(struct worker *worker, chain_link link);

#endif
