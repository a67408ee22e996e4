/* core.c - see core.h. */
#include "engine/txn/core.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/membarrier.h"
#include "engine/base/tsc.h"
#include "engine/time/tsclock.h"
#include "engine/txn/worker.h"

/* How often a leader looks for transactions to overtake, or for walks to end: each may take a membarrier. */
#define LOOK_US 200.0

static uint64_t ticks_or_never(const struct core *core, double us)
{
    return us > 0 ? (uint64_t)(us * core->ticks_per_us) : UINT64_MAX;
}

enum mae_status core_init(struct core *core, const struct mae_options *options)
{
    memset(core, 0, sizeof *core);
    core->options = *options;
    core->ticks_per_us = tsc_ticks_per_us();
    core->clock_shift = tsclock_shift(core->ticks_per_us);
    core->protocol = (struct protocol){
        .early_abort_newer = options->early_abort_newer,
        .sort_writes = options->sort_writes,
        .precheck = options->precheck,
        .adaptive_skip = options->adaptive_skip,
        .promote = options->promote,
        .settle = options->settle,
        .phase_times = options->phase_times,
        .strict = options->order == ORDER_STRICT,
        .plain_commits = !options->phase_times && options->restamp != RESTAMP_EXTEND && options->elder_after == 0,
        .begins_slowly = options->order == ORDER_STRICT,
        .pending = (uint8_t)options->pending,
        .restamp = (uint8_t)options->restamp,
        .elder_after = (uint32_t)options->elder_after,
        .clock_sync_ticks = ticks_or_never(core, (double)options->clock_sync_us),
        .clock_boost_units =
            (uint64_t)((double)options->clock_boost_ns / 1000 * core->ticks_per_us) >> core->clock_shift,
        .gc_interval_ticks = (uint64_t)((double)options->gc_interval_us * core->ticks_per_us),
    };
#ifdef MAE_FIXED_OPTIONS
#define PROTOCOL_CHECK(field, value)           \
    if (core->protocol.field != FIXED_##field) \
        return MAE_UNSUPPORTED;
    PROTOCOL_SWITCHES(PROTOCOL_CHECK)
#undef PROTOCOL_CHECK
#endif
    mem_budget_init(&core->budget, options->memory_limit, (enum mem_huge_pages)options->huge_pages);
    atomic_init(&core->central_clock, 1);
    horizon_init(&core->horizon);
    if (membarrier_register())
        horizon_set_overtaking(&core->horizon, membarrier, ticks_or_never(core, (double)options->overtake_us),
                               ticks_or_never(core, (double)options->txn_max_ms * 1000),
                               ticks_or_never(core, options->overtake_us || options->txn_max_ms ? LOOK_US : 0));
    horizon_on_overtaking(&core->horizon, gc_overtaken, core);
    backoff_init(&core->backoff, options->backoff, core->ticks_per_us);
    relay_init(&core->relay, options->relay_us, core->ticks_per_us);
    pthread_mutex_init(&core->orphans_lock, NULL);
    pthread_mutex_init(&core->upkeep_lock, NULL);
    enum mae_status status = arena_init(&core->arena, &core->budget);
    if (status != MAE_OK)
        core_fini(core);
    return status;
}

void core_fini(struct core *core)
{
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        MAE_DCHECK(atomic_load_explicit(&core->horizon.slots[i].state, memory_order_relaxed) == SLOT_FREE);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *worker = atomic_load_explicit(&core->workers[i], memory_order_relaxed);
        if (worker)
            free(atomic_load_explicit(&worker->elder_rows, memory_order_relaxed));
        free(worker);
    }
    arena_fini(&core->arena);
    pthread_mutex_destroy(&core->orphans_lock);
    pthread_mutex_destroy(&core->upkeep_lock);
    horizon_fini(&core->horizon);
}
