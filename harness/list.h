/* list.h - `maemio list TOPIC`: what can be said to a run, and what its results mean, from the tables. */
#ifndef HARNESS_LIST_H
#define HARNESS_LIST_H

#include "harness/exit_code.h"

/* argv[0] is the command's name, argv[1] the topic; messages for wrong ones on stderr. */
enum exit_code list_command(int argc, char **argv);

#endif
