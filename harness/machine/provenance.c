/* provenance.c - reads what the machine tells of itself, see provenance.h. One function a field: read_<field>. */
#include "harness/machine/provenance.h"

#include <ctype.h>
#include <dirent.h>
#include <gnu/libc-version.h>
#include <hwloc.h>
#include <jansson.h>
#include <perfmon/pfmlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "engine/base/cgroup.h"
#include "engine/maemio.h"

/* The build gives these (Makefile); without it they are unknown. */
#ifndef MAE_BUILD_REVISION
#define MAE_BUILD_REVISION ""
#endif
#ifndef MAE_BUILD_MODE
#define MAE_BUILD_MODE ""
#endif
#ifndef MAE_BUILD_FLAGS
#define MAE_BUILD_FLAGS ""
#endif

static void put(char *text, const char *value)
{
    (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%s", value);
}

/* The first line of a file; false, and an empty text, if there is none. */
static bool put_file(char *text, const char *path)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(text, PROVENANCE_TEXT_BYTES, file) != NULL;
    (void)fclose(file);
    if (!read)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return read;
}

/* What follows "key<blanks>:<blanks>" in the first line of the file that begins with key, without a unit. */
static bool put_key(char *text, const char *path, const char *key, bool whole_line)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || colon == NULL)
            continue;
        char *value = colon + 1 + strspn(colon + 1, " \t");
        value[strcspn(value, whole_line ? "\n" : " \t\n")] = '\0';
        put(text, value);
        found = true;
    }
    (void)fclose(file);
    return found;
}

/* A value in KiB as bytes. */
static void put_meminfo(char *text, const char *key)
{
    if (put_key(text, "/proc/meminfo", key, false))
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%llu", strtoull(text, NULL, 10) * 1024);
}

static void read_start_utc(char *text)
{
    time_t now = time(NULL);
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(text, PROVENANCE_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void read_version(char *text)
{
    put(text, MAE_VERSION);
}

static void read_revision(char *text)
{
    put(text, MAE_BUILD_REVISION[0] == '\0' ? "unknown" : MAE_BUILD_REVISION);
    char *dirty = strstr(text, "-dirty");
    if (dirty != NULL)
        *dirty = '\0';
}

static void read_dirty(char *text)
{
    bool known = MAE_BUILD_REVISION[0] != '\0' && strcmp(MAE_BUILD_REVISION, "unknown") != 0;
    put(text, !known ? "" : strstr(MAE_BUILD_REVISION, "-dirty") != NULL ? "1" : "0");
}

static void read_build_mode(char *text)
{
    put(text, MAE_BUILD_MODE);
}

static void read_compiler(char *text)
{
#if defined(__clang__)
    put(text, "clang " __clang_version__);
#else
    put(text, "gcc " __VERSION__);
#endif
}

static void read_build_flags(char *text)
{
    put(text, MAE_BUILD_FLAGS);
}

static void read_kernel(char *text)
{
    struct utsname name;
    put(text, uname(&name) == 0 ? name.release : "");
}

static void read_libc(char *text)
{
    (void)snprintf(text, PROVENANCE_TEXT_BYTES, "glibc %s", gnu_get_libc_version());
}

static void read_hwloc(char *text)
{
    (void)snprintf(text, PROVENANCE_TEXT_BYTES, "0x%x", hwloc_get_api_version());
}

static void read_libpfm(char *text)
{
    int version = pfm_get_version();
    (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%d.%d", PFM_MAJ_VERSION(version), PFM_MIN_VERSION(version));
}

static void read_jansson(char *text)
{
    put(text, jansson_version_str());
}

/* Words that name a disk, a host or an address say nothing about speed. */
static bool names_machine(const char *word)
{
    static const char *const names[] = {"root=", "resume=", "ip=", "nfsroot=", "hostname=", "BOOT_IMAGE=", "initrd="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(word, names[i], strlen(names[i])) == 0)
            return true;
    return strstr(word, "UUID=") != NULL || strstr(word, "://") != NULL;
}

static void read_kernel_cmdline(char *text)
{
    char line[2048], *rest = line;
    size_t used = 0;
    text[0] = '\0';
    FILE *file = fopen("/proc/cmdline", "re");
    if (file == NULL)
        return;
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    for (char *word; read && (word = strsep(&rest, " \n")) != NULL;)
        if (word[0] != '\0' && !names_machine(word) && used + strlen(word) + 2 < PROVENANCE_TEXT_BYTES)
            used += (size_t)snprintf(text + used, PROVENANCE_TEXT_BYTES - used, "%s%s", used == 0 ? "" : " ", word);
}

/* "mitigated: spectre_v1 spectre_v2; vulnerable: mds"; what does not concern this CPU is left out. */
static void read_mitigations(char *text)
{
    static const char *const states[][2] = {{"Mitigation", "mitigated:"}, {"Vulnerable", "vulnerable:"}};
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    size_t used = 0;
    text[0] = '\0';
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0)
        return;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        bool begun = false;
        const char *separator = used == 0 ? "" : "; ";
        for (int j = 0; j < count; j++) {
            char path[512], state[PROVENANCE_TEXT_BYTES];
            (void)snprintf(path, sizeof path, "%s/%s", folder, entries[j]->d_name);
            if (entries[j]->d_name[0] == '.' || !put_file(state, path) || strstr(state, states[i][0]) != state)
                continue;
            if (used + strlen(entries[j]->d_name) + 32 > PROVENANCE_TEXT_BYTES)
                break;
            used += (size_t)snprintf(text + used, PROVENANCE_TEXT_BYTES - used, "%s%s %s", begun ? "" : separator,
                                     begun ? "" : states[i][1], entries[j]->d_name);
            begun = true;
        }
    }
    for (int j = 0; j < count; j++)
        free(entries[j]);
    free(entries);
    if (used == 0)
        put(text, "none needed");
}

static void read_cpu_model(char *text)
{
    (void)put_key(text, "/proc/cpuinfo", "model name", true);
}

static void read_cpu_mhz(char *text)
{
    (void)put_key(text, "/proc/cpuinfo", "cpu MHz", false);
}

static void read_microcode(char *text)
{
    (void)put_key(text, "/proc/cpuinfo", "microcode", false);
}

static void read_hypervisor(char *text)
{
    text[0] = '\0';
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx, signature[4] = {0};
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0)
        return;
    if ((ecx & (1U << 31)) == 0) {
        put(text, "none");
        return;
    }
    __cpuid(0x40000000, eax, signature[0], signature[1], signature[2]);
    char name[sizeof signature];
    memcpy(name, signature, sizeof signature); /* ends in zeros */
    if (strcmp(name, "bhyve bhyve ") == 0)     /* fills the twelve letters with its name twice */
        name[strlen("bhyve")] = '\0';
    for (char *at = name; *at != '\0'; at++)
        if (!isprint((unsigned char)*at))
            *at = '?';
    put(text, name[0] == '\0' ? "unnamed" : name);
#endif
}

