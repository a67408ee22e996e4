/* schema.c - see schema.h. */
#include "sql/schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/sqlite.h"
#include "sql/words.h"

struct parser {
    const char *at;
    const char *word_start;
    char word[256]; /* of the last word_next: a name, unquoted, or one character */
    bool quoted;
    bool catalogue; /* the text is the catalogue's: indexes have numbers */
    struct table *table;
    char **error;
};

static const struct type {
    const char *name;
    enum column_type type;
} types[] = {
#define TYPE_ENTRY(word, meaning) {#word, COLUMN_##meaning},
    COLUMN_TYPE_TABLE(TYPE_ENTRY)
#undef TYPE_ENTRY
};

static const char *const collations[] = {
#define COLLATION_ENTRY(word) #word,
    COLLATION_TABLE(COLLATION_ENTRY)
#undef COLLATION_ENTRY
};

/* ---- Words. ---- */

static bool refuse(struct parser *parser, char *why)
{
    if (*parser->error == NULL)
        *parser->error = why;
    else
        sqlite3_free(why);
    return false;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

/* Skips what separates words: blanks and comments. */
static void blanks_skip(struct parser *parser)
{
    for (;;) {
        if (isspace((unsigned char)*parser->at)) {
            parser->at++;
        } else if (strncmp(parser->at, "--", 2) == 0) {
            parser->at += strcspn(parser->at, "\n");
        } else if (strncmp(parser->at, "/*", 2) == 0) {
            const char *end = strstr(parser->at + 2, "*/");
            parser->at = end != NULL ? end + 2 : parser->at + strlen(parser->at);
        } else {
            return;
        }
    }
}

static char closing_quote(char c)
{
    return c == '"' || c == '`' ? c : c == '[' ? ']' : '\0';
}

/* The next word; "" at the end. */
static bool word_next(struct parser *parser)
{
    size_t length = 0;
    blanks_skip(parser);
    parser->word_start = parser->at;
    char close = closing_quote(*parser->at);
    parser->quoted = close != '\0';
    if (parser->quoted)
        parser->at++;
    for (;; parser->at++) {
        if (parser->quoted && *parser->at == '\0')
            return refuse(parser, sqlite3_mprintf("maemio: a quoted name does not end"));
        if (parser->quoted && *parser->at == close) {
            if (close == ']' || parser->at[1] != close)
                break;
            parser->at++; /* a quote within the name is doubled */
        } else if (!parser->quoted && !is_name(*parser->at)) {
            break;
        }
        if (length + 1 == sizeof parser->word)
            return refuse(parser, sqlite3_mprintf("maemio: a name is longer than %d bytes", (int)length));
        parser->word[length++] = *parser->at;
    }
    if (parser->quoted || (length == 0 && *parser->at != '\0')) {
        if (!parser->quoted)
            parser->word[length++] = *parser->at;
        parser->at++;
    }
    parser->word[length] = '\0';
    return true;
}

static bool is_word(const struct parser *parser, const char *word)
{
    return !parser->quoted && strcasecmp(parser->word, word) == 0;
}

static bool at_end(const struct parser *parser)
{
    return is_word(parser, ",") || is_word(parser, "");
}

static bool expect(struct parser *parser, const char *word)
{
    if (!word_next(parser))
        return false;
    return is_word(parser, word) ||
           refuse(parser, sqlite3_mprintf("maemio: '%s' where %s should be", parser->word, word));
}

static char *text_copy(const char *start, const char *end)
{
    return sqlite3_mprintf("%.*s", (int)(end - start), start);
}

/* The end of a string or quoted name that begins at `at`, or of its line or comment; NULL: it does not end. */
static const char *quotation_end(const char *at)
{
    const char close = *at == '[' ? ']' : *at;
    for (at++; *at != '\0'; at++)
        if (*at == close && (close == ']' || *++at != close))
            return close == ']' ? at + 1 : at;
    return NULL;
}

/* Takes what stands in parentheses, which begin at the last word; without them. */
static bool parenthesis_take(struct parser *parser, char **text)
{
    const char *start = parser->at;
    for (unsigned depth = 1; depth > 0;) {
        if (*parser->at == '\0')
            return refuse(parser, sqlite3_mprintf("maemio: a parenthesis does not end"));
        if (strchr("'\"`[", *parser->at) != NULL) {
            const char *end = quotation_end(parser->at);
            if (end == NULL)
                return refuse(parser, sqlite3_mprintf("maemio: a quotation does not end"));
            parser->at = end;
            continue;
        }
        depth += *parser->at == '(';
        depth -= *parser->at == ')';
        parser->at++;
    }
    sqlite3_free(*text);
    return (*text = text_copy(start, parser->at - 1)) != NULL;
}

/* ---- Constraints. ---- */

static bool default_parse(struct parser *parser, struct column *column)
{
    blanks_skip(parser);
    const char *start = parser->at;
    parser->table->has_defaults = true;
    if (*start == '\'') {
        const char *end = quotation_end(start);
        if (end == NULL)
            return refuse(parser, sqlite3_mprintf("maemio: a string does not end"));
        parser->at = end;
        sqlite3_free(column->default_text);
        return (column->default_text = text_copy(start, end)) != NULL;
    }
    if (*start == '(') {
        parser->at++;
        return parenthesis_take(parser, &column->default_text);
    }
    parser->at += strspn(start, "+-");
    const bool number = isdigit((unsigned char)*parser->at) || *parser->at == '.';
    parser->at += strspn(parser->at, "0123456789.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (number && (parser->at[-1] == 'e' || parser->at[-1] == 'E'))
        parser->at += strspn(parser->at, "+-0123456789"); /* 1e-3 */
    if (parser->at == start)
        return refuse(parser, sqlite3_mprintf("maemio: column %s: no value follows DEFAULT", column->name));
    if (*parser->at == '\'')
        parser->at = quotation_end(parser->at) != NULL ? quotation_end(parser->at) : parser->at; /* x'00' */
    sqlite3_free(column->default_text);
    return (column->default_text = text_copy(start, parser->at)) != NULL;
}

static bool check_parse(struct parser *parser)
{
    if (parser->table->checks == CHECKS_MAX)
        return refuse(parser, sqlite3_mprintf("maemio: more than %d CHECKs", CHECKS_MAX));
    return expect(parser, "(") && parenthesis_take(parser, &parser->table->check[parser->table->checks++]);
}

static bool collation_parse(struct parser *parser, enum collation *collation)
{
    if (!word_next(parser))
        return false;
    for (size_t i = 0; i < sizeof collations / sizeof collations[0]; i++) {
        if (strcasecmp(parser->word, collations[i]) == 0) {
            *collation = (enum collation)i;
            return true;
        }
    }
    return refuse(parser,
                  sqlite3_mprintf("maemio: '%s' is no collation; there are BINARY, NOCASE, RTRIM", parser->word));
}

static struct index *index_new(struct parser *parser, bool unique)
{
    if (parser->table->indexes == INDEXES_MAX) {
        refuse(parser, sqlite3_mprintf("maemio: more than %d indexes", INDEXES_MAX));
        return NULL;
    }
    struct index *index = &parser->table->index[parser->table->indexes++];
    index->unique = unique;
    return index;
}

/* A primary key over the columns of `key`: the rowid, or a unique index. */
static bool primary_key_make(struct parser *parser, const struct index *key)
{
    struct table *table = parser->table;
    if (key->columns == 1 && table->column[key->column[0]].type == COLUMN_INTEGER) {
        if (table->key >= 0)
            return refuse(parser, sqlite3_mprintf("maemio: the table has two primary keys"));
        table->key = (int)key->column[0];
        return true;
    }
    struct index *index = index_new(parser, true);
    if (index == NULL)
        return false;
    *index = *key;
    index->unique = true;
    for (unsigned i = 0; i < index->columns; i++)
        table->column[index->column[i]].not_null = true;
    return true;
}

/* The index's columns in parentheses, of which the first one has been read. */
static bool columns_parse(struct parser *parser, struct index *index)
{
    if (!is_word(parser, "("))
        return refuse(parser, sqlite3_mprintf("maemio: '%s' where ( should be", parser->word));
    do {
        if (!word_next(parser))
            return false;
        int column = schema_column(parser->table, parser->word);
        if (column < 0)
            return refuse(parser, sqlite3_mprintf("maemio: there is no column '%s'", parser->word));
        if (index->columns == INDEX_COLUMNS_MAX)
            return refuse(parser, sqlite3_mprintf("maemio: an index over more than %d columns", INDEX_COLUMNS_MAX));
        if (parser->table->column[column].type == COLUMN_ANY)
            return refuse(parser, sqlite3_mprintf("maemio: column %s: an index needs a type other than ANY",
                                                  parser->table->column[column].name));
        index->column[index->columns] = (unsigned)column;
        index->collation[index->columns] = parser->table->column[column].collation;
        if (!word_next(parser))
            return false;
        if (is_word(parser, "COLLATE") &&
            !(collation_parse(parser, &index->collation[index->columns]) && word_next(parser)))
            return false;
        index->columns++;
    } while (is_word(parser, ","));
    return is_word(parser, ")") ||
           refuse(parser, sqlite3_mprintf("maemio: '%s' behind a column of an index", parser->word));
}

static bool at_number(const struct parser *parser)
{
    return parser->catalogue && !parser->quoted && isdigit((unsigned char)parser->word[0]);
}

/* The number of the engine's index and what ANALYZE has found, if there are any. */
static bool numbers_parse(struct parser *parser, struct index *index)
{
    for (unsigned i = 0; at_number(parser); i++) {
        uint64_t number = strtoull(parser->word, NULL, 10);
        if (i > INDEX_COLUMNS_MAX)
            return refuse(parser, sqlite3_mprintf("maemio: too many numbers of an index"));
        if (i == 0)
            index->id = number;
        else
            index->alike[i - 1] = number;
        if (!word_next(parser))
            return false;
    }
    return true;
}

/* Perhaps USING and the kind of the index. */
static bool method_parse(struct parser *parser, struct index *index)
{
    if (!is_word(parser, "USING"))
        return true;
    if (!word_next(parser))
        return false;
    index->hash = is_word(parser, "HASH");
    if (!index->hash && !is_word(parser, "BTREE"))
        return refuse(parser, sqlite3_mprintf("maemio: '%s' behind USING; there are HASH and BTREE", parser->word));
    return word_next(parser);
}

/* What follows the word UNIQUE or INDEX: perhaps numbers, perhaps a name, perhaps its kind, the columns. */
static bool index_parse(struct parser *parser, bool unique)
{
    struct index *index = index_new(parser, unique);
    if (index == NULL || !word_next(parser) || !numbers_parse(parser, index))
        return false;
    if (!parser->quoted && isdigit((unsigned char)parser->word[0]))
        return refuse(parser, sqlite3_mprintf("maemio: '%s' where an index's name should be", parser->word));
    if (!is_word(parser, "(") && !is_word(parser, "USING")) {
        if ((index->name = memory_text(parser->word)) == NULL || !word_next(parser))
            return false;
    } else if (!unique) {
        return refuse(parser, sqlite3_mprintf("maemio: INDEX without a name"));
    }
    return method_parse(parser, index) && columns_parse(parser, index) && word_next(parser);
}

/* ---- Columns and tables. ---- */

static bool type_parse(struct parser *parser, struct column *column)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (is_word(parser, types[i].name)) {
            column->type = types[i].type;
            column->type_name = types[i].name;
            return true;
        }
    }
    return refuse(parser,
                  sqlite3_mprintf("maemio: column %s: '%s' is no type; there are INTEGER, REAL, TEXT, BLOB, ANY",
                                  column->name, parser->word));
}

