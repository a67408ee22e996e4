/* chain.c - see chain.h. */
#include "schemes/base/chain.h"

/* The room in the row, if it is free (C7). */
static struct version *take_inline(const struct worker *worker, const struct table *table, struct row *row)
{
    uint64_t begin = VERSION_FREE;
    struct version *version = (struct version *)(void *)((char *)row + table->inline_at);
    if (!table->inline_at)
        return NULL;
    RACE(CLAIM_INLINE);
    if (atomic_load_explicit(&version->begin, memory_order_relaxed) != VERSION_FREE ||
        !atomic_compare_exchange_strong_explicit(&version->begin, &begin, VERSION_OWNED | worker->number,
                                                 memory_order_acquire, memory_order_relaxed)) /* ORD-CHAIN-4 */
        return NULL;
    version->store = CHAIN_INLINE;
    return version;
}

static enum scheme_status take_other(struct worker *worker, struct table *table, struct version **taken)
{
    struct row *row;
    enum scheme_status status = worker_take_row(worker, table->versions, &row);
    if (UNLIKELY(status != SCHEME_OK))
        return worker_doom(worker, status);
    *taken = (struct version *)row;
    /* ORD-CHAIN-1: nobody else can reach the version yet. */
    atomic_store_explicit(&(*taken)->begin, VERSION_OWNED | worker->number, memory_order_relaxed);
    return SCHEME_OK;
}

enum scheme_status chain_take(struct worker *worker, struct table *table, struct row *row, chain_link older,
                              uint32_t size, struct version **taken)
{
    struct version *version = take_inline(worker, table, row);
    if (!version && UNLIKELY(take_other(worker, table, &version) != SCHEME_OK))
        return worker->doom;
    /* ORD-CHAIN-1: nobody else can reach the version yet. */
    atomic_store_explicit(&version->older, older, memory_order_relaxed);
    atomic_store_explicit(&version->size, size, memory_order_relaxed);
    atomic_store_explicit(&version->low, 0, memory_order_relaxed);
    atomic_store_explicit(&version->high, 0, memory_order_relaxed);
    *taken = version;
    return SCHEME_OK;
}

bool chain_push(struct row *row, chain_link older, struct version *version)
{
    RACE(ROW_LOCK);
    return atomic_compare_exchange_strong_explicit(&row->word, &older, (uintptr_t)version, memory_order_acq_rel,
                                                   memory_order_relaxed); /* ORD-CHAIN-1 */
}

/* The grave is taken first, since two could dig it at once. */
bool chain_bury(struct row *row, chain_link older, uint64_t owner)
{
    chain_link grave = (uintptr_t)row | LINK_GRAVE;
    uint64_t begin = chain_begin(grave);
    RACE(ROW_LOCK);
    if ((begin != VERSION_ABORTED && begin & VERSION_OWNED) ||
        !atomic_compare_exchange_strong_explicit(&row->second, &begin, owner, memory_order_acq_rel,
                                                 memory_order_relaxed)) /* ORD-CHAIN-1 */
        return false;
    atomic_store_explicit(&grave_row(grave)->older, older, memory_order_release); /* ORD-CHAIN-1 */
    if (atomic_compare_exchange_strong_explicit(&row->word, &older, grave, memory_order_acq_rel,
                                                memory_order_relaxed)) /* ORD-CHAIN-1 */
        return true;
    chain_set_begin(grave, VERSION_ABORTED);
    return false;
}

void chain_retire(struct worker *worker, chain_link link)
{
    if (link && !is_grave(link) && MUTATED(chain_room_early) && link_version(link)->store == CHAIN_INLINE)
        chain_free_inline(link_version(link));
    else if (link && !is_grave(link))
        epoch_retire(worker->epoch, &link_version(link)->retired);
}
