/* nodes.c - see nodes.h. */
#include "harness/analysis/nodes.h"

#include <math.h>

#include "harness/analysis/verdict.h"
#include "harness/common/quantity.h"

#define THROUGHPUT "throughput_txn_per_s"

const char nodes_warning[] = "nodes disagree: settings that were measured on different nodes cannot be compared with "
                             "each other; within a node they can";

/* The texts of the column, each once, in the order of their first rows. */
static struct node_speed *nodes_find(const struct results *set, size_t *count)
{
    struct node_speed *nodes = support_alloc((set->count + 1) * sizeof *nodes);
    *count = 0;
    for (size_t row = 0; row < set->count; row++) {
        const char *name = results_text(set, row, "node");
        size_t at = 0;
        while (at < *count && strcmp(nodes[at].name, name) != 0)
            at++;
        if (*name == '\0')
            continue;
        if (at == *count)
            nodes[(*count)++].name = name;
        nodes[at].runs++;
    }
    return nodes;
}

/* Nodes in the comparison; `aside`: those that have been set aside. */
struct comparison {
    const struct results *set;
    const struct results_groups *groups;
    struct node_speed *nodes;
    size_t count;
    bool *aside;
};

/* Whether the runs of this name count as those of the others. */
static bool is_other(const struct comparison *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->nodes[i].name, name) == 0)
            return !all->aside[i];
    return false;
}

/* The configuration's runs on this node, from the end of `values`, and on the others, from its beginning. */
static struct statistics_block block_of(const struct comparison *all, const struct results_group *group,
                                        const char *name, double *values)
{
    struct statistics_block block = {.a = values};
    double value;
    for (size_t i = 0; i < group->count; i++) {
        const char *node = results_text(all->set, group->rows[i], "node");
        if (!quantity_parse_f64(results_text(all->set, group->rows[i], THROUGHPUT), &value))
            continue;
        if (strcmp(node, name) == 0)
            values[group->count - ++block.b_count] = value;
        else if (is_other(all, node))
            values[block.a_count++] = value;
    }
    block.b = values + (group->count - block.b_count);
    return block;
}

static void node_compare(const struct comparison *all, struct node_speed *node)
{
    SUPPORT_FREED double *values = support_alloc((all->set->count + 1) * sizeof *values);
    SUPPORT_FREED struct statistics_block *blocks = support_alloc((all->groups->count + 1) * sizeof *blocks);
    size_t used = 0;
    node->compared = 0;
    for (size_t i = 0; i < all->groups->count; i++) {
        blocks[node->compared] = block_of(all, &all->groups->items[i], node->name, values + used);
        used += all->groups->items[i].count;
        node->compared += blocks[node->compared].a_count > 0 && blocks[node->compared].b_count > 0;
    }
    statistics_block_ratio(blocks, node->compared, 1 - VERDICT_ALPHA, &node->ratio, &node->interval);
    node->p = statistics_block_test(blocks, node->compared).p;
}

/* Compares those that are not set aside with each other. Returns how many they are, and in *farthest which of those
 * that disagree is farthest off; all->count: none disagrees. */
static size_t round_compare(const struct comparison *all, size_t *farthest)
{
    SUPPORT_FREED double *p = support_alloc((all->count + 1) * sizeof *p),
                         *holm = support_alloc((all->count + 1) * sizeof *holm);
    size_t left = 0, at = 0;
    double most = 0;
    for (size_t i = 0; i < all->count; i++)
        if (!all->aside[i]) {
            node_compare(all, &all->nodes[i]);
            p[left++] = all->nodes[i].p;
        }
    statistics_holm(p, left, holm);
    *farthest = all->count;
    for (size_t i = 0; i < all->count; i++) {
        struct node_speed *node = &all->nodes[i];
        if (all->aside[i])
            continue;
        node->p_holm = holm[at++];
        node->disagrees = node->p_holm <= VERDICT_ALPHA && (node->interval.low > 1 || node->interval.high < 1);
        if (node->disagrees && fabs(log(node->ratio)) > most) {
            most = fabs(log(node->ratio));
            *farthest = i;
        }
    }
    return left;
}

struct node_speed *nodes_compare(const struct results *set, size_t *count)
{
    enum { TWO = 2 };
    struct node_speed *nodes = nodes_find(set, count);
    SUPPORT_ENDED_BY(results_key_free) struct results_key configuration = {0};
    results_key_add(&configuration, csv_table_column(&set->table, "label"));
    results_key_add_configuration(&configuration, set);
    SUPPORT_ENDED_BY(results_groups_free) struct results_groups groups = results_group(set, &configuration, NULL, 0);
    SUPPORT_FREED bool *aside = support_alloc((*count + 1) * sizeof *aside);
    const struct comparison all = {.set = set, .groups = &groups, .nodes = nodes, .count = *count, .aside = aside};
    size_t farthest;
    while (round_compare(&all, &farthest) > TWO && farthest < *count)
        aside[farthest] = true; /* ends: one less is left */
    for (size_t i = 0; i < *count; i++)
        if (aside[i])
            node_compare(&all, &nodes[i]);
    return nodes;
}

const char *nodes_text(const struct node_speed *node)
{
    if (node->compared == 0)
        return "no setting in common with another node: cannot be compared";
    return support_short("%s against the other nodes (%s): %s", statistics_ratio_text(node->ratio),
                         statistics_interval_text(node->interval), node->disagrees ? "disagrees" : "within noise");
}

void nodes_print(FILE *file, const struct results *set)
{
    size_t count, disagree = 0;
    SUPPORT_FREED struct node_speed *nodes = nodes_compare(set, &count);
    for (size_t i = 0; i < count && count > 1; i++) {
        (void)fprintf(file, "node %s, %zu runs: %s\n", nodes[i].name, nodes[i].runs, nodes_text(&nodes[i]));
        disagree += nodes[i].disagrees;
    }
    if (disagree > 0)
        (void)fprintf(file, "%s\n", nodes_warning);
}
