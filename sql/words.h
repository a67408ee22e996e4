/* words.h - the words of a statement of SQL, taken one after the other. */
#ifndef SQL_WORDS_H
#define SQL_WORDS_H

#include <stdbool.h>

struct word {
    const char *start, *end; /* equal: the text has ended */
};

/* Behind blanks and comments. */
const char *words_blanks_end(const char *at);

/* The next word at *at, which moves behind it: a name or number, a quotation, or one character. */
struct word words_take(const char **at);
bool words_is(struct word word, const char *text);

/* Takes the word if it is this one, or both if they are these. */
bool words_take_if(const char **at, const char *text);
bool words_take_both(const char **at, const char *first, const char *second);

/* A name without its quotes, to be freed with sqlite3_free: SQLITE_OK. There is none: SQLITE_NOTFOUND, and *at stays.
 * Or SQLITE_NOMEM. In these cases *name is NULL. */
int words_name(const char **at, char **name);

/* Whether the text is blanks and comments only, of which the last one has ended. */
bool words_are_none(const char *text);

/* The end of the statement: a semicolon or the end of the text. */
const char *words_statement_end(const char *at);

/* The end of what stands in parentheses, of which the first has been taken: the last one. NULL: it does not end. */
const char *words_parenthesis_end(const char *at);

#endif
