/* summary.h - the summary a person reads after a run: median and range over the repetitions. */
#ifndef HARNESS_BENCH_SUMMARY_H
#define HARNESS_BENCH_SUMMARY_H

#include "harness/record/result.h"

/* `count` results of one run, in their order. Nothing for none. `warning` is one line, NULL: none. */
void summary_print(FILE *out, struct result *const *results, size_t count, const char *warning);

#endif
