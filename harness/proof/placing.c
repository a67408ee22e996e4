/* placing.c - see placing.h. */
#include "harness/proof/placing.h"

/* The version at the beginning of the line that leads to this one. */
static uint32_t root_of(const struct graph *graph, uint32_t version)
{
    uint32_t steps = 0, most = (uint32_t)graph->checker->versions.count;
    while (graph_version(graph, version)->replaced != HISTORY_NOBODY && steps++ < most) /* a circle ends, too */
        version = graph_version(graph, version)->replaced;
    return version;
}

static bool may_replace(const struct graph *graph, uint32_t version, uint32_t candidate)
{
    const struct version *by = graph_version(graph, version), *old = graph_version(graph, candidate);
    bool replaced_once = graph->checker->promises->isolation >= TARGET_ISOLATION_SNAPSHOT;
    if (candidate == version || (old->taken && replaced_once) || old->present != by->over_present ||
        root_of(graph, candidate) == version)
        return false;
    return !old->present || by->over_ref == HISTORY_ANY_REF || old->ref == by->over_ref || old->ref == HISTORY_ANY_REF;
}

static uint32_t only_candidate(const struct graph *graph, const struct object *object, uint32_t version)
{
    uint32_t found = HISTORY_NOBODY;
    for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
        if (!may_replace(graph, version, at))
            continue;
        if (found != HISTORY_NOBODY)
            return HISTORY_NOBODY;
        found = at;
    }
    return found;
}

/* One round: everything that has one candidate gets it, then these are taken. Two that have the same one both get it:
 * that is a lost insert, and gives a cycle. */
static bool place_round(struct graph *graph, const struct object *object)
{
    bool placed = false;
    for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
        struct version *version = graph_version(graph, at);
        uint32_t replaced = version->unplaced ? only_candidate(graph, object, at) : HISTORY_NOBODY;
        if (replaced == HISTORY_NOBODY)
            continue;
        graph_replace(graph, replaced, at);
        version->unplaced = false;
        placed = true;
    }
    for (uint32_t at = object->first; placed && at != HISTORY_NOBODY; at = graph_version(graph, at)->newer)
        graph_version(graph, at)->taken = graph_version(graph, at)->successor != HISTORY_NOBODY;
    return placed;
}

/* Whether it was there before the history: somebody removed what nobody added. */
static bool was_there(const struct graph *graph, const struct object *object)
{
    bool added = false, removed = false;
    for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
        const struct version *version = graph_version(graph, at);
        added |= version->unplaced && !version->over_present;
        removed |= version->unplaced && version->over_present;
    }
    return removed && !added;
}

void graph_place(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    for (size_t i = 0; i < checker->objects_states.count; i++) {
        const struct object *object = (const struct object *)checker->objects_states.items + i;
        bool unplaced = false, begun = false;
        for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
            unplaced |= graph_version(graph, at)->unplaced;
            begun |= graph_version(graph, at)->writer == HISTORY_NOBODY; /* a version that nobody wrote was replaced */
        }
        if (unplaced && !begun) {
            bool present = was_there(graph, object);
            uint32_t first = graph_prepend(graph, graph_version(graph, object->first)->object, 0, present);
            graph_version(graph, first)->ref = HISTORY_ANY_REF;
        }
        if (!unplaced)
            continue;
        while (place_round(graph, object)) { /* ends: each round places one at least */
        }
        for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer)
            checker->verdict->undecided += graph_version(graph, at)->unplaced;
    }
}

/* A read that several versions fit. */
struct open_read {
    uint64_t object, ref;
    uint32_t txn;
    bool present;
};

static bool fits(const struct graph *graph, uint32_t at, const struct open_read *read)
{
    const struct version *version = graph_version(graph, at);
    return version->present == read->present && version->writer != read->txn &&
           (!read->present || read->ref == HISTORY_ANY_REF || version->ref == read->ref ||
            version->ref == HISTORY_ANY_REF);
}

uint32_t graph_only_seen(const struct graph *graph, const struct object *object, bool present, uint64_t ref)
{
    struct history_checker *checker = graph->checker;
    struct open_read read = {.ref = ref, .txn = graph->visiting, .present = present};
    uint32_t found = HISTORY_NOBODY;
    for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
        if (!fits(graph, at, &read))
            continue;
        if (found != HISTORY_NOBODY) {
            read.object = graph_version(graph, at)->object;
            *(struct open_read *)history_array_add(&checker->open, sizeof read) = read;
            return HISTORY_NOBODY;
        }
        found = at;
    }
    return found;
}

/* ---- What the edges tell. ---- */

/* Where transactions lead to. An edge leads to a higher rank; the transactions of circles, and all behind these, have
 * none. `left`: how many edges may still be walked. */
struct reach {
    const struct edge *edges;
    size_t *begin, left;
    uint32_t nodes;
    uint32_t *rank, *seen_by, *queue, asked; /* seen_by: the last question that came here */
};

