/* server.c - see server.h. */
#define _GNU_SOURCE /* pipe2, posix_spawn_file_actions_addclosefrom_np */
#include "harness/targets/plugins/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
enum { LIFELINE = 3, START_S = 120, PAUSE_NS = 20 * 1000 * 1000, PATH_BYTES = 4096, LOG_TAIL_BYTES = 2048 };

/* $1: the folder. $2: yes, if it goes away with the server. $3: the signal. Then the server's command. The file `ended`
 * tells the program that the server has ended by itself; the folder stays until the program has read why. */
static const char guard_script[] =
    "cd -- \"$1\" || exit\n"
    "folder=$1 temporary=$2 signal=$3\n"
    "shift 3\n"
    "\"$@\" 3<&- </dev/null >server.log 2>&1 &\n"
    "server=$!\n"
    "{\n"
    "    read -r line <&3\n" /* until the program closes its end, or is gone */
    "    kill -s \"$signal\" $server\n"
    "    tries=0\n"
    "    while kill -0 $server && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done\n"
    "    kill -s KILL $server\n"
    "} 2>/dev/null &\n"
    "wait $server\n"
    "echo $? >ended\n"
    "wait\n"
    "cd /\n"
    "[ \"$temporary\" != yes ] || rm -rf -- \"$folder\"\n";

static bool refuse(char *error, size_t error_bytes, const char *what, const char *why)
{
    (void)snprintf(error, error_bytes, "%s: %s", what, why);
    return false;
}

/* ---- Starting. ---- */

/* As root: gives the folder to the user, and adds what makes the command run as that one. */
static bool become(const struct server_plan *plan, const char **command, size_t *count, char ids[2][32], char *error,
                   size_t error_bytes)
{
    if (geteuid() != 0)
        return true;
    const struct passwd *user = getpwnam(plan->user);
    if (user == NULL)
        user = getpwnam("nobody");
    if (user == NULL || chown(plan->folder->path, user->pw_uid, user->pw_gid) != 0)
        return refuse(error, error_bytes, plan->folder->path, "cannot be given to a user who is not root");
    (void)snprintf(ids[0], sizeof ids[0], "--reuid=%lu", (unsigned long)user->pw_uid);
    (void)snprintf(ids[1], sizeof ids[1], "--regid=%lu", (unsigned long)user->pw_gid);
    command[(*count)++] = ids[0];
    command[(*count)++] = ids[1];
    command[(*count)++] = "--clear-groups";
    return true;
}

static bool guard_spawn(struct server *server, const char *const *command, int guards_end, char *error,
                        size_t error_bytes)
{
    extern char **environ;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    /* Whoever reads the program's output must not wait for the guard. */
    (void)posix_spawn_file_actions_adddup2(&files, guards_end, LIFELINE);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    (void)posix_spawn_file_actions_addclosefrom_np(&files, LIFELINE + 1);
    int code = posix_spawn(&server->guard, "/bin/sh", &files, &attributes, (char *const *)(uintptr_t)command, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    if (code != 0)
        server->guard = 0;
    return code == 0 || refuse(error, error_bytes, "/bin/sh", strerror(code));
}

bool server_start(struct server *server, const struct server_plan *plan, char *error, size_t error_bytes)
{
    const char *command[SERVER_ARGUMENTS_MAX + 24];
    char ids[2][32], parent_death[32];
    size_t count = 0;
    int ends[2];
    *server = (struct server){.folder = plan->folder};
    const char *const before[] = {
        "sh", "-c", guard_script, "guard", plan->folder->path, plan->folder->is_temporary ? "yes" : "no", plan->signal};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        command[count++] = before[i];
    if (plan->cpus[0] != '\0') {
        command[count++] = "taskset";
        command[count++] = "-c";
        command[count++] = plan->cpus;
    }
    (void)snprintf(parent_death, sizeof parent_death, "--pdeathsig=%s", plan->signal);
    command[count++] = "setpriv";
    if (!become(plan, command, &count, ids, error, error_bytes))
        return false;
    command[count++] = parent_death;
    command[count++] = "sh";
    command[count++] = "-c";
    command[count++] = plan->script;
    command[count++] = "server";
    for (size_t i = 0; i < SERVER_ARGUMENTS_MAX && plan->arguments[i] != NULL; i++)
        command[count++] = plan->arguments[i];
    command[count] = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return refuse(error, error_bytes, "pipe", strerror(errno));
    bool started = guard_spawn(server, command, ends[0], error, error_bytes);
    (void)close(ends[0]);
    if (started)
        server->lifeline = ends[1];
    else
        (void)close(ends[1]);
    return started;
}

/* ---- Waiting. ---- */

uint64_t server_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The last line that the server has written, which is its reason. */
static void last_line(const struct server *server, char *error, size_t error_bytes)
{
    char path[PATH_BYTES], tail[LOG_TAIL_BYTES + 1];
    (void)snprintf(path, sizeof path, "%s/server.log", server->folder->path);
    FILE *log = fopen(path, "re");
    if (log == NULL) {
        (void)refuse(error, error_bytes, path, strerror(errno));
        return;
    }
    if (fseek(log, -(long)LOG_TAIL_BYTES, SEEK_END) != 0)
        rewind(log);
    size_t count = fread(tail, 1, LOG_TAIL_BYTES, log);
    (void)fclose(log);
    while (count > 0 && tail[count - 1] == '\n')
        count--;
    tail[count] = '\0';
    const char *begin = strrchr(tail, '\n');
    (void)snprintf(error, error_bytes, "the server did not start in %s%s: %s", server->folder->path,
                   geteuid() == 0 ? ", as another user than root" : "", begin != NULL ? begin + 1 : tail);
}

bool server_wait(const struct server *server, uint64_t begun_ns, char *error, size_t error_bytes)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/ended", server->folder->path);
    bool has_ended = access(path, F_OK) == 0 || kill(server->guard, 0) != 0;
    if (has_ended || server_clock_ns() - begun_ns > START_S * NS_PER_S) {
        last_line(server, error, error_bytes);
        return false;
    }
    (void)nanosleep(&pause, NULL);
    return true;
}

