/* arguments.h - the command line of `maemio run`, read by argp into options. */
#ifndef HARNESS_OPTIONS_ARGUMENTS_H
#define HARNESS_OPTIONS_ARGUMENTS_H

#include "harness/options/options.h"

/*
 * Reads the arguments (argv[0] is the command's name) into `options` and resolves them. Prints a message and ends the
 * program with EXIT_USAGE for wrong ones, and with EXIT_FINE after --help.
 */
void arguments_read(int argc, char **argv, struct options *options);

#endif
