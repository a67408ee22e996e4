/* hekaton.c - see hekaton.h. */
#include "schemes/hekaton.h"

#include <string.h>

/* What a transaction says of itself; from HEKATON_TOLD on with its end timestamp, shifted. */
enum { HEKATON_ACTIVE = 0, HEKATON_DRAWING = 1, HEKATON_TOLD = 2, HEKATON_COMMITTED = 3, STATE_BITS = 2 };

enum { TIMESTAMP_FIRST = 1 }; /* as of which the first transactions read */

static struct hekaton_worker *own_part(struct worker *worker)
{
    return (struct hekaton_worker *)worker;
}

static bool is_full(const struct worker *worker)
{
    return ((const struct hekaton_settings *)worker->settings)->hekaton_validate == HEKATON_FULL;
}

static void say(struct worker *worker, uint64_t state)
{
    atomic_store_explicit(&own_part(worker)->state, state, memory_order_seq_cst); /* ORD-HEKATON-1 */
}

static uint64_t draw(struct worker *worker)
{
    /* ORD-HEKATON-1 */
    return atomic_fetch_add_explicit(&worker->database->order.counter, 1, memory_order_seq_cst) + TIMESTAMP_FIRST + 1;
}

/* ---- Which version a transaction sees. ---- */

enum standing {
    STANDS_BEFORE,   /* it began at or before the timestamp, or is the transaction's own */
    STANDS_ON_TRUST, /* it will, if its transaction commits */
    STANDS_LATER,    /* it will begin later, or never */
    STANDS_OPEN      /* nobody knows yet */
};

/* `begin`: where it begins, or its owner. Ends: each time an owner has ended. */
static enum standing standing(const struct worker *worker, chain_link link, uint64_t timestamp, uint64_t *begin)
{
    for (;;) {
        uint64_t owned = *begin = chain_begin(link);
        if (LIKELY(!(owned & VERSION_OWNED)))
            return owned <= timestamp ? STANDS_BEFORE : STANDS_LATER;
        if (owned == VERSION_ABORTED)
            return STANDS_LATER;
        if (owned == (VERSION_OWNED | worker->number))
            return STANDS_BEFORE;
        RACE(ROW_CHECK);
        struct worker *owner = worker->database->workers[owned & ~VERSION_OWNED];
        uint64_t state = atomic_load_explicit(&own_part(owner)->state, memory_order_seq_cst); /* ORD-HEKATON-1 */
        if (chain_begin(link) != owned && !MUTATED(hekaton_owner_unchecked))
            continue; /* C3: it may have been the owner's next transaction */
        if (state == HEKATON_ACTIVE)
            return STANDS_LATER;
        if (state == HEKATON_DRAWING)
            return STANDS_OPEN; /* HK1 */
        if (state >> STATE_BITS > timestamp)
            return STANDS_LATER;
        if ((state & HEKATON_COMMITTED) != HEKATON_COMMITTED)
            return STANDS_ON_TRUST;
        *begin = state >> STATE_BITS;
        return STANDS_BEFORE;
    }
}

struct seen {
    chain_link link;
    uint64_t begin;
    bool on_trust;
};

enum look { LOOK_SEEN, LOOK_WAIT, LOOK_GAINED };

static ALWAYS_INLINE enum look look(const struct worker *worker, const struct row *row, uint64_t timestamp,
                                    struct seen *seen)
{
    bool gained = false;
    *seen = (struct seen){0};
    RACE(ROW_READ);
    for (seen->link = chain_newest(row); seen->link; seen->link = chain_older(seen->link)) {
        enum standing stands = standing(worker, seen->link, timestamp, &seen->begin);
        if (LIKELY(stands == STANDS_BEFORE))
            break;
        if (stands == STANDS_OPEN)
            return LOOK_WAIT;
        if (stands == STANDS_ON_TRUST) { /* HK2 */
            uint32_t size = chain_size(seen->link);
            bool moved = size == 0 || size & (VERSION_GAINED | VERSION_LOST);
            if (moved && !MUTATED(hekaton_trusts_moves))
                return LOOK_WAIT;
            seen->on_trust = true;
            break;
        }
        gained |= (chain_size(seen->link) & VERSION_GAINED) != 0;
    }
    return gained && !MUTATED(hekaton_gain_unseen) ? LOOK_GAINED : LOOK_SEEN; /* HK6 */
}

