/* text.c - see text.h. */
#include "harness/proof/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/support.h"
#include "workloads/target.h"

enum { WORD_TEXT_BYTES = 2 * 8 * HISTORY_KEY_WORDS_MAX + 8 };

struct parser {
    struct history *history;
    struct history_log log;
    const char *name, *at; /* the file's name, what is left of the line */
    size_t line;
    char word[WORD_TEXT_BYTES];
    char *error;
    size_t error_bytes;
    bool failed, in_txn, any_txn;
};

__attribute__((format(printf, 2, 3))) static void complain(struct parser *parser, const char *format, ...)
{
    if (parser->failed)
        return;
    parser->failed = true;
    int length = snprintf(parser->error, parser->error_bytes, "%s:%zu: ", parser->name, parser->line);
    va_list arguments;
    va_start(arguments, format);
    if (length >= 0 && (size_t)length < parser->error_bytes)
        vsnprintf(parser->error + length, parser->error_bytes - (size_t)length, format, arguments);
    va_end(arguments);
}

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
            complain(parser, "a word of more than %zu characters", sizeof parser->word - 1);
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
        complain(parser, "%s is missing", what);
    return !parser->failed;
}

static bool expect_word(struct parser *parser, const char *word)
{
    if (expect(parser, word) && strcmp(parser->word, word) != 0)
        complain(parser, "'%s' where '%s' should be", parser->word, word);
    return !parser->failed;
}

static uint64_t number_of(struct parser *parser, const char *text, const char *what)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0)
        complain(parser, "'%s' is no %s: a number below 2^64 is", text, what);
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
        complain(parser, "'%s' where '%s' or '%s' should be", parser->word, first, second);
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
            complain(parser, "'%s' is no register's number: # and hex digits are", parser->word);
        return value;
    }
    for (size_t i = 0; i < history->name_count; i++)
        if (strcmp(history->names[i].text, parser->word) == 0)
            return history->names[i].number;
    history->names = support_realloc(history->names, (history->name_count + 1) * sizeof *history->names);
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
        complain(parser, "a name is STREAM/NUMBER: below 2^24 and 2^40");
    return stream << HISTORY_NAME_BITS | count;
}

/* NAME.SEQ; with `any` also '*'. */
static void version(struct parser *parser, uint64_t *name, uint64_t *seq, bool any)
{
    *name = *seq = 0;
    if (!expect(parser, "the version"))
        return;
    if (any && strcmp(parser->word, "*") == 0) {
        *name = HISTORY_ANY_NAME;
        return;
    }
    char *dot = strchr(parser->word, '.');
    if (dot == NULL) {
        complain(parser, "'%s' is no version: NAME.SEQUENCE is", parser->word);
        return;
    }
    *dot = '\0';
    *name = name_of(parser, parser->word);
    *seq = number_of(parser, dot + 1, "sequence number");
    if (*seq == 0 || *seq > 255)
        complain(parser, "sequence numbers are 1 to 255");
}

static uint64_t sequence(struct parser *parser)
{
    uint64_t seq = number(parser, "sequence number");
    if (seq == 0 || seq > 255)
        complain(parser, "sequence numbers are 1 to 255");
    return seq;
}

static const struct history_index *index_of(struct parser *parser, uint64_t *index)
{
    *index = number(parser, "index number");
    if (!parser->failed && (*index >= HISTORY_INDEXES_MAX || !parser->history->indexes[*index].declared))
        complain(parser, "index %" PRIu64 " has not been declared", *index);
    return parser->failed ? NULL : &parser->history->indexes[*index];
}

static void key_of(struct parser *parser, const struct history_index *index, const char *text, uint64_t *key)
{
    memset(key, 0, HISTORY_KEY_WORDS_MAX * sizeof *key);
    if (index->key_bytes == sizeof *key) {
        key[0] = number_of(parser, text, "key");
        return;
    }
    unsigned char *bytes = (unsigned char *)key;
    unsigned value;
    for (unsigned i = 0; i < index->key_bytes; i++)
        if (sscanf(text + 2 * i, "%2x", &value) != 1 || strlen(text) != 2 * index->key_bytes) {
            complain(parser, "'%s' is no key: %u hex digits are", text, 2 * index->key_bytes);
            return;
        } else {
            bytes[i] = (unsigned char)value;
        }
}

static void add(struct parser *parser, const uint64_t *words, size_t count)
{
    uint64_t *at = history_log_add(&parser->log, count);
    memcpy(at, words, count * sizeof *words);
}

