/* run.c - `maemio run`: one run, see harness/bench/run.h. */
#include "harness/bench/run.h"

#include "harness/cli/commands.h"
#include "harness/options/arguments.h"

enum exit_code run_command(int argc, char **argv)
{
    struct options *options = options_create();
    arguments_read(argc, argv, options);
    enum exit_code code = run_execute(options);
    options_destroy(options);
    return code;
}
