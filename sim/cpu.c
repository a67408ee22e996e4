/* cpu.c - see cpu.h. */
#include "sim/cpu.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"

void cpu_init(struct cpu *core, struct memory *memory, unsigned idx)
{
    memset(core, 0, sizeof *core);
    core->memory = memory;
    core->idx = idx;
    core->soonest_ps = core->due = UINT64_MAX;
    core->access_ps = (uint64_t)(memory->machine.access_ns * 1000 + 0.5);
    core->instruction_fs = (uint64_t)(memory->machine.instruction_ns * 1e6 + 0.5);
    core->atomic_ps = (uint64_t)(memory->machine.atomic_ns * 1000 + 0.5);
    core->branch_ps = (uint64_t)(memory->machine.branch_ns * 1000 + 0.5);
    core->atomic_waits = memory->machine.atomic_waits != 0;
    core->window = memory->machine.window;
    core->misses = memory->machine.misses;
    core->store_buffer = memory->machine.store_buffer;
}

static uint64_t latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void cpu_work(struct cpu *core, unsigned instructions)
{
    core->begun = latest(core->begun, core->instructions);
    core->instructions += instructions;
    core->work_fs += instructions * core->instruction_fs;
    core->now_ps += core->work_fs / 1000;
    core->work_fs %= 1000;
}

void cpu_wait(struct cpu *core, uint64_t until_ps)
{
    if (until_ps > core->now_ps || MUTATED(time_runs_backwards))
        core->now_ps = until_ps; /* T1 */
}

/* Waits for a line. */
static void stand(struct cpu *core, uint64_t until_ps)
{
    if (until_ps > core->now_ps)
        profile_stand(&core->memory->profile, until_ps - core->now_ps);
    cpu_wait(core, until_ps);
}

/* ---- Loads under way. ---- */

static void load_remove(struct cpu *core, unsigned i)
{
    core->line_count -= !core->loads[i].joined;
    core->loads[i] = core->loads[--core->load_count];
}

static void load_note(struct cpu *core, const struct cpu_load *load)
{
    core->soonest_ps = load->done_ps < core->soonest_ps ? load->done_ps : core->soonest_ps;
    if (load->awaited && load->begun + core->window < core->due)
        core->due = load->begun + core->window;
}

/* Forgets what has arrived, and waits for what the window does not let pass. */
static void loads_retire(struct cpu *core)
{
    if (core->due > core->begun && core->soonest_ps > core->now_ps)
        return; /* most accesses end here */
    for (unsigned i = 0; i < core->load_count; i++)
        if (core->loads[i].awaited && core->loads[i].begun + core->window <= core->begun)
            stand(core, core->loads[i].done_ps);
    for (unsigned i = core->load_count; i-- > 0;)
        if (core->loads[i].done_ps <= core->now_ps)
            load_remove(core, i);
    core->soonest_ps = core->due = UINT64_MAX;
    for (unsigned i = 0; i < core->load_count; i++)
        load_note(core, &core->loads[i]);
}

/* Waits for the first of the loads under way. */
static void load_await(struct cpu *core)
{
    stand(core, core->soonest_ps);
    loads_retire(core); /* so at least one goes */
}

/* Whether what the load brings is the base of the address, or the number from which it is computed. */
static bool brings(const struct cpu *core, const struct cpu_load *load, uint64_t address)
{
    if (address - load->value < CPU_REACH_BYTES)
        return true;
    return load->awaited && !load->repeated && load->value != 0 &&
           computed_from(&core->memory->computed, load->place, core->memory->profile.at, load->value, address);
}

/* What loads under way mean for an access: when one of them has brought its address, and when one has brought its line;
 * not before now. */
struct awaited {
    uint64_t known_ps, line_ps;
};

static struct awaited await(const struct cpu *core, uint64_t address, uint64_t line)
{
    struct awaited awaited = {core->now_ps, core->now_ps};
    for (unsigned i = 0; i < core->load_count; i++) {
        const struct cpu_load *load = &core->loads[i];
        if (brings(core, load, address) && load->done_ps > awaited.known_ps)
            awaited.known_ps = load->done_ps;
        if (load->line == line && load->done_ps > awaited.line_ps)
            awaited.line_ps = load->done_ps;
    }
    return awaited;
}

static struct cpu_load *load_add(struct cpu *core, struct cpu_load load)
{
    while (core->load_count == CPU_LOADS_MAX)
        load_await(core);
    load.at = core->accesses;
    load.begun = core->begun;
    load.place = core->memory->profile.at;
    for (unsigned i = 0; i < core->load_count; i++)
        core->loads[i].repeated |= core->loads[i].place == load.place;
    struct cpu_load *added = &core->loads[core->load_count++];
    *added = load;
    core->line_count += !load.joined;
    load_note(core, added);
    return added;
}

/* Asks for a line, to read it or as its only owner. NULL: it is there. */
static struct cpu_load *ask_line(struct cpu *core, uint64_t address, bool is_awaited, bool owns)
{
    uint64_t line = memory_line(core->memory, core->idx, address);
    while (core->line_count >= core->misses && !MUTATED(misses_without_end) &&
           !memory_is_first(core->memory, core->idx, line, owns))
        load_await(core); /* T3 */
    struct awaited awaited = await(core, address, line);
    uint64_t start = memory_walk(core->memory, core->idx, address, awaited.known_ps, core->now_ps);
    uint64_t asked = owns ? memory_store(core->memory, core->idx, line, start, core->now_ps)
                          : memory_load(core->memory, core->idx, line, start, core->now_ps);
    uint64_t done = latest(asked, awaited.line_ps);
    if (done <= core->now_ps)
        return NULL;
    return load_add(core,
                    (struct cpu_load){.line = line, .done_ps = done, .awaited = is_awaited, .joined = asked == start});
}

