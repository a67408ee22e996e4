/* text.h - the text form of a history, as history.h describes it. */
#ifndef HARNESS_PROOF_TEXT_H
#define HARNESS_PROOF_TEXT_H

#include "harness/proof/history.h"

/* Messages name `name` and the line. */
bool history_parse(struct history *history, const char *name, const char *text, char *error, size_t error_bytes);

bool history_print(const struct history *history, FILE *out); /* false at a malformed record */
void history_print_record(const struct history *history, const uint64_t *words, FILE *out);

#endif
