/* progress.c - see progress.h. */
#include "harness/bench/progress.h"

#include <stdarg.h>
#include <unistd.h>

#include "harness/options/options.h"

void progress_init(struct progress *progress, unsigned when)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct progress){.on = when == RUN_PROGRESS_ON || (when == RUN_PROGRESS_AUTO && terminal),
                                  .terminal = terminal};
}

bool progress_due(struct progress *progress)
{
    if (!progress->on)
        return false;
    uint64_t now = support_clock_ns();
    if (now < progress->next_ns)
        return false;
    progress->next_ns = now + (progress->terminal ? 500000000U : 1000000000U);
    return true;
}

void progress_draw(struct progress *progress, const char *format, ...)
{
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, progress->terminal ? "\r%s\033[K" : "%s\n", line);
    progress->drawn = progress->terminal;
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        (void)fputs("\r\033[K", stderr);
    progress->drawn = false;
}