/* COLLATE may stand behind the UNIQUE or PRIMARY KEY of its column. */
static bool collation_set(struct parser *parser, unsigned column)
{
    struct table *table = parser->table;
    if (!collation_parse(parser, &table->column[column].collation))
        return false;
    for (unsigned i = 0; i < table->indexes; i++)
        if (table->index[i].columns == 1 && table->index[i].column[0] == column)
            table->index[i].collation[0] = table->column[column].collation;
    return true;
}

static bool constraint_parse(struct parser *parser, struct column *column, unsigned number)
{
    if (is_word(parser, "NOT")) {
        column->not_null = true;
        return expect(parser, "NULL");
    }
    if (is_word(parser, "NULL"))
        return true;
    if (is_word(parser, "PRIMARY"))
        return expect(parser, "KEY") &&
               primary_key_make(parser,
                                &(struct index){.columns = 1, .column = {number}, .collation = {column->collation}});
    if (is_word(parser, "COLLATE"))
        return collation_set(parser, number);
    if (is_word(parser, "DEFAULT"))
        return default_parse(parser, column);
    if (is_word(parser, "CHECK"))
        return check_parse(parser);
    if (is_word(parser, "UNIQUE")) {
        struct index *index = index_new(parser, true);
        if (index == NULL)
            return false;
        index->columns = 1;
        index->column[0] = number;
        index->collation[0] = column->collation;
        return true;
    }
    return refuse(parser, sqlite3_mprintf("maemio: column %s: '%s' is not supported; a column may be NOT NULL, PRIMARY "
                                          "KEY, UNIQUE, have a DEFAULT, a COLLATE and a CHECK",
                                          column->name, parser->word));
}

