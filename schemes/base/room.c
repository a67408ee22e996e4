/* room.c - see room.h. */
#include "schemes/base/room.h"

#include <string.h>

/* C8. A row that is absent may be used again at any moment, so its version stays. False: the room is still free. */
static bool move_in(struct worker *worker, struct row *row, struct version *room)
{
    chain_link newest = chain_newest(row);
    if (!newest || is_grave(newest) || chain_older(newest) != (uintptr_t)room)
        return false;
    struct version *version = link_version(newest);
    uint32_t size = chain_version_size(newest);
    if ((size & VERSION_SIZE) == 0)
        return false;
    MAE_DCHECK(!(chain_version_begin(newest) & VERSION_OWNED)); /* it has ended, since the room was retired */
    const struct table *table = worker->database->tables[version->store % DATABASE_TABLES_MAX];
    version_fill(room, 0, size);
    memcpy(version_data(room), version_data(version), table->payload_max_bytes);
    chain_set_begin((uintptr_t)room, chain_version_begin(newest));
    if (!chain_push(row, newest, room))
        return false;
    if (MUTATED(chain_moved_early))
        store_give_back(table->versions, &worker->supplies[version->store], (struct row *)version);
    else
        epoch_retire(worker->epoch, &version->retired);
    return true;
}

void room_give_back(struct worker *worker, struct version *room)
{
    struct row *row = (struct row *)(void *)((char *)room - worker->database->row_bytes);
    if (!epoch_is_entered(worker->epoch) || !move_in(worker, row, room))
        chain_free_inline(room);
}
