/*
 * position.h - where a walk through an index in parts has come to, each part in a transaction of its own. At first
 * zeros.
 */
#ifndef ENGINE_INDEX_POSITION_H
#define ENGINE_INDEX_POSITION_H

#include "engine/index/hash_index.h"
#include "engine/index/tree_index.h"

struct index_position {
    union {
        struct hash_position hash;
        struct tree_position tree;
    };
};

#endif
