/*
 * provenance.h - facts about the build, the machine and its state, as texts for the CSV.
 *
 * The harness reads them once a repetition, outside the window, because the machine changes under a run. A fact that
 * cannot be had is an empty text. Nothing that names the machine or its user is read. provenance.def lists the fields.
 */
#ifndef HARNESS_MACHINE_PROVENANCE_H
#define HARNESS_MACHINE_PROVENANCE_H

enum { PROVENANCE_TEXT_BYTES = 512 };

struct provenance {
#define PROVENANCE(name, unit, help) char name[PROVENANCE_TEXT_BYTES];
#include "harness/machine/provenance.def"
};

void provenance_read(struct provenance *provenance);

#endif
