/*
 * graph.c - the serialization graph and its cycles; see check.h.
 *
 * Nodes are committed transactions. An object is a register or, when cycles are searched, an index entry. The versions
 * of an object form a tree by what they replaced; in a correct history the tree is a line. Edges:
 *     ww   from the writer of a version to the writer of one that replaced it
 *     wr   from the writer of a version to a transaction that read it
 *     rw   from a transaction that read a version to the writer of one that replaced it
 * Transactions are visited in timestamp order, for speed, and to order versions that do not name their predecessor.
 * First only registers are objects: if every edge leads to a larger timestamp, the graph has no cycle. Otherwise, or if
 * replay.c found something, the graph is built with entries, too, its components are found (Tarjan), and in them the
 * shortest cycle.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/proof/internal.h"

enum edge_kind { EDGE_WW, EDGE_WR, EDGE_RW, EDGE_RW_ABSENT };

struct version {
    uint64_t object, ts;         /* ts: of its writer, 0 for the absence before the first insert */
    uint32_t writer;             /* place among the transactions; HISTORY_NOBODY: older than the history */
    uint32_t older, newer;       /* in timestamp order */
    uint32_t replaced;           /* what it replaced, as recorded */
    uint32_t successor, sibling; /* first version that replaced this one; the next one that replaced the same */
    uint64_t ref;                /* of an entry */
    bool present;                /* not a tombstone */
};

struct object {
    uint32_t first, last; /* in timestamp order */
    uint32_t current;     /* the last one up to the transaction being visited */
};

struct edge {
    uint32_t from, to;
    uint64_t object;
    enum edge_kind kind;
};

struct unresolved {
    uint32_t version;
    uint64_t ts;
};

struct graph {
    struct history_checker *checker;
    bool entries; /* of indexes too */
    bool collect; /* edges, else only whether all go forward */
    bool all_forward;
    uint32_t visiting;
};

static struct version *version_at(const struct graph *graph, uint32_t i)
{
    return (struct version *)graph->checker->versions.items + i;
}

static struct object *object_of(struct graph *graph, uint64_t name)
{
    struct history_checker *checker = graph->checker;
    uint32_t number = history_map_number(&checker->objects, name);
    if (number == checker->objects_states.count) {
        struct object *object = history_array_add(&checker->objects_states, sizeof *object);
        *object = (struct object){HISTORY_NOBODY, HISTORY_NOBODY, HISTORY_NOBODY};
    }
    return (struct object *)checker->objects_states.items + number;
}

static uint32_t version_add(struct graph *graph, uint64_t name, uint64_t ts, uint32_t writer, bool present)
{
    struct version *version = history_array_add(&graph->checker->versions, sizeof *version);
    *version = (struct version){.object = name,
                                .ts = ts,
                                .writer = writer,
                                .older = HISTORY_NOBODY,
                                .newer = HISTORY_NOBODY,
                                .replaced = HISTORY_NOBODY,
                                .successor = HISTORY_NOBODY,
                                .sibling = HISTORY_NOBODY,
                                .present = present};
    return (uint32_t)(graph->checker->versions.count - 1);
}

/* Appends in timestamp order. */
static uint32_t version_append(struct graph *graph, uint64_t name, uint64_t ts, uint32_t writer, bool present)
{
    uint32_t added = version_add(graph, name, ts, writer, present);
    struct object *object = object_of(graph, name);
    version_at(graph, added)->older = object->last;
    if (object->last != HISTORY_NOBODY)
        version_at(graph, object->last)->newer = added;
    else
        object->first = added;
    object->last = added;
    return added;
}

/* Puts a version from before the history below all others. */
static uint32_t version_prepend(struct graph *graph, uint64_t name, uint64_t ts, bool present)
{
    uint32_t added = version_add(graph, name, ts, HISTORY_NOBODY, present);
    struct object *object = object_of(graph, name);
    version_at(graph, added)->newer = object->first;
    if (object->first != HISTORY_NOBODY)
        version_at(graph, object->first)->older = added;
    else
        object->last = added;
    object->first = added;
    return added;
}

/* The version of that writer, searched from `near` down and then up. */
static uint32_t version_of(const struct graph *graph, uint32_t near, uint64_t ts)
{
    for (uint32_t at = near; at != HISTORY_NOBODY; at = version_at(graph, at)->older)
        if (version_at(graph, at)->ts == ts)
            return at;
    for (uint32_t at = near; at != HISTORY_NOBODY; at = version_at(graph, at)->newer)
        if (version_at(graph, at)->ts == ts)
            return at;
    return HISTORY_NOBODY;
}

