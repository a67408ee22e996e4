/* conform.c - see conform.h. */
#include "tests/support/conform.h"

#include "harness/targets/targets.h"

enum { WHY_BYTES = 256 };

/* huge_pages: memory is the same on all pages, and tests with many targets want little of it. durability: it needs a
 * folder that is empty each time a target is opened, which these tests do not make. snapshot=durable needs
 * durability. */
static bool is_left_alone(const struct option_spec *spec)
{
    return strcmp(spec->name, "huge_pages") == 0 || strcmp(spec->name, "durability") == 0 ||
           strcmp(spec->name, "snapshot") == 0;
}

/* With the defaults but for one value; false if that is the default itself, or wrong. */
static bool variant_make(struct conform_variant *variant, const struct target_ops *ops, size_t option, const char *word)
{
    char why[WHY_BYTES], text[WHY_BYTES];
    *variant = (struct conform_variant){.ops = ops, .promises = ops->promises};
    snprintf(variant->name, sizeof variant->name, "%s", ops->name);
    if (ops->options == NULL)
        return word == NULL;
    assert_true(option_count(ops->options) <= CONFORM_OPTIONS_MAX);
    assert_true(option_values_init(ops->options, variant->values, why, sizeof why));
    conform_set(variant, "huge_pages", "off");
    if (word != NULL) {
        option_text(ops->options, option, variant->values, text, sizeof text);
        if (strcmp(text, word) == 0)
            return false;
        assert_true(option_set(ops->options, option, word, variant->values, why, sizeof why));
        snprintf(variant->name, sizeof variant->name, "%s:%s=%s", ops->name, ops->options[option].name, word);
    }
    if (ops->promises_with != NULL)
        variant->promises = ops->promises_with(variant->values);
    return true;
}

void conform_default(struct conform_variant *variant, const struct target_ops *ops)
{
    assert_true(variant_make(variant, ops, 0, NULL));
}

void conform_clear(struct conform_variant *variant)
{
    if (variant->ops->options != NULL)
        option_values_clear(variant->ops->options, variant->values);
}

static unsigned variants_run, words_met;

#if defined(MAE_DEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { WORDS_SHARE = 1 };
#else
enum { WORDS_SHARE = 4 };
#endif

static bool is_left_out(const struct target_ops *ops)
{
    return ops != &native_target_ops && getenv("TARGET") == NULL && words_met++ % WORDS_SHARE != 0;
}

static void run(struct conform_variant *variant, void (*body)(const struct conform_variant *variant))
{
    const char *only = getenv("TARGET");
    if (only == NULL || *only == '\0' || strcmp(only, variant->name) == 0) {
        printf("  %s\n", variant->name);
        fflush(stdout);
        variants_run++;
        body(variant);
    }
    conform_clear(variant);
}

static void run_words(const struct target_ops *ops, size_t option, const char *words,
                      void (*body)(const struct conform_variant *variant))
{
    struct conform_variant variant;
    char word[64];
    for (const char *at = words; *at; at += *at == '|') {
        size_t length = strcspn(at, "|");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (variant_make(&variant, ops, option, word) && !is_left_out(ops))
            run(&variant, body);
        else
            conform_clear(&variant);
        at += length;
    }
}

/* Of the options that take more than words, those that change what transactions do. */
static void run_values(const struct target_ops *ops, size_t option, void (*body)(const struct conform_variant *variant))
{
    static const char *const values[][2] = {{"elder_after", "1"}, {"relay_us", "10"}, {"backoff", "learn"}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(ops->options[option].name, values[i][0]) == 0)
            run_words(ops, option, values[i][1], body);
}

void conform_each(void (*body)(const struct conform_variant *variant))
{
    const struct target_ops *ops;
    variants_run = words_met = 0;
    for (size_t i = 0; (ops = target_at(i)) != NULL; i++) {
        struct conform_variant variant;
        char why[WHY_BYTES];
        if (!external_is_there(ops, why, sizeof why)) {
            printf("  %s is skipped: %s\n", ops->name, why);
            continue;
        }
        if ((ops = external_load(ops, why, sizeof why)) == NULL)
            fail_msg("%s", why);
        conform_default(&variant, ops);
        run(&variant, body);
        for (size_t option = 0; ops->options != NULL && option < option_count(ops->options); option++) {
            const struct option_spec *spec = &ops->options[option];
            if (!is_left_alone(spec) && (spec->type == OPTION_enum || spec->type == OPTION_bool))
                run_words(ops, option, spec->type == OPTION_bool ? "on|off" : spec->range, body);
            else
                run_values(ops, option, body);
        }
    }
    if (variants_run == 0)
        fail_msg("TARGET=%s: there is no such target, or it has not this option or word", getenv("TARGET"));
}

void conform_set(struct conform_variant *variant, const char *option, const char *value)
{
    const struct option_spec *specs = variant->ops->options;
    char why[WHY_BYTES];
    size_t i = specs != NULL ? option_find(specs, option) : 0;
    if (specs != NULL && i < option_count(specs))
        assert_true(option_set(specs, i, value, variant->values, why, sizeof why));
}

struct target *conform_open(const struct conform_variant *variant, const struct target_ops *ops)
{
    struct target *target = NULL;
    char error[WHY_BYTES] = "";
    if (ops->open(ops, variant->values, &target, error, sizeof error) != TARGET_OK)
        fail_msg("%s does not open: %s", variant->name, error);
    return target;
}

void conform_key(size_t key_bytes, void *key, uint64_t number)
{
    if (key_bytes == sizeof number) {
        memcpy(key, &number, sizeof number);
        return;
    }
    memset(key, 'k', key_bytes);
    for (size_t i = 0; i < sizeof number; i++)
        ((unsigned char *)key)[key_bytes - 1 - i] = (unsigned char)(number >> (8 * i));
}

void conform_variable_key(size_t key_bytes, void *key, uint64_t number)
{
    enum { BEFORE = 8, DIGITS = 7 };
    unsigned char *const bytes = key;
    const size_t behind = number % 2 ? 1 + number * 5 % (key_bytes - BEFORE - DIGITS) : 0;
    memset(bytes, 0, TARGET_VARIABLE_KEY_STRIDE);
    bytes[0] = (unsigned char)(BEFORE + DIGITS + behind);
    memset(bytes + 1, 'k', BEFORE);
    for (size_t i = 0; i < DIGITS; i++)
        bytes[BEFORE + DIGITS - i] = (unsigned char)(number / 2 >> (8 * i));
}
