/*
 * memory.h - what all cores of a simulated machine share: caches, directory, pages, and the queues before hot lines,
 * memory and links. It says when a load or store that begins at some moment has its line.
 *
 *   M1  A line that a core may write is in no other core's caches.
 *   M2  A private second level holds all that the first level holds.
 *   M3  A line makes one transfer of ownership at a time: the next begins when the one before has ended.
 *   M4  Nothing ends before it began.
 *   M5  Who waits for a line, for memory and for a link waits for all of them at the same time.
 *   M6  A core asks others only when its turn has come.
 *   M7  Who translates an address of a page whose translation the core has lost waits for the table's entry.
 *   M8  Of the lines that nobody touches in a last level half are gone after `l3_half_ms`.
 * Times are picoseconds. Not here: what a core does while it waits (cpu.c), who runs next (sim/runtime).
 * Checked by: tests/unit/sim/memory.c.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "sim/cache.h"
#include "sim/computed.h"
#include "sim/directory.h"
#include "sim/lines.h"
#include "sim/machine.h"
#include "sim/profile.h"

/* Where a line came from. */
#define MEMORY_SOURCES(X) \
    X(l1)                 \
    X(l2)                 \
    X(l3)                 \
    X(l3_socket)          \
    X(l3_remote)          \
    X(core_near)          \
    X(core_socket)        \
    X(core_remote)        \
    X(memory_near)        \
    X(memory_remote)

enum memory_source {
#define MEMORY_SOURCE(name) SOURCE_##name,
    MEMORY_SOURCES(MEMORY_SOURCE)
#undef MEMORY_SOURCE
        SOURCE_COUNT
};

/* Where a core is. */
struct memory_place {
    uint16_t socket, l3;
};

struct memory {
    struct machine machine;
    unsigned cores, l3_count, sockets;
    struct memory_place *places; /* a core's */
    struct cache *l1, *l2, *tlb; /* a core's */
    struct cache *l3;
    struct directory directory;
    struct lines lines;
    struct computed computed;
    uint64_t *memory_free_ps, *link_free_ps; /* a socket's */
    uint64_t source_ps[SOURCE_COUNT], memory_line_ps, link_line_ps, walk_ps, l3_half_ps;
    uint64_t random;        /* of the spread */
    struct profile profile; /* off, unless its owner initialises it */
    /* Called before a core asks others for a line: lets those run that are behind it. NULL: nobody else runs. */
    void (*turn)(void);
};

/* The first `cores` cores of a machine, which stays the caller's and must outlive this. False: no memory. */
bool memory_init(struct memory *memory, const struct machine *machine, unsigned cores, uint64_t seed);
void memory_fini(struct memory *memory);

static inline unsigned memory_socket(const struct memory *memory, unsigned core)
{
    return memory->places[core].socket;
}

/* The line in which an address lies, which the core touches. */
static inline uint64_t memory_line(struct memory *memory, unsigned core, uint64_t address)
{
    return lines_find(&memory->lines, address, memory_socket(memory, core));
}

/* Whether the core's first level has the line, and for who `owns` it as its only owner. */
bool memory_is_first(const struct memory *memory, unsigned core, uint64_t line, bool owns);

/* Takes the line out of all caches, in no time: CLFLUSH. */
void memory_flush(struct memory *memory, uint64_t line);

/* The core reads, or owns and writes, the line. It asks at `now`, and what it asks with is known at `start`. When it
 * has the line; `start` if that costs nothing. */
uint64_t memory_load_far(struct memory *memory, unsigned core, uint64_t line, uint64_t start, uint64_t now);
static inline uint64_t memory_load(struct memory *memory, unsigned core, uint64_t line, uint64_t start, uint64_t now)
{
    bool is_first = cache_use(&memory->l1[core], line) != LINE_ABSENT;
    return is_first ? start : memory_load_far(memory, core, line, start, now);
}

/* When the core, which knows an address from `start` on, has translated it. For a translation that it does not keep
 * it loads entries of tables, eight of which are on a line. Where walks take no time there are none. */
uint64_t memory_walk_far(struct memory *memory, unsigned core, uint64_t page, uint64_t start, uint64_t now);
static inline uint64_t memory_walk(struct memory *memory, unsigned core, uint64_t address, uint64_t start, uint64_t now)
{
    if (memory->machine.walk_ns == 0)
        return start;
    uint64_t page = lines_page(&memory->lines, address);
    bool is_kept = cache_use(&memory->tlb[core], page) != LINE_ABSENT;
    return is_kept ? start : memory_walk_far(memory, core, page, start, now);
}

uint64_t memory_store_far(struct memory *memory, unsigned core, uint64_t line, enum line_state first, uint64_t start,
                          uint64_t now);
static inline uint64_t memory_store(struct memory *memory, unsigned core, uint64_t line, uint64_t start, uint64_t now)
{
    enum line_state first = cache_use(&memory->l1[core], line);
    return first == LINE_DIRTY ? start : memory_store_far(memory, core, line, first, start, now);
}

#endif
