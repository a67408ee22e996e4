/* front.c - see front.h. */
#include "sql/front.h"

#include "sql/alter.h"
#include "sql/analyze.h"
#include "sql/upsert.h"
#include "sql/words.h"

/* ---- Statements. ---- */

enum { NOT_OURS = SQLITE_NOTFOUND }; /* SQLite is to run the statement */

/* A name with perhaps a schema before it. NOT_OURS: none, or one of another schema. */
static int own_name(const char **at, char **name)
{
    int code = words_name(at, name);
    if (code != SQLITE_OK || !words_take_if(at, "."))
        return code;
    bool own = sqlite3_stricmp(*name, "maemio") == 0;
    sqlite3_free(*name);
    code = words_name(at, name);
    if (own || code != SQLITE_OK)
        return code;
    sqlite3_free(*name);
    *name = NULL;
    return NOT_OURS;
}

struct statement {
    struct connection *connection;
    const char *start; /* behind the words that tell its kind */
    const char *end;   /* the semicolon, or the end of the text */
    front_row_fn row;
    void *arg;
    char **error;
};

static int refuse(const struct statement *statement, char *why)
{
    sqlite3_free(*statement->error);
    *statement->error = why;
    return SQLITE_ERROR;
}

/* Is it a table of the catalogue? Then SQLITE_OK. SQLite's own tables of that name in other schemas are not looked
 * at. */
static int is_ours(const struct statement *statement, const char *table)
{
    struct connection *connection = statement->connection;
    sqlite3_stmt *look;
    int code = connection_follow(connection, statement->error);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_prepare_v2(connection->sqlite,
                              "SELECT 1 FROM maemio.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
                              -1, &look, NULL);
    if (code == SQLITE_OK && (code = sqlite3_bind_text(look, 1, table, -1, SQLITE_STATIC)) == SQLITE_OK)
        code = sqlite3_step(look) == SQLITE_ROW ? SQLITE_OK : NOT_OURS;
    int end = sqlite3_finalize(look);
    return code == NOT_OURS && end != SQLITE_OK ? end : code;
}

