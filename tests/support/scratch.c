/* scratch.c - see scratch.h. */
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

char scratch_path[] = "/tmp/maemio-test-XXXXXX";
static char *text_written;
static size_t text_bytes;

int scratch_file_create(void **state)
{
    (void)state;
    int fd = mkstemp(scratch_path);
    return fd < 0 ? -1 : close(fd);
}

int scratch_file_remove(void **state)
{
    (void)state;
    return unlink(scratch_path);
}

void scratch_file_write(const char *text)
{
    FILE *file = fopen(scratch_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

FILE *scratch_text_open(void)
{
    FILE *file = open_memstream(&text_written, &text_bytes);
    assert_non_null(file);
    return file;
}

char *scratch_text_close(FILE *file)
{
    assert_int_equal(fclose(file), 0);
    return text_written;
}
