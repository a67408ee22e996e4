/* text.c - see text.h. */
#include "harness/proof/text.h"

#include <ctype.h>
#include <errno.h>

#include "workloads/target.h"

enum { WORD_TEXT_BYTES = 2 * HISTORY_KEY_BYTES_MAX + 32 }; /* an entry: a key, '=' and a number */

/* ---- The form of each kind of record. ---- */

/* Where a field's value is; a key has as many words as its index says. */
enum place { IN_A, IN_B, IN_FIRST, IN_SECOND, IN_KEY, BEHIND_KEY };
enum field_type { NUMBER, SEQUENCE, TEXT, NAME, REGISTER, VERSION, INDEX, KEY, REF, STATUS, FLAG };

static const struct field {
    char letter; /* in HISTORY_KINDS */
    enum field_type type;
    enum place place;
    const char *what, *lead; /* for messages; the word before it. Of a flag: the words if it is set, and if not */
    bool optional;           /* left out if 0 */
    unsigned bit; /* of a flag; of a key: "-" sets it, for there is no key; of a version: 1 if it may be "*" */
} fields[] = {
    {'j', NUMBER, IN_B, "index number", NULL, false, 0},
    {'a', TEXT, IN_SECOND, "the name", NULL, false, 0},
    {'h', FLAG, IN_A, "ordered", "hash", false, HISTORY_ORDERED},
    {'u', FLAG, IN_A, "non-unique", "unique", false, HISTORY_NON_UNIQUE},
    {'q', FLAG, IN_A, "variable", "fixed", false, HISTORY_VARIABLE},
    {'z', NUMBER, IN_FIRST, "key size", NULL, false, 0},
    {'n', NAME, IN_FIRST, "the name", NULL, false, 0},
    {'m', FLAG, IN_A, "snapshot", "rw", false, HISTORY_SNAPSHOT},
    {'w', NUMBER, IN_B, "worker", "worker", false, 0},
    {'x', REGISTER, IN_FIRST, NULL, NULL, false, 0},
    {'y', REGISTER, IN_SECOND, NULL, NULL, false, 0},
    {'v', VERSION, IN_A, NULL, NULL, false, 0},
    {'s', SEQUENCE, IN_A, "sequence number", NULL, false, 0},
    {'o', VERSION, IN_B, NULL, "over", false, 0},
    {'O', VERSION, IN_B, NULL, "over", false, 1},
    {'r', NUMBER, IN_SECOND, "row", "row", true, 0},
    {'i', INDEX, IN_B, NULL, NULL, false, 0},
    {'k', KEY, IN_KEY, "the key", NULL, false, 0},
    {'f', REF, BEHIND_KEY, "the row", NULL, false, 0},
    {'d', FLAG, IN_A, "backward", "forward", false, HISTORY_BACKWARD},
    {'l', KEY, IN_KEY, "the low bound", NULL, false, HISTORY_LOW_OPEN},
    {'g', KEY, BEHIND_KEY, "the high bound", NULL, false, HISTORY_HIGH_OPEN},
    {'e', FLAG, IN_A, "part", "all", false, HISTORY_PART},
    {'t', NUMBER, IN_B, "table", NULL, false, 0},
    {'c', NUMBER, IN_FIRST, "count", NULL, false, 0},
    {'p', NUMBER, IN_FIRST, "place", NULL, true, 0},
    {'S', STATUS, IN_A, NULL, NULL, false, 0},
};

#define HISTORY_FORM(name, text, fields, words, keys) [HISTORY_##name] = {text, fields},
static const struct {
    const char *text, *fields;
} forms[HISTORY_KIND_COUNT] = {HISTORY_KINDS(HISTORY_FORM)};

static const struct field *field_of(char letter)
{
    size_t i = 0;
    while (fields[i].letter != letter)
        MAE_CHECK(++i < sizeof fields / sizeof fields[0]);
    return &fields[i];
}

static size_t word_of(enum place place, const struct history_index *index)
{
    return place == IN_SECOND ? 2 : place == BEHIND_KEY ? 1 + index->key_words : 1;
}

/* The longest record but for the entries of a scan. */
enum { INDEX_WORDS = 10, RECORD_WORDS = 2 + 2 * HISTORY_KEY_WORDS_MAX };

/* ---- Reading. ---- */

