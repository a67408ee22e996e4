/* chain.c - see chain.h. */
#include "schemes/base/chain.h"

static void give_back_version(struct retired *item, void *owner)
{
    struct worker *worker = owner;
    struct version *version = (struct version *)(void *)((char *)item - offsetof(struct version, retired));
    uint32_t store = version->store;
    struct table *table = worker->database->tables[store - DATABASE_TABLES_MAX];
    store_give_back(table->versions, &worker->supplies[store], (struct row *)version);
}

enum scheme_status chain_take(struct worker *worker, struct table *table, chain_link older, uint32_t size,
                              struct version **taken)
{
    struct row *row;
    enum scheme_status status = worker_take_row(worker, table->versions, &row);
    if (UNLIKELY(status != SCHEME_OK))
        return worker_doom(worker, status);
    struct version *version = (struct version *)row;
    /* ORD-CHAIN-1: nobody else can reach the version yet. */
    atomic_store_explicit(&version->begin, VERSION_OWNED | worker->number, memory_order_relaxed);
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
    if (link && !is_grave(link))
        epoch_retire(worker->epoch, &link_version(link)->retired, give_back_version);
}
