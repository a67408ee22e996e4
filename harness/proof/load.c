/* load.c - see load.h. */
#include "harness/proof/load.h"

#include "harness/common/text_file.h"
#include "harness/proof/text.h"

struct block {
    uint64_t head;
    size_t at;
};

static int by_stream(const void *x, const void *y)
{
    const struct block *a = x, *b = y;
    uint64_t first = a->head >> HISTORY_BLOCK_WORDS_BITS, second = b->head >> HISTORY_BLOCK_WORDS_BITS;
    if (first != second)
        return first < second ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

/* Adds the blocks of a file where they lie, stream by stream, so that what is added is nearly in order. */
static bool add_blocks(struct history *history, const uint64_t *words, size_t bytes, char *error, size_t error_bytes)
{
    const uint64_t mask = (UINT64_C(1) << HISTORY_BLOCK_WORDS_BITS) - 1;
    size_t count = bytes / sizeof *words, block_count = 0, at = 1;
    SUPPORT_FREED struct block *blocks = NULL;
    bool whole = bytes % sizeof *words == 0 && words[count - 1] == HISTORY_END_WORD, ok = whole;
    while (ok && at + 1 < count) {
        blocks = support_more(blocks, block_count, sizeof *blocks);
        blocks[block_count++] = (struct block){words[at], at + 1};
        ok = (words[at] & mask) < count - at - 1;
        at += (words[at] & mask) + 1;
    }
    if (!whole)
        snprintf(error, error_bytes, "cut off: its end is missing, as after a run that was killed, or a full disk");
    else if (!ok)
        snprintf(error, error_bytes, "damaged: a block at byte %zu goes beyond the file",
                 (blocks[block_count - 1].at - 1) * sizeof *words);
    if (ok && block_count)
        qsort(blocks, block_count, sizeof *blocks, by_stream);
    for (size_t i = 0; ok && i < block_count; i++)
        ok = history_add(history, words + blocks[i].at, blocks[i].head & mask, error, error_bytes);
    return ok;
}

bool history_load(struct history *history, const char *path, char *error, size_t error_bytes)
{
    size_t bytes;
    char problem[256];
    SUPPORT_FREED char *text = text_file_read(path, SIZE_MAX - 1, true, &bytes, error, error_bytes);
    if (text == NULL)
        return false;
    if (bytes >= HISTORY_MAGIC_BYTES && memcmp(text, HISTORY_MAGIC, HISTORY_MAGIC_BYTES) == 0) {
        history->owned = text;
        text = NULL;
        return add_blocks(history, history->owned, bytes, problem, sizeof problem) ||
               support_error(error, error_bytes, "%s: %s", path, problem);
    }
    if (bytes == 0)
        return support_error(error, error_bytes, "%s: the file is empty", path);
    if (bytes >= HISTORY_MAGIC_BYTES && memcmp(text, HISTORY_MAGIC, HISTORY_MAGIC_BYTES - 1) == 0)
        return support_error(error, error_bytes,
                             "%s: the format is %.*s, this program reads " HISTORY_MAGIC
                             ": use the version that recorded it",
                             path, HISTORY_MAGIC_BYTES, text);
    if (bytes != strlen(text))
        return support_error(error, error_bytes,
                             "%s: neither a binary history (it does not begin with " HISTORY_MAGIC ") nor text", path);
    return history_parse(history, path, text, error, error_bytes);
}
