/* program.c - see program.h. */
#define _GNU_SOURCE /* nftw */
#include "harness/common/program.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/exit_code.h"
#include "harness/common/text_file.h"

enum { FOLDERS_OPEN_MAX = 16 };

bool program_folder_make(const char *name, const char *path)
{
    SUPPORT_FREED char *copy = support_copy(path);
    for (char *slash = copy + 1;; slash++) {
        char kept = *slash;
        if (kept != '/' && kept != '\0')
            continue;
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return support_complain(name, "%s: cannot make this folder: %s", copy, strerror(errno));
        *slash = kept;
        if (kept == '\0')
            return true;
    }
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

struct support_list program_folder_names(const char *path)
{
    struct support_list names = {0};
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_shown, alphasort);
    for (int i = 0; i < count; i++) {
        support_list_add(&names, "%s", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return names;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    (void)remove(path);
    return 0;
}

void program_folder_remove(const char *path)
{
    (void)nftw(path, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}

bool program_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int program_run(const char *name, char *const *argv)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[0], argv);
        support_complain(name, "%s: %s", argv[0], strerror(errno));
        _exit(127);
    }
    int status;
    pid_t ended = child;
    while (child > 0 && (ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    } /* a signal that we take: the program has to end before what it uses goes */
    if (ended < 0) {
        support_complain(name, "%s: cannot be started: %s", argv[0], strerror(errno));
        return EXIT_FAILED;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* `folder` with a slash if the project's plots are there; NULL otherwise. Frees it then. */
static char *share_in(char *folder)
{
    SUPPORT_FREED char *look = support_format("%splots/style.gp", folder);
    if (access(look, R_OK) == 0)
        return folder;
    free(folder);
    return NULL;
}

char *program_share(const char *name)
{
    /* Beside the program: where `make install` puts them; and of a program of the source tree that is run elsewhere. */
    static const char *const beside[] = {"/../share/maemio/", "/", "/../../"};
    char program[PATH_MAX];
    char *share = share_in(support_copy(""));
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    int wrong = errno;
    program[length < 0 ? 0 : length] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; share == NULL && i < sizeof beside / sizeof beside[0]; i++)
        share = share_in(support_format("%s%s", folder, beside[i]));
    if (share == NULL && length < 0)
        support_complain(name, "/proc/self/exe: %s; without /proc the plots are not found", strerror(wrong));
    else if (share == NULL)
        support_complain(name,
                         "there is no plots/style.gp here nor in %s%s: run it from the project's root, or "
                         "installed (make install)",
                         folder, beside[0]);
    return share;
}

bool program_gnuplot(const char *name, const char *share, const char *plot, struct support_text *settings,
                     const char *output)
{
    SUPPORT_FREED char *path = support_format("%splots/%s.gp", share, plot), *part = support_format("%s.part", output);
    program_gnuplot_set(settings, "output", part);
    char *argv[] = {"gnuplot", "-e", settings->text, path, NULL};
    if (share[0] != '\0')
        (void)setenv("GNUPLOT_LIB", share, 1); /* where plots/NAME.gp finds what it loads, such as plots/style.gp */
    int code = program_run(name, argv);
    bool fine = code == 0 && text_file_rename(part, output);
    if (code != 0)
        support_complain(name, "%s: gnuplot ended with %d", path, code);
    else if (!fine)
        support_complain(name, "%s: cannot be written: %s", output, strerror(errno));
    if (!fine)
        (void)unlink(part); /* a half-drawn picture looks like any other */
    return fine;
}

/* In gnuplot's single quotes only the quote itself is special. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text)
{
    support_text_add(script, "%s='", variable);
    for (; *text != '\0'; text++)
        support_text_add(script, *text == '\'' ? "''" : "%c", *text);
    support_text_add(script, "';");
}
