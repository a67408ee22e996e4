/* mutation.c - see mutation.h. */
#include "engine/base/mutation.h"

#include <stddef.h>

#ifdef MAE_MUTATIONS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker defines both. Each program and each shared library has its own. */
#define HIDDEN __attribute__((visibility("hidden")))
extern struct mutation first __asm__("__start_mae_mutations") HIDDEN, end __asm__("__stop_mae_mutations") HIDDEN;

const char *mutation_chosen(void)
{
    return getenv("MAE_MUTATION");
}

/* A name that no step has would make every test pass, as if it had not noticed. */
__attribute__((constructor)) static void switch_on(void)
{
    const char *chosen = mutation_chosen();
    bool found = false;
    for (struct mutation *mutation = &first; chosen && mutation < &end; mutation++)
        if (strcmp(mutation->name, chosen) == 0)
            mutation->on = found = true;
    if (chosen && !found) {
        (void)fprintf(stderr, "MAE_MUTATION=%s: this program has no such mutation\n", chosen);
        _Exit(2);
    }
}
#else
const char *mutation_chosen(void)
{
    return NULL;
}
#endif
