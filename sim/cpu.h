/*
 * cpu.h - one simulated core: its time, the loads that it waits for, and the stores that wait for their lines.
 *
 * A core goes on while loads are under way. It waits for one of them when it needs the address that the load brings, or
 * a number from which the address is computed (computed.h), and when `window` later instructions have begun. Before it
 * asks for a line, it waits until fewer than `misses` are under way. A store waits in the buffer, in order, and costs
 * nothing unless the buffer is full. A locked instruction waits for all loads and stores, or, on machines without
 * `atomic_waits`, is a load and a store that overlap with others, but not with other locked instructions. A branch that
 * was predicted wrongly (branch.h) waits for the load before it, which brought what it tests; what was predicted
 * rightly waits for nothing.
 *
 *   T1  A core's time never runs backwards.
 *   T3  At most `misses` lines are under way to a core; the next load asks for its line when one has arrived.
 *   T2  Stores become visible to queues in program order.
 *   T6  With `atomic_waits` a locked instruction begins when all loads and stores before it have ended, and nothing
 *       begins before it has ended; without, it waits for its address only.
 *   T8  Without it, a core's locked instructions run one after the other, and nothing else waits for them.
 *   T4  After a wrong prediction nothing begins before the load ahead of the branch has come.
 *   T7  What is computed from a number that a load brings begins when the load has ended.
 * Checked by: tests/unit/sim/cpu.c.   Source: the interval model (Genbrugge, Eyerman, Eeckhout, HPCA 2010), simpler.
 */
#ifndef SIM_CPU_H
#define SIM_CPU_H

#include "sim/memory.h"

/* A load's value counts as the base of addresses up to so many bytes above it: fields of a row or node. */
enum { CPU_REACH_BYTES = 4096, CPU_LOADS_MAX = 128, CPU_STORES_MAX = 256 };
#define NO_LINE UINT64_MAX

struct cpu_load {
    uint64_t line, done_ps, at; /* at: the number of the access */
    uint64_t begun;             /* instructions before it */
    uint64_t value;             /* what it brings: may be the address of a later access */
    uint64_t place;             /* of the instruction in the program */
    bool awaited;               /* by the window; false: a prefetch */
    bool joined;                /* an earlier load has asked for the line */
    bool repeated;              /* the instruction has loaded again since */
};

struct cpu {
    struct memory *memory;
    unsigned idx;
    uint64_t now_ps, accesses, instructions, begun, instruction_fs, access_ps, atomic_ps, branch_ps;
    uint64_t work_fs;                      /* what is left of work that has not yet made a picosecond */
    uint64_t window, misses, store_buffer; /* the machine's */
    bool atomic_waits;                     /* the machine's */
    uint64_t last_read;                    /* the number of the youngest load */
    struct cpu_load loads[CPU_LOADS_MAX];
    unsigned load_count, line_count; /* of them; lines that they have asked for */
    /* When the next of them arrives; at which instruction the window lets the core wait for one. Never: UINT64_MAX. */
    uint64_t soonest_ps, due;
    uint64_t stores[CPU_STORES_MAX]; /* a ring: when each is done */
    unsigned store_first, store_count;
    uint64_t store_last_ps;
    uint64_t atomic_free_ps; /* when the next locked instruction can run, on machines without atomic_waits */
};

void cpu_init(struct cpu *core, struct memory *memory, unsigned idx);

/* Works on so many instructions, none of which waits for memory. */
void cpu_work(struct cpu *core, unsigned instructions);

/* A load from an address. If its line is not there yet: where the caller notes the value; else NULL. */
struct cpu_load *cpu_read(struct cpu *core, uint64_t address);
void cpu_write(struct cpu *core, uint64_t address);
/* A locked instruction, which brings the value that it found: as cpu_read, and where it overlaps never NULL. */
struct cpu_load *cpu_lock(struct cpu *core, uint64_t address);
/* A full fence: compilers make it a locked instruction on the stack. */
void cpu_fence(struct cpu *core);
/* Waits for all loads and stores. */
void cpu_drain(struct cpu *core);
/* A software prefetch starts a transfer. One for writing takes the line from all others. */
void cpu_prefetch(struct cpu *core, uint64_t address);
void cpu_prefetch_write(struct cpu *core, uint64_t address);

/* A branch was predicted wrongly: nothing goes on before what it tests is there and the right way has been fetched. */
void cpu_mispredict(struct cpu *core);

/* Waits for all loads, as LFENCE does. */
void cpu_settle(struct cpu *core);

/* Waits until then, if that is later. */
void cpu_wait(struct cpu *core, uint64_t until_ps);

#endif
