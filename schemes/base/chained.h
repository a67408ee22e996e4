/*
 * chained.h - what schemes with several versions of a row (chain.h) have in common: timestamps, which version a
 * transaction sees, and its calls on rows.
 *
 * One counter gives timestamps. A transaction reads as of its begin timestamp and draws an end timestamp at its commit,
 * at which its versions begin.
 *   CV1  A transaction says that it is drawing, then draws its end timestamp, then tells it. Who meets one that is
 *        drawing waits. So who has a timestamp and then finds another transaction active knows that this one will end
 *        later (ORD-CHAIN-3).
 *   CV2  First writer wins: who wants to write a row whose newest version it does not see aborts.
 *   CV3  Indexes have one version. Transactions that read as of their begin alone (worker->as_of) note no nodes, but
 *        must not see what the index has become since. A commit that takes an entry out, or lets it lead elsewhere,
 *        first raises the stamp of its node to its end timestamp; who finds a stamp above its own timestamp aborts.
 *   CV4  A row that gains an entry gets a version that says so, before the entry is there. Who reads an older one
 *        aborts, since the entry by which it came may be the new one; so after a hit the row is looked at again. If the
 *        transaction that added the entry aborts, the version stays, with the old payload and a new timestamp.
 *   CV5  Entries change before the commit is told. So who has waited for a row that loses an entry finds that entry
 *        gone, and a scan finds its leaf changed.
 * A version whose transaction has an end timestamp below the reader's, and has not ended, is waited for, or read on
 * trust by schemes that keep account of it (struct chained_rules). A row that is deleted, or that gains or loses an
 * entry, is always waited for.
 * Checked by: tests/unit/schemes/chained.c, tests/schedule/schemes.c; mutations of the table there.
 */
#ifndef SCHEMES_BASE_CHAINED_H
#define SCHEMES_BASE_CHAINED_H

#include <string.h>

#include "schemes/base/chain.h"

/* What a transaction says of itself; from CHAINED_TOLD on with its end timestamp, shifted. */
enum { CHAINED_ACTIVE = 0, CHAINED_DRAWING = 1, CHAINED_TOLD = 2, CHAINED_COMMITTED = 3, CHAINED_STATE_BITS = 2 };

/* With which a scheme's own struct begins. */
struct chained_worker {
    struct worker base;
    uint64_t begin;                   /* timestamp as of which the transaction reads */
    SEPARATED _Atomic uint64_t state; /* CHAINED_ACTIVE, _DRAWING, or an end timestamp and what it says */
};

static inline struct chained_worker *chained_own(struct worker *worker)
{
    return (struct chained_worker *)worker;
}

/* Whoever is still taken for one that draws is waited for, so what follows may be seen later. */
static inline void chained_say(struct worker *worker, uint64_t state)
{
    atomic_store_explicit(&chained_own(worker)->state, state, memory_order_release); /* ORD-CHAIN-3 */
}

static inline uint64_t chained_state(struct worker *worker)
{
    return atomic_load_explicit(&chained_own(worker)->state, memory_order_seq_cst); /* ORD-CHAIN-3 */
}

/* Another transaction begins: it is active, and reads as of now. */
void chained_begin(struct worker *worker);

/* The last timestamp that has been drawn. */
uint64_t chained_last(const struct worker *worker);

/* Draws a timestamp. */
uint64_t chained_draw(struct worker *worker);

/* Draws the end timestamp, as CV1 says. */
uint64_t chained_draw_end(struct worker *worker);

/* After the decision: all that was written begins at the timestamp, and entries go (CV5). */
void chained_settle(struct worker *worker, uint64_t timestamp);

/* Of an abort: entries and versions go, but for those with which a row has gained an entry (CV4). */
void chained_take_back(struct worker *worker);

/* ---- Which version a transaction sees. ---- */