struct parser {
    struct history *history;
    struct history_log log;
    const char *name, *at; /* the file's name, what is left of the line */
    unsigned line;
    char word[WORD_TEXT_BYTES];
    char *error;
    size_t error_bytes;
    bool failed, in_txn, any_txn;
};

/* The first complaint counts. */
#define COMPLAIN(parser, ...)                                                                                       \
    ((void)((parser)->failed ||                                                                                     \
            support_error_at((parser)->error, (parser)->error_bytes, (parser)->name, (parser)->line, __VA_ARGS__)), \
     (void)((parser)->failed = true))

/* The next word of the line into parser->word; false at its end. */
static bool next(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r')
        parser->at++;
    size_t length = 0;
    while (*parser->at && *parser->at != '\n' && !isspace((unsigned char)*parser->at)) {
        if (*parser->at == '#' && length == 0 && !isxdigit((unsigned char)parser->at[1]))
            break;
        if (length + 1 == sizeof parser->word) {
            COMPLAIN(parser, "a word of more than %zu characters", sizeof parser->word - 1);
            return false;
        }
        parser->word[length++] = *parser->at++;
    }
    parser->word[length] = '\0';
    return length > 0;
}

static bool expect(struct parser *parser, const char *what)
{
    if (!next(parser))
        COMPLAIN(parser, "%s is missing", what);
    return !parser->failed;
}

static bool expect_word(struct parser *parser, const char *word)
{
    if (expect(parser, word) && strcmp(parser->word, word) != 0)
        COMPLAIN(parser, "'%s' where '%s' should be", parser->word, word);
    return !parser->failed;
}

static uint64_t number_of(struct parser *parser, const char *text, const char *what)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0)
        COMPLAIN(parser, "'%s' is no %s: a number below 2^64 is", text, what);
    return value;
}

static uint64_t number(struct parser *parser, const char *what)
{
    return expect(parser, what) ? number_of(parser, parser->word, what) : 0;
}

/* One of two words: 0 or 1. */
static unsigned either(struct parser *parser, const char *first, const char *second)
{
    if (!expect(parser, first))
        return 0;
    if (strcmp(parser->word, first) != 0 && strcmp(parser->word, second) != 0)
        COMPLAIN(parser, "'%s' where '%s' or '%s' should be", parser->word, first, second);
    return strcmp(parser->word, second) == 0;
}

static uint64_t row_register(struct parser *parser)
{
    struct history *history = parser->history;
    if (!expect(parser, "the register"))
        return 0;
    if (parser->word[0] == '#') {
        char *end;
        uint64_t value = strtoull(parser->word + 1, &end, 16);
        if (*end != '\0')
            COMPLAIN(parser, "'%s' is no register's number: # and hex digits are", parser->word);
        return value;
    }
    for (size_t i = 0; i < history->name_count; i++)
        if (strcmp(history->names[i].text, parser->word) == 0)
            return history->names[i].number;
    history->names = support_more(history->names, history->name_count, sizeof *history->names);
    history->names[history->name_count] = (struct history_name){history->name_count + 1, support_copy(parser->word)};
    return history->names[history->name_count++].number;
}

/* STREAM/NUMBER or NUMBER. */
static uint64_t name_of(struct parser *parser, char *text)
{
    char *slash = strchr(text, '/');
    if (slash == NULL)
        return number_of(parser, text, "name");
    *slash = '\0';
    uint64_t stream = number_of(parser, text, "stream"), count = number_of(parser, slash + 1, "name");
    if (stream >> (64 - HISTORY_NAME_BITS) || count >> HISTORY_NAME_BITS)
        COMPLAIN(parser, "a name is STREAM/NUMBER: below 2^24 and 2^40");
    return stream << HISTORY_NAME_BITS | count;
}

static uint64_t sequence_of(struct parser *parser, uint64_t seq)
{
    if (seq == 0 || seq > 255)
        COMPLAIN(parser, "sequence numbers are 1 to 255");
    return seq;
}

/* NAME.SEQ, behind which the word is cut off. */
static void name_and_sequence(struct parser *parser, char *text, uint64_t *name, uint64_t *seq)
{
    char *dot = strchr(text, '.');
    if (dot == NULL) {
        COMPLAIN(parser, "'%s' is no version: NAME.SEQUENCE is", text);
        return;
    }
    *dot = '\0';
    *name = name_of(parser, text);
    *seq = sequence_of(parser, number_of(parser, dot + 1, "sequence number"));
}

