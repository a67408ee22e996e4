/* elle.h - a history for Elle, the checker of the Jepsen project. */
#ifndef HARNESS_PROOF_ELLE_H
#define HARNESS_PROOF_ELLE_H

#include "harness/proof/judge.h"

/*
 * Writes the history in the EDN form that Elle's list-append checker reads: a row is a list, each version
 * appends one element (its writer's name and sequence), and a read returns all elements up to the version read, as
 * the versions name their predecessors. False with a message where that is not so (blind writes, deletes), or where the
 * lists would become too long to write.
 */
bool history_export_elle(struct history_checker *checker, const struct history *history, FILE *out, char *error,
                         size_t error_bytes);

#endif