enum standing {
    STANDS_BEFORE,   /* it began at or before the timestamp, or is the transaction's own */
    STANDS_ON_TRUST, /* it will, if its transaction commits */
    STANDS_LATER,    /* it will begin later, or never */
    STANDS_OPEN      /* nobody knows yet */
};

/* `begin`: where it begins, or its owner. Of a version that has no owner, and of the others. */
enum standing chained_standing_owned(const struct worker *worker, chain_link link, uint64_t timestamp, uint64_t *begin);
static ALWAYS_INLINE enum standing chained_standing(const struct worker *worker, chain_link link, uint64_t timestamp,
                                                    uint64_t *begin)
{
    *begin = chain_begin(link);
    if (LIKELY(!(*begin & VERSION_OWNED)))
        return *begin <= timestamp ? STANDS_BEFORE : STANDS_LATER;
    return chained_standing_owned(worker, link, timestamp, begin);
}

struct chained_seen {
    chain_link link, next; /* next: the newer version in front of it that does not abort, or 0 */
    uint64_t begin, next_begin;
    bool on_trust;
};

/* What schemes do differently. */
struct chained_rules {
    bool trusts; /* reads on trust, and notes that as ACCESS_AGAIN */
    /* Each row that is not the transaction's own, when it is first read. False: the transaction is doomed. */
    bool (*met)(struct worker *worker, const struct chained_seen *seen);
    /* The same of a row whose newest version, which begins at `begin`, is the one that is seen. Never dooms. */
    void (*met_newest)(struct worker *worker, uint64_t begin);
};

enum chained_look { LOOK_SEEN, LOOK_WAIT, LOOK_GAINED };

/* Starts loading what follows in a row or version, some lines of it. */
static ALWAYS_INLINE void chained_prefetch(uintptr_t at, size_t bytes)
{
    enum { LINES_MAX = 4 };
    for (size_t line = 1; line < LINES_MAX && line * CACHE_LINE_BYTES < bytes; line++)
        __builtin_prefetch((const void *)(at + line * CACHE_LINE_BYTES));
}

static ALWAYS_INLINE void chained_prefetch_two(uintptr_t at)
{
    __builtin_prefetch((const void *)(at + CACHE_LINE_BYTES));
    __builtin_prefetch((const void *)(at + 2 * CACHE_LINE_BYTES));
}

static ALWAYS_INLINE enum chained_look chained_look(const struct worker *worker, const struct table *table,
                                                    const struct row *row, uint64_t timestamp,
                                                    struct chained_seen *seen, bool trusts)
{
    bool gained = false;
    *seen = (struct chained_seen){0};
    RACE(ROW_READ);
    seen->link = chain_newest(row);
    /* Whether the version is in the row cannot be predicted, so a branch would cost more than loading twice. */
    chained_prefetch(seen->link, table->versions->stride_bytes);
    for (; seen->link; seen->link = chain_older(seen->link)) {
        enum standing stands = chained_standing(worker, seen->link, timestamp, &seen->begin);
        if (LIKELY(stands == STANDS_BEFORE))
            break;
        if (stands == STANDS_OPEN || (stands == STANDS_ON_TRUST && !trusts))
            return LOOK_WAIT;
        if (stands == STANDS_ON_TRUST) {
            uint32_t size = chain_size(seen->link);
            bool moved = size == 0 || size & (VERSION_GAINED | VERSION_LOST);
            if (moved && !MUTATED(hekaton_trusts_moves))
                return LOOK_WAIT;
            seen->on_trust = true;
            break;
        }
        gained |= (chain_size(seen->link) & VERSION_GAINED) != 0;
        if (seen->begin == VERSION_ABORTED)
            continue;
        seen->next = seen->link;
        seen->next_begin = seen->begin;
    }
    if (UNLIKELY(!seen->link))
        seen->begin = 0;                                                      /* absent from the first */
    return gained && !MUTATED(chained_gain_unseen) ? LOOK_GAINED : LOOK_SEEN; /* CV4 */
}

