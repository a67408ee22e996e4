/*
 * sweep.h - `maemio sweep FILE --out DIR`: runs every point of a job file (jobfile.h), each repetition in a process of
 * its own.
 *
 * Order. The sweep runs all points once, in an order shuffled by the seed, then all once more in another order, and so
 * on. So slow changes of the machine affect all points alike.
 *
 * Nodes. With a launcher (launcher.h) the runs of a round take place on one node and the next round's on another, so
 * that settings are compared on one node, and all nodes have all settings; with fewer rounds than nodes the points of a
 * round are dealt out. Each node does one run at a time. The runs of a node that is lost go to others.
 *
 * Folder. A run writes into DIR/runs/<point>-<repetition>.part, which is renamed to DIR/runs/<point>-<repetition> when
 * the run ended well and its rows are whole. So a name without an ending is a finished run. When the sweep is started
 * again, whether it had ended or not, it does not repeat finished runs, except those whose files are not whole. A
 * failed run is kept as <name>.failed, with its messages in log.txt, until it is repeated. DIR/results.csv,
 * results.jsonl and the other files named in the job file have all finished runs of the plan. The sweep writes them
 * anew when it begins, and they grow with each run.
 */
#ifndef HARNESS_SWEEP_SWEEP_H
#define HARNESS_SWEEP_SWEEP_H

#include "harness/common/exit_code.h"
#include "harness/options/options.h"

struct sweep_request {
    const char *file, *out;                 /* the job file, the folder */
    const char *launcher, *nodes, *program; /* launcher.h; the last two may be NULL */
    bool dry_run, print_arguments;
    bool skip_missing; /* leave out points whose target is not there, and say so */
    uint64_t seed;     /* of the order */
    struct option_pairs overrides;
};

/* `name`: the command's for messages. */
enum exit_code sweep_run(const char *name, const struct sweep_request *asked);

#endif
