/*
 * interrupt.h - the signals that ask the program to end: SIGINT, SIGTERM, and SIGHUP unless it is ignored (nohup). A
 * command that takes them ends in order and keeps what it has measured. A second signal of a kind ends the program at
 * once.
 */
#ifndef HARNESS_COMMON_INTERRUPT_H
#define HARNESS_COMMON_INTERRUPT_H

#include <signal.h>

enum { INTERRUPT_SIGNALS = 3 };

void interrupt_take(void (*handler)(int), struct sigaction before[INTERRUPT_SIGNALS]);
void interrupt_return(const struct sigaction before[INTERRUPT_SIGNALS]);

#endif
