/* topology.c - see topology.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "harness/machine/topology.h"

#include <limits.h>
#include <sched.h>

#include "harness/machine/facts.h"

struct topology {
    hwloc_topology_t hwloc;
    hwloc_cpuset_t allowed;
    bool is_synthetic;
};

/* False with a message that says what was wrong with the option. */
static bool fill(struct topology *topology, const char *synthetic, const char *allowed, char *error)
{
    if (hwloc_topology_init(&topology->hwloc) != 0)
        return support_error(error, TOPOLOGY_ERROR_BYTES, "hwloc does not start");
    if (synthetic != NULL && hwloc_topology_set_synthetic(topology->hwloc, synthetic) != 0)
        return support_error(
            error, TOPOLOGY_ERROR_BYTES,
            "--synthetic: '%.100s' is no machine in hwloc's words, such as \"pack:2 numa:1 l3:1 core:4 "
            "pu:2\"",
            synthetic);
    if (hwloc_topology_load(topology->hwloc) != 0)
        return support_error(error, TOPOLOGY_ERROR_BYTES, "hwloc cannot read the machine's topology");
    (void)hwloc_bitmap_copy(topology->allowed, hwloc_topology_get_allowed_cpuset(topology->hwloc));
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t narrower = hwloc_bitmap_alloc();
    if (allowed != NULL && !facts_cpu_list(allowed, narrower))
        return support_error(error, TOPOLOGY_ERROR_BYTES, "--allowed: '%.100s' is no list of CPUs such as 0,2,4-7",
                             allowed);
    if (allowed != NULL ||
        (synthetic == NULL && hwloc_get_cpubind(topology->hwloc, narrower, HWLOC_CPUBIND_PROCESS) == 0))
        (void)hwloc_bitmap_and(topology->allowed, topology->allowed, narrower);
    return topology_cpu_count(topology) > 0 ||
           support_error(error, TOPOLOGY_ERROR_BYTES,
                         allowed == NULL ? "no CPU is allowed" : "--allowed: '%.100s' names no CPU of the machine",
                         allowed);
}

struct topology *topology_open(const char *synthetic, const char *allowed, char *error)
{
    struct topology *topology = support_alloc(sizeof *topology);
    topology->is_synthetic = synthetic != NULL;
    topology->allowed = hwloc_bitmap_alloc();
    if (fill(topology, synthetic, allowed, error))
        return topology;
    topology_close(topology);
    return NULL;
}

bool topology_is_foreign(const struct topology *topology)
{
    return !topology->is_synthetic && hwloc_topology_is_thissystem(topology->hwloc) == 0;
}

void topology_close(struct topology *topology)
{
    if (topology == NULL)
        return;
    hwloc_bitmap_free(topology->allowed);
    if (topology->hwloc != NULL)
        hwloc_topology_destroy(topology->hwloc);
    free(topology);
}

unsigned topology_cpu_count(const struct topology *topology)
{
    int weight = hwloc_bitmap_weight(topology->allowed);
    return weight < 0 ? 0 : (unsigned)weight;
}

unsigned topology_node_count(const struct topology *topology)
{
    int nodes = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE);
    return nodes < 1 ? 1 : (unsigned)nodes;
}

bool topology_kind_add(struct topology *topology, const char *cpus, int efficiency)
{
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t set = hwloc_bitmap_alloc();
    return facts_cpu_list(cpus, set) && hwloc_cpukinds_register(topology->hwloc, set, efficiency, 0, NULL, 0) == 0;
}

/* ---- The order of CPUs. ---- */

struct cpu {
    struct placement_worker place;
    unsigned thread_rank;  /* among the allowed hardware threads of its core */
    int slowness;          /* 0: the fastest kind */
    unsigned node_rank;    /* how many of the same package, node, thread rank and slowness come before */
    unsigned package_rank; /* the same over the package, taking its nodes in turn */
    unsigned logical;
};

static int above(hwloc_topology_t hwloc, hwloc_obj_t pu, hwloc_obj_type_t type)
{
    hwloc_obj_t object = hwloc_get_ancestor_obj_by_type(hwloc, type, pu);
    return object == NULL ? -1 : (int)object->logical_index;
}

