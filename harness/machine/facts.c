/* facts.c - see facts.h. */
#include "harness/machine/facts.h"

enum { PATH_BYTES = 1024, LINE_BYTES = 65536 /* the flags of /proc/cpuinfo */, CPU_MAX = 1 << 20 };

static const struct {
    const char *path, *key;
} facts[] = {FACT_TABLE(TABLE_RESTS)};

bool facts_line(const char *root, const char *path, const char *key, char *text, size_t bytes)
{
    char whole[PATH_BYTES], *line = NULL;
    size_t room = 0;
    bool found = false;
    text[0] = '\0';
    int used = snprintf(whole, sizeof whole, "%s%s", root, path);
    FILE *file = used < 0 || (size_t)used >= sizeof whole ? NULL : fopen(whole, "re");
    if (file == NULL)
        return false;
    while (!found && getline(&line, &room, file) >= 0)
        found = strncmp(line, key, strlen(key)) == 0;
    (void)fclose(file);
    if (found) {
        const char *rest = line + strlen(key);
        rest += key[0] == '\0' ? 0 : strspn(rest, " \t:");
        (void)snprintf(text, bytes, "%.*s", (int)strcspn(rest, "\n"), rest);
    }
    free(line);
    return found;
}

bool fact_text(const char *root, enum fact fact, char *text, size_t bytes)
{
    return facts_line(root, facts[fact].path, facts[fact].key, text, bytes);
}

bool fact_word(const char *root, enum fact fact, char *text, size_t bytes)
{
    if (!fact_text(root, fact, text, bytes))
        return false;
    char *open = strchr(text, '['), *close = open == NULL ? NULL : strchr(open, ']');
    if (close != NULL) {
        *close = '\0';
        memmove(text, open + 1, (size_t)(close - open));
    }
    text[strcspn(text, " \t")] = '\0';
    return true;
}

bool fact_number(const char *root, enum fact fact, long long *value)
{
    char text[64], *end;
    if (!fact_text(root, fact, text, sizeof text))
        return false;
    *value = strtoll(text, &end, 10);
    return end != text;
}

unsigned fact_list(const char *root, enum fact fact, hwloc_bitmap_t set)
{
    SUPPORT_FREED char *text = support_alloc(LINE_BYTES);
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t own = hwloc_bitmap_alloc();
    set = set == NULL ? own : set;
    hwloc_bitmap_zero(set);
    if (!fact_text(root, fact, text, LINE_BYTES) || !facts_cpu_list(text, set))
        hwloc_bitmap_zero(set);
    return (unsigned)hwloc_bitmap_weight(set);
}

const char *fact_path(enum fact fact)
{
    return facts[fact].path;
}

int facts_turbo(const char *root, enum fact *fact)
{
    long long value;
    *fact = FACT_NO_TURBO;
    if (fact_number(root, *fact, &value))
        return value == 0;
    *fact = FACT_BOOST;
    return fact_number(root, *fact, &value) ? value != 0 : -1;
}

bool facts_cpu_list(const char *text, hwloc_bitmap_t set)
{
    for (;;) {
        char *end;
        if (*text < '0' || *text > '9')
            return false;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (*end == '-') {
            text = end + 1;
            if (*text < '0' || *text > '9')
                return false;
            last = strtoul(text, &end, 10);
        }
        if (first > last || last > CPU_MAX || hwloc_bitmap_set_range(set, (unsigned)first, (int)last) != 0)
            return false;
        if (*end != ',')
            return *end == '\0';
        text = end + 1;
    }
}

void facts_bitmap_free(hwloc_bitmap_t *set)
{
    hwloc_bitmap_free(*set);
}

bool facts_has_word(const char *words, const char *word)
{
    size_t bytes = strlen(word);
    for (const char *at = words; bytes > 0 && (at = strstr(at, word)) != NULL; at += bytes)
        if ((at == words || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0'))
            return true;
    return false;
}