/* One column, whose name has been read, up to the comma or the end behind it. */
static bool column_parse(struct parser *parser)
{
    struct table *table = parser->table;
    if (table->columns == COLUMNS_MAX)
        return refuse(parser, sqlite3_mprintf("maemio: more than %d columns", COLUMNS_MAX));
    struct column *column = &table->column[table->columns];
    if (!parser->quoted && !is_name(parser->word[0]))
        return refuse(parser, sqlite3_mprintf("maemio: '%s' where a column's name should be", parser->word));
    if (schema_column(table, parser->word) >= 0)
        return refuse(parser, sqlite3_mprintf("maemio: there are two columns %s", parser->word));
    if ((column->name = memory_text(parser->word)) == NULL || !word_next(parser) || !type_parse(parser, column))
        return false;
    table->columns++;
    for (;;) {
        if (!word_next(parser))
            return false;
        if (at_end(parser))
            return true;
        if (!constraint_parse(parser, column, table->columns - 1))
            return false;
    }
}

/* A column, or a constraint of the table, up to the comma or the end behind it. */
static bool part_parse(struct parser *parser)
{
    if (!word_next(parser))
        return false;
    if (is_word(parser, "UNIQUE") || is_word(parser, "INDEX"))
        return index_parse(parser, is_word(parser, "UNIQUE"));
    if (is_word(parser, "CHECK"))
        return check_parse(parser) && word_next(parser);
    if (is_word(parser, "PRIMARY")) {
        struct index key = {.columns = 0};
        return expect(parser, "KEY") && word_next(parser) && columns_parse(parser, &key) &&
               primary_key_make(parser, &key) && word_next(parser);
    }
    return column_parse(parser);
}

