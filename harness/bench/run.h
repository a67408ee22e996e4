/*
 * run.h - one `maemio run`: set-up, parallel load, then for each repetition warm-up, window, drain, space, check;
 * results into the CSV as they come and a summary at the end. The phases are in phase.h.
 *
 * The window has a fixed length and lies between two readings of counters that each worker keeps for itself. The
 * coordinator sleeps meanwhile, and workers count without looking at the window's edges. Every run has a deadline
 * (deadline.h). SIGINT and SIGTERM end the window early and keep what was measured; a second one ends the program at
 * once.
 */
#ifndef HARNESS_BENCH_RUN_H
#define HARNESS_BENCH_RUN_H

#include "harness/common/exit_code.h"
#include "harness/options/options.h"

/*
 * Runs what the resolved options say and returns the exit code; messages are on stderr, the summary on stdout unless
 * the CSV is there. One at a time. When the deadline passes, the program ends with EXIT_DEADLINE from within. Sets
 * options->threads to the number it resolves `auto` to.
 */
enum exit_code run_execute(struct options *options);

#endif
