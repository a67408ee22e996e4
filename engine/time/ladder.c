/* ladder.c - see ladder.h. */
#include "engine/time/ladder.h"

#include <math.h>

#include "engine/base/compiler.h"

enum { ROUNDS = 3, PATIENCE_MIN = 8, PATIENCE_MAX = 512, USUAL_PERIODS = 64 };

static const struct {
    unsigned rungs, periods;
} rounds[ROUNDS] = {{LADDER_RUNGS, 1}, {LADDER_RUNGS / 2, 2}, {LADDER_RUNGS / 4, 4}};

static const double BETTER = 1.03, HOPELESS = 0.25, MOVED = 0.125, RECENT_SHARE = 0.25;

static double rung_us(unsigned rung)
{
    return rung == 0 ? 0 : (double)(1U << rung) / 4;
}

static double mean_of(const struct ladder *ladder, unsigned rung)
{
    return ladder->total[rung] / ladder->count[rung];
}

static void round_begin(struct ladder *ladder, unsigned round)
{
    ladder->round = round;
    ladder->place = 0;
    ladder->periods_left = rounds[round].periods;
}

static void search_begin(struct ladder *ladder, bool moved)
{
    for (unsigned i = 0; i < LADDER_RUNGS; i++) {
        ladder->rungs[i] = i;
        ladder->total[i] = ladder->count[i] = 0;
    }
    ladder->rungs_count = LADDER_RUNGS;
    ladder->searching = true;
    ladder->leftover = ladder->home > 0;
    ladder->moved = moved;
    round_begin(ladder, 0);
}

void ladder_init(struct ladder *ladder)
{
    *ladder = (struct ladder){.patience = PATIENCE_MIN};
    search_begin(ladder, false);
}

/* The place of the worst rung of the round, but for the one that the search began at (BO5). */
static unsigned worst_place(const struct ladder *ladder)
{
    unsigned worst = ladder->rungs[0] == ladder->home ? 1 : 0;
    for (unsigned i = worst + 1; i < ladder->rungs_count; i++)
        if (ladder->rungs[i] != ladder->home &&
            mean_of(ladder, ladder->rungs[i]) < mean_of(ladder, ladder->rungs[worst]))
            worst = i;
    return worst;
}

static unsigned best_rung(const struct ladder *ladder)
{
    unsigned best = ladder->home;
    for (unsigned i = 0; i < ladder->rungs_count; i++)
        if (mean_of(ladder, ladder->rungs[i]) > mean_of(ladder, best))
            best = ladder->rungs[i];
    return best;
}

static void search_end(struct ladder *ladder)
{
    unsigned best = best_rung(ladder), before = ladder->home, last = ladder->rungs[ladder->rungs_count - 1];
    if (mean_of(ladder, best) > BETTER * mean_of(ladder, before) || MUTATED(ladder_wanders))
        ladder->home = best;
    unsigned longer = ladder->patience * 2 < PATIENCE_MAX ? ladder->patience * 2 : PATIENCE_MAX;
    ladder->patience = ladder->moved ? longer : PATIENCE_MIN;
    ladder->usual = ladder->recent = mean_of(ladder, ladder->home);
    ladder->held = 0;
    ladder->searching = false;
    ladder->leftover = ladder->home < last;
}

static void round_end(struct ladder *ladder)
{
    if (ladder->round == ROUNDS - 1 || MUTATED(ladder_hurries)) {
        search_end(ladder);
        return;
    }
    round_begin(ladder, ladder->round + 1);
    while (ladder->rungs_count > rounds[ladder->round].rungs) {
        ladder->rungs_count--;
        for (unsigned i = worst_place(ladder); i < ladder->rungs_count; i++)
            ladder->rungs[i] = ladder->rungs[i + 1];
    }
    ladder->leftover = true;
}

/* In the first round: two rungs in a row committed less than a fourth of what the best one did, so that longer bounds
 * need not be tried. */
static bool is_hopeless(const struct ladder *ladder)
{
    unsigned rung = ladder->place;
    if (ladder->round > 0 || rung <= ladder->home || rung == 0)
        return false;
    unsigned best = 0;
    for (unsigned i = 1; i <= rung; i++)
        best = mean_of(ladder, i) > mean_of(ladder, best) ? i : best;
    double least = HOPELESS * mean_of(ladder, best);
    return mean_of(ladder, rung) < least && mean_of(ladder, rung - 1) < least;
}

static void search_step(struct ladder *ladder, double rate)
{
    unsigned rung = ladder->rungs[ladder->place];
    ladder->total[rung] += rate;
    ladder->count[rung]++;
    if (--ladder->periods_left > 0)
        return;
    if (is_hopeless(ladder))
        ladder->rungs_count = ladder->place + 1;
    if (++ladder->place == ladder->rungs_count)
        round_end(ladder);
    else
        ladder->periods_left = rounds[ladder->round].periods;
}

/* BO6. */
static void hold_step(struct ladder *ladder, double rate)
{
    if (ladder->held < LADDER_HOLD_PERIODS)
        ladder->held++;
    ladder->usual += (rate - ladder->usual) / (ladder->held < USUAL_PERIODS ? ladder->held + 7 : USUAL_PERIODS);
    ladder->recent += RECENT_SHARE * (rate - ladder->recent);
    bool moved = ladder->held >= ladder->patience && fabs(ladder->recent - ladder->usual) > MOVED * ladder->usual;
    if ((moved && !MUTATED(ladder_unmoved)) || ladder->held >= LADDER_HOLD_PERIODS)
        search_begin(ladder, moved);
}

double ladder_next(struct ladder *ladder, double rate)
{
    if (ladder->leftover && !MUTATED(ladder_counts_leftovers))
        ladder->leftover = false;
    else if (ladder->searching)
        search_step(ladder, rate);
    else
        hold_step(ladder, rate);
    return rung_us(ladder->searching ? ladder->rungs[ladder->place] : ladder->home);
}
