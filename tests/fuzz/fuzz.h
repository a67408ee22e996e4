/*
 * fuzz.h - what the fuzzers share. Each source here is a program of its own (clang's libFuzzer) that feeds one reader
 * of what users or disks hold. Found must be: no crash, no finding of the sanitizers, no end without a message, and
 * what was read must be read the same again from what is written of it. scripts/fuzz runs them; corpus/NAME holds the
 * beginnings and, as regression-*, each input that once failed.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FUZZ_EXPECT(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: expected: %s\n", file, line, condition);
    abort();
}

/* A copy with a NUL behind it, in a block of its own, so that AddressSanitizer sees a step beyond its end. */
static inline char *fuzz_text(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1);
    if (!text)
        abort();
    if (bytes > 0)
        memcpy(text, data, bytes);
    text[bytes] = '\0';
    return text;
}

#endif
