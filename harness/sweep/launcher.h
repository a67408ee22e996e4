/*
 * launcher.h - where the runs of a sweep take place: here, or on nodes, machines that a command leads to.
 *
 * `maemio sweep --launcher` names it: `local`; `ssh:HOST,HOST`; `slurm`, all nodes of the allocation or, outside of
 * one, of the cluster, or `slurm:NODE,NODE`; or any other command, to which a program and its arguments are added, for
 * each of `--nodes`. Whatever the launcher is, it starts `maemio node` (node.h) there and carries its input and output.
 * Checked by: tests/unit/harness/sweep/launcher.c, tests/cli/nodes.sh.   Not here: processes (processes.h).
 */
#ifndef HARNESS_SWEEP_LAUNCHER_H
#define HARNESS_SWEEP_LAUNCHER_H

#include "harness/common/support.h"

enum { LAUNCHER_ERROR_BYTES = 512 };

enum launcher_kind { LAUNCHER_LOCAL, LAUNCHER_SSH, LAUNCHER_SLURM, LAUNCHER_COMMAND };

struct launcher {
    enum launcher_kind kind;
    const char *command;       /* of LAUNCHER_COMMAND */
    char *program;             /* maemio, on the nodes */
    struct support_list nodes; /* names; of LAUNCHER_LOCAL one that is empty */
    struct support_list cpus;  /* of LAUNCHER_SLURM outside of an allocation: NODE=CPUS, as the cluster says */
};

/* `text`: of --launcher; `nodes`, `program`: of --nodes and --program, NULL where they are not given. The texts stay
 * the caller's, who keeps them. False with a message in `error`; launcher_free even then. */
bool launcher_init(struct launcher *launcher, const char *text, const char *nodes, const char *program, char *error);
void launcher_free(struct launcher *launcher);

/* The words that start `maemio node` on a node; the caller frees them. */
struct support_list launcher_words(const struct launcher *launcher, size_t node);

#endif
