/* nearest.c - see nearest.h. */
#include "harness/common/nearest.h"

#include "harness/common/support.h"

enum { NAME_BYTES_MAX = 64, BEGINNING_BYTES = 3 };

/* Levenshtein distance of two short words. */
static unsigned distance_of(const char *a, const char *b)
{
    unsigned row[NAME_BYTES_MAX + 1];
    size_t b_bytes = strlen(b);
    for (unsigned j = 0; j <= b_bytes; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[b_bytes];
}

void nearest_offer(struct nearest *nearest, const char *known)
{
    if (strlen(nearest->wanted) > NAME_BYTES_MAX || strlen(known) > NAME_BYTES_MAX)
        return;
    size_t bytes = strlen(nearest->wanted);
    unsigned distance = distance_of(nearest->wanted, known);
    if (bytes >= BEGINNING_BYTES && strncmp(known, nearest->wanted, bytes) == 0 && distance > 1)
        distance = 1; /* a beginning is near, however much follows */
    if (nearest->found && distance >= nearest->distance)
        return;
    nearest->found = known;
    nearest->distance = distance;
}

const char *nearest_name(const struct nearest *nearest)
{
    return nearest->distance <= 2 || nearest->distance <= strlen(nearest->wanted) / 3 ? nearest->found : NULL;
}

const char *nearest_hint(const struct nearest *nearest, const char *otherwise)
{
    const char *name = nearest_name(nearest);
    return name == NULL ? otherwise : support_short("; did you mean '%s'?", name);
}
