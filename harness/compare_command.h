/*
 * compare_command.h - `maemio compare A.csv B.csv` (compare.h), `maemio report FILE.csv` (repetitions.h) and
 * `maemio latency FILE.csv...`, which merges histograms: what is done with results afterwards.
 */
#ifndef HARNESS_COMPARE_COMMAND_H
#define HARNESS_COMPARE_COMMAND_H

#include "harness/exit_code.h"

enum exit_code compare_command(int argc, char **argv);
enum exit_code report_command(int argc, char **argv);
enum exit_code latency_command(int argc, char **argv);

#endif
