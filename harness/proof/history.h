/*
 * history.h - what transactions saw and did: the format, and writing it. Reading is in load.h, the text form in text.h.
 *
 * Objects. A register is a row, named by a 64-bit number: the recording target (harness/targets/recording.c) derives it
 * from index and key, so it goes on when a key is deleted and inserted again. Index entries are objects of their own,
 * named by index and key (non-unique indexes: key and row).
 *
 * Names. The recorder names each transaction itself: the number of the worker's stream in bits 40 and up, the number
 * of the worker's transaction below. A version of a register is named by its writer and by `seq`, which counts the
 * writes of that transaction: 1, 2, ... (from the 255th on 255). So a history needs nothing from the database but what
 * it returned. Only COMMIT may hold a claim of the database: its place in the serial order.
 *
 * An APPLY changes a version without reading it, and commutes with others. A version to which some have been applied
 * goes by the sum, modulo 2^64, of its writer's name and of each one's history_apply_weight. So the database can keep
 * the name by additions, and who reads it tells exactly which ones it saw; `seq` stays the writer's.
 *
 * In memory and in binary files a history is 64-bit words, records one behind the other. Word 0 of a record: bits 0-7
 * kind, 8-15 `a`, 16-63 `b`. `key` is (key_bytes + 7) / 8 words, zero padded; one of variable length is a byte that
 * says how many bytes it has, and these bytes, in (key_bytes + 8) / 8 words.
 *
 *   INDEX    a: flags below              b: index      key_bytes, 8 words of name      before the index is used
 *   BEGIN    a: 1 snapshot               b: worker     name
 *   READ     a: seq read                               register, name of the writer read
 *   WRITE    a: own seq    b: seq replaced             register, name replaced         an update, which read that
 *   BLIND    a: own seq                                register                        a write that read nothing
 *   APPLY    a: own seq                                register                        see above
 *   INSERT   a: own seq                                register, row (table << 48 | ref)
 *   DELETE   a: own seq    b: seq deleted              register, name deleted (~0: whichever it was)
 *   MISS                                               register                        looked for, not there
 *   EXISTS                                             register                        not inserted, since it is there
 *   WRONG                                              register looked for, register found
 *   ADD      b: index                                  key, ref                        the entry key -> ref was added
 *   REMOVE   b: index                                  key, ref                        and removed; ref ~0: whichever
 *   FIND     b: index                                  key, ref                        ref ~0: any
 *   ABSENT   b: index                                  key
 *   SCAN     a: flags below              b: index      low key, high key, count, count times (key, ref)
 *            all entries from low to high, in the scan's direction; the bounds say how far the scan went
 *   ROWS     b: table                                  count                           all rows of a table, this many
 *   COMMIT                                             place in the serial order, 0: not known; a snapshot
 *            sees what has this place or a smaller one
 *   ABORT    a: status (enum target_status)
 * A transaction's records stand together, BEGIN to COMMIT or ABORT, in the order in which they happened.
 *
 * A binary file is the word HISTORY_MAGIC, then blocks: word 0 the number of words that follow in bits 0-47, the
 * stream's number above. Each worker writes a stream of its own; a block holds whole transactions. The last word is the
 * head of an empty block of stream 0xffff: without it the file is not whole, and nothing can be said about it.
 *
 * The text form, for people and for tests, has one record a line, words separated by blanks; '#' begins a comment:
 *   index 0 customers ordered|hash unique|non-unique fixed|variable 8
 *   begin 1/20 rw|snapshot worker 1
 *   read X 2/9.1 | write X 1 over 2/9.1 | blind X 1 | apply X 1 | insert X 1 [row 5] | delete X 1 over 2/9.1|* |
 *   miss X | exists X | wrong X Y
 *   add 0 KEY REF | remove 0 KEY REF|* | find 0 KEY REF|* | absent 0 KEY
 *   scan 0 forward|backward LOW|- HIGH|- all|part : KEY=REF KEY=REF ...
 *   commit [PLACE] | abort [STATUS]
 * X is a register: any word, or #HEX for the number itself. KEY is a number for fixed keys of 8 bytes, else hex digits.
 * A name is STREAM/NUMBER, or a number alone. STATUS is a number. `read X 2/9.1+3/1.2` saw the second write of 3/1, an
 * APPLY, on top of 2/9.1.
 */
#ifndef HARNESS_PROOF_HISTORY_H
#define HARNESS_PROOF_HISTORY_H

#include "harness/common/support.h"

