/* Tests of harness/sweep/launcher.c: what --launcher means, and the words that it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/common/program.h"
#include "harness/common/text_file.h"
#include "harness/sweep/launcher.h"

static char *words_of(const char *text, const char *nodes, const char *program, size_t node)
{
    struct launcher launcher;
    char error[LAUNCHER_ERROR_BYTES];
    struct support_text all = {0};
    if (!launcher_init(&launcher, text, nodes, program, error))
        fail_msg("%s", error);
    struct support_list words = launcher_words(&launcher, node);
    for (size_t i = 0; i < words.count; i++)
        support_text_add(&all, "%s[%s]", i == 0 ? "" : " ", words.items[i]);
    support_list_free(&words);
    launcher_free(&launcher);
    return all.text;
}

static void assert_words(const char *text, const char *nodes, const char *program, size_t node, const char *expected)
{
    char *words = words_of(text, nodes, program, node);
    if (strstr(words, expected) == NULL)
        fail_msg("%s: %s, without %s", text, words, expected);
    free(words);
}

static void assert_refused(const char *text, const char *nodes, const char *program, const char *why)
{
    struct launcher launcher;
    char error[LAUNCHER_ERROR_BYTES] = "";
    assert_false(launcher_init(&launcher, text, nodes, program, error));
    if (strstr(error, why) == NULL)
        fail_msg("'%s', without '%s'", error, why);
    launcher_free(&launcher);
}

static void local_is_one_node_without_a_name(void **state)
{
    (void)state;
    struct launcher launcher;
    char error[LAUNCHER_ERROR_BYTES];
    assert_true(launcher_init(&launcher, "local", NULL, NULL, error));
    assert_int_equal(launcher.kind, LAUNCHER_LOCAL);
    assert_int_equal(launcher.nodes.count, 1);
    assert_string_equal(launcher.nodes.items[0], "");
    launcher_free(&launcher);
    assert_refused("local", "a", NULL, "--nodes: goes with a --launcher that is not local");
    assert_refused("local", NULL, "/bin/maemio", "--program: goes with");
}

/* The other side's shell reads what ssh is given; a path with a blank or a quote stays one word there. */
static void ssh_quotes_the_program(void **state)
{
    (void)state;
    assert_words("ssh:one,two", NULL, "/a b/it's", 1, "[two] ['/a b/it'\\''s' node]");
    assert_words("ssh:one,two", NULL, "maemio", 0, "[-oBatchMode=yes]");
    assert_words("ssh:one,two", NULL, "maemio", 0, "[one] ['maemio' node]");
    assert_refused("ssh:", NULL, NULL, "'' is no list of names such as a,b");
    assert_refused("ssh:a,,b", NULL, NULL, "'a,,b' is no list of names");
    assert_refused("ssh:-oProxyCommand=x", NULL, NULL, "is no list of names");
    assert_refused("ssh:a,b,a", NULL, NULL, "a is there twice");
    assert_refused("ssh:a", "b", NULL, "--nodes: the nodes of ssh and slurm stand in --launcher");
}

/* An scontrol that knows two nodes, found before any other; it notes each call in the file `calls`. */
static void scontrol_stand_in(char *folder)
{
    assert_non_null(mkdtemp(folder));
    SUPPORT_FREED char *path = support_format("%s/scontrol", folder);
    SUPPORT_FREED char *found = support_format("%s:%s", folder, getenv("PATH"));
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "#!/bin/sh\necho \"$*\" >>%s/calls\n[ \"$*\" != '--oneliner show node' ] || printf "
                        "'NodeName=n2 Arch=x86_64 CPUAlloc=0 CPUEfctv=6 CPUTot=8 CPULoad=0.1\\n"
                        "NodeName=n22 CPUAlloc=0 CPUTot=4\\n'\n",
                        folder) > 0);
    assert_true(fclose(file) == 0 && chmod(path, 0700) == 0);
    assert_int_equal(setenv("PATH", found, 1), 0);
}

/* However many runs there are. */
static void scontrol_is_asked_once(const char *folder)
{
    char error[LAUNCHER_ERROR_BYTES], why[LAUNCHER_ERROR_BYTES];
    struct launcher launcher;
    SUPPORT_FREED char *path = support_format("%s/calls", folder);
    assert_int_equal(unlink(path), 0); /* of the calls before */
    assert_true(launcher_init(&launcher, "slurm:n2,n22", NULL, NULL, error));
    for (size_t run = 0; run < 4; run++) {
        struct support_list words = launcher_words(&launcher, run % 2);
        support_list_free(&words);
    }
    launcher_free(&launcher);
    SUPPORT_FREED char *calls = text_file_read(path, 4096, true, NULL, why, sizeof why);
    assert_non_null(calls);
    assert_string_equal(calls, "--oneliner show node\n");
}

static void slurm_takes_a_whole_node(void **state)
{
    (void)state;
    char folder[] = "/tmp/maemio-launcher-XXXXXX";
    SUPPORT_FREED char *path = support_copy(getenv("PATH"));
    scontrol_stand_in(folder);
    assert_int_equal(unsetenv("SLURM_JOB_ID"), 0);
    assert_words("slurm:n1,n2", NULL, "/opt/maemio", 1,
                 "[--cpus-per-task=6] [--exclusive] [--nodelist=n2] [/opt/maemio] [node]");
    assert_words("slurm:n1,n22", NULL, "/opt/maemio", 1, "[--cpus-per-task=4] [--exclusive] [--nodelist=n22]");
    assert_words("slurm:n1,n2", NULL, "/opt/maemio", 0, "[--cpu-bind=none] [--exclusive] [--nodelist=n1]");
    scontrol_is_asked_once(folder);
    assert_int_equal(setenv("SLURM_JOB_ID", "7", 1), 0);
    assert_words("slurm:n1,n2", NULL, "/opt/maemio", 0, "[--overlap] [--nodelist=n1] [/opt/maemio] [node]");
    assert_int_equal(unsetenv("SLURM_JOB_ID"), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    program_folder_remove(folder);
    assert_refused("slurm:n[1-3],m", NULL, NULL, "'n[1-3],m' has ranges: want names such as a,b");
}

static void a_command_knows_its_node(void **state)
{
    (void)state;
    assert_words("podman exec -i $MAEMIO_NODE", "a,b", "/m", 1,
                 "[env] [MAEMIO_NODE=b] [sh] [-c] [exec env podman exec -i $MAEMIO_NODE \"$@\"] [sh] [/m] [node]");
    assert_words("nice", NULL, "/m", 0, "[MAEMIO_NODE=1]");
    assert_refused(" ", NULL, NULL, "is empty: want local, ssh:HOSTS, slurm or a command");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_is_one_node_without_a_name),
        cmocka_unit_test(ssh_quotes_the_program),
        cmocka_unit_test(slurm_takes_a_whole_node),
        cmocka_unit_test(a_command_knows_its_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
