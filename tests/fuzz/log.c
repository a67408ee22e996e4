/*
 * log.c - fuzzes the reader of the log: a folder with a good manifest and a segment of any blocks (folder.h).
 *
 * An input is a word of flags, then described blocks. The manifest says of an earlier life, if there is one, that it
 * ended at the timestamp 2000.
 */
#include "tests/fuzz/folder.h"

enum { BLOCKS_MAX = 64, SALVAGE = 1, THREADS = 2, EARLIER_LIFE = 4, SEVERAL_STREAMS = 8 };

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
    char lives[100];
    if (bytes < sizeof flags)
        return 0;
    memcpy(&flags, data, sizeof flags);
    folder_begin();
    unsigned streams = flags & SEVERAL_STREAMS ? 2 : 1; /* in one folder, as in a copy */
    if (flags & EARLIER_LIFE)
        snprintf(lives, sizeof lives, "life 1 %u 1000 2000\ncurrent 2 %u 1000000\n", streams, streams);
    else
        snprintf(lives, sizeof lives, "current 1 %u 1000\n", streams);
    folder_add_manifest(lives);
    add_segment(data + sizeof flags, bytes - sizeof flags);
    folder_examine(flags & SALVAGE, flags & THREADS);
    folder_end();
    return 0;
}
