/*
 * node.h - `maemio node`, what a launcher starts on a node for each run of a sweep: it takes a request from its input,
 * runs it in a folder of its own, and writes that folder's files to its output.
 *
 * The request is texts that a NUL ends each: NODE_PROTOCOL, the build, the arguments of `maemio`, and an empty text.
 * The answer is an archive (tar) of the files that the run left, of its output (NODE_LOG), and at last of its exit code
 * (NODE_CODE), without which it is no answer; an archive because nothing says that the machines share a file system.
 * The input stays open while the sweep wants the run: its end, also that of the connection, ends the run.
 *
 * Of one user and on one node only one run goes on at a time: what was left behind by a sweep that is gone has ended
 * before another begins.
 */
#ifndef HARNESS_SWEEP_NODE_H
#define HARNESS_SWEEP_NODE_H

#include "harness/common/exit_code.h"
#include "harness/common/support.h"

#define NODE_PROTOCOL "maemio-node 1"
#define NODE_CODE "exit-code"
#define NODE_LOG "log.txt"

/* Revision and MODE, which must be the same on all nodes; the caller frees it. */
char *node_build(void);

/* `name`: the command's for messages. */
enum exit_code node_serve(const char *name);

#endif
