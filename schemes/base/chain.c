/* chain.c - see chain.h. */
#include "schemes/base/chain.h"

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
    struct version *version = table->inline_at ? chain_take_inline(worker, table, row) : NULL;
    if (!version && UNLIKELY(take_other(worker, table, &version) != SCHEME_OK))
        return worker->doom;
    version_fill(version, older, size);
    *taken = version;
    return SCHEME_OK;
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