static int node_of(hwloc_topology_t hwloc, hwloc_obj_t pu)
{
    for (hwloc_obj_t node = NULL; (node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL;)
        if (hwloc_bitmap_isset(node->cpuset, pu->os_index))
            return (int)node->os_index;
    return 0;
}

static int slowness_of(hwloc_topology_t hwloc, hwloc_obj_t pu)
{
    int kinds = hwloc_cpukinds_get_nr(hwloc, 0), efficiency = -1;
    int kind = kinds > 1 ? hwloc_cpukinds_get_by_cpuset(hwloc, pu->cpuset, 0) : -1;
    if (kind < 0 || hwloc_cpukinds_get_info(hwloc, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0) != 0 ||
        efficiency < 0)
        return 0;
    return kinds - 1 - efficiency; /* hwloc ranks kinds from 0, the slowest, upwards */
}

/* Threads of cores, then kinds, then packages: in turn if they have ranks, else whole. In a package nodes likewise. */
static int by_order(const void *left, const void *right)
{
    const struct cpu *a = left, *b = right;
    const long keys[][2] = {{a->thread_rank, b->thread_rank},   {a->slowness, b->slowness},
                            {a->package_rank, b->package_rank}, {a->place.package, b->place.package},
                            {a->node_rank, b->node_rank},       {a->logical, b->logical}};
    int order = 0;
    for (size_t i = 0; order == 0 && i < sizeof keys / sizeof keys[0]; i++)
        order = (keys[i][0] > keys[i][1]) - (keys[i][0] < keys[i][1]);
    return order;
}

static bool same_class(const struct cpu *a, const struct cpu *b)
{
    return a->thread_rank == b->thread_rank && a->slowness == b->slowness && a->place.package == b->place.package;
}

/* Every allowed CPU in logical order. */
static struct cpu *cpus_collect(const struct topology *topology, unsigned *count)
{
    struct cpu *cpus = support_alloc(topology_cpu_count(topology) * sizeof *cpus);
    unsigned found = 0;
    for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, pu)) != NULL;) {
        if (!hwloc_bitmap_isset(topology->allowed, pu->os_index))
            continue;
        MAE_CHECK(found < topology_cpu_count(topology));
        struct cpu *cpu = &cpus[found++];
        int core = above(topology->hwloc, pu, HWLOC_OBJ_CORE), package = above(topology->hwloc, pu, HWLOC_OBJ_PACKAGE);
        cpu->logical = pu->logical_index;
        cpu->place = (struct placement_worker){.cpu = (int)pu->os_index,
                                               .core = core < 0 ? (int)pu->logical_index : core,
                                               .package = package < 0 ? 0 : package,
                                               .node = node_of(topology->hwloc, pu)};
        cpu->slowness = slowness_of(topology->hwloc, pu);
        for (unsigned i = 0; i + 1 < found; i++)
            cpu->thread_rank += cpus[i].place.core == cpu->place.core;
    }
    *count = found;
    return cpus;
}

/* Gives nodes and packages their ranks. */
static void cpus_rank(struct cpu *cpus, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            cpus[i].node_rank += same_class(&cpus[i], &cpus[j]) && cpus[i].place.node == cpus[j].place.node;
    qsort(cpus, count, sizeof *cpus, by_order);
    for (unsigned i = 1; i < count; i++)
        cpus[i].package_rank = same_class(&cpus[i], &cpus[i - 1]) ? cpus[i - 1].package_rank + 1 : 0;
}

unsigned topology_core_count(const struct topology *topology)
{
    unsigned count, cores = 0;
    SUPPORT_FREED struct cpu *cpus = cpus_collect(topology, &count);
    for (unsigned i = 0; i < count; i++)
        cores += cpus[i].thread_rank == 0;
    return cores;
}

int topology_last_level(const struct topology *topology, int cpu)
{
    hwloc_obj_t pu = cpu < 0 ? NULL : hwloc_get_pu_obj_by_os_index(topology->hwloc, (unsigned)cpu);
    int level = pu == NULL ? -1 : above(topology->hwloc, pu, HWLOC_OBJ_L3CACHE);
    return pu == NULL ? 0 : level >= 0 ? level : above(topology->hwloc, pu, HWLOC_OBJ_PACKAGE);
}

/* Of the cores in order: the most that have one number, and in *kinds how many numbers there are. False: some numbers
 * have fewer cores. */
static bool shared_by(const int *numbers, unsigned count, unsigned *most, unsigned *kinds)
{
    unsigned least = UINT_MAX;
    *most = *kinds = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned same = 0, before = 0;
        for (unsigned j = 0; j < count; j++) {
            same += numbers[j] == numbers[i];
            before += j < i && numbers[j] == numbers[i];
        }
        *kinds += before == 0;
        *most = same > *most ? same : *most;
        least = same < least ? same : least;
    }
    return *most == least;
}