/* NAME.SEQ, and +NAME.SEQ of each APPLY; with `any` also '*'. */
static void version(struct parser *parser, uint64_t *name, uint64_t *seq, bool any)
{
    *name = *seq = 0;
    if (!expect(parser, "the version"))
        return;
    if (any && strcmp(parser->word, "*") == 0) {
        *name = HISTORY_ANY_NAME;
        return;
    }
    char *at = parser->word, *rest = strchr(at, '+');
    if (rest != NULL)
        *rest = '\0';
    name_and_sequence(parser, at, name, seq);
    while (rest != NULL && !parser->failed) {
        uint64_t applied = 0, number = 0;
        at = rest + 1;
        rest = strchr(at, '+');
        if (rest != NULL)
            *rest = '\0';
        name_and_sequence(parser, at, &applied, &number);
        *name += history_apply_weight(applied, (unsigned)number);
    }
}

static const struct history_index *index_of(struct parser *parser, uint64_t *index)
{
    *index = number(parser, "index number");
    if (!parser->failed && (*index >= HISTORY_INDEXES_MAX || !parser->history->indexes[*index].declared))
        COMPLAIN(parser, "index %" PRIu64 " has not been declared", *index);
    return parser->failed ? NULL : &parser->history->indexes[*index];
}

static void key_of(struct parser *parser, const struct history_index *index, const char *text, uint64_t *key)
{
    memset(key, 0, HISTORY_KEY_WORDS_MAX * sizeof *key);
    if (!index->variable && index->key_bytes == sizeof *key) {
        key[0] = number_of(parser, text, "key");
        return;
    }
    const size_t digits = strlen(text), count = digits / 2;
    unsigned char *bytes = (unsigned char *)key;
    unsigned value = 0;
    bool fits = index->variable ? digits % 2 == 0 && count > 0 && count <= index->key_bytes
                                : digits == 2 * (size_t)index->key_bytes;
    if (index->variable)
        *bytes++ = (unsigned char)count;
    for (size_t i = 0; i < count && fits; i++) {
        fits = isxdigit((unsigned char)text[2 * i]) && isxdigit((unsigned char)text[2 * i + 1]) &&
               sscanf(text + 2 * i, "%2x", &value) == 1;
        bytes[i] = (unsigned char)value;
    }
    if (!fits)
        COMPLAIN(parser, "'%s' is no key: %s%u hex digits are", text, index->variable ? "an even number of 2 to " : "",
                 2 * index->key_bytes);
}

/* The name of a status; TARGET_RETRY+3 for the third reason after the first. Without one: rolled back. */
static unsigned status_of(struct parser *parser)
{
    if (!next(parser))
        return TARGET_ROLLED_BACK;
    for (unsigned status = 0; status < TARGET_RETRY; status++)
        if (strcmp(target_status_name((enum target_status)status), parser->word) == 0)
            return status;
    unsigned reason;
    char rest;
    if (sscanf(parser->word, "TARGET_RETRY+%2u%c", &reason, &rest) == 1 && reason < TARGET_REASONS_MAX)
        return TARGET_RETRY + reason;
    COMPLAIN(parser, "'%s' is no status", parser->word);
    return 0;
}

static void put(uint64_t *words, const struct history_index *index, enum place place, uint64_t value)
{
    if (place == IN_A || place == IN_B)
        words[0] |= value << (place == IN_A ? 8 : 16);
    else
        words[word_of(place, index)] = value;
}

static uint64_t number_parse(struct parser *parser, const struct field *field)
{
    if (!(field->optional ? next(parser) : expect(parser, field->lead != NULL ? field->lead : field->what)))
        return 0;
    if (field->lead == NULL)
        return number_of(parser, parser->word, field->what);
    if (strcmp(parser->word, field->lead) != 0)
        COMPLAIN(parser, "'%s' where '%s' should be", parser->word, field->lead);
    return number(parser, field->what);
}