static bool parts_parse(struct parser *parser)
{
    do {
        if (!part_parse(parser))
            return false;
    } while (is_word(parser, ","));
    if (!is_word(parser, ""))
        return refuse(parser, sqlite3_mprintf("maemio: '%s' where a comma should be", parser->word));
    return parser->table->columns > 0 || refuse(parser, sqlite3_mprintf("maemio: a table without columns"));
}

static struct table *parse(const char *name, const char *text, bool catalogue, char **error)
{
    struct table *table = memory_zeroed(sizeof *table);
    struct parser parser = {.at = text, .error = error, .table = table, .catalogue = catalogue};
    *error = NULL;
    if (table == NULL)
        return NULL;
    table->key = -1;
    if ((table->name = memory_text(name)) != NULL && (table->text = memory_text(text)) != NULL && parts_parse(&parser))
        return table;
    schema_free(table);
    return NULL;
}

struct table *schema_parse(const char *name, const char *text, char **error)
{
    return parse(name, text, false, error);
}

static const char view_word[] = "VIEW ";

struct table *schema_read(const char *name, const char *text, char **error)
{
    if (strncmp(text, view_word, strlen(view_word)) != 0) /* names of columns are quoted in the catalogue */
        return parse(name, text, true, error);
    struct table *view = memory_zeroed(sizeof *view);
    *error = NULL;
    if (view == NULL)
        return NULL;
    view->is_view = true;
    if ((view->name = memory_text(name)) != NULL && (view->text = memory_text(text)) != NULL)
        return view;
    schema_free(view);
    return NULL;
}

void schema_free(struct table *table)
{
    if (table == NULL)
        return;
    for (unsigned i = 0; i < COLUMNS_MAX; i++) {
        sqlite3_free(table->column[i].name);
        sqlite3_free(table->column[i].default_text);
    }
    for (unsigned i = 0; i < INDEXES_MAX; i++)
        sqlite3_free(table->index[i].name);
    for (unsigned i = 0; i < CHECKS_MAX; i++)
        sqlite3_free(table->check[i]);
    sqlite3_free(table->name);
    sqlite3_free(table->text);
    sqlite3_free(table);
}