static void replace(struct graph *graph, uint32_t replaced, uint32_t by)
{
    version_at(graph, by)->replaced = replaced;
    version_at(graph, by)->sibling = version_at(graph, replaced)->successor;
    version_at(graph, replaced)->successor = by;
}

/* ---- First visit: the versions. ---- */

/* A write; `ts` of what it replaced, HISTORY_ANY_TS if it does not say; `was_there`: that was no absence. */
static void write_version(struct graph *graph, uint64_t name, uint64_t ts, bool was_there, bool present, uint64_t ref)
{
    uint64_t own = history_txn_at(graph->checker, graph->visiting)->ts;
    struct object *object = object_of(graph, name);
    if (object->last != HISTORY_NOBODY && version_at(graph, object->last)->writer == graph->visiting) {
        struct version *again =
            version_at(graph, object->last); /* only a transaction's last write of an object counts */
        again->present = present;
        again->ref = ref;
        return;
    }
    uint32_t before = object->last;
    if (ts != HISTORY_ANY_TS && ts != own) {
        before = version_of(graph, before, ts);
        if (before == HISTORY_NOBODY && !history_was_committed(graph->checker, ts))
            before = version_prepend(graph, name, ts, true); /* from before the history, or nobody's */
    } else if (before == HISTORY_NOBODY) {
        before = version_prepend(graph, name, 0, was_there);
    }
    uint32_t added = version_append(graph, name, own, graph->visiting, present);
    version_at(graph, added)->ref = ref;
    if (before != HISTORY_NOBODY)
        replace(graph, before, added);
    else /* its writer has a larger timestamp */
        *(struct unresolved *)history_array_add(&graph->checker->unresolved, sizeof(struct unresolved)) =
            (struct unresolved){added, ts};
}

static uint64_t entry_name(const struct graph *graph, unsigned index, const uint64_t *key, uint64_t ref)
{
    const struct history_index *info = &graph->checker->history->indexes[index];
    uint64_t hash = index + UINT64_C(0x8000000000000000);
    for (unsigned i = 0; i < info->key_words + (info->non_unique ? 1 : 0); i++) {
        hash ^= i < info->key_words ? key[i] : ref;
        hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
        hash = (hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15);
    }
    return hash | UINT64_C(1) << 63; /* registers are smaller */
}

static void define(struct graph *graph, const uint64_t *record)
{
    unsigned index = (unsigned)history_b(record[0]);
    uint64_t ref;
    switch (history_kind(record[0])) {
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        write_version(graph, record[1], history_final(graph->checker, record[2]), true,
                      history_kind(record[0]) == HISTORY_WRITE, 0);
        break;
    case HISTORY_BLIND:
    case HISTORY_INSERT:
        write_version(graph, record[1], HISTORY_ANY_TS, history_kind(record[0]) == HISTORY_BLIND, true, 0);
        break;
    case HISTORY_ADD:
    case HISTORY_REMOVE:
        if (!graph->entries)
            break;
        ref = record[1 + graph->checker->history->indexes[index].key_words];
        write_version(graph, entry_name(graph, index, record + 1, ref), HISTORY_ANY_TS,
                      history_kind(record[0]) == HISTORY_REMOVE, history_kind(record[0]) == HISTORY_ADD, ref);
        break;
    default:
        break;
    }
}

/* ---- Second visit: the edges. ---- */

static void edge(struct graph *graph, uint32_t from, uint32_t to, uint64_t object, enum edge_kind kind)
{
    if (from == to || from == HISTORY_NOBODY || to == HISTORY_NOBODY)
        return;
    graph->all_forward &= from < to;
    if (graph->collect) {
        struct edge *added = history_array_add(&graph->checker->edges, sizeof *added);
        *added = (struct edge){from, to, object, kind};
    }
}

static void read_edges(struct graph *graph, uint32_t read, bool absent)
{
    const struct version *version = version_at(graph, read);
    if (version->writer == graph->visiting)
        return;
    edge(graph, version->writer, graph->visiting, version->object, EDGE_WR);
    for (uint32_t by = version->successor; by != HISTORY_NOBODY; by = version_at(graph, by)->sibling)
        edge(graph, graph->visiting, version_at(graph, by)->writer, version->object, absent ? EDGE_RW_ABSENT : EDGE_RW);
}

