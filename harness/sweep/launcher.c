/* launcher.c - see launcher.h. */
#include "harness/sweep/launcher.h"

#include <limits.h>
#include <unistd.h>

/* ---- Names of nodes. ---- */

/* As one word of a shell. */
static char *quoted(const char *word)
{
    struct support_text text = {0};
    support_text_add(&text, "'");
    for (; *word != '\0'; word++)
        support_text_add(&text, *word == '\'' ? "'\\''" : "%c", *word);
    support_text_add(&text, "'");
    return text.text;
}

/* Adds what stands between commas; false with a message if that is nothing, or stands there twice. */
static bool names_add(struct support_list *names, const char *option, const char *text, char *error)
{
    SUPPORT_FREED char *copy = support_copy(text);
    char *rest = copy, *name;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (*name == '\0' || *name == '-')
            return support_error(error, LAUNCHER_ERROR_BYTES, "%s: '%.100s' is no list of names such as a,b", option,
                                 text);
        if (names->count > 0 && support_list_place(names->items, name) < names->count)
            return support_error(error, LAUNCHER_ERROR_BYTES, "%s: %.100s is there twice", option, name);
        support_list_add(names, "%s", name);
    }
    return true;
}

/* The lines that a command prints, each once. */
static void lines_add(struct support_list *names, const char *command)
{
    char line[NAME_MAX + 2];
    FILE *from = popen(command, "re"); /* a text of this file, names in it quoted */
    while (from != NULL && fgets(line, sizeof line, from) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && (names->count == 0 || support_list_place(names->items, line) == names->count))
            support_list_add(names, "%s", line);
    }
    if (from != NULL)
        (void)pclose(from);
}

/* Those of the allocation that the sweep runs in, or of the cluster those that take work. */
static bool slurm_nodes_add(struct support_list *names, char *error)
{
    bool allocated = getenv("SLURM_JOB_NODELIST") != NULL;
    lines_add(names, allocated ? "scontrol show hostnames 2>/dev/null"
                               : "sinfo --noheader --Node --format=%N --states=idle,mixed,allocated 2>/dev/null");
    return names->count > 0 || support_error(error, LAUNCHER_ERROR_BYTES, "--launcher: slurm: %s names no node",
                                             allocated ? "scontrol show hostnames" : "sinfo");
}

/* How many CPUs each node gives to jobs: asked once for all. Old clusters do not say how many of them that are. */
static void slurm_cpus_add(struct support_list *cpus)
{
    lines_add(cpus, "scontrol --oneliner show node 2>/dev/null | awk '{ cpus = name = \"\"; "
                    "for (i = 1; i <= NF; i++) { split($i, field, \"=\"); "
                    "if (field[1] == \"NodeName\") name = field[2]; "
                    "if (field[1] == \"CPUEfctv\" || (field[1] == \"CPUTot\" && cpus == \"\")) cpus = field[2] } "
                    "if (cpus != \"\") print name \"=\" cpus }'");
}

/* NULL if the cluster does not say so. */
static const char *slurm_cpus(const struct launcher *launcher, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < launcher->cpus.count; i++)
        if (strncmp(launcher->cpus.items[i], name, length) == 0 && launcher->cpus.items[i][length] == '=')
            return launcher->cpus.items[i] + length + 1;
    return NULL;
}

/* ---- Kinds. ---- */

static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static bool nodes_find(struct launcher *launcher, const char *text, const char *nodes, char *error)
{
    const char *list = after(text, "ssh:");
    if (list != NULL || strcmp(text, "ssh") == 0) {
        launcher->kind = LAUNCHER_SSH;
        return names_add(&launcher->nodes, "--launcher: ssh:HOSTS", list == NULL ? "" : list, error);
    }
    list = after(text, "slurm:");
    if (list != NULL || strcmp(text, "slurm") == 0) {
        launcher->kind = LAUNCHER_SLURM;
        if (list != NULL && strpbrk(list, "[]") != NULL) /* of which srun would take one, always the same */
            return support_error(error, LAUNCHER_ERROR_BYTES,
                                 "--launcher: slurm:NODES: '%.100s' has ranges: want names such as a,b; `scontrol show "
                                 "hostnames' lists them",
                                 list);
        if (getenv("SLURM_JOB_ID") == NULL)
            slurm_cpus_add(&launcher->cpus);
        return list != NULL ? names_add(&launcher->nodes, "--launcher: slurm:NODES", list, error)
                            : slurm_nodes_add(&launcher->nodes, error);
    }
    launcher->kind = LAUNCHER_COMMAND;
    launcher->command = text;
    return names_add(&launcher->nodes, "--nodes", nodes == NULL ? "1" : nodes, error);
}

