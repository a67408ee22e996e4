/*
 * problem.h - why a database cannot be opened or written: a text for people, with the file and the place in it.
 */
#ifndef ENGINE_DURABLE_PROBLEM_H
#define ENGINE_DURABLE_PROBLEM_H

#include <stdint.h>

#include "engine/maemio.h"

struct problem {
    char text[MAE_PROBLEM_BYTES];
};

/* What a call of file.h that has failed with this errno, which is negative, means: MAE_FULL or MAE_IO. */
enum mae_status problem_status(int64_t result);

/* Writes the text, as printf. Returns `status`. */
__attribute__((format(printf, 3, 4))) enum mae_status problem_set(struct problem *problem, enum mae_status status,
                                                                  const char *format, ...);

#endif
