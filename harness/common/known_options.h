/* known_options.h - refuses an option that a command does not have, and says which one may have been meant. */
#ifndef HARNESS_COMMON_KNOWN_OPTIONS_H
#define HARNESS_COMMON_KNOWN_OPTIONS_H

#include <argp.h>

/*
 * argp and getopt say of an unknown long option only that they do not know it. Called before argp_parse, this prints
 * a message with the nearest option and ends the program with EXIT_USAGE. It returns if all long options are known;
 * what else may be wrong with the arguments is left to argp. argv[0] is the command's name. `elsewhere`, which may be
 * NULL, says of a name that is no option how else it can be given, such as "; write --set NAME=VALUE", or returns NULL.
 */
typedef const char *known_options_elsewhere_fn(const char *name);
void known_options_check(const struct argp *argp, int argc, char **argv, known_options_elsewhere_fn *elsewhere);

/* The children of a command's argp: -h does what --help does, which argp does not know by itself. */
extern const struct argp_child help_letter[];

#endif
