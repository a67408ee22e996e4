/*
 * list.c - `maemio list TOPIC`: what can be said to a run, and what its results mean.
 * Every line: a name, two blanks or more, what it is.
 */

#include "harness/cli/commands.h"
#include "harness/common/nearest.h"
#include "harness/figures/figure.h"
#include "harness/options/arguments.h"
#include "harness/record/columns.h"
#include "harness/targets/targets.h"
#include "workloads/distribution.h"

static void option_line(const struct option_spec *option, const char *dashes, int width)
{
    char described[OPTION_DESCRIBED_BYTES];
    SUPPORT_FREED char *name = support_copy(option->name);
    option_describe(option, described, sizeof described);
    (void)printf("  %s%-*s  %s [%s]\n", dashes, width, dashes[0] == '\0' ? name : option_dashes(name), option->help,
                 described);
}

static void list_options(void)
{
    (void)puts("Options of maemio run:");
    for (size_t i = 0; i < RUN_OPTION_COUNT; i++)
        option_line(&run_option_specs[i], "--", 18);
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        (void)printf("\nOptions of workload %s:\n", workload->name);
        for (const struct option_spec *option = workload->options; option->name != NULL; option++)
            option_line(option, "--", 18);
    }
    const struct target_ops *target;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        if (target->options == NULL)
            continue;
        (void)printf("\nSettings of target %s, --set name=value:\n", target->name);
        for (const struct option_spec *option = target->options; option->name != NULL; option++)
            option_line(option, "", 20);
    }
}

static void list_columns(void)
{
    for (size_t i = 0; i < column_count(); i++) {
        const struct column_info *column = column_info(i);
        (void)printf("%-28s  %s%s%s%s%s\n", column->name, column->unit[0] == '\0' ? "" : "[", column->unit,
                     column->unit[0] == '\0' ? "" : "] ", column->help,
                     column->better == COLUMN_MORE   ? "; more is better"
                     : column->better == COLUMN_LESS ? "; less is better"
                                                     : "");
    }
}

static void list_workloads(void)
{
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        (void)printf("%-14s  %s\n", workload->name, workload->help);
        if (workload->presets == NULL || workload->presets[0] == NULL)
            continue;
        (void)printf("%-14s  presets:", "");
        for (size_t j = 0; workload->presets[j] != NULL; j++)
            (void)printf(" %s", workload->presets[j]);
        (void)putchar('\n');
    }
}

static void list_targets(void)
{
    const struct target_ops *target;
    char why[OPTION_DESCRIBED_BYTES];
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        (void)printf("%-14s  %s\n%-14s  [%s%s; durability %s; rows %s; order known %s; up to %u worker%s]\n",
                     target->name, target->help, "", external_is(target) ? "external; " : "",
                     result_isolation(&target->promises), target_durability_text(target->promises.durability),
                     target_rows_text(target->promises.rows), target_order_text(target->promises.order),
                     target->promises.workers_max, target->promises.workers_max == 1 ? "" : "s");
        if (!external_is_there(target, why, sizeof why))
            (void)printf("%-14s  %s\n", "", why);
    }
}

static void list_distributions(void)
{
    const struct distribution_info *distribution;
    for (size_t i = 0; (distribution = distribution_at(i)) != NULL; i++)
        (void)printf("%-14s  %s\n", distribution->name, distribution->help);
}

static void list_counters(void)
{
    pmu_list(stdout, &pmu_sys_linux);
}

static void list_figures(void)
{
    (void)figures_list("maemio list");
}

static const struct topic {
    const char *name, *help;
    void (*list)(void);
} topics[] = {
    {"options", "every option of a run, its workloads and its targets", list_options},
    {"columns", "the columns of the result CSV", list_columns},
    {"workloads", "what can be run", list_workloads},
    {"targets", "what it can be run on", list_targets},
    {"counters", "performance counters of this machine; why others are missing", list_counters},
    {"figures", "what `maemio figure' can run and draw", list_figures},
    {"distributions", "which keys a workload can ask for", list_distributions},
};
enum { TOPIC_COUNT = sizeof topics / sizeof topics[0] };

enum exit_code list_command(int argc, char **argv)
{
    SUPPORT_FREED struct support_text doc = {0}, topic_lines = {0}, names = {0};
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        support_text_add(&topic_lines, "  %-14s %s\n", topics[i].name, topics[i].help);
    support_text_add(&doc,
                     "Lists what can be said to a run, and what its results mean; without TOPIC, the topics.\v"
                     "Topics:\n%s",
                     topic_lines.text);
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        support_text_add(&names, "%s%s", i == 0 ? "" : ", ", topics[i].name);
    struct command_line line = {.arguments = "[TOPIC]", .doc = doc.text, .most = 1};
    if (command_read(&line, argc, argv) == 0) {
        (void)printf("maemio list TOPIC; topics:\n%s", topic_lines.text);
        return command_end(argv[0], EXIT_FINE);
    }
    const struct topic *topic = topics;
    while (topic < topics + TOPIC_COUNT && strcmp(topic->name, argv[1]) != 0)
        topic++;
    if (topic == topics + TOPIC_COUNT) {
        struct nearest nearest = {.wanted = argv[1]};
        for (size_t i = 0; i < TOPIC_COUNT; i++)
            nearest_offer(&nearest, topics[i].name);
        return command_refuse(argv[0],
                              support_short("there is no list of '%s'%s", argv[1],
                                            nearest_hint(&nearest, support_short("; there are %s", names.text))));
    }
    topic->list();
    return command_end(argv[0], EXIT_FINE);
}
