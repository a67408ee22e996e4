/*
 * collect.h - the transactions of a history, in their serial order if that is known, and memory for the checks.
 *
 * The order is known if every committed transaction says its place; else the transactions stand as they were recorded.
 */
#ifndef HARNESS_PROOF_COLLECT_H
#define HARNESS_PROOF_COLLECT_H

#include "harness/proof/anomaly.h"
#include "harness/proof/history.h"

enum { HISTORY_FINDINGS_SHOWN = 10 };
#define HISTORY_NOBODY UINT32_MAX

struct history_txn {
    uint64_t name, ts;           /* ts: its place in the serial order, 0: unknown */
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
uint32_t history_map_number(struct history_map *map, uint64_t name);     /* added if not there */
uint32_t history_map_find(const struct history_map *map, uint64_t name); /* HISTORY_NOBODY if not there */

/* An array that grows. */
struct history_array {
    void *items;
    size_t count, capacity;
};
void *history_array_add(struct history_array *array, size_t item_bytes);

/* One name for two, such as an object and who wrote it. */
uint64_t history_pair(uint64_t first, uint64_t second);

/* Where the transaction with this name stands: `place` among the committed or the aborted ones. */
struct history_named {
    uint64_t name;
    uint32_t place;
    bool aborted;
};

struct history_checker {
    const struct history *history;
    const struct target_promises *promises;
    struct history_verdict *verdict;
    struct history_array txns; /* committed; by their order, a snapshot behind the writer of the same place */
    struct history_array aborted;
    struct history_array named; /* struct history_named, by name */
    bool ordered;
    struct history_array entries[HISTORY_INDEXES_MAX]; /* pointers to keys, sorted, each once */
    bool any_entries, any_applies;
    /* replay.c */
    struct history_map registers;
    struct history_array states;
    struct history_array entry_states[HISTORY_INDEXES_MAX], entry_present[HISTORY_INDEXES_MAX];
    struct history_array tables;
    /* graph.c */
    struct history_map objects;
    struct history_map version_numbers; /* of an object and its writer */
    struct history_array objects_states, versions, version_places, edges, unresolved, open;
};

static inline struct history_txn *history_txn_at(const struct history_checker *checker, size_t i)
{
    return (struct history_txn *)checker->txns.items + i;
}

/* Begins with this history: sorts transactions, names and keys of entries; counts. False if it is malformed. What a
 * target that is not serializable says of an order is left aside. */
bool history_collect(struct history_checker *checker, const struct history *history,
                     const struct target_promises *promises, struct history_verdict *verdict);

/* The committed transaction with this name; NULL if there is none. */
const struct history_txn *history_find(const struct history_checker *checker, uint64_t name);
/* Whether a transaction with this name has been aborted / committed. */
bool history_was_aborted(const struct history_checker *checker, uint64_t name);
bool history_was_committed(const struct history_checker *checker, uint64_t name);

/* The place of the first entry of `index` that is not below (key, ref). */
size_t history_entry_bound(const struct history_checker *checker, unsigned index, const uint64_t *key, uint64_t ref);

/* Counts a finding. True if the report has room for it: then its first line is written, and the caller describes it. */
bool history_finding(struct history_checker *checker, enum history_anomaly anomaly);
/* Adds a transaction to the report, all its records. */
void history_describe(struct history_checker *checker, const struct history_txn *txn);
/* A record as text, without a newline; static storage. */
const char *history_record_text(const struct history_checker *checker, const uint64_t *words);

#endif
