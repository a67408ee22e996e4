/* elder.c - see elder.h. */
#include "engine/txn/elder.h"

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"
#include "engine/txn/worker.h"

/* The word: the slot of the elder's worker and one, whether it commits, and the number of its attempt. */
enum { SLOT_BITS = 15, COMMITS = 1 << SLOT_BITS, NUMBER_SHIFT = SLOT_BITS + 1 };
static_assert((int)HORIZON_SLOTS < (int)COMMITS, "a slot has room in the word");

enum { WORD_COUNT = sizeof(struct elder_rows) / sizeof(uint64_t), BITS_EACH = 64 };

bool elder_is_due(const struct mae_worker *worker)
{
    return worker->protocol.elder_after != 0 && worker->elder.aborts >= worker->protocol.elder_after;
}

/* ---- The rows. ORD-19: the bits are relaxed, since one that is seen late only lets somebody pass. ---- */

static uint64_t bit_of(const char *row)
{
    return (uint64_t)(uintptr_t)row * UINT64_C(0x9E3779B97F4A7C15) >> (64 - ELDER_ROW_BITS);
}

static void announce(struct elder_rows *rows, const char *row)
{
    _Atomic uint64_t *word = &rows->words[bit_of(row) / BITS_EACH];
    uint64_t bit = UINT64_C(1) << bit_of(row) % BITS_EACH;
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) | bit, memory_order_relaxed);
}

static bool is_announced(const struct elder_rows *rows, const char *row)
{
    uint64_t word = atomic_load_explicit(&rows->words[bit_of(row) / BITS_EACH], memory_order_relaxed);
    return word >> bit_of(row) % BITS_EACH & 1;
}

/* The worker's own, without rows of earlier transactions; NULL when out of memory. They stay until core_fini, since
 * others may be looking at them at any time. */
static struct elder_rows *own_rows(struct mae_worker *worker)
{
    struct elder_rows *rows = atomic_load_explicit(&worker->elder_rows, memory_order_relaxed);
    if (!rows) {
        rows = mem_alloc(sizeof *rows);
        if (!rows)
            return NULL;
        atomic_store_explicit(&worker->elder_rows, rows, memory_order_relaxed); /* ORD-19 */
    } else if (!worker->elder.announced) {
        for (unsigned i = 0; i < WORD_COUNT; i++)
            atomic_store_explicit(&rows->words[i], 0, memory_order_relaxed);
    }
    worker->elder.announced = true;
    return rows;
}

/* E1. */
static void announce_all(struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    struct elder_rows *rows = own_rows(worker);
    if (!rows)
        return;
    const struct access_set *set = &txn->accesses;
    for (uint32_t i = 0; i < set->count && !MUTATED(elder_rows_forgotten); i++)
        announce(rows, set->entries[i].row);
    if (worker->elder.stopper && !MUTATED(elder_stopper_forgotten))
        announce(rows, worker->elder.stopper);
}

/* ---- The role. ---- */

void elder_begin(struct mae_txn *txn, uint64_t now_ticks)
{
    struct mae_worker *worker = txn->worker;
    struct elder_claim *claim = &worker->elder;
    struct elder *elder = &worker->core->elder;
    enum { DOUBLINGS_MAX = 6 };
    static_assert(ELDER_FIRST_US << DOUBLINGS_MAX == ELDER_MAX_US, "the longest time");
    MAE_DCHECK(!claim->holds && elder_is_due(worker));
    /* ORD-19. E3: of several workers one wins. */
    uint64_t none = 0, word = (claim->attempts + 1) << NUMBER_SHIFT | (worker->id + 1);
    if (!claim->announced || atomic_load_explicit(&elder->word, memory_order_relaxed) != 0 ||
        !atomic_compare_exchange_strong_explicit(&elder->word, &none, word, memory_order_release, memory_order_relaxed))
        return;
    unsigned doublings = claim->failed < DOUBLINGS_MAX ? claim->failed : DOUBLINGS_MAX;
    uint64_t ticks = (uint64_t)((double)(ELDER_FIRST_US << doublings) * worker->core->ticks_per_us);
    atomic_store_explicit(&elder->until_ticks, now_ticks + ticks, memory_order_relaxed); /* ORD-19 */
    claim->attempts++;
    claim->holds = true;
    worker->protocol.restamp = RESTAMP_EXTEND;
    COUNT(worker, elders);
}

