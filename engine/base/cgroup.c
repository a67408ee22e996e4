/* cgroup.c - see cgroup.h. */
#include "engine/base/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/sys/fs/cgroup"
/* Version 1 writes "no limit" as a number of about 2^63. */
#define BYTES_MAX 0x1p60

enum { LINE_BYTES = CGROUP_PATH_BYTES };

/* The first line of <root><path>; false if there is none. */
static bool line_of(const char *root, const char *path, char line[LINE_BYTES])
{
    char full[2 * CGROUP_PATH_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", root, path);
    FILE *file = fopen(full, "re");
    if (!file)
        return false;
    bool read = fgets(line, LINE_BYTES, file) != NULL;
    (void)fclose(file);
    return read;
}

/* "<number>" or "max", which is no number. */
static bool number_of(const char *text, char **end, double *number)
{
    *number = strtod(text, end);
    return *end != text && *number >= 0;
}

static bool cpus_read(const char *root, const char *group, bool second, double *cpus, char *file)
{
    char line[LINE_BYTES], path[CGROUP_PATH_BYTES], *rest;
    double quota, period;
    (void)snprintf(file, CGROUP_PATH_BYTES, "%.1000s/%s", group, second ? "cpu.max" : "cpu.cfs_quota_us");
    if (!line_of(root, file, line) || !number_of(line, &rest, &quota))
        return false;
    if (!second) {
        (void)snprintf(path, sizeof path, "%.1000s/cpu.cfs_period_us", group);
        if (!line_of(root, path, line))
            return false;
        rest = line;
    }
    if (!number_of(rest, &rest, &period) || period <= 0)
        return false;
    *cpus = quota / period;
    return true;
}

static bool memory_read(const char *root, const char *group, bool second, double *bytes, char *file)
{
    char line[LINE_BYTES], *rest;
    (void)snprintf(file, CGROUP_PATH_BYTES, "%.990s/%s", group, second ? "memory.max" : "memory.limit_in_bytes");
    return line_of(root, file, line) && number_of(line, &rest, bytes) && *bytes < BYTES_MAX;
}

/* The group's path from a line of /proc/self/cgroup, if it is the controller's (version 1) or the unified one's. */
static char *group_of(char *line, const char *controller, bool *second)
{
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return NULL;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    controllers++;
    *second = *controllers == '\0';
    if (*second)
        return path;
    size_t length = strlen(controller);
    for (char *word = controllers; word; word = strchr(word, ','), word = word ? word + 1 : NULL)
        if (strncmp(word, controller, length) == 0 && (word[length] == ',' || word[length] == '\0'))
            return path;
    return NULL;
}

/* Of the group with this path and those above it, up to the mount. Keeps what is tighter than *limit, if *any. */
static void tightest(const char *root, enum cgroup_resource resource, bool second, const char *path, bool *any,
                     double *limit, char *file)
{
    char group[CGROUP_PATH_BYTES + 64], at[CGROUP_PATH_BYTES];
    const char *controller = resource == CGROUP_CPUS ? "/cpu" : "/memory";
    int mount = snprintf(group, sizeof group, FOLDER "%s", second ? "" : controller);
    (void)snprintf(group + mount, sizeof group - (size_t)mount, "%s", strcmp(path, "/") == 0 ? "" : path);
    for (;;) {
        double found;
        bool read = resource == CGROUP_CPUS ? cpus_read(root, group, second, &found, at)
                                            : memory_read(root, group, second, &found, at);
        if (read && (!*any || found < *limit)) {
            *any = true;
            *limit = found;
            if (file)
                (void)snprintf(file, CGROUP_PATH_BYTES, "%s", at);
        }
        char *slash = strrchr(group + mount, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

bool cgroup_limit(const char *root, enum cgroup_resource resource, double *limit, char file[CGROUP_PATH_BYTES])
{
    char line[LINE_BYTES], list[CGROUP_PATH_BYTES];
    bool second, any = false;
    (void)snprintf(list, sizeof list, "%.1000s/proc/self/cgroup", root);
    FILE *groups = fopen(list, "re");
    if (!groups)
        return false;
    while (fgets(line, sizeof line, groups)) {
        const char *path = group_of(line, resource == CGROUP_CPUS ? "cpu" : "memory", &second);
        if (path)
            tightest(root, resource, second, path, &any, limit, file);
    }
    (void)fclose(groups);
    return any;
}
