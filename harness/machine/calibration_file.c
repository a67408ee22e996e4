/* calibration_file.c - the numbers of a calibration as a machine's file; see calibration.h. */
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "harness/common/statistics.h"
#include "harness/machine/calibration.h"
#include "harness/machine/facts.h"
#include "sim/machine.h"

static const struct number {
    const char *key;
    enum calibration_number instead;
    const char *how;
} numbers[] = {
#define CALIBRATION_ROW(key, fallback, how) {#key, CALIBRATION_##fallback, how},
    CALIBRATION_TABLE(CALIBRATION_ROW)
#undef CALIBRATION_ROW
};

/* ---- What is not measured: how many stores a core holds, and its TLB. ---- */

/* vendor, family, models, store buffer, TLB, its ways, name. [O] Intel's Optimization Reference Manual, [S] AMD's
 * Software Optimization Guides; and A. Fog, The Microarchitecture of Intel, AMD and VIA CPUs. */
#define CPU_TABLE(X)                                                                                    \
    X("GenuineIntel", 6, "3c 3f 45 46", 42, 1024, 8, "Haswell [O]")                                     \
    X("GenuineIntel", 6, "3d 47 4f 56", 42, 1536, 6, "Broadwell [O]")                                   \
    X("GenuineIntel", 6, "4e 5e 55 8e 9e a5 a6", 56, 1536, 12, "Skylake and Cascade Lake [O]")          \
    X("GenuineIntel", 6, "6a 6c 7d 7e 8c 8d a7", 72, 2048, 16, "Ice Lake, Tiger Lake, Rocket Lake [O]") \
    X("GenuineIntel", 6, "8f cf 97 9a b7 ba bf", 112, 2048, 16, "Golden Cove and Raptor Cove [O]")      \
    X("AuthenticAMD", 23, "31 60 68 71 90 98", 48, 2048, 16, "Zen 2 [S]")                               \
    X("AuthenticAMD", 25, "00 01 08 20 21 30 40 44 50", 64, 2048, 8, "Zen 3 [S]")                       \
    X("AuthenticAMD", 25, "10 11 18 60 61 70 74 75 78 a0", 64, 3072, 24, "Zen 4 [S]")                   \
    X("AuthenticAMD", 26, "00 01 02 08 10 11 20 24 44 60 70", 104, 4096, 16, "Zen 5 [S]")

static const struct cpu {
    const char *vendor;
    unsigned family;
    const char *models;
    unsigned stores, tlb_entries, tlb_ways;
    const char *name;
} cpus[] = {
#define CPU_ROW(...) {__VA_ARGS__},
    CPU_TABLE(CPU_ROW)
#undef CPU_ROW
};
/* In the middle of the table. */
static const struct cpu unknown = {"", 0, "", 56, 1536, 12, NULL};

static const struct cpu *cpu_find(void)
{
#if defined(__x86_64__)
    unsigned eax, words[3], version, unused[3];
    char vendor[sizeof words + 1] = "", model[8];
    __cpuid(0, eax, words[0], words[2], words[1]);
    memcpy(vendor, words, sizeof words);
    __cpuid(1, version, unused[0], unused[1], unused[2]);
    unsigned family = version >> 8 & 15;
    family += family == 15 ? version >> 20 & 255 : 0;
    (void)snprintf(model, sizeof model, "%02x", (version >> 12 & 0xf0) | (version >> 4 & 15));
    for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++)
        if (strcmp(cpus[i].vendor, vendor) == 0 && cpus[i].family == family && strstr(cpus[i].models, model) != NULL)
            return &cpus[i];
#endif
    return &unknown;
}

/* ---- Lines of the file. ---- */

static const struct calibration_samples *samples_of(const struct calibration *calibration,
                                                    enum calibration_number number)
{
    while (calibration->samples[number].count == 0) {
        MAE_CHECK(numbers[number].instead != CALIBRATION_NONE); /* ends: what has no other is always measured */
        number = numbers[number].instead;
    }
    return &calibration->samples[number];
}