void topology_shape(const struct topology *topology, struct topology_shape *shape)
{
    static const hwloc_obj_type_t levels[TOPOLOGY_LEVELS] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE};
    unsigned count, cores = 0, last_levels;
    SUPPORT_FREED struct cpu *cpus = cpus_collect(topology, &count);
    SUPPORT_FREED int *packages = support_alloc(count * sizeof *packages);
    SUPPORT_FREED int *shared = support_alloc(count * sizeof *shared);
    for (unsigned i = 0; i < count; i++) {
        if (cpus[i].thread_rank != 0)
            continue;
        packages[cores] = cpus[i].place.package;
        shared[cores++] = topology_last_level(topology, cpus[i].place.cpu);
    }
    *shape = (struct topology_shape){.is_even = true};
    shape->is_even = shared_by(packages, cores, &shape->cores_per_socket, &shape->sockets) && shape->is_even;
    shape->is_even = shared_by(shared, cores, &shape->cores_per_l3, &last_levels) && shape->is_even;
    hwloc_obj_t first = hwloc_get_pu_obj_by_os_index(topology->hwloc, (unsigned)cpus[0].place.cpu);
    for (unsigned i = 0; i < TOPOLOGY_LEVELS; i++) {
        hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology->hwloc, levels[i], first);
        if (cache != NULL)
            shape->caches[i] = (struct topology_cache){
                cache->attr->cache.size,
                cache->attr->cache.associativity > 0 ? (unsigned)cache->attr->cache.associativity : 0};
    }
}

static const struct cpu *cpu_find(const struct cpu *cpus, unsigned count, int number)
{
    for (unsigned i = 0; i < count; i++)
        if (cpus[i].place.cpu == number)
            return &cpus[i];
    return NULL;
}

/* Keeps the listed CPUs in the list's order. False when one is not allowed, or listed twice. */
static bool cpus_pick(const struct topology *topology, const char *list, struct cpu *cpus, unsigned *count, char *error)
{
    SUPPORT_FREED struct cpu *picked = support_alloc(*count * sizeof *picked);
    SUPPORT_FREED char *copy = support_copy(list);
    unsigned picked_count = 0;
    char *rest = copy, allowed[128];
    for (char *item; (item = strsep(&rest, ",")) != NULL;) {
        SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t set = hwloc_bitmap_alloc();
        (void)facts_cpu_list(item, set); /* topology_place has read the whole list before */
        for (int cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
            const struct cpu *known = cpu_find(cpus, *count, cpu);
            (void)hwloc_bitmap_list_snprintf(allowed, sizeof allowed, topology->allowed);
            if (known == NULL)
                return support_error(error, TOPOLOGY_ERROR_BYTES, "CPU %d is not among the allowed CPUs, %s", cpu,
                                     allowed);
            if (cpu_find(picked, picked_count, cpu) != NULL)
                return support_error(error, TOPOLOGY_ERROR_BYTES, "CPU %d is listed twice", cpu);
            picked[picked_count++] = *known;
        }
    }
    memcpy(cpus, picked, picked_count * sizeof *picked);
    *count = picked_count;
    return true;
}

static bool cpus_order(const struct topology *topology, const char *policy, struct cpu *cpus, unsigned *count,
                       char *error)
{
    if (strcmp(policy, "none") == 0)
        return true;
    if (strcmp(policy, "compact") == 0 || strcmp(policy, "scatter") == 0) {
        if (*policy == 's')
            cpus_rank(cpus, *count);
        qsort(cpus, *count, sizeof *cpus, by_order);
        return true;
    }
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (!facts_cpu_list(policy, set))
        return support_error(error, TOPOLOGY_ERROR_BYTES,
                             "'%.100s' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7", policy);
    return cpus_pick(topology, policy, cpus, count, error);
}

bool topology_place(const struct topology *topology, const char *policy, unsigned workers, struct placement *placement,
                    char *error)
{
    MAE_CHECK(workers > 0);
    unsigned count;
    SUPPORT_FREED struct cpu *cpus = cpus_collect(topology, &count);
    bool fine = cpus_order(topology, policy, cpus, &count, error) && count > 0; /* no list is empty */
    if (fine) {
        *placement = (struct placement){workers, workers > count, support_alloc(workers * sizeof *placement->workers)};
        bool pinned = strcmp(policy, "none") != 0;
        for (unsigned i = 0; i < workers; i++)
            placement->workers[i] = pinned ? cpus[i % count].place : (struct placement_worker){-1, -1, -1, -1};
    }
    return fine;
}

