/* block.c - see block.h. */
#include "engine/log/block.h"

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/base/crc32c.h"

static uint32_t checksum(const struct block *block)
{
    const size_t from = offsetof(struct block, bytes);
    uint32_t rest = crc32c_of_thirds((const char *)block + from, block->bytes - from);
    return crc32c(rest, &block->magic, sizeof block->magic);
}

void block_seal(struct block *block)
{
    MAE_DCHECK(block->bytes >= sizeof *block && block->bytes <= BLOCK_MAX_BYTES);
    MAE_DCHECK(block->is_last || block->bound == 0); /* D2 */
    block->magic = BLOCK_MAGIC;
    block->version = BLOCK_VERSION;
    block->crc = checksum(block);
}

bool block_is_good(const struct block *block, size_t bytes, uint64_t database)
{
    return bytes >= sizeof *block && block->magic == BLOCK_MAGIC && block->version == BLOCK_VERSION &&
           block->database == database && block->bytes >= sizeof *block && block->bytes <= bytes &&
           (MUTATED(checksum_ignored) || block->crc == checksum(block));
}
