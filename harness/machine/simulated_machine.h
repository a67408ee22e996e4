/*
 * simulated_machine.h - the files of sim/machines: opens the machine of a run, and says how many cores one has. Only
 * builds of MODE=sim have machines. Checked by: tests/cli/simulated.sh. Not here: what a file says (sim/machine.h).
 */
#ifndef HARNESS_MACHINE_SIMULATED_MACHINE_H
#define HARNESS_MACHINE_SIMULATED_MACHINE_H

#include <stdbool.h>

enum { SIMULATED_MACHINE_ERROR_BYTES = 1024 };

/* What a command says of --machine in the wrong build. */
#define SIMULATED_NOT \
    "this build measures the machine it is on; `make MODE=sim' builds build/sim/maemio, which simulates others"
#define SIMULATED_WHAT "--machine: this build simulates: want the name of a file in sim/machines"

struct simulated_choice {
    const char *machine;      /* a name in sim/machines, or a path, which has a slash */
    unsigned long long cores; /* of it that are there; 0: all */
    unsigned long long seed;  /* of the spread of transfers */
};

/* From now on the process runs on that machine: simulated_open. False with a message. `name`: the command's. */
bool simulated_machine_open(const char *name, const struct simulated_choice *choice, char *error);

/* How many cores that are; 0 with a message. */
unsigned simulated_machine_cores(const char *name, const struct simulated_choice *choice, char *error);

#endif
