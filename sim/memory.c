/* memory.c - see memory.h. */
#include "sim/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"

static uint64_t ps_of(double ns)
{
    return (uint64_t)(ns * 1000 + 0.5);
}

static bool caches_init(struct cache **caches, unsigned count, uint64_t entries, uint64_t ways)
{
    *caches = calloc(count, sizeof **caches);
    for (unsigned i = 0; *caches != NULL && i < count; i++)
        if (!cache_init(&(*caches)[i], entries, (unsigned)ways))
            return false;
    return *caches != NULL;
}

static void caches_fini(struct cache *caches, unsigned count)
{
    for (unsigned i = 0; caches != NULL && i < count; i++)
        cache_fini(&caches[i]);
    free(caches);
}

bool memory_init(struct memory *memory, const struct machine *machine, unsigned cores, uint64_t seed)
{
    memset(memory, 0, sizeof *memory);
    memory->machine = *machine;
    memory->random = seed;
    memory->cores = cores;
    memory->l3_count = (unsigned)((cores + machine->cores_per_l3 - 1) / machine->cores_per_l3);
    memory->sockets = (unsigned)machine->sockets;
    const double source_ns[] = {0,
                                machine->l2_ns,
                                machine->l3_ns,
                                machine->l3_socket_ns,
                                machine->l3_remote_ns,
                                machine->core_near_ns,
                                machine->core_socket_ns,
                                machine->core_remote_ns,
                                machine->memory_near_ns,
                                machine->memory_remote_ns};
    for (int i = 0; i < SOURCE_COUNT; i++)
        memory->source_ps[i] = ps_of(source_ns[i]);
    memory->memory_line_ps = ps_of(LINE_BYTES / machine->memory_gb_per_s);
    memory->link_line_ps = ps_of(LINE_BYTES / machine->link_gb_per_s);
    memory->l3_half_ps = ps_of(machine->l3_half_ms * 1e6);
    double loads_ns = (double)machine->walk_loads * machine->l2_ns;
    memory->walk_ps = ps_of(machine->walk_ns > loads_ns ? machine->walk_ns - loads_ns : 0);
    memory->places = calloc(cores, sizeof *memory->places);
    for (unsigned i = 0; memory->places != NULL && i < cores; i++)
        memory->places[i] =
            (struct memory_place){(uint16_t)(i / machine->cores_per_socket), (uint16_t)(i / machine->cores_per_l3)};
    memory->memory_free_ps = calloc(memory->sockets, sizeof *memory->memory_free_ps);
    memory->link_free_ps = calloc(memory->sockets, sizeof *memory->link_free_ps);
    return memory->memory_free_ps != NULL && memory->link_free_ps != NULL && memory->places != NULL &&
           directory_init(&memory->directory, cores) && lines_init(&memory->lines, machine->page_bytes) &&
           computed_init(&memory->computed) &&
           caches_init(&memory->l1, cores, machine->l1_bytes / LINE_BYTES, machine->l1_ways) &&
           caches_init(&memory->l2, cores, machine->l2_bytes / LINE_BYTES, machine->l2_ways) &&
           caches_init(&memory->tlb, cores, machine->tlb_entries, machine->tlb_ways) &&
           caches_init(&memory->l3, memory->l3_count, machine->l3_bytes / LINE_BYTES, machine->l3_ways);
}

void memory_fini(struct memory *memory)
{
    caches_fini(memory->l1, memory->cores);
    caches_fini(memory->l2, memory->cores);
    caches_fini(memory->tlb, memory->cores);
    caches_fini(memory->l3, memory->l3_count);
    directory_fini(&memory->directory);
    lines_fini(&memory->lines);
    computed_fini(&memory->computed);
    profile_fini(&memory->profile);
    free(memory->places);
    free(memory->memory_free_ps);
    free(memory->link_free_ps);
}

static unsigned l3_of(const struct memory *memory, unsigned core)
{
    return memory->places[core].l3;
}

static uint64_t latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- Queues: what serves a line at a time makes those wait that come meanwhile. ---- */

static uint64_t queue(uint64_t *free_ps, uint64_t now, uint64_t service_ps)
{
    uint64_t begin = latest(*free_ps, now);
    *free_ps = begin + service_ps;
    return begin - now;
}

static unsigned home_of(const struct memory *memory, uint64_t line)
{
    return memory->lines.homes[line];
}

