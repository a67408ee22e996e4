/* pending.c - see pending.h. */
#include "harness/bench/pending.h"

#include "engine/base/check.h"
#include "harness/common/support.h"

struct pending *pending_create(const struct target *target)
{
    struct pending *pending = support_alloc_aligned(sizeof *pending);
    pending->target = target;
    return pending;
}

void pending_add(struct pending *pending, const struct pending_commit *commit)
{
    MAE_CHECK(commit->count > 0);
    if (pending->end - pending->first < PENDING_MAX) {
        pending->commits[pending->end++ % PENDING_MAX] = *commit;
        return;
    }
    struct pending_commit *newest = &pending->commits[(pending->end - 1) % PENDING_MAX];
    newest->ts = commit->ts > newest->ts ? commit->ts : newest->ts;
    newest->count += commit->count;
}

bool pending_take(struct pending *pending, uint64_t safe_ts, struct pending_commit *commit)
{
    const struct pending_commit *oldest = &pending->commits[pending->first % PENDING_MAX];
    if (pending->first == pending->end || oldest->ts >= safe_ts)
        return false;
    *commit = *oldest;
    pending->first++;
    return true;
}
