/* problem.c - see problem.h. */
#include "engine/durable/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum mae_status problem_status(int64_t result)
{
    return result == -ENOSPC || result == -EDQUOT ? MAE_FULL : MAE_IO;
}

enum mae_status problem_set(struct problem *problem, enum mae_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return status;
}
