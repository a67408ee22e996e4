/*
 * arguments.c - see arguments.h. The options argp knows are built from the tables: options.def, then those of every
 * workload, so that --help shows all of them; options_resolve tells whose is whose.
 *
 * A switch (bool) may be written --reload, --reload=on, --reload on, or --no-reload.
 *
 * Options also come from files. Wherever they stand on the command line: --config-file counts first, then -P and -p,
 * then single options, so that these always win.
 */
#include "harness/options/arguments.h"

#include "harness/common/exit_code.h"
#include "harness/common/known_options.h"
#include "harness/options/job.h"
#include "harness/options/ycsb_properties.h"
#include "harness/targets/targets.h"

/* argp's key of an option: its position in `names` plus this; characters are short options. */
enum { KEY_FIRST = 0x1000, KEY_CONFIG_FILE = 0x800 };

/* Letters for what is typed most, as pgbench and fio have them where they have one. */
static const struct letter {
    char letter;
    const char *name;
} letters[] = {{'w', "workload"}, {'d', "target"},      {'j', "threads"}, {'T', "time"}, {'W', "warmup"},
               {'t', "txns"},     {'r', "repetitions"}, {'R', "rate"},    {'s', "seed"}, {'o', "csv"}};
enum { LETTERS = sizeof letters / sizeof letters[0] };

struct table {
    struct argp_option *options; /* ended by an entry of zeros */
    size_t count;
    struct name {
        char *name; /* with underscores */
        bool is_bool, negative;
    } * names;
    size_t name_count;
    struct support_list texts; /* what names and help point to */
    struct options *target;
    const char *config_file; /* NULL: none */
    struct option_pairs properties;
    bool has_properties;            /* -P or -p was given */
    struct option_pairs given;      /* single options in their order */
    const struct name *open_switch; /* the last option, if it is a switch without a value so far */
    bool has_set;
};

static void put(struct table *table, struct argp_option option)
{
    table->options = support_realloc(table->options, (table->count + 2) * sizeof *table->options);
    table->options[table->count++] = option;
    table->options[table->count] = (struct argp_option){0};
}

/* The key of a name, which workloads may share; *fresh: no option had it so far. */
static int key_of(struct table *table, const char *name, bool is_bool, bool negative, bool *fresh)
{
    for (size_t i = 0; i < table->name_count; i++)
        if (strcmp(table->names[i].name, name) == 0 && table->names[i].negative == negative) {
            *fresh = false;
            return KEY_FIRST + (int)i;
        }
    *fresh = true;
    table->names = support_more(table->names, table->name_count, sizeof *table->names);
    table->names[table->name_count] = (struct name){support_list_add(&table->texts, "%s", name), is_bool, negative};
    return KEY_FIRST + (int)table->name_count++;
}

static void put_option(struct table *table, const struct option_spec *option, const char *argument, int group)
{
    bool is_bool = option->type == OPTION_bool, fresh;
    char described[OPTION_DESCRIBED_BYTES];
    option_describe(option, described, sizeof described);
    int key = key_of(table, option->name, is_bool, false, &fresh);
    put(table, (struct argp_option){.name = option_dashes(support_list_add(&table->texts, "%s", option->name)),
                                    .key = key,
                                    .arg = argument,
                                    .flags = is_bool ? OPTION_ARG_OPTIONAL : 0,
                                    .doc = support_list_add(&table->texts, "%s [%s]", option->help, described),
                                    .group = group});
    for (size_t i = 0; i < LETTERS && fresh; i++)
        if (strcmp(letters[i].name, option->name) == 0)
            put(table,
                (struct argp_option){.key = letters[i].letter, .arg = argument, .flags = OPTION_ALIAS, .group = group});
    if (!is_bool || !fresh)
        return;
    put(table, (struct argp_option){.name = option_dashes(support_list_add(&table->texts, "no-%s", option->name)),
                                    .key = key_of(table, option->name, true, true, &fresh),
                                    .doc = "",
                                    .flags = OPTION_HIDDEN,
                                    .group = group});
}

