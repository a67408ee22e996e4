/*
 * instructions.h - how many instructions a basic block has: what a core works on between accesses of memory.
 *
 * They are counted in the program's own code, as the compiler made it, up to the next block or the instruction that
 * leaves for elsewhere. Left out is what is there only because the compiler calls for each access and block: these
 * calls, one instruction that sets up the arguments of each, and registers that are saved on the stack around them.
 * Only lengths are decoded, and what tells where a block ends. On other processors than x86-64 no block is known.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A.
 * Checked by: tests/unit/sim/instructions.c. Not here: what they cost (cpu.h).
 */
#ifndef SIM_INSTRUCTIONS_H
#define SIM_INSTRUCTIONS_H

#include <stdint.h>

/* Functions that an instrumented program calls. */
struct instructions_calls {
    const unsigned char *block, *exit;  /* without arguments: at the begin of a block, at the end of a function */
    const unsigned char *first, *after; /* all others lie from `first` to before `after` */
};

/* A block has at most so many: what is longer is no code of a compiler. */
enum { INSTRUCTIONS_MAX = 250 };

/* Of the block whose code begins there. */
unsigned instructions_count(const unsigned char *code, const struct instructions_calls *calls);

/* The length of one instruction in bytes; 0: none that compilers make. */
unsigned instruction_bytes(const unsigned char *code);

#endif
