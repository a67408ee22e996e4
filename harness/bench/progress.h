/*
 * progress.h - one line on stderr that tells how far a run is. On a terminal it is rewritten in place, else there is
 * one line a second.
 */
#ifndef HARNESS_BENCH_PROGRESS_H
#define HARNESS_BENCH_PROGRESS_H

#include "harness/common/support.h"

struct progress {
    bool on, terminal, drawn;
    uint64_t next_ns;
};

void progress_init(struct progress *progress, unsigned when); /* RUN_PROGRESS_... */

/* Whether a new line is due. The caller then composes it. */
bool progress_due(struct progress *progress);
void progress_draw(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Leaves the terminal's line empty, before anything else is printed. */
void progress_clear(struct progress *progress);

#endif
