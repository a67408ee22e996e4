/* words.c - see words.h. */
#include "sql/words.h"

#include <ctype.h>
#include <string.h>

#include "sql/sqlite.h"

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* Behind blanks and comments. *ends: the last comment does, if it is one with a star. */
static const char *blanks_end(const char *at, bool *ends)
{
    *ends = true;
    for (;;) {
        if (isspace((unsigned char)*at)) {
            at++;
        } else if (strncmp(at, "--", 2) == 0) {
            at += strcspn(at, "\n");
        } else if (strncmp(at, "/*", 2) == 0) {
            const char *end = strstr(at + 2, "*/");
            *ends = end != NULL;
            at = end != NULL ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

const char *words_blanks_end(const char *at)
{
    bool ends;
    return blanks_end(at, &ends);
}

bool words_are_none(const char *text)
{
    bool ends;
    return *blanks_end(text, &ends) == '\0' && ends;
}

/* Behind the quotation, or the end of the text, if it does not end. */
static const char *quotation_end(const char *at, bool *ends)
{
    const char close = *at == '[' ? ']' : *at;
    *ends = true;
    for (at++; *at != '\0'; at++)
        if (*at == close && (close == ']' || *++at != close))
            return close == ']' ? at + 1 : at;
    *ends = false;
    return at;
}

static bool is_quote(char c)
{
    return c == '\'' || c == '"' || c == '`' || c == '[';
}

/* The next word at *at, which moves behind it: a name or number, a quotation, or one character. */
struct word words_take(const char **at)
{
    struct word word = {.start = words_blanks_end(*at)};
    bool ends;
    word.end = word.start;
    if (is_quote(*word.end))
        word.end = quotation_end(word.end, &ends);
    else if (is_name(*word.end))
        while (is_name(*word.end))
            word.end++;
    else if (*word.end != '\0')
        word.end++;
    *at = word.end;
    return word;
}

bool words_is(struct word word, const char *text)
{
    return (size_t)(word.end - word.start) == strlen(text) &&
           sqlite3_strnicmp(word.start, text, (int)strlen(text)) == 0;
}

/* Takes the word if it is this one. */
bool words_take_if(const char **at, const char *text)
{
    const char *next = *at;
    if (!words_is(words_take(&next), text))
        return false;
    *at = next;
    return true;
}

bool words_take_both(const char **at, const char *first, const char *second)
{
    const char *next = *at;
    if (!words_take_if(&next, first) || !words_take_if(&next, second))
        return false;
    *at = next;
    return true;
}

/* A name without its quotes, to be freed; NULL: there is none. Names may stand in the quotes of strings, too, as SQLite
 * takes them. */
int words_name(const char **at, char **taken)
{
    const char *next = *at;
    struct word word = words_take(&next);
    const char quote = *word.start;
    const bool quoted = is_quote(quote);
    bool ends = true;
    *taken = NULL;
    if (quoted)
        (void)quotation_end(word.start, &ends);
    if (word.start == word.end || (!quoted && !is_name(quote)) || !ends)
        return SQLITE_NOTFOUND;
    char *name = sqlite3_mprintf("%.*s", (int)(word.end - word.start) - (quoted ? 2 : 0), word.start + quoted);
    if (name == NULL)
        return SQLITE_NOMEM;
    for (char *from = name, *to = name; quoted && quote != '['; from++, to++) {
        *to = *from;
        if (*from == '\0')
            break;
        if (*from == quote && from[1] == quote)
            from++;
    }
    *at = next;
    *taken = name;
    return SQLITE_OK;
}

/* The end of the statement: a semicolon or the end of the text. */
const char *words_statement_end(const char *at)
{
    struct word word;
    do
        word = words_take(&at);
    while (word.start != word.end && *word.start != ';');
    return word.start;
}

/* The end of what stands in parentheses, of which the first has been taken: the last one. NULL: it does not end. */
const char *words_parenthesis_end(const char *at)
{
    for (int depth = 1; depth > 0;) {
        struct word word = words_take(&at);
        if (word.start == word.end)
            return NULL;
        depth += *word.start == '(';
        depth -= *word.start == ')';
    }
    return at - 1;
}
