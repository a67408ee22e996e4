/* window.c - the window finds the blocks that whoever reads the file as a whole finds, also when headers lie. */
#include "engine/durable/window.h"

#include <stdlib.h>

#include "engine/base/mem.h"
#include "tests/support/disk.h"
#include "tests/support/world.h"

enum { FILE_BYTES = 9 << 20, DATABASE = 77, PLACES = FILE_BYTES / FILE_BLOCK_BYTES };

static char *file_memory;

/* A block of up to the whole size. Returns its bytes with the padding. */
static size_t put_block(uint64_t *random, size_t at)
{
    struct block *block = (struct block *)(void *)(file_memory + at);
    size_t left = FILE_BYTES - at, most = left < BLOCK_MAX_BYTES ? left : BLOCK_MAX_BYTES;
    if (random_below(random, 3) > 0 && most > 3 * FILE_BLOCK_BYTES)
        most = 3 * FILE_BLOCK_BYTES;
    *block = (struct block){.database = DATABASE + (random_below(random, 10) == 0), .number = at};
    block->bytes = (uint32_t)(sizeof *block + random_below(random, most - sizeof *block + 1));
    block_seal(block);
    return padded(block->bytes, FILE_BLOCK_BYTES);
}

/* What a torn write leaves: a header that promises more, or less, than there is. */
static void spoil(uint64_t *random, size_t at)
{
    struct block *block = (struct block *)(void *)(file_memory + at);
    if (random_below(random, 2) == 0)
        block->bytes = (uint32_t)random_below(random, BLOCK_MAX_BYTES + 10);
    else
        block->crc++;
}

static void make_file(uint64_t *random)
{
    memset(file_memory, 0, FILE_BYTES);
    for (size_t at = 0; at < FILE_BYTES;) {
        size_t bytes = random_below(random, 5) == 0 ? FILE_BLOCK_BYTES : put_block(random, at);
        if (random_below(random, 10) == 0)
            spoil(random, at);
        at += bytes;
    }
}

/* The good blocks, as a bit for each place. */
static void look(size_t bytes, bool *found)
{
    memset(found, 0, PLACES);
    for (size_t at = 0; at + FILE_BLOCK_BYTES <= bytes;) {
        const struct block *block = (const struct block *)(const void *)(file_memory + at);
        bool good = found[at / FILE_BLOCK_BYTES] = block_is_good(block, bytes - at, DATABASE);
        at += good ? padded(block->bytes, FILE_BLOCK_BYTES) : FILE_BLOCK_BYTES;
    }
}

static void move_over(struct window *window, int file, struct window_image *image, size_t bytes, bool *found)
{
    size_t at = 0, read = 0;
    memset(found, 0, PLACES);
    assert_int_equal(window_open(window, file, image), 0);
    while (!window->is_end) {
        int64_t got = window_move(window, at);
        assert_true(got >= 0);
        read += (size_t)got;
        for (at = 0; window_reaches(window, at);) {
            assert_memory_equal(window->memory + at, file_memory + window->offset + at, FILE_BLOCK_BYTES);
            const struct block *block = (const struct block *)(const void *)(window->memory + at);
            bool good = window_has_block(window, at);
            found[(window->offset + at) / FILE_BLOCK_BYTES] = good;
            at += good ? padded(block->bytes, FILE_BLOCK_BYTES) : FILE_BLOCK_BYTES;
        }
    }
    assert_int_equal(read, bytes);
    window_close(window);
}