/* ---- Where a line is. ---- */

static enum memory_source core_source(const struct memory *memory, unsigned core, unsigned other)
{
    return l3_of(memory, core) == l3_of(memory, other)                   ? SOURCE_core_near
           : memory_socket(memory, core) == memory_socket(memory, other) ? SOURCE_core_socket
                                                                         : SOURCE_core_remote;
}

static double draw(struct memory *memory) /* -1 .. 1 */
{
    memory->random = memory->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(memory->random >> 33) * 0x1p-30 - 1;
}

static void l3_touch(struct memory *memory, uint64_t line, uint64_t now)
{
    if (memory->l3_half_ps != 0)
        memory->lines.touched_us[line] = (uint32_t)(now / 1000000);
}

/* Whether a last level still has the line; what other systems have taken from it is gone from now on. */
static bool l3_has(struct memory *memory, unsigned l3, uint64_t line, uint64_t now)
{
    struct cache *cache = &memory->l3[l3];
    if (cache_look(cache, line) == LINE_ABSENT)
        return false;
    if (memory->l3_half_ps == 0 || MUTATED(last_levels_keep))
        return true;
    double age_ps = (double)((uint32_t)(now / 1000000) - memory->lines.touched_us[line]) * 1e6;
    if (draw(memory) + 1 < 2 * exp2(-age_ps / (double)memory->l3_half_ps))
        return true;
    cache_set(cache, line, LINE_ABSENT); /* M8 */
    return false;
}

/* A last level of another core that has the line, the nearest; or SOURCE_COUNT. */
static enum memory_source other_l3(struct memory *memory, unsigned core, uint64_t line, uint64_t now)
{
    enum memory_source best = SOURCE_COUNT;
    unsigned per_socket = (unsigned)(memory->machine.cores_per_socket / memory->machine.cores_per_l3);
    for (unsigned i = 0; i < memory->l3_count; i++) {
        if (i == l3_of(memory, core) || !l3_has(memory, i, line, now))
            continue;
        if (i / per_socket == memory_socket(memory, core))
            return SOURCE_l3_socket;
        best = SOURCE_l3_remote;
    }
    return best;
}

static unsigned any_holder(const struct memory *memory, const struct directory_entry *entry)
{
    unsigned word = 0;
    while (entry->holders[word] == 0)
        word++;
    MAE_DCHECK(word < memory->directory.words);
    return word * 64 + (unsigned)__builtin_ctzll(entry->holders[word]);
}

static enum memory_source source_of(struct memory *memory, unsigned core, uint64_t line,
                                    const struct directory_entry *entry, uint64_t now)
{
    if (entry->owner != NO_CORE)
        return core_source(memory, core, entry->owner);
    if (l3_has(memory, l3_of(memory, core), line, now)) {
        (void)cache_use(&memory->l3[l3_of(memory, core)], line);
        l3_touch(memory, line, now);
        return SOURCE_l3;
    }
    enum memory_source source = other_l3(memory, core, line, now);
    if (source != SOURCE_COUNT)
        return source;
    if (entry->count > 0) /* the last level has lost what a core still has */
        return core_source(memory, core, any_holder(memory, entry));
    return home_of(memory, line) == memory_socket(memory, core) ? SOURCE_memory_near : SOURCE_memory_remote;
}

/* Two transfers between the same places do not take the same time. Without that, cores that wait for each other could
 * stay in step for ever, as no real ones do. */
static uint64_t spread(struct memory *memory, uint64_t ps)
{
    return (uint64_t)((double)ps * (1 + draw(memory) * memory->machine.spread));
}

/* When the line has come from there. It leaves at `ready` or when the queues let it, whichever is later: the core waits
 * for all of these at the same time. */
static uint64_t fetch(struct memory *memory, unsigned core, uint64_t line, enum memory_source source, uint64_t now,
                      uint64_t ready)
{
    uint64_t waited = 0;
    if (source == SOURCE_memory_near || source == SOURCE_memory_remote)
        waited += queue(&memory->memory_free_ps[home_of(memory, line)], now, memory->memory_line_ps);
    if (source == SOURCE_memory_remote || source == SOURCE_core_remote || source == SOURCE_l3_remote)
        waited += queue(&memory->link_free_ps[memory_socket(memory, core)], now + waited, memory->link_line_ps);
    return (MUTATED(waits_add_up) ? ready + waited : latest(ready, now + waited)) +
           spread(memory, memory->source_ps[source]); /* M5 */
}

