/* interrupt.c - see interrupt.h. */
#include "harness/common/interrupt.h"

#include <stddef.h>

static const int signals[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

void interrupt_take(void (*handler)(int), struct sigaction before[INTERRUPT_SIGNALS])
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < INTERRUPT_SIGNALS; i++) {
        (void)sigaction(signals[i], NULL, &before[i]);
        if (signals[i] != SIGHUP || before[i].sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &action, NULL);
    }
}

void interrupt_return(const struct sigaction before[INTERRUPT_SIGNALS])
{
    for (size_t i = 0; i < INTERRUPT_SIGNALS; i++)
        (void)sigaction(signals[i], &before[i], NULL);
}