static void field_parse(struct parser *parser, uint64_t *words, const struct history_index **index,
                        const struct field *field)
{
    uint64_t value = 0;
    switch (field->type) {
    case NUMBER:
        value = number_parse(parser, field);
        break;
    case SEQUENCE:
        value = sequence_of(parser, number(parser, field->what));
        break;
    case TEXT:
        if (expect(parser, field->what))
            memcpy(words + word_of(field->place, *index), parser->word, strnlen(parser->word, HISTORY_NAME_BYTES));
        return;
    case NAME:
        value = expect(parser, field->what) ? name_of(parser, parser->word) : 0;
        break;
    case REGISTER:
        value = row_register(parser);
        break;
    case VERSION: /* its writer's name has a place of its own */
        if (field->lead != NULL)
            expect_word(parser, field->lead);
        version(parser, &words[word_of(IN_SECOND, *index)], &value, field->bit != 0);
        break;
    case INDEX:
        *index = index_of(parser, &value);
        break;
    case KEY:
        if (!expect(parser, field->what))
            return;
        if (field->bit == 0 || strcmp(parser->word, "-") != 0)
            key_of(parser, *index, parser->word, words + word_of(field->place, *index));
        else
            put(words, *index, IN_A, field->bit);
        return;
    case REF:
        if (expect(parser, field->what))
            value = strcmp(parser->word, "*") == 0 ? HISTORY_ANY_REF : number_of(parser, parser->word, "row");
        break;
    case STATUS:
        value = status_of(parser);
        break;
    case FLAG:
        value = either(parser, field->lead, field->what) ? field->bit : 0;
        break;
    }
    put(words, *index, field->place, value);
}

/* What a scan visited, behind its record, whose count grows. */
static void entries_parse(struct parser *parser, const struct history_index *index, size_t count_at)
{
    size_t count = index->key_words + 1;
    if (!expect_word(parser, ":"))
        return;
    while (!parser->failed && next(parser)) {
        char *equals = strchr(parser->word, '=');
        if (equals == NULL) {
            COMPLAIN(parser, "'%s' is no entry: KEY=REF is", parser->word);
            return;
        }
        *equals = '\0';
        uint64_t words[HISTORY_KEY_WORDS_MAX + 1], ref = number_of(parser, equals + 1, "row");
        key_of(parser, index, parser->word, words);
        words[index->key_words] = ref;
        memcpy(history_log_add(&parser->log, count), words, count * sizeof *words);
        parser->log.words[count_at]++;
    }
}

/* Through a history of its own, so that there is one place that knows what a declaration does. */
static void declare(struct parser *parser, const uint64_t *words)
{
    if (history_b(words[0]) >= HISTORY_INDEXES_MAX)
        COMPLAIN(parser, "index numbers are below %d", HISTORY_INDEXES_MAX);
    if (parser->any_txn)
        COMPLAIN(parser, "indexes are declared before the first transaction");
    if (parser->failed)
        return;
    if (!history_add(parser->history, words, INDEX_WORDS, parser->error, parser->error_bytes))
        COMPLAIN(parser, "keys have 1 to %d bytes", HISTORY_KEY_BYTES_MAX);
    parser->history->stream_count--;
}

static void record_parse(struct parser *parser, enum history_kind kind)
{
    uint64_t words[RECORD_WORDS] = {history_word(kind, 0, 0)};
    const struct history_index *index = NULL;
    for (const char *letter = forms[kind].fields; *letter != '\0' && !parser->failed; letter++)
        field_parse(parser, words, &index, field_of(*letter));
    if (kind == HISTORY_BEGIN && parser->in_txn)
        COMPLAIN(parser, "the transaction before has neither 'commit' nor 'abort'");
    if (kind == HISTORY_INDEX)
        declare(parser, words);
    if (parser->failed)
        return;
    size_t count = history_record_words(parser->history, words, RECORD_WORDS);
    memcpy(history_log_add(&parser->log, count), words, count * sizeof words[0]);
    if (kind == HISTORY_SCAN)
        entries_parse(parser, index, parser->log.count - 1);
    parser->any_txn |= kind == HISTORY_BEGIN;
    parser->in_txn = kind != HISTORY_COMMIT && kind != HISTORY_ABORT && kind != HISTORY_INDEX;
}

