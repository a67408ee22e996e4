/* load.h - reads a history from a file. */
#ifndef HARNESS_PROOF_LOAD_H
#define HARNESS_PROOF_LOAD_H

#include "harness/proof/history.h"

/* Reads a binary or a text file; messages name file and line or word. */
bool history_load(struct history *history, const char *path, char *error, size_t error_bytes);

#endif
