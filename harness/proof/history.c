/* history.c - the words of a history: writing, reading, and the register's numbers; the text form is in text.c. */
#include "harness/proof/history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FLUSH_WORDS = 1 << 16, FIRST_WORDS = 1 << 10 };

/* ---- Writing. ---- */

void history_log_init(struct history_log *log, int fd, uint32_t stream)
{
    memset(log, 0, sizeof *log);
    log->fd = fd;
    log->stream = stream;
    log->capacity = fd < 0 ? FIRST_WORDS : 2 * FLUSH_WORDS;
    log->words = support_alloc(log->capacity * sizeof *log->words);
    log->count = fd >= 0; /* the block's head */
}

void history_log_fini(struct history_log *log)
{
    history_log_flush(log, true);
    free(log->words);
    log->words = NULL;
}

void history_log_clear(struct history_log *log)
{
    log->count = log->fd >= 0;
}

uint64_t *history_log_add(struct history_log *log, size_t words)
{
    if (log->error)
        return NULL;
    if (log->count + words > log->capacity) { /* rare: a transaction larger than the buffer, or a history in memory */
        while (log->capacity < log->count + words)
            log->capacity *= 2;
        log->words = support_realloc(log->words, log->capacity * sizeof *log->words);
    }
    uint64_t *at = log->words + log->count;
    log->count += words;
    return at;
}

void history_log_flush(struct history_log *log, bool all)
{
    if (log->fd < 0 || log->error || log->count < (all ? 2 : FLUSH_WORDS))
        return;
    log->words[0] = (uint64_t)log->stream << HISTORY_BLOCK_WORDS_BITS | (log->count - 1);
    /* The file is open for appending, so one call puts the block in one piece. */
    if (!support_write(log->fd, log->words, log->count * sizeof *log->words))
        log->error = errno;
    log->count = 1;
}

int history_file_create(const char *path)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0 && !support_write(fd, HISTORY_MAGIC, HISTORY_MAGIC_BYTES)) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    return fd;
}

int history_file_end(int fd, bool whole)
{
    const uint64_t word = HISTORY_END_WORD;
    int error = whole && !support_write(fd, &word, sizeof word) ? errno : 0;
    if (close(fd) != 0 && !error)
        error = errno;
    return error;
}

/* ---- Reading. ---- */

void history_init(struct history *history)
{
    memset(history, 0, sizeof *history);
}

void history_fini(struct history *history)
{
    for (size_t i = 0; i < history->name_count; i++)
        free(history->names[i].text);
    free(history->names);
    free(history->streams);
    free(history->owned);
    memset(history, 0, sizeof *history);
}

/* Whether keys of variable length, each of which begins `stride` words behind the one before, are no longer than the
 * index says. A bound that is open has no byte. */
static bool keys_are_sound(const struct history_index *index, const uint64_t *key, uint64_t count, size_t stride)
{
    for (; index->variable && count > 0; count--, key += stride)
        if (*(const unsigned char *)key > index->key_bytes)
            return false;
    return true;
}

size_t history_record_words(const struct history *history, const uint64_t *words, size_t left)
{
#define HISTORY_SHAPE(name, text, fields, words, keys) [HISTORY_##name] = {words, keys},
    static const struct {
        unsigned char words, keys;
    } shapes[HISTORY_KIND_COUNT] = {HISTORY_KINDS(HISTORY_SHAPE)};
    enum history_kind kind = left ? history_kind(words[0]) : HISTORY_NONE;
    if (kind == HISTORY_NONE || kind >= HISTORY_KIND_COUNT)
        return 0;
    size_t count = shapes[kind].words;
    if (kind == HISTORY_INDEX && history_b(words[0]) >= HISTORY_INDEXES_MAX)
        return 0;
    if (shapes[kind].keys) {
        uint64_t index = history_b(words[0]);
        if (index >= HISTORY_INDEXES_MAX || !history->indexes[index].declared)
            return 0;
        const struct history_index *info = &history->indexes[index];
        size_t key_words = info->key_words;
        count += shapes[kind].keys * key_words;
        if (count > left || !keys_are_sound(info, words + 1, shapes[kind].keys, key_words))
            return 0;
        if (kind == HISTORY_SCAN) {
            uint64_t entries = words[1 + 2 * key_words];
            size_t first = count;
            if (entries > left)
                return 0;
            count += entries * (key_words + 1);
            if (count > left || !keys_are_sound(info, words + first, entries, key_words + 1))
                return 0;
        }
    }
    return count <= left ? count : 0;
}

