/*
 * processes.h - the processes of a sweep: one that runs `maemio run` here, or a launcher that leads to `maemio node` on
 * another machine. Neither outlives the process that has started it.
 */
#ifndef HARNESS_SWEEP_PROCESSES_H
#define HARNESS_SWEEP_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* This program with these arguments, in a folder (NULL: in ours); its output goes to the file `log` there. Less than 0,
 * with errno: there is no process. */
pid_t process_start(char *const *arguments, const char *folder, const char *log);

/* A program found by PATH; what it prints goes to the file `answer`, its complaints to `log`. *input: what it reads,
 * for the caller to write into and close. */
pid_t process_launch(char *const *words, const char *answer, const char *log, int *input);

/* The exit code of what waitpid has returned; 128 + number for a signal. */
int process_code(int status);

#endif
