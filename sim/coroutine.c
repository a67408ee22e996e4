/* coroutine.c - see coroutine.h. */
#include "sim/coroutine.h"

#include <stdint.h>

#if defined(__x86_64__)

__attribute__((naked)) void coroutine_switch(__attribute__((unused)) void **save, __attribute__((unused)) void *load)
{
    __asm__("pushq %rbp\n"
            "pushq %rbx\n"
            "pushq %r12\n"
            "pushq %r13\n"
            "pushq %r14\n"
            "pushq %r15\n"
            "movq %rsp, (%rdi)\n"
            "movq %rsi, %rsp\n"
            "popq %r15\n"
            "popq %r14\n"
            "popq %r13\n"
            "popq %r12\n"
            "popq %rbx\n"
            "popq %rbp\n"
            "ret\n");
}

void *coroutine_prepare(void *stack, size_t bytes, void (*entry)(void))
{
    /* As if it had been switched away from at its first instruction: six registers, then where to go. */
    void **top = (void **)(void *)((char *)stack + bytes - 56);
    *top = NULL;                       /* a return address for `entry`: there is none */
    *--top = (void *)(uintptr_t)entry; /* the stack is 16-byte aligned + 8 at its entry, as the ABI wants */
    for (int i = 0; i < 6; i++)
        *--top = NULL;
    return top;
}

#endif
