/*
 * log.c - fuzzes the reader of the log: a folder with a good manifest and a segment of any blocks (folder.h).
 *
 * An input is a word of flags, then described blocks. The manifest says of an earlier life, if there is one, that it
 * ended at the timestamp 2000.
 */
#include "tests/fuzz/folder.h"

enum { BLOCKS_MAX = 64, SALVAGE = 1, THREADS = 2, EARLIER_LIFE = 4 };

static void add_segment(const uint8_t *data, size_t bytes)
{
    static char segment[BLOCKS_MAX * 2 * FILE_BLOCK_BYTES];
    size_t at = 0;
    memset(segment, 0, sizeof segment);
    while (folder_next_block(&data, &bytes, (void *)(segment + at), sizeof segment - at))
        at += padded(((struct block *)(void *)(segment + at))->bytes, FILE_BLOCK_BYTES);
    folder_add("db/log-00000001", segment, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint64_t flags;
    if (bytes < sizeof flags)
        return 0;
    memcpy(&flags, data, sizeof flags);
    folder_begin();
    folder_add_manifest(flags & EARLIER_LIFE ? "life 1 1000 2000\ncurrent 2 1000000\n" : "current 1 1000\n");
    add_segment(data + sizeof flags, bytes - sizeof flags);
    folder_examine(flags & SALVAGE, flags & THREADS);
    folder_end();
    return 0;
}
