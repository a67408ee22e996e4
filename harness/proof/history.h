/*
 * history.h - histories, which record what transactions saw and did: the format, writing it, reading it back.
 *
 * Objects. A register is a row, named by a 64-bit number. The recording target (harness/targets/recording.c) derives
 * the number from index and key, so the register goes on if a key is deleted and inserted again. A version of a
 * register is named by its writer's timestamp and by `seq`: 1 for the first write of that transaction, 2 for the
 * second, and so on, 255 for the 255th and all later ones. Index entries are objects of their own, named by index and
 * key (in non-unique indexes by key and row).
 *
 * In memory and in binary files a history is a sequence of records made of 64-bit words. Word 0 of a record has the
 * kind in bits 0-7, `a` in bits 8-15 and `b` in bits 16-63. `key` is (key_bytes + 7) / 8 words, padded with zeros; `ts`
 * is a timestamp, 0 for none; `seq` as above.
 *
 *   kind     a                  b              further words                  meaning
 *   INDEX    1 ordered,         index          key_bytes, 8 words of name     an index, before it is used
 *            2 non-unique
 *   BEGIN    1 snapshot         worker         ts
 *   READ     seq read                          register, ts read
 *   WRITE    own seq            seq replaced   register, ts replaced          an update that read what it replaced
 *   BLIND    own seq                           register                       a write that read nothing
 *   INSERT   own seq                           register,                      row: table << 48 | ref
 *                                              row
 *   DELETE   own seq            seq deleted    register, ts deleted           ts ~0: whichever version it was
 *   MISS                                       register                       looked for, not there
 *   EXISTS                                     register                       not inserted, since it is there
 *   WRONG                                      register looked for,
 *                                              register found
 *   ADD                         index          key, ref                       the entry key -> ref was added
 *   REMOVE                      index          key, ref                       it was removed; ref ~0: whichever it was
 *   FIND                        index          key, ref                       ref ~0: any
 *   ABSENT                      index          key
 *   SCAN     flags below        index          low key, high key, count,      all entries from low to high, in the
 *                                              count times (key, ref)         scan's direction, up to where it went
 *   ROWS                        table          count                          all rows of a table, so many
 *   MOVED                                      ts, ts of BEGIN                its place in the order, before COMMIT;
 *   its
 *                                                                             versions carry the ts of BEGIN
 *   COMMIT
 *   ABORT    status
 * A transaction's records stand together, from BEGIN to COMMIT or ABORT, in the order in which they happened.
 *
 * A binary file is the word "MAEHIST1", then blocks. Word 0 of a block has the number of words that follow in bits
 * 0-47, and the stream's number above. Each worker writes a stream of its own. A block has complete transactions. The
 * last word of the file is the head of an empty block of stream 0xffff; without it the file is incomplete and proves
 * nothing.
 *
 * The text form, for people and for tests, has one record a line, words separated by blanks; '#' begins a comment:
 *   index 0 customers ordered|hash unique|non-unique 8
 *   begin 100 rw|snapshot worker 1
 *   read X 90.1 | write X 1 over 90.1 | blind X 1 | insert X 1 [row 5] | delete X 1 over 90.1|*
 *   miss X | exists X | wrong X Y
 *   add 0 KEY REF | remove 0 KEY REF|* | find 0 KEY REF|* | absent 0 KEY
 *   scan 0 forward|backward LOW|- HIGH|- all|part : KEY=REF KEY=REF ...
 *   moved 120 from 100
 *   commit | abort [MAE_ABORT_...]
 * X is a register: any word, or #HEX for the number itself. KEY is a number for 8-byte keys, else hex digits.
 */
#ifndef HARNESS_PROOF_HISTORY_H
#define HARNESS_PROOF_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* name in text, number of words without keys and lists, keys */
#define HISTORY_KINDS(X)      \
    X(INDEX, "index", 10, 0)  \
    X(BEGIN, "begin", 2, 0)   \
    X(READ, "read", 3, 0)     \
    X(WRITE, "write", 3, 0)   \
    X(BLIND, "blind", 2, 0)   \
    X(INSERT, "insert", 3, 0) \
    X(DELETE, "delete", 3, 0) \
    X(MISS, "miss", 2, 0)     \
    X(EXISTS, "exists", 2, 0) \
    X(WRONG, "wrong", 3, 0)   \
    X(ADD, "add", 2, 1)       \
    X(REMOVE, "remove", 2, 1) \
    X(FIND, "find", 2, 1)     \
    X(ABSENT, "absent", 1, 1) \
    X(SCAN, "scan", 2, 2)     \
    X(ROWS, "rows", 2, 0) X(MOVED, "moved", 3, 0) X(COMMIT, "commit", 1, 0) X(ABORT, "abort", 1, 0)

