/* block.c - a block is good only whole, undamaged, and of this database. */
#include "engine/log/block.h"

#include "tests/support/world.h"

enum { BODY_BYTES = 200, DATABASE = 7 };

static struct block *sealed(void)
{
    struct block *block = aligned_alloc(FILE_BLOCK_BYTES, FILE_BLOCK_BYTES);
    memset(block, 0, FILE_BLOCK_BYTES);
    block->bytes = sizeof *block + BODY_BYTES;
    block->database = DATABASE;
    block->life = block->number = block->flush = 1;
    memset(block + 1, 5, BODY_BYTES);
    block_seal(block);
    return block;
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct block *block = sealed();
    assert_true(block_is_good(block, FILE_BLOCK_BYTES, DATABASE));
    for (unsigned bit = 0; bit < 8 * block->bytes; bit++) {
        ((unsigned char *)block)[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(block_is_good(block, FILE_BLOCK_BYTES, DATABASE));
        ((unsigned char *)block)[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(block);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct block *block = sealed();
    for (size_t bytes = 0; bytes < block->bytes; bytes++)
        assert_false(block_is_good(block, bytes, DATABASE));
    assert_true(block_is_good(block, block->bytes, DATABASE));
    free(block);
}

static void another_databases_block_is_none(void **state)
{
    (void)state;
    struct block *block = sealed();
    assert_false(block_is_good(block, FILE_BLOCK_BYTES, DATABASE + 1));
    free(block);
}

static void a_piece_as_words_is_the_piece(void **state)
{
    (void)state;
    const uint64_t object = 0x123456789ABC, row = 0xFEDCBA987654;
    const struct piece put = {.object = object, .kind = PIECE_PUT, .row = row, .payload_bytes = UINT16_MAX};
    const struct piece remove = {.object = object, .kind = PIECE_REMOVE, .key_bytes = UINT8_MAX, .row = row};
    uint64_t words[2];
    piece_pack(PIECE_PUT, object, row, UINT16_MAX, words);
    assert_memory_equal(words, &put, sizeof put);
    piece_pack(PIECE_REMOVE, object, row, UINT8_MAX, words);
    assert_memory_equal(words, &remove, sizeof remove);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_as_words_is_the_piece),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(another_databases_block_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
