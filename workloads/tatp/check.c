/* check.c - the proof of a run: T1 to T3 of all rows, T4 as the workers have found it, T5. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "workloads/tatp/instance.h"

/* T5 */
enum { RATED_SUBSCRIBERS = 100000, RATED_TRIES = 1000 };

struct check {
    struct workload *workload;
    unsigned table;
    bool racy;
    struct tatp_tally found, loaded; /* their prints and forwardings */
    char *report;
    size_t report_bytes;
};

static bool bad(struct check *check, uint64_t key, const char *what)
{
    static const char *const tables[] = {"subscriber", "access_info", "special_facility", "call_forwarding"};
    snprintf(check->report, check->report_bytes, "%s %" PRIu64 ": %s", tables[check->table], key, what);
    return false;
}

/* T1: makes in `expected` the row as loaded, with the fields of `data` that transactions set; its size. */
static size_t expect(struct check *check, uint64_t key, const void *data, void *expected)
{
    switch (check->table) {
    case TATP_SUBSCRIBER: {
        const struct tatp_subscriber *row = data;
        struct tatp_subscriber *subscriber = expected;
        tatp_fill_subscriber(check->workload, key, subscriber);
        subscriber->bits[0] = row->bits[0];
        subscriber->vlr_location = row->vlr_location;
        subscriber->updates = row->updates;
        check->found.subscriber_print += micro_weight(key) * row->updates;
        return sizeof *row;
    }
    case TATP_ACCESS:
        tatp_fill_access(check->workload, key, expected);
        return sizeof(struct tatp_access);
    default: {
        const struct tatp_facility *row = data;
        struct tatp_facility *facility = expected;
        tatp_fill_facility(check->workload, key, facility);
        facility->data_a = row->data_a;
        facility->updates = row->updates;
        check->found.facility_print += micro_weight(key) * row->updates;
        return sizeof *row;
    }
    }
}

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    static const size_t sizes[] = {sizeof(struct tatp_subscriber), sizeof(struct tatp_access),
                                   sizeof(struct tatp_facility)};
    struct check *check = arg;
    struct tatp_subscriber expected; /* the largest */
    bool loaded = tatp_is_loaded(check->workload, check->table, key);
    if (!data)
        return !loaded || bad(check, key, "no row, though it was loaded");
    if (!loaded)
        return bad(check, key, "a row that was never loaded");
    if (bytes != sizes[check->table])
        return bad(check, key, "a row of another size");
    if (memcmp(data, &expected, expect(check, key, data, &expected)) == 0 || check->racy)
        return true;
    return bad(check, key, "fields that no transaction sets have changed");
}

/* T3 */
static bool check_forwarding(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    if (tatp_is_loaded(check->workload, TATP_FORWARDING, key)) {
        check->loaded.forwarding_print += micro_weight(key);
        check->loaded.forwardings++;
    }
    if (!data || check->racy)
        return true;
    if (!tatp_is_loaded(check->workload, TATP_FACILITY, key / TATP_STARTS))
        return bad(check, key, "its special facility does not exist");
    if (!tatp_forwarding_is_sound(data, bytes, key))
        return bad(check, key, "not as any transaction wrote it");
    check->found.forwarding_print += micro_weight(key);
    check->found.forwardings++;
    return true;
}

static uint64_t subscriber_at(void *arg, uint64_t i)
{
    (void)arg;
    return i + 1;
}

static uint64_t kind_key_at(void *arg, uint64_t i)
{
    (void)arg;
    return tatp_kind_key(1, 0) + i;
}

static uint64_t forwarding_key_at(void *arg, uint64_t i)
{
    (void)arg;
    return tatp_forwarding_key(tatp_kind_key(1, 0), 0) + i;
}