void elder_commits(struct mae_worker *worker)
{
    MAE_DCHECK(worker->elder.holds);
    struct elder *elder = &worker->core->elder;
    uint64_t word = atomic_load_explicit(&elder->word, memory_order_relaxed) | COMMITS;
    if (!MUTATED(elder_readers_pass))
        atomic_store_explicit(&elder->word, word, memory_order_release); /* ORD-19 */
}

void elder_end(struct mae_worker *worker)
{
    MAE_DCHECK(worker->elder.holds);
    worker->elder.holds = false;
    worker->protocol.restamp = worker->core->protocol.restamp;
    if (!MUTATED(elder_stays))
        atomic_store_explicit(&worker->core->elder.word, 0, memory_order_relaxed); /* ORD-19 */
}

void elder_forget(struct mae_worker *worker)
{
    struct elder_claim *claim = &worker->elder;
    claim->aborts = claim->failed = 0;
    claim->announced = false;
    claim->stopper = NULL;
    worker_set_beginning(worker);
}

void elder_failed(struct mae_txn *txn, enum mae_status status)
{
    struct mae_worker *worker = txn->worker;
    struct elder_claim *claim = &worker->elder;
    if (!mae_status_is_retryable(status)) { /* the caller gives up */
        elder_forget(worker);
        return;
    }
    claim->aborts++;
    claim->failed += claim->holds;
    if (elder_is_due(worker))
        announce_all(txn);
    claim->stopper = NULL;
    worker_set_beginning(worker);
}

/* ---- Those who wait. ---- */

/* 0, or the elder's word, if the transaction has accessed what it has to leave to the elder for now. */
static uint64_t in_the_way(const struct mae_txn *txn)
{
    const struct core *core = txn->worker->core;
    const struct access_set *set = &txn->accesses;
    uint64_t word = atomic_load_explicit(&core->elder.word, memory_order_acquire); /* ORD-19 */
    unsigned slot = word % COMMITS;
    if (slot == 0 || slot - 1 == txn->worker->id || MUTATED(elder_passed))
        return 0;
    struct mae_worker *other = atomic_load_explicit(&core->workers[slot - 1], memory_order_acquire);
    const struct elder_rows *rows = atomic_load_explicit(&other->elder_rows, memory_order_relaxed); /* ORD-19 */
    const uint32_t accesses = word & COMMITS ? UINT32_MAX : ACCESS_WRITE | ACCESS_TOUCH;
    for (uint32_t i = 0; i < set->count; i++)
        if (set->entries[i].flags & accesses && is_announced(rows, set->entries[i].row))
            return word;
    return 0;
}

bool elder_is_in_the_way(const struct mae_txn *txn)
{
    return atomic_load_explicit(&txn->worker->core->elder.word, memory_order_relaxed) != 0 && in_the_way(txn) != 0;
}

void elder_await(const struct mae_txn *txn)
{
    struct mae_worker *worker = txn->worker;
    const struct elder *elder = &worker->core->elder;
    const uint64_t start = tsc_now(), most = (uint64_t)(ELDER_MAX_US * worker->core->ticks_per_us);
    uint64_t word = in_the_way(txn), now = start;
    if (word)
        COUNT(worker, elder_waits);
    /* E2: another elder's attempt may follow, but not longer than the longest. */
    for (unsigned i = 0; word && now - start < most; i++) {
        RACE(WAIT_ELDER);
        if (worker->on_miss != NULL && !MUTATED(elder_keeps_thread))
            worker->on_miss(worker->on_miss_arg); /* the elder may be another transaction of the thread */
        wait_step(worker->on_miss != NULL ? 0 : i);
        now = tsc_now();
        if (now >= atomic_load_explicit(&elder->until_ticks, memory_order_relaxed) && !MUTATED(elder_waits_on))
            break;
        if (atomic_load_explicit(&elder->word, memory_order_relaxed) != word)
            word = in_the_way(txn);
    }
    COUNT_ADD(worker, elder_wait_ticks, now - start);
}
