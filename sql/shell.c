/* shell.c - see shell.h. */
#include "sql/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sql/csv.h"
#include "sql/front.h"
#include "sql/maemio_sql.h"
#include "sql/tables.h"
#include "sql/words.h"

enum { ATTEMPTS_MAX = 1000, PROGRESS_STEPS = 1000000 };

struct shell {
    sqlite3 *sqlite;
    struct connection *connection;
    FILE *out;
    bool csv, timing, terminal, quits;
    bool header_due;   /* of CSV: before the statement's first row */
    const char *where; /* what is being read, and its line; NULL: nothing yet */
    int line;
    struct timespec start;
    double told; /* progress was told after so many seconds */
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* ---- Statements. ---- */

static int row_print(void *arg, sqlite3_stmt *statement)
{
    struct shell *shell = arg;
    const int columns = sqlite3_column_count(statement);
    for (int i = 0; shell->csv && shell->header_due && i < columns; i++)
        csv_field(shell->out, sqlite3_column_name(statement, i), i + 1 == columns);
    shell->header_due = false;
    for (int i = 0; i < columns; i++) {
        const char *value = (const char *)sqlite3_column_text(statement, i);
        if (shell->csv)
            csv_field(shell->out, value, i + 1 == columns);
        else
            (void)fprintf(shell->out, "%s%s", value != NULL ? value : "", i + 1 < columns ? "|" : "\n");
    }
    return 0;
}

/* Says each second how long a statement has been running. */
static int progress(void *arg)
{
    struct shell *shell = arg;
    double seconds = seconds_since(&shell->start);
    if (seconds - shell->told >= 1) {
        shell->told = seconds;
        (void)fprintf(stderr, "\r... %.0f s ", seconds);
    }
    return 0;
}

/* Of the shell, whose statement ^C is to end. */
static sqlite3 *interruptible;

static void interrupt(int signal_number)
{
    (void)signal_number;
    sqlite3_interrupt(interruptible);
}

/* Runs the first statement of *sql; a conflict of one outside of transactions is not the user's business. */
static int statement_run(struct shell *shell, const char **sql, char **error)
{
    const bool alone = sqlite3_get_autocommit(shell->sqlite);
    const char *start = *sql;
    int code = SQLITE_OK;
    shell->header_due = true;
    shell->told = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &shell->start);
    interruptible = shell->sqlite;
    void (*const before)(int) = signal(SIGINT, interrupt);
    if (before == SIG_IGN) /* a script's job in the background, which ^C does not concern */
        (void)signal(SIGINT, SIG_IGN);
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        *sql = start;
        code = front_run(shell->connection, sql, row_print, shell, error);
        if (code != SQLITE_BUSY_SNAPSHOT || !alone || !shell->header_due)
            break;
        if (attempt + 1 < ATTEMPTS_MAX) {
            sqlite3_free(*error);
            *error = NULL;
        }
    }
    (void)signal(SIGINT, before);
    if (shell->told > 0)
        (void)fputs("\r            \r", stderr);
    if (shell->timing && *sql > start + 1)
        (void)fprintf(stderr, "%.6f s\n", seconds_since(&shell->start));
    return code;
}

/* Runs all statements of the text, which begins in this line; false after an error. */
static bool statements_run(struct shell *shell, const char *sql, const char *where, int line)
{
    while (*sql != '\0') {
        char *error = NULL;
        const char *start = sql;
        int code = statement_run(shell, &sql, &error);
        if (code != SQLITE_OK) {
            (void)fflush(shell->out);
            (void)fprintf(stderr, "maemio sql: %s", where);
            if (line > 0)
                (void)fprintf(stderr, ":%d", line);
            (void)fprintf(stderr, ": %s\n", error != NULL ? error : sqlite3_errstr(code));
            sqlite3_free(error);
            return false;
        }
        for (; start < sql; start++)
            line += line > 0 && *start == '\n';
    }
    return true;
}

/* ---- Commands of the shell. ---- */

