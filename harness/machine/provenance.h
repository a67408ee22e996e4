/*
 * provenance.h - where numbers come from: the build, the machine and its state, as texts for the CSV.
 *
 * Read once a repetition, outside the window, because the machine changes under a run. What cannot be had is an empty
 * text. Nothing that names the machine or its user is read. The list of fields is in provenance.def.
 */
#ifndef HARNESS_MACHINE_PROVENANCE_H
#define HARNESS_MACHINE_PROVENANCE_H

enum { PROVENANCE_TEXT_BYTES = 512 };

struct provenance {
#define PROVENANCE(name, unit, help) char name[PROVENANCE_TEXT_BYTES];
#include "harness/machine/provenance.def"
#undef PROVENANCE
};

void provenance_read(struct provenance *provenance);

#endif
