/*
 * entries.h - the index entries that a transaction has added or removed.
 *
 * What is in an index is the truth for everybody, but for three kinds of entries of a transaction that has not ended:
 *   EN1  An entry that the transaction added (ADDED) is in the index. The row that it leads to is absent to others (the
 *        transaction inserted it) or locked by the transaction. An abort takes the entry out again.
 *   EN2  An entry that the transaction removed (REMOVED) stays in the index until the transaction commits. It leads
 *        to a row that the transaction writes.
 *   EN3  If it then adds the same key for another row, the entry is REPLACED: a commit lets it lead to the new row, in
 *        one step.
 *   EN4  With index_insert=late an entry that the transaction adds is PENDING at first: nobody finds it. It is put into
 *        the index, and ADDED, when the transaction looks for anything in that index, and else as the first step of its
 *        commit. If another has the key by then, the transaction aborts.
 * So whoever finds an entry of another transaction that has not ended finds a row that is absent or locked, or that its
 * commit will change.
 * Changes of one row's entries are linked from the row's access. One thread.
 */
#ifndef SCHEMES_BASE_ENTRIES_H
#define SCHEMES_BASE_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"

struct table_index;
struct access;

enum { ENTRY_KEY_BYTES = 64 };

enum entry_flags { ENTRY_ADDED = 1, ENTRY_REMOVED = 2, ENTRY_REPLACED = 4, ENTRY_PENDING = 8 };

/* Then all are put into their indexes: whoever adds one looks through those that are pending. */
enum { ENTRIES_PENDING_MAX = 32 };

struct entry_change {
    struct table_index *index;
    uint64_t ref;     /* to which the entry in the index leads */
    uint64_t new_ref; /* ENTRY_REPLACED */
    uint32_t next_plus_1;
    unsigned flags;
    char key[ENTRY_KEY_BYTES];
};

struct entry_changes {
    struct entry_change *list;
    uint32_t count, capacity;
    uint32_t pending;         /* of them */
    uint64_t pending_indexes; /* a bit for the number of each index that pending ones belong to */
};

static inline void entry_changes_begin(struct entry_changes *changes)
{
    changes->count = changes->pending = 0;
    changes->pending_indexes = 0;
}

void entry_changes_fini(struct entry_changes *changes);

/* The change of the entry (key, the access's row) of the index, or NULL. */
struct entry_change *entry_change_find(const struct entry_changes *changes, const struct access *access,
                                       const struct table_index *index, const void *key);

/* A PENDING change that adds the key to the index; non-unique: for the row `ref`. NULL: none. */
struct entry_change *entry_change_pending(const struct entry_changes *changes, const struct table_index *index,
                                          const void *key, uint64_t ref);

/* Makes room for one more. False when out of memory. */
bool entry_changes_reserve(struct entry_changes *changes);

/* Adds a change for which room was made. */
struct entry_change *entry_change_add(struct entry_changes *changes, struct access *access, struct table_index *index,
                                      const void *key, uint64_t ref, unsigned flags);

#endif