static bool complain(const struct shell *shell, const char *why, const char *what)
{
    (void)fflush(shell->out);
    (void)fprintf(stderr, "maemio sql: ");
    if (shell->where != NULL)
        (void)fprintf(stderr, "%s:%d: ", shell->where, shell->line);
    (void)fprintf(stderr, "%s%s%s\n", why, what != NULL ? ": " : "", what != NULL ? what : "");
    return false;
}

/* The same of what SQLite has allocated, which goes with it. NULL: there was no memory for it. */
static bool complain_of(struct shell *shell, char *error)
{
    (void)complain(shell, error != NULL ? error : "out of memory", NULL);
    sqlite3_free(error);
    return false;
}

static bool tables_command(struct shell *shell, char **word)
{
    (void)word;
    return statements_run(
        shell,
        "SELECT name FROM maemio.sqlite_schema WHERE type = 'view' OR sql LIKE '%USING maemio' OR sql "
        "LIKE '%USING maemio(%' ORDER BY name",
        ".tables", 0);
}

static bool table_print(struct shell *shell, const struct table *table)
{
    char *text = table->is_view ? schema_view_create(table, "") : schema_text(table, true);
    if (text == NULL)
        return complain_of(shell, NULL);
    if (table->is_view)
        (void)fprintf(shell->out, "%s;\n", text);
    else
        (void)fprintf(shell->out, "CREATE TABLE \"%s\"(%s);\n", table->name, text);
    sqlite3_free(text);
    for (unsigned i = 0; i < table->indexes; i++) {
        const struct index *index = &table->index[i];
        if (index->name == NULL)
            continue;
        char *create = schema_index_text(table, index);
        if (create == NULL)
            return complain_of(shell, NULL);
        (void)fprintf(shell->out, "%s;\n", create);
        sqlite3_free(create);
    }
    return true;
}

/* The rows as INSERTs. A text with a byte of 0, where quote() would end it, is told by its bytes. */
static bool rows_print(struct shell *shell, const struct table *table)
{
    sqlite3_str *sql = sqlite3_str_new(shell->sqlite);
    sqlite3_str_appendf(sql, "SELECT 'INSERT INTO \"%w\" VALUES ('", table->name);
    for (unsigned i = 0; i < table->columns; i++) {
        const char *name = table->column[i].name;
        sqlite3_str_appendf(sql,
                            "||'%s'||CASE WHEN typeof(\"%w\") = 'text' AND instr(\"%w\", char(0)) THEN "
                            "'CAST(' || quote(CAST(\"%w\" AS BLOB)) || ' AS TEXT)' ELSE quote(\"%w\") END",
                            i > 0 ? ", " : "", name, name, name, name);
    }
    sqlite3_str_appendf(sql, "||');' FROM maemio.\"%w\" ORDER BY rowid", table->name);
    char *text = sqlite3_str_finish(sql);
    const bool csv = shell->csv;
    shell->csv = false;
    bool good = text != NULL && statements_run(shell, text, ".dump", 0);
    shell->csv = csv;
    sqlite3_free(text);
    return good;
}

/* All tables and views, or the one that is named, in the order in which they were made. With rows: in one
 * transaction. */
static bool definitions_print(struct shell *shell, const char *name, bool rows)
{
    struct connection *connection = shell->connection;
    char *error = NULL;
    struct mae_worker *worker;
    bool good = true;
    if (connection_follow(connection, &error) != SQLITE_OK ||
        connection_enter(connection, &worker, &error) != SQLITE_OK)
        return complain_of(shell, error);
    const struct table *last = NULL;
    uint64_t id = 0;
    bool found = name == NULL;
    do {
        last = NULL;
        for (const struct table *table = connection->database->tables; table != NULL; table = table->next)
            if (!table->dropped && table->id > id && (last == NULL || table->id < last->id))
                last = table;
        if (last != NULL && (name == NULL || sqlite3_stricmp(name, last->name) == 0)) {
            found = true;
            good = table_print(shell, last) && good && (!rows || last->is_view || rows_print(shell, last));
        }
        id = last != NULL ? last->id : id;
    } while (last != NULL);
    gate_leave(connection->database, worker);
    return found ? good : complain(shell, "no such table or view", name);
}