/* An access has the version that the transaction sees: `word` its link, `second` where it begins. A row with a version
 * of the transaction's own has it as new_data; a grave of its own has none. */
static inline bool chained_has_own(const struct access *access)
{
    return access->new_data || access->flags & (ACCESS_FRESH | ACCESS_ERASE);
}

static inline chain_link chained_own_link(const struct access *access)
{
    return access->new_data ? (uintptr_t)data_version(access->new_data) : (uintptr_t)access->row | LINK_GRAVE;
}

static inline void chained_note(struct worker *worker, struct access *access, const struct chained_seen *seen)
{
    access->flags = ACCESS_READ;
    access->word = seen->link;
    access->second = seen->begin;
    if (seen->on_trust) {
        access->flags |= ACCESS_AGAIN;
        counter_add(worker, COUNTER_speculative_reads, 1);
    }
    access->old_size = seen->link ? chain_size(seen->link) & VERSION_SIZE : 0;
    if (access->old_size)
        access->old_data = version_data(link_version(seen->link));
}

/* Nothing has been done to the row since it was read. (A grave may be another one.) */
static inline bool chained_is_same(const struct access *access)
{
    RACE(ROW_READ);
    return chain_newest(access->row) == access->word && access->word && !is_grave(access->word);
}

/* The row's access, with what the transaction sees. NULL: it is doomed. */
static ALWAYS_INLINE struct access *chained_know(struct worker *worker, struct table *table, struct row *row,
                                                 const struct chained_rules *rules)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct chained_seen seen;
    struct wait wait = {0};
    enum chained_look outcome;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access && (chained_has_own(access) || chained_is_same(access)))
        return access;
    chained_prefetch((uintptr_t)row, table->stride_bytes); /* the newest version is often there (C7) */
    while (UNLIKELY((outcome = chained_look(worker, table, row, chained_own(worker)->begin, &seen, rules->trusts)) ==
                    LOOK_WAIT))
        if (!wait_go_on(worker, &wait)) {
            (void)worker_doom(worker, SCHEME_ABORTED(LOCK));
            return NULL;
        }
    bool other = access && !chain_is_same(access->word, seen.link); /* it was read on trust, and has gone */
    if (UNLIKELY(outcome == LOOK_GAINED) || UNLIKELY(other)) {
        (void)worker_doom(worker, other ? SCHEME_ABORTED(CASCADE) : SCHEME_ABORTED(NODE_CHECK));
        return NULL;
    }
    if (access)
        return access;
    if (UNLIKELY(!(access = row_set_add(&worker->rows, table, row, slot)))) {
        (void)worker_doom(worker, SCHEME_NO_MEMORY);
        return NULL;
    }
    chained_note(worker, access, &seen);
    return !rules->met || LIKELY(rules->met(worker, &seen)) ? access : NULL;
}

static inline bool chained_present(const struct access *access)
{
    return !(access->flags & ACCESS_ERASE) && (access->new_data || access->old_size);
}

/* ---- The short way: most reads and updates (schemes/DESIGN.md, "What a request costs"). ---- */

/* The transaction meets the row for the first time, and sees its newest version, which has a timestamp and a payload.
 * The access is filled, but in the set only after chained_first_keep. NULL: the row needs another way, and
 * nothing has been done. */
