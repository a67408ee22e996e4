/*
 * nodes.h - the machines of a sweep over several (column `node`), side by side: does one measure something else?
 *
 * Each node is compared with the others within configurations: of each configuration that it and another node have
 * measured, its runs against theirs. What setting is fast drops out, and what remains is the node. As in verdict.h, a
 * node disagrees if the interval excludes 1 and p, corrected for the number of nodes, is at most VERDICT_ALPHA.
 *
 * One node that differs makes the others differ from the rest, too. So of several that disagree the one that is
 * farthest off is set aside, and the others are compared again without it, until they agree or only two are left, of
 * which nobody can say who is right. Those that were set aside are told by what they are against those that agree.
 * Checked by: tests/unit/harness/analysis/nodes.c.   Not here: which node measures what (harness/sweep/sweep.h).
 */
#ifndef HARNESS_ANALYSIS_NODES_H
#define HARNESS_ANALYSIS_NODES_H

#include "harness/analysis/results.h"
#include "harness/common/statistics.h"

struct node_speed {
    const char *name;      /* points into the set */
    size_t runs, compared; /* its runs; the configurations that another node has measured, too */
    double ratio;          /* its throughput / that of the others; NAN: nothing to compare */
    struct statistics_interval interval;
    double p, p_holm;
    bool disagrees;
};

/* In the order in which they come in the set; the caller frees them. *count: 0 if no run says on which node it was. */
struct node_speed *nodes_compare(const struct results *set, size_t *count);

/* "+3.2% against the other nodes (96.8% interval +1.0% to +5.5%): disagrees", a support_short. */
const char *nodes_text(const struct node_speed *node);

/* A line for each node, if there are several, and a warning if one disagrees. */
void nodes_print(FILE *file, const struct results *set);
extern const char nodes_warning[];

#endif