/* An access has the version that the transaction sees: `word` its link, `second` where it begins; ACCESS_AGAIN: it was
 * read on trust. A row with a version of the transaction's own has it as new_data; a grave of its own has none. */
static bool has_own(const struct access *access)
{
    return access->new_data || access->flags & (ACCESS_FRESH | ACCESS_ERASE);
}

static void note_seen(struct worker *worker, struct access *access, const struct seen *seen)
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

/* The row's access, with what the transaction sees. NULL: it is doomed. */
static ALWAYS_INLINE struct access *know(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct seen seen;
    struct wait wait = {0};
    enum look outcome;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access && has_own(access))
        return access;
    while (UNLIKELY((outcome = look(worker, row, own_part(worker)->begin, &seen)) == LOOK_WAIT))
        if (!wait_go_on(worker, &wait)) {
            (void)worker_doom(worker, SCHEME_ABORTED(LOCK));
            return NULL;
        }
    bool other = access && access->word != seen.link; /* it was read on trust, and has gone */
    if (UNLIKELY(outcome == LOOK_GAINED) || UNLIKELY(other)) {
        (void)worker_doom(worker, other ? SCHEME_ABORTED(CASCADE) : SCHEME_ABORTED(NODE_CHECK));
        return NULL;
    }
    if (access)
        return access;
    access = row_set_add(&worker->rows, table, row, slot);
    if (LIKELY(access != NULL))
        note_seen(worker, access, &seen);
    else
        (void)worker_doom(worker, SCHEME_NO_MEMORY);
    return access;
}

static bool present(const struct access *access)
{
    return !(access->flags & ACCESS_ERASE) && (access->new_data || access->old_size);
}

/* ---- Rows. ---- */

enum scheme_status hekaton_read(struct worker *worker, struct table *table, struct row *row, const void **data,
                                size_t *bytes)
{
    const struct access *access = know(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    *data = access->new_data ? access->new_data : access->old_data;
    if (bytes)
        *bytes = (access->new_data ? access->new_size : access->old_size) - 1;
    return SCHEME_OK;
}

enum scheme_status hekaton_see(struct worker *worker, struct table *table, struct row *row)
{
    const struct access *access = know(worker, table, row);
    return UNLIKELY(!access) ? worker->doom : present(access) ? SCHEME_OK : SCHEME_NOT_FOUND;
}

/* The row cannot be written any more (HK3). */
static NOINLINE enum scheme_status lose(struct worker *worker, const struct access *access)
{
    chain_link newest = chain_newest(access->row);
    uint64_t begin = newest ? chain_begin(newest) : 0;
    bool written = newest != access->word && !(begin & VERSION_OWNED);
    return worker_doom(worker, written ? SCHEME_ABORTED(NEWER) : SCHEME_ABORTED(LOCK));
}

/* Whether the newest version is the one seen, and its transaction has ended well. */
static inline bool is_newest(const struct access *access)
{
    bool settled = !(access->flags & ACCESS_AGAIN) || !(chain_begin(access->word) & VERSION_OWNED);
    return settled && chain_newest(access->row) == access->word;
}

/* Gives a row that is there a version of the transaction's own, of `bytes` bytes; 0: as many as before. `fill`: with
 * the payload as it was, as far as both reach. */
static ALWAYS_INLINE enum scheme_status make_own(struct worker *worker, struct access *access, size_t bytes, bool fill,
                                                 unsigned flags)
{
    struct version *version;
    uint32_t size = bytes ? (uint32_t)bytes + 1 : access->new_data ? access->new_size : access->old_size;
    if (access->new_data) {
        version = data_version(access->new_data);
        if (fill && size > access->new_size)
            memset((char *)access->new_data + access->new_size - 1, 0, size - access->new_size);
        version_set_size(version, (chain_size((uintptr_t)version) & ~(uint32_t)VERSION_SIZE) | size | flags);
        access->new_size = size;
        return SCHEME_OK;
    }
    if (UNLIKELY(!is_newest(access)))
        return lose(worker, access);
    if (UNLIKELY(chain_take(worker, access->table, access->word, size | flags, &version) != SCHEME_OK))
        return worker->doom;
    size_t kept = access->old_size < size ? access->old_size - 1 : size - 1;
    if (fill) {
        memcpy(version_data(version), access->old_data, kept);
        memset((char *)version_data(version) + kept, 0, size - 1 - kept);
    }
    if (UNLIKELY(!chain_push(access->row, access->word, version))) {
        chain_retire(worker, (uintptr_t)version);
        return lose(worker, access);
    }
    access->new_data = version_data(version);
    access->new_size = size;
    row_set_write(&worker->rows, access);
    return SCHEME_OK;
}

enum scheme_status hekaton_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                  const void **old, void **data)
{
    struct access *access = know(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    const void *before = access->new_data ? access->new_data : access->old_data;
    enum scheme_status status = make_own(worker, access, bytes, true, 0);
    if (old)
        *old = before;
    *data = access->new_data;
    return status;
}

enum scheme_status hekaton_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                     void **data)
{
    struct access *access = know(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    enum scheme_status status = make_own(worker, access, bytes, false, 0);
    *data = access->new_data;
    return status;
}

/* A fresh row: nobody else writes it, since it is absent. The transaction itself may have looked at it as such. */
enum scheme_status hekaton_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                  void **data)
{
    uint64_t slot;
    struct version *version;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (LIKELY(!access) && UNLIKELY(!(access = row_set_add(&worker->rows, table, row, slot))))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    access->flags = ACCESS_FRESH;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    access->word = chain_newest(row);
    if (UNLIKELY(chain_take(worker, table, 0, (uint32_t)bytes + 1, &version) != SCHEME_OK))
        return worker->doom;
    access->new_data = *data = version_data(version);
    access->new_size = (uint32_t)bytes + 1;
    chain_set_newest(row, (uintptr_t)version); /* C6 */
    return SCHEME_OK;
}

