/*
 * commands.h - the sub-commands of `maemio`, one file of this folder each. A new one: a line in the table, a file.
 *
 * A command gets its own arguments, argv[0] being its name for messages ("maemio run"), and returns the exit code.
 */
#ifndef HARNESS_CLI_COMMANDS_H
#define HARNESS_CLI_COMMANDS_H

#include "harness/common/exit_code.h"
#include "harness/common/support.h"

/* name, help */
#define COMMAND_TABLE(X)                                                         \
    X(run, "run a workload on a target and measure it")                          \
    X(sweep, "run every point of a job file, resumable, into a folder")          \
    X(node, "do one run of a sweep on this machine, for another (--launcher)")   \
    X(compare, "is B slower than A? two result files, by configuration")         \
    X(check, "was a recorded history (`run --history') serializable?")           \
    X(figure, "run an experiment of the paper and draw its figure")              \
    X(report, "of a file: medians and spread; of a folder: a page with figures") \
    X(trend, "results over commits, for plots and change-point tools")           \
    X(latency, "merge latency histograms")                                       \
    X(recover, "restore the database of a log's folder, and verify it")          \
    X(log, "print what stands in a log's folder: lives, segments, changes")      \
    X(sql, "statements of SQL, on a database in memory or in a folder")          \
    X(doctor, "what about this machine spoils measurements, and how to mend it") \
    X(topology, "draw the machine and where workers run")                        \
    X(calibrate, "measure this host: its file for simulated runs")               \
    X(list, "list options, columns, counters, workloads, targets and more")

#define COMMAND_DECLARE(name, help) enum exit_code name##_command(int argc, char **argv);
COMMAND_TABLE(COMMAND_DECLARE)

/* What an option's value is, and what `value` points to. */
enum command_kind {
    COMMAND_FLAG,  /* bool: there is no value */
    COMMAND_TEXT,  /* const char * */
    COMMAND_WORD,  /* const char *: one of `argument`, such as "table|csv" */
    COMMAND_LIST,  /* struct support_list: as often as it is given */
    COMMAND_COUNT, /* uint64_t */
    COMMAND_SHARE  /* double: 3% or 0.03 */
};

struct command_option {
    const char *name;
    enum command_kind kind;
    void *value;
    const char *argument, *help;
    const char *shown;   /* what --help calls the value; NULL: `argument` */
    char letter;         /* 0: none */
    const char *missing; /* COMMAND_TEXT: the value where none stands behind the option; NULL: one must */
    bool given;          /* set by command_read */
};

/* One entry of a list of options; what follows the help is .shown, .letter or .missing. */
#define COMMAND_OPTION(name, kind, value, argument, help, ...)                                 \
    {                                                                                          \
        name, COMMAND_##kind, value, argument, help, .given = false __VA_OPT__(, ) __VA_ARGS__ \
    }

struct command_line {
    const char *arguments, *doc;    /* for --help: "A.csv B.csv"; a \v parts what stands above and below the options */
    struct command_option *options; /* ended by a name of NULL; NULL: none */
    size_t least, most;             /* how many arguments there must and may be */
    const char *wanted;             /* the message for fewer: "name two result files" */
    const char *excess;             /* added to the message for more; NULL: nothing */
    /* What is wrong with the options together; NULL: nothing, or no such function. */
    const char *(*check)(const struct command_line *line);
};

/* Reads the options; the arguments are left in argv[1..], and NULL ends them. How many there are. Ends the program with
 * a message for wrong ones and for --help. */
size_t command_read(struct command_line *line, int argc, char **argv);

/* For what is wrong with arguments and shows only after command_read: says it, and where help is, as command_read does.
 * Returns EXIT_USAGE. */
enum exit_code command_refuse(const char *name, const char *why);

/* `code`, or EXIT_FAILED with a message if what was printed to stdout could not be written. */
enum exit_code command_end(const char *name, enum exit_code code);

#endif