static void parse_line(struct parser *parser)
{
    if (!next(parser))
        return;
    enum history_kind kind = HISTORY_NONE + 1;
    while (kind < HISTORY_KIND_COUNT && strcmp(forms[kind].text, parser->word) != 0)
        kind++;
    if (kind == HISTORY_KIND_COUNT)
        COMPLAIN(parser, "'%s' is no record of a history, such as begin, read or commit; see docs/histories.md",
                 parser->word);
    else if (kind != HISTORY_INDEX && kind != HISTORY_BEGIN && !parser->in_txn)
        COMPLAIN(parser, "'%s' outside of a transaction", parser->word);
    else
        record_parse(parser, kind);
    if (!parser->failed && next(parser))
        COMPLAIN(parser, "'%s' is too much", parser->word);
}

bool history_parse(struct history *history, const char *name, const char *text, char *error, size_t error_bytes)
{
    struct parser parser = {.history = history, .name = name, .at = text, .error = error, .error_bytes = error_bytes};
    history_log_init(&parser.log, -1, 0);
    while (*parser.at != '\0' && !parser.failed) {
        parser.line++;
        parse_line(&parser);
        parser.at += strcspn(parser.at, "\n");
        parser.at += *parser.at == '\n';
    }
    if (parser.in_txn)
        COMPLAIN(&parser, "the last transaction has neither 'commit' nor 'abort'");
    history->owned = parser.log.words;
    return !parser.failed && history_add(history, parser.log.words, parser.log.count, error, error_bytes);
}

/* ---- Printing. ---- */

static uint64_t get(const uint64_t *words, const struct history_index *index, enum place place)
{
    return place == IN_A ? history_a(words[0]) : place == IN_B ? history_b(words[0]) : words[word_of(place, index)];
}

static void field_print(const struct history *history, const uint64_t *words, const struct history_index *index,
                        const struct field *field, FILE *out)
{
    uint64_t value = field->type == KEY ? 0 : get(words, index, field->place);
    const char *text = "";
    if (field->optional && value == 0)
        return;
    if (field->lead != NULL && field->type != FLAG)
        fprintf(out, " %s", field->lead);
    switch (field->type) {
    case NUMBER:
    case SEQUENCE:
    case INDEX:
    case REF:
        text = support_short("%" PRIu64, value);
        break;
    case TEXT:
        text = index->name;
        break;
    case NAME:
        text = history_name_text(value);
        break;
    case REGISTER:
        text = history_register_name(history, value);
        break;
    case VERSION:
        text = history_version_text(words[word_of(IN_SECOND, index)], (unsigned)value);
        break;
    case KEY:
        text = history_key_text(index, words + word_of(field->place, index));
        break;
    case STATUS:
        text = target_status_is_retry((enum target_status)value)
                   ? support_short("TARGET_RETRY+%u", target_status_reason((enum target_status)value))
                   : target_status_name((enum target_status)value);
        break;
    case FLAG:
        text = value & field->bit ? field->what : field->lead;
        break;
    }
    bool any = (field->type == REF && value == HISTORY_ANY_REF) ||
               (field->type == VERSION && words[word_of(IN_SECOND, index)] == HISTORY_ANY_NAME);
    bool open = field->type == KEY && history_a(words[0]) & field->bit;
    fprintf(out, " %s", any ? "*" : open ? "-" : text);
}

void history_print_record(const struct history *history, const uint64_t *words, FILE *out)
{
    enum history_kind kind = history_kind(words[0]);
    const struct history_index *index = &history->indexes[history_b(words[0]) & (HISTORY_INDEXES_MAX - 1)];
    fputs(forms[kind].text, out);
    for (const char *letter = forms[kind].fields; *letter != '\0'; letter++)
        field_print(history, words, index, field_of(*letter), out);
    if (kind == HISTORY_SCAN) {
        const uint64_t *count = words + 1 + 2 * index->key_words, *entry = count + 1;
        fputs(" :", out);
        for (uint64_t i = 0; i < *count; i++, entry += index->key_words + 1)
            fprintf(out, " %s=%" PRIu64, history_key_text(index, entry), entry[index->key_words]);
    }
    fputs("\n", out);
}

bool history_print(const struct history *history, FILE *out)
{
    for (size_t i = 0; i < history->stream_count; i++) {
        const struct history_stream *stream = &history->streams[i];
        for (size_t at = 0, words; at < stream->count; at += words) {
            words = history_record_words(history, stream->words + at, stream->count - at);
            if (words == 0)
                return false;
            history_print_record(history, stream->words + at, out);
        }
    }
    return true;
}
