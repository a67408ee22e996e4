/* known_options.c - see known_options.h. */
#include "harness/common/known_options.h"

#include "harness/common/exit_code.h"
#include "harness/common/nearest.h"
#include "harness/common/support.h"

static bool is_end(const struct argp_option *option)
{
    return option->name == NULL && option->key == 0 && option->doc == NULL && option->group == 0;
}

/* The option whose name begins with what was given, as getopt allows, or (bytes 0) of the letter; NULL: none. */
static const struct argp_option *find(const struct argp_option *options, const char *given, size_t bytes, char letter)
{
    for (; options != NULL && !is_end(options); options++)
        if (bytes == 0 ? options->key == letter : options->name != NULL && strncmp(options->name, given, bytes) == 0)
            return options;
    return NULL;
}

/* Those that argp adds. */
static const char *const everywhere[] = {"help", "usage", "version"};
enum { EVERYWHERE = sizeof everywhere / sizeof everywhere[0] };

static bool is_everywhere(const char *given, size_t bytes)
{
    for (size_t i = 0; i < EVERYWHERE; i++)
        if (strncmp(everywhere[i], given, bytes) == 0)
            return true;
    return false;
}

static void __attribute__((noreturn))
refuse(const struct argp *argp, char *name, const char *given, const char *elsewhere)
{
    struct nearest nearest = {.wanted = given};
    for (const struct argp_option *option = argp->options; option != NULL && !is_end(option); option++)
        if (option->name != NULL)
            nearest_offer(&nearest, option->name);
    for (size_t i = 0; i < EVERYWHERE; i++)
        nearest_offer(&nearest, everywhere[i]);
    const char *meant = nearest_name(&nearest);
    if (elsewhere == NULL)
        elsewhere = meant == NULL ? "" : support_short("; did you mean '--%s'?", meant);
    support_complain(name, "there is no option '--%s'%s", given, elsewhere);
    argp_help(argp, stderr, ARGP_HELP_SEE, name);
    exit(EXIT_USAGE);
}

void known_options_check(const struct argp *argp, int argc, char **argv, known_options_elsewhere_fn *elsewhere)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct argp_option *option = NULL;
        const char *given = argv[i] + 2;
        size_t bytes = strncmp(argv[i], "--", 2) == 0 ? strcspn(given, "=") : 0;
        if (bytes > 0) {
            option = find(argp->options, given, bytes, 0);
            if (option == NULL && !is_everywhere(given, bytes)) {
                SUPPORT_FREED char *name = support_format("%.*s", (int)bytes, given);
                refuse(argp, argv[0], name, elsewhere == NULL ? NULL : elsewhere(name));
            }
        } else if (argv[i][0] == '-' && strlen(argv[i]) == 2) {
            option = find(argp->options, NULL, 0, argv[i][1]);
        }
        if (option != NULL && option->arg != NULL && (option->flags & OPTION_ARG_OPTIONAL) == 0 && given[bytes] != '=')
            i++; /* the option's argument, whatever it looks like */
    }
}

static error_t help_letter_parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != 'h')
        return ARGP_ERR_UNKNOWN;
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    return 0;
}

static const struct argp_option help_letter_options[] = {{.key = 'h', .flags = OPTION_HIDDEN, .doc = ""}, {0}};
static const struct argp help_letter_argp = {.options = help_letter_options, .parser = help_letter_parse};
const struct argp_child help_letter[] = {{.argp = &help_letter_argp}, {0}};