static const char *workload_argument(const struct option_spec *option)
{
    static const char *const arguments[] = {
        [OPTION_u64] = "N",       [OPTION_bytes] = "SIZE",  [OPTION_time] = "TIME", [OPTION_f64] = "X",
        [OPTION_backoff] = "HOW", [OPTION_bool] = "on|off", [OPTION_enum] = "NAME", [OPTION_string] = "TEXT"};
    return arguments[option->type];
}

static const struct argp_option from_files[] = {
    {"config-file", KEY_CONFIG_FILE, "FILE", 0,
     "options from a job file that describes one point; single options override it", 1},
    {NULL, 'P', "FILE", 0,
     "options from a YCSB property file, with YCSB's defaults for the rest; single options override it", 1},
    {NULL, 'p', "KEY=VALUE", 0, "a single YCSB property, after those of -P", 1}};

static void table_build(struct table *table)
{
    bool fresh;
    put(table, (struct argp_option){.doc = "The run:", .group = 1});
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        put_option(table, &run_option_specs[i], run_option_texts[i].argument, 1);
    put(table,
        (struct argp_option){.name = "set",
                             .key = key_of(table, "set", false, false, &fresh),
                             .arg = "KEY=VALUE",
                             .doc = "a setting of the target, as often as needed; `maemio list options` shows them",
                             .group = 1});
    for (size_t i = 0; i < sizeof from_files / sizeof from_files[0]; i++)
        put(table, from_files[i]);
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        put(table, (struct argp_option){
                       .doc = support_list_add(&table->texts, "Workload %s (%s):", workload->name, workload->help),
                       .group = (int)i + 2});
        for (const struct option_spec *option = workload->options; option->name != NULL; option++)
            put_option(table, option, workload_argument(option), (int)i + 2);
    }
}

static void table_free(struct table *table)
{
    support_list_free(&table->texts);
    free(table->names);
    free(table->options);
}

/* Checks the value now, so that the first wrong option of the command line is the one that is named. It is set
 * in the end, after what files and properties say. */
static void set(struct argp_state *state, const char *key, const char *value)
{
    struct table *table = state->input;
    char error[OPTION_ERROR_BYTES];
    struct options *trial = options_create();
    if (!options_set(trial, key, value, error)) {
        char *spelled = option_dashes(support_copy(key));
        argp_error(state, "--%s: %s", spelled, error); /* does not return */
    }
    options_destroy(trial);
    option_pairs_add(&table->given, key, value);
}

static void __attribute__((noreturn)) refuse(const char *name, const char *error)
{
    support_complain(name, "%s\nTry `%s --help' for more information.", error, name);
    exit(EXIT_USAGE);
}

/* What a file or a property says, before the single options. */
static void config_apply(const char *name, const struct table *table)
{
    char error[OPTION_ERROR_BYTES];
    struct jobfile *jobfile = job_read(table->config_file, NULL, error);
    if (jobfile == NULL)
        refuse(name, error);
    bool fine =
        jobfile->count == 1
            ? job_apply(&jobfile->points[0], table->target, error)
            : support_error(error, sizeof error,
                            "--config-file: %s describes %zu points; a run is one, `maemio sweep' runs them all",
                            table->config_file, jobfile->count);
    jobfile_destroy(jobfile);
    if (!fine)
        refuse(name, error);
}

static void pairs_apply(const char *name, const struct table *table, const struct option_pairs *pairs)
{
    char error[OPTION_ERROR_BYTES];
    for (size_t i = 0; i < pairs->count; i++)
        if (!options_set(table->target, pairs->items[i].key, pairs->items[i].value, error))
            refuse(name, error);
}

