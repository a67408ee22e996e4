/*
 * instance.h - what TATP's files share: the rows, the instance, and what its workers have committed.
 *
 * A subscriber has 1 to 4 rows in ACCESS_INFO and in SPECIAL_FACILITY, and each of the latter has 0 to 3 rows in
 * CALL_FORWARDING, one for each of three times of day at which it may begin. Only rows of CALL_FORWARDING are inserted
 * and deleted. What the other rows hold, and which of them there are, follows from the seed, but for the fields that
 * transactions set. A row with such fields also counts its updates, which TATP does not do: it is there for the check.
 *     T1  The rows of the first three tables are those that were loaded; only fields that transactions set may differ.
 *     T2  The updates that rows count are the committed ones, row by row (in sum, weighted by row).
 *     T3  The rows of CALL_FORWARDING are those loaded and inserted and not deleted (in sum, weighted by row), each of
 *         a special facility that exists.
 *     T4  A committed transaction finds each loaded row, none that was not loaded, and only sound call forwardings.
 *     T5  With 100,000 subscribers or more, transactions succeed about as often as TATP's population makes them.
 * check.c demands all of them unless the target promises nothing.
 */
#ifndef WORKLOADS_TATP_INSTANCE_H
#define WORKLOADS_TATP_INSTANCE_H

#include <assert.h>

#include "workloads/micro/common.h"

/* name, how often it succeeds at least and at most, in percent of those that committed or rolled back (T5). Of
 * get_new_destination: with the call forwardings that were loaded, which end within 8 hours; and with those that were
 * inserted, which end at any hour. */
#define TATP_TXNS(X)                        \
    X(get_subscriber_data, 100, 100)        \
    X(get_new_destination, 14.8, 20.4)      \
    X(get_access_data, 62.5, 62.5)          \
    X(update_subscriber_data, 62.5, 62.5)   \
    X(update_location, 100, 100)            \
    X(insert_call_forwarding, 31.25, 31.25) \
    X(delete_call_forwarding, 31.25, 31.25)

enum tatp_txn {
#define TATP_TXN_ENUM(name, least, most) TATP_##name,
    TATP_TXNS(TATP_TXN_ENUM)
#undef TATP_TXN_ENUM
        TATP_TXN_COUNT
};

#define TATP_OPTIONS(X)                                                                                             \
    X(u64, subscribers, "100k", "1..1000000000", "rows", "subscribers; some 10 rows each, in four tables")          \
    X(enum, choice, "nonuniform", "nonuniform|uniform", "",                                                         \
      "which subscribers are asked for: TATP's NURand, or all "                                                     \
      "equally often")                                                                                              \
    X(string, mix, "35/10/35/2/14/2/2", "", "%",                                                                    \
      "percent of the transactions get_subscriber_data/get_new_destination/get_access_data/update_subscriber_data/" \
      "update_location/insert_call_forwarding/delete_call_forwarding")                                              \
    X(bool, snapshot_reads, "off", "", "", "transactions that only read run as snapshots")

struct tatp_options {
    TATP_OPTIONS(OPTION_FIELD)
};

enum { TATP_NONUNIFORM, TATP_UNIFORM };

/* Tables, and the index by key of each; then the subscribers' second index. */
enum {
    TATP_SUBSCRIBER,
    TATP_ACCESS,
    TATP_FACILITY,
    TATP_FORWARDING,
    TATP_TABLES,
    TATP_NUMBER = TATP_TABLES,
    TATP_INDEXES
};
enum {
    TATP_KINDS = 4,  /* of access and of facilities */
    TATP_STARTS = 3, /* of forwardings: at 0, 8 and 16 o'clock */
    TATP_START_HOURS = 8,
    TATP_DIGITS = 15,
    TATP_NUMBER_BYTES = 16 /* digits, padded with a zero */
};