static ALWAYS_INLINE struct access *chained_first(struct worker *worker, struct table *table, struct row *row,
                                                  uint64_t *slot)
{
    struct row_set *set = &worker->rows;
    struct access *access = &set->entries[set->count];
    if (UNLIKELY(!table->inline_at) || UNLIKELY(row_set_find(set, row, slot)))
        return NULL;
    RACE(ROW_READ);
    chain_link link = chain_newest(row);
    chained_prefetch_two((uintptr_t)row); /* the newest version is often there (C7) */
    if (table->stride_bytes > 3 * CACHE_LINE_BYTES)
        __builtin_prefetch((const char *)row + 3 * CACHE_LINE_BYTES);
    chained_prefetch_two(link);
    if (UNLIKELY(link == 0) || UNLIKELY(is_grave(link)))
        return NULL;
    uint64_t begin = chain_version_begin(link);
    uint32_t size = chain_version_size(link) & VERSION_SIZE;
    bool later = begin > chained_own(worker)->begin && !MUTATED(chained_first_later); /* as owners are, all of them */
    if (UNLIKELY(later) || UNLIKELY(size == 0))
        return NULL;
    access->row = row;
    access->table = table;
    access->word = link;
    access->second = begin;
    access->old_data = version_data(link_version(link));
    access->old_size = size;
    access->entry_plus_1 = 0;
    return access;
}

static ALWAYS_INLINE void chained_first_keep(struct worker *worker, const struct access *access, uint64_t slot,
                                             const struct chained_rules *rules)
{
    row_set_keep(&worker->rows, slot);
    if (rules->met_newest)
        rules->met_newest(worker, access->second);
}

static ALWAYS_INLINE bool chained_first_read(struct worker *worker, struct table *table, struct row *row,
                                             const void **data, size_t *bytes, const struct chained_rules *rules)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct access *access = chained_first(worker, table, row, &slot);
    if (UNLIKELY(!access))
        return false;
    access->new_data = NULL;
    access->flags = ACCESS_READ;
    *data = access->old_data;
    if (bytes)
        *bytes = access->old_size - 1;
    chained_first_keep(worker, access, slot, rules);
    return true;
}

/* The payload of a version, as long as the table's are. An old version does not change (C2). */
static ALWAYS_INLINE void version_copy(struct version *to, const void *from, size_t bytes)
{
    enum { WORD = sizeof(uint64_t), PAIR = 2 * WORD };
    char *at = version_data(to);
    const char *old = from;
    size_t words = (bytes + WORD - 1) / WORD; /* a version has room for whole words */
    for (; words >= 2; at += PAIR, old += PAIR) {
        memcpy(at, old, PAIR);
        words -= 2;
        FORGET(words); /* else the compiler calls memcpy */
    }
    if (words)
        memcpy(at, old, WORD);
}

/* The row gets a version of the transaction's own with the payload as it was. */
static ALWAYS_INLINE bool chained_first_update(struct worker *worker, struct table *table, struct row *row,
                                               const void **old, void **data, const struct chained_rules *rules)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct access *access = chained_first(worker, table, row, &slot);
    struct version *version = LIKELY(access != NULL) ? chain_take_ready(worker, table, row) : NULL;
    if (UNLIKELY(!version))
        return false;
    version_fill(version, access->word, access->old_size);
    version_copy(version, access->old_data, table->payload_max_bytes);
    if (UNLIKELY(!chain_push(row, access->word, version))) {
        chain_retire(worker, (uintptr_t)version);
        return false;
    }
    access->new_data = version_data(version);
    access->new_size = access->old_size;
    access->flags = ACCESS_READ;
    row_set_write(&worker->rows, access);
    if (old)
        *old = access->old_data;
    *data = access->new_data;
    chained_first_keep(worker, access, slot, rules);
    return true;
}

/* ---- Rows: the calls of scheme.h. ---- */

static ALWAYS_INLINE enum scheme_status chained_read(struct worker *worker, struct table *table, struct row *row,
                                                     const void **data, size_t *bytes,
                                                     const struct chained_rules *rules)
{
    const struct access *access = chained_know(worker, table, row, rules);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!chained_present(access)))
        return SCHEME_NOT_FOUND;
    *data = access->new_data ? access->new_data : access->old_data;
    if (bytes)
        *bytes = (access->new_data ? access->new_size : access->old_size) - 1;
    return SCHEME_OK;
}

static ALWAYS_INLINE enum scheme_status chained_see(struct worker *worker, struct table *table, struct row *row,
                                                    const struct chained_rules *rules)
{
    const struct access *access = chained_know(worker, table, row, rules);
    return UNLIKELY(!access) ? worker->doom : chained_present(access) ? SCHEME_OK : SCHEME_NOT_FOUND;
}

