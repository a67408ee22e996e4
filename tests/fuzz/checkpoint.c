/*
 * checkpoint.c - fuzzes the reader of checkpoints: a folder whose manifest names one of any blocks (folder.h). An input
 * is a word of flags, whose second byte says how many blocks the manifest wants, then described blocks.
 */
#include "engine/durable/checkpoint.h"
#include "tests/fuzz/folder.h"

enum { BLOCKS_MAX = 3, SALVAGE = 1, THREADS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char file[BLOCKS_MAX * CHECKPOINT_SLOT_BYTES];
    char lines[200];
    uint64_t flags;
    if (bytes < sizeof flags)
        return 0;
    memcpy(&flags, data, sizeof flags);
    data += sizeof flags;
    bytes -= sizeof flags;
    memset(file, 0, sizeof file);
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        if (!folder_next_block(&data, &bytes, (void *)(file + i * CHECKPOINT_SLOT_BYTES), CHECKPOINT_SLOT_BYTES))
            break;
    snprintf(lines, sizeof lines, "current 1 1 1000\ncheckpoint 1 1 1100 1200 %u 2 2\nkept 0 1000 1 1 1\n",
             (unsigned)(flags >> 8 & 3));
    folder_begin();
    folder_add_manifest(lines);
    folder_add("db/checkpoint-00000001", file, sizeof file);
    folder_examine(flags & SALVAGE, flags & THREADS);
    folder_end();
    return 0;
}