int schema_column(const struct table *table, const char *name)
{
    for (unsigned i = 0; i < table->columns; i++)
        if (strcasecmp(table->column[i].name, name) == 0)
            return (int)i;
    return -1;
}

const char *schema_collation_name(enum collation collation)
{
    return collations[collation];
}

/* ---- Text. ---- */

static void columns_append(sqlite3_str *text, const struct table *table, bool defaults)
{
    for (unsigned i = 0; i < table->columns; i++) {
        const struct column *column = &table->column[i];
        /* SQLite would take ANY for a numeric type; without a type it converts nothing. */
        sqlite3_str_appendf(text, "%s\"%w\" %s%s%s", i > 0 ? ", " : "", column->name,
                            column->type == COLUMN_ANY && !defaults ? "" : column->type_name,
                            (int)i == table->key ? " PRIMARY KEY" : "", column->not_null ? " NOT NULL" : "");
        if (column->collation != COLLATION_BINARY)
            sqlite3_str_appendf(text, " COLLATE %s", collations[column->collation]);
        if (defaults && column->default_text != NULL)
            sqlite3_str_appendf(text, " DEFAULT (%s)", column->default_text);
    }
}

static void index_columns_append(sqlite3_str *text, const struct table *table, const struct index *index)
{
    for (unsigned i = 0; i < index->columns; i++) {
        const struct column *column = &table->column[index->column[i]];
        sqlite3_str_appendf(text, "%s\"%w\"", i > 0 ? ", " : "(", column->name);
        if (index->collation[i] != column->collation)
            sqlite3_str_appendf(text, " COLLATE %s", collations[index->collation[i]]);
    }
    sqlite3_str_appendchar(text, 1, ')');
}

char *schema_view_text(const char *body)
{
    return sqlite3_mprintf("%s%s", view_word, body);
}

char *schema_view_create(const struct table *view, const char *before)
{
    return sqlite3_mprintf("CREATE VIEW %s\"%w\" %s", before, view->name, view->text + strlen(view_word));
}

bool schema_view_is(const struct table *view, const char *create)
{
    (void)words_take_both(&create, "CREATE", "VIEW");
    (void)words_take(&create); /* its name */
    return strcmp(words_blanks_end(create), view->text + strlen(view_word)) == 0;
}

char *schema_text(const struct table *table, bool for_people)
{
    if (table->is_view)
        return memory_text(table->text);
    sqlite3_str *text = sqlite3_str_new(NULL);
    columns_append(text, table, true);
    for (unsigned i = 0; i < table->checks; i++)
        sqlite3_str_appendf(text, ", CHECK (%s)", table->check[i]);
    for (unsigned i = 0; i < table->indexes; i++) {
        const struct index *index = &table->index[i];
        if (for_people && index->name != NULL)
            continue; /* it has a CREATE INDEX of its own */
        sqlite3_str_appendall(text, index->unique ? ", UNIQUE" : ", INDEX");
        if (!for_people)
            sqlite3_str_appendf(text, " %llu", (unsigned long long)index->id);
        for (unsigned j = 0; !for_people && j < index->columns && index->alike[j] > 0; j++)
            sqlite3_str_appendf(text, " %llu", (unsigned long long)index->alike[j]);
        if (index->name != NULL)
            sqlite3_str_appendf(text, " \"%w\"", index->name);
        sqlite3_str_appendall(text, index->hash ? " USING HASH " : index->name == NULL ? " " : "");
        index_columns_append(text, table, index);
    }
    return sqlite3_str_finish(text);
}

char *schema_index_text(const struct table *table, const struct index *index)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendf(text, "CREATE %sINDEX \"%w\" ON \"%w\"%s", index->unique ? "UNIQUE " : "", index->name,
                        table->name, index->hash ? " USING HASH " : "");
    index_columns_append(text, table, index);
    return sqlite3_str_finish(text);
}

char *schema_declaration(const struct table *table)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, "CREATE TABLE x(");
    columns_append(text, table, false);
    sqlite3_str_appendchar(text, 1, ')');
    return sqlite3_str_finish(text);
}