/* The newest version up to here that looks as it was seen. */
static void seen(struct graph *graph, uint64_t name, bool present, uint64_t ref)
{
    struct object *object = object_of(graph, name);
    uint32_t at = object->current;
    if (at != HISTORY_NOBODY && version_at(graph, at)->writer == graph->visiting)
        return; /* its own doing */
    while (at != HISTORY_NOBODY && (version_at(graph, at)->present != present ||
                                    (present && ref != HISTORY_ANY_REF && version_at(graph, at)->ref != ref)))
        at = version_at(graph, at)->older;
    if (at == HISTORY_NOBODY && !present && object->first != HISTORY_NOBODY &&
        !version_at(graph, object->first)->present) {
        at = object->first; /* the absence before the first insert */
    }
    if (at != HISTORY_NOBODY)
        read_edges(graph, at, true);
}

static void pass_write(struct graph *graph, uint64_t name)
{
    struct object *object = object_of(graph, name);
    uint32_t next = object->current == HISTORY_NOBODY ? object->first : version_at(graph, object->current)->newer;
    while (next != HISTORY_NOBODY && version_at(graph, next)->writer == HISTORY_NOBODY)
        next = version_at(graph, next)->newer;
    if (next != HISTORY_NOBODY && version_at(graph, next)->writer == graph->visiting) {
        object->current = next;
        uint32_t replaced = version_at(graph, next)->replaced, older = version_at(graph, next)->older;
        if (replaced != HISTORY_NOBODY)
            edge(graph, version_at(graph, replaced)->writer, graph->visiting, name, EDGE_WW);
        if (older != HISTORY_NOBODY && older != replaced && version_at(graph, older)->replaced == replaced)
            edge(graph, version_at(graph, older)->writer, graph->visiting, name, EDGE_WW); /* both replaced the same */
    }
}

static void read_register(struct graph *graph, uint64_t name, uint64_t ts)
{
    struct object *object = object_of(graph, name);
    uint32_t near = object->current != HISTORY_NOBODY ? object->current : object->first;
    if (ts == history_txn_at(graph->checker, graph->visiting)->ts &&
        !history_txn_at(graph->checker, graph->visiting)->snapshot)
        return;
    uint32_t read = version_of(graph, near, ts);
    if (read == HISTORY_NOBODY && !history_was_committed(graph->checker, ts) &&
        !history_was_aborted(graph->checker, ts) && object->first != HISTORY_NOBODY &&
        version_at(graph, object->first)->writer == HISTORY_NOBODY)
        read = object->first; /* the initial version, which nobody names */
    if (read != HISTORY_NOBODY)
        read_edges(graph, read, false);
}

static void use_scan(struct graph *graph, const uint64_t *record)
{
    const struct history_checker *checker = graph->checker;
    unsigned index = (unsigned)history_b(record[0]), flags = history_a(record[0]);
    const struct history_index *info = &checker->history->indexes[index];
    size_t key_words = info->key_words;
    const uint64_t *low = record + 1, *high = low + key_words, *entries = high + key_words + 1;
    uint64_t visited = record[1 + 2 * key_words];
    for (uint64_t i = 0; i < visited; i++) {
        const uint64_t *entry = entries + i * (key_words + 1);
        seen(graph, entry_name(graph, index, entry, entry[key_words]), true, entry[key_words]);
    }
    size_t place = flags & HISTORY_LOW_OPEN ? 0 : history_entry_bound(checker, index, low, 0);
    for (; place < checker->entries[index].count; place++) {
        const uint64_t *key = ((const uint64_t *const *)checker->entries[index].items)[place];
        if (!(flags & HISTORY_HIGH_OPEN) && history_key_compare(info, key, high) > 0)
            break;
        bool was_visited = false;
        for (uint64_t i = 0; i < visited && !was_visited; i++) {
            const uint64_t *entry = entries + i * (key_words + 1);
            was_visited =
                history_key_compare(info, key, entry) == 0 && (!info->non_unique || key[key_words] == entry[key_words]);
        }
        if (!was_visited)
            seen(graph, entry_name(graph, index, key, key[key_words]), false, 0);
    }
}

