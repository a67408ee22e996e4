/* counts.c - see counts.h. */
#include "harness/record/counts.h"

#include "engine/base/check.h"

void counts_add(struct counts *into, const struct counts *add)
{
    into->committed += add->committed;
    into->operations += add->operations;
    into->rolled_back += add->rolled_back;
    into->given_up += add->given_up;
    into->acknowledged += add->acknowledged;
    for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
        into->aborted[reason] += add->aborted[reason];
}

void counts_subtract(struct counts *into, const struct counts *subtract)
{
    MAE_CHECK(subtract->committed <= into->committed && subtract->operations <= into->operations);
    MAE_CHECK(subtract->given_up <= into->given_up);
    MAE_CHECK(subtract->rolled_back <= into->rolled_back && subtract->acknowledged <= into->acknowledged);
    into->committed -= subtract->committed;
    into->operations -= subtract->operations;
    into->rolled_back -= subtract->rolled_back;
    into->given_up -= subtract->given_up;
    into->acknowledged -= subtract->acknowledged;
    for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
        into->aborted[reason] -= subtract->aborted[reason];
}

uint64_t counts_aborted(const struct counts *counts)
{
    uint64_t aborted = 0;
    for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
        aborted += counts->aborted[reason];
    return aborted;
}
