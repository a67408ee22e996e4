/* cycles.c - see cycles.h. */
#include "harness/proof/cycles.h"

struct search {
    const struct edge *edges; /* sorted by `from` */
    size_t *begin;            /* of each node's edges; one more than nodes */
    uint32_t nodes;
    uint32_t *component;                     /* of each node */
    enum { RW_NONE, RW_ONE, RW_ANY } rw_max; /* how many edges of rw a cycle may have */
    uint32_t *distance, *from_edge, *queue;  /* of each node in each layer: reached with so many of them */
};

static bool is_rw(const struct edge *edge)
{
    return edge->kind == EDGE_RW || edge->kind == EDGE_RW_ABSENT;
}

/* Tarjan's algorithm without recursion; component numbers begin at 1. */
static void components(struct search *search)
{
    uint32_t n = search->nodes, next = 1, depth = 0, stacked = 0, component = 0;
    SUPPORT_FREED uint32_t *low = support_alloc(4 * (n + 1) * sizeof *low);
    uint32_t *order = low + n + 1, *stack = order + n + 1, *calls = stack + n + 1;
    SUPPORT_FREED size_t *at = support_alloc((n + 1) * sizeof *at);
    for (uint32_t root = 0; root < n; root++) {
        if (order[root])
            continue;
        calls[depth++] = root;
        while (depth) {
            uint32_t node = calls[depth - 1];
            if (!order[node]) {
                order[node] = low[node] = next++;
                stack[stacked++] = node;
                at[node] = search->begin[node];
            }
            bool descended = false;
            for (; at[node] < search->begin[node + 1]; at[node]++) {
                uint32_t to = search->edges[at[node]].to;
                if (search->rw_max == RW_NONE && is_rw(&search->edges[at[node]]))
                    continue;
                if (!order[to]) {
                    calls[depth++] = to;
                    descended = true;
                    break;
                }
                if (!search->component[to] && low[to] < low[node])
                    low[node] = low[to];
            }
            if (descended)
                continue;
            depth--;
            if (low[node] == order[node]) {
                component++;
                uint32_t member;
                do {
                    member = stack[--stacked];
                    search->component[member] = component;
                } while (member != node);
            }
            if (depth && low[node] < low[calls[depth - 1]])
                low[calls[depth - 1]] = low[node];
        }
    }
}

/* Searches breadth first from `start` within its component. Returns the length of the shortest cycle through `start`
 * that has at most search->rw_max edges of rw, or 0 if none is shorter than `most`. A transaction that is reached with
 * one edge of rw and with two counts as two places, since the edges that may follow differ. */
static uint32_t cycle_through(struct search *search, uint32_t start, uint32_t most, uint32_t *last)
{
    uint32_t head = 0, tail = 0, layers = search->rw_max == RW_ONE ? 2 : 1;
    memset(search->distance, 0xff, (size_t)layers * search->nodes * sizeof *search->distance);
    search->queue[tail++] = start;
    search->distance[start] = 0;
    while (head < tail) {
        uint32_t place = search->queue[head++], node = place % search->nodes;
        if (search->distance[place] + 1 >= most)
            return 0;
        for (size_t e = search->begin[node]; e < search->begin[node + 1]; e++) {
            const struct edge *edge = &search->edges[e];
            uint32_t used = place / search->nodes + (search->rw_max != RW_ANY && is_rw(edge));
            if (used >= layers)
                continue;
            if (edge->to == start) {
                search->from_edge[start] = (uint32_t)e;
                *last = place;
                return search->distance[place] + 1;
            }
            uint32_t next = used * search->nodes + edge->to;
            if (search->component[edge->to] == search->component[start] && search->distance[next] == UINT32_MAX) {
                search->distance[next] = search->distance[place] + 1;
                search->from_edge[next] = (uint32_t)e;
                search->queue[tail++] = next;
            }
        }
    }
    return 0;
}

static const char *const edge_texts[] = {[EDGE_WW] = "ww: wrote a version that the next one replaced,",
                                         [EDGE_WR] = "wr: wrote the version that the next one read,",
                                         [EDGE_RW] = "rw: read a version that the next one replaced,",
                                         [EDGE_RW_ABSENT] = "rw: saw a presence or absence that the next one ended,"};

