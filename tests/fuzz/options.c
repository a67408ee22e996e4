/*
 * options.c - fuzzes the options of the command line and of the engine, as lines of key=value. A text is taken, or
 * refused with a message. A value that was taken is taken again in the form in which it is shown. Lines that begin with
 * '.' are the engine's.
 */
#include "engine/maemio.h"
#include "harness/options/options.h"

#include "tests/fuzz/fuzz.h"

static void set_engine_option(struct mae_options *engine, const char *key, const char *value)
{
    char error[256] = "", shown[128], again[128];
    if (mae_options_set(engine, key, value, error, sizeof error) != MAE_OK) {
        FUZZ_EXPECT(error[0]);
        return;
    }
    for (size_t i = 0; mae_options_get(engine, i, shown, sizeof shown); i++) {
        FUZZ_EXPECT(mae_options_set(engine, mae_option_info(i)->name, shown, error, sizeof error) == MAE_OK);
        FUZZ_EXPECT(mae_options_get(engine, i, again, sizeof again) && strcmp(shown, again) == 0);
    }
}

/* Each value is shown as a text that is taken, and that is shown alike. */
static void expect_canonical(const struct option_spec *specs, void *values)
{
    char shown[OPTION_TEXT_BYTES], again[OPTION_TEXT_BYTES], error[OPTION_ERROR_BYTES];
    for (size_t i = 0; specs[i].name; i++) {
        option_text(specs, i, values, shown, sizeof shown);
        FUZZ_EXPECT(option_set(specs, i, shown, values, error, sizeof error));
        option_text(specs, i, values, again, sizeof again);
        FUZZ_EXPECT(strcmp(shown, again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[OPTION_ERROR_BYTES], *text = fuzz_text(data, bytes), *rest = text, *line;
    struct options *options = options_create();
    struct mae_options *engine = mae_options_create();
    FUZZ_EXPECT(engine);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        error[0] = '\0';
        if (line[0] == '.')
            set_engine_option(engine, line + 1, value);
        else
            FUZZ_EXPECT(options_set(options, line, value, error) || error[0]);
    }
    error[0] = '\0';
    if (options_resolve(options, error)) {
        expect_canonical(options->workload->options, options->workload_values);
        expect_canonical(options->target->options, options->target_values);
    } else {
        FUZZ_EXPECT(error[0]);
    }
    mae_options_destroy(engine);
    options_destroy(options);
    free(text);
    return 0;
}
