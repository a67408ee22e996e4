/* sql.c - `maemio sql': statements of SQL on a database in memory or in a folder. */
#include "harness/cli/commands.h"

#ifdef MAE_SQL
#include "sql/shell.h"
#endif

enum exit_code sql_command(int argc, char **argv)
{
    struct support_list commands = {0}, files = {0};
    bool csv = false, timing = false;
    struct command_option options[] = {
        COMMAND_OPTION("command", LIST, &commands, "SQL",
                       "run these statements, or a command of the shell, and read nothing from stdin", .letter = 'c'),
        COMMAND_OPTION("file", LIST, &files, "FILE", "run the statements of this file", .letter = 'f'),
        COMMAND_OPTION("csv", FLAG, &csv, NULL, "print rows as CSV, with the names of the columns first"),
        COMMAND_OPTION("timing", FLAG, &timing, NULL, "tell how long each statement took"),
        {.name = NULL},
    };
    struct command_line line = {
        .arguments = "[FOLDER]",
        .doc =
            "Runs statements of SQL on the database in FOLDER, which is made if it does not exist; without FOLDER on "
            "one in memory. Reads them from stdin, unless -c or -f is given.\v.help lists the shell's own commands.",
        .options = options,
        .most = 1,
    };
    size_t count = command_read(&line, argc, argv);
#ifdef MAE_SQL
    const struct shell_settings settings = {
        .folder = count == 0 ? NULL : argv[1],
        .commands = (const char *const *)commands.items,
        .command_count = commands.count,
        .files = (const char *const *)files.items,
        .file_count = files.count,
        .csv = csv,
        .timing = timing,
    };
    enum exit_code code = command_end(argv[0], shell_run(&settings) == 0 ? EXIT_FINE : EXIT_FAILED);
#else
    (void)count;
    enum exit_code code =
        command_refuse(argv[0], "this build has no SQL: SQLite's development files were missing (scripts/setup)");
#endif
    support_list_free(&commands);
    support_list_free(&files);
    return code;
}
