/* versions.c - see versions.h. */
#include "harness/proof/versions.h"

struct version *graph_version(const struct graph *graph, uint32_t i)
{
    return (struct version *)graph->checker->versions.items + i;
}

struct object *graph_object(struct graph *graph, uint64_t name)
{
    struct history_checker *checker = graph->checker;
    uint32_t number = history_map_number(&checker->objects, name);
    if (number == checker->objects_states.count) {
        struct object *object = history_array_add(&checker->objects_states, sizeof *object);
        *object = (struct object){HISTORY_NOBODY, HISTORY_NOBODY, HISTORY_NOBODY, 0, false, 0};
    }
    return (struct object *)checker->objects_states.items + number;
}

void graph_name(struct graph *graph, uint32_t version, uint64_t name)
{
    struct history_checker *checker = graph->checker;
    uint32_t number =
        history_map_number(&checker->version_numbers, history_pair(graph_version(graph, version)->object, name));
    if (number == checker->version_places.count)
        *(uint32_t *)history_array_add(&checker->version_places, sizeof(uint32_t)) = version;
}

static uint32_t version_add(struct graph *graph, uint64_t object, uint64_t name, uint32_t writer, bool present)
{
    struct history_checker *checker = graph->checker;
    uint32_t added = (uint32_t)checker->versions.count;
    struct version *version = history_array_add(&checker->versions, sizeof *version);
    *version = (struct version){.object = object,
                                .name = name,
                                .writer = writer,
                                .older = HISTORY_NOBODY,
                                .newer = HISTORY_NOBODY,
                                .replaced = HISTORY_NOBODY,
                                .successor = HISTORY_NOBODY,
                                .sibling = HISTORY_NOBODY,
                                .present = present};
    graph_name(graph, added, name);
    return added;
}

uint32_t graph_append(struct graph *graph, uint64_t object, uint64_t name, uint32_t writer, bool present)
{
    uint32_t added = version_add(graph, object, name, writer, present);
    struct object *state = graph_object(graph, object);
    graph_version(graph, added)->older = state->last;
    *(state->last == HISTORY_NOBODY ? &state->first : &graph_version(graph, state->last)->newer) = added;
    state->last = added;
    return added;
}

uint32_t graph_prepend(struct graph *graph, uint64_t object, uint64_t name, bool present)
{
    uint32_t added = version_add(graph, object, name, HISTORY_NOBODY, present);
    struct object *state = graph_object(graph, object);
    graph_version(graph, added)->newer = state->first;
    *(state->first == HISTORY_NOBODY ? &state->last : &graph_version(graph, state->first)->older) = added;
    state->first = added;
    return added;
}

uint32_t graph_find(const struct graph *graph, uint64_t object, uint64_t name)
{
    const struct history_checker *checker = graph->checker;
    uint32_t number = history_map_find(&checker->version_numbers, history_pair(object, name));
    return number == HISTORY_NOBODY ? HISTORY_NOBODY : ((const uint32_t *)checker->version_places.items)[number];
}

void graph_replace(struct graph *graph, uint32_t replaced, uint32_t by)
{
    graph_version(graph, by)->replaced = replaced;
    graph_version(graph, by)->sibling = graph_version(graph, replaced)->successor;
    graph_version(graph, replaced)->successor = by;
}

void graph_edge(struct graph *graph, uint32_t from, uint32_t to, uint64_t object, enum edge_kind kind)
{
    if (from == to || from == HISTORY_NOBODY || to == HISTORY_NOBODY)
        return;
    graph->all_forward &= from < to;
    if (graph->collect) {
        struct edge *added = history_array_add(&graph->checker->edges, sizeof *added);
        *added = (struct edge){from, to, object, kind};
    }
}

void graph_read(struct graph *graph, uint32_t read, bool absent)
{
    const struct version *version = graph_version(graph, read);
    if (version->writer == graph->visiting)
        return;
    graph_edge(graph, version->writer, graph->visiting, version->object, EDGE_WR);
    for (uint32_t by = version->successor; by != HISTORY_NOBODY; by = graph_version(graph, by)->sibling)
        graph_edge(graph, graph->visiting, graph_version(graph, by)->writer, version->object,
                   absent ? EDGE_RW_ABSENT : EDGE_RW);
}

static int by_from(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

const struct edge *graph_sort_edges(struct graph *graph, size_t *begin)
{
    const struct history_array *array = &graph->checker->edges;
    const struct edge *edges = array->items;
    if (array->count)
        qsort(array->items, array->count, sizeof *edges, by_from);
    for (size_t i = 0, e = 0; i <= graph->checker->txns.count; i++) {
        while (e < array->count && edges[e].from < i)
            e++;
        begin[i] = e;
    }
    return edges;
}

void graph_clear(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    history_map_clear(&checker->objects);
    history_map_clear(&checker->version_numbers);
    checker->objects_states.count = checker->versions.count = checker->version_places.count = 0;
    checker->edges.count = checker->unresolved.count = checker->open.count = 0;
    graph->all_forward = true;
}
