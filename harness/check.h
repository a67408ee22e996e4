/* check.h - `maemio check HISTORY`: was what a run recorded (--history) serializable, and in timestamp order? */
#ifndef HARNESS_CHECK_H
#define HARNESS_CHECK_H

#include "harness/exit_code.h"

/* argv[0] is the command's name. EXIT_FINE, EXIT_CHECK if an anomaly was found, EXIT_USAGE, EXIT_FAILED. */
enum exit_code check_command(int argc, char **argv);

#endif
