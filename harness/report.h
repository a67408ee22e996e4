/* report.h - the summary a person reads after a run: median and range over the repetitions. */
#ifndef HARNESS_REPORT_H
#define HARNESS_REPORT_H

#include <stdio.h>

#include "harness/result.h"

/* `count` results of one run, in their order. Nothing for none. `warning` is one line, or "". */
void report_print(FILE *out, struct result *const *results, size_t count, const char *warning);

#endif
