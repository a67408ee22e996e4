/* provenance.c - reads facts about build and machine, see provenance.h. */
#include "harness/machine/provenance.h"

#include <ctype.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <perfmon/pfmlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "engine/base/cgroup.h"
#include "engine/maemio.h"
#include "harness/common/program.h"
#include "harness/machine/facts.h"

/* The Makefile defines these; without it they are unknown. */
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

static void read_start_utc(char *text)
{
    time_t now = time(NULL);
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(text, PROVENANCE_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void read_revision(struct provenance *provenance)
{
    put(provenance->revision, MAE_BUILD_REVISION[0] == '\0' ? "unknown" : MAE_BUILD_REVISION);
    char *dirty = strstr(provenance->revision, "-dirty");
    put(provenance->dirty, strcmp(provenance->revision, "unknown") == 0 ? "" : dirty != NULL ? "1" : "0");
    if (dirty != NULL)
        *dirty = '\0';
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
    bool read = fact_text("", FACT_COMMAND_LINE, line, sizeof line);
    for (char *word; read && (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0' && !names_machine(word) && used + strlen(word) + 2 < PROVENANCE_TEXT_BYTES)
            used += (size_t)snprintf(text + used, PROVENANCE_TEXT_BYTES - used, "%s%s", used == 0 ? "" : " ", word);
}

/* "mitigated: spectre_v1 spectre_v2; vulnerable: mds". Weaknesses that this CPU does not have are left out. */
static void read_mitigations(char *text)
{
    static const char *const states[][2] = {{"Mitigation", "mitigated:"}, {"Vulnerable", "vulnerable:"}};
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    size_t used = 0;
    text[0] = '\0';
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = program_folder_names(folder);
    if (names.count == 0)
        return;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        bool begun = false;
        const char *separator = used == 0 ? "" : "; ";
        for (size_t j = 0; j < names.count; j++) {
            char path[512], state[PROVENANCE_TEXT_BYTES];
            (void)snprintf(path, sizeof path, "%s/%s", folder, names.items[j]);
            if (!facts_line("", path, "", state, sizeof state) || strstr(state, states[i][0]) != state)
                continue;
            if (used + strlen(names.items[j]) + 32 > PROVENANCE_TEXT_BYTES)
                break;
            used += (size_t)snprintf(text + used, PROVENANCE_TEXT_BYTES - used, "%s%s %s", begun ? "" : separator,
                                     begun ? "" : states[i][1], names.items[j]);
            begun = true;
        }
    }
    if (used == 0)
        put(text, "none needed");
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

static void read_cgroup(char *text, enum cgroup_resource resource)
{
    double limit;
    put(text, access(fact_path(FACT_CGROUPS), R_OK) == 0 ? "max" : "");
    if (cgroup_limit("", resource, &limit, NULL))
        (void)snprintf(text, PROVENANCE_TEXT_BYTES, resource == CGROUP_MEMORY ? "%.0f" : "%.6g", limit);
}

/* A fact as it stands there; of some the first word. KiB become bytes. */
static const struct {
    size_t at;
    enum fact fact;
    enum { LINE, WORD, KIB } form;
} fields[] = {
#define FIELD(name, fact, form) offsetof(struct provenance, name), FACT_##fact, form
    {FIELD(cpu_model, CPU_MODEL, LINE)},
    {FIELD(cpu_mhz, CPU_MHZ, WORD)},
    {FIELD(microcode, MICROCODE, WORD)},
    {FIELD(smt, SMT, LINE)},
    {FIELD(governor, GOVERNOR, LINE)},
    {FIELD(numa_balancing, NUMA_BALANCING, LINE)},
    {FIELD(clocksource, CLOCKSOURCE, LINE)},
    {FIELD(thp, THP, WORD)},
    {FIELD(hugepages_reserved, HUGE_RESERVED, LINE)},
    {FIELD(hugepages_free, HUGE_FREE, LINE)},
    {FIELD(memory_bytes, MEMORY, KIB)},
    {FIELD(memory_available_bytes, MEMORY_AVAILABLE, KIB)},
    {FIELD(memlock_bytes, MEMLOCK, WORD)},
    {FIELD(perf_event_paranoid, PERF_EVENT_PARANOID, LINE)},
    {FIELD(load_average, LOAD, WORD)},
#undef FIELD
};

static void facts_read(struct provenance *provenance)
{
    enum fact fact;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *text = (char *)provenance + fields[i].at;
        bool known = (fields[i].form == LINE ? fact_text : fact_word)("", fields[i].fact, text, PROVENANCE_TEXT_BYTES);
        if (known && fields[i].form == KIB)
            (void)snprintf(text, PROVENANCE_TEXT_BYTES, "%llu", strtoull(text, NULL, 10) * 1024);
    }
    if (fact_text("", FACT_CPUS_ISOLATED, provenance->cpus_isolated, PROVENANCE_TEXT_BYTES) &&
        provenance->cpus_isolated[0] == '\0')
        put(provenance->cpus_isolated, "none");
    put(provenance->cpus_online, support_short("%ld", sysconf(_SC_NPROCESSORS_ONLN)));
    read_kernel_cmdline(provenance->kernel_cmdline);
    read_mitigations(provenance->mitigations);
    read_hypervisor(provenance->hypervisor);
    int turbo = facts_turbo("", &fact);
    put(provenance->turbo, turbo < 0 ? "" : turbo ? "1" : "0");
    unsigned nodes = fact_list("", FACT_NODES_ONLINE, NULL);
    put(provenance->numa_nodes_online, nodes == 0 ? "" : support_short("%u", nodes));
    read_cgroup(provenance->cgroup_memory_bytes, CGROUP_MEMORY);
    read_cgroup(provenance->cgroup_cpus, CGROUP_CPUS);
}

void provenance_read(struct provenance *provenance)
{
    int libpfm = pfm_get_version();
    struct utsname system;
    memset(provenance, 0, sizeof *provenance);
    read_start_utc(provenance->start_utc);
    put(provenance->version, MAE_VERSION);
    read_revision(provenance);
    put(provenance->build_mode, MAE_BUILD_MODE);
#if defined(__clang__)
    put(provenance->compiler, "clang " __clang_version__);
#else
    put(provenance->compiler, "gcc " __VERSION__);
#endif
    put(provenance->build_flags, MAE_BUILD_FLAGS);
    put(provenance->kernel, uname(&system) == 0 ? system.release : "");
    put(provenance->libc, support_short("glibc %s", gnu_get_libc_version()));
    put(provenance->hwloc, support_short("0x%x", hwloc_get_api_version()));
    put(provenance->libpfm, support_short("%d.%d", PFM_MAJ_VERSION(libpfm), PFM_MIN_VERSION(libpfm)));
    put(provenance->jansson, jansson_version_str());
    facts_read(provenance);
}
