/* machine_command.h - `maemio doctor` (doctor.h) and `maemio topology` (topology.h). */
#ifndef HARNESS_MACHINE_COMMAND_H
#define HARNESS_MACHINE_COMMAND_H

#include "harness/exit_code.h"

enum exit_code doctor_command(int argc, char **argv);
enum exit_code topology_command(int argc, char **argv);

#endif