static void use(struct graph *graph, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    unsigned index = (unsigned)(history_b(record[0]) & (HISTORY_INDEXES_MAX - 1));
    size_t key_words = graph->checker->history->indexes[index].key_words;
    switch (kind) {
    case HISTORY_READ:
        read_register(graph, record[1], history_final(graph->checker, record[2]));
        break;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        if (record[2] != HISTORY_ANY_TS)
            read_register(graph, record[1], history_final(graph->checker, record[2]));
        else
            seen(graph, record[1], true, HISTORY_ANY_REF);
        pass_write(graph, record[1]);
        break;
    case HISTORY_BLIND:
        pass_write(graph, record[1]);
        break;
    case HISTORY_INSERT:
        seen(graph, record[1], false, 0);
        pass_write(graph, record[1]);
        break;
    case HISTORY_MISS:
        seen(graph, record[1], false, 0);
        break;
    case HISTORY_EXISTS:
        seen(graph, record[1], true, HISTORY_ANY_REF);
        break;
    case HISTORY_ADD:
    case HISTORY_REMOVE:
        if (graph->entries) {
            uint64_t name = entry_name(graph, index, record + 1, record[1 + key_words]);
            seen(graph, name, kind == HISTORY_REMOVE, kind == HISTORY_REMOVE ? record[1 + key_words] : 0);
            pass_write(graph, name);
        }
        break;
    case HISTORY_FIND:
        if (graph->entries)
            seen(graph, entry_name(graph, index, record + 1, record[1 + key_words]), true, record[1 + key_words]);
        break;
    case HISTORY_ABSENT:
        if (graph->entries && !graph->checker->history->indexes[index].non_unique)
            seen(graph, entry_name(graph, index, record + 1, 0), false, 0);
        break;
    case HISTORY_SCAN:
        if (graph->entries)
            use_scan(graph, record);
        break;
    default:
        break;
    }
}

static void visit(struct graph *graph, void (*each)(struct graph *graph, const uint64_t *record))
{
    struct history_checker *checker = graph->checker;
    for (graph->visiting = 0; graph->visiting < checker->txns.count; graph->visiting++) {
        const struct history_txn *txn = history_txn_at(checker, graph->visiting);
        for (const uint64_t *at = txn->words; at < txn->end;) {
            each(graph, at);
            at += history_record_words(checker->history, at, (size_t)(txn->end - at));
        }
    }
}

static void build(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    history_map_clear(&checker->objects);
    checker->objects_states.count = checker->versions.count = checker->edges.count = checker->unresolved.count = 0;
    graph->all_forward = true;
    visit(graph, define);
    for (size_t i = 0; i < checker->unresolved.count; i++) {
        const struct unresolved *left = (const struct unresolved *)checker->unresolved.items + i;
        uint32_t replaced = version_of(graph, left->version, left->ts);
        if (replaced != HISTORY_NOBODY)
            replace(graph, replaced, left->version);
    }
    visit(graph, use);
}

/* ---- Cycles. ---- */

struct search {
    const struct edge *edges; /* sorted by `from` */
    size_t *begin;            /* of each node's edges; one more than nodes */
    uint32_t nodes;
    uint32_t *component; /* of each node */
    uint32_t *low, *order, *stack, *from_edge, *queue;
};

