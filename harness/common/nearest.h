/* nearest.h - which of the known names someone meant who wrote one that is not known. */
#ifndef HARNESS_COMMON_NEAREST_H
#define HARNESS_COMMON_NEAREST_H

struct nearest {
    const char *wanted;
    const char *found; /* the nearest so far; NULL: none */
    unsigned distance; /* letters to put in, leave out or change */
};

/* Offers one known name, which outlives the struct. Begin with {.wanted = name}. */
void nearest_offer(struct nearest *nearest, const char *known);

/* The nearest of those that were offered; NULL if none is so near that it could have been meant. */
const char *nearest_name(const struct nearest *nearest);

#endif
