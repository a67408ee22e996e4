/* chained.c - see chained.h. */
#include "schemes/base/chained.h"

enum { TIMESTAMP_FIRST = 1 }; /* as of which the first transactions read */

/* ---- Timestamps. ---- */

uint64_t chained_last(const struct worker *worker)
{
    /* ORD-CHAIN-3 */
    return atomic_load_explicit(&worker->database->order.counter, memory_order_seq_cst) + TIMESTAMP_FIRST;
}

void chained_begin(struct worker *worker)
{
    struct chained_worker *own = chained_own(worker);
    atomic_store_explicit(&own->state, CHAINED_ACTIVE, memory_order_release); /* ORD-CHAIN-2 */
    own->begin = chained_last(worker);
}

uint64_t chained_draw(struct worker *worker)
{
    /* ORD-CHAIN-3 */
    return atomic_fetch_add_explicit(&worker->database->order.counter, 1, memory_order_seq_cst) + TIMESTAMP_FIRST + 1;
}

uint64_t chained_draw_end(struct worker *worker)
{
    if (!MUTATED(chained_draws_first))
        atomic_store_explicit(&chained_own(worker)->state, CHAINED_DRAWING, memory_order_seq_cst); /* ORD-CHAIN-3 */
    RACE(DECIDE);
    uint64_t timestamp = chained_draw(worker);
    RACE(DECIDE);
    chained_say(worker, timestamp << CHAINED_STATE_BITS | CHAINED_TOLD);
    return timestamp;
}

/* Ends: each time an owner has ended. */
enum standing chained_standing_owned(const struct worker *worker, chain_link link, uint64_t timestamp, uint64_t *begin)
{
    for (;; *begin = chain_begin(link)) {
        uint64_t owned = *begin;
        if (!(owned & VERSION_OWNED))
            return owned <= timestamp ? STANDS_BEFORE : STANDS_LATER;
        if (owned == VERSION_ABORTED)
            return STANDS_LATER;
        if (owned == (VERSION_OWNED | worker->number))
            return STANDS_BEFORE;
        RACE(ROW_CHECK);
        uint64_t state = chained_state(worker->database->workers[owned & ~VERSION_OWNED]);
        if (chain_begin(link) != owned && !MUTATED(chained_owner_unchecked))
            continue; /* C3: it may have been the owner's next transaction */
        if (state == CHAINED_ACTIVE)
            return STANDS_LATER;
        if (state == CHAINED_DRAWING)
            return STANDS_OPEN; /* CV1 */
        if (state >> CHAINED_STATE_BITS > timestamp)
            return STANDS_LATER;
        if ((state & CHAINED_COMMITTED) != CHAINED_COMMITTED)
            return STANDS_ON_TRUST;
        *begin = state >> CHAINED_STATE_BITS;
        return STANDS_BEFORE;
    }
}

/* ---- Writes. ---- */

/* The row cannot be written any more (CV2). */
static NOINLINE enum scheme_status lose(struct worker *worker, const struct access *access)
{
    chain_link newest = chain_newest(access->row);
    uint64_t begin = newest ? chain_begin(newest) : 0;
    bool written = newest != access->word && !(begin & VERSION_OWNED);
    return worker_doom(worker, written ? SCHEME_ABORTED(NEWER) : SCHEME_ABORTED(LOCK));
}

/* Whether the newest version is the one seen, and its transaction has ended well. The access gets the place to which
 * the version has moved (C8). */
static inline bool is_newest(struct access *access)
{
    chain_link newest = chain_newest(access->row);
    if (access->flags & ACCESS_AGAIN && chain_begin(access->word) & VERSION_OWNED)
        return false;
    if (!chain_is_same(newest, access->word))
        return false;
    access->word = newest;
    return true;
}

/* The same for a row that has a version of the transaction's own already. */
static void resize_own(struct access *access, uint32_t size, bool fill, unsigned flags)
{
    struct version *version = data_version(access->new_data);
    if (fill && size > access->new_size)
        memset((char *)access->new_data + access->new_size - 1, 0, size - access->new_size);
    version_set_size(version, (chain_size((uintptr_t)version) & ~(uint32_t)VERSION_SIZE) | size | flags);
    access->new_size = size;
}