static int by_from(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

/* Tarjan's algorithm without recursion; component numbers begin at 1. */
static void components(struct search *search)
{
    uint32_t n = search->nodes, next = 1, depth = 0, stacked = 0, *calls = support_alloc((n + 1) * sizeof *calls);
    size_t *at = support_alloc((n + 1) * sizeof *at);
    uint32_t component = 0;
    for (uint32_t root = 0; root < n; root++) {
        if (search->order[root])
            continue;
        calls[depth++] = root;
        while (depth) {
            uint32_t node = calls[depth - 1];
            if (!search->order[node]) {
                search->order[node] = search->low[node] = next++;
                search->stack[stacked++] = node;
                at[node] = search->begin[node];
            }
            bool descended = false;
            for (; at[node] < search->begin[node + 1]; at[node]++) {
                uint32_t to = search->edges[at[node]].to;
                if (!search->order[to]) {
                    calls[depth++] = to;
                    descended = true;
                    break;
                }
                if (!search->component[to] && search->low[to] < search->low[node])
                    search->low[node] = search->low[to];
            }
            if (descended)
                continue;
            depth--;
            if (search->low[node] == search->order[node]) {
                component++;
                uint32_t member;
                do {
                    member = search->stack[--stacked];
                    search->component[member] = component;
                } while (member != node);
            }
            if (depth && search->low[node] < search->low[calls[depth - 1]])
                search->low[calls[depth - 1]] = search->low[node];
        }
    }
    free(calls);
    free(at);
}

/* Breadth first from `start` within its component: the length of the shortest cycle through it, 0 if none below `most`.
 */
static uint32_t cycle_through(struct search *search, uint32_t start, uint32_t most, uint32_t *distance, uint32_t *last)
{
    uint32_t head = 0, tail = 0;
    memset(distance, 0xff, search->nodes * sizeof *distance);
    search->queue[tail++] = start;
    distance[start] = 0;
    while (head < tail) {
        uint32_t node = search->queue[head++];
        if (distance[node] + 1 >= most)
            return 0;
        for (size_t e = search->begin[node]; e < search->begin[node + 1]; e++) {
            uint32_t to = search->edges[e].to;
            if (to == start) {
                *last = (uint32_t)e;
                return distance[node] + 1;
            }
            if (search->component[to] == search->component[start] && distance[to] == UINT32_MAX) {
                distance[to] = distance[node] + 1;
                search->from_edge[to] = (uint32_t)e;
                search->queue[tail++] = to;
            }
        }
    }
    return 0;
}

static const char *edge_text(const struct edge *edge)
{
    switch (edge->kind) {
    case EDGE_WW:
        return "ww: wrote a version that the next one replaced,";
    case EDGE_WR:
        return "wr: wrote the version that the next one read,";
    case EDGE_RW:
        return "rw: read a version that the next one replaced,";
    default:
        return "rw: saw a presence or absence that the next one ended,";
    }
}

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
    verdict->findings[anomaly]++;
    verdict->found++;
    struct support_text *report = &verdict->report;
    support_text_add(report, "%s: %s\n  the shortest cycle has %u transactions:\n", history_anomaly_name(anomaly),
                     history_anomaly_meaning(anomaly), length);
    for (uint32_t i = 0; i < length; i++) {
        const struct edge *edge = &search->edges[cycle[i]];
        char name[128];
        if (edge->object >> 63)
            snprintf(name, sizeof name, "an index entry");
        else
            history_register_name(checker->history, edge->object, name, sizeof name);
        history_describe(checker, history_txn_at(checker, edge->from));
        support_text_add(report, "  -- %s %s -->\n", edge_text(edge), name);
    }
    support_text_add(report, "  and so on with the first\n");
}

static void shortest_cycle(struct graph *graph, struct search *search)
{
    enum { STARTS_MAX = 2000 };
    uint32_t n = search->nodes, best = UINT32_MAX, starts = 0, *cycle = NULL;
    uint32_t *sizes = support_alloc((n + 2) * sizeof *sizes), *distance = support_alloc((n + 1) * sizeof *distance);
    for (uint32_t i = 0; i < n; i++)
        sizes[search->component[i]]++;
    for (uint32_t i = 0; i < n && starts < STARTS_MAX && best > 2; i++) {
        if (sizes[search->component[i]] < 2)
            continue;
        starts++;
        uint32_t last, length = cycle_through(search, i, best, distance, &last);
        if (!length)
            continue;
        best = length;
        cycle = support_realloc(cycle, length * sizeof *cycle);
        for (uint32_t at = length; at-- > 0; last = search->from_edge[search->edges[last].from])
            cycle[at] = last;
    }
    if (best != UINT32_MAX)
        describe_cycle(graph, search, cycle, best);
    free(cycle);
    free(sizes);
    free(distance);
}

static void search_cycles(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    size_t edge_count = checker->edges.count;
    uint32_t n = (uint32_t)checker->txns.count;
    if (edge_count == 0)
        return;
    qsort(checker->edges.items, edge_count, sizeof(struct edge), by_from);
    struct search search = {
        .edges = checker->edges.items,
        .nodes = n,
        .begin = support_alloc((n + 2) * sizeof *search.begin),
        .component = support_alloc((n + 1) * sizeof *search.component),
        .low = support_alloc((n + 1) * sizeof *search.low),
        .order = support_alloc((n + 1) * sizeof *search.order),
        .stack = support_alloc((n + 1) * sizeof *search.stack),
        .from_edge = support_alloc((n + 1) * sizeof *search.from_edge),
        .queue = support_alloc((n + 1) * sizeof *search.queue),
    };
    size_t e = 0;
    for (uint32_t i = 0; i <= n; i++) {
        while (e < edge_count && search.edges[e].from < i)
            e++;
        search.begin[i] = e;
    }
    components(&search);
    shortest_cycle(graph, &search);
    free(search.begin);
    free(search.component);
    free(search.low);
    free(search.order);
    free(search.stack);
    free(search.from_edge);
    free(search.queue);
}

bool history_graph_is_forward(struct history_checker *checker)
{
    struct graph graph = {.checker = checker};
    build(&graph);
    return graph.all_forward;
}

void history_graph_search(struct history_checker *checker)
{
    struct graph graph = {.checker = checker, .entries = true, .collect = true};
    build(&graph);
    search_cycles(&graph);
}
