/* internal.h - shared by replay.c, graph.c and elle.c: the transactions of a history in order, and memory for them. */
#ifndef HARNESS_PROOF_INTERNAL_H
#define HARNESS_PROOF_INTERNAL_H

#include "harness/proof/check.h"

enum { HISTORY_FINDINGS_SHOWN = 10 };
#define HISTORY_NOBODY UINT32_MAX

struct history_txn {
    uint64_t ts;
    const uint64_t *words, *end; /* BEGIN, behind COMMIT or ABORT */
    bool snapshot;
};

/* Numbers for 64-bit names, 0, 1, 2, ... in the order of asking; open addressing. */
struct history_map_slot {
    uint64_t name;
    uint32_t number; /* + 1; 0: free */
};
struct history_map {
    struct history_map_slot *slots;
    uint32_t count;
    unsigned bits;
};
void history_map_clear(struct history_map *map);
void history_map_fini(struct history_map *map);
uint32_t history_map_number(struct history_map *map, uint64_t name); /* added if not there */

/* An array that grows. */
struct history_array {
    void *items;
    size_t count, capacity;
};
void *history_array_add(struct history_array *array, size_t item_bytes);

/* Entries of an index that were ever added, in key order. */
struct history_entry {
    const uint64_t *key; /* followed by the ref that the add named */
    uint64_t ref, ts;
    bool present;
};

/* A transaction that began with one timestamp and committed with another. */
struct history_moved {
    uint64_t from, to;
};

struct history_checker {
    const struct history *history;
    struct history_verdict *verdict;
    struct history_array txns;    /* committed, by timestamp; a snapshot behind the writer of the same timestamp */
    struct history_array aborted; /* by timestamp */
    struct history_array moved;   /* struct history_moved, by `from` */
    struct history_array entries[HISTORY_INDEXES_MAX]; /* pointers to keys, sorted, each once */
    bool any_entries;
    /* replay.c */
    struct history_map registers;
    struct history_array states;
    struct history_array entry_states[HISTORY_INDEXES_MAX], entry_present[HISTORY_INDEXES_MAX];
    struct history_array tables;
    /* graph.c */
    struct history_map objects;
    struct history_array objects_states, versions, edges, unresolved;
};

static inline struct history_txn *history_txn_at(const struct history_checker *checker, size_t i)
{
    return (struct history_txn *)checker->txns.items + i;
}

/* Begins with this history: sorts the transactions and the keys of entries; counts. False if it is malformed. */
bool history_collect(struct history_checker *checker, const struct history *history, struct history_verdict *verdict);

/* The timestamp of the transaction that named its versions with `ts`: that, unless it moved. */
uint64_t history_final(const struct history_checker *checker, uint64_t ts);

/* Whether a transaction with this timestamp has been aborted / committed. */
bool history_was_aborted(const struct history_checker *checker, uint64_t ts);
bool history_was_committed(const struct history_checker *checker, uint64_t ts);

/* The place of the first entry of `index` that is not below (key, ref). */
size_t history_entry_bound(const struct history_checker *checker, unsigned index, const uint64_t *key, uint64_t ref);

/* Counts a finding; true if it is to be described, with a line begun. */
bool history_finding(struct history_checker *checker, enum history_anomaly anomaly);
/* Adds a transaction to the report, all its records. */
void history_describe(struct history_checker *checker, const struct history_txn *txn);
/* A record as text, without a newline; static storage. */
const char *history_record_text(const struct history_checker *checker, const uint64_t *words);

void history_replay(struct history_checker *checker);

/* Whether all edges between registers lead to larger timestamps. May run beside history_replay. */
bool history_graph_is_forward(struct history_checker *checker);
/* Looks for cycles in the whole graph. */
void history_graph_search(struct history_checker *checker);

#endif
