/*
 * server_program.h - where a database's server is installed: asked by the program, which tells of targets that cannot
 * run, and by their shared objects, which start it.
 */
#ifndef HARNESS_TARGETS_SERVER_PROGRAM_H
#define HARNESS_TARGETS_SERVER_PROGRAM_H

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The highest number in a path; 0 if it has none. */
static inline unsigned long server_program_version(const char *path)
{
    unsigned long version = 0;
    for (const char *at = strpbrk(path, "0123456789"); at != NULL; at = strpbrk(at, "0123456789")) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        version = number > version ? number : version;
        at = end;
    }
    return version;
}

/* places: patterns with colons between them. The first that fits counts, and of what fits it the newest. */
static inline bool server_program_find(const char *places, char path[PATH_MAX])
{
    for (const char *at = places; *at != '\0'; at += *at == ':') {
        char pattern[PATH_MAX];
        size_t length = strcspn(at, ":");
        glob_t found = {0};
        (void)snprintf(pattern, sizeof pattern, "%.*s", (int)length, at);
        path[0] = '\0';
        (void)glob(pattern, 0, NULL, &found);
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (path[0] == '\0' || server_program_version(found.gl_pathv[i]) > server_program_version(path))
                (void)snprintf(path, PATH_MAX, "%s", found.gl_pathv[i]);
        globfree(&found);
        if (path[0] != '\0')
            return true;
        at += length;
    }
    return false;
}

#endif
