/* commands.c - see commands.h. */
#include "harness/cli/commands.h"

#include "harness/common/known_options.h"
#include "harness/common/quantity.h"

enum { KEY_FIRST = 0x1000 }; /* argp's key of the first option; of the others by position */

struct reading {
    struct command_line *line;
    char **arguments;
    size_t count;
};

static bool is_one_of(const char *words, const char *word)
{
    SUPPORT_FREED char *all = support_format("|%s|", words), *one = support_format("|%s|", word);
    return strchr(word, '|') == NULL && strstr(all, one) != NULL;
}

/* 3% or 0.03. */
static bool share_read(const char *text, double *share)
{
    char number[64];
    size_t length = strlen(text);
    bool percent = length > 0 && text[length - 1] == '%';
    (void)snprintf(number, sizeof number, "%.*s", (int)(percent ? length - 1 : length), text);
    if (!quantity_parse_f64(number, share) || *share < 0)
        return false;
    *share /= percent ? 100 : 1;
    return true;
}

static void option_read(struct argp_state *state, struct command_option *option, char *text)
{
    option->given = true;
    switch (option->kind) {
    case COMMAND_FLAG:
        *(bool *)option->value = true;
        break;
    case COMMAND_WORD:
        if (!is_one_of(option->argument, text))
            argp_error(state, "--%s: '%s' is none of %s", option->name, text, option->argument);
        *(const char **)option->value = text;
        break;
    case COMMAND_TEXT:
        *(const char **)option->value = text == NULL ? option->missing : text;
        break;
    case COMMAND_LIST:
        support_list_add(option->value, "%s", text);
        break;
    case COMMAND_COUNT:
        if (!quantity_parse_u64(text, QUANTITY_COUNT, option->value))
            argp_error(state, "--%s: '%s' is not a whole number", option->name, text);
        break;
    case COMMAND_SHARE:
        if (!share_read(text, option->value))
            argp_error(state, "--%s: '%s' is not a share such as 3%% or 0.03", option->name, text);
        break;
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct reading *reading = state->input;
    const struct command_line *line = reading->line;
    const char *wrong;
    switch (key) {
    case ARGP_KEY_ARG:
        if (reading->count == line->most)
            argp_error(state, "unexpected argument '%s'%s", text, line->excess == NULL ? "" : line->excess);
        reading->arguments[reading->count++] = text;
        return 0;
    case ARGP_KEY_END:
        if (reading->count < line->least)
            argp_error(state, "%s", line->wanted);
        else if (line->check != NULL && (wrong = line->check(line)) != NULL)
            argp_error(state, "%s", wrong);
        return 0;
    default:
        for (size_t i = 0; line->options != NULL && line->options[i].name != NULL; i++)
            if (key == (line->options[i].letter ? line->options[i].letter : KEY_FIRST + (int)i)) {
                option_read(state, &line->options[i], text);
                return 0;
            }
        return ARGP_ERR_UNKNOWN;
    }
}

size_t command_read(struct command_line *line, int argc, char **argv)
{
    size_t count = 0;
    while (line->options != NULL && line->options[count].name != NULL)
        count++;
    SUPPORT_FREED struct argp_option *options = support_alloc((count + 1) * sizeof *options);
    for (size_t i = 0; i < count; i++) {
        const struct command_option *option = &line->options[i];
        options[i] = (struct argp_option){
            .name = option->name,
            .key = option->letter ? option->letter : KEY_FIRST + (int)i,
            .arg = option->shown != NULL ? option->shown : option->argument,
            .flags = option->missing == NULL ? 0 : OPTION_ARG_OPTIONAL,
            .doc = option->help,
        };
    }
    const struct argp argp = {
        .options = count == 0 ? NULL : options, /* of an empty list argp loses a byte */
        .parser = parse,
        .args_doc = line->arguments,
        .doc = line->doc,
        .children = help_letter,
    };
    SUPPORT_FREED char **left = support_alloc(((size_t)argc + 1) * sizeof(char *));
    struct reading reading = {.line = line, .arguments = left};
    argp_err_exit_status = EXIT_USAGE;
    known_options_check(&argp, argc, argv, NULL);
    (void)argp_parse(&argp, argc, argv, 0, NULL, &reading);
    memcpy(argv + 1, left, (reading.count + 1) * sizeof(char *));
    return reading.count;
}

enum exit_code command_refuse(const char *name, const char *why)
{
    static const struct argp none = {0};
    SUPPORT_FREED char *program = support_copy(name);
    support_complain(name, "%s", why);
    argp_help(&none, stderr, ARGP_HELP_SEE, program);
    return EXIT_USAGE;
}

enum exit_code command_end(const char *name, enum exit_code code)
{
    bool written = (fflush(stdout) == 0 && !ferror(stdout)) || support_complain(name, "stdout cannot be written");
    return written ? code : EXIT_FAILED;
}
