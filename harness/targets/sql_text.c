/* sql_text.c - see sql_text.h. */
#include "harness/targets/sql_text.h"

#include "harness/common/support.h"

static const int64_t sign = INT64_MIN;

/* ---- Keys. ---- */

void sql_words_of_key(const void *key, size_t bytes, int64_t *words)
{
    if (bytes == SQL_WORD_BYTES) {
        memcpy(words, key, sizeof *words);
        *words ^= sign;
        return;
    }
    const unsigned char *at = key;
    for (size_t from = 0; from < bytes; from += SQL_WORD_BYTES) {
        uint64_t word = 0;
        for (size_t i = 0; i < SQL_WORD_BYTES; i++)
            word = word << 8 | (from + i < bytes ? at[from + i] : 0u);
        words[from / SQL_WORD_BYTES] = (int64_t)word ^ sign;
    }
}

void sql_key_of_words(const int64_t *words, size_t bytes, void *key)
{
    if (bytes == SQL_WORD_BYTES) {
        int64_t word = *words ^ sign;
        memcpy(key, &word, sizeof word);
        return;
    }
    unsigned char *at = key;
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)((uint64_t)(words[i / SQL_WORD_BYTES] ^ sign) >> (56 - 8 * (i % SQL_WORD_BYTES)));
}

/* ---- Texts. ---- */

/* Adds the pattern for each of the words, in which # is the word's number, $ its parameter, and @ that of the
 * upper end. */
static void words_add(struct support_text *text, unsigned from, unsigned to, const char *between, const char *pattern)
{
    for (unsigned i = from; i < to; i++) {
        support_text_add(text, "%s", i > from ? between : "");
        for (const char *at = pattern; *at != '\0'; at++) {
            if (*at == '#')
                support_text_add(text, "%u", i);
            else if (*at == '$' || *at == '@')
                support_text_add(text, "?%u", (*at == '$' ? SQL_LO : SQL_HI) + i);
            else
                support_text_add(text, "%c", *at);
        }
    }
}

char *sql_text_table_create(const struct sql_names *names)
{
    return support_format("CREATE TABLE \"%s\"(ref INTEGER PRIMARY KEY, data BLOB NOT NULL)", names->table);
}

char *sql_text_index_create(const struct sql_names *names)
{
    struct support_text text = {0};
    support_text_add(&text, "CREATE TABLE \"%s.%s\"(", names->table, names->index);
    if (names->words == 1 && !names->non_unique) {
        support_text_add(&text, "k0 INTEGER PRIMARY KEY, ref INTEGER NOT NULL)");
        return text.text;
    }
    words_add(&text, 0, names->words, ", ", "k# INTEGER NOT NULL");
    support_text_add(&text, ", ref INTEGER NOT NULL, UNIQUE(");
    words_add(&text, 0, names->words, ", ", "k#");
    support_text_add(&text, names->non_unique ? ", ref))" : "))");
    return text.text;
}

char *sql_text_table(const struct sql_names *names, unsigned kind)
{
    const char *table = names->table;
    switch (kind) {
    case SQL_ROW_READ:
        return support_format("SELECT ref, data FROM \"%s\" WHERE ref = ?%u", table, SQL_REF);
    case SQL_ROW_INSERT:
        return support_format("INSERT INTO \"%s\"(ref, data) VALUES (?%u, ?%u)", table, SQL_REF, SQL_DATA);
    case SQL_ROW_UPDATE:
        return support_format("UPDATE \"%s\" SET data = ?%u WHERE ref = ?%u", table, SQL_DATA, SQL_REF);
    case SQL_ROW_ERASE:
        return support_format("DELETE FROM \"%s\" WHERE ref = ?%u", table, SQL_REF);
    default:
        return support_format("SELECT ref, data FROM \"%s\"", table);
    }
}

/* SQLite gives a table no more of (k1, k2) >= (?, ?) than what says something about k1 alone, and of the words that
 * both ends have in common nothing at all, unless they are compared one by one. */
static void scan_add(struct support_text *text, const struct sql_names *names, unsigned common, bool backward)
{
    support_text_add(text, "SELECT ref, ");
    words_add(text, 0, names->words, ", ", "k#");
    support_text_add(text, " FROM \"%s.%s\" WHERE ", names->table, names->index);
    words_add(text, 0, common, " AND ", "k# = $");
    support_text_add(text, common > 0 ? " AND " : "");
    words_add(text, common, common + 1, "", "k# >= $ AND k# <= @");
    if (common + 1 < names->words) {
        static const char *const ends[] = {"$", "@"};
        for (unsigned i = 0; i < 2; i++) {
            support_text_add(text, " AND (");
            words_add(text, common, names->words, ", ", "k#");
            support_text_add(text, ") %s= (", i == 0 ? ">" : "<");
            words_add(text, common, names->words, ", ", ends[i]);
            support_text_add(text, ")");
        }
    }
    support_text_add(text, " ORDER BY ");
    words_add(text, common, names->words, ", ", backward ? "k# DESC" : "k#");
    support_text_add(text, "%s%s LIMIT ?%u", names->non_unique ? ", ref" : "",
                     names->non_unique && backward ? " DESC" : "", SQL_LIMIT);
}

char *sql_text_index(const struct sql_names *names, unsigned kind)
{
    struct support_text text = {0};
    switch (kind) {
    case SQL_FIND:
        support_text_add(&text, "SELECT ref FROM \"%s.%s\" WHERE ", names->table, names->index);
        words_add(&text, 0, names->words, " AND ", "k# = $");
        support_text_add(&text, names->non_unique ? " ORDER BY ref LIMIT 1" : "");
        break;
    case SQL_READ:
        support_text_add(&text, "SELECT i.ref, data FROM \"%s.%s\" AS i LEFT JOIN \"%s\" AS t ON t.ref = i.ref WHERE ",
                         names->table, names->index, names->table);
        words_add(&text, 0, names->words, " AND ", "k# = $");
        support_text_add(&text, names->non_unique ? " ORDER BY i.ref LIMIT 1" : "");
        break;
    case SQL_INSERT:
        support_text_add(&text, "INSERT INTO \"%s.%s\"(", names->table, names->index);
        words_add(&text, 0, names->words, ", ", "k#");
        support_text_add(&text, ", ref) VALUES (");
        words_add(&text, 0, names->words, ", ", "$");
        support_text_add(&text, ", ?%u)", SQL_REF);
        break;
    case SQL_REMOVE:
        support_text_add(&text, "DELETE FROM \"%s.%s\" WHERE ", names->table, names->index);
        words_add(&text, 0, names->words, " AND ", "k# = $");
        support_text_add(&text, " AND ref = ?%u", SQL_REF);
        break;
    default:
        scan_add(&text, names, (kind - SQL_SCAN) % SQL_WORDS_MAX, kind >= SQL_SCAN_BACKWARD);
    }
    return text.text;
}