static void profile_source(struct memory *memory, enum memory_source source, uint64_t took_ps)
{
    bool is_core = source >= SOURCE_core_near && source <= SOURCE_core_remote;
    profile_transfer(&memory->profile,
                     is_core                       ? PROFILE_CORES
                     : source < SOURCE_memory_near ? PROFILE_CACHES
                                                   : PROFILE_MEMORY,
                     took_ps);
}

/* ---- Lines come and go. ---- */

static void l3_add(struct memory *memory, unsigned l3, uint64_t line, enum line_state state, uint64_t now)
{
    uint64_t gone;
    struct cache *cache = &memory->l3[l3];
    enum line_state there = cache_look(cache, line);
    l3_touch(memory, line, now);
    if (there != LINE_ABSENT) {
        if (state == LINE_DIRTY)
            cache_set(cache, line, LINE_DIRTY);
        return;
    }
    if (cache_add(cache, line, state, &gone) == LINE_DIRTY) /* is written to memory, which takes its bandwidth */
        (void)queue(&memory->memory_free_ps[home_of(memory, gone)], now, memory->memory_line_ps);
}

static void l1_add(struct memory *memory, unsigned core, uint64_t line, enum line_state state)
{
    uint64_t gone;
    (void)cache_add(&memory->l1[core], line, state, &gone); /* the second level has what goes, in the same state: M2 */
}

/* Puts the line into the core's caches; entries of the directory may move. */
static void fill(struct memory *memory, unsigned core, uint64_t line, enum line_state state, uint64_t now)
{
    uint64_t gone;
    enum line_state lost = cache_add(&memory->l2[core], line, state, &gone);
    if (lost != LINE_ABSENT) {
        struct directory_entry *entry = directory_find(&memory->directory, gone, false);
        cache_set(&memory->l1[core], gone, LINE_ABSENT); /* M2 */
        directory_drop(entry, core);
        if (entry->count == 0)
            directory_remove(&memory->directory, entry);
        l3_add(memory, l3_of(memory, core), gone, lost, now);
    }
    l1_add(memory, core, line, state);
    l3_add(memory, l3_of(memory, core), line, LINE_SHARED, now);
}

static void private_set(struct memory *memory, unsigned core, uint64_t line, enum line_state state)
{
    cache_set(&memory->l1[core], line, state);
    cache_set(&memory->l2[core], line, state);
}

/* The owner keeps a copy that it may only read; its last level has the line from now on. */
static void owner_share(struct memory *memory, struct directory_entry *entry, uint64_t line, uint64_t now)
{
    unsigned owner = entry->owner;
    l3_add(memory, l3_of(memory, owner), line, cache_look(&memory->l2[owner], line), now);
    private_set(memory, owner, line, LINE_SHARED);
    entry->owner = NO_CORE;
}

/* Takes the line from everybody else. How long it takes until the farthest has said so. */
static uint64_t invalidate(struct memory *memory, struct directory_entry *entry, unsigned core, uint64_t line)
{
    uint64_t farthest = 0;
    for (unsigned word = 0; word < memory->directory.words; word++)
        for (uint64_t left = entry->holders[word]; left != 0; left &= left - 1) {
            unsigned other = word * 64 + (unsigned)__builtin_ctzll(left);
            if (other == core)
                continue;
            farthest = latest(farthest, memory->source_ps[core_source(memory, core, other)]);
            if (!MUTATED(invalidation_missed))
                private_set(memory, other, line, LINE_ABSENT); /* M1 */
            directory_drop(entry, other);
        }
    for (unsigned i = 0; i < memory->l3_count; i++)
        if (i != l3_of(memory, core))
            cache_set(&memory->l3[i], line, LINE_ABSENT);
    return farthest;
}

/* Others may take lines from the core meanwhile; none gives it any. */
static void await_turn(const struct memory *memory)
{
    if (memory->turn != NULL && !MUTATED(asks_out_of_turn))
        memory->turn(); /* M6 */
}

bool memory_is_first(const struct memory *memory, unsigned core, uint64_t line, bool owns)
{
    return cache_look(&memory->l1[core], line) >= (owns ? LINE_OWNED : LINE_SHARED);
}

