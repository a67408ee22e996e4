/* program.c - see program.h. */
#include "harness/common/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/exit_code.h"

bool program_folder_make(const char *name, const char *path)
{
    char *copy = support_copy(path);
    for (char *slash = copy + 1;; slash++) {
        char kept = *slash;
        if (kept != '/' && kept != '\0')
            continue;
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            (void)fprintf(stderr, "%s: %s: cannot make this folder: %s\n", name, copy, strerror(errno));
            free(copy);
            return false;
        }
        *slash = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return true;
}

int program_run(const char *name, const char *const *argv)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        union { /* execvp wants its texts without const and leaves them alone */
            const char *const *texts;
            char **plain;
        } arguments = {argv};
        execvp(argv[0], arguments.plain);
        (void)fprintf(stderr, "%s: %s: %s\n", name, argv[0], strerror(errno));
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        (void)fprintf(stderr, "%s: %s: cannot be started: %s\n", name, argv[0], strerror(errno));
        return EXIT_FAILED;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In gnuplot's single quotes only the quote itself is special. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text)
{
    support_text_add(script, "%s='", variable);
    for (; *text != '\0'; text++)
        support_text_add(script, *text == '\'' ? "''" : "%c", *text);
    support_text_add(script, "';");
}