double calibration_median(const struct calibration *calibration, enum calibration_number number)
{
    const struct calibration_samples *samples = samples_of(calibration, number);
    return statistics_median(samples->values, samples->count);
}

/* Within 4K and 2M the engine's pages are as large as they act: a hypervisor that has small pages behind large ones
 * makes translations of small ones. */
static bool pages_are_large(const struct calibration *calibration)
{
    return calibration_median(calibration, CALIBRATION_large_paged_ns) * 4 <=
           calibration_median(calibration, CALIBRATION_paged_ns);
}

struct line {
    char value[128], source[256];
};

static void told(struct line *line, unsigned long long value, const char *source)
{
    (void)snprintf(line->value, sizeof line->value, "%llu", value);
    (void)snprintf(line->source, sizeof line->source, "%s", source);
}

static void measured(const struct calibration *calibration, const char *key, enum calibration_number number,
                     struct line *line)
{
    const struct calibration_samples *samples = samples_of(calibration, number);
    struct statistics_summary summary;
    MAE_CHECK(statistics_summarize(samples->values, samples->count, &summary));
    bool whole = strcmp(key, "misses") == 0 || strcmp(key, "window") == 0;
    (void)snprintf(line->value, sizeof line->value, whole || summary.median >= 1000 ? "%.0f" : "%.4g", summary.median);
    if (calibration->samples[number].count == 0)
        (void)snprintf(line->source, sizeof line->source, "no such place among these cores: as %s",
                       numbers[numbers[number].instead].key);
    else
        (void)snprintf(line->source, sizeof line->source, "measured, half of them %.4g to %.4g: %s", summary.q1,
                       summary.q3, numbers[number].how);
}

static void cache_line(const struct calibration *calibration, const char *key, struct line *line)
{
    enum { WAYS_ASSUMED = 8 };
    const struct topology_cache *cache = &calibration->shape.caches[key[1] - '1'];
    unsigned ways = cache->ways == 0 ? WAYS_ASSUMED : cache->ways;
    enum calibration_number number = key[1] == '2' ? CALIBRATION_l2_found_bytes : CALIBRATION_l3_found_bytes;
    unsigned long long found = (unsigned long long)calibration_median(calibration, number);
    bool shared = key[1] != '1' && found < cache->bytes;
    unsigned long long bytes = shared ? found : cache->bytes;
    if (strstr(key, "ways") != NULL) {
        told(line, ways, cache->ways == 0 ? "assumed: the system does not say" : "hwloc");
        return;
    }
    told(line, bytes / LINE_BYTES / ways * ways * LINE_BYTES, "hwloc"); /* in whole sets */
    if (shared)
        (void)snprintf(line->source, sizeof line->source, "measured, of %llu that hwloc knows: %s",
                       (unsigned long long)cache->bytes, numbers[number].how);
}

static bool cpu_line(const char *key, struct line *line)
{
    const struct cpu *cpu = cpu_find();
    const struct {
        const char *key;
        unsigned value;
    } values[] = {{"store_buffer", cpu->stores}, {"tlb_entries", cpu->tlb_entries}, {"tlb_ways", cpu->tlb_ways}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].key, key) == 0) {
            told(line, values[i].value, cpu->name == NULL ? "assumed: a CPU that is not known" : cpu->name);
            return true;
        }
    return false;
}

static bool shape_line(const struct calibration *calibration, const char *key, struct line *line)
{
    const struct topology_shape *shape = &calibration->shape;
    const char *source = shape->is_even ? "hwloc, of the allowed cores" : "hwloc: not all have as many, so the most";
    if (strcmp(key, "sockets") == 0)
        told(line, shape->sockets, source);
    else if (strcmp(key, "cores_per_socket") == 0) /* in whole last levels */
        told(line, (shape->cores_per_socket + shape->cores_per_l3 - 1) / shape->cores_per_l3 * shape->cores_per_l3,
             source);
    else if (strcmp(key, "cores_per_l3") == 0)
        told(line, shape->cores_per_l3, source);
    else
        return false;
    return true;
}

