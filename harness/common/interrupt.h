/*
 * interrupt.h - the signals that ask for an end: SIGINT, SIGTERM, and SIGHUP unless it is ignored (nohup). Whoever
 * takes them ends in order, so that what was measured is kept; the second of a kind ends the program at once.
 */
#ifndef HARNESS_COMMON_INTERRUPT_H
#define HARNESS_COMMON_INTERRUPT_H

#include <signal.h>

enum { INTERRUPT_SIGNALS = 3 };

void interrupt_take(void (*handler)(int), struct sigaction before[INTERRUPT_SIGNALS]);
void interrupt_return(const struct sigaction before[INTERRUPT_SIGNALS]);

#endif