enum scheme_status chained_make_own(struct worker *worker, struct access *access, size_t bytes, bool fill,
                                    unsigned flags)
{
    struct version *version;
    uint32_t size = bytes ? (uint32_t)bytes + 1 : access->new_data ? access->new_size : access->old_size;
    if (access->new_data) {
        resize_own(access, size, fill, flags);
        return SCHEME_OK;
    }
    if (UNLIKELY(!is_newest(access)))
        return lose(worker, access);
    if (UNLIKELY(chain_take(worker, access->table, access->row, access->word, size | flags, &version) != SCHEME_OK))
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

/* A fresh row: nobody else writes it, since it is absent. The transaction itself may have looked at it as such. */
enum scheme_status chained_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,
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
    if (UNLIKELY(chain_take(worker, table, row, 0, (uint32_t)bytes + 1, &version) != SCHEME_OK))
        return worker->doom;
    access->new_data = *data = version_data(version);
    access->new_size = (uint32_t)bytes + 1;
    chain_set_newest(row, (uintptr_t)version); /* C6 */
    return SCHEME_OK;
}

enum scheme_status chained_erase(struct worker *worker, struct access *access)
{
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!chained_present(access)))
        return SCHEME_NOT_FOUND;
    if (access->new_data) {
        struct version *version = data_version(access->new_data);
        version_set_size(version, chain_size((uintptr_t)version) & ~(uint32_t)VERSION_SIZE);
    } else if (!is_newest(access) || !chain_bury(access->row, access->word, VERSION_OWNED | worker->number)) {
        return lose(worker, access);
    }
    access->flags |= ACCESS_ERASE;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    return SCHEME_OK;
}

enum scheme_status chained_touch(struct worker *worker, struct access *access, bool gains_entry)
{
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!chained_present(access)))
        return SCHEME_NOT_FOUND;
    if (gains_entry && access->flags & ACCESS_FRESH)
        return SCHEME_OK; /* it goes as it came */
    return chained_make_own(worker, access, 0, true, gains_entry ? VERSION_GAINED : VERSION_LOST);
}

/* ---- The end. ---- */

void chained_settle(struct worker *worker, uint64_t timestamp)
{
    worker_apply_entries(worker, timestamp); /* CV5 */
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        const struct access *access = row_set_written(&worker->rows, i);
        uint32_t size = access->flags & ACCESS_ERASE ? 0 : access->new_size;
        if (size != access->old_size)
            row_set_size(access->row, size);
    }
    chained_say(worker, timestamp << CHAINED_STATE_BITS | CHAINED_COMMITTED);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        const struct access *access = row_set_written(&worker->rows, i);
        RACE(ROW_WRITE);
        chain_set_begin(chained_own_link(access), timestamp);
        chain_retire(worker, access->word);
    }
}

/* A row that has gained an entry keeps its new version, which is as the old one (CV4). */
static void keep_version(struct worker *worker, struct version *version, chain_link old)
{
    uint32_t size = chain_size(old) & VERSION_SIZE;
    uint64_t timestamp = chained_draw(worker);
    memcpy(version_data(version), version_data(link_version(old)), size - 1);
    version_set_size(version, size | VERSION_GAINED);
    version_set_low(version, timestamp);
    chain_set_begin((uintptr_t)version, timestamp);
    chain_retire(worker, old);
}

static void take_back(struct worker *worker, const struct access *access)
{
    chain_link link = chained_own_link(access);
    if (access->flags & ACCESS_FRESH && !access->new_data)
        return; /* there was no memory for the version */
    if (chain_size(link) & VERSION_GAINED && !MUTATED(chained_gain_forgotten)) {
        keep_version(worker, data_version(access->new_data), access->word);
        return;
    }
    chain_set_begin(link, VERSION_ABORTED);
    RACE(ABORT_INSTALLED);
    chain_set_newest(access->row, access->word);
    if (!MUTATED(chained_aborted_kept))
        chain_retire(worker, link);
}

void chained_take_back(struct worker *worker)
{
    worker_undo_entries(worker);
    for (uint32_t i = 0; i < worker->rows.write_count; i++)
        take_back(worker, row_set_written(&worker->rows, i));
}