static void properties_apply(const char *name, const struct table *table)
{
    char error[OPTION_ERROR_BYTES];
    struct ycsb_translation translation;
    static const char *const ends[][2] = {{"txns", "txns"}, {"txns_total", "txns-total"}, {"time", "time"}};
    const char *end = NULL;
    for (size_t i = 0; end == NULL && i < sizeof ends / sizeof ends[0]; i++)
        end = option_pairs_value(&table->given, ends[i][0]) == NULL ? NULL : ends[i][1];
    if (!ycsb_properties_resolve(&table->properties, end, &translation, error))
        refuse(name, error);
    pairs_apply(name, table, &translation.options);
    for (size_t i = 0; i < translation.notes.count; i++)
        support_complain(name, "note: %s", translation.notes.items[i]);
    ycsb_translation_free(&translation);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct table *table = state->input;
    const struct name *open_switch = table->open_switch;
    char error[YCSB_PROPERTIES_ERROR_BYTES];
    if (key == KEY_CONFIG_FILE || key == 'P' || key == 'p')
        table->open_switch = NULL;
    switch (key) {
    case KEY_CONFIG_FILE:
        if (table->config_file != NULL)
            argp_error(state, "--config-file: one is enough; it may include others");
        table->config_file = argument;
        return 0;
    case 'P':
        table->has_properties = true;
        if (!ycsb_properties_read(&table->properties, argument, error))
            argp_error(state, "-P: %s", error);
        return 0;
    case 'p':
        table->has_properties = true;
        if (!ycsb_properties_add(&table->properties, argument, error))
            argp_error(state, "%s", error);
        return 0;
    default:
        break;
    }
    if (key == ARGP_KEY_ARG) {
        if (open_switch == NULL)
            argp_error(state, "unexpected argument '%s'", argument);
        else
            set(state, open_switch->name, argument); /* --check off */
        table->open_switch = NULL;
        return 0;
    }
    for (size_t i = 0; i < LETTERS; i++)
        if (key == letters[i].letter) {
            table->open_switch = NULL;
            set(state, letters[i].name, argument);
            return 0;
        }
    if (key < KEY_FIRST || (size_t)(key - KEY_FIRST) >= table->name_count)
        return ARGP_ERR_UNKNOWN;
    const struct name *name = &table->names[key - KEY_FIRST];
    set(state, name->name, argument != NULL ? argument : name->negative ? "off" : "on");
    table->open_switch = name->is_bool && !name->negative && argument == NULL ? name : NULL;
    return 0;
}

static char *epilogue(void)
{
    struct support_text text = {0};
    support_text_add(&text,
                     "Runs a workload on a target: load, warm-up, measure, drain, check. A summary goes to stdout, "
                     "results to --csv, progress to stderr.\v"
                     "Counts take k, M, G (powers of 1000), sizes K, M, G (powers of 1024), times ns, us, ms, s, m, "
                     "h, and without a unit they are seconds. A workload's presets are shown by `maemio list "
                     "workloads'.\n\nExit codes:\n");
#define EXIT_CODE_LINE(name, value, meaning) support_text_add(&text, "  %3d  %s\n", value, meaning);
    EXIT_CODE_TABLE(EXIT_CODE_LINE)
    support_text_add(&text, "\nExample:\n  maemio run --workload ycsb --records 10M --theta 0.99 --csv runs.csv");
    return text.text;
}

/* A setting of a target is no option. */
static const char *setting_hint(const char *name)
{
    SUPPORT_FREED char *key = option_underscores(support_copy(name));
    const struct target_ops *target;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        if (target->options != NULL && target->options[option_find(target->options, key)].name != NULL)
            return "; it is a setting of the target: --set NAME=VALUE";
    return NULL;
}

void arguments_read(int argc, char **argv, struct options *options)
{
    char error[OPTION_ERROR_BYTES];
    struct table table = {.target = options};
    table_build(&table);
    SUPPORT_FREED char *doc = epilogue();
    struct argp argp = {.options = table.options, .parser = parse, .args_doc = "", .doc = doc, .children = help_letter};
    argp_err_exit_status = EXIT_USAGE;
    known_options_check(&argp, argc, argv, setting_hint);
    (void)argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &table);
    if (table.config_file != NULL)
        config_apply(argv[0], &table);
    if (table.has_properties)
        properties_apply(argv[0], &table);
    option_pairs_free(&table.properties);
    pairs_apply(argv[0], &table, &table.given);
    option_pairs_free(&table.given);
    if (!options_resolve(options, error))
        refuse(argv[0], error);
    table_free(&table);
}