enum { NO_RANK = UINT32_MAX };

/* Kahn's algorithm: whoever has no predecessor left gets the next rank. */
static void rank_all(struct reach *reach)
{
    uint32_t *missing = reach->rank, head = 0, tail = 0; /* predecessors without a rank, until there is a rank */
    memset(missing, 0, reach->nodes * sizeof *missing);
    for (size_t e = 0; e < reach->begin[reach->nodes]; e++)
        missing[reach->edges[e].to]++;
    for (uint32_t node = 0; node < reach->nodes; node++)
        if (missing[node] == 0)
            reach->queue[tail++] = node;
    for (; head < tail; head++) {
        uint32_t node = reach->queue[head];
        for (size_t e = reach->begin[node]; e < reach->begin[node + 1]; e++)
            if (--missing[reach->edges[e].to] == 0)
                reach->queue[tail++] = reach->edges[e].to;
    }
    memset(reach->rank, 0xff, reach->nodes * sizeof *reach->rank); /* NO_RANK */
    for (uint32_t i = 0; i < tail; i++)
        reach->rank[reach->queue[i]] = i;
}

/* Whether the edges lead there; false if too many have been walked. What ranks higher than `to` does not lead to it. */
static bool leads_to(struct reach *reach, uint32_t from, uint32_t to)
{
    uint32_t head = 0, tail = 0;
    reach->asked++;
    reach->queue[tail++] = from;
    while (head < tail && reach->left > 0) {
        uint32_t node = reach->queue[head++];
        for (size_t e = reach->begin[node]; e < reach->begin[node + 1] && reach->left > 0; e++, reach->left--) {
            uint32_t next = reach->edges[e].to;
            if (next == to)
                return true;
            if (reach->seen_by[next] != reach->asked && reach->rank[next] <= reach->rank[to])
                reach->queue[tail++] = next;
            reach->seen_by[next] = reach->asked;
        }
    }
    return false;
}

/* Whether the transaction can have seen it, for all that the edges tell. */
static bool may_have_seen(const struct graph *graph, struct reach *reach, uint32_t txn, uint32_t at)
{
    const struct version *version = graph_version(graph, at);
    if (version->writer != HISTORY_NOBODY && leads_to(reach, txn, version->writer))
        return false;
    for (uint32_t by = version->successor; by != HISTORY_NOBODY; by = graph_version(graph, by)->sibling) {
        uint32_t writer = graph_version(graph, by)->writer;
        if (writer != txn && leads_to(reach, writer, txn))
            return false;
    }
    return true;
}

/* True if this read is decided: it has its edges then. */
static bool decide(struct graph *graph, struct reach *reach, const struct open_read *read)
{
    uint32_t first = HISTORY_NOBODY, possible = HISTORY_NOBODY;
    for (uint32_t at = graph_object(graph, read->object)->first; at != HISTORY_NOBODY;
         at = graph_version(graph, at)->newer) {
        if (!fits(graph, at, read))
            continue;
        first = first == HISTORY_NOBODY ? at : first;
        if (!may_have_seen(graph, reach, read->txn, at))
            continue;
        if (possible != HISTORY_NOBODY)
            return false;
        possible = at;
    }
    graph->visiting = read->txn;
    graph_read(graph, possible != HISTORY_NOBODY ? possible : first, true);
    return true;
}

void graph_decide(struct graph *graph)
{
    const size_t edges_max = 100 * 1000 * 1000; /* a second or two */
    struct history_checker *checker = graph->checker;
    struct history_array *open = &checker->open;
    uint32_t nodes = (uint32_t)checker->txns.count;
    size_t before = SIZE_MAX;
    SUPPORT_FREED size_t *begin = support_alloc((nodes + 1) * sizeof *begin);
    SUPPORT_FREED uint32_t *numbers = support_alloc(3 * (nodes + 1) * sizeof *numbers);
    struct reach reach = {.begin = begin,
                          .left = edges_max,
                          .nodes = nodes,
                          .rank = numbers,
                          .seen_by = numbers + nodes + 1,
                          .queue = numbers + 2 * (nodes + 1)};
    bool tells = checker->promises->isolation == TARGET_ISOLATION_SERIALIZABLE;
    while (tells && open->count > 0 && open->count < before) { /* ends: each round decides one at least */
        struct open_read *reads = open->items;
        size_t kept = 0;
        reach.edges = graph_sort_edges(graph, reach.begin);
        rank_all(&reach);
        before = open->count;
        for (size_t i = 0; i < before; i++) {
            struct open_read read = reads[i];
            size_t edges = checker->edges.count;
            if (!decide(graph, &reach, &read))
                reads[kept++] = read;
            else if (checker->edges.count > edges)
                reach.edges = checker->edges.items; /* may have moved; what is new counts from the next round on */
        }
        open->count = kept;
    }
    checker->verdict->undecided += open->count;
}
