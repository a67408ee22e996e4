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

uint32_t graph_only_seen(const struct graph *graph, const struct object *object, bool present, uint64_t ref)
{
    uint32_t found = HISTORY_NOBODY;
    for (uint32_t at = object->first; at != HISTORY_NOBODY; at = graph_version(graph, at)->newer) {
        const struct version *version = graph_version(graph, at);
        if (version->present != present || version->writer == graph->visiting ||
            (present && ref != HISTORY_ANY_REF && version->ref != ref && version->ref != HISTORY_ANY_REF))
            continue;
        if (found != HISTORY_NOBODY) {
            graph->checker->verdict->undecided++;
            return HISTORY_NOBODY;
        }
        found = at;
    }
    return found;
}
