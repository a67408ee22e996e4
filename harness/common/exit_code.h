/* exit_code.h - the exit codes of the `maemio` command. A run that cannot be trusted never exits with 0. */
#ifndef HARNESS_COMMON_EXIT_CODE_H
#define HARNESS_COMMON_EXIT_CODE_H

/* name, value, text */
#define EXIT_CODE_TABLE(X)                                    \
    X(FINE, 0, "fine")                                        \
    X(FAILED, 1, "the run failed")                            \
    X(USAGE, 2, "wrong usage")                                \
    X(CHECK, 3, "a correctness check failed")                 \
    X(REGRESSION, 4, "slower than what it was compared with") \
    X(INCONCLUSIVE, 5, "too noisy to tell")                   \
    X(DEADLINE, 124, "the deadline passed")                   \
    X(INTERRUPTED, 130, "interrupted; partial results are kept")

#define EXIT_CODE_ENUM(name, value, text) EXIT_##name = (value),
enum exit_code { EXIT_CODE_TABLE(EXIT_CODE_ENUM) };

#endif