static void access_begin(struct cpu *core)
{
    core->now_ps += core->access_ps;
    core->accesses++;
    core->begun++;
    loads_retire(core);
}

struct cpu_load *cpu_read(struct cpu *core, uint64_t address)
{
    access_begin(core);
    core->last_read = core->accesses;
    return ask_line(core, address, true, false);
}

void cpu_prefetch(struct cpu *core, uint64_t address)
{
    access_begin(core);
    (void)ask_line(core, address, false, false);
}

void cpu_prefetch_write(struct cpu *core, uint64_t address)
{
    access_begin(core);
    (void)ask_line(core, address, false, !MUTATED(prefetch_only_reads));
}

void cpu_mispredict(struct cpu *core)
{
    for (unsigned i = 0; i < core->load_count; i++)
        if (core->loads[i].at == core->last_read && !MUTATED(branches_wait_for_nothing))
            stand(core, core->loads[i].done_ps);
    core->now_ps += core->branch_ps;
    loads_retire(core);
}

void cpu_settle(struct cpu *core)
{
    for (unsigned i = 0; i < core->load_count; i++)
        if (core->loads[i].awaited)
            stand(core, core->loads[i].done_ps);
    loads_retire(core);
}

/* ---- Stores that wait. ---- */

static void stores_retire(struct cpu *core)
{
    while (core->store_count > 0 && core->stores[core->store_first] <= core->now_ps) {
        core->store_first = (core->store_first + 1) % CPU_STORES_MAX;
        core->store_count--;
    }
}

/* A store whose line is there by then. */
static void store_enter(struct cpu *core, uint64_t done)
{
    stores_retire(core);
    if (done < core->store_last_ps)
        done = core->store_last_ps; /* T2 */
    if (done <= core->now_ps)
        return;
    if (core->store_count >= core->store_buffer) {
        stand(core, core->stores[core->store_first]);
        stores_retire(core);
    }
    core->stores[(core->store_first + core->store_count++) % CPU_STORES_MAX] = done;
    core->store_last_ps = done;
}

void cpu_write(struct cpu *core, uint64_t address)
{
    access_begin(core);
    uint64_t line = memory_line(core->memory, core->idx, address);
    struct awaited awaited = await(core, address, line);
    uint64_t start = memory_walk(core->memory, core->idx, address, awaited.known_ps, core->now_ps);
    uint64_t done = memory_store(core->memory, core->idx, line, start, core->now_ps);
    if (MUTATED(stores_are_free))
        return;
    store_enter(core, latest(done, awaited.line_ps));
}

void cpu_drain(struct cpu *core)
{
    cpu_settle(core);
    if (core->store_count > 0)
        stand(core, core->store_last_ps);
    stores_retire(core);
}

static bool atomics_wait(const struct cpu *core)
{
    return (core->atomic_waits && !MUTATED(atomics_never_wait)) || MUTATED(atomics_always_wait); /* T6 */
}

/* Locked instructions of a core that overlap with all else run one after the other. When this one has run, which asks
 * for nothing before `ready_ps`. */
static uint64_t atomic_run(struct cpu *core, uint64_t ready_ps)
{
    uint64_t begin_ps = MUTATED(atomics_side_by_side) ? core->now_ps : latest(core->now_ps, core->atomic_free_ps);
    core->atomic_free_ps = begin_ps + core->atomic_ps;
    return latest(ready_ps, begin_ps) + core->atomic_ps;
}

void cpu_fence(struct cpu *core)
{
    if (!atomics_wait(core)) {
        (void)load_add(
            core, (struct cpu_load){.line = NO_LINE, .done_ps = atomic_run(core, 0), .awaited = true, .joined = true});
        return;
    }
    cpu_drain(core);
    core->now_ps += core->atomic_ps;
    loads_retire(core);
}

/* A load that takes the line from all others, and a store behind it in the buffer. */
static struct cpu_load *lock_overlapped(struct cpu *core, uint64_t address)
{
    core->last_read = core->accesses;
    struct cpu_load *load = ask_line(core, address, true, true);
    uint64_t done_ps = atomic_run(core, load == NULL ? 0 : load->done_ps);
    if (load == NULL)
        load = load_add(core, (struct cpu_load){.line = memory_line(core->memory, core->idx, address),
                                                .done_ps = done_ps,
                                                .awaited = true,
                                                .joined = true});
    load->done_ps = done_ps;
    store_enter(core, done_ps); /* the load stays under way: nothing is retired here */
    return load;
}

struct cpu_load *cpu_lock(struct cpu *core, uint64_t address)
{
    access_begin(core);
    if (!atomics_wait(core))
        return lock_overlapped(core, address);
    cpu_drain(core);
    uint64_t line = memory_line(core->memory, core->idx, address);
    uint64_t start = memory_walk(core->memory, core->idx, address, core->now_ps, core->now_ps);
    uint64_t done = memory_store(core->memory, core->idx, line, start, core->now_ps);
    stand(core, latest(done, await(core, address, line).line_ps));
    core->now_ps += core->atomic_ps;
    loads_retire(core);
    return NULL;
}
