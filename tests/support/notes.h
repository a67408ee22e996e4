/*
 * notes.h - what a transaction notes of an index's nodes, and the rules by which it follows its own changes
 * (schemes/base/node.h): for tests of indexes without a scheme.
 */
#ifndef TESTS_SUPPORT_NOTES_H
#define TESTS_SUPPORT_NOTES_H

#include <stdbool.h>

#include "schemes/base/node.h"

enum { NOTES_MAX = 4096 };

struct notes {
    unsigned count;
    bool lost; /* another one has changed a noted node, or there were too many */
    struct node_seen list[NOTES_MAX];
};

void notes_add(struct notes *notes, struct node_seen seen);
bool notes_has(const struct notes *notes, struct node_seen seen);
void notes_follow(struct notes *notes, const struct node_changes *changes); /* the transaction's own */
bool notes_valid(const struct notes *notes);                                /* nothing noted has changed */

#endif