static void describe_cycle(struct graph *graph, const struct search *search, const uint32_t *cycle, uint32_t length)
{
    struct history_checker *checker = graph->checker;
    unsigned kinds[4] = {0};
    for (uint32_t i = 0; i < length; i++)
        kinds[search->edges[cycle[i]].kind]++;
    unsigned rw = kinds[EDGE_RW] + kinds[EDGE_RW_ABSENT];
    enum history_anomaly anomaly = rw > 1    ? kinds[EDGE_RW_ABSENT] ? HISTORY_ANOMALY_G2 : HISTORY_ANOMALY_G2_ITEM
                                   : rw == 1 ? HISTORY_ANOMALY_G_SINGLE
                                   : kinds[EDGE_WR] ? HISTORY_ANOMALY_G1C
                                                    : HISTORY_ANOMALY_G0;
    struct history_verdict *verdict = checker->verdict;
    struct support_text *report = &verdict->report;
    if (!history_finding(checker, anomaly)) {
        if (history_anomaly_is_allowed(checker->promises, anomaly))
            return;
        support_text_add(report, "%s: %s\n", history_anomalies[anomaly].name, history_anomalies[anomaly].meaning);
    }
    support_text_add(report, "  the shortest cycle has %u transactions:\n", length);
    for (uint32_t i = 0; i < length; i++) {
        const struct edge *edge = &search->edges[cycle[i]];
        const char *name =
            edge->object >> 63 ? "an index entry" : history_register_name(checker->history, edge->object);
        history_describe(checker, history_txn_at(checker, edge->from));
        support_text_add(report, "  -- %s %s -->\n", edge_texts[edge->kind], name);
    }
    support_text_add(report, "  and so on with the first\n");
}

/* The edge by which a place of the search was reached, and the place before it. */
static uint32_t step_back(const struct search *search, uint32_t *place)
{
    uint32_t e = search->from_edge[*place];
    const struct edge *edge = &search->edges[e];
    uint32_t layer = *place / search->nodes - (search->rw_max != RW_ANY && is_rw(edge));
    *place = layer * search->nodes + edge->from;
    return e;
}

/* Describes the shortest cycle with so many edges of rw at most; false if there is none, or none was found in time. */
static bool shortest_cycle(struct graph *graph, struct search *search)
{
    enum { STARTS_MAX = 2000 };
    uint32_t n = search->nodes, best = UINT32_MAX, starts = 0, left = 0, *cycle = NULL;
    SUPPORT_FREED uint32_t *sizes = support_alloc((n + 2) * sizeof *sizes);
    memset(search->component, 0, n * sizeof *search->component);
    components(search);
    for (uint32_t i = 0; i < n; i++)
        sizes[search->component[i]]++;
    for (uint32_t i = 0; i < n && best > 2; i++) {
        if (sizes[search->component[i]] < 2)
            continue;
        uint32_t place, length = starts < STARTS_MAX ? cycle_through(search, i, best, &place) : 0;
        left += starts++ >= STARTS_MAX;
        if (!length)
            continue;
        best = length;
        cycle = support_realloc(cycle, length * sizeof *cycle);
        cycle[length - 1] = search->from_edge[i];
        for (uint32_t at = length - 1; at-- > 0;)
            cycle[at] = step_back(search, &place);
    }
    if (cycle != NULL)
        describe_cycle(graph, search, cycle, best);
    else
        graph->checker->verdict->undecided += left;
    free(cycle);
    return cycle != NULL;
}

/* Looks for cycles that the target's promises forbid. If there are none, looks for cycles that they allow. */
void graph_search_cycles(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    uint32_t n = (uint32_t)checker->txns.count;
    if (checker->edges.count == 0)
        return;
    SUPPORT_FREED size_t *begin = support_alloc((n + 2) * sizeof *begin);
    SUPPORT_FREED uint32_t *numbers = support_alloc((size_t)7 * (n + 1) * sizeof *numbers);
    struct search search = {
        .nodes = n,
        .begin = begin,
        .component = numbers,
        .distance = numbers + n + 1,
        .from_edge = numbers + 3 * (n + 1),
        .queue = numbers + 5 * (n + 1),
    };
    search.edges = graph_sort_edges(graph, search.begin);
    search.rw_max = !history_anomaly_is_allowed(checker->promises, HISTORY_ANOMALY_G2_ITEM)    ? RW_ANY
                    : !history_anomaly_is_allowed(checker->promises, HISTORY_ANOMALY_G_SINGLE) ? RW_ONE
                                                                                               : RW_NONE;
    if (!shortest_cycle(graph, &search) && search.rw_max != RW_ANY) {
        search.rw_max = RW_ANY;
        (void)shortest_cycle(graph, &search);
    }
}