static uint64_t ref_of(struct parser *parser, const char *text)
{
    return strcmp(text, "*") == 0 ? HISTORY_ANY_REF : number_of(parser, text, "row");
}

static void parse_index(struct parser *parser)
{
    uint64_t words[10] = {0}, index = number(parser, "index number"), flags = 0;
    if (index >= HISTORY_INDEXES_MAX)
        complain(parser, "index numbers are below %d", HISTORY_INDEXES_MAX);
    if (expect(parser, "the name"))
        memcpy(words + 2, parser->word,
               strlen(parser->word) < HISTORY_NAME_BYTES ? strlen(parser->word) : HISTORY_NAME_BYTES);
    flags |= either(parser, "hash", "ordered") ? HISTORY_ORDERED : 0;
    flags |= either(parser, "unique", "non-unique") ? HISTORY_NON_UNIQUE : 0;
    words[0] = history_word(HISTORY_INDEX, flags, index);
    words[1] = number(parser, "key size");
    if (parser->any_txn)
        complain(parser, "indexes are declared before the first transaction");
    if (parser->failed)
        return;
    /* Through a history of its own, so that there is one place that knows what a declaration does. */
    if (!history_add(parser->history, words, 10, parser->error, parser->error_bytes))
        complain(parser, "keys have 1 to 64 bytes");
    parser->history->stream_count--;
    add(parser, words, 10);
}

static void parse_entry(struct parser *parser, enum history_kind kind)
{
    uint64_t index, words[HISTORY_KEY_WORDS_MAX + 2];
    const struct history_index *info = index_of(parser, &index);
    if (info == NULL || !expect(parser, "the key"))
        return;
    words[0] = history_word(kind, 0, index);
    key_of(parser, info, parser->word, words + 1);
    if (kind == HISTORY_ABSENT) {
        add(parser, words, 1 + info->key_words);
    } else if (expect(parser, "the row")) {
        words[1 + info->key_words] = ref_of(parser, parser->word);
        add(parser, words, 2 + info->key_words);
    }
}

static void parse_scan(struct parser *parser)
{
    uint64_t index, flags = 0, low[HISTORY_KEY_WORDS_MAX] = {0}, high[HISTORY_KEY_WORDS_MAX] = {0};
    const struct history_index *info = index_of(parser, &index);
    flags |= either(parser, "forward", "backward") ? HISTORY_BACKWARD : 0;
    if (info == NULL || !expect(parser, "the low bound"))
        return;
    if (strcmp(parser->word, "-") == 0)
        flags |= HISTORY_LOW_OPEN;
    else
        key_of(parser, info, parser->word, low);
    if (!expect(parser, "the high bound"))
        return;
    if (strcmp(parser->word, "-") == 0)
        flags |= HISTORY_HIGH_OPEN;
    else
        key_of(parser, info, parser->word, high);
    flags |= either(parser, "all", "part") ? HISTORY_PART : 0;
    if (!expect_word(parser, ":"))
        return;
    uint64_t word = history_word(HISTORY_SCAN, flags, index), count = 0;
    add(parser, &word, 1);
    add(parser, low, info->key_words);
    add(parser, high, info->key_words);
    size_t count_at = parser->log.count;
    add(parser, &count, 1);
    while (!parser->failed && next(parser)) {
        char *equals = strchr(parser->word, '=');
        if (equals == NULL) {
            complain(parser, "'%s' is no entry: KEY=REF is", parser->word);
            return;
        }
        *equals = '\0';
        uint64_t key[HISTORY_KEY_WORDS_MAX], ref = number_of(parser, equals + 1, "row");
        key_of(parser, info, parser->word, key);
        add(parser, key, info->key_words);
        add(parser, &ref, 1);
        parser->log.words[count_at]++;
    }
}

static void parse_begin(struct parser *parser)
{
    uint64_t name = expect(parser, "the name") ? name_of(parser, parser->word) : 0;
    unsigned snapshot = either(parser, "rw", "snapshot");
    expect_word(parser, "worker");
    uint64_t worker = number(parser, "worker");
    if (parser->in_txn)
        complain(parser, "the transaction before has neither 'commit' nor 'abort'");
    parser->in_txn = parser->any_txn = true;
    uint64_t words[2] = {history_word(HISTORY_BEGIN, snapshot, worker), name};
    add(parser, words, 2);
}

