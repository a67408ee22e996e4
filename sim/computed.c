/* computed.c - see computed.h. */
#include "sim/computed.h"

#include <stdlib.h>

#include "engine/base/compiler.h"
#include "sim/addresses.h"

bool computed_init(struct computed *computed)
{
    computed->pairs = calloc(COMPUTED_PAIRS, sizeof *computed->pairs);
    return computed->pairs != NULL;
}

void computed_fini(struct computed *computed)
{
    free(computed->pairs);
    computed->pairs = NULL;
}

/* Two pairs of one key tell the function, if it is a linear one. */
static uint64_t stride_of(int64_t value, int64_t address)
{
    return value == -1 ? -(uint64_t)address : address % value == 0 ? (uint64_t)(address / value) : 0;
}

static void restart(struct computed_pair *pair, uint64_t stride, uint64_t value, uint64_t address)
{
    pair->trust = 0;
    pair->stride = stride;
    pair->value = value;
    pair->address = address;
}

bool computed_from(struct computed *computed, uint64_t from, uint64_t place, uint64_t value, uint64_t address)
{
    uint64_t key = (from * 31 + place) * UINT64_C(0x9E3779B97F4A7C15) ^ address >> ADDRESSES_AREA_SHIFT;
    key = (key ^ key >> 29) * UINT64_C(0xBF58476D1CE4E5B9) | 1;
    struct computed_pair *pair = &computed->pairs[key >> 32 & (COMPUTED_PAIRS - 1)];
    if (pair->key != key) {
        pair->key = key;
        restart(pair, 0, value, address);
        return false;
    }
    uint64_t more_value = value - pair->value, more_address = address - pair->address;
    bool right = more_address == pair->stride * more_value && pair->stride != 0;
    if (right && more_value != 0)
        pair->trust += pair->trust < COMPUTED_TRUST_MAX;
    else if (!right && pair->trust > 0)
        pair->trust--; /* another load may have brought it this time: what is known stays */
    else if (!right)
        restart(pair, more_value == 0 ? 0 : stride_of((int64_t)more_value, (int64_t)more_address), value, address);
    return right && pair->trust >= COMPUTED_TRUST && !MUTATED(numbers_are_known);
}