void placement_free(struct placement *placement)
{
    free(placement->workers);
    *placement = (struct placement){0};
}

/* Asks the kernel where the calling thread may run. */
static bool runs_only_on(int cpu)
{
    MAE_CHECK(cpu >= 0);
    enum { CPUS_MAX = 1 << 16 };
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    bool only = set != NULL && sched_getaffinity(0, bytes, set) == 0 && CPU_COUNT_S(bytes, set) == 1 &&
                CPU_ISSET_S((size_t)cpu, bytes, set);
    CPU_FREE(set);
    return only;
}

static bool memory_comes_from(const struct topology *topology, int node)
{
    MAE_CHECK(node >= 0);
    hwloc_membind_policy_t policy;
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
    return hwloc_get_membind(topology->hwloc, nodes, &policy, HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET) == 0 &&
           policy == HWLOC_MEMBIND_BIND && hwloc_bitmap_weight(nodes) == 1 && hwloc_bitmap_isset(nodes, (unsigned)node);
}

bool topology_bind(const struct topology *topology, const struct placement_worker *worker)
{
    if (worker->cpu < 0 || topology->is_synthetic)
        return true;
    if (topology_is_foreign(topology)) /* hwloc would report success without pinning */
        return false;
    SUPPORT_ENDED_BY(facts_bitmap_free) hwloc_bitmap_t set = hwloc_bitmap_alloc();
    bool bound = hwloc_bitmap_only(set, (unsigned)worker->cpu) == 0 &&
                 hwloc_set_cpubind(topology->hwloc, set, HWLOC_CPUBIND_THREAD) == 0 && runs_only_on(worker->cpu);
    /* Without STRICT the node is preferred, not demanded: a full node means slower memory, not a killed process. */
    if (bound && topology_node_count(topology) > 1)
        bound = hwloc_bitmap_only(set, (unsigned)worker->node) == 0 &&
                hwloc_set_membind(topology->hwloc, set, HWLOC_MEMBIND_BIND,
                                  HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET) == 0 &&
                memory_comes_from(topology, worker->node);
    return bound;
}

/* ---- Drawing. ---- */

static void workers_draw(const struct placement *placement, unsigned cpu, FILE *file)
{
    const char *separator = "  worker ";
    for (unsigned i = 0; placement != NULL && i < placement->count; i++)
        if (placement->workers[i].cpu == (int)cpu) {
            (void)fprintf(file, "%s%u", separator, i);
            separator = ", ";
        }
}

static void object_draw(const struct topology *topology, const struct placement *placement, hwloc_obj_t object,
                        int depth, FILE *file)
{
    char type[64], attributes[128];
    (void)hwloc_obj_type_snprintf(type, sizeof type, object, 0);
    (void)hwloc_obj_attr_snprintf(attributes, sizeof attributes, object, ", ", 0);
    bool is_cpu = object->type == HWLOC_OBJ_PU, is_cache = hwloc_obj_type_is_cache(object->type);
    (void)fprintf(file, "%*s", 2 * depth, "");
    if (is_cpu)
        (void)fprintf(file, "CPU %u", object->os_index);
    else if (is_cache || object->os_index == HWLOC_UNKNOWN_INDEX)
        (void)fprintf(file, "%s %u", type, object->logical_index);
    else
        (void)fprintf(file, "%s %u", type, object->os_index);
    if (is_cache || object->type == HWLOC_OBJ_NUMANODE)
        (void)fprintf(file, " (%s)", attributes);
    if (is_cpu) {
        int slowness = slowness_of(topology->hwloc, object);
        if (slowness > 0)
            (void)fprintf(file, "  slower kind %d", slowness);
        if (!hwloc_bitmap_isset(topology->allowed, object->os_index))
            (void)fputs("  not allowed", file);
        workers_draw(placement, object->os_index, file);
    }
    (void)fputc('\n', file);
    for (hwloc_obj_t memory = object->memory_first_child; memory != NULL; memory = memory->next_sibling)
        object_draw(topology, placement, memory, depth + 1, file);
    for (hwloc_obj_t below = object->first_child; below != NULL; below = below->next_sibling)
        object_draw(topology, placement, below, depth + 1, file);
}

void topology_draw(const struct topology *topology, const struct placement *placement, FILE *file)
{
    object_draw(topology, placement, hwloc_get_root_obj(topology->hwloc), 0, file);
}
