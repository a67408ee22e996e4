/* machine.c - see machine.h. */
#include "sim/machine.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec keys[] = {MACHINE_KEYS(OPTION_SPEC) OPTION_END};
enum { KEYS = sizeof keys / sizeof keys[0] - 1, WORD_BYTES = 128 };
static_assert(sizeof(struct machine) == KEYS * (size_t)OPTION_SLOT_BYTES, "a field a key");

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(error, MACHINE_ERROR_BYTES, format, list);
    va_end(list);
    return false;
}

/* Copies [from, to) without the blanks around it. False if it is too long. */
static bool word_copy(const char *from, const char *to, char word[WORD_BYTES])
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    if (to - from >= WORD_BYTES)
        return false;
    memcpy(word, from, (size_t)(to - from));
    word[to - from] = '\0';
    return true;
}

/* One line, without its comment. */
static bool line_read(const char *file, unsigned number, const char *from, const char *to, bool *given,
                      struct machine *machine, char *error)
{
    char key[WORD_BYTES], value[WORD_BYTES], why[MACHINE_ERROR_BYTES / 2];
    const char *comment = memchr(from, '#', (size_t)(to - from)), *end = comment == NULL ? to : comment;
    while (from < end && isspace((unsigned char)*from))
        from++;
    if (from == end)
        return true;
    const char *equals = memchr(from, '=', (size_t)(end - from));
    if (equals == NULL || !word_copy(from, equals, key) || !word_copy(equals + 1, end, value))
        return refuse(error, "%s:%u: want `key = value`, each shorter than %d bytes", file, number, WORD_BYTES);
    size_t i = option_find(keys, key);
    if (i == KEYS)
        return refuse(error, "%s:%u: unknown key '%s': the keys are in sim/machine.h", file, number, key);
    if (given[i])
        return refuse(error, "%s:%u: key '%s' is there twice: want it once", file, number, key);
    given[i] = true;
    if (!option_set(keys, i, value, machine, why, sizeof why))
        return refuse(error, "%s:%u: key '%s': %s", file, number, key, why);
    return true;
}

static bool is_power_of_two(uint64_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

/* What only makes sense together. */
static bool whole_check(const char *file, const struct machine *machine, char *error)
{
    const struct {
        const char *name;
        uint64_t entries, ways;
    } caches[] = {{"l1_bytes", machine->l1_bytes / LINE_BYTES, machine->l1_ways},
                  {"l2_bytes", machine->l2_bytes / LINE_BYTES, machine->l2_ways},
                  {"l3_bytes", machine->l3_bytes / LINE_BYTES, machine->l3_ways},
                  {"tlb_entries", machine->tlb_entries, machine->tlb_ways}};
    if (machine->sockets * machine->cores_per_socket > MACHINE_CORES_MAX)
        return refuse(error, "%s: sockets x cores_per_socket: want at most %d cores", file, MACHINE_CORES_MAX);
    if (machine->cores_per_socket % machine->cores_per_l3 != 0)
        return refuse(error, "%s: cores_per_l3: want a divisor of cores_per_socket", file);
    if (!is_power_of_two(machine->page_bytes))
        return refuse(error, "%s: page_bytes: want a power of two", file);
    for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++)
        if (caches[i].entries == 0 || caches[i].entries % caches[i].ways != 0)
            return refuse(error, "%s: %s: want a multiple of its ways%s", file, caches[i].name,
                          i < 3 ? " x 64 bytes" : "");
    return true;
}

bool machine_read(const char *file, const char *text, struct machine *machine, char *error)
{
    bool given[KEYS] = {false};
    memset(machine, 0, sizeof *machine);
    if (!option_values_init(keys, machine, error, MACHINE_ERROR_BYTES))
        return false;
    for (unsigned number = 1; *text != '\0'; number++) {
        const char *end = text + strcspn(text, "\n");
        if (!line_read(file, number, text, end, given, machine, error))
            return false;
        text = end + (*end != '\0');
    }
    for (size_t i = 0; i < KEYS; i++)
        if (!given[i])
            return refuse(error, "%s: lacks the key '%s': %s, %s", file, keys[i].name, keys[i].help, keys[i].range);
    return whole_check(file, machine, error);
}

void machine_clear(struct machine *machine)
{
    option_values_clear(keys, machine);
}
