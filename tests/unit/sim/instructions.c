/*
 * instructions.c - sim/instructions.h: the lengths of instructions, and which of a block's are counted. The encodings
 * are those that gcc and objdump give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/instructions.h"

static void lengths_are_those_of_the_manual(void **state)
{
    (void)state;
    static const struct {
        unsigned bytes;
        const char *code;
    } cases[] = {
        {1, "\xc3"},                                      /* ret */
        {3, "\x48\x89\xe5"},                              /* mov %rsp,%rbp */
        {4, "\x8b\x44\x24\x08"},                          /* mov 0x8(%rsp),%eax */
        {8, "\x48\x8d\x04\xcd\x10\x00\x00\x00"},          /* lea 0x10(,%rcx,8),%rax */
        {7, "\x48\x8b\x05\x10\x00\x00\x00"},              /* mov 0x10(%rip),%rax */
        {10, "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08"}, /* movabs */
        {5, "\xb8\x01\x02\x03\x04"},                      /* mov $...,%eax */
        {4, "\x66\xb8\x01\x02"},                          /* mov $...,%ax */
        {3, "\xf6\xc1\x08"},                              /* test $8,%cl */
        {2, "\xf6\xd1"},                                  /* not %cl */
        {7, "\x48\xf7\xc1\x00\x00\x00\x01"},              /* test $...,%rcx */
        {3, "\x48\xf7\xd9"},                              /* neg %rcx */
        {6, "\x0f\x84\x10\x00\x00\x00"},                  /* je */
        {8, "\x0f\x1f\x84\x00\x00\x00\x00\x00"},          /* nopl */
        {4, "\xf3\x0f\x1e\xfa"},                          /* endbr64 */
        {5, "\xf0\x48\x0f\xb1\x0a"},                      /* lock cmpxchg %rcx,(%rdx) */
        {5, "\x66\x0f\x73\xd8\x08"},                      /* psrldq $8,%xmm0 */
        {8, "\x66\x48\x0f\x3a\x16\x50\x40\x01"},          /* pextrq $1,%xmm2,0x40(%rax) */
        {3, "\xc5\xf8\x77"},                              /* vzeroupper */
        {9, "\xc4\xe2\x79\x18\x05\x10\x00\x00\x00"},      /* vbroadcastss 0x10(%rip),%xmm0 */
        {7, "\x62\xf1\xfd\x48\x6f\x47\x01"},              /* vmovdqa64 0x40(%rdi),%zmm0 */
        {0, "\x06"},                                      /* none in 64-bit programs */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char code[32] = {0};
        memcpy(code, cases[i].code, cases[i].bytes + (cases[i].bytes == 0));
        assert_int_equal(instruction_bytes(code), cases[i].bytes);
    }
}

/* ---- Blocks, in a program of so many bytes with the functions that it calls at its end. ---- */

enum { BLOCK = 200, EXIT = 210, FIRST = 220, AFTER = 240, PROGRAM = 256 };

static unsigned char program[PROGRAM];
static size_t used;
static const struct instructions_calls calls = {program + BLOCK, program + EXIT, program + FIRST, program + AFTER};

static int begin(void **state)
{
    (void)state;
    used = 0;
    return 0;
}

static void add(const char *code, size_t bytes)
{
    memcpy(program + used, code, bytes);
    used += bytes;
}

static void add_call(int to)
{
    int32_t distance = to - (int)used - 5;
    add("\xe8", 1);
    add((const char *)&distance, sizeof distance);
}

#define ADD(code) add(code, sizeof(code) - 1)
#define LOAD "\x48\x8b\x07"         /* mov (%rdi),%rax */
#define ARGUMENT "\x48\x8d\x7b\x08" /* lea 0x8(%rbx),%rdi */
#define COMPARE "\x48\x39\xc3"      /* cmp %rax,%rbx */
#define JUMP_IF "\x74\x10"          /* je */

static void a_block_ends_where_the_next_begins(void **state)
{
    (void)state;
    ADD(LOAD COMPARE JUMP_IF);
    add_call(BLOCK);
    ADD(LOAD LOAD LOAD);
    assert_int_equal(instructions_count(program, &calls), 3);
}

static void a_block_ends_where_it_leaves(void **state)
{
    (void)state;
    static const char *const ends[] = {"\xc3", "\xeb\x10", "\xe9\x10\x01\x02\x03", "\xff\xe0",
                                       "\xff\x24\xc5\x01\x02\x03\x04"};
    static const size_t bytes[] = {1, 2, 5, 2, 7};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        used = 0;
        ADD(LOAD COMPARE);
        add(ends[i], bytes[i]);
        ADD(LOAD LOAD LOAD);
        assert_int_equal(instructions_count(program, &calls), 3);
    }
}

static void what_serves_the_compilers_calls_does_not_count(void **state)
{
    (void)state;
    ADD("\xf3\x0f\x1e\xfa\x53\x48\x89\x5c\x24\x08"); /* endbr64; push %rbx; mov %rbx,0x8(%rsp) */
    ADD(ARGUMENT);
    add_call(FIRST);
    ADD(LOAD ARGUMENT);
    add_call(AFTER - 1);
    ADD(LOAD COMPARE);
    add_call(EXIT);
    ADD("\x5b\xc3"); /* pop %rbx; ret */
    assert_int_equal(instructions_count(program, &calls), 4);
}

static void calls_of_the_program_count(void **state)
{
    (void)state;
    ADD(LOAD);
    add_call(AFTER);
    ADD("\xff\x50\x08"); /* call *0x8(%rax) */
    ADD(COMPARE "\xc3");
    assert_int_equal(instructions_count(program, &calls), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_those_of_the_manual),
        cmocka_unit_test_setup(a_block_ends_where_the_next_begins, begin),
        cmocka_unit_test_setup(a_block_ends_where_it_leaves, begin),
        cmocka_unit_test_setup(what_serves_the_compilers_calls_does_not_count, begin),
        cmocka_unit_test_setup(calls_of_the_program_count, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