/* ---- CPU time. ---- */

struct process {
    long pid, parent;
    double cpu_s; /* its own, and that of its children that have ended */
    bool is_counted;
};

/* Of /proc/PID/stat. The command's name may have spaces and brackets in it. */
static bool process_read(const char *pid, struct process *process)
{
    enum { PARENT = 1, USER = 11, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM, FIELDS };
    char path[PATH_BYTES], line[LOG_TAIL_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    const char *at = file != NULL ? fgets(line, sizeof line, file) : NULL;
    if (file != NULL)
        (void)fclose(file);
    at = at != NULL ? strrchr(line, ')') : NULL;
    if (at == NULL)
        return false;
    *process = (struct process){.pid = strtol(pid, NULL, 10)};
    double ticks = 0;
    for (int field = 0; field < FIELDS && (at = strchr(at + 1, ' ')) != NULL; field++) {
        if (field == PARENT)
            process->parent = strtol(at, NULL, 10);
        if (field >= USER)
            ticks += strtod(at, NULL);
    }
    process->cpu_s = ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

/* All that there are; the caller frees them. */
static struct process *processes_read(size_t *count)
{
    struct process *all = NULL;
    DIR *listing = opendir("/proc");
    const struct dirent *entry;
    *count = 0;
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        struct process one;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !process_read(entry->d_name, &one))
            continue;
        struct process *more = realloc(all, (*count + 1) * sizeof *all);
        if (more == NULL)
            break;
        all = more;
        all[(*count)++] = one;
    }
    if (listing != NULL)
        (void)closedir(listing);
    return all;
}

static double server_cpu_s(const struct server *server)
{
    size_t count, counted = 0, before;
    struct process *all = processes_read(&count);
    double cpu_s = 0;
    do { /* ends: each turn but the last one counts a process */
        before = counted;
        for (size_t i = 0; i < count; i++) {
            bool is_below = all[i].pid == server->guard;
            for (size_t k = 0; k < count && !is_below; k++)
                is_below = all[k].is_counted && all[k].pid == all[i].parent;
            if (!is_below || all[i].is_counted)
                continue;
            all[i].is_counted = true;
            cpu_s += all[i].cpu_s;
            counted++;
        }
    } while (counted > before);
    free(all);
    return cpu_s;
}

void server_outside(const struct server *server, const struct folder *folder, uint64_t round_trips,
                    struct target_outside *outside)
{
    outside->disk_bytes = folder_bytes(folder);
    outside->has_server = true;
    outside->round_trips = round_trips;
    outside->server_cpu_s = server->guard != 0 ? server_cpu_s(server) : NAN;
}

/* ---- Stopping. ---- */

void server_stop(struct server *server)
{
    if (server->guard == 0)
        return;
    (void)close(server->lifeline);
    while (waitpid(server->guard, NULL, 0) < 0 && errno == EINTR)
        ;
    server->guard = 0;
}
