/*
 * room.h - what becomes of the room for a version in a row (chain.h: C7) when it is free again: the row's newest
 * version moves in, or whoever comes takes it.
 *
 * Checked by: tests/unit/schemes/chained.c and tests/schedule/schemes.c (hekaton-moves, ermia-moves); mutations
 * chain_moved_early, chain_moved_is_other.
 */
#ifndef SCHEMES_BASE_ROOM_H
#define SCHEMES_BASE_ROOM_H

#include "schemes/base/chain.h"

/* The room, which was retired, may be used again. If the worker is in an epoch, the row's newest version may move in
 * (C8); its former place is then retired. */
void room_give_back(struct worker *worker, struct version *room);

#endif
