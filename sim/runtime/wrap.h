/*
 * wrap.h - a function of the system that a simulated machine has in its own way: the linker's --wrap. The Makefile
 * reads the names from the lines that begin with WRAP.
 */
#ifndef SIM_RUNTIME_WRAP_H
#define SIM_RUNTIME_WRAP_H

#define WRAP(result, name, ...)        \
    result __real_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__)

#endif