/* Gives a row that is there a version of the transaction's own, of `bytes` bytes; 0: as many as before. `fill`: with
 * the payload as it was, as far as both reach. */
enum scheme_status chained_make_own(struct worker *worker, struct access *access, size_t bytes, bool fill,
                                    unsigned flags);

static ALWAYS_INLINE enum scheme_status chained_update(struct worker *worker, struct table *table, struct row *row,
                                                       size_t bytes, const void **old, void **data,
                                                       const struct chained_rules *rules)
{
    struct access *access = chained_know(worker, table, row, rules);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!chained_present(access)))
        return SCHEME_NOT_FOUND;
    const void *before = access->new_data ? access->new_data : access->old_data;
    enum scheme_status status = chained_make_own(worker, access, bytes, true, 0);
    if (old)
        *old = before;
    *data = access->new_data;
    return status;
}

static ALWAYS_INLINE enum scheme_status chained_overwrite(struct worker *worker, struct table *table, struct row *row,
                                                          size_t bytes, void **data, const struct chained_rules *rules)
{
    struct access *access = chained_know(worker, table, row, rules);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!chained_present(access)))
        return SCHEME_NOT_FOUND;
    enum scheme_status status = chained_make_own(worker, access, bytes, false, 0);
    *data = access->new_data;
    return status;
}

enum scheme_status chained_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                  void **data);

/* `access`: of a row that the transaction knows, or NULL: it is doomed. */
enum scheme_status chained_erase(struct worker *worker, struct access *access);
enum scheme_status chained_touch(struct worker *worker, struct access *access, bool gains_entry);

/* The calls of a scheme, but for begin, commit and abort. */
#define CHAINED_CALLS(name, rules)                                                                                 \
    bool name##_first_read(struct worker *worker, struct table *table, struct row *row, const void **data,         \
                           size_t *bytes)                                                                          \
    {                                                                                                              \
        return chained_first_read(worker, table, row, data, bytes, rules);                                         \
    }                                                                                                              \
    bool name##_first_update(struct worker *worker, struct table *table, struct row *row, const void **old,        \
                             void **data)                                                                          \
    {                                                                                                              \
        return chained_first_update(worker, table, row, old, data, rules);                                         \
    }                                                                                                              \
    enum scheme_status name##_read(struct worker *worker, struct table *table, struct row *row, const void **data, \
                                   size_t *bytes)                                                                  \
    {                                                                                                              \
        return chained_read(worker, table, row, data, bytes, rules);                                               \
    }                                                                                                              \
    enum scheme_status name##_see(struct worker *worker, struct table *table, struct row *row)                     \
    {                                                                                                              \
        return chained_see(worker, table, row, rules);                                                             \
    }                                                                                                              \
    enum scheme_status name##_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,    \
                                     const void **old, void **data)                                                \
    {                                                                                                              \
        return chained_update(worker, table, row, bytes, old, data, rules);                                        \
    }                                                                                                              \
    enum scheme_status name##_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes, \
                                        void **data)                                                               \
    {                                                                                                              \
        return chained_overwrite(worker, table, row, bytes, data, rules);                                          \
    }                                                                                                              \
    enum scheme_status name##_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,    \
                                     void **data)                                                                  \
    {                                                                                                              \
        return chained_insert(worker, table, row, bytes, data);                                                    \
    }                                                                                                              \
    enum scheme_status name##_erase(struct worker *worker, struct table *table, struct row *row)                   \
    {                                                                                                              \
        return chained_erase(worker, chained_know(worker, table, row, rules));                                     \
    }                                                                                                              \
    enum scheme_status name##_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry) \
    {                                                                                                              \
        return chained_touch(worker, chained_know(worker, table, row, rules), gains_entry);                        \
    }

#endif
