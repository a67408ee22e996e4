/* properties.c - YCSB's property files: any text translates to options, or is refused with a message. */
#include "harness/options/ycsb_properties.h"

#include "harness/options/options.h"
#include "tests/fuzz/fuzz.h"

/* What comes out are options of this program, with values that it takes or refuses with a message. */
static void apply(const struct ycsb_translation *translation)
{
    char error[OPTION_ERROR_BYTES];
    struct options *options = options_create();
    for (size_t i = 0; i < translation->options.count; i++) {
        error[0] = '\0';
        if (options_set(options, translation->options.items[i].key, translation->options.items[i].value, error))
            continue;
        FUZZ_EXPECT(error[0]);
        FUZZ_EXPECT(!strstr(error, "unknown option"));
    }
    options_destroy(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[YCSB_PROPERTIES_ERROR_BYTES] = "";
    char *text = fuzz_text(data, bytes);
    struct option_pairs properties = {0};
    struct ycsb_translation translation = {0};
    if (ycsb_properties_parse(&properties, "fuzz.properties", text, bytes, error) &&
        ycsb_properties_resolve(&properties, bytes % 2 ? "time" : NULL, &translation, error))
        apply(&translation);
    else
        FUZZ_EXPECT(error[0]);
    ycsb_translation_free(&translation);
    option_pairs_free(&properties);
    free(text);
    return 0;
}
