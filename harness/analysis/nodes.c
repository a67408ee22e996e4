/* nodes.c - see nodes.h. */
#include "harness/analysis/nodes.h"

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

/* The configuration's runs on this node, from the end of `values`, and all others, from its beginning. */
static struct statistics_block block_of(const struct results *set, const struct results_group *group, const char *name,
                                        double *values)
{
    struct statistics_block block = {.a = values};
    double value;
    for (size_t i = 0; i < group->count; i++) {
        const char *node = results_text(set, group->rows[i], "node");
        if (*node == '\0' || !quantity_parse_f64(results_text(set, group->rows[i], THROUGHPUT), &value))
            continue;
        if (strcmp(node, name) != 0)
            values[block.a_count++] = value;
        else
            values[group->count - ++block.b_count] = value;
    }
    block.b = values + (group->count - block.b_count);
    return block;
}

static void node_compare(const struct results *set, const struct results_groups *groups, struct node_speed *node)
{
    SUPPORT_FREED double *values = support_alloc((set->count + 1) * sizeof *values);
    SUPPORT_FREED struct statistics_block *blocks = support_alloc((groups->count + 1) * sizeof *blocks);
    size_t used = 0;
    for (size_t i = 0; i < groups->count; i++) {
        blocks[node->compared] = block_of(set, &groups->items[i], node->name, values + used);
        used += groups->items[i].count;
        node->compared += blocks[node->compared].a_count > 0 && blocks[node->compared].b_count > 0;
    }
    statistics_block_ratio(blocks, node->compared, 1 - VERDICT_ALPHA, &node->ratio, &node->interval);
    node->p = statistics_block_test(blocks, node->compared).p;
}

struct node_speed *nodes_compare(const struct results *set, size_t *count)
{
    struct node_speed *nodes = nodes_find(set, count);
    SUPPORT_ENDED_BY(results_key_free) struct results_key configuration = {0};
    results_key_add(&configuration, csv_table_column(&set->table, "label"));
    results_key_add_configuration(&configuration, set);
    SUPPORT_ENDED_BY(results_groups_free) struct results_groups groups = results_group(set, &configuration, NULL, 0);
    SUPPORT_FREED double *p = support_alloc((*count + 1) * sizeof *p), *holm = support_alloc((*count + 1) * sizeof *p);
    for (size_t i = 0; i < *count; i++) {
        node_compare(set, &groups, &nodes[i]);
        p[i] = nodes[i].p;
    }
    statistics_holm(p, *count, holm);
    for (size_t i = 0; i < *count; i++) {
        const struct statistics_interval *interval = &nodes[i].interval;
        nodes[i].p_holm = holm[i];
        nodes[i].disagrees = holm[i] <= VERDICT_ALPHA && (interval->low > 1 || interval->high < 1);
    }
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
