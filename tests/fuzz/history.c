/*
 * history.c - fuzzes the readers of both forms of history that `maemio check` uses: they take any bytes as a history or
 * refuse them with a message. A history that is printed and read again stays the same.
 */
#include "harness/proof/load.h"
#include "harness/proof/text.h"

#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char *printed(const struct history *history, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    FUZZ_EXPECT(out);
    history_print(history, out);
    FUZZ_EXPECT(fclose(out) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct history history, again; /* large */
    char error[1024] = "", path[64];
    char file[] = "/tmp/maemio-fuzz-XXXXXX";
    int fd = mkstemp(file);
    FUZZ_EXPECT(fd >= 0 && unlink(file) == 0 && write(fd, data, bytes) == (ssize_t)bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    history_init(&history);
    if (history_load(&history, path, error, sizeof error)) {
        size_t text_bytes, again_bytes;
        char *text = printed(&history, &text_bytes);
        history_init(&again);
        bool parsed = history_parse(&again, "printed", text, error, sizeof error);
        if (!parsed)
            fprintf(stderr, "%s\n%s\n", error, text);
        FUZZ_EXPECT(parsed);
        char *text_again = printed(&again, &again_bytes);
        FUZZ_EXPECT(strcmp(text, text_again) == 0);
        free(text_again);
        history_fini(&again);
        free(text);
    } else {
        FUZZ_EXPECT(error[0]);
    }
    history_fini(&history);
    close(fd);
    return 0;
}
