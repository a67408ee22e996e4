/* commands.c - see commands.h. */
#include "harness/cli/commands.h"

#include <stdio.h>

enum exit_code command_end(const char *name, enum exit_code code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "%s: stdout cannot be written\n", name);
    return EXIT_FAILED;
}