static bool schema_command(struct shell *shell, char **word)
{
    return definitions_print(shell, word[1], false);
}

static bool dump_command(struct shell *shell, char **word)
{
    bool own = sqlite3_get_autocommit(shell->sqlite);
    if (own && !statements_run(shell, "BEGIN", ".dump", 0))
        return false;
    bool good = definitions_print(shell, word[1], true);
    return (!own || statements_run(shell, good ? "COMMIT" : "ROLLBACK", ".dump", 0)) && good;
}

static bool import_command(struct shell *shell, char **word)
{
    char *error = NULL;
    return csv_import(shell->sqlite, word[1], word[2], &error) == SQLITE_OK || complain_of(shell, error);
}

static bool output_command(struct shell *shell, char **word)
{
    FILE *out = word[1] == NULL ? stdout : fopen(word[1], "w");
    if (out == NULL)
        return complain(shell, "cannot be written", word[1]);
    if (shell->out != stdout && fclose(shell->out) != 0)
        (void)complain(shell, "what was written before is not whole", NULL);
    shell->out = out;
    return true;
}

static bool mode_command(struct shell *shell, char **word)
{
    const bool csv = strcmp(word[1], "csv") == 0;
    if (!csv && strcmp(word[1], "list") != 0)
        return complain(shell, ".mode csv or .mode list", NULL);
    shell->csv = csv;
    return true;
}

static bool timer_command(struct shell *shell, char **word)
{
    const bool on = strcmp(word[1], "on") == 0;
    if (!on && strcmp(word[1], "off") != 0)
        return complain(shell, ".timer on or .timer off", NULL);
    shell->timing = on;
    return true;
}

static bool quit_command(struct shell *shell, char **word)
{
    (void)word;
    shell->quits = true;
    return true;
}

static bool file_run(struct shell *shell, const char *path);

static bool read_command(struct shell *shell, char **word)
{
    return file_run(shell, word[1]);
}

static bool help_command(struct shell *shell, char **word);

static const struct command {
    const char *name;
    size_t least, most; /* how many arguments it takes */
    const char *arguments, *help;
    bool (*run)(struct shell *shell, char **word);
} commands[] = {
    {".tables", 0, 0, "", "the names of tables and views", tables_command},
    {".schema", 0, 1, "[TABLE]", "the statements that make the tables, indexes and views", schema_command},
    {".dump", 0, 1, "[TABLE]", "these, and the rows as INSERTs, as of one moment", dump_command},
    {".import", 2, 2, "FILE TABLE", "adds the rows of a CSV file whose first line names columns", import_command},
    {".mode", 1, 1, "csv|list", "how rows are printed: CSV with a line of names, or values parted by bars",
     mode_command},
    {".output", 0, 1, "[FILE]", "where rows go; without FILE to stdout", output_command},
    {".read", 1, 1, "FILE", "runs the statements of a file", read_command},
    {".timer", 1, 1, "on|off", "tells how long each statement took", timer_command},
    {".help", 0, 0, "", "this list", help_command},
    {".quit", 0, 0, "", "ends the shell", quit_command},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static bool help_command(struct shell *shell, char **word)
{
    (void)word;
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(shell->out, "%-8s %-10s  %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    return true;
}

/* The next word at *at, which ends there then; one in quotes may have blanks. NULL: there is none. */
static char *word_take(char **at)
{
    static const char blanks[] = " \t\r\n";
    char *start = *at + strspn(*at, blanks);
    if (*start == '\0')
        return NULL;
    const char quote[] = {*start, '\0'};
    const bool quoted = *start == '\'' || *start == '"';
    start += quoted;
    char *end = start + strcspn(start, quoted ? quote : blanks);
    *at = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return start;
}

static bool command_run(struct shell *shell, char *line)
{
    enum { WORDS = 4 };
    char *word[WORDS + 1] = {NULL};
    size_t count = 0;
    while (count < WORDS && (word[count] = word_take(&line)) != NULL)
        count++;
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(word[0], command->name) != 0)
            continue;
        if (count - 1 >= command->least && count - 1 <= command->most)
            return command->run(shell, word);
        (void)complain(shell, command->name, command->most == 0 ? "takes no arguments" : command->arguments);
        return false;
    }
    return complain(shell, "there is no such command; .help lists them", word[0]);
}