enum scheme_status hekaton_erase(struct worker *worker, struct table *table, struct row *row)
{
    struct access *access = know(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    if (access->new_data) {
        struct version *version = data_version(access->new_data);
        version_set_size(version, chain_size((uintptr_t)version) & ~(uint32_t)VERSION_SIZE);
    } else if (!is_newest(access) || !chain_bury(row, access->word, VERSION_OWNED | worker->number)) {
        return lose(worker, access);
    }
    access->flags |= ACCESS_ERASE;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    return SCHEME_OK;
}

enum scheme_status hekaton_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry)
{
    struct access *access = know(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    if (gains_entry && access->flags & ACCESS_FRESH)
        return SCHEME_OK; /* it goes as it came */
    return make_own(worker, access, 0, true, gains_entry ? VERSION_GAINED : VERSION_LOST);
}

/* ---- Begin. ---- */

void hekaton_begin(struct worker *worker)
{
    struct hekaton_worker *own = own_part(worker);
    atomic_store_explicit(&own->state, HEKATON_ACTIVE, memory_order_release); /* ORD-CHAIN-2 */
    own->begin = atomic_load_explicit(&worker->database->order.counter, memory_order_seq_cst) +
                 TIMESTAMP_FIRST; /* ORD-HEKATON-1 */
    if (worker->snapshot || !is_full(worker))
        worker->as_of = own->begin; /* HK5 */
}

/* ---- Commit. ---- */

enum hold { HOLDS, CHANGED, OPEN };

/* Whether what was read is visible as of the timestamp. */
static inline enum hold read_holds(const struct worker *worker, const struct access *access, uint64_t timestamp)
{
    RACE(ROW_CHECK);
    for (chain_link link = chain_newest(access->row);; link = chain_older(link)) {
        uint64_t begin;
        if (link == access->word && !is_grave(link))
            return HOLDS;
        if (!link)
            return CHANGED;
        enum standing stands = standing(worker, link, timestamp, &begin);
        if (link == access->word && begin == access->second)
            return HOLDS;
        if (stands == STANDS_OPEN)
            return OPEN;
        if (stands != STANDS_LATER)
            return CHANGED;
    }
}

static enum scheme_status validate(struct worker *worker, uint64_t timestamp)
{
    for (uint32_t i = 0; i < worker->rows.count && !MUTATED(hekaton_skip_read_check); i++) {
        const struct access *access = &worker->rows.entries[i];
        struct wait wait = {0};
        enum hold hold;
        if (access->flags & ACCESS_WRITE) /* the version seen was the newest one, and is the next one since */
            continue;
        while (UNLIKELY((hold = read_holds(worker, access, timestamp)) == OPEN))
            if (!wait_go_on(worker, &wait))
                return SCHEME_ABORTED(LOCK);
        if (UNLIKELY(hold == CHANGED))
            return SCHEME_ABORTED(READ_CHECK);
    }
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(hekaton_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    return SCHEME_OK;
}

/* Waits for those on whom the transaction relies (HK2). */
static enum scheme_status trust_is_earned(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        const struct access *access = &worker->rows.entries[i];
        struct wait wait = {0};
        uint64_t begin;
        if (LIKELY(!(access->flags & ACCESS_AGAIN)) || MUTATED(hekaton_dependency_ignored))
            continue;
        while ((begin = chain_begin(access->word)) & VERSION_OWNED && begin != VERSION_ABORTED)
            if (!wait_go_on(worker, &wait))
                return SCHEME_ABORTED(LOCK);
        if (begin == VERSION_ABORTED)
            return SCHEME_ABORTED(CASCADE);
    }
    return SCHEME_OK;
}

static chain_link own_link(const struct access *access)
{
    return access->new_data ? (uintptr_t)data_version(access->new_data) : (uintptr_t)access->row | LINK_GRAVE;
}

/* All that was written begins at the timestamp. */
static void settle(struct worker *worker, uint64_t timestamp)
{
    for (uint32_t i = 0; i < worker->rows.write_count; i++)
        row_set_size(row_set_written(&worker->rows, i)->row,
                     chain_size(own_link(row_set_written(&worker->rows, i))) & VERSION_SIZE);
    say(worker, timestamp << STATE_BITS | HEKATON_COMMITTED);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        const struct access *access = row_set_written(&worker->rows, i);
        RACE(ROW_WRITE);
        chain_set_begin(own_link(access), timestamp);
        chain_retire(worker, access->word);
    }
}