/* name in text, its fields there (text.c), number of words without keys and lists, keys */
#define HISTORY_KINDS(X)               \
    X(INDEX, "index", "jahuqz", 10, 0) \
    X(BEGIN, "begin", "nmw", 2, 0)     \
    X(READ, "read", "xv", 3, 0)        \
    X(WRITE, "write", "xso", 3, 0)     \
    X(BLIND, "blind", "xs", 2, 0)      \
    X(APPLY, "apply", "xs", 2, 0)      \
    X(INSERT, "insert", "xsr", 3, 0)   \
    X(DELETE, "delete", "xsO", 3, 0)   \
    X(MISS, "miss", "x", 2, 0)         \
    X(EXISTS, "exists", "x", 2, 0)     \
    X(WRONG, "wrong", "xy", 3, 0)      \
    X(ADD, "add", "ikf", 2, 1)         \
    X(REMOVE, "remove", "ikf", 2, 1)   \
    X(FIND, "find", "ikf", 2, 1)       \
    X(ABSENT, "absent", "ik", 1, 1)    \
    X(SCAN, "scan", "idlge", 2, 2)     \
    X(ROWS, "rows", "tc", 2, 0)        \
    X(COMMIT, "commit", "p", 2, 0)     \
    X(ABORT, "abort", "S", 1, 0)

enum history_kind {
    HISTORY_NONE,
#define HISTORY_ENUM(name, text, fields, words, keys) HISTORY_##name,
    HISTORY_KINDS(HISTORY_ENUM)
#undef HISTORY_ENUM
        HISTORY_KIND_COUNT
};

enum {
    HISTORY_INDEXES_MAX = 1024,
    HISTORY_NAME_BYTES = 64,
    HISTORY_KEY_BYTES_MAX = 255,
    HISTORY_KEY_WORDS_MAX = (HISTORY_KEY_BYTES_MAX + 1) / 8
};
enum { HISTORY_SNAPSHOT = 1 };
enum { HISTORY_ORDERED = 1, HISTORY_NON_UNIQUE = 2, HISTORY_VARIABLE = 4 };
/* HISTORY_PART: more entries may have the last key than the scan has visited (non-unique indexes). */
enum { HISTORY_BACKWARD = 1, HISTORY_LOW_OPEN = 2, HISTORY_HIGH_OPEN = 4, HISTORY_PART = 8 };
#define HISTORY_ANY_REF UINT64_MAX
#define HISTORY_ANY_NAME UINT64_MAX

enum { HISTORY_NAME_BITS = 40 };

/* Of files. */
#define HISTORY_MAGIC "MAEHIST3"
enum { HISTORY_MAGIC_BYTES = 8, HISTORY_BLOCK_WORDS_BITS = 48 };
#define HISTORY_END_WORD (UINT64_C(0xffff) << HISTORY_BLOCK_WORDS_BITS)

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

/* What an APPLY, the write `seq` of the transaction `name`, adds to the name of a version. */
static inline uint64_t history_apply_weight(uint64_t name, unsigned seq)
{
    uint64_t x = (name << 8 | seq) + UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct history_index {
    bool declared, ordered, non_unique, variable;
    unsigned key_bytes, key_words; /* variable: key_bytes of the longest key */
    char name[HISTORY_NAME_BYTES + 1];
};

/* How many words a key takes. */
static inline unsigned history_key_words(size_t key_bytes, bool variable)
{
    return (unsigned)((key_bytes + variable + sizeof(uint64_t) - 1) / sizeof(uint64_t));
}

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
    size_t stream_count;
    struct history_index indexes[HISTORY_INDEXES_MAX];
    struct history_name *names; /* of registers that a text named */
    size_t name_count;
    void *owned; /* the words, if read from a file */
};

void history_init(struct history *history);
void history_fini(struct history *history);

/* Adds words that stay the caller's. False with a message in `error` if they are malformed. */
bool history_add(struct history *history, const uint64_t *words, size_t count, char *error, size_t error_bytes);

/* The number of words of the record at `words`, of which `left` are there; 0 if malformed. */
size_t history_record_words(const struct history *history, const uint64_t *words, size_t left);

/* Names as texts have them; "1/20", "1/20.3". Each is the history's or a support_short. */
const char *history_register_name(const struct history *history, uint64_t number);
char *history_key_text(const struct history_index *index, const uint64_t *key);
const char *history_name_text(uint64_t name);
const char *history_version_text(uint64_t name, unsigned seq);

/* The register of an index's key: injective for small numbers, else a hash. `fixed`: keys of 8 bytes are numbers. */
uint64_t history_register(unsigned index, const void *key, size_t key_bytes, bool fixed);

/* Keys as they sort in the index. */
int history_key_compare(const struct history_index *index, const uint64_t *x, const uint64_t *y);

#endif