enum history_kind {
    HISTORY_NONE,
#define HISTORY_ENUM(name, text, words, keys) HISTORY_##name,
    HISTORY_KINDS(HISTORY_ENUM)
#undef HISTORY_ENUM
        HISTORY_KIND_COUNT
};

enum { HISTORY_INDEXES_MAX = 1024, HISTORY_NAME_BYTES = 64, HISTORY_KEY_WORDS_MAX = 8 };
enum { HISTORY_SNAPSHOT = 1 };
enum { HISTORY_ORDERED = 1, HISTORY_NON_UNIQUE = 2 };
/* HISTORY_PART: more entries may have the last key than the scan has visited (non-unique indexes). */
enum { HISTORY_BACKWARD = 1, HISTORY_LOW_OPEN = 2, HISTORY_HIGH_OPEN = 4, HISTORY_PART = 8 };
#define HISTORY_ANY_REF UINT64_MAX
#define HISTORY_ANY_TS UINT64_MAX

static inline uint64_t history_word(enum history_kind kind, uint64_t a, uint64_t b)
{
    return (uint64_t)kind | (a & 0xff) << 8 | b << 16;
}

static inline enum history_kind history_kind(uint64_t word)
{
    return (enum history_kind)(word & 0xff);
}

static inline unsigned history_a(uint64_t word)
{
    return (unsigned)(word >> 8 & 0xff);
}

static inline uint64_t history_b(uint64_t word)
{
    return word >> 16;
}

struct history_index {
    bool declared, ordered, non_unique;
    unsigned key_bytes, key_words;
    char name[HISTORY_NAME_BYTES + 1];
};

/* ---- Writing: one log a worker. ---- */

struct history_log {
    uint64_t *words;
    size_t count, capacity;
    size_t begun; /* where the running transaction begins */
    int fd;       /* -1: everything stays in memory */
    uint32_t stream;
    int error; /* errno of the first failure; nothing is recorded after it */
};

/* fd: of a file history_file_create made, or -1. */
void history_log_init(struct history_log *log, int fd, uint32_t stream);
void history_log_fini(struct history_log *log); /* writes what is left */
void history_log_clear(struct history_log *log);

/* Room for `words` more, to be filled by the caller; NULL after a failure. */
uint64_t *history_log_add(struct history_log *log, size_t words);

/* At the end of a transaction: writes what has gathered when it is enough. */
void history_log_flush(struct history_log *log, bool all);

/* A new file with its head written; -1 and errno. */
int history_file_create(const char *path);

/* Closes it, after its end if it is `whole`; 0 or errno. */
int history_file_end(int fd, bool whole);

/* ---- Reading. ---- */

struct history_stream {
    const uint64_t *words;
    size_t count;
};

struct history_name {
    uint64_t number;
    char *text;
};

struct history {
    struct history_stream *streams;
    size_t stream_count, stream_capacity;
    struct history_index indexes[HISTORY_INDEXES_MAX];
    struct history_name *names; /* of registers that a text named */
    size_t name_count;
    void *owned; /* the words, if read from a file */
};

void history_init(struct history *history);
void history_fini(struct history *history);

/* Adds words that stay the caller's. False with a message in `error` if they are malformed. */
bool history_add(struct history *history, const uint64_t *words, size_t count, char *error, size_t error_bytes);

/* Reads a binary or a text file; messages name file and line or word. */
bool history_load(struct history *history, const char *path, char *error, size_t error_bytes);
bool history_parse(struct history *history, const char *name, const char *text, char *error, size_t error_bytes);

/* The number of words of the record at `words`, of which `left` are there; 0 if malformed. */
size_t history_record_words(const struct history *history, const uint64_t *words, size_t left);

bool history_print(const struct history *history, FILE *out); /* in text form; false at a malformed record */
void history_print_record(const struct history *history, const uint64_t *words, FILE *out);
void history_register_name(const struct history *history, uint64_t number, char *text, size_t bytes);
void history_key_text(const struct history_index *index, const uint64_t *key, char *text, size_t bytes);

/* The register of an index's key: injective for small keys, else a hash. */
uint64_t history_register(unsigned index, const void *key, size_t key_bytes);

/* Keys as they sort in the index. */
int history_key_compare(const struct history_index *index, const uint64_t *x, const uint64_t *y);

#endif
