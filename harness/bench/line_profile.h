/*
 * line_profile.h - what `--profile lines` prints after a simulated run: the places in the program whose transfers of
 * cache lines cost most. Names come from addr2line (binutils); without it a place is an offset in the program.
 * Checked by: tests/cli/simulated.sh. Not here: counting (sim/profile.h).
 */
#ifndef HARNESS_BENCH_LINE_PROFILE_H
#define HARNESS_BENCH_LINE_PROFILE_H

#include <stdint.h>
#include <stdio.h>

/* Shares are of `commits` transactions. Nothing without a profile. */
void line_profile_print(FILE *out, uint64_t commits);

#endif
