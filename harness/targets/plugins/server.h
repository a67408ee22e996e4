/*
 * server.h - a server process of the harness's own, in a folder of its own: started, waited for, and stopped whatever
 * happens.
 *
 * Between the program and the server stands a guard, a shell that waits for the end of a pipe. The program's end of the
 * pipe closes when it says so, and when it dies, even by SIGKILL: then the guard stops the server and removes the
 * folder, if that is temporary. The server in its turn is told to stop when the guard dies (PR_SET_PDEATHSIG). Guard
 * and server have a session of their own, so that a SIGINT from the terminal reaches the program only, which drains.
 *
 * As root the server runs as another user, since PostgreSQL refuses root. Checked by: tests/cli/targets.sh and
 * tests/crash/servers.c.
 */
#ifndef HARNESS_TARGETS_PLUGINS_SERVER_H
#define HARNESS_TARGETS_PLUGINS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/targets/plugins/folder.h"
#include "workloads/target.h"

struct server {
    const struct folder *folder; /* the caller's, longer than the server is there */
    int lifeline;                /* the program's end of the pipe */
    pid_t guard;                 /* 0: there is none */
};

struct server_plan {
    const struct folder *folder;
    const char *user;   /* who it runs as, if we are root; nobody, if there is no such user */
    const char *signal; /* what ends it: TERM */
    const char *cpus;   /* where it runs, as taskset has it: 0-3,8; "": anywhere */
    const char *script; /* for sh, in the folder, with `arguments` as $1 and so on; it ends by exec of the server */
    const char *const *arguments; /* ended by NULL */
};

enum { SERVER_ARGUMENTS_MAX = 32 };

/* It may not be ready yet. False with the reason. */
bool server_start(struct server *server, const struct server_plan *plan, char *error, size_t error_bytes);

/* Lets some time pass; false when the server has ended or it has been waited for since `begun_ns` for too long, with
 * what it said last. For a loop that tries to connect. */
bool server_wait(const struct server *server, uint64_t begun_ns, char *error, size_t error_bytes);
uint64_t server_clock_ns(void);

/* Files, round trips, and the CPU time of the server's processes, and of the guard's, since the start; NaN without a
 * guard: it runs elsewhere. */
void server_outside(const struct server *server, const struct folder *folder, uint64_t round_trips,
                    struct target_outside *outside);

/* Stops the server, waits for its end and, in a temporary folder, for the removal. All zeros are fine. */
void server_stop(struct server *server);

#endif
