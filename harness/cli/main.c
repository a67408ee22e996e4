/* main.c - the `maemio` command: finds the sub-command and hands over. */
#include <argp.h>
#include <signal.h>
#include <unistd.h>

#include "engine/maemio.h"
#include "harness/cli/commands.h"
#include "harness/common/known_options.h"
#include "harness/common/nearest.h"

#define COMMAND_ENTRY(name, help) {#name, help, name##_command},
static const struct command {
    const char *name, *help;
    enum exit_code (*run)(int argc, char **argv);
} commands[] = {COMMAND_TABLE(COMMAND_ENTRY)};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

#define COMMAND_NAME(name, help) ", " #name
static const char comma_names[] = COMMAND_TABLE(COMMAND_NAME);
static const char *const names = comma_names + sizeof ", " - 1;

struct choice {
    const struct command *command;
    int first; /* index of the command's name in argv */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct choice *choice = state->input;
    struct nearest nearest = {.wanted = argument};
    switch (key) {
    case ARGP_KEY_ARG:
        for (size_t i = 0; i < COMMANDS; i++) {
            if (strcmp(commands[i].name, argument) == 0)
                choice->command = &commands[i];
            nearest_offer(&nearest, commands[i].name);
        }
        if (choice->command == NULL)
            argp_error(state, "there is no command '%s'%s", argument,
                       nearest_hint(&nearest, support_short("; there are %s", names)));
        choice->first = state->next - 1;
        state->next = state->argc; /* the rest is the command's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a command; there are %s", names);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Commands look after what they write; for --help and --version, which end the program in argp, this does. */
static void expect_written(int code, void *arg)
{
    (void)arg;
    if (code != EXIT_FINE || (fflush(stdout) == 0 && !ferror(stdout)))
        return;
    (void)fputs("maemio: stdout cannot be written\n", stderr);
    _exit(EXIT_FAILED);
}

/* `maemio help`, `maemio help COMMAND` and `maemio version` are what --help and --version are. */
static void words_as_options(int argc, char **argv)
{
    static char help[] = "--help", version[] = "--version";
    if (argc > 1 && strcmp(argv[1], "version") == 0) {
        argv[1] = version;
    } else if (argc > 1 && strcmp(argv[1], "help") == 0) {
        argv[1] = argc > 2 ? argv[2] : help;
        if (argc > 2)
            argv[2] = help;
    }
}

int main(int argc, char **argv)
{
    static char name[] = "maemio";
    SUPPORT_FREED struct support_text doc = {0};
    support_text_add(&doc, "Measures the Maemio engine and what it is compared with.\vCommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        support_text_add(&doc, "  %-9s %s\n", commands[i].name, commands[i].help);
    support_text_add(&doc, "`maemio help COMMAND' or `maemio COMMAND --help' shows each command's options.");
    /* The program keeps to the C locale; gnuplot, which it starts, must read and write the same numbers. */
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    argp_program_version = "maemio " MAE_VERSION;
    argp_err_exit_status = EXIT_USAGE;
    struct argp argp = {.parser = parse, .children = help_letter, .args_doc = "COMMAND [OPTION...]", .doc = doc.text};
    struct choice choice = {0};
    (void)on_exit(expect_written, NULL);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow (ulimit -f) is then a failed write, with its message */
    if (argc > 0)
        argv[0] = name; /* messages begin the same wherever the program lies */
    words_as_options(argc, argv);
    (void)argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
    SUPPORT_FREED struct support_text full = {0};
    support_text_add(&full, "%s %s", name, choice.command->name);
    argv[choice.first] = full.text;
    enum exit_code code = choice.command->run(argc - choice.first, argv + choice.first);
    return (int)code;
}
