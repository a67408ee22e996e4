/* slow.c - see slow.h. */
#include "engine/txn/slow.h"

#ifdef MAE_SLOW

#include "engine/base/tsc.h"
#include "engine/txn/worker.h"

/* Less is saved up, so that reading the clock costs little of it. Beyond the gap a worker was idle or off its CPU. */
enum { SPIN_TICKS_MIN = 1000, READ_TICKS = 25, GAP_TICKS_MAX = 500 * 1000 };

void slow_down(const struct mae_txn *txn)
{
    static _Thread_local uint64_t last_begin, spun;
    static _Thread_local int64_t owed; /* ticks, times 100 */
    uint64_t begin_ticks = atomic_load_explicit(&txn->worker->slot->begin_ticks, memory_order_relaxed);
    uint64_t passed = begin_ticks - last_begin;
    if (passed < GAP_TICKS_MAX && passed > spun)
        owed += (int64_t)(passed - spun) * MAE_SLOW;
    last_begin = begin_ticks;
    spun = 0;
    if (owed < 100 * SPIN_TICKS_MIN)
        return;
    uint64_t start = tsc_now();
    do {
        spun = tsc_now() - start + READ_TICKS;
    } while ((int64_t)spun < owed / 100);
    owed -= 100 * (int64_t)spun;
}

#elif defined(MAE_SLOW_INSTRUCTIONS)

#include "engine/txn/worker.h"

enum { PER_TXN = 609, PER_ACCESS = 518, PER_LOOP = 2 };

void slow_down(const struct mae_txn *txn)
{
    static _Thread_local uint64_t owed; /* instructions, times 100 */
    owed += (PER_TXN + (uint64_t)PER_ACCESS * txn->accesses.count) * MAE_SLOW_INSTRUCTIONS;
    uint64_t loops = owed / 100 / PER_LOOP;
    owed -= loops * 100 * PER_LOOP;
    while (loops-- > 0)
        __asm__ volatile("");
}

#endif
