/* line_profile.c - see line_profile.h. */
#include "harness/bench/line_profile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/support.h"
#include "sim/simulated.h"

enum { SHOWN = 24, WHERE_BYTES = 256 };

extern const char __executable_start[]; /* by the linker */

struct named {
    struct profile_place place;
    char where[WHERE_BYTES]; /* function, and who it is inlined into */
    char source[WHERE_BYTES];
    unsigned line;
};

/* ---- Names. ---- */

/* `name at file:line`, as addr2line -p has it; the first is the innermost function, further ones hold it inlined. */
static void name_take(struct named *named, char *text, bool inlined)
{
    char *at = strstr(text, " at "), *colon = at == NULL ? NULL : strrchr(at, ':');
    if (colon == NULL)
        return;
    *at = '\0';
    size_t used = strlen(named->where);
    (void)snprintf(named->where + used, sizeof named->where - used, "%s%s", inlined ? " in " : "", text);
    if (inlined)
        return;
    named->line = (unsigned)strtoul(colon + 1, NULL, 10);
    *colon = '\0';
    (void)snprintf(named->source, sizeof named->source, "%s", at + strlen(" at "));
}

/* The place of an instruction is where its call returns to: one byte before is still within it. */
static unsigned long offset_of(const struct named *named)
{
    return (unsigned long)(named->place.at - (uintptr_t)__executable_start - 1);
}

static void names_find(struct named *named, size_t count)
{
    char program[PATH_MAX], line[1024];
    SUPPORT_FREED struct support_text command = {0};
    if (count == 0 || realpath("/proc/self/exe", program) == NULL || strchr(program, '\'') != NULL)
        return;
    support_text_add(&command, "addr2line -a -f -i -p -s -e '%s'", program);
    for (size_t i = 0; i < count; i++)
        support_text_add(&command, " 0x%lx", offset_of(&named[i]));
    support_text_add(&command, " 2>/dev/null");
    FILE *names = popen(command.text, "r");
    size_t next = 0;
    while (names != NULL && fgets(line, sizeof line, names) != NULL) {
        char *text = line + strspn(line, " ");
        bool inlined = strncmp(text, "(inlined by) ", strlen("(inlined by) ")) == 0;
        next += !inlined;
        if (next > 0 && next <= count)
            name_take(&named[next - 1], inlined ? text + strlen("(inlined by) ") : strchr(text, ' ') + 1, inlined);
    }
    if (names != NULL)
        (void)pclose(names);
}

/* ---- The table. ---- */

static int by_cost(const void *a, const void *b)
{
    const struct named *left = a, *right = b;
    return left->place.taken_ps < right->place.taken_ps   ? 1
           : left->place.taken_ps > right->place.taken_ps ? -1
           : left->place.at < right->place.at             ? -1
                                                          : left->place.at > right->place.at;
}

static void row_print(FILE *out, const struct named *named, double commits)
{
    const struct profile_place *place = &named->place;
    (void)fprintf(out, "  %9.1f %9.1f %8.3f %8.3f %8.3f  ", (double)place->taken_ps / 1e3 / commits,
                  (double)place->stood_ps / 1e3 / commits, (double)place->from_cores / commits,
                  (double)place->from_caches / commits, (double)place->from_memory / commits);
    if (named->source[0] == '\0')
        (void)fprintf(out, "at 0x%lx of the program\n", offset_of(named));
    else
        (void)fprintf(out, "%s:%u %s\n", named->source, named->line, named->where);
}

void line_profile_print(FILE *out, uint64_t commits)
{
    size_t room, count = 0;
    const struct profile_place *places = simulated_places(&room);
    struct profile_place all = {0};
    if (places == NULL || commits == 0)
        return;
    SUPPORT_FREED struct named *named = support_alloc((room + 1) * sizeof *named);
    for (size_t i = 0; i < room; i++)
        if (places[i].at != 0) {
            named[count++] = (struct named){.place = places[i]};
            all.taken_ps += places[i].taken_ps;
            all.stood_ps += places[i].stood_ps;
            all.from_cores += places[i].from_cores;
            all.from_caches += places[i].from_caches;
            all.from_memory += places[i].from_memory;
        }
    qsort(named, count, sizeof *named, by_cost);
    size_t shown = count < SHOWN ? count : SHOWN;
    names_find(named, shown);
    (void)fprintf(out,
                  "transfers of lines, a committed transaction; those of different places overlap\n"
                  "  %9s %9s %8s %8s %8s  %s\n  %9s %9s %8s %8s %8s\n",
                  "transfer", "stood", "from", "from", "from", "where", "ns", "still ns", "cores", "caches", "memory");
    for (size_t i = 0; i < shown; i++)
        row_print(out, &named[i], (double)commits);
    struct named sum = {.place = all, .where = "places in all", .source = "sum", .line = (unsigned)count};
    row_print(out, &sum, (double)commits);
}