struct tatp_subscriber {
    uint64_t id; /* from 1 */
    uint64_t updates;
    uint32_t msc_location, vlr_location;
    char number[TATP_NUMBER_BYTES];
    uint8_t bits[10], hexes[10], bytes[10];
    uint8_t unused[2];
};

struct tatp_access {
    uint64_t key;
    uint8_t data1, data2;
    char data3[3], data4[5];
    uint8_t unused[6];
};

struct tatp_facility {
    uint64_t key;
    uint64_t updates;
    uint8_t is_active, error_control, data_a;
    char data_b[5];
};

struct tatp_forwarding {
    uint64_t key;
    uint8_t start_hour, end_hour;
    char number[TATP_NUMBER_BYTES]; /* follows from key and end_hour */
    uint8_t unused[6];
};

static_assert(sizeof(struct tatp_subscriber) == 72 && sizeof(struct tatp_access) == 24 &&
                  sizeof(struct tatp_facility) == 24 && sizeof(struct tatp_forwarding) == 32,
              "no padding: rows are compared byte by byte");

/* Keys of ACCESS_INFO and SPECIAL_FACILITY (kind from 0), and of CALL_FORWARDING. */
static inline uint64_t tatp_kind_key(uint64_t subscriber, unsigned kind)
{
    return subscriber * TATP_KINDS + kind;
}

static inline uint64_t tatp_forwarding_key(uint64_t facility_key, unsigned start)
{
    return facility_key * TATP_STARTS + start;
}

/* What a worker has committed. The prints are sums of micro_weight. */
struct tatp_tally {
    uint64_t rounds;                                          /* how often its requests were begun */
    uint64_t tries[TATP_TXN_COUNT], failures[TATP_TXN_COUNT]; /* roll-backs are among both */
    uint64_t subscriber_print, facility_print;                /* of updates */
    uint64_t forwarding_print;                                /* of inserts minus deletes */
    int64_t forwardings;
};

struct workload {
    struct micro micro;
    struct tatp_options options;
    uint8_t mix[TATP_TXN_COUNT];
    uint32_t nurand_a;
};

extern const char *const tatp_txn_types[];

/* Whether the row was loaded (of CALL_FORWARDING: at first). */
bool tatp_is_loaded(const struct workload *workload, unsigned table, uint64_t key);

/* A row as it was loaded. */
void tatp_fill_subscriber(const struct workload *workload, uint64_t id, struct tatp_subscriber *row);
void tatp_fill_access(const struct workload *workload, uint64_t key, struct tatp_access *row);
void tatp_fill_facility(const struct workload *workload, uint64_t key, struct tatp_facility *row);
void tatp_fill_forwarding(uint64_t key, unsigned end_hour, struct tatp_forwarding *row);

/* The subscriber's number as a key: its id in 15 digits. */
void tatp_number(uint64_t id, char number[TATP_NUMBER_BYTES]);

/* Whether the row is as tatp_fill_forwarding wrote it for this key. */
bool tatp_forwarding_is_sound(const void *data, size_t bytes, uint64_t key);

struct workload_worker {
    struct micro_worker base;
    /* The request. */
    enum tatp_txn type;
    uint64_t subscriber;
    unsigned kind, start, end_hour;
    uint32_t location;
    uint8_t bit, data_a;
    char number[TATP_NUMBER_BYTES];
    /* Of the running attempt. */
    struct target_txn *txn;
    enum target_status status; /* of the scan */
    unsigned operations;
    bool failed, reached;   /* reached: a call forwarding that holds */
    struct tatp_tally done; /* its prints and forwardings */
    char finding[MICRO_FINDING_BYTES];
};

/* ---- transactions.c ---- */

/* Each round of a worker draws other requests: to insert the same rows again would fail more often than it should. */
enum target_status tatp_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state);
unsigned tatp_next(struct workload_worker *state);
bulk_attempt_fn tatp_attempt;
unsigned tatp_operations(const struct workload_worker *state);

bulk_pass_fn tatp_check_pass; /* check.c */

#endif
