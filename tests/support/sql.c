/* sql.c - see sql.h. */
#include "tests/support/sql.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/maemio_sql.h"

static _Thread_local char last_error[512];

sqlite3 *sql_connect(const char *folder)
{
    sqlite3 *sqlite;
    char *error = NULL;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_extended_result_codes(sqlite, 1), SQLITE_OK);
    if (mae_sql_attach(sqlite, folder, &error) != SQLITE_OK)
        fail_msg("attach: %s", error);
    return sqlite;
}

void sql_close(sqlite3 *sqlite)
{
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

int sql_open_one(void **state)
{
    *state = sql_connect("");
    return 0;
}

int sql_close_one(void **state)
{
    sql_close(*state);
    return 0;
}

int sql_run(sqlite3 *sqlite, const char *sql)
{
    char *error = NULL;
    int code = sqlite3_exec(sqlite, sql, NULL, NULL, &error);
    (void)snprintf(last_error, sizeof last_error, "%s", error != NULL ? error : "");
    sqlite3_free(error);
    return code;
}

const char *sql_error(void)
{
    return last_error;
}

void sql_succeed(sqlite3 *sqlite, const char *sql, const char *file, int line)
{
    int code = sql_run(sqlite, sql);
    if (code != SQLITE_OK) {
        print_error("%s: %d: %s\n", sql, code, last_error);
        _fail(file, line);
    }
}

char *sql_rows(sqlite3 *sqlite, const char *sql, int with_types, int *code)
{
    static const char *const types[] = {"", "i", "r", "t", "b", "n"};
    sqlite3_stmt *statement;
    sqlite3_str *text = sqlite3_str_new(NULL);
    if ((*code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL)) == SQLITE_OK) {
        while ((*code = sqlite3_step(statement)) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(statement); i++) {
                const char *type = with_types ? types[sqlite3_column_type(statement, i)] : "";
                const unsigned char *value = sqlite3_column_text(statement, i);
                sqlite3_str_appendf(text, "%s%s%s", i > 0 ? "|" : "", type, value != NULL ? (const char *)value : "");
            }
            sqlite3_str_appendchar(text, 1, '\n');
        }
        *code = sqlite3_finalize(statement);
    }
    (void)snprintf(last_error, sizeof last_error, "%s", *code != SQLITE_OK ? sqlite3_errmsg(sqlite) : "");
    char *rows = sqlite3_str_finish(text), *copy = *code == SQLITE_OK ? strdup(rows != NULL ? rows : "") : NULL;
    sqlite3_free(rows);
    return copy;
}

void sql_compare(sqlite3 *sqlite, const char *rows, const char *sql, const char *file, int line)
{
    int code;
    char *found = sql_rows(sqlite, sql, 0, &code);
    if (found == NULL || strcmp(found, rows) != 0) {
        print_error("%s: %d: %s\nfound:\n%s\nwanted:\n%s\n", sql, code, last_error, found != NULL ? found : "", rows);
        _fail(file, line);
    }
    free(found);
}
