/* counts.c - see counts.h. */
#include "harness/record/counts.h"

void counts_add(struct counts *into, const struct counts *add)
{
    into->committed += add->committed;
    into->operations += add->operations;
    into->rolled_back += add->rolled_back;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        into->aborted[status] += add->aborted[status];
}

void counts_subtract(struct counts *into, const struct counts *subtract)
{
    into->committed -= subtract->committed;
    into->operations -= subtract->operations;
    into->rolled_back -= subtract->rolled_back;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        into->aborted[status] -= subtract->aborted[status];
}

uint64_t counts_aborted(const struct counts *counts)
{
    uint64_t aborted = 0;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        aborted += counts->aborted[status];
    return aborted;
}