/* ---- Reading. ---- */

/* Runs what a stream has, a statement when it is complete. At a terminal errors end nothing. */
static bool stream_run(struct shell *shell, FILE *stream, const char *name)
{
    char *line = NULL, *sql = NULL;
    size_t capacity = 0;
    bool good = true;
    int number = 0, first = 0;
    const bool prompts = shell->terminal && stream == stdin;
    while ((good || prompts) && !shell->quits) {
        if (prompts)
            (void)fprintf(stderr, sql == NULL ? "maemio> " : "   ...> ");
        if (getline(&line, &capacity, stream) < 0)
            break;
        shell->where = name;
        shell->line = ++number;
        if (sql == NULL && line[0] == '.') {
            good = command_run(shell, line);
            continue;
        }
        if (sql == NULL)
            first = number;
        sql = sqlite3_mprintf("%z%s", sql, line);
        if (sql == NULL) {
            good = complain_of(shell, NULL);
        } else if (words_are_none(sql)) { /* a command may follow */
            sqlite3_free(sql);
            sql = NULL;
        } else if (sqlite3_complete(sql)) {
            good = statements_run(shell, sql, name, first);
            sqlite3_free(sql);
            sql = NULL;
        }
        (void)fflush(shell->out);
    }
    if (good && sql != NULL)
        good = statements_run(shell, sql, name, first);
    sqlite3_free(sql);
    free(line);
    return good || prompts;
}

static bool file_run(struct shell *shell, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return complain(shell, "cannot be read", path);
    bool good = stream_run(shell, file, path);
    (void)fclose(file);
    return good;
}

/* What -c gives: statements, or a command. */
static bool text_run(struct shell *shell, const char *text)
{
    if (text[0] != '.')
        return statements_run(shell, text, "-c", 0);
    char *line = sqlite3_mprintf("%s", text);
    bool good = line != NULL ? command_run(shell, line) : complain_of(shell, NULL);
    sqlite3_free(line);
    return good;
}

int shell_run(const struct shell_settings *settings)
{
    struct shell shell = {
        .out = stdout, .csv = settings->csv, .timing = settings->timing, .terminal = isatty(STDIN_FILENO)};
    char *error = NULL;
    int code = sqlite3_open(":memory:", &shell.sqlite);
    if (code == SQLITE_OK)
        code = mae_sql_attach(shell.sqlite, settings->folder, &error);
    if (code != SQLITE_OK) {
        (void)complain_of(&shell, error != NULL ? error : sqlite3_mprintf("%s", sqlite3_errstr(code)));
        (void)sqlite3_close(shell.sqlite);
        return 1;
    }
    shell.connection = connection_find(shell.sqlite);
    if (isatty(STDERR_FILENO))
        sqlite3_progress_handler(shell.sqlite, PROGRESS_STEPS, progress, &shell);
    bool good = true;
    for (size_t i = 0; good && !shell.quits && i < settings->command_count; i++)
        good = text_run(&shell, settings->commands[i]);
    for (size_t i = 0; good && !shell.quits && i < settings->file_count; i++)
        good = file_run(&shell, settings->files[i]);
    if (settings->command_count + settings->file_count == 0)
        good = stream_run(&shell, stdin, "stdin");
    if (shell.out != stdout)
        good = fclose(shell.out) == 0 && good;
    code = sqlite3_close(shell.sqlite);
    return good && code == SQLITE_OK ? 0 : 1;
}
