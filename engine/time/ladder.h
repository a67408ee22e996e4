/*
 * ladder.h - which of some bounds of waits commits most: found within LADDER_SEARCH_PERIODS, then kept.
 *
 * The bounds are rungs: 0, 0.5, 1, 2, 4 ... 512 us. A search tries every rung for a period, the better half of them for
 * two periods more, and the best three of these for four more. It is sequential halving (Karnin, Koren, Somekh, ICML
 * 2013): most of its time goes to the rungs that are hard to tell apart, and a hill with two tops does not mislead it.
 *
 *   BO4  A search ends after at most LADDER_SEARCH_PERIODS, at a rung that no other one of its last round beats by 3%.
 *   BO5  The rung that a search began at is in each of its rounds, and is left only for one that is better by 3%. So on
 *        a plateau noise does not carry the bound away.
 *   BO6  Between searches the bound stays. A search begins when the rate has moved by an eighth, as with another load,
 *        and after LADDER_HOLD_PERIODS in any case. After one that was begun by a moved rate a moved rate counts only
 *        after twice as long, so that a rate that always moves costs few searches.
 * Rungs are tried in ascending order, as workers may still sit in the waits of a longer bound; a period after a longer
 * bound does not count.
 * Source: ours. Checked by: tests/unit/time/ladder.c. Not here: how long a period is (backoff.h).
 */
#ifndef ENGINE_TIME_LADDER_H
#define ENGINE_TIME_LADDER_H

#include <stdbool.h>

enum { LADDER_RUNGS = 12, LADDER_SEARCH_PERIODS = 40, LADDER_HOLD_PERIODS = 1000 };

struct ladder {
    unsigned home;              /* the rung that was best */
    double total[LADDER_RUNGS]; /* of the rates in this search, and how many they are */
    unsigned count[LADDER_RUNGS];
    unsigned rungs[LADDER_RUNGS]; /* of this round, ascending */
    unsigned rungs_count, place;  /* the rung that is tried: rungs[place] */
    unsigned round, periods_left; /* for that rung */
    bool searching, leftover;     /* the present period came after a longer bound */
    bool moved;                   /* the search was begun by a moved rate */
    double usual, recent;         /* means of the rate since the last search: of all, and of some periods */
    unsigned held, patience;      /* periods since then; after how many a moved rate counts */
};

void ladder_init(struct ladder *ladder);

/* Tells the rate of commits in the period that has ended. Returns the bound for the next one, in us. */
double ladder_next(struct ladder *ladder, double rate);

#endif
