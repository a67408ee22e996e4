/* processes.c - see processes.h. */
#include "harness/sweep/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/exit_code.h"

/* In the child: it ends with its parent, and a terminal's signals are the parent's to hand on. */
static void child_begin(pid_t parent)
{
    (void)signal(SIGPIPE, SIG_DFL); /* which `maemio node' ignores */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || setpgid(0, 0) != 0)
        _exit(EXIT_FAILED);
}

/* In the child: its input, output and complaints. */
static void child_files(int input, int output, int complaints)
{
    if (input < 0 || output < 0 || complaints < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(complaints, STDERR_FILENO) < 0)
        _exit(EXIT_FAILED);
}

static int file_new(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

/* Of children's ends nobody is told who has been started to ignore them (env --ignore-signal=CHLD). */
static void children_heed(void)
{
    (void)signal(SIGCHLD, SIG_DFL);
}

pid_t process_start(char *const *arguments, const char *folder, const char *log)
{
    children_heed();
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    child_begin(parent);
    if (folder != NULL && chdir(folder) != 0)
        _exit(EXIT_FAILED);
    int output = file_new(log);
    child_files(open("/dev/null", O_RDONLY | O_CLOEXEC), output, output);
    (void)execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILED);
}

pid_t process_launch(char *const *words, const char *answer, const char *log, int *input)
{
    int ends[2]; /* sockets, not a pipe: writing to one that nobody reads need not be a signal */
    children_heed();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        child_begin(parent);
        child_files(ends[1], file_new(answer), file_new(log));
        (void)execvp(words[0], words);
        dprintf(STDERR_FILENO, "%s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    (void)close(ends[1]);
    *input = ends[0];
    if (pid < 0)
        (void)close(ends[0]);
    return pid;
}

int process_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
