/*
 * cgroup.h - the limits that the process's control groups set, of version 1 and of version 2.
 * A limit holds for a group and all groups below it, so the tightest one on the way up counts. In a container the paths
 * of /proc/self/cgroup may not exist below the mount. The root of the mount is then the container's own group; so the
 * root is always read, too.
 * Checked by: tests/unit/base/cgroup.c.
 */
#ifndef ENGINE_BASE_CGROUP_H
#define ENGINE_BASE_CGROUP_H

#include <stdbool.h>

enum cgroup_resource { CGROUP_CPUS, CGROUP_MEMORY };
enum { CGROUP_PATH_BYTES = 1024 };

/*
 * The tightest limit, in CPUs or bytes, and the file that sets it (may be NULL). False if there is none. `root` is ""
 * for this machine, else a folder that holds proc/ and sys/; the file's path is without it. Any thread.
 */
bool cgroup_limit(const char *root, enum cgroup_resource resource, double *limit, char file[CGROUP_PATH_BYTES]);

#endif