void memory_flush(struct memory *memory, uint64_t line)
{
    struct directory_entry *entry = directory_find(&memory->directory, line, false);
    for (unsigned core = 0; entry != NULL && core < memory->cores; core++)
        if (directory_holds(entry, core)) {
            private_set(memory, core, line, LINE_ABSENT);
            directory_drop(entry, core);
        }
    if (entry != NULL)
        directory_remove(&memory->directory, entry); /* D1 */
    for (unsigned i = 0; i < memory->l3_count; i++)
        cache_set(&memory->l3[i], line, LINE_ABSENT);
}

uint64_t memory_load_far(struct memory *memory, unsigned core, uint64_t line, uint64_t start, uint64_t now)
{
    enum line_state state = cache_use(&memory->l2[core], line);
    if (state != LINE_ABSENT) {
        l1_add(memory, core, line, state);
        return start + memory->source_ps[SOURCE_l2];
    }
    await_turn(memory);
    struct directory_entry *entry = directory_find(&memory->directory, line, true);
    enum memory_source source = source_of(memory, core, line, entry, now);
    uint64_t done = fetch(memory, core, line, source, now, latest(start, entry->ready_ps));
    MAE_DCHECK(done >= start); /* M4 */
    profile_source(memory, source, done - start);
    if (source != SOURCE_l3 && source != SOURCE_l3_socket && source != SOURCE_l3_remote)
        entry->ready_ps = done; /* M3; copies of last levels go out side by side */
    if (entry->owner != NO_CORE)
        owner_share(memory, entry, line, now);
    state = entry->count == 0 ? LINE_OWNED : LINE_SHARED;
    directory_hold(entry, core);
    entry->owner = state == LINE_OWNED ? (uint16_t)core : NO_CORE;
    fill(memory, core, line, state, now);
    return done;
}

uint64_t memory_walk_far(struct memory *memory, unsigned core, uint64_t page, uint64_t start, uint64_t now)
{
    /* Where no program has anything; each kind of table by itself. */
    const uint64_t tables = UINT64_C(1) << 62, kind_bytes = UINT64_C(1) << 50;
    uint64_t gone, known = start;
    (void)cache_add(&memory->tlb[core], page, LINE_SHARED, &gone);
    for (uint64_t i = 0; i < memory->machine.walk_loads && !MUTATED(tables_are_at_hand); i++) {
        uint64_t entry = memory_line(memory, core, tables + i * kind_bytes + page * sizeof(uint64_t));
        known = memory_load(memory, core, entry, known, now); /* M7 */
    }
    return known + memory->walk_ps;
}

uint64_t memory_store_far(struct memory *memory, unsigned core, uint64_t line, enum line_state first, uint64_t start,
                          uint64_t now)
{
    enum line_state state = first == LINE_ABSENT ? cache_use(&memory->l2[core], line) : first;
    if (state == LINE_OWNED || state == LINE_DIRTY) {
        if (first == LINE_ABSENT)
            l1_add(memory, core, line, LINE_DIRTY);
        private_set(memory, core, line, LINE_DIRTY);
        return first == LINE_ABSENT ? start + memory->source_ps[SOURCE_l2] : start;
    }
    await_turn(memory);
    first = cache_look(&memory->l1[core], line);
    state = cache_look(&memory->l2[core], line);
    struct directory_entry *entry = directory_find(&memory->directory, line, true);
    /* A core that has a copy only asks the last level whether others have one. */
    enum memory_source source = state == LINE_SHARED ? SOURCE_l3 : source_of(memory, core, line, entry, now);
    uint64_t ready = MUTATED(transfers_side_by_side) ? start : latest(start, entry->ready_ps);
    uint64_t fetched = fetch(memory, core, line, source, now, ready);
    uint64_t farthest = invalidate(memory, entry, core, line);
    uint64_t done = latest(fetched, ready + farthest);
    MAE_DCHECK(done >= start);                                                      /* M4 */
    profile_source(memory, farthest > 0 ? SOURCE_core_near : source, done - start); /* others had a copy to give up */
    entry->ready_ps = done;                                                         /* M3 */
    entry->owner = (uint16_t)core;
    if (state == LINE_SHARED) {
        if (first == LINE_ABSENT)
            l1_add(memory, core, line, LINE_DIRTY);
        private_set(memory, core, line, LINE_DIRTY);
        return done;
    }
    directory_hold(entry, core);
    fill(memory, core, line, LINE_DIRTY, now);
    return done;
}