/* Behind CREATE TABLE. */
static int create_table(const struct statement *statement)
{
    const char *at = statement->start;
    bool lax = false;
    if (words_take_if(&at, "IF"))
        lax = words_take_both(&at, "NOT", "EXISTS");
    char *name;
    int code = own_name(&at, &name);
    if (code != SQLITE_OK)
        return code;
    if (!words_take_if(&at, "(")) {
        sqlite3_free(name);
        return refuse(statement, sqlite3_mprintf("maemio: CREATE TABLE needs its columns in parentheses: CREATE TABLE "
                                                 "... AS is not supported"));
    }
    const char *end = words_parenthesis_end(at), *rest = end == NULL ? NULL : end + 1;
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
    char *name, *table = NULL;
    int code = own_name(&at, &name);
    if (code == SQLITE_OK)
        code = words_take_if(&at, "ON") ? words_name(&at, &table) : NOT_OURS;
    const char *method = at; /* perhaps USING and a kind of index */
    if (code == SQLITE_OK && words_take_if(&at, "USING"))
        (void)words_take(&at);
    const int method_length = (int)(at - method);
    if (code == SQLITE_OK && !words_take_if(&at, "("))
        code = NOT_OURS;
    else if (code == SQLITE_OK && (code = is_ours(statement, table)) == NOT_OURS && method_length > 0)
        code = refuse(statement, sqlite3_mprintf("maemio: USING is for Maemio's tables, and %s is none", table));
    if (code == SQLITE_OK) {
        const char *end = words_parenthesis_end(at);
        char *error = NULL;
        if (end == NULL || words_blanks_end(end + 1) < statement->end) {
            code = refuse(statement, sqlite3_mprintf("maemio: an index is over columns in parentheses, without WHERE"));
        } else {
            char *definition = sqlite3_mprintf("%s \"%w\" %.*s(%.*s)", unique ? "UNIQUE" : "INDEX", name, method_length,
                                               method, (int)(end - at), at);
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
    char *name;
    int code = own_name(&at, &name);
    if (code == SQLITE_OK) /* NOT_OURS: there is no such index */
        code = alter_drop_index(statement->connection, name, statement->error);
    sqlite3_free(name);
    return code;
}

/* Behind CREATE VIEW. */
static int create_view(const struct statement *statement)
{
    const char *at = statement->start;
    bool lax = words_take_if(&at, "IF") && words_take_both(&at, "NOT", "EXISTS");
    char *name;
    int code = own_name(&at, &name);
    if (code == SQLITE_OK) {
        const char *body = words_blanks_end(at), *end = body;
        while (words_blanks_end(at) < statement->end)
            end = words_take(&at).end;
        char *text = sqlite3_mprintf("%.*s", (int)(end - body), body);
        code = text == NULL ? SQLITE_NOMEM : alter_add_view(statement->connection, name, text, lax, statement->error);
        sqlite3_free(text);
    }
    sqlite3_free(name);
    return code;
}

/* Behind DROP VIEW. NOT_OURS: there is no such view in the catalogue. */
static int drop_view(const struct statement *statement)
{
    const char *at = statement->start;
    (void)words_take_both(&at, "IF", "EXISTS");
    char *name;
    int code = own_name(&at, &name);
    if (code == SQLITE_OK && words_blanks_end(at) < statement->end)
        code = NOT_OURS; /* SQLite says what is wrong */
    if (code == SQLITE_OK)
        code = alter_drop_view(statement->connection, name, statement->error);
    sqlite3_free(name);
    return code;
}

/* Behind ANALYZE: nothing, `maemio`, a table or an index. */
static int analyze(const struct statement *statement)
{
    const char *at = statement->start;
    char *name, *schema = NULL;
    int code = words_name(&at, &name);
    if (code == SQLITE_OK && words_take_if(&at, ".")) {
        schema = name;
        code = words_name(&at, &name);
    }
    const bool nameless = schema != NULL && name == NULL;
    const bool ours = !nameless && (schema == NULL || sqlite3_stricmp(schema, "maemio") == 0);
    const bool all = schema == NULL && (name == NULL || sqlite3_stricmp(name, "maemio") == 0);
    if (code != SQLITE_NOMEM)
        code = ours && words_blanks_end(at) == statement->end
                   ? connection_follow(statement->connection, statement->error)
                   : NOT_OURS;
    if (code == SQLITE_OK)
        code = analyze_run(statement->connection, all ? NULL : name, statement->error);
    sqlite3_free(schema);
    sqlite3_free(name);
    return code;
}

/* ALTER TABLE t RENAME [COLUMN] a TO b. */
static int rename_column(const struct statement *statement, const char *table, const char *at)
{
    (void)words_take_if(&at, "COLUMN");
    char *from, *to = NULL;
    int code = words_name(&at, &from);
    if (code == SQLITE_OK)
        code = words_take_if(&at, "TO") ? words_name(&at, &to) : SQLITE_NOTFOUND;
    if (code == SQLITE_OK && words_blanks_end(at) == statement->end)
        code = alter_rename_column(statement->connection, table, from, to, statement->error);
    else if (code != SQLITE_NOMEM)
        code = refuse(statement, sqlite3_mprintf("maemio: ALTER TABLE name RENAME COLUMN name TO name"));
    sqlite3_free(from);
    sqlite3_free(to);
    return code;
}

/* Behind ALTER TABLE. RENAME TO works in SQLite. */
static int alter_table(const struct statement *statement)
{
    const char *at = statement->start;
    char *table, *text = NULL;
    int code = own_name(&at, &table);
    if (code == SQLITE_OK)
        code = is_ours(statement, table);
    if (code == SQLITE_OK) {
        code = NOT_OURS;
        if (words_take_if(&at, "ADD")) {
            (void)words_take_if(&at, "COLUMN");
            text = sqlite3_mprintf("%.*s", (int)(statement->end - at), at);
            code = text == NULL ? SQLITE_NOMEM : alter_add_column(statement->connection, table, text, statement->error);
        } else if (words_take_if(&at, "DROP")) {
            (void)words_take_if(&at, "COLUMN");
            code = words_name(&at, &text);
            if (code == SQLITE_OK)
                code = alter_drop_column(statement->connection, table, text, statement->error);
            else if (code == SQLITE_NOTFOUND)
                code = refuse(statement, sqlite3_mprintf("maemio: which column?"));
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
    char *table;
    int code = own_name(&at, &table);
    for (int depth = 0; table != NULL && at < statement->end && conflict == NULL;) {
        const char *before = at;
        word = words_take(&at);
        depth += *word.start == '(';
        depth -= *word.start == ')';
        if (depth == 0 && words_is(word, "ON") && words_take_if(&at, "CONFLICT"))
            conflict = before;
    }
    if (code == SQLITE_OK)
        code = conflict == NULL ? NOT_OURS : is_ours(statement, table);
    if (code == SQLITE_OK) {
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
    if (code == SQLITE_ERROR && connection->database != NULL && connection->version != connection->database->version) {
        code = connection_follow(connection, statement->error);
        if (code == SQLITE_OK)
            code = sqlite3_prepare_v2(connection->sqlite, *sql, -1, &running, &tail);
    }
    if (code != SQLITE_OK) {
        *sql = statement->end + (*statement->end == ';');
        (void)refuse(statement, sqlite3_mprintf("%s", sqlite3_errmsg(connection->sqlite)));
        return code;
    }
    *sql = tail;
    const bool outside = sqlite3_get_autocommit(connection->sqlite);
    code = running == NULL ? SQLITE_OK : rows_give(statement, running);
    /* A maemio_exec within it may have begun a transaction, and then been interrupted or without memory: until the
     * statement around it has ended, SQLite runs no other that could end the transaction. */
    if (code != SQLITE_OK && outside && !sqlite3_get_autocommit(connection->sqlite))
        (void)sqlite3_exec(connection->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return code;
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
        code = connection_open(connection, "", NULL, error);
        if (code != SQLITE_OK)
            return code;
        code = NOT_OURS;
    }
    if (words_take_if(&at, "CREATE")) {
        bool unique = words_take_if(&at, "UNIQUE");
        bool index = words_take_if(&at, "INDEX"), table = !unique && !index && words_take_if(&at, "TABLE");
        bool view = !unique && !index && !table && words_take_if(&at, "VIEW");
        statement.start = at;
        code = index   ? create_index(&statement, unique)
               : table ? create_table(&statement)
               : view  ? create_view(&statement)
                       : NOT_OURS;
    } else if (words_take_both(&at, "DROP", "INDEX")) {
        statement.start = at;
        code = drop_index(&statement);
    } else if (words_take_both(&at, "DROP", "VIEW")) {
        statement.start = at;
        code = drop_view(&statement);
    } else if (words_take_both(&at, "ALTER", "TABLE")) {
        statement.start = at;
        code = alter_table(&statement);
    } else if (words_take_if(&at, "ANALYZE")) {
        statement.start = at;
        code = analyze(&statement);
    } else if (words_take_if(&at, "INSERT")) {
        statement.start = at;
        code = upsert(&statement, whole);
    }
    if (code == NOT_OURS)
        return run_plain(&statement, sql);
    *sql = statement.end + (*statement.end == ';');
    return code;
}
