/* hekaton.c - see hekaton.h. */
#include "schemes/hekaton.h"

static const struct chained_rules rules = {.trusts = true};

CHAINED_CALLS(hekaton, &rules)

static bool is_full(const struct worker *worker)
{
    return ((const struct hekaton_settings *)worker->settings)->hekaton_validate == HEKATON_FULL;
}

void hekaton_begin(struct worker *worker)
{
    chained_begin(worker);
    if (worker->snapshot || !is_full(worker))
        worker->as_of = chained_own(worker)->begin; /* CV3 */
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
        enum standing stands = chained_standing(worker, link, timestamp, &begin);
        if (begin == access->second && !(begin & VERSION_OWNED)) /* it may have moved (C8), or be a grave */
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

/* Waits for those on whom the transaction relies (HK1). */
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

enum scheme_status hekaton_commit(struct worker *worker)
{
    enum scheme_status status;
    if (worker->snapshot) {
        worker->place = chained_own(worker)->begin;
        return trust_is_earned(worker);
    }
    uint64_t timestamp = chained_draw_end(worker);
    if (!worker->as_of && UNLIKELY((status = validate(worker, timestamp)) != SCHEME_OK))
        return status;
    if (UNLIKELY((status = trust_is_earned(worker)) != SCHEME_OK))
        return status;
    worker->place = timestamp;
    chained_settle(worker, timestamp);
    return SCHEME_OK;
}

void hekaton_abort(struct worker *worker)
{
    chained_take_back(worker);
}
