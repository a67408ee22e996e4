/*
 * plain_btree.h - a plain B+-tree from 64-bit keys to 64-bit values: in memory, one thread, no versions, no removal.
 *
 * What the ordered index is measured against (index_bench.c): the same structure without transactions.
 */
#ifndef TESTS_BENCH_PLAIN_BTREE_H
#define TESTS_BENCH_PLAIN_BTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plain_btree;

/* NULL when out of memory. */
struct plain_btree *plain_btree_create(void);
void plain_btree_destroy(struct plain_btree *tree);

/* False: the key is there, or out of memory. */
bool plain_btree_insert(struct plain_btree *tree, uint64_t key, uint64_t value);
bool plain_btree_find(const struct plain_btree *tree, uint64_t key, uint64_t *value);

/* Visits up to `limit` entries with keys >= lo in order, until `visit` returns false. */
void plain_btree_scan(const struct plain_btree *tree, uint64_t lo, uint64_t limit,
                      bool (*visit)(void *arg, const void *key, uint64_t value), void *arg);

uint64_t plain_btree_bytes(const struct plain_btree *tree);

#endif