enum scheme_status hekaton_commit(struct worker *worker)
{
    enum scheme_status status;
    if (worker->snapshot) {
        worker->place = own_part(worker)->begin;
        return trust_is_earned(worker);
    }
    if (!MUTATED(hekaton_draws_first))
        say(worker, HEKATON_DRAWING);
    RACE(DECIDE);
    uint64_t timestamp = draw(worker);
    RACE(DECIDE);
    say(worker, timestamp << STATE_BITS | HEKATON_TOLD);
    if (!worker->as_of && UNLIKELY((status = validate(worker, timestamp)) != SCHEME_OK))
        return status;
    if (UNLIKELY((status = trust_is_earned(worker)) != SCHEME_OK))
        return status;
    worker->place = timestamp;
    worker_apply_entries(worker, timestamp); /* HK7 */
    settle(worker, timestamp);
    return SCHEME_OK;
}

/* ---- Abort. ---- */

/* A row that has gained an entry keeps its new version, which is as the old one (HK6). */
static void keep_version(struct worker *worker, struct version *version, chain_link old)
{
    uint32_t size = chain_size(old) & VERSION_SIZE;
    memcpy(version_data(version), version_data(link_version(old)), size - 1);
    version_set_size(version, size | VERSION_GAINED);
    chain_set_begin((uintptr_t)version, draw(worker));
    chain_retire(worker, old);
}

static void take_back(struct worker *worker, const struct access *access)
{
    chain_link link = own_link(access);
    if (access->flags & ACCESS_FRESH && !access->new_data)
        return; /* there was no memory for the version */
    if (chain_size(link) & VERSION_GAINED) {
        keep_version(worker, data_version(access->new_data), access->word);
        return;
    }
    chain_set_begin(link, VERSION_ABORTED);
    RACE(ABORT_INSTALLED);
    chain_set_newest(access->row, access->word);
    chain_retire(worker, link);
}

void hekaton_abort(struct worker *worker)
{
    worker_undo_entries(worker);
    for (uint32_t i = 0; i < worker->rows.write_count; i++)
        take_back(worker, row_set_written(&worker->rows, i));
}