/* The name of a status; TARGET_RETRY+3 for the third reason after the first. */
static unsigned status_of(struct parser *parser)
{
    for (unsigned status = 0; status < TARGET_RETRY; status++)
        if (strcmp(target_status_name((enum target_status)status), parser->word) == 0)
            return status;
    unsigned reason;
    char rest;
    if (sscanf(parser->word, "TARGET_RETRY+%2u%c", &reason, &rest) == 1 && reason < TARGET_REASONS_MAX)
        return TARGET_RETRY + reason;
    complain(parser, "'%s' is no status", parser->word);
    return 0;
}

static void parse_end(struct parser *parser, enum history_kind kind)
{
    uint64_t words[2] = {history_word(kind, 0, 0), 0};
    bool more = next(parser);
    if (kind == HISTORY_COMMIT && more)
        words[1] = number_of(parser, parser->word, "place");
    else if (kind == HISTORY_ABORT)
        words[0] = history_word(kind, more ? status_of(parser) : TARGET_ROLLED_BACK, 0);
    add(parser, words, kind == HISTORY_COMMIT ? 2 : 1);
    parser->in_txn = false;
}

/* The records of one register, and ROWS. */
static void parse_register(struct parser *parser, enum history_kind kind)
{
    uint64_t words[3] = {0, row_register(parser), 0}, seq = 0, own = 0;
    size_t count = 3;
    switch (kind) {
    case HISTORY_READ:
        version(parser, &words[2], &own, false);
        break;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        own = sequence(parser);
        expect_word(parser, "over");
        version(parser, &words[2], &seq, kind == HISTORY_DELETE);
        break;
    case HISTORY_BLIND:
        own = sequence(parser);
        count = 2;
        break;
    case HISTORY_INSERT:
        own = sequence(parser);
        if (next(parser)) {
            if (strcmp(parser->word, "row") != 0)
                complain(parser, "'%s' where 'row' should be", parser->word);
            words[2] = number(parser, "row");
        }
        break;
    case HISTORY_WRONG:
        words[2] = row_register(parser);
        break;
    default:
        count = 2;
        break;
    }
    words[0] = history_word(kind, own, seq);
    add(parser, words, count);
}

static void parse_line(struct parser *parser)
{
    static const char *const kinds[HISTORY_KIND_COUNT] = {
#define HISTORY_TEXT(name, text, words, keys) [HISTORY_##name] = text,
        HISTORY_KINDS(HISTORY_TEXT)
#undef HISTORY_TEXT
    };
    if (!next(parser))
        return;
    enum history_kind kind = HISTORY_KIND_COUNT;
    for (int k = 1; k < HISTORY_KIND_COUNT; k++)
        if (strcmp(kinds[k], parser->word) == 0)
            kind = (enum history_kind)k;
    if (kind == HISTORY_KIND_COUNT)
        complain(parser, "'%s' is no record", parser->word);
    else if (kind == HISTORY_INDEX)
        parse_index(parser);
    else if (kind == HISTORY_BEGIN)
        parse_begin(parser);
    else if (!parser->in_txn)
        complain(parser, "'%s' outside of a transaction", parser->word);
    else if (kind == HISTORY_COMMIT || kind == HISTORY_ABORT)
        parse_end(parser, kind);
    else if (kind == HISTORY_SCAN)
        parse_scan(parser);
    else if (kind == HISTORY_ADD || kind == HISTORY_REMOVE || kind == HISTORY_FIND || kind == HISTORY_ABSENT)
        parse_entry(parser, kind);
    else if (kind == HISTORY_ROWS) {
        uint64_t table = number(parser, "table"), words[2] = {history_word(kind, 0, table), number(parser, "count")};
        add(parser, words, 2);
    } else
        parse_register(parser, kind);
    if (!parser->failed && next(parser))
        complain(parser, "'%s' is too much", parser->word);
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
        complain(&parser, "the last transaction has neither 'commit' nor 'abort'");
    history->owned = parser.log.words;
    return !parser.failed && history_add(history, parser.log.words, parser.log.count, error, error_bytes);
}

/* ---- Printing. ---- */

static void print_key(const struct history_index *index, const uint64_t *key, FILE *out)
{
    char text[WORD_TEXT_BYTES];
    history_key_text(index, key, text, sizeof text);
    fputs(text, out);
}

static void print_entry(const struct history_index *index, const uint64_t *words, bool ref, FILE *out)
{
    fprintf(out, " %" PRIu64 " ", history_b(words[0]));
    print_key(index, words + 1, out);
    if (ref && words[1 + index->key_words] == HISTORY_ANY_REF)
        fputs(" *", out);
    else if (ref)
        fprintf(out, " %" PRIu64, words[1 + index->key_words]);
}

