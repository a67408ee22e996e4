/*
 * option.h - named options with typed values: of the engine, of targets, of workloads and of runs. Command line, job
 * files, help, columns and JSON use one set of tables, so all of them take and show the same values.
 *
 * A table is written once,
 *     #define BANK_OPTIONS(X) \
 *         X(u64, accounts, "1000", "2..1G", "rows", "how many accounts") ...
 * and expanded with OPTION_FIELD inside a struct of values and with OPTION_SPEC inside an array that OPTION_END ends.
 * Every field begins at a multiple of 8 bytes, so that the i-th option of the array is the i-th field of the struct.
 *
 * A range is a list of alternatives separated by '|': words, and at most one lo..hi, of which either side may be left
 * out. A value is one of the words or within lo..hi; the range "" allows every value. The words are stored as:
 *     enum               the word's place, so a C enum in the same order names the values
 *     u64, bytes, time   0, which lo..hi then leaves out; there is one word (auto, off)
 *     f64                NaN; there is one word
 *     backoff            OPTION_WORD_FIRST and below
 * Reading is thread-safe, changing values is not. Checked by: tests/unit/base/option.c, tests/fuzz/options.c.
 */
#ifndef ENGINE_BASE_OPTION_H
#define ENGINE_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * type, its field in C, what a value is. u64 takes k, M, G, T (powers of 1000), bytes K, M, G, T (powers of 1024), time
 * a unit and is stored in ns. backoff is "fixed:" and microseconds, stored in ns. A string is owned by its field.
 */
#define OPTION_TYPES(X)                                         \
    X(u64, uint64_t, "a whole number such as 1000, 10k, 10M")   \
    X(bytes, uint64_t, "a size such as 100, 64K, 4G")           \
    X(time, uint64_t, "a time such as 500us, 200ms, 5s, 1m")    \
    X(f64, double, "a number such as 0.99")                     \
    X(backoff, uint64_t, "fixed: and a number of microseconds") \
    X(bool, _Bool, "on or off")                                 \
    X(enum, unsigned, "a word")                                 \
    X(string, const char *, "a text")

enum option_type {
#define OPTION_TYPE_ID(type, field, sample) OPTION_##type,
    OPTION_TYPES(OPTION_TYPE_ID)
#undef OPTION_TYPE_ID
};

#define OPTION_TYPE_FIELD(type, field, sample) typedef field option_##type;
OPTION_TYPES(OPTION_TYPE_FIELD)
#undef OPTION_TYPE_FIELD

struct option_spec {
    const char *name; /* with underscores; the command line has dashes */
    enum option_type type;
    const char *default_value, *range;
    const char *unit; /* "" if none */
    const char *help;
    const char *section; /* of the paper; NULL or "": none */
};

enum { OPTION_SLOT_BYTES = 8 };
#define OPTION_FIELD(type, name, ...) _Alignas(OPTION_SLOT_BYTES) option_##type name;
#define OPTION_SPEC(type, name, default_value, range, unit, help) \
    {#name, OPTION_##type, default_value, range, unit, help, ""},
#define OPTION_END \
    {              \
        0          \
    }

#define OPTION_WORD_FIRST UINT64_MAX

size_t option_count(const struct option_spec *specs);

/* The place of the option called `name`; option_count() if there is none. */
size_t option_find(const struct option_spec *specs, const char *name);

/* "u64" and so on. */
const char *option_type_name(enum option_type type);

/*
 * Fills a struct of values (all zeros before) with the defaults. False, with the reason in `why`, when out of memory or
 * when a default is none of the range. option_values_clear frees the strings; the struct is the caller's.
 */
bool option_values_init(const struct option_spec *specs, void *values, char *why, size_t why_bytes);
void option_values_clear(const struct option_spec *specs, void *values);

/* Sets the i-th value from a text. False leaves it as it was, and says what is wrong and what would be right. */
bool option_set(const struct option_spec *specs, size_t i, const char *text, void *values, char *why, size_t why_bytes);

/* The i-th value as the one text that stands for it, which option_set takes: 10000000, 200ms, 0.5, on, auto. */
void option_text(const struct option_spec *specs, size_t i, const void *values, char *text, size_t text_bytes);

/* Whether the value is a number, rather than a word or a text. */
bool option_is_number(const struct option_spec *specs, size_t i, const void *values);

/* The i-th value, of u64, bytes, time or backoff. */
uint64_t option_u64_at(const void *values, size_t i);

/* For people, in brackets after the help: "u64, default 10M, 1..1G, in rows; paper 3.1". */
void option_describe(const struct option_spec *spec, char *text, size_t text_bytes);
enum { OPTION_DESCRIBED_BYTES = 512 };

#endif
