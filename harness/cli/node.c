/* node.c - `maemio node`: see harness/sweep/node.h. */
#include "harness/sweep/node.h"

#include "harness/cli/commands.h"

enum exit_code node_command(int argc, char **argv)
{
    struct command_option options[] = {{0}};
    struct command_line line = {
        .doc = "Takes a request from its input, runs it in a folder of its own, and writes the files that the run left "
               "to its output, as an archive. `maemio sweep --launcher' starts it on each machine that measures.",
        .options = options};
    (void)command_read(&line, argc, argv);
    return command_end(argv[0], node_serve(argv[0]));
}