static void read_cpus_online(char *text)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    text[0] = '\0';
    if (count > 0)
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%ld", count);
}

static void read_cpus_isolated(char *text)
{
    FILE *file = fopen("/sys/devices/system/cpu/isolated", "re");
    put(text, "");
    if (file == NULL)
        return;
    (void)fclose(file);
    (void)put_file(text, "/sys/devices/system/cpu/isolated");
    if (text[0] == '\0')
        put(text, "none");
}

static void read_smt(char *text)
{
    (void)put_file(text, "/sys/devices/system/cpu/smt/active");
}

static void read_governor(char *text)
{
    (void)put_file(text, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

static void read_turbo(char *text)
{
    if (put_file(text, "/sys/devices/system/cpu/intel_pstate/no_turbo"))
        put(text, text[0] == '0' ? "1" : "0");
    else
        (void)put_file(text, "/sys/devices/system/cpu/cpufreq/boost");
}

static void read_numa_nodes_online(char *text)
{
    text[0] = '\0';
    DIR *directory = opendir("/sys/devices/system/node");
    if (directory == NULL)
        return;
    unsigned nodes = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        nodes += strncmp(entry->d_name, "node", 4) == 0 && isdigit((unsigned char)entry->d_name[4]);
    (void)closedir(directory);
    (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%u", nodes);
}

static void read_numa_balancing(char *text)
{
    (void)put_file(text, "/proc/sys/kernel/numa_balancing");
}

static void read_clocksource(char *text)
{
    (void)put_file(text, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void read_thp(char *text)
{
    if (!put_file(text, "/sys/kernel/mm/transparent_hugepage/enabled"))
        return;
    char *open = strchr(text, '['), *close = strchr(text, ']'); /* "always [madvise] never" */
    if (open == NULL || close == NULL || close < open)
        return;
    *close = '\0';
    memmove(text, open + 1, (size_t)(close - open));
}

static void read_hugepages_reserved(char *text)
{
    (void)put_file(text, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
}

static void read_hugepages_free(char *text)
{
    (void)put_file(text, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
}

static void read_memory_bytes(char *text)
{
    put_meminfo(text, "MemTotal");
}

static void read_memory_available_bytes(char *text)
{
    put_meminfo(text, "MemAvailable");
}

static void read_memlock_bytes(char *text)
{
    struct rlimit limit;
    text[0] = '\0';
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY)
        put(text, "unlimited");
    else
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%llu", (unsigned long long)limit.rlim_cur);
}

static void read_cgroup_memory_bytes(char *text)
{
    double bytes;
    put(text, access("/proc/self/cgroup", R_OK) == 0 ? "max" : "");
    if (cgroup_limit("", CGROUP_MEMORY, &bytes, NULL))
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%.0f", bytes);
}

static void read_cgroup_cpus(char *text)
{
    double cpus;
    put(text, access("/proc/self/cgroup", R_OK) == 0 ? "max" : "");
    if (cgroup_limit("", CGROUP_CPUS, &cpus, NULL))
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%.6g", cpus);
}

static void read_perf_event_paranoid(char *text)
{
    (void)put_file(text, "/proc/sys/kernel/perf_event_paranoid");
}

static void read_load_average(char *text)
{
    double average;
    text[0] = '\0';
    if (getloadavg(&average, 1) == 1)
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%.2f", average);
}

void provenance_read(struct provenance *provenance)
{
#define PROVENANCE(name, unit, help) read_##name(provenance->name);
#include "harness/machine/provenance.def"
#undef PROVENANCE
}