static void it_finds_what_is_there(void **state)
{
    (void)state;
    uint64_t random = seed_from_environment();
    static bool expected[PLACES], found[PLACES];
    disk_open();
    file_memory = aligned_alloc(FILE_BLOCK_BYTES, FILE_BYTES);
    assert_non_null(file_memory);
    assert_int_equal(file_calls->make_folder("log"), 0);
    for (unsigned i = 0; i < 6; i++) {
        struct window window;
        char path[20];
        (void)snprintf(path, sizeof path, "log/%u", i);
        make_file(&random);
        /* The last one ends in the middle of a place: its last block may have no padding. */
        size_t bytes = i == 5 ? FILE_BYTES - 1000 : FILE_BYTES - random_below(&random, 100) * FILE_BLOCK_BYTES;
        int file = file_calls->open(path, FILE_WRITE | FILE_CREATE);
        assert_true(file >= 0);
        assert_int_equal(file_calls->write(file, file_memory, bytes, 0), 0);
        look(bytes, expected);
        for (unsigned kind = 0; kind < 6; kind++) {
            enum { SHORT = 2, WHOLE = 4 };
            struct window_image image = {.bytes = kind >= WHOLE ? bytes : bytes - 1};
            image.memory = kind >= SHORT ? mem_alloc_large(image.bytes, MEM_HUGE_AUTO) : NULL;
            assert_true(window_init(&window, i, DATABASE, kind % 2 == 1));
            for (unsigned j = 0; j < 2; j++) { /* it may be used again, and what is in memory needs no file */
                move_over(&window, kind >= WHOLE && j == 1 ? -1 : file, &image, bytes, found);
                assert_memory_equal(found, expected, sizeof found);
                assert_int_equal(image.is_read, kind >= WHOLE);
            }
            window_fini(&window);
            free(image.memory);
        }
        assert_int_equal(file_calls->close(file), 0);
    }
    free(file_memory);
    disk_crash(NULL);
    disk_close();
}

static _Atomic uint64_t bytes_read;

/* In the middle of what a window reads at once. */
static int64_t fail_to_read(int file, void *data, size_t bytes, uint64_t offset)
{
    (void)file;
    memset(data, 0, bytes);
    bytes_read += bytes;
    return offset < 5 * (uint64_t)BLOCK_MAX_BYTES - 100000 ? (int64_t)bytes : -5;
}

static int64_t size_of_nine(int file)
{
    return file == 1 ? FILE_BYTES : -9;
}

static const struct file_calls failing_calls = {.read = fail_to_read, .size = size_of_nine};

static void a_failure_is_told(void **state)
{
    (void)state;
    const struct file_calls *before = file_calls;
    file_calls = &failing_calls;
    for (unsigned i = 0; i < 4; i++) {
        struct window window;
        int64_t got;
        assert_true(window_init(&window, i < 2 ? 1 : 3, DATABASE, i % 2 == 1));
        assert_int_equal(window_open(&window, 0, NULL), -9);
        assert_int_equal(window_open(&window, 1, NULL), 0);
        do {
            got = window_move(&window, window.bytes);
            assert_true(window.offset < 5 * (uint64_t)BLOCK_MAX_BYTES && !window.is_end);
        } while (got > 0);
        assert_int_equal(got, -5);
        window_close(&window);
        window_fini(&window);
    }
    file_calls = before;
}

static void what_comes_next_is_read_ahead_if_that_is_wanted(void **state)
{
    (void)state;
    const struct file_calls *before = file_calls;
    file_calls = &failing_calls;
    for (unsigned ahead = 0; ahead < 2; ahead++) {
        struct window window;
        bytes_read = 0;
        assert_true(window_init(&window, 1, DATABASE, ahead));
        assert_int_equal(window_open(&window, 1, NULL), 0);
        int64_t got = window_move(&window, 0);
        window_close(&window);
        assert_int_equal(bytes_read, (uint64_t)got * (ahead ? 3 : 1)); /* ahead it reads twice as much */
        assert_int_equal(window_open(&window, 1, NULL), 0);            /* what was read ahead is forgotten */
        assert_int_equal(window_move(&window, 0), got);
        assert_int_equal(window.offset, 0);
        window_close(&window);
        window_fini(&window);
    }
    file_calls = before;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_is_there),
        cmocka_unit_test(a_failure_is_told),
        cmocka_unit_test(what_comes_next_is_read_ahead_if_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
