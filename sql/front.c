/* front.c - see front.h. */
#include "sql/front.h"

#include "sql/alter.h"
#include "sql/upsert.h"
#include "sql/words.h"

/* ---- Statements. ---- */

/* A name with perhaps a schema before it. NULL: none, or one of another schema. */
static char *own_name(const char **at)
{
    char *name = words_name(at);
    if (name == NULL || !words_take_if(at, "."))
        return name;
    bool own = sqlite3_stricmp(name, "maemio") == 0;
    sqlite3_free(name);
    name = words_name(at);
    if (own)
        return name;
    sqlite3_free(name);
    return NULL;
}

struct statement {
    struct connection *connection;
    const char *start; /* behind the words that tell its kind */
    const char *end;   /* the semicolon, or the end of the text */
    front_row_fn row;
    void *arg;
    char **error;
};

enum { NOT_OURS = -1 }; /* in place of a code: SQLite is to run the statement */

static int refuse(const struct statement *statement, char *why)
{
    sqlite3_free(*statement->error);
    *statement->error = why;
    return SQLITE_ERROR;
}

/* Whether it is a table of the catalogue. SQLite's own tables of that name in other schemas are not looked at. */
static bool is_ours(struct connection *connection, const char *table)
{
    sqlite3_stmt *statement;
    bool found = false;
    if (connection_refresh(connection, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(connection->sqlite,
                           "SELECT 1 FROM maemio.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE", -1,
                           &statement, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) == SQLITE_OK)
        found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

/* Behind CREATE TABLE. */
static int create_table(const struct statement *statement)
{
    const char *at = statement->start;
    bool lax = false;
    if (words_take_if(&at, "IF"))
        lax = words_take_both(&at, "NOT", "EXISTS");
    char *name = own_name(&at);
    if (name == NULL)
        return NOT_OURS;
    if (!words_take_if(&at, "(")) {
        sqlite3_free(name);
        return refuse(statement, sqlite3_mprintf("maemio: CREATE TABLE needs its columns in parentheses: CREATE TABLE "
                                                 "... AS is not supported"));
    }
    const char *end = words_parenthesis_end(at), *rest = end == NULL ? NULL : end + 1;
    int code;
    if (rest == NULL)
        code = refuse(statement, sqlite3_mprintf("maemio: a parenthesis does not end"));
    else if ((void)words_take_if(&rest, "STRICT"), words_blanks_end(rest) < statement->end)
        code = refuse(statement,
                      sqlite3_mprintf("maemio: '%.20s' behind the columns is not supported", words_blanks_end(rest)));
    else {
        char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE %smaemio.\"%w\" USING maemio(%.*s)",
                                    lax ? "IF NOT EXISTS " : "", name, (int)(end - at), at);
        code =
            sql == NULL ? SQLITE_NOMEM : sqlite3_exec(statement->connection->sqlite, sql, NULL, NULL, statement->error);
        sqlite3_free(sql);
    }
    sqlite3_free(name);
    return code;
}

/* Behind CREATE [UNIQUE] INDEX. */
static int create_index(const struct statement *statement, bool unique)
{
    const char *at = statement->start;
    bool lax = words_take_if(&at, "IF") && words_take_both(&at, "NOT", "EXISTS");
    char *name = own_name(&at), *table = NULL;
    int code = NOT_OURS;
    if (name != NULL && words_take_if(&at, "ON") && (table = words_name(&at)) != NULL && words_take_if(&at, "(") &&
        is_ours(statement->connection, table)) {
        const char *end = words_parenthesis_end(at);
        char *error = NULL;
        if (end == NULL || words_blanks_end(end + 1) < statement->end) {
            code = refuse(statement, sqlite3_mprintf("maemio: an index is over columns in parentheses, without WHERE"));
        } else {
            char *definition =
                sqlite3_mprintf("%s \"%w\"(%.*s)", unique ? "UNIQUE" : "INDEX", name, (int)(end - at), at);
            code = definition == NULL ? SQLITE_NOMEM
                                      : alter_add_index(statement->connection, table, name, definition, lax, &error);
            sqlite3_free(definition);
        }
        if (error != NULL)
            (void)refuse(statement, error);
    }
    sqlite3_free(name);
    sqlite3_free(table);
    return code;
}

/* Behind DROP INDEX. */
static int drop_index(const struct statement *statement)
{
    const char *at = statement->start;
    (void)words_take_both(&at, "IF", "EXISTS");
    char *name = own_name(&at);
    if (name == NULL)
        return NOT_OURS;
    int code = alter_drop_index(statement->connection, name, statement->error);
    sqlite3_free(name);
    return code == SQLITE_NOTFOUND ? NOT_OURS : code;
}

/* ALTER TABLE t RENAME [COLUMN] a TO b. */
static int rename_column(const struct statement *statement, const char *table, const char *at)
{
    (void)words_take_if(&at, "COLUMN");
    char *from = words_name(&at), *to = NULL;
    int code = SQLITE_ERROR;
    if (from != NULL && words_take_if(&at, "TO") && (to = words_name(&at)) != NULL &&
        words_blanks_end(at) == statement->end)
        code = alter_rename_column(statement->connection, table, from, to, statement->error);
    else
        code = refuse(statement, sqlite3_mprintf("maemio: ALTER TABLE name RENAME COLUMN name TO name"));
    sqlite3_free(from);
    sqlite3_free(to);
    return code;
}

/* Behind ALTER TABLE. RENAME TO works in SQLite. */
static int alter_table(const struct statement *statement)
{
    const char *at = statement->start;
    char *table = own_name(&at), *text = NULL;
    int code = NOT_OURS;
    if (table != NULL && is_ours(statement->connection, table)) {
        if (words_take_if(&at, "ADD")) {
            (void)words_take_if(&at, "COLUMN");
            text = sqlite3_mprintf("%.*s", (int)(statement->end - at), at);
            code = text == NULL ? SQLITE_NOMEM : alter_add_column(statement->connection, table, text, statement->error);
        } else if (words_take_if(&at, "DROP")) {
            (void)words_take_if(&at, "COLUMN");
            text = words_name(&at);
            code = text == NULL ? refuse(statement, sqlite3_mprintf("maemio: which column?"))
                                : alter_drop_column(statement->connection, table, text, statement->error);
        } else if (words_take_if(&at, "RENAME") && !words_take_if(&at, "TO")) {
            code = rename_column(statement, table, at);
        }
    }
    sqlite3_free(table);
    sqlite3_free(text);
    return code;
}

/* Behind INSERT or REPLACE: has it ON CONFLICT, and is it a table of ours? */
static int upsert(const struct statement *statement, const char *whole)
{
    const char *at = statement->start, *conflict = NULL;
    struct word word;
    if (words_take_if(&at, "OR"))
        (void)words_take(&at);
    if (!words_take_if(&at, "INTO"))
        return NOT_OURS;
    char *table = own_name(&at);
    for (int depth = 0; table != NULL && at < statement->end && conflict == NULL;) {
        const char *before = at;
        word = words_take(&at);
        depth += *word.start == '(';
        depth -= *word.start == ')';
        if (depth == 0 && words_is(word, "ON") && words_take_if(&at, "CONFLICT"))
            conflict = before;
    }
    int code = NOT_OURS;
    if (conflict != NULL && is_ours(statement->connection, table)) {
        char *insert = sqlite3_mprintf("%.*s", (int)(conflict - whole), whole);
        char *clauses = sqlite3_mprintf("%.*s", (int)(statement->end - at), at);
        code = insert == NULL || clauses == NULL
                   ? SQLITE_NOMEM
                   : upsert_run(statement->connection, table, insert, clauses, statement->error);
        sqlite3_free(insert);
        sqlite3_free(clauses);
    }
    sqlite3_free(table);
    return code;
}

/* ---- Running. ---- */

static int rows_give(const struct statement *statement, sqlite3_stmt *running)
{
    int code;
    while ((code = sqlite3_step(running)) == SQLITE_ROW) {
        if (statement->row != NULL && statement->row(statement->arg, running) != 0) {
            (void)sqlite3_finalize(running);
            (void)refuse(statement, sqlite3_mprintf("query aborted"));
            return SQLITE_ABORT;
        }
    }
    code = sqlite3_finalize(running);
    if (code != SQLITE_OK)
        (void)refuse(statement, sqlite3_mprintf("%s", sqlite3_errmsg(statement->connection->sqlite)));
    return code;
}

/* As SQLite runs it. A table that another connection has created since is unknown at first. */
static int run_plain(const struct statement *statement, const char **sql)
{
    struct connection *connection = statement->connection;
    sqlite3_stmt *running;
    const char *tail;
    int code = sqlite3_prepare_v2(connection->sqlite, *sql, -1, &running, &tail);
    if (code == SQLITE_ERROR && connection->database != NULL && connection->version != connection->database->version &&
        connection_refresh(connection, NULL) == SQLITE_OK)
        code = sqlite3_prepare_v2(connection->sqlite, *sql, -1, &running, &tail);
    if (code != SQLITE_OK) {
        *sql = statement->end + (*statement->end == ';');
        (void)refuse(statement, sqlite3_mprintf("%s", sqlite3_errmsg(connection->sqlite)));
        return code;
    }
    *sql = tail;
    return running == NULL ? SQLITE_OK : rows_give(statement, running);
}

int front_run(struct connection *connection, const char **sql, front_row_fn row, void *arg, char **error)
{
    const char *whole = words_blanks_end(*sql);
    while (*whole == ';')
        whole = words_blanks_end(whole + 1);
    const char *at = whole;
    *sql = whole;
    struct statement statement = {connection, NULL, words_statement_end(whole), row, arg, error};
    int code = NOT_OURS;
    *error = NULL;
    if (connection->database == NULL) {
        code = connection_open(connection, "", error);
        if (code != SQLITE_OK)
            return code;
        code = NOT_OURS;
    }
    if (words_take_if(&at, "CREATE")) {
        bool unique = words_take_if(&at, "UNIQUE");
        bool index = words_take_if(&at, "INDEX"), table = !unique && !index && words_take_if(&at, "TABLE");
        statement.start = at;
        code = index ? create_index(&statement, unique) : table ? create_table(&statement) : NOT_OURS;
    } else if (words_take_both(&at, "DROP", "INDEX")) {
        statement.start = at;
        code = drop_index(&statement);
    } else if (words_take_both(&at, "ALTER", "TABLE")) {
        statement.start = at;
        code = alter_table(&statement);
    } else if (words_take_if(&at, "INSERT")) {
        statement.start = at;
        code = upsert(&statement, whole);
    }
    if (code == NOT_OURS)
        return run_plain(&statement, sql);
    *sql = statement.end + (*statement.end == ';');
    return code;
}
