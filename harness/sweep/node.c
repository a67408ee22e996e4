/* node.c - see node.h. */
#include "harness/sweep/node.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/interrupt.h"
#include "harness/common/program.h"
#include "harness/common/text_file.h"
#include "harness/machine/disk.h"
#include "harness/machine/provenance.h"
#include "harness/sweep/processes.h"

enum { REQUEST_BYTES_MAX = 1 << 20, LOOK_MS = 50, END_NS_MAX = 10 * 1000000000LL };

static atomic_int signal_received;

static void signal_note(int number)
{
    atomic_store_explicit(&signal_received, number, memory_order_relaxed);
}

char *node_build(void)
{
    struct provenance here;
    provenance_read(&here);
    return support_format("%s%s %s", here.revision, strcmp(here.dirty, "1") == 0 ? "-dirty" : "", here.build_mode);
}

/* ---- The request. ---- */

/* One text up to its NUL; NULL where the input ends before. The caller frees it. */
static char *text_take(size_t *left)
{
    struct support_text text = {0};
    char c = 1;
    support_text_add(&text, "%s", "");
    while (*left > 0 && read(STDIN_FILENO, &c, 1) == 1 && c != '\0') {
        support_text_add(&text, "%c", c);
        --*left;
    }
    if (c == '\0')
        return text.text;
    free(text.text);
    return NULL;
}

static bool request_take(const char *name, struct support_list *arguments)
{
    size_t left = REQUEST_BYTES_MAX;
    SUPPORT_FREED char *protocol = text_take(&left), *build = protocol == NULL ? NULL : text_take(&left);
    SUPPORT_FREED char *here = node_build();
    if (build == NULL || strcmp(protocol, NODE_PROTOCOL) != 0)
        return support_complain(name, "no request on its input: `maemio sweep --launcher' starts this, and its "
                                      "launcher must hand on what it is given to read");
    if (strcmp(build, here) != 0)
        return support_complain(name,
                                "this node has the build %s, and the sweep %s: --program names the same build "
                                "on all nodes",
                                here, build);
    support_list_add(arguments, "maemio");
    for (;;) {
        SUPPORT_FREED char *text = text_take(&left);
        if (text == NULL)
            return support_complain(name, "the request on its input ends too early");
        if (*text == '\0')
            return true;
        support_list_add(arguments, "%s", text);
    }
}

/* ---- The run. ---- */

/* Whether the sweep has gone: nothing but the end comes behind the request. */
static bool input_ended(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char unused;
    return poll(&input, 1, LOOK_MS) > 0 && read(STDIN_FILENO, &unused, 1) <= 0;
}

/* The node's name, which the sweep gives to each run; "" if it does not. */
static const char *node_name(const struct support_list *arguments)
{
    static const char option[] = "--node=";
    for (size_t i = 0; i < arguments->count; i++)
        if (strncmp(arguments->items[i], option, sizeof option - 1) == 0)
            return arguments->items[i] + sizeof option - 1;
    return "";
}

/* Makes this the only one that runs on the node for this user: waits until an earlier one, whose sweep is gone, has
 * seen its run end. A name that the kernel gives back when all have ended who hold it, whatever ends them, says who it
 * is; it is no file. The run inherits it. -1 if nobody wants the run any more, or there is no such name. */
static int node_claim(const char *name, const char *node)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* that sun_path begins with a NUL makes it no file */
    (void)snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "maemio-node/%lu/%s", (unsigned long)getuid(),
                   node);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
    int claim = socket(AF_UNIX, SOCK_DGRAM, 0);
    bool waits = false;
    if (claim < 0)
        support_complain(name, "the node cannot be claimed: no socket: %s", strerror(errno));
    while (claim >= 0 && bind(claim, (const struct sockaddr *)&address, bytes) != 0) {
        int code = errno;
        if (code == EADDRINUSE && !input_ended() && atomic_load(&signal_received) == 0) {
            if (!waits)
                support_complain(name, "an earlier run on this node has not ended yet: this one waits for it");
            waits = true;
            continue;
        }
        if (code != EADDRINUSE)
            support_complain(name, "the node cannot be claimed: %s", strerror(code));
        (void)close(claim);
        claim = -1;
    }
    return claim;
}

/* Until the run has ended. It is told when nobody wants it any more, and killed if it does not heed that. */
static int run_await(pid_t pid, bool *wanted)
{
    uint64_t told_ns = 0;
    int status;
    *wanted = true;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        uint64_t now_ns = support_clock_ns();
        if (told_ns != 0) {
            (void)poll(NULL, 0, LOOK_MS);
            if (now_ns - told_ns > END_NS_MAX)
                (void)kill(pid, SIGKILL);
        } else if (input_ended() || atomic_load(&signal_received) != 0) {
            (void)kill(pid, SIGTERM);
            told_ns = now_ns;
            *wanted = false;
        }
    }
    return process_code(status);
}

/* Writes the folder's files to the output. The exit code comes last: an archive that ends before has none, and so is
 * no answer. A folder in there is no result, but such as a database whose log_dir does not begin with a slash. */
static bool answer(const char *name, const char *folder)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = program_folder_names(folder), words = {0};
    support_list_add(&words, "tar");
    support_list_add(&words, "-C");
    support_list_add(&words, "%s", folder);
    support_list_add(&words, "-cf");
    support_list_add(&words, "-");
    for (size_t i = 0; i < names.count; i++) {
        SUPPORT_FREED char *path = support_format("%s/%s", folder, names.items[i]);
        if (strcmp(names.items[i], NODE_CODE) != 0 && !program_is_folder(path))
            support_list_add(&words, "./%s", names.items[i]);
    }
    support_list_add(&words, "./" NODE_CODE);
    int code = program_run(name, words.items);
    return code == 0 || support_complain(name, "tar ended with %d", code);
}

static enum exit_code serve_in(const char *name, const char *folder, char *const *arguments)
{
    bool wanted;
    pid_t pid = process_start(arguments, folder, NODE_LOG);
    if (pid < 0) {
        support_complain(name, "a run cannot be started: %s", strerror(errno));
        return EXIT_FAILED;
    }
    int code = run_await(pid, &wanted);
    if (!wanted)
        return EXIT_INTERRUPTED;
    SUPPORT_FREED char *path = support_format("%s/" NODE_CODE, folder), *text = support_format("%d\n", code);
    return text_file_write(name, path, text, strlen(text)) && answer(name, folder) ? EXIT_FINE : EXIT_FAILED;
}

enum exit_code node_serve(const char *name)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list arguments = {0};
    struct sigaction before[INTERRUPT_SIGNALS];
    if (!request_take(name, &arguments))
        return EXIT_USAGE;
    interrupt_take(signal_note, before); /* no signal ends this before the folder is gone, */
    (void)signal(SIGPIPE, SIG_IGN);      /* nor does a sweep that no longer listens */
    int claim = node_claim(name, node_name(&arguments));
    if (claim < 0) {
        interrupt_return(before);
        return EXIT_FAILED;
    }
    SUPPORT_FREED char *folder = disk_scratch_make();
    enum exit_code code = EXIT_FAILED;
    if (folder != NULL)
        code = serve_in(name, folder, arguments.items);
    else
        support_complain(name, "%s: cannot make a folder there: %s", disk_scratch(), strerror(errno));
    if (folder != NULL)
        program_folder_remove(folder);
    (void)close(claim);
    interrupt_return(before);
    return code;
}