static void print_scan(const struct history_index *index, const uint64_t *words, FILE *out)
{
    unsigned flags = history_a(words[0]), key_words = index->key_words;
    fprintf(out, " %" PRIu64 " %s ", history_b(words[0]), flags & HISTORY_BACKWARD ? "backward" : "forward");
    if (flags & HISTORY_LOW_OPEN)
        fputs("-", out);
    else
        print_key(index, words + 1, out);
    fputs(" ", out);
    if (flags & HISTORY_HIGH_OPEN)
        fputs("-", out);
    else
        print_key(index, words + 1 + key_words, out);
    fputs(flags & HISTORY_PART ? " part :" : " all :", out);
    const uint64_t *entry = words + 2 + 2 * key_words;
    for (uint64_t i = 0; i < words[1 + 2 * key_words]; i++, entry += key_words + 1) {
        fputs(" ", out);
        print_key(index, entry, out);
        fprintf(out, "=%" PRIu64, entry[key_words]);
    }
}

static void print_register(const struct history *history, const uint64_t *words, FILE *out)
{
    enum history_kind kind = history_kind(words[0]);
    unsigned a = history_a(words[0]);
    uint64_t b = history_b(words[0]);
    char text[HISTORY_VERSION_BYTES], name[HISTORY_NAME_BYTES + 64], other[HISTORY_NAME_BYTES + 64];
    history_register_name(history, words[1], name, sizeof name);
    switch (kind) {
    case HISTORY_READ:
        fprintf(out, " %s %s", name, history_version_text(words[2], a, text, sizeof text));
        break;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        if (words[2] == HISTORY_ANY_NAME)
            fprintf(out, " %s %u over *", name, a);
        else
            fprintf(out, " %s %u over %s", name, a, history_version_text(words[2], (unsigned)b, text, sizeof text));
        break;
    case HISTORY_BLIND:
        fprintf(out, " %s %u", name, a);
        break;
    case HISTORY_INSERT:
        fprintf(out, " %s %u row %" PRIu64, name, a, words[2]);
        break;
    case HISTORY_WRONG:
        history_register_name(history, words[2], other, sizeof other);
        fprintf(out, " %s %s", name, other);
        break;
    case HISTORY_MISS:
    case HISTORY_EXISTS:
        fprintf(out, " %s", name);
        break;
    default:
        break;
    }
}

void history_print_record(const struct history *history, const uint64_t *words, FILE *out)
{
    static const char *const texts[HISTORY_KIND_COUNT] = {
#define HISTORY_TEXT(name, text, words, keys) [HISTORY_##name] = text,
        HISTORY_KINDS(HISTORY_TEXT)
#undef HISTORY_TEXT
    };
    enum history_kind kind = history_kind(words[0]);
    const struct history_index *index = &history->indexes[history_b(words[0]) & (HISTORY_INDEXES_MAX - 1)];
    unsigned a = history_a(words[0]);
    uint64_t b = history_b(words[0]);
    char text[HISTORY_VERSION_BYTES];
    fputs(texts[kind], out);
    if (kind >= HISTORY_READ && kind <= HISTORY_WRONG)
        print_register(history, words, out);
    switch (kind) {
    case HISTORY_INDEX:
        fprintf(out, " %" PRIu64 " %s %s %s %u", b, index->name, a & HISTORY_ORDERED ? "ordered" : "hash",
                a & HISTORY_NON_UNIQUE ? "non-unique" : "unique", index->key_bytes);
        break;
    case HISTORY_BEGIN:
        fprintf(out, " %s %s worker %" PRIu64, history_name_text(words[1], text, sizeof text),
                a & HISTORY_SNAPSHOT ? "snapshot" : "rw", b);
        break;
    case HISTORY_ROWS:
        fprintf(out, " %" PRIu64 " %" PRIu64, b, words[1]);
        break;
    case HISTORY_ADD:
    case HISTORY_REMOVE:
    case HISTORY_FIND:
    case HISTORY_ABSENT:
        print_entry(index, words, kind != HISTORY_ABSENT, out);
        break;
    case HISTORY_SCAN:
        print_scan(index, words, out);
        break;
    case HISTORY_COMMIT:
        if (words[1])
            fprintf(out, " %" PRIu64, words[1]);
        break;
    case HISTORY_ABORT:
        fprintf(out, " %s", target_status_name((enum target_status)a));
        if (target_status_is_retry((enum target_status)a))
            fprintf(out, "+%u", target_status_reason((enum target_status)a));
        break;
    default:
        break;
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
