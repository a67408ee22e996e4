/*
 * computed.h - which addresses are computed from a number that a load has brought: a row's, whose place in its table is
 * base + row * stride. The core cannot ask for such a line before the number is there.
 *
 * The program's instructions are not followed. Instead pairs of a load that is under way and a later access are looked
 * at, by their places in the program: where the address is the same linear function of the value time after time, it is
 * taken as computed from it. Unrelated numbers do not agree in 64 bits so often; only what advances in step by chance,
 * a counter and a place in a log, would be taken for related. Tables lie in areas of their own (sim/addresses.h), so
 * what a function does with several tables is told apart by the upper bits of the address.
 *
 *   A1  An address that is a linear function of what an earlier load brings is known as that from the fourth pair on.
 *   A2  An address that is no such function is not taken for one.
 * Not here: pointers, which need no such thing (cpu.c); what passes through a hash function.
 * Checked by: tests/unit/sim/computed.c.
 */
#ifndef SIM_COMPUTED_H
#define SIM_COMPUTED_H

#include <stdbool.h>
#include <stdint.h>

enum { COMPUTED_PAIRS = 1 << 14, COMPUTED_TRUST = 2, COMPUTED_TRUST_MAX = 15 };

struct computed_pair {
    uint64_t key;            /* of both places and the table; 0: the entry is free */
    uint64_t value, address; /* of one pair */
    uint64_t stride;         /* by which the address grows when the value grows by 1, modulo 2^64; 0: no function */
    uint64_t trust;          /* how often it was right, less how often it was wrong: 0 to COMPUTED_TRUST_MAX */
};

struct computed {
    struct computed_pair *pairs;
};

bool computed_init(struct computed *computed); /* false: no memory */
void computed_fini(struct computed *computed);

/* The load at the place `from` brings `value`, and the access at `place` has `address`. Whether the one is computed
 * from the other, by what is known until now; it learns from these. */
bool computed_from(struct computed *computed, uint64_t from, uint64_t place, uint64_t value, uint64_t address);

#endif
