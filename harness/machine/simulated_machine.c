/* simulated_machine.c - see simulated_machine.h. */
#include "harness/machine/simulated_machine.h"

#include <string.h>

#include "harness/common/program.h"
#include "harness/common/support.h"
#include "harness/common/text_file.h"
#include "sim/simulated.h"

enum { MACHINE_BYTES_MAX = 1 << 16 };

/* The text of the machine's file, and its path; NULL with a message. */
static char *machine_text(const char *name, const char *machine, char **path, char *error)
{
    size_t bytes;
    SUPPORT_FREED char *share = program_share(name);
    if (share == NULL) {
        (void)support_error(error, SIMULATED_MACHINE_ERROR_BYTES, "%s: its file cannot be found", machine);
        return NULL;
    }
    *path =
        strchr(machine, '/') != NULL ? support_copy(machine) : support_format("%ssim/machines/%s.conf", share, machine);
    return text_file_read(*path, MACHINE_BYTES_MAX, true, &bytes, error, SIMULATED_MACHINE_ERROR_BYTES);
}

bool simulated_machine_open(const char *name, const struct simulated_choice *choice, char *error)
{
    SUPPORT_FREED char *path = NULL;
    SUPPORT_FREED char *text = machine_text(name, choice->machine, &path, error);
    return text != NULL &&
           simulated_open(path, text, choice->cores, choice->seed, error, SIMULATED_MACHINE_ERROR_BYTES);
}

unsigned simulated_machine_cores(const char *name, const struct simulated_choice *choice, char *error)
{
    SUPPORT_FREED char *path = NULL;
    SUPPORT_FREED char *text = machine_text(name, choice->machine, &path, error);
    return text == NULL ? 0 : simulated_cores(path, text, choice->cores, error, SIMULATED_MACHINE_ERROR_BYTES);
}