/* Where locked instructions wait, loads with one between two of them cannot overlap. */
static void atomic_line(const struct calibration *calibration, struct line *line)
{
    double locked_ns = calibration_median(calibration, CALIBRATION_locked_ns),
           memory_ns = calibration_median(calibration, CALIBRATION_memory_near_ns);
    bool waits = locked_ns * 2 > memory_ns;
    (void)snprintf(line->value, sizeof line->value, "%d", waits);
    (void)snprintf(line->source, sizeof line->source,
                   "measured: with a locked instruction after each of 64 loads from "
                   "memory side by side, one takes %.4g ns, %s",
                   locked_ns, waits ? "so they do not overlap" : "so they overlap");
}

static void walk_loads_line(struct line *line)
{
    static char flags[65536];
    bool is_guest = fact_text("", FACT_CPU_FLAGS, flags, sizeof flags) && facts_has_word(flags, "hypervisor");
    told(line, is_guest ? 2 : 1,
         is_guest ? "/proc/cpuinfo: below a hypervisor, which has tables of its own" : "/proc/cpuinfo: no hypervisor");
}

static void line_of(const struct calibration *calibration, const char *key, struct line *line)
{
    bool large = pages_are_large(calibration);
    for (int i = 0; i < CALIBRATION_COUNT; i++)
        if (strcmp(numbers[i].key, key) == 0) {
            measured(calibration, key, (enum calibration_number)i, line);
            return;
        }
    if (strcmp(key, "page_bytes") == 0)
        told(line, large ? 2 << 20 : 4096,
             large ? "measured: large pages need no walks where small ones do"
                   : "measured: large pages need walks as small ones do, so translations are of small ones");
    else if (strcmp(key, "access_ns") == 0)
        told(line, 0, "a hit in the first level is an instruction like others");
    else if (strcmp(key, "atomic_waits") == 0)
        atomic_line(calibration, line);
    else if (strcmp(key, "walk_ns") == 0)
        measured(calibration, key, large ? CALIBRATION_paged_ns : CALIBRATION_large_paged_ns, line);
    else if (strcmp(key, "walk_loads") == 0)
        walk_loads_line(line);
    else if (strcmp(key, "title") == 0) {
        if (!fact_text("", FACT_CPU_MODEL, line->value, sizeof line->value))
            (void)snprintf(line->value, sizeof line->value, "this host");
        (void)snprintf(line->source, sizeof line->source, "%s", fact_path(FACT_CPU_MODEL));
    } else if (key[0] == 'l' && (strstr(key, "_bytes") != NULL || strstr(key, "_ways") != NULL)) {
        cache_line(calibration, key, line);
    } else {
        MAE_CHECK(shape_line(calibration, key, line) || cpu_line(key, line)); /* a key more: say where it comes from */
    }
}

char *calibration_text(const struct calibration *calibration, char *error, size_t error_bytes)
{
    static const char *const keys[] = {
#define KEY_NAME(type, name, ...) #name,
        MACHINE_KEYS(KEY_NAME)
#undef KEY_NAME
    };
    struct machine machine;
    struct support_text text = {0};
    char when[32], why[MACHINE_ERROR_BYTES];
    time_t now = time(NULL);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%MZ", gmtime(&now));
    support_text_add(&text,
                     "# This host as `maemio calibrate' found it on %s. What is measured is the median of %u round%s;\n"
                     "# between which numbers half of them lie stands beside it.\n",
                     when, calibration->rounds, calibration->rounds == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct line line;
        line_of(calibration, keys[i], &line);
        support_text_add(&text, "%s = %s # %s\n", keys[i], line.value, line.source);
    }
    bool fine = machine_read("measured", text.text, &machine, why);
    machine_clear(&machine);
    if (fine)
        return text.text;
    free(text.text);
    (void)support_error(error, error_bytes, "what was measured is no machine: %s", why);
    return NULL;
}
