/*
 * manifest.c - fuzzes the reader of the manifest. The checksum is put right, since nothing else would ever be read.
 * What is read is written the same, to the byte. And a folder with this manifest is opened, or refused with a message.
 */
#include "engine/durable/manifest.h"

#include "tests/fuzz/folder.h"

/* The same text with another last line, unless it is not a text. */
static void checksum_put_right(char *text)
{
    static const char last_line[] = "\nchecksum 00000000\n";
    char *last = strstr(text, "\nchecksum ");
    if (last && strlen(last) >= strlen(last_line))
        snprintf(last, sizeof last_line, "\nchecksum %08x\n", (unsigned)crc32c(0, text, (size_t)(last - text) + 1));
}

static char *stored(void)
{
    int file = file_calls->open("db/manifest", FILE_READ);
    int64_t bytes = file_calls->size(file);
    FUZZ_EXPECT(file >= 0 && bytes >= 0);
    char *text = calloc(1, (size_t)bytes + 1);
    FUZZ_EXPECT(text && file_calls->read(file, text, (size_t)bytes, 0) == bytes);
    (void)file_calls->close(file);
    return text;
}

static void read_and_write(void)
{
    struct manifest manifest;
    struct problem problem = {.text = ""};
    if (manifest_read("db", &manifest, &problem) != MAE_OK) {
        FUZZ_EXPECT(problem.text[0]);
        return;
    }
    char *first = stored();
    FUZZ_EXPECT(manifest_write("db", &manifest, &problem) == MAE_OK);
    char *second = stored();
    FUZZ_EXPECT(strcmp(first, second) == 0);
    free(second);
    free(first);
    manifest_fini(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = fuzz_text(data, bytes);
    checksum_put_right(text);
    folder_begin();
    folder_add("db/manifest", text, strlen(text));
    read_and_write();
    folder_examine(false, false);
    folder_end();
    free(text);
    return 0;
}