static char *program_here(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    return support_copy(length < 0 ? "maemio" : path);
}

bool launcher_init(struct launcher *launcher, const char *text, const char *nodes, const char *program, char *error)
{
    *launcher = (struct launcher){.program = program == NULL ? program_here() : support_copy(program)};
    if (text[strspn(text, " \t")] == '\0')
        return support_error(error, LAUNCHER_ERROR_BYTES,
                             "--launcher: is empty: want local, ssh:HOSTS, slurm or a command");
    if (strcmp(text, "local") == 0) {
        if (nodes != NULL || program != NULL)
            return support_error(error, LAUNCHER_ERROR_BYTES, "--%s: goes with a --launcher that is not local",
                                 nodes != NULL ? "nodes" : "program");
        support_list_add(&launcher->nodes, "%s", "");
        return true;
    }
    if (!nodes_find(launcher, text, nodes, error))
        return false;
    return nodes == NULL || launcher->kind == LAUNCHER_COMMAND ||
           support_error(error, LAUNCHER_ERROR_BYTES, "--nodes: the nodes of ssh and slurm stand in --launcher");
}

void launcher_free(struct launcher *launcher)
{
    free(launcher->program);
    support_list_free(&launcher->nodes);
    support_list_free(&launcher->cpus);
}

/* ---- Words. ---- */

static void words_add(struct support_list *list, const char *const *words)
{
    for (; *words != NULL; words++)
        support_list_add(list, "%s", *words);
}

struct support_list launcher_words(const struct launcher *launcher, size_t node)
{
    /* A host that is gone is noticed after half a minute. */
    static const char *const ssh[] = {
        "ssh", "-T", "-oBatchMode=yes", "-oConnectTimeout=10", "-oServerAliveInterval=10", "-oServerAliveCountMax=3",
        NULL};
    /* The whole node: all of its CPUs and memory, and nobody else on it. In an allocation it is ours already. Else the
     * CPUs must be asked for: to srun, --exclusive also means that a step gets no more than those. */
    static const char *const srun[] = {"srun",    "--quiet",         "--nodes=1", "--ntasks=1",
                                       "--mem=0", "--cpu-bind=none", NULL};
    struct support_list words = {0};
    const char *name = launcher->nodes.items[node];
    if (launcher->kind == LAUNCHER_SSH) {
        SUPPORT_FREED char *program = quoted(launcher->program); /* ssh has the other side's shell read it */
        words_add(&words, ssh);
        support_list_add(&words, "%s", name);
        support_list_add(&words, "%s node", program);
    } else if (launcher->kind == LAUNCHER_SLURM) {
        bool allocated = getenv("SLURM_JOB_ID") != NULL;
        const char *cpus = allocated ? NULL : slurm_cpus(launcher, name);
        words_add(&words, srun);
        if (cpus != NULL)
            support_list_add(&words, "--cpus-per-task=%s", cpus);
        support_list_add(&words, "%s", allocated ? "--overlap" : "--exclusive");
        support_list_add(&words, "--nodelist=%s", name);
        words_add(&words, (const char *const[]){launcher->program, "node", NULL});
    } else {
        words_add(&words, (const char *const[]){"env", NULL});
        support_list_add(&words, "MAEMIO_NODE=%s", name);
        words_add(&words, (const char *const[]){"sh", "-c", NULL});
        /* The command may begin with settings, such as PATH=/opt/bin, which exec itself does not take. */
        support_list_add(&words, "exec env %s \"$@\"", launcher->command);
        words_add(&words, (const char *const[]){"sh", launcher->program, "node", NULL});
    }
    return words;
}
