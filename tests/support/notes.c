/* notes.c - see notes.h. */
#include "tests/support/notes.h"

static struct node_seen *note_of(struct notes *notes, const struct index_node *node)
{
    for (unsigned i = 0; i < notes->count; i++)
        if (notes->list[i].node == node)
            return &notes->list[i];
    return NULL;
}

void notes_add(struct notes *notes, struct node_seen seen)
{
    const struct node_seen *note = note_of(notes, seen.node);
    if (note)
        notes->lost |= note->version != seen.version;
    else if (notes->count < NOTES_MAX)
        notes->list[notes->count++] = seen;
    else
        notes->lost = true;
}

bool notes_has(const struct notes *notes, struct node_seen seen)
{
    for (unsigned i = 0; i < notes->count; i++)
        if (notes->list[i].node == seen.node)
            return notes->list[i].version == seen.version;
    return false;
}

void notes_follow(struct notes *notes, const struct node_changes *changes)
{
    for (unsigned i = 0; i < changes->count; i++) {
        const struct node_change *change = &changes->list[i];
        struct node_seen *note = note_of(notes, change->from ? change->from : change->node);
        if (!note)
            continue;
        if (change->from) {
            notes_add(notes, (struct node_seen){change->node, change->after});
        } else {
            notes->lost |= note->version != change->before;
            note->version = change->after;
        }
    }
}

bool notes_valid(const struct notes *notes)
{
    for (unsigned i = 0; i < notes->count; i++)
        if (node_version(notes->list[i].node) != notes->list[i].version)
            return false;
    return !notes->lost;
}