/* All keys that there may be; keys without a row are looked up, too. */
static enum target_status walk(struct check *check, struct target_worker *worker)
{
    const struct micro *micro = &check->workload->micro;
    static uint64_t (*const keys[])(void *arg, uint64_t i) = {subscriber_at, kind_key_at, kind_key_at,
                                                              forwarding_key_at};
    static const unsigned key_counts[] = {1, TATP_KINDS, TATP_KINDS, TATP_KINDS * TATP_STARTS};
    for (check->table = 0; check->table < TATP_TABLES; check->table++) {
        struct bulk bulk = {.ops = micro->ops,
                            .worker = worker,
                            .index = micro->indexes[check->table],
                            .arg = check,
                            .key = keys[check->table],
                            .visit = check->table == TATP_FORWARDING ? check_forwarding : check_row};
        enum target_status status = bulk_walk(&bulk, 0, key_counts[check->table] * micro->rows);
        if (status != TARGET_OK)
            return status;
    }
    return TARGET_OK;
}

/* T2 and T3 */
static bool sums_are_right(const struct check *check, const struct tatp_tally *committed)
{
    const char *wrong = check->found.subscriber_print != committed->subscriber_print ? "updates that subscribers count"
                        : check->found.facility_print != committed->facility_print
                            ? "updates that special facilities count"
                        : check->found.forwarding_print != check->loaded.forwarding_print + committed->forwarding_print
                            ? "keys of call forwardings"
                            : NULL;
    if (wrong && !check->racy)
        snprintf(check->report, check->report_bytes,
                 "the %s are not what was committed: one is missing, doubled, or of another row; call forwardings: "
                 "%" PRId64 ", expected %" PRId64,
                 wrong, check->found.forwardings, check->loaded.forwardings + committed->forwardings);
    return !wrong || check->racy;
}

/* T5. Sets `text` to the rates. Tolerances: 4% for the population, and five standard deviations of the draws. */
static bool rates_are_right(struct check *check, const struct tatp_tally *committed, char *text, size_t text_bytes)
{
    static const struct {
        double least, most;
    } rates[] = {
#define TXN_RATE(name, least, most) {(least) / 100.0, (most) / 100.0},
        TATP_TXNS(TXN_RATE)
#undef TXN_RATE
    };
    size_t length = 0;
    bool rated = check->workload->options.subscribers >= RATED_SUBSCRIBERS && !check->racy;
    for (unsigned i = 0; i < TATP_TXN_COUNT; i++) {
        double tries = (double)committed->tries[i], rate = tries > 0 ? 1 - (double)committed->failures[i] / tries : 0;
        double tolerance = tries > 0 ? 0.04 + 2.5 / sqrt(tries) : 1;
        length += (size_t)snprintf(text + length, text_bytes - length, "%s%.1f", i ? "/" : "", 100 * rate);
        if (!rated || tries < RATED_TRIES || (rate >= rates[i].least - tolerance && rate <= rates[i].most + tolerance))
            continue;
        snprintf(check->report, check->report_bytes,
                 "%s: %.1f%% of %" PRIu64 " succeeded, expected %.1f to %.1f%%, give or take %.1f%%", tatp_txn_types[i],
                 100 * rate, committed->tries[i], 100 * rates[i].least, 100 * rates[i].most, 100 * tolerance);
        return false;
    }
    return true;
}

enum target_status tatp_check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                   size_t report_bytes)
{
    struct check check = {
        .workload = workload, .racy = micro_is_racy(workload), .report = report, .report_bytes = report_bytes};
    struct tatp_tally committed = {0};
    char rates[96];
    enum target_status status = walk(&check, worker);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct tatp_tally *tally = micro_tally(workload, i);
        for (unsigned type = 0; type < TATP_TXN_COUNT; type++) {
            committed.tries[type] += tally->tries[type];
            committed.failures[type] += tally->failures[type];
        }
        committed.subscriber_print += tally->subscriber_print;
        committed.facility_print += tally->facility_print;
        committed.forwarding_print += tally->forwarding_print;
        committed.forwardings += tally->forwardings;
    }
    if (!sums_are_right(&check, &committed) || !rates_are_right(&check, &committed, rates, sizeof rates))
        return TARGET_CORRUPT;
    snprintf(report, report_bytes, "%" PRIu64 " subscribers, %" PRId64 " call forwardings%s; %s%% succeeded",
             workload->options.subscribers, check.found.forwardings,
             check.racy ? " (not transactional: not compared)" : ": every committed change, in its row", rates);
    return TARGET_OK;
}