static bool declare(struct history *history, const uint64_t *words)
{
    struct history_index *index = &history->indexes[history_b(words[0])];
    if (words[1] == 0 || words[1] > HISTORY_KEY_BYTES_MAX)
        return false;
    index->declared = true;
    index->ordered = history_a(words[0]) & HISTORY_ORDERED;
    index->non_unique = history_a(words[0]) & HISTORY_NON_UNIQUE;
    index->variable = history_a(words[0]) & HISTORY_VARIABLE;
    index->key_bytes = (unsigned)words[1];
    index->key_words = history_key_words(index->key_bytes, index->variable);
    memcpy(index->name, words + 2, HISTORY_NAME_BYTES);
    index->name[HISTORY_NAME_BYTES] = '\0';
    return true;
}

bool history_add(struct history *history, const uint64_t *words, size_t count, char *error, size_t error_bytes)
{
    history->streams = support_more(history->streams, history->stream_count, sizeof *history->streams);
    history->streams[history->stream_count++] = (struct history_stream){words, count};
    /* Only declarations are looked at now: what uses an index may stand in a stream that comes later or earlier. */
    for (size_t at = 0; at < count && history_kind(words[at]) == HISTORY_INDEX; at += 10)
        if (count - at < 10 || history_b(words[at]) >= HISTORY_INDEXES_MAX || !declare(history, words + at)) {
            snprintf(error, error_bytes, "word %zu: malformed declaration of an index", at);
            return false;
        }
    return true;
}

/* ---- Registers and keys. ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

enum { SMALL_KEY_BITS = 40, REGISTER_BITS = 56 };

uint64_t history_register(unsigned index, const void *key, size_t key_bytes, bool fixed)
{
    uint64_t word = 0, hash = index;
    if (fixed && key_bytes == sizeof word) {
        memcpy(&word, key, sizeof word);
        if (word >> SMALL_KEY_BITS == 0 && index < HISTORY_INDEXES_MAX)
            return UINT64_C(1) << (REGISTER_BITS - 1) | (uint64_t)index << SMALL_KEY_BITS | word;
    }
    for (size_t i = 0; i < key_bytes; i += sizeof word) {
        word = 0;
        memcpy(&word, (const char *)key + i, key_bytes - i < sizeof word ? key_bytes - i : sizeof word);
        hash = mix(hash ^ word) + i + 1;
    }
    return mix(hash) >> (64 - REGISTER_BITS + 2) | UINT64_C(1) << (REGISTER_BITS - 2);
}

int history_key_compare(const struct history_index *index, const uint64_t *x, const uint64_t *y)
{
    const unsigned char *const a = (const unsigned char *)x, *const b = (const unsigned char *)y;
    if (index->variable) {
        int order = memcmp(a + 1, b + 1, a[0] < b[0] ? a[0] : b[0]);
        return order != 0 ? order : a[0] - b[0];
    }
    if (index->key_bytes == sizeof *x)
        return x[0] < y[0] ? -1 : x[0] > y[0];
    return memcmp(x, y, index->key_bytes);
}

char *history_key_text(const struct history_index *index, const uint64_t *key)
{
    static_assert(2 * (int)HISTORY_KEY_BYTES_MAX < (int)SUPPORT_SHORT_BYTES, "all digits of a key fit");
    const unsigned char *bytes = (const unsigned char *)key;
    if (!index->variable && index->key_bytes == sizeof *key)
        return support_short("%" PRIu64, key[0]);
    const unsigned count = index->variable ? *bytes++ : index->key_bytes;
    char *text = support_short("%s", "");
    for (unsigned i = 0; i < count; i++)
        (void)sprintf(text + 2 * i, "%02x", bytes[i]);
    return text;
}

const char *history_register_name(const struct history *history, uint64_t number)
{
    for (size_t i = 0; i < history->name_count; i++)
        if (history->names[i].number == number)
            return history->names[i].text;
    unsigned index = (unsigned)(number >> SMALL_KEY_BITS & (HISTORY_INDEXES_MAX - 1));
    if (number >> (REGISTER_BITS - 1) == 1 && history->indexes[index].declared)
        return support_short("%s[%" PRIu64 "]", history->indexes[index].name,
                             number & ((UINT64_C(1) << SMALL_KEY_BITS) - 1));
    return support_short("#%" PRIx64, number);
}

const char *history_name_text(uint64_t name)
{
    if (name >> HISTORY_NAME_BITS == 0)
        return support_short("%" PRIu64, name);
    return support_short("%" PRIu64 "/%" PRIu64, name >> HISTORY_NAME_BITS,
                         name & ((UINT64_C(1) << HISTORY_NAME_BITS) - 1));
}

const char *history_version_text(uint64_t name, unsigned seq)
{
    return support_short("%s.%u", history_name_text(name), seq);
}
