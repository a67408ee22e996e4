/*
 * versions.h - the objects of a history and their versions, for the serialization graph.
 *
 * An object is a register or an index entry. Its versions form a tree by what they replaced (in a correct history a
 * line). `older` and `newer` chain them in the order in which they were added, which is the serial order if that is
 * known.
 */
#ifndef HARNESS_PROOF_VERSIONS_H
#define HARNESS_PROOF_VERSIONS_H

#include "harness/proof/collect.h"

struct version {
    uint64_t object, name;       /* name: of its writer, 0 for the absence before the first insert */
    uint32_t writer;             /* place among the transactions, HISTORY_NOBODY: before the history */
    uint32_t older, newer;       /* as they were added; see above */
    uint32_t replaced;           /* what it replaced */
    uint32_t successor, sibling; /* first version that replaced this one; the next one that replaced the same */
    uint64_t ref;                /* of an entry */
    uint8_t seq;                 /* of its writer's last write of the object */
    bool present;                /* not a tombstone */
    bool unplaced, over_present; /* it does not say what it replaced, only whether that was a presence; */
    uint64_t over_ref;           /* and of an entry, which */
    bool taken;                  /* placing.c: this absence has been replaced */
};

struct object {
    uint32_t first, last;
    uint32_t current; /* the last version up to the transaction being visited, or its own */
    uint8_t seq;      /* of its own last write, if `current` is its own */
    bool named;       /* the name of the last version is known, */
    uint64_t name;    /* with all that was applied to it */
};

enum edge_kind { EDGE_WW, EDGE_WR, EDGE_RW, EDGE_RW_ABSENT };

struct edge {
    uint32_t from, to;
    uint64_t object;
    enum edge_kind kind;
};

struct graph {
    struct history_checker *checker;
    bool entries; /* of indexes too */
    bool collect; /* edges, else only whether all go forward */
    bool all_forward;
    uint32_t visiting;
};

struct version *graph_version(const struct graph *graph, uint32_t i);
struct object *graph_object(struct graph *graph, uint64_t name); /* added if not there */

/* A new version at the end, or from before the history in front of all others. */
uint32_t graph_append(struct graph *graph, uint64_t object, uint64_t name, uint32_t writer, bool present);
uint32_t graph_prepend(struct graph *graph, uint64_t object, uint64_t name, bool present);

/* The version that this writer made of the object; HISTORY_NOBODY if there is none. */
uint32_t graph_find(const struct graph *graph, uint64_t object, uint64_t name);

/* The version goes by this name, too. */
void graph_name(struct graph *graph, uint32_t version, uint64_t name);

/* Notes that `by` replaced `replaced`. */
void graph_replace(struct graph *graph, uint32_t replaced, uint32_t by);

/* An edge between two transactions; none from or to before the history. */
void graph_edge(struct graph *graph, uint32_t from, uint32_t to, uint64_t object, enum edge_kind kind);

/* The edges of the transaction being visited that come from its having seen this version; `absent`: not by its name. */
void graph_read(struct graph *graph, uint32_t version, bool absent);

/* Sorts the edges by where they come from; those of node i are from begin[i] on, for one node more than there are. */
const struct edge *graph_sort_edges(struct graph *graph, size_t *begin);

void graph_clear(struct graph *graph);

#endif
