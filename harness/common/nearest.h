/* nearest.h - for an unknown name, the known name that the user may have meant. */
#ifndef HARNESS_COMMON_NEAREST_H
#define HARNESS_COMMON_NEAREST_H

struct nearest {
    const char *wanted;
    const char *found; /* the nearest so far; NULL: none */
    unsigned distance; /* letters to put in, leave out or change */
};

/* Offers one known name, which outlives the struct. Begin with {.wanted = name}. */
void nearest_offer(struct nearest *nearest, const char *known);

/* The nearest of the offered names; NULL if none is near enough to have been meant. */
const char *nearest_name(const struct nearest *nearest);

/* For the end of a message: "; did you mean 'NAME'?", a support_short; `otherwise` if none is near. */
const char *nearest_hint(const struct nearest *nearest, const char *otherwise);

#endif
